// Canon's arithmetic as device code: each function has the bits of the one of the same name in `kernels/canon`.
//
// Integers only, but for two estimates in `isqrt` that are corrected in integers. Ranges are canon's; nothing here
// relies on signed overflow.
#pragma once
#include "device.cuh"

namespace exact {

// Fraction bits (canon's `lib.rs`, `rope.rs`).
constexpr int RESIDUAL_BITS = 12;
constexpr int NORMED_BITS = 20;
constexpr int LINEAR_BITS = 16;
constexpr int ATTENTION_BITS = 9;
constexpr int WEIGHT_BITS = 24;
constexpr int TRIG_BITS = 14;
// Weights that share a scale.
constexpr int GROUP = 32;

constexpr i64 LARGEST_64 = 0x7fffffffffffffffll;
constexpr i64 LARGEST_32 = 0x7fffffffll;
constexpr i64 LARGEST_16 = 0x7fffll;

// |x|, right for the smallest number too.
DEVICE u32 magnitude(i32 x) { return x < 0 ? 0u - (u32)x : (u32)x; }
DEVICE u64 magnitude(i64 x) { return x < 0 ? 0ull - (u64)x : (u64)x; }

// x / 2^shift, half rounded up; a saturating left shift when shift <= 0. Any x, any shift.
DEVICE i64 rsr(i64 x, int shift) {
	if (shift > 0) return shift > 63 ? 0 : (x >> shift) + ((x >> (shift - 1)) & 1);
	int left = shift < -63 ? 63 : -shift;
	i64 moved = (i64)((u64)x << left);
	if (left < 63 && moved >> left == x) return moved;
	return x > 0 ? LARGEST_64 : x < 0 ? -LARGEST_64 - 1 : 0;
}

// `rsr` for 0 <= shift <= 63, without the branches that the general one needs.
DEVICE i64 rsr_right(i64 x, int shift) { return (x >> shift) + (shift > 0 ? (x >> (shift - 1)) & 1 : 0); }

// Clamps to +-(2^15 - 1) and +-(2^31 - 1).
DEVICE i16 sat16(i64 x) { return (i16)smaller(larger(x, -LARGEST_16), LARGEST_16); }
DEVICE i32 sat32(i64 x) { return (i32)smaller(larger(x, -LARGEST_32), LARGEST_32); }

DEVICE i32 add_residual(i32 residual, i32 change) { return sat32((i64)residual + change); }

// Number of bits of x; 0 for 0.
DEVICE int bit_length(u32 x) { return 32 - leading_zeros(x); }
DEVICE int bit_length(u64 x) { return 64 - leading_zeros(x); }

// The shift that brings the largest magnitude of a token into `bits` bits: 15 for `activation::quantise`, 13 for
// `linear::quantise_14`.
DEVICE int activation_shift(u64 largest, int bits) { return larger(bit_length(largest) - bits, 0); }

// One value of a quantised token; `shift` is the token's `activation_shift`.
DEVICE i16 quantised(i64 x, int shift, int bits) {
	i64 limit = ((i64)1 << bits) - 1;
	return (i16)smaller(larger(rsr_right(x, shift), -limit), limit);
}

// num / den, half rounded up: floor((2 num + den) / (2 den)). den > 0; |num| and den below 2^62.
DEVICE i64 div_round(i64 num, i64 den) {
	i64 n = 2 * num + den, d = 2 * den;
	i64 quotient = n / d;
	return quotient * d > n ? quotient - 1 : quotient;
}

// A linear layer's accumulator as a value with `to` fraction bits; activations had `from` before `shift`.
DEVICE i32 requantise(i64 acc, int from, int shift, int to) { return sat32(rsr(acc, WEIGHT_BITS + from - shift - to)); }

// Floor of the square root of any x.
DEVICE u64 isqrt(u64 x) {
	if (x == 0) return 0;
	// A float's root is good to 2^-23 of itself; the remainder over twice the root, again as floats, leaves an error
	// below one, which the last two lines take away.
	constexpr u64 LARGEST_ROOT = 0xffffffffull;
	u64 root = smaller((u64)sqrt_ieee((float)x), LARGEST_ROOT);
	float rest = (float)(i64)(x - root * root);
	i64 better = (i64)root + (i64)div_ieee(rest, 2.f * (float)root);
	root = (u64)larger(smaller(better, (i64)LARGEST_ROOT), 1ll);
	while (root * root > x) root--;
	while (root < LARGEST_ROOT && (root + 1) * (root + 1) <= x) root++;
	return root;
}

}  // namespace exact
