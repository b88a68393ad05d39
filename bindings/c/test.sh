#!/usr/bin/env bash
# Tests the C face as a user has it: installs it to an empty prefix and compiles C99 and C++17 programs against it, with
# pkg-config and with CMake, with sanitizers and under valgrind. `test.sh --long` makes a million calls that must not enlarge
# the heap instead of a hundred thousand (another minute).
# Needs cc and c++; what needs a tool that is not there is left out, and said so.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
long=no
[ "${1:-}" = --long ] && long=yes

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
passed=0
failed=0

# A step by its name and its command; its output is shown if it fails, or if it is asked for by `show`.
step() {
    local name=$1 status
    shift
    "$@" >"$work/log" 2>&1 && status=ok || status=FAILED
    printf '%-6s %s\n' "$status" "$name"
    if [ $status = ok ]; then
        passed=$((passed + 1))
        grep -E ' passed, 0 failed$|times as fast|bytes of heap' "$work/log" | sed 's/^/         /' || true
    else
        failed=$((failed + 1))
        cat "$work/log"
    fi
    [ $status = ok ]
}
left_out() { printf 'LEFT OUT: %s\n' "$*"; }
reports_race() { ! "${helgrind[@]}" "$work/race" && grep -q 'Possible data race during write' "$work/log"; }

step "install.sh" ./install.sh "$prefix" || { echo "$passed passed, $failed failed"; exit 1; }
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
if command -v pkg-config >/dev/null; then
    shared=$(pkg-config --cflags --libs vdf_basis)
    static=$(pkg-config --cflags --libs vdf_basis-static)
else
    left_out "pkg-config, which is not installed; its flags are written out"
    shared="-I$prefix/include -L$prefix/lib -lvdf_basis"
    static="-I$prefix/include $prefix/lib/libvdf_basis.a -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"
fi
strict=(-Wall -Wextra -Werror -pedantic -O1 -g)
c99() { cc -std=c99 "${strict[@]}" "$@"; }
cpp17() { c++ -std=c++17 "${strict[@]}" "$@"; }
sanitized=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1

# The headers alone, in every language that they are for.
for standard in c99 c11 c17; do
    step "vdf_basis.h as $standard" cc -std=$standard "${strict[@]}" -I"$prefix/include" -fsyntax-only -x c \
        "$prefix/include/vdf_basis.h"
done
for standard in c++17 c++20; do
    echo '#include <vdf_basis.h>
#include <vdf_basis.hpp>' >"$work/headers.cpp"
    step "both headers as $standard" c++ -std=$standard "${strict[@]}" -I"$prefix/include" -fsyntax-only "$work/headers.cpp"
done

# The programs, with the shared and the static library.
# shellcheck disable=SC2086
{
    step "face.c, C99, shared" c99 tests/face.c -o "$work/face" $shared -lm &&
        step "  runs" "$work/face" "$work/face.vdfa"
    step "wrapper.cpp, C++17, shared" cpp17 tests/wrapper.cpp -o "$work/wrapper" $shared &&
        step "  runs" "$work/wrapper"
    step "wrapper.cpp, C++20, shared" c++ -std=c++20 "${strict[@]}" tests/wrapper.cpp -o "$work/wrapper20" $shared &&
        step "  runs" "$work/wrapper20"
    step "face.c, static, address and undefined-behaviour sanitizers" \
        c99 "${sanitized[@]}" tests/face.c -o "$work/face-sanitized" $static &&
        step "  runs" "$work/face-sanitized" "$work/face.vdfa"
    step "wrapper.cpp, static, address and undefined-behaviour sanitizers" \
        cpp17 "${sanitized[@]}" tests/wrapper.cpp -o "$work/wrapper-sanitized" $static &&
        step "  runs" "$work/wrapper-sanitized"
    step "threads.cpp, static, address and undefined-behaviour sanitizers" \
        cpp17 "${sanitized[@]}" tests/threads.cpp -o "$work/threads-sanitized" $static -pthread &&
        step "  8 threads" "$work/threads-sanitized" 8 1 12
    step "face.c, static" c99 tests/face.c -o "$work/face-static" $static
    step "wrapper.cpp, static" cpp17 tests/wrapper.cpp -o "$work/wrapper-static" $static
    step "threads.cpp, static" cpp17 -O2 tests/threads.cpp -o "$work/threads" $static -pthread &&
        step "  8 threads" "$work/threads" 8 8 20
    step "memory.c, static" cc -std=c99 -D_DEFAULT_SOURCE "${strict[@]}" tests/memory.c -o "$work/memory" $static
}
calls=100000
[ $long = yes ] && calls=1000000
[ -x "$work/memory" ] && step "  $calls calls do not enlarge the heap" "$work/memory" $calls

if command -v valgrind >/dev/null; then
    # Of a thread's record Rust's standard library keeps a pointer into the middle, which valgrind calls possibly lost.
    memcheck=(valgrind --quiet --error-exitcode=9 --leak-check=full
        --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect)
    [ -x "$work/face-static" ] && step "face.c under valgrind" "${memcheck[@]}" "$work/face-static" "$work/face.vdfa"
    [ -x "$work/wrapper-static" ] && step "wrapper.cpp under valgrind" "${memcheck[@]}" "$work/wrapper-static"
    helgrind=(valgrind --quiet --tool=helgrind --error-exitcode=9 --suppressions=tests/helgrind.supp)
    [ -x "$work/threads" ] && step "threads.cpp under helgrind: 8 threads" "${helgrind[@]}" "$work/threads" 8 1 12
    # The suppressions hide no race of callers.
    # shellcheck disable=SC2086
    step "race.cpp" cpp17 tests/race.cpp -o "$work/race" $static -pthread &&
        step "  helgrind reports its race" reports_race
else
    left_out "valgrind, which is not installed"
fi

if command -v cmake >/dev/null; then
    step "CMake: find_package" cmake -S tests/cmake -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" &&
        step "  builds" cmake --build "$work/cmake" &&
        step "  face.c runs" "$work/cmake/face" "$work/face.vdfa" &&
        step "  wrapper.cpp runs" "$work/cmake/wrapper"
else
    left_out "CMake, which is not installed"
fi

# The programs of docs/c.md, as a reader copies them.
docs=../../docs/c.md
for name in $(sed -n 's/^```cpp \(.*\.cpp\)$/\1/p' $docs); do
    sed -n "/^\`\`\`cpp $name\$/,/^\`\`\`\$/p" $docs | sed '1d;$d' >"$work/$name"
    # shellcheck disable=SC2086
    step "docs/c.md: $name" cpp17 -Wno-unknown-pragmas "$work/$name" -o "$work/${name%.cpp}" $shared &&
        step "  runs" "$work/${name%.cpp}"
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
