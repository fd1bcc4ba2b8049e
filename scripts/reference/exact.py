#!/usr/bin/env python3
"""The `Exact` forward pass a second time, from the text of the format and sharing nothing with the engine: the GGUF
reader, the tokeniser, the tables and the arithmetic are this file's own. Prints the BLAKE2b-256 of the logits
(little-endian i32, Q16) after each of a text's first tokens.

    exact.py --gguf MODEL.gguf --text FILE [--tokens 256] [--expect HASH] [--logits FILE]

All arithmetic is on integers. Where numpy multiplies matrices of float64, every number in them is an integer and the
sum of the products' magnitudes is below 2^53 (`exact_matmul` checks it), so every partial sum, fused or not and in
any order, is an exact integer: the library only adds integers, fast.
"""

import argparse
import hashlib
import math
import struct
import sys
import time
from decimal import ROUND_FLOOR, Decimal, getcontext
from fractions import Fraction

import numpy as np
import regex

getcontext().prec = 60

RESIDUAL, NORMED, LINEAR, ATTENTION, WEIGHT, TRIG = 12, 20, 16, 9, 24, 14  # fraction bits

# ---------------------------------------------------------------- the model's file


class Gguf:
    """A GGUF file of version 3: `fields`, and tensors of the types F32, Q4_1 and Q8_0."""

    SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
    STRING, ARRAY, F32, Q4_1, Q8_0 = 8, 9, 0, 3, 8

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.at = 0
        magic, version, tensors, fields = self._take("4sIQQ")
        if (magic, version) != (b"GGUF", 3):
            sys.exit(f"{path} is no GGUF file of version 3")
        self.fields = {self._string(): self._value(*self._take("I")) for _ in range(fields)}
        self.tensors = {}
        for _ in range(tensors):
            name = self._string()
            shape = self._take(f"{self._take('I')[0]}Q")[::-1]  # the file names the fastest dimension first
            self.tensors[name] = (shape, *self._take("IQ"))
        alignment = self.fields.get("general.alignment", 32)
        self.start = -(-self.at // alignment) * alignment

    def _take(self, layout):
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def _string(self):
        return self._take(f"{self._take('Q')[0]}s")[0].decode()

    def _value(self, kind):
        if kind == self.STRING:
            return self._string()
        if kind == self.ARRAY:
            kind, length = self._take("IQ")
            return [self._value(kind) for _ in range(length)]
        return self._take(self.SCALARS[kind])[0]

    def _raw(self, offset, dtype, count):
        return np.frombuffer(self.data, dtype, count, self.start + offset)

    def vector(self, name):
        """A tensor of 32-bit floats, which float64 holds exactly."""
        shape, kind, offset = self.tensors[name]
        if kind != self.F32:
            sys.exit(f"{name}: type {kind} is not F32")
        return self._raw(offset, "<f4", math.prod(shape)).astype(np.float64)

    def matrix(self, name):
        """A matrix's weights in Q24, exactly: `code * scale + minimum`, scale and minimum being f16 * 2^24."""
        shape, kind, offset = self.tensors[name]
        groups = math.prod(shape) // 32
        if kind == self.Q4_1:
            blocks = self._raw(offset, [("scale", "<f2"), ("minimum", "<f2"), ("codes", "u1", 16)], groups)
            codes = np.concatenate([blocks["codes"] & 15, blocks["codes"] >> 4], axis=1)
            minimum = q24(blocks["minimum"])
        elif kind == self.Q8_0:
            blocks = self._raw(offset, [("scale", "<f2"), ("codes", "i1", 32)], groups)
            codes, minimum = blocks["codes"], np.zeros(groups, np.int64)
        else:
            sys.exit(f"{name}: type {kind} is neither Q4_1 nor Q8_0")
        weights = codes.astype(np.int64) * q24(blocks["scale"])[:, None] + minimum[:, None]
        return weights.reshape(shape)


def q24(halves):
    """Finite f16 numbers as Q24, exactly: the least of them is 2^-24."""
    return (halves.astype(np.float64) * 2**WEIGHT).astype(np.int64)


# ---------------------------------------------------------------- the tokeniser


class Tokeniser:
    """Byte-level byte-pair encoding as in GPT-2, digits one by one. Special tokens are not looked for."""

    DIGITS = regex.compile(r"\p{N}|\P{N}+")
    WORDS = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")

    def __init__(self, fields):
        self.ids = {token: i for i, token in enumerate(fields["tokenizer.ggml.tokens"])}
        self.ranks = {tuple(pair.split(" ")): i for i, pair in enumerate(fields["tokenizer.ggml.merges"])}
        visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        hidden = [byte for byte in range(256) if byte not in visible]
        self.letters = {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}

    def encode(self, text):
        pieces = [word for run in self.DIGITS.findall(text) for word in self.WORDS.findall(run)]
        return [self.ids[part] for piece in pieces for part in self._merge(piece)]

    def _merge(self, piece):
        parts = [self.letters[byte] for byte in piece.encode()]
        while len(parts) > 1:
            ranks = [self.ranks.get(pair, math.inf) for pair in zip(parts, parts[1:])]
            first = min(range(len(ranks)), key=ranks.__getitem__)
            if ranks[first] == math.inf:
                break
            parts[first : first + 2] = [parts[first] + parts[first + 1]]
        return parts


# ---------------------------------------------------------------- tables, with sixty decimal digits


def nearest(x):
    """The integer nearest to a Decimal, half rounded up."""
    return int((x + Decimal("0.5")).to_integral_value(ROUND_FLOOR))


EXP2 = np.array([nearest(65535 * Decimal(2) ** (Decimal(-i) / 256)) for i in range(256)])
SIGMOID = np.array([nearest(32768 / (1 + (Decimal(256 - i) / 16).exp())) for i in range(514)])


def trigonometry(positions, pairs, base):
    """Cosines and sines of `position * base^(-pair/pairs)` in Q14, of shape (positions, pairs)."""
    table = np.empty((2, positions, pairs), np.int64)
    for pair in range(pairs):
        step = Decimal(base) ** (Decimal(-pair) / pairs)
        terms = [Decimal(1)]  # of the series of e^(i * step), without their powers of i
        while len(terms) < 60:
            terms.append(terms[-1] * step / len(terms))
        step_cos = sum(terms[0::4]) - sum(terms[2::4])
        step_sin = sum(terms[1::4]) - sum(terms[3::4])
        cos, sin = Decimal(1), Decimal(0)
        for position in range(positions):
            table[:, position, pair] = nearest(cos * 2**TRIG), nearest(sin * 2**TRIG)
            cos, sin = cos * step_cos - sin * step_sin, sin * step_cos + cos * step_sin
    return table


# ---------------------------------------------------------------- integer operations


def rsr(x, shift):
    """`x / 2^shift`, half rounded up; a left shift when `shift <= 0`. `shift` may be one number per row."""
    shift = np.asarray(shift, np.int64)
    right, left = np.maximum(shift, 0), np.maximum(-shift, 0)
    if left.any() and int(np.abs(x).max()) << int(left.max()) >= 2**63:
        sys.exit("a left shift leaves 64 bits")
    return ((x + ((1 << right) >> 1)) >> right) << left


def saturate(x, bits):
    """Clamps symmetrically to what a signed number of so many bits holds."""
    return np.clip(x, 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1)


def excess(x, bits):
    """Per row, as a column: by how many bits the largest magnitude exceeds `bits`."""
    return np.array([[max(0, int(largest).bit_length() - bits)] for largest in np.abs(x).max(axis=1)])


def exact_matmul(a, b):
    """`a @ b` of integers by float64: exact, as the sums of magnitudes are below 2^53. `b` may be a stack."""
    bound = int(np.abs(a).max()) * int(np.abs(b).sum(axis=-2).max())
    if bound >= 2**53:
        sys.exit(f"a sum of products may reach {bound}, which float64 does not hold exactly")
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


class Model:
    """One model, and the pass over all positions of a text at once."""

    def __init__(self, gguf):
        self.gguf = gguf
        fields = {name.removeprefix("llama."): value for name, value in gguf.fields.items()}
        self.layers, self.width = fields["block_count"], fields["embedding_length"]
        self.heads, self.kv_heads = fields["attention.head_count"], fields["attention.head_count_kv"]
        self.head_dim, self.base = fields["rope.dimension_count"], int(fields["rope.freq_base"])
        epsilon = Fraction(fields["attention.layer_norm_rms_epsilon"]) * self.width * 2 ** (2 * RESIDUAL)
        self.epsilon = math.floor(epsilon + Fraction(1, 2))
        self.softmax_factor = nearest(2**18 / (Decimal(2).ln() * Decimal(self.head_dim).sqrt()))
        self.embedding = gguf.matrix("token_embd.weight")

    def forward(self, tokens):
        """The logits after each token: i32 in Q16, of shape (tokens, vocabulary)."""
        self.cos, self.sin = trigonometry(len(tokens), self.head_dim // 2, self.base)[:, :, None, :]
        x = rsr(self.embedding[tokens], WEIGHT - RESIDUAL)
        for layer in range(self.layers):
            name = f"blk.{layer}."
            h = quantise(self.norm(x, name + "attn_norm"))
            q, k, v = (self.linear(h, NORMED, name + "attn_" + part, LINEAR) for part in "qkv")
            x = saturate(x + self.linear(quantise(self.attention(q, k, v)), LINEAR, name + "attn_output", RESIDUAL), 32)
            h = quantise(self.norm(x, name + "ffn_norm"))
            gate, up = (self.linear(h, NORMED, name + part, LINEAR) for part in ("ffn_gate", "ffn_up"))
            x = saturate(x + self.linear(quantise(gated(gate, up)), NORMED, name + "ffn_down", RESIDUAL), 32)
        return linear(quantise(self.norm(x, "output_norm")), NORMED, self.embedding, LINEAR)

    def linear(self, activations, base, name, to):
        return linear(activations, base, self.gguf.matrix(name + ".weight"), to)

    def norm(self, x, name):
        """RMSNorm of a Q12 residual, with gains in Q12 (half to even); the result is Q20."""
        gain = np.rint(self.gguf.vector(name + ".weight") * 2**12).astype(np.int64)
        e = excess(x, 22)
        y = rsr(x, e)
        inverse, shift = np.empty_like(e), np.empty_like(e)
        for row, squares in enumerate((y * y).sum(axis=1)):
            squares = int(squares) + (self.epsilon >> 2 * int(e[row, 0]))
            k = (62 - squares.bit_length()) & ~1
            # floor(floor(sqrt(width) * 2^56) / root)
            inverse[row] = math.isqrt(self.width << 112) // math.isqrt(squares << k)
            shift[row] = 36 - k // 2
        return rsr(rsr(y * inverse, shift) * gain, 12)

    def attention(self, q, k, v):
        """Causal attention with grouped keys and values: in and out Q16, within i16 in Q9."""
        count = len(q)
        q, k = self.rotate(q), self.rotate(k)
        v = saturate(rsr(v.reshape(count, -1, self.head_dim), LINEAR - ATTENTION), 16)
        group = np.arange(self.heads) // (self.heads // self.kv_heads)
        q, k, v = q.transpose(1, 0, 2), k.transpose(1, 2, 0)[group], v.transpose(1, 0, 2)[group]
        score = exact_matmul(q, k)
        seen = np.tri(count, dtype=bool)
        below = np.where(seen, score, np.iinfo(np.int64).min).max(axis=2, keepdims=True) - score
        t = np.minimum(np.where(seen, below, 0) * self.softmax_factor >> 10 + 2 * ATTENTION, 5120)
        weight = np.where(seen, EXP2[t & 255] >> (t >> 8), 0)
        total = weight.sum(axis=2, keepdims=True)
        out = ((exact_matmul(weight, v) << LINEAR + 1 - ATTENTION) + total) // (2 * total)
        return out.transpose(1, 0, 2).reshape(count, -1)

    def rotate(self, x):
        """Rotary positions on adjacent pairs, from Q16 to i16 in Q9; of shape (tokens, heads, head_dim)."""
        x = x.reshape(len(x), -1, self.head_dim)
        first, second = x[:, :, 0::2], x[:, :, 1::2]
        turned = np.stack([first * self.cos - second * self.sin, first * self.sin + second * self.cos], axis=-1)
        return saturate(rsr(turned.reshape(x.shape), TRIG + LINEAR - ATTENTION), 16)


def quantise(x):
    """16-bit activations and one power-of-two scale per token: (numbers, shift)."""
    shift = excess(x, 15)
    return saturate(rsr(x, shift), 16), shift


def linear(activations, base, weights, to):
    """A linear layer in Q`to`; the activations were in Q`base` before their shift."""
    a, shift = activations
    return saturate(rsr(exact_matmul(a, weights.T), WEIGHT + base - shift - to), 32)


def gated(gate, up):
    """`silu(gate) * up`, from Q16 to Q20; the sigmoid is interpolated between steps of 1/16 on [-16, 16]."""
    x = np.clip(gate, -16 << LINEAR, 16 << LINEAR)
    i, fraction = (x >> 12) + 256, x & 4095
    sigmoid = SIGMOID[i] + rsr((SIGMOID[i + 1] - SIGMOID[i]) * fraction, 12)
    return rsr(rsr(gate * sigmoid, 15) * up, 2 * LINEAR - NORMED)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--expect", help="the hash that the logits must have, 0x and 64 hexadecimal digits")
    parser.add_argument("--logits", help="where to write the logits")
    options = parser.parse_args()
    started = time.monotonic()
    gguf = Gguf(options.gguf)
    with open(options.text, encoding="utf-8", newline="") as file:
        tokens = Tokeniser(gguf.fields).encode(file.read())[: options.tokens]
    if len(tokens) < options.tokens:
        sys.exit(f"{options.text} has only {len(tokens)} tokens")
    logits = Model(gguf).forward(tokens).astype("<i4").tobytes()
    if options.logits:
        with open(options.logits, "wb") as file:
            file.write(logits)
    found = "0x" + hashlib.blake2b(logits, digest_size=32).hexdigest()
    print(found)
    print(f"{len(tokens)} tokens, {len(logits) // 4:,} logits, {time.monotonic() - started:.0f} s", file=sys.stderr)
    if options.expect and found != options.expect:
        sys.exit(f"error: the logits' hash is {found}, but {options.expect} was expected")


if __name__ == "__main__":
    main()
