"""``gxmeter run`` for real: a child measured by CodeCarbon, its exit code, its signals, its violent end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from meter_helpers import end_reason, energy_uj, environment, records, remarks, segments

from gxmeter.core.journal import Interval

RUN = [sys.executable, "-m", "gxmeter", "run"]
BUSY = "import time\nend = time.monotonic() + {0}\nwhile time.monotonic() < end: pass\n"


def gxmeter_run(
    workspace: Path, *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, "-w", str(workspace), *arguments],
        cwd=cwd or workspace,
        env=environment({"GXMETER_LANG": "en", **(env or {})}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def begin(workspace: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a run and wait until its child says that it is there."""
    command = [*RUN, "-w", str(workspace), *arguments, "--", sys.executable, "-u", "-c", code]
    process = subprocess.Popen(
        command,
        cwd=workspace,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


def the_journal(workspace: Path) -> Path:
    (found,) = (workspace / "telemetry" / "journals").iterdir()
    return found


def test_a_busy_child_is_measured(workspace: Path) -> None:
    answer_file = workspace / "answer.json"
    done = gxmeter_run(
        workspace,
        "--run",
        "busy",
        "--site",
        "lab",
        "--json",
        str(answer_file),
        "--",
        sys.executable,
        "-c",
        BUSY.format(3) + "print('out')",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "out\n"
    answer = json.loads(answer_file.read_text())
    journal = Path(answer["journal"])
    assert answer["run"] == "busy"
    assert journal == the_journal(workspace)
    assert answer["samples"] == sum(uj is not None for r in records(journal, Interval) for uj in r.energy_uj)  # type: ignore[union-attr]
    device, node = Decimal(answer["energy_kwh"]["device"]), Decimal(answer["energy_kwh"]["node"])
    assert abs(device * Decimal(3_600_000_000_000) - energy_uj(journal)) < 4
    assert abs(node - device * Decimal("1.25")) < Decimal("1e-11")
    assert isinstance(answer["findings"], list)
    spans = [r.end_mono_ns - r.start_mono_ns for r in records(journal, Interval)]  # type: ignore[union-attr]
    assert 1 < sum(spans) / 1e9 < 6  # models need CodeCarbon, which is loaded while the child runs already
    assert " J in " in done.stderr
    assert "estimated" in done.stderr
    assert journal.name in done.stderr


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 15)", 143),
        ("import os; os.kill(os.getpid(), 9)", 137),
    ],
)
def test_the_exit_code_is_the_childs_own(workspace: Path, code: str, expected: int) -> None:
    assert gxmeter_run(workspace, "--", sys.executable, "-c", code).returncode == expected
    assert end_reason(the_journal(workspace)) == "stop"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--"],
        ["--", "no-such-command-anywhere"],
        ["--period", "0", "--", "true"],
        ["--run", "a/b", "--", "true"],
        ["--site", "../x", "--", "true"],
    ],
)
def test_bad_arguments_are_said_before_anything_is_written(workspace: Path, arguments: list[str]) -> None:
    done = gxmeter_run(workspace, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    assert not (workspace / "telemetry").exists()


def test_a_signal_is_passed_on_and_the_childs_answer_counts(workspace: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('usr1'))\n"
        "print('ready')\ntime.sleep(30)\n"
    )
    process = begin(workspace, code)
    process.send_signal(signal.SIGUSR1)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "usr1"
    process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    assert process.wait(20) == 5
    assert time.monotonic() - begun < 10
    assert end_reason(the_journal(workspace)) == "stop"


def test_a_child_has_the_signal_mask_it_would_have_without_us(workspace: Path) -> None:
    code = "import signal; print(len(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    assert gxmeter_run(workspace, "--", sys.executable, "-c", code).stdout == "0\n"


def test_a_child_ignores_no_signal_that_it_would_not_ignore_without_us(workspace: Path) -> None:
    """Python ignores SIGPIPE for itself; a pipeline under the meter must still end as it does without."""
    done = gxmeter_run(workspace, "--", "bash", "-c", "yes | head -1 >/dev/null; echo ${PIPESTATUS[0]}")
    assert done.stdout.strip() == "141"


