// FlashAttention, backward: dQ, deterministic.
//
// Per query row i and key j:  P = exp(scale q_i k_j - LSE_i),  dS = P (dO_i v_j - Delta_i),
//   dQ_i = scale sum_j dS_ij k_j.
// Inputs and layouts: `PARAMETERS` in attention_backward.cuh; dQ lies like Q. Sums in f32; dS rounded to the inputs'
// type for the tensor cores, as FlashAttention-2 does. Equals `attention::reference::backward` within that.
//
// Grid: (blocks of ROWS queries, query heads, sequences). A block holds its Q and dO tiles in shared memory and walks
// over tiles of STEP keys, K and V coming by cp.async one tile ahead. A warp owns 16 TILES queries outright: it
// computes S = Q K^T and dP = dO V^T, CHUNK keys at a time, and the fragments of dS are at once the argument fragments
// of dQ += dS K. Nothing is added across warps or blocks: no atomics. A row's sum takes 16 keys per mma in ascending
// order, so its bits depend on neither ROWS, STEP nor the other queries. With the causal mask, tiles beyond the
// diagonal are not visited, only chunks on it are masked, and the blocks with the most keys start first.
//
// Shared memory, all swizzled: Q, dO [ROWS x D], then two stages of K, V [STEP x D]: 4 ROWS D + 8 STEP D bytes: 64 KiB
// for D = 64, ROWS = 128; 48 KiB for 64, 64; 96 KiB for D = 128.
// Registers: TILES D / 2 of sums, 2 x TILES CHUNK / 2 of P and dP.
// Expectation: two blocks per multiprocessor (four for D = 64, ROWS = 64; one on sm_80 for D = 128), bound by what
// ldmatrix reads: on average 213 bytes per mma for TILES = 2 and 341 for TILES = 1; attention_backward_kv.cu compares.
#include "attention_backward.cuh"

