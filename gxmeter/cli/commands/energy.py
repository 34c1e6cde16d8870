"""``gxmeter energy``: samples in files or folders to energy, at once and without a workspace."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxmeter.cli.output import emit_json, finish, language, report_error, show_findings
from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.core.findings import ordered

if TYPE_CHECKING:
    from gxmeter.energy.model import EnergyResult
    from gxmeter.telemetry.work import RunWork

_JOURNALS = "gxmeter"


def register(app: typer.Typer) -> None:
    """Add ``gxmeter energy``."""
    app.command("energy")(energy)


def energy(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders walked in sorted order.")],
    format_: Annotated[str, typer.Option("--format", help="gxmeter, mlperf-power, parquet, ...")],
    gap_limit: Annotated[
        str, typer.Option(metavar="S", help="Longest time between samples that is integrated [s]; default per device.")
    ] = "",
    run: Annotated[str, typer.Option(help="Run of samples that do not say theirs.")] = "",
    site: Annotated[str, typer.Option(help="Site of samples that do not say theirs.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Turn samples in files or folders into energy, without a workspace."""
    from gxmeter.energy import summary
    from gxmeter.energy.work_summary import work_document, work_findings, work_lines

    try:
        result = _integrated(paths, format_, gap_limit, (run, site))
        work = _work(paths, run) if format_ == _JOURNALS else None
        result.findings = ordered([*result.findings, *work_findings(work or ())])
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        told = {} if work is None else {"work": work_document(work)}
        emit_json(summary.document(result, format=format_) | told)
    else:
        for line in (*summary.lines(result), *work_lines(work or (), ja=language() == "ja")):
            typer.echo(line)
    show_findings(result.findings)
    finish(result.findings)


def _integrated(paths: list[Path], format_: str, gap_limit: str, owner: tuple[str, str]) -> EnergyResult:
    """Integrate with a progress bar that shows once the work takes over two seconds."""
    from tqdm import tqdm

    from gxmeter.energy.engine_local import integrate
    from gxmeter.energy.sources import sources_under

    sources = sources_under(paths, format=format_, run=owner[0], site=owner[1])
    limit_ms = _milliseconds(gap_limit) if gap_limit else None
    with tqdm(unit="B", unit_scale=True, delay=2, leave=False, desc="energy") as bar:

        def progress(done_bytes: int, total_bytes: int) -> None:
            bar.total = total_bytes
            bar.update(done_bytes - bar.n)

        return integrate(sources, gap_limit_ms=limit_ms, progress=progress)


def _work(paths: list[Path], run: str) -> list[RunWork]:
    """Phases and counted work: only journals of gxmeter tell any."""
    from gxmeter.energy.sources import sources_under
    from gxmeter.telemetry.work import work_of

    return work_of([source.path for source in sources_under(paths, format=_JOURNALS)], run=run)


def _milliseconds(text: str) -> int:
    from gxmeter.core.numbers import parse_decimal, plain
    from gxmeter.energy.model import MAX_GAP_LIMIT_MS

    milliseconds = parse_decimal(text).scaleb(3)
    if milliseconds != milliseconds.to_integral_value() or not 1 <= milliseconds <= Decimal(MAX_GAP_LIMIT_MS):
        raise InputError("gap-limit-out-of-range", found=plain(milliseconds))
    return int(milliseconds)
