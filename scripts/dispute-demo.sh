#!/usr/bin/env bash
# A dispute on a real model: a worker flips one value of SmolLM2's residual and is consistent in everything else; an
# outsider recomputes the answer, disputes it, and the runtime computes the one step that they do not agree on. With the
# fault `output` the trace is right and the answer's text is not: the outsider shows one token that the text does not have.
#
#   scripts/dispute-demo.sh [--json] [--fault POSITION:LAYER:INDEX:CHANGE|output] [--prompt TEXT] [--tokens N]
#
# With --json the last line is one object: job, status, moves, blocks, largest_extrinsic_bytes, heaviest_ref_time_ps,
# extrinsics (block, call, who, bytes, ref_time_ps, proof_size, fee_planck), convicted (who, ground, taken, rewarded).
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PROMPT="What is the capital of France?"
TOKENS=16
FAULT=40:17:123:1
JSON=
while [ $# -gt 0 ]; do
	case "$1" in
		--json) JSON=--json ;;
		--fault) FAULT=${2:?--fault needs POSITION:LAYER:INDEX:CHANGE or output}; shift ;;
		--prompt) PROMPT=${2:?--prompt needs a text}; shift ;;
		--tokens) TOKENS=${2:?--tokens needs a number}; shift ;;
		*) die "usage: scripts/dispute-demo.sh [--json] [--fault P:L:I:C|output] [--prompt TEXT] [--tokens N]" ;;
	esac
	shift
done

# shellcheck source=scripts/network.sh
. "$ROOT/scripts/network.sh"

open_network 2000
say "registering a validator that sleeps, so that only the outsider looks"
enrol_sleeper
say "starting a worker that answers wrongly ($FAULT), and an outsider that watches"
start_worker --rehearse-fault "$FAULT"
start outsider "$BIN/noesis" --url "$URL" watch --key //Dave --checkpoint "$CHECKPOINT" --store "$RUN/store-outsider"

say "asking: $PROMPT"
report=$(noesis ask "$PROMPT" --key //Ferdie --tokens "$TOKENS" --json)
job=$(jq .job <<<"$report")
say "the job is $(jq -r .status <<<"$report"): $(jq -r .reason <<<"$report")"
noesis moves "$job" ${JSON:+--json}
[ "$(jq -r .reason <<<"$report")" = Overturned ] || die "the wrong answer was not overturned"
