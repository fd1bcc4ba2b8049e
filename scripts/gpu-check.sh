#!/usr/bin/env bash
# Checks and measures the kernels on a machine with a GPU, in under ten minutes: every profile's results against the
# CPU's, compute-sanitizer and the kernels' own tests on the GPU; then FlashCore's nine shapes and more, exact attention
# beside fp16 and PyTorch's attention on the same shapes; last what may still hang a device, the kernels for compute
# capability 9.0 alone, for which time is kept. Each step is a process with a time limit, and one that fails or hangs takes
# nothing from the others. Leaves gpu-check.json, gpu-check.md and logs.tar.gz. Fails if a result is wrong or a part of
# the check did not come to its end; what measures may run out of time, and the report notes it. Goals are printed as met
# or missed.
#
#   scripts/gpu-check.sh --out DIR                  builds what it runs
#   scripts/gpu-check.sh --bundle DIR               builds it for another machine and stops (needs no GPU): DIR, and the
#                                                   same in one file, DIR.tar.xz
#   scripts/gpu-check.sh --out DIR --from BUNDLE    runs that bundle (either): neither cargo nor a compiler is needed
#
# With --tune every tile of the forward kernels is timed before the shapes are, which takes up to five minutes more: the
# table of the fastest becomes tiles.json, and the shapes are measured with it.
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

# Most seconds for all steps together, and for each of them: less if the steps before it took their time.
LIMIT=560
EXACT_SECONDS=60
FAST_SECONDS=150
TUNE_SECONDS=300
BENCH_SECONDS=150
SDPA_SECONDS=120
TEST_SECONDS=60
SANITIZER_SECONDS=90
EXACT_BENCH_SECONDS=30
WGMMA_SECONDS=90
# What all steps before the last leave to it: the kernels for compute capability 9.0 alone, and their test.
KEPT=$((WGMMA_SECONDS + 20))
[ -z "$TUNE" ] || LIMIT=$((LIMIT + TUNE_SECONDS))

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
	local folder=$1
	need cargo
	need jq
	load_environment
	say "compiling the kernels"
	compile_kernels || die "a kernel does not compile: see above"
	say "building the check"
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

if [ -n "$BUNDLE" ]; then
	BUNDLE=${BUNDLE%/}
	need xz
	bundle "$BUNDLE"
	say "packing"
	# Every program holds the same kernels: a window of 64 MiB sees those of the program before.
	tar -C "$BUNDLE" -c . | xz -9 >"$BUNDLE.tar.xz"
	printf '%s\n' "$BUNDLE" "$BUNDLE.tar.xz"
	exit
fi

# Runs a step for at most so many seconds, as long as there is time, its words into a log, and says what came of it.
step() {
	local seconds=$1 log=$2 status=0 left=$((LIMIT - KEPT - SECONDS))
	shift 2
	[ "$seconds" -le "$left" ] || seconds=$left
	if [ "$seconds" -le 0 ]; then
		echo "not run: the time was up"
		return
	fi
	say "$log, for $seconds s at most"
	timeout --kill-after=5 "$seconds" "$@" >"$LOGS/$log.log" 2>&1 || status=$?
	case $status in
		0) echo "passed" ;;
		# Stopped in time, or by force five seconds later.
		124 | 137) echo "not done after $seconds s" ;;
		*) echo "failed (exit code $status, see $log.log)" ;;
	esac
}

# Makes one report of what there is so far, with the verdict.
report() {
	local sdpa=()
	[ ! -s "$LOGS/sdpa.json" ] || sdpa=(--sdpa "$LOGS/sdpa.json")
	"$CHECK" merge "${RUNS[@]}" "${sdpa[@]}" "${RESULTS[@]}" --out "$OUT"
}

# Remembers and reports what came of a step: a `tool` has to pass, a `note` measures and must not fail. The report's
# verdict is made of all of them.
record() {
	local kind=$1 name=$2 result=$3
	say "$name: $result"
	RESULTS+=("--$kind" "$name=$result")
	report >/dev/null || true
}

# Runs a part of the check.
part() {
	local kind=$1 name=$2 seconds=$3
	shift 3
	record "$kind" "$name" "$(step "$seconds" "$name" "$CHECK" run --only "$name" --backend cuda --out "$LOGS/$name.json" \
		"${QUICK[@]}" "$@")"
}

