"""The ``gxmeter`` command: collects the command modules and turns errors into exit codes.

Command modules import their room inside the command, so that ``gxmeter --help`` stays under 0.3 s.
"""

from __future__ import annotations

import importlib
import io
import os
import pkgutil
import sys

import typer

from gxmeter import __version__
from gxmeter.cli import commands
from gxmeter.cli.output import report_error
from gxmeter.core.errors import ExitCode, GxmeterError

app = typer.Typer(
    name="gxmeter",
    help="AI-training telemetry to energy and greenhouse-gas figures by Japanese rules, with proof.",
    add_completion=True,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"gxmeter {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """AI-training telemetry to energy and greenhouse-gas figures by Japanese rules, with proof."""


for _module in pkgutil.iter_modules(commands.__path__):
    if "_" not in _module.name:  # run_text belongs to run, and is imported when run is called
        importlib.import_module(f"{commands.__name__}.{_module.name}").register(app)


def main() -> None:
    """Entry point: run, and say an expected error in one sentence instead of a traceback."""
    as_json = "--json" in sys.argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except GxmeterError as error:
        sys.exit(report_error(error, as_json=as_json))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in {"", "gxmeter"}:
            raise
        sys.exit(report_error(GxmeterError("package-missing", package=package), as_json=as_json))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.COULD_NOT_RUN)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        sys.exit(report_error(GxmeterError("file-error", file=error.filename or "-", reason=reason), as_json=as_json))
