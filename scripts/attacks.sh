#!/usr/bin/env bash
# Runs every attack against the real runtime and the real engine, and says what each brings who makes it. Closes with
# `N passed, N failed`.
#
# NOESIS_SCHEDULES says how many random schedules are played besides: 10,000 by default, 100,000 with `--nightly`.

set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit 1

case "${1:-}" in
	"") ;;
	--nightly) export NOESIS_SCHEDULES=${NOESIS_SCHEDULES:-100000} ;;
	*) die "usage: scripts/attacks.sh [--nightly]" ;;
esac

need cargo
load_environment
settle_patches
# With the features of the whole workspace, like every build: another set would build half of Substrate again.
rust_tests --workspace --test attacks -- --nocapture
conclude
