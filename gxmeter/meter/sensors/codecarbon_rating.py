"""A processor's rated power by CodeCarbon's table and matching rule, read without pandas.

CodeCarbon reads its table of some 4,900 names with pandas: 0.3 s and 60 MB inside somebody else's training, and a
package that a metering host need not have. The table is two columns of CSV; the rule that finds a name in it is
CodeCarbon's own and is called as it is, so both ways give the same watts (the tests hold them side by side).
"""

from __future__ import annotations

import csv
from pathlib import Path

_TABLE = ("data", "hardware", "cpu_power.csv")
"""Where the table stands in CodeCarbon's package (3.3): columns Name and TDP [W]."""


def rated_watts(name: str) -> float | None:
    """Watts of one processor by its model name [W], or None where CodeCarbon's table does not know it.

    Args:
        name: as ``/proc/cpuinfo`` says it.

    Raises:
        OSError: the table is not where CodeCarbon 3.3 has it.
        KeyError, ValueError: it has other columns.
    """
    import codecarbon  # noqa: PLC0415 - costs 0.1 s, sampling thread only
    from codecarbon.core.cpu import TDP  # noqa: PLC0415

    path = Path(codecarbon.__file__).parent.joinpath(*_TABLE)
    with path.open(encoding="utf-8", newline="") as table:
        watts = [(row["Name"], row["TDP"]) for row in csv.DictReader(table)]
    rule = TDP.__new__(TDP)  # its constructor starts ten programs to find the name
    match = rule._get_matching_cpu(name, {"Name": [known for known, _ in watts]})  # type: ignore[arg-type]  # noqa: SLF001 - the pinned version's rule
    return next((float(text) for known, text in watts if known == match and text), None)
