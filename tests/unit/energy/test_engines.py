"""Which engines there are, how one is chosen, and what is said when one cannot be had."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.energy import engines
from gxmeter.energy.engines import EngineChoice, engine_names, started
from gxmeter.energy.integrate import ignored, integrate
from gxmeter.energy.tasks import Answer
from tests.unit.energy.test_engine_local import of, rows_of, write


def test_the_files_are_the_list() -> None:
    assert engine_names() == ["dask", "local", "process", "spark"]


def test_naming_the_engines_imports_none_of_them() -> None:
    code = (
        "import sys; from gxmeter.energy.engines import engine_names; engine_names();"
        "print([n for n in sys.modules if n.partition('.')[0] in {'distributed', 'pyspark', 'numba'}"
        " or 'energy.engine_' in n])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"name": "abacus"}, "engine-unknown"),
        ({"name": "process", "workers": 0}, "engine-workers-invalid"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_at_once(choice: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        EngineChoice(**choice)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "choice",
    [
        EngineChoice("local", workers=2),
        EngineChoice("local", scheduler="tcp://h:1"),
        EngineChoice("process", scheduler="tcp://h:1"),
        EngineChoice("dask", workers=2, scheduler="tcp://h:1"),
    ],
)
def test_an_option_without_effect_is_refused(choice: EngineChoice) -> None:
    with pytest.raises(InputError) as caught, started(choice, ignored):
        pass
    assert caught.value.code == "engine-option-unused"


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(GxmeterError) as caught, started(EngineChoice("dask"), ignored):
        pass
    assert "pip install 'gxmeter[dask]'" in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is not None, reason="PySpark is installed here")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_command_says_it_in_one_sentence_and_ends_with_2(tmp_path: Path, language: str) -> None:
    path = write(tmp_path / "a.parquet", rows_of(0, 9))
    done = subprocess.run(
        [sys.executable, "-m", "gxmeter", "energy", path, "--format", "parquet", "--engine", "spark"],
        env={**os.environ, "GXMETER_LANG": language},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'gxmeter[spark]'" in done.stderr


def test_workers_with_other_code_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a cluster whose workers have not been updated."""
    sources = of(write(tmp_path / "a.parquet", rows_of(0, 9)))
    monkeypatch.setattr("gxmeter.energy.tasks.revision", lambda: "0123456789abcdef")
    with pytest.raises(GxmeterError) as caught:
        integrate(sources)
    assert caught.value.code == "engine-code-differs"
    assert "0123456789ab" in str(caught.value)


def test_an_answer_without_a_value_is_no_result() -> None:
    with pytest.raises(ValueError, match="could not be read"):
        _ = Answer().result
