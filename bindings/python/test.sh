#!/usr/bin/env bash
# Tests the Python package as a new user gets it: installed by pip into an empty virtual environment. Then the stubs, and the
# wheel, which goes to target/wheels.
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}
most_bytes=$((8 << 20))

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m venv "$place/venv"
pip() { "$place/venv/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }
run() { "$place/venv/bin/python" -m "$@"; }

pip install ".[test]"
# Away from the sources, so that the installed package is what is tested. The modules' examples are tests, too.
package=$(cd "$place" && run site | sed -n "s/^ *'\(.*site-packages\)',*$/\1/p" | head -1)/vdf_basis
run pytest --quiet --doctest-modules "$package" tests
run mypy
(cd "$place" && run mypy.stubtest vdf_basis._native)

pip install "maturin>=1.9,<2"
out=../../target/wheels
rm -f "$out"/vdf_basis-*.whl
run maturin build --release --quiet --locked --out "$out"
for wheel in "$out"/vdf_basis-*.whl; do
    bytes=$(wc -c <"$wheel")
    printf '%s: %d bytes\n' "$(basename "$wheel")" "$bytes"
    [ "$bytes" -lt "$most_bytes" ] || { printf 'the wheel is larger than %d bytes\n' "$most_bytes" >&2; exit 1; }
done
printf 'Python: all passed\n'
