"""Times that are all written alike, as loggers do: only their minutes need a closer look, seconds are plain digits.

This is for speed alone: it reads what :class:`~gxmeter.telemetry.text.instants.Clock` reads one by one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gxmeter.telemetry.model import Int64

_MINUTE = 16
"""Characters of ``YYYY-MM-DD HH:MM``."""
_FORM = re.compile(r"\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d:\d\d(?:[.,](\d{1,9}))?(?!\d)", re.ASCII)
_ZERO, _TEN, _SECONDS = ord("0"), 10, 60


@dataclass(frozen=True, slots=True)
class Runs:
    """``heads``: times at a full minute; ``run[i]``: which of them row i has; ``apart_ms[i]``: how long after it."""

    heads: list[str]
    run: Int64
    apart_ms: Int64


def runs_of(texts: Sequence[str]) -> Runs | None:
    """Times as minutes and milliseconds after them; None where they are not all written alike."""
    form = _FORM.match(texts[0]) if texts else None
    if form is None:
        return None
    joined = "".join(texts)
    width = len(texts[0])
    if not joined.isascii() or len(joined) != width * len(texts) or any(len(text) != width for text in texts):
        return None
    cells = np.frombuffer(joined.encode("ascii"), np.uint8).reshape(len(texts), width)
    apart_ms = _apart_ms(cells, form.end(), len(form[1] or ""))
    if apart_ms is None:
        return None
    # A minute ends at its colon, and what stands behind the digits (a zone) belongs to it.
    minute = np.concatenate((cells[:, :_MINUTE], cells[:, form.end() :]), axis=1)
    starts = np.concatenate(([True], (minute[1:] != minute[:-1]).any(axis=1)))
    heads = [f"{texts[i][:_MINUTE]}:00{texts[i][form.end() :]}" for i in np.nonzero(starts)[0].tolist()]
    return Runs(heads, np.cumsum(starts, dtype=np.int64) - 1, apart_ms)


def _apart_ms(cells: npt.NDArray[np.uint8], end: int, places: int) -> Int64 | None:
    """Milliseconds after the minute [ms]; None where a mark or a digit is out of its place."""
    marks = [_MINUTE, end - places - 1] if places else [_MINUTE]
    if (cells[:, marks] != cells[0, marks]).any():
        return None
    columns = [_MINUTE + 1, _MINUTE + 2, *range(end - places, end)]
    digits = cells[:, columns] - np.uint8(_ZERO)
    if (digits >= _TEN).any():
        return None
    seconds = digits[:, 0].astype(np.int64) * _TEN + digits[:, 1]
    if (seconds >= _SECONDS).any():
        return None
    ms = seconds * 1000
    for place, worth in zip(range(min(places, 3)), (100, 10, 1), strict=False):
        ms += digits[:, 2 + place].astype(np.int64) * worth
    return ms
