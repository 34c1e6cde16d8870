"""``gxmeter run``: a command under the meter; its exit code is the child's own."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gxmeter.cli.output import report_error, say
from gxmeter.core.errors import GxmeterError, InputError

if TYPE_CHECKING:
    from gxmeter.cli.commands.run_site import FactorSearch
    from gxmeter.meter.session import Meter
    from gxmeter.meter.totals import MeterResult, Totals

NODES_VARIABLE, NODE_VARIABLE = "GXMETER_NODES", "GXMETER_NODE"
"""As in :mod:`gxmeter.meter.host.launch`."""

_PATIENCE_MS = 2_000
"""How long a full pipe is waited for before the summary is left out [ms]."""

_SETTINGS = {"allow_interspersed_args": False}


def register(app: typer.Typer) -> None:
    """Add ``gxmeter run``."""
    app.command("run", context_settings=_SETTINGS)(run)


def run(
    command: Annotated[list[str] | None, typer.Argument(metavar="-- CMD...", help="The command to measure.")] = None,
    run_id: Annotated[str, typer.Option("--run", metavar="ID", help="Run id; default the job's or a new one.")] = "",
    site: Annotated[str, typer.Option(metavar="ID", help="Site id; default GXMETER_SITE or the only site.")] = "",
    period: Annotated[float, typer.Option(metavar="S", help="Length of an interval [s], 0.1 to 60.")] = 1.0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the answer here.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Show power and energy while it runs (terminal only).")] = False,
    budget: Annotated[str, typer.Option(metavar="KWH", help="Energy that the run may use; passing it is said.")] = "",
    factor: Annotated[str, typer.Option("--kg-per-kwh", metavar="F", help="Factor to show; default the site's.")] = "",
    resumes: Annotated[str, typer.Option(metavar="JOURNAL", help="Journal of the run that this one goes on.")] = "",
    compare: Annotated[bool, typer.Option("--compare", help="Let CodeCarbon read the counters too, beside.")] = False,
    nodes: Annotated[int, typer.Option(metavar="N", help="Machines of this run, where no launcher says it.")] = 0,
    node: Annotated[int, typer.Option(metavar="K", help="Number of this machine, from 0.")] = -1,
    workspace: Annotated[Path | None, typer.Option("-w", "--workspace", metavar="DIR", help="The workspace.")] = None,
) -> None:
    """Run a command under the meter and add it to the workspace's journals."""
    from gxmeter.cli.commands.run_work import with_work_inside
    from gxmeter.meter.child import run_measured
    from gxmeter.meter.show import live as line

    try:
        _place_among_nodes(nodes, node)
        options = {"budget_kwh": budget or None, "kg_per_kwh": factor or None, "resumes": resumes or None}
        meter, search = _meter(run_id, site, period, workspace, options, compare=compare)
        if live and not factor:
            search.start()
        shown = Shown(meter, search)
        code, result = run_measured(command or [], meter, (lambda: line.draw(shown)) if live else (lambda: None))
        result = with_work_inside(result)
    except GxmeterError as error:
        raise typer.Exit(report_error(error)) from None
    if live:
        line.clear()
    if json_file is not None:
        _write(json_file, result)
    _say_summary(result, search)
    raise typer.Exit(code)


def _say_summary(result: MeterResult, search: FactorSearch) -> None:
    """Nobody may read standard error any more, or not yet; the child's exit code still counts, and at once."""
    from gxmeter.cli.commands.run_text import summary
    from gxmeter.meter.show.tell import has_room

    with suppress(OSError, ValueError, AttributeError):
        if has_room(sys.stderr, _PATIENCE_MS):
            summary(result, search.found)


class Shown:
    """What the live line shows: the meter's sums, and the site's factor as soon as it is found."""

    def __init__(self, meter: Meter, search: FactorSearch) -> None:
        """Nothing is looked up here."""
        self._meter = meter
        self._search = search

    @property
    def kg_per_kwh(self) -> Decimal | None:
        """The factor that was given, else the site's [kg-CO2/kWh]."""
        found, given = self._search.found, self._meter.kg_per_kwh
        return given if given is not None else found.kg_per_kwh if found else None

    @property
    def totals(self) -> Totals:
        """Sums so far."""
        return self._meter.totals

    @property
    def elapsed_ns(self) -> int:
        """Time since the start [ns]."""
        return self._meter.elapsed_ns

    @property
    def budget_uj(self) -> int | None:
        """Energy that may be used [uJ], or None."""
        return self._meter.budget_uj

    @property
    def counting(self) -> bool:
        """Whether this meter measures."""
        return self._meter.counting


