"""``gxmeter init`` and ``gxmeter check``: make a workspace, and say all that is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gxmeter.cli.engines import Engine, NoCache, Scheduler, Workers, opened_book
from gxmeter.cli.output import emit_json, finish, report_error, say, show_findings
from gxmeter.core.errors import GxmeterError

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="Workspace folder (default: the current one or the nearest parent)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document to standard output.")]


def register(app: typer.Typer) -> None:
    """Add ``init`` and ``check``."""
    app.command("init")(_init)
    app.command("check")(_check)


def _init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new or an empty folder, or one that only a meter wrote to.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Write a commented workspace that already passes check."""
    from gxmeter.workspace.init import init_workspace

    try:
        files = init_workspace(folder)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json({"workspace": str(folder), "files": files, "findings": []})
    say(
        f"{folder} に作業フォルダーを作りました。次は: gxmeter check -w {folder}",
        f"Made a workspace in {folder}. Next: gxmeter check -w {folder}",
    )


def _check(
    workspace: WorkspaceOption = None,
    engine: Engine = "local",
    workers: Workers = None,
    scheduler: Scheduler = "",
    no_cache: NoCache = False,
    as_json: JsonOption = False,
) -> None:
    """Check every declaration of a workspace; all faults come at once."""
    from gxmeter.cli.bars import telemetry_bar

    try:
        book = opened_book(workspace, engine=engine, workers=workers, scheduler=scheduler, cached=not no_cache)
        with telemetry_bar() as bar:
            findings = book.check(progress=bar)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json({"findings": [item.to_json() for item in findings]})
    show_findings(findings)
    if not findings:
        say("問題は見つかりませんでした。", "No findings.")
    finish(findings)
