"""The options of every command that integrates telemetry: what reads the files, and whether the cache is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxmeter.cli.output import show_findings

if TYPE_CHECKING:
    from gxmeter.api import Book
    from gxmeter.core.findings import Finding

Engine = Annotated[
    str, typer.Option("--engine", metavar="NAME", help="What reads the telemetry: local, process, dask or spark.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", help="How many files are read at once (process, dask, spark).")
]
Scheduler = Annotated[
    str, typer.Option("--scheduler", metavar="ADDRESS", help="A cluster that is running (dask, spark).")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read every telemetry file anew.")]


def opened_book(
    workspace: Path | None,
    *,
    engine: str = "local",
    workers: int | None = None,
    scheduler: str = "",
    cached: bool = True,
) -> Book:
    """The workspace that a command works on.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    from gxmeter.api import EngineChoice, open_workspace
    from gxmeter.workspace.load import find_workspace

    choice = EngineChoice(engine, workers, scheduler)
    return open_workspace(find_workspace(workspace), engine=choice, cached=cached, notice=show_notice)


def show_notice(item: Finding) -> None:
    """Say what happened on the way, to standard error; it changes no result."""
    show_findings([item])
