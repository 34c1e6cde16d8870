"""The demo's sentences in Japanese and English, and which of the two the locale asks for."""

from __future__ import annotations

import os

STEPS = {
    "train": ("学習を計量しながら実行", "training under the meter"),
    "check": ("ワークスペースを点検", "checking the workspace"),
    "account": ("会計年度を集計", "accounting the fiscal year"),
    "progress": ("ロードマップと照合", "tracking the roadmap"),
    "report": ("報告書とパッケージを作成", "writing report and package"),
    "verify": ("再計算で照合 (gxmeter verify)", "re-computing (gxmeter verify)"),
    "stranger": ("独立したプログラムで再計算 (verify.py)", "re-computing as a stranger (verify.py)"),
}
UNSEEN = {
    "signer": ("署名者の身元", "who the signer is"),
    "registry": ("係数台帳", "the factor registry"),
    "roadmap-approval": ("ロードマップの承認", "the roadmap's approval"),
    "sequence": ("通し番号", "the sequence"),
    "time-stamp": ("タイムスタンプ", "a time stamp"),
}
MEASURES = {
    "scope1_domestic_t": ("スコープ1 (国内)", "Scope 1, domestic"),
    "scope2_location_domestic_t": ("スコープ2 ロケーション基準 (国内)", "Scope 2 location-based, domestic"),
    "scope2_market_domestic_t": ("スコープ2 マーケット基準 (国内)", "Scope 2 market-based, domestic"),
    "energy_ai_kwh": ("AI計算の全電力量", "all AI compute energy"),
}
TEXTS = {
    "title": (
        "{organisation} {fy}年度 (令和{era}年度) ── 例示シナリオ",
        "{organisation} FY{fy} (Reiwa {era}) -- illustrative scenario",
    ),
    "run": (
        "計量した学習:  {kwh} kWh (機器の合計。{status})  ジャーナル: {journal}",
        "metered run:   {kwh} kWh (sum of devices; {status})  journal: {journal}",
    ),
    "energy": ("AI計算の全電力量:  {rounded} {unit}", "all AI compute energy:  {rounded} {unit}"),
    "location": (
        "スコープ2 ロケーション基準:  {rounded} {unit}   (AI計算の全量では {ai} {unit})",
        "Scope 2 location-based:  {rounded} {unit}   (all AI compute: {ai} {unit})",
    ),
    "market": (
        "スコープ2 マーケット基準:  {rounded} {unit}   (AI計算の全量では {ai} {unit})",
        "Scope 2 market-based:  {rounded} {unit}   (all AI compute: {ai} {unit})",
    ),
    "share": (
        "AI計算の電力量の内訳:  実測 {measured}   推計 {estimated}   申告 {declared}",
        "how AI compute energy is known:  measured {measured}   estimated {estimated}   declared {declared}",
    ),
    "none": ("なし", "none"),
    "targets": (
        "{fy}年度の目標に対する進捗 (年度途中までの値。達成かどうかは年度が終わるまで言わない):",
        "progress against the FY{fy} targets (year to date; met or not is said only after the year has ended):",
    ),
    "no-targets": ("{fy}年度の目標はロードマップにありません。", "The roadmap has no targets for FY{fy}."),
    "target": (
        "  {name}:  実績 {actual} / 目標 {target} {unit}   差 {gap}",
        "  {name}:  actual {actual} / target {target} {unit}   gap {gap}",
    ),
    "approval": ("  ロードマップ: {state}", "  roadmap: {state}"),
    "provisional": (
        "暫定係数: {fy}年度の公式係数は未公表のため、最新の公表値を暫定使用 (指摘 factor-provisional)。",
        "provisional factors: FY{fy} is not published yet; the newest published year stands in (factor-provisional).",
    ),
    "findings": (
        "指摘: must {must}件, should {should}件, may {may}件 (内容は報告書と {log})",
        "findings: {must} must, {should} should, {may} may (see the report and {log})",
    ),
    "verdict": (
        "判定: 再計算一致 (明細 {lines}行、数値 {figures}件を二つの実装が再計算)。第三者検証は未実施。",
        "verdict: re-computed, matches ({lines} lines, {figures} figures, two implementations). No third party yet.",
    ),
    "not-checked": ("  再計算が確かめていないもの: {names}", "  what the re-computation did not check: {names}"),
    "trust": (
        "  信頼ファイル（鍵・係数台帳・ロードマップ）はデモでは同じ計算機のもの。本来は別の経路で受け取る。",
        "  the trust file (key, factor registry, roadmap) is this machine's own here; in earnest it comes another way.",
    ),
    "verdict-bad": (
        "判定: 再計算と一致しない点があります (終了コード {codes})。",
        "verdict: the re-computation objects (exit codes {codes}).",
    ),
    "package": ("パッケージ: {path}", "package: {path}"),
    "open": ("この報告書を開いてください: {path}", "open this report: {path}"),
    "failed": (
        "{step}: 終了コード {code} で止まりました。記録: {log}",
        "{step}: stopped with exit code {code}. Log: {log}",
    ),
    "no-answer": (
        "{step}: 機械可読の答えがありません。記録: {log}",
        "{step}: no machine-readable answer. Log: {log}",
    ),
    "not-ours": (
        "{path} には別のものが入っています。空の場所か、前のデモの出力先を --out で指定してください。",
        "{path} holds something else; name an empty place, or an earlier demo's output, with --out.",
    ),
    "no-journal": (
        "ジャーナルのフォルダーがありません: {path}",
        "There is no journal folder: {path}",
    ),
}


def language() -> int:
    """0 for Japanese, 1 for English: from GXMETER_LANG, else LC_ALL, LC_MESSAGES, LANG."""
    for name in ("GXMETER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return 0 if value.lower().startswith("ja") else 1
    return 1


def say(key: str, **holes: object) -> str:
    """The sentence ``key`` in the locale's language."""
    return TEXTS[key][language()].format(**holes)
