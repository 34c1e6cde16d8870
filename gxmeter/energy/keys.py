"""Numbers for names: series keys and devices become small integers, so that the kernel sorts integers."""

from __future__ import annotations

import numpy as np

from gxmeter.energy.model import Device
from gxmeter.telemetry.model import Int64, SeriesKey


class KeyTable:
    """Codes of the series keys and devices of one file, in order of appearance.

    The arrays are rebuilt only when a batch brings a new key.
    """

    def __init__(self) -> None:
        """Start without keys."""
        self.keys: list[SeriesKey] = []
        self.devices: list[Device] = []
        self._key_code: dict[SeriesKey, int] = {}
        self._device_code: dict[Device, int] = {}
        self._device_of_key: list[int] = []
        self._latest: tuple[tuple[SeriesKey, ...], Int64] = ((), np.zeros(0, np.int64))
        self.device_of: Int64 = np.zeros(0, np.int64)
        """Device code by key code."""
        self.rank: Int64 = np.zeros(0, np.int64)
        """Place of a key among all keys sorted as text, by key code: ties never depend on reading order."""

    def codes(self, keys: tuple[SeriesKey, ...]) -> Int64:
        """The codes of a batch's keys; new ones are added. A reader that hands the same keys on is answered at once."""
        if keys is not self._latest[0]:
            self._latest = keys, np.array([self._code(key) for key in keys], np.int64)
        if len(self.keys) != len(self.rank):
            self.device_of = np.array(self._device_of_key, np.int64)
            order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
            self.rank = np.empty(len(order), np.int64)
            self.rank[order] = np.arange(len(order))
        return self._latest[1]

    def _code(self, key: SeriesKey) -> int:
        if key not in self._key_code:
            device = Device(key.site, key.device)
            if device not in self._device_code:
                self._device_code[device] = len(self.devices)
                self.devices.append(device)
            self._key_code[key] = len(self.keys)
            self.keys.append(key)
            self._device_of_key.append(self._device_code[device])
        return self._key_code[key]
