#!/usr/bin/env bash
# Builds the example and runs it on 1, 2, 4, 8 and other numbers of ranks: archives and learnt bases must have the same
# bytes. Needs a Rust toolchain, cmake, a C++17 compiler, and Open MPI. VDF_BASIS_PREFIX names a folder where install.sh has
# installed the library; without it that is done first, into a temporary folder.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=${VDF_BASIS_PREFIX:-$work/prefix}
[ -n "${VDF_BASIS_PREFIX:-}" ] || ../../install.sh "$prefix"
cmake -S . -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS=-Werror >"$work/cmake.log" ||
    { cat "$work/cmake.log"; exit 1; }
cmake --build "$work/build"

# Open MPI asks for the first where the user is root, and for the second where there are fewer processors than ranks.
options=(--oversubscribe)
[ "$(id -u)" != 0 ] || options+=(--allow-run-as-root)
# on RANKS ARGUMENTS...
on() { mpirun "${options[@]}" -n "$1" "$work/build/ranks" "${@:2}"; }

passed=0 failed=0
check() {
    if "${@:2}"; then
        passed=$((passed + 1)) && echo "ok: $1"
    else
        failed=$((failed + 1)) && echo "FAILED: $1"
    fi
}
same() { cmp "$work/$1/bounded.vdfa" "$work/$2/bounded.vdfa" && cmp "$work/$1/learnt.vdfa" "$work/$2/learnt.vdfa" &&
    cmp "$work/$1/basis.pca" "$work/$2/basis.pca"; }
# Whether all differences that `compare` prints are at most 1e-12.
close() { on 1 compare "$work/$1" "$work/$2" | tee -a /dev/stderr | tr ',' '\n' | awk '!($2 <= 1e-12) {far = 1} END {exit far}'; }

# 250 cells are 8 groups, of which the last is not whole: on 3 and 5 ranks some have more groups than others, and on 11 some
# have none.
for ranks in 1 2 4 8 3 5 11; do
    mkdir "$work/$ranks"
    on "$ranks" write "$work/$ranks" --cells 250 | sed "s|$work/||"
    (cd "$work/$ranks" && sha256sum ./*)
    check "$ranks ranks write the bytes of one" same 1 "$ranks"
done

# As with more bytes than an int counts: in many calls.
mkdir "$work/parts"
on 4 write "$work/parts" --cells 250 --at-once 1000 >"$work/log"
check "4 ranks write the bytes of one in parts of 1000 bytes" same 1 parts

on 1 read "$work/4" --cells 250 | tee "$work/by1"
for ranks in 3 8; do
    on "$ranks" read "$work/4" --cells 250 >"$work/by$ranks"
    check "$ranks ranks read what one reads" cmp "$work/by1" "$work/by$ranks"
done
check "the bound holds for each cell" awk '/bounded/ {exit !($2 == 250 && $6 <= 0.01)}' "$work/by1"

# Accumulators that keep all rows: nothing is left out, and merging in any order gives the same to rounding.
for ranks in 1 2 4 8; do
    mkdir "$work/exact$ranks" "$work/plain$ranks"
    on "$ranks" write "$work/exact$ranks" --cells 250 --directions 4096 >"$work/log"
    check "$ranks ranks learn the bytes of one without a limit" same exact1 "exact$ranks"
    on "$ranks" write "$work/plain$ranks" --cells 250 --directions 4096 --plain >"$work/log"
    check "$ranks ranks that merge in any order learn the same to 1e-12" close exact1 "plain$ranks"
done

# A NaN on one rank ends all, with its value.
refuses() { ! on 4 write "$work/nan" --cells 250 --nan 77 2>"$work/log" >&2 && grep "cell 77: .* is NaN" "$work/log"; }
mkdir "$work/nan"
check "a NaN is refused with its value" refuses
refuses_folder() { ! on 2 read "$work/nowhere" 2>"$work/log" >&2 && grep "rank" "$work/log"; }
check "archives that are not there are refused" refuses_folder
refuses_spec() { ! on 2 write "$work/nan" --spec 'conserv(fast)' 2>"$work/log" >&2 && grep "no combinator" "$work/log"; }
check "a spec that does not parse is refused" refuses_spec

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
