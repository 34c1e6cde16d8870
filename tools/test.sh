#!/usr/bin/env bash
# Run the tests with coverage, hold it against the floors, and end with pytest's own closing line.
set -u
cd "$(dirname "$0")/.."
python="${VENV:-.venv}/bin/python"
log="$(mktemp)"
report="$(mktemp)"
trap 'rm -f "$log" "$report"' EXIT
colour=no
[ -t 1 ] && colour=yes

rm -f .coverage .coverage.*
"$python" -m pytest --color="$colour" --cov --cov-report="json:$report" --cov-report=term "$@" 2>&1 | tee "$log"
status="${PIPESTATUS[0]}"
if [ "$status" -eq 0 ]; then
    "$python" tools/coverage_floors.py "$report" || status=1
    tail -n 1 "$log"
fi
exit "$status"
