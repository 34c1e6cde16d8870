"""``runs/*.yaml``: one training run per file, declared or the header of a measured one."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from gxmeter.core.numbers import Rounding, nearest, plain, product
from gxmeter.workspace.models.base import Declaration
from gxmeter.workspace.parsing import fault
from gxmeter.workspace.types import (
    BigInteger,
    Count,
    Identifier,
    InstantMs,
    MaybeText,
    NonNegativeNumber,
    Note,
    PositiveNumber,
    Text,
)

Frame = Literal["development", "exploration", "none"]
Stage = Literal["pretrain", "ablation", "finetune", "evaluation", "small-model", "demo"]
Boundary = Literal["device", "node", "it", "facility"]
Grade = Literal["A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", "X"]
DECLARED_GRADE: Grade = "F"
"""The grade of a quantity that nothing metered."""
MS_PER_HOUR = 3_600_000
"""Milliseconds in an hour [ms]."""
RunStatus = Literal["completed", "failed", "running", "void"]


def later(end_ms: int | None, info: ValidationInfo, start: str = "start") -> int | None:
    """The end of a pair of instants [Unix ms], or the fault ``interval-reversed``."""
    start_ms = info.data.get(start)
    if end_ms is not None and start_ms is not None and end_ms <= start_ms:
        raise fault("interval-reversed")
    return end_ms


class Model(Declaration):
    """What was trained: parameters, active parameters (mixture of experts), tokens and compute [FLOP]."""

    name: Text
    params: BigInteger | None = None
    active_params: BigInteger | None = None
    tokens: BigInteger | None = None
    flop: BigInteger | None = None

    @field_validator("active_params")
    @classmethod
    def _within_params(cls, active: int | None, info: ValidationInfo) -> int | None:
        params = info.data.get("params")
        if active is not None and params is not None and active > params:
            raise fault("active-params-exceed", found=active, expected=params)
        return active


class DeclaredPart(Declaration):
    """A declared part of a run: energy [kWh], or device-hours [h] x power [W], over [start, end).

    ``boundary`` says what the power or the energy covers; ``device_hours`` may be given as ``devices`` x ``hours``.
    """

    id: Identifier
    site: Identifier
    start: InstantMs
    end: InstantMs
    boundary: Boundary
    devices: Count | None = None
    hours: PositiveNumber | None = None
    device_hours: PositiveNumber | None = None
    power_w: PositiveNumber | None = None
    energy_kwh: NonNegativeNumber | None = Field(default=None, validate_default=True)
    grade: Grade = DECLARED_GRADE
    source: Text

    @field_validator("end")
    @classmethod
    def _forward(cls, end: int, info: ValidationInfo) -> int | None:
        return later(end, info)

    @field_validator("hours")
    @classmethod
    def _within_its_time(cls, hours: Decimal | None, info: ValidationInfo) -> Decimal | None:
        """One device cannot run for longer than the part lasts."""
        start, end = info.data.get("start"), info.data.get("end")
        if hours is not None and start is not None and end is not None and Fraction(hours) * MS_PER_HOUR > end - start:
            lasts = plain(nearest(Fraction(end - start, MS_PER_HOUR), 3, Rounding.HALF_UP))
            raise fault("declared-hours-exceed", found=plain(hours), expected=lasts)
        return hours

    @field_validator("grade")
    @classmethod
    def _measured_where_metered(cls, grade: str, info: ValidationInfo) -> str:
        """Device-hours x power is a declaration of grade F; every better grade needs an energy that was metered."""
        metered = info.data.get("energy_kwh") is not None
        known = "energy_kwh" in info.data  # otherwise it is malformed and already reported
        if known and not metered and grade != DECLARED_GRADE:
            raise fault("declared-grade-not-metered", found=grade, expected=DECLARED_GRADE)
        return grade

    @field_validator("energy_kwh")
    @classmethod
    def _one_way_only(cls, energy: Decimal | None, info: ValidationInfo) -> Decimal | None:
        """Exactly one of: energy; device-hours and power; devices, hours and power."""
        names = ("devices", "hours", "device_hours", "power_w")
        if any(name not in info.data for name in names):
            return energy  # one of them is malformed and already reported
        given = {name for name in names if info.data[name] is not None}
        allowed: list[set[str]] = [{"device_hours", "power_w"}, {"devices", "hours", "power_w"}]
        if given in allowed if energy is None else not given:
            return energy
        raise fault("declared-quantity-unclear")

    @property
    def start_ms(self) -> int:
        """Start [Unix ms], inclusive."""
        return self.start

    @property
    def end_ms(self) -> int:
        """End [Unix ms], exclusive."""
        return self.end

    @property
    def total_device_hours(self) -> Decimal | None:
        """Device-hours [h], however they were given; None where energy was declared."""
        if self.devices is not None and self.hours is not None:
            return product(Decimal(self.devices), self.hours)
        return self.device_hours


class Run(Declaration):
    """A training run; failed and void ones are declared too, with the reason.

    Attributes:
        theme: the programme's theme; every theme covers both frames.
        source: ``measured`` (journals carry the energy) or ``declared`` (the parts below do).
        restarts: the run that this one restarts.
        site: where a measured run runs.
    """

    id: Identifier
    title_ja: Text
    title_en: Text
    frame: Frame
    theme: MaybeText = ""
    stage: Stage
    source: Literal["measured", "declared"]
    status: RunStatus
    reason: MaybeText = Field(default="", validate_default=True)
    restarts: Identifier | None = None
    site: Identifier | None = Field(default=None, validate_default=True)
    start: InstantMs | None = None
    end: InstantMs | None = None
    model: Model
    declared: tuple[DeclaredPart, ...] = Field(default=(), validate_default=True)
    note_ja: Note = ""
    note_en: Note = ""

    @field_validator("reason")
    @classmethod
    def _reason_where_it_went_wrong(cls, reason: str, info: ValidationInfo) -> str:
        if not reason and info.data.get("status") in {"failed", "void"}:
            raise fault("run-reason-missing", found=info.data["status"])
        return reason

    @field_validator("site")
    @classmethod
    def _site_where_measured(cls, site: str | None, info: ValidationInfo) -> str | None:
        if site is None and info.data.get("source") == "measured":
            raise fault("run-site-missing")
        return site

    @field_validator("end")
    @classmethod
    def _forward(cls, end: int | None, info: ValidationInfo) -> int | None:
        return later(end, info)

    @field_validator("declared")
    @classmethod
    def _parts_where_declared(cls, parts: tuple[DeclaredPart, ...], info: ValidationInfo) -> tuple[DeclaredPart, ...]:
        if not parts and info.data.get("source") == "declared" and info.data.get("status") != "void":
            raise fault("run-parts-missing")
        return parts

    @property
    def start_ms(self) -> int | None:
        """Start [Unix ms]: as stated, else that of the earliest declared part; None where neither is known."""
        return self.start if self.start is not None else min((part.start for part in self.declared), default=None)

    @property
    def end_ms(self) -> int | None:
        """End [Unix ms]: as stated, else that of the latest declared part; None where neither is known."""
        return self.end if self.end is not None else max((part.end for part in self.declared), default=None)