# Times tiles; those that were timed before the time was up are in the table too.
tune() {
	rm -f "$OUT/tiles.json"
	record note "tuning" "$(step "$TUNE_SECONDS" tune "$CHECK" tune --out "$OUT/tiles.json")"
	[ ! -s "$OUT/tiles.json" ] || TILES=(--tiles "$OUT/tiles.json")
}

# Measures PyTorch's attention.
sdpa() {
	local result="there is no python3"
	if command -v python3 >/dev/null 2>&1; then
		"$CHECK" cells >"$LOGS/cells.json" || true
		result=$(step "$SDPA_SECONDS" sdpa python3 "$ROOT/scripts/gpu/sdpa.py" --seconds $((SDPA_SECONDS - 15)) \
			--out "$LOGS/sdpa.json" <"$LOGS/cells.json")
	fi
	record note "PyTorch" "$result"
}

# Runs a test of the kernels on the GPU.
own_test() {
	local name
	name=$(basename "$1")
	record tool "test $name on the GPU" \
		"$(NOESIS_TEST_DEVICE=cuda step "$TEST_SECONDS" "test-$name" "$1" --test-threads=1)"
}

# Runs the small shapes under a tool of compute-sanitizer. Where it is and can't run, or not to the end, nothing is known:
# that is not passed either.
sanitizer() {
	local tool=$1 result="not on this machine"
	shift
	if command -v compute-sanitizer >/dev/null 2>&1; then
		result=$(step "$SANITIZER_SECONDS" "$tool" compute-sanitizer --tool "$tool" "$@" --error-exitcode 9 \
			"$CHECK" run --quick --instrumented --repeats 2 --only exact --only canon32 --only fast --backend cuda \
			--out "$LOGS/$tool.json")
		case $result in
			"failed (exit code 9,"*) ;;
			failed*) result="could not run${result#failed}" ;;
		esac
	fi
	record tool "compute-sanitizer $tool" "$result"
}

# However this ends: the report of what there is, and few files.
finish() {
	[ $? -eq 0 ] || STATUS=1
	trap - EXIT
	report || STATUS=1
	if tar -C "$OUT" -czf "$OUT/logs.tar.gz" logs; then rm -rf "$LOGS"; fi
	[ -z "$UNPACKED" ] || rm -rf "$UNPACKED"
	say "written: $OUT/gpu-check.json, $OUT/gpu-check.md, $OUT/logs.tar.gz"
	exit "$STATUS"
}

UNPACKED=
case $FROM in
	*.tar.xz)
		UNPACKED=$(mktemp -d)
		tar -C "$UNPACKED" -xJf "$FROM" 2>/dev/null || python3 -m tarfile -e "$FROM" "$UNPACKED" ||
			die "$FROM can't be unpacked: neither tar with xz nor python3 does it"
		FROM=$UNPACKED
		;;
	"")
		if [ -z "${NOESIS_GPU_CHECK:-}" ]; then
			FROM=$CACHE/gpu-check
			bundle "$FROM"
		fi
		;;
esac
CHECK=${NOESIS_GPU_CHECK:-$FROM/noesis-gpu-check}
[ -x "$CHECK" ] || die "$CHECK can't be run: make it with scripts/gpu-check.sh --bundle DIR"
LOGS=$OUT/logs
rm -rf "$LOGS" "$OUT/logs.tar.gz"
mkdir -p "$LOGS"
RUNS=()
for name in exact canon32 fast bench exact-bench wgmma; do RUNS+=(--run "$LOGS/$name.json"); done
RESULTS=()
STATUS=0
# The shell counts on from here.
SECONDS=0
trap finish EXIT

part tool exact "$EXACT_SECONDS"
part tool canon32 "$EXACT_SECONDS"
part tool fast "$FAST_SECONDS"
sanitizer memcheck
sanitizer racecheck --racecheck-detect-level error
TESTS=()
[ -z "$FROM" ] || TESTS=("$FROM"/tests/*)
for test in "${TESTS[@]}"; do
	case $test in *_sm90) ;; *) own_test "$test" ;; esac
done
[ -z "$TUNE" ] || tune
part note bench "$BENCH_SECONDS" "${TILES[@]}"
part note exact-bench "$EXACT_BENCH_SECONDS" "${TILES[@]}"
sdpa
KEPT=0
part tool wgmma "$WGMMA_SECONDS"
for test in "${TESTS[@]}"; do
	case $test in *_sm90) own_test "$test" ;; esac
done
