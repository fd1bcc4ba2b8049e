// What the `Canon32` profile does to single numbers: embedding, rotary positions, heads, the gate, sums, AdamW, and the
// look-out for infinities. `noesis_canon::soft::leaf` bit for bit.
//
// Plan     a thread per element or pair, 256 to a block; the squares' sums take a warp per 4096 elements.
// Shared   none.
// Bound    by memory.
#include "canon32.cuh"

using namespace canon32;

namespace {

constexpr int THREADS = 256;
// `optimiser::NORM_CHUNK`.
constexpr int NORM_CHUNK = 4096;

DEVICE i64 own_element() { return (i64)blockIdx.x * THREADS + threadIdx.x; }

}  // namespace

// x[row] = table[tokens[row]], `length` elements in rows of `width`.
KERNEL(__launch_bounds__(THREADS) canon32_embedding)
(float* x, const float* table, const u32* tokens, i64 length, int width) {
	i64 i = own_element();
	if (i < length) x[i] = table[(i64)tokens[i / width] * width + i % width];
}
EXPORT_KERNEL(canon32_embedding)

// Adds dx[row] to the table's row of its token, rows in ascending order. `order` are the rows sorted by token and then by
// number; the rows of distinct token d are order[starts[d] .. starts[d + 1]]. `length`: distinct tokens times width.
KERNEL(__launch_bounds__(THREADS) canon32_embedding_backward)
(float* table, const float* dx, const u32* tokens, const u32* order, const u32* starts, i64 length, int width) {
	i64 i = own_element();
	if (i >= length) return;
	i64 distinct = i / width, column = i % width;
	u32 start = starts[distinct], end = starts[distinct + 1];
	float* place = table + (i64)tokens[order[start]] * width + column;
	float sum = *place;
	for (u32 at = start; at < end; at++) sum = add_ieee(sum, dx[(i64)order[at] * width + column]);
	*place = sum;
}
EXPORT_KERNEL(canon32_embedding_backward)

// Turns pairs in place; x [..., tokens, 2 * pairs], turns [tokens][pairs] of (cos, sin). `length`: pairs of x. Backward
// turns the other way.
KERNEL(__launch_bounds__(THREADS) canon32_rope)
(float* x, const float* turns, i64 length, int tokens, int pairs, int backward) {
	i64 i = own_element();
	if (i >= length) return;
	const float* turn = turns + 2 * (i / pairs % tokens * pairs + i % pairs);
	float a = x[2 * i], b = x[2 * i + 1], c = turn[0], s = backward ? -turn[1] : turn[1];
	x[2 * i] = sub(mul_ieee(a, c), mul_ieee(b, s));
	x[2 * i + 1] = add_ieee(mul_ieee(a, s), mul_ieee(b, c));
}
EXPORT_KERNEL(canon32_rope)

// out [..., b, a, width] = x [..., a, b, width].
KERNEL(__launch_bounds__(THREADS) canon32_exchange)(float* out, const float* x, i64 length, int a, int b, int width) {
	i64 i = own_element();
	if (i >= length) return;
	i64 row = i / width, inner = row % a, outer = row / a % b, rest = row / a / b;
	out[i] = x[((rest * a + inner) * b + outer) * width + i % width];
}
EXPORT_KERNEL(canon32_exchange)

// out = silu(gate) * up.
KERNEL(__launch_bounds__(THREADS) canon32_gate)(float* out, const float* gate, const float* up, i64 length) {
	i64 i = own_element();
	if (i < length) out[i] = mul_ieee(silu(gate[i]), up[i]);
}
EXPORT_KERNEL(canon32_gate)

KERNEL(__launch_bounds__(THREADS) canon32_gate_backward)
(float* dgate, float* dup, const float* gate, const float* up, const float* d, i64 length) {
	i64 i = own_element();
	if (i >= length) return;
	dgate[i] = mul_ieee(mul_ieee(d[i], up[i]), silu_slope(gate[i]));
	dup[i] = mul_ieee(d[i], silu(gate[i]));
}
EXPORT_KERNEL(canon32_gate_backward)

// x += change.
KERNEL(__launch_bounds__(THREADS) canon32_add)(float* x, const float* change, i64 length) {
	i64 i = own_element();
	if (i < length) x[i] = add_ieee(x[i], change[i]);
}
EXPORT_KERNEL(canon32_add)

// sums[c] = the row sum of the squares of elements [4096 c, 4096 (c + 1)). A warp per sum.
KERNEL(__launch_bounds__(THREADS) canon32_squares)(float* sums, const float* x, i64 length, int chunks) {
	int chunk = (int)(own_element() / WARP);
	if (chunk >= chunks) return;
	x += (i64)chunk * NORM_CHUNK;
	int own = (int)smaller((i64)NORM_CHUNK, length - (i64)chunk * NORM_CHUNK);
	float sum = row_sum(own, [&](int i) { return mul_ieee(x[i], x[i]); });
	if (threadIdx.x % WARP == 0) sums[chunk] = sum;
}
EXPORT_KERNEL(canon32_squares)

// `AdamW::apply`, in place.
KERNEL(__launch_bounds__(THREADS) canon32_adamw)
(float* weights, float* first, float* second, const float* gradient, i64 length, float rate, float beta1, float beta2,
 float epsilon, float decay, float correction1, float correction2, float clip) {
	i64 i = own_element();
	if (i >= length) return;
	float g = mul_ieee(gradient[i], clip), w = weights[i];
	float m = mul_add(mul_ieee(beta1, first[i]), sub(1.f, beta1), g);
	float v = mul_add(mul_ieee(beta2, second[i]), sub(1.f, beta2), mul_ieee(g, g));
	float root = sqrt_ieee(div_ieee(v, correction2));
	float scaled = div_ieee(div_ieee(m, correction1), add_ieee(root, epsilon));
	first[i] = m;
	second[i] = v;
	weights[i] = sub(w, mul_ieee(rate, add_ieee(scaled, mul_ieee(decay, w))));
}
EXPORT_KERNEL(canon32_adamw)

// Adds to *count how many elements are infinite or NaN.
KERNEL(__launch_bounds__(THREADS) canon32_count_not_finite)(u32* count, const float* x, i64 length) {
	i64 i = own_element();
	if (i < length && (float_bits(x[i]) & 0x7f800000u) == 0x7f800000u) atomic_add(count, 1u);
}
EXPORT_KERNEL(canon32_count_not_finite)
