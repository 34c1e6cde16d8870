"""Where in a BMC's resources the node's power stands, and what a reading is worth.

Resource names are those of the Redfish schemas (DMTF DSP8010, explained in DSP2046). In this order:

1. ``EnvironmentMetrics`` of the chassis: ``PowerWatts``, and the meters ``EnergyJoules`` and ``EnergykWh``.
2. ``Power`` of the chassis (deprecated since 2020.4, still the most common): ``PowerControl[0].PowerConsumedWatts``.
3. ``PowerSubsystem`` of the chassis: the sum of ``InputPowerWatts`` in the ``PowerSupplyMetrics`` of its supplies.

``PowerInputWatts`` of the older ``Power.PowerSupplies`` is left out: some BMCs show the supply's rating there.

Which chassis: the one that the user names; else the only one that has power and is linked with a computer system
(``Links/ComputerSystems``), with this machine's by its SMBIOS UUID where there are several. Several are refused,
because a sum or a guess could count a neighbour; so is one that holds several systems.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from gxmeter.meter.sensors.redfish_client import BmcError, Client, Json, link_path

POWER = "redfish-power"
"""Method: power polled from the BMC."""

ENERGY = "redfish-energy"
"""Method: energy meter of the BMC."""

STEP_MJ = 10_000
"""The coarsest meter that is used [mJ]: 10 J are a hundredth of what a node of 1 kW draws in a second. ``EnergyJoules``
always is fine enough, ``EnergykWh`` from six decimals on; 0.01 kWh are 36,000 J."""

RATED_CEILING_MW = 20_000_000
"""Taken for a node whose rating the BMC does not say [mW]; nodes with eight accelerators of 2026 have up to 15 kW."""

_LEAST_RATED_MW = 50_000
_MJ_PER_J = 1000
_MJ_PER_KWH = 3_600_000_000
_MOST_MJ = 2**60
_MOST_DIGITS = 20
_MAX_MEMBERS = 64
_DMI_UUID = Path("/sys/class/dmi/id/product_uuid")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the BMC said: power now [mW] and its energy meter [mJ], None for what it does not have."""

    power_mw: int | None
    energy_mj: int | None = None
    step_mj: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """The chassis whose power is read.

    Attributes:
        chassis: its ``Id``.
        name: manufacturer and model.
        serial: UUID or serial number.
        rated_mw: rated power [mW] where known.
        ask: asks the BMC once; may raise :class:`BmcError`.
        version: of the BMC's Redfish protocol.
    """

    chassis: str
    name: str
    serial: str | None
    rated_mw: int | None
    ask: Callable[[], Answer]
    version: str


def find_node(client: Client, chassis: str | None = None, *, dmi: Path = _DMI_UUID) -> Node:
    """Walk from the service root to the power of one chassis.

    Args:
        client: the BMC.
        chassis: ``Id`` of the chassis, None to find it.
        dmi: file with this machine's SMBIOS UUID; only root may read it.

    Raises:
        BmcError: there is no power, or more than one chassis could be meant.
    """
    version = str(client.get("/redfish/v1/").get("RedfishVersion", "unknown"))[:20]
    paths = _members(client, "/redfish/v1/Chassis")
    if chassis is not None:
        paths = [path for path in paths if path.rstrip("/").rpartition("/")[2] == chassis]
        if not paths:
            raise BmcError("bmc-chassis-unknown", chassis=chassis)
    found = [client.get(path) for path in paths]
    if chassis is None:
        found = _of_this_system(client, found, dmi)
    with_power = [(body, ask) for body in found if (ask := _power_of(client, body)) is not None]
    if not with_power:
        raise BmcError("bmc-no-power")
    if len(with_power) > 1:
        raise BmcError("bmc-ambiguous", chassis=", ".join(_id(body) for body, _ in with_power))
    body, ask = with_power[0]
    if chassis is None and len(_systems(body)) > 1:
        raise BmcError("bmc-shared", chassis=_id(body), systems=", ".join(sorted(_systems(body))))
    name = " ".join(str(body[key]).strip() for key in ("Manufacturer", "Model") if body.get(key))
    serial = body.get("UUID") or body.get("SerialNumber")
    return Node(
        _id(body),
        name or f"chassis {_id(body)}",
        str(serial) if serial else None,
        _rated_mw(client, body),
        ask,
        version,
    )


def milliwatts(value: object) -> int | None:
    """A reading in watts as whole milliwatts, None for what is no number.

    >>> milliwatts(Decimal("612.5")), milliwatts(None), milliwatts("612")
    (612500, None, None)
    """
    return _scaled(value, 1000)


