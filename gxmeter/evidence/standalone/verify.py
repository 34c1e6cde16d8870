#!/usr/bin/env python3
"""Re-compute a gxmeter verification package with bare Python 3.11+.

Use: ``python3 verify.py PACKAGE [--trust FILE] [--json]``; PACKAGE is a folder or a .zip, which is not unpacked.

Promised: the steps 1-6 of the specification (docs/reference/package.md) in its order and numbering, from the
files of the package alone: seal, form, completeness, factors, every line, every figure, roadmap. One file,
standard library only, no network, nothing written, nothing unpacked. Unforeseen input is a finding, not a crash.

Not promised: that a sensor told the truth, that a document behind a number is genuine, that data were complete
before they were sealed. Without a trust file (it travels another way than the package) nobody says whose key
this is, which registry is the published one, or which roadmap was approved; ``not_checked`` lists such things.
Run your own copy of this file: the one inside a package came with the package.

Exit codes: 0 re-computed, all agrees; 1 findings of level must; 2 could not run; 3 findings of level should only.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.path.pop(0)  # a file in the package must not pose as a module of the standard library

import argparse
import base64
import hashlib
import io
import json
import os
import re
import stat
import zipfile
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Span = tuple[int, int]
ONE, ZERO = Decimal(1), Decimal(0)
EXACT = Context(prec=50)  # decimal arithmetic of steps 3-6
SLOT_MS = 1_800_000
JST = timezone(timedelta(hours=9))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT_LIMIT = 16 << 20  # bytes of one JSON, HTML or tag file
TOTAL_LIMIT = 8 << 30  # bytes of a package
RATIO_LIMIT = 250  # unpacked to packed bytes of one zip member; RFC 1951 reaches 1032
FINDING_LIMIT = 100  # findings of one code in one file; the others are counted in "suppressed"
STEP_NAMES = ("inventory and seal", "form", "completeness", "factors", "lines and figures", "history and approval")
STEP_NAMES_JA = ("一覧と封印", "形式", "完全性と物理", "係数", "明細と数値", "履歴と承認")

# Finding codes by step: code | Japanese | English. A "?" after the code: level should, else must.
CODES = """
# 0
not-a-package | bagit.txt がなく、検証パッケージではありません | is no verification package: it holds no bagit.txt
trust-unreadable | 信頼ファイルが読めません | cannot be read as a trust file
unparsable | 想定外の内容のため処理を続けられません | holds something unforeseen, so this part could not be judged
archive-too-large | zip の展開後の大きさが上限を超えます | unpacks to more than is allowed, and was not read
nothing-evaluated | 明細または数値を一つも再計算していません | gave no line or no figure to re-compute; this is no pass
# 1
manifest-malformed | マニフェストの記載が規則に合いません | is not a manifest as specified
path-unsafe | 使えないパスまたはリンクです | has a path that is not allowed (or is a link)
file-missing | 必要なファイルがありません | is required but missing
file-altered | 封印後に内容が変わっています | was changed after sealing
file-unlisted | どのマニフェストにも載っていません | is listed in no manifest
bagit-malformed | BagIt の記載が合いません | does not hold as a BagIt tag file
signature-missing | 署名または公開鍵がありません | is missing: signature or public key
signature-malformed | 署名の形式が規則に合いません | is not a signature as specified
subject-mismatch | 署名の対象がこのパッケージではありません | signs something else than this package
signature-invalid | 署名が正しくありません | carries a signature that does not verify
signer-unknown | 署名鍵が信頼ファイルにありません | is signed by a key that the trust file does not list
signer-wrong-role | 署名鍵の役割が違います | is signed by a key of another role
signer-out-of-window | 署名鍵の有効期間外です | is signed by a key outside its validity
verifier-replaced | verify.py が信頼ファイルのものと違います | is not the trusted verify.py; run your own copy
trust-not-given? | 信頼ファイルがないため署名者は未確認です | was judged without trust file, so the signer stays unknown
# 2
text-malformed | 文字コード・改行・引用符が規則に合いません | breaks the text rules (UTF-8, LF, quoting)
table-header | 列名の行が規則と違います | has another header than specified
cell-malformed | セルの値が規則に合いません | has a cell that is not allowed
json-malformed | JSON が規則に合いません | is not JSON as specified
row-order | 行が主キーの順に並んでいません | has rows out of the order of their key
id-duplicate | 主キーが重複しています | has a key twice
reference-dangling | 参照先の行がありません | names a row that does not exist
count-mismatch | 行数が statement.json と違います | has another number of rows than statement.json says
# 3
period-mismatch | 期間が年度の端と一致しません | has a period that is not the fiscal year
activity-off-slot | 年度内の30分区間に合いません | has a row off the half-hour slots of the year
activity-duplicate | 同じ計測が二度あります | has the same measurement twice
device-counted-twice | 機器の計測時間が30分を超えます | covers a device for more time than there is
activity-incomplete | 行の合計が run_headers.jsonl と一致しません | does not add up to run_headers.jsonl
energy-implausible | 定格電力から見てあり得ない電力量です | has more energy than the rated power can give
energy-negative | 電力量が負です | has a negative energy
pue-out-of-range | PUE・比率・割合が範囲外です | has a PUE, ratio or share out of range
contract-overlap | 同じサイトの契約期間が重なっています | has overlapping contracts of one site
pue-overlap | 同じサイトの PUE 期間が重なっています | has overlapping PUE periods of one site
cut-off-slot | 区切りの時刻が30分区間の端ではありません | has an edge that is not a half-hour
# 4
factor-unregistered | 係数が登録簿の記載と一致しません | has a factor that is not as registered
factor-unused | どの明細でも使われない係数です | has a factor that no line uses
registry-unknown | 係数登録簿が信頼ファイルのものと違います | is not the trusted factor registry
factor-illustrative? | 例示用の係数です | uses an illustrative factor
factor-status | 使えない状態の係数です | uses a factor whose status is not allowed
factor-source-missing | 係数の出典がありません | has a factor without source
factor-unit-wrong | 係数の単位が違います | has a factor in a wrong unit
factor-year-wrong | 係数の年度または暫定の記載が違います | has a factor of a wrong year or provisional mark
provisional-wrong | 暫定の記載が係数と一致しません | states another provisional mark than its factors show
factor-provisional? | 公表前のため暫定の係数です | uses an earlier factor provisionally
factor-not-published | 確定版に暫定の係数は使えません | is final but uses a provisional factor
factor-not-applicable | この契約・年度に適用される係数ではありません | uses a factor that does not apply here
menu-not-published? | メニュー別係数がなく残差を使います | has a menu without own factor; the residual is used
whole-where-residual-exists? | 残差があるのに事業者全体の係数です | uses a whole-supplier factor where a residual exists
menu-assumed-residual? | メニュー不明のため残差とみなしました | names no menu; the residual is assumed
factor-missing | 適用できる係数がありません | has no applicable factor
contract-missing? | 電力契約がなく代替値を使います | has time without contract; the substitute value is used
# 5
boundary-step-missing? | 境界の比率が不明のため1としました | lacks a boundary ratio; it counts as 1
runs-exceed-meter | 学習の電力量がメーター値を超えます | has runs that use more than the meter shows
meter-crosses-contract | メーター期間が契約または年度の端をまたぎます | has a reading across a contract or year edge
certificate-without-contract | 証書の契約がありません | has a certificate for a contract that does not exist
certificate-outside-vintage | 証書の期間が契約期間と重なりません | has a certificate outside the contract's time
certificate-on-zero-menu | 係数0の契約に証書を重ねています | has a certificate on a contract of factor 0
certificate-exceeds-consumption? | 証書の量が消費量を超えます | has a certificate above consumption
ratio-not-published? | 証書の補正比率は未公表のため未適用です | has a certificate without published ratio
line-mismatch | 明細が再計算と一致しません | has a line that differs from the re-computed one
line-missing | 再計算した明細がありません | lacks a line that was re-computed
line-unexpected | 再計算で生じない明細です | has a line that re-computation does not give
scope1-not-assessed? | 直接排出源が未評価です | has a site whose direct sources are not assessed
figure-missing | 必要な数値がありません | lacks a required figure
figure-unexpected | 規則にない数値です | has a figure that is not foreseen
figure-mismatch | 数値が再計算と一致しません | has a figure that differs from the re-computed one
report-figure-mismatch | 報告書の数値が figures.csv と違います | prints a number that is not the figure's
# 6
roadmap-mismatch | ロードマップの目標が一致しません | does not agree with the roadmap's targets
roadmap-changed-since-approval | 承認後にロードマップが変更されています | was changed after its approval
roadmap-unapproved? | この版の承認記録がありません | has no approval of this version
roadmap-state-wrong | 記載されたロードマップの状態が事実と違います | states another roadmap state than the files show
roadmap-unknown | 信頼ファイルのロードマップと違います | is not the trusted roadmap
progress-mismatch | 進捗が数値と一致しません | has progress that differs from the figures
sequence-replayed | 通し番号が進んでいません | has a sequence number that is not newer than the last
"""

# Tables, in the notation of the specification: s text, i integer, d decimal, p decimal as published or printed,
# t instant, b boolean; ? may be empty; * key. The sources in used.csv are judged in 4.3, so here they may be empty.
TABLE_TEXT = """
boundary/sites | site_id s* name_ja s name_en s country s supply_area s arrangement s operational_control b
 overhead_control b overhead_node d? overhead_it d? accounting_share d direct_sources s
boundary/pue | site_id s* start t* end t pue d source_class s source s
boundary/contracts | contract_id s* site_id s supplier s menu s? start t end t
boundary/devices | device_id s* site_id s* host s kind s name s rated_w d?
boundary/runs | run_id s* title_ja s title_en s frame s? stage s status s source s model s? params i?
 active_params i? tokens i? flop i? start t? end t?
boundary/declared | part_id s* run_id s site_id s start t end t boundary s device_hours d? power_w d?
 energy_kwh d? grade s evidence_id s
boundary/instruments | instrument_id s* kind s serial_first s serial_last s fy i contract_id s? vintage_start t
 vintage_end t quantity_kwh d? quantity_t d? factor_t_per_kwh d? evidence_id s
activity/energy | row_id i* run_id s site_id s device_id s start t end t boundary s method s grade s
 energy_half_uj i covered_ms i evidence_id s
activity/meters | meter_id s* site_id s start t end t kind s energy_kwh d evidence_id s
activity/raw_index | evidence_id s* path s bytes i sha256 s records i first t? last t? clean_end b?
evidence/evidence | evidence_id s* kind s path s bytes i sha256 s
factors/used | factor_id s* value p unit s actuals_fy i? applies_to_fy i? submission_fy i? edition_on s
 source_title s? source_place s? source_url s? status s provisional b
roadmap/roadmap | target_id s* measure s fy i value d unit s
method/formulas | formula_id s* expression s unit s rounding s reference s
method/grades | grade s* method s low_pct d high_pct d status s
results/lines | line_id s* kind s run_id s? site_id s contract_id s? frame s? country s start t end t month s?
 boundary s portion s method s grade s status s energy_j d energy_kwh d step_node d step_it d step_pue d share d
 facility_kwh d scope s category s? location_factor_id s location_t_per_kwh d tco2_location d market_factor_id s
 market_t_per_kwh d tco2_market d basic_factor_id s basic_t_per_kwh d tco2_basic d adjusted_factor_id s
 adjusted_t_per_kwh d tco2_adjusted d low_pct d high_pct d evidence_id s?
