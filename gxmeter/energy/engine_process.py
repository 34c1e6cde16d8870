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
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.core.findings import finding
from gxmeter.energy.engines import Engine, EngineChoice, Notice, Work
from gxmeter.energy.tasks import Answer, Task

T = TypeVar("T")

MAX_LOSSES = 6
"""How often the pool is built anew before it is given up: a big one is halved five times on the way to one worker."""

ALONE_LOSSES = 2
"""How often a file may kill a worker that is alone."""


@dataclass(slots=True)
class _Pool:
    """A pool of workers that is built anew when one of them is lost."""

    workers: int
    notice: Notice
    losses: int = 0
    alone: int = 0

    def each(self, work: Work[T], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer[T]]]:
        left = list(range(len(tasks)))
        while left:
            running: set[int] = set()
            try:
                for place, answer in _round(work, tasks, left, min(self.workers, len(left)), running):
                    left.remove(place)
                    yield place, answer
            except BrokenProcessPool:
                self._lost([tasks[place].source.label for place in sorted(running)])

    def _lost(self, files: Sequence[str]) -> None:
        """Count a loss and go on with fewer workers.

        Raises:
            GxmeterError: ``engine-worker-lost``, naming the files that were being read.
        """
        self.losses += 1
        self.alone += self.workers == 1
        names = ", ".join(files)
        if self.losses >= MAX_LOSSES or self.alone >= ALONE_LOSSES:
            raise GxmeterError("engine-worker-lost", found=names)
        self.workers = max(1, self.workers // 2)
        self.notice(finding("engine-worker-replaced", found=names))


def _round(
    work: Work[T], tasks: Sequence[Task], places: Sequence[int], workers: int, running: set[int]
) -> Iterator[tuple[int, Answer[T]]]:
    """Answers from one pool, until all are there or a worker is lost; ``running`` then holds what was being read."""
    context = get_context("spawn")
    lifeline, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(lifeline,))
    waiting = list(reversed(places))
    futures: dict[Future[Answer[T]], int] = {}
    try:
        while waiting or futures:
            while waiting and len(futures) < workers:
                place = waiting.pop()
                futures[pool.submit(work, tasks[place])] = place
                running.add(place)
            for future in wait(futures, return_when=FIRST_COMPLETED).done:
                answer = future.result()
                place = futures.pop(future)
                running.discard(place)
                yield place, answer
    except BaseException:
        ours.close()  # whoever is still at work ends: after Ctrl-C nobody waits for an answer
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        ours.close()
        lifeline.close()


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
    yield _Pool(choice.workers or len(os.sched_getaffinity(0)), notice)
