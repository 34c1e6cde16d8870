"""``gxmeter energy``: samples in files or folders to energy, at once and without a workspace."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxmeter.cli import read_options as ask
from gxmeter.cli.engines import Engine, NoCache, Scheduler, Workers, show_notice
from gxmeter.cli.output import emit_json, finish, language, report_error, show_findings
from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.core.findings import ordered

if TYPE_CHECKING:
    from gxmeter.energy.engines import EngineChoice
    from gxmeter.energy.model import EnergyResult, Source

_JOURNALS = "gxmeter"


def register(app: typer.Typer) -> None:
    """Add ``gxmeter energy``."""
    app.command("energy")(energy)


def energy(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, or folders walked in sorted order; or URLs (s3://...)."),
    ],
    format_: Annotated[str, typer.Option("--format", help="gxmeter, mlperf-power, parquet, ...")],
    gap_limit: Annotated[
        str, typer.Option(metavar="S", help="Longest time between samples that is integrated [s]; default per device.")
    ] = "",
    run: Annotated[str, typer.Option(help="Run of samples that do not say theirs.")] = "",
    site: Annotated[str, typer.Option(help="Site of samples that do not say theirs.")] = "",
    time_zone: ask.TimeZone = "",
    encoding: ask.Encoding = "",
    decimal: ask.DecimalMark = "",
    boundary: ask.Boundary = "",
    grade: ask.Grade = "",
    host: ask.Host = "",
    columns: ask.Columns = None,
    jobs: ask.Jobs = None,
    engine: Engine = "local",
    workers: Workers = None,
    scheduler: Scheduler = "",
    no_cache: NoCache = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Turn samples in files or folders, here or on object storage, into energy, without a workspace."""
    from gxmeter.energy import summary
    from gxmeter.energy.cache import user_folder
    from gxmeter.energy.double import double_findings
    from gxmeter.energy.engines import EngineChoice
    from gxmeter.energy.sources import sources_under
    from gxmeter.energy.work_kept import journals
    from gxmeter.energy.work_summary import work_document, work_findings, work_lines

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
        sources = sources_under(paths, format=format_, run=run, site=site, options=options)
        cache = None if no_cache else user_folder()
        # Phases and counted work: only journals of gxmeter tell any.
        told = journals(sources, run=run, cache=cache) if format_ == _JOURNALS else None
        result = _integrated(sources, gap_limit, EngineChoice(engine, workers, scheduler), cache)
        work = told.work(result, show_notice) if told else None
        result.findings = ordered([*result.findings, *double_findings(result), *work_findings(work or ())])
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        more = {} if work is None else {"work": work_document(work)}
        emit_json(summary.document(result, format=format_) | more)
    else:
        ja = language() == "ja"
        for line in (*summary.lines(result, ja=ja), *work_lines(work or (), ja=ja)):
            typer.echo(line)
    show_findings(result.findings)
    finish(result.findings)


def _integrated(sources: list[Source], gap_limit: str, engine: EngineChoice, cache: Path | None) -> EnergyResult:
    """Integrate with a progress bar that shows once the work takes over two seconds."""
    from gxmeter.cli.bars import telemetry_bar
    from gxmeter.energy.integrate import integrate

    limit_ms = _milliseconds(gap_limit) if gap_limit else None
    with telemetry_bar() as bar:
        return integrate(sources, gap_limit_ms=limit_ms, engine=engine, cache=cache, progress=bar, notice=show_notice)


def _milliseconds(text: str) -> int:
    from gxmeter.core.numbers import parse_decimal, plain
    from gxmeter.energy.model import MAX_GAP_LIMIT_MS

    milliseconds = parse_decimal(text).scaleb(3)
    if milliseconds != milliseconds.to_integral_value() or not 1 <= milliseconds <= Decimal(MAX_GAP_LIMIT_MS):
        raise InputError("gap-limit-out-of-range", found=plain(milliseconds))
    return int(milliseconds)
