#!/usr/bin/env python3
"""Of several measurements of a pallet's weights, the lowest of each benchmark: what else runs on a machine only adds time.

usage: lowest.py FILE...    prints a weights.rs made of the given ones
"""

import re
import sys

FUNCTION = re.compile(r"(?:\t///[^\n]*\n)*\tfn (\w+)\(\w*[^\n]*-> Weight \{\n.*?\n\t\}\n", re.S)
SECOND = "impl WeightInfo for ()"


def time(block):
    """Picoseconds of a function at the end of its component's range."""
    largest = re.search(r"is `\[\d+, (\d+)\]`", block)
    parts = re.findall(r"from_parts\(([\d_]+), \d+\)(\.saturating_mul)?", block)
    return sum(int(part) * (int(largest.group(1)) if slope else 1) for part, slope in parts)


def lowest(texts):
    """The first text, with each function of both implementations from the text in which it takes the least time."""
    halves = [text.split(SECOND) for text in texts]
    blocks = [[{f.group(1): f.group(0) for f in FUNCTION.finditer(half)} for half in pair] for pair in halves]
    best = {name: min(blocks, key=lambda pair: time(pair[0][name])) for name in blocks[0][0]}
    made = [FUNCTION.sub(lambda f, i=i: best[f.group(1)][i][f.group(1)], half) for i, half in enumerate(halves[0])]
    return SECOND.join(made)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.stdout.write(lowest([open(path, encoding="utf-8").read() for path in sys.argv[1:]]))
