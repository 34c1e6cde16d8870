"""Which engines there are, and how one is started: the files ``engine_*.py`` beside this one decide, no list does.

An engine carries tasks to wherever there is a processor and brings their answers back; it computes nothing itself, so
all give the same digits. It is a module with ``start`` and, where it needs a package that gxmeter is installed without,
``PACKAGE`` (what is imported) and ``EXTRA`` (what is installed).
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, cast

from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.core.findings import Finding
from gxmeter.energy.tasks import Answer, Task

T = TypeVar("T")

LOCAL = "local"
"""The engine that is always there."""

_PREFIX = "engine_"

Work = Callable[[Task], Answer[T]]
"""A function of the module ``tasks``, so that a worker finds it by its name."""

Notice = Callable[[Finding], None]
"""Told what concerns the way and not the result: a worker that was lost, a cache entry that was damaged."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What integrates telemetry.

    Attributes:
        name: local, process, dask or spark.
        workers: how many processes; None: as many as processors may be used here.
        scheduler: address of a running cluster (``tcp://host:8786``, ``spark://host:7077``); empty: none.
    """

    name: str = LOCAL
    workers: int | None = None
    scheduler: str = ""

    def __post_init__(self) -> None:
        """Check that there is such an engine.

        Raises:
            InputError: ``engine-unknown``, ``engine-workers-invalid``.
        """
        names = engine_names()
        if self.name not in names:
            raise InputError("engine-unknown", expected=", ".join(names), found=self.name)
        if self.workers is not None and self.workers < 1:
            raise InputError("engine-workers-invalid", found=self.workers)


class Engine(Protocol):
    """Carries tasks out."""

    def each(self, work: Work[T], tasks: Sequence[Task]) -> Iterator[tuple[int, Answer[T]]]:
        """The answers with the places of their tasks, as they come.

        Raises:
            GxmeterError: ``engine-worker-lost``, ``engine-worker-unfit``, ``engine-lost``.
        """


class _Module(Protocol):
    def start(self, choice: EngineChoice, notice: Notice) -> AbstractContextManager[Engine]:
        """Start the engine; when the block ends, whatever it started ends too.

        Raises:
            ModuleNotFoundError: the engine's package is not installed.
            GxmeterError: ``engine-not-started``, ``engine-option-unused``.
        """


def engine_names() -> list[str]:
    """The names of all engines, sorted; imports none of them."""
    folder = [str(Path(__file__).parent)]
    found = (module.name for module in pkgutil.iter_modules(folder) if module.name.startswith(_PREFIX))
    return sorted(name.removeprefix(_PREFIX) for name in found)


@contextmanager
def started(choice: EngineChoice, notice: Notice) -> Iterator[Engine]:
    """An engine for the time of a block.

    Raises:
        GxmeterError: ``engine-package-missing``; what the engine raises.
    """
    module = importlib.import_module(f"{__package__}.{_PREFIX}{choice.name}")
    package = getattr(module, "PACKAGE", "")
    if package and importlib.util.find_spec(package) is None:
        raise GxmeterError("engine-package-missing", engine=choice.name, package=package, extra=module.EXTRA)
    with cast("_Module", module).start(choice, notice) as engine:
        yield engine
