"""A small company's fiscal year, accounted by the real ledger: four sites, eleven runs, bills, a certificate.

Invented, plausible numbers and the registry's factors; the rest comes from the code that real reports use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache

from gxmeter.core.calendar import SLOT_MS, FiscalYear, instant, jst_midnight_ms
from gxmeter.factors.load import load_registry
from gxmeter.ledger.inventory import account
from gxmeter.ledger.tables import (
    ActivityRow,
    ContractRow,
    Declarations,
    DeclaredRow,
    DeviceRow,
    EvidenceRow,
    Instant,
    InstrumentRow,
    MeterRow,
    PueRow,
    RunRow,
    SiteRow,
)
from gxmeter.reporting import ReportModel, build_model
from gxmeter.roadmap.content import Approval, TargetRow
from gxmeter.roadmap.progress import progress_rows, target_figures

FY = FiscalYear(2026)
DEMO_START = jst_midnight_ms(date(2026, 11, 10)) + 2 * SLOT_MS
PROGRAMME = {"id": "gx", "name_ja": "開発事業(見本)", "name_en": "Programme (sample)", "call_text": "public"}
KEYID = "3f5a9c0de1b27486" * 4


def at(month: int, day: int, year: int = 2026) -> Instant:
    """00:00 JST of a day of the fiscal year."""
    return Instant(jst_midnight_ms(date(year, month, day)))


def _site(site_id: str, ja: str, en: str, **other: object) -> SiteRow:
    row = SiteRow(
        site_id=site_id,
        name_ja=ja,
        name_en=en,
        country="JP",
        supply_area="tokyo",
        arrangement="owned",
        operational_control=True,
        overhead_control=True,
        overhead_node=Decimal("1.45"),
        overhead_it=Decimal("1.14"),
        accounting_share=Decimal(1),
        direct_sources="none",
    )
    return replace(row, **other)  # type: ignore[arg-type]


SITES = (
    _site("cloud-east", "クラウド東日本リージョン", "Cloud region east", arrangement="cloud"),
    _site("edge-lab", "エッジ実験室", "Edge laboratory", overhead_it=None),
    _site("kansai-colo", "関西コロケーション", "Colocation in Kansai", arrangement="colocation", supply_area="kansai"),
    _site("tokyo-dc1", "東京近郊データセンター", "Data centre near Tokyo"),
)

PUE = (
    PueRow("cloud-east", at(4, 1), at(4, 1, 2027), Decimal("1.15"), "declared", "provider's page"),
    PueRow("kansai-colo", at(4, 1), at(4, 1, 2027), Decimal("1.35"), "contract", "colocation contract"),
    PueRow("tokyo-dc1", at(4, 1), at(10, 1), Decimal("1.20"), "measured", "building management system"),
    PueRow("tokyo-dc1", at(4, 1, 2027), at(4, 1, 2028), Decimal("1.10"), "declared", "plan for the next year"),
    PueRow("tokyo-dc1", at(10, 1), at(4, 1, 2027), Decimal("1.18"), "measured", "building management system"),
)

CONTRACTS = (
    ContractRow("edge-lab-supply", "edge-lab", "A0269", "residual", at(4, 1), at(4, 1, 2027)),
    ContractRow("kansai-supply", "kansai-colo", "A0272", "residual", at(4, 1), at(4, 1, 2027)),
    ContractRow("tokyo-supply", "tokyo-dc1", "A0269", "residual", at(4, 1), at(4, 1, 2027)),
)

_RUNS = (
    (
        "ablation-moe",
        "専門家の経路選択の比較実験",
        "Ablation of expert routing",
        "development",
        "ablation",
        "completed",
    ),
    (
        "demo-charlm",
        "文字言語モデル(計測デモ)",
        "Character language model (measured)",
        "exploration",
        "pretrain",
        "completed",
    ),
    ("eval-1t", "1兆パラメータモデルの評価", "Evaluation of the 1T model", "development", "evaluation", "completed"),
    (
        "finetune-robot",
        "ロボット把持の微調整",
        "Fine-tuning for robot grasping",
        "exploration",
        "finetune",
        "completed",
    ),
    (
        "finetune-robot-void",
        "ロボット把持の微調整(二重登録)",
        "Fine-tuning, entered twice",
        "exploration",
        "finetune",
        "void",
    ),
    (
        "pretrain-1t",
        "1兆パラメータ事前学習",
        "Pre-training, one trillion parameters",
        "development",
        "pretrain",
        "running",
    ),
    (
        "pretrain-1t-a1",
        "同 第1試行(障害で停止)",
        "Same, first attempt (stopped by a fault)",
        "development",
        "pretrain",
        "failed",
    ),
    ("sim-policy", "模擬環境での方策学習", "Policy learning in simulation", "exploration", "pretrain", "completed"),
    ("small-13b", "小型モデル 13B", "Small model, 13B", "development", "pretrain", "completed"),
    ("small-30b", "小型モデル 30B", "Small model, 30B", "development", "pretrain", "completed"),
    ("small-7b", "小型モデル 7B", "Small model, 7B", "exploration", "pretrain", "completed"),
)


def _run(run_id: str, ja: str, en: str, frame: str, stage: str, status: str) -> RunRow:
    return RunRow(run_id, ja, en, frame, stage, status, "declared", "", None, None, None, None, at(4, 6), at(11, 15))


def _part(part_id: str, site_id: str, start: Instant, end: Instant, hours: int) -> DeclaredRow:
    run_id = part_id.rpartition(".")[0]
    return DeclaredRow(
        part_id, run_id, site_id, start, end, "device", Decimal(hours), Decimal(600), None, "F", f"ev-{run_id}"
    )


DECLARED = (
    _part("ablation-moe.1", "tokyo-dc1", at(4, 6), at(5, 11), 210_000),
    _part("eval-1t.1", "cloud-east", at(10, 20), at(10, 28), 18_400),
    _part("finetune-robot.1", "kansai-colo", at(8, 1), at(8, 22), 41_000),
    _part("finetune-robot-void.1", "kansai-colo", at(8, 1), at(8, 22), 41_000),
    _part("pretrain-1t.1", "tokyo-dc1", at(6, 15), at(11, 1), 1_930_000),
    _part("pretrain-1t-a1.1", "tokyo-dc1", at(6, 1), at(6, 9), 96_000),
    _part("sim-policy.1", "kansai-colo", at(5, 1), at(7, 1), 88_000),
    _part("small-13b.1", "kansai-colo", at(7, 1), at(7, 20), 52_000),
    _part("small-30b.1", "kansai-colo", at(9, 1), at(10, 16), 131_000),
    _part("small-7b.1", "cloud-east", at(4, 20), at(5, 7), 30_000),
)

DEVICES = (
    DeviceRow("cpu0", "edge-lab", "bench-1", "cpu", "desktop CPU", Decimal(125)),
    DeviceRow("gpu0", "edge-lab", "bench-1", "gpu", "workstation GPU", Decimal(300)),
    DeviceRow("ram", "edge-lab", "bench-1", "ram", "2 modules", Decimal(10)),
)

METERS = tuple(
    MeterRow(
        f"tokyo-2026-{month:02d}",
        "tokyo-dc1",
        at(month, 1),
        at(month + 1, 1),
        "bill",
        Decimal(kwh),
        f"bill-{month:02d}",
    )
    for month, kwh in ((4, 181_400), (5, 96_200), (6, 367_900), (7, 514_300), (8, 513_600), (9, 498_200), (10, 505_900))
)

INSTRUMENTS = (
    InstrumentRow(
        "jc-2026-1",
        "j-credit",
        "JC-000101",
        "JC-000140",
        2026,
        "",
        at(4, 1, 2025),
        at(4, 1),
        None,
        Decimal(40),
        None,
        "ev-jc",
    ),
    InstrumentRow(
        "nf-2026-1",
        "nonfossil-certificate",
        "NF-00000001",
        "NF-00400000",
        2026,
        "tokyo-supply",
        at(4, 1),
        at(10, 1),
        Decimal(400_000),
        None,
        Decimal(0),
        "ev-nf",
    ),
)


def _activity() -> tuple[ActivityRow, ...]:
    rows = []
    for slot in range(4):
        start = DEMO_START + slot * SLOT_MS
        for device, method, grade, watt in (
            ("cpu0", "codecarbon-cpu-load", "E1", 48),
            ("gpu0", "codecarbon-gpu-counter", "C1", 212),
            ("ram", "codecarbon-ram-model", "E2", 10),
        ):
            covered = SLOT_MS if slot != 2 else SLOT_MS - 754_000
            rows.append(
                ActivityRow(
                    len(rows) + 1,
                    "demo-charlm",
                    "edge-lab",
                    device,
                    Instant(start),
                    Instant(start + SLOT_MS),
                    "device",
                    method,
                    grade,
                    watt * covered * 2000,
                    covered,
                    "journal-1",
                )
            )
    return tuple(rows)


def _evidence() -> tuple[EvidenceRow, ...]:
    names = {part.evidence_id for part in DECLARED} | {meter.evidence_id for meter in METERS}
    names |= {"ev-jc", "ev-nf", "journal-1"}
    return tuple(EvidenceRow(name, "document", f"evidence/{name}.txt", 100, "0" * 64) for name in sorted(names))


def declarations() -> Declarations:
    """All declared tables of the company."""
    runs = tuple(_run(*run) for run in _RUNS)
    return Declarations(SITES, PUE, CONTRACTS, DEVICES, runs, DECLARED, METERS, INSTRUMENTS, _evidence())


TARGETS = tuple(
    TargetRow(f"{name}-{fy}", measure, fy, Decimal(value), unit)
    for name, measure, unit, values in (
        ("energy", "energy_ai_kwh", "kWh", (3_300_000, 5_200_000, 5_600_000, 5_400_000, 5_000_000)),
        ("s1", "scope1_domestic_t", "t-CO2", (0, 0, 0, 0, 0)),
        ("s2l", "scope2_location_domestic_t", "t-CO2", (1_300, 2_050, 2_100, 1_950, 1_700)),
        ("s2m", "scope2_market_domestic_t", "t-CO2", (1_150, 1_800, 1_600, 1_200, 800)),
    )
    for fy, value in zip(range(2026, 2031), values, strict=True)
)

APPROVAL = Approval(
    "gx-roadmap", 1, "取締役会", "2026-06-18", "2026-06-02", "第3号議案 GXロードマップ", "ab" * 32, "cd" * 32
)


@dataclass(frozen=True)
class Parts:
    """The arguments of ``build_model``, to vary one at a time in a test."""

    arguments: dict[str, object]

    def model(self, **changed: object) -> ReportModel:
        """The model with some arguments changed."""
        return build_model(**(self.arguments | changed))  # type: ignore[arg-type]


@cache
def parts() -> Parts:
    """The company's fiscal year, accounted once."""
    inventory = account(declarations(), _activity(), load_registry(), FY)
    by_id = {figure.figure_id: figure for figure in inventory.figures}
    progress, remarks = progress_rows(TARGETS, by_id, FY.year, final=False)
    return Parts(
        {
            "statement": statement(provisional=inventory.provisional),
            "declarations": declarations(),
            "lines": inventory.lines,
            "figures": tuple(sorted((*inventory.figures, *target_figures(progress, by_id)), key=lambda f: f.figure_id)),
            "progress": progress,
            "targets": TARGETS,
            "approval": APPROVAL,
            "used_factors": inventory.used,
            "findings": (*inventory.findings, *remarks),
            "run_headers": (run_header(),),
            "signer_keyid": KEYID,
        }
    )


