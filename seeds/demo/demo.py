"""The whole way once: a metered training becomes a report that a stranger can re-compute.

    python seeds/demo/demo.py [--seconds 25] [--journal DIR] [--out out/demo]

It copies the consortium scenario, trains ``train.py`` under the meter, and then calls the command
line as any user would: check, account, progress, report, verify, and the package's own ``verify.py``.
Both verifiers get the trust file that the report wrote beside the package; between two companies it
would travel another way than the package.
With ``--journal`` an earlier journal takes the place of the training; the package is then byte-equal
to the one that journal gave before (same key, which lies in the output folder).

Exit code 0 if all went as expected (should-level findings, such as provisional factors, are
expected and said), 1 if a step failed or a re-computation objects, 2 for bad arguments.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from summary import Outcome, tell
from tqdm import tqdm
from words import STEPS, language, say

HERE = Path(__file__).resolve().parent
SCENARIO = HERE.parent / "consortium"
TRAINER = HERE / "train.py"
RUN, SITE = "demo-charlm", "edge-lab"
JST = timezone(timedelta(hours=9))
MARK = ".gxmeter-demo"
"""An empty file in the output folder: what lies there is the demo's, and may be written anew."""
FINE = (0, 3)
"""Exit codes of a command that did its work: nothing to say, or should-level findings."""
DONE = (0, 1, 3)
"""Exit codes of a command that answers, must-level findings included."""


class StepError(Exception):
    """A step of the demo did not do its work; the text says so to people."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train under the meter, account, report, re-compute.")
    parser.add_argument("--seconds", type=float, default=25.0, help="how long to train [s]")
    parser.add_argument("--journal", type=Path, help="use this journal folder instead of training")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="where everything is written")
    options = parser.parse_args(arguments)
    if not 0 < options.seconds < float("inf"):
        parser.error("--seconds must be a number above 0")
    if options.journal and not options.journal.is_dir():
        parser.error(say("no-journal", path=options.journal))
    if options.out.exists() and not (options.out / MARK).exists() and _holds_anything(options.out):
        parser.error(say("not-ours", path=options.out))
    return options


def _holds_anything(place: Path) -> bool:
    return not place.is_dir() or any(place.iterdir())


class Demo:
    """One walk through all steps; everything it writes lies under ``out``."""

    def __init__(self, out: Path) -> None:
        self.out = out.resolve()
        self.workspace = self.out / "workspace"
        self.logs = self.out / "log"
        self.environment = {**os.environ, "GXMETER_KEY": str(self.out / "keys" / "calculator.pem")}

    def prepare(self, journal: Path | None) -> None:
        """A fresh copy of the scenario, with the journal if given; an earlier demo's output goes, its key stays."""
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / MARK).touch()
        kept = self.out / "kept-journal"
        shutil.rmtree(kept, ignore_errors=True)
        if journal:
            shutil.copytree(journal, kept / journal.resolve().name)  # before an earlier workspace, its home, goes
        for folder in (self.workspace, self.logs, self.out / "report"):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(SCENARIO, self.workspace)
        self.logs.mkdir(parents=True, exist_ok=True)
        if journal:
            shutil.copytree(kept, self.workspace / "telemetry" / "journals")
            shutil.rmtree(kept)

    def train(self, seconds: float) -> None:
        """Run the trainer under the meter; its output and both their messages go to the terminal."""
        answer = self.out / "run.json"
        trainer = [sys.executable, str(TRAINER), "--seconds", str(seconds)]
        options = ["-w", str(self.workspace), "--run", RUN, "--site", SITE, "--json", str(answer)]
        command = [sys.executable, "-m", "gxmeter", "run", *options, "--", *trainer]
        code = subprocess.run(command, env=self.environment, check=False).returncode
        if code != 0:
            raise StepError(say("failed", step=STEPS["train"][language()], code=code, log=answer))

    def journal(self) -> Path:
        """The journal folder of the metered run."""
        found = sorted((self.workspace / "telemetry" / "journals").glob("*"))
        if not found:
            raise StepError(say("no-journal", path=self.workspace / "telemetry" / "journals"))
        return found[-1]

    def ask(self, step: str, *arguments: str, codes: tuple[int, ...] = FINE) -> dict[str, Any]:
        """Call ``gxmeter ... --json`` and return its document; what it says to people goes to a log file."""
        command = [sys.executable, "-m", "gxmeter", *arguments, "--json"]
        return self._call(step, command, codes=codes)[0]

    def judge(self, step: str, command: list[str]) -> tuple[dict[str, Any], int]:
        """Call a verifier: its document and its exit code."""
        return self._call(step, command, codes=DONE)

    def _call(self, step: str, command: list[str], *, codes: tuple[int, ...]) -> tuple[dict[str, Any], int]:
        log = self.logs / f"{step}.txt"
        with log.open("wb") as stderr:
            done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=stderr, check=False)
        name = STEPS.get(step, (step, step))[language()]
        if done.returncode not in codes:
            raise StepError(say("failed", step=name, code=done.returncode, log=log))
        try:
            document = json.loads(done.stdout)
        except ValueError:
            raise StepError(say("no-answer", step=name, log=log)) from None
        (self.logs / f"{step}.json").write_bytes(done.stdout)
        return document, done.returncode


def fiscal_year(instant: str) -> int:
    """The Japanese fiscal year (April to March, JST) that an ISO 8601 instant falls in."""
    moment = datetime.fromisoformat(instant).astimezone(JST)
    return moment.year if moment.month >= 4 else moment.year - 1


def walk(demo: Demo, bar: tqdm[None]) -> Outcome:
    """All steps after the training, in order; what they answered."""

    def step(name: str) -> str:
        bar.set_description(STEPS[name][language()])
        return name

    here = ["-w", str(demo.workspace)]
    journal = demo.journal()
    energy = demo.ask("energy", "energy", str(journal), "--format", "gxmeter")
    fy = fiscal_year(energy["start"])
    year = [*here, "--fy", str(fy)]
    demo.ask(step("check"), "check", *here)
    bar.update()
    account = demo.ask(step("account"), "account", *year)
    bar.update()
    progress = demo.ask(step("progress"), "progress", *year)
    bar.update()
    report = demo.ask(step("report"), "report", *year, "-o", str(demo.out / "report"))
    bar.update()
    package = Path(report["package"])
    package = package if package.is_absolute() else Path.cwd() / package
    trust = [option for name in report["files"] if name.endswith(".trust.json") for option in ("--trust", name)]
    own = [sys.executable, "-m", "gxmeter", "verify", str(package), *trust, "--json"]
    judged, code = demo.judge(step("verify"), own)
    bar.update()
    alone = [sys.executable, "-I", str(package / "verify.py"), str(package), *trust, "--json"]
    stranger, stranger_code = demo.judge(step("stranger"), alone)
    bar.update()
    return Outcome(
        fy=fy,
        journal=journal,
        energy=energy,
        account=account,
        progress=progress,
        report=report,
        package=package,
        verdicts=(judged, stranger),
        codes=(code, stranger_code),
        logs=demo.logs,
    )


def main(arguments: list[str] | None = None) -> int:
    """Prepare, train or take the journal, walk, tell."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    demo = Demo(options.out)
    try:
        demo.prepare(options.journal)
        if options.journal is None:
            demo.train(options.seconds)
        with tqdm(total=6, bar_format="{desc}{bar} {n}/{total}", leave=False) as bar:
            outcome = walk(demo, bar)
    except StepError as error:
        print(error, file=sys.stderr)
        return 1
    print(tell(outcome))
    return 0 if outcome.agrees else 1


if __name__ == "__main__":
    sys.exit(main())
