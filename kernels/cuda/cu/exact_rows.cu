// Everything of the `Exact` profile that is neither a matrix product nor attention: canon's `norm`, `activation`,
// `rope` and `silu`, bit for bit. Maxima and sums of integers have no order, so how a row is shared out does not show.
//
// Shapes   row major, one row per token; `stride` is the distance of rows of an input that several layers share.
//          quantised with `bits` of magnitude: 15 for `activation::quantise`, 13 for `linear::quantise_14`.
// Plan     norm, quantise and gate: one block of 256 threads per token, thread i takes values i, i + 256 and so on.
//          rope: one thread per pair of numbers.
// Shared   norm: the row (4 bytes per value, at most 64 KiB); gate: the sigmoid table; and 8 bytes per warp and
//          reduction.
// Expected bound by latency when there is one token (a row is read from L2 and a few block-wide reductions follow),
//          by memory when there are many.
#include "exact.cuh"

using namespace exact;

namespace {

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / WARP;
// Canon's `norm`: bits that a value keeps before it is squared, and those of the inverse root's numerator.
constexpr int SQUARE_BITS = 22;
constexpr int ROOT_BITS = 56;
constexpr int GAIN_BITS = 12;
// Canon's `silu`: the table ends at +-16 in Q16, has steps of 2^12, and 514 entries in Q15.
constexpr i32 SIGMOID_END = 16 << 16;
constexpr int SIGMOID_STEP_BITS = 12;
constexpr int SIGMOID_ENTRIES = 514;
constexpr int SIGMOID_BITS = 15;

// Combines a value of every thread, the same result in all. `scratch` has one place per warp, free for other uses once
// all threads have met again.
template <class T, class Combine> DEVICE T across_block(T x, T* scratch, Combine combine) {
	UNROLL for (int by = WARP / 2; by > 0; by /= 2) x = combine(x, shuffle_xor(x, by));
	if (threadIdx.x % WARP == 0) scratch[threadIdx.x / WARP] = x;
	sync_block();
	x = scratch[0];
	UNROLL for (int warp = 1; warp < WARPS; warp++) x = combine(x, scratch[warp]);
	return x;
}
template <class T> DEVICE T max_block(T x, T* scratch) {
	return across_block(x, scratch, [](T a, T b) { return larger(a, b); });
}

DEVICE i32 sigmoid(i32 x, const u16* table) {
	i32 at = smaller(larger(x, -SIGMOID_END), SIGMOID_END) + SIGMOID_END;
	i32 index = at >> SIGMOID_STEP_BITS, fraction = at & ((1 << SIGMOID_STEP_BITS) - 1);
	i32 low = table[index], high = table[index + 1];
	return low + (((high - low) * fraction + (1 << (SIGMOID_STEP_BITS - 1))) >> SIGMOID_STEP_BITS);
}

// silu(gate) * up in Q20.
DEVICE i64 gated(i32 gate, i32 up, const u16* table) {
	i64 open = rsr_right((i64)gate * sigmoid(gate, table), SIGMOID_BITS);
	return rsr_right(open * up, 2 * LINEAR_BITS - NORMED_BITS);
}

}  // namespace

// values [tokens][width], shifts [tokens] = quantise(rms_norm(residual [tokens][width], gain [width])). `epsilon` and
// `root_width` are canon's `NormConstants`. Grid: tokens. Shared: 4 * width rounded up to 8, then 16 bytes per warp.
KERNEL(__launch_bounds__(THREADS) exact_norm)
(i16* values, i32* shifts, const i32* residual, const i32* gain, int width, int bits, u64 epsilon,
 u64 root_width) {
	DYNAMIC_SHARED(shared);
	i32* row = (i32*)shared;
	u64* scratch = (u64*)(shared + (width + 1) / 2 * 8);
	i64 start = (i64)blockIdx.x * width;

	// Every thread reads back only what it wrote.
	u64 largest = 0;
	for (int i = threadIdx.x; i < width; i += THREADS) {
		row[i] = residual[start + i];
		largest = larger(largest, (u64)magnitude(row[i]));
	}
	largest = max_block(largest, scratch);

	int down = larger(bit_length(largest) - SQUARE_BITS, 0);
	u64 sum = 0;
	for (int i = threadIdx.x; i < width; i += THREADS) {
		i64 y = rsr_right(row[i], down);
		sum += (u64)(y * y);
	}
	sum = across_block(sum, scratch + WARPS, [](u64 a, u64 b) { return a + b; }) + (epsilon >> (2 * down));

	int up = larger(62 - bit_length(sum), 0) & ~1;
	i64 inverse = (i64)(root_width / larger(isqrt(sum << up), 1ull));
	int shift = ROOT_BITS - NORMED_BITS - up / 2;
	largest = 0;
	for (int i = threadIdx.x; i < width; i += THREADS) {
		i64 normed = rsr_right(rsr_right(row[i], down) * inverse, shift);
		row[i] = (i32)rsr_right(normed * gain[i], GAIN_BITS);
		largest = larger(largest, (u64)magnitude(row[i]));
	}
	int by = activation_shift(max_block(largest, scratch), bits);

	for (int i = threadIdx.x; i < width; i += THREADS) values[start + i] = quantised(row[i], by, bits);
	if (threadIdx.x == 0) shifts[blockIdx.x] = by;
}
EXPORT_KERNEL(exact_norm)

