# What the scripts share. Sourced, not run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Outside the checkout, so that another clone reuses the 1,000 crates of the Substrate graph.
CACHE=${NOESIS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/noesis}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
BIN=$CARGO_TARGET_DIR/debug

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || die "$1 is missing: run scripts/setup.sh"; }

# Reads what setup.sh found out about the Wasm toolchain.
load_environment() {
	if [ -f "$CACHE/environment" ]; then
		# shellcheck disable=SC1091
		. "$CACHE/environment"
	fi
}

# The replaced crates never change without a new version of this repository: give them the time of their last
# commit, so that a fresh clone does not build everything above them again.
settle_patches() {
	local when
	when=$(git -C "$ROOT" log -1 --format=%ct -- patches 2>/dev/null || true)
	[ -z "$when" ] || find "$ROOT/patches" -type f -exec touch -d "@$when" {} +
}

# Builds everything, always with the same features: another set would build half of Substrate again.
build() {
	need cargo
	load_environment
	settle_patches
	say "building (the first time takes about half an hour on two cores)"
	cargo build --manifest-path "$ROOT/Cargo.toml" --workspace --all-targets --locked "$@"
}
