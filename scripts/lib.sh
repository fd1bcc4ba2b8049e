# What the scripts share. Sourced, not run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Outside the checkout, so that another clone reuses the 1,000 crates of the Substrate graph.
CACHE=${NOESIS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/noesis}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
BIN=$CARGO_TARGET_DIR/debug
# Binaries of the kernels, which every build embeds. Always the same folder: another name would build all above them again.
export NOESIS_CUBINS=${NOESIS_CUBINS:-$CACHE/cubins}

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || die "$1 is missing: run scripts/setup.sh"; }

# Reads what setup.sh found out about the Wasm toolchain.
load_environment() {
	# Cargo looks again whether a folder changed only if it is there.
	mkdir -p "$NOESIS_CUBINS"
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

# Compiles every kernel into the folder from which a build takes them, as far as they are not there.
compile_kernels() {
	local nvcc
	nvcc=$("$ROOT/scripts/cuda-compiler.sh") || return
	cargo build --manifest-path "$ROOT/Cargo.toml" --workspace --bin noesis-kernels --locked --quiet || return
	"$BIN/noesis-kernels" compile --nvcc "$nvcc" --out "$NOESIS_CUBINS" >&2
}

# Whether there is a CUDA compiler without fetching one.
has_cuda_compiler() { [ -n "${NOESIS_NVCC:-}" ] || [ -f "$CACHE/cuda/installed" ]; }

# Builds everything, always with the same features: another set would build half of Substrate again.
build() {
	need cargo
	load_environment
	settle_patches
	if has_cuda_compiler; then
		say "compiling the kernels"
		compile_kernels || die "a kernel does not compile: see above"
	fi
	say "building (the first time takes about half an hour on two cores)"
	cargo build --manifest-path "$ROOT/Cargo.toml" --workspace --all-targets --locked "$@"
}

# ---------------------------------------------------------------- checks that are counted

PASSED=0
FAILED=()

# Runs one check that passes or fails as a whole.
check() {
	local name=$1 started=$SECONDS
	shift
	say "$name"
	if "$@"; then PASSED=$((PASSED + 1)); else FAILED+=("$name"); fi
	say "$name: $((SECONDS - started)) s"
}

# How many Rust tests passed or failed by a log.
count_of() { sed -n "s/^test result: .* \([0-9]*\) $1;.*/\1/p" "$2" | awk '{n += $1} END {print n + 0}'; }

# Runs Rust tests, which count themselves.
rust_tests() {
	local started=$SECONDS log status failed
	log=$(mktemp)
	say "cargo test $*"
	cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	PASSED=$((PASSED + $(count_of passed "$log")))
	failed=$(count_of failed "$log")
	rm -f "$log"
	while [ "$failed" -gt 0 ]; do FAILED+=("a Rust test (see above)"); failed=$((failed - 1)); done
	if [ "$status" -ne 0 ] && [ ${#FAILED[@]} -eq 0 ]; then FAILED+=("cargo test $* (exit code $status)"); fi
	say "cargo test $*: $((SECONDS - started)) s"
}

# Runs the end-to-end tests, two files at a time, the longest first: most of what they do is to wait for blocks.
end_to_end_tests() {
	local started=$SECONDS logs log failed
	logs=$(mktemp -d)
	say "end-to-end tests"
	for log in $(cd "$ROOT/tests/e2e/tests" && ls -S); do basename "$log" .rs; done |
		xargs -P 2 -I NAME sh -c 'cargo test --workspace --locked --test NAME >"$0/NAME" 2>&1 || touch "$0/NAME.failed"' "$logs"
	for log in "$logs"/*; do
		if [ "${log%.failed}" = "$log" ]; then
			cat "$log"
			PASSED=$((PASSED + $(count_of passed "$log")))
			continue
		fi
		failed=$(count_of failed "${log%.failed}")
		[ "$failed" -gt 0 ] || failed=1
		while [ "$failed" -gt 0 ]; do FAILED+=("an end-to-end test of $(basename "$log" .failed)"); failed=$((failed - 1)); done
	done
	rm -rf "$logs"
	say "end-to-end tests: $((SECONDS - started)) s"
}

# The comparison with candle's autograd, a workspace of its own: candle needs newer crates than the node's.
oracle_tests() {
	CARGO_TARGET_DIR=$CARGO_TARGET_DIR/oracle rust_tests --manifest-path "$ROOT/kernels/canon32/oracle/Cargo.toml"
}

# Names what failed, prints the counts as the last line, and is false if anything did.
conclude() {
	local failure
	for failure in "${FAILED[@]}"; do say "failed: $failure"; done
	echo "$PASSED passed, ${#FAILED[@]} failed"
	[ ${#FAILED[@]} -eq 0 ]
}
