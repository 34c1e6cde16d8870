"""``gxmeter run``: a command under the meter; its exit code is the child's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gxmeter.cli.output import report_error, say
from gxmeter.core.errors import GxmeterError, InputError

if TYPE_CHECKING:
    from gxmeter.meter.session import Meter
    from gxmeter.meter.totals import MeterResult

_SETTINGS = {"allow_interspersed_args": False}


def register(app: typer.Typer) -> None:
    """Add ``gxmeter run``."""
    app.command("run", context_settings=_SETTINGS)(run)


def run(
    command: Annotated[list[str] | None, typer.Argument(metavar="-- CMD...", help="The command to measure.")] = None,
    run_id: Annotated[str, typer.Option("--run", metavar="ID", help="Run id; default run-<date>-<6 hex>.")] = "",
    site: Annotated[str, typer.Option(metavar="ID", help="Site id; default GXMETER_SITE or the only site.")] = "",
    period: Annotated[float, typer.Option(metavar="S", help="Length of an interval [s], 0.1 to 60.")] = 1.0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the answer here.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Show power and energy while it runs (terminal only).")] = False,
    workspace: Annotated[Path | None, typer.Option("-w", "--workspace", metavar="DIR", help="The workspace.")] = None,
) -> None:
    """Run a command under the meter and add it to the workspace's journals."""
    from gxmeter.meter.child import run_measured

    try:
        meter = _meter(run_id, site, period, workspace)
        code, result = run_measured(command or [], meter, show=live)
    except GxmeterError as error:
        raise typer.Exit(report_error(error)) from None
    if json_file is not None:
        _write(json_file, result)
    _summary(result)
    raise typer.Exit(code)


def _meter(run_id: str, site: str, period: float, workspace: Path | None) -> Meter:
    """A meter for checked options; whatever the site's file declares about the node goes in as a number."""
    from gxmeter.core.ids import is_id
    from gxmeter.meter.place import settle_site, workspace_of
    from gxmeter.meter.session import PERIOD_RANGE_S, Meter

    wrong = [("--run", run_id)] if run_id and not is_id(run_id) else []
    wrong += [("--site", site)] if site and not is_id(site) else []
    if wrong:
        raise InputError("option-not-usable", option=wrong[0][0], found=wrong[0][1], expected="A-Z a-z 0-9 . _ -")
    low, high = PERIOD_RANGE_S
    if not low <= period <= high:
        raise InputError("option-not-usable", option="--period", found=period, expected=f"{low:g}-{high:g}")
    folder = workspace_of(workspace)
    ratio = _node_ratio(folder, settle_site(site, folder)[0])
    return Meter(run_id or None, site or None, folder, period_s=period, node_overhead=ratio)


def _node_ratio(workspace: Path | None, site: str) -> str | None:
    """The declared node ratio of a site, as text; None where its file declares none or cannot be read.

    Only this one value is read: faults elsewhere in the workspace must not keep a training from starting.
    """
    import yaml

    for path in sorted((workspace / "sites").glob("*.y*ml")) if workspace else []:
        try:
            body = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # BaseLoader makes text only
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        if isinstance(body, dict) and body.get("id") == site:
            return _inner(body, "overheads", "node", "ratio")
    return None


def _inner(body: object, *keys: str) -> str | None:
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body if isinstance(body, str) and body else None


def _write(path: Path, result: MeterResult) -> None:
    """Write the answer; where that fails the child's exit code still counts."""
    from gxmeter.core.files import write_atomically

    try:
        write_atomically(path, (json.dumps(_document(result), ensure_ascii=False, indent=2) + "\n").encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        say(f"{path} に書けません({reason})。", f"{path} cannot be written ({reason}).")


def _document(result: MeterResult) -> dict[str, Any]:
    from gxmeter.core.numbers import plain

    node = result.node_kwh
    return {
        "run": result.run,
        "site": result.site,
        "journal": str(result.journal) if result.journal else None,
        "samples": result.samples,
        "energy_kwh": {"device": plain(result.device_kwh), "node": None if node is None else plain(node)},
        "energy_uj": {"measured": str(result.measured_uj), "estimated": str(result.estimated_uj)},
        "findings": [item.to_json() for item in result.findings],
    }


def _summary(result: MeterResult) -> None:
    """One line for people: how much, how known, where."""
    total = result.measured_uj + result.estimated_uj
    if total == 0:
        say("gxmeter: エネルギーは計測できませんでした。", "gxmeter: no energy could be measured.")
        return
    kwh = format(result.device_kwh, "f")
    share = 100 * result.measured_uj // total
    say(
        f"gxmeter: {kwh} kWh(装置の合計。実測 {share}%・推計 {100 - share}%) {result.journal or '記録なし'}",
        f"gxmeter: {kwh} kWh (device boundary; {share} % measured, {100 - share} % estimated) {result.journal or '-'}",
    )
