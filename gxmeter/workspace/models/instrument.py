"""``instruments/*.yaml``: one certificate or credit per file, by serial."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from gxmeter.core.calendar import jst_midnight_ms
from gxmeter.workspace.models.base import Declaration, end_of_day_ms, not_before
from gxmeter.workspace.parsing import fault
from gxmeter.workspace.types import Day, Identifier, NonNegativeNumber, Note, PositiveNumber, Text, Year

CERTIFICATES = frozenset({"nonfossil-certificate", "green-power"})
"""Kinds that stand for kWh and are applied to a contract; the others are credits in tonnes."""


class Instrument(Declaration):
    """A certificate (``quantity_kwh``, applied to ``contract``) or a credit (``quantity_t``), used in ``fy``.

    Attributes:
        factor_t_per_kwh: a certificate's own emission factor [t-CO2/kWh]; 0 unless said, None for credits.
    """

    id: Identifier
    kind: Literal["nonfossil-certificate", "green-power", "j-credit", "jcm"]
    serial_first: Text
    serial_last: Text
    fy: Year
    vintage_first_day: Day
    vintage_last_day: Day
    contract: Identifier | None = Field(default=None, validate_default=True)
    quantity_kwh: PositiveNumber | None = Field(default=None, validate_default=True)
    quantity_t: PositiveNumber | None = Field(default=None, validate_default=True)
    factor_t_per_kwh: NonNegativeNumber | None = Field(default=None, validate_default=True)
    evidence: Text
    note_ja: Note = ""
    note_en: Note = ""

    @field_validator("vintage_last_day")
    @classmethod
    def _forward(cls, last_day: date, info: ValidationInfo) -> date:
        return not_before(last_day, info.data.get("vintage_first_day"))

    @field_validator("contract", "quantity_kwh")
    @classmethod
    def _of_certificates(cls, value: object, info: ValidationInfo) -> object:
        return _belongs(value, info, to_certificates=True)

    @field_validator("quantity_t")
    @classmethod
    def _of_credits(cls, value: object, info: ValidationInfo) -> object:
        return _belongs(value, info, to_certificates=False)

    @field_validator("factor_t_per_kwh")
    @classmethod
    def _zero_unless_said(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if info.data.get("kind") in CERTIFICATES:
            return Decimal(0) if value is None else value
        if value is not None and "kind" in info.data:
            raise fault("instrument-key-misplaced", found=info.field_name, expected=info.data["kind"])
        return value

    @property
    def is_certificate(self) -> bool:
        """Whether it stands for kWh of a contract, not for tonnes."""
        return self.kind in CERTIFICATES

    @property
    def vintage_start_ms(self) -> int:
        """00:00 JST of the vintage's first day [Unix ms], inclusive."""
        return jst_midnight_ms(self.vintage_first_day)

    @property
    def vintage_end_ms(self) -> int:
        """24:00 JST of the vintage's last day [Unix ms], exclusive."""
        return end_of_day_ms(self.vintage_last_day)


def _belongs(value: object, info: ValidationInfo, *, to_certificates: bool) -> object:
    """A key that certificates (or credits) must have and the others must not."""
    if "kind" not in info.data:
        return value  # the kind is malformed and already reported
    kind = info.data["kind"]
    wanted = (kind in CERTIFICATES) is to_certificates
    if wanted and value is None:
        raise fault("instrument-key-missing", found=info.field_name, expected=kind)
    if not wanted and value is not None:
        raise fault("instrument-key-misplaced", found=info.field_name, expected=kind)
    return value
