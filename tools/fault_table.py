"""Write ``docs/reference/faults.md`` and its Japanese twin from the rows that the fault tests left in ``out/faults``.

    python tools/fault_table.py [FOLDER] [--nightly YYYY-MM-DD]

The rows of ``make test`` make the table. With ``--nightly`` the rows of ``make nightly`` are counted as well and told
with that date; without it the page keeps what it says of the last nightly run.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = ROOT / "tests" / "faults" / "scenarios.toml"
PAGES = {"en": ROOT / "docs" / "reference" / "faults.md", "ja": ROOT / "docs" / "reference" / "faults.ja.md"}

Row = dict[str, Any]

_HEADS = {
    "en": """# Faults, tested for real

Each row is a fault that the tests in `tests/faults/` make on a real meter around a real process, on a host of its
own (Linux namespaces), with GPUs and processors at known watts. Three things are checked of each: the training is
unharmed (its exit code, its output, no pause), the record tells the fault, and at most one interval is lost. An
interval counts as lost for the time in which a device that counts has no number; a thread may come 0.6 s late on a
busy machine of two cores. Written by `tools/fault_table.py` from the tests' own rows.

## Last run of `make test`

| fault | what is done | times | the training | the record says | intervals lost, at most | holds |
|---|---|---|---|---|---|---|
""",
    "ja": """# 障害の実地試験

各行は、`tests/faults/` の試験が、専用のホスト(Linux 名前空間)で動く本物のプロセスと計測に対して実際に起こした障害です。
GPU と CPU の電力は既知です。確かめるのは三つ: 学習が無傷であること(終了コード、出力、停止なし)、記録から
障害が読み取れること、失われる区間が最大 1 つであること。計上する装置に数値のない時間を、失われた区間と数えます。
2 コアの混んだ機械ではスレッドが 0.6 秒遅れることがあります。
この表は試験が残した結果から `tools/fault_table.py` が作ります。

## 直近の `make test`

| 障害 | 内容 | 回数 | 学習プロセス | 記録が示すこと | 失われた区間(最大) | 成立 |
|---|---|---|---|---|---|---|
""",
}
_NIGHTLY_HEADS = {"en": "## Last nightly result", "ja": "## 直近の夜間試験"}
_NEVER = {"en": "Not recorded yet.", "ja": "まだ記録がありません。"}


def read_rows(folder: Path) -> dict[str, dict[str, Row]]:
    """All rows, by kind (``test``, ``nightly``) and scenario.

    Raises:
        SystemExit: a scenario without a row of ``make test``, or a row of a scenario that does not exist.
    """
    known = tomllib.loads(SCENARIOS.read_text("utf-8"))
    rows: dict[str, dict[str, Row]] = {"test": {}, "nightly": {}}
    for path in sorted(folder.glob("*.json")):
        row: Row = json.loads(path.read_text("utf-8"))
        rows["nightly" if row["nightly"] else "test"][row["scenario"]] = row
    unknown = (rows["test"].keys() | rows["nightly"].keys()) - known.keys()
    if unknown:
        raise SystemExit(f"rows of no scenario: {', '.join(sorted(unknown))}")
    missing = [name for name in known if name not in rows["test"]]
    if missing:
        raise SystemExit(f"no row in {folder.name}/ of: {', '.join(missing)}; run the tests in tests/faults first")
    return rows


def nightly_text(language: str, rows: dict[str, dict[str, Row]], date: str) -> str:
    """One sentence about a nightly run: how many scenarios were run how often, how many held."""
    every = {**rows["test"], **rows["nightly"]}
    held = sum(row["held"] for row in every.values())
    runs = sum(row["runs"] for row in every.values())
    kills = every["sigkill-meter"]["runs"]
    lost = every["sigkill-meter"]["lost_intervals"] or 0
    if language == "ja":
        many = f"実行 {runs} 回、うち計測プロセスの SIGKILL {kills} 回"
        return f"{date}: {len(every)} 件中 {held} 件が成立。{many}(SIGKILL で失われた区間は最大 {lost:.2f})。"
    return (
        f"{date}: {held} of {len(every)} scenarios held, {runs} runs, {kills} of them SIGKILLs of the meter "
        f"(each cost at most {lost:.2f} intervals)."
    )


def page(language: str, rows: dict[str, dict[str, Row]], *, nightly: str) -> str:
    """The whole page in one language (``en``, ``ja``)."""
    known = tomllib.loads(SCENARIOS.read_text("utf-8"))
    lines = [_line(language, name, known[name][language], rows["test"][name]) for name in known]
    return f"{_HEADS[language]}{''.join(lines)}\n{_NIGHTLY_HEADS[language]}\n\n{nightly}\n"


def _line(language: str, name: str, done: str, row: Row) -> str:
    codes = ", ".join(str(code) for code in row["child_codes"]) or "-"
    pause = f"{row['child_pause_ms']} ms" if row["child_pause_ms"] else "-"
    felt = (
        f"終了コード {codes}、最長の停止 {pause}" if language == "ja" else f"exit code {codes}, longest pause {pause}"
    )
    says = ", ".join(f"`{item}`" for item in row["record"]) or "-"
    holds = {("en", True): "yes", ("en", False): "**no**", ("ja", True): "はい", ("ja", False): "**いいえ**"}
    lost = "-" if row["lost_intervals"] is None else f"{row['lost_intervals']:.2f}"
    cells = [f"`{name}`", done, row["runs"], felt, says, lost, holds[language, row["held"]]]
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def _last_nightly(language: str) -> str:
    """What the page says now of the last nightly run."""
    text = PAGES[language].read_text("utf-8") if PAGES[language].is_file() else ""
    found = re.search(f"^{_NIGHTLY_HEADS[language]}\n\n(.+)\n", text, re.MULTILINE)
    return found.group(1) if found else _NEVER[language]


def main() -> int:
    """Write both pages."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", nargs="?", type=Path, default=ROOT / "out" / "faults")
    options.add_argument("--nightly", metavar="YYYY-MM-DD", default="")
    chosen = options.parse_args()
    rows = read_rows(chosen.folder)
    for language, path in PAGES.items():
        said = nightly_text(language, rows, chosen.nightly) if chosen.nightly else _last_nightly(language)
        path.write_text(page(language, rows, nightly=said), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
