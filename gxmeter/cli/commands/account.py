"""``gxmeter account``, ``gxmeter progress``: the year's figures and how they stand against the roadmap."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxmeter.cli.engines import Engine, NoCache, Scheduler, Workers, opened_book
from gxmeter.cli.output import emit_json, finish, report_error, show_findings
from gxmeter.core.errors import GxmeterError

if TYPE_CHECKING:
    from gxmeter.api import Account, Book

Year = Annotated[int, typer.Option("--fy", min=2013, max=2100, help="Fiscal year of the emissions (April to March).")]
Folder = Annotated[Path | None, typer.Option("--workspace", "-w", help="Workspace; default: here or nearest parent.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("account")(account)
    app.command("progress")(progress)


def account(
    fy: Year,
    workspace: Folder = None,
    engine: Engine = "local",
    workers: Workers = None,
    scheduler: Scheduler = "",
    no_cache: NoCache = False,
    as_json: Json = False,
) -> None:
    """Compute the inventory of a fiscal year."""
    from gxmeter.cli.summary import account_lines

    opened = partial(opened_book, workspace, engine=engine, workers=workers, scheduler=scheduler, cached=not no_cache)
    year = _account(opened, fy, as_json=as_json)
    if as_json:
        emit_json(year.to_json())
    else:
        for line in account_lines(year):
            typer.echo(line)
    show_findings(year.findings)
    finish(year.findings)


def progress(
    fy: Year,
    workspace: Folder = None,
    engine: Engine = "local",
    workers: Workers = None,
    scheduler: Scheduler = "",
    no_cache: NoCache = False,
    as_json: Json = False,
) -> None:
    """Hold the year's figures against the approved roadmap."""
    from gxmeter.cli.summary import progress_lines

    opened = partial(opened_book, workspace, engine=engine, workers=workers, scheduler=scheduler, cached=not no_cache)
    year = _account(opened, fy, as_json=as_json)
    if as_json:
        emit_json(year.progress_json())
    else:
        for line in progress_lines(year):
            typer.echo(line)
    show_findings(year.findings)
    finish(year.findings)


def _account(opened: Callable[[], Book], fy: int, *, as_json: bool) -> Account:
    from gxmeter.cli.bars import telemetry_bar

    try:
        with telemetry_bar() as bar:
            return opened().account(fy, progress=bar)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
