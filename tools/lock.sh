#!/usr/bin/env bash
# Resolve the lock files anew: exact versions with hashes for Python 3.11 and newer, no download addresses.
# Needs uv (`make lock` fetches it into the virtual environment).
set -euo pipefail
cd "$(dirname "$0")/.."
uv="${UV:-uv}"

head_of() {
    printf '# %s\n' "$1" "Made by \`make lock\` from pyproject.toml; do not edit. Install with pip --require-hashes."
}

lock() { # lock FILE TITLE [uv arguments]
    local file="$1" title="$2"
    shift 2
    # The old file stays in place while uv reads it, so that only what must move moves; --upgrade moves all.
    "$uv" pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-header --quiet --output-file "$file" "$@" >/dev/null
    { head_of "$title"; cat "$file"; } >"$file.new"
    mv "$file.new" "$file"
}

# The S3 client of the tests (and of gxmeter[remote]) takes dateutil 2 only, and one environment holds one version.
older="$(mktemp)"
echo "python-dateutil<3" >"$older"
lock requirements.lock "What gxmeter needs to run, and hatchling, which installs the checkout." --extra build -c "$older"
lock requirements-dev.lock "The same, and what lint and tests need." --extra build --extra dev -c requirements.lock
lock requirements-spark.lock "What gxmeter needs to run with the Spark engine, in an environment of its own." \
    --extra build --extra spark -c requirements.lock
rm -f "$older"

# The metering install: the same versions, but for what must be smaller; names only, none of their requirements.
lock_meter() {
    local file=requirements-meter.lock same
    same="$(mktemp)"
    grep -E '^[a-z0-9].*==' requirements.lock | grep -v '^typer==' | sed 's/ *\\$//' >"$same"
    "$uv" pip compile requirements-meter.in --no-deps --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-header --quiet -c "$same" --output-file "$file" >/dev/null
    {
        printf '# %s\n' "What measuring needs beside gxmeter's own wheel: pip install --no-deps --require-hashes -r $file" \
            "Made by \`make lock\` from requirements-meter.in; do not edit."
        cat "$file"
    } >"$file.new"
    mv "$file.new" "$file"
    rm -f "$same"
}
lock_meter

# The trainers and loggers of the hooks' tests. torch is named in the Makefile; what it asks for stands in the .in file.
# Of what CodeCarbon asks for, its hardware layer needs no tables and no country names.
lock_hooks() {
    local file=requirements-hooks.lock out
    out="$(mktemp)"
    printf "%s ; python_version < '3'\n" torch pandas pycountry >"$out"
    "$uv" pip compile requirements-hooks.in --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-header --quiet -c requirements.lock --override "$out" --output-file "$file" >/dev/null
    {
        printf '# %s\n' "What the tests of the trainer hooks need beside PyTorch (see the Makefile): pip --no-deps --require-hashes." \
            "Made by \`make lock\` from requirements-hooks.in; do not edit."
        cat "$file"
    } >"$file.new"
    mv "$file.new" "$file"
    rm -f "$out"
}
lock_hooks

if grep -nE '://|file:|^-|^ *--(index|find)' requirements*.lock; then
    echo "a lock file holds a download address; it would tie the checkout to one machine" >&2
    exit 1
fi
