"""Loading: the shipped registry is whole; folders, families, additions and corrections keep their rules."""

import shutil

import pytest

from gxmeter.core.errors import InputError
from gxmeter.core.resources import data_folder
from gxmeter.factors import entry_json, load_registry
from gxmeter.factors.load import read_registry

MENU = '{id: own.Z, kind: menu, menu: Z, number: A0269, basic: "0.000100", adjusted: "0.000100"}'
NATIONAL = "id: own.average, kind: national-average, value: "


@pytest.fixture
def shipped(tmp_path):
    """A copy of the shipped registry that a test may spoil."""
    return shutil.copytree(data_folder("factors"), tmp_path / "shipped" / "factors")


def codes(*args):
    with pytest.raises(InputError) as caught:
        read_registry(*args) if args and not isinstance(args[0], list) else load_registry(*args)
    return [(item.code, item.file) for item in caught.value.findings]


def test_the_shipped_registry_has_what_it_promises(registry):
    assert registry.by_id("jp.elec.national-average.fy2024").value == "0.000423"
    assert registry.by_id("jp.elec.substitute.fy2024").value == "0.000416"
    assert registry.by_id("jp.energy-law.electricity-primary-energy.fy2023").value == "8.64"
    assert registry.by_id("jp.energy-law.crude-oil-equivalent").value == "0.0258"
    numbers = {entry.number for entry in registry.entries if entry.number}
    assert numbers == {f"A0{n}" for n in range(267, 277)}
    assert [entry.id for entry in registry.entries] == sorted({entry.id for entry in registry.entries})


def test_every_shipped_entry_is_confirmed_and_sourced(registry):
    for entry in registry.entries:
        assert entry.status == "confirmed"
        assert entry.source.url.startswith("https://")
        assert "processed" in (entry.source.obtained_via or "")
        if entry.commodity == "electricity":
            assert (entry.actuals_fy, entry.applies_to_fy, entry.submission_fy) == (2024, 2025, 2026)


def test_each_utility_has_one_residual_and_one_whole_value_per_basis(registry):
    for number in range(267, 277):
        kinds = [(entry.kind, entry.basis) for entry in registry.electricity("JP", f"A0{number}")]
        for basis in ("basic", "adjusted"):
            assert kinds.count(("residual", basis)) == 1
            assert kinds.count(("whole", basis)) == 1
            assert kinds.count(("menu", basis)) >= 1


def test_a_workspace_adds_its_suppliers_own_menu(factor_file, registry):
    path = factor_file(MENU)
    grown = load_registry([path])
    assert len(grown.entries) == len(registry.entries) + 2
    assert grown.by_id("own.Z.basic").decimal.as_tuple().digits == (1, 0, 0)
    assert grown.sha256 != registry.sha256


def test_an_addition_may_correct_a_registry_value_if_it_says_so(factor_file, registry):
    right = f'{{{NATIONAL} "0.000424", edition_on: 2026-09-01, corrects: jp.elec.national-average.fy2024}}'
    assert load_registry([factor_file(right)]).by_id("own.average").value == "0.000424"
    assert registry.by_id("own.average") is None


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("", "factors-place-taken"),
        (", status: illustrative, corrects: jp.elec.national-average.fy2024", "factors-place-taken"),
        (", corrects: jp.elec.substitute.fy2024", "factors-corrects-wrong"),
    ],
)
def test_an_addition_never_replaces_a_registry_value_in_silence(factor_file, more, code):
    path = factor_file(f'{{{NATIONAL} "0.000001", edition_on: 2026-09-01{more}}}')
    assert codes([path]) == [(code, "factors/own.yaml")]


def test_additions_of_several_files_are_told_with_their_files(factor_file):
    files = [factor_file(MENU, name=name) for name in ("a.yaml", "b.yaml")]
    assert codes(files) == [("factors-id-duplicate", "factors/b.yaml")] * 2


