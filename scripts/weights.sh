#!/usr/bin/env bash
# What each step of a job costs on chain: `--json` prints it, from the weights in the runtime and the fees that the
# chain itself quotes; `--generate` measures the weights anew and writes them into the pallets (all, or those that PALLETS
# names); `--check` only looks whether what measures them compiles.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

read -ra PALLETS <<<"${PALLETS:-checkpoints dispute operators poc poi}"

# Runs cargo on the runtime with its benchmarks. Only the Wasm blob needs them: no native build, and a target folder of its own.
with_benchmarks() {
	local command=$1
	shift
	CARGO_TARGET_DIR=$CACHE/benchmarks \
	RUSTFLAGS="-C link-arg=--export-table -C link-arg=--export=__heap_base -C link-arg=--import-memory --cfg substrate_runtime" \
		cargo ${WASM_BUILD_TOOLCHAIN:+"+$WASM_BUILD_TOOLCHAIN"} "$command" --manifest-path "$ROOT/Cargo.toml" \
		--package noesis-runtime --lib --locked --target wasm32v1-none --no-default-features --features runtime-benchmarks "$@"
}

# Measures every pallet a few times, with the others in between: a machine that others use is slow for minutes at a time.
generate() {
	local wasm run scratch pallet steps=${STEPS:-8} repeat=${REPEAT:-4} runs=${RUNS:-3}
	scratch=$(mktemp -d)
	build
	say "building the runtime with its benchmarks"
	with_benchmarks rustc --crate-type cdylib --release
	wasm=$CACHE/benchmarks/wasm32v1-none/release/noesis_runtime.wasm
	for run in $(seq "$runs"); do
		for pallet in "${PALLETS[@]}"; do
			say "measuring pallet-$pallet, run $run of $runs ($steps steps, $repeat repeats)"
			"$BIN/noesis-bencher" --runtime "$wasm" --pallet "pallet_$pallet" --extrinsic '*' \
				--genesis-builder-preset development --steps "$steps" --repeat "$repeat" --heap-pages 4096 \
				--template "$ROOT/tools/bencher/weights.hbs" --output "$scratch/$pallet.$run.rs"
			rustfmt --config-path "$ROOT/rustfmt.toml" "$scratch/$pallet.$run.rs"
		done
	done
	for pallet in "${PALLETS[@]}"; do
		python3 "$ROOT/tools/bencher/lowest.py" "$scratch/$pallet".*.rs >"$ROOT/pallets/$pallet/src/weights.rs"
	done
	rm -rf "$scratch"
}

case "${1:-}" in
	--generate) generate ;;
	--check)
		load_environment
		settle_patches
		with_benchmarks check --quiet
		;;
	--json)
		# The table is made by a test over the real runtime, which knows weights, lengths and fees.
		load_environment
		settle_patches
		cargo test --manifest-path "$ROOT/Cargo.toml" --workspace --locked --quiet --lib -- \
			--exact tests::costs::table_should_hold_every_step_of_a_job_and_leave_operators_a_gain --nocapture 2>/dev/null |
			sed -n 's/^costs: //p'
		;;
	*) die "usage: scripts/weights.sh --json | --generate | --check" ;;
esac
