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

PORT=${NOESIS_PORT:-9944}
STORE_PORT=${NOESIS_STORE_PORT:-7700}
URL=ws://127.0.0.1:$PORT
RUN=$(mktemp -d)
PROCESSES=()

stop() {
	local status=$?
	trap - EXIT
	if [ $status -ne 0 ]; then
		say "something went wrong; the ends of the logs:"
		tail -n 5 "$RUN"/*.log >&2 2>/dev/null || true
	fi
	[ ${#PROCESSES[@]} -eq 0 ] || kill "${PROCESSES[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$RUN"
	exit $status
}
trap stop EXIT
trap 'exit 130' INT TERM

start() {
	local name=$1
	shift
	"$@" >"$RUN/$name.log" 2>&1 &
	PROCESSES+=($!)
}

in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Waits until a command succeeds; fails when one of our processes has ended.
wait_for() {
	local what=$1 deadline=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || die "$what did not come up"
		for process in "${PROCESSES[@]}"; do
			kill -0 "$process" 2>/dev/null || die "a process ended while waiting for: $what"
		done
		sleep 0.5
	done
}

noesis() { "$BIN/noesis" --url "$URL" "$@"; }
is_operator() { noesis status --key "$1" --json | jq -e .account.operator; }

in_use "$PORT" && die "port $PORT is in use: stop what runs there, or set NOESIS_PORT"
in_use "$STORE_PORT" && die "port $STORE_PORT is in use: stop what runs there, or set NOESIS_STORE_PORT"
"$ROOT/scripts/setup.sh"
build
CHECKPOINT=$("$ROOT/scripts/model.sh")

say "starting a development chain (one block a second) on $URL"
start node "$BIN/noesis-node" --dev --dev-block-time 1000 --base-path "$RUN/chain" --rpc-port "$PORT" \
	--no-prometheus --no-telemetry
wait_for "the chain" 180 noesis status

say "registering SmolLM2-135M-Instruct"
noesis checkpoint register --key //Alice --file "$CHECKPOINT" --locator "http://127.0.0.1:$STORE_PORT" >&2

say "starting a worker and three validators"
start worker "$BIN/noesis" --url "$URL" worker --key //Bob --checkpoint "$CHECKPOINT" \
	--listen "127.0.0.1:$STORE_PORT" --store "$RUN/store-worker"
for validator in Charlie Dave Eve; do
	start "validator-$validator" "$BIN/noesis" --url "$URL" validator --key "//$validator" \
		--checkpoint "$CHECKPOINT" --store "$RUN/store-$validator" --threads 1
done
for operator in //Bob //Charlie //Dave //Eve; do
	wait_for "operator $operator" 60 is_operator "$operator"
done

say "asking: $PROMPT"
ask() { noesis ask "$PROMPT" --key //Ferdie --tokens "$TOKENS" "$@"; }
if [ -n "$JSON" ]; then report=$(ask --json); else ask; fi
job=$(($(noesis status --json | jq .jobs) - 1))
say "recomputing job $job from the chain's data"
noesis verify "$job" --checkpoint-file "$CHECKPOINT" >&2
[ -z "$JSON" ] || jq -c . <<<"$report"
