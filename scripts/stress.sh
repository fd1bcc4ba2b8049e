#!/usr/bin/env bash
# Many jobs on a development chain with a small random model, while operators are killed and started again.
#
#   scripts/stress.sh [--jobs N] [--workers N] [--validators N] [--waiting N] [--requesters N] [--kill-every SECONDS] [--block-time MS] [--seed N] [--json]
#
# The last line is one JSON object: jobs, ended (by how), lost, kills, seconds, jobs_per_second, blocks, fullest_block
# (share of a block's weight), nothing_minted. Fails when a job is lost.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

ARGS=()
for argument in "$@"; do
	[ "$argument" = --json ] || ARGS+=("$argument")
done
build --quiet
exec "$BIN/noesis-stress" "${ARGS[@]}"
