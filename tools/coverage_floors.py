"""Hold a coverage report against the floor of each room.

``fail_under`` in pyproject.toml is the floor of the whole; the rooms that turn energy into tonnes have their
own, because an untested branch there is a wrong number in somebody's legal report.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FLOORS_PCT = {"gxmeter/factors/": 100.0, "gxmeter/ledger/": 100.0}
"""Room -> least share of lines and branches covered [%]."""


def covered_pct(files: dict[str, Any], prefix: str) -> float | None:
    """The share of lines and branches under a path that the tests ran [%], or None if it holds no code."""
    hit = total = 0
    for path, body in files.items():
        if path.startswith(prefix):
            summary = body["summary"]
            hit += summary["covered_lines"] + summary.get("covered_branches", 0)
            total += summary["num_statements"] + summary.get("num_branches", 0)
    return 100 * hit / total if total else None


def faults(report: dict[str, Any]) -> list[str]:
    """One sentence per room below its floor, with the lines that are missing."""
    found = []
    for prefix, floor_pct in FLOORS_PCT.items():
        actual_pct = covered_pct(report["files"], prefix)
        if actual_pct is None:
            found.append(f"{prefix}: no covered code found; was it moved? Mend tools/coverage_floors.py.")
        elif actual_pct < floor_pct:
            found.append(f"{prefix}: {actual_pct:.2f} % covered, the floor is {floor_pct:.0f} %.")
            for path, body in sorted(report["files"].items()):
                if path.startswith(prefix) and (body["missing_lines"] or body.get("missing_branches")):
                    found.append(f"  {path}: lines {body['missing_lines']} branches {body.get('missing_branches', [])}")
    return found


def main() -> int:
    """``coverage_floors.py REPORT.json``: 0 if every floor holds, 1 if not."""
    found = faults(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print("Coverage floors hold: " + ", ".join(f"{room} {pct:.0f} %" for room, pct in FLOORS_PCT.items()))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