@pytest.mark.parametrize("how", ["2>/dev/full", "2>&-", "2> >(exit)", ">&- 2>&- <&-"])
def test_the_exit_code_counts_where_nobody_can_read_what_we_say(workspace: Path, how: str) -> None:
    line = f"{sys.executable} -m gxmeter run -w {workspace} -- sh -c 'sleep 0.3; exit 7' {how}"
    assert subprocess.run(["bash", "-c", line], env=environment(), timeout=60, check=False).returncode == 7


def test_a_full_pipe_that_nobody_reads_delays_nothing(workspace: Path) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, bytes(4096))
    os.set_blocking(write, True)
    command = [*RUN, "-w", str(workspace), "--site", "nowhere", "--", "sh", "-c", "exit 7"]
    assert subprocess.run(command, env=environment(), stderr=write, timeout=60, check=False).returncode == 7
    os.close(read)
    os.close(write)


def test_sigkill_of_the_whole_group_loses_at_most_one_interval(workspace: Path) -> None:
    process = begin(workspace, "print('ready')\nimport time\ntime.sleep(60)", "--period", "0.5", "--site", "lab")
    time.sleep(1.6)
    killed_ms = time.time_ns() // 1_000_000
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
    journal = the_journal(workspace)
    found = segments(journal)[0]
    assert [item.code for item in found.findings if item.code != "journal-torn-tail"] == ["journal-no-end"]
    last = [record for _, record in found.records if isinstance(record, Interval)][-1]
    assert killed_ms - last.end_utc_ms < 1_000
    assert energy_uj(journal) > 0


def test_a_faulty_workspace_stops_no_training(workspace: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    done = gxmeter_run(blocked / "ws", "--", sys.executable, "-c", "print('trained')", env=state, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "trained\n")
    assert "cannot be written" in done.stderr
    (journal,) = (tmp_path / "state" / "gxmeter" / "journals").iterdir()
    assert "workspace-unwritable" in remarks(journal)


def test_an_unknown_site_stops_no_training(workspace: Path) -> None:
    done = gxmeter_run(workspace, "--site", "mars", "--", "true")
    assert done.returncode == 0
    assert "mars" in done.stderr
    assert "site-unknown" in remarks(the_journal(workspace))


def test_an_answer_that_cannot_be_written_keeps_the_childs_code(workspace: Path) -> None:
    done = gxmeter_run(
        workspace,
        "--json",
        str(workspace / "gxmeter.yaml" / "x.json"),
        "--",
        sys.executable,
        "-c",
        "raise SystemExit(4)",
    )
    assert done.returncode == 4
    assert "cannot be written" in done.stderr


def test_messages_come_in_japanese(workspace: Path) -> None:
    code = "import time; time.sleep(2)"
    done = gxmeter_run(
        workspace, "--site", "mars", "--period", "0.5", "--", sys.executable, "-c", code, env={"GXMETER_LANG": "ja"}
    )
    assert "拠点「mars」" in done.stderr
    assert "推計" in done.stderr


def test_live_draws_on_a_terminal_only(workspace: Path) -> None:
    done = gxmeter_run(workspace, "--live", "--", sys.executable, "-c", "import time; time.sleep(1.2)")
    assert "\x1b" not in done.stderr


def test_work_counted_inside_the_command_stands_in_its_answer(workspace: Path) -> None:
    code = (
        "import gxmeter, time\n"
        "with gxmeter.Meter() as meter:\n"
        "    meter.wait_ready(10)\n"
        "    for _ in range(5):\n"
        "        meter.count(tokens=1000, steps=1)\n"
        "    time.sleep(1.5)\n"
        "assert not meter.counting\n"
    )
    answer_file = workspace / "answer.json"
    done = gxmeter_run(workspace, "--run", "inside", "--json", str(answer_file), "--", sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    answer = json.loads(answer_file.read_text())
    assert answer["work"] == {"tokens": 5000, "steps": 5, "flop": "0"}
    assert "5,000 tokens" in done.stderr
    assert {segments(path)[0].head.run for path in (workspace / "telemetry" / "journals").iterdir()} == {"inside"}  # type: ignore[union-attr]
