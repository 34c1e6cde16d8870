"""Times as files write them, to Unix milliseconds: with a zone, in a declared zone, or as a count since 1970."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from unicodedata import normalize
from zoneinfo import ZoneInfo

import numpy as np

from gxmeter.core.calendar import to_ms
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Int64
from gxmeter.telemetry.text.repeated_hour import RepeatedHour
from gxmeter.telemetry.text.same_width import runs_of

DEFAULT_ZONE = "Asia/Tokyo"
"""Where nobody says in which zone a file's times are: the machines stand in Japan, and a finding says so."""

_COUNT = re.compile(r"(\d{9,10})(?:\.(\d{1,9}))?|(\d{13})(?:\.\d*)?|(\d{16})|(\d{19})", re.ASCII)
_SHAPE = re.compile(
    r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|(\d{2})(\d{2}))"
    r"(?:(?:T|\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|UTC|GMT|JST|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_PACKED = re.compile(r"((?:19|20)\d{6})(\d{2})(\d{2})(\d{2})?", re.ASCII)
_JAPANESE_DATE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日\s*", re.ASCII)
_JAPANESE_TIME = re.compile(r"(\d{1,2})時(?:(\d{1,2})分)?(?:(\d{1,2})秒)?", re.ASCII)
_ERA = re.compile(r"(?:令和|R)(\d{1,2}|元)([-/.年])", re.ASCII)
_WEEKDAY = re.compile(r"\([月火水木金土日]\)")
_ERA_START = 2018
_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "JST": 540}
_MAX_ZONE_H = 14
_MS = timedelta(milliseconds=1)

_TIME_OF_DAY, _LEFT_OUT, _NEITHER = range(3)


class _Read(NamedTuple):
    """An instant [Unix ms], how much later its second meaning is [ms] (0: it has one), and what the text is."""

    ms: int
    repeats_ms: int = 0
    kind: int = _TIME_OF_DAY


_NO_TIME = _Read(0, kind=_NEITHER)


