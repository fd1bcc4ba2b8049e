// Decoding with a cache of keys and values: one query token per sequence against all that the sequence has so far.
//
// Equals `attention/reference.rs::forward` with one query, within the rounding of weights and output to 16 bits.
//
// Shapes: caches [B, Hkv, capacity, D] without gaps, D = 64 or 128; lengths u32 [B]; q, out one row per sequence and
// query head with strides; lse f32 [B, Hq] in natural logarithms, or null.
//
// attention_decode_split: a block takes `split` keys (a multiple of 64) of one head of keys, for up to 16 query heads of
// its group: these are the rows of the mma, so grouped-query attention reads the cache once. Grid
// [splits, Hkv * ceil(group / 16), B], 4 warps. A step is 64 keys, 16 for each warp, through a ring of 256 / D stages
// (64 KiB, all under way at once: with D = 64 that is a whole split of 256 keys). The warps' own maxima, sums and
// outputs are merged in their order and written as f32: partial [B, Hq, stride, D], stats [B, Hq, stride, 2] (top, sum).
// attention_decode_combine: a block per query head and sequence adds the splits up. Grid [Hq, B].
//
// Where a split ends depends on nothing but `split`, and all sums have one order: the bits of a sequence do not depend
// on the batch, on the capacity, or on how full the device is.
//
// Shared memory: split 16 * D * 2 + 64 KiB, reused by the merge; combine (1024 + 256 / (D / 4) + 8) * 4 bytes.
// What bounds it: reading the cache once. Three blocks of 64 KiB under way on a multiprocessor of Hopper are several
// times what hides the latency of its memory; one (99 KiB of shared memory) is still enough.
//
// attention_cache_append: copies new rows of keys and values [B, Hkv, tokens, D] (strides; with offsets packed) to where
// each sequence's cache ends. Grid [ceil(tokens * D / 8 / 256), Hkv, B].
#include "attention.cuh"

constexpr int HEADS = 16, STEP = 64, WARPS = 4, THREADS = WARPS * WARP;
constexpr int COMBINE_THREADS = 256, COPY_THREADS = 256;