results/figures | figure_id s* formula_id s measure s? lines_filter s? exact d rounded p unit s decimals i rounding s
results/progress | target_id s* measure s fy i target d actual d? gap d? unit s met s?
results/lineage | line_id s* source s* first s last s
"""
TABLES = {
    name: [(c, k[0], "?" in k, "*" in k) for c, k in zip(words.split()[::2], words.split()[1::2], strict=True)]
    for name, words in (line.split(" | ") for line in TABLE_TEXT.replace("\n ", " ").strip().split("\n"))
}
COUNTED = ("boundary/", "activity/", "evidence/", "factors/", "results/")  # tables in statement.counts
BOUNDARIES = "device node it facility"
WORDS = {  # closed vocabularies that a computation or a check depends on
    "sites.arrangement": "owned colocation lease cloud allocation",
    "sites.direct_sources": "none not-assessed",
    "runs.status": "completed failed running void",
    "declared.boundary": BOUNDARIES,
    "energy.boundary": BOUNDARIES,
    "instruments.kind": "nonfossil-certificate green-power j-credit jcm",
    "lineage.source": "energy.csv declared.csv meters.csv instruments.csv",
}
CERTIFICATES = ("nonfossil-certificate", "green-power")
# The keys of JSON objects in the same notation (n any number of keys: l list, o object; "~" may be left out).
STATEMENT = """schema s report_id s sequence i supersedes s? entity_id s entity_name_ja s entity_name_en s programme s
 fy i period_start t period_end t as_of t kind s provisional b roadmap o third_party_verification s materiality_pct d
 gap_limit_s i? counts o tool o"""
HEADER = "run_id s site_id s evidence l start t end t records i clean_end b? sensors l devices l gaps l"
ENTRY = """id s commodity s kind s basis s~ number s~ menu s~ country s~ value d unit s actuals_fy i~ applies_to_fy i~
 submission_fy i~ valid_from_fy i~ valid_to_fy i~ edition_on s source o status s corrects s~ ..."""
APPROVAL = """roadmap_id s version i body s approved_on s resolution_id s agenda_item s minutes_sha256 s
 content_sha256 s"""
TRUST = "schema s keys l registry_sha256 s? roadmap o? verify_py_sha256 s? last o?"
TRUST_KEY = "keyid s public_key s role s name s valid_from s valid_to s"
TAG_FILES = {
    *("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "datapackage.json"),
    *("HOW-TO-VERIFY.ja.md", "HOW-TO-VERIFY.en.md", "verify.py"),
}
REPORTS = ("data/report/report.ja.html", "data/report/report.en.html")
JSON_FILES = {
    "datapackage": "datapackage.json",
    "environment": "data/method/environment.json",
    "checks": "data/checks/checks.json",
    "report": "data/report/report.json",
    "statement": "data/statement.json",
    "registry": "data/factors/registry/registry.json",
    "roadmap_json": "data/roadmap/roadmap.json",
    "run_headers": "data/activity/run_headers.jsonl",
    "approvals": "data/roadmap/approvals.jsonl",
}


class Fault(Exception):  # noqa: N818 - a finding on its way up, not an error of the program
    """Something in a file that stops its reading: code, line, what is allowed, what was there."""

    def __init__(self, code: str, row: int | None = None, expected: object = None, found: object = None) -> None:
        super().__init__(code)
        self.code, self.row, self.expected, self.found = code, row, expected, found


def shown(value: object) -> str:
    """Foreign text made safe for one line of output."""
    text = str(value)[:161]
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= 160 else text[:159] + "…"


def plain(value: Decimal) -> str:
    """A decimal as files write it: no exponent, trailing zeros cut."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if value else "0"


class Answer:
    """What was evaluated, what was not checked, and all findings."""

    def __init__(self) -> None:
        self.findings: list[Row] = []
        self.suppressed: Counter[str] = Counter()
        self.not_checked: list[str] = []
        self.evaluated = dict.fromkeys(("files", "rows", "factors", "lines", "figures", "targets"), 0)
        self.by_step: Counter[int] = Counter()
        self._seen: set[tuple[Any, ...]] = set()
        self._per_file: Counter[tuple[str, str | None]] = Counter()

    def find(
        self,
        code: str,
        file: str | None = None,
        row: int | None = None,
        *,
        expected: object = None,
        found: object = None,
    ) -> None:
        """Add a finding once."""
        step, level, ja, en = MESSAGES[code]
        extra = {k: shown(v) for k, v in (("expected", expected), ("found", found)) if v is not None}
        where = shown(file or "PACKAGE")
        identity = (code, file, row, *extra.items())
        self._per_file[code, file] += identity not in self._seen
        if identity in self._seen or self._per_file[code, file] > FINDING_LIMIT:
            self.suppressed[code] += identity not in self._seen
            return
        self._seen.add(identity)
        tail_ja = "、".join(f"{label} {extra[k]}" for k, label in (("expected", "正"), ("found", "実際")) if k in extra)
        tail_en = ", ".join(f"{k} {extra[k]}" for k in ("expected", "found") if k in extra)
        text = {
            "ja": f"{where}{f' {row}行' if row else ''}: {ja}{f'({tail_ja})' if tail_ja else ''}。",
            "en": f"{where}{f' row {row}' if row else ''} {en}{f' ({tail_en})' if tail_en else ''}.",
        }
        place = {k: v for k, v in (("file", file and where), ("row", row)) if v}
        self.findings.append({"code": code, "level": level, **place, **extra, "text": text, "step": step})

    def skip(self, what: str) -> None:
        """Name something that was not checked, once."""
        if what not in self.not_checked:
            self.not_checked.append(what)

    def worst(self) -> int:
        """The exit code that the findings ask for."""
        levels = {f["level"] for f in self.findings}
        return 1 if "must" in levels else 3 if "should" in levels else 0

    def document(self, verdict: str) -> Row:
        """The JSON answer, findings of level must first."""
        self.findings.sort(key=lambda f: (f["level"], f["step"], f.get("file", ""), f.get("row", 0)))
        findings = [{k: v for k, v in f.items() if k != "step"} for f in self.findings]
        answer: Row = {"verdict": verdict, "evaluated": self.evaluated, "not_checked": self.not_checked}
        return answer | {"findings": findings} | ({"suppressed": dict(self.suppressed)} if self.suppressed else {})


def _messages() -> dict[str, tuple[int, str, str, str]]:
    table, step = {}, 0
    for line in CODES.strip().split("\n"):
        if line.startswith("#"):
            step = int(line[1:])
            continue
        code, ja, en = line.split(" | ")
        table[code.rstrip("?")] = (step, "should" if code.endswith("?") else "must", ja, en)
    return table


MESSAGES = _messages()


# ------------------------------------------------------------------------------------------ reading


class Source:
    """The files of a package by relative path, from a folder or (without unpacking) from a zip."""

    def __init__(self, path: Path) -> None:
        self.sizes: dict[str, int] = {}
        self.faults: list[tuple[str, str, str]] = []  # code, file, what was found
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._root, self._zip = path, None if path.is_dir() else zipfile.ZipFile(path)
        if self._zip is None:
            self._scan_folder(path)
        else:
            self._scan_zip(self._zip.infolist())
        twins = Counter(name.lower() for name in self.sizes)
        self.faults += [("path-unsafe", n, "case twin") for n in self.sizes if twins[n.lower()] > 1]
        self.faults += [("path-unsafe", n, n) for n in self.sizes if not is_safe(n)]

    def _scan_folder(self, root: Path) -> None:
        for folder, folders, files in os.walk(root):
            for name in folders + files:
                path = Path(folder, name)
                relative, mode = path.relative_to(root).as_posix(), path.lstat().st_mode
                if stat.S_ISREG(mode):
                    self.sizes[relative] = path.lstat().st_size
                elif not stat.S_ISDIR(mode):
                    self.faults.append(("path-unsafe", relative, "link or special file"))

    def _scan_zip(self, members: list[zipfile.ZipInfo]) -> None:
        roots = [m.filename[:-9] for m in members if re.fullmatch(r"([^/]+/)?bagit\.txt", m.filename)]
        prefix = min(roots, key=len, default="")
        if sum(m.file_size for m in members) > TOTAL_LIMIT or len(members) > 100_000:
            self.faults.append(("archive-too-large", "PACKAGE", f"{sum(m.file_size for m in members)}"))
            return
        for member in members:
            name = member.orig_filename.removeprefix(prefix)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.orig_filename != member.filename or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                self.faults.append(("path-unsafe", name, "link, special file or NUL in the name"))
            elif member.file_size > RATIO_LIMIT * member.compress_size + 4096:
                self.faults.append(("archive-too-large", name, f"{member.file_size}/{member.compress_size}"))
            elif name in self.sizes:
                self.faults.append(("path-unsafe", name, "two members of one name"))
            elif not member.is_dir():
                self.sizes[name], self._members[name] = member.file_size, member

    def read(self, name: str) -> bytes:
        """The bytes of a listed file."""
        if self._zip is not None:
            return self._zip.read(self._members[name])
        with Path(self._root, name).open("rb") as file:
            return file.read(self.sizes[name] + 1)  # a file that grows meanwhile shows by its digest


def is_safe(path: str) -> bool:
    """Whether a package path is ASCII, relative and without ``..``, backslash or control characters."""
    parts = path.split("/")
    return bool(re.fullmatch(r"[!-\[\]-~ ]{1,240}", path)) and ":" not in path and not {"", ".", ".."} & set(parts)


