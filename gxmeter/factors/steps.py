"""The steps of a resolution as sentences in Japanese and English (``steps.toml``)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way to a factor, for people."""

    ja: str
    en: str


def step(name: str, **values: object) -> Step:
    """The sentence pair of that name with its holes filled.

    >>> step("none-yet", fy=2024).en
    'None of them applies to FY2024 or earlier.'
    """
    pair = _sentences()[name]
    return Step(pair["ja"].format(**values), pair["en"].format(**values))


@cache
def _sentences() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "steps.toml").read_text("utf-8"))