@dataclass(slots=True)
class Clock:
    """Reads a file's times.

    Attributes:
        zone: IANA name for times without a zone; empty: :data:`DEFAULT_ZONE`, and ``assumed`` tells that it was needed.
        pattern: how a time is written, in the letters of ``strptime``, where it is none of the usual forms.
        assumed: whether a time without a zone was read while no zone was declared.
        repeated: what became of times in the hour that a change of the clock repeats.
        skipped: how many times fell into an hour that a change of the clock leaves out; they are no instants.
    """

    zone: str = ""
    pattern: str = ""
    assumed: bool = False
    repeated: RepeatedHour = field(default_factory=RepeatedHour)
    skipped: int = 0
    _info: ZoneInfo | None = None
    _offsets: dict[datetime, tuple[int, int] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the zone.

        Raises:
            InputError: ``time-zone-unknown``.
        """
        try:
            self._info = ZoneInfo(self.zone or DEFAULT_ZONE)
        except (KeyError, ValueError, OSError):
            raise InputError("time-zone-unknown", found=self.zone) from None

    def findings(self, file: str) -> list[Finding]:
        """What was assumed about a file's times."""
        found = [finding("time-zone-assumed", file=file, found=DEFAULT_ZONE)] if self.assumed else []
        found += self.repeated.findings(file)
        if self.skipped:
            found.append(finding("time-skipped", file=file, count=self.skipped))
        return found

    def milliseconds(
        self, texts: Sequence[str], series: Sequence[Hashable] | None = None, *, step_ms: int = 0
    ) -> tuple[Int64, np.typing.NDArray[np.bool_]]:
        """Unix milliseconds of each text, and which texts are times.

        A local time in an hour that the clock repeats is the earlier of the two, unless the rows of its series have
        gone back by then (:class:`RepeatedHour`).

        Args:
            texts: the cells, in the order of the file.
            series: whose time each is, e.g. the device; None: all of one.
            step_ms: the length that a row stands for, where it is known [ms].
        """
        runs = runs_of(texts)
        heads = list(texts) if runs is None else runs.heads
        known = {text: self._read(text) for text in dict.fromkeys(heads)}
        read = [known[text] for text in heads]
        first_ms = np.array([one.ms for one in read], np.int64)
        apart_ms = np.array([one.repeats_ms for one in read], np.int64)
        good = np.array([one.kind == _TIME_OF_DAY for one in read], np.bool_)
        left_out = np.array([one.kind == _LEFT_OUT for one in read], np.bool_)
        if runs is not None:
            first_ms, apart_ms = first_ms[runs.run] + runs.apart_ms, apart_ms[runs.run]
            good, left_out = good[runs.run], left_out[runs.run]
        self.skipped += int(left_out.sum())
        if apart_ms.any():
            first_ms += self.repeated.settled(first_ms, apart_ms, series, step_ms=step_ms)
        return first_ms * good, good

    def one(self, text: str) -> int | None:
        """Unix milliseconds of one text [ms], cut below a millisecond; None where it is no time.

        Counts since 1970 are in seconds, milli-, micro- or nanoseconds by their length; ``24:00`` is the next ``0:00``.

        >>> clock = Clock("Asia/Tokyo")
        >>> clock.one("2026/04/01 00:00:00.250") == clock.one("2026-03-31T15:00:00.25Z") == clock.one("1774969200250")
        True
        """
        read = self._read(text)
        return read.ms if read.kind == _TIME_OF_DAY else None

    def is_left_out(self, text: str) -> bool:
        """Whether a text is a local time that a change of the clock leaves out."""
        return self._read(text).kind == _LEFT_OUT

    def _read(self, text: str) -> _Read:
        plain = _plain(text)
        if self.pattern:
            return self._by_pattern(plain)
        counted = _COUNT.fullmatch(plain)
        if counted:
            return _Read(_count(counted))
        packed = _PACKED.fullmatch(plain)
        if packed:
            plain = f"{packed[1]} {packed[2]}:{packed[3]}:{packed[4] or '00'}"
        found = _SHAPE.fullmatch(plain)
        if not found:
            return _NO_TIME
        parts = found.groups()
        month, day = parts[1] or parts[3], parts[2] or parts[4]
        local = _moment([int(part or 0) for part in (parts[0], month, day, *parts[5:8])])
        if local is None:
            return _NO_TIME
        return self._utc(local, int((parts[8] or "0").ljust(3, "0")[:3]), parts[9])

    def _by_pattern(self, text: str) -> _Read:
        try:
            moment = datetime.strptime(text, self.pattern)  # noqa: DTZ007 - its zone follows
        except ValueError:
            return _NO_TIME
        if moment.tzinfo is not None:
            return _Read(to_ms(moment))
        return self._utc(moment.replace(microsecond=0), moment.microsecond // 1000, None)

    def _utc(self, local: datetime, ms: int, zone: str | None) -> _Read:
        local_ms = to_ms(local.replace(tzinfo=UTC)) + ms
        if zone is not None:
            minutes = _zone_minutes(zone)
            return _NO_TIME if minutes is None else _Read(local_ms - minutes * 60_000)
        self.assumed = self.assumed or not self.zone
        offsets = self._offset(local)
        if offsets is None:
            return _Read(0, kind=_LEFT_OUT)
        return _Read(local_ms - offsets[0], offsets[0] - offsets[1])

    def _offset(self, local: datetime) -> tuple[int, int] | None:
        """East of UTC at a local time, before and after a change of the clock [ms]; None where it is left out."""
        key = local.replace(second=0)
        if key not in self._offsets:
            zoned = local.replace(tzinfo=self._info)
            before, after = ((zoned.replace(fold=fold).utcoffset() or timedelta(0)) // _MS for fold in (0, 1))
            self._offsets[key] = (before, after) if before >= after else None
        return self._offsets[key]


def _plain(text: str) -> str:
    """A text with half-width letters, a Western year, ``-`` and ``:`` for 年月日 and 時分秒, and no day of the week."""
    plain = text.strip()
    if not text.isascii():
        plain = _WEEKDAY.sub("", normalize("NFKC", plain))
    era = _ERA.match(plain)
    if era:
        year = _ERA_START + (1 if era[1] == "元" else int(era[1]))
        plain = f"{year}{era[2]}{plain[era.end() :]}"
    if not plain.isascii():
        plain = _JAPANESE_DATE.sub(r"\1-\2-\3 ", plain)
        plain = _JAPANESE_TIME.sub(_with_colons, plain)
    return plain.strip()


def _with_colons(found: re.Match[str]) -> str:
    """``9時5分`` as ``9:05:00``."""
    hour, *rest = found.groups()
    return ":".join((hour, *(f"{int(part or 0):02d}" for part in rest)))


def _moment(numbers: list[int]) -> datetime | None:
    """A local time from year, month, day, hour, minute and second; None where there is none."""
    year, month, day, hour, minute, second = numbers
    midnight = (hour, minute, second) == (24, 0, 0)
    try:
        local = datetime(year, month, day, 0 if midnight else hour, minute, second)  # noqa: DTZ001 - its zone follows
        return local + timedelta(days=1) if midnight else local
    except (ValueError, OverflowError):
        return None


def _zone_minutes(zone: str) -> int | None:
    """Minutes east of UTC; None where no place has such a zone."""
    if zone in _ZONES:
        return _ZONES[zone]
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > _MAX_ZONE_H or minutes >= 60:  # noqa: PLR2004 - minutes of an hour
        return None
    return (1 if zone[0] == "+" else -1) * (hours * 60 + minutes)


def _count(found: re.Match[str]) -> int:
    """Milliseconds from a count of seconds (9 or 10 digits), milli- (13), micro- (16) or nanoseconds (19) [ms]."""
    seconds, part, ms, us, ns = found.groups()
    if seconds:
        return int(seconds) * 1000 + int((part or "0").ljust(3, "0")[:3])
    if ms:
        return int(ms)
    return int(us) // 1000 if us else int(ns) // 1_000_000
