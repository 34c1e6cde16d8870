"""The demo's last words: energy, tonnes, progress, how it is known, the verdict, what to open."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from words import MEASURES, UNSEEN, language, say

REIWA_OFFSET = 2018
"""Fiscal year 2019 is Reiwa 1."""
RUN = "demo-charlm"
EVALUATED = ("rows", "factors", "lines", "figures", "targets")
"""What both verifiers must have evaluated in equal number."""


@dataclass(frozen=True)
class Outcome:
    """What the steps answered: the documents of the commands, as interfaces promise them."""

    fy: int
    journal: Path
    energy: dict[str, Any]
    account: dict[str, Any]
    progress: dict[str, Any]
    report: dict[str, Any]
    package: Path
    verdicts: tuple[dict[str, Any], dict[str, Any]]
    codes: tuple[int, int]
    logs: Path

    @property
    def agrees(self) -> bool:
        """Both implementations re-computed the package, object to nothing and evaluated the same."""
        first, second = self.verdicts
        same = all(first["evaluated"][what] == second["evaluated"][what] for what in EVALUATED)
        return same and first["verdict"] == second["verdict"] == "verified" and self.codes[0] == self.codes[1]

    def rounded(self, figure: str) -> str:
        """A figure as printed, with thousands separators; a dash where it is absent."""
        found = self.account["figures"].get(figure)
        return _grouped(found["rounded"]) if found else "—"

    def unit(self, figure: str) -> str:
        """A figure's unit."""
        return str(self.account["figures"].get(figure, {}).get("unit", ""))


def tell(outcome: Outcome) -> str:
    """The summary in the locale's language."""
    parts = [_title(outcome), _run(outcome), *_figures(outcome), *_targets(outcome), *_findings(outcome)]
    parts += [_verdict(outcome), say("package", path=_near(outcome.package))]
    page = outcome.package / "data" / "report" / ("report.ja.html" if language() == 0 else "report.en.html")
    return "\n".join(["", *parts, say("open", path=page)])


def _title(outcome: Outcome) -> str:
    organisation = ("架空基盤モデル株式会社", "Kakuu Foundation Models (fictional)")[language()]
    return say("title", organisation=organisation, fy=outcome.fy, era=outcome.fy - REIWA_OFFSET)


def _run(outcome: Outcome) -> str:
    statuses = sorted({line["status"] for line in outcome.account["lines"] if line["run_id"] == RUN})
    names = {"measured": ("実測", "measured"), "estimated": ("推計", "estimated"), "declared": ("申告", "declared")}
    status = " + ".join(names[s][language()] for s in statuses if s in names)
    kwh = outcome.energy["energy_kwh"].get("device", "—")
    return say("run", kwh=kwh, status=status or "—", journal=_near(outcome.journal))


def _figures(outcome: Outcome) -> list[str]:
    lines = [say("energy", rounded=outcome.rounded("energy_ai_kwh"), unit=outcome.unit("energy_ai_kwh"))]
    for basis in ("location", "market"):
        figure = f"scope2_{basis}_t"
        ai = outcome.rounded(f"ai_{basis}_t")
        lines.append(say(basis, rounded=outcome.rounded(figure), ai=ai, unit=outcome.unit(figure)))
    shares = {}
    for status in ("measured", "estimated", "declared"):
        share = outcome.rounded(f"share_{status}_pct")
        shares[status] = say("none") if share == "0" else f"{share} %"
    return [*lines, say("share", **shares)]


def _targets(outcome: Outcome) -> list[str]:
    targets = outcome.progress["targets"]
    if not targets:
        return [say("no-targets", fy=outcome.fy)]
    lines = [say("targets", fy=outcome.fy)]
    for target in targets:
        measure = target.get("measure") or target["scope"]
        actual, gap = outcome.rounded(measure), _signed(outcome.rounded(f"gap.{target['id']}"))
        name = MEASURES.get(measure, (measure, measure))[language()]
        lines.append(
            say(
                "target",
                name=name,
                actual=actual,
                target=_grouped(target["target"]),
                gap=gap,
                unit=outcome.unit(measure),
            )
        )
    state = (outcome.progress.get("approval") or {}).get("state", "—")
    return [*lines, say("approval", state=_STATES.get(state, (state, state))[language()])]


_STATES = {
    "approved": ("取締役会承認済み (内容は承認時と同じ)", "approved by the board (content unchanged since)"),
    "changed-since-approval": ("承認後に変更あり", "changed since approval"),
    "unapproved": ("未承認", "not approved"),
}


def _findings(outcome: Outcome) -> list[str]:
    found = outcome.report["findings"]
    levels = Counter(item["level"] for item in found)
    counts = {level: levels.get(level, 0) for level in ("must", "should", "may")}
    lines = [say("findings", log=_near(outcome.logs), **counts)]
    if any(item["code"] == "factor-provisional" for item in found):
        lines.insert(0, say("provisional", fy=outcome.fy))
    return lines


def _verdict(outcome: Outcome) -> str:
    if not outcome.agrees:
        return say("verdict-bad", codes=", ".join(map(str, outcome.codes)))
    first = outcome.verdicts[0]
    evaluated = first["evaluated"]
    unseen = ", ".join(UNSEEN.get(name, (name, name))[language()] for name in first["not_checked"]) or "—"
    matches = say("verdict", lines=evaluated["lines"], figures=evaluated["figures"])
    return "\n".join((matches, say("not-checked", names=unseen), say("trust")))


def _grouped(number: str) -> str:
    """Thousands separators in the whole part of a plain decimal text.

    >>> _grouped("-1234567.50")
    '-1,234,567.50'
    """
    whole, dot, rest = number.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-')):,}{dot}{rest}"


def _signed(number: str) -> str:
    """A difference with its sign: above the target is plus.

    >>> _signed("22.40"), _signed("-3"), _signed("0")
    ('+22.40', '-3', '0')
    """
    return number if number in {"0", "—"} or number.startswith("-") else f"+{number}"


def _near(path: Path) -> str:
    """A path relative to the current folder where it lies inside, else whole."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
