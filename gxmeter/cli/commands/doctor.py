"""``gxmeter doctor``: what can be measured on this host, by which sensor, how well, and how to make it better."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gxmeter.cli.output import emit_json, finish, language, say


def register(app: typer.Typer) -> None:
    """Add ``gxmeter doctor``."""
    app.command("doctor")(doctor)


def doctor(
    site: Annotated[str, typer.Option(metavar="ID", help="Site id that runs would name.")] = "",
    workspace: Annotated[Path | None, typer.Option("-w", "--workspace", metavar="DIR", help="The workspace.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document to standard output.")] = False,
) -> None:
    """Say what can be measured on this host, by which sensor, at which grade, and the commands that make it better."""
    from gxmeter.cli.commands.doctor_text import document, text
    from gxmeter.meter.doctor.examine import examine

    diagnosis = examine(os.environ, workspace=workspace, site=site or None, say=_patience)
    if as_json:
        emit_json(document(diagnosis))
    else:
        for line in text(diagnosis, ja=language() == "ja"):
            typer.echo(line)
    finish(diagnosis.findings)


def _patience(sensor: str) -> None:
    """A management controller may take half a minute; somebody who waits is told."""
    if sensor == "redfish" and sys.stderr.isatty():
        say("管理コントローラー(BMC)に問い合わせています…", "Asking the management controller (BMC) ...")
