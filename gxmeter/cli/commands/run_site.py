"""What a site's declarations give the meter, as plain numbers: its node ratio and its factor.

Faults elsewhere in the workspace must not keep a training from starting: what cannot be read is not known.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SiteFactor:
    """The factor of a site's electricity today [kg-CO2/kWh] and the registry's id for it."""

    kg_per_kwh: Decimal
    id: str


@dataclass(slots=True)
class FactorSearch:
    """Finds a site's factor beside the run; reading the workspace takes longer than a start may."""

    workspace: Path | None
    site: str
    found: SiteFactor | None = None
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._look, name="gxmeter-factor", daemon=True)
        self._thread.start()

    def _look(self) -> None:
        try:
            self.found = site_factor(self.workspace, self.site)
        except Exception:  # noqa: BLE001 - whatever is wrong with the declarations, `gxmeter check` says it
            self.found = None


def node_ratio(workspace: Path | None, site: str) -> str | None:
    """The declared node ratio of a site, as text; None where its file declares none or cannot be read."""
    import yaml

    for path in sorted((workspace / "sites").glob("*.y*ml")) if workspace else []:
        try:
            body = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # BaseLoader makes text only
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        if isinstance(body, dict) and body.get("id") == site:
            return _inner(body, "overheads", "node", "ratio")
    return None


def site_factor(workspace: Path | None, site: str) -> SiteFactor | None:
    """The basic factor of the site's contract today, else the national average; None where neither is known.

    It is for the eye only: accounts are made by ``gxmeter account``, with the factor of each period.
    """
    if workspace is None:
        return None
    from gxmeter.core.calendar import FiscalYear, jst_date
    from gxmeter.core.clock import SystemClock
    from gxmeter.core.numbers import product
    from gxmeter.factors import load_registry, resolve_electricity
    from gxmeter.workspace.load import load_workspace

    loaded = load_workspace(workspace)
    now_ms = SystemClock().now_ms()
    today, year = jst_date(now_ms), FiscalYear.of(now_ms).year
    place = next((item for item in loaded.sites if item.id == site), None)
    if place is None:
        return None
    registry = load_registry(loaded.factor_files)
    valid = [c for c in place.contracts if c.first_day <= today and (c.last_day is None or today <= c.last_day)]
    wanted = [(c.supplier, c.menu) for c in valid] + [("national-average", "")]
    for supplier, menu in wanted:
        entry = resolve_electricity(registry, supplier=supplier, menu=menu, fy=year, country=place.country).entry
        if entry is not None:
            return SiteFactor(product(Decimal(entry.value), Decimal(1000)), entry.id)
    return None


def _inner(body: object, *keys: str) -> str | None:
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body if isinstance(body, str) and body else None
