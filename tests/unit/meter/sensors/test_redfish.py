"""A node by its BMC over real HTTP at known watts: the energy is right; whatever goes wrong is said, not guessed."""

from __future__ import annotations

import base64
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gxmeter.core.findings import catalogue
from gxmeter.meter.sensors.base import NODE, Fault, Sample
from gxmeter.meter.sensors.redfish import RedfishSensor
from gxmeter.meter.sensors.redfish_walk import ENERGY, POWER
from tests.support.fakeredfish import FAULTS, FakeBmc

PATIENCE_S = 20
SECOND_NS = 1_000_000_000

RUNNING = {
    "status-401": "bmc-denied",
    "status-403": "bmc-denied",
    "status-404": "bmc-status",
    "status-500": "bmc-status",
    "garbage": "bmc-garbled",
    "list": "bmc-garbled",
    "deep": "bmc-garbled",
    "huge": "bmc-too-long",
    "huge-undeclared": "bmc-too-long",
    "slow": "bmc-late",
    "dribble": "bmc-late",
    "close": "bmc-unreachable",
    "null": "bmc-no-number",
    "text": "bmc-no-number",
    "nan": "bmc-no-number",
    "enormous": "bmc-no-number",
    "zero": "sensor-zero",
    "negative": "reading-negative",
    "absurd": "power-too-high",
    "redirect-away": "bmc-redirect",
}


@contextmanager
def sensor_of(bmc: FakeBmc, **options: object) -> Iterator[RedfishSensor]:
    sensor = RedfishSensor(bmc.url, user=bmc.user, password=bmc.password, **options)  # type: ignore[arg-type]
    try:
        yield sensor
    finally:
        sensor.close()


def assert_spoken(fault: Fault) -> None:
    message = catalogue()[fault.code]
    assert set(re.findall(r"\{([a-z_]+)\}", message.ja + message.en)) <= {"device", *dict(fault.params)}


