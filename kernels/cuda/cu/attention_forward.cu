// FlashAttention forward: O = softmax(scale Q K^T) V and its log-sum-exp, in one pass over the keys.
//
// Equals `attention/reference.rs::forward` within the rounding of the weights and of the output to 16 bits; sums are
// f32. The online softmax is that of FlashAttention-2 (Dao, arXiv:2307.08691); letting the running maximum lag
// (`Softmax::LAG`) is the idea of FlashAttention-4.
//
// Shapes: q, out [B, Hq, Sq, D], k, v [B, Hkv, Sk, D] with any strides (`attention.cuh`), D = 64 or 128; lse f32
// [B, Hq, Sq] in natural logarithms, or null. Query head h reads head h / group of the keys.
//
// Plan: a block of WARPS warps owns ROWS queries of one head, each warp ROWS / WARPS of them (16 or 32), and walks over
// tiles of KEYS keys. Grid [ceil(Sq / ROWS), Hq, B]; under the causal mask the longest blocks of a head go first.
// Scores, weights and outputs stay in registers: a block of scores has the layout of an A operand. Tiles come through
// a ring of STAGES stages, each a tile of keys and one of values, STAGES - 1 of them under way while one is used; one
// barrier per tile. The first tile's keys are waited for alone, so that a short sequence does not wait for its values.
// If all keys fit the ring, all of them are asked for at once.
// Only tiles that some row sees in part are masked, tiles that no row of a warp sees are skipped by it.
//
// Shared memory: D * 2 * (ROWS + 2 * KEYS * STAGES) bytes, at most 99 KiB; the queries' part later takes the outputs.
//
// What bounds it: with 32 rows per warp one ldmatrix (4 cycles of shared memory) feeds 4 mma, with 16 only 2, so 32 are
// better where there is enough work to fill the device; 16 rows need fewer registers and suit short sequences. At
// D = 64 there is one exp2 per 256 FLOP: 16 per cycle and multiprocessor keep it below the tensor cores' time, and the
// other warps' products hide it. At least 8 warps should be resident on a multiprocessor.
#include "attention.cuh"

