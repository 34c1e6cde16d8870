"""``gxmeter reconcile`` and ``gxmeter cover``: accounted energy against bills, devices against the calendar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxmeter.cli.output import emit_json, finish, report_error, show_findings
from gxmeter.core.errors import GxmeterError

if TYPE_CHECKING:
    from gxmeter.api import Book

Year = Annotated[
    int | None, typer.Option("--fy", min=2013, max=2100, help="Fiscal year (April to March); or give a month.")
]
Month = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="One month, such as 2026-04.")]
Site = Annotated[str, typer.Option("--site", help="Only this site.")]
Folder = Annotated[Path | None, typer.Option("--workspace", "-w", help="Workspace; default: here or nearest parent.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("reconcile")(reconcile)
    app.command("cover")(cover)


def reconcile(
    fy: Year = None, month: Month = "", site: Site = "", workspace: Folder = None, as_json: Json = False
) -> None:
    """Hold runs, idle energy and overhead of each site and month against bills and meters."""
    from gxmeter.cli.bars import telemetry_bar
    from gxmeter.cli.commands.reconcile_text import lines

    try:
        with telemetry_bar() as bar:
            made = _book(workspace).reconcile(fy, month=month, site=site, progress=bar)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json(made.to_json())
    else:
        for line in lines(made):
            typer.echo(line)
    show_findings(made.result.findings)
    finish(made.result.findings)


def cover(fy: Year = None, month: Month = "", site: Site = "", workspace: Folder = None, as_json: Json = False) -> None:
    """Say of every declared device when it ran, was idle, was off, or nothing is known."""
    from gxmeter.cli.bars import telemetry_bar
    from gxmeter.cli.commands.cover_text import lines

    try:
        with telemetry_bar() as bar:
            made = _book(workspace).cover(fy, month=month, site=site, progress=bar)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json(made.to_json())
    else:
        for line in lines(made):
            typer.echo(line)
    show_findings(made.findings)
    finish(made.findings)


def _book(workspace: Path | None) -> Book:
    from gxmeter.api import open_workspace
    from gxmeter.workspace.load import find_workspace

    return open_workspace(find_workspace(workspace))
