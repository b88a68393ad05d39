#!/usr/bin/env bash
# Looks for data races with ThreadSanitizer: builds the library and Rust's standard library with it, and runs threads.cpp,
# in which it may report nothing, and race.cpp, of which it must report the race. Takes a few minutes. Needs a nightly
# toolchain with its sources (rustup component add rust-src --toolchain nightly) and a C++17 compiler, on Linux.
set -euo pipefail
cd "$(dirname "$0")"

host=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
target=${CARGO_TARGET_DIR:-../../target}/races
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
RUSTFLAGS=-Zsanitizer=thread cargo +nightly build --locked --release -Zbuild-std --target "$host" --target-dir "$target" \
    --package vdf-basis-c

# The runtime is that of the Rust compiler: that of a C++ compiler may lack what it calls.
runtime=$(rustc +nightly --print sysroot)/lib/rustlib/$host/lib/librustc-nightly_rt.tsan.a
for name in threads race; do
    c++ -std=c++17 -O1 -g -fsanitize=thread -Iinclude -c "tests/$name.cpp" -o "$work/$name.o"
    c++ "$work/$name.o" "$target/$host/release/libvdf_basis_c.a" -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive \
        -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc -o "$work/$name"
done

TSAN_OPTIONS=halt_on_error=1 "$work/threads" 8 4 12
if TSAN_OPTIONS=halt_on_error=1 "$work/race" >"$work/log" 2>&1; then
    echo "FAILED: the race of race.cpp is not reported"
    exit 1
fi
grep -m 1 'WARNING: ThreadSanitizer: data race' "$work/log"
echo "ok: no race in threads.cpp; that of race.cpp is reported"
