"""Headings of meters' tables that need no declaration, in English and Japanese, and the units that stand in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from unicodedata import normalize

from gxmeter.telemetry.text.units import unit_named

KNOWN = {
    "time": "timestamp time datetime date_time date/time 日時 計測日時 測定日時 記録日時 年月日時刻 日付時刻",
    "date": "date 年月日 日付 計測日 測定日",
    "clock": "clock time time_of_day 時刻 時間",
    "start": "start start_time from 開始 開始日時 開始時刻",
    "end": "end end_time to until 終了 終了日時 終了時刻",
    "first_day": "first_day 開始日 使用開始日 ご使用開始日 使用期間開始日",
    "last_day": "last_day 終了日 使用終了日 ご使用終了日 使用期間終了日",
    "month": "month billing_month 年月 使用年月 対象年月 ご使用年月",
    "power": "power active_power power_draw 電力 有効電力 瞬時電力 消費電力",
    "energy": "energy consumption usage energy_used 電力量 使用量 使用電力量 ご使用量 消費電力量",
    "counter": "counter energy_counter cumulative_energy meter_reading 積算電力量 積算値 指針 指示数 指示値",
    "device": "device device_id meter meter_id outlet circuit 計器 計器番号 メーター 機器 回路 回路名 供給地点特定番号",
    "host": "host hostname node ホスト",
    "site": "site 拠点 事業所 サイト",
    "run": "run run_id 実行",
    "quality": "quality flag 品質 データ区分 値区分",
}
"""By role, the headings that mean it; anything else must be declared. Blanks in a heading count as ``_``."""

_UNIT_BEHIND = re.compile(r"(?P<name>.+?)[\s_]*[(\[〔【](?P<unit>[^)\]〕】]*)[)\]〕】]")
_UNIT_SUFFIX = re.compile(r"(?P<name>.+)_(?P<unit>[a-z]+)", re.ASCII)


def parts_of(heading: str) -> tuple[str, str]:
    """A heading's plain name and the unit in it (empty where it has none).

    >>> parts_of("電力量（ｋＷｈ）"), parts_of("power_kw"), parts_of("Active Power [W]"), parts_of("実績〔MWh〕")
    (('電力量', 'kWh'), ('power', 'kW'), ('active_power', 'W'), ('実績', 'MWh'))
    """
    plain = normalize("NFKC", heading).strip().replace("〔", "[").replace("〕", "]")
    found = _UNIT_BEHIND.fullmatch(plain)
    if found:
        return _name(found["name"]), unit_named(found["unit"])
    name = _name(plain)
    suffixed = _UNIT_SUFFIX.fullmatch(name)
    if suffixed and unit_named(suffixed["unit"]):
        return suffixed["name"], unit_named(suffixed["unit"])
    return name, unit_named(plain)


def candidates(header: Sequence[str]) -> dict[str, list[str]]:
    """By role, the columns whose headings mean it."""
    found: dict[str, list[str]] = {}
    for role, names in KNOWN.items():
        known = set(names.split())
        columns = [heading for heading in header if parts_of(heading)[0] in known]
        if columns:
            found[role] = columns
    return _time_or_clock(found)


def _time_or_clock(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """``time`` beside a date is the time of day; alone it is the whole instant."""
    if "date" in found and "clock" in found:
        found.pop("time", None)
    elif "clock" in found:
        del found["clock"]
    if "date" in found and "clock" not in found and "time" in found:
        del found["date"]
    return found


def _name(text: str) -> str:
    return re.sub(r"[\s　]+", "_", text.strip().lower())
