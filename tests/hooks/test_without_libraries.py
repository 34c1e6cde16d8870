"""What the hooks do where no trainer is installed, and the parts that need none."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gxmeter
from gxmeter.core.errors import InputError
from gxmeter.meter.hooks import _run
from gxmeter.meter.hooks._run import MeteredRun, harmless

ROOT = Path(__file__).resolve().parents[2]
CALLBACKS = [("huggingface", "transformers"), ("lightning", "lightning"), ("keras", "keras")]
LOGGERS = [("mlflow", "mlflow"), ("wandb", "wandb")]
LIBRARIES = ("transformers", "lightning", "pytorch_lightning", "keras", "mlflow", "wandb")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No library there, whatever this environment has."""
    names = [name for name in sys.modules if name.startswith("gxmeter.meter.hooks.")]
    kept = {name: sys.modules.pop(name) for name in names if name.rpartition(".")[2][0] != "_"}
    for name in (*LIBRARIES, "lightning.pytorch", "keras.callbacks"):
        monkeypatch.setitem(sys.modules, name, None)
    yield
    sys.modules.update(kept)


@pytest.mark.parametrize(("hook", "package"), CALLBACKS)
def test_a_callback_without_its_library_says_what_to_install_before_any_training(bare, hook, package):
    module = importlib.import_module(f"gxmeter.meter.hooks.{hook}")
    with pytest.raises(InputError) as missing:
        module.GxmeterCallback(run="x")
    assert missing.value.code == "hook-library-missing"
    assert str(missing.value).endswith(f"pip install {package}")
    assert f"pip install {package} " in missing.value.findings[0].ja


@pytest.mark.parametrize(("hook", "package"), LOGGERS)
def test_a_logger_without_its_library_says_what_to_install(bare, hook, package):
    module = importlib.import_module(f"gxmeter.meter.hooks.{hook}")
    with pytest.raises(InputError, match=f"pip install {package}$"):
        module.energy_logger(gxmeter.Meter())


def test_nothing_of_a_trainer_is_imported_before_its_hook_is():
    code = (
        "import sys, gxmeter, gxmeter.meter.session, gxmeter.meter.hooks, gxmeter.meter.hooks.pytorch;"
        f"print([n for n in {(*LIBRARIES, 'torch', 'pandas')!r} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_an_event_that_fails_is_told_once_and_goes_no_further(capfd, monkeypatch):
    monkeypatch.setattr(_run, "_said", set())
    monkeypatch.setenv("GXMETER_LANG", "en")

    @harmless
    def event() -> None:
        raise OSError("no such luck")

    event()
    event()
    assert capfd.readouterr().err == (
        "gxmeter: A hook of the meter failed (OSError: no such luck); the training goes on, but phases, counts or "
        "metrics may be missing.\n"
    )


def test_the_events_of_a_run_that_is_not_measured_do_nothing():
    run = MeteredRun({})
    run.enter("eval")
    run.count(steps=1)
    run.leave()
    run.end()
    assert (run.active, run.over_budget, run.link()) == (False, False, {})


@pytest.mark.parametrize("kept", [None, [], {"run": 7, "journal": None}, {"other": "x"}])
def test_whatever_a_checkpoint_holds_is_no_reason_to_fail(kept):
    run = MeteredRun({"run": "x"})
    run.resume(kept)
    assert run._resume == {}


def test_the_lock_of_the_trainers_holds_what_is_asked_for_with_hashes_and_no_address():
    lock = (ROOT / "requirements-hooks.lock").read_text("utf-8")
    body = [line for line in lock.splitlines() if not line.startswith("#")]
    for line in body:
        assert re.match(r"[a-z0-9][a-z0-9.-]*==\S+ |    --hash=sha256:[0-9a-f]{64}", line), line
    pinned = set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", lock, re.MULTILINE))
    asked = (ROOT / "requirements-hooks.in").read_text("utf-8")
    assert set(re.findall(r"^([a-z][a-z0-9-]*)", asked, re.MULTILINE)) <= pinned
    # A torch from the index would bring several GB of CUDA: its version stands in the Makefile, as the CPU build.
    assert not {name for name in pinned if name.startswith(("torch", "nvidia-c", "triton"))} - {"torchmetrics"}
    assert re.search(r"^TORCH := torch==[0-9.]+\+cpu$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_an_environment_that_cannot_be_made_says_why(tmp_path):
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    command = [sys.executable, ROOT / "tools" / "setup_venv.py", "requirements-hooks.lock", tmp_path / "venv"]
    offline = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1"}
    done = subprocess.run([*command, "torch==0.0.1+cpu"], capture_output=True, text=True, check=False, env=offline)
    assert done.returncode == 1
    assert f"Setting up {tmp_path / 'venv'} failed" in done.stderr
    assert "torch==0.0.1+cpu" in (tmp_path / "venv" / "setup.log").read_text()


def test_the_hooks_options_are_the_meters_own():
    import inspect

    taken = set(inspect.signature(gxmeter.Meter).parameters)
    assert set(_run.MeterOptions.__annotations__) <= taken
    assert {"run", "site", "workspace", "kg_per_kwh", "budget_kwh", "resumes"} <= set(_run.MeterOptions.__annotations__)
