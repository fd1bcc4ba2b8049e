#!/usr/bin/env bash
# The Exact profile's logits from a second implementation: numpy, written from the text of the format, with its own
# GGUF reader, tokeniser and tables (scripts/reference/exact.py). Prints the BLAKE2b-256 of the logits after each of the
# first 256 tokens of the file LICENSE; false unless it is the one that the engine's test of the real model pins.
#
#   scripts/reference.sh
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
[ $# -eq 0 ] || die "usage: scripts/reference.sh"

PACKAGES="numpy==2.2.6 regex==2025.9.1"
VENV=$CACHE/reference
PINNED=$ROOT/offchain-worker/engine/tests/real_model.rs

need python3
EXPECTED=$(grep -oP '^const LOGITS_HASH: &str = "\K0x[0-9a-f]{64}(?=";)' "$PINNED") || die "$PINNED has no LOGITS_HASH"
GGUF=$("$ROOT/scripts/model.sh" --gguf)
if [ "$(cat "$VENV/packages" 2>/dev/null)" != "$PACKAGES" ]; then
	say "installing $PACKAGES"
	python3 -m venv "$VENV"
	# shellcheck disable=SC2086
	"$VENV/bin/pip" install --quiet --disable-pip-version-check $PACKAGES >&2
	echo "$PACKAGES" >"$VENV/packages"
fi
say "256 tokens through the second implementation"
"$VENV/bin/python" "$ROOT/scripts/reference/exact.py" \
	--gguf "$GGUF" --text "$ROOT/LICENSE" --tokens 256 --expect "$EXPECTED"
say "the logits are the engine's, bit for bit"
