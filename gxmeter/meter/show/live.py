"""The updating line of ``gxmeter run --live``: power now, the last minute as a spark line, energy and mass so far.

The child writes to the same terminal whenever it likes, and a progress bar of its own stays on its line for long. So
the line does not share a row with the child: it takes the terminal's last row and lets the rows above scroll
(DECSTBM), as package managers do. The child's cursor is where it was after every drawing, its lines are never torn,
and nothing scrolls by our doing except one line at the beginning. At the end the row is empty and the whole
terminal scrolls again. A meter that was killed leaves the last row as it was; ``reset`` or a new window size heals
it.

Where the terminal says no size (a pipe-like terminal of a recorder) there is no last row: then the line is drawn
where the cursor is and the cursor put back to its start, so that the child's next line takes its place. Nothing is
drawn where standard error is no terminal, on one that cannot move its cursor, or while the job is in the background.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from gxmeter.meter.show.amounts import columns, cut, duration, emissions, energy, percent, power
from gxmeter.meter.show.say import japanese
from gxmeter.meter.show.tell import has_room
from gxmeter.meter.totals import Totals

_BARS = "▁▂▃▄▅▆▇█"
_LEAST_BARS, _MOST_BARS = 6, 60
_USUAL_SIZE = (80, 0)
_LEAST_ROWS = 3
_STALE_PERIODS = 3
_STALE_NS = 2_000_000_000

_SAVE, _RESTORE = "\x1b7", "\x1b8"
_CLEAR_REST = "\x1b[K"
_MAKE_ROOM = "\x1bD\x1b[A"
_WHOLE_SCREEN = "\x1b[r"


class Shown(Protocol):
    """What is asked of a meter."""

    @property
    def kg_per_kwh(self) -> Decimal | None:
        """Factor of the site [kg-CO2/kWh], or None."""

    @property
    def totals(self) -> Totals:
        """Sums so far."""

    @property
    def elapsed_ns(self) -> int:
        """Time since the start [ns]."""

    @property
    def budget_uj(self) -> int | None:
        """Energy that may be used [uJ], or None."""

    @property
    def counting(self) -> bool:
        """Whether this meter measures, or another one of this host does."""


def live_line(
    totals: Totals,
    *,
    kg_per_kwh: Decimal | None = None,
    budget_uj: int | None = None,
    elapsed_ns: int,
    width: int,
    counting: bool = True,
    stale: bool = False,
    ja: bool | None = None,
) -> str:
    """The line for what has been measured so far, at most ``width`` columns.

    Args:
        totals: sums so far.
        kg_per_kwh: factor of the site [kg-CO2/kWh]; without one no mass is shown.
        budget_uj: energy that may be used [uJ]; without one no share is shown.
        elapsed_ns: time since the start [ns].
        width: columns of the terminal.
        counting: False where another meter of this host measures.
        stale: whether the last number is old, so that the power now is not known.
        ja: Japanese or English; left out, by the locale.

    >>> sums = Totals(measured_uj=7_200_000_000, total_uj=7_200_000_000, samples=2)
    >>> sums.recent_mw.extend([200_000, 100_000])
    >>> live_line(sums, kg_per_kwh=Decimal("0.423"), elapsed_ns=83 * 10**9, width=64, ja=False)
    'gxmeter   100 W █▅  2.000 Wh  0.85 g-CO2  0:01:23'
    """
    ja = japanese() if ja is None else ja
    now = totals.recent_mw[-1] if totals.recent_mw and not stale else None
    time = duration(elapsed_ns, ja=ja)
    if not counting and totals.samples == 0:
        words = "このホストは別の gxmeter が計測中" if ja else "another gxmeter measures this host"
        return cut(f"gxmeter  {words}  {time}", width)
    watts = f"{'- W' if now is None else power(now):>7}"
    fields = [("name", "gxmeter"), ("power", watts), ("energy", f" {energy(totals.total_uj)}")]
    if totals.measured_uj == 0 and totals.node_uj is None and totals.samples:
        fields.append(("grade", "推計" if ja else "est."))
    if kg_per_kwh is not None:
        fields.append(("mass", f" {emissions(totals.total_uj, kg_per_kwh)}"))
    if budget_uj:
        share, whole = percent(totals.total_uj, budget_uj), energy(budget_uj)
        fields.append(("budget", f" 予算{whole}の{share}%" if ja else f" {share} % of {whole}"))
    fields.append(("time", f" {time}"))
    return _fitted(fields, list(totals.recent_mw), width, ja=ja)


def _fitted(fields: list[tuple[str, str]], recent_mw: list[int], width: int, *, ja: bool) -> str:
    """The fields that fit, the least needed left out first, and bars in what room is left.

    East Asian terminals may draw the bars two columns wide, so a Japanese line has half as many.
    """
    for name in ("", "name", "time", "budget", "grade", "mass"):
        fields = [field for field in fields if field[0] != name]
        if columns(" ".join(text for _, text in fields)) <= width:
            break
    bar_width = 2 if ja else 1
    room = (width - columns(" ".join(text for _, text in fields)) - 1) // bar_width
    bars = spark(recent_mw, min(room, _MOST_BARS)) if room >= _LEAST_BARS else ""
    place = 1 + [name for name, _ in fields].index("power")
    texts = [text for _, text in fields]
    return cut(" ".join([*texts[:place], *([bars] if bars else []), *texts[place:]]), width, ambiguous=bar_width)


def spark(values: Sequence[int], most: int = _MOST_BARS) -> str:
    """Values as bars, from zero to the highest of them; where they are too many, means of neighbours.

    >>> spark([0, 1, 2, 3, 4, 5, 6, 7]), spark([99, 100, 101]), spark([0, 0, 700, 700], 2)
    ('▁▂▃▄▅▆▇█', '███', '▁█')
    """
    high = max(values, default=0)
    if high <= 0 or most < 1:
        return ""
    size = -(-len(values) // most)
    ends = range(len(values), 0, -size)
    groups = [values[max(0, end - size) : end] for end in reversed(ends)]
    steps = len(_BARS) - 1
    means = [sum(group) // len(group) for group in groups]
    return "".join(_BARS[(mean * steps + high // 2) // high] for mean in means)


@dataclass(slots=True)
class Line:
    """One terminal's line. ``size`` is the terminal's size (columns, rows) when it was last drawn, None before."""

    size: tuple[int, int] | None = None
    _samples: int = 0
    _changed_ns: int = 0
    _usual_ns: int = 0

    def draw(self, meter: Shown, write: Callable[[str], None], size: tuple[int, int]) -> None:
        """Put the line on a terminal of so many columns and rows (0 rows: it says none).

        The last column stays free: a terminal that has just filled it would erase it with the rest of the row.
        """
        self.draw_text(self._text(meter, size[0] - 1), write, size)

    def draw_text(self, text: str, write: Callable[[str], None], size: tuple[int, int]) -> None:
        """Put a text in the line's place; all in one write, so that the child's output stands before or after it."""
        wide, rows = size
        if rows < _LEAST_ROWS:
            write(f"\r{text}{_CLEAR_REST}\r")
        else:
            begin = "" if self.size == size else self._taken(rows)
            write(f"{begin}{_SAVE}\x1b[{rows};1H{text}{_CLEAR_REST}{_RESTORE}")
        self.size = (wide, rows)

    def clear(self, write: Callable[[str], None]) -> None:
        """Take the line away and give the terminal its last row back."""
        if self.size is None:
            return
        rows = self.size[1]
        if rows < _LEAST_ROWS:
            write(f"\r{_CLEAR_REST}")
        else:
            write(f"{_SAVE}\x1b[{rows};1H{_CLEAR_REST}{_WHOLE_SCREEN}{_RESTORE}")
        self.size = None

    def _taken(self, rows: int) -> str:
        """Make room below the cursor where it stands on the last row, and let only the rows above the last scroll."""
        old = self.size[1] if self.size else 0
        wipe = f"{_SAVE}\x1b[{old};1H{_CLEAR_REST}{_RESTORE}" if _LEAST_ROWS <= old < rows else ""
        return f"{wipe}{_MAKE_ROOM}{_SAVE}\x1b[1;{rows - 1}r{_RESTORE}"

    def _text(self, meter: Shown, width: int) -> str:
        totals, elapsed_ns = meter.totals, meter.elapsed_ns
        return live_line(
            totals,
            kg_per_kwh=meter.kg_per_kwh,
            budget_uj=meter.budget_uj,
            elapsed_ns=elapsed_ns,
            width=width,
            counting=meter.counting,
            stale=self._stale(totals.samples, elapsed_ns),
        )

    def _stale(self, samples: int, elapsed_ns: int) -> bool:
        """Whether no number has come for three times the longest time between two, and two seconds."""
        waited_ns = elapsed_ns - self._changed_ns
        if samples != self._samples:
            self._usual_ns = max(self._usual_ns, waited_ns if self._samples else 0)
            self._samples, self._changed_ns = samples, elapsed_ns
            return False
        return self._usual_ns > 0 and waited_ns > _STALE_PERIODS * self._usual_ns + _STALE_NS


_LINE = Line()


def draw(meter: Shown) -> None:
    """Put the meter's line on standard error; nothing where that is no terminal that could show it."""
    try:
        if _drawable():
            _LINE.draw(meter, _write, _size())
    except Exception:  # noqa: BLE001 - a line for the eye must not disturb the command that runs
        return


def clear() -> None:
    """Take the line away."""
    try:
        if _LINE.size is not None and _drawable():
            _LINE.clear(_write)
    except Exception:  # noqa: BLE001 - as above
        return


def _drawable() -> bool:
    """Whether standard error is a terminal that moves its cursor, and ours to write to at this moment, without waiting.

    A terminal that was held (Ctrl-S) would keep us, and so the signals that are to be passed on, until it is let go.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM", "") == "dumb" or not has_room(sys.stderr):
        return False
    try:
        return os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
    except OSError:
        return True  # not our controlling terminal, so that no shell hands it about


def _size() -> tuple[int, int]:
    """Columns and rows of the terminal that is drawn on; rows are 0 where it does not say."""
    size = os.get_terminal_size(sys.stderr.fileno())
    return (size.columns, size.lines) if size.columns > 0 else _USUAL_SIZE


def _write(text: str) -> None:
    """One write; what the terminal's encoding has no sign for becomes a question mark of the same width."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(text.encode(encoding, "replace").decode(encoding))
    sys.stderr.flush()
