"""The process engine: several files at once on this machine.

Workers are started afresh (spawn), so they share nothing with this process. When one is killed, as the kernel does
where memory runs out, the pool is built anew with half as many, and what was not done is done again: fewer files at
once need less memory. A file that kills a worker that is alone is named.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.core.findings import finding
from gxmeter.energy.engines import Engine, EngineChoice, Notice, Work
from gxmeter.energy.tasks import Answer, Task

T = TypeVar("T")

MAX_LOSSES = 6
"""How often workers may be lost before the work is given up; each time half of them remain."""

ALONE_LOSSES = 2
"""How often a worker that is alone may be lost."""


class _Workers:
    """Worker processes; they end together, and at the latest with this process."""

    def __init__(self, count: int) -> None:
        context = get_context("spawn")
        self._lifeline, self._ours = context.Pipe(duplex=False)
        self.pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(self._lifeline,))

    def end(self, *, at_once: bool) -> None:
        """End them; ``at_once``: whatever they are at, because nobody waits for it any more."""
        if at_once:
            self._ours.close()
        self.pool.shutdown(wait=True, cancel_futures=True)
        self._ours.close()
        self._lifeline.close()


@dataclass(slots=True)
class _Pool:
    """Workers that are replaced when one of them is lost."""

    count: int
    notice: Notice
    losses: int = 0
    alone: int = 0
    workers: _Workers | None = None

    def each(self, work: Work[T], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer[T]]]:
        left = dict.fromkeys(range(len(tasks)))
        while left:
            running: dict[Future[Answer[T]], int] = {}
            try:
                for place, answer in self._round(work, tasks, list(left), running):
                    del left[place]
                    yield place, answer
            except BrokenProcessPool:
                self._lost([tasks[place].source.label for place in sorted(running.values())])

    def end(self, *, at_once: bool) -> None:
        """End the workers, if there are any."""
        if self.workers is not None:
            self.workers.end(at_once=at_once)
            self.workers = None

    def _round(
        self, work: Work[T], tasks: Sequence[Task], places: Sequence[int], running: dict[Future[Answer[T]], int]
    ) -> Iterator[tuple[int, Answer[T]]]:
        """Answers until all are there or a worker is lost; ``running`` then holds what was being read."""
        self.workers = self.workers or _Workers(self.count)
        waiting = iter(places)
        for place in islice(waiting, self.count):
            running[self.workers.pool.submit(work, tasks[place])] = place
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                answer = future.result()
                done = running.pop(future)
                for place in islice(waiting, 1):
                    running[self.workers.pool.submit(work, tasks[place])] = place
                yield done, answer

    def _lost(self, files: Sequence[str]) -> None:
        """Count a loss, and have fewer workers from now on.

        Raises:
            GxmeterError: ``engine-worker-lost``, naming the files that were being read.
        """
        self.end(at_once=True)
        self.losses += 1
        self.alone += len(files) == 1
        names = ", ".join(files)
        if self.losses >= MAX_LOSSES or self.alone >= ALONE_LOSSES:
            raise GxmeterError("engine-worker-lost", found=names)
        self.count = max(1, self.count // 2)
        self.notice(finding("engine-worker-replaced", found=names))


def _begin(lifeline: Connection) -> None:
    """What a worker does first: leave Ctrl-C to the main process, and end when that ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    """Wait until the other end of the pipe is closed, by its owner or by its owner's death."""
    lifeline.poll(None)
    os._exit(0)


@contextmanager
def start(choice: EngineChoice, notice: Notice) -> Iterator[Engine]:
    """Worker processes on this machine, as many as processors may be used unless said otherwise.

    Raises:
        InputError: ``engine-option-unused``: it has no scheduler.
    """
    if choice.scheduler:
        raise InputError("engine-option-unused", engine=choice.name, option="--scheduler")
    pool = _Pool(choice.workers or len(os.sched_getaffinity(0)), notice)
    try:
        yield pool
    except BaseException:
        pool.end(at_once=True)
        raise
    pool.end(at_once=False)
