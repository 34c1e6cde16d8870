"""More lies with the reporter's own key, each sealed anew and consistent with itself: both verifiers object.

Where a rule of the workspace would have refused the input, the package must refuse it too: a reporter
with the key need not use the workspace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.forge import Forge
from tests.support.packages import Package, by_gxmeter, by_verify_py


def _reversed(path: str, start: str, end: str) -> Callable[[Forge], None]:
    def edit(forge: Forge) -> None:
        first, *others = forge.rows(path)
        turned = replace(first, **{start: getattr(first, end), end: getattr(first, start)})
        forge.put(path, [turned, *others])
        forge.recompute()

    return edit


def _negative_factor(forge: Forge) -> None:
    forge.change(
        "boundary/instruments.csv",
        lambda rows: [replace(r, factor_t_per_kwh=Decimal("-0.01")) if r.quantity_kwh else r for r in rows],
    )
    forge.recompute()


def _certificate_twice(forge: Forge) -> None:
    def edit(rows: list) -> list:  # type: ignore[type-arg]
        return [*rows, *(replace(r, instrument_id=f"{r.instrument_id}-b") for r in rows if r.quantity_kwh)]

    forge.change("boundary/instruments.csv", edit)
    forge.recompute()


def _bill_twice(forge: Forge) -> None:
    forge.change("activity/meters.csv", lambda rows: [*rows, replace(rows[-1], meter_id="zz-again")])
    forge.recompute()


def _credit_with_kwh(forge: Forge) -> None:
    forge.change(
        "boundary/instruments.csv",
        lambda rows: [replace(r, quantity_kwh=Decimal(9000)) if r.quantity_t else r for r in rows],
    )
    forge.recompute()


def _as_of_before_the_data(forge: Forge) -> None:
    forge.statement["as_of"] = forge.statement["period_start"]


def _another_entity(forge: Forge) -> None:
    forge.statement["entity_id"] = "somebody-else"


def _another_number(forge: Forge) -> None:
    forge.statement["sequence"] = 7


def _page(markup: str) -> Callable[[Forge], None]:
    def edit(forge: Forge) -> None:
        path = "data/report/report.en.html"
        forge.files[path] = forge.files[path].replace(b"</main>", markup.encode() + b"</main>")

    return edit


def _grade_lowered(forge: Forge) -> None:
    forge.change(
        "method/grades.csv", lambda rows: [replace(r, high_pct=Decimal(1)) if r.grade == "F" else r for r in rows]
    )


def _provisional_unmarked(forge: Forge) -> None:
    forge.change("results/figures.csv", lambda rows: [replace(row, provisional=False) for row in rows])


def _grade_unknown(forge: Forge) -> None:
    forge.change("activity/energy.csv", lambda rows: [replace(row, grade="A+") for row in rows])


LIES: tuple[tuple[str, Callable[[Forge], None], str], ...] = (
    ("pue-reversed", _reversed("boundary/pue.csv", "start", "end"), "cell-malformed"),
    ("part-reversed", _reversed("boundary/declared.csv", "start", "end"), "cell-malformed"),
    ("bill-reversed", _reversed("activity/meters.csv", "start", "end"), "cell-malformed"),
    ("contract-reversed", _reversed("boundary/contracts.csv", "start", "end"), "cell-malformed"),
    ("vintage-reversed", _reversed("boundary/instruments.csv", "vintage_start", "vintage_end"), "cell-malformed"),
    ("certificate-below-zero", _negative_factor, "cell-malformed"),
    ("certificate-twice", _certificate_twice, "serial-twice"),
    ("bill-twice", _bill_twice, "meter-overlap"),
    ("credit-with-kwh", _credit_with_kwh, "cell-malformed"),
    ("as-of-before-the-data", _as_of_before_the_data, "as-of-wrong"),
    ("another-entity", _another_entity, "roadmap-mismatch"),
    ("another-number", _another_number, "json-malformed"),
    ("script-in-the-page", _page("<script>1</script>"), "report-active-content"),
    ("handler-in-the-page", _page("<p onclick='x'>1</p>"), "report-active-content"),
    ("grade-lowered", _grade_lowered, "method-mismatch"),
    ("grade-unknown", _grade_unknown, "cell-malformed"),
    ("provisional-unmarked", _provisional_unmarked, "figure-mismatch"),
)


@pytest.mark.parametrize(("edit", "code"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_both_verifiers_object(edit: Callable[[Forge], None], code: str, package: Package, tmp_path: Path) -> None:
    forge = package.forge()
    edit(forge)
    folder = forge.write(tmp_path / "package")
    ours, theirs = by_gxmeter(folder), by_verify_py(folder)
    assert code in ours.codes("must")
    assert code in theirs.codes("must")
    assert (ours.exit_code, theirs.exit_code) == (1, 1)