def run_header() -> dict[str, object]:
    """The header of the measured run, with a gap on each of its devices."""
    gap_start = DEMO_START + 2 * SLOT_MS + 600_000
    return {
        "run_id": "demo-charlm",
        "site_id": "edge-lab",
        "evidence": ["journal-1"],
        "start": instant(DEMO_START),
        "end": instant(DEMO_START + 4 * SLOT_MS),
        "records": 1_200,
        "clean_end": True,
        "sensors": [{"name": "codecarbon", "version": "3.3.2"}],
        "devices": [],
        "gaps": [
            {"device_id": device, "start": instant(gap_start), "end": instant(gap_start + 754_000)}
            for device in ("cpu0", "gpu0", "ram")
        ],
    }


def statement(*, provisional: bool) -> dict[str, object]:
    """``statement.json`` of the year."""
    return {
        "schema": "gxmeter-statement/1",
        "report_id": "R-2026-000001",
        "sequence": 1,
        "supersedes": None,
        "entity_id": "sample-models",
        "entity_name_ja": "架空基盤モデル株式会社",
        "entity_name_en": "Fictional Foundation Models K.K.",
        "programme": PROGRAMME,
        "illustrative": False,
        "fy": 2026,
        "period_start": instant(FY.start_ms),
        "period_end": instant(FY.end_ms),
        "as_of": instant(at(11, 15)),
        "kind": "interim",
        "provisional": provisional,
        "roadmap": {"roadmap_id": "gx-roadmap", "version": 1, "state": "approved", "content_sha256": "cd" * 32},
        "third_party_verification": "none",
        "materiality_pct": "5",
        "gap_limit_s": None,
        "counts": {},
        "tool": {"name": "gxmeter", "version": "0.1.0"},
    }
