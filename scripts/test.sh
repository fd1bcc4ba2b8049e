#!/usr/bin/env bash
# Every test: formatting, lints, licences, unit, property, integration and end-to-end tests, and the polkadot.js
# example against a development node. The last line says how many passed and failed.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

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

# The build leaves the pallets' benchmarks out.
benchmarks() { scripts/weights.sh --check; }

# What the build doesn't say of the kernels: both CUDA compilers take every one of them. Before the build, which embeds them.
kernels() { scripts/kernels-check.sh --compile-only; }

embedded() { "$BIN/noesis" selftest --json | jq -e '.embedded == [80, 89, 90]' >/dev/null; }

load_environment
settle_patches
check formatting cargo fmt --all --check
check licences scripts/licences.sh
check "polkadot.js packages" polkadot_js
check model model
check "an independent implementation gives the same logits" scripts/reference.sh
check "kernels under the CUDA compilers" kernels
check build build --quiet
if [ ${#FAILED[@]} -eq 0 ]; then
	check "binaries of every kernel in the build" embedded
	check benchmarks benchmarks
	rust_tests --workspace --exclude noesis-e2e
	end_to_end_tests
	oracle_tests
	check lints lints
fi
conclude
