"""``gxmeter doctor`` sees the devices that are there, says what is missing, and its commands can be copied."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from meter_helpers import ROOT, environment

from gxmeter.cli.commands.doctor_text import document, text
from gxmeter.core.findings import catalogue, finding
from gxmeter.meter.doctor import mends
from gxmeter.meter.doctor.checks import Case, check_all
from gxmeter.meter.doctor.examine import Advice, Diagnosis, examine
from gxmeter.meter.doctor.host import Host, clock_synchronised, look
from gxmeter.meter.doctor.place import check_place, unwritable
from gxmeter.meter.doctor.readings import Looked, Reading
from gxmeter.meter.host.allocation import Allocation
from gxmeter.meter.host.claims import Claims, ram_key
from gxmeter.meter.sensors.base import Fault, Opened, Part, Sample, fault
from gxmeter.meter.sensors.codecarbon import CodeCarbonSensor
from gxmeter.meter.sensors.powercap import PowercapSensor
from gxmeter.meter.sensors.redfish import RedfishSensor
from gxmeter.meter.show.amounts import columns
from tests.support import fakenvml
from tests.support.fakepowercap import FakePowercap, background
from tests.support.fakeredfish import FakeBmc, make_certificate

SERVER = Host(
    name="node7",
    kernel="Linux 6.8.0",
    processor="x86_64",
    virtual=False,
    container="",
    nvidia_card=False,
    amd_card=False,
    nvidia_device=False,
    nvidia_driver="",
    amd_device=False,
    rapl=True,
    controller=False,
    shared_memory=True,
)


def reading(label: str, kind: str, method: str, grade: str, watts: int | None = 100, **more: Any) -> Reading:
    part = Part(label, kind, more.pop("name", "x"), method, rated_mw=more.pop("rated_mw", None))
    return Reading(method.partition("-")[0], "1", None, part, method, grade, watts and watts * 1000, **more)


PACKAGE = reading("cpu0", "cpu", "powercap-package", "D1")
DRAM = reading("dram0", "ram", "powercap-dram", "D2", 20)
MODEL = reading("ram", "ram", "codecarbon-ram-model", "E2", 20)


def case(
    *readings: Reading, faults: tuple[Fault, ...] = (), environ: dict[str, str] | None = None, **host: Any
) -> Case:
    looked = (Looked("codecarbon", Opened("1", faults=faults), 0.1),)
    return Case(environ or {}, replace(SERVER, **host), readings, looked, synchronised=True)


def codes(of: Case) -> set[str]:
    return {item.code for item in check_all(of)}


# ------------------------------------------------------------------ one check after the other


def test_a_server_with_all_counters_has_nothing_to_mend() -> None:
    assert codes(case(PACKAGE, DRAM)) == set()


def test_nothing_at_all_weighs_most() -> None:
    found = check_all(case(reading("cpu", "cpu", "codecarbon-cpu-load", "E1", None)))
    assert "doctor-nothing" in {item.code for item in found}
    assert next(item for item in found if item.code == "doctor-nothing").level == "must"


def test_unreadable_counters_come_with_a_command_for_now_and_one_for_ever() -> None:
    of = case(MODEL, faults=(fault("rapl-unreadable", path="/sys/x/energy_uj"),))
    (item,) = [item for item in check_all(of) if item.code == "rapl-unreadable"]
    now, lasting = mends.commands(item, of)
    assert now.startswith("sudo find /sys/devices/virtual/powercap -name energy_uj")
    assert "/etc/udev/rules.d/" in lasting


def test_the_lasting_rule_is_what_the_shell_writes(tmp_path: Path) -> None:
    of = case(MODEL, faults=(fault("rapl-unreadable", path="/sys/x/energy_uj"),))
    lasting = mends.commands(check_all(of)[0], of)[1]
    written = subprocess.run(["bash", "-c", lasting.partition(" | ")[0]], capture_output=True, text=True, check=True)
    assert written.stdout.strip() == 'SUBSYSTEM=="powercap", ACTION=="add", RUN+="/bin/chmod a+r /sys%p/energy_uj"'


def test_a_guest_is_told_that_nothing_here_mends_it() -> None:
    of = case(MODEL, virtual=True, rapl=False)
    (item,) = [item for item in check_all(of) if item.code == "rapl-in-guest"]
    assert item.level == "may"
    assert mends.commands(item, of) == ()


def test_a_server_without_the_module_is_told_to_load_it() -> None:
    of = case(MODEL, rapl=False)
    assert codes(of) == {"rapl-module-missing"}
    assert mends.commands(check_all(of)[0], of)[0] == "sudo modprobe intel_rapl_msr"
    assert codes(case(MODEL, rapl=False, processor="aarch64")) == {"rapl-none"}


def test_memory_by_model_beside_a_counted_processor_is_said() -> None:
    assert codes(case(PACKAGE, MODEL)) == {"dram-by-model"}


def test_a_guest_that_is_rated_like_the_whole_processor_is_said() -> None:
    whole = reading("cpu", "cpu", "codecarbon-cpu-load", "E1", name="AMD EPYC 7763", rated_mw=280_000)
    assert "cpu-rating-of-host" in codes(case(whole, MODEL, virtual=True, rapl=False))
    unknown = (fault("cpu-rating-unknown", name="AMD EPYC", watts="8"),)
    assert "cpu-rating-of-host" not in codes(case(whole, MODEL, faults=unknown, virtual=True, rapl=False))


@pytest.mark.parametrize(
    ("host", "environ", "expected", "command"),
    [
        ({"nvidia_card": True}, {}, "gpu-driver-missing", "sudo modprobe nvidia"),
        (
            {"nvidia_card": True, "nvidia_driver": "580.65.06", "container": "docker"},
            {},
            "gpu-not-in-container",
            "docker run --gpus all",
        ),
        (
            {"nvidia_card": True, "nvidia_driver": "580.65.06", "container": "apptainer"},
            {},
            "gpu-not-in-container",
            "apptainer exec --nv",
        ),
        (
            {"nvidia_device": True, "nvidia_driver": "580.65.06", "container": "docker"},
            {"NVIDIA_DRIVER_CAPABILITIES": "compute"},
            "gpu-no-utility",
            "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        ),
    ],
)
def test_a_gpu_that_cannot_be_read_says_why(
    host: dict[str, Any], environ: dict[str, str], expected: str, command: str
) -> None:
    of = case(PACKAGE, DRAM, faults=(fault("gpu-unreadable"),), environ=environ, **host)
    (item,) = [item for item in check_all(of) if item.code == expected]
    assert mends.commands(item, of)[0].startswith(command)
    assert ("gpu-unreadable" in codes(of)) == (expected == "gpu-driver-missing"), "the cause is enough"


def test_a_driver_that_does_not_fit_its_library_needs_a_restart() -> None:
    of = case(PACKAGE, DRAM, faults=(fault("nvml-unusable", reason="nvmlInit: RM version mismatch."),))
    assert mends.commands(check_all(of)[0], of)[0] == "sudo reboot"
    assert mends.commands(check_all(of)[0], replace(of, host=replace(SERVER, container="docker"))) == ()


def test_gpus_that_open_slowly_hint_at_persistence_mode() -> None:
    slow = Looked("nvml", Opened("1", (Part("gpu0", "gpu", "x", "nvml-counter"),)), 2.3)
    assert "gpu-slow-open" in codes(replace(case(PACKAGE, DRAM), looked=(slow,)))
    assert "gpu-slow-open" not in codes(replace(case(PACKAGE, DRAM), looked=(replace(slow, seconds=0.01),)))


def test_amd_gpus_without_their_library_are_said() -> None:
    assert "amdsmi-missing" in codes(case(PACKAGE, DRAM, amd_card=True, amd_device=True))


def test_a_controller_that_nobody_named_is_offered() -> None:
    assert codes(case(PACKAGE, DRAM, controller=True)) == {"bmc-not-named"}


def test_the_fingerprint_command_never_holds_what_stands_before_an_at_sign() -> None:
    of = case(faults=(fault("bmc-untrusted", reason="self-signed"),), environ={"GXMETER_BMC_URL": "https://bmc:8443"})
    (item,) = [item for item in check_all(of) if item.code == "bmc-untrusted"]
    assert "-connect bmc:8443 " in mends.commands(item, of)[0]
    secret = replace(of, environ={"GXMETER_BMC_URL": "https://root:calvin@bmc"})
    assert mends.commands(item, secret) == ()


def test_a_reading_without_a_number_says_why_with_its_part() -> None:
    dead = reading("gpu3", "gpu", "nvml-counter", "C1", None, why=fault("sensor-zero"))
    (item,) = [item for item in check_all(case(PACKAGE, DRAM, dead)) if item.code == "sensor-zero"]
    assert item.en.startswith("gpu3 ")


def test_the_clock_is_remarked_only_where_it_is_known() -> None:
    fine = case(PACKAGE, DRAM)
    assert codes(replace(fine, synchronised=False)) == {"clock-not-synchronised"}
    assert codes(replace(fine, synchronised=None)) == set()
    assert clock_synchronised() in {True, False, None}


def test_codecarbons_settings_are_named_without_their_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".codecarbon.config").write_text("[codecarbon]\npue=0.1\n")
    of = case(PACKAGE, DRAM, environ={"CODECARBON_API_KEY": "secret-value", "HOME": "/nowhere"})
    (item,) = check_all(of)
    assert "CODECARBON_API_KEY" in item.en
    assert ".codecarbon.config" in item.en
    assert "secret" not in item.en + item.ja


# ------------------------------------------------------------------ the machine


def test_the_machine_is_read_from_its_files(tmp_path: Path) -> None:
    for name, content in {
        "proc/cpuinfo": "flags\t\t: fpu hypervisor lahf_lm\n",
        "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27\n",
        "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
        "sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
        "sys/bus/pci/devices/0000:02:00.0/vendor": "0x1002\n",
        "sys/bus/pci/devices/0000:02:00.0/class": "0x020000\n",
        "dev/nvidia0": "",
        "dev/ipmi0": "",
        ".dockerenv": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    host = look({}, tmp_path)
    assert (host.virtual, host.container, host.nvidia_driver) == (True, "docker", "580.65.06")
    assert (host.nvidia_card, host.amd_card, host.nvidia_device) == (True, False, True)
    assert (host.rapl, host.controller, host.shared_memory) == (False, True, False)
    assert look({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path).container == "kubernetes"


def test_an_empty_root_is_a_machine_without_anything(tmp_path: Path) -> None:
    host = look({}, tmp_path)
    assert not any((host.virtual, host.container, host.nvidia_card, host.nvidia_device, host.rapl, host.controller))


# ------------------------------------------------------------------ the place


def place(workspace: Path | None, site: str | None = None, **environ: str) -> dict[str, str]:
    return {item.code: item.en for item in check_place(environ, workspace, site, 10)}


def test_a_workspace_with_its_site_is_fine(workspace: Path) -> None:
    assert place(workspace) == {}
    assert list((workspace / "sites").parent.iterdir()) != []
    assert not (workspace / "telemetry").exists(), "nothing is left behind"


def test_no_workspace_says_where_the_record_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = place(None, XDG_STATE_HOME=str(tmp_path / "state"))
    assert set(found) == {"workspace-missing"}
    assert str(tmp_path / "state" / "gxmeter" / "journals") in found["workspace-missing"]


def test_the_variable_names_the_workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert place(None, GXMETER_WORKSPACE=str(workspace)) == {}


def test_an_unknown_site_offers_those_that_there_are(workspace: Path) -> None:
    assert set(place(workspace, "nowhere")) == {"site-unknown"}
    (item,) = check_place({}, workspace, "nowhere", 10)
    assert mends.commands(item, case()) == ("export GXMETER_SITE=lab",)


def test_of_several_sites_none_is_chosen_for_the_reader() -> None:
    item = finding("site-unknown", site="x", sites="a-dc, b-dc, c-dc, d-dc")
    assert mends.commands(item, case()) == ("export GXMETER_SITE=SITE    # a-dc, b-dc, c-dc, ...",)


def test_no_command_takes_anything_from_those_who_have_it(workspace: Path, tmp_path: Path) -> None:
    """A shared workspace stays its owners'; a folder that is no workspace is never touched, least of all ``/``."""

    def said(folder: Path, reason: str = "no permission for it") -> tuple[str, ...]:
        item = finding("workspace-unwritable", folder=str(folder), reason=reason, journal="x")
        return mends.commands(item, case())

    assert said(Path("/")) == said(tmp_path) == said(workspace, "Read-only file system") == ()
    journals = workspace / "telemetry" / "journals"
    assert said(workspace) == (f'sudo install -d -o "$(id -un)" {journals}',)
    journals.mkdir(parents=True)
    assert said(workspace) == (f'sudo setfacl -m "u:$(id -un):rwx" {journals}',)


