"""What only the records of all machines together can tell: nodes that are missing, machines measured twice.

Every finding here is about energy that is not in the figures, or is in them twice; none can be seen in one record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice
from typing import NamedTuple

from gxmeter.core.findings import Finding, finding
from gxmeter.energy.double_time import share_calendar
from gxmeter.energy.model import EnergyResult, SourceFacts
from gxmeter.telemetry.model import Origin, PartFact

_LISTED = 20
"""Node numbers that are named; a job of a thousand nodes would fill a page."""

_NO_BOOT = ("", "unknown")


class _Record(NamedTuple):
    """A source with its name and what it says of itself."""

    name: str
    facts: SourceFacts
    origin: Origin


def fleet_findings(result: EnergyResult, doubles: Iterable[Finding] = ()) -> list[Finding]:
    """Missing nodes of jobs, devices under two names, and what the leaves show of double counting.

    Args:
        result: integrated energy of all telemetry that there is; of a part of it the answer would mislead.
        doubles: the findings of :mod:`gxmeter.energy.double`; a copy that the records themselves tell of is left out.
    """
    records = list(_records(result))
    names = list(_two_names(records))
    told = {_files(item) for item in names}
    others = [item for item in doubles if item.code not in {"series-twice", "series-equal"} or _files(item) not in told]
    return [*_missing_nodes(records), *names, *others]


def _files(item: Finding) -> frozenset[str | None]:
    return frozenset({item.file, dict(item.params).get("other")})


def _records(result: EnergyResult) -> Iterator[_Record]:
    """The sources that name their origin, each journal once: a copy is named elsewhere."""
    seen: set[tuple[str, str]] = set()
    for (name, _), facts in zip(result.sources, result.facts, strict=True):
        if facts.origin is not None and (facts.origin.journal, facts.origin.site) not in seen:
            seen.add((facts.origin.journal, facts.origin.site))
            yield _Record(name, facts, facts.origin)


def _missing_nodes(records: Iterable[_Record]) -> Iterator[Finding]:
    """Jobs whose launcher named more nodes than left a record; every attempt and every size of a job is one."""
    runs: dict[str, list[_Record]] = defaultdict(list)
    for record in records:
        runs[record.origin.run].append(record)
    for run, members in sorted(runs.items()):
        took_part = [record for record in members if not record.origin.measures]
        numbered = {record.origin.boot for record in members if record.origin.node is not None}
        for nodes, job in _jobs(members):
            said = {record.origin.node for record in (*job, *took_part)}
            present = {node for node in said if node is not None and node < nodes}
            nameless = {record.origin.boot for record in job} - numbered
            count = nodes - len(present) - len(nameless)
            if count > 0:
                yield _nodes_missing(run, job[0].name, nodes, present, count)


def _jobs(members: Sequence[_Record]) -> Iterator[tuple[int, list[_Record]]]:
    """The jobs of a run: number of nodes and the records that measured them.

    A meter outside the launcher knows no nodes; then those that took part inside of it say how many there are.
    """
    measuring = [record for record in members if record.origin.measures]
    jobs: dict[tuple[str, str, int], list[_Record]] = defaultdict(list)
    for record in measuring:
        origin = record.origin
        if origin.nodes is not None:
            jobs[origin.job, origin.attempt, origin.nodes].append(record)
    if jobs:
        yield from ((nodes, job) for (_, _, nodes), job in sorted(jobs.items(), key=lambda item: item[0]))
    elif measuring:
        yield max((record.origin.nodes or 1 for record in members), default=1), measuring


def _nodes_missing(run: str, file: str, nodes: int, present: set[int], count: int) -> Finding:
    missing = (node for node in range(nodes) if node not in present)
    which = [str(node) for node in islice(missing, _LISTED)]
    which += ["..."] if nodes - len(present) > _LISTED else []
    return finding(
        "run-nodes-missing", file=file, run=run, expected=nodes, found=nodes - count, missing=", ".join(which)
    )


def _two_names(records: Sequence[_Record]) -> Iterator[Finding]:
    """One machine or device measured at one time under two device ids or at two sites: it would be counted twice."""
    groups: dict[tuple[str, str], list[tuple[_Record, PartFact]]] = defaultdict(list)
    for record in records:
        for part in record.origin.parts:
            if part.uuid:
                groups["", part.uuid].append((record, part))
            elif record.origin.boot not in _NO_BOOT:
                groups[record.origin.boot, part.label].append((record, part))
    told: set[tuple[str, str]] = set()
    for members in (groups[identity] for identity in sorted(groups)):
        if len({(record.origin.site, part.device) for record, part in members}) == 1:
            continue
        for (one, first), (other, second) in combinations(members, 2):
            names = (one.name, other.name)
            sites = (one.origin.site, other.origin.site)
            is_one = (sites[0], first.device) == (sites[1], second.device)
            if not is_one and names not in told and _meet(one, other):
                told.add(names)
                moved = sites[0] != sites[1]
                devices = ", ".join(
                    f"{site}/{part.device}" if moved else part.device
                    for site, part in zip(sites, (first, second), strict=True)
                )
                yield finding("device-two-names", file=other.name, other=one.name, devices=devices)


def _meet(one: _Record, other: _Record) -> bool:
    """Whether two records share time: by the clock of the boot where it is the same, else by the calendar."""
    a, b = one.origin, other.origin
    if a.boot == b.boot:
        return a.start_ns < b.end_ns and b.start_ns < a.end_ns
    return share_calendar(one.facts, other.facts)
