"""Which form of the kernel is taken, and what the compiled one needs of the machine."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gxmeter.core.errors import InputError
from gxmeter.energy import forms, kernel
from gxmeter.energy.forms import LEAST_ROWS, MOST_ROWS, PAYS_FROM_ROWS, Forms
from gxmeter.energy.kernel import partial
from gxmeter.energy.model import Device
from gxmeter.telemetry.model import PowerBatch, SeriesKey
from tests.properties.energy.build import power_batch
from tests.unit.energy.test_kernel import T0, at


@pytest.fixture(autouse=True)
def _unknown_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GXMETER_KERNEL", raising=False)
    monkeypatch.setattr(Forms, "_rows_taken", 0)


def test_the_compiled_form_comes_in_when_it_pays_and_for_batches_of_a_fit_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_usable", lambda: True)
    chosen = Forms()
    assert not chosen.compiled(PAYS_FROM_ROWS - 1)
    assert Forms().compiled(LEAST_ROWS)  # another file of the same job
    assert not chosen.compiled(LEAST_ROWS - 1)
    assert chosen.compiled(MOST_ROWS)
    assert not chosen.compiled(MOST_ROWS + 1)
    monkeypatch.setattr(forms, "_usable", lambda: False)
    assert not chosen.compiled(MOST_ROWS)


def test_small_input_never_loads_the_compiler() -> None:
    script = (
        "import sys; from tests.unit.energy.test_kernel import closed, at;"
        "closed([at(i, 5) for i in range(100)]); print('numba' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GXMETER_KERNEL", "numpy")
    assert not Forms().compiled(10**9)
    monkeypatch.setattr(forms, "_usable", lambda: True)
    monkeypatch.setenv("GXMETER_KERNEL", "compiled")
    assert Forms().compiled(1)


def test_a_form_that_is_not_there_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GXMETER_KERNEL", "fortran")
    with pytest.raises(InputError) as caught:
        partial([])
    assert caught.value.code == "kernel-form-unknown"
    monkeypatch.setenv("GXMETER_KERNEL", "compiled")
    monkeypatch.setattr(forms, "_usable", lambda: False)
    with pytest.raises(InputError) as caught:
        partial([])
    assert caught.value.code == "kernel-not-installed"


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("segments", "SLOT_MS"),
        ("periods", "SHORT_MS"),
        ("periods", "LONG_MS"),
        ("compiled", "MAX_TIME_MS"),
        ("compiled", "MAX_POWER_MW"),
    ],
)
def test_machine_code_of_other_rules_is_not_used(room: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if code of an earlier version lay on disk: the rules in Python move, those compiled do not."""
    pytest.importorskip("numba")
    from gxmeter.energy import compiled

    agrees = compiled.agrees.__wrapped__
    assert agrees()
    module = importlib.import_module(f"gxmeter.energy.{room}")
    monkeypatch.setattr(module, name, getattr(module, name) - 1)
    assert not agrees()


@pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")
def test_code_that_cannot_be_kept_on_disk_still_runs(tmp_path: Path) -> None:
    """As on a read-only installation for a user without a home: no folder to write to."""
    script = (
        "from tests.unit.energy.test_kernel import closed, at;"
        "print(sum(leaf.half_uj for leaf in closed([at(i, 5) for i in range(4)]).leaves.values()))"
    )
    environment = {**os.environ, "GXMETER_KERNEL": "compiled", "NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["30000"]


@pytest.mark.parametrize("form", ["numpy", "compiled"])
def test_a_row_whose_key_the_batch_has_not_is_no_sample_of_another(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if form == "compiled":
        pytest.importorskip("numba")
    monkeypatch.setenv("GXMETER_KERNEL", form)
    columns = (np.array([T0, T0 + 1], np.int64), np.array([1, 1], np.int64))
    with pytest.raises(IndexError):
        partial([PowerBatch((SeriesKey("r", "s", "g0"),), np.array([0, 1], np.int32), *columns)])


def test_too_many_segments_that_wait_are_let_go_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "MAX_PENDING", 3)
    few, many = ([power_batch([at(100 * i, 5) for i in range(n)])] for n in (4, 5))
    assert (len(partial(few).pending), partial(few).needs_limit) == (3, False)
    part = partial(many)
    assert (len(part.pending), part.needs_limit) == (0, True)
    assert part.periods[Device("s", "g0")].counts == {100_000: 4}