def test_a_file_in_the_way_is_a_workspace_that_cannot_be_written(workspace: Path, tmp_path: Path) -> None:
    (workspace / "telemetry").write_text("")
    assert set(place(workspace, XDG_STATE_HOME=str(tmp_path / "state"))) == {"workspace-unwritable"}
    (tmp_path / "state").write_text("")
    assert set(place(workspace, XDG_STATE_HOME=str(tmp_path / "state"))) == {
        "workspace-unwritable",
        "journal-unwritable",
    }


def test_a_read_only_file_system_is_said() -> None:
    assert unwritable(Path("/proc/sys/nothing/here")) != ""


def test_little_room_is_said_in_days(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = os.statvfs(workspace)
    blocks = 1_000_000_000 // room.f_frsize
    small = os.statvfs_result((*room[:4], blocks, *room[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _: small)
    found = place(workspace)
    assert "about 11 days" in found["disk-small"], "1,000 MB for 10 devices at 100 bytes a second"


# ------------------------------------------------------------------ real sensors, fake hardware


def doctor(tmp_path: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    variables = environment({"XDG_STATE_HOME": str(tmp_path / "state"), "GXMETER_LANG": "en", **extra})
    command = [sys.executable, "-m", "gxmeter", "doctor", *arguments]
    return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_eight_gpus_are_seen_measured_and_not_touched(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--json", **fakenvml.environment(gpus=8))
    answer = json.loads(done.stdout)
    gpus = [row for row in answer["sensors"] if row["kind"] == "gpu"]
    assert [row["part"] for row in gpus] == [f"gpu{n}" for n in range(8)]
    assert {(row["method"], row["grade"], row["counts"], row["driver"]) for row in gpus} == {
        ("nvml-counter", "C1", True, "580.65.06")
    }
    watts = sum(float(row["power_w"]) for row in gpus)
    assert abs(watts - 2680) < 2680 * 0.15, "a counter that moves every 0.1 s, looked at for 1.1 s"
    assert len({row["uuid"] for row in gpus}) == 8
    assert {row["rated_w"] for row in gpus} == {"700"}
    assert done.returncode == 3, "no workspace here: a should-level finding"
    assert {item["code"] for item in answer["findings"]} >= {"workspace-missing"}
    assert done.stderr == ""


def test_with_counters_and_a_workspace_the_exit_code_is_fine(tmp_path: Path, workspace: Path) -> None:
    with background(tmp_path / "powercap", packages_w=(100, 80), dram_w=(20, 20)) as root:
        done = doctor(tmp_path, "--json", "-w", str(workspace), GXMETER_POWERCAP=str(root))
    answer = json.loads(done.stdout)
    rows = {row["part"]: row for row in answer["sensors"]}
    assert set(rows) == {"cpu0", "cpu1", "dram0", "dram1"}, "no model where counters are"
    assert {label: row["grade"] for label, row in rows.items()} == {
        "cpu0": "D1",
        "cpu1": "D1",
        "dram0": "D2",
        "dram1": "D2",
    }
    assert abs(float(answer["power_w"]["measured"]) - 220) < 22
    assert answer["power_w"]["estimated"] is None
    assert {item["level"] for item in answer["findings"]} <= {"may"}
    assert done.returncode == 0


def test_the_managements_controller_stands_for_everything_else(tmp_path: Path) -> None:
    with FakeBmc(watts=1200) as bmc, FakePowercap(tmp_path / "tree") as tree:
        sensors = [PowercapSensor(root=tree.root), RedfishSensor(bmc.url, user=bmc.user, password=bmc.password)]
        diagnosis = examine({"XDG_STATE_HOME": str(tmp_path)}, sensors=sensors)
    rows = {row["part"]: row for row in document(diagnosis)["sensors"]}
    assert rows["node"]["boundary"] == "node"
    assert abs(float(rows["node"]["power_w"]) - 1200) < 60
    assert {row["beside"] for label, row in rows.items() if label != "node"} == {"node"}
    assert diagnosis.power_mw(estimated=False) == next(r.power_mw for r in diagnosis.readings if r.part.label == "node")
    assert any(re.search(r"cpu0 .* \([\d.]+ W\)$", line) for line in text(diagnosis, ja=False)), "kept, and in no sum"


def test_an_untrusted_certificate_is_answered_with_the_way_to_its_fingerprint(tmp_path: Path) -> None:
    with FakeBmc(watts=1200, certificate=make_certificate(tmp_path)) as bmc:
        done = doctor(tmp_path, "--json", GXMETER_BMC_URL=bmc.url, GXMETER_BMC_USER="u", GXMETER_BMC_PASSWORD="geheim")
    (item,) = [item for item in json.loads(done.stdout)["findings"] if item["code"].startswith("bmc-")]
    assert item["code"] == "bmc-untrusted"
    assert "openssl s_client" in item["mend"][0]
    assert "geheim" not in done.stdout + done.stderr


def test_what_another_meter_measures_is_said_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "claims"
    folder.mkdir()
    other = Claims.open(folder)
    key = ram_key(Allocation())
    assert other.claim(key) is None
    try:
        environ = {"GXMETER_CLAIMS": str(folder), "XDG_STATE_HOME": str(tmp_path)}
        diagnosis = examine(environ, sensors=[CodeCarbonSensor(nvidia=False)], wait_s=0.2)
        (said,) = [item for item in diagnosis.findings if item.code == "meter-running"]
        assert said.en.startswith("Another gxmeter")
        assert "measures ram now" in said.en
        assert str(os.getpid()) in said.en
        assert other.held() == (key,)
    finally:
        other.release_all()


class Broken:
    """A sensor whose every call raises."""

    name = "broken"
    methods = {"broken": "C1"}  # noqa: RUF012
    quick = True
    poll_s = 0.1

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("bang")


class Silent:
    """A sensor with a part that never has a number."""

    name = "silent"
    methods = {"silent": "C1"}  # noqa: RUF012
    quick = True
    poll_s = None

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:
        return Opened("1", (Part("gpu0", "gpu", "x", "silent"),))

    def start(self) -> None: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...
    def read(self, elapsed_ns: int) -> list[Sample]:
        return [Sample(None, "silent", fault=fault("sensor-zero"))]


def test_sensors_that_raise_or_are_silent_are_findings(tmp_path: Path) -> None:
    diagnosis = examine({"XDG_STATE_HOME": str(tmp_path)}, sensors=[Broken(), Silent()], wait_s=0.01)  # type: ignore[list-item]
    found = {item.code for item in diagnosis.findings}
    assert {"sensor-unavailable", "sensor-zero", "doctor-nothing"} <= found
    assert diagnosis.advice[0].finding.code == "doctor-nothing"


# ------------------------------------------------------------------ how it looks


def everything() -> Diagnosis:
    """A diagnosis with many kinds of rows and every finding that has a command."""
    of = case(environ={"GXMETER_BMC_URL": "https://bmc.example"}, container="docker", nvidia_driver="580.65.06")
    from gxmeter.core.findings import finding

    items = [finding(code, device="gpu0", reason="no permission", folder="/data/my ws") for code in catalogue()]
    advice = tuple(Advice(item, mends.commands(item, of)) for item in items if item.code in mends.MENDS)
    rows = (
        reading("gpu0", "gpu", "nvml-counter", "C1", 1234, name="NVIDIA H100 80GB HBM3 with a very long name"),
        replace(PACKAGE, beside="node"),
        reading("ram", "ram", "codecarbon-ram-model-share", "X", None),
    )
    return Diagnosis(of.host, Allocation(cpu_quota_milli=2500, cpus_host=64, memory_host_bytes=1 << 40), rows, advice)


@pytest.mark.parametrize("ja", [True, False])
def test_the_text_fits_eighty_columns(ja: bool) -> None:
    lines = list(text(everything(), ja=ja))
    too_wide = [line for line in lines if columns(line) > 82 and not line.startswith("      ")]
    assert too_wide == []
    assert any(line.startswith("node7: ") and "2.5/64" in line for line in lines)


def test_every_command_is_one_that_a_shell_understands() -> None:
    shown = [command for advice in everything().advice for command in advice.commands]
    assert len(shown) > 15
    for command in shown:
        done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_every_mended_finding_exists() -> None:
    assert set(mends.MENDS) <= set(catalogue())


def test_nothing_to_mend_is_said() -> None:
    fine = replace(everything(), advice=())
    assert "Nothing to mend." in list(text(fine, ja=False))
    assert "直すところはありません。" in list(text(fine, ja=True))


def test_help_stays_quick_and_the_doctor_is_in_it() -> None:
    command = [sys.executable, "-c", "import sys, gxmeter.cli.app; print(*sys.modules)"]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "gxmeter.cli.commands.doctor" in loaded
    assert not {"codecarbon", "pynvml", "gxmeter.meter.doctor.examine"} & set(loaded)
