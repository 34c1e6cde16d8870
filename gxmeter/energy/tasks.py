"""What an engine is handed and what it brings back: one file and one question, answered anywhere with the same digits.

A task is a plain value that can be sent to another process or machine; ``measure`` and ``compare`` are pure functions
of the file and the task. An answer carries no open file. A fault of the file is an answer too, so that the faults of
all files come together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeVar

from gxmeter import __version__
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.energy.cache import Cache, DamagedEntryError, revision
from gxmeter.energy.fingerprints import Window, fingerprints
from gxmeter.energy.kernel import KERNEL_VERSION, partial
from gxmeter.energy.model import GapLimits, Source, SourceFacts
from gxmeter.energy.ordering import LateRecordError
from gxmeter.energy.overlaps import Repeat, cut
from gxmeter.energy.partial import Partial
from gxmeter.energy.sources import bytes_of, digest_of, gathered, open_source, unreadable
from gxmeter.energy.stamps import looks_beside, stamp_of
from gxmeter.energy.units import at_hand
from gxmeter.telemetry.model import Batch, DeviceInfo, Reading

T = TypeVar("T")

WORTH_BYTES = 1 << 18
"""Files from this size on are kept in the cache [bytes]; a smaller one is read as quickly as an entry."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Which bytes were read: SHA-256, and size and times of the files, which tell cheaply whether they changed."""

    digest: str = ""
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A file to read.

    Attributes:
        source: the file.
        limits: gap limits; None leaves open what depends on them.
        repeat: what earlier files hold already, and is left out.
        windows: the stretches whose records ``compare`` takes the digest of.
        seal: of the file, where it was taken before.
        cache: where results are kept; None: nowhere.
    """

    source: Source
    limits: GapLimits | None = None
    repeat: Repeat | None = None
    windows: tuple[Window, ...] = ()
    seal: Seal | None = None
    cache: Cache | None = None


@dataclass(frozen=True, slots=True)
class FileResult:
    """Everything that one file yields.

    Attributes:
        part: its energy.
        devices: what it says about its devices.
        findings: its reader's.
        facts: what it says about itself.
        too_short_ms: as in :class:`~gxmeter.telemetry.model.Reading`.
    """

    part: Partial
    devices: dict[tuple[str, str], DeviceInfo]
    findings: tuple[Finding, ...]
    facts: SourceFacts
    too_short_ms: int | None


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What comes back from a task.

    Attributes:
        value: the result; None where the file cannot be read.
        faults: why it cannot be read.
        seal: of the bytes that were read.
        changed: whether the file changed since its seal was taken.
        stored: whether the result has been put into the cache.
        damaged: name of a cache entry that was not what it should be, if any.
        revision: the code that answered (:func:`gxmeter.energy.cache.revision`).
    """

    value: T | None = None
    faults: tuple[Finding, ...] = ()
    seal: Seal = Seal()
    changed: bool = False
    stored: bool = False
    damaged: str = ""
    revision: str = ""

    @property
    def result(self) -> T:
        """The value, where it is known that the file could be read."""
        if self.value is None:
            raise ValueError("the file could not be read")
        return self.value


def measure(task: Task) -> Answer[FileResult]:
    """Integrate one file, or take what the cache holds of it."""
    answer = _answered(task, FileResult, _measured)
    if answer.value is None:
        return answer
    # An entry is found by the file's bytes and base name; what the file is called is the task's to say.
    part = replace(answer.value.part, name=task.source.label)
    return replace(answer, value=replace(answer.value, part=part))


def compare(task: Task) -> Answer[tuple[str, ...]]:
    """The digests of the records in the task's windows, in their order."""
    return _answered(task, tuple[str, ...], _compared)


def _answered(task: Task, kind: Any, read: Callable[[Task], T]) -> Answer[T]:  # noqa: ANN401 - a type or an alias
    try:
        stamp = stamp_of(task.source)
        cache = task.cache if bytes_of(task.source) >= WORTH_BYTES and not looks_beside(task.source) else None
        with at_hand(task.source) as here:
            seal = task.seal or Seal(digest_of(here.path), stamp)
            key = _key(task, seal.digest, read.__name__)
            kept, damaged = _fetched(cache, key, kind)
            value = read(replace(task, source=here)) if kept is None else kept
        changed = stamp_of(task.source) != seal.stamp
    except OSError as error:
        return Answer(faults=unreadable(task.source, error).findings, revision=revision())
    except InputError as error:
        return Answer(faults=error.findings, revision=revision())
    if cache and kept is None and not changed:
        cache.store(key, value)
    stored = cache is not None and kept is None
    return Answer(value, (), seal, changed, stored, damaged, revision())


def _key(task: Task, digest: str, question: str) -> dict[str, object]:
    """Whatever a result depends on. A reader's findings say the base name, so it is part of it."""
    source, limits = task.source, task.limits
    repeat = task.repeat or Repeat()
    return {
        "question": question,
        "digest": digest,
        "name": source.path.name,
        "format": source.format,
        "run": source.run,
        "site": source.site,
        "options": asdict(source.options),
        "limits": limits and [limits.default_ms, sorted(limits.by_device.items())],
        "repeat": [sorted(begins.items()) for begins in (repeat.power, repeat.interval, repeat.touch)],
        "windows": task.windows,
        "kernel": KERNEL_VERSION,
        "gxmeter": __version__,
        "revision": revision(),
    }


def _fetched(cache: Cache | None, key: dict[str, object], kind: type[T]) -> tuple[T | None, str]:
    """What the cache holds, and the name of an entry that is not what it should be."""
    if cache is None:
        return None, ""
    try:
        value = cache.fetch(key, kind)
    except DamagedEntryError as damage:
        return None, str(damage)
    if isinstance(value, FileResult) and not _is_whole(value.part):
        return None, cache.name(key)
    return value, ""


def _is_whole(part: Partial) -> bool:
    """Whether the columns of a partial belong together: checked for what comes from a disk."""
    tables = (part.power, part.interval, part.pending)
    columns = [[getattr(table, name) for name in table.__slots__] for table in tables]
    even = all(len(column) == len(table[0]) for table in columns for column in table)
    return even and all(((table[0] >= 0) & (table[0] < len(part.keys))).all() for table in columns)


def _measured(task: Task) -> FileResult:
    readings: list[Reading] = []

    def batches() -> Iterator[Batch]:
        readings.append(open_source(task.source))
        return cut(readings[-1].batches, task.repeat or Repeat())

    part: Partial | None = None
    with suppress(LateRecordError):
        part = partial(batches(), name=task.source.label, limits=task.limits)
    if part is None:  # it goes back in time
        part = partial(gathered(batches()), name=task.source.label, limits=task.limits)
    reading = readings[-1]
    instants = part.instants()
    facts = SourceFacts(
        first_ms=min(instants, default=None),
        last_ms=max(instants, default=None),
        records=reading.records,
        clean_end=reading.clean_end,
        sensors=tuple(reading.sensors),
        origin=reading.origin,
    )
    part = replace(part, stopped=reading.stopped)
    return FileResult(part, dict(reading.devices), tuple(reading.findings), facts, reading.too_short_ms)


def _compared(task: Task) -> tuple[str, ...]:
    return tuple(fingerprints(lambda: open_source(task.source).batches, task.windows))
