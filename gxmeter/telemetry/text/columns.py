"""Rows of a table by columns, and columns in which few texts stand many times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa


class Coded(NamedTuple):
    """A column as its distinct texts and, for each row, which of them stands there."""

    texts: list[str]
    codes: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows: ``rows[i]`` is the line number of the i-th, ``columns[name][i]`` its text without outer blanks."""

    rows: Sequence[int]
    columns: Mapping[str, list[str]]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.rows)

    def only(self, kept: Sequence[int]) -> Chunk:
        """Some of the rows."""
        columns = {name: [texts[i] for i in kept] for name, texts in self.columns.items()}
        return Chunk([self.rows[i] for i in kept], columns)

    def coded(self, name: str) -> Coded:
        """A column of names: much quicker than its texts where they repeat."""
        if isinstance(self.columns, ArrowColumns):
            return self.columns.coded(name)
        return coded(self.columns[name])


@dataclass(frozen=True, slots=True)
class ArrowColumns(Mapping[str, list[str]]):
    """Columns that become texts when they are asked for: what a reader does not use costs nothing."""

    table: pa.Table
    header: tuple[str, ...]
    _texts: dict[str, list[str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[str]:
        if name not in self._texts:
            import pyarrow.compute as pc  # noqa: PLC0415 - heavy, loaded when a large file is read

            trimmed = pc.utf8_trim_whitespace(self._column(name))
            self._texts[name] = trimmed.to_numpy(zero_copy_only=False).tolist()
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.header)

    def __len__(self) -> int:
        return len(self.header)

    def coded(self, name: str) -> Coded:
        """Distinct texts without outer blanks, and codes."""
        encoded = self._column(name).dictionary_encode()
        texts = coded([text.strip() for text in encoded.dictionary.to_pylist()])
        return Coded(texts.texts, texts.codes[encoded.indices.to_numpy(zero_copy_only=False)])

    def _column(self, name: str) -> Any:  # noqa: ANN401 - pyarrow has no types
        column = self.table.column(self.header.index(name))
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def coded(texts: Sequence[str]) -> Coded:
    """A list of texts as distinct ones, in the order of their first appearance, and codes."""
    place: dict[str, int] = {}
    codes = np.fromiter((place.setdefault(text, len(place)) for text in texts), np.int32, len(texts))
    return Coded(list(place), codes)
