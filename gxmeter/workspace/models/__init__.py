"""One pydantic model per kind of declaration file; frozen, no unknown keys, exact types.

Attribute names are the YAML keys. Whatever has a period also has ``start_ms`` and ``end_ms``:
half-open [start, end) in Unix milliseconds, days counted in Japan.
"""

from gxmeter.workspace.models.base import OPEN_END, DayPeriod, Declaration
from gxmeter.workspace.models.config import Config
from gxmeter.workspace.models.entity import Entity, Holding
from gxmeter.workspace.models.imported import ImportedFile, ImportedTelemetry, ImportOptions
from gxmeter.workspace.models.instrument import Instrument
from gxmeter.workspace.models.meter import MeterFile, MeterReading
from gxmeter.workspace.models.roadmap import Approval, Roadmap, Target
from gxmeter.workspace.models.run import DeclaredPart, Run
from gxmeter.workspace.models.site import Contract, Device, Overhead, PuePeriod, Site

__all__ = [
    "OPEN_END",
    "Approval",
    "Config",
    "Contract",
    "DayPeriod",
    "Declaration",
    "DeclaredPart",
    "Device",
    "Entity",
    "Holding",
    "ImportOptions",
    "ImportedFile",
    "ImportedTelemetry",
    "Instrument",
    "MeterFile",
    "MeterReading",
    "Overhead",
    "PuePeriod",
    "Roadmap",
    "Run",
    "Site",
    "Target",
]