template <class T, int D, int ROWS, int KEYS, int WARPS, int STAGES, int BLOCKS>
DEVICE void attention_forward(T* out, float* lse, const T* q, const T* k, const T* v, const u32* query_offsets,
							  const u32* key_offsets, int queries, int keys, int group, i64 q_batch, i64 q_head,
							  i64 q_row, i64 k_batch, i64 k_head, i64 k_row, i64 v_batch, i64 v_head, i64 v_row,
							  i64 o_batch, i64 o_head, i64 o_row, i64 lse_batch, i64 lse_head, float scale, int causal) {
	constexpr int THREADS = WARPS * WARP, WARP_ROWS = ROWS / WARPS, TILES = WARP_ROWS / 16;
	constexpr int TILE = KEYS * D * 2, STAGE = 2 * TILE, RING = ROWS * D * 2;
	// Where registers are short, the queries' fragments are read again for every tile of keys. A lane holds outputs,
	// scores, fragments of queries, and about 64 other values.
	constexpr int REGISTERS = 65536 / (THREADS * BLOCKS) < 255 ? 65536 / (THREADS * BLOCKS) : 255;
	constexpr bool KEEP_QUERIES = TILES * (D / 2 + KEYS / 2 + D / 4) + 64 <= REGISTERS;
	static_assert(STAGES >= 2 && WARP_ROWS % 16 == 0, "a ring of stages, and whole fragments");
	DYNAMIC_SHARED(shared);

	int b = blockIdx.z, head = blockIdx.y, block = causal ? gridDim.x - 1 - blockIdx.x : blockIdx.x;
	int first = block * ROWS;
	Sequence s = sequence_of(b, query_offsets, key_offsets, queries, keys);
	if (first >= s.queries) return;
	bool packed = query_offsets != nullptr;
	q += head_start(packed, b, s.first_query, head, q_batch, q_head, q_row);
	k += head_start(packed, b, s.first_key, head / group, k_batch, k_head, k_row);
	v += head_start(packed, b, s.first_key, head / group, v_batch, v_head, v_row);

	int end_key = s.visible(smaller(first + ROWS, s.queries) - 1, causal);
	int tiles = ceil_div(end_key, KEYS), loading = 0;
	auto load_keys = [&](int stage) {
		if (loading < tiles) load_rows<D, KEYS, THREADS>(shared + RING + stage * STAGE, k, k_row, loading * KEYS, end_key);
	};
	auto load_values = [&](int stage) {
		if (loading < tiles) load_rows<D, KEYS, THREADS>(shared + RING + stage * STAGE + TILE, v, v_row, loading * KEYS, end_key);
		copy_commit();
		loading++;
	};
	load_rows<D, ROWS, THREADS>(shared, q, q_row, first, s.queries);
	load_keys(0);
	copy_commit();
	load_values(0);
	UNROLL for (int stage = 1; stage < STAGES - 1; stage++) load_keys(stage), load_values(stage);

	int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, tile_row = warp * WARP_ROWS;
	int first_row = first + tile_row;
	// What some row of the warp sees, and what all do.
	int warp_end = first_row < s.queries ? s.visible(smaller(first_row + WARP_ROWS, s.queries) - 1, causal) : 0;
	int warp_all = s.visible(first_row, causal);

	// The first keys and the queries are here, for all threads.
	copy_wait<STAGES - 1>();
	sync_block();
	u32 kept[KEEP_QUERIES ? D / 16 : 1][TILES][4];
	auto load_queries = [&](u32 (&a)[TILES][4], int k) {
		UNROLL for (int t = 0; t < TILES; t++) load_a<D>(a[t], shared, tile_row + 16 * t, k);
	};
	if constexpr (KEEP_QUERIES)
		UNROLL for (int k = 0; k < D / 16; k++) load_queries(kept[k], k);

	float sums[TILES][D / 8][4] = {}, factor = scale * LOG2_E;
	Softmax<TILES> softmax;
	int stage = 0;
	NO_UNROLL for (int tile = 0; tile < tiles; tile++) {
		if (tile > 0) {
			// This tile is here, and all warps have left the one whose stage is loaded next.
			copy_wait<STAGES - 2>();
			sync_block();
		}
		int free_stage = stage == 0 ? STAGES - 1 : stage - 1;
		load_keys(free_stage);
		load_values(free_stage);
		const u8* k_tile = shared + RING + stage * STAGE;
		int first_key = tile * KEYS;
		bool seen = first_key < warp_end;
		// Cleared where they are used: with a value on every path they would be cleared twice.
		float scores[TILES][KEYS / 8][4];
		if (seen) {
			clear(scores);
			UNROLL for (int k = 0; k < D / 16; k++) {
				if constexpr (KEEP_QUERIES) {
					multiply_rows<T, D, KEYS>(scores, kept[k], k_tile, 0, k);
				} else {
					u32 a[TILES][4];
					load_queries(a, k);
					multiply_rows<T, D, KEYS>(scores, a, k_tile, 0, k);
				}
			}
			if (first_key + KEYS > warp_all) {
				int limits[TILES][2];
				UNROLL for (int t = 0; t < TILES; t++)
					UNROLL for (int h = 0; h < 2; h++)
						limits[t][h] = s.visible(first_row + 16 * t + lane / 4 + 8 * h, causal);
				mask_scores<KEYS>(scores, first_key, limits);
			}
			softmax.template weigh<KEYS, D>(scores, sums, factor);
		}
		if (tile == 0) {
			copy_wait<STAGES - 1>();
			sync_block();
		}
		if (seen) {
			UNROLL for (int k = 0; k < KEYS / 16; k++) {
				u32 a[TILES][4];
				UNROLL for (int t = 0; t < TILES; t++) round_a<T, KEYS>(a[t], scores[t], k);
				accumulate_rows<T, D>(sums, a, k_tile + TILE, 16 * k);
			}
		}
		stage = stage == STAGES - 1 ? 0 : stage + 1;
	}

	softmax.finish();
	// Read again: kept in registers, it would be in the way of the loop.
	s = sequence_of(b, query_offsets, key_offsets, queries, keys);
	float factors[TILES][2];
	UNROLL for (int t = 0; t < TILES; t++)
		UNROLL for (int h = 0; h < 2; h++) {
			float sum = softmax.sum[t][h];
			int row = first_row + 16 * t + lane / 4 + 8 * h;
			// No key was seen: nothing was summed.
			factors[t][h] = sum == 0.f ? 0.f : 1.f / sum;
			if (lse != nullptr && lane % 4 == 0 && row < s.queries)
				lse[head_start(packed, b, s.first_query, head, lse_batch, lse_head, 1) + row] =
					sum == 0.f ? NEGATIVE_INFINITY : softmax.top[t][h] * scale + log2_fast(sum) * LN_2;
		}
	out += head_start(packed, b, s.first_query, head, o_batch, o_head, o_row);
	store_rows<D, TILES>(out, o_row, first_row, s.queries, shared, tile_row, sums, factors);
}

