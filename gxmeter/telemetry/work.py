"""Work of measured runs: energy by phase, tokens, optimizer steps and FLOP, from the journals alone.

Energy goes to phases by :mod:`gxmeter.core.phases`, as the meter does it while it measures, so both say the same
microjoules. A count belongs to the phase that runs at its moment in the same journal. A meter outside the training
(``gxmeter run``) knows no phases; its energy takes those of the process with the lowest rank that told any on the
same machine. A journal that lies there twice counts once, the longer copy of it; segments that are named one by one
are one journal, and each of its segments counts once. Energy for each token or FLOP is that of the work counted in
time that has energy (:mod:`gxmeter.telemetry.work_coverage`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gxmeter.core.journal import BEGIN, PARTICIPANT, Count, Head, Interval, Phase
from gxmeter.core.journal_decode import Segment, decode
from gxmeter.core.phases import PhaseSums
from gxmeter.telemetry.journal_devices import NODE, counting
from gxmeter.telemetry.journal_files import SegmentFile, in_order, segment_files
from gxmeter.telemetry.readers.gxmeter import open_segment
from gxmeter.telemetry.work_coverage import Covered, PhaseTimes, Turn, tell, together

NS_PER_MS = 1_000_000


@dataclass(slots=True)
class PhaseWork:
    """A phase of a run.

    Attributes:
        half_uj: energy [0.5 uJ].
        covered_ns: time that intervals with numbers cover [ns].
        total_ns: time that records of meters reach over, with or without numbers [ns].
        tokens, steps, flop: counted work.
        tokens_covered, flop_covered: of that, what was counted in covered time.
    """

    half_uj: int = 0
    covered_ns: int = 0
    total_ns: int = 0
    tokens: int = 0
    steps: int = 0
    flop: int = 0
    tokens_covered: int = 0
    flop_covered: int = 0


@dataclass(slots=True)
class RunWork:
    """A run: its phases by name (``""`` is the time outside any) and its sums."""

    run: str
    phases: dict[str, PhaseWork] = field(default_factory=dict)

    @property
    def half_uj(self) -> int:
        """Energy [0.5 uJ]."""
        return sum(phase.half_uj for phase in self.phases.values())

    @property
    def covered_ns(self) -> int:
        """Time that intervals with numbers cover, all meters' added up [ns]."""
        return sum(phase.covered_ns for phase in self.phases.values())

    @property
    def total_ns(self) -> int:
        """Time that records of meters reach over, all meters' added up [ns]."""
        return sum(phase.total_ns for phase in self.phases.values())

    @property
    def tokens_covered(self) -> int:
        """Tokens counted in covered time."""
        return sum(phase.tokens_covered for phase in self.phases.values())

    @property
    def flop_covered(self) -> int:
        """Floating-point operations counted in covered time [FLOP]."""
        return sum(phase.flop_covered for phase in self.phases.values())

    @property
    def tokens(self) -> int:
        """Tokens counted."""
        return sum(phase.tokens for phase in self.phases.values())

    @property
    def steps(self) -> int:
        """Optimizer steps counted."""
        return sum(phase.steps for phase in self.phases.values())

    @property
    def flop(self) -> int:
        """Floating-point operations counted [FLOP]."""
        return sum(phase.flop for phase in self.phases.values())


@dataclass(slots=True)
class _Told:
    """What one journal tells: its energy by its own phases and by those lent to it, counts, turns.

    ``until_ns``: up to where its record is in the times of its phases; None as long as it does not measure.
    ``missed``: whether work was counted in time that it does not cover itself.
    """

    head: Head
    covered: Covered
    records: int = 0
    own: PhaseTimes = field(default_factory=PhaseTimes)
    lent: PhaseTimes = field(default_factory=PhaseTimes)
    counts: PhaseSums = field(default_factory=PhaseSums)
    work: dict[str, PhaseWork] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    segments: dict[int, SegmentFile] = field(default_factory=dict)
    end_ns: int = 0
    until_ns: int | None = None
    missed: bool = False

    def reach(self, end_ns: int) -> None:
        """The record of a meter reaches to a moment."""
        if self.until_ns is not None and end_ns > self.until_ns:
            for times in (self.own, self.lent):
                times.record.add(self.until_ns, end_ns, 0)
            self.until_ns = end_ns


