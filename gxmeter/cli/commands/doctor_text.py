"""How ``gxmeter doctor`` shows its diagnosis: a table that fits 80 columns, then what to mend; or one JSON document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gxmeter.core.findings import Level
from gxmeter.core.numbers import plain
from gxmeter.meter.doctor.examine import Advice, Diagnosis, device
from gxmeter.meter.doctor.readings import Reading
from gxmeter.meter.show.amounts import columns, cut, padded, power

WIDTH = 80
"""Columns that the text needs."""

_MARKS = {Level.MUST: "x", Level.SHOULD: "!", Level.MAY: "-"}
_GRADE_WORDS = {
    "A": ("実測", "measured"),
    "B": ("実測", "measured"),
    "C": ("実測", "measured"),
    "D": ("実測", "measured"),
    "E": ("推計", "estimated"),
    "F": ("申告", "declared"),
    "X": ("按分", "shared"),
}
_LEAST_MODEL = 8
_PIECES = re.compile(r"[!-~]+|[ ]+|.")
_NEVER_FIRST = "、。,.)」』】ー・"
_GIB = 1 << 30


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The JSON answer: quantities are decimal texts, ``null`` is "not known"."""
    host = diagnosis.host
    return {
        "host": {
            "name": host.name,
            "kernel": host.kernel,
            "processor": host.processor,
            "virtual": host.virtual,
            "container": host.container or None,
            "allocation": dict(diagnosis.allocation.facts),
        },
        "power_w": {
            "measured": _watts(diagnosis.power_mw(estimated=False)),
            "estimated": _watts(diagnosis.power_mw(estimated=True)),
        },
        "sensors": [_sensor(diagnosis, reading) for reading in diagnosis.readings],
        "findings": [
            {**advice.finding.to_json(), **({"mend": list(advice.commands)} if advice.commands else {})}
            for advice in diagnosis.advice
        ],
    }


def _sensor(diagnosis: Diagnosis, reading: Reading) -> dict[str, Any]:
    part = reading.part
    return {
        "sensor": reading.sensor,
        "version": reading.version,
        "driver": reading.driver,
        "part": part.label,
        "kind": part.kind,
        "device": device(diagnosis.host, reading),
        "name": part.name,
        "uuid": part.uuid,
        "method": reading.method,
        "grade": reading.grade,
        "boundary": part.boundary,
        "rated_w": _watts(part.rated_mw),
        "power_w": _watts(reading.power_mw),
        "counts": reading.counts,
        "beside": reading.beside,
        "fault": reading.why.code if reading.why else None,
        "measured_by": reading.measured_by,
    }


def _watts(milliwatts: int | None) -> str | None:
    return None if milliwatts is None else plain(Decimal(milliwatts).scaleb(-3))


def text(diagnosis: Diagnosis, *, ja: bool) -> Iterator[str]:
    """The answer for people, line by line."""
    yield _machine(diagnosis, ja=ja)
    yield ""
    if diagnosis.readings:
        yield from _table(diagnosis, ja=ja)
        yield ""
    mend = [advice for advice in diagnosis.advice if advice.commands or advice.finding.level is not Level.MAY]
    know = [advice for advice in diagnosis.advice if advice not in mend]
    if not mend:
        yield "直すところはありません。" if ja else "Nothing to mend."
    else:
        yield "直すところ(効果の大きい順)" if ja else "To mend, most useful first"
    for advice in mend:
        yield from _advice(advice, ja=ja)
    if know:
        yield ""
        yield "知っておくこと" if ja else "To know"
    for advice in know:
        yield from _advice(advice, ja=ja)


def _machine(diagnosis: Diagnosis, *, ja: bool) -> str:
    host, allocation = diagnosis.host, diagnosis.allocation
    facts = [host.kernel, host.processor]
    if host.virtual:
        facts.append("仮想マシン" if ja else "virtual machine")
    if host.container:
        facts.append(f"コンテナー({host.container})" if ja else f"container ({host.container})")
    share = allocation.share_cpu()
    cpus = (
        str(allocation.cpus_host)
        if share is None
        else f"{_fraction(share, allocation.cpus_host)}/{allocation.cpus_host}"
    )
    facts.append(f"{cpus} CPU" if ja else f"{cpus} CPUs")
    if allocation.memory_host_bytes:
        ours = allocation.memory_bytes
        whole = f"{allocation.memory_host_bytes / _GIB:.0f} GiB"
        facts.append(whole if ours is None else f"{ours / _GIB:.0f}/{whole}")
    return "\n".join(_wrapped(f"{host.name}: {', '.join(facts)}", ""))


