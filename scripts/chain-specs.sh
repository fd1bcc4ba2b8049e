#!/usr/bin/env bash
# Writes the chain specs of the named networks into chain-specs/: plain ones for people, raw ones for nodes.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
build --quiet
mkdir -p "$ROOT/chain-specs"
for network in dev local; do
	say "chain-specs/$network.json"
	"$BIN/noesis-node" export-chain-spec --chain "$network" --output "$ROOT/chain-specs/$network.json"
	"$BIN/noesis-node" export-chain-spec --chain "$network" --raw --output "$ROOT/chain-specs/$network-raw.json"
done
