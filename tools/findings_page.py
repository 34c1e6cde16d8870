"""Write ``docs/reference/findings.md`` from the message files; with ``--check`` only say whether it is stale."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MESSAGES = ROOT / "gxmeter" / "core" / "messages"
PAGE = ROOT / "docs" / "reference" / "findings.md"
HEAD = """# Findings

Every fault and remark has a code that stays, a level and one sentence in each language; words in braces are filled in.
*must* makes exit code 1, *should* exit code 3, *may* is a remark. Generated from `gxmeter/core/messages/`
by `make docs`.
"""


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def page() -> str:
    """The whole page: one table per room, codes in order."""
    parts = [HEAD]
    for path in sorted(MESSAGES.glob("*.toml")):
        rows = sorted(tomllib.loads(path.read_text("utf-8")).items())
        parts.append(f"\n## {path.stem}\n\n| code | level | sentence |\n|---|---|---|\n")
        parts += [f"| `{code}` | {m['level']} | {_cell(m['ja'])}<br>{_cell(m['en'])} |\n" for code, m in rows]
    return "".join(parts)


def main() -> int:
    """Write the page, or compare it: 0 fine, 1 stale."""
    if "--check" in sys.argv[1:]:
        fresh = PAGE.is_file() and PAGE.read_text("utf-8") == page()
        if not fresh:
            print(f"{PAGE.relative_to(ROOT)} is stale; run: make docs", file=sys.stderr)
        return 0 if fresh else 1
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
