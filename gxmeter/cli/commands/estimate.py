"""``gxmeter estimate``: one declared run to energy and emissions, and a claim held against them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gxmeter.cli.output import emit_json, finish, report_error, show_findings
from gxmeter.core.errors import GxmeterError, InputError

if TYPE_CHECKING:
    from decimal import Decimal

    from gxmeter.core.findings import Finding
    from gxmeter.ledger.estimate import Estimate, Factor

Hours = Annotated[str, typer.Option("--device-hours", metavar="H", help="Device-hours of the run.")]
Devices = Annotated[str, typer.Option("--devices", metavar="N", help="Number of devices, with --hours.")]
Each = Annotated[str, typer.Option("--hours", metavar="H", help="Hours that each device ran, with --devices.")]
Power = Annotated[str, typer.Option("--device-power", metavar="W", help="Mean power of one device [W].")]
Fixed = Annotated[str, typer.Option("--fixed-energy-kwh", metavar="E", help="Energy [kWh] instead of hours x power.")]
Covers = Annotated[str, typer.Option("--boundary", help="What the power covers: device, node, it or facility.")]
Node = Annotated[str, typer.Option("--overhead-node", metavar="R", help="Node / device energy [ratio].")]
It = Annotated[str, typer.Option("--overhead-it", metavar="R", help="IT / node energy [ratio].")]
Pue = Annotated[str, typer.Option("--pue", metavar="R", help="Facility / IT energy [ratio].")]
FactorText = Annotated[str, typer.Option("--factor", metavar="F", help='Emission factor, e.g. "0.45 kg/kWh".')]
Supplier = Annotated[str, typer.Option(help="Supplier whose factor applies: A0269, national-average or substitute.")]
Menu = Annotated[str, typer.Option(help="Menu letter, residual or whole.")]
Basis = Annotated[str, typer.Option(help="basic, adjusted or unadjusted.")]
Year = Annotated[int | None, typer.Option("--fy", help="Fiscal year of the emissions, with --supplier.")]
ClaimedEnergy = Annotated[str, typer.Option("--claimed-energy-kwh", metavar="E", help="A published energy to check.")]
ClaimedTonnes = Annotated[str, typer.Option("--claimed-tco2", metavar="T", help="Published emissions to check.")]
Workspace = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Workspace whose factors/ are added to the registry.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def register(app: typer.Typer) -> None:
    """Add ``gxmeter estimate``."""
    app.command("estimate")(estimate)


def estimate(
    device_hours: Hours = "",
    devices: Devices = "",
    hours: Each = "",
    device_power: Power = "",
    fixed_energy_kwh: Fixed = "",
    boundary: Covers = "device",
    overhead_node: Node = "",
    overhead_it: It = "",
    pue: Pue = "",
    factor: FactorText = "",
    supplier: Supplier = "",
    menu: Menu = "",
    basis: Basis = "basic",
    fy: Year = None,
    claimed_energy_kwh: ClaimedEnergy = "",
    claimed_tco2: ClaimedTonnes = "",
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Estimate the energy and emissions of one declared run, and check published claims against them."""
    options = dict(locals())
    try:
        answer = _answer(options)
    except GxmeterError as error:
        raise typer.Exit(report_error(error, as_json=as_json)) from None
    if as_json:
        emit_json(answer.to_json())
    else:
        _show(answer)
    show_findings(answer.findings)
    finish(answer.findings)


def _answer(options: dict[str, Any]) -> Estimate:
    """Read all options, naming all faults at once, and compute."""
    from gxmeter.core.numbers import parse_decimal
    from gxmeter.ledger.estimate import Activity, Claim, estimate

    faults: list[Finding] = []

    def number(name: str) -> Decimal | None:
        try:
            return parse_decimal(options[name]) if options[name] else None
        except InputError as error:
            faults.extend(error.findings)
            return None

    def claim(name: str) -> Claim | None:
        try:
            return Claim.parse(options[name], f"--{name.replace('_', '-')}") if options[name] else None
        except InputError as error:
            faults.extend(error.findings)
            return None

    ratios = {"node": number("overhead_node"), "it": number("overhead_it"), "facility": number("pue")}
    activity = Activity(
        boundary=options["boundary"],
        device_hours=number("device_hours"),
        devices=number("devices"),
        hours=number("hours"),
        power_w=number("device_power"),
        energy_kwh=number("fixed_energy_kwh"),
        ratios={step: ratio for step, ratio in ratios.items() if ratio is not None},
    )
    claims = claim("claimed_energy_kwh"), claim("claimed_tco2")
    if faults:
        raise InputError.from_findings(faults)
    return estimate(activity, _factor(options), claimed_energy_kwh=claims[0], claimed_tco2=claims[1])


def _factor(options: dict[str, Any]) -> Factor | None:
    """The factor as written, or resolved for a supplier; None if neither is asked for."""
    from gxmeter.ledger.estimate import Factor

    by_supplier = bool(options["supplier"]), options["fy"] is not None
    if by_supplier[0] != by_supplier[1] or (options["factor"] and by_supplier[0]):
        raise InputError("estimate-factor-ambiguous")
    if options["factor"]:
        return Factor.parse(options["factor"])
    return _resolved(options) if by_supplier[0] else None


def _resolved(options: dict[str, Any]) -> Factor | None:
    from gxmeter.factors.load import load_registry
    from gxmeter.factors.resolve import resolve_electricity
    from gxmeter.ledger.estimate import Factor
    from gxmeter.workspace.load import find_factor_files

    found = resolve_electricity(
        load_registry(find_factor_files(options["workspace"])),
        supplier=options["supplier"],
        menu=options["menu"],
        basis=options["basis"],
        fy=options["fy"],
    )
    if found.entry is None:
        raise InputError.from_findings(found.findings)
    return Factor(found.entry.decimal, found.entry.id, found.findings)


def _show(answer: Estimate) -> None:
    document = answer.to_json()
    for boundary, value in document["energy_kwh"].items():
        if value is not None:
            typer.echo(f"{boundary}: {value} kWh")
    typer.echo(
        f"emissions: {document['emissions_tco2'] or '-'} t-CO2 ({document['factor_t_per_kwh'] or '-'} t-CO2/kWh)"
    )
    for key, value in document["implied"].items():
        if value is not None:
            typer.echo(f"implied {key}: {value}")
