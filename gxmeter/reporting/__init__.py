"""The reporting room: one model of a fiscal year's report, and its renderings as HTML (ja, en) and JSON."""

from __future__ import annotations

from gxmeter.reporting.build import build_model
from gxmeter.reporting.model import ReportModel

__all__ = ["ReportModel", "build_model"]
