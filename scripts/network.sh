# A development chain with operators, for the scripts that show something on one. Sourced, not run, after lib.sh.
# Everything that is started ends with the script.

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

# Builds what is needed, fetches the model, and starts a chain that makes a block every $1 milliseconds.
open_network() {
	in_use "$PORT" && die "port $PORT is in use: stop what runs there, or set NOESIS_PORT"
	in_use "$STORE_PORT" && die "port $STORE_PORT is in use: stop what runs there, or set NOESIS_STORE_PORT"
	"$ROOT/scripts/setup.sh"
	build
	CHECKPOINT=$("$ROOT/scripts/model.sh")
	start_chain "$1"
	say "registering SmolLM2-135M-Instruct"
	noesis checkpoint register --key //Alice --file "$CHECKPOINT" --locator "http://127.0.0.1:$STORE_PORT" >&2
}

# Starts a chain that makes a block every $1 milliseconds.
start_chain() {
	say "starting a development chain (a block every $1 ms) on $URL"
	start node "$BIN/noesis-node" --dev --dev-block-time "$1" --base-path "$RUN/chain" --rpc-port "$PORT" \
		--no-prometheus --no-telemetry
	wait_for "the chain" 180 noesis status
}

# Registers the validator //Eve, who sleeps from then on: the chain takes no job that nobody could confirm.
enrol_sleeper() {
	start sleeper "$BIN/noesis" --url "$URL" validator --key //Eve --checkpoint "$CHECKPOINT" --store "$RUN/store-sleeper"
	wait_for "operator //Eve" 120 is_operator //Eve
	kill "${PROCESSES[-1]}"
	unset 'PROCESSES[-1]'
}

# Starts the worker //Bob, whose store is served; more arguments are its own.
start_worker() {
	start worker "$BIN/noesis" --url "$URL" worker --key //Bob --checkpoint "$CHECKPOINT" \
		--listen "127.0.0.1:$STORE_PORT" --store "$RUN/store-worker" "$@"
	wait_for "operator //Bob" 120 is_operator //Bob
}
