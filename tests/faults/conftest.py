"""Hosts, jobs and rows for the fault tests; see ``case.py`` for what every scenario must show."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.case import Case
from tests.faults.host import Host, adopt_orphans, obstacle
from tests.faults.long import LongRuns

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember whether the test itself failed, for its row."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture(scope="session", autouse=True)
def _orphans() -> Iterator[None]:
    """A child whose meter was killed becomes ours, so that its exit code can be asked."""
    adopt_orphans(True)
    yield
    adopt_orphans(False)


@pytest.fixture(scope="session")
def _namespaces() -> None:
    why = obstacle()
    if why:
        pytest.skip(why)


@pytest.fixture(scope="session", autouse=True)
def _long_runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LongRuns | None]:
    """The long runs, begun with the first fault test where any test that was chosen asks for them."""
    wanted = any("long_runs" in getattr(item, "fixturenames", ()) for item in request.session.items)
    if not wanted or obstacle():
        yield None
        return
    runs = LongRuns(tmp_path_factory.mktemp("long"))
    runs.begin()
    yield runs
    runs.close()


@pytest.fixture
def long_runs(_namespaces: None, _long_runs: LongRuns) -> LongRuns:
    """The runs that were begun with the first fault test."""
    return _long_runs


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Case]]:
    """Open a scenario's row; it is written when the test has ended, with whether all held."""
    opened: list[Case] = []

    def scenario(name: str) -> Case:
        nightly = request.node.get_closest_marker("nightly") is not None
        opened.append(Case(name, nightly=nightly))
        return opened[-1]

    yield scenario
    for item in opened:
        if _FAILED in request.node.stash:
            item.write(held=not request.node.stash[_FAILED])


@pytest.fixture
def new_host(tmp_path: Path, _namespaces: None) -> Iterator[Callable[..., Host]]:
    """Make a host with a folder of its own."""
    made: list[Host] = []

    def make(name: str = "node0", **options: bool) -> Host:
        made.append(Host(tmp_path / f"{name}-{len(made)}", name, **options).__enter__())
        return made[-1]

    yield make
    for host in made:
        host.__exit__()


@pytest.fixture
def host(new_host: Callable[..., Host]) -> Host:
    """One host."""
    return new_host()


@pytest.fixture
def needs() -> Callable[[str, str], str]:
    """A program's path, or a skip that names its Debian package."""

    def find(program: str, package: str) -> str:
        path = shutil.which(program)
        if path is None:
            pytest.skip(f"needs {program} (Debian: {package})")
        return path

    return find
