"""Times as texts against zoneinfo: in any zone, written in any usual way, read one by one or many alike at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.telemetry.text import same_width
from gxmeter.telemetry.text.instants import Clock

ZONES = ["Asia/Tokyo", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.integers(946_684_800_000, 4_102_000_000_000)
FORMS = [
    "%Y-%m-%d %H:%M:%S.{ms:03d}",
    "%Y/%m/%d %H:%M:%S.{ms:03d}",
    "%Y-%m-%dT%H:%M:%S,{ms:03d}",
    "%Y年%m月%d日 %H時%M分%S秒",
    "%Y%m%d%H%M%S",
    "%Y/%m/%d %H:%M",
]


def local(ts_ms: int, zone: str) -> datetime:
    return (EPOCH + timedelta(milliseconds=ts_ms)).astimezone(ZoneInfo(zone))


def meanings(moment: datetime) -> set[int]:
    """The instants that a local time means: none where the clock leaves it out, two in the hour that comes twice."""
    found = set()
    for fold in (0, 1):
        there = moment.replace(fold=fold).astimezone(UTC)
        if there.astimezone(moment.tzinfo).replace(tzinfo=None) == moment.replace(tzinfo=None):
            found.add((there - EPOCH) // timedelta(milliseconds=1))
    return found


@given(instants, st.sampled_from(ZONES), st.sampled_from(FORMS))
def test_a_local_time_is_what_its_zone_says(ts_ms: int, zone: str, form: str) -> None:
    moment = local(ts_ms, zone)
    text = moment.strftime(form.replace("{ms:03d}", "@")).replace("@", f"{moment.microsecond // 1000:03d}")
    shown = moment.replace(
        microsecond=moment.microsecond if "{ms" in form else 0, second=moment.second if "S" in form else 0
    )
    assert Clock(zone).one(text) == min(meanings(shown))


@given(instants, st.sampled_from(["Z", "+09:00", "-0330", "+05", " UTC", " JST"]))
def test_a_time_with_a_zone_needs_no_other(ts_ms: int, suffix: str) -> None:
    hours = {"Z": 0, "+09:00": 9, "-0330": -3.5, "+05": 5, " UTC": 0, " JST": 9}[suffix]
    moment = EPOCH + timedelta(milliseconds=ts_ms, hours=hours)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{ts_ms % 1000:03d}{suffix}"
    clock = Clock("America/New_York")
    assert clock.one(text) == ts_ms
    assert not Clock().assumed


@given(instants.filter(lambda ts: ts > 10**12), st.sampled_from([1, 1000, 1_000_000]))
def test_counts_since_1970_tell_their_unit_by_their_length(ts_ms: int, finer: int) -> None:
    assert Clock().one(str(ts_ms * finer)) == ts_ms
    assert Clock().one(f"{ts_ms // 1000}.{ts_ms % 1000:03d}") == ts_ms


@given(
    st.lists(instants, min_size=1, max_size=40), st.sampled_from(ZONES), st.integers(0, 9), st.sampled_from(["", "Z"])
)
def test_times_written_alike_are_read_as_each_alone(times: list[int], zone: str, places: int, suffix: str) -> None:
    texts = []
    for ts_ms in times:
        moment = local(ts_ms, zone)
        fraction = f".{(moment.microsecond * 1000 + ts_ms % 7):09d}"[: places + 1] if places else ""
        texts.append(f"{moment:%Y/%m/%d %H:%M:%S}{fraction}{suffix}")
    assert same_width.runs_of(texts) is not None
    clock, slow = Clock(zone), Clock(zone)
    values, good = clock.milliseconds(texts, list(range(len(texts))))
    alone = [slow.one(text) for text in texts]
    assert values.tolist() == [value or 0 for value in alone]
    assert good.tolist() == [value is not None for value in alone]


@given(st.lists(st.text("0123456789/-: T.Z", min_size=19, max_size=19), min_size=1, max_size=6), st.booleans())
def test_texts_of_one_length_that_are_no_times_are_read_as_each_alone(texts: list[str], lead: bool) -> None:
    texts = ["2026-04-01 12:34:56", *texts] if lead else texts
    values, good = Clock("UTC").milliseconds(texts)
    alone = [Clock("UTC").one(text) for text in texts]
    assert good.tolist() == [value is not None for value in alone]
    assert values.tolist() == [value or 0 for value in alone]


@given(st.text(max_size=40))
def test_no_text_is_a_traceback(text: str) -> None:
    values, good = Clock("Europe/Berlin").milliseconds([text])
    assert values.dtype == np.int64
    assert good.dtype == np.bool_


CHANGES = {  # the instants at which the clock goes back, and by how many minutes
    "America/New_York": (datetime(2025, 11, 2, 6, tzinfo=UTC), 60),
    "Europe/Berlin": (datetime(2025, 10, 26, 1, tzinfo=UTC), 60),
    "Australia/Lord_Howe": (datetime(2026, 4, 4, 15, tzinfo=UTC), 30),
}


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(CHANGES)),
    st.integers(5, 600),
    st.integers(0, 599),
    st.integers(1, 4),
    st.integers(1, 50),
)
def test_rows_in_order_tell_which_of_two_hours_they_mean(
    zone: str, period_s: int, offset_s: int, devices: int, cut: int
) -> None:
    """Rows of several devices, a few milliseconds apart, from two hours before the change to two hours after it."""
    change, _ = CHANGES[zone]
    first_ms = (change - EPOCH) // timedelta(milliseconds=1) - 7_200_000 + offset_s * 1000
    rows = [
        (first_ms + step * period_s * 1000 + 3 * device, f"gpu{device}")
        for step in range(14_400 // period_s)
        for device in range(devices)
    ]
    texts = [f"{local(ts, zone):%Y-%m-%d %H:%M:%S}.{ts % 1000:03d}" for ts, _ in rows]
    series = [device for _, device in rows]
    clock = Clock(zone)
    pieces = [slice(0, len(rows) // cut), slice(len(rows) // cut, None)]
    found = np.concatenate([clock.milliseconds(texts[piece], series[piece])[0] for piece in pieces])
    assert found.tolist() == [ts for ts, _ in rows]
    assert [item.code for item in clock.findings("f")] == ["time-repeated-told"]


@given(st.integers(0, 3599))
def test_a_time_that_comes_once_in_the_hour_that_comes_twice_is_the_first_and_named(second: int) -> None:
    clock = Clock("America/New_York")
    text = f"2025-11-02 01:{second // 60:02d}:{second % 60:02d}"
    first_ms = (datetime(2025, 11, 2, 5, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1) + second * 1000
    assert clock.milliseconds([text])[0].tolist() == [first_ms]
    assert [item.code for item in clock.findings("f")] == ["time-repeated"]


@given(st.integers(0, 3599))
def test_a_time_that_the_clock_leaves_out_is_no_instant_and_named(second: int) -> None:
    clock = Clock("America/New_York")
    _, good = clock.milliseconds([f"2026-03-08 02:{second // 60:02d}:{second % 60:02d}"])
    assert not good[0]
    assert [item.code for item in clock.findings("f")] == ["time-skipped"]
