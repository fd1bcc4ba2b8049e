// FlashAttention, backward: dK and dV, deterministic.
//
// Per query row i and key j:  P = exp(scale q_i k_j - LSE_i),  dS = P (dO_i v_j - Delta_i),
//   dV_j = sum_i P_ij dO_i,  dK_j = scale sum_i dS_ij q_i, over all query heads of the key's group in ascending order.
// Inputs and layouts: `PARAMETERS` in attention_backward.cuh; dK, dV lie like K, V. Sums in f32; P and dS rounded to
// the inputs' type for the tensor cores, as FlashAttention-2 does. Equals `attention::reference::backward` within that.
//
// Grid: (blocks of KEYS keys, kv heads, sequences). A block holds its K and V tiles in shared memory and walks over
// (query head, tile of STEP queries), Q, dO and statistics coming by cp.async one tile ahead. A warp owns 16 TILES
// keys outright: it computes S^T = K Q^T and dP^T = V dO^T, CHUNK queries at a time, and its result fragments are at
// once the argument fragments of dV += P^T dO and dK += dS^T Q. So P never goes through shared memory, and nothing is
// added across warps or blocks: no atomics. A row's sums take 16 queries per mma in ascending order whatever KEYS is,
// and a masked chunk adds zeros: the bits of a key's row depend on neither KEYS nor the other keys.
// With the causal mask, tiles before the diagonal are not visited; only chunks on the diagonal are masked. Queries
// beyond the end are zeros with LSE = +infinity and add nothing; keys beyond the end make rows that are not written.
//
// Shared memory, all swizzled: K, V [KEYS x D], then two stages of Q, dO [STEP x D] and their statistics: 4 KEYS D +
// 2 (4 STEP D + 512) bytes: 65 KiB for D = 64, KEYS = 128; 49 KiB for D = 64, KEYS = 64; 97 KiB for D = 128, KEYS = 64.
// Registers: 2 x TILES D / 2 of sums, 2 x TILES CHUNK / 2 of P and dP. TILES = 2 would need 256 for sums at D = 128.
// Expectation: two blocks per multiprocessor (three for D = 64, KEYS = 64; one on sm_80 for D = 128), bound by what
// ldmatrix reads. S and dP take (512 TILES + 1024) bytes per 4 TILES mma, the sums 256 / TILES per mma: on average 192
// for TILES = 2 and 320 for TILES = 1. Shared memory delivers 128 bytes per cycle, and an mma takes 2 cycles of a
// multiprocessor of sm_80, at least 1 of sm_90. All ldmatrix phases and 16-byte copies are free of bank conflicts.
#include "attention_backward.cuh"

constexpr int STEP = 64;
static_assert(STEP == STATS_ROWS, "a stage has one group of statistics");

