"""What the tests of this room share: the shipped registry, and a writer of small factor files."""

import pytest

from gxmeter.factors import load_registry

HEAD = """schema: gxmeter-factors/1
defaults:
  family: electricity
  commodity: electricity
  unit: t-CO2/kWh
  actuals_fy: 2024
  applies_to_fy: 2025
  submission_fy: 2026
  edition_on: 2026-06-04
  status: confirmed
  name_ja: 試験電力
  name_en: Test Power
  source: {publisher: none, title: none, place: none, published_on: 2026-01-09, url: none}
entries:
"""


@pytest.fixture(scope="session")
def registry():
    return load_registry()


@pytest.fixture
def factor_file(tmp_path):
    """Write a factor file with the usual defaults; returns its path."""

    def write(*entries, name="own.yaml", folder="factors"):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + "".join(f"  - {entry}\n" for entry in entries), "utf-8")
        return path

    return write
