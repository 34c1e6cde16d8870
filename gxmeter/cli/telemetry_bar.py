"""A progress bar for reading telemetry; it shows once the work takes over two seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gxmeter.energy.engine_local import Progress


@contextmanager
def telemetry_bar() -> Iterator[Progress]:
    """A callback for the engine, drawn on standard error."""
    from tqdm import tqdm

    with tqdm(unit="B", unit_scale=True, delay=2, leave=False, desc="telemetry") as bar:

        def progress(done_bytes: int, total_bytes: int) -> None:
            bar.total = total_bytes
            bar.update(done_bytes - bar.n)

        yield progress
