"""Which columns of an ``nvidia-smi`` query say what, and which of its power columns is read.

``power.draw.average`` goes first, then ``power.draw``, then ``power.draw.instant``. NVIDIA's documentation of
``nvmlDeviceGetPowerUsage``: on Ampere (except GA100) and newer parts the plain reading is a mean over one second, on
GA100 and older ones that of an instant; a mean misses nothing between polls that are a second apart. On A100 and H100
the sensor looks at a quarter of the time only (arXiv 2312.02741, section 4): grade C2 allows for that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.text.units import POWER, UNITS, unit_named

FORMAT = "nvidia-smi"

ROLES = ("header", "timestamp", "power", "device", "host", "gpu")
"""What ``columns`` may name: all columns of a file without headings, in order; single ones; the one GPU of a file."""

QUERY = "nvidia-smi --query-gpu=timestamp,uuid,index,name,power.draw --format=csv -l 1"

_POWER = ("power.draw.average", "power.draw", "power.draw.instant")
_GPU = ("uuid", "gpu_uuid", "index", "pci.bus_id", "gpu_bus_id", "serial", "gpu_serial")
_LIMIT = ("power.default_limit", "power.max_limit", "enforced.power.limit", "power.limit")
_NAME = ("name", "gpu_name")
_HOST = ("host", "hostname", "node")
_HEADED = re.compile(r"(?P<name>[^\[]+?)\s*(?:\[(?P<unit>[^\]]*)\])?")
_MONITORS = {"# gpu": "dmon", "#gpu": "dmon", "# date": "dmon", "#date": "dmon", "# idx": "dmon", "# time": "dmon"}
_SCREENS = ("==============nvsmi log", "+---", "| nvidia-smi", "timestamp  ")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns that are read; empty text where there is none.

    ``powers``: those with power, the preferred one first. ``one_gpu``: name of the only GPU, where no column says it.
    ``gpu_declared``: whether the column of GPUs was declared, so that its texts may be of any form.
    ``without_headings``: whether the names are declared, not the file's own.
    """

    timestamp: str
    powers: tuple[str, ...]
    gpu: str
    host: str
    name: str
    limit: str
    one_gpu: str
    gpu_declared: bool
    without_headings: bool


def columns_of(file: str, header: Sequence[str], options: ReadOptions) -> Columns:
    """Find the columns by their headings, or as declared.

    Raises:
        InputError: see :func:`gxmeter.telemetry.readers.nvidia_smi.read`.
    """
    _refuse_foreign(file, header, options)
    faults = _declared_faults(file, header, options)
    known = {_plain(name): name for name in reversed(header)}

    def found(role: str, names: Sequence[str]) -> str:
        return options.column(role) or next((known[name] for name in names if name in known), "")

    declared = options.column("power")
    columns = Columns(
        timestamp=found("timestamp", ("timestamp",)),
        powers=(declared,) if declared else tuple(known[name] for name in _POWER if name in known),
        gpu="" if options.column("gpu") else found("device", _GPU),
        host=found("host", _HOST),
        name=found("", _NAME),
        limit=found("", _LIMIT),
        one_gpu=options.column("gpu"),
        gpu_declared=bool(options.column("device")),
        without_headings=bool(options.column("header")),
    )
    faults += [
        finding("nvidia-smi-column-missing", file=file, expected=expected, found=", ".join(header))
        for name, expected in ((columns.timestamp, "timestamp"), (columns.powers, "power.draw"))
        if not name
    ]
    if not columns.gpu and not columns.one_gpu and not faults:
        faults.append(finding("nvidia-smi-gpu-unnamed", file=file))
    if faults:
        raise InputError.from_findings(faults)
    return columns


def power_unit(heading: str) -> str:
    """The unit of power in a heading; watts where it names none, as nvidia-smi always writes."""
    found = _HEADED.fullmatch(heading.strip())
    unit = unit_named(found["unit"] or "") if found else ""
    return unit if unit and UNITS[unit].kind == POWER else "W"


def method_of(heading: str) -> str:
    """How power came to be known, by its column.

    >>> method_of("power.draw.average [W]")
    'nvidia-smi-power-draw-average'
    """
    return f"{FORMAT}-{_plain(heading).replace('.', '-')}"


def looks_like_headings(cells: Sequence[str]) -> bool:
    """Whether a row names columns instead of holding readings."""
    plain = {_plain(cell) for cell in cells}
    return "timestamp" in plain or not plain.isdisjoint(_POWER)


def _refuse_foreign(file: str, header: Sequence[str], options: ReadOptions) -> None:
    """Name what a file is that cannot be read."""
    if options.columns or looks_like_headings(header):
        return
    first = header[0].lower()
    monitor = next((name for mark, name in _MONITORS.items() if first.startswith(mark)), "")
    if monitor:
        name = "pmon" if "pid" in first else monitor
        raise InputError("nvidia-smi-monitor", file=file, found=name, expected=QUERY)
    if first.startswith(_SCREENS):
        raise InputError("nvidia-smi-monitor", file=file, found="-q", expected=QUERY)
    if any(re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{3}", cell) for cell in header):
        raise InputError("nvidia-smi-no-header", file=file)
    raise InputError("nvidia-smi-foreign", file=file, found=", ".join(header))


def _declared_faults(file: str, header: Sequence[str], options: ReadOptions) -> list[Finding]:
    faults = []
    for role, name in options.columns:
        if role not in ROLES:
            faults.append(finding("column-role-unknown", file=file, found=role, expected=", ".join(ROLES)))
        elif role not in {"header", "gpu"} and name not in header:
            faults.append(finding("column-not-there", file=file, role=role, expected=name, found=", ".join(header)))
    return faults


def _plain(heading: str) -> str:
    """A heading without its unit, in small letters."""
    found = _HEADED.fullmatch(heading.strip())
    return found["name"].strip().lower() if found else heading.lower()
