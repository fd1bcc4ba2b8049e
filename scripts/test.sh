#!/usr/bin/env bash
# Every test: formatting, lints, licences, unit, property, integration and end-to-end tests, and the polkadot.js
# example against a development node. The last line says how many passed and failed.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

PASSED=0
FAILED=()
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT

# Runs one check that passes or fails as a whole.
check() {
	local name=$1 started=$SECONDS
	shift
	say "$name"
	if "$@"; then PASSED=$((PASSED + 1)); else FAILED+=("$name"); fi
	say "$name: $((SECONDS - started)) s"
}

# Runs the Rust tests, which count themselves.
rust_tests() {
	local started=$SECONDS status
	say "Rust tests"
	cargo test --workspace --locked --no-fail-fast "$@" 2>&1 | tee "$LOG"
	status=${PIPESTATUS[0]}
	PASSED=$((PASSED + $(sed -n 's/^test result: .* \([0-9]*\) passed;.*/\1/p' "$LOG" | awk '{n += $1} END {print n + 0}')))
	local failed
	failed=$(sed -n 's/^test result: .* \([0-9]*\) failed;.*/\1/p' "$LOG" | awk '{n += $1} END {print n + 0}')
	while [ "$failed" -gt 0 ]; do FAILED+=("a Rust test (see above)"); failed=$((failed - 1)); done
	if [ "$status" -ne 0 ] && [ ${#FAILED[@]} -eq 0 ]; then FAILED+=("cargo test (exit code $status)"); fi
	say "Rust tests: $((SECONDS - started)) s"
}

# The lints of the workspace manifest. The node's own code is tiny, and its thousand dependencies would be checked
# once more for it.
lints() {
	cargo clippy --workspace --exclude noesis-node --exclude noesis-bencher --all-targets --locked --quiet -- -D warnings
}

# The pinned packages of the example that the end-to-end tests run.
polkadot_js() {
	need npm
	cd examples/polkadot-js || return
	cmp -s package-lock.json node_modules/.installed-for ||
		{ npm ci --no-audit --no-fund --silent && cp package-lock.json node_modules/.installed-for; }
	local status=$?
	cd "$ROOT" || return
	return $status
}

# The real model, for the tests that compare with what is known of it.
model() { NOESIS_MODEL=$(scripts/model.sh --gguf) && export NOESIS_MODEL; }

load_environment
settle_patches
check formatting cargo fmt --all --check
check licences scripts/licences.sh
check "polkadot.js packages" polkadot_js
check model model
check build build --quiet
if [ ${#FAILED[@]} -eq 0 ]; then
	rust_tests
	check lints lints
fi

for failure in "${FAILED[@]}"; do say "failed: $failure"; done
echo "$PASSED passed, ${#FAILED[@]} failed"
[ ${#FAILED[@]} -eq 0 ]
