// The arithmetic of the `Canon32` profile (`noesis_canon::soft`): binary32 whose products are rounded before they are
// added, own exponential and logarithm, and the two orders of summation.
//
// Only the `_ieee` instructions add, multiply or divide here: a compiler may not fuse or flush them. A sum that starts
// at +0 is never -0, so a term of either zero changes nothing: tiles are padded with zeros and masked pairs are zeros.
#pragma once
#include "device.cuh"

namespace canon32 {

// Terms of a blocked sum that are summed before they meet the total.
constexpr int BLOCK = 64;

DEVICE float sub(float a, float b) { return add_ieee(a, -b); }
// sum + a * b, each rounded.
DEVICE float mul_add(float sum, float a, float b) { return add_ieee(sum, mul_ieee(a, b)); }
DEVICE float absolute(float x) { return bits_float(float_bits(x) & 0x7fffffffu); }

// Horner's scheme, highest power first.
template <int N> DEVICE float polynomial(const u32 (&coefficients)[N], float x) {
	float sum = bits_float(coefficients[0]);
	UNROLL for (int i = 1; i < N; i++) sum = add_ieee(mul_ieee(sum, x), bits_float(coefficients[i]));
	return sum;
}

constexpr u32 LN2_HIGH = 0x3f318000u, LN2_LOW = 0xb95e8083u, HALF = 0x3f000000u;

// `functions::exp`.
DEVICE float exponential(float x) {
	constexpr u32 LOG2_E = 0x3fb8aa3bu, INTEGER = 0x4b400000u, LEAST = 0xc2ae0000u, MOST = 0x42b00000u;
	constexpr u32 TERMS[6] = {0x39506967u, 0x3ab743ceu, 0x3c088908u, 0x3d2aa9c1u, 0x3e2aaaaau, 0x3f000000u};
	float shifted = add_ieee(mul_ieee(x, bits_float(LOG2_E)), bits_float(INTEGER));
	float n = sub(shifted, bits_float(INTEGER));
	float r = sub(sub(x, mul_ieee(n, bits_float(LN2_HIGH))), mul_ieee(n, bits_float(LN2_LOW)));
	float mantissa = add_ieee(add_ieee(mul_ieee(polynomial(TERMS, r), mul_ieee(r, r)), r), 1.f);
	float result = mul_ieee(mantissa, bits_float((float_bits(shifted) + 127) << 23));
	if (x < bits_float(LEAST)) return 0.f;
	return x > bits_float(MOST) ? bits_float(0x7f800000u) : result;
}

// `functions::ln` of a normal number, which every sum of exponentials is.
DEVICE float logarithm(float x) {
	constexpr u32 ROOT = 0x3f3504f3u;
	constexpr u32 TERMS[9] = {0x3d9021bbu, 0xbdebd1b8u, 0x3def251au, 0xbdfe5d4fu, 0x3e11e9bfu,
							  0xbe2aae50u, 0x3e4cceacu, 0xbe7ffffcu, 0x3eaaaaaau};
	i32 above = (i32)(float_bits(x) - ROOT);
	float f = sub(bits_float(((u32)above & 0x7fffffu) + ROOT), 1.f);
	float n = (float)(above >> 23);
	float square = mul_ieee(f, f);
	float tail = add_ieee(mul_ieee(mul_ieee(polynomial(TERMS, f), f), square), mul_ieee(n, bits_float(LN2_LOW)));
	tail = sub(tail, mul_ieee(bits_float(HALF), square));
	return add_ieee(add_ieee(f, tail), mul_ieee(n, bits_float(LN2_HIGH)));
}

DEVICE float sigmoid(float x) {
	float e = exponential(-absolute(x));
	return div_ieee(x < 0.f ? e : 1.f, add_ieee(1.f, e));
}
DEVICE float silu(float x) { return mul_ieee(x, sigmoid(x)); }
DEVICE float silu_slope(float x) {
	return mul_ieee(sigmoid(x), add_ieee(1.f, mul_ieee(x, sigmoid(-x))));
}
DEVICE float reciprocal(float x) { return div_ieee(1.f, x); }

// The tree of `row_sum` over the lanes' partial sums, the same in every lane.
DEVICE float row_tree(float lane_sum) {
	UNROLL for (int half = WARP / 2; half > 0; half /= 2) lane_sum = add_ieee(lane_sum, shuffle_down(lane_sum, half));
	return shuffle(lane_sum, 0);
}
// `row_sum` of `term(i)` for i < length, by one warp.
template <class Term> DEVICE float row_sum(int length, Term term) {
	float sum = 0.f;
	for (int i = threadIdx.x % WARP; i < length; i += WARP) sum = add_ieee(sum, term(i));
	return row_tree(sum);
}
// `maximum` of `term(i)` for i < length, by one warp: a zero is +0.
template <class Term> DEVICE float maximum(int length, Term term) {
	float most = term(0);
	for (int i = threadIdx.x % WARP; i < length; i += WARP) most = larger(term(i), most);
	return add_ieee(max_lanes<WARP>(most), 0.f);
}

}  // namespace canon32
