"""What the scenario comes to: figures a reader can follow from its files, and something to see in each year."""

from decimal import Decimal

import pytest

from gxmeter.api import open_workspace


@pytest.fixture(scope="module")
def book(request):
    return open_workspace(request.config.rootpath / "seeds" / "consortium")


def exact(account, figure):
    return account.figures[figure].exact


def test_the_check_has_nothing_to_say(book):
    assert book.check() == []


def test_the_pretraining_of_the_year_follows_from_its_declaration(book):
    """1,193,472 h x 0.6 kW x 1.45 (node) x 1.14 (IT) x 1.2 (PUE)."""
    account = book.account(2026)
    expected = 1_193_472 * Decimal("0.6") * Decimal("1.45") * Decimal("1.14") * Decimal("1.2")
    # Each of the four months and two portions is rounded once, to 1e-12 kWh.
    assert abs(exact(account, "energy_ai_kwh.run.pretrain-1t") - expected) < Decimal("1e-9")


def test_the_failure_counts_and_the_void_record_does_not(book):
    account = book.account(2026)
    assert exact(account, "energy_ai_kwh.run.pretrain-1t-a1") > 0
    assert "energy_ai_kwh.run.finetune-robot-arm-twice" not in account.figures
    assert not [line for line in account.lines if line.run_id == "finetune-robot-arm-twice"]


def test_one_huge_model_and_many_small_ones_can_be_compared(book):
    """The three small models together take less than half of this year's part of the huge one."""
    account = book.account(2026)
    small = sum(exact(account, f"energy_ai_kwh.run.small-{size}") for size in ("7b", "13b", "30b"))
    huge = exact(account, "energy_ai_kwh.run.pretrain-1t")
    assert 0 < small < huge / 2
    for size in ("7b", "13b", "30b"):
        assert exact(account, f"ai_location_t.run.small-{size}") > 0


def test_the_bills_leave_a_small_rest_that_no_run_explains(book):
    account = book.account(2026)
    rests = [line for line in account.lines if line.kind == "unattributed"]
    runs = [line for line in account.lines if line.kind == "run" and line.site_id == "tokyo-dc1"]
    assert len(rests) == 7
    for rest in rests:
        billed_month = sum(line.facility_kwh for line in runs if line.month == rest.month)
        assert Decimal("0.02") < rest.facility_kwh / billed_month < Decimal("0.06"), rest.month


def test_the_certificate_lowers_the_market_figure_only(book):
    account = book.account(2026)
    taken = {line.kind: line for line in account.lines if line.kind.startswith("instrument")}
    assert taken["instrument-in"].facility_kwh == 500_000
    assert taken["instrument-out"].facility_kwh == -500_000
    assert sum(line.tco2_location for line in taken.values()) == 0
    assert sum(line.tco2_market for line in taken.values()) == Decimal(-500_000) * Decimal("0.000452")


def test_credits_stand_beside_the_gross(book):
    account = book.account(2026)
    assert exact(account, "credits_t") == 40
    assert exact(account, "net_market_t") == exact(account, "gross_market_t") - 40


def test_one_target_of_the_year_is_just_kept_and_one_just_missed(book):
    rows = {row.measure: row for row in book.account(2026).progress}
    location, market = rows["scope2_location_domestic_t"], rows["scope2_market_domestic_t"]
    assert Decimal("-0.1") < location.gap / location.target < 0
    assert 0 < market.gap / market.target < Decimal("0.1")
    assert {row.met for row in rows.values()} == {None}


@pytest.mark.parametrize("fy", range(2026, 2031))
def test_every_year_of_the_programme_has_energy_in_both_frames_and_four_targets(book, fy):
    account = book.account(fy)
    for frame in ("development", "exploration"):
        assert exact(account, f"energy_ai_kwh.frame.{frame}") > 0
    assert len(account.progress) == 4
    assert account.year.inventory.provisional


@pytest.mark.parametrize(
    ("site", "portion", "scope", "category"),
    [
        ("tokyo-dc1", "it", "2", ""),
        ("tokyo-dc1", "overhead", "2", ""),
        ("edge-lab", "it", "2", ""),
        ("kansai-colo", "it", "2", ""),
        ("kansai-colo", "overhead", "3", "8"),
        ("cloud-east", "it", "3", "1"),
        ("holder-hpc", "overhead", "3", "1"),
    ],
)
def test_the_arrangement_decides_scope_and_category(book, site, portion, scope, category):
    lines = [x for x in book.account(2026).lines if (x.kind, x.site_id, x.portion) == ("run", site, portion)]
    assert lines
    assert {(x.scope, x.category) for x in lines} == {(scope, category)}


def test_the_memo_figure_counts_every_run_whatever_the_arrangement(book):
    account = book.account(2026)
    whole = exact(account, "energy_ai_kwh")
    assert whole == sum(line.facility_kwh for line in account.lines if line.kind == "run")
    for dimension in ("site", "frame", "run", "month", "status"):
        parts = [f.exact for f in account.figures.values() if f.figure_id.startswith(f"energy_ai_kwh.{dimension}.")]
        assert sum(parts) == whole, dimension


def test_the_bases_stand_side_by_side_and_differ(book):
    account = book.account(2026)
    figures = ("scope2_location_domestic_t", "scope2_market_domestic_t", "shk_basic_t", "shk_adjusted_t")
    location, market, basic, adjusted = (exact(account, figure) for figure in figures)
    assert location != market
    assert basic == adjusted == market + 500_000 * Decimal("0.000452")


def test_how_the_energy_is_known_adds_up_and_declared_is_not_called_measured(book):
    account = book.account(2026)
    shares = {s: exact(account, f"share_{s}_pct") for s in ("measured", "estimated", "declared")}
    assert abs(sum(shares.values()) - 100) < Decimal("1e-9")
    assert shares["declared"] > 99
    metered = [line for line in account.lines if line.status == "measured" and line.kind == "run"]
    assert {line.run_id for line in metered} == {"sensor-anomaly-line"}


def test_a_final_report_is_refused_and_writes_nothing(book, tmp_path):
    issued = book.report(2026, out=tmp_path / "out", final=True, key_path=tmp_path / "key.pem")
    assert issued.package is None
    assert "factor-not-published" in {f.code for f in issued.findings if f.level == "must"}
    assert not list(tmp_path.rglob("*.html"))
