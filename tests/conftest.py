"""What all tests share: a clean environment, and how many examples hypothesis tries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# A busy machine is no failure, so no deadlines; without a profile named, runs are repeatable.
settings.register_profile("default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_FOREIGN = (
    "SOURCE_DATE_EPOCH",
    "GXMETER_KEY",
    "GXMETER_LANG",
    "GXMETER_POWERCAP",
    "GXMETER_RUN",
    "GXMETER_SITE",
    "GXMETER_WORKSPACE",
)


_ALONE = (
    "tests/e2e/test_foundations.py",
    "tests/e2e/test_metering_install.py",
    "tests/faults",
    "tests/unit/meter",
)
"""Tests that would disturb others or be disturbed by them: ``tools/test.sh`` runs them after the rest, one by one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs alone, by its place."""
    for item in items:
        if item.path.relative_to(REPOSITORY).as_posix().startswith(_ALONE):
            item.add_marker("alone")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings of the machine move no result, and nothing is written outside pytest's own folders."""
    state = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        for name in [*_FOREIGN, *(n for n in os.environ if n.startswith(("CODECARBON_", "GXMETER_BMC_")))]:
            patch.delenv(name, raising=False)
        for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR"):
            patch.setenv(name, str(state / name.lower()))
        # Meters of a test meet each other, and none that measures this machine in earnest.
        patch.setenv("GXMETER_CLAIMS", str(state))
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference data (published lists as received), where the machine has one."""
    folder = os.environ.get("GXMETER_REFERENCE", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GXMETER_REFERENCE names no folder of reference data here")
    return Path(folder)
