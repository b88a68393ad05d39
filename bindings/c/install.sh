#!/usr/bin/env bash
# Builds the C face of vdf-basis and installs it: install.sh PREFIX. Headers go to PREFIX/include, the static and the shared
# library to PREFIX/lib, with files for pkg-config and CMake. Needs a Rust toolchain (1.95 or later) on Linux.
set -euo pipefail

if [ $# != 1 ] || [[ "$1" == -* ]]; then
    echo "usage: install.sh PREFIX, such as install.sh \$HOME/.local" >&2
    exit 2
fi
mkdir -p "$1"
prefix=$(cd "$1" && pwd)
cd "$(dirname "$0")"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
IFS=. read -r major minor _ <<<"$version"
# build.rs gives the library this name; programs that are linked to it look for it.
soname=libvdf_basis.so.$major.$minor
# What the Rust standard library needs (`rustc --print native-static-libs`).
native="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"

cargo build --locked --release --package vdf-basis-c
target=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/vdf_basis"
install -m 644 include/vdf_basis.h include/vdf_basis.hpp "$prefix/include"
install -m 644 "$target/release/libvdf_basis_c.a" "$prefix/lib/libvdf_basis.a"
install -m 755 "$target/release/libvdf_basis_c.so" "$prefix/lib/$soname"
ln -sf "$soname" "$prefix/lib/libvdf_basis.so"

configure() {
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@VERSION@|$version|g" -e "s|@NATIVE@|$3|g" -e "s|@SONAME@|$soname|g" \
        -e "s|@MAJOR@|$major|g" -e "s|@MINOR@|$minor|g" "$1" >"$2"
}
configure vdf_basis.pc.in "$prefix/lib/pkgconfig/vdf_basis.pc" "$native"
configure vdf_basis-static.pc.in "$prefix/lib/pkgconfig/vdf_basis-static.pc" "$native"
# CMake takes a list.
configure cmake/vdf_basis-config.cmake.in "$prefix/lib/cmake/vdf_basis/vdf_basis-config.cmake" "${native// /;}"
configure cmake/vdf_basis-config-version.cmake.in "$prefix/lib/cmake/vdf_basis/vdf_basis-config-version.cmake" "$native"
echo "vdf_basis $version is installed in $prefix"
