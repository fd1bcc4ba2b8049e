#!/usr/bin/env bash
# Installs what building and running Noesis needs, and says what it did. Safe to run again.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PACKAGES=(binaryen build-essential ca-certificates clang cmake curl git jq libclang-dev libssl-dev mold pkg-config protobuf-compiler python3 python3-pip python3-venv unzip)
WASM_TARGET=wasm32v1-none

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
	command -v apt-get >/dev/null 2>&1 || die "this script knows Debian and Ubuntu; install by hand: ${PACKAGES[*]}"
	local missing=()
	for package in "$@"; do
		dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || { say "system packages are there"; return; }
	say "installing ${missing[*]}"
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# rustup's own target: the right way where it can be fetched.
target_by_rustup() {
	command -v rustup >/dev/null 2>&1 || return 1
	if rustup target list --installed 2>/dev/null | grep -qx "$WASM_TARGET"; then
		say "Wasm target: rustup has $WASM_TARGET"
	else
		timeout 300 rustup target add "$WASM_TARGET" >/dev/null 2>&1 || return 1
		say "Wasm target: rustup fetched $WASM_TARGET"
	fi
	: >"$CACHE/environment"
}

# Debian's Rust with a standard library for the Wasm target built here: where rustup can't fetch or is not there.
target_by_debian() {
	local sysroot lib scratch
	install_packages rustc-web cargo-web rustfmt-web rust-web-clippy rust-web-src lld-22
	sysroot=$(/usr/bin/rustc --print sysroot)
	lib=$sysroot/lib/rustlib/$WASM_TARGET/lib
	if ! ls "$lib"/libcore-*.rlib >/dev/null 2>&1; then
		say "building core and alloc for $WASM_TARGET"
		scratch=$(mktemp -d)
		mkdir -p "$scratch/src"
		printf '[package]\nname = "std"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$scratch/Cargo.toml"
		echo '#![no_std]' >"$scratch/src/lib.rs"
		(cd "$scratch" && env -u CARGO_TARGET_DIR RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
			RUSTFLAGS="-C embed-bitcode=yes" /usr/bin/cargo build --quiet --release --target "$WASM_TARGET" \
			-Z build-std=core,alloc)
		as_root mkdir -p "$lib"
		as_root cp "$scratch/target/$WASM_TARGET/release/deps/"lib{core,alloc,compiler_builtins}-*.rlib "$lib/"
		rm -rf "$scratch"
	fi
	as_root mkdir -p "$sysroot/lib/rustlib/x86_64-unknown-linux-gnu/bin"
	as_root ln -sf /usr/bin/lld-22 "$sysroot/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld"
	if command -v rustup >/dev/null 2>&1; then
		rustup toolchain link debian /usr
		echo 'export WASM_BUILD_TOOLCHAIN=debian' >"$CACHE/environment"
	else
		# shellcheck disable=SC2016
		echo 'export PATH=/usr/bin:$PATH' >"$CACHE/environment"
	fi
	say "Wasm target: Debian's Rust $(/usr/bin/rustc --version | cut -d' ' -f2) with its own $WASM_TARGET"
}

mkdir -p "$CACHE"
install_packages "${PACKAGES[@]}"
if [ "${NOESIS_WASM:-}" = debian ] || ! target_by_rustup; then
	target_by_debian
fi
command -v node >/dev/null 2>&1 || install_packages nodejs npm
say "ready: scripts/demo.sh runs the main job, scripts/test.sh every test"
