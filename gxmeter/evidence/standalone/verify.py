#!/usr/bin/env python3
"""Re-compute a gxmeter verification package: ``python3 verify.py PACKAGE [--trust FILE] [--json]``, Python 3.11+.

PACKAGE is a folder or a .zip, which is not unpacked. Promised: steps 1-6 of the specification
(docs/reference/package.md) in its order and numbering, from the files of the package alone: seal, form, completeness,
factors, every line, every figure, roadmap. One file, standard library only, no network, nothing written. Unforeseen
input is a finding, not a crash; of each code 100 findings are shown.

Not promised: that a sensor told the truth, that a document behind a number is genuine, that data were complete
before they were sealed. Without a trust file (it travels another way than the package) nobody says whose key this
is, which registry is the published one, or which roadmap was approved; ``not_checked`` lists such things.
Run your own copy of this file: the one inside a package came with the package.

Exit codes: 0 re-computed, all agrees; 1 findings of level must; 2 could not run; 3 findings of level should only.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.path.pop(0)  # a file in the package must not pose as a module of the standard library

import argparse
import base64
import csv
import hashlib
import io
import json
import os
import re
import stat
import zipfile
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

Row = dict[str, Any]
ONE, ZERO, EXACT = Decimal(1), Decimal(0), Context(prec=50)
SLOT_MS, MOST, MS = 1_800_000, Decimal("Infinity"), timedelta(milliseconds=1)
JST, EPOCH = timezone(timedelta(hours=9)), datetime(1970, 1, 1, tzinfo=UTC)
FILE_LIMIT, TOTAL_LIMIT, COUNT_LIMIT, RATIO_LIMIT = 2 * 10**9, 8 * 10**9, 100_000, 200
DOCUMENT_LIMIT, FINDING_LIMIT = 256 << 20, 100  # bytes of a file that is parsed whole; findings of one code

# Codes that share a sentence | Japanese | English; each finding adds file, row, expected and found. "?": level should.
MESSAGE_TEXT = """
not-a-package | bagit.txt がなく、検証パッケージではありません | is no verification package: no bagit.txt
trust-unreadable | 信頼ファイルとして読めません | cannot be read as a trust file
unparsable | 想定外の内容のため判定できない部分があります | holds something unforeseen and could not be judged
package-too-large | 大きさが上限を超えるため読みませんでした | is larger than allowed and was not read
nothing-evaluated | 明細または数値を一つも再計算していません | gave no line or figure to re-compute: no pass
path-unsafe path-twin | 使えない名前・リンク、または重なる名前です | has a name not allowed or not unique, or a link
file-missing signature-missing | 必要なファイルがありません | is required but missing
file-altered | 封印後に内容が変わっています | was changed after sealing
file-unlisted | どのマニフェストにも載っていません | is listed in no manifest
manifest-malformed bagit-malformed signature-malformed | 封印の形式が規則に合いません | breaks the seal's form
subject-mismatch | 署名の対象がこのパッケージではありません | signs something else than this package
signature-invalid | 署名が正しくありません | carries a signature that does not verify
signer-unknown signer-wrong-role | この役割の鍵は信頼ファイルにありません | is signed by a key not trusted in its role
signer-out-of-window | 署名鍵の有効期間外です | is signed by a key outside its validity
trust-not-given? | 信頼ファイルがなく署名者は未確認です | was judged without trust file: signer unknown
verifier-replaced registry-unknown roadmap-unknown | 信頼ファイルのものと違います | is not the trusted one
text-malformed table-header | 文字・引用符・列名が規則に合いません | breaks the rules of text, quoting or header
cell-malformed json-malformed | 値が規則に合いません | holds a value that is not allowed
row-order id-duplicate serial-twice | 行の順またはキー・番号が重複しています | has rows out of order or a key twice
reference-dangling certificate-without-contract | 参照先の行がありません | names a row that is not there
count-mismatch | 行数が statement.json と違います | has not as many rows as statement.json says
method-mismatch | 仕様の等級表と一致しません | is not the table of grades in the specification
workspace-illustrative final-year-not-ended factor-not-published | 確定版の条件を満たしません | cannot be final yet
period-mismatch as-of-wrong activity-off-slot cut-off-slot | 年度・30分区間に合いません | is off the year or half-hours
activity-duplicate device-counted-twice | 同じ計測・時間が二度あります | counts a measurement or a time twice
activity-incomplete | 行の合計が run_headers.jsonl と一致しません | does not add up to run_headers.jsonl
energy-implausible energy-negative | あり得ない電力量・時間・電力です | has an energy, time or power that cannot be
pue-out-of-range | PUE・比率・割合が範囲外です | has a PUE, ratio or share out of range
contract-overlap pue-overlap meter-overlap | 同じサイトの期間が重なっています | has overlapping periods of one site
factor-unregistered | 係数が登録簿の記載と一致しません | has a factor that is not as registered
factor-unused factor-status factor-unit-wrong | 使われない、または使えない係数です | has a factor of no use
factor-year-wrong provisional-wrong | 係数の年度または暫定の記載が違います | states a wrong year or provisional mark
factor-illustrative? factor-provisional? | 例示用または暫定の係数です | uses an illustrative or provisional factor
factor-not-applicable factor-missing | 適用される係数ではないか、ありません | uses no factor that applies here
menu-not-published? menu-assumed-residual? | メニュー別でなく残差を使います | uses the residual for want of a menu
whole-where-residual-exists? | 残差があるのに全体の係数です | uses the whole where a residual exists
contract-missing? | 電力契約がなく代替値を使います | has time without contract; the substitute value is used
boundary-step-missing? | 境界の比率が不明のため1としました | lacks a boundary ratio; it counts as 1
runs-exceed-meter-slightly? | 実行の合計が許容差の内で検針を超えます | has runs slightly above a reading
runs-exceed-meter meter-crosses-contract | 計測・契約・割合と合わないメーターです | has a reading that does not fit
certificate-outside-vintage certificate-on-zero-menu | この契約に使えない証書です | has a certificate not usable here
certificate-exceeds-consumption? | 証書の量が消費量を超えます | has a certificate above consumption
ratio-not-published? | 証書の補正比率は未公表のため未適用です | has a certificate without published ratio
line-mismatch figure-mismatch progress-mismatch | 再計算と一致しません | differs from what was re-computed
line-missing figure-missing | 再計算で得られるものがありません | lacks what was re-computed
line-unexpected figure-unexpected | 再計算で得られないものです | has what re-computation does not give
scope1-not-assessed? | 直接排出源が未評価です | has a site whose direct sources are not assessed
report-active-content | 報告書に動作する部品があります | has active content: scripts and the like
report-figure-mismatch | 報告書の数値が figures.csv と違います | prints a number that is not the figure's
roadmap-mismatch target-unit-wrong | 目標がロードマップ・数値と一致しません | has targets that do not agree
roadmap-changed-since-approval | 承認後にロードマップが変更されています | was changed after its approval
roadmap-unapproved? | この版の承認記録がありません | has no approval of this version
roadmap-state-wrong | ロードマップの状態が事実と違います | states another roadmap state than the files show
sequence-replayed | 通し番号が進んでいません | has a sequence number not newer than the last
"""
MESSAGES = {
    code.rstrip("?"): ("should" if "?" in code else "must", ja, en)
    for codes, ja, en in (line.split(" | ") for line in MESSAGE_TEXT.strip().split("\n"))
    for code in codes.split()
}

# Tables and JSON documents in the notation of the specification, and finer: s text, i integer, d decimal, p decimal as
# published or printed (kept as text), t instant, b boolean, n identifier, f figure's identifier, N list of identifiers,
# w integer as text, g grade of grades.csv, =a|b one of these words, >x identifier of a row of table x, >>x several,
# - anything; ? may be empty (of an object: may be null), ~ may be left out, * key of a table, {...} object,
# [...] objects in the order (! each once) of the keys named behind, "..." further keys.
TABLE_TEXT = """
method/grades | grade n* method s low_pct d high_pct d status s
boundary/sites | site_id n* name_ja s name_en s country s supply_area s
 arrangement =owned|colocation|lease|cloud|allocation operational_control b overhead_control b overhead_node d?
 overhead_it d? accounting_share d direct_sources =none|not-assessed
boundary/pue | site_id >sites* start t* end t pue d source_class s source s
boundary/contracts | contract_id n* site_id >sites supplier s menu s? start t end t
boundary/devices | device_id n* site_id >sites* host s kind s name s rated_w d?
boundary/runs | run_id n* title_ja s title_en s frame s? stage s status s source =measured|declared model s? params i?
 active_params i? tokens i? flop i? start t? end t?
boundary/declared | part_id n* run_id >runs site_id >sites start t end t boundary =device|node|it|facility
 device_hours d? power_w d? energy_kwh d? grade g evidence_id >evidence
boundary/instruments | instrument_id n* kind =nonfossil-certificate|green-power|j-credit|jcm serial_first s
 serial_last s fy i contract_id >contracts? vintage_start t vintage_end t quantity_kwh d? quantity_t d?
 factor_t_per_kwh d? evidence_id >evidence
