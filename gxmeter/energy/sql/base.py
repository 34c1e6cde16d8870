"""An empty DuckDB database for one piece of work, without network and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gxmeter.core.errors import InputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def empty_database() -> Iterator[DuckDBPyConnection]:
    """A DuckDB database in a folder of its own, which is removed; no network is ever touched.

    Raises:
        InputError: ``extra-missing``: DuckDB is not installed.
    """
    duckdb = duckdb_module()
    with TemporaryDirectory(prefix="gxmeter-sql-") as folder:
        settings = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": f"{folder}/spill",
            "preserve_insertion_order": "false",
        }
        base = duckdb.connect(f"{folder}/samples.duckdb", config=settings)
        try:
            yield base
        finally:
            base.close()


def duckdb_module() -> Any:  # noqa: ANN401 - a module
    """The package DuckDB.

    Raises:
        InputError: ``extra-missing``: it is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - optional, loaded when it is asked for
    except ModuleNotFoundError:
        raise InputError("extra-missing", package="duckdb", extra="sql") from None
    return duckdb