def _place_among_nodes(nodes: int, node: int) -> None:
    """What the user says of the machines goes before what launchers say; the command sees it too."""
    if nodes < 0 or (node >= 0 and not nodes):
        raise InputError("option-not-usable", option="--nodes", found=nodes, expected=">= 1")
    if nodes:
        if not 0 <= node < nodes:
            raise InputError("option-not-usable", option="--node", found=node, expected=f"0..{nodes - 1}")
        os.environ |= {NODES_VARIABLE: str(nodes), NODE_VARIABLE: str(node)}


def _meter(
    run_id: str,
    site: str,
    period: float,
    workspace: Path | None,
    options: dict[str, str | None],
    *,
    compare: bool,
) -> tuple[Meter, FactorSearch]:
    """A meter for checked options; whatever the site's file declares about the node goes in as a number."""
    from gxmeter.cli.commands.run_site import FactorSearch, node_ratio
    from gxmeter.core.ids import is_id
    from gxmeter.meter.record.place import settle_site, workspace_of
    from gxmeter.meter.session import Meter
    from gxmeter.meter.settle import PERIOD_RANGE_S

    wrong = [("--run", run_id)] if run_id and not is_id(run_id) else []
    wrong += [("--site", site)] if site and not is_id(site) else []
    if wrong:
        raise InputError("option-not-usable", option=wrong[0][0], found=wrong[0][1], expected="A-Z a-z 0-9 . _ -")
    low, high = PERIOD_RANGE_S
    if not low <= period <= high:
        raise InputError("option-not-usable", option="--period", found=period, expected=f"{low:g}-{high:g}")
    for option, key in (("--budget", "budget_kwh"), ("--kg-per-kwh", "kg_per_kwh")):
        _check_decimal(option, options[key])
    folder = workspace_of(workspace or os.environ.get("GXMETER_WORKSPACE") or None)
    known_site = settle_site(site, folder)[0]
    ratio = node_ratio(folder, known_site)
    meter = Meter(
        run_id or None,
        site or None,
        folder,
        period_s=period,
        node_overhead=ratio,
        kg_per_kwh=options["kg_per_kwh"],
        budget_kwh=options["budget_kwh"],
        resumes=options["resumes"],
        compare=compare,
    )
    return meter, FactorSearch(folder, known_site)


def _check_decimal(option: str, text: str | None) -> None:
    from gxmeter.core.numbers import parse_decimal

    if text is not None:
        try:
            usable = parse_decimal(text) >= 0
        except InputError:
            usable = False
        if not usable:
            raise InputError("option-not-usable", option=option, found=text, expected=">= 0")


def _write(path: Path, result: MeterResult) -> None:
    """Write the answer; where that fails the child's exit code still counts."""
    from gxmeter.core.files import write_atomically

    try:
        write_atomically(path, (json.dumps(_document(result), ensure_ascii=False, indent=2) + "\n").encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        with suppress(OSError, ValueError):
            say(f"{path} に書けません({reason})。", f"{path} cannot be written ({reason}).")


def _document(result: MeterResult) -> dict[str, Any]:
    from gxmeter.core.numbers import plain
    from gxmeter.meter.totals import to_kwh

    document: dict[str, Any] = {
        "run": result.run,
        "site": result.site,
        "journal": str(result.journal) if result.journal else None,
        "counting": result.counting,
        "samples": result.samples,
        "energy_kwh": {"device": _text(result.device_kwh), "node": _text(result.node_kwh)},
        "energy_uj": {"measured": str(result.measured_uj), "estimated": str(result.estimated_uj)},
        "findings": [item.to_json() for item in result.findings],
    }
    phases = {name: part for name, part in result.phases.items() if name}
    if phases:
        document["phases"] = [
            {"name": name, "energy_kwh": plain(to_kwh(Decimal(part.energy_uj))), "seconds": _seconds(part.covered_ns)}
            for name, part in phases.items()
        ]
    if result.tokens or result.steps or result.flop:
        document["work"] = {"tokens": result.tokens, "steps": result.steps, "flop": str(result.flop)}
    return document


def _text(energy_kwh: Decimal | None) -> str | None:
    """An energy as text; None where it is not known."""
    from gxmeter.core.numbers import plain

    return None if energy_kwh is None else plain(energy_kwh)


def _seconds(ns: int) -> str:
    """Nanoseconds as seconds, all digits."""
    return f"{ns // 1_000_000_000}.{ns % 1_000_000_000:09d}"