template <class T, int D>
DEVICE void attention_decode_split(float* partial, float* stats, const T* q, const T* k, const T* v,
								   const u32* lengths, int query_heads, int kv_heads, i64 capacity, i64 q_batch,
								   i64 q_head, int split, int stride, float scale) {
	constexpr int STAGES = 256 / D, TILE = STEP * D * 2, STAGE = 2 * TILE, RING = HEADS * D * 2;
	DYNAMIC_SHARED(shared);
	int b = blockIdx.z, group = query_heads / kv_heads, parts = ceil_div(group, HEADS);
	int kv_head = blockIdx.y / parts, first_head = blockIdx.y % parts * HEADS;
	int first_key = blockIdx.x * split, end_key = smaller((int)lengths[b], first_key + split);
	if (first_key >= end_key) return;
	i64 cache = (b * (i64)kv_heads + kv_head) * capacity * D;
	k += cache;
	v += cache;
	q += b * q_batch + kv_head * group * q_head;

	int steps = ceil_div(end_key - first_key, STEP), loading = 0, stage = 0;
	auto load_next = [&](int stage) {
		if (loading < steps) {
			u8* at = shared + RING + stage * STAGE;
			load_rows<D, STEP, THREADS>(at, k, D, first_key + loading * STEP, end_key);
			load_rows<D, STEP, THREADS>(at + TILE, v, D, first_key + loading * STEP, end_key);
		}
		copy_commit();
		loading++;
	};
	load_rows<D, HEADS, THREADS>(shared, q, q_head, first_head, group);
	UNROLL for (int i = 0; i < STAGES - 1; i++) load_next(i);

	int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
	float sums[1][D / 8][4] = {}, factor = scale * LOG2_E;
	int limits[1][2] = {{end_key, end_key}};
	Softmax<1> softmax;
	NO_UNROLL for (int step = 0; step < steps; step++) {
		// This step is here, and all warps have left the one whose stage is loaded next.
		copy_wait<STAGES - 2>();
		sync_block();
		load_next(stage == 0 ? STAGES - 1 : stage - 1);
		const u8* tile = shared + RING + stage * STAGE;
		float scores[1][2][4] = {};
		UNROLL for (int k = 0; k < D / 16; k++) {
			u32 a[1][4];
			load_a<D>(a[0], shared, 0, k);
			multiply_rows<T, D, 16>(scores, a, tile, 16 * warp, k);
		}
		mask_scores<16>(scores, first_key + step * STEP + 16 * warp, limits);
		softmax.template weigh<16, D>(scores, sums, factor);
		u32 a[1][4];
		round_a<T, 16>(a[0], scores[0], 0);
		accumulate_rows<T, D>(sums, a, tile + TILE, 16 * warp);
		stage = stage == STAGES - 1 ? 0 : stage + 1;
	}
	softmax.finish();

	// The ring is free once all have left it: the warps' outputs [WARPS, HEADS, D], tops and sums [WARPS, HEADS].
	sync_block();
	float* outputs = (float*)(shared + RING);
	float* tops = outputs + WARPS * HEADS * D;
	float* totals = tops + WARPS * HEADS;
	int g = lane / 4, t4 = lane % 4;
	UNROLL for (int h = 0; h < 2; h++) {
		int row = warp * HEADS + g + 8 * h;
		UNROLL for (int n = 0; n < D / 8; n++)
			UNROLL for (int i = 0; i < 2; i++) outputs[row * D + 8 * n + 2 * t4 + i] = sums[0][n][2 * h + i];
		if (t4 == 0) tops[row] = softmax.top[0][h], totals[row] = softmax.sum[0][h];
	}
	sync_block();
	int heads = smaller(group - first_head, HEADS);
	i64 place = ((i64)b * query_heads + kv_head * group + first_head) * stride + blockIdx.x;
	for (int at = threadIdx.x; at < heads * D; at += THREADS) {
		int head = at / D, column = at % D;
		float top = NEGATIVE_INFINITY, sum = 0.f, output = 0.f;
		UNROLL for (int w = 0; w < WARPS; w++) top = max_number(top, tops[w * HEADS + head]);
		UNROLL for (int w = 0; w < WARPS; w++) {
			int row = w * HEADS + head;
			// The split has a key, so the top is no -inf.
			float weight = exp2_fast((tops[row] - top) * factor);
			sum += weight * totals[row];
			output += weight * outputs[row * D + column];
		}
		i64 to = place + (i64)head * stride;
		partial[to * D + column] = output;
		if (column == 0) stats[2 * to] = top, stats[2 * to + 1] = sum;
	}
}

template <class T, int D>
DEVICE void attention_decode_combine(T* out, float* lse, const float* partial, const float* stats,
									 const u32* lengths, i64 o_batch, i64 o_head, int split, int stride, float scale) {
	// A part of the threads takes every PARTS-th split, a thread of it four columns.
	constexpr int COLUMNS = D / 4, PARTS = COMBINE_THREADS / COLUMNS;
	DYNAMIC_SHARED(shared);
	float* outputs = (float*)shared;
	float* totals = outputs + PARTS * D;
	float* tops = totals + PARTS;
	int b = blockIdx.y, head = blockIdx.x, splits = ceil_div((int)lengths[b], split);
	int part = threadIdx.x / COLUMNS, column = threadIdx.x % COLUMNS;
	i64 place = ((i64)b * gridDim.x + head) * stride;
	partial += place * D + column * 4;
	stats += place * 2;
	float factor = scale * LOG2_E, top = NEGATIVE_INFINITY;
	for (int i = threadIdx.x; i < splits; i += COMBINE_THREADS) top = max_number(top, stats[2 * i]);
	UNROLL for (int by = WARP / 2; by > 0; by /= 2) top = max_number(top, shuffle_xor(top, by));
	if (threadIdx.x % WARP == 0) tops[threadIdx.x / WARP] = top;
	sync_block();
	UNROLL for (int w = 0; w < COMBINE_THREADS / WARP; w++) top = max_number(top, tops[w]);

	float total = 0.f, sums[4] = {};
	for (int i = part; i < splits; i += PARTS) {
		float weight = exp2_fast((stats[2 * i] - top) * factor);
		Vec16 values = *(const Vec16*)(partial + (i64)i * D);
		total += weight * stats[2 * i + 1];
		UNROLL for (int j = 0; j < 4; j++) sums[j] += weight * bits_float(values.word[j]);
	}
	UNROLL for (int j = 0; j < 4; j++) outputs[part * D + column * 4 + j] = sums[j];
	if (column == 0) totals[part] = total;
	sync_block();
	if (threadIdx.x >= D) return;
	float sum = 0.f, output = 0.f;
	UNROLL for (int p = 0; p < PARTS; p++) {
		sum += totals[p];
		output += outputs[p * D + threadIdx.x];
	}
	out[b * o_batch + head * o_head + threadIdx.x] = Half<T>::from_f32(sum == 0.f ? 0.f : output / sum);
	if (lse != nullptr && threadIdx.x == 0)
		lse[(i64)b * gridDim.x + head] = sum == 0.f ? NEGATIVE_INFINITY : top * scale + log2_fast(sum) * LN_2;
}