def csv_cells(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The lines of an RFC 4180 table under the stricter file rules: (line number from 1, cells)."""
    if data.startswith(b"\xef\xbb\xbf") or not data.endswith(b"\n"):
        raise Fault("text-malformed", 1, "UTF-8 without BOM, last line ended")
    for number, raw in enumerate(io.BytesIO(data), 1):
        try:
            line = raw[:-1].decode()
        except UnicodeDecodeError as error:
            raise Fault("text-malformed", number, "UTF-8", error.reason) from None
        if not line or "\r" in line or "\0" in line:
            raise Fault("text-malformed", number, "no blank line, CR or NUL", line)
        yield number, line.split(",") if '"' not in line else _quoted_cells(line, number)


def _quoted_cells(line: str, number: int) -> list[str]:
    cells, at = [], 0
    while at <= len(line):
        match = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(?:,|$)').match(line, at)
        quoted = match and match[1]
        if not match or (quoted is not None and '"' not in quoted and "," not in quoted):
            raise Fault("text-malformed", number, "RFC 4180, quoted only where needed", line[at:])
        cells.append(match[2] if quoted is None else quoted.replace('""', '"'))
        at = match.end() + (match.end() == len(line) and not match[0].endswith(","))
    return cells


class Column(dict[str, Any]):
    """Reads the cells of one column by its type; known cells are looked up, which makes big tables fast."""

    def __init__(self, table: str, name: str, kind: str, *, optional: bool) -> None:
        super().__init__({"": "" if kind == "s" else None} if optional else {})
        words = WORDS.get(f"{table.rpartition('/')[2]}.{name}")
        is_id = kind == "s" and (name.endswith("_id") or name == "part_id")
        many = name == "evidence_id" and table in {"activity/energy", "results/lines"}
        self._allowed = set(words.split()) if words else None
        self._kind = name if name == "figure_id" else "ids" if many else "id" if is_id else kind

    def __missing__(self, cell: str) -> Any:  # noqa: ANN401 - the value's type is the column's
        value = read_value(self._kind, cell)
        if self._allowed is not None and cell not in self._allowed:
            raise ValueError(" | ".join(sorted(self._allowed)))
        if self._kind != "i" and len(self) < 200_000:
            self[cell] = value
        return value


PATTERNS = {
    "i": re.compile(r"-?(?:0|[1-9][0-9]*)"),
    "d": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?"),
    "p": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),  # trailing zeros stay
    "t": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.(?!000)[0-9]{3})?Z"),
    "b": re.compile(r"true|false"),
}
IDENTIFIER = re.compile(r"[A-Za-z0-9](?:\.(?!\.)|[A-Za-z0-9_-]){0,79}")


def read_value(kind: str, cell: str) -> Any:  # noqa: ANN401 - the value's type is the kind's
    """One cell by its type.

    Raises:
        ValueError: the cell is not of that type; its text says what is allowed.
    """
    if kind in PATTERNS and (len(cell) > 60 or not PATTERNS[kind].fullmatch(cell)):
        raise ValueError(
            {
                "d": "plain decimal, no trailing zeros",
                "p": "plain decimal",
                "t": "YYYY-MM-DDTHH:MM:SSZ",
                "b": "true | false",
            }.get(kind, "integer")
        )
    if kind == "t":
        return (datetime.fromisoformat(cell) - EPOCH) // timedelta(milliseconds=1)
    ids = {"id": [cell], "ids": cell.split("|")}.get(kind, [])
    if not all(map(IDENTIFIER.fullmatch, ids)) or (kind in {"s", "figure_id"} and (not cell or cell[0] in "=+-@\t\r")):
        raise ValueError("identifier" if ids else "text that is not empty and begins with none of = + - @")
    converters: dict[str, Callable[[str], Any]] = {"i": int, "d": Decimal, "b": "true".__eq__}
    return converters.get(kind, str)(cell)


def rows_of(answer: Answer, name: str, data: bytes) -> Iterator[tuple[int, list[Any]]]:
    """The typed rows of a table; cell faults and faults of order become findings, faults of text are raised."""
    columns = TABLES[name]
    readers = [Column(name, c, kind, optional=optional) for c, kind, optional, _ in columns]
    key_at = [i for i, column in enumerate(columns) if column[3]]
    lines, seen, last, file = csv_cells(data), set[Any](), None, f"data/{name}.csv"
    header = [column[0] for column in columns]
    if (found := next(lines)[1]) != header:
        raise Fault("table-header", 1, ",".join(header), ",".join(found))
    for number, cells in lines:
        try:
            values = [read[cell] for read, cell in zip(readers, cells, strict=True)]
        except ValueError as error:
            answer.find("cell-malformed", file, number, expected=error, found=",".join(cells))
            continue
        key = values[key_at[0]] if len(key_at) == 1 else tuple(values[i] for i in key_at)
        if last is not None and key <= last:
            answer.find("id-duplicate" if key in seen else "row-order", file, number, found=key)
        seen.add(key)
        last = key
        yield number, values


def read_json(data: bytes, row: int | None = None) -> Any:  # noqa: ANN401 - any JSON value
    """Strict JSON: no duplicate keys, floats, NaN, integers above 2^53-1, deep nesting or lone surrogates."""
    if len(data) > TEXT_LIMIT:
        raise Fault("json-malformed", row, f"{TEXT_LIMIT} bytes", len(data))
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", re.sub(rb'"(?:[^"\\]|\\.)*"', b"", data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > 40:
            raise Fault("json-malformed", row, "nesting <= 40")
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_unique, parse_float=_no, parse_constant=_no, parse_int=_int
        )
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Fault("json-malformed", row, "strict JSON without floats", error) from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    keys = Counter(key for key, _ in pairs)
    if len(keys) < len(pairs):
        raise ValueError(f"duplicate key {keys.most_common(1)[0][0]!r}")
    return dict(pairs)


def _no(text: str) -> None:
    raise ValueError(f"number {text[:40]} is a float")


def _int(text: str) -> int:
    if len(text) > 17 or abs(int(text)) >= 2**53:
        raise ValueError(f"integer {text[:40]} is too big")
    return int(text)


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The RFC 8785 form of a value that :func:`read_json` accepts (no floats, so ``json.dumps`` can write it)."""

    def ordered(part: Any) -> Any:  # noqa: ANN401
        if isinstance(part, dict):
            return {k: ordered(part[k]) for k in sorted(part, key=lambda k: k.encode("utf-16-be"))}
        return [ordered(one) for one in part] if isinstance(part, list) else part

    return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def shaped(value: Any, shape: str, row: int | None = None) -> Row:  # noqa: ANN401 - any JSON value
    """Check an object's keys and types; decimals stay texts, instants become ms under the same key."""
    if not isinstance(value, dict):
        raise Fault("json-malformed", row, "object", type(value).__name__)
    words, result = shape.replace("...", "").split(), dict(value)
    kinds = dict(zip(words[::2], words[1::2], strict=True))
    unknown = set() if "..." in shape else set(value) - set(kinds)
    missing = {k for k, kind in kinds.items() if k not in value and "~" not in kind}
    if unknown or missing:
        raise Fault("json-malformed", row, f"keys {' '.join(kinds)}", f"missing {missing}, unknown {unknown}")
    types: dict[str, type[object]] = {"i": int, "b": bool, "l": list, "o": dict}
    for key, kind in kinds.items():
        part = value.get(key)
        if part is None and (key not in value or "?" in kind):
            continue
        if type(part) is not types.get(kind[0], str):
            raise Fault("json-malformed", row, f"{key}: {kind}", part)
        try:
            result[key] = read_value({"d": "p"}.get(kind[0], kind[0]), str(part)) if kind[0] in "dt" else part
        except ValueError as error:
            raise Fault("json-malformed", row, f"{key}: {error}", part) from None
    return result


# ------------------------------------------------------------------------ Ed25519 (RFC 8032 section 5.1)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, x*y = T/Z


def _plus(a: Point, b: Point) -> Point:
    c, d = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    e, f = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    g, h, i, j = d - c, f - e, f + e, d + c
    return g * h % P, i * j % P, h * i % P, g * j % P


def _times(scalar: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while scalar:
        result = _plus(result, point) if scalar & 1 else result
        point, scalar = _plus(point, point), scalar >> 1
    return result


def _point(data: bytes) -> Point | None:
    """Decode 32 bytes (5.1.3); None unless they are the one encoding of a point of the curve."""
    sign, y = data[31] >> 7, int.from_bytes(data, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def ed25519_verify(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a 64-byte signature of a message verifies under a raw 32-byte public key (5.1.7, cofactorless)."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, nonce, s = _point(key), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if public is None or nonce is None or s >= L or _times(8, public)[0] == 0:  # no key of small order
        return False
    base = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    digest = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = _times(s, base or public), _plus(nonce, _times(digest, public))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


# ------------------------------------------------------------------------------------------ the case


class Case:
    """A package under judgement: its files, the trust file, and what the steps have read so far."""

    def __init__(self, source: Source, trust: Row | None) -> None:
        self.source, self.trust, self.answer = source, trust, Answer()
        self.digests: dict[str, str] = {}
        self.tables: dict[str, list[Row]] = {}
        self.docs: dict[str, Any] = {}
        self.activity = Activity()
        self.as_of: int | None = None
        self.dangling = False  # something that lines are built from names a row that does not exist
        self.keyid, self.tag_sha256 = "", ""
        self.expected: list[Row] | None = None  # lines
        self.figures: dict[str, Row] = {}

    def has(self, what: str, *needs: str) -> bool:
        """Whether the named tables and documents were readable; else the step goes to ``not_checked``."""
        ready = all(need in self.tables or need in self.docs for need in needs)
        if not ready:
            self.answer.skip(what)
        return ready

    def small(self, name: str) -> bytes | None:
        """A tag, JSON or HTML file; None with a finding if it is missing or too large."""
        if name not in self.source.sizes:
            self.answer.find("file-missing", name)
        elif self.source.sizes[name] > TEXT_LIMIT:
            self.answer.find("text-malformed", name, expected=f"<= {TEXT_LIMIT} bytes", found=self.source.sizes[name])
        else:
            return self.source.read(name)
        return None

    def guarded(self, file: str, work: Callable[[], None]) -> None:
        """Run a part; a fault becomes its finding, anything unforeseen the finding ``unparsable``."""
        try:
            with localcontext(EXACT):
                work()
        except Fault as fault:
            self.answer.find(fault.code, file, fault.row, expected=fault.expected, found=fault.found)
        except Exception as error:  # noqa: BLE001 - a verifier never crashes
            place = None if file.startswith("step") else file
            self.answer.find("unparsable", place, found=f"{file}: {type(error).__name__} {error}")
            self.answer.skip(file)


# --------------------------------------------------------------------------- step 1: inventory and seal


def step1_inventory(case: Case) -> None:
    """1.1 - 1.6: paths, digests, BagIt, statement, signatures, signer."""
    find, source = case.answer.find, case.source
    for code, file, what in source.faults:
        find(code, file, found=what)
    listed = {"tagmanifest-sha256.txt"}
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        case.guarded(manifest, lambda name=manifest: listed.update(_check_manifest(case, name)))  # type: ignore[misc]
    for name in sorted(source.sizes):
        if name not in listed and not name.startswith("signatures/"):
            find("file-unlisted", name)  # 1.2
    _check_bagit(case)
    case.guarded("signatures/statement.dsse.json", lambda: _check_seal(case))


def _check_manifest(case: Case, manifest: str) -> Iterable[str]:
    paths: list[str] = []
    find, payload = case.answer.find, manifest.startswith("manifest")
    data = case.small(manifest) or b""
    if not data.endswith(b"\n"):
        find("manifest-malformed", manifest, expected="last line ended")
    for number, line in enumerate(data.decode(errors="replace").split("\n")[:-1], 1):
        match = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        path = match[2] if match else ""
        if (
            not match
            or path in paths[-1:]
            or path.startswith("data/") != payload
            or (not payload and path not in TAG_FILES)
        ):
            find("manifest-malformed", manifest, number, expected="SHA-256, two spaces, a path once", found=line)
        elif not is_safe(path):
            find("path-unsafe", manifest, number, found=path)
        elif path not in case.source.sizes:
            find("file-missing", path)
        else:
            _check_digest(case, path, match[1])
        paths.append(path)
    if len(set(paths)) < len(paths) or (paths != sorted(paths) if payload else TAG_FILES - set(paths)):
        find("manifest-malformed", manifest, expected="each path once, sorted, none left out")
    return paths


def _check_digest(case: Case, path: str, stated: str) -> None:
    digest = case.digests[path] = hashlib.sha256(case.source.read(path)).hexdigest()
    case.answer.evaluated["files"] += 1
    if digest != stated:
        case.answer.find("file-altered", path, expected=stated, found=digest)


def _check_bagit(case: Case) -> None:
    """1.3."""
    payload = [size for name, size in case.source.sizes.items() if name.startswith("data/")]
    oxum = f"Payload-Oxum: {sum(payload)}.{len(payload)}"
    lines = {n: (case.small(n) or b"").decode(errors="replace").split("\n") for n in ("bagit.txt", "bag-info.txt")}
    if lines["bagit.txt"] != ["BagIt-Version: 1.0", "Tag-File-Character-Encoding: UTF-8", ""]:
        case.answer.find("bagit-malformed", "bagit.txt", expected="BagIt-Version: 1.0, UTF-8")
    if [one for one in lines["bag-info.txt"] if one.startswith("Payload-Oxum")] != [oxum]:
        case.answer.find("bagit-malformed", "bag-info.txt", expected=oxum)


def _check_seal(case: Case) -> None:
    """1.4 - 1.6."""
    find, sizes = case.answer.find, case.source.sizes
    names = ("statement.dsse.json", "tagmanifest.ed25519", "calculator.pub.pem")
    missing = [f"signatures/{n}" for n in names if f"signatures/{n}" not in sizes]
    for name in missing:
        find("signature-missing", name)
    tagmanifest = case.small("tagmanifest-sha256.txt") or b""
    case.tag_sha256 = hashlib.sha256(tagmanifest).hexdigest()
    if case.trust is None:
        find("trust-not-given")
        case.answer.skip("signer")
    elif case.trust["verify_py_sha256"] not in {None, case.digests.get("verify.py")}:
        find(
            "verifier-replaced",
            "verify.py",
            expected=case.trust["verify_py_sha256"],
            found=case.digests.get("verify.py"),
        )
    if missing:
        return
    envelope, detached, pem = (case.small(f"signatures/{n}") or b"" for n in names)
    try:
        keyid, signature, payload, kind = _open_envelope(read_json(envelope))
        _check_statement(case, read_json(payload))
        key = _pem_key(pem)
    except (Fault, KeyError, TypeError, ValueError) as error:
        found = error.found if isinstance(error, Fault) else error
        raise Fault("signature-malformed", expected="DSSE, in-toto v1, Ed25519 key", found=found) from None
    case.keyid = keyid
    trusted = [k for k in (case.trust or {"keys": []})["keys"] if k["keyid"] == keyid]
    key = bytes.fromhex(trusted[0]["public_key"]) if trusted else key
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    if hashlib.sha256(key).hexdigest() != keyid or not ed25519_verify(key, signature, pae):
        find("signature-invalid", "signatures/statement.dsse.json", found=keyid)
    if not ed25519_verify(key, detached, tagmanifest):
        find("signature-invalid", "signatures/tagmanifest.ed25519", found=keyid)
    if case.trust is not None:
        _check_signer(case, trusted)


def _open_envelope(envelope: Row) -> tuple[str, bytes, bytes, str]:
    shaped(envelope, "payload s payloadType s signatures l")
    (signature,) = envelope["signatures"]
    shaped(signature, "keyid s sig s")
    if envelope["payloadType"] != "application/vnd.in-toto+json":
        raise ValueError(envelope["payloadType"])
    payload = base64.b64decode(envelope["payload"], validate=True)
    return signature["keyid"], base64.b64decode(signature["sig"], validate=True), payload, envelope["payloadType"]


def _check_statement(case: Case, statement: Row) -> None:
    kinds = (statement["_type"], statement["predicateType"])
    if kinds != ("https://in-toto.io/Statement/v1", "urn:gxmeter:report:v1"):
        raise ValueError(kinds)
    predicate = statement["predicate"]
    if (predicate["role"], predicate["decision"]) != ("calculator", "calculated") or "signer" not in predicate:
        raise ValueError(predicate)
    case.as_of = read_value("t", predicate["as_of"])
    wanted = [{"name": "tagmanifest-sha256.txt", "digest": {"sha256": case.tag_sha256}}]
    if statement["subject"] != wanted:
        case.answer.find(
            "subject-mismatch", "signatures/statement.dsse.json", expected=wanted, found=statement["subject"]
        )
    case.docs["predicate"] = {k: predicate[k] for k in ("report_id", "fy", "entity_id", "as_of")}


def _pem_key(pem: bytes) -> bytes:
    """The raw key of a PEM SubjectPublicKeyInfo (RFC 8410: 12 fixed bytes, then 32)."""
    match = re.fullmatch(r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=]+)\s+-----END PUBLIC KEY-----\s*", pem.decode())
    der = base64.b64decode(match[1], validate=True) if match else b""
    if len(der) != 44 or der[:12] != bytes.fromhex("302a300506032b6570032100"):
        raise ValueError("no Ed25519 public key")
    return der[12:]


def _check_signer(case: Case, trusted: list[Row]) -> None:
    """1.6."""
    role = [k for k in trusted if k["role"] == "calculator"]
    inside = [k for k in role if case.as_of is not None and k["window"][0] <= case.as_of <= k["window"][1]]
    if not inside:
        code = "signer-unknown" if not trusted else "signer-out-of-window" if role else "signer-wrong-role"
        case.answer.find(code, "signatures/statement.dsse.json", found=case.keyid)


# ----------------------------------------------------------------------------------------- step 2: form

KEYS = {name.rpartition("/")[2]: columns[0][0] for name, columns in TABLES.items() if name != "activity/energy"}
REFERENCES = {
    "run_id": "runs",
    "site_id": "sites",
    "contract_id": "contracts",
    "device_id": "devices",
    "grade": "grades",
}
REFERENCES |= {"evidence_id": "evidence", "line_id": "lines"}
REFERENCES |= dict.fromkeys((c for c, *_ in TABLES["results/lines"] if c.endswith("_factor_id")), "used")
SHORT = {name.rpartition("/")[2]: name for name in TABLES}


def step2_form(case: Case) -> None:
    """Every table and document by the file rules; references; counts. Energy rows are folded as they are read."""
    for name in sorted(TABLES, key=lambda n: n == "activity/energy"):
        case.guarded(f"data/{name}.csv", lambda n=name: _read_table(case, n))  # type: ignore[misc]
    for name, path in JSON_FILES.items():
        case.guarded(path, lambda n=name, p=path: _read_document(case, n, p))  # type: ignore[misc]
    _check_references(case)
    if case.has("counts", "statement"):
        _check_counts(case)


def _read_table(case: Case, name: str) -> None:
    file, short, faults = f"data/{name}.csv", name.rpartition("/")[2], len(case.answer.findings)
    if file not in case.source.sizes:
        raise Fault("file-missing")
    rows = rows_of(case.answer, name, case.source.read(file))
    names = [column[0] for column in TABLES[name]]
    if name == "activity/energy":
        count, table = case.activity.fold(case, rows), list[Row]()
    else:
        table = [dict(zip(names, values, strict=True), _row=number) for number, values in rows]
        count = len(table)
    for row in table:
        _check_row(case, short, row)
    case.answer.evaluated["rows"] += count
    if not any(f["code"] == "cell-malformed" and f.get("file") == file for f in case.answer.findings[faults:]):
        case.tables[short], case.docs[f"count:{short}"] = table, count


def _check_row(case: Case, table: str, row: Row) -> None:
    """What a row must hold besides its types: starts before ends, amounts where they are needed."""
    edges = ("vintage_start", "vintage_end") if table == "instruments" else ("start", "end")
    if (
        row.get(edges[0]) is not None
        and row[edges[1]] is not None
        and row[edges[0]] >= row[edges[1]] + (table == "runs")
    ):
        case.answer.find("cell-malformed", f"data/{SHORT[table]}.csv", row["_row"], expected="start < end")
    need: tuple[str, ...] = ()
    if table == "instruments":
        certificate = row["kind"] in CERTIFICATES
        need = ("quantity_kwh", "factor_t_per_kwh") if certificate else ("quantity_t",)
    elif table == "declared" and row["energy_kwh"] is None:
        need = ("device_hours", "power_w")
    for column in need:
        if row[column] in {None, ""} or (column in {"quantity_t", "factor_t_per_kwh"} and row[column] < 0):
            case.answer.find("cell-malformed", f"data/{SHORT[table]}.csv", row["_row"], expected=f"{column} >= 0")


def _read_document(case: Case, name: str, path: str) -> None:
    data = case.small(path)
    if data is None:
        return
    if path.endswith(".jsonl"):
        if data and not data.endswith(b"\n"):
            raise Fault("text-malformed", None, "last line ended")
        value: Any = [read_json(line, i) for i, line in enumerate(data.split(b"\n")[:-1], 1)]
        form = b"".join(canonical(one) + b"\n" for one in value)
    else:
        value = read_json(data)
        form = canonical(value)
    if path.startswith("data/") and name != "report" and data != form:  # report.json is written for reading
        raise Fault("json-malformed", None, "canonical JSON (RFC 8785)")
    case.docs[name] = DOCUMENTS[name](value) if name in DOCUMENTS else value


def _statement(value: Any) -> Row:  # noqa: ANN401 - any JSON value
    statement = shaped(value, STATEMENT)
    shaped(statement["roadmap"], "roadmap_id s version i state s content_sha256 s")
    shaped(statement["tool"], "name s version s")
    states = {"approved", "changed-since-approval", "unapproved"}
    if statement["kind"] not in {"interim", "final"} or statement["roadmap"]["state"] not in states:
        raise Fault("json-malformed", None, "kind interim | final; roadmap.state " + " | ".join(sorted(states)))
    if statement["schema"] != "gxmeter-statement/1" or not 1970 <= statement["fy"] <= 9000:
        raise Fault("json-malformed", None, "gxmeter-statement/1, fy", (statement["schema"], statement["fy"]))
    return statement


def _registry(value: Any) -> dict[str, Row]:  # noqa: ANN401 - any JSON value
    registry = shaped(value, "schema s entries l")
    entries = [shaped(e, ENTRY) for e in registry["entries"]]
    ids = [e["id"] for e in entries]
    if registry["schema"] != "gxmeter-registry/1" or ids != sorted(set(ids)):
        raise Fault("json-malformed", None, "gxmeter-registry/1, entries sorted by id, each once")
    return {e["id"]: e for e in entries}


def _roadmap(value: Any) -> Row:  # noqa: ANN401 - any JSON value
    roadmap = shaped(value, "roadmap_id s version i entity_id s targets l ...")
    for target in roadmap["targets"]:
        shaped(target, "id s measure s fy i value d unit s")
    return roadmap


def _headers(value: list[Any]) -> list[Row]:
    headers = [shaped(one, HEADER, i) for i, one in enumerate(value, 1)]
    for number, header in enumerate(headers, 1):
        devices = [
            shaped(d, "device_id s method s rows i energy_half_uj d covered_ms i", number) for d in header["devices"]
        ]
        for gap in header["gaps"]:
            shaped(gap, "device_id s start t end t", number)
        keys = [(d["device_id"], d["method"]) for d in devices]
        if keys != sorted(set(keys)) or any("." in d["energy_half_uj"] for d in devices):
            raise Fault("json-malformed", number, "devices sorted by device_id and method, energy_half_uj an integer")
    keys = [(h["run_id"], h["site_id"]) for h in headers]
    if keys != sorted(set(keys)):
        raise Fault("json-malformed", None, "run headers sorted by run_id and site_id, each once")
    return headers


def _approvals(value: list[Any]) -> list[Row]:
    approvals = [shaped(one, APPROVAL, i) for i, one in enumerate(value, 1)]
    keys = [(a["roadmap_id"], a["version"]) for a in approvals]
    if [a["version"] for a in approvals] != sorted(a["version"] for a in approvals) or len(set(keys)) < len(keys):
        raise Fault("json-malformed", None, "approvals in order of version, each once")
    return approvals


DOCUMENTS: dict[str, Callable[[Any], Any]] = {
    "statement": _statement,
    "registry": _registry,
    "roadmap_json": _roadmap,
    "run_headers": _headers,
    "approvals": _approvals,
}


def _check_references(case: Case) -> None:
    """Every id that is not empty names a row; in lines of kind instrument-in the market factor is the instrument."""
    tables = {name: {row[column] for row in case.tables[name]} for name, column in KEYS.items() if name in case.tables}
    rows = [(name, row) for name in case.tables for row in (case.tables[name] or case.activity.names(name))]
    rows += [
        ("run_headers", row | {"evidence_id": "|".join(map(str, row["evidence"]))})
        for row in case.docs.get("run_headers", ())
    ]
    for name, row in rows:
        for column, target in REFERENCES.items():
            if column == "market_factor_id" and row.get("kind") == "instrument-in":
                target = "instruments"  # noqa: PLW2901 - see the docstring
            if target == name or column not in row or target not in tables:
                continue
            lost = sorted(set(filter(None, row[column].split("|"))) - tables[target])
            if lost:
                file = f"data/{SHORT[name]}.csv" if name in SHORT else JSON_FILES[name]
                case.answer.find("reference-dangling", file, row.get("_row"), expected=column, found=" ".join(lost))
                source = SHORT.get(name, "").partition("/")[0]
                case.dangling |= source in {"boundary", "activity"} and name != "instruments" and target != "evidence"


def _check_counts(case: Case) -> None:
    counts = case.docs["statement"]["counts"]
    wanted = {n.rpartition("/")[2] for n in TABLES if n.startswith(COUNTED)}
    if set(counts) != wanted:
        case.answer.find(
            "count-mismatch", "data/statement.json", expected=" ".join(sorted(wanted)), found=" ".join(counts)
        )
    for name in sorted(wanted & set(counts)):
        real = case.docs.get(f"count:{name}")
        if real is not None and (counts[name] != real or type(counts[name]) is not int):
            case.answer.find("count-mismatch", f"data/{SHORT[name]}.csv", expected=counts[name], found=real)


# ------------------------------------------------------------------------ step 3: completeness and physics


def fiscal_year(fy: int) -> list[int]:
    """The 13 month edges of a fiscal year, 1 April to 1 April, 00:00 JST [Unix ms]."""
    months = [datetime(fy + m // 12, m % 12 + 1, 1, tzinfo=JST) for m in range(3, 16)]
    return [(month - EPOCH) // timedelta(milliseconds=1) for month in months]


class Activity:
    """energy.csv folded while it is read: sums per run, device and method; energy per series and slot."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str, str, str], list[int]] = {}  # run, site, device, method: rows, half-uJ, ms
        self.series: dict[tuple[str, ...], dict[int, int]] = {}  # run, site, boundary, method, grade, evidence
        self.first, self.last = (2**63, 0), (-(2**63), 0)  # instant and row
        self._slots: set[int] = set()
        self._covered: dict[int, int] = {}

    def fold(self, case: Case, rows: Iterator[tuple[int, list[Any]]]) -> int:
        """Take all rows in, judging them by 3.1, 3.2 and 3.4 on the way; the number of rows."""
        file, find, count = "data/activity/energy.csv", case.answer.find, 0
        limits = {
            d["device_id"]: d["rated_w"] * 2200 for d in case.tables.get("devices", ()) if d["rated_w"] is not None
        }
        numbers: dict[tuple[str, ...], int] = {}
        for number, row in rows:
            _, run, site, device, start, end, boundary, method, grade, energy, covered, evidence = row
            count += 1
            key = (run, site, device, method)
            total = self.sums.setdefault(key, [0, 0, 0])
            total[0] += 1
            total[1] += energy
            total[2] += covered
            slots = self.series.setdefault((run, site, boundary, method, grade, evidence), {})
            slots[start] = slots.get(start, 0) + energy
            if start % SLOT_MS or end - start != SLOT_MS:
                find("activity-off-slot", file, number, expected="start on a half-hour, 30 min long")
            self.first, self.last = min(self.first, (start, number)), max(self.last, (end, number))
            if self._is_repeated(numbers.setdefault(key, len(numbers)), start):
                find("activity-duplicate", file, number, found=" ".join(key))
            there = self._cover(numbers.setdefault(key[1:], len(numbers)), start, covered)
            if covered < 0 or there > SLOT_MS:
                find("device-counted-twice", file, number, expected=f"0..{SLOT_MS} ms", found=there)
            if energy < 0:
                find("energy-negative", file, number, found=energy)
            elif device in limits and energy > limits[device] * covered:  # W x ms x 1.1 = 2200 half-uJ
                find("energy-implausible", file, number, expected=f"<= {limits[device] * covered}", found=energy)
        return count

    def _is_repeated(self, series: int, start: int) -> bool:
        mark = series << 64 | start  # instants of years 1-9999 are below 2^48 ms
        known = mark in self._slots
        self._slots.add(mark)
        return known

    def _cover(self, device: int, start: int, covered: int) -> int:
        mark = device << 64 | start
        self._covered[mark] = there = self._covered.get(mark, 0) + covered
        return there

    def names(self, table: str) -> Iterator[Row]:
        """One row for each set of ids in energy.csv, for the check of references."""
        if table == "energy":
            for run, site, device, _ in self.sums:
                yield {"run_id": run, "site_id": site, "device_id": device}
            for _, _, _, _, grade, evidence in self.series:
                yield {"grade": grade, "evidence_id": evidence}


def step3_completeness(case: Case) -> None:
    """3.1 - 3.5; the row rules of 3.1, 3.2 and 3.4 were judged while energy.csv was read."""
    find = case.answer.find
    if case.has("period", "statement", "energy"):
        year, statement, activity = fiscal_year(case.docs["statement"]["fy"]), case.docs["statement"], case.activity
        expected = f"fiscal year {statement['fy']}"
        if (statement["period_start"], statement["period_end"]) != (year[0], year[-1]):
            find("period-mismatch", "data/statement.json", expected=expected)
        for instant, number in (activity.first, activity.last):
            if number and not year[0] <= instant <= year[-1]:
                find("activity-off-slot", "data/activity/energy.csv", number, expected=expected)
    if case.has("run-headers", "run_headers", "energy"):
        _check_headers(case)
    amounts = {
        "declared": ("energy_kwh", "device_hours", "power_w"),
        "meters": ("energy_kwh",),
        "instruments": ("quantity_kwh",),
    }
    for table, columns in amounts.items():
        for row in case.tables.get(table, ()):
            if any(row[column] is not None and row[column] < 0 for column in columns):
                find("energy-negative", f"data/{SHORT[table]}.csv", row["_row"])
    _check_ranges(case)


def _check_headers(case: Case) -> None:
    """3.3."""
    stated: dict[tuple[str, str, str, str], list[int]] = {}
    for number, header in enumerate(case.docs["run_headers"], 1):
        for d in header["devices"]:
            key = (header["run_id"], header["site_id"], d["device_id"], d["method"])
            stated[key] = [d["rows"], int(d["energy_half_uj"]), d["covered_ms"]]
        if not header["devices"]:
            case.answer.find("activity-incomplete", JSON_FILES["run_headers"], number, found="a header without rows")
    for key in sorted(stated.keys() | case.activity.sums.keys()):
        want, have = stated.get(key), case.activity.sums.get(key)
        if want != have:
            expected = f"{' '.join(key)}: rows, half-uJ, ms {want}"
            case.answer.find("activity-incomplete", "data/activity/energy.csv", expected=expected, found=have)


def _check_ranges(case: Case) -> None:
    """3.5."""
    find, tables = case.answer.find, case.tables
    for row in tables.get("sites", ()):
        ratios = [r for r in (row["overhead_node"], row["overhead_it"]) if r is not None]
        if min([*ratios, ONE]) < 1 or not 0 <= row["accounting_share"] <= 1:
            find("pue-out-of-range", "data/boundary/sites.csv", row["_row"], expected="ratios >= 1, share 0..1")
    for row in tables.get("pue", ()):
        if row["pue"] < 1:
            find("pue-out-of-range", "data/boundary/pue.csv", row["_row"], expected=">= 1", found=row["pue"])
    for table in ("contracts", "pue", "meters"):
        last: dict[str, int] = {}
        for row in sorted(tables.get(table, ()), key=lambda r: (r["site_id"], r["start"])):
            if row["start"] < last.get(row["site_id"], row["start"]) and table != "meters":
                find(
                    f"{table.removesuffix('s')}-overlap", f"data/{SHORT[table]}.csv", row["_row"], found=row["site_id"]
                )
            last[row["site_id"]] = max(row["end"], last.get(row["site_id"], row["end"]))
            if row["start"] % SLOT_MS or row["end"] % SLOT_MS:
                find("cut-off-slot", f"data/{SHORT[table]}.csv", row["_row"])


# ---------------------------------------------------------------------------------------- step 4: factors

BASES = ("location", "market", "basic", "adjusted")
CONSTANTS = {n: f"jp.energy-law.{n}" for n in ("electricity-primary-energy", "crude-oil-equivalent")}  # or with .fyNNNN
LINE_COLUMNS = [column[0] for column in TABLES["results/lines"]]


class Resolver:
    """Which registry entry applies to (supplier, menu, basis, country) in the statement's year."""

    def __init__(self, case: Case) -> None:
        self._find, self._fy, self._known = (
            case.answer.find,
            case.docs["statement"]["fy"],
            dict[tuple[str, ...], Row | None](),
        )
        entries = [e for e in case.docs["registry"].values() if e["commodity"] == "electricity"]
        self._entries = [e for e in entries if e["status"] in {"confirmed", "illustrative"} and e.get("applies_to_fy")]

    def entry(self, supplier: str, menu: str, basis: str, country: str) -> Row | None:
        """The entry, or None with finding ``factor-missing``."""
        key = (supplier, menu, basis, country)
        if key not in self._known:
            self._known[key] = found = self._resolve(*key)
            if found is None:
                self._find("factor-missing", "data/factors/registry/registry.json", found=" ".join(filter(None, key)))
        return self._known[key]

    def _resolve(self, supplier: str, menu: str, basis: str, country: str) -> Row | None:
        general = supplier in {"national-average", "substitute"}
        own = [
            e
            for e in self._entries
            if e.get("country", "JP") == country
            and e["applies_to_fy"] <= self._fy
            and (e["kind"] == supplier if general else (e.get("number"), e.get("basis")) == (supplier, basis))
        ]
        newest = max((e["applies_to_fy"] for e in own), default=0)
        own = [e for e in own if e["applies_to_fy"] == newest]
        return _latest(own if general else self._by_menu(own, supplier, menu))

    def _by_menu(self, own: list[Row], supplier: str, menu: str) -> list[Row]:
        def kind(name: str) -> list[Row]:
            return [e for e in own if e["kind"] == name]

        def remark(code: str) -> None:
            self._find(code, "data/boundary/contracts.csv", found=f"{supplier} {menu}".strip())

        if menu == "whole":
            if kind("whole") and kind("residual"):
                remark("whole-where-residual-exists")
            return kind("whole") or kind("single")
        if not menu:
            if not kind("single") and kind("residual"):
                remark("menu-assumed-residual")
            return kind("single") or kind("residual") or kind("whole")
        if menu != "residual":
            lettered = [e for e in kind("menu") + kind("residual") if e.get("menu", "") == menu]
            if lettered:
                return lettered
            if own:
                remark("menu-not-published")
        return kind("residual") or kind("whole") or kind("single")


def _latest(entries: list[Row]) -> Row | None:
    """Corrected entries drop out, then the newest edition, then the greatest id."""
    corrected = {e.get("corrects") for e in entries}
    left = [e for e in entries if e["id"] not in corrected]
    return max(left, key=lambda e: (e["edition_on"], e["id"]), default=None)


def step4_factors(case: Case) -> None:
    """4.1 - 4.6."""
    find, file = case.answer.find, "data/factors/registry/registry.json"
    if case.trust is None or case.trust["registry_sha256"] is None:
        case.answer.skip("registry")
    elif (
        file in case.source.sizes
        and case.trust["registry_sha256"] != hashlib.sha256(case.source.read(file)).hexdigest()
    ):
        find("registry-unknown", file, expected=case.trust["registry_sha256"])  # 4.2
    if not case.has("factors", "used", "registry", "statement", "lines"):
        return
    needed = {
        row[f"{basis}_factor_id"]
        for row in case.tables["lines"]
        for basis in BASES
        if (row["kind"], basis) != ("instrument-in", "market")
    }
    for name, label in CONSTANTS.items():
        entry = constant(case, name)
        needed.add(entry["id"] if entry else label)
    for row in case.tables["used"]:
        case.answer.evaluated["factors"] += 1
        _check_factor(case, row, needed)
    for lost in sorted(needed - {row["factor_id"] for row in case.tables["used"]}):
        find("factor-unregistered", "data/factors/used.csv", expected=lost)
    if case.docs["statement"]["provisional"] != any(row["provisional"] for row in case.tables["used"]):
        find("provisional-wrong", "data/statement.json", found=f"provisional {case.docs['statement']['provisional']}")
    if case.has("line-factors", "sites", "contracts"):
        _check_line_factors(case)


def constant(case: Case, name: str) -> Row | None:
    """The registry entry of a constant in the statement's year (4.1)."""
    fy = case.docs["statement"]["fy"]
    constants = [e for e in case.docs["registry"].values() if e["kind"] == "constant"]
    entries = [e for e in constants if e["id"].partition(".fy")[0] == CONSTANTS[name]]
    valid = [e for e in entries if e.get("valid_from_fy", fy) <= fy <= e.get("valid_to_fy", fy)]
    return max(valid, key=lambda e: (e.get("valid_from_fy", 0), e["id"]), default=None)


def _check_factor(case: Case, row: Row, needed: set[str]) -> None:
    find, number, file = case.answer.find, row["_row"], "data/factors/used.csv"
    entry = case.docs["registry"].get(row["factor_id"])
    if entry is None:
        find("factor-unregistered", file, number, found=row["factor_id"])
        return
    source = entry["source"]
    registered = {
        c: entry.get(c) for c in ("unit", "actuals_fy", "applies_to_fy", "submission_fy", "edition_on", "status")
    }
    registered |= {f"source_{c}": source.get(c) or "" for c in ("title", "place", "url")} | {"value": entry["value"]}
    for column, value in registered.items():
        if row[column] != value:
            find("factor-unregistered", file, number, expected=f"{column} {value}", found=row[column])
    _check_status(case, row)
    if row["factor_id"] not in needed:
        find("factor-unused", file, number, found=row["factor_id"])
    if entry["kind"] != "constant" and row["unit"] != "t-CO2/kWh":
        find("factor-unit-wrong", file, number, expected="t-CO2/kWh", found=row["unit"])  # 4.4


def _check_status(case: Case, row: Row) -> None:
    """4.3, 4.5."""
    find, number, file = case.answer.find, row["_row"], "data/factors/used.csv"
    fy, final = case.docs["statement"]["fy"], case.docs["statement"]["kind"] == "final"
    if row["status"] == "illustrative" and not final:
        find("factor-illustrative", file, number, found=row["factor_id"])
    elif row["status"] != "confirmed":
        find("factor-status", file, number, expected="confirmed", found=row["status"])
    if not all(row[c].strip() for c in ("source_title", "source_place", "source_url")):
        find("factor-source-missing", file, number, found=row["factor_id"])
    applies = row["applies_to_fy"] or fy
    if applies > fy or row["provisional"] != (applies < fy):
        find("factor-year-wrong", file, number, expected=f"{fy}", found=f"{applies}, provisional {row['provisional']}")
    if row["provisional"]:
        find("factor-not-published" if final else "factor-provisional", file, number, found=row["factor_id"])


def _factors_of(resolver: Resolver, country: str, contract: Row | None) -> dict[str, Row | None]:
    supplier, menu = (contract["supplier"], contract["menu"]) if contract else ("substitute", "")
    found = {"location": resolver.entry("national-average", "", "none", country)}
    for basis in BASES[1:]:
        found[basis] = resolver.entry(supplier, menu, "basic" if basis == "market" else basis, country)
    return found


def _check_line_factors(case: Case) -> None:
    """4.6."""
    resolver = Resolver(case)
    countries = {s["site_id"]: s["country"] for s in case.tables["sites"]}
    contracts = {c["contract_id"]: c for c in case.tables["contracts"]}
    for row in case.tables["lines"]:
        entries = _factors_of(resolver, countries.get(row["site_id"], ""), contracts.get(row["contract_id"]))
        for basis, entry in entries.items():
            if (row["kind"], basis) == ("instrument-in", "market") or entry is None:
                continue
            if row[f"{basis}_factor_id"] != entry["id"]:
                find, found = case.answer.find, row[f"{basis}_factor_id"]
                find("factor-not-applicable", "data/results/lines.csv", row["_row"], expected=entry["id"], found=found)


# ------------------------------------------------------------------------------ step 5: lines and figures


class Ledger:
    """Builds every line from the tables (5.1 - 5.8)."""

    def __init__(self, case: Case) -> None:
        self.case, self.find, t = case, case.answer.find, case.tables
        self.year = fiscal_year(case.docs["statement"]["fy"])
        self.resolver = Resolver(case)
        self.sites = {r["site_id"]: r for r in t["sites"]}
        self.grades = {r["grade"]: r for r in t["grades"]}
        self.runs = {r["run_id"]: r for r in t["runs"]}
        self.lines: list[Row] = []
        self._cuts: dict[str, list[int]] = {}
        self._complete = True

    def build(self) -> list[Row] | None:
        """All lines, numbered; None if a factor is missing."""
        for key, (half_uj, evidence) in sorted(self._entries().items()):
            self._run_lines(key, half_uj, "|".join(sorted(evidence)))
        for meter in self.case.tables["meters"]:
            self._unattributed(meter)
        taken: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in self.case.tables["instruments"]:
            if row["kind"] in CERTIFICATES and row["fy"] == self.case.docs["statement"]["fy"]:
                self._certificate(row, taken)
        self.lines.sort(key=_line_key)
        for number, line in enumerate(self.lines, 1):
            line["line_id"] = f"L{number:06d}"
        return self.lines if self._complete else None

    def _of_site(self, table: str, site: str) -> list[Row]:
        return [r for r in self.case.tables[table] if r["site_id"] == site]

    def _at(self, table: str, site: str, instant: int) -> Row | None:
        """The contract or PUE that holds at an instant."""
        return next((r for r in self._of_site(table, site) if r["start"] <= instant < r["end"]), None)

    def cuts(self, site: str) -> list[int]:
        """5.1."""
        if site not in self._cuts:
            rows = [r for table in ("contracts", "pue", "meters") for r in self._of_site(table, site)]
            edges = {edge for r in rows for edge in (r["start"], r["end"]) if self.year[0] < edge < self.year[-1]}
            self._cuts[site] = sorted(edges | set(self.year))
        return self._cuts[site]

    def _entries(self) -> dict[tuple[Any, ...], tuple[int, set[str]]]:
        """5.2: half-uJ and evidence by (run, site, boundary, method, grade, piece)."""
        energy: defaultdict[tuple[Any, ...], int] = defaultdict(int)
        evidence: defaultdict[tuple[Any, ...], set[str]] = defaultdict(set)
        for (run, site, boundary, method, grade, ids), slots in self.case.activity.series.items():
            cuts = self.cuts(site)
            for start, half_uj in slots.items():
                at = bisect_right(cuts, start) - 1
                if 0 <= at < len(cuts) - 1 and self.runs[run]["status"] != "void":
                    key = (run, site, boundary, method, grade, cuts[at], cuts[at + 1])
                    energy[key] += half_uj
                    evidence[key].update(ids.split("|"))
        for part in self.case.tables["declared"]:
            total, length, cuts = _declared_half_uj(part), part["end"] - part["start"], self.cuts(part["site_id"])
            for a, b in pairwise(cuts):
                x, y = max(a, part["start"]) - part["start"], min(b, part["end"]) - part["start"]
                if x < y and self.runs[part["run_id"]]["status"] != "void":
                    key = (part["run_id"], part["site_id"], part["boundary"], "declared", part["grade"], a, b)
                    energy[key] += _spread(total, length, y) - _spread(total, length, x)
                    evidence[key].add(part["evidence_id"])
        return {key: (half_uj, evidence[key]) for key, half_uj in energy.items()}

    def _run_lines(self, key: tuple[Any, ...], half_uj: int, evidence: str) -> None:
        """5.3."""
        run, name, boundary, method, grade, start, end = key
        site, pue = self.sites[name], self._at("pue", name, start)
        steps = {"step_node": ONE, "step_it": ONE}
        for step, inner in (("node", ("device",)), ("it", ("device", "node"))):
            if boundary in inner:
                steps[f"step_{step}"] = site[f"overhead_{step}"] or ONE
                if site[f"overhead_{step}"] is None:
                    self.find("boundary-step-missing", "data/boundary/sites.csv", site["_row"], found=step)
        portions = [("facility", ONE)] if boundary == "facility" else [("it", ONE)]
        if boundary != "facility" and pue:
            portions.append(("overhead", pue["pue"] - 1))
        elif boundary != "facility":
            self.find("boundary-step-missing", "data/boundary/sites.csv", site["_row"], found="pue")
        joule = half_uj * Decimal("0.0000005")
        kwh = (joule / 3_600_000).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
        about = {
            "run_id": run,
            "frame": self.runs[run]["frame"],
            "boundary": boundary,
            "method": method,
            "grade": grade,
        }
        about |= {"status": self.grades[grade]["status"], "energy_j": joule, "energy_kwh": kwh, "evidence_id": evidence}
        for portion, step_pue in portions:
            self._add("run", site, (start, end), **about, **steps, portion=portion, step_pue=step_pue)

    def _add(self, kind: str, site: Row, span: Span, **given: Any) -> None:  # noqa: ANN401 - a line's columns
        """5.4, 5.7: one line; what is not given has the value that most kinds share."""
        contract = given.pop("contract", None) or self._at("contracts", site["site_id"], span[0])
        if contract is None:
            self.find("contract-missing", "data/boundary/contracts.csv", found=site["site_id"])
        line: Row = {
            "kind": kind,
            "site_id": site["site_id"],
            "country": site["country"],
            "start": span[0],
            "end": span[1],
        }
        line |= {"line_id": "", "run_id": "", "frame": "", "contract_id": contract["contract_id"] if contract else ""}
        line |= {"boundary": "facility", "portion": "facility", "grade": "A", "status": "billed"}
        line |= dict.fromkeys(("step_node", "step_it", "step_pue"), ONE) | {"share": site["accounting_share"]}
        line |= {c: self.grades.get(given.get("grade", "A"), {}).get(c, ZERO) for c in ("low_pct", "high_pct")}
        market = given.pop("market", None)
        line |= given
        line["month"] = _month(span[0]) if _month(span[0]) == _month(span[1] - 1) else ""
        line["scope"], line["category"] = ("2", "") if kind.startswith("instrument") else _scope(site, line["portion"])
        energy = line["energy_kwh"] * line["step_node"] * line["step_it"] * line["step_pue"] * line["share"]
        line["facility_kwh"] = energy
        for basis, entry in _factors_of(self.resolver, site["country"], contract).items():
            if entry is None:
                self._complete = False
                return
            name, value = market if market and basis == "market" else (entry["id"], Decimal(entry["value"]))
            line |= {f"{basis}_factor_id": name, f"{basis}_t_per_kwh": value, f"tco2_{basis}": energy * value}
        self.lines.append(line)

    def _unattributed(self, meter: Row) -> None:
        """5.5."""
        start, end, site, file = meter["start"], meter["end"], self.sites[meter["site_id"]], "data/activity/meters.csv"
        if end <= self.year[0] or start >= self.year[-1]:
            return
        edges = [edge for c in self._of_site("contracts", meter["site_id"]) for edge in (c["start"], c["end"])]
        crosses = any(start < edge < end for edge in [*edges, self.year[0], self.year[-1]])
        if crosses or site["accounting_share"] != 1:
            self.find("meter-crosses-contract", file, meter["_row"], found=meter["meter_id"])
            return
        inside = [x for x in self.lines if x["site_id"] == meter["site_id"] and start <= x["start"] and x["end"] <= end]
        rest = meter["energy_kwh"] - sum(x["facility_kwh"] for x in inside if x["kind"] == "run")
        if rest < 0:
            self.find("runs-exceed-meter", file, meter["_row"], expected=">= 0", found=plain(rest))
        elif rest > 0:
            energy = {"energy_kwh": rest, "energy_j": rest * 3_600_000, "evidence_id": meter["evidence_id"]}
            self._add("unattributed", site, (start, end), method="meter", **energy)

    def _certificate(self, row: Row, taken: defaultdict[str, Decimal]) -> None:
        """5.6."""
        file, contract = "data/boundary/instruments.csv", row["contract_id"]
        held = next((c for c in self.case.tables["contracts"] if c["contract_id"] == contract), None)
        if held is None:
            self.find("certificate-without-contract", file, row["_row"], found=row["instrument_id"])
            return
        start, end = max(held["start"], self.year[0]), min(held["end"], self.year[-1])
        if start >= end or row["vintage_start"] >= end or row["vintage_end"] <= start:
            self.find("certificate-outside-vintage", file, row["_row"], found=row["instrument_id"])
            return
        site = self.sites[held["site_id"]]
        market = _factors_of(self.resolver, site["country"], held)["market"]
        if market is None or Decimal(market["value"]) == 0:
            self.find("certificate-on-zero-menu", file, row["_row"], found=row["instrument_id"])
            return
        counted = [x for x in self.lines if x["kind"] in {"run", "unattributed"} and x["scope"] == "2"]
        pool = sum((x["facility_kwh"] for x in counted if x["contract_id"] == contract), ZERO) - taken[contract]
        allocated = min(row["quantity_kwh"], pool)
        taken[contract] += allocated
        if row["quantity_kwh"] > pool:
            self.find("certificate-exceeds-consumption", file, row["_row"], expected=f"<= {plain(pool)}")
        self.find("ratio-not-published", file, row["_row"], found=row["instrument_id"])
        fixed = {"method": "certificate", "share": ONE, "low_pct": ZERO, "high_pct": ZERO, "contract": held}
        for kind, kwh, own in (
            ("instrument-out", -allocated, None),
            ("instrument-in", allocated, (row["instrument_id"], row["factor_t_per_kwh"])),
        ):
            energy = {"energy_kwh": kwh, "energy_j": kwh * 3_600_000, "evidence_id": row["evidence_id"]}
            self._add(kind, site, (start, end), market=own, **fixed, **energy)


def _line_key(line: Row) -> tuple[Any, ...]:
    """5.8."""
    names = "kind run_id site_id contract_id start end boundary method grade portion evidence_id"
    return tuple(line[name] for name in names.split())


def _month(instant: int) -> str:
    return (EPOCH + timedelta(milliseconds=instant)).astimezone(JST).strftime("%Y-%m")


def _scope(site: Row, portion: str) -> tuple[str, str]:
    """5.4: scope and category."""
    arrangement = site["arrangement"]
    if arrangement in {"cloud", "allocation"}:
        return "3", "1"
    leased_out = arrangement == "lease" and not site["operational_control"]
    shared = arrangement == "colocation" and portion == "overhead" and not site["overhead_control"]
    return ("3", "8") if leased_out or shared else ("2", "")


def _declared_half_uj(part: Row) -> int:
    if part["energy_kwh"] is not None:
        total = part["energy_kwh"] * 7_200_000_000_000
    else:
        total = part["device_hours"] * part["power_w"] * 7_200_000_000
    return int(total.to_integral_value(ROUND_HALF_EVEN))


def _spread(total: int, length: int, upto: int) -> int:
    return total // length * upto + total % length * upto // length


def step5_lines(case: Case) -> None:
    """5.1 - 5.8: every line as re-computed, no more, no less."""
    needs = "sites pue contracts runs declared instruments energy meters grades lines statement registry"
    if case.dangling:
        case.answer.skip("lines")
        return
    if not case.has("lines", *needs.split()):
        return
    case.expected = Ledger(case).build()
    if case.expected is None:
        case.answer.skip("lines")
        return
    waiting: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for line in case.expected:
        waiting[_line_key(line)].append(line)
    file, same = "data/results/lines.csv", len(case.expected) == len(case.tables["lines"])
    for number, row in enumerate(case.tables["lines"], 1):
        case.answer.evaluated["lines"] += 1
        match = waiting[_line_key(row)]
        if not match:
            case.answer.find("line-unexpected", file, row["_row"], found=row["line_id"])
            continue
        wanted = match.pop(0) | ({} if same else {"line_id": f"L{number:06d}"})
        for column in LINE_COLUMNS:
            if row[column] != wanted[column]:
                found, expected = f"{column} {row[column]}", f"{column} {wanted[column]}"
                case.answer.find("line-mismatch", file, row["_row"], expected=expected, found=found)
    for line in (one for rest in waiting.values() for one in rest):
        case.answer.find("line-missing", file, expected=" ".join(map(str, _line_key(line))))


SUMS = """
energy_ai_kwh facility_kwh kind=run | ai_location_t tco2_location kind=run | ai_market_t tco2_market kind=run |
energy_scope2_kwh facility_kwh scope=2 | scope2_location_t tco2_location scope=2 | scope2_market_t tco2_market scope=2 |
scope2_location_domestic_t tco2_location scope=2;country=JP | scope2_market_domestic_t tco2_market scope=2;country=JP |
scope3_cat1_location_t tco2_location scope=3;category=1 | scope3_cat1_market_t tco2_market scope=3;category=1 |
scope3_cat8_location_t tco2_location scope=3;category=8 | scope3_cat8_market_t tco2_market scope=3;category=8 |
shk_basic_t tco2_basic scope=2;country=JP | shk_adjusted_t tco2_adjusted scope=2;country=JP"""
SPLITS = {"site": "site_id", "run": "run_id", "month": "month", "frame": "frame", "status": "status"}


class Figures:
    """All required figures from the re-computed lines (5.9)."""

    def __init__(self, case: Case) -> None:
        self.case, self.lines, self.all = case, case.expected or [], dict[str, Row]()
        for text in SUMS.strip().replace("\n", " ").split(" | "):
            name, measure, chosen = text.split()
            self._sum(name, measure, chosen, "")
            for split, column in SPLITS.items() if chosen == "kind=run" else ():
                self._sum(name, measure, chosen, column, split)
            if name in {"scope2_location_t", "scope2_market_t"}:
                self._sum(name, measure, chosen, "site_id", "site")
        self._derived()
        self._shares()
        self._targets()

    def _put(self, name: str, formula: str, exact: Decimal, unit: str, *, measure: str = "", chosen: str = "") -> None:
        decimals = max(0, 3 - exact.adjusted()) if exact else 0
        rounded = format(exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), "f")
        self.all[name] = {
            "figure_id": name,
            "formula_id": formula,
            "measure": measure,
            "lines_filter": chosen,
            "exact": exact,
        }
        self.all[name] |= {"rounded": rounded, "unit": unit, "decimals": decimals, "rounding": "half-up-4sig"}

    def _sum(self, name: str, measure: str, chosen: str, column: str, split: str = "") -> None:
        wanted = [one.split("=") for one in chosen.split(";")]
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        if not column:
            totals[""] = ZERO
        for line in self.lines:
            if all(line[c] == v for c, v in wanted):
                totals[line[column] if column else ""] += line[measure]
        unit = "kWh" if measure == "facility_kwh" else "t-CO2"
        for value, total in totals.items():
            label = f"{name}.{split}.{value or 'none'}" if column else name
            self._put(
                label, "sum", total, unit, measure=measure, chosen=f"{chosen};{column}={value}" if column else chosen
            )

    def _value(self, name: str) -> Decimal:
        exact: Decimal = self.all[name]["exact"] if name in self.all else ZERO
        return exact

    def _derived(self) -> None:
        tables, fy = self.case.tables, self.case.docs["statement"]["fy"]
        unknown = [s for s in tables["sites"] if s["direct_sources"] != "none"]
        for site in unknown:
            self.case.answer.find("scope1-not-assessed", "data/boundary/sites.csv", site["_row"], found=site["site_id"])
        for name in () if unknown else ("scope1_t", "scope1_domestic_t"):
            self._put(name, "declared-none", ZERO, "t-CO2")
        heat, oil = constant(self.case, "electricity-primary-energy"), constant(self.case, "crude-oil-equivalent")
        if heat and oil:
            domestic = [x["facility_kwh"] for x in self.lines if (x["scope"], x["country"]) == ("2", "JP")]
            self._put("primary_energy_gj", "primary-energy", sum(domestic, ZERO) * Decimal(heat["value"]) / 1000, "GJ")
            self._put("crude_oil_kl", "crude-oil", self._value("primary_energy_gj") * Decimal(oil["value"]), "kL")
        self._put("gross_market_t", "gross", self._value("scope1_t") + self._value("scope2_market_t"), "t-CO2")
        credit = [r["quantity_t"] for r in tables["instruments"] if r["kind"] in {"j-credit", "jcm"} and r["fy"] == fy]
        self._put("credits_t", "credits", sum(credit, ZERO), "t-CO2")
        self._put("net_market_t", "net", self._value("gross_market_t") - self._value("credits_t"), "t-CO2")

    def _shares(self) -> None:
        total = self._value("energy_ai_kwh")
        if not total:
            return
        for status in ("measured", "estimated", "declared"):
            pct = 100 * self._value(f"energy_ai_kwh.status.{status}") / total
            self._put(f"share_{status}_pct", "share-pct", pct.quantize(Decimal("1e-12"), ROUND_HALF_EVEN), "%")
        for side in ("low", "high"):
            sums: defaultdict[str, Decimal] = defaultdict(Decimal)
            for line in self.lines:
                if line["kind"] == "run":
                    sums[line["method"]] += line["facility_kwh"] * line[f"{side}_pct"]
            pct = sum((one * one for one in sums.values()), ZERO).sqrt() / total
            self._put(
                f"energy_ai_{side}_pct", f"interval-{side}-pct", pct.quantize(Decimal("1e-6"), ROUND_HALF_EVEN), "%"
            )

    def _targets(self) -> None:
        for row in self.case.tables["roadmap"]:
            if row["fy"] != self.case.docs["statement"]["fy"] or row["measure"] not in self.all:
                continue
            actual = self.all[row["measure"]]
            if actual["unit"] != row["unit"]:
                self.case.answer.find(
                    "roadmap-mismatch",
                    "data/roadmap/roadmap.csv",
                    row["_row"],
                    expected=actual["unit"],
                    found=row["unit"],
                )
            self._put(f"target.{row['target_id']}", "target", row["value"], row["unit"])
            self._put(f"gap.{row['target_id']}", "target-gap", actual["exact"] - row["value"], row["unit"])


def step5_figures(case: Case) -> None:
    """5.9: every figure as re-computed, no more, no less."""
    file = "data/results/figures.csv"
    if case.expected is None or not case.has("figures", "figures", "roadmap", "used", "sites", "instruments"):
        case.answer.skip("figures")
        return
    case.figures = Figures(case).all
    stated = {row["figure_id"]: row for row in case.tables["figures"]}
    for name in sorted(case.figures.keys() - stated.keys()):
        case.answer.find("figure-missing", file, expected=name)
    for name, row in stated.items():
        case.answer.evaluated["figures"] += 1
        wanted = case.figures.get(name)
        if wanted is None:
            case.answer.find("figure-unexpected", file, row["_row"], found=name)
            continue
        for column, value in wanted.items():
            if row[column] != value:
                case.answer.find(
                    "figure-mismatch", file, row["_row"], expected=f"{name} {column} {value}", found=row[column]
                )


class DataElements(HTMLParser):
    """Collects (data-fig, value, text, line) of every ``<data>`` element that names a figure."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[list[Any]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a figure."""
        if tag == "data" and "data-fig" in dict(attrs):
            self.found.append([dict(attrs)["data-fig"], dict(attrs).get("value"), "", self.getpos()[0]])
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        """End a figure."""
        self._open = self._open and tag != "data"

    def handle_data(self, data: str) -> None:
        """Gather a figure's printed text."""
        if self._open:
            self.found[-1][2] += data


def step5_report(case: Case) -> None:
    """5.10: the HTML reports print the figures."""
    if not case.has("report", "figures"):
        return
    stated = {r["figure_id"]: (plain(r["exact"]), r["rounded"]) for r in case.tables["figures"]}
    for path in REPORTS:
        case.guarded(path, lambda path=path: _check_report(case, path, stated))  # type: ignore[misc]


def _check_report(case: Case, path: str, stated: dict[str, tuple[str, str]]) -> None:
    data = case.small(path)
    if data is None:
        return
    parser = DataElements()
    try:
        parser.feed(data.decode())
    except UnicodeDecodeError:
        raise Fault("text-malformed", None, "UTF-8") from None
    if not parser.found:
        raise Fault("report-figure-mismatch", None, "at least one <data data-fig>")
    for figure, value, text, line in parser.found:
        printed, wanted = (value, text.strip().replace(",", "")), stated.get(figure)
        if wanted != printed:
            found = f"{figure}: {value} {text}"
            case.answer.find(
                "report-figure-mismatch", path, line, expected=" ".join(wanted or ("a figure",)), found=found
            )


# ------------------------------------------------------------------------- step 6: history and approval


def step6_history(case: Case) -> None:
    """6.1 - 6.5."""
    case.answer.skip("time-stamp")
    trusted_roadmap = (case.trust or {}).get("roadmap")
    if trusted_roadmap is None:
        case.answer.skip("roadmap-approval")
    if case.has("roadmap", "roadmap", "roadmap_json", "approvals", "statement"):
        _check_roadmap(case, trusted_roadmap)
    if case.has("progress", "progress", "roadmap", "figures", "statement"):
        _check_progress(case)
    last = (case.trust or {}).get("last")
    if last is None:
        case.answer.skip("sequence")
    elif case.has("sequence", "statement") and last["tagmanifest_sha256"] != case.tag_sha256:
        sequence = case.docs["statement"]["sequence"]
        if sequence <= last["sequence"]:
            case.answer.find(
                "sequence-replayed", "data/statement.json", expected=f"> {last['sequence']}", found=sequence
            )
    if case.has("statement-seal", "statement", "predicate"):
        stated = {k: case.docs["statement"][k] for k in ("report_id", "fy", "entity_id", "as_of")}
        signed = dict(case.docs["predicate"], as_of=case.as_of)
        if stated != signed:
            case.answer.find("subject-mismatch", "data/statement.json", expected=signed, found=stated)


def _check_roadmap(case: Case, trusted: Row | None) -> None:
    find, roadmap, stated = case.answer.find, case.docs["roadmap_json"], case.docs["statement"]["roadmap"]
    file, digest = (
        "data/roadmap/roadmap.json",
        hashlib.sha256(case.source.read("data/roadmap/roadmap.json")).hexdigest(),
    )
    listed = {(t["id"], t["measure"], t["fy"], Decimal(t["value"]), t["unit"]) for t in roadmap["targets"]}
    table = {(r["target_id"], r["measure"], r["fy"], r["value"], r["unit"]) for r in case.tables["roadmap"]}
    if listed != table or len(roadmap["targets"]) != len(table):
        find(
            "roadmap-mismatch",
            "data/roadmap/roadmap.csv",
            expected=sorted(listed - table),
            found=sorted(table - listed),
        )
    own = (roadmap["roadmap_id"], roadmap["version"])
    approved = [a["content_sha256"] for a in case.docs["approvals"] if (a["roadmap_id"], a["version"]) == own]
    state = "approved" if digest in approved else "changed-since-approval" if approved else "unapproved"
    if state != "approved":
        code = "roadmap-unapproved" if state == "unapproved" else "roadmap-changed-since-approval"
        find(code, file, expected=" ".join(approved) or None, found=digest)
    truth = {"roadmap_id": own[0], "version": own[1], "state": state, "content_sha256": digest}
    if stated != truth:
        find("roadmap-state-wrong", "data/statement.json", expected=truth, found=stated)
    if trusted is not None and trusted != {k: truth[k] for k in ("roadmap_id", "version", "content_sha256")}:
        find("roadmap-unknown", file, expected=trusted, found=truth)


def _check_progress(case: Case) -> None:
    """6.4."""
    statement, file = case.docs["statement"], "data/results/progress.csv"
    figures, rows = (
        case.figures or {r["figure_id"]: r for r in case.tables["figures"]},
        {r["target_id"]: r for r in case.tables["progress"]},
    )
    for target in case.tables["roadmap"]:
        row, name = rows.pop(target["target_id"], None), target["target_id"]
        ours = target["fy"] == statement["fy"]
        actual = figures[target["measure"]]["exact"] if ours and target["measure"] in figures else None
        gap = None if actual is None else actual - target["value"]
        met = "" if statement["kind"] != "final" or gap is None else "true" if gap <= 0 else "false"
        wanted = {c: target[c] for c in ("target_id", "measure", "fy", "unit")}
        wanted |= {"target": target["value"], "actual": actual, "gap": gap, "met": met}
        case.answer.evaluated["targets"] += row is not None
        if (row is None and ours) or (row is not None and {c: row[c] for c in wanted} != wanted):
            case.answer.find(
                "progress-mismatch", file, row["_row"] if row else None, expected=f"{name} {actual} {gap} {met}"
            )
    for row in rows.values():
        case.answer.find("progress-mismatch", file, row["_row"], found=row["target_id"])


# ------------------------------------------------------------------------------------------- the answer


def judge(package: Path, trust: Row | None = None) -> Answer:
    """Run all steps on a package (folder or zip).

    Raises:
        Fault: ``not-a-package``.
    """
    try:
        source = Source(package)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        raise Fault("not-a-package") from None
    if "bagit.txt" not in source.sizes and not source.faults:
        raise Fault("not-a-package")
    case = Case(source, trust)
    steps = (
        step1_inventory,
        step2_form,
        step3_completeness,
        step4_factors,
        step5_lines,
        step5_figures,
        step5_report,
        step6_history,
    )
    for step in steps:
        case.guarded(step.__name__, lambda step=step: step(case))  # type: ignore[misc]
    if not case.answer.evaluated["lines"] or not case.answer.evaluated["figures"]:
        case.answer.find("nothing-evaluated", found=f"{case.answer.evaluated}")
    return case.answer


def read_trust(path: Path) -> Row:
    """The trust file.

    Raises:
        Fault: ``trust-unreadable``.
    """
    try:
        return _trust(shaped(read_json(path.read_bytes()), TRUST))
    except (OSError, ValueError, Fault) as error:
        found = error.found if isinstance(error, Fault) else error
        raise Fault("trust-unreadable", None, "gxmeter-trust/1", found) from None


def _trust(trust: Row) -> Row:
    for key in trust["keys"]:
        shaped(key, TRUST_KEY)
        if hashlib.sha256(bytes.fromhex(key["public_key"])).hexdigest() != key["keyid"]:
            raise ValueError(f"keyid {key['keyid']}")
        key["window"] = [_day(key["valid_from"], "T00:00:00Z"), _day(key["valid_to"], "T23:59:59Z")]
    for name, shape in (
        ("roadmap", "roadmap_id s version i content_sha256 s"),
        ("last", "sequence i tagmanifest_sha256 s"),
    ):
        if trust[name] is not None:
            shaped(trust[name], shape)
    if trust["schema"] != "gxmeter-trust/1":
        raise ValueError(trust["schema"])
    return trust


def _day(text: str, time: str) -> int:
    instant: int = read_value("t", text if "T" in text else text + time)
    return instant


def print_table(answer: Answer, verdict: str) -> None:
    """The answer for people, in Japanese where the locale is Japanese."""
    ja = next((os.environ[v] for v in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(v)), "").startswith("ja")
    about = {"signer": 1, "counts": 2, "period": 3, "run-headers": 3, "registry": 4, "factors": 4, "line-factors": 4}
    about |= {"lines": 5, "figures": 5, "report": 5}
    counts = [answer.evaluated[k] for k in ("files", "rows", "rows", "factors", "lines", "targets")]
    counts[4] += answer.evaluated["figures"]
    print("段階: 評価 / 不一致 / 未確認" if ja else "step: evaluated / failed / not checked")
    for step, name in enumerate(STEP_NAMES_JA if ja else STEP_NAMES, 1):
        failed = sum(f["level"] == "must" and f["step"] == step for f in answer.findings)
        skipped = ", ".join(n for n in answer.not_checked if about.get(n, 6) == step)
        print(f"  {step} {name}: {counts[step - 1]} / {failed} / {skipped or '-'}")
    for finding in answer.findings:
        print(f"{finding['level'].upper():6} {finding['code']}: {finding['text']['ja' if ja else 'en']}")
    words = {
        "verified": ("再計算一致", "re-computed: every line and figure agrees"),
        "findings": ("再計算不一致、または規則違反があります", "does not hold: see the findings of level MUST"),
        "could-not-run": ("実行できませんでした", "could not run"),
    }
    print(words[verdict][0 if ja else 1])


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(description="Re-compute a gxmeter verification package.")
    parser.add_argument("package", type=Path, help="the package: a folder or a .zip")
    parser.add_argument("--trust", type=Path, help="the trust file, which travels another way than the package")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    options = parser.parse_args(arguments)
    try:
        answer = judge(options.package, read_trust(options.trust) if options.trust else None)
        code = answer.worst()
    except Fault as fault:
        answer, code = Answer(), 2
        file = options.trust if fault.code == "trust-unreadable" else options.package
        answer.find(fault.code, str(file), expected=fault.expected, found=fault.found)
    verdict = {1: "findings", 2: "could-not-run"}.get(code, "verified")
    document = answer.document(verdict)
    if options.json:
        print(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        print_table(answer, verdict)
    return code


if __name__ == "__main__":
    sys.exit(main())