template <class T, int D, int TILES, int WARPS, int STEP>
DEVICE void backward_q(T* dq, Layout dq_layout, Inputs<T> in) {
	constexpr int THREADS = WARPS * WARP, ROWS = 16 * TILES * WARPS, ROW = 2 * D, STAGE = 2 * STEP * ROW;
	DYNAMIC_SHARED(shared);
	u8 *q_tile = shared, *o_tile = q_tile + ROWS * ROW, *stages = o_tile + ROWS * ROW;
	int sequence = in.first_sequence + blockIdx.z, head = in.first_head + blockIdx.y, kv_head = head / in.group;
	int first = (in.first_block + (in.causal ? gridDim.x - 1 - blockIdx.x : blockIdx.x)) * ROWS;
	Sequence s = sequence_of(sequence, in.query_offsets, in.key_offsets, in.queries, in.keys);
	if (first >= s.queries) return;
	bool packed = in.query_offsets != nullptr;
	const T* q = in.q + in.q_layout.start(packed, sequence, s.first_query, head);
	const T* d_out = in.d_out + in.d_out_layout.start(packed, sequence, s.first_query, head);
	const T* k = in.k + in.k_layout.start(packed, sequence, s.first_key, kv_head);
	const T* v = in.v + in.v_layout.start(packed, sequence, s.first_key, kv_head);
	const float* stats = in.stats + head * in.stats_head + 2 * stats_start(s.first_query, sequence);

	int end = s.visible(smaller(first + ROWS, s.queries) - 1, in.causal);
	auto load = [&](int key, u8* stage) {
		load_rows<D, STEP, THREADS>(stage, k, in.k_layout.row, key, s.keys);
		load_rows<D, STEP, THREADS>(stage + STEP * ROW, v, in.v_layout.row, key, s.keys);
		copy_commit();
	};
	load_rows<D, ROWS, THREADS>(q_tile, q, in.q_layout.row, first, s.queries);
	load_rows<D, ROWS, THREADS>(o_tile, d_out, in.d_out_layout.row, first, s.queries);
	if (end > 0) load(0, stages);

	int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, g = lane / 4;
	int warp_row = 16 * TILES * warp, warp_query = first + warp_row;
	float lse[TILES][2], delta[TILES][2];
	UNROLL for (int t = 0; t < TILES; t++)
		UNROLL for (int h = 0; h < 2; h++) {
			int row = warp_query + 16 * t + 8 * h + g;
			const float* of = stats + row / STATS_ROWS * (2 * STATS_ROWS) + row % STATS_ROWS;
			lse[t][h] = row < s.queries ? of[0] : -NEGATIVE_INFINITY;
			delta[t][h] = row < s.queries ? of[STATS_ROWS] : 0.f;
		}
	float sums[TILES][D / 8][4] = {};
	// The keys that the warp's first and last query see.
	int first_end = s.visible(warp_query, in.causal), last_end = s.visible(warp_query + 16 * TILES - 1, in.causal);
	int stage = 0;
	NO_UNROLL for (int start = 0; start < end; start += STEP) {
		copy_wait<0>();
		sync_block();
		if (start + STEP < end) load(start + STEP, stages + (stage ^ STAGE));
		NO_UNROLL for (int row = 0; row < STEP; row += CHUNK) {
			int key = start + row;
			if (key >= last_end) break;
			const u8 *k_tile = stages + stage, *v_tile = k_tile + STEP * ROW;
			float p[TILES][CHUNK / 8][4] = {}, ds[TILES][CHUNK / 8][4] = {};
			multiply_chunk<T, D>(p, q_tile, warp_row, k_tile, row);
			if (key + CHUNK > first_end) {
				int ends[TILES][2];
				UNROLL for (int t = 0; t < TILES; t++)
					UNROLL for (int h = 0; h < 2; h++)
						ends[t][h] = s.visible(warp_query + 16 * t + 8 * h + g, in.causal);
				mask_scores<CHUNK, TILES>(p, key, ends);
			}
			multiply_chunk<T, D>(ds, o_tile, warp_row, v_tile, row);
			UNROLL for (int t = 0; t < TILES; t++)
				UNROLL for (int n = 0; n < CHUNK / 8; n++)
					UNROLL for (int e = 0; e < 4; e++)
						ds[t][n][e] = exp2_fast(p[t][n][e] * in.scale_log2 - lse[t][e / 2]) * (ds[t][n][e] - delta[t][e / 2]);
			accumulate_chunk<T, D>(sums, ds, k_tile, row);
		}
		stage ^= STAGE;
	}
	// The result leaves through the tile, which must have arrived even where no key is seen.
	copy_commit();
	copy_wait<0>();
	sync_block();
	dq += dq_layout.start(packed, sequence, s.first_query, head);
	store_gradient<T, D>(dq, dq_layout.row, warp_query, s.queries, q_tile, warp_row, sums, in.scale);
}

#define INSTANTIATE(name, T, D, TILES, WARPS, STEP, BLOCKS)                                                          \
	KERNEL(__launch_bounds__(WARPS * WARP, BLOCKS) name)                                                             \
	(T* dq, i64 dq_batch, i64 dq_head, i64 dq_row, PARAMETERS(T)) {                                                  \
		backward_q<T, D, TILES, WARPS, STEP>(dq, {dq_batch, dq_head, dq_row}, INPUTS(T));                            \
	}                                                                                                                \
	EXPORT_KERNEL(name)
INSTANTIATE(attention_backward_q_f16_d64_r128, f16, 64, 2, 4, 64, 2)
INSTANTIATE(attention_backward_q_f16_d64_r64, f16, 64, 1, 4, 64, 4)
INSTANTIATE(attention_backward_q_f16_d128_r128, f16, 128, 2, 4, 32, 2)
INSTANTIATE(attention_backward_q_f16_d128_r64, f16, 128, 1, 4, 64, 2)
INSTANTIATE(attention_backward_q_bf16_d64_r128, bf16, 64, 2, 4, 64, 2)
INSTANTIATE(attention_backward_q_bf16_d64_r64, bf16, 64, 1, 4, 64, 4)
INSTANTIATE(attention_backward_q_bf16_d128_r128, bf16, 128, 2, 4, 32, 2)
INSTANTIATE(attention_backward_q_bf16_d128_r64, bf16, 128, 1, 4, 64, 2)
