"""Reader of what a Prometheus server answers about GPUs and machines: range-query JSON, as received.

One file, or a folder of them (as ``gxmeter pull prometheus`` writes) read as one, so that a counter goes on from file
to file. The files are read twice: skimmed first, so that of each device the best metric counts and its series come in
order of time, whatever labels they changed. Values and times go from their text to integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.telemetry.model import Batch, Reading
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from gxmeter.telemetry.prometheus.answers import NOT_AN_ANSWER, Answers, Labels
from gxmeter.telemetry.prometheus.flow import Flow, Names, Outbox
from gxmeter.telemetry.prometheus.index import Entry, Index, info_of
from gxmeter.telemetry.prometheus.metrics import Metric, metrics
from gxmeter.telemetry.prometheus.notes import Notes
from gxmeter.telemetry.prometheus.series import Owner, Series, series_of

FORMAT = "dcgm-prometheus"
PATTERNS = tuple(
    f"*.{kind}{packing}" for kind in ("json", "jsonl", "ndjson") for packing in ("", ".gz", ".zst", ".xz", ".bz2")
)
"""Which files of a folder are read."""
FOLDERS = True
"""Files in one folder are one reading: a counter's energy between two of them belongs to neither alone."""
OPTIONS = ("encoding", "boundary", "grade", "host", "columns")
"""What may be declared; times in the answers are counts since 1970."""

MANIFEST = "manifest.json"
"""What ``gxmeter pull`` writes beside the answers; no answer itself."""


def read(path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:
    """Open a file of answers, or a folder of such files.

    Args:
        path: the file or folder.
        run: whose the energy is where no label is declared as ``run``, or the label is empty.
        site: where the devices stand, likewise.
        options: ``columns`` may name the label that tells the run, the host, the site or the device, and a metric
            with its unit (roles: :data:`gxmeter.telemetry.prometheus.metrics.ROLES`).

    Raises:
        InputError: ``prometheus-role-unknown``, ``prometheus-unit-unknown``, ``prometheus-boundary-missing``;
            ``prometheus-not-an-answer``, while the batches are read, where no file holds one.
    """
    known = metrics(options, path.name)
    files = _files(path) if path.is_dir() else [path]
    if not files:
        raise InputError(NOT_AN_ANSWER, file=path.name, found="-")
    reading = Reading(format=FORMAT, batches=iter(()))
    reading.batches = _Stream(path.name, files, known, Owner(run, site), options).batches(reading)
    return reading


def _files(folder: Path) -> list[Path]:
    found = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()}
    return sorted(path for path in found if path.name != MANIFEST and not path.name.startswith("."))


@dataclass(frozen=True, slots=True)
class _Stream:
    """What a reading needs."""

    name: str
    files: list[Path]
    metrics: dict[str, Metric]
    owner: Owner
    options: ReadOptions

    def batches(self, reading: Reading) -> Iterator[Batch]:
        notes = Notes()
        files, index = self._skimmed(notes)
        chosen = index.chosen(notes, self.name)
        self._tell_others(index, notes)
        reading.devices |= {device: info_of(entries) for device, entries in chosen.items()}
        outbox, flow = Outbox(self.name), Flow(chosen, reading, notes, names=Names(self.name, self.owner.run))
        for path, entries in files:
            for entry, one in zip(entries, self._answers(path, notes).series(), strict=False):
                if entry is not None:
                    yield from flow.take(entry, one, outbox, path.name)
        yield from flow.rest(outbox)
        reading.findings += [*notes.findings(), *outbox.findings()]

    def _answers(self, path: Path, notes: Notes) -> Answers:
        return Answers(path, path.name, notes, encoding=self.options.encoding)

    def _skimmed(self, notes: Notes) -> tuple[list[tuple[Path, list[Entry | None]]], Index]:
        """The files in order of their first instant, each with its series.

        Raises:
            InputError: ``prometheus-not-an-answer``: no file holds one.
        """
        index = Index()
        documents = 0
        for path in self.files:
            answers = self._answers(path, notes)
            index.skim(answers.series(), self._identified(path.name, notes))
            documents += answers.documents
        if not documents:
            raise InputError.from_findings(notes.findings())
        found = list(zip(self.files, index.entries, strict=True))
        return sorted(found, key=lambda file: _begin_ms(file[1])), index

    def _identified(self, file: str, notes: Notes) -> Callable[[Labels], Series | None]:
        """Whose energy labels stand for; what has energy and no owner is told."""

        def identify(labels: Labels) -> Series | None:
            name = labels.get("__name__", "")
            metric = self.metrics.get(name)
            if metric is None:
                return None
            found = series_of(labels, metric, self.owner, self.options)
            if found is None:
                notes.count("prometheus-device-unnamed", file, 1, ", ".join(sorted(labels)), metric=name)
            elif found.is_module:
                notes.once("prometheus-module", self.name, name=found.info.name)
            return found

        return identify

    def _tell_others(self, index: Index, notes: Notes) -> None:
        """Metrics that were passed over: beside those that hold energy a remark, alone a fault."""
        others = sorted(name for name in index.others if name not in self.metrics)
        count = sum(index.others[name] for name in others)
        code = "prometheus-metrics-other" if any(index.all_entries()) else "prometheus-metrics-unknown"
        notes.count(code, self.name, count, ", ".join(name or "-" for name in others))


def _begin_ms(entries: list[Entry | None]) -> int:
    return min((entry.extent.first_ms for entry in entries if entry), default=0)
