#!/usr/bin/env bash
# What can be known of the kernels without a GPU: each compiles for sm_80, sm_89 and sm_90a (those named *_sm90 for the
# last alone) without a spill, and without a wgmma product that the assembler holds up; each compiles at run time
# (NVRTC), and each gives the right values when it is emulated on the CPU. The last line says how many checks and tests
# passed and failed.
#
#   scripts/kernels-check.sh                  everything
#   scripts/kernels-check.sh --compile-only   both compilers alone: the next build embeds what the first made
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit

COMPILE_ONLY=
case "${1:-}" in
	"") ;;
	--compile-only) COMPILE_ONLY=1 ;;
	*) die "usage: scripts/kernels-check.sh [--compile-only]" ;;
esac

# The packages whose tests are about kernels or define what kernels must give.
PACKAGES=(noesis-canon noesis-canon32 noesis-cuda noesis-cuda-emulation noesis-gpu-check)

compile_at_run_time() {
	local nvrtc
	nvrtc=$(scripts/cuda-compiler.sh --nvrtc) && NOESIS_NVRTC=$nvrtc "$BIN/noesis-kernels" nvrtc
}

load_environment
need cargo
check "every kernel for sm_80, sm_89 and sm_90a, without spills or products held up" compile_kernels
check "every kernel at run time" compile_at_run_time
if [ -z "$COMPILE_ONLY" ]; then
	rust_tests "${PACKAGES[@]/#/--package=}"
	rust_tests --package noesis-engine --test device
	oracle_tests
fi
conclude
