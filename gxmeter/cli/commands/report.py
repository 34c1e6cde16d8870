"""``gxmeter report`` and ``gxmeter verify``: write the sealed package, and judge one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gxmeter.cli.engines import Engine, NoCache, Scheduler, Workers, opened_book
from gxmeter.cli.output import emit_json, finish, language, report_error, say, show_findings
from gxmeter.core.errors import ExitCode, GxmeterError


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("report")(report)
    app.command("verify")(verify)


def report(
    fy: Annotated[int, typer.Option("--fy", min=2013, max=2100, help="Fiscal year of the emissions.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Output folder; default: out/ in the workspace.")
    ] = None,
    final: Annotated[bool, typer.Option("--final", help="Refuse anything provisional.")] = False,
    key: Annotated[Path | None, typer.Option("--key", help="The calculator's key; default $GXMETER_KEY.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Workspace.")] = None,
    engine: Engine = "local",
    workers: Workers = None,
    scheduler: Scheduler = "",
    no_cache: NoCache = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Write statement, report and sealed package of a fiscal year."""
    from gxmeter.cli.bars import step_bar

    try:
        book = opened_book(workspace, engine=engine, workers=workers, scheduler=scheduler, cached=not no_cache)
        with step_bar("report") as bar:
            issued = book.report(fy, out=out or book.workspace.root / "out", final=final, key_path=key, progress=bar)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if issued.made_key:
        say(
            f"署名鍵を新しく作りました: {issued.made_key}(人に渡さず、控えを取ってください)",
            f"A new signing key was made: {issued.made_key} (keep it to yourself, and keep a copy)",
        )
    if as_json:
        emit_json(issued.to_json())
    elif issued.package:
        say(f"パッケージ: {issued.package}", f"Package: {issued.package}")
        for path in issued.files:
            say(f"  {path}", f"  {path}")
    else:
        say("報告書は書き出していません。", "No report was written.")
    show_findings(issued.findings)
    finish(issued.findings)


def verify(
    package: Annotated[Path, typer.Argument(help="A package: folder or zip.")],
    trust: Annotated[Path | None, typer.Option(help="Trust file, received another way than the package.")] = None,
    engine: Annotated[
        str, typer.Option(help="local, or duckdb (extra: sql): a second implementation in SQL adds everything up.")
    ] = "local",
    raw: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Workspace or folder with the raw telemetry, to be integrated again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Re-compute a package and judge it."""
    from gxmeter.evidence.trust import load_trust
    from gxmeter.evidence.verify.beyond import steps_beyond
    from gxmeter.evidence.verify.judge import verify as judge
    from gxmeter.evidence.verify.words import verdict_lines

    try:
        more = steps_beyond(engine, raw)
        verdict = judge(package, load_trust(trust) if trust else None, more=more)
    except GxmeterError as error:
        raise typer.Exit(_could_not_run(error, as_json=as_json)) from None
    if as_json:
        emit_json(verdict.to_json())
    else:
        for line in verdict_lines(verdict, language()):
            typer.echo(line)
    show_findings(verdict.findings)
    finish(verdict.findings)


def _could_not_run(error: GxmeterError, *, as_json: bool) -> int:
    """The answer of a verification that did not take place."""
    if as_json:
        found = [item.to_json() for item in error.findings]
        emit_json({"verdict": "could-not-run", "evaluated": {}, "not_checked": [], "findings": found})
    else:
        show_findings(error.findings)
    return ExitCode.COULD_NOT_RUN
