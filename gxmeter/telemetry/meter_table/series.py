"""Whose a row is: run, site and device, from columns or as declared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gxmeter.telemetry.meter_table.mapping import Mapping
from gxmeter.telemetry.model import SeriesKey
from gxmeter.telemetry.text.columns import Chunk, Coded
from gxmeter.telemetry.text.remarks import Remarks

DEFAULT_METER = "meter"
_ROLES = ("run", "site", "host", "device")


@dataclass(slots=True)
class Series:
    """Tells the series of rows.

    A meter that its table names is ``host.name`` where the host is known (outlets are numbered anew on every PDU);
    without a name it is what was declared as ``meter``, else its host, else :data:`DEFAULT_METER`.
    """

    mapping: Mapping
    remarks: Remarks
    run: str
    site: str
    host: str
    _hosts: dict[SeriesKey, str] = field(default_factory=dict)

    @property
    def fallback(self) -> str:
        """The id of a meter that no column names."""
        return self.mapping.meter or self.host or DEFAULT_METER

    @property
    def is_unnamed(self) -> bool:
        """Whether nothing says which meter it is."""
        return not (self.mapping.columns.keys() & {"device", "host"}) and self.fallback == DEFAULT_METER

    def host_of(self, key: SeriesKey) -> str:
        """The machine that a series is of, or empty text."""
        return self._hosts.get(key, "")

    def of(self, chunk: Chunk) -> tuple[tuple[SeriesKey, ...], npt.NDArray[np.int32]]:
        """The series of a chunk, and which of them each row is of; -1 where the row names no meter."""
        texts: dict[str, list[str]] = {}
        packed = np.zeros(len(chunk), np.int64)
        for role in _ROLES:
            name = self.mapping.columns.get(role)
            column = Coded([""], np.zeros(len(chunk), np.int32)) if name is None else chunk.coded(name)
            texts[role] = column.texts
            packed = packed * len(column.texts) + column.codes
        used, codes = np.unique(packed, return_inverse=True)
        found = [self._key(self._unpacked(int(one), texts)) for one in used.tolist()]
        keys = tuple(dict.fromkeys(key for key in found if key is not None))
        place = np.array([-1 if key is None else keys.index(key) for key in found], np.int32)
        result = place[codes] if found else codes.astype(np.int32)
        self._name_empty(chunk, result)
        return keys, result

    def _unpacked(self, packed: int, texts: dict[str, list[str]]) -> dict[str, str]:
        told = {}
        for role in reversed(_ROLES):
            packed, place = divmod(packed, len(texts[role]))
            told[role] = texts[role][place]
        return told

    def _key(self, told: dict[str, str]) -> SeriesKey | None:
        host = told["host"] or self.host
        device = told["device"]
        device_named = "device" in self.mapping.columns
        if device_named:
            if not device:
                return None
            device = f"{host}.{device}" if host else device
        else:
            device = self.mapping.meter or host or DEFAULT_METER
        key = SeriesKey(told["run"] or self.run, told["site"] or self.site, device)
        # Told for the whole file, the name is that of the instrument with its outlets: no machine that they share.
        self._hosts[key] = told["host"] if device_named else host
        return key

    def _name_empty(self, chunk: Chunk, codes: npt.NDArray[np.int32]) -> None:
        at = np.nonzero(codes < 0)[0].tolist()
        if at:
            column = self.mapping.columns["device"]
            self.remarks.add("cell-not-measured", row=chunk.rows[at[0]], found="-", count=len(at), column=column)
