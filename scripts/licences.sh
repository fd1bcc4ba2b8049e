#!/usr/bin/env bash
# Checks that every crate that is linked is under a licence that this project may link, and that the worker, the
# pallets (but the beacon, which reads the relay chain through the SDK's crates) and what they stand on link permissive licences only. Works without a network.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
need cargo

# Of an expression like `A OR (B AND C)` one alternative must consist of these.
PERMISSIVE='0BSD|Apache-2.0|Apache-2.0 WITH LLVM-exception|BSD-1-Clause|BSD-2-Clause|BSD-3-Clause|BSL-1.0|CC0-1.0|CDLA-Permissive-2.0|ISC|MIT|MIT-0|MPL-2.0|OpenSSL|Unicode-3.0|Unicode-DFS-2016|Unlicense|WTFPL|Zlib'
# Substrate's node and XCM crates: linked by the node, the runtime and the bencher, which say so.
COPYLEFT='GPL-3.0|GPL-3.0-only|GPL-3.0-or-later|GPL-3.0-or-later WITH Classpath-exception-2.0'
# Crates without a licence field, read by hand: ring 0.16 (ISC, OpenSSL and MIT).
READ_BY_HAND='ring v0.16'

# Prints what `cargo tree` with these arguments links under none of the licences $1.
strangers() {
	local allowed=$1
	shift
	cargo tree --manifest-path "$ROOT/Cargo.toml" --locked --edges normal --prefix none --format '{p}|{l}' "$@" |
		sed 's/ (\*)$//; s/ ([^)]*)|/|/' | sort -u |
		awk -F'|' -v allowed="$allowed" -v by_hand="$READ_BY_HAND" '
			BEGIN { n = split(allowed, list, "|"); for (i = 1; i <= n; i++) ok[list[i]] = 1 }
			index($1, by_hand) == 1 || $1 == "" { next }
			{
				licence = $2; gsub(/[()]/, "", licence); gsub(/\//, " OR ", licence)
				alternatives = split(licence, offer, " OR "); good = 0
				for (a = 1; a <= alternatives; a++) {
					parts = split(offer[a], part, " AND "); all = parts > 0
					for (p = 1; p <= parts; p++) { gsub(/^ +| +$/, "", part[p]); if (!(part[p] in ok)) all = 0 }
					if (all) good = 1
				}
				if (!good) printf "%s: licence \"%s\"\n", $1, $2
			}'
}

found=$(strangers "$PERMISSIVE|$COPYLEFT" --workspace)
[ -z "$found" ] || die "not on the lists in scripts/licences.sh:
$found"
permissive=(noesis-primitives noesis-canon noesis-engine noesis-worker pallet-checkpoints pallet-dispute pallet-operators pallet-poc pallet-poi)
found=$(strangers "$PERMISSIVE" "${permissive[@]/#/--package=}")
[ -z "$found" ] || die "only the node, the runtime, the beacon and the bencher may link these:
$found"
say "licences: every linked crate is under a known licence, ${#permissive[@]} of ours link permissive ones only"
