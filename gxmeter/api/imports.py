"""Telemetry of other tools into a workspace: read as a whole first, then kept as it was received, or not at all.

What is read is the copy that is kept, so no fault of copying can stand between what was judged and what counts. All
paths are judged before any of them becomes part of the workspace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gxmeter.api.import_files import Draft, Maker, Wish, is_journal, names_itself
from gxmeter.api.import_known import known_in
from gxmeter.api.import_readings import KINDS
from gxmeter.api.import_stage import stage
from gxmeter.core.clock import Clock, writer_clock
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.core.ids import is_id, is_idle
from gxmeter.energy.integrate import Progress
from gxmeter.energy.model import Source
from gxmeter.energy.sources import bytes_of, sources_under
from gxmeter.telemetry.registry import check_options
from gxmeter.workspace.loaded import Workspace

_FEW = 3
"""How many unknown runs are named [count]; a table of jobs may hold thousands."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was imported: an answer for each import, and everything remarkable about them, heaviest first."""

    answers: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The answer of ``gxmeter import --json``."""
        return {"imported": list(self.answers), "findings": [item.to_json() for item in self.findings]}


def import_telemetry(
    workspace: Workspace,
    paths: Sequence[str],
    wish: Wish,
    *,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read files or folders, here or on object storage, and make them part of a workspace.

    Findings that the readers make do not keep an import away: they are remarks on what was received, and come again
    whenever it is read. What cannot be read at all, or is in the workspace already, is refused.

    Args:
        workspace: the workspace, loaded.
        paths: of files and folders, or URLs.
        wish: what is asked of all of them.
        clock: for the time of import; by default :func:`~gxmeter.core.clock.writer_clock`.
        progress: told how many bytes of how many are done; copying and reading count each.

    Raises:
        InputError: the faults of all paths; then nothing was imported.
        OSError: the workspace cannot be written.
    """
    _check(wish, paths)
    found = _sources(paths, wish)
    work = _Work(sum(bytes_of(source) for _, sources in found for source in sources), progress)
    maker = Maker(wish, known_in(workspace, wish), (clock or writer_clock()).now_ms(), work.copied, work.read)
    with stage(workspace.root) as folder:
        drafts = _drafts(maker, found, folder, workspace.root)
        for draft in drafts:
            for built, place in draft.moves:
                target = workspace.root / place
                target.parent.mkdir(parents=True, exist_ok=True)
                built.rename(target)
    findings = [item for draft in drafts for item in (*draft.result.findings, *draft.findings)]
    findings += [item for draft in drafts for item in _undeclared(workspace, draft)]
    return Imported(tuple(draft.answer for draft in drafts), tuple(ordered(findings)))


@dataclass(slots=True)
class _Work:
    """How much is done of copying and reading, for one bar."""

    size: int
    progress: Progress | None
    done: int = 0
    file_done: int = 0

    def copied(self, count: int) -> None:
        self._add(count)

    def read(self, done_bytes: int, total_bytes: int) -> None:
        self._add(max(0, done_bytes - self.file_done))
        self.file_done = 0 if done_bytes >= total_bytes else done_bytes

    def _add(self, count: int) -> None:
        self.done += count
        if self.progress:
            self.progress(self.done, max(self.done, 2 * self.size))


def _check(wish: Wish, paths: Sequence[str]) -> None:
    """Refuse wishes that cannot be fulfilled, all their faults at once, before any file is looked at."""
    faults = [
        finding("import-id", option=option, found=text)
        for option, text in (("--run", wish.run), ("--site", wish.site))
        if text and not is_id(text)
    ]
    if wish.as_reading and wish.as_reading not in KINDS:
        faults.append(finding("import-as-reading", found=wish.as_reading, expected=" | ".join(KINDS)))
    elif wish.as_reading and (wish.run or wish.link or wish.options.jobs or not wish.site):
        faults.append(finding("import-reading-one-file", file=", ".join(paths)))
    try:
        check_options(wish.format, wish.options)
    except InputError as error:
        faults += error.findings
    if faults:
        raise InputError.from_findings(faults)


def _sources(paths: Sequence[str], wish: Wish) -> list[tuple[str, list[Source]]]:
    found: list[tuple[str, list[Source]]] = []
    faults: list[Finding] = []
    for text in dict.fromkeys(paths):
        try:
            sources = sources_under([text], format=wish.format, run=wish.run, site=wish.site, options=wish.options)
            if wish.as_reading and (len(sources) > 1 or Path(text).is_dir()):
                raise InputError("import-reading-one-file", file=text)  # noqa: TRY301 - collected with the others
            found.append((text, sources))
        except InputError as error:
            faults += error.findings
    if faults:
        raise InputError.from_findings(faults)
    return found


def _drafts(maker: Maker, found: Sequence[tuple[str, list[Source]]], folder: Path, root: Path) -> list[Draft]:
    drafts: list[Draft] = []
    faults: list[Finding] = []
    for number, (text, sources) in enumerate(found):
        try:
            drafts += _drafts_of(maker, text, sources, folder / str(number), root)
        except InputError as error:
            faults += error.findings
    faults += _twice(drafts)
    faults += [item for draft in drafts for item in _siteless(draft)]
    if faults:
        raise InputError.from_findings(ordered(faults))
    return drafts


def _drafts_of(maker: Maker, text: str, sources: list[Source], folder: Path, root: Path) -> Iterator[Draft]:
    if maker.wish.as_reading:
        yield maker.reading(text, sources, folder)
    elif is_journal(maker.wish) and all(names_itself(source) for source in sources):
        for number, source in enumerate(sources):
            yield maker.journal(source.label, source, folder / str(number), root)
    else:
        yield maker.telemetry(text, sources, folder)


def _twice(drafts: Sequence[Draft]) -> list[Finding]:
    """The same bytes or the same journal handed in twice by one command."""
    seen: dict[str, str] = {}
    faults = []
    for draft in drafts:
        marks = {unit.sha256 for unit in draft.units} | {place for _, place in draft.moves}
        other = next((seen[mark] for mark in sorted(marks) if mark in seen), None)
        if other is not None:
            faults.append(finding("import-known", file=draft.text, other=other))
        seen |= dict.fromkeys(marks, draft.text)
    return faults


def _siteless(draft: Draft) -> list[Finding]:
    if any(not key.site for key in draft.result.leaves):
        return [finding("import-site-missing", file=draft.text)]
    return []


def _undeclared(workspace: Workspace, draft: Draft) -> Iterator[Finding]:
    """Runs and sites of an import that the workspace does not know; as with ``gxmeter run``, that stops nothing."""
    sites = {key.site for key in draft.result.leaves} | ({draft.answer.get("site", "")} - {""})
    runs = {key.run for key in draft.result.leaves if not is_idle(key.run)}
    for site in sorted(sites - set(workspace.ids("site"))):
        expected = ", ".join(workspace.ids("site")) or "-"
        yield finding("import-site-unknown", file=draft.text, found=site, expected=expected)
    unknown = sorted(runs - set(workspace.ids("run")))
    if unknown:
        first = ", ".join(unknown[:_FEW]) + (", …" if len(unknown) > _FEW else "")
        yield finding("import-run-unknown", file=draft.text, count=len(unknown), found=first)