def work_of(paths: Iterable[Path], *, run: str = "") -> list[RunWork]:
    """The work of every run in some journals, by run id.

    Memory: the phases' turns, the holes in covered time, and the longest segment.

    Args:
        paths: folders of journals, or single segments.
        run: run of journals that name none.

    Raises:
        InputError: a file is no journal.
        OSError: a file cannot be read.
    """
    told: dict[str, _Told] = {}
    for files in sorted(_journals(paths), key=_measured):
        for one in _read(files, list(told.values())):
            known = told.get(one.head.journal)
            if known is None or known.records < one.records:
                told[one.head.journal] = one
    _cover_others(list(told.values()))
    runs: dict[str, RunWork] = {}
    for one in told.values():
        name = one.head.run or run
        _book(runs.setdefault(name, RunWork(name)), one)
    for made in runs.values():
        made.phases = dict(sorted(made.phases.items()))
    return [runs[name] for name in sorted(runs)]


def _journals(paths: Iterable[Path]) -> list[list[SegmentFile]]:
    """The segments of each journal: a folder's, and together those that were named one by one in a folder."""
    folders: list[Path] = []
    single: dict[Path, list[SegmentFile]] = {}
    for path in sorted(paths):
        if path.is_dir():
            folders.append(path)
        else:
            single.setdefault(path.parent, []).append(SegmentFile(path))
    return [segment_files(folder) for folder in folders] + [sorted(files, key=in_order) for files in single.values()]


def _measured(files: Sequence[SegmentFile]) -> tuple[bool, ...]:
    """Whether a journal is of a meter that measured, at its begin and at its end.

    Those that only took part are read first, because they lend their phases to the others.
    """
    roles = []
    for file in (*files[:1], *files[-1:]):
        data = file.checked()[0] or b""
        head = decode(data.partition(b"\n")[0] + b"\n").head
        roles.append(head is None or head.role != PARTICIPANT)
    return tuple(roles)


def _read(files: Iterable[SegmentFile], before: Iterable[_Told]) -> list[_Told]:
    """Everything that some segments tell, by journal; a segment that is there twice is read once."""
    told: dict[str, _Told] = {}
    for file in files:
        segment = open_segment(file)
        if segment.head is None:
            continue
        one = told.get(segment.head.journal)
        if one is None:
            one = told[segment.head.journal] = _Told(segment.head, Covered(segment.head.period_ms * NS_PER_MS))
            one.lent.tell(_lent(segment.head, before))
        if segment.head.segment not in one.segments:
            one.segments[segment.head.segment] = file
            one.records += len(segment.records)
            if segment.head.role == PARTICIPANT:
                one.until_ns = None
            elif one.until_ns is None:
                one.until_ns = segment.head.mono_ns
            _take(one, segment)
            one.reach(max(one.end_ns, segment.footer.mono_ns if segment.footer else 0))
    return list(told.values())


def _take(one: _Told, segment: Segment) -> None:
    parts, counted = counting(segment), []
    devices = [part.index for part in parts if part.boundary != NODE]
    nodes = [part.index for part in parts if part.boundary == NODE]
    for _, record in segment.records:
        match record:
            case Interval():
                energy_uj = _sum(record, nodes)
                energy_uj = _sum(record, devices) if energy_uj is None else energy_uj
                if energy_uj is not None:
                    one.covered.add(record.start_mono_ns, record.end_mono_ns)
                    for times in (one.own, one.lent):
                        times.energy.add(record.start_mono_ns, record.end_mono_ns, energy_uj)
                one.end_ns = record.end_mono_ns
                one.reach(one.end_ns)
            case Phase():
                turn = (record.mono_ns, record.name, record.event == BEGIN)
                one.turns.append(turn)
                one.own.tell([turn])
                tell(one.counts, [turn])
                one.end_ns = record.mono_ns
            case Count():
                counted.append((one.counts.at(record.mono_ns), record))
                one.end_ns = record.mono_ns
            case _:
                pass
    for name, count in counted:  # a count stands before the interval in which it lies
        _count(one, name, count)


