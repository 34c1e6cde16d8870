"""The content a board approves: one digest, and no edit that keeps it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.roadmap.content import (
    Approval,
    State,
    content_sha256,
    plan_from,
    roadmap_content,
    running_plan,
    state_of,
)
from gxmeter.workspace.models.roadmap import Roadmap

DOCUMENT: dict[str, Any] = {
    "schema": "gxmeter-roadmap/1",
    "id": "gx",
    "version": 1,
    "entity": "example",
    "base": {
        "kind": "year",
        "fy": 2025,
        "figures": [{"measure": "scope2_market_t", "value": "10.50", "unit": "t-CO2"}],
    },
    "targets": [
        {"id": "b", "measure": "scope2_market_t", "fy": 2027, "value": "8", "unit": "t-CO2"},
        {"id": "a", "measure": "scope2_market_t", "fy": 2026, "value": "9.5", "unit": "t-CO2"},
    ],
    "measures": [
        {
            "id": "green",
            "title_ja": "再エネ契約",
            "title_en": "Green contract",
            "effect": [{"fy": 2027, "value": "1.5", "unit": "t-CO2"}],
            "cost_jpy": 1000000,
        }
    ],
}


def roadmap(**changes: Any) -> Roadmap:
    return Roadmap.model_validate(DOCUMENT | changes)


def approval(digest: str) -> dict[str, Any]:
    return {
        "body": "Board",
        "approved_on": "2026-05-20",
        "resolution_id": "r-1",
        "agenda_item": "3",
        "minutes_sha256": "0" * 64,
        "content_sha256": digest,
    }


def approved(document: Roadmap, digest: str | None = None) -> Roadmap:
    return roadmap(approval=approval(digest or content_sha256(document)))


def test_the_content_is_canonical_sorted_and_without_floats() -> None:
    content = roadmap_content(roadmap())
    assert [t["id"] for t in content["targets"]] == ["a", "b"]
    assert content["base"]["figures"][0]["value"] == "10.5"
    assert content["measures"][0]["cost_jpy"] in {1000000, "1000000"}
    assert content_sha256(roadmap()) == sha256_bytes(canonical_json(content))


def test_the_order_of_the_file_and_notes_are_not_content() -> None:
    turned = roadmap(targets=DOCUMENT["targets"][::-1], note_en="a remark")
    assert content_sha256(turned) == content_sha256(roadmap())


def test_an_approved_version_is_approved() -> None:
    plan = running_plan([approved(roadmap())])
    assert plan is not None
    assert (plan.state, plan.findings()) == (State.APPROVED, [])
    assert plan.approval is not None
    assert plan.approval.approved_on == "2026-05-20"
    assert [(t.target_id, t.value) for t in plan.targets] == [("a", Decimal("9.5")), ("b", Decimal(8))]


def test_no_roadmap_is_no_plan() -> None:
    assert running_plan([]) is None


def test_the_newest_version_runs_and_an_older_approval_is_not_its_own() -> None:
    plan = running_plan([roadmap(version=2), approved(roadmap())])
    assert plan is not None
    assert (plan.version, plan.state, plan.approval) == (2, State.UNAPPROVED, None)
    assert [f.code for f in plan.findings()] == ["roadmap-unapproved"]
    assert [a.version for a in plan.approvals] == [1]


def test_an_edit_after_the_approval_is_said_with_both_digests() -> None:
    plan = running_plan([approved(roadmap(), "0" * 64)])
    assert plan is not None
    (finding,) = plan.findings()
    assert (finding.code, finding.level) == ("roadmap-changed-since-approval", "must")
    assert (finding.expected, finding.found) == ("0" * 64, plan.content_sha256)


def test_approvals_of_other_roadmaps_and_versions_do_not_count() -> None:
    right = Approval("gx", 1, "b", "2026-05-20", "r", "3", "0", "digest")
    assert state_of([right], "gx", 1, "digest") is State.APPROVED
    assert state_of([right], "gx", 1, "other") is State.CHANGED
    assert state_of([right], "gx", 2, "digest") is State.UNAPPROVED
    assert state_of([right], "other", 1, "digest") is State.UNAPPROVED
    assert state_of([], "gx", 1, "digest") is State.UNAPPROVED


leaves = st.one_of(
    st.tuples(st.just(("targets", 0, "value")), st.integers(0, 10**9).map(str)),
    st.tuples(st.just(("targets", 1, "fy")), st.integers(2013, 2100)),
    st.tuples(st.just(("targets", 0, "measure")), st.sampled_from(["scope1_t", "scope2_location_t"])),
    st.tuples(st.just(("targets", 0, "unit")), st.sampled_from(["kWh", "GJ"])),
    st.tuples(st.just(("targets", 0, "id")), st.sampled_from(["c", "d"])),
    st.tuples(st.just(("base", "fy")), st.integers(2013, 2100)),
    st.tuples(st.just(("base", "figures", 0, "value")), st.integers(0, 10**9).map(str)),
    st.tuples(st.just(("measures", 0, "title_ja")), st.sampled_from(["省エネ", "設備更新"])),
    st.tuples(st.just(("measures", 0, "effect", 0, "value")), st.integers(0, 10**9).map(str)),
    st.tuples(st.just(("measures", 0, "cost_jpy")), st.integers(0, 10**12)),
    st.tuples(st.just(("targets",)), st.just([])),
    st.tuples(st.just(("measures",)), st.just([])),
    st.tuples(st.just(("entity",)), st.just("other")),
)


@given(leaves)
def test_any_edit_of_what_was_approved_changes_the_digest_and_is_never_approved(
    edit: tuple[tuple[Any, ...], Any],
) -> None:
    path, value = edit
    document = json.loads(json.dumps(DOCUMENT))
    place = document
    for key in path[:-1]:
        place = place[key]
    unchanged = place[path[-1]] == value
    place[path[-1]] = value
    digest = content_sha256(roadmap())
    edited = Roadmap.model_validate(document | {"approval": approval(digest)})
    plan = running_plan([edited])
    assert plan is not None
    assert (plan.state is State.APPROVED) == unchanged
    assert (plan.content_sha256 == digest) == unchanged


def test_a_plan_is_the_same_from_a_workspace_and_from_a_package() -> None:
    plan = running_plan([approved(roadmap())])
    assert plan is not None
    assert plan_from(json.loads(plan.content), plan.approvals) == plan


def test_a_malformed_number_in_the_content_is_said() -> None:
    content = roadmap_content(roadmap())
    content["targets"][0]["value"] = "1e3"
    with pytest.raises(InputError):
        plan_from(content, ())


def test_dates_and_other_values_travel_as_text() -> None:
    from gxmeter.roadmap.content import _plain

    assert _plain({"a": (date(2026, 4, 1), Decimal("1.50"), True, 3)}) == {"a": ["2026-04-01", "1.5", True, 3]}
