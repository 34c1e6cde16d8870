"""``gxmeter pull``: fetch samples from a server that is named, into a folder that ``gxmeter energy`` reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gxmeter.cli.output import emit_json, finish, report_error, say, show_findings
from gxmeter.core.errors import GxmeterError, InputError

if TYPE_CHECKING:
    from gxmeter.telemetry.pull.client import Client
    from gxmeter.telemetry.pull.prometheus import Pulled, Wish

_pull = typer.Typer(help="Fetch telemetry from a server: the only command that asks one.", no_args_is_help=True)

_MAX_TOKEN = 1 << 14
_ZONE = "Asia/Tokyo"


def register(app: typer.Typer) -> None:
    """Add ``gxmeter pull``."""
    app.add_typer(_pull, name="pull")


@_pull.callback()
def _root() -> None:
    """Fetch telemetry from a server: the only command that asks one."""


@_pull.command("prometheus")
def prometheus(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server, e.g. http://prometheus:9090.")],
    start: Annotated[str, typer.Option(metavar="TIME", help="From when on; without a zone: time in Japan.")],
    end: Annotated[str, typer.Option(metavar="TIME", help="Until when; this moment is not part of it.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="New folder, or the one to go on with.")],
    match: Annotated[
        list[str] | None, typer.Option(metavar="SELECTOR", help="What to fetch; default: energy and power of DCGM.")
    ] = None,
    step: Annotated[str, typer.Option(metavar="S", help="Ask by range query with this step [s]; default: raw.")] = "",
    chunk: Annotated[str, typer.Option(metavar="HOURS", help="Time in one file [h].")] = "6",
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificates to trust, PEM.")] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File that holds a bearer token.")] = None,
    token_env: Annotated[str, typer.Option(metavar="NAME", help="Environment variable that holds one.")] = "",
    timeout: Annotated[int, typer.Option(metavar="S", min=1, max=3600, help="Longest silence of the server [s].")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Fetch samples from a Prometheus server as they were scraped; a second call fetches what is missing."""
    from gxmeter.telemetry.pull.client import Client, base_url

    try:
        client = Client(base_url(url), _token(token_file, token_env), ca, timeout)
        done = _pulled(client, _wish(start, end, tuple(match or ()), (step, chunk)), out)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json(_document(done))
    else:
        _show(done, out)
    show_findings(done.findings)
    finish(done.findings)


def _pulled(client: Client, wish: Wish, folder: Path) -> Pulled:
    """Fetch with a progress bar that shows once the work takes over two seconds."""
    from tqdm import tqdm

    from gxmeter.core.clock import SystemClock
    from gxmeter.core.findings import finding
    from gxmeter.telemetry.pull.client import is_unencrypted
    from gxmeter.telemetry.pull.prometheus import pull

    with tqdm(
        unit="h", delay=2, leave=False, disable=None, desc="pull", bar_format="{l_bar}{bar}| {elapsed}<{remaining}"
    ) as bar:

        def progress(done_ms: int, total_ms: int) -> None:
            bar.total = total_ms
            bar.update(done_ms - bar.n)

        done = pull(client, wish, folder, now_ms=SystemClock().now_ms(), progress=progress)
    if client.token and is_unencrypted(client.url):
        done.findings.append(finding("pull-token-unencrypted", found=client.url))
    return done


def _wish(start: str, end: str, match: tuple[str, ...], lengths: tuple[str, str]) -> Wish:
    """What is wanted, from the texts of the command line; all faults at once.

    Raises:
        InputError: ``pull-time`` for each time that is none; ``pull-step``; a number that is none.
    """
    from gxmeter.core.findings import finding
    from gxmeter.core.numbers import parse_decimal
    from gxmeter.telemetry.pull.prometheus import DEFAULT_MATCH, Wish
    from gxmeter.telemetry.pull.windows import Window
    from gxmeter.telemetry.text.instants import Clock

    clock = Clock(_ZONE)
    start_ms, end_ms = clock.one(start), clock.one(end)
    if start_ms is None or end_ms is None:
        bad = [text for text, ms in ((start, start_ms), (end, end_ms)) if ms is None]
        raise InputError.from_findings(finding("pull-time", found=text) for text in bad)
    step, chunk = lengths
    step_ms = int(parse_decimal(step).scaleb(3)) if step else 0
    if step and step_ms <= 0:
        raise InputError("pull-step", found=step_ms, expected="-")
    return Wish(Window(start_ms, end_ms), match or DEFAULT_MATCH, step_ms, int(parse_decimal(chunk) * 3_600_000))


def _token(file: Path | None, variable: str) -> str:
    """The token that a file or an environment variable holds; empty where none is named.

    Raises:
        InputError: ``pull-token``.
    """
    if file is None and not variable:
        return ""
    place = str(file) if file is not None else f"${variable}"
    try:
        text = _head(file) if file is not None else os.environ[variable]
    except OSError as error:
        raise InputError("pull-token", found=place, reason=error.strerror or "-") from None
    except (KeyError, UnicodeDecodeError) as error:
        raise InputError("pull-token", found=place, reason=type(error).__name__) from None
    token = text.strip()
    if not token or len(token) > _MAX_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise InputError("pull-token", found=place, reason="-")
    return token


def _head(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(_MAX_TOKEN + 1).decode("ascii")


def _document(done: Pulled) -> dict[str, Any]:
    parts = done.manifest.parts
    return {
        "url": done.manifest.url,
        "server": done.manifest.server,
        "files": len(parts),
        "fetched": len(done.fetched),
        "kept": done.kept,
        "samples": sum(part.samples for part in parts),
        "findings": [item.to_json() for item in done.findings],
    }


def _show(done: Pulled, folder: Path) -> None:
    parts = done.manifest.parts
    samples, new, kept = sum(part.samples for part in parts), len(done.fetched), done.kept
    say(
        f"{folder} に値 {samples:,} 個({new} ファイルを取得、{kept} ファイルは取得済み)。"
        f"次: gxmeter energy {folder} --format dcgm-prometheus",
        f"{samples:,} samples in {folder} ({new} files fetched, {kept} were there). "
        f"Next: gxmeter energy {folder} --format dcgm-prometheus",
    )
