// What the kernels of FlashAttention's backward pass share: their arguments, products of tiles, and the statistics of
// rows that `attention_delta.cu` makes and the other two read.
#pragma once
#include "attention.cuh"

// Columns of a score tile that a warp has in registers at a time.
constexpr int CHUNK = 32;
// Rows whose statistics lie together: first STATS_ROWS times LSE in units of log2 (+infinity for a row that sees no
// key or does not exist, so that exp2(x - LSE) is 0), then STATS_ROWS times Delta. The statistics of a head are a
// whole number of such groups per sequence.
constexpr int STATS_ROWS = 64;
constexpr int STATS_BYTES = 2 * STATS_ROWS * 4;

// Where the statistics of a sequence start, in rows: the rounding never lets two sequences of a head meet.
DEVICE i64 stats_start(int first_query, int sequence) {
	return (i64)(first_query / STATS_ROWS + sequence) * STATS_ROWS;
}

// scores += A B^T for one warp: A [16 TILES x D] are rows of a tile from `a_row` on, B [CHUNK x D] from `b_row` on.
template <class T, int D, int TILES>
DEVICE void multiply_chunk(float (&scores)[TILES][CHUNK / 8][4], const u8* a, int a_row, const u8* b, int b_row) {
	// Not unrolled further: the compiler would load so far ahead that it runs out of registers.
	_Pragma("unroll 2") for (int k = 0; k < D / 16; k++) {
		u32 fragments[TILES][4];
		UNROLL for (int t = 0; t < TILES; t++) load_a<D>(fragments[t], a, a_row + 16 * t, k);
		multiply_rows<T, D, CHUNK, TILES>(scores, fragments, b, b_row, k);
	}
}

// sums += A B for one warp: A [16 TILES x CHUNK] are scores, rounded to T, B [CHUNK x D] rows of a tile.
template <class T, int D, int TILES>
DEVICE void accumulate_chunk(float (&sums)[TILES][D / 8][4], const float (&scores)[TILES][CHUNK / 8][4], const u8* b,
							 int b_row) {
	UNROLL for (int k = 0; k < CHUNK / 16; k++) {
		u32 fragments[TILES][4];
		UNROLL for (int t = 0; t < TILES; t++) round_a<T, CHUNK>(fragments[t], scores[t], k);
		accumulate_rows<T, D, TILES>(sums, fragments, b, b_row + 16 * k);
	}
}

// A warp's rows of a gradient, all times one factor.
template <class T, int D, int TILES>
DEVICE void store_gradient(T* global, i64 stride, int first, int end, u8* tile, int tile_row,
						   const float (&sums)[TILES][D / 8][4], float factor) {
	float factors[TILES][2];
	UNROLL for (int t = 0; t < TILES; t++) factors[t][0] = factors[t][1] = factor;
	store_rows<D, TILES>(global, stride, first, end, tile, tile_row, sums, factors);
}

// Distances in elements.
struct Layout {
	i64 batch, head, row;

	DEVICE_MEMBER i64 start(bool packed, int sequence, int first_row, int of_head) const {
		return head_start(packed, sequence, first_row, of_head, batch, head, row);
	}
};

// What both gradient kernels are given.
template <class T> struct Inputs {
	const T *q, *k, *v, *d_out;
	const float* stats;
	const u32 *query_offsets, *key_offsets;
	int queries, keys, group;
	Layout q_layout, k_layout, v_layout, d_out_layout;
	i64 stats_head;
	float scale, scale_log2;
	bool causal;
	int first_block, first_head, first_sequence;
};

// The same as parameters of a kernel, and put together:
//   q, d_out [sequences, query heads, queries, D], k, v [sequences, kv heads, keys, D] by their layouts in elements;
//   stats from attention_delta, two heads `stats_head` floats apart;
//   offsets: null where all sequences have `queries` and `keys` rows, else sequences + 1 starts;
//   group: query heads per kv head; scale_log2: scale times log2(e);
//   first_*: what the block at the origin of the grid (blocks of rows, heads, sequences) works on.
#define PARAMETERS(T)                                                                                                \
	const T *q, const T *k, const T *v, const T *d_out, const float *stats, const u32 *query_offsets,                \
		const u32 *key_offsets, int queries, int keys, int group, i64 q_batch, i64 q_head, i64 q_row, i64 k_batch,   \
		i64 k_head, i64 k_row, i64 v_batch, i64 v_head, i64 v_row, i64 d_out_batch, i64 d_out_head, i64 d_out_row,         \
		i64 stats_head, float scale, float scale_log2, int causal, int first_block, int first_head, int first_sequence
#define INPUTS(T)                                                                                                    \
	Inputs<T> {                                                                                                      \
		q, k, v, d_out, stats, query_offsets, key_offsets, queries, keys, group, {q_batch, q_head, q_row},           \
			{k_batch, k_head, k_row}, {v_batch, v_head, v_row}, {d_out_batch, d_out_head, d_out_row}, stats_head, scale,   \
			scale_log2, causal != 0, first_block, first_head, first_sequence                                         \
	}
