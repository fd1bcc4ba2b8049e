#!/usr/bin/env bash
# Checks and measures the kernels on a machine with a GPU, in under ten minutes: every profile's results against the
# CPU's, the kernels' own tests on the GPU, compute-sanitizer, FlashCore's nine shapes and more, and PyTorch's attention
# on the same shapes in the same run. Writes gpu-check.json and gpu-check.md. Fails only on a wrong result; goals are
# printed as met or missed.
#
#   scripts/gpu-check.sh --out DIR                  builds what it runs
#   scripts/gpu-check.sh --bundle DIR               builds it for another machine and stops (needs no GPU)
#   scripts/gpu-check.sh --out DIR --from BUNDLE    runs that bundle: neither cargo nor a compiler is needed
#
# With --tune every tile of the forward kernels is timed first, which takes up to five minutes more: the table of the
# fastest becomes tiles.json, and what is measured after that runs with it.
#
# NOESIS_GPU_CHECK names a noesis-gpu-check to run instead. What the machine lacks (PyTorch, compute-sanitizer) is left
# out, and the report says so.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

USAGE="usage: scripts/gpu-check.sh --out DIR [--from BUNDLE] [--quick] [--tune] | --bundle DIR"
OUT=
FROM=
BUNDLE=
QUICK=()
TUNE=
TILES=()
while [ $# -gt 0 ]; do
	case "$1" in
		--out) OUT=${2:?$USAGE}; shift ;;
		--from) FROM=${2:?$USAGE}; shift ;;
		--bundle) BUNDLE=${2:?$USAGE}; shift ;;
		--quick) QUICK=(--quick) ;;
		--tune) TUNE=1 ;;
		*) die "$USAGE" ;;
	esac
	shift
done
[ -n "$OUT$BUNDLE" ] || die "$USAGE"

# Most seconds for each step: together less than ten minutes, without the first.
TUNE_SECONDS=300
CHECK_SECONDS=240
TESTS_SECONDS=90
SANITIZER_SECONDS=60
SDPA_SECONDS=120

# Builds tests and puts their programs into a folder.
copy_tests() {
	local folder=$1
	shift
	cargo test --manifest-path "$ROOT/Cargo.toml" --locked --quiet --release --no-run --message-format=json "$@" |
		jq -r 'select(.executable != null and .target.kind == ["test"]) | "\(.target.name) \(.executable)"' |
		while read -r name path; do cp "$path" "$folder/$name"; done
}

# Puts the program and the tests of the kernels, with binaries of every kernel inside, into a folder.
bundle() {
	local folder=$1 nvcc
	need cargo
	need jq
	load_environment
	nvcc=$("$ROOT/scripts/cuda-compiler.sh")
	say "compiling the kernels"
	cargo build --manifest-path "$ROOT/Cargo.toml" --locked --quiet --package noesis-cuda --bin noesis-kernels
	"$BIN/noesis-kernels" compile --nvcc "$nvcc" --out "$CACHE/cubins" >&2
	say "building the check"
	export NOESIS_CUBINS=$CACHE/cubins
	mkdir -p "$folder/tests"
	cargo build --manifest-path "$ROOT/Cargo.toml" --locked --quiet --release --package noesis-gpu-check
	cp "$CARGO_TARGET_DIR/release/noesis-gpu-check" "$folder/"
	# All tests of the emulation but its own (probe), which make mistakes on purpose, and those of whole models.
	copy_tests "$folder/tests" --package noesis-cuda-emulation --tests
	copy_tests "$folder/tests" --package noesis-engine --test device
	rm -f "$folder/tests/probe"
	strip "$folder/noesis-gpu-check" "$folder"/tests/* 2>/dev/null || true
	cp "$ROOT/scripts/gpu/sdpa.py" "$folder/"
}

# Runs a step for at most so many seconds, its words into a log, and says what came of it.
step() {
	local seconds=$1 log=$2 status=0
	shift 2
	timeout "$seconds" "$@" >"$log" 2>&1 || status=$?
	case $status in
		0) echo "passed" ;;
		124) echo "not done after $seconds s" ;;
		*) echo "failed (exit code $status, see $(basename "$log"))" ;;
	esac
}

if [ -n "$BUNDLE" ]; then
	bundle "$BUNDLE"
	echo "$BUNDLE"
	exit
fi

mkdir -p "$OUT"
if [ -z "$FROM" ] && [ -z "${NOESIS_GPU_CHECK:-}" ]; then
	FROM=$CACHE/gpu-check
	bundle "$FROM"
fi
CHECK=${NOESIS_GPU_CHECK:-$FROM/noesis-gpu-check}
SDPA=$ROOT/scripts/gpu/sdpa.py
[ -x "$CHECK" ] || die "$CHECK can't be run: make it with scripts/gpu-check.sh --bundle DIR"
RESULTS=()
STATUS=0

if [ -n "$TUNE" ]; then
	say "the fastest tiles"
	result=$(step "$TUNE_SECONDS" "$OUT/tune.log" "$CHECK" tune --out "$OUT/tiles.json")
	case $result in failed*) STATUS=1 ;; esac
	[ ! -s "$OUT/tiles.json" ] || TILES=(--tiles "$OUT/tiles.json")
	RESULTS+=(--tool "tuning=$result")
fi

say "results and speed"
timeout "$CHECK_SECONDS" "$CHECK" run "${QUICK[@]}" "${TILES[@]}" --backend cuda --out "$OUT/run.json" || STATUS=$?
[ -s "$OUT/run.json" ] || die "the check wrote no report (exit code $STATUS)"

if [ -n "$FROM" ]; then
	say "the kernels' own tests on the GPU"
	for test in "$FROM"/tests/*; do
		name=$(basename "$test")
		result=$(NOESIS_TEST_DEVICE=cuda step "$TESTS_SECONDS" "$OUT/test-$name.log" "$test" --test-threads=1)
		case $result in failed*) STATUS=1 ;; esac
		say "test $name: $result"
		RESULTS+=(--tool "test $name on the GPU=$result")
	done
fi

for tool in memcheck racecheck; do
	if command -v compute-sanitizer >/dev/null 2>&1; then
		say "compute-sanitizer $tool"
		result=$(step "$SANITIZER_SECONDS" "$OUT/$tool.log" compute-sanitizer --tool "$tool" --error-exitcode 9 \
			"$CHECK" run --quick --repeats 2 --only fast --only exact --only canon32 --backend cuda --out "$OUT/$tool.json")
		case $result in failed*) STATUS=1 ;; esac
	else
		result="not on this machine"
	fi
	RESULTS+=(--tool "compute-sanitizer $tool=$result")
done

ARGUMENTS=()
if command -v python3 >/dev/null 2>&1; then
	say "PyTorch on the same shapes"
	"$CHECK" cells | timeout $((SDPA_SECONDS + 60)) python3 "$SDPA" --seconds "$SDPA_SECONDS" --out "$OUT/sdpa.json" &&
		ARGUMENTS=(--sdpa "$OUT/sdpa.json")
fi

"$CHECK" merge --run "$OUT/run.json" "${ARGUMENTS[@]}" "${RESULTS[@]}" --out "$OUT"
say "written: $OUT/gpu-check.json, $OUT/gpu-check.md"
exit "$STATUS"
