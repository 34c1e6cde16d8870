"""Which series lie in the files, seen by skimming them once: what counts for each device, and what must wait for what.

A device may have many series: another run, another pod, another replica of the server each give it new labels. Series
whose times interlock are put in order together; the others can be streamed one after the other. Only a first look
through all files tells which is which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from gxmeter.telemetry.model import DeviceInfo
from gxmeter.telemetry.prometheus.answers import Extent, Labels, SeriesText
from gxmeter.telemetry.prometheus.notes import Notes
from gxmeter.telemetry.prometheus.series import Series

Device = tuple[str, str]
"""Site and device id."""

_EDGE_MS = 300_000
"""Power beyond the ends of a counter by more than this [ms] is told: Prometheus's own look-back."""
_TENTH_HOUR_MS = 360_000
_LEAST_READINGS = 2


class Entry(NamedTuple):
    """A series in a file."""

    series: Series
    extent: Extent


@dataclass(eq=False, slots=True)
class Cluster:
    """Series of one device whose times interlock; ``waiting``: how many of them have not been read."""

    entries: list[Entry]
    waiting: int = 0


@dataclass(slots=True)
class Index:
    """What was found in the files of one reading.

    Attributes:
        known: by labels, whose energy a series of them holds; None for one that holds none.
        entries: per file, every series in order; None where it is not used.
        others: names of metrics that hold no energy, or are not known to, with the number of their series.
    """

    known: dict[tuple[tuple[str, str], ...], Series | None] = field(default_factory=dict)
    entries: list[list[Entry | None]] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def skim(self, series: Iterable[SeriesText], identify: Callable[[Labels], Series | None]) -> None:
        """Take the series of one more file."""
        mine: list[Entry | None] = []
        self.entries.append(mine)
        for one in series:
            extent = one.extent()
            labels = tuple(sorted(one.labels.items()))
            if labels not in self.known:
                self.known[labels] = identify(one.labels)
            owner = self.known[labels]
            if owner is None:
                self.others[one.labels.get("__name__", "")] += 1
            mine.append(Entry(owner, extent) if owner and extent else None)

    def all_entries(self) -> Iterator[Entry]:
        """Every series that holds energy, file by file."""
        yield from (entry for file in self.entries for entry in file if entry)

    def chosen(self, notes: Notes, name: str) -> dict[Device, list[Entry]]:
        """The series that count: of each device those of one metric, a moving counter before power.

        Args:
            notes: gets ``prometheus-counter-still``, ``prometheus-power-beside`` and ``prometheus-power-longer``.
            name: what findings call the source.
        """
        devices: dict[Device, list[Entry]] = defaultdict(list)
        for entry in self.all_entries():
            devices[entry.series.key.site, entry.series.key.device].append(entry)
        found = {}
        longer: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for device, entries in devices.items():
            entries.sort(key=lambda e: (e.series.metric.rank, e.series.name))
            ranks = [list(group) for _, group in groupby(entries, key=lambda e: (e.series.metric.rank, e.series.name))]
            usable = [group for group in ranks if _usable(group)]
            for group in ranks:
                if not _usable(group):
                    notes.count("prometheus-counter-still", name, 1, device[1], metric=group[0].series.name)
            if usable:
                found[device] = usable[0]
                for metrics, left_out_ms in _tell_beside(usable, notes, name).items():
                    longer[metrics][device[1]] = longer[metrics].get(device[1], 0) + left_out_ms
        _tell_longer(longer, notes, name)
        return found


def clusters(entries: Sequence[Entry]) -> list[Cluster]:
    """The series of one device in order of time, those that interlock together.

    >>> clusters([])
    []
    """
    found: list[Cluster] = []
    until_ms = 0
    for entry in sorted(entries, key=lambda e: (e.extent.first_ms, e.extent.last_ms)):
        if found and entry.extent.first_ms < until_ms:
            found[-1].entries.append(entry)
        else:
            found.append(Cluster([entry]))
            until_ms = entry.extent.last_ms
        until_ms = max(until_ms, entry.extent.last_ms)
        found[-1].waiting += 1
    return found


def info_of(entries: Sequence[Entry]) -> DeviceInfo:
    """What the newest series says about the device."""
    return max(entries, key=lambda e: e.extent.last_ms).series.info


def _usable(group: Sequence[Entry]) -> bool:
    """Whether readings of one metric can give energy: a counter that never moves counts nothing."""
    if not group[0].series.metric.is_counter:
        return True
    if sum(entry.extent.samples for entry in group) < _LEAST_READINGS:
        return False
    return len({value for entry in group for value in (entry.extent.first, entry.extent.last)}) > 1


def _tell_beside(usable: Sequence[Sequence[Entry]], notes: Notes, name: str) -> dict[tuple[str, str], int]:
    """Say of the metrics that stand beside the one that counts that they are not used.

    Returns:
        Of those that reach further than it, by their name and its: the time left out at both ends [ms].
    """
    used = usable[0]
    begin_ms, end_ms = _span(used)
    longer = {}
    for group in usable[1:]:
        first_ms, last_ms = _span(group)
        metric, used_metric, device = group[0].series.name, used[0].series.name, used[0].series.key.device
        if first_ms < begin_ms - _EDGE_MS or last_ms > end_ms + _EDGE_MS:
            longer[metric, used_metric] = _outside_ms((first_ms, last_ms), (begin_ms, end_ms))
        else:
            notes.count("prometheus-power-beside", name, 1, device, metric=metric, used=used_metric)
    return longer


def _span(group: Sequence[Entry]) -> tuple[int, int]:
    """First and last instant of some series [Unix ms]."""
    return min(entry.extent.first_ms for entry in group), max(entry.extent.last_ms for entry in group)


def _outside_ms(long: tuple[int, int], short: tuple[int, int]) -> int:
    """How much of one stretch of time lies outside another [ms].

    >>> _outside_ms((0, 100), (20, 50)), _outside_ms((0, 10), (20, 50))
    (70, 10)
    """
    return long[1] - long[0] - max(0, min(long[1], short[1]) - max(long[0], short[0]))


def _tell_longer(longer: Mapping[tuple[str, str], Mapping[str, int]], notes: Notes, name: str) -> None:
    """Say how much time of how many devices only a metric covers that does not count."""
    for (metric, used), left_out in longer.items():
        tenths = (sum(left_out.values()) + _TENTH_HOUR_MS // 2) // _TENTH_HOUR_MS
        notes.once(
            "prometheus-power-longer",
            name,
            count=str(len(left_out)),
            found=next(iter(left_out)),
            hours=f"{tenths // 10}.{tenths % 10}",
            metric=metric,
            used=used,
        )
