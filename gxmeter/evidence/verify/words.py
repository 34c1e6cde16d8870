"""The verdict in words for people: re-computed, never "verified"; what was not checked is said."""

from __future__ import annotations

from collections.abc import Iterator

from gxmeter.core.errors import ExitCode
from gxmeter.evidence.verify.judge import Verdict

_EVALUATED = {
    "files": ("ファイル", "files"),
    "rows": ("行", "rows"),
    "factors": ("係数", "factors"),
    "lines": ("明細", "lines"),
    "figures": ("数値", "figures"),
    "targets": ("目標", "targets"),
    "sql_rows": ("SQL で足し直した行", "rows added again by SQL"),
    "sql_lines": ("同じく明細", "lines by SQL"),
    "sql_figures": ("同じく数値", "figures by SQL"),
    "raw_files": ("生データのファイル", "raw files"),
    "raw_rows": ("生データと照合した行", "rows compared with raw telemetry"),
}
_NOT_CHECKED = {
    "signer": ("署名者の身元", "who the signer is"),
    "registry": ("係数台帳と信頼ファイルの照合", "the factor registry against a trust file"),
    "roadmap-approval": ("ロードマップと承認者の控えの照合", "the roadmap against the approver's copy"),
    "sequence": ("通し番号", "the sequence"),
    "time-stamp": (
        "タイムスタンプ(この版のパッケージには付いていません)",
        "a time stamp (this package version has none)",
    ),
    "products": (
        "SQL では: 明細の積(境界の係数、割合、排出係数)",
        "by SQL: products of lines (steps, shares, factors)",
    ),
    "declared-parts": ("SQL では: 申告されたエネルギー", "by SQL: declared energy"),
    "other-lines": ("SQL では: 請求との差と証書の明細", "by SQL: lines of unattributed energy and certificates"),
    "raw: idle": (
        "どの実行にも属さない時間のエネルギー(明細には請求との差として入る)",
        "energy outside any run (in the lines it is part of what a bill shows beyond the runs)",
    ),
    "raw-telemetry": ("生データの積分(--raw で指定)", "the integration of the raw telemetry (give it by --raw)"),
}


def verdict_lines(verdict: Verdict, language: str) -> Iterator[str]:
    """What was evaluated, what was not checked, and the conclusion."""
    i = 0 if language == "ja" else 1
    counts = "、" if i == 0 else ", "
    yield counts.join(f"{_EVALUATED[name][i]} {number:,}" for name, number in verdict.evaluated.items())
    for name in verdict.not_checked:
        yield ("未確認: ", "Not checked: ")[i] + _NOT_CHECKED.get(name, (name, name))[i]
    if verdict.exit_code is ExitCode.MUST_FINDINGS:
        yield (
            "判定: 再計算と一致しないか、規則に反する点があります。",
            "Verdict: something does not re-compute or breaks a rule.",
        )[i]
    elif verdict.exit_code is ExitCode.SHOULD_FINDINGS:
        yield ("判定: 再計算一致(留意点あり)", "Verdict: re-computed, all figures agree; there are remarks.")[i]
    else:
        yield ("判定: 再計算一致", "Verdict: re-computed, all figures agree.")[i]
