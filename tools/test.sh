#!/usr/bin/env bash
# Run the tests with coverage, hold it against the floors, and end with pytest's own closing lines.
set -u
cd "$(dirname "$0")/.."
python="${VENV:-.venv}/bin/python"
log="$(mktemp)"
report="$(mktemp)"
trap 'rm -f "$log" "$report"' EXIT
colour=no
[ -t 1 ] && colour=yes

# Two parts: most tests run on all cores beside each other; those that measure time, signals, terminals or the whole
# machine (marked "alone", see tests/conftest.py) run after them one by one.
which="not nightly"
[ "${1:-}" = --nightly ] && which="nightly or not nightly" && shift

rm -f .coverage .coverage.*
"$python" -m pytest --color="$colour" -n auto --dist loadfile -m "($which) and not alone" --cov --cov-fail-under=0 \
    --cov-report= "$@" 2>&1 |
    tee "$log"
status="${PIPESTATUS[0]}"
"$python" -m pytest --color="$colour" -m "($which) and alone" --cov --cov-append \
    --cov-report="json:$report" --cov-report=term "$@" 2>&1 | tee -a "$log"
alone="${PIPESTATUS[0]}"
[ "$status" -eq 0 ] && status="$alone"
if [ "$status" -eq 0 ]; then
    "$python" tools/coverage_floors.py "$report" || status=1
fi
grep -E '(passed|failed|error).* in [0-9.]+s' "$log"
exit "$status"
