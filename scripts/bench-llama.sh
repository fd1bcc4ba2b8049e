#!/usr/bin/env bash
# Tokens per second of the exact engine beside llama.cpp, with the same GGUF file and with its weights as Q8_0, llama.cpp's fastest:
# the same cores, one run, taking turns.
#
#   scripts/bench-llama.sh [--json] [--rounds N] [--threads N]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

JSON=
ROUNDS=3
THREADS=$(nproc)
while [ $# -gt 0 ]; do
	case "$1" in
		--json) JSON=1 ;;
		--rounds) ROUNDS=${2:?--rounds needs a number}; shift ;;
		--threads) THREADS=${2:?--threads needs a number}; shift ;;
		*) die "usage: scripts/bench-llama.sh [--json] [--rounds N] [--threads N]" ;;
	esac
	shift
done

PACKAGE=llama-cpp-python==0.3.36
PREFILL=256
DECODE=64
VENV=$CACHE/llama

need python3
need jq
need cmake
[ -x "$BIN/noesis" ] || build
CHECKPOINT=$("$ROOT/scripts/model.sh")
GGUF=$("$ROOT/scripts/model.sh" --gguf)
if [ "$(cat "$VENV/package" 2>/dev/null)" != "$PACKAGE" ]; then
	say "building llama.cpp from source ($PACKAGE; ten minutes on two cores)"
	python3 -m venv "$VENV"
	"$VENV/bin/pip" install --quiet --disable-pip-version-check --no-binary llama-cpp-python "$PACKAGE" >&2
	echo "$PACKAGE" >"$VENV/package"
fi

# The same weights with 8 bits each: what they lost before is no matter for the speed.
Q8_0=$CACHE/models/$(basename "$GGUF" .gguf).q8_0.gguf
if [ ! -f "$Q8_0" ]; then
	say "writing $Q8_0"
	"$VENV/bin/python" - "$GGUF" "$Q8_0.part" <<'PYTHON' >"$Q8_0.log" 2>&1 || die "llama.cpp could not write it: see $Q8_0.log"
import sys
import llama_cpp
params = llama_cpp.llama_model_quantize_default_params()
params.ftype, params.allow_requantize = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0, True
sys.exit(llama_cpp.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), params))
PYTHON
	mv "$Q8_0.part" "$Q8_0"
fi

theirs() {
	"$VENV/bin/python" - "$1" "$THREADS" "$PREFILL" "$DECODE" <<'PYTHON'
import json, sys, time
from llama_cpp import Llama
path, threads, prefill, decode = sys.argv[1], *map(int, sys.argv[2:])
llama = Llama(path, n_ctx=prefill + decode, n_batch=prefill, n_threads=threads, n_threads_batch=threads, verbose=False)
prompt = [i * 7919 % llama.n_vocab() for i in range(prefill)]
llama.eval(prompt[:8]); llama.reset()  # warm
start = time.perf_counter(); llama.eval(prompt); read = time.perf_counter() - start
start = time.perf_counter()
for i in range(decode):
    llama.eval([prompt[i]])  # no sampling: the evaluation alone, which favours this side
write = time.perf_counter() - start
print(json.dumps({"decode_tps": decode / write, "prefill_tps": prefill / read}))
PYTHON
}

ours() {
	"$BIN/noesis" bench engine --checkpoint "$CHECKPOINT" --threads "$THREADS" --prefill "$PREFILL" \
		--decode "$DECODE" --repeats 1 --json
}

results=
for round in $(seq "$ROUNDS"); do
	say "round $round of $ROUNDS"
	results+=$(jq -cn --argjson noesis "$(ours)" --argjson llama "$(theirs "$GGUF")" \
		--argjson llama_q8_0 "$(theirs "$Q8_0")" '{$noesis, $llama, $llama_q8_0}')$'\n'
done
report=$(jq -cs --arg package "$PACKAGE" --argjson threads "$THREADS" '
	def median: sort | .[length / 2 | floor];
	def speed(side): {decode_tps: (map(side.decode_tps) | median), prefill_tps: (map(side.prefill_tps) | median)};
	{
		noesis: (speed(.noesis) + {backend: .[0].noesis.backend}),
		llama: (speed(.llama) + {$package}),
		llama_q8_0: speed(.llama_q8_0),
		$threads
	}
	| .decode_ratio = .noesis.decode_tps / .llama.decode_tps
	| .prefill_ratio = .noesis.prefill_tps / .llama.prefill_tps
	| .decode_ratio_q8_0 = .noesis.decode_tps / .llama_q8_0.decode_tps
	| .prefill_ratio_q8_0 = .noesis.prefill_tps / .llama_q8_0.prefill_tps
' <<<"$results")
if [ -n "$JSON" ]; then echo "$report"; else jq . <<<"$report"; fi
