"""The small package, built once; the helpers beside the tests are importable by their name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gxmeter.evidence.assemble import Sealed
from gxmeter.factors.load import load_registry
from gxmeter.factors.registry import Registry

sys.path.insert(0, str(Path(__file__).parent))

from small import sealed


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="session")
def package(registry: Registry) -> Sealed:
    return sealed(registry)
