"""Progress bars on standard error; they show once the work takes over two seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gxmeter.energy.integrate import Progress


@contextmanager
def telemetry_bar() -> Iterator[Progress]:
    """A callback for the engine: bytes of telemetry read."""
    with _bar("telemetry", unit="B", scale=True) as progress:
        yield progress


@contextmanager
def step_bar(title: str) -> Iterator[Progress]:
    """A callback for work in a few steps."""
    with _bar(title, unit="step", scale=False) as progress:
        yield progress


@contextmanager
def _bar(title: str, *, unit: str, scale: bool) -> Iterator[Progress]:
    from tqdm import tqdm

    with tqdm(unit=unit, unit_scale=scale, delay=2, leave=False, disable=None, desc=title) as bar:

        def progress(done_bytes: int, total_bytes: int) -> None:
            bar.total = total_bytes
            bar.update(done_bytes - bar.n)

        yield progress
