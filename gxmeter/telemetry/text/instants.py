"""Times as files write them, to Unix milliseconds: with a zone, in a declared zone, or as a count since 1970."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unicodedata import normalize
from zoneinfo import ZoneInfo

import numpy as np

from gxmeter.core.calendar import to_ms
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Int64

DEFAULT_ZONE = "Asia/Tokyo"
"""Where nobody says in which zone a file's times are: the machines stand in Japan, and a finding says so."""

_COUNT = re.compile(r"\d{9,19}(\.\d+)?", re.ASCII)
_SHAPE = re.compile(
    r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|UTC|GMT|JST|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "JST": 540}
_SECONDS_UNTIL = 10**11
_MS_UNTIL = 10**14
_US_UNTIL = 10**17


@dataclass(slots=True)
class Clock:
    """Reads a file's times.

    Attributes:
        zone: IANA name for times without a zone; empty: :data:`DEFAULT_ZONE`, and ``assumed`` tells that it was needed.
        assumed: whether a time without a zone was read while no zone was declared.
        folded: how many times fell into the hour that a change of the clock repeats; the earlier one
            of the two is taken.
        skipped: how many times fell into an hour that a change of the clock leaves out; they are no instants.
    """

    zone: str = ""
    assumed: bool = False
    folded: int = 0
    skipped: int = 0
    _info: ZoneInfo | None = None
    _offsets: dict[str, int | None] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Find the zone.

        Raises:
            InputError: ``time-zone-unknown``.
        """
        self._offsets = {}
        try:
            self._info = ZoneInfo(self.zone or DEFAULT_ZONE)
        except (KeyError, ValueError, OSError):
            raise InputError("time-zone-unknown", found=self.zone) from None

    def findings(self, file: str) -> list[Finding]:
        """What was assumed about a file's times."""
        found = [finding("time-zone-assumed", file=file, found=DEFAULT_ZONE)] if self.assumed else []
        if self.folded:
            found.append(finding("time-repeated", file=file, count=self.folded))
        if self.skipped:
            found.append(finding("time-skipped", file=file, count=self.skipped))
        return found

    def milliseconds(self, texts: Sequence[str]) -> tuple[Int64, np.typing.NDArray[np.bool_]]:
        """Unix milliseconds of each text, and which texts are times."""
        cache: dict[str, int | None] = {}
        values = np.zeros(len(texts), np.int64)
        good = np.zeros(len(texts), np.bool_)
        for i, text in enumerate(texts):
            if text not in cache:
                cache[text] = self.one(text)
            value = cache[text]
            if value is not None:
                values[i], good[i] = value, True
        return values, good

    def one(self, text: str) -> int | None:
        """Unix milliseconds of one text [ms], cut below a millisecond; None where it is no time.

        Counts since 1970 are in seconds, milli-, micro- or nanoseconds by their size; ``24:00`` is the next ``0:00``.

        >>> clock = Clock("Asia/Tokyo")
        >>> clock.one("2026/04/01 00:00:00.250") == clock.one("2026-03-31T15:00:00.25Z") == clock.one("1774969200250")
        True
        """
        plain = normalize("NFKC", text).strip()
        if _COUNT.fullmatch(plain):
            return _count(plain)
        found = _SHAPE.fullmatch(plain)
        if not found:
            return None
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        extra = timedelta(days=1) if (hour, minute, second) == (24, 0, 0) else timedelta(0)
        try:
            moment = datetime(year, month, day, 0 if extra else hour, minute, second) + extra  # noqa: DTZ001 - its zone follows
        except (ValueError, OverflowError):
            return None
        local_ms = to_ms(moment.replace(tzinfo=UTC)) + int((found[7] or "0").ljust(3, "0")[:3])
        return self._utc(local_ms, moment, found[8])

    def _utc(self, local_ms: int, moment: datetime, zone: str | None) -> int | None:
        if zone is None:
            self.assumed = self.assumed or not self.zone
            offset_min = self._offset(moment)
            return None if offset_min is None else local_ms - offset_min * 60_000
        if zone in _ZONES:
            return local_ms - _ZONES[zone] * 60_000
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        return local_ms - (1 if zone[0] == "+" else -1) * (hours * 60 + minutes) * 60_000

    def _offset(self, moment: datetime) -> int | None:
        """Minutes east of UTC at a local time, None where the clock left it out; looked up once per minute."""
        key = moment.strftime("%Y%m%d%H%M")
        if key not in self._offsets:
            first, second = (
                moment.replace(tzinfo=self._info, fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)
            )
            self._offsets[key] = first // timedelta(minutes=1)
            if first != second:
                there = moment.replace(tzinfo=self._info).astimezone(UTC).astimezone(self._info)
                if there.replace(tzinfo=None) != moment:
                    self._offsets[key] = None
                    self.skipped += 1
                else:
                    self.folded += 1
        return self._offsets[key]


def _count(text: str) -> int:
    whole, _, part = text.partition(".")
    value = int(whole)
    if value < _SECONDS_UNTIL:
        return value * 1000 + int((part or "0").ljust(3, "0")[:3])
    if value < _MS_UNTIL:
        return value
    return value // (1000 if value < _US_UNTIL else 1_000_000)
