#!/usr/bin/env bash
# Builds the filter and tests it: in a program in C, through h5py (from PyPI, with an HDF5 of its own), h5repack and h5dump.
# Needs a Rust toolchain, cmake, a C compiler, HDF5's headers and tools, and Python with venv. VDF_BASIS_PREFIX names a
# folder where bindings/c/install.sh has installed the library; without it that is done first, into a temporary folder.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=${VDF_BASIS_PREFIX:-$work/prefix}
[ -n "${VDF_BASIS_PREFIX:-}" ] || ../c/install.sh "$prefix"

cmake -S . -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS=-Werror >"$work/cmake.log" ||
    { cat "$work/cmake.log"; exit 1; }
cmake --build "$work/build"
plugin=$work/build/libh5vdf_basis.so
# It has to work in any process that has an HDF5, and to add no names but the two that HDF5 looks for.
if ldd "$plugin" | grep hdf5; then
    echo "the filter is linked to an HDF5 library" >&2
    exit 1
fi
[ "$(nm -D --defined-only "$plugin" | awk '{print $3}' | sort | tr '\n' ' ')" = \
    "H5PLget_plugin_info H5PLget_plugin_type " ] || { echo "the filter exports other names" >&2; exit 1; }

# As a user would: a compiler and the header.
# shellcheck disable=SC2046
cc -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -I. tests/example.c -o "$work/example" \
    $(pkg-config --cflags --libs hdf5) -lm

# The code for chunks alone, under sanitizers. HDF5's headers are needed for their types only.
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
# shellcheck disable=SC2046
cc -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -I. \
    tests/damage.c src/encode.c src/decode.c src/parameters.c -o "$work/damage" $(pkg-config --cflags hdf5) \
    $(pkg-config --cflags --libs vdf_basis-static)
"$work/damage" "${VDFB_HDF5_DAMAGE:-3000}"

python3 -m venv "$work/venv"
if ! "$work/venv/bin/pip" install --quiet --disable-pip-version-check h5py numpy; then
    echo "THE TESTS OF THE HDF5 FILTER ARE LEFT OUT: they need h5py, which cannot be installed here" >&2
    exit 0
fi
HDF5_PLUGIN_PATH=$work/build VDFB_HDF5_C_EXAMPLE=$work/example "$work/venv/bin/python" tests/test_filter.py
