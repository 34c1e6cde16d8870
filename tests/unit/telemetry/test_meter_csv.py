"""Tables of meters: what is recognised, what must be declared, and what a row stands for."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from gxmeter.core.calendar import instant
from gxmeter.core.errors import InputError
from gxmeter.telemetry.columns import columns_of
from gxmeter.telemetry.meter_table.mapping import mapping_of
from gxmeter.telemetry.meter_table.roles import COLUMNS, SETTINGS, form_of
from gxmeter.telemetry.model import IntervalBatch, PowerBatch, Reading
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.registry import reader

KWH = 7_200_000_000_000  # half-microjoules
NODE = ReadOptions(time_zone="Asia/Tokyo", boundary="node")


def declared(*columns: tuple[str, str], zone: str = "Asia/Tokyo", boundary: str = "node") -> ReadOptions:
    return ReadOptions(time_zone=zone, boundary=boundary, columns=columns)


def opened(folder: Path, text: str, options: ReadOptions = NODE) -> Reading:
    path = folder / "meter.csv"
    path.write_text(text, "utf-8")
    return reader("meter-csv").read(path, run="r", site="s", options=options)


def intervals(reading: Reading) -> list[tuple[str, str, str, int]]:
    found = []
    for batch in reading.batches:
        assert isinstance(batch, IntervalBatch)
        columns = (batch.key, batch.start_ms, batch.end_ms, batch.half_uj)
        for k, start, end, energy in zip(*(column.tolist() for column in columns), strict=True):
            found.append((batch.keys[k].device, instant(start), instant(end), energy))
    return found


def powers(reading: Reading) -> list[tuple[str, str, int]]:
    found = []
    for batch in reading.batches:
        assert isinstance(batch, PowerBatch)
        for k, at, power in zip(batch.key.tolist(), batch.ts_ms.tolist(), batch.power_mw.tolist(), strict=True):
            found.append((batch.keys[k].device, instant(at), power))
    return found


def faults(folder: Path, text: str, options: ReadOptions = NODE) -> list[str]:
    with pytest.raises(InputError) as caught:
        opened(folder, text, options)
    return [item.code for item in caught.value.findings]


def codes(reading: Reading) -> set[str]:
    return {item.code for item in reading.findings}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("timestamp,power_w", "2026-04-01 09:00:00,1500"),
        ("Time,Active Power [kW]", "2026-04-01T09:00+09:00,1.5"),
        ("日時,有効電力(kW)", "2026年4月1日 9時00分,1.5"),
        ("年月日,時刻,電力（ｋＷ）", "2026/4/1,9:00,1.5"),
        ("Date,Time,Power", "2026-04-01,9:00,1500 W"),
    ],
)
def test_plain_headings_of_power_need_no_declaration(header: str, row: str, tmp_path: Path) -> None:
    options = declared(("unit", "kW")) if header.endswith("Power") else NODE
    reading = opened(tmp_path, f"{header}\n{row}\n", options)
    assert powers(reading) == [("meter", "2026-04-01T00:00:00Z", 1_500_000)]
    assert codes(reading) == {"meter-columns-recognised", "meter-device-assumed"}


def test_a_bill_is_whole_days_of_its_zone_both_included(tmp_path: Path) -> None:
    reading = opened(tmp_path, "使用開始日,使用終了日,使用量(kWh)\n2026/4/1,2026/4/30,1000\n", ReadOptions())
    assert intervals(reading) == [("meter", "2026-03-31T15:00:00Z", "2026-04-30T15:00:00Z", 1000 * KWH)]
    info = reading.devices["s", "meter"]
    assert (info.boundary, info.grade, info.method) == ("facility", "A", "bill")
    assert "time-zone-assumed" in codes(reading)


@pytest.mark.parametrize("month", ["2026-03", "2026/3", "202603", "2026年3月分", "令和8年3月"])
def test_a_bill_may_be_of_a_month_also_abroad_where_the_clock_changes(month: str, tmp_path: Path) -> None:
    options = declared(("month", "月"), ("energy", "MWh"), ("unit", "MWh"), zone="America/New_York", boundary="")
    reading = opened(tmp_path, f"月,MWh\n{month},2\n", options)
    assert intervals(reading) == [("meter", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z", 2000 * KWH)]


def test_the_bill_of_a_large_site_is_exact_beyond_int64(tmp_path: Path) -> None:
    """Seven million kWh a month are 5.2e19 half-microjoules: cut at the slot edges, they add up."""
    reading = opened(tmp_path, "month,energy_kwh\n2026-04,7200000.5\n", ReadOptions(time_zone="Asia/Tokyo"))
    found = intervals(reading)
    assert len(found) == 30 * 48
    assert sum(row[3] for row in found) == 72_000_005 * KWH // 10
    assert (found[0][1], found[-1][2]) == ("2026-03-31T15:00:00Z", "2026-04-30T15:00:00Z")


@pytest.mark.parametrize(
    ("stamp", "start", "end"),
    [("start", "00:00", "00:30"), ("end", "2026-03-31T23:30:00Z", "00:00")],
)
def test_the_stamp_of_half_hours_is_their_start_or_their_end(stamp: str, start: str, end: str, tmp_path: Path) -> None:
    options = declared(("time", "t"), ("energy", "e"), ("unit", "kWh"), ("interval", "30分"), ("stamp", stamp))
    (row,) = intervals(opened(tmp_path, "t,e\n2026-04-01 09:00,2\n", options))
    full = [text if "T" in text else f"2026-04-01T{text}:00Z" for text in (start, end)]
    assert list(row[1:3]) == full


def test_mean_power_over_a_time_is_energy(tmp_path: Path) -> None:
    options = declared(("time", "t"), ("power", "p"), ("unit", "kW"), ("interval", "30 min"), ("stamp", "start"))
    (row,) = intervals(opened(tmp_path, "t,p\n2026-04-01 09:00,2.0000005\n", options))
    assert row[3] == 2 * 2_000_000 * 1_800_000  # rounded half-even to the milliwatt


def test_days_may_be_rows_and_are_as_long_as_the_clock_says(tmp_path: Path) -> None:
    options = declared(("date", "d"), ("energy", "e"), ("unit", "kWh"), zone="America/New_York")
    rows = intervals(opened(tmp_path, "d,e\n2026-03-08,23\n2026-11-01,25\n", options))
    assert [(row[1], row[2]) for row in rows] == [
        ("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    ]


def test_hours_of_the_night_that_is_an_hour_longer_are_twentyfive(tmp_path: Path) -> None:
    options = declared(
        ("time", "t"),
        ("energy", "e"),
        ("unit", "kWh"),
        ("interval", "1 h"),
        ("stamp", "start"),
        zone="America/New_York",
    )
    hours = ["00:00", "01:00", "01:00", "02:00"]
    rows = intervals(opened(tmp_path, "t,e\n" + "".join(f"2025-11-02 {hour},1\n" for hour in hours), options))
    assert [row[1][11:16] for row in rows] == ["04:00", "05:00", "06:00", "07:00"]


def test_from_and_to_are_instants_and_a_bare_day_as_end_is_refused(tmp_path: Path) -> None:
    text = (
        "start,end,energy_kwh\n"
        "2026-04-01 09:00,2026-04-01 10:00,1\n"
        "2026-04-02 00:00,2026-04-02,2\n"
        "2026-04-03 09:00,2026-04-03 08:00,3\n"
    )
    reading = opened(tmp_path, text)
    assert intervals(reading) == [("meter", "2026-04-01T00:00:00Z", "2026-04-01T01:00:00Z", KWH)]
    assert {"meter-end-is-day", "meter-span-backward"} <= codes(reading)


def test_a_counter_goes_on_and_wraps_where_its_range_is_declared(tmp_path: Path) -> None:
    text = "日時,積算電力量(kWh)\n2026/4/1 9:00,99999.8\n2026/4/1 9:15,0.3\n2026/4/1 9:30,1.3\n"
    options = declared(("wraps_at", "100000"), ("class", "0.5S"), ("meter", "M-1"))
    reading = opened(tmp_path, text, options)
    assert [row[3] for row in intervals(reading)] == [KWH // 2, KWH]
    assert reading.devices["s", "M-1"].grade == "A"
    unknown = opened(tmp_path, text)
    assert [row[3] for row in intervals(unknown)] == [KWH]
    assert "counter-went-back" in codes(unknown)
    assert unknown.devices["s", "meter"].grade == "B"


def test_the_ratio_of_current_transformers_multiplies(tmp_path: Path) -> None:
    reading = opened(tmp_path, "time,power_kw\n2026-04-01 09:00,1.5\n", declared(("multiplier", "60")))
    assert powers(reading)[0][2] == 90_000_000


def test_outlets_stand_under_their_host_and_rows_without_one_are_named(tmp_path: Path) -> None:
    text = "time,host,outlet,power_w\n" + "".join(
        f"2026-04-01 09:00,{host},{outlet},{power}\n"
        for host, outlet, power in [("p1", "1", 5), ("p2", "1", 6), ("p2", "", 7)]
    )
    reading = opened(tmp_path, text)
    assert [(device, power) for device, _, power in powers(reading)] == [("p1.1", 5000), ("p2.1", 6000)]
    assert reading.devices["s", "p2.1"].host == "p2"
    assert "cell-not-measured" in codes(reading)


def test_a_host_declared_for_a_table_of_outlets_is_their_pdu_and_no_machine(tmp_path: Path) -> None:
    text = "time,outlet,power_w\n2026-04-01 09:00,1,5\n2026-04-01 09:00,2,6\n"
    reading = opened(tmp_path, text, ReadOptions(host="pdu1", boundary="node"))
    assert [device for device, _, _ in powers(reading)] == ["pdu1.1", "pdu1.2"]
    assert {info.host for info in reading.devices.values()} == {""}


def test_runs_and_sites_may_stand_in_columns(tmp_path: Path) -> None:
    text = "time,run,site,power_w\n2026-04-01 09:00,a,x,5\n2026-04-01 09:00,,,6\n"
    (batch,) = opened(tmp_path, text).batches
    assert [(key.run, key.site) for key in batch.keys] == [("a", "x"), ("r", "s")]


def test_flags_of_values_that_were_not_measured_are_named(tmp_path: Path) -> None:
    text = "time,power_w,品質\n" + "".join(
        f"2026-04-01 09:0{i},5,{flag}\n" for i, flag in enumerate(["", "推定", "欠測", "実績", "Ｅ"])
    )
    reading = opened(tmp_path, text)
    assert len(powers(reading)) == 4
    told = {item.code: dict(item.params).get("count") for item in reading.findings}
    assert (told["meter-estimated"], told["meter-marked-missing"]) == ("2", "1")


def test_own_flags_and_own_times_may_be_declared(tmp_path: Path) -> None:
    options = declared(
        ("time", "t"),
        ("power", "p"),
        ("unit", "W"),
        ("quality", "q"),
        ("missing", "9"),
        ("time_format", "%m/%d/%Y %I:%M %p"),
    )
    reading = opened(tmp_path, "t,p,q\n04/01/2026 09:30 PM,5,1\n04/01/2026 09:31 PM,5,9\n", options)
    assert powers(reading) == [("meter", "2026-04-01T12:30:00Z", 5000)]


def test_lines_before_the_headings_and_headings_of_several_rows(tmp_path: Path) -> None:
    text = 'Report,"of\nApril"\n\n,Feeder 1,Feeder 2\nTime,"kW\n(mean)",kW\n2026-04-01 09:00,1,2\n'
    options = declared(("skip", "2"), ("header_rows", "2"), ("time", "Time"), ("power", "#3"), ("unit", "kW"))
    assert powers(opened(tmp_path, text, options)) == [("meter", "2026-04-01T00:00:00Z", 2_000_000)]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a,b\n1,2\n", NODE, ["meter-columns-unknown"]),
        ("time,temperature\n1,2\n", NODE, ["meter-columns-unknown"]),
        ("time,power_w,energy_kwh\n", NODE, ["meter-columns-ambiguous"]),
        ("time,meter,outlet,power_w,power_kw\n", NODE, ["meter-columns-ambiguous", "meter-columns-ambiguous"]),
        ("time,energy_kwh\n", NODE, ["meter-interval-missing"]),
        ("time,power\n", ReadOptions(), ["meter-unit-missing", "meter-boundary-missing"]),
        ("time,power_w\n", declared(("unit", "kWh")), ["column-value-unknown"]),
        ("t,e\n", declared(("time", "t")), ["meter-value-missing"]),
        ("t,e\n", declared(("energy", "e"), ("unit", "kWh")), ["meter-time-missing"]),
        ("t,e\n", declared(("start", "t"), ("end", "e"), ("counter", "e"), ("unit", "kWh")), ["meter-time-missing"]),
        ("t,e\n", declared(("time", "x"), ("power", "#9")), ["column-not-there", "column-not-there"]),
        (
            "t\n",
            declared(
                ("interval", "2 days"),
                ("stamp", "middle"),
                ("unit", "MB"),
                ("skip", "-1"),
                ("colour", "t"),
                ("class", "9"),
            ),
            ["column-value-unknown"] * 4 + ["column-role-unknown", "column-value-unknown"],
        ),
    ],
)
def test_what_is_missing_or_may_mean_two_things_is_told_at_once(
    text: str, options: ReadOptions, expected: list[str], tmp_path: Path
) -> None:
    assert faults(tmp_path, text, options) == expected


def test_a_last_row_without_its_line_end_is_used_and_named(tmp_path: Path) -> None:
    reading = opened(tmp_path, "month,energy_kwh\n2026-04,12", ReadOptions(time_zone="Asia/Tokyo"))
    assert intervals(reading)[0][3] == 12 * KWH
    assert "row-unended" in codes(reading)


def test_too_much_for_one_meter_is_named_and_left_out(tmp_path: Path) -> None:
    reading = opened(tmp_path, "time,power_w\n2026-04-01 09:00,1e30\n2026-04-01 09:01,5\n")
    assert len(powers(reading)) == 1
    assert "cell-too-large" in codes(reading)


def test_a_grid_area_in_half_hours_is_read_by_a_declaration(reference: Path) -> None:
    """Tokyo, July 2025: UTF-8, two rows of headings, MW as means of half an hour, day and time of day apart."""
    path = reference / "tso" / "tokyo_eria_jukyu_202507_03.csv"
    options = declared(
        ("skip", "1"), ("date", "DATE"), ("clock", "TIME"), ("power", "風力発電実績"), ("unit", "MW"),
        ("interval", "30 min"), ("stamp", "start"), ("meter", "tokyo-wind"), boundary="facility",
    )  # fmt: skip
    reading = reader("meter-csv").read(path, run="", site="tokyo", options=options)
    found = intervals(reading)
    with path.open(encoding="utf-8") as file:
        mw = [int(row["風力発電実績"]) for row in csv.DictReader(list(file)[1:])]
    assert len(found) == len(mw) == 1488
    assert sum(row[3] for row in found) == sum(mw) * 500 * KWH
    assert (found[0][1], found[-1][2]) == ("2025-06-30T15:00:00Z", "2025-07-31T15:00:00Z")
    assert reading.findings == []


def test_a_grid_area_in_hours_is_read_from_cp932(reference: Path) -> None:
    """Kansai, 2019: CP932, names that stand twice under a row of groups, MWh by the hour."""
    path = reference / "tso" / "kansai_area_jyukyu_jisseki_2019.csv"
    options = declared(
        ("header_rows", "2"), ("time", "DATE_TIME"), ("energy", "風力 実績〔MWh〕"), ("interval", "1時間"),
        ("stamp", "start"), ("meter", "kansai-wind"), boundary="facility",
    )  # fmt: skip
    reading = reader("meter-csv").read(path, run="", site="kansai", options=options)
    found = intervals(reading)
    with path.open(encoding="cp932") as file:
        mwh = [int(row[9]) for row in list(csv.reader(file))[2:]]
    assert len(found) == len(mwh) == 8040
    assert sum(row[3] for row in found) == sum(mwh) * 1000 * KWH
    assert reading.findings == []


@pytest.mark.parametrize("page", ["meter-csv.md", "meter-csv.ja.md"])
def test_the_pages_name_every_role_and_their_examples_are_valid(page: str, repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "reference" / page).read_text("utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(role for row in rows for role in re.findall(r"`(\w+)`", row)) == sorted((*COLUMNS, *SETTINGS))
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 4
    for example in examples:
        (tmp_path / "x.yaml").write_text(example, "utf-8")
        options = ReadOptions(boundary="node", columns=columns_of(tmp_path / "x.yaml"))
        form_of("x", options)
        header = [name for role, name in options.columns if role in COLUMNS]
        mapping_of("x", header, options)