template <class T, int D, int TILES, int WARPS>
DEVICE void backward_kv(T* dk, T* dv, Layout dk_layout, Layout dv_layout, Inputs<T> in) {
	constexpr int THREADS = WARPS * WARP, KEYS = 16 * TILES * WARPS, ROW = 2 * D, STAGE = 2 * STEP * ROW + STATS_BYTES;
	DYNAMIC_SHARED(shared);
	u8 *k_tile = shared, *v_tile = k_tile + KEYS * ROW, *stages = v_tile + KEYS * ROW;
	int sequence = in.first_sequence + blockIdx.z, kv_head = in.first_head + blockIdx.y;
	int first_key = (in.first_block + blockIdx.x) * KEYS;
	Sequence s = sequence_of(sequence, in.query_offsets, in.key_offsets, in.queries, in.keys);
	if (first_key >= s.keys) return;
	bool packed = in.query_offsets != nullptr;
	int head = kv_head * in.group;
	const T* q = in.q + in.q_layout.start(packed, sequence, s.first_query, head);
	const T* d_out = in.d_out + in.d_out_layout.start(packed, sequence, s.first_query, head);
	const float* stats = in.stats + head * in.stats_head + 2 * stats_start(s.first_query, sequence);
	const T* k = in.k + in.k_layout.start(packed, sequence, s.first_key, kv_head);
	const T* v = in.v + in.v_layout.start(packed, sequence, s.first_key, kv_head);

	// The first query that sees a key of the block. Loads walk over heads and queries one tile ahead of the sums.
	int begin = in.causal ? larger(0, first_key - s.causal_shift() + 1) / STEP * STEP : 0;
	int heads = begin < s.queries ? in.group : 0, query = begin, heads_to_load = heads, query_to_load = begin;
	auto load_next = [&](u8* stage) {
		load_rows<D, STEP, THREADS>(stage, q, in.q_layout.row, query_to_load, s.queries);
		load_rows<D, STEP, THREADS>(stage + STEP * ROW, d_out, in.d_out_layout.row, query_to_load, s.queries);
		if (threadIdx.x < STATS_BYTES / 16)
			copy_async(stage + 2 * STEP * ROW + threadIdx.x * 16, stats + 2 * query_to_load + threadIdx.x * 4, true);
		copy_commit();
		query_to_load += STEP;
		if (query_to_load < s.queries) return;
		query_to_load = begin;
		heads_to_load--;
		q += in.q_layout.head;
		d_out += in.d_out_layout.head;
		stats += in.stats_head;
	};
	load_rows<D, KEYS, THREADS>(k_tile, k, in.k_layout.row, first_key, s.keys);
	load_rows<D, KEYS, THREADS>(v_tile, v, in.v_layout.row, first_key, s.keys);
	if (heads > 0) load_next(stages);

	int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, g = lane / 4, t4 = lane % 4;
	int warp_row = 16 * TILES * warp, warp_key = first_key + warp_row;
	float dk_sums[TILES][D / 8][4] = {}, dv_sums[TILES][D / 8][4] = {};
	int stage = 0;
	NO_UNROLL while (heads > 0) {
		copy_wait<0>();
		sync_block();
		if (heads_to_load > 0) load_next(stages + (stage ^ STAGE));
		NO_UNROLL for (int row = 0; row < STEP && query + row < s.queries; row += CHUNK) {
			int below = query + row + s.causal_shift();  // the keys that the chunk's first query sees
			if (in.causal && warp_key >= below + CHUNK - 1) continue;
			const u8 *q_tile = stages + stage, *o_tile = q_tile + STEP * ROW;
			const float* lse = (const float*)(o_tile + STEP * ROW) + row + 2 * t4;
			const float* delta = lse + STATS_ROWS;
			float p[TILES][CHUNK / 8][4] = {}, ds[TILES][CHUNK / 8][4] = {};
			multiply_chunk<T, D>(p, k_tile, warp_row, q_tile, row);
			UNROLL for (int n = 0; n < CHUNK / 8; n++) {
				float of[2] = {lse[8 * n], lse[8 * n + 1]};
				UNROLL for (int t = 0; t < TILES; t++)
					UNROLL for (int e = 0; e < 4; e++) p[t][n][e] = exp2_fast(p[t][n][e] * in.scale_log2 - of[e % 2]);
			}
			if (in.causal && warp_key + 16 * TILES > below) {
				UNROLL for (int t = 0; t < TILES; t++)
					UNROLL for (int n = 0; n < CHUNK / 8; n++)
						UNROLL for (int e = 0; e < 4; e++) {
							int key = warp_key + 16 * t + 8 * (e / 2) + g, end = below + 8 * n + 2 * t4 + e % 2;
							if (key >= end) p[t][n][e] = 0.f;
						}
			}
			accumulate_chunk<T, D>(dv_sums, p, o_tile, row);
			multiply_chunk<T, D>(ds, v_tile, warp_row, o_tile, row);
			UNROLL for (int n = 0; n < CHUNK / 8; n++) {
				float of[2] = {delta[8 * n], delta[8 * n + 1]};
				UNROLL for (int t = 0; t < TILES; t++)
					UNROLL for (int e = 0; e < 4; e++) ds[t][n][e] = p[t][n][e] * (ds[t][n][e] - of[e % 2]);
			}
			accumulate_chunk<T, D>(dk_sums, ds, q_tile, row);
		}
		stage ^= STAGE;
		query += STEP;
		if (query < s.queries) continue;
		query = begin;
		heads--;
	}
	// The results leave through the tiles, which must have arrived even where no query sees them.
	copy_commit();
	copy_wait<0>();
	sync_block();
	dk += dk_layout.start(packed, sequence, s.first_key, kv_head);
	dv += dv_layout.start(packed, sequence, s.first_key, kv_head);
	store_gradient<T, D>(dk, dk_layout.row, warp_key, s.keys, k_tile, warp_row, dk_sums, in.scale);
	store_gradient<T, D>(dv, dv_layout.row, warp_key, s.keys, v_tile, warp_row, dv_sums, 1.f);
}

#define INSTANTIATE(name, T, D, TILES, WARPS, BLOCKS)                                                                \
	KERNEL(__launch_bounds__(WARPS * WARP, BLOCKS) name)                                                             \
	(T* dk, T* dv, i64 dk_batch, i64 dk_head, i64 dk_row, i64 dv_batch, i64 dv_head, i64 dv_row, PARAMETERS(T)) {    \
		backward_kv<T, D, TILES, WARPS>(dk, dv, {dk_batch, dk_head, dk_row}, {dv_batch, dv_head, dv_row}, INPUTS(T)); \
	}                                                                                                                \
	EXPORT_KERNEL(name)
INSTANTIATE(attention_backward_kv_f16_d64_r128, f16, 64, 2, 4, 2)
INSTANTIATE(attention_backward_kv_f16_d64_r64, f16, 64, 1, 4, 3)
INSTANTIATE(attention_backward_kv_f16_d128_r64, f16, 128, 1, 4, 2)
INSTANTIATE(attention_backward_kv_bf16_d64_r128, bf16, 64, 2, 4, 2)
INSTANTIATE(attention_backward_kv_bf16_d64_r64, bf16, 64, 1, 4, 3)
INSTANTIATE(attention_backward_kv_bf16_d128_r64, bf16, 128, 1, 4, 2)
