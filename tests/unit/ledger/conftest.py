"""The shipped registry, read once."""

from __future__ import annotations

import pytest

from gxmeter.factors.load import load_registry
from gxmeter.factors.registry import Registry


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry()