activity/meters | meter_id n* site_id >sites start t end t kind =bill|meter energy_kwh d evidence_id >evidence
activity/raw_index | evidence_id >evidence* path s bytes i sha256 s records i first t? last t? clean_end b?
evidence/evidence | evidence_id n* kind s path s bytes i sha256 s
factors/used | factor_id n* value p unit s actuals_fy i? applies_to_fy i? submission_fy i? edition_on s source_title s
 source_place s source_url s status s provisional b
roadmap/roadmap | target_id n* measure f fy i value d unit s
method/formulas | formula_id n* expression s unit s rounding s reference s
results/lines | line_id n* kind s run_id >runs? site_id >sites contract_id >contracts? frame s? country s start t
 end t month s? boundary =device|node|it|facility portion s method s grade g status s energy_j d energy_kwh d
 step_node d step_it d step_pue d share d facility_kwh d scope s category s? location_factor_id >used
 location_t_per_kwh d tco2_location d market_factor_id >used market_t_per_kwh d tco2_market d basic_factor_id >used
 basic_t_per_kwh d tco2_basic d adjusted_factor_id >used adjusted_t_per_kwh d tco2_adjusted d low_pct d high_pct d
 evidence_id >>evidence?
results/figures | figure_id f* formula_id n measure s? lines_filter s? exact d rounded p unit s decimals i rounding s
 provisional b
results/progress | target_id n* measure f fy i target d actual d? gap d? unit s met s?
results/lineage | line_id n* source =energy.csv|declared.csv|meters.csv|instruments.csv* first s last s
activity/energy | row_id i* run_id >runs site_id >sites device_id n start t end t
 boundary =device|node|it|facility method s grade g energy_half_uj i covered_ms i evidence_id >>evidence
"""
DOCUMENT_TEXT = """
data/statement.json | schema =gxmeter-statement/1 report_id n sequence i supersedes s? entity_id n entity_name_ja s
 entity_name_en s programme { ? - id n name_ja s name_en s call_text =public|not-public } illustrative b fy i
 period_start t period_end t as_of t kind =interim|final provisional b
 roadmap { roadmap_id n version i state =approved|changed-since-approval|unapproved content_sha256 s }
 third_party_verification =none materiality_pct d gap_limit_s i? counts { ... - } tool { name s version s }
data/activity/run_headers.jsonl | run_id n site_id n evidence N start t end t records i clean_end b?
 sensors [ name s version s ] - devices [ device_id n method s rows i energy_half_uj w covered_ms i ] !device_id,method
 gaps [ device_id n start t end t ] -
data/factors/registry/registry.json | schema =gxmeter-registry/1 entries [ id n commodity s kind s basis s~ number s~
 menu s~ country s~ value s unit s actuals_fy i~ applies_to_fy i~ submission_fy i~ valid_from_fy i~ valid_to_fy i~
 edition_on s source { title s place s url s ... - } status s corrects s~ ... - ] !id
data/roadmap/roadmap.json | roadmap_id n version i entity_id n targets [ id n measure s fy i value d unit s ] - ... -
data/roadmap/approvals.jsonl | roadmap_id n version i body s approved_on s resolution_id s agenda_item s
 minutes_sha256 s content_sha256 s
data/method/environment.json | ... -
data/checks/checks.json | ... -
data/report/report.json | ... -
datapackage.json | ... -
envelope | payload s payloadType =application/vnd.in-toto+json signatures [ keyid s sig s ] -
signed | _type =https://in-toto.io/Statement/v1 predicateType =urn:gxmeter:report:v1 subject [ ... - ] -
 predicate { report_id s fy i entity_id s role =calculator decision =calculated as_of t signer s ... - }
trust | schema =gxmeter-trust/1 keys [ keyid s public_key s role s name s valid_from s valid_to s ] -
 registry_sha256 s? roadmap { ? - roadmap_id s version i content_sha256 s } verify_py_sha256 s?
 last { ? - sequence i tagmanifest_sha256 s }