def _scaled(value: object, factor: int) -> int | None:
    """A JSON number times a factor, rounded; None for no number or one beyond all sense."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if not number.is_finite() or number.adjusted() > _MOST_DIGITS or abs(number) * factor > _MOST_MJ:
        return None
    return round(number * factor)


def _power_of(client: Client, chassis: Json) -> Callable[[], Answer] | None:
    """How to ask for the power of a chassis, by the first resource that has a number now."""
    for link, reader in (("EnvironmentMetrics", _environment), ("Power", _control), ("PowerSubsystem", _supplies)):
        if not isinstance(chassis.get(link), dict):
            continue
        path = link_path(chassis[link].get("@odata.id"))

        def ask(path: str = path, reader: Callable[[Client, str], Answer] = reader) -> Answer:
            return reader(client, path)

        try:
            answer = ask()
        except BmcError as error:
            if error.fault.code not in {"bmc-status", "bmc-garbled"}:
                raise
            continue
        if answer.power_mw is not None:
            return ask
    return None


def _environment(client: Client, path: str) -> Answer:
    """``EnvironmentMetrics``: power, and the finer of its two meters."""
    body = client.get(path)
    power_mw = milliwatts(_at(body, "PowerWatts", "Reading"))
    for key, scale in (("EnergyJoules", _MJ_PER_J), ("EnergykWh", _MJ_PER_KWH)):
        value = _at(body, key, "Reading")
        energy_mj = _scaled(value, scale)
        if energy_mj is not None and energy_mj > 0:
            return Answer(power_mw, energy_mj, _step_mj(value, scale))
    return Answer(power_mw)


def _control(client: Client, path: str) -> Answer:
    """``Power``: the first ``PowerControl`` is the whole chassis."""
    controls = client.get(path).get("PowerControl")
    first = controls[0] if isinstance(controls, list) and controls else None
    return Answer(milliwatts(_at(first, "PowerConsumedWatts")))


def _supplies(client: Client, path: str) -> Answer:
    """``PowerSubsystem``: what all power supplies draw; one present supply without a number leaves none."""
    total_mw = 0
    for supply_path in _members(client, link_path(_at(client.get(path), "PowerSupplies", "@odata.id"))):
        supply = client.get(supply_path)
        if _at(supply, "Status", "State") == "Absent":
            continue
        metrics = client.get(link_path(_at(supply, "Metrics", "@odata.id")))
        power_mw = milliwatts(_at(metrics, "InputPowerWatts", "Reading"))
        if power_mw is None:
            return Answer(None)
        total_mw += power_mw
    return Answer(total_mw)


def _step_mj(value: object, scale: int) -> int:
    """The last decimal of a reading as the BMC writes it [mJ]."""
    exponent = Decimal(value).as_tuple().exponent if isinstance(value, int | Decimal) else 0
    return max(1, round(scale * Decimal(10) ** min(int(exponent), 0)))


def _of_this_system(client: Client, chassis: list[Json], dmi: Path) -> list[Json]:
    """Those linked with a system; those of this machine's system where there are several and it can be told."""
    linked = [body for body in chassis if _systems(body)] or chassis
    systems = sorted({system for body in linked for system in _systems(body)})
    if len(systems) > 1 and (own := _own_uuids(dmi)):
        mine = {path for path in systems if str(client.get(path).get("UUID", "")).lower() in own}
        linked = [body for body in linked if _systems(body) & mine] or linked
    single = [body for body in linked if len(_systems(body)) == 1]
    return single or linked


def _own_uuids(dmi: Path) -> set[str]:
    """This machine's UUID in both byte orders in which BMCs write it; empty where it may not be read."""
    try:
        own = uuid.UUID(dmi.read_text("ascii").strip())
    except (OSError, ValueError):
        return set()
    return {str(own), str(uuid.UUID(bytes=own.bytes_le))}


def _rated_mw(client: Client, chassis: Json) -> int | None:
    """The largest plausible of what chassis and power control call their capacity [mW]."""
    said = [chassis.get("MaxPowerWatts")]
    if isinstance(chassis.get("Power"), dict):
        try:
            controls = client.get(link_path(chassis["Power"].get("@odata.id"))).get("PowerControl")
        except BmcError:
            controls = None
        if isinstance(controls, list) and controls:
            said.append(_at(controls[0], "PowerCapacityWatts"))
    rated = [mw for value in said if (mw := milliwatts(value)) and _LEAST_RATED_MW <= mw <= RATED_CEILING_MW]
    return max(rated, default=None)


def _members(client: Client, path: str) -> list[str]:
    """The paths of a collection's members, at most 64."""
    members = client.get(path).get("Members")
    listed = members if isinstance(members, list) else []
    return [link_path(_at(member, "@odata.id")) for member in listed[:_MAX_MEMBERS]]


def _systems(chassis: Json) -> set[str]:
    """Paths of the computer systems in a chassis."""
    linked = _at(chassis, "Links", "ComputerSystems")
    return {link_path(_at(system, "@odata.id")) for system in linked} if isinstance(linked, list) else set()


def _id(chassis: Json) -> str:
    return str(chassis.get("Id", "?"))


def _at(body: object, *keys: str) -> Any:  # noqa: ANN401 - JSON is what it is
    """The value below some keys, None where the way ends."""
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body