// 16-bit values are only moved here: one kernel for both kinds. A row is `chunks` 16-byte chunks.
KERNEL(attention_cache_append)
(u16* k_cache, u16* v_cache, const u16* k, const u16* v, const u32* lengths, const u32* offsets, int tokens, int chunks,
 i64 capacity, i64 k_batch, i64 k_head, i64 k_row, i64 v_batch, i64 v_head, i64 v_row) {
	int b = blockIdx.z, head = blockIdx.y, at = blockIdx.x * COPY_THREADS + threadIdx.x;
	int row = at / chunks, chunk = at % chunks;
	Sequence s = sequence_of(b, offsets, offsets, tokens, tokens);
	if (row >= s.keys) return;
	bool packed = offsets != nullptr;
	const u16* k_from = k + head_start(packed, b, s.first_key, head, k_batch, k_head, k_row) + row * k_row;
	const u16* v_from = v + head_start(packed, b, s.first_key, head, v_batch, v_head, v_row) + row * v_row;
	i64 to = (((i64)b * gridDim.y + head) * capacity + lengths[b] + row) * chunks + chunk;
	((Vec16*)k_cache)[to] = ((const Vec16*)k_from)[chunk];
	((Vec16*)v_cache)[to] = ((const Vec16*)v_from)[chunk];
}
EXPORT_KERNEL(attention_cache_append)

#define INSTANTIATE(name, T, D)                                                                                      \
	KERNEL(__launch_bounds__(THREADS) name)                                                                          \
	(float* partial, float* stats, const T* q, const T* k, const T* v, const u32* lengths, int query_heads,          \
	 int kv_heads, i64 capacity, i64 q_batch, i64 q_head, int split, int stride, float scale) {                      \
		attention_decode_split<T, D>(partial, stats, q, k, v, lengths, query_heads, kv_heads, capacity, q_batch,     \
									 q_head, split, stride, scale);                                                  \
	}                                                                                                                \
	EXPORT_KERNEL(name)

INSTANTIATE(attention_decode_split_f16_d64, f16, 64)
INSTANTIATE(attention_decode_split_bf16_d64, bf16, 64)
INSTANTIATE(attention_decode_split_f16_d128, f16, 128)
INSTANTIATE(attention_decode_split_bf16_d128, bf16, 128)

#undef INSTANTIATE
#define INSTANTIATE(name, T, D)                                                                                      \
	KERNEL(__launch_bounds__(COMBINE_THREADS) name)                                                                  \
	(T * out, float* lse, const float* partial, const float* stats, const u32* lengths, i64 o_batch, i64 o_head,     \
	 int split, int stride, float scale) {                                                                           \
		attention_decode_combine<T, D>(out, lse, partial, stats, lengths, o_batch, o_head, split, stride, scale);    \
	}                                                                                                                \
	EXPORT_KERNEL(name)

INSTANTIATE(attention_decode_combine_f16_d64, f16, 64)
INSTANTIATE(attention_decode_combine_bf16_d64, bf16, 64)
INSTANTIATE(attention_decode_combine_f16_d128, f16, 128)
INSTANTIATE(attention_decode_combine_bf16_d128, bf16, 128)
