"""Samples of a Prometheus server, fetched into a folder of answers as received, one file a query and window of time.

By default samples are fetched as they were scraped, with the scrape's own times (``query`` with a range selector). A
range query (``step_ms``) would repeat the newest sample for up to five minutes and place it at even steps. What lies in
the folder whole is not fetched again, so that a pull that was cut off, or whose end moves on, goes on where it stopped.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from gxmeter.core.calendar import instant
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_file
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.prometheus.answers import Answers
from gxmeter.telemetry.prometheus.notes import Notes
from gxmeter.telemetry.pull.client import MAX_ANSWER, Client, TooMuchError
from gxmeter.telemetry.pull.manifest import Manifest, Part, load
from gxmeter.telemetry.pull.windows import Window, halves, missing, pieces

DEFAULT_MATCH = ('{__name__=~"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION|DCGM_FI_DEV_POWER_USAGE"}',)
"""What is fetched where nothing else is asked for: the GPUs' energy counters, and their power."""
CHUNK_MS = 6 * 3_600_000
"""Time that one file covers [ms]: 1,000 GPUs scraped every 15 s are 3 million samples of two metrics."""
MAX_POINTS = 11_000
"""Points of a series that a range query may ask for (Prometheus, web/api/v1)."""
SHORTEST_MS = 10_000
"""A window of raw samples is not halved below this [ms]."""

_PACKING = 5
_LEAST_CHUNK_MS = 1_000
_MESSAGE = 1 << 20
_PART = ".pull-"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be fetched: the time, selectors, and the step of a range query [ms]; 0: samples as scraped."""

    window: Window
    queries: tuple[str, ...] = DEFAULT_MATCH
    step_ms: int = 0
    chunk_ms: int = CHUNK_MS
    max_bytes: int = MAX_ANSWER


@dataclass(slots=True)
class Pulled:
    """What has been done: files fetched, files that were there, and what is to be said."""

    manifest: Manifest
    fetched: list[Part] = field(default_factory=list)
    kept: int = 0
    findings: list[Finding] = field(default_factory=list)


Progress = Callable[[int, int], None]
"""Told how much of the time has been fetched, and how much there is [ms]."""


def pull(client: Client, wish: Wish, folder: Path, *, now_ms: int, progress: Progress | None = None) -> Pulled:
    """Fetch what is not there yet.

    Args:
        client: the server.
        wish: what is wanted.
        folder: new, empty, or of an earlier pull of the same.
        now_ms: the time [Unix ms]; what lies after it cannot be fetched.
        progress: called after each file.

    Raises:
        InputError: ``pull-window``, ``pull-step``, ``pull-folder``, ``pull-folder-other``, ``pull-answer``,
            ``pull-too-much``; what :meth:`Client.fetch` raises. Files that were fetched before it stay and count.
    """
    _check(wish, now_ms)
    known = load(folder)
    server = _version(client)
    fresh = Manifest(client.url, server, wish.step_ms, wish.queries)
    if known is not None and (known.url, known.step_ms, known.queries) != (client.url, wish.step_ms, wish.queries):
        raise InputError("pull-folder-other", file=str(folder), found=known.url)
    folder.mkdir(parents=True, exist_ok=True)
    for torn in folder.glob(f"{_PART}*"):
        torn.unlink(missing_ok=True)
    done = Pulled(fresh if known is None else known.whole(folder))
    done.kept = len(done.manifest.parts)
    todo = list(_windows(wish, done.manifest))
    total_ms, at_ms = sum(window.length_ms for _, window in todo), 0
    for query, window in todo:
        _fetch(client, wish, folder, (query, window), done)
        at_ms += window.length_ms
        if progress:
            progress(at_ms, total_ms)
    done.manifest.save(folder)
    if not any(part.samples for part in done.manifest.parts):
        done.findings.append(finding("pull-nothing", file=folder.name, found="; ".join(wish.queries)))
    return done


def _check(wish: Wish, now_ms: int) -> None:
    window = wish.window
    if window.length_ms <= 0 or window.from_ms < 0 or window.to_ms > now_ms:
        raise InputError(
            "pull-window", found=f"{instant(window.from_ms)} – {instant(window.to_ms)}", expected=instant(now_ms)
        )
    if wish.step_ms < 0 or wish.chunk_ms < max(_LEAST_CHUNK_MS, wish.step_ms):
        raise InputError("pull-step", found=wish.step_ms, expected=wish.chunk_ms)


def _windows(wish: Wish, manifest: Manifest) -> Iterator[tuple[int, Window]]:
    """Queries and times that are not there yet, in order of time."""
    longest_ms = wish.chunk_ms
    if wish.step_ms:
        longest_ms = min(longest_ms // wish.step_ms, MAX_POINTS) * wish.step_ms
    todo = []
    for query in range(len(wish.queries)):
        covered = [Window(part.from_ms, part.to_ms) for part in manifest.parts if part.query == query]
        for hole in missing(wish.window, covered):
            todo += [(query, piece) for piece in pieces(hole, longest_ms)]
    yield from sorted(todo, key=lambda one: (one[1], one[0]))


def _fetch(client: Client, wish: Wish, folder: Path, asked: tuple[int, Window], done: Pulled) -> None:
    """Fetch one window, in halves where it is too much at once."""
    query, window = asked
    path, parameters = _request(wish, wish.queries[query], window)
    try:
        with _temporary(folder) as (temporary, out):
            client.fetch(path, parameters, out, limit=wish.max_bytes)
            out.flush()
            part = _kept(temporary, folder, asked, done)
    except TooMuchError as error:
        parts = halves(window, wish.step_ms or SHORTEST_MS)
        if parts is None:
            raise InputError("pull-too-much", found=str(error) or "-", file=instant(window.from_ms)) from None
        for half in parts:
            _fetch(client, wish, folder, (query, half), done)
        return
    done.fetched.append(part)
    done.manifest = done.manifest.with_part(part)
    done.manifest.save(folder)


def _request(wish: Wish, query: str, window: Window) -> tuple[str, dict[str, str]]:
    """Path and parameters of a request for [from, to).

    A range selector takes its own end in, and before Prometheus 3 its beginning too: the window is asked for as the
    time up to its last millisecond, and the one sample that may come from the millisecond before it is in the file
    before this one as well, where it counts once.
    """
    if wish.step_ms:
        start, end = _seconds(window.from_ms), _seconds(window.to_ms - 1)
        step = _seconds(wish.step_ms)
        return "/api/v1/query_range", {"query": query, "start": start, "end": end, "step": step}
    at = _seconds(window.to_ms - 1)
    return "/api/v1/query", {"query": f"{query}[{window.length_ms}ms]", "time": at}


def _seconds(ms: int) -> str:
    """Milliseconds as seconds in decimals.

    >>> _seconds(1_775_000_000_007)
    '1775000000.007'
    """
    return f"{ms // 1000}.{ms % 1000:03d}"


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file beside its place; gone at the end unless it was renamed."""
    handle, name = tempfile.mkstemp(prefix=_PART, dir=folder)
    try:
        with os.fdopen(handle, "w+b") as out:
            yield Path(name), out
    finally:
        Path(name).unlink(missing_ok=True)