// values [tokens][width], shifts [tokens] = quantise(x [tokens][width]). Grid: tokens. Shared: 8 bytes per warp.
KERNEL(__launch_bounds__(THREADS) exact_quantise)(i16* values, i32* shifts, const i32* x, int width, int bits) {
	DYNAMIC_SHARED(shared);
	i64 start = (i64)blockIdx.x * width;
	u64 largest = 0;
	for (int i = threadIdx.x; i < width; i += THREADS) largest = larger(largest, (u64)magnitude(x[start + i]));
	int by = activation_shift(max_block(largest, (u64*)shared), bits);
	for (int i = threadIdx.x; i < width; i += THREADS) values[start + i] = quantised(x[start + i], by, bits);
	if (threadIdx.x == 0) shifts[blockIdx.x] = by;
}
EXPORT_KERNEL(exact_quantise)

// values [tokens][width], shifts [tokens] = quantise(silu(gate) * up), gate and up [tokens][width] with rows `stride`
// apart; `table` is canon's SIGMOID. Grid: tokens. Shared: 8 bytes per warp, then the table.
KERNEL(__launch_bounds__(THREADS) exact_gate)
(i16* values, i32* shifts, const i32* gate, const i32* up, const u16* table, int width, int bits, int stride) {
	DYNAMIC_SHARED(shared);
	u16* sigmoids = (u16*)(shared + 8 * WARPS);
	for (int i = threadIdx.x; i < SIGMOID_ENTRIES; i += THREADS) sigmoids[i] = table[i];
	sync_block();
	i64 from = (i64)blockIdx.x * stride, start = (i64)blockIdx.x * width;
	u64 largest = 0;
	for (int i = threadIdx.x; i < width; i += THREADS)
		largest = larger(largest, magnitude(gated(gate[from + i], up[from + i], sigmoids)));
	int by = activation_shift(max_block(largest, (u64*)shared), bits);
	// 64 bits per value would not fit into shared memory for wide layers; the products are made once more instead.
	for (int i = threadIdx.x; i < width; i += THREADS)
		values[start + i] = quantised(gated(gate[from + i], up[from + i], sigmoids), by, bits);
	if (threadIdx.x == 0) shifts[blockIdx.x] = by;
}
EXPORT_KERNEL(exact_gate)

// Q16 to Q9 of all heads of a token, queries and keys turned by its position. `qkv` [tokens][stride] holds queries
// [heads][dim], keys [kv_heads][dim] and values [kv_heads][dim]; `angles` [positions][dim / 2] a cosine (low half) and
// a sine (high half) in Q14. Token t has the position first + t and the place slot + t of the cache:
// keys, values [kv_heads][capacity][dim]; queries [tokens][heads][dim]. `past` (or null) is a number on the device that
// is added to both, so that recorded launches can be queued for every token; nothing is written beyond the capacity.
// Grid: pairs / 256 of a row, tokens.
KERNEL(__launch_bounds__(THREADS) exact_rope)
(i16* queries, i16* keys, i16* values, const i32* qkv, const u32* angles, int heads, int kv_heads, int dim, int stride,
 int capacity, int positions, int first, int slot, const i32* past) {
	int pairs = dim / 2, token = blockIdx.y;
	int at = blockIdx.x * THREADS + threadIdx.x;
	int head = at / pairs, pair = at % pairs;
	if (past) first += *past, slot += *past;
	int position = first + token, place = slot + token;
	if (head >= heads + 2 * kv_heads || (u32)position >= (u32)positions || (u32)place >= (u32)capacity) return;
	const i32* source = qkv + (i64)token * stride + 2 * at;
	i64 x0 = source[0], x1 = source[1];
	i16 y0, y1;
	if (head < heads + kv_heads) {
		constexpr int SHIFT = TRIG_BITS + LINEAR_BITS - ATTENTION_BITS;
		u32 angle = angles[(i64)position * pairs + pair];
		i64 cosine = (i16)(angle & 0xffff), sine = (i16)(angle >> 16);
		y0 = sat16(rsr_right(x0 * cosine - x1 * sine, SHIFT));
		y1 = sat16(rsr_right(x0 * sine + x1 * cosine, SHIFT));
	} else {
		y0 = sat16(rsr_right(x0, LINEAR_BITS - ATTENTION_BITS));
		y1 = sat16(rsr_right(x1, LINEAR_BITS - ATTENTION_BITS));
	}
	u32 packed = (u32)(u16)y0 | (u32)(u16)y1 << 16;
	if (head < heads) {
		((u32*)queries)[((i64)token * heads + head) * pairs + pair] = packed;
		return;
	}
	bool is_key = head < heads + kv_heads;
	int kv_head = head - heads - (is_key ? 0 : kv_heads);
	((u32*)(is_key ? keys : values))[((i64)kv_head * capacity + place) * pairs + pair] = packed;
}
EXPORT_KERNEL(exact_rope)

// Canon's arithmetic itself, for tests and `noesis selftest`, a thread per entry: roots = isqrt(x as unsigned),
// rounded = rsr(x, shift), quotients = div_round(x / 4, den), clamped [2 * count] = sat16 and sat32 of x.
KERNEL(exact_arithmetic)
(u64* roots, i64* rounded, i64* quotients, i32* clamped, const i64* x, const i32* shift, const i64* den, int count) {
	int i = blockIdx.x * blockDim.x + threadIdx.x;
	if (i >= count) return;
	roots[i] = isqrt((u64)x[i]);
	rounded[i] = rsr(x[i], shift[i]);
	quotients[i] = div_round(x[i] / 4, den[i]);
	clamped[2 * i] = sat16(x[i]);
	clamped[2 * i + 1] = sat32(x[i]);
}
EXPORT_KERNEL(exact_arithmetic)