def _fraction(share: tuple[int, int], cpus: int) -> str:
    """Our CPUs of all, e.g. 2.5."""
    return f"{share[0] * cpus / share[1]:g}"


# ------------------------------------------------------------------ the table


def _table(diagnosis: Diagnosis, *, ja: bool) -> Iterator[str]:
    head = ("部位", "機種", "読み方", "等級", "現在") if ja else ("part", "model", "read by", "grade", "now")
    rows = [_row(reading, ja=ja) for reading in diagnosis.readings]
    widths = [max(columns(row[place]) for row in [head, *rows]) for place in range(5)]
    rest = WIDTH - 2 - 2 * 4 - sum(widths) + widths[1]
    widths[1] = min(widths[1], max(rest, _LEAST_MODEL))
    yield _line(head, widths)
    last = ""
    for reading, row in zip(diagnosis.readings, rows, strict=True):
        title = _title(reading, ja=ja)
        if title != last:
            yield cut(title, WIDTH)
        last = title
        yield _line(row, widths)
    yield _sum(diagnosis, ja=ja)
    if not all(reading.counts for reading in diagnosis.readings):
        yield "( ) は比較用で、合計に含めません。" if ja else "( ) is kept for comparison and not in the sum."


def _row(reading: Reading, *, ja: bool) -> tuple[str, str, str, str, str]:
    word = _GRADE_WORDS[reading.grade[0]][0 if ja else 1]
    now = "-" if reading.power_mw is None else power(reading.power_mw)
    return (
        reading.part.label,
        reading.part.name,
        reading.method,
        f"{reading.grade} {word}",
        now if reading.counts else f"({now})",
    )


def _line(row: tuple[str, str, str, str, str], widths: list[int]) -> str:
    cells = [padded(cut(cell, width), width) for cell, width in zip(row[:4], widths[:4], strict=True)]
    return ("  " + "  ".join([*cells, padded(row[4], widths[4], right=True)])).rstrip()


def _title(reading: Reading, *, ja: bool) -> str:
    driver = f"ドライバー {reading.driver}" if ja else f"driver {reading.driver}"
    return f"{reading.sensor} {reading.version}" + (f" ({driver})" if reading.driver else "")


def _sum(diagnosis: Diagnosis, *, ja: bool) -> str:
    measured, estimated = diagnosis.power_mw(estimated=False), diagnosis.power_mw(estimated=True)
    if measured is None and estimated is None:
        return "合計: 値がありません。" if ja else "Together: no number."
    whole = power((measured or 0) + (estimated or 0))
    if estimated is None:
        return f"合計 {whole}(すべて実測)" if ja else f"Together {whole}, all measured"
    if measured is None:
        return f"合計 {whole}(すべて推計)" if ja else f"Together {whole}, all estimated"
    known, guessed = power(measured), power(estimated)
    return (
        f"合計 {whole}(実測 {known}、推計 {guessed})"
        if ja
        else f"Together {whole}: {known} measured, {guessed} estimated"
    )


# ------------------------------------------------------------------ what to mend


def _advice(advice: Advice, *, ja: bool) -> Iterator[str]:
    item = advice.finding
    yield from _wrapped(f"{_MARKS[item.level]} {item.ja if ja else item.en}", "  ")
    for command in advice.commands:
        yield f"      {command}"


def _wrapped(sentence: str, indent: str) -> Iterator[str]:
    """A sentence in lines of at most 80 columns; words stay whole, and no line begins with a closing sign."""
    line = ""
    for piece in _PIECES.findall(sentence):
        if line.strip() and columns(line + piece) > WIDTH and piece[0] not in _NEVER_FIRST:
            yield line.rstrip()
            line = indent
            if piece.isspace():
                continue
        line += piece
    if line.strip():
        yield line.rstrip()