def until(sensor: RedfishSensor, holds: Callable[[Sample], bool]) -> Sample:
    """Read ten times a second until a sample is as wished."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        time.sleep(0.1)
        sample = sensor.read(SECOND_NS // 10)[0]
        if holds(sample):
            return sample
    raise AssertionError("the sensor never said what was waited for")


def hang(bmc: FakeBmc) -> None:
    """Let the BMC answer no more, and wait until a request hangs."""
    bmc.fault = "slow"
    asked = len(bmc.requests)
    deadline = time.monotonic() + PATIENCE_S
    while len(bmc.requests) == asked and time.monotonic() < deadline:
        time.sleep(0.02)


def measured(sensor: RedfishSensor, bmc: FakeBmc, seconds: float) -> tuple[float, float]:
    """Joules told and joules used over some intervals."""
    sensor.start()
    began = last = time.monotonic_ns()
    told = 0
    while last - began < seconds * SECOND_NS:
        time.sleep(0.25)
        now = time.monotonic_ns()
        sample = sensor.read(now - last)[0]
        assert sample.fault is None
        told += sample.energy_uj or 0
        last = now
    return told / 1e6, bmc.energy_j(began, last)


@pytest.mark.parametrize(
    ("style", "method", "unit"),
    [
        ("environment", POWER, None),
        ("power", POWER, None),
        ("supplies", POWER, None),
        ("energy-joules", ENERGY, "mJ"),
        ("energy-kwh", ENERGY, "mJ"),
    ],
)
def test_the_nodes_energy_is_right_wherever_the_bmc_shows_it(style: str, method: str, unit: str | None) -> None:
    with FakeBmc(watts=1200, style=style) as bmc, sensor_of(bmc, ask_s=0.2) as sensor:
        opened = sensor.open()
        (part,) = opened.parts
        assert (part.label, part.kind, part.boundary, part.covers) == ("node", "node", NODE, ("*",))
        assert (part.method, part.counter_unit, part.rated_mw) == (method, unit, 3_000_000)
        assert (part.name, part.uuid) == ("Gxmeter Fake 1U", "S-1U")
        assert opened.version == "Redfish 1.15.0"
        assert RedfishSensor.methods == {POWER: "B", ENERGY: "B"}
        told, used = measured(sensor, bmc, 1)
        assert told == pytest.approx(used, rel=0.02)


@pytest.mark.parametrize("style", ["environment", "energy-joules"])
def test_a_changed_load_is_right_within_the_spacing_of_the_answers(style: str) -> None:
    with FakeBmc(watts=500, style=style) as bmc, sensor_of(bmc, ask_s=0.2) as sensor:
        sensor.open()
        threading.Timer(0.6, lambda: setattr(bmc, "watts", 900)).start()
        told, used = measured(sensor, bmc, 2)
        assert abs(told - used) <= 400 * 0.8


@pytest.mark.parametrize("step_j", [36_000, 3600, 100])
def test_a_coarse_energy_meter_is_left_for_the_power(step_j: int) -> None:
    with FakeBmc(watts=1200, style="energy-joules", meter_step_j=step_j) as bmc, sensor_of(bmc, ask_s=0.2) as sensor:
        (part,) = sensor.open().parts
        assert part.method == (POWER if step_j > 1200 else ENERGY)
    with FakeBmc(watts=1200, style="energy-kwh", meter_step_j=step_j) as bmc, sensor_of(bmc, ask_s=0.2) as sensor:
        (part,) = sensor.open().parts
        assert part.method == (POWER if step_j > 100 else ENERGY)


def test_every_fault_of_the_fake_is_tried() -> None:
    assert set(RUNNING) | {"redirect-here"} == set(FAULTS)


@pytest.mark.parametrize("what", sorted(RUNNING))
def test_a_bmc_that_fails_while_measuring_is_a_gap_with_a_sentence_and_comes_back(what: str) -> None:
    with FakeBmc(watts=1000) as bmc, sensor_of(bmc, timeout_s=1, ask_s=0.1) as sensor:
        sensor.open()
        sensor.start()
        bmc.fault = what
        failed = until(sensor, lambda sample: sample.fault is not None)
        assert failed.energy_uj is None
        assert failed.fault is not None
        assert failed.fault.code == RUNNING[what]
        if failed.fault.code.startswith("bmc-"):
            assert_spoken(failed.fault)
        bmc.fault = None
        until(sensor, lambda sample: sample.energy_uj is not None)
        began = time.monotonic_ns()
        sensor.read(1)
        time.sleep(0.3)
        sample = sensor.read(SECOND_NS // 3)[0]
        assert sample.energy_uj is not None
        assert sample.energy_uj / 1e6 == pytest.approx(bmc.energy_j(began, time.monotonic_ns()), rel=0.2)


@pytest.mark.parametrize("what", ["status-401", "status-500", "garbage", "huge", "slow", "null", "redirect-away"])
def test_a_bmc_that_fails_from_the_beginning_has_no_part(what: str) -> None:
    with FakeBmc() as bmc, sensor_of(bmc, timeout_s=1) as sensor:
        bmc.fault = what
        opened = sensor.open()
        assert opened.parts == ()
        (fault,) = opened.faults
        assert fault.code == ("bmc-no-power" if what == "null" else RUNNING[what])
        assert_spoken(fault)
        sensor.start()
        sensor.poll()
        assert sensor.read(SECOND_NS) == []


def test_the_interval_in_which_a_bmc_comes_back_is_a_gap_and_the_next_is_whole() -> None:
    with FakeBmc(watts=1000) as bmc, sensor_of(bmc, ask_s=0.1) as sensor:
        sensor.open()
        sensor.start()
        bmc.fault = "status-500"
        until(sensor, lambda sample: sample.fault is not None)
        bmc.fault = None
        whole = until(sensor, lambda sample: sample.energy_uj is not None)
        assert whole.energy_uj is not None
        assert whole.energy_uj / 1e6 == pytest.approx(100, rel=0.5)


def test_a_bmc_that_is_gone_is_unreachable() -> None:
    bmc = FakeBmc().start()
    with sensor_of(bmc) as sensor:
        sensor.open()
        sensor.start()
        bmc.stop()
        bmc.fault = "close"  # the connection that is still open ends, too
        failed = until(sensor, lambda sample: sample.fault is not None)
        assert failed.fault is not None
        assert failed.fault.code == "bmc-unreachable"
        opened = sensor.open()
        assert [fault.code for fault in opened.faults] == ["bmc-unreachable"]
        assert dict(opened.faults[0].params)["reason"] == "Connection refused"


def test_an_answer_that_is_too_old_is_no_answer_and_the_hanging_request_is_broken_off() -> None:
    late_ns = 0
    with FakeBmc(watts=1000) as bmc:
        clock = lambda: time.monotonic_ns() + late_ns  # noqa: E731
        with sensor_of(bmc, timeout_s=60, clock=clock) as sensor:
            sensor.open()
            sensor.start()
            hang(bmc)
            assert sensor.read(SECOND_NS)[0].energy_uj is not None
            late_ns = 11 * SECOND_NS
            bmc.fault = None
            silent = sensor.read(11 * SECOND_NS)[0]
            assert (silent.energy_uj, silent.fault and silent.fault.code) == (None, "bmc-silent")
            assert silent.fault is not None
            assert_spoken(silent.fault)
            until(sensor, lambda sample: sample.energy_uj is not None)


def test_closing_does_not_wait_for_a_request_that_hangs() -> None:
    with FakeBmc() as bmc, sensor_of(bmc, timeout_s=60) as sensor:
        sensor.open()
        sensor.start()
        hang(bmc)
        thread = sensor._thread
        assert thread is not None
        began = time.monotonic()
        sensor.close()
        assert time.monotonic() - began < 1
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_opening_ends_in_its_time_although_the_bmc_answers_slowly() -> None:
    with FakeBmc(delay_s=0.3, layout="with-parts") as bmc, sensor_of(bmc, open_s=0.5) as sensor:
        began = time.monotonic()
        opened = sensor.open()
        assert time.monotonic() - began < 2
        assert [(fault.code, dict(fault.params)) for fault in opened.faults] == [("bmc-late", {"seconds": "0.5"})]


def test_a_slow_bmc_never_holds_a_reading_up() -> None:
    with FakeBmc(delay_s=0.4) as bmc, sensor_of(bmc) as sensor:
        sensor.open()
        sensor.start()
        longest = 0.0
        for _ in range(20):
            time.sleep(0.05)
            began = time.perf_counter()
            assert sensor.read(SECOND_NS // 20)[0].energy_uj is not None
            longest = max(longest, time.perf_counter() - began)
        assert longest < 0.2


def test_closing_twice_and_before_opening_is_fine() -> None:
    sensor = RedfishSensor("https://bmc.example")
    sensor.close()
    sensor.start()
    assert sensor.read(SECOND_NS) == []
    sensor.close()


def test_a_redirect_to_the_same_place_is_followed() -> None:
    with FakeBmc() as bmc, sensor_of(bmc) as sensor:
        bmc.fault = "redirect-here"
        assert [part.label for part in sensor.open().parts] == ["node"]
        assert any(path.endswith("Chassis/") for path, _ in bmc.requests)


@pytest.mark.parametrize("what", [None, *sorted(RUNNING)])
def test_no_secret_is_ever_said(what: str | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t-Pass"
    with FakeBmc(password=secret) as bmc, sensor_of(bmc, timeout_s=0.2) as sensor:
        bmc.fault = what
        opened = sensor.open()
        said = f"{opened!r} {sensor!r} {sensor._access!r} {sensor.__dict__!r} {caplog.text}"
        pair = base64.b64encode(f"reader:{secret}".encode()).decode()
        assert secret not in said
        assert pair not in said
        assert bmc.requests[-1][1] == f"Basic {pair}"


def test_the_global_random_state_is_left_alone() -> None:
    import random

    random.seed(7)
    before = random.getstate()
    with FakeBmc() as bmc, sensor_of(bmc) as sensor:
        sensor.open()
        time.sleep(1.5)
    assert random.getstate() == before


def test_the_environment_names_the_bmc() -> None:
    assert RedfishSensor.from_environment({}) is None
    assert RedfishSensor.from_environment({"GXMETER_BMC_URL": "", "GXMETER_BMC_USER": "u"}) is None
    with FakeBmc(layout="two-nodes") as bmc:
        sensor = RedfishSensor.from_environment(bmc.environment() | {"GXMETER_BMC_CHASSIS": "Right"})
        assert sensor is not None
        (part,) = sensor.open().parts
        assert part.uuid == "S-Right"
        sensor.close()
    with FakeBmc(token="t0k3n") as bmc:
        sensor = RedfishSensor.from_environment({"GXMETER_BMC_URL": bmc.url, "GXMETER_BMC_TOKEN": "t0k3n"})
        assert sensor is not None
        assert len(sensor.open().parts) == 1
        assert {secret for _, secret in bmc.requests} == {"t0k3n"}
        sensor.close()
