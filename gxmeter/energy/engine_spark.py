"""The Spark engine: files as tasks on a Spark cluster; Spark carries them and computes nothing, no SQL is involved.

Without a master's address the one that ``spark-submit`` set is taken, else Spark runs on this machine, on the loopback
interface and without its pages. Every file is a job of one task, so that answers come as they are ready; what an
executor was doing when it died is done again by another one. Executors need gxmeter installed, of the same version, and
must reach the files under the same paths.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from gxmeter.core.errors import GxmeterError
from gxmeter.energy.engines import Engine, EngineChoice, Notice, Work
from gxmeter.energy.tasks import Answer, Task

T = TypeVar("T")

PACKAGE = "pyspark"
EXTRA = "spark"

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class _Spark:
    context: Any

    def each(self, work: Work[T], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer[T]]]:
        broken = importlib.import_module("py4j.protocol").Py4JJavaError

        def job(task: Task) -> Answer[T]:
            answer: Answer[T] = self.context.parallelize([task], 1).map(work).collect()[0]
            return answer

        pool = ThreadPoolExecutor(max(1, self.context.defaultParallelism))
        futures = {pool.submit(job, task): place for place, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                place = futures[future]
                try:
                    yield place, future.result()
                except broken as error:
                    raise _named(error, tasks[place]) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            if not all(future.done() for future in futures):
                self.context.cancelAllJobs()


def _named(error: Exception, task: Task) -> Exception:
    """Why Spark gave a task up: executors without gxmeter, executors that die, or a fault of our own."""
    text = str(error)
    missing = next((line for line in text.splitlines() if line.startswith("ModuleNotFoundError")), "")
    if missing:
        return GxmeterError("engine-worker-unfit", engine="spark", reason=missing)
    if "PythonException" in text:
        return RuntimeError(text)
    return GxmeterError("engine-worker-lost", found=task.source.label)


@contextmanager
def start(choice: EngineChoice, notice: Notice) -> Iterator[Engine]:  # noqa: ARG001 - Spark itself tells of lost workers
    """A context of a running cluster, or of Spark on this machine; one that was there before stays.

    Raises:
        GxmeterError: ``engine-not-started``.
    """
    pyspark = importlib.import_module(PACKAGE)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # where Spark looks for the workers' Python
    failed = importlib.import_module("pyspark.errors").PySparkException
    before = pyspark.SparkContext._active_spark_context  # noqa: SLF001 - the only way to see it without making one
    try:
        context = before or pyspark.SparkContext(conf=_configured(choice, pyspark.SparkConf()))
    except (failed, OSError) as error:
        raise GxmeterError("engine-not-started", engine=choice.name, reason=error) from None
    try:
        yield _Spark(context)
    finally:
        if before is None:
            context.stop()


def _configured(choice: EngineChoice, conf: Any) -> Any:  # noqa: ANN401 - pyspark need not be here
    """Where Spark runs; what spark-submit or a configuration file says already stays."""
    conf.setAppName("gxmeter")
    if choice.scheduler:
        conf.setMaster(choice.scheduler)
    if not conf.contains("spark.master"):
        conf.setMaster(f"local[{choice.workers or len(os.sched_getaffinity(0))}]")
        conf.set("spark.driver.bindAddress", _LOOPBACK).set("spark.driver.host", _LOOPBACK)
        conf.set("spark.ui.enabled", "false").set("spark.authenticate", "true")  # others may be on this machine
    elif choice.workers is not None:
        conf.set("spark.cores.max", str(choice.workers)).set("spark.executor.instances", str(choice.workers))
    conf.setIfMissing("spark.ui.showConsoleProgress", "false").setIfMissing("spark.log.level", "ERROR")
    return conf
