"""gxmeter: AI-training telemetry to energy and greenhouse-gas figures by Japanese rules.

Importing this module loads nothing but itself (under 50 ms, no pandas, no codecarbon); each public
name is fetched on first use.

>>> import gxmeter
>>> gxmeter.__version__
'0.1.0'
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# Type checkers take this name for true; importing it from typing would be most of this module's import time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gxmeter.api import open_workspace
    from gxmeter.meter.decorator import metered
    from gxmeter.meter.session import Meter

_LAZY = {
    "Meter": "gxmeter.meter.session",
    "metered": "gxmeter.meter.decorator",
    "open_workspace": "gxmeter.api",
}

__all__ = ["Meter", "__version__", "metered", "open_workspace"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol returns anything
    """Load a public name from its room on first use (PEP 562)."""
    try:
        module = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'gxmeter' has no attribute {name!r}") from None
    return getattr(importlib.import_module(module), name)
