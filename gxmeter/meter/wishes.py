"""What the caller of a meter wishes, as said; whether it can be used is settled off the training's thread."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import NamedTuple


class Wishes(NamedTuple):
    """Arguments of :class:`gxmeter.Meter`; None is "not said". ``folder`` is where the caller was."""

    run: str | None = None
    site: str | None = None
    workspace: str | os.PathLike[str] | None = None
    period_s: float = 1.0
    node_overhead: Decimal | str | float | None = None
    kg_per_kwh: Decimal | str | float | None = None
    budget_kwh: Decimal | str | float | None = None
    resumes: str | None = None
    segment_s: int = 3600
    compare: bool = False
    folder: str | None = None
