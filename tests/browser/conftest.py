"""The rendered pages of the reporting fixture, opened in a headless browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "reporting"))

from chromium import Chromium, browser, find_chromium
from fixture import parts

from gxmeter.reporting.html import file_name, render_html
from gxmeter.reporting.registry import LANGUAGES


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both pages, as they lie in a package."""
    folder = tmp_path_factory.mktemp("report")
    for language in LANGUAGES:
        (folder / file_name(language)).write_bytes(render_html(parts().model(), language))
    return folder


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One headless browser for all tests; skipped where none is installed."""
    program = find_chromium()
    if program is None:
        pytest.skip("chromium is not installed: the pages were not looked at in a browser")
    with browser(program, tmp_path_factory.mktemp("profile")) as running:
        yield running