def _kept(temporary: Path, folder: Path, asked: tuple[int, Window], done: Pulled) -> Part:
    """Look an answer through, pack it, and put it in its place.

    Raises:
        InputError: ``pull-answer``: it is not what was asked for.
    """
    query, window = asked
    name = _name(window, query)
    notes = Notes()
    answers = Answers(temporary, name, notes)
    series, samples = 0, 0
    for one in answers.series():
        extent = one.extent()
        series += 1
        samples += extent.samples if extent else 0
    told = [item for item in notes.findings() if item.code != "prometheus-no-series"]
    faults = [item for item in told if item.level == "must"]
    if faults or answers.documents != 1:
        raise InputError.from_findings(faults or [finding("pull-answer", file=name, found=str(answers.documents))])
    done.findings += told
    with _temporary(folder) as (packed, out):
        with temporary.open("rb") as plain, gzip.GzipFile("", "wb", _PACKING, out, 0) as pack:
            while block := plain.read(1 << 20):
                pack.write(block)
        out.flush()
        os.fsync(out.fileno())
        packed.chmod(0o644)
        digest = sha256_file(packed)
        packed.replace(folder / name)
    return Part(name, query, window.from_ms, window.to_ms, series, samples, digest)


def _name(window: Window, query: int) -> str:
    """A file's name: its time and the number of its query; nothing that the server says.

    >>> _name(Window(1_775_001_600_000, 1_775_005_200_000), 0)
    '20260401T000000Z-20260401T010000Z.q1.json.gz'
    """
    start, end = (instant(ms).replace("-", "").replace(":", "") for ms in window)
    return f"{start}-{end}.q{query + 1}.json.gz"


def _version(client: Client) -> str:
    """The server's version as it says; empty where it does not. Shows early that it can be reached."""
    with tempfile.TemporaryFile() as out:
        try:
            client.fetch("/api/v1/status/buildinfo", {}, out, limit=_MESSAGE)
        except TooMuchError:
            return ""
        except InputError as error:
            if error.code == "pull-refused":
                return ""
            raise
        out.seek(0)
        try:
            document = json.loads(out.read())
        except (ValueError, RecursionError):
            return ""
    data = document.get("data") if isinstance(document, dict) else None
    version = data.get("version") if isinstance(data, dict) else None
    return "".join(c for c in version[:80] if c.isprintable()) if isinstance(version, str) else ""
