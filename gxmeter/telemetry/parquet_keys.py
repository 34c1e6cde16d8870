"""Whose sample a row of a Parquet file is: run, site and device as one small number, without touching a text per row.

Text columns come as dictionaries, an integer column ``device`` as codes; either way a row has a small number already.
What is asked of every batch is only whether a combination appears for the first time, until all have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gxmeter.telemetry.model import Int64, SeriesKey

if TYPE_CHECKING:
    import pyarrow as pa

Int32 = npt.NDArray[np.int32]

_NEW = -1
_MOST_COMBINATIONS = 1 << 22
"""Beyond this many possible combinations those that occur are looked for by sorting: 16 MB."""
_MOST_CODES = 1 << 16
"""Device codes below this are their own place in the list of names."""


def shared_texts(group: Any, names: Sequence[str]) -> dict[str, str]:  # noqa: ANN401 - a row group's metadata
    """The text columns of a row group that hold one and the same text in every row, by its statistics."""
    found = {}
    for place in range(group.num_columns):
        column = group.column(place)
        about = column.statistics if column.path_in_schema in names else None
        if about is None or not (about.has_min_max and about.has_null_count) or about.null_count:
            continue
        if about.min == about.max and isinstance(about.min, str):
            found[column.path_in_schema] = about.min
    return found


class _Dictionary(NamedTuple):
    """A dictionary as pyarrow holds it, and its texts."""

    values: Any
    texts: list[str]


def numbers(column: pa.Array) -> npt.NDArray[Any]:
    """An integer column without empty cells as numpy sees it, not copied; ``to_numpy`` would load pandas."""
    return np.from_dlpack(column)


class SeriesCodes:
    """The series keys of one file, numbered in order of appearance."""

    def __init__(self, constants: Mapping[str, str], device_names: Sequence[str] | None) -> None:
        """Start without keys.

        Args:
            constants: run and site for a file without these columns.
            device_names: names by device code, for an integer column; None takes the code's decimal text.
        """
        self.constants = dict(constants)
        """Run and site of rows without these columns; may change between batches."""
        self._device_names = list(device_names) if device_names is not None else None
        self.keys: tuple[SeriesKey, ...] = ()
        self._code: dict[SeriesKey, int] = {}
        self._dictionaries: dict[str, _Dictionary] = {}
        self._texts: dict[str, list[str]] = {}
        self._decimals: list[str] = []
        self._code_of = np.zeros(0, np.int32)
        self._whole: tuple[SeriesKey, ...] = ()

    def of(self, rows: pa.RecordBatch) -> tuple[tuple[SeriesKey, ...], Int32]:
        """Keys, and for each row its place among them; every key has occurred in the file.

        Raises:
            ValueError: a column's dictionary is shorter than its rows say.
        """
        before = dict(self._texts)
        places = {name: self._places(rows, name) for name in ("run", "site", "device")}
        sizes = [len(self._texts[name]) for name in places]
        space = int(np.prod(sizes))
        packed = np.zeros(len(rows), np.int64 if space > _MOST_COMBINATIONS else np.int32)
        for size, place in zip(sizes, places.values(), strict=True):
            if size == space:
                packed = np.broadcast_to(place, len(rows))
            elif size > 1:
                packed = packed * size + place
        if any(before.get(name) is not self._texts[name] for name in places):
            self._code_of = np.full(space if space <= _MOST_COMBINATIONS else 0, _NEW, np.int32)
            self._whole = ()
        if self._whole:
            return self._whole, packed.astype(np.int32, copy=False)
        if space > _MOST_COMBINATIONS:
            occurring, row_place = np.unique(packed, return_inverse=True)
            key = self._numbered(occurring.astype(np.int64), sizes)[row_place]
            return self.keys, key
        return self._looked_up(packed, sizes)

    def _looked_up(self, packed: Any, sizes: list[int]) -> tuple[tuple[SeriesKey, ...], Int32]:  # noqa: ANN401 - integers
        key = np.take(self._code_of, packed, mode="clip")  # all places are in range; to look again costs more
        if key.min(initial=0) == _NEW:
            new = np.zeros(len(self._code_of), np.bool_)
            new[packed[key == _NEW]] = True
            occurring = np.nonzero(new)[0]
            self._code_of[occurring] = self._numbered(occurring, sizes)
            key = np.take(self._code_of, packed, mode="clip")
            if not (self._code_of == _NEW).any():
                self._whole = tuple(self.keys[code] for code in self._code_of.tolist())
        return self.keys, key

    def _numbered(self, occurring: Int64, sizes: list[int]) -> Int32:
        """Codes of combinations; those not seen in the file before become keys."""
        runs, sites, devices = (self._texts[name] for name in ("run", "site", "device"))
        parts = zip(*(part.tolist() for part in np.unravel_index(occurring, sizes)), strict=True)
        found = [
            self._code.setdefault(SeriesKey(runs[run], sites[site], devices[device]), len(self._code))
            for run, site, device in parts
        ]
        if len(self._code) > len(self.keys):
            self.keys = tuple(self._code)
        return np.array(found, np.int32)

    def _places(self, rows: pa.RecordBatch, name: str) -> Any:  # noqa: ANN401 - integers of any width, or 0
        """A column as places in its list of texts."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a file is read

        if name not in rows.schema.names:
            if self._texts.get(name) != [self.constants[name]]:
                self._texts[name] = [self.constants[name]]
            return 0
        column = rows.column(name)
        if pa.types.is_integer(column.type):
            return self._device_codes(numbers(column))
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        known = self._dictionaries.get(name)
        if known is None or self._texts[name] is not known.texts or not column.dictionary.equals(known.values):
            self._texts[name] = column.dictionary.to_pylist() or [""]
            self._dictionaries[name] = _Dictionary(column.dictionary, self._texts[name])
        places = numbers(column.indices)
        if places.view(np.uint32).max(initial=0) >= len(self._texts[name]):  # unsigned: a negative one is great, too
            raise ValueError(f"column {name}: a row points outside the dictionary")
        return places

    def _device_codes(self, codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self._device_names is not None:
            self._texts["device"] = self._device_names
            return codes.astype(np.int32)
        least, greatest = int(codes.min(initial=0)), int(codes.max(initial=0))
        if 0 <= least <= greatest < _MOST_CODES:
            if greatest >= len(self._decimals):
                self._decimals = [str(code) for code in range(greatest + 1)]
            self._texts["device"] = self._decimals
            return codes.astype(np.int32)
        values, places = np.unique(codes, return_inverse=True)
        self._texts["device"] = [str(code) for code in values.tolist()]
        return places