def _count(one: _Told, name: str, count: Count) -> None:
    done = one.work.setdefault(name, PhaseWork())
    done.tokens += count.tokens
    done.steps += count.steps
    done.flop += count.flop
    if one.covered.holds(count.mono_ns):
        done.tokens_covered += count.tokens
        done.flop_covered += count.flop
    else:
        one.missed = True


def _cover_others(told: Sequence[_Told]) -> None:
    """What was counted in one journal while another of its run on the same boot measured is covered too.

    Only journals that this may concern are read once more.
    """
    groups: dict[tuple[str, str], list[Covered]] = {}
    for one in told:
        if one.covered.starts_ns:
            groups.setdefault((one.head.run, one.head.boot), []).append(one.covered)
    joined = {key: together(parts) for key, parts in groups.items()}
    for one in told:
        key = (one.head.run, one.head.boot)
        if one.missed and any(part is not one.covered for part in groups.get(key, ())):
            _cover(one, joined[key])


def _cover(one: _Told, covered: Covered) -> None:
    """Find anew what of a journal's work was counted in covered time."""
    phases = PhaseSums()
    for done in one.work.values():
        done.tokens_covered = done.flop_covered = 0
    for file in one.segments.values():
        for name, count in _counts(open_segment(file), phases):
            if covered.holds(count.mono_ns):
                one.work[name].tokens_covered += count.tokens
                one.work[name].flop_covered += count.flop


def _counts(segment: Segment, phases: PhaseSums) -> Iterator[tuple[str, Count]]:
    """The counts of a segment, each with its phase."""
    for _, record in segment.records:
        if isinstance(record, Phase):
            tell(phases, [(record.mono_ns, record.name, record.event == BEGIN)])
        elif isinstance(record, Count):
            yield phases.at(record.mono_ns), record


def _sum(record: Interval, indexes: Sequence[int]) -> int | None:
    """Energy of some components in an interval [uJ]; None where none of them has a number."""
    found = [record.energy_uj[index] for index in indexes if index < len(record.energy_uj)]
    numbers = [energy for energy in found if energy is not None]
    return sum(numbers) if numbers else None


def _lent(head: Head, told: Iterable[_Told]) -> list[Turn]:
    """Turns told inside a run on the same machine, in order of time: by the lowest rank that told any."""
    inside = [other for other in told if other.turns and (other.head.run, other.head.boot) == (head.run, head.boot)]
    if not inside:
        return []
    lowest = min(_rank(other) for other in inside)
    return sorted(
        (turn for other in inside if _rank(other) == lowest for turn in _closed(other)), key=lambda turn: turn[0]
    )


def _rank(one: _Told) -> int:
    rank = dict(one.head.launch).get("rank")
    return rank if isinstance(rank, int) else 0


def _closed(one: _Told) -> Iterator[Turn]:
    """A journal's turns; what never ended ended with its last record."""
    running: list[str] = []
    for at_ns, name, begins in one.turns:
        if begins:
            running.append(name)
        elif name in running:
            del running[len(running) - 1 - running[::-1].index(name)]
        yield at_ns, name, begins
    yield from ((one.end_ns, name, False) for name in reversed(running))


def _book(made: RunWork, one: _Told) -> None:
    times = one.own if one.turns else one.lent
    for name, part in times.energy.by_name.items():
        phase = made.phases.setdefault(name, PhaseWork())
        phase.half_uj += 2 * part.energy_uj
        phase.covered_ns += part.covered_ns
    for name, part in times.record.by_name.items():
        made.phases.setdefault(name, PhaseWork()).total_ns += part.covered_ns
    for name, done in one.work.items():
        phase = made.phases.setdefault(name, PhaseWork())
        phase.tokens += done.tokens
        phase.steps += done.steps
        phase.flop += done.flop
        phase.tokens_covered += done.tokens_covered
        phase.flop_covered += done.flop_covered