"""


def _shape(words: Iterator[str]) -> Row:
    shape: Row = {}
    for name in words:
        if name in {"}", "]"}:
            break
        kind = next(words)
        shape[name] = _shape(words) if kind == "{" else [_shape(words), next(words)] if kind == "[" else kind
    return shape


def _shapes(text: str) -> dict[str, Row]:
    parts = (line.split(" | ") for line in text.strip().replace("\n ", " ").split("\n"))
    return {name: _shape(iter(notation.split())) for name, notation in parts}


TABLES = {name.split("/")[1]: columns for name, columns in _shapes(TABLE_TEXT).items()}
PATHS = {name.split("/")[1]: f"data/{name}.csv" for name in _shapes(TABLE_TEXT)}
COUNTED = {table for table, path in PATHS.items() if path.split("/")[1] not in {"roadmap", "method"}}
DOCUMENTS = _shapes(DOCUMENT_TEXT)
STATEMENT, HEADERS, REGISTRY, ROADMAP, APPROVALS = (name for name in list(DOCUMENTS)[:5])
DSSE, DETACHED, PEM = (f"signatures/{n}" for n in ("statement.dsse.json", "tagmanifest.ed25519", "calculator.pub.pem"))
MANIFEST, TAGMANIFEST, HOW_TO = "manifest-sha256.txt", "tagmanifest-sha256.txt", "HOW-TO-VERIFY"
TAGS = {"bagit.txt", "bag-info.txt", MANIFEST, "datapackage.json", f"{HOW_TO}.ja.md", f"{HOW_TO}.en.md", "verify.py"}
# Of grades.csv, which is the table at the end of the specification.
GRADES_SHA256 = "37c3adcc750679b2b3bcb18e7072369d134d484ab925f132e63ea59f77aa9f58"
CERTIFICATES, BASES = ("nonfossil-certificate", "green-power"), ("location", "market", "basic", "adjusted")
CONSTANTS = ("jp.energy-law.electricity-primary-energy", "jp.energy-law.crude-oil-equivalent")
INSTRUMENTS = {"instrument-in", "instrument-out"}
NONE, NO_SOURCE, BY_SITE = {"contract_id": ""}, ("", "", False), {"scope2_location_t", "scope2_market_t"}
REGISTERED = ("value", "unit", "actuals_fy", "applies_to_fy", "submission_fy", "edition_on", "status")
LINE_KEY = ("kind", "run_id", "site_id", "contract_id", "start", "end", "boundary", "method", "grade", "portion")
SPLITS = {"site": "site_id", "run": "run_id", "month": "month", "frame": "frame", "status": "status"}
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
# fmt: off
ORDER = {  # which kind of factor a menu takes, first found
    "residual": ("residual", "whole", "single"), "whole": ("whole", "single"), "": ("single", "residual", "whole"),
}
TRUSTED = (  # file, key of the trust file, code
    ("verify.py", "verify_py_sha256", "verifier-replaced"), (REGISTRY, "registry_sha256", "registry-unknown"),
)
RANGES = (  # 3.4, 3.5: table, columns, least, most, code
    ("declared", "energy_kwh device_hours power_w", ZERO, MOST, "energy-negative"),
    ("meters", "energy_kwh", ZERO, MOST, "energy-negative"),
    ("instruments", "quantity_kwh", ZERO, MOST, "energy-negative"),
    ("pue", "pue", ONE, MOST, "pue-out-of-range"),
    ("sites", "overhead_node overhead_it", ONE, MOST, "pue-out-of-range"),
    ("sites", "accounting_share", ZERO, ONE, "pue-out-of-range"),
)
PARTS = {  # in order, with the tables and documents that each needs
    "inventory": "", "trusted": "", "seal": "", "form": "", "period": STATEMENT, "headers": f"{HEADERS} energy",
    "ranges": "", "factors": f"{STATEMENT} {REGISTRY} used lines contracts",
    "lines": f"{STATEMENT} {REGISTRY} sites pue contracts runs declared instruments energy meters grades lines",
    "figures": "re-computed figures roadmap", "report": "figures",
    "roadmap": f"{STATEMENT} {ROADMAP} {APPROVALS} roadmap",
    "progress": f"{STATEMENT} {REGISTRY} progress roadmap figures used",
    "sequence": STATEMENT,
}
VERDICTS = {
    0: ("re-computed: every line and figure agrees", "再計算一致"),
    1: ("does not hold: see the findings of level MUST", "再計算不一致、または規則違反があります"),
    2: ("could not run", "実行できませんでした"), 3: ("re-computed: every line and figure agrees", "再計算一致"),
}
# fmt: on
SUMS = """
energy_ai_kwh facility_kwh kind=run | ai_location_t tco2_location kind=run | ai_market_t tco2_market kind=run |
energy_scope2_kwh facility_kwh scope=2 | scope2_location_t tco2_location scope=2 | scope2_market_t tco2_market scope=2 |
scope2_location_domestic_t tco2_location scope=2;country=JP | scope2_market_domestic_t tco2_market scope=2;country=JP |
scope3_cat1_location_t tco2_location scope=3;category=1 | scope3_cat1_market_t tco2_market scope=3;category=1 |
scope3_cat8_location_t tco2_location scope=3;category=8 | scope3_cat8_market_t tco2_market scope=3;category=8 |
shk_basic_t tco2_basic scope=2;country=JP | shk_adjusted_t tco2_adjusted scope=2;country=JP"""


class Fault(Exception):  # noqa: N818 - a finding on its way up, not an error of the program
    """What stops the reading of a file: the arguments of :meth:`Verifier.add`."""


def is_safe(path: str) -> bool:
    """Whether a package path is ASCII, relative and without ``..``, backslash or control characters."""
    return bool(re.fullmatch(r"[ -9;-\[\]-~]{1,240}", path)) and not {"", ".", ".."} & set(path.split("/"))


def members(path: Path) -> Iterator[tuple[str, int, int, int, Callable[[], bytes]]]:
    """Name, size, packed size, file mode and reader of everything in a folder or, without unpacking, a zip."""
    if path.is_dir():
        for one in path.rglob("*"):
            status = one.lstat()
            yield one.relative_to(path).as_posix(), status.st_size, status.st_size, status.st_mode, one.read_bytes
        return
    archive = zipfile.ZipFile(path)
    roots = [m.filename[:-9] for m in archive.infolist() if re.fullmatch(r"([^/]+/)?bagit\.txt", m.filename)]
    for m in archive.infolist():
        name, mode = m.orig_filename.removeprefix(min(roots, key=len, default="")), m.external_attr >> 16
        mode = stat.S_IFDIR if m.is_dir() else mode if stat.S_IFMT(mode) else stat.S_IFREG
        yield name, m.file_size, m.compress_size, mode, lambda m=m: archive.read(m)  # type: ignore[misc]


def csv_cells(path: str, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table under the file rules: (line number from 1, cells)."""
    if data.startswith(b"\xef\xbb\xbf") or not data.endswith(b"\n"):
        raise Fault("text-malformed", path, "UTF-8 without BOM, last line ended")
    csv.field_size_limit(FILE_LIMIT)
    for number, raw in enumerate(io.BytesIO(data), 1):
        try:
            line = raw[:-1].decode()
            cells = line.split(",") if '"' not in line else next(csv.reader([line], strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise Fault("text-malformed", (path, number), "UTF-8, RFC 4180", error) from None
        needed = ('"' + c.replace('"', '""') + '"' if '"' in c or "," in c else c for c in cells)
        if not line or "\r" in line or "\0" in line or ('"' in line and line != ",".join(needed)):
            raise Fault("text-malformed", (path, number), "no blank line, CR or NUL; quoted only where needed", line)
        yield number, cells


PATTERNS = {
    "i": ("integer", r"(?!.{61})-?(?:0|[1-9][0-9]*)"),
    "d": ("plain decimal, no trailing zeros", r"(?!.{61})-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?"),
    "p": ("plain decimal", r"(?!.{61})-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),
    "t": ("YYYY-MM-DDTHH:MM:SSZ", r"[0-9]{4}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}(?:\.(?!000)[0-9]{3})?Z"),
    "b": ("true | false", r"true|false"),
    "n": ("identifier", r"[A-Za-z0-9](?:\.(?!\.)|[A-Za-z0-9_-]){0,79}"),
    "f": ("identifier", r"[A-Za-z0-9](?:\.(?!\.)|[A-Za-z0-9_-]){0,199}"),
    "s": ("text that is not empty and begins with none of = + - @", r"[^=+\-@\t\r].*"),
}
CONVERT: dict[str, Callable[[str], Any]] = {"i": int, "d": Decimal, "b": "true".__eq__}
JSON_KINDS = {"d": "p", "w": "i", "n": "n", "t": "t"}  # how texts in JSON are read; other texts stand as they are


@lru_cache(1 << 17)
def read_value(kind: str, cell: str) -> Any:  # noqa: ANN401 - the value's type is the kind's
    """One cell by its kind; ValueError, saying what is allowed, if it is not of that kind."""
    base = kind.rstrip("?*~")
    if not cell and "?" in kind:
        return None if base in "idtb" else ""
    if base.startswith(">>"):
        return "|".join(read_value("n", one) for one in cell.split("|"))
    words = "|".join(map(re.escape, base[1:].split("|")))
    allowed, pattern = (base[1:], words) if base[0] == "=" else PATTERNS["n" if base[0] == ">" else base]
    if not re.fullmatch(pattern, cell):
        raise ValueError(allowed)
    return (datetime.fromisoformat(cell) - EPOCH) // MS if base == "t" else CONVERT.get(base, str)(cell)


def read_json(data: bytes, where: object = "") -> Any:  # noqa: ANN401 - any JSON value
    """Strict JSON, keys in RFC 8785 order: no duplicate keys, floats, NaN, integers above 2^53-1 or lone surrogates."""
    numbers: Row = dict.fromkeys(("parse_float", "parse_constant", "parse_int"), _number)
    try:
        value = json.loads(data.decode(), object_pairs_hook=_object, **numbers)
        canonical(value)
    except (ValueError, RecursionError) as error:
        raise Fault("json-malformed", where, "strict JSON without floats", error) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> Row:
    if len(dict(pairs)) < len(pairs):
        raise ValueError(f"duplicate key in {[key for key, _ in pairs]}")
    return dict(sorted(pairs, key=lambda pair: pair[0].encode("utf-16-be")))


def _number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,16}", text) or abs(int(text)) >= 2**53:
        raise ValueError(f"number {text[:40]} is a float or too big")
    return int(text)


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The RFC 8785 form of a value from :func:`read_json` (keys are in order, there are no floats)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def shaped(value: Any, shape: Any, where: tuple[str, int | None]) -> Any:  # noqa: ANN401 - any JSON value
    """Check a JSON value against its shape; instants become ms, all else stays."""
    if shape == "-" or (value is None and "?" in shape):
        return value
    plain: Any = {"i": int, "b": bool, "N": list}.get(shape[0], str) if isinstance(shape, str) else type(shape)
    if type(value) is not plain:
        raise Fault("json-malformed", where, shape, value)
    if isinstance(shape, list):
        values = [shaped(one, shape[0], (where[0], where[1] or number)) for number, one in enumerate(value, 1)]
        order = [[one[key] for key in shape[1].strip("!").split(",") if key != "-"] for one in value]
        if any(a > b or (a == b and "!" in shape[1]) for a, b in pairwise(order)):
            raise Fault("json-malformed", where, f"order of {shape[1]}")
        return values
    if isinstance(shape, dict):
        lost = [key for key, kind in shape.items() if key not in value and "~" not in kind and kind != "-"]
        extra = value.keys() - shape.keys() if "..." not in shape else set()
        if lost or extra:
            raise Fault("json-malformed", where, f"keys {' '.join(shape)}", f"missing {lost}, unknown {extra}")
        return value | {key: shaped(value[key], kind, where) for key, kind in shape.items() if key in value}
    try:
        kind = shape if shape[0] == "=" else JSON_KINDS.get(shape[0], "")
        read = (
            [read_value("n", str(one)) for one in value] if shape == "N" else read_value(kind, value) if kind else value
        )
    except ValueError as error:
        raise Fault("json-malformed", where, error, value) from None
    return read if shape[0] == "t" else value


# Ed25519, RFC 8032 section 5.1, in affine coordinates.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def _plus(a: Point, b: Point) -> Point:
    t = D * a[0] * b[0] * a[1] * b[1] % P
    return (a[0] * b[1] + b[0] * a[1]) * pow(1 + t, -1, P) % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P


def _times(scalar: int, point: Point) -> Point:
    result = (0, 1)
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
    return P - x if x & 1 != sign else x, y


def ed25519_verify(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a 64-byte signature of a message verifies under a raw 32-byte public key (5.1.7, cofactorless)."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, nonce, s = _point(key), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    base = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    if public is None or nonce is None or base is None or s >= L or _times(8, public) == (0, 1):  # no small order
        return False
    digest = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return _times(s, base) == _plus(nonce, _times(digest, public))


def scope(site: Row, portion: str) -> tuple[str, str]:
    """5.4: scope and category."""
    arrangement, overhead = site["arrangement"], portion == "overhead" and not site["overhead_control"]
    if arrangement in {"cloud", "allocation"}:
        return "3", "1"
    other = (arrangement == "lease" and not site["operational_control"]) or (arrangement == "colocation" and overhead)
    return ("3", "8") if other else ("2", "")


def spread(total: int, length: int, upto: int) -> int:
    """5.2: E(x), the energy of a declared part up to ``upto`` ms after its start."""
    return total // length * upto + total % length * upto // length


def figure(name: str, formula: str, exact: Decimal, unit: str, source: tuple[Any, ...] = NO_SOURCE) -> Row:
    """5.9: a row of figures.csv, rounded half up to four digits; ``source``: measure, filter, provisional."""
    decimals = max(0, 3 - exact.adjusted()) if exact else 0
    rounded = format(exact.quantize(ONE.scaleb(-decimals), ROUND_HALF_UP), "f")
    values = (name, formula, *source[:2], exact, rounded, unit, decimals, "half-up-4sig", source[2])
    return dict(zip(TABLES["figures"], values, strict=True))


def total(lines: list[Row], measure: str) -> Decimal:
    """The exact sum of a measure over lines."""
    return sum((line[measure] for line in lines), ZERO)


def fiscal_year(fy: int) -> list[int]:
    """The 13 month edges of a fiscal year, 1 April to 1 April, 00:00 JST [Unix ms]."""
    return [(datetime(fy + m // 12, m % 12 + 1, 1, tzinfo=JST) - EPOCH) // MS for m in range(3, 16)]


def sha256(data: bytes) -> str:
    """The SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def shown(value: object) -> str:
    """Foreign text made safe for one line of output."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[:161])
    return text if len(text) <= 160 else text[:159] + "…"


class _Page(HTMLParser):
    """Collects [data-fig, value, text] of every ``<data>`` element that names a figure, and active content."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.figures: list[list[str]] = []
        self.active: list[str] = []
        self.open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.active += [tag] if tag in {"script", "template", "iframe", "object", "embed"} else []
        self.active += [name for name in named if name.startswith("on")]
        if tag == "data" and "data-fig" in named:
            self.figures.append([named["data-fig"], named.get("value", ""), ""])
            self.open = True

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag != "data"

    def handle_data(self, data: str) -> None:
        if self.open:
            self.figures[-1][2] += data


class Verifier:
    """A package under judgement: its files, what was read from them, what was found."""

    def __init__(self, trust: Row | None = None) -> None:
        self.trust: Row = trust or dict.fromkeys(DOCUMENTS["trust"])
        self.findings: list[Row] = []
        self.seen: Counter[str] = Counter()
        self.evaluated = dict.fromkeys(("files", "rows", "factors", "lines", "figures", "targets"), 0)
        needing = {"schema": "signer", "registry_sha256": "registry", "roadmap": "roadmap-approval", "last": "sequence"}
        self.not_checked = ["time-stamp", *(name for key, name in needing.items() if self.trust[key] is None)]
        self.files: dict[str, tuple[int, Callable[[], bytes]]] = {}
        self.tables: dict[str, list[Row]] = {}
        self.docs: dict[str, Any] = {}
        self.by: dict[str, dict[str, Row]] = {}  # rows of a table by the first column of their key
        self.sums: defaultdict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0])  # rows, half-uJ, ms
        self.series: defaultdict[tuple[str, ...], Counter[int]] = defaultdict(Counter)  # half-uJ by start
        self.covered: defaultdict[tuple[str, ...], Counter[int]] = defaultdict(Counter)  # ms, and rows, by start
        self.year, self.fy, self.final, self.dangling = [-(2**62), 2**62], 0, False, False
        self.lines: list[Row] = []
        self.known: dict[tuple[str, ...], Row | None] = {}

    def add(self, code: str, where: Any = "", expected: object = None, found: object = None) -> None:  # noqa: ANN401
        """Add a finding once; ``where`` is a path, (path, row number) or a table's row."""
        file, row = where["_at"] if isinstance(where, dict) else where if isinstance(where, tuple) else (where, None)
        (level, ja, en), extra = MESSAGES[code], (("expected", expected), ("found", found))
        finding: Row = {"code": code, "level": level, "file": shown(file or "PACKAGE")} | ({"row": row} if row else {})
        finding |= {name: shown(value) for name, value in extra if value is not None}
        place, rest = finding["file"], "".join(f", {n} {finding[n]}" for n in ("expected", "found") if n in finding)
        text = {"ja": f"{place}{f' {row}行' if row else ''}: {ja}{rest}。"}
        text["en"] = f"{place}{f' row {row}' if row else ''} {en}{rest}."
        self.seen.update([code] if (code + text["en"]) not in self.seen else [])
        if (code + text["en"]) not in self.seen and self.seen[code] <= FINDING_LIMIT:
            self.findings.append(finding | {"text": text})
            self.seen[code + text["en"]] = 1

    def find(self, wrong: object, code: str, where: Any = "", expected: Any = None, found: Any = None) -> bool:  # noqa: ANN401
        """Add a finding if something is wrong."""
        if wrong:
            self.add(code, where, expected, found)
        return bool(wrong)

    def guard(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        """Run a part; a fault becomes its finding, anything unforeseen the finding ``unparsable``."""
        try:
            with localcontext(EXACT):
                work(*arguments)
        except Fault as fault:
            self.add(*fault.args)
        except Exception as error:  # noqa: BLE001 - a verifier never crashes
            self.add("unparsable", name, None, f"{type(error).__name__} {error}")
            self.not_checked.append(name)

    def read(self, name: str, limit: int = DOCUMENT_LIMIT) -> bytes:
        """A file of the package."""
        if name not in self.files or self.files[name][0] > limit:
            raise Fault("package-too-large" if name in self.files else "file-missing", name)
        return self.files[name][1]()

    def compare(self, table: str, wanted: dict[str, Row], codes: str) -> None:
        """A table's rows against those wanted by key; codes: a row is missing, is not wanted, differs."""
        missing, extra, differs = codes.split(" ")
        for name in sorted(wanted.keys() - self.by[table].keys()):
            self.add(missing, PATHS[table], name)
        for name, row in self.by[table].items():
            self.find(name not in wanted, extra, row, None, name)
            for column, value in wanted.get(name, {}).items():
                self.find(row[column] != value, differs, row, f"{name} {column} {value}", row[column])

    # -------------------------------------------------------------------------------- step 1: inventory and seal
    def open(self, package: Path) -> None:
        """List what is in a folder or zip, refusing what may not be read."""
        for name, size, packed, mode, reader in members(package):
            file = stat.S_ISREG(mode) and name not in self.files
            if self.find(not file and not stat.S_ISDIR(mode), "path-unsafe", name, "a regular file, once"):
                continue
            large = size > FILE_LIMIT or size > RATIO_LIMIT * packed
            if not self.find(large, "package-too-large", name, None, size) and file:
                self.find(not is_safe(name), "path-unsafe", name)
                self.files[name] = (size, reader)
        twins, size = Counter(name.lower() for name in self.files), sum(size for size, _ in self.files.values())
        for name in self.files:
            self.find(twins[name.lower()] > 1, "path-twin", name)
        if self.find(size > TOTAL_LIMIT or len(self.files) > COUNT_LIMIT, "package-too-large", "", None, size):
            self.files = {name: self.files[name] for name in self.files if name == "bagit.txt"}

    def _inventory(self) -> None:  # 1.1 - 1.3
        listed, payload = {TAGMANIFEST}, [size for name, (size, _) in self.files.items() if name.startswith("data/")]
        for manifest in (MANIFEST, TAGMANIFEST):
            *lines, rest = self.read(manifest).decode(errors="replace").split("\n")
            paths = [line[66:] for line in lines]
            for number, (line, path) in enumerate(zip(lines, paths, strict=True), 1):
                at, form = (manifest, number), re.fullmatch(r"[0-9a-f]{64}  .+", line)
                wrong = not form or path.startswith("data/") != (manifest == MANIFEST)
                if self.find(wrong, "manifest-malformed", at, "SHA-256, two spaces, path", line):
                    continue
                if self.find(not is_safe(path), "path-unsafe", at) or self.find(
                    path not in self.files, "file-missing", path
                ):
                    continue
                digest = sha256(self.read(path, FILE_LIMIT))
                self.find(digest != line[:64], "file-altered", path, line[:64], digest)
            wrong = set(paths) != TAGS if manifest == TAGMANIFEST else paths != sorted(set(paths))
            self.find(wrong or rest, "manifest-malformed", manifest, "each path once, sorted, none left out")
            listed.update(paths)
            self.evaluated["files"] += len(paths)
        for name in sorted(self.files.keys() - listed):
            self.find(not name.startswith("signatures/"), "file-unlisted", name)
        bagit, oxum = self.read("bagit.txt"), b"Payload-Oxum: %d.%d" % (sum(payload), len(payload))
        self.find(bagit != BAGIT, "bagit-malformed", "bagit.txt", BAGIT, bagit)
        stated = re.findall(rb"^Payload-Oxum.*$", self.read("bag-info.txt"), re.MULTILINE)
        self.find(stated != [oxum], "bagit-malformed", "bag-info.txt", oxum, stated)

    def _trusted(self) -> None:  # 1.6, 4.2
        self.find(self.trust["schema"] is None, "trust-not-given")
        for path, key, code in TRUSTED:
            digest, wanted = sha256(self.read(path)), self.trust[key]
            self.find(wanted not in {None, digest}, code, path, wanted, digest)

    def _seal(self) -> None:  # 1.4 - 1.6
        missing = [self.find(name not in self.files, "signature-missing", name) for name in (DSSE, DETACHED, PEM)]
        if any(missing):
            return
        tagmanifest, form = self.read(TAGMANIFEST), "DSSE, one signature, in-toto v1, Ed25519 key"
        try:
            envelope = shaped(read_json(self.read(DSSE)), DOCUMENTS["envelope"], (DSSE, None))
            ((keyid, sig),) = ((one["keyid"], one["sig"]) for one in envelope["signatures"])  # exactly one
            payload, signature = (base64.b64decode(text, validate=True) for text in (envelope["payload"], sig))
            statement = shaped(read_json(payload), DOCUMENTS["signed"], (DSSE, None))
            key = base64.b64decode(re.sub(rb"-----(BEGIN|END) PUBLIC KEY-----|\s", b"", self.read(PEM)), validate=True)
        except (Fault, ValueError) as error:
            raise Fault("signature-malformed", DSSE, form, error) from None
        # RFC 8410: twelve fixed bytes, then the raw Ed25519 key
        self.find(key[:-32].hex() != "302a300506032b6570032100", "signature-malformed", PEM, form)
        self.docs["predicate"] = signed = statement["predicate"]
        subject, stated = [{"digest": {"sha256": sha256(tagmanifest)}, "name": TAGMANIFEST}], statement["subject"]
        self.find(stated != subject, "subject-mismatch", DSSE, subject, stated)
        self.find(signed["signer"] != keyid, "signature-malformed", DSSE, f"signer {keyid}", signed["signer"])
        trusted = [one for one in self.trust["keys"] or [] if one["keyid"] == keyid]
        key = bytes.fromhex(trusted[0]["public_key"]) if trusted else key[-32:]
        pae = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
        genuine = sha256(key) == keyid and ed25519_verify(key, signature, pae)
        self.find(not genuine, "signature-invalid", DSSE, None, keyid)
        detached = ed25519_verify(key, self.read(DETACHED), tagmanifest)
        self.find(not detached, "signature-invalid", DETACHED, None, keyid)
        role = [one for one in trusted if one["role"] == "calculator"]
        inside = any(one["window"][0] <= signed["as_of"] <= one["window"][1] for one in role)
        code = "signer-unknown" if not trusted else "signer-out-of-window" if role else "signer-wrong-role"
        self.find(self.trust["schema"] and not inside, code, DSSE, None, keyid)

    # ---------------------------------------------------------------------------------------------- step 2: form
    def _form(self) -> None:
        for path in (path for path in DOCUMENTS if "." in path):
            self.guard(path, self._document, path)
        if STATEMENT in self.docs:
            statement, self.fy = self.docs[STATEMENT], self.docs[STATEMENT]["fy"]
            self.final, self.year = statement["kind"] == "final", fiscal_year(self.fy)
            name, number = f"R-{self.fy}-{statement['sequence']:06d}", statement["sequence"]
            self.find(number < 1 or statement["report_id"] != name, "json-malformed", STATEMENT, name, number)
        for table, path in PATHS.items():  # grades first: others name them; energy last: it needs ratings
            self.guard(path, self._table, table)
        for table in self.tables:
            self.guard(PATHS[table], self._references, table)
        counts = self.docs.get(STATEMENT, {"counts": dict.fromkeys(COUNTED)})["counts"]
        self.find(counts.keys() != COUNTED, "count-mismatch", STATEMENT, sorted(COUNTED), sorted(counts))
        for table in sorted(counts.keys() & self.tables.keys()) if STATEMENT in self.docs else ():
            stated, real = counts[table], len(self.tables[table])
            real += sum(one[0] for one in self.sums.values()) if table == "energy" else 0
            self.find(type(stated) is not int or stated != real, "count-mismatch", PATHS[table], stated, real)

    def _document(self, path: str) -> None:
        data, lines = self.read(path), path.endswith(".jsonl")
        if lines and data and not data.endswith(b"\n"):
            raise Fault("text-malformed", path, "last line ended")
        parts = data.split(b"\n")[:-1] if lines else [data]
        values = [read_json(part, (path, number)) for number, part in enumerate(parts, 1)]
        if path.startswith("data/") and [canonical(value) for value in values] != parts:
            raise Fault("json-malformed", path, "canonical JSON (RFC 8785)")
        order = {HEADERS: "!run_id,site_id", APPROVALS: "version"}.get(path, "-")
        values = shaped(values, [DOCUMENTS[path], order], (path, None))
        if path == STATEMENT and not 1970 <= values[0]["fy"] <= 9000:
            raise Fault("json-malformed", path, "fy", values[0]["fy"])
        self.docs[path] = values if lines else values[0]

    def _table(self, table: str) -> None:
        path, columns, rows, keys, last, readable = PATHS[table], TABLES[table], list[Row](), set[object](), None, True
        data = self.read(path, FILE_LIMIT)
        self.find(table == "grades" and sha256(data) != GRADES_SHA256, "method-mismatch", path)
        lines = csv_cells(path, data)
        if (header := next(lines)[1]) != list(columns):
            raise Fault("table-header", (path, 1), ",".join(columns), ",".join(header))
        grade = "=" + "|".join(self.by["grades"]) if "grades" in self.by else "n"
        kinds = [grade if kind == "g" else kind for kind in columns.values()]
        key_at = [at for at, kind in enumerate(kinds) if "*" in kind]
        for number, cells in lines:
            self.evaluated["rows"] += 1
            try:
                values = [read_value(kind, cell) for kind, cell in zip(kinds, cells, strict=True)]
            except ValueError as error:
                readable = not self.find(error, "cell-malformed", (path, number), error, ",".join(cells))
                continue
            key = tuple(values[at] for at in key_at)
            if last is not None and key <= last and (key, table) != (last, "lineage"):  # which may have several ranges
                self.add("id-duplicate" if key in keys else "row-order", (path, number), None, key)
            last = key
            keys.add(key)
            if table == "energy":
                self._fold((path, number), values)
            else:
                rows.append(dict(zip(columns, values, strict=True)) | {"_at": (path, number)})
                readable = not self._is_wrong(table, rows[-1]) and readable
        if readable:
            self.tables[table], self.by[table] = rows, {row[next(iter(columns))]: row for row in rows}

    def _is_wrong(self, table: str, row: Row) -> bool:
        start, end = ("vintage_start", "vintage_end") if table == "instruments" else ("start", "end")
        given, none = list[str](), list[str]()
        if table == "instruments":
            certificate, credit = ["contract_id", "quantity_kwh", "factor_t_per_kwh"], ["quantity_t"]
            given, none = (certificate, credit) if row["kind"] in CERTIFICATES else (credit, certificate)
        elif table == "declared" and row["energy_kwh"] is None:
            given = ["device_hours", "power_w"]
        late = None not in {row.get(start), row.get(end)} and row[start] >= row[end]
        lost = [c for c in given if row[c] in {None, ""} or (c in {"quantity_t", "factor_t_per_kwh"} and row[c] < 0)]
        wrong = late or lost or any(row[column] not in {None, ""} for column in none)
        return self.find(wrong, "cell-malformed", row, "start before end" if late else f"{given}, not {none}")

    def _references(self, table: str) -> None:
        rows = self.tables[table]
        if table == "energy":
            rows = [{"run_id": run, "site_id": site} for run, site, *_ in self.sums]
            rows += [{"evidence_id": key[-1]} for key in self.series]
            rows += [h | {"evidence_id": "|".join(h["evidence"])} for h in self.docs.get(HEADERS, ())]
        for column, kind in TABLES[table].items():
            target = kind.strip(">?*")
            for row in rows if kind[0] == ">" and target in self.by else ():
                bought = column == "market_factor_id" and row["kind"] == "instrument-in"
                known = self.by.get("instruments") if bought else self.by[target]
                lost = [n for n in row.get(column, "").split("|") if n and known is not None and n not in known]
                self.find(lost, "reference-dangling", row if "_at" in row else PATHS[table], column, " ".join(lost))
                self.dangling |= bool(lost) and target in {"sites", "runs"}  # lines cannot be built

    # ----------------------------------------------------------------------------- step 3: completeness and physics
    def _fold(self, at: tuple[str, int], row: list[Any]) -> None:  # 3.1, 3.2, 3.4 for a row of energy.csv
        _, run, site, device, start, end, boundary, method, grade, energy, covered, evidence = row
        key, rated = (run, site, device, method), self.by.get("devices", {}).get(device, {}).get("rated_w")
        one, times, rows = self.sums[key], self.covered[key[1:]], self.covered[key]
        one[0], one[1], one[2] = one[0] + 1, one[1] + energy, one[2] + covered
        self.series[run, site, boundary, method, grade, evidence][start] += energy
        rows[start] += 1
        times[start] += covered
        if start % SLOT_MS or end - start != SLOT_MS or not self.year[0] <= start < self.year[-1]:
            self.add("activity-off-slot", at, "on a half-hour of the fiscal year, 30 min long")
        if rows[start] > 1:
            self.add("activity-duplicate", at, None, " ".join(key))
        if covered < 0 or times[start] > SLOT_MS:
            self.add("device-counted-twice", at, f"0..{SLOT_MS} ms", times[start])
        if energy < 0:
            self.add("energy-negative", at, None, energy)
        if rated is not None and energy > rated * 2200 * covered:  # W x ms x 1.1 = 2200 half-uJ
            self.add("energy-implausible", at, f"<= {rated * 2200 * covered}", energy)

    def _period(self) -> None:  # 3.1
        statement, edges = self.docs[STATEMENT], (self.year[0], self.year[-1])
        self.find(self.final and statement["illustrative"], "workspace-illustrative", STATEMENT)
        self.find(self.final and statement["as_of"] != statement["period_end"], "final-year-not-ended", STATEMENT)
        ends = [header["end"] for header in self.docs.get(HEADERS, ())]
        ends += [min(row["end"], self.year[-1]) for row in self.tables.get("meters", ())]
        wrong = not max([edges[0], *ends]) <= statement["as_of"] <= edges[1]
        self.find(wrong, "as-of-wrong", STATEMENT, "in the year, not before the last measured instant")
        stated = (statement["period_start"], statement["period_end"])
        self.find(stated != edges, "period-mismatch", STATEMENT, f"fiscal year {self.fy}")

    def _headers(self) -> None:  # 3.3
        stated: dict[tuple[str, ...], list[int]] = {}
        for header in self.docs[HEADERS]:
            self.find(not header["devices"], "activity-incomplete", HEADERS, "devices with rows", header["run_id"])
            for one in header["devices"]:
                stated[header["run_id"], header["site_id"], one["device_id"], one["method"]] = [
                    one["rows"],
                    int(one["energy_half_uj"]),
                    one["covered_ms"],
                ]
        for key in sorted(stated.keys() | self.sums.keys()):
            expected, found = f"{key}: rows, half-uJ, ms {stated.get(key)}", self.sums.get(key)
            self.find(stated.get(key) != found, "activity-incomplete", PATHS["energy"], expected, found)

    def _ranges(self) -> None:  # 3.4, 3.5
        for table, columns, least, most, code in RANGES:
            for row, column in ((r, c) for r in self.tables.get(table, ()) for c in columns.split(" ")):
                wrong = row[column] is not None and not least <= row[column] <= most
                self.find(wrong, code, row, f"{column} {least}..{most}", row[column])
        for table in ("contracts", "pue", "meters"):
            last, code = ("", 0), f"{table.removesuffix('s')}-overlap"
            for row in sorted(self.tables.get(table, ()), key=lambda r: (r["site_id"], r["start"])):
                self.find(last > (row["site_id"], row["start"]), code, row, None, row["site_id"])
                last = max(last, (row["site_id"], row["end"]))
                self.find(row["start"] % SLOT_MS or row["end"] % SLOT_MS, "cut-off-slot", row)
        for column in ("serial_first", "serial_last"):  # 3.6
            serials = Counter(row[column].lower() for row in self.tables.get("instruments", ()))
            for row in self.tables.get("instruments", ()):
                self.find(serials[row[column].lower()] > 1, "serial-twice", row, None, row[column])

    # ------------------------------------------------------------------------------------------- step 4: factors
    def _constant(self, name: str) -> Row | None:  # 4.1
        entries = [e for e in self.docs[REGISTRY]["entries"] if e["kind"] == "constant"]
        entries = [e for e in entries if e["id"].split(".fy")[0] == name and e.get("valid_from_fy", 0) <= self.fy]
        valid = [e for e in entries if e.get("valid_to_fy", self.fy) >= self.fy]
        return max(valid, key=lambda e: (e.get("valid_from_fy", 0), e["id"]), default=None)

    def _resolve(self, supplier: str, menu: str, basis: str, country: str) -> Row | None:
        if (key := (supplier, menu, basis, country)) in self.known:
            return self.known[key]
        general, own = supplier in {"national-average", "substitute"}, list[Row]()
        for entry in self.docs[REGISTRY]["entries"]:
            place, supply = (entry["commodity"], entry.get("country", "JP")), (entry.get("number"), entry.get("basis"))
            usable = entry["status"] in {"confirmed", "illustrative"} and entry.get("applies_to_fy", 9999) <= self.fy
            named = entry["kind"] == supplier if general else supply == (supplier, basis)
            own += [entry] if place == ("electricity", country) and usable and named else []
        own = [e for e in own if e["applies_to_fy"] == max(e["applies_to_fy"] for e in own)]
        own = own if general else self._by_menu(own, supplier, menu)
        left = [e for e in own if e["id"] not in {other.get("corrects") for other in own}]
        self.known[key] = max(left, key=lambda e: (e["edition_on"], e["id"]), default=None)
        self.find(not left, "factor-missing", REGISTRY, None, " ".join(key))
        return self.known[key]

    def _by_menu(self, own: list[Row], supplier: str, menu: str) -> list[Row]:
        kinds = {kind: [e for e in own if e["kind"] == kind] for kind in ("single", "residual", "whole", "menu")}
        lettered = [e for e in kinds["menu"] + kinds["residual"] if menu not in ORDER and e.get("menu") == menu]
        at = (PATHS["contracts"], None, f"{supplier} {menu}")
        self.find(own and menu not in ORDER and not lettered, "menu-not-published", *at)
        self.find(menu == "whole" and kinds["whole"] and kinds["residual"], "whole-where-residual-exists", *at)
        self.find(not menu and kinds["residual"] and not kinds["single"], "menu-assumed-residual", *at)
        return lettered or next((kinds[k] for k in ORDER.get(menu, ORDER["residual"]) if kinds[k]), [])

    def _earlier(self) -> set[str]:  # 4.5: the provisional ones
        return {e["id"] for e in self.docs[REGISTRY]["entries"] if e.get("applies_to_fy", self.fy) < self.fy}

    def _factors_of(self, country: str, contract: Row | None) -> dict[str, Row | None]:
        supplier, menu = (contract["supplier"], contract["menu"]) if contract else ("substitute", "")
        basic, adjusted = (self._resolve(supplier, menu, basis, country) for basis in BASES[2:])
        location = self._resolve("national-average", "", "", country)
        return {"location": location, "market": basic, "basic": basic, "adjusted": adjusted}

    def _factors(self) -> None:
        needed = {(self._constant(name) or {"id": name})["id"] for name in CONSTANTS}
        registry = {entry["id"]: entry for entry in self.docs[REGISTRY]["entries"]}
        for row in self.tables["lines"]:
            entries = self._factors_of(row["country"], self.by["contracts"].get(row["contract_id"]))
            for basis in BASES if row["kind"] != "instrument-in" else ("location", "basic", "adjusted"):
                right, name = (entries[basis] or {"id": row[f"{basis}_factor_id"]})["id"], row[f"{basis}_factor_id"]
                needed.add(name)
                self.find(name != right, "factor-not-applicable", row, right, name)  # 4.6
        wanted: dict[str, Row] = {name: {} for name in needed - registry.keys()}
        for name in (needed | self.by["used"].keys()) & registry.keys():
            wanted[name] = {column: registry[name].get(column) for column in REGISTERED}
            wanted[name] |= {f"source_{c}": registry[name]["source"][c] for c in ("title", "place", "url")}
        self.compare("used", wanted, "factor-unregistered factor-unregistered factor-unregistered")  # 4.1
        for row in self.tables["used"]:
            name, status, applies = row["factor_id"], row["status"], row["applies_to_fy"] or self.fy
            self.find(name not in needed, "factor-unused", row, None, name)
            code = "factor-illustrative" if status == "illustrative" and not self.final else "factor-status"
            self.find(status != "confirmed", code, row, "confirmed", status)  # 4.3
            unit = "t-CO2/kWh" if registry.get(name, {}).get("kind") != "constant" else row["unit"]
            self.find(row["unit"] != unit, "factor-unit-wrong", row, unit, row["unit"])  # 4.4
            wrong = applies > self.fy or row["provisional"] != (applies < self.fy)  # 4.5
            self.find(wrong, "factor-year-wrong", row, f"FY{self.fy}", f"FY{applies}, {row['provisional']}")
            self.find(row["provisional"], "factor-provisional", row, None, name)
            self.find(row["provisional"] and self.final, "factor-not-published", row, None, name)
        self.evaluated["factors"] = len(self.tables["used"])
        provisional = any(row["provisional"] for row in self.tables["used"])
        self.find(self.docs[STATEMENT]["provisional"] != provisional, "provisional-wrong", STATEMENT, provisional)

    # --------------------------------------------------------------------------------- step 5: lines and figures
    def _at(self, table: str, site: str, instant: int) -> Row | None:
        return next((r for r in self.tables[table] if r["site_id"] == site and r["start"] <= instant < r["end"]), None)

    def _energy(self) -> dict[tuple[Any, ...], list[Any]]:  # 5.1, 5.2: half-uJ and evidence by group and piece
        cuts, (first, *_, last) = {site: set(self.year) for site in self.by["sites"]}, self.year
        for row in self.tables["contracts"] + self.tables["pue"] + self.tables["meters"]:
            cuts[row["site_id"]] |= {edge for edge in (row["start"], row["end"]) if first < edge < last}
        energy: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, set()])
        for (*group, evidence), series in self.series.items():
            edges = sorted(cuts[group[1]])
            for start, half_uj in series.items():
                at = bisect_right(edges, start)
                if 0 < at < len(edges):
                    sums = energy[*group, edges[at - 1], edges[at]]
                    sums[0] += half_uj
                    sums[1].update(evidence.split("|"))
        for row in self.tables["declared"]:
            kwh = row["energy_kwh"] if row["energy_kwh"] is not None else row["device_hours"] * row["power_w"] / 1000
            whole = int((kwh * 7_200_000_000_000).to_integral_value(ROUND_HALF_EVEN))
            length = row["end"] - row["start"]
            for a, b in pairwise(sorted(cuts[row["site_id"]])):
                x, y = max(a - row["start"], 0), min(b - row["start"], length)
                if x < y:
                    sums = energy[row["run_id"], row["site_id"], row["boundary"], "declared", row["grade"], a, b]
                    sums[0] += spread(whole, length, y) - spread(whole, length, x)
                    sums[1].add(row["evidence_id"])
        return {key: sums for key, sums in sorted(energy.items()) if self.by["runs"][key[0]]["status"] != "void"}

    def _run_lines(self) -> None:  # 5.3
        for (run, name, boundary, method, grade, start, end), (half_uj, evidence) in self._energy().items():
            site, portions = self.by["sites"][name], {"facility" if boundary == "facility" else "it": ONE}
            given: Row = {"run_id": run, "frame": self.by["runs"][run]["frame"], "boundary": boundary, "method": method}
            for step, inner in (("node", {"device"}), ("it", {"device", "node"})):
                ratio = site[f"overhead_{step}"] if boundary in inner else ONE
                self.find(ratio is None, "boundary-step-missing", site, None, step)
                given[f"step_{step}"] = ONE if ratio is None else ratio
            pue = self._at("pue", name, start) if boundary != "facility" else None
            self.find(boundary != "facility" and pue is None, "boundary-step-missing", site, None, "pue")
            portions |= {"overhead": pue["pue"] - 1} if pue else {}
            joule = half_uj * Decimal("0.0000005")
            kwh = (joule / 3_600_000).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
            given |= {"grade": grade, "status": self.by["grades"][grade]["status"], "energy_j": joule}
            given |= {"share": site["accounting_share"], "evidence_id": "|".join(sorted(evidence))}
            for portion, step_pue in portions.items():
                self._line("run", site, (start, end), kwh, given | {"portion": portion, "step_pue": step_pue})

    def _line(self, kind: str, site: Row, span: tuple[int, int], kwh: Decimal, given: Row) -> None:  # 5.4, 5.7
        contract = self.by["contracts"].get(given.get("contract_id", ""))
        contract = contract or self._at("contracts", site["site_id"], span[0])
        self.find(contract is None, "contract-missing", PATHS["contracts"], None, site["site_id"])
        line: Row = dict.fromkeys(TABLES["lines"], "")
        line |= dict.fromkeys(("step_node", "step_it", "step_pue", "share"), ONE)
        line |= {"kind": kind, "start": span[0], "end": span[1], "energy_kwh": kwh, "energy_j": kwh * 3_600_000}
        line |= {"site_id": site["site_id"], "country": site["country"], "grade": "A", "status": "billed"}
        line |= {"boundary": "facility", "portion": "facility", "contract_id": (contract or NONE)["contract_id"]}
        grade = self.by["grades"].get(given.get("grade", "A"), {})
        line |= {side: grade.get(side, ZERO) for side in ("low_pct", "high_pct")} | given
        first, last = (f"{(EPOCH + instant * MS).astimezone(JST):%Y-%m}" for instant in (span[0], span[1] - 1))
        line["month"] = first if first == last else ""
        line["scope"], line["category"] = ("2", "") if kind in INSTRUMENTS else scope(site, line["portion"])
        energy = line["facility_kwh"] = kwh * line["step_node"] * line["step_it"] * line["step_pue"] * line["share"]
        for basis, entry in self._factors_of(site["country"], contract).items():
            if entry is None:
                raise Fault("factor-missing", REGISTRY)
            name = given.get(f"{basis}_factor_id", entry["id"])
            value = given.get(f"{basis}_t_per_kwh", Decimal(entry["value"]))
            line |= {f"{basis}_factor_id": name, f"{basis}_t_per_kwh": value, f"tco2_{basis}": energy * value}
        self.lines.append(line)

    def _meter_lines(self) -> None:  # 5.5
        for row in self.tables["meters"]:
            start, end, name = row["start"], row["end"], row["site_id"]
            contracts = [c for c in self.tables["contracts"] if c["site_id"] == name]
            edges = {self.year[0], self.year[-1]} | {c["start"] for c in contracts} | {c["end"] for c in contracts}
            crosses = any(start < edge < end for edge in edges) or self.by["sites"][name]["accounting_share"] != 1
            inside = start < self.year[-1] and end > self.year[0]
            if not inside or self.find(crosses, "meter-crosses-contract", row, None, row["meter_id"]):
                continue
            own = [x for x in self.lines if x["kind"] == "run" and x["site_id"] == name]
            own = [x for x in own if start <= x["start"] and x["end"] <= end]
            rest = row["energy_kwh"] - total(own, "facility_kwh")
            slack = row["energy_kwh"] * min(Decimal(self.docs[STATEMENT]["materiality_pct"]), Decimal(5)) / 100
            self.find(-rest > max(slack, ZERO), "runs-exceed-meter", row, f">= {-slack}", rest)
            self.find(0 < -rest <= slack, "runs-exceed-meter-slightly", row, ">= 0", rest)
            if rest > 0:
                given = {"method": "meter", "evidence_id": row["evidence_id"]}
                self._line("unattributed", self.by["sites"][name], (start, end), rest, given)

    def _certificate_lines(self) -> None:  # 5.6
        taken: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in self.tables["instruments"]:
            contract = self.by["contracts"].get(row["contract_id"])
            name, kwh = row["instrument_id"], row["quantity_kwh"]
            if row["kind"] not in CERTIFICATES or row["fy"] != self.fy:
                continue
            if contract is None:
                self.add("certificate-without-contract", row, None, name)
                continue
            start, end = max(contract["start"], self.year[0]), min(contract["end"], self.year[-1])
            site, number = self.by["sites"][contract["site_id"]], contract["contract_id"]
            market = self._factors_of(site["country"], contract)["market"] or {"value": "0"}
            outside = start >= end or row["vintage_start"] >= end or row["vintage_end"] <= start
            if self.find(outside, "certificate-outside-vintage", row, None, name):
                continue
            if self.find(Decimal(market["value"]) == 0, "certificate-on-zero-menu", row, None, name):
                continue
            own = [x for x in self.lines if (x["contract_id"], x["scope"]) == (number, "2")]
            pool = total([x for x in own if x["kind"] not in INSTRUMENTS], "facility_kwh") - taken[number]
            taken[number] += (allocated := min(kwh, pool))
            self.find(kwh > pool, "certificate-exceeds-consumption", row, f"<= {pool}", kwh)
            self.add("ratio-not-published", row, None, name)
            if allocated <= 0:
                continue
            given = {"method": "certificate", "low_pct": ZERO, "high_pct": ZERO}
            given |= {"contract_id": number, "evidence_id": row["evidence_id"]}
            self._line("instrument-out", site, (start, end), -allocated, given)
            given |= {"market_factor_id": name, "market_t_per_kwh": row["factor_t_per_kwh"]}
            self._line("instrument-in", site, (start, end), allocated, given)

    def _lines(self) -> None:
        if self.dangling:
            self.not_checked.append("lines")
            return
        self._run_lines()
        self._meter_lines()
        self._certificate_lines()
        self.lines.sort(key=lambda line: [line[column] for column in (*LINE_KEY, "evidence_id")])  # 5.8
        wanted = {f"L{number:06d}": line for number, line in enumerate(self.lines, 1)}
        for name, line in wanted.items():
            line["line_id"] = name
        self.compare("lines", wanted, "line-missing line-unexpected line-mismatch")
        self.docs["re-computed"], self.evaluated["lines"] = wanted, len(self.tables["lines"])

    def _figures(self) -> None:  # 5.9
        rows, earlier = list[Row](), self._earlier()
        for name, measure, chosen in (text.split() for text in SUMS.split("|")):
            unit, filters = "kWh" if "kwh" in measure else "t-CO2", [one.split("=") for one in chosen.split(";")]
            own = [line for line in self.lines if all(line[column] == value for column, value in filters)]
            splits = SPLITS if chosen == "kind=run" else {"site": "site_id"} if name in BY_SITE else {}
            parts = {(name, chosen): own}
            for split, column in splits.items():
                for value in {line[column] for line in own}:
                    part = (f"{name}.{split}.{value or 'none'}", f"{chosen};{column}={value}")
                    parts[part] = [line for line in own if line[column] == value]
            for (label, selection), lines in parts.items():
                factors = {line.get(measure.replace("tco2_", "") + "_factor_id") for line in lines}
                source = (measure, selection, bool(factors & earlier))
                rows.append(figure(label, "sum", total(lines, measure), unit, source))
        wanted = {row["figure_id"]: row for row in rows}
        rows = self._derived(wanted) + (self._shares(wanted) if wanted["energy_ai_kwh"]["exact"] else [])
        wanted |= {row["figure_id"]: row for row in rows}
        for row in self.tables["roadmap"]:
            if row["fy"] == self.fy and row["measure"] in wanted:
                actual, name, unit = wanted[row["measure"]], row["target_id"], row["unit"]
                self.find(actual["unit"] != unit, "target-unit-wrong", row, actual["unit"], unit)
                gap, source = actual["exact"] - row["value"], ("", "", actual["provisional"])
                wanted[f"target.{name}"] = figure(f"target.{name}", "target", row["value"], unit)
                wanted[f"gap.{name}"] = figure(f"gap.{name}", "target-gap", gap, unit, source)
        self.docs["figures"], self.evaluated["figures"] = wanted, len(self.tables["figures"])
        self.compare("figures", wanted, "figure-missing figure-unexpected figure-mismatch")

    def _derived(self, sums: dict[str, Row]) -> list[Row]:
        heat, oil = (Decimal((self._constant(name) or {"value": "NaN"})["value"]) for name in CONSTANTS)
        own = [line for line in self.lines if (line["scope"], line["country"]) == ("2", "JP")]
        primary = heat * total(own, "facility_kwh") / 1000
        rows = [figure("primary_energy_gj", "primary-energy", primary, "GJ")]
        rows.append(figure("crude_oil_kl", "crude-oil", primary * oil, "kL"))
        unknown = [self.find(s["direct_sources"] != "none", "scope1-not-assessed", s) for s in self.tables["sites"]]
        if any(unknown):
            return rows
        rows += [figure(name, "declared-none", ZERO, "t-CO2") for name in ("scope1_t", "scope1_domestic_t")]
        gross, source = sums["scope2_market_t"]["exact"], ("", "", sums["scope2_market_t"]["provisional"])
        bought = [r for r in self.tables["instruments"] if r["fy"] == self.fy and r["kind"] not in CERTIFICATES]
        credit = total(bought, "quantity_t")
        rows.append(figure("gross_market_t", "gross", gross, "t-CO2", source))
        rows.append(figure("credits_t", "credits", credit, "t-CO2"))
        return [*rows, figure("net_market_t", "net", gross - credit, "t-CO2", source)]

    def _shares(self, sums: dict[str, Row]) -> list[Row]:
        rows, energy = list[Row](), sums["energy_ai_kwh"]["exact"]
        for status in ("measured", "estimated", "declared"):
            pct = 100 * sums.get(f"energy_ai_kwh.status.{status}", {"exact": ZERO})["exact"] / energy
            pct = pct.quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
            rows.append(figure(f"share_{status}_pct", "share-pct", pct, "%"))
        for side in ("low", "high"):
            errors: defaultdict[str, Decimal] = defaultdict(Decimal)
            for line in (line for line in self.lines if line["kind"] == "run"):
                errors[line["method"]] += line["facility_kwh"] * line[f"{side}_pct"]
            pct = sum((one * one for one in errors.values()), ZERO).sqrt() / energy
            pct = pct.quantize(Decimal("1e-6"), ROUND_HALF_EVEN)
            rows.append(figure(f"energy_ai_{side}_pct", f"interval-{side}-pct", pct, "%"))
        return rows

    def _report(self) -> None:  # 5.10
        for path in ("data/report/report.ja.html", "data/report/report.en.html"):
            page = _Page()
            page.feed(self.read(path).decode(errors="replace"))
            self.find(page.active, "report-active-content", path, None, " ".join(page.active))
            self.find(not page.figures, "report-figure-mismatch", path, "at least one <data data-fig>")
            for name, value, text in page.figures:
                row, found = self.by["figures"].get(name), (value, text.strip().replace(",", ""))
                wanted = (f"{row['exact'].normalize():f}", row["rounded"]) if row else None
                self.find(found != wanted, "report-figure-mismatch", path, wanted, f"{name} {value} {text}")

    # ------------------------------------------------------------------------------ step 6: history and approval
    def _roadmap(self) -> None:  # 6.1 - 6.3
        roadmap, trusted, digest = self.docs[ROADMAP], self.trust["roadmap"], sha256(self.read(ROADMAP))
        wanted = {t["id"]: {c: t[c] for c in ("measure", "fy", "unit")} for t in roadmap["targets"]}
        for target in roadmap["targets"]:
            wanted[target["id"]]["value"] = Decimal(target["value"])
        self.find(len(wanted) != len(roadmap["targets"]), "roadmap-mismatch", ROADMAP, "each target once")
        entity = self.docs[STATEMENT]["entity_id"]
        self.find(roadmap["entity_id"] != entity, "roadmap-mismatch", ROADMAP, entity, roadmap["entity_id"])
        self.compare("roadmap", wanted, "roadmap-mismatch roadmap-mismatch roadmap-mismatch")
        truth = {"roadmap_id": roadmap["roadmap_id"], "version": roadmap["version"], "content_sha256": digest}
        self.find(trusted and trusted != truth, "roadmap-unknown", ROADMAP, trusted, truth)
        approvals = [{key: one[key] for key in truth} for one in self.docs[APPROVALS]]
        earlier = any(one | {"content_sha256": digest} == truth for one in approvals)
        state = "approved" if truth in approvals else "changed-since-approval" if earlier else "unapproved"
        if state != "approved":
            self.add(f"roadmap-{state}", ROADMAP, None, digest)
        truth, stated = truth | {"state": state}, self.docs[STATEMENT]["roadmap"]
        self.find(stated != truth, "roadmap-state-wrong", STATEMENT, truth, stated)

    def _progress(self) -> None:  # 6.4; targets of other years may be listed
        figures, wanted = self.docs.get("figures", self.by["figures"]), dict[str, Row]()
        ended = self.docs[STATEMENT]["as_of"] == self.docs[STATEMENT]["period_end"]
        settled = ended and not self._earlier() & self.by["used"].keys()
        for row in self.tables["roadmap"]:
            ours = row["fy"] == self.fy and row["measure"] in figures
            actual = figures[row["measure"]]["exact"] if ours else None
            gap = None if actual is None else actual - row["value"]
            met = "" if not settled or gap is None else "true" if gap <= 0 else "false"
            if row["fy"] == self.fy or row["target_id"] in self.by["progress"]:
                wanted[row["target_id"]] = {"target": row["value"], "actual": actual, "gap": gap, "met": met}
                wanted[row["target_id"]] |= {column: row[column] for column in ("measure", "fy", "unit")}
        self.evaluated["targets"] = len(self.by["progress"])
        self.compare("progress", wanted, "progress-mismatch progress-mismatch progress-mismatch")

    def _sequence(self) -> None:  # 6.5; 1.4: what was signed is what is stated
        stated, last = self.docs[STATEMENT], self.trust["last"] or {"sequence": -1, "tagmanifest_sha256": ""}
        other = sha256(self.read(TAGMANIFEST)) != last["tagmanifest_sha256"]
        replayed = other and stated["sequence"] <= last["sequence"]
        self.find(replayed, "sequence-replayed", STATEMENT, f"> {last['sequence']}", stated["sequence"])
        for key in ("report_id", "fy", "entity_id", "as_of"):
            signed = self.docs.get("predicate", stated)[key]
            self.find(signed != stated[key], "subject-mismatch", STATEMENT, f"{key} {signed}", stated[key])

    # ------------------------------------------------------------------------------------------------ the answer
    def judge(self, package: Path) -> tuple[Row, int]:
        """Run all parts, naming those whose tables or documents could not be read; answer and exit code."""
        try:
            self.open(package)
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
            self.files.clear()
        if "bagit.txt" not in self.files:
            raise Fault("not-a-package", str(package))
        for name, needs in PARTS.items():
            if all(need in self.tables or need in self.docs for need in needs.split()):
                self.guard(name, getattr(self, f"_{name}"))
            else:
                self.not_checked.append(name)
        evaluated, levels = self.evaluated, {finding["level"] for finding in self.findings}
        if self.find(not evaluated["lines"] or not evaluated["figures"], "nothing-evaluated", "", None, evaluated):
            levels.add("must")
        self.findings.sort(key=lambda finding: finding["level"])
        answer: Row = {"evaluated": evaluated, "not_checked": list(dict.fromkeys(self.not_checked))}
        code = 1 if "must" in levels else 3 if levels else 0
        return {"verdict": "findings" if code == 1 else "verified"} | answer | {"findings": self.findings}, code


def read_trust(path: Path) -> Row:
    """The trust file, or Fault ``trust-unreadable``."""
    try:
        trust: Row = shaped(read_json(path.read_bytes()), DOCUMENTS["trust"], (str(path), None))
        for key in trust["keys"]:
            edges = ((key["valid_from"], "T00:00:00Z"), (key["valid_to"], "T23:59:59Z"))
            key["window"] = [read_value("t", text if "T" in text else text + time) for text, time in edges]
        wrong = [key["keyid"] for key in trust["keys"] if sha256(bytes.fromhex(key["public_key"])) != key["keyid"]]
    except (OSError, ValueError, Fault) as error:
        raise Fault("trust-unreadable", str(path), "gxmeter-trust/1", error) from None
    if wrong:
        raise Fault("trust-unreadable", str(path), "the key's SHA-256 as keyid", wrong)
    return trust


def judge(package: Path, trust: Path | None = None) -> tuple[Row, int]:
    """The answer as the specification has it, and the exit code."""
    verifier = Verifier()
    try:
        return Verifier(read_trust(trust) if trust else None).judge(package)
    except Fault as fault:
        verifier.add(*fault.args)
        answer = {"verdict": "could-not-run", "evaluated": verifier.evaluated, "not_checked": []}
        return answer | {"findings": verifier.findings}, 2


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(description="Re-compute a gxmeter verification package.")
    parser.add_argument("package", type=Path, help="the package: a folder or a .zip")
    parser.add_argument("--trust", type=Path, help="the trust file, which travels another way than the package")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of sentences")
    options = parser.parse_args(arguments)
    answer, code = judge(options.package, options.trust)
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
        return code
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    ja = locale.startswith("ja")
    for finding in answer["findings"]:
        print(f"{finding['level'].upper():6} {finding['code']}: {finding['text']['ja' if ja else 'en']}")
    print("評価:" if ja else "evaluated:", ", ".join(f"{what} {count}" for what, count in answer["evaluated"].items()))
    print("未確認:" if ja else "not checked:", ", ".join(answer["not_checked"]) or "-")
    print(VERDICTS[code][ja])
    return code


if __name__ == "__main__":
    sys.exit(main())