def test_a_file_that_is_not_there_is_told(tmp_path):
    assert codes([tmp_path / "factors" / "none.yaml"]) == [("factors-file-unreadable", "factors/none.yaml")]


def test_the_shipped_registry_refuses_illustrative_values(shipped):
    path = shipped / "jp" / "electricity" / "fy2024-national.yaml"
    path.write_text(path.read_text("utf-8").replace("status: confirmed", "status: illustrative"), "utf-8")
    expected = ("factors-illustrative-in-registry", "factors/jp/electricity/fy2024-national.yaml")
    assert codes(shipped) == [expected] * 2


def test_a_file_lies_in_the_folder_of_its_country_and_family(shipped):
    (shipped / "jp" / "energy-law" / "constants.yaml").rename(shipped / "jp" / "electricity" / "constants.yaml")
    assert set(codes(shipped)) == {("factors-path-wrong", "factors/jp/electricity/constants.yaml")}


def test_a_family_lies_in_its_own_folder(shipped):
    (shipped / "us").mkdir()
    (shipped / "jp" / "electricity").rename(shipped / "us" / "electricity")
    found = codes(shipped)
    assert ("factors-path-wrong", "factors/us/electricity/family.yaml") in found
    assert ("factors-path-wrong", "factors/us/electricity/fy2024-national.yaml") in found


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("applies_to: 1", "applies_to: 9", "factors-value-not-allowed"),
        ("applies_to: 1", "applies_to: later", "factors-value-not-allowed"),
        ("calendar:", "calender:", "factors-key-unknown"),
        ("schema: gxmeter-factor-family/1\n", "", "factors-key-missing"),
        ("unit: t-CO2/kWh", "unit: t-CO2/kWq", "factors-unit-unknown"),
        ("lowest:", "least:", "factors-key-unknown"),
        ("name_ja:", "name_ja: &x", "yaml-alias"),
        ("id: electricity\ncountry", "id: [electricity]\ncountry", "factors-value-not-allowed"),
    ],
)
def test_a_family_with_faults_is_told(shipped, old, new, code):
    path = shipped / "jp" / "electricity" / "family.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    found = codes(shipped)
    assert (code, "factors/jp/electricity/family.yaml") in found
    assert {name for name, _ in found} <= {code, "factors-family-unknown"}


def test_a_family_that_is_no_mapping_is_told(shipped):
    (shipped / "jp" / "electricity" / "family.yaml").write_text("- a\n", "utf-8")
    assert ("factors-shape-wrong", "factors/jp/electricity/family.yaml") in codes(shipped)


def test_another_country_keeps_units_but_not_the_calendar(factor_file):
    own = '{id: us.x, kind: single, number: X1, country: US, basic: "0.0004", adjusted: "0", actuals_fy: 2023}'
    entry = load_registry([factor_file(own)]).by_id("us.x.basic")
    assert entry_json(entry)["actuals_fy"] == 2023
    wrong = own.replace("US,", "US, unit: t-CO2/GJ,")
    assert {name for name, _ in codes([factor_file(wrong)])} == {"factors-unit-not-allowed"}


def test_a_constants_validity_runs_forward(factor_file):
    path = factor_file("x")
    path.write_text(
        "schema: gxmeter-factors/1\nentries:\n"
        "  - {id: jp.energy-law.x.fy2024, family: energy-law, commodity: energy, kind: constant,"
        ' value: "1", unit: kL/GJ, name_ja: 試験, name_en: Test, status: confirmed,'
        ' edition_on: "2024", valid_from_fy: 2024, valid_to_fy: 2023,'
        " source: {publisher: a, title: b, place: c, published_on: 2024-01, url: d}}\n",
        "utf-8",
    )
    assert codes([path]) == [("factors-value-not-allowed", "factors/own.yaml")]


def test_2600_entries_load_within_seconds(factor_file):
    rows = [f'{{id: x.{n}, kind: single, number: B{n}, basic: "0.0004", adjusted: "0.0003"}}' for n in range(1300)]
    assert len(load_registry([factor_file(*rows)]).entries) > 2600
