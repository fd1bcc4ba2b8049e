#!/usr/bin/env bash
# The main job, end to end: a development chain, a real model, a worker, three validators, one prompt.
#
#   scripts/demo.sh [--json] [--prompt TEXT] [--tokens N]
#
# With --json the last line is one object: job, status, answer, tokens, verdicts, paid, root, seconds.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PROMPT="What is the capital of France?"
TOKENS=48
JSON=
while [ $# -gt 0 ]; do
	case "$1" in
		--json) JSON=--json ;;
		--prompt) PROMPT=${2:?--prompt needs a text}; shift ;;
		--tokens) TOKENS=${2:?--tokens needs a number}; shift ;;
		*) die "usage: scripts/demo.sh [--json] [--prompt TEXT] [--tokens N]" ;;
	esac
	shift
done

# shellcheck source=scripts/network.sh
. "$ROOT/scripts/network.sh"

open_network 1000
say "starting a worker and three validators"
for validator in Charlie Dave Eve; do
	start "validator-$validator" "$BIN/noesis" --url "$URL" validator --key "//$validator" \
		--checkpoint "$CHECKPOINT" --store "$RUN/store-$validator" --threads 1
done
start_worker
for operator in //Charlie //Dave //Eve; do
	wait_for "operator $operator" 60 is_operator "$operator"
done

say "asking: $PROMPT"
ask() { noesis ask "$PROMPT" --key //Ferdie --tokens "$TOKENS" "$@"; }
if [ -n "$JSON" ]; then report=$(ask --json); else ask; fi
job=$(($(noesis status --json | jq .jobs) - 1))
say "recomputing job $job from the chain's data"
noesis verify "$job" --checkpoint-file "$CHECKPOINT" >&2
[ -z "$JSON" ] || jq -c . <<<"$report"
