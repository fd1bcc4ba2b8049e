#!/usr/bin/env bash
# Runs the fuzz targets of every decoder that takes bytes of somebody else, each for a while, with libFuzzer and
# AddressSanitizer. Closes with `N passed, N failed`.
#
#   scripts/fuzz.sh [--seconds N] [--light] [TARGET...]
#
# N is 30. `--light` leaves out the decoders of the worker's library, which needs some three hundred crates more. What a
# target finds is kept in the cache, and its path is printed.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT/fuzz" || exit 1

SECONDS_EACH=30
LIGHT=()
TARGETS=()
while [ $# -gt 0 ]; do
	case "$1" in
		--seconds) [[ "${2:-}" =~ ^[0-9]+$ ]] || die "--seconds needs a number"; SECONDS_EACH=$2; shift ;;
		--light) LIGHT=(--no-default-features) ;;
		-*) die "usage: scripts/fuzz.sh [--seconds N] [--light] [TARGET...]" ;;
		*) [ -f "fuzz_targets/$1.rs" ] || die "no target $1: there are $(cd fuzz_targets && echo *.rs | sed 's/\.rs//g')"; TARGETS+=("$1") ;;
	esac
	shift
done

need cargo
load_environment
rustc +nightly --version >/dev/null 2>&1 || die "only a nightly compiler instruments fuzz targets: rustup toolchain install nightly"

HOST=$(rustc +nightly -vV | sed -n 's/^host: //p')
FUZZ=$CACHE/fuzz
export CARGO_TARGET_DIR=$CACHE/target/fuzz
# What cargo-fuzz passes.
INSTRUMENTED="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Cdebug-assertions -Coverflow-checks -Zsanitizer=address"

say "building the targets"
# Also the program that writes the seeds: built the same, so that nothing is built twice.
RUSTFLAGS=$INSTRUMENTED cargo +nightly build --release --locked --target "$HOST" "${LIGHT[@]}" || exit 1
OUT=$CARGO_TARGET_DIR/$HOST/release
say "writing the seeds"
"$OUT/seeds" "$FUZZ/seeds" || exit 1

if [ ${#TARGETS[@]} -eq 0 ]; then
	for file in fuzz_targets/*.rs; do
		target=$(basename "$file" .rs)
		[ ${#LIGHT[@]} -gt 0 ] && grep -A 6 "^name = \"$target\"" Cargo.toml | sed '/^$/q' | grep -q required-features && continue
		TARGETS+=("$target")
	done
fi

fuzz() {
	local corpus=$FUZZ/corpus/$1 found=$FUZZ/found/$1
	mkdir -p "$corpus" "$found"
	# Few bytes may neither take much memory nor long.
	"$OUT/$1" -max_total_time="$SECONDS_EACH" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=256 -max_len=8192 \
		-print_final_stats=1 -artifact_prefix="$found/" "$corpus" "$FUZZ/seeds/$1" >"$FUZZ/$1.log" 2>&1
	local status=$?
	grep -aE 'stat::number_of_executed_units|stat::new_units_added' "$FUZZ/$1.log" | tr -s ' ' | paste -sd' ' >&2
	if [ $status -ne 0 ]; then
		grep -aE "panicked|ERROR|SUMMARY|Test unit written" -A 1 "$FUZZ/$1.log" | head -20 >&2
		say "$1: see $FUZZ/$1.log"
	fi
	return $status
}

for target in "${TARGETS[@]}"; do check "$target" fuzz "$target"; done
conclude