// The name holds the tile: ROWS x KEYS x WARPS x STAGES. BLOCKS is how many should be resident on a multiprocessor, as
// far as registers go.
#define INSTANTIATE(name, T, D, ROWS, KEYS, WARPS, STAGES, BLOCKS)                                                           \
	KERNEL(__launch_bounds__(WARPS * WARP, BLOCKS) name)                                                                     \
	(T * out, float* lse, const T* q, const T* k, const T* v, const u32* query_offsets, const u32* key_offsets,      \
	 int queries, int keys, int group, i64 q_batch, i64 q_head, i64 q_row, i64 k_batch, i64 k_head, i64 k_row,       \
	 i64 v_batch, i64 v_head, i64 v_row, i64 o_batch, i64 o_head, i64 o_row, i64 lse_batch, i64 lse_head,            \
	 float scale, int causal) {                                                                                      \
		attention_forward<T, D, ROWS, KEYS, WARPS, STAGES, BLOCKS>(                                                          \
			out, lse, q, k, v, query_offsets, key_offsets, queries, keys, group, q_batch, q_head, q_row, k_batch,    \
			k_head, k_row, v_batch, v_head, v_row, o_batch, o_head, o_row, lse_batch, lse_head, scale, causal);      \
	}                                                                                                                \
	EXPORT_KERNEL(name)

INSTANTIATE(attention_forward_f16_d64_128x64x4x2, f16, 64, 128, 64, 4, 2, 2)
INSTANTIATE(attention_forward_bf16_d64_128x64x4x2, bf16, 64, 128, 64, 4, 2, 2)
INSTANTIATE(attention_forward_f16_d64_128x64x4x3, f16, 64, 128, 64, 4, 3, 2)
INSTANTIATE(attention_forward_bf16_d64_128x64x4x3, bf16, 64, 128, 64, 4, 3, 2)
INSTANTIATE(attention_forward_f16_d64_128x32x4x4, f16, 64, 128, 32, 4, 4, 3)
INSTANTIATE(attention_forward_bf16_d64_128x32x4x4, bf16, 64, 128, 32, 4, 4, 3)
INSTANTIATE(attention_forward_f16_d64_128x64x8x2, f16, 64, 128, 64, 8, 2, 2)
INSTANTIATE(attention_forward_bf16_d64_128x64x8x2, bf16, 64, 128, 64, 8, 2, 2)
INSTANTIATE(attention_forward_f16_d64_128x128x8x2, f16, 64, 128, 128, 8, 2, 1)
INSTANTIATE(attention_forward_bf16_d64_128x128x8x2, bf16, 64, 128, 128, 8, 2, 1)
INSTANTIATE(attention_forward_f16_d64_64x64x2x2, f16, 64, 64, 64, 2, 2, 4)
INSTANTIATE(attention_forward_bf16_d64_64x64x2x2, bf16, 64, 64, 64, 2, 2, 4)
INSTANTIATE(attention_forward_f16_d64_64x64x4x2, f16, 64, 64, 64, 4, 2, 4)
INSTANTIATE(attention_forward_bf16_d64_64x64x4x2, bf16, 64, 64, 64, 4, 2, 4)
INSTANTIATE(attention_forward_f16_d64_64x64x4x4, f16, 64, 64, 64, 4, 4, 3)
INSTANTIATE(attention_forward_bf16_d64_64x64x4x4, bf16, 64, 64, 64, 4, 4, 3)
INSTANTIATE(attention_forward_f16_d64_64x128x4x2, f16, 64, 64, 128, 4, 2, 3)
INSTANTIATE(attention_forward_bf16_d64_64x128x4x2, bf16, 64, 64, 128, 4, 2, 3)
INSTANTIATE(attention_forward_f16_d64_64x32x4x4, f16, 64, 64, 32, 4, 4, 4)
INSTANTIATE(attention_forward_bf16_d64_64x32x4x4, bf16, 64, 64, 32, 4, 4, 4)
INSTANTIATE(attention_forward_f16_d128_128x64x8x2, f16, 128, 128, 64, 8, 2, 1)
INSTANTIATE(attention_forward_bf16_d128_128x64x8x2, bf16, 128, 128, 64, 8, 2, 1)
INSTANTIATE(attention_forward_f16_d128_128x32x4x2, f16, 128, 128, 32, 4, 2, 2)
INSTANTIATE(attention_forward_bf16_d128_128x32x4x2, bf16, 128, 128, 32, 4, 2, 2)
INSTANTIATE(attention_forward_f16_d128_64x64x4x2, f16, 128, 64, 64, 4, 2, 2)
INSTANTIATE(attention_forward_bf16_d128_64x64x4x2, bf16, 128, 64, 64, 4, 2, 2)
INSTANTIATE(attention_forward_f16_d128_64x32x4x3, f16, 128, 64, 32, 4, 3, 3)
INSTANTIATE(attention_forward_bf16_d128_64x32x4x3, bf16, 128, 64, 32, 4, 3, 3)
