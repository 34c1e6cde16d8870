"""The local engine: one file after the other, in this process.

It stays with one process however many files there are: it needs no more memory than one file, works in any script, and
leaves a login node's other processors alone. Whoever wants more of them asks for the engine ``process``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from gxmeter.core.errors import InputError
from gxmeter.energy.engines import Engine, EngineChoice, Notice, Work
from gxmeter.energy.tasks import Answer, Task

T = TypeVar("T")


class _Local:
    def each(self, work: Work[T], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer[T]]]:
        yield from ((place, work(task)) for place, task in enumerate(tasks))


@contextmanager
def start(choice: EngineChoice, notice: Notice) -> Iterator[Engine]:  # noqa: ARG001 - it has nothing to tell
    """The engine of this process.

    Raises:
        InputError: ``engine-option-unused``: it has neither workers nor a scheduler.
    """
    if choice.scheduler:
        raise InputError("engine-option-unused", engine=choice.name, option="--scheduler")
    if choice.workers not in {None, 1}:
        raise InputError("engine-option-unused", engine=choice.name, option="--workers")
    yield _Local()
