"""Files to an energy result: every file on its own, wherever the engine runs; then what they are together.

Rounds of tasks: every file is measured; where files share time of a device, their records are compared; files that
repeat others are measured again without what they repeat, and files with too many long segments again when the gap
limits are known. Then all is closed once, here. The digits, the findings and their order do not depend on the engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.energy.cache import Cache, opened, revision
from gxmeter.energy.described import describe, named
from gxmeter.energy.engines import Engine, EngineChoice, Notice, started
from gxmeter.energy.fingerprints import Window
from gxmeter.energy.merge import close, merged
from gxmeter.energy.model import EnergyResult, GapLimits, Source
from gxmeter.energy.overlaps import Shared, repeats, shared
from gxmeter.energy.partial import Partial
from gxmeter.energy.periods import gap_limits
from gxmeter.energy.sources import bytes_of
from gxmeter.energy.tasks import WORTH_BYTES, Answer, FileResult, Task, compare, measure

T = TypeVar("T")


class Progress(Protocol):
    """Told after each file how much is done."""

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """``done_bytes`` of ``total_bytes`` have been read; the total grows when files must be read again."""


def ignored(_: Finding) -> None:
    """Take a notice and do nothing."""


def integrate(
    sources: Sequence[Source],
    *,
    gap_limit_ms: int | None = None,
    engine: EngineChoice | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
    notice: Notice = ignored,
) -> EnergyResult:
    """Integrate a set of files.

    Memory here: the leaves, one per half-hour, run, site and device; in each worker: one batch and its file's leaves.
    The order of ``sources`` does not matter; the result names them sorted by label.

    Args:
        sources: the files.
        gap_limit_ms: one limit for all devices [ms], 1..1,800,000; None derives one per device.
        engine: what reads the files; None reads one after the other in this process.
        cache: folder in which results are kept and looked up; None: nowhere.
        progress: called after each file.
        notice: told of lost workers and damaged cache entries; the result does not depend on them.

    Raises:
        InputError: faults of all files that are not of their format or cannot be read; ``gap-limit-out-of-range``;
            ``engine-option-unused``.
        GxmeterError: ``engine-package-missing``, ``engine-not-started``, ``engine-worker-lost``,
            ``engine-worker-unfit``, ``engine-lost``, ``engine-code-differs``.
    """
    limits = None if gap_limit_ms is None else GapLimits(gap_limit_ms, {})
    choice = engine or EngineChoice()
    with started(choice, notice) as running:
        way = _Way(choice.name, running, progress, notice)
        in_order = sorted(sources, key=lambda s: (s.label, str(s.path)))
        sizes = [bytes_of(source) for source in in_order]
        kept = opened(cache) if cache and max(sizes, default=0) >= WORTH_BYTES else None
        return _Files(in_order, way, sizes, kept, limits).integrated()


@dataclass
class _Way:
    """How tasks are carried out, and who is told how far they are."""

    name: str
    engine: Engine
    progress: Progress | None
    notice: Notice
    done_bytes: int = 0
    total_bytes: int = 0

    def answers(
        self, work: Callable[[Task], Answer[T]], tasks: Sequence[Task], sizes: Sequence[int]
    ) -> list[Answer[T]]:
        """The answers in the order of the tasks.

        Raises:
            InputError: the faults of all files that cannot be read.
            GxmeterError: the engine's; ``engine-code-differs``.
        """
        self.total_bytes += sum(sizes)
        found: dict[int, Answer[T]] = {}
        for place, answer in self.engine.each(work, tasks):
            self._check(answer)
            found[place] = answer
            self.done_bytes += sizes[place]
            if self.progress:
                self.progress(self.done_bytes, self.total_bytes)
        answers = [found[place] for place in range(len(tasks))]
        faults = [named(f, task.source) for task, answer in zip(tasks, answers, strict=True) for f in answer.faults]
        if faults:
            raise InputError.from_findings(faults)
        return answers

    def _check(self, answer: Answer[T]) -> None:
        if answer.revision != revision():
            raise GxmeterError(
                "engine-code-differs", engine=self.name, expected=revision()[:12], found=answer.revision[:12]
            )
        if answer.damaged:
            self.notice(finding("cache-entry-damaged", file=answer.damaged))


@dataclass
class _Files:
    """The files of one integration, sorted, and what has come back of each so far."""

    sources: list[Source]
    way: _Way
    sizes: list[int]
    cache: Cache | None
    limits: GapLimits | None

    def __post_init__(self) -> None:
        self._tasks = [Task(source, limits=self.limits, cache=self.cache) for source in self.sources]
        self._answers: list[Answer[FileResult]] = [Answer() for _ in self.sources]

    def integrated(self) -> EnergyResult:
        self._measure(range(len(self.sources)))
        limits = self.limits or gap_limits(part.periods for part in self._parts())
        places = shared(self._parts())
        repeated = repeats(places, self._same(places))
        for i, repeat in repeated.items():
            self._tasks[i] = replace(self._tasks[i], repeat=repeat)
        self._measure(sorted(repeated))
        waiting = [i for i, part in enumerate(self._parts()) if part.needs_limit]
        for i in waiting:
            own = {device: limits.of(device) for device in self._answers[i].result.part.periods}
            self._tasks[i] = replace(self._tasks[i], limits=GapLimits(by_device=own))
        self._measure(waiting)
        result = close(merged(self._parts()), limits)
        describe(result, self.sources, self._answers, repeated)
        if self.cache and any(answer.stored for answer in self._answers):
            self.cache.trim()
        return result

    def _parts(self) -> list[Partial]:
        return [answer.result.part for answer in self._answers]

    def _measure(self, files: Sequence[int]) -> None:
        """Measure some files by their tasks; a file is hashed the first time only."""
        answers = self.way.answers(measure, [self._tasks[i] for i in files], [self.sizes[i] for i in files])
        for i, answer in zip(files, answers, strict=True):
            changed = answer.changed or self._answers[i].changed
            self._answers[i] = replace(answer, changed=changed)
            self._tasks[i] = replace(self._tasks[i], seal=answer.seal)

    def _same(self, places: Sequence[Shared]) -> Callable[[Shared], bool]:
        """Compare the records of files where they share time; of two copies that is known without reading them."""
        windows: dict[int, dict[Window, str]] = defaultdict(dict)
        for place in places:
            if not place.touches and not self._copies(place):
                windows[place.earlier.file][place.window] = windows[place.later.file][place.window] = ""
        files = sorted(windows)
        tasks = [replace(self._tasks[i], windows=tuple(windows[i])) for i in files]
        for i, answer in zip(files, self.way.answers(compare, tasks, [self.sizes[i] for i in files]), strict=True):
            windows[i] = dict(zip(windows[i], answer.result, strict=True))

        def same(place: Shared) -> bool:
            mine, other = windows[place.earlier.file], windows[place.later.file]
            return self._copies(place) or mine[place.window] == other[place.window]

        return same

    def _copies(self, place: Shared) -> bool:
        """Whether two files hold the same bytes and are read the same way."""
        one, other = (self._tasks[piece.file] for piece in (place.earlier, place.later))
        return one.seal is not None and _read_as(one) == _read_as(other)


def _read_as(task: Task) -> tuple[object, ...]:
    source = task.source
    return (task.seal and task.seal.digest, source.format, source.run, source.site, source.options)
