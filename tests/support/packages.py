"""A real package of the consortium scenario with a small journal, made once per test session."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gxmeter.api import open_workspace
from gxmeter.core.calendar import jst_midnight_ms
from gxmeter.core.keys import SigningKey, load_key
from gxmeter.evidence.trust import load_trust
from gxmeter.evidence.verify.judge import verify
from tests.support.forge import Forge, read_folder
from tests.support.journals import write_journal

REPOSITORY = Path(__file__).resolve().parents[2]
CONSORTIUM = REPOSITORY / "seeds" / "consortium"
JOURNAL_START_MS = jst_midnight_ms(date(2026, 11, 20)) + 36_900_000
"""20 November 2026 10:15 JST: the journal's 40 minutes meet two half-hours."""


@dataclass(frozen=True)
class Package:
    """A written package, its trust file and the key it was sealed with."""

    workspace: Path
    folder: Path
    trust: Path
    key: SigningKey

    def forge(self) -> Forge:
        """The package in pieces, to be changed and sealed again with the reporter's own key."""
        return Forge(read_folder(self.folder), self.key)


def consortium_with_journal(folder: Path) -> Path:
    """A copy of the scenario with a journal of its demo run."""
    shutil.copytree(CONSORTIUM, folder)
    write_journal(folder / "telemetry" / "journals", run="demo-charlm", site="edge-lab", start_ms=JOURNAL_START_MS)
    return folder


def make_package(folder: Path) -> Package:
    """Report FY2026 of the scenario into ``folder/out``."""
    workspace = consortium_with_journal(folder / "workspace")
    key_path = folder / "keys" / "calculator.pem"
    issued = open_workspace(workspace).report(2026, out=folder / "out", key_path=key_path)
    assert issued.package is not None
    trust = issued.package.with_name(f"{issued.package.name}.trust.json")
    return Package(workspace, issued.package, trust, load_key(key_path))


@dataclass(frozen=True)
class Judgement:
    """What a verifier said: exit code, verdict word, finding codes with their levels, what was not checked."""

    exit_code: int
    verdict: str
    findings: frozenset[tuple[str, str]]
    not_checked: frozenset[str]

    def codes(self, level: str) -> set[str]:
        """Codes of one level."""
        return {code for code, found in self.findings if found == level}


def _judgement(exit_code: int, document: dict[str, Any]) -> Judgement:
    return Judgement(
        exit_code,
        document["verdict"],
        frozenset((item["code"], item["level"]) for item in document["findings"]),
        frozenset(document["not_checked"]),
    )


def by_gxmeter(folder: Path, trust: Path | None = None) -> Judgement:
    """The package judged by ``gxmeter verify``'s implementation."""
    verdict = verify(folder, load_trust(trust) if trust else None)
    return _judgement(int(verdict.exit_code), verdict.to_json())


def by_verify_py(folder: Path, trust: Path | None = None) -> Judgement:
    """The package judged by the verifier's own copy of verify.py, bare Python without site-packages."""
    script = REPOSITORY / "gxmeter" / "evidence" / "standalone" / "verify.py"
    arguments = [sys.executable, "-I", "-S", str(script), str(folder), "--json"]
    arguments += ["--trust", str(trust)] if trust else []
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    return _judgement(done.returncode, json.loads(done.stdout))
