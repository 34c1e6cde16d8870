"""The Dask engine: files as tasks on a ``distributed`` cluster, which runs on laptops, SLURM and Kubernetes alike.

Without a scheduler's address a cluster of processes is started on this machine: on the loopback interface, without its
dashboard, and with keys of its own (TLS), because whoever may speak to a scheduler may run code. Workers need gxmeter
installed, of the same version, and must reach the files under the same paths. What a worker was doing when it died is
done again by another one.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.energy.engines import Engine, EngineChoice, Notice, Work
from gxmeter.energy.tasks import Answer, Task

T = TypeVar("T")

PACKAGE = "distributed"
EXTRA = "dask"

TRIES = 3
"""How often a task may lose its worker before the work is given up."""

START_S = 30
"""How long a scheduler may take to answer [s]."""

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class _Dask:
    client: Any

    def each(self, work: Work[T], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer[T]]]:
        distributed = importlib.import_module(PACKAGE)
        futures: dict[Any, int] = {}
        try:
            for place, task in enumerate(tasks):
                futures[self.client.submit(work, task, pure=False, retries=0)] = place
            for future in distributed.as_completed(list(futures), loop=self.client.loop):
                place = futures.pop(future)
                try:
                    answer = future.result()
                except distributed.KilledWorker:
                    raise GxmeterError("engine-worker-lost", found=tasks[place].source.label) from None
                except distributed.client.FutureCancelledError as error:
                    raise GxmeterError("engine-lost", engine="dask", reason=error.reason) from None
                except ModuleNotFoundError as error:
                    raise GxmeterError("engine-worker-unfit", engine="dask", reason=error) from None
                future.release()
                yield place, answer
        finally:
            self.client.cancel(list(futures), force=True)


@contextmanager
def start(choice: EngineChoice, notice: Notice) -> Iterator[Engine]:  # noqa: ARG001 - the scheduler tells of lost workers
    """A client of a running cluster, or of one that is started here for the time of the block.

    Raises:
        InputError: ``engine-option-unused``: a running cluster has its own number of workers.
        GxmeterError: ``engine-not-started``.
    """
    if choice.scheduler and choice.workers is not None:
        raise InputError("engine-option-unused", engine=choice.name, option="--workers")
    with _cluster(choice) as address:
        try:
            client = importlib.import_module(PACKAGE).Client(address, timeout=START_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise GxmeterError("engine-not-started", engine=choice.name, reason=error) from None
        with client:
            yield _Dask(client)


@contextmanager
def _cluster(choice: EngineChoice) -> Iterator[Any]:
    """The address that was given, or a cluster on this machine that ends with the block."""
    if choice.scheduler:
        yield choice.scheduler
        return
    dask, distributed = importlib.import_module("dask"), importlib.import_module(PACKAGE)
    workers = choice.workers or len(os.sched_getaffinity(0))
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": TRIES}),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host=_LOOPBACK,
            dashboard_address=f"{_LOOPBACK}:0",
            scheduler_kwargs={"dashboard": False},
            security=True,
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster
