"""One intact package for all cases."""

from __future__ import annotations

import pytest

from tests.support.packages import Package, make_package


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("package"))
