"""``gxmeter journal``: seal what is closed, and print a segment's lines, sealed or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gxmeter.cli.output import emit_json, finish, report_error, say, show_findings
from gxmeter.core.errors import GxmeterError, InputError

if TYPE_CHECKING:
    from gxmeter.telemetry.sealing import Sealing

_journal = typer.Typer(help="Journals of the meter: seal old segments, print their lines.", no_args_is_help=True)

_MS_PER_DAY = 86_400_000


def register(app: typer.Typer) -> None:
    """Add ``gxmeter journal``."""
    app.add_typer(_journal, name="journal")


@_journal.command("seal")
def seal(
    journals: Annotated[
        list[Path] | None, typer.Argument(metavar="[JOURNAL]...", help="Folders of journals; default: all.")
    ] = None,
    workspace: Annotated[Path | None, typer.Option("-w", "--workspace", metavar="DIR", help="The workspace.")] = None,
    older_than: Annotated[
        int, typer.Option(metavar="DAYS", min=0, help="Only segments that ended more than DAYS days ago.")
    ] = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the originals beside the sealed files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Turn closed segments into Parquet, without loss; the segment being written is never touched."""
    from gxmeter.core.clock import SystemClock
    from gxmeter.telemetry.sealing import seal_journals

    try:
        before_ms = SystemClock().now_ms() - older_than * _MS_PER_DAY if older_than else None
        done = seal_journals(_folders(journals or [], workspace), before_ms=before_ms, keep=keep)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json(_document(done))
    else:
        _show(done)
    show_findings(done.findings)
    finish(done.findings)


@_journal.command("cat")
def cat(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A segment, sealed or not, or a journal's folder.")],
) -> None:
    """Print the original lines of a segment, byte for byte."""
    from gxmeter.telemetry.journal_files import SegmentFile, segment_files

    try:
        for segment in segment_files(file) if file.is_dir() else [SegmentFile(file)]:
            data, faults = segment.checked()
            sys.stdout.buffer.write(data or b"")
            sys.stdout.buffer.flush()
            if faults:
                raise InputError.from_findings(faults)
    except GxmeterError as error:
        raise typer.Exit(report_error(error)) from None


def _folders(journals: list[Path], workspace: Path | None) -> list[Path]:
    """The folders that were named, as paths or as journals of the workspace; all of its journals where none was.

    Raises:
        InputError: ``source-unreadable`` for what is no folder; what finding the workspace raises.
    """
    from gxmeter.core.findings import finding
    from gxmeter.ledger.telemetry import JOURNALS
    from gxmeter.workspace.load import find_workspace

    if journals and workspace is None:
        chosen = journals
    else:
        home = find_workspace(workspace) / JOURNALS
        named = [path if path.is_dir() else home / path for path in journals]
        inside = (path for path in home.glob("*") if path.is_dir() and path.resolve().is_relative_to(home.resolve()))
        chosen = named or sorted(path for path in inside if not path.name.startswith("."))
    missing = [
        finding("source-unreadable", file=str(p), reason="no such file or folder") for p in chosen if not p.is_dir()
    ]
    if missing:
        raise InputError.from_findings(missing)
    return chosen


def _document(done: Sealing) -> dict[str, Any]:
    return {
        "sealed": [
            {"file": str(one.path), "bytes_before": one.bytes_before, "bytes_after": one.bytes_after}
            for one in done.sealed
        ],
        "left": done.left,
        "left_because": {"writing": done.writing, "young": done.young, "never_ended": done.unended},
        "findings": [item.to_json() for item in done.findings],
    }


def _show(done: Sealing) -> None:
    before, after = (sum(getattr(one, name) for one in done.sealed) for name in ("bytes_before", "bytes_after"))
    count, left = len(done.sealed), done.left
    say(
        f"セグメント {count} 個に封をしました({before:,} → {after:,} バイト)。残り {left} 個{_why(done, ja=True)}。",
        f"Sealed {count} segments ({before:,} to {after:,} bytes); {left} left{_why(done, ja=False)}.",
    )


def _why(done: Sealing, *, ja: bool) -> str:
    """Why segments were left, each reason with its number."""
    reasons = (
        (done.writing, "記録中", "still written"),
        (done.young, "指定より新しい", "too young"),
        (done.unended, "終了レコードなし(計測が途中で止まった)", "never ended, their meter was killed"),
    )
    said = [f"{in_ja} {count} 個" if ja else f"{count} {in_en}" for count, in_ja, in_en in reasons if count]
    if not said:
        return ""
    return f"({'、'.join(said)})" if ja else f": {', '.join(said)}"
