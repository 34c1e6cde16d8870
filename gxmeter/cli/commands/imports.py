"""``gxmeter import``: telemetry of other tools, bills and readings into the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxmeter.cli import read_options as ask
from gxmeter.cli.bars import telemetry_bar
from gxmeter.cli.output import emit_json, finish, report_error, say, show_findings
from gxmeter.core.errors import GxmeterError

if TYPE_CHECKING:
    from gxmeter.api.imports import Imported


def register(app: typer.Typer) -> None:
    """Add ``gxmeter import``."""
    app.command("import")(import_)


def import_(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files or folders as received, or URLs.")],
    format_: Annotated[str, typer.Option("--format", help="gxmeter, nvidia-smi, meter-csv, parquet, ...")],
    run: Annotated[str, typer.Option(metavar="ID", help="Run of samples that name none; left out: of no run.")] = "",
    site: Annotated[str, typer.Option(metavar="ID", help="Site of samples that name none.")] = "",
    workspace: Annotated[Path | None, typer.Option("-w", "--workspace", metavar="DIR", help="The workspace.")] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Leave the files where they are; note place and digest.")
    ] = False,
    as_reading: Annotated[
        str, typer.Option(metavar="KIND", help="Facility metering to reconcile with: 'bill' or 'meter'.")
    ] = "",
    time_zone: ask.TimeZone = "",
    encoding: ask.Encoding = "",
    decimal: ask.DecimalMark = "",
    boundary: ask.Boundary = "",
    grade: ask.Grade = "",
    host: ask.Host = "",
    columns: ask.Columns = None,
    jobs: ask.Jobs = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Read telemetry of other tools as a whole, and keep it in the workspace as it was received."""
    from gxmeter.api.import_files import Wish
    from gxmeter.api.imports import import_telemetry
    from gxmeter.workspace.load import find_workspace, load_workspace

    try:
        options = ask.read_options(
            time_zone=time_zone,
            encoding=encoding,
            decimal=decimal,
            boundary=boundary,
            grade=grade,
            host=host,
            columns=columns,
            jobs=jobs,
        )
        wish = Wish(format_, run, site, options, link=link, as_reading=as_reading)
        loaded = load_workspace(find_workspace(workspace))
        with telemetry_bar() as progress:
            done = import_telemetry(loaded, paths, wish, progress=progress)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json(done.to_json())
    else:
        _show(done)
    show_findings(done.findings)
    finish(done.findings)


def _show(done: Imported) -> None:
    for answer in done.answers:
        size = sum(file["bytes"] for file in answer["files"])
        place, records, devices = answer["place"], answer["records"], answer["devices"]
        if "readings" in answer:
            count = len(answer["readings"])
            say(f"{place}: 検針値 {count} 件を作りました。", f"{place}: made {count} readings.")
        else:
            say(
                f"{place}: {devices} 台・{records:,} 件({size:,} バイト)を取り込みました。",
                f"{place}: imported {records:,} records of {devices} devices ({size:,} bytes).",
            )
