// What the attention kernels share: sequences, masks, swizzled tiles in shared memory, and the two matrix products.
//
// Values are 16-bit (`T`), a row is one token's `D` values of one head and lies without gaps; rows, heads and
// sequences have strides of their own, in elements, so `[B, H, S, D]`, `[B, S, H, D]` and packed `[total, H, D]` are
// all the same to a kernel.
//
// A tile is rows of D values in shared memory. Its 16-byte chunks are permuted within each row by the row's last
// three bits: the eight rows that one phase of ldmatrix reads then lie in eight different groups of banks, and so do
// the eight chunks of a row that eight threads copy.
//
// Fragments are those of `device.cuh`. A warp's block of scores or outputs is `[TILES][COLUMNS / 8][4]` floats per
// lane: 16 * TILES rows, and entry (t, n, i) is row 16t + g + 8(i / 2), column 8n + 2(lane % 4) + i % 2.
#pragma once
#include "device.cuh"

constexpr float LOG2_E = 1.4426950408889634f;
constexpr float LN_2 = 0.6931471805599453f;

// One sequence of a batch: where its rows start in packed arrays, and how many there are.
struct Sequence {
	int first_query, queries, first_key, keys;

	// Query i sees the keys below i + this (causal: the last query sees the last key).
	DEVICE_MEMBER int causal_shift() const { return keys - queries + 1; }
	// The number of keys that query i sees: they are the first ones.
	DEVICE_MEMBER int visible(int query, bool causal) const {
		return causal ? smaller(keys, larger(0, query + causal_shift())) : keys;
	}
};

// Without offsets every sequence has the same lengths; with them, sequence b is rows offsets[b] to offsets[b + 1].
DEVICE Sequence sequence_of(int b, const u32* query_offsets, const u32* key_offsets, int queries, int keys) {
	if (query_offsets == nullptr) return Sequence{b * queries, queries, b * keys, keys};
	int query = (int)query_offsets[b], key = (int)key_offsets[b];
	return Sequence{query, (int)query_offsets[b + 1] - query, key, (int)key_offsets[b + 1] - key};
}

// Where a sequence's rows of one head start, in elements: `first_row` counts in packed arrays, `b` in all others.
DEVICE i64 head_start(bool packed, int b, int first_row, int head, i64 batch_stride, i64 head_stride, i64 row_stride) {
	return (packed ? first_row * row_stride : b * batch_stride) + head * head_stride;
}

// ---------------------------------------------------------------- tiles

// The byte of a tile at which a row's 16-byte chunk lies. Rows that differ by a multiple of 8 differ by a constant,
// chunks 2k + h (h = 0, 1) by an exclusive or with 32k.
template <int D> DEVICE int swizzled(int row, int chunk) { return row * D * 2 + ((chunk ^ (row & 7)) << 4); }

// Starts to copy rows first .. first + ROWS into a tile by all THREADS threads; rows from `end` on become zeros.
// `end` > 0: a row before it is where the copies of missing rows point. `stride` < 2^31: a row's place is one 32-bit
// product of bytes.
template <int D, int ROWS, int THREADS, class T>
DEVICE void load_rows(u8* tile, const T* global, i64 stride, int first, int end) {
	constexpr int CHUNKS = D / 8, PASS = THREADS / CHUNKS;
	static_assert(PASS % 8 == 0 && ROWS % PASS == 0, "a pass of all threads must keep the swizzle");
	int row = threadIdx.x / CHUNKS, chunk = threadIdx.x % CHUNKS;
	tile += swizzled<D>(row, chunk);
	const u8* source = (const u8*)(global + chunk * 8);
	u32 bytes = (u32)stride * 2;
	UNROLL for (int i = 0; i < ROWS / PASS; i++) {
		int from = first + row + i * PASS;
		copy_async(tile + i * PASS * D * 2, source + (u64)(u32)smaller(from, end - 1) * bytes, from < end);
	}
}

// One warp writes its block of 16 * TILES rows, each times its factor and rounded, through its own rows of a tile
// (whose earlier values only this warp needed), so that global memory is written in whole rows. `factors[t][h]` is
// for the lane's row 16t + g + 8h.
template <int D, int TILES, class T>
DEVICE void store_rows(T* global, i64 stride, int first, int end, u8* tile, int tile_row,
					   const float (&sums)[TILES][D / 8][4], const float (&factors)[TILES][2]) {
	constexpr int CHUNKS = D / 8;
	int lane = threadIdx.x % WARP, g = lane / 4, t4 = lane % 4;
	sync_warp();
	UNROLL for (int t = 0; t < TILES; t++)
		UNROLL for (int n = 0; n < D / 8; n++)
			UNROLL for (int h = 0; h < 2; h++)
				*(u32*)(tile + swizzled<D>(tile_row + 16 * t + g + 8 * h, n) + 4 * t4) =
					Half<T>::pack(sums[t][n][2 * h] * factors[t][h], sums[t][n][2 * h + 1] * factors[t][h]);
	sync_warp();
	UNROLL for (int i = 0; i < 16 * TILES * CHUNKS / WARP; i++) {
		int row = (i * WARP + lane) / CHUNKS, chunk = lane % CHUNKS;
		if (first + row < end)
			*(Vec16*)(global + (first + row) * stride + chunk * 8) =
				*(const Vec16*)(tile + swizzled<D>(tile_row + row, chunk));
	}
}

// ---------------------------------------------------------------- products

template <int TILES, int COLUMNS> DEVICE void clear(float (&sums)[TILES][COLUMNS][4]) {
	UNROLL for (int t = 0; t < TILES; t++)
		UNROLL for (int n = 0; n < COLUMNS; n++)
			UNROLL for (int i = 0; i < 4; i++) sums[t][n][i] = 0.f;
}

// The A fragments of rows tile_row .. + 16 of a tile, columns 16k .. + 16.
template <int D> DEVICE void load_a(u32 (&a)[4], const u8* tile, int tile_row, int k) {
	int lane = threadIdx.x % WARP;
	ldmatrix4(a, tile + swizzled<D>(tile_row + lane % 16, 2 * k + lane / 16));
}

// The A fragments of columns 16k .. + 16 of a block of scores, rounded.
template <class T, int COLUMNS> DEVICE void round_a(u32 (&a)[4], const float (&scores)[COLUMNS / 8][4], int k) {
	UNROLL for (int i = 0; i < 4; i++)
		a[i] = Half<T>::pack(scores[2 * k + i / 2][i % 2 * 2], scores[2 * k + i / 2][i % 2 * 2 + 1]);
}

// scores[t][..] += A_t B^T over one step of 16 columns: `a[t]` are A's fragments, B is rows tile_row .. + COLUMNS of a
// tile, of which columns 16k .. + 16 are taken.
template <class T, int D, int COLUMNS, int TILES>
DEVICE void multiply_rows(float (&scores)[TILES][COLUMNS / 8][4], const u32 (&a)[TILES][4], const u8* tile,
						  int tile_row, int k) {
	int lane = threadIdx.x % WARP;
	const u8* at = tile + swizzled<D>(tile_row + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2);
	UNROLL for (int n = 0; n < COLUMNS / 16; n++) {
		u32 b[4];
		ldmatrix4(b, at + 16 * n * D * 2);
		u32 low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
		UNROLL for (int t = 0; t < TILES; t++) {
			mma(scores[t][2 * n], a[t], low, T{});
			mma(scores[t][2 * n + 1], a[t], high, T{});
		}
	}
}

// sums[t][..] += A_t B over one step of 16 rows of B, which are rows tile_row .. + 16 of a tile of D columns.
template <class T, int D, int TILES>
DEVICE void accumulate_rows(float (&sums)[TILES][D / 8][4], const u32 (&a)[TILES][4], const u8* tile, int tile_row) {
	int lane = threadIdx.x % WARP;
	UNROLL for (int n = 0; n < D / 16; n++) {
		u32 b[4];
		ldmatrix4_trans(b, tile + swizzled<D>(tile_row + lane % 16, 2 * n + lane / 16));
		u32 low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
		UNROLL for (int t = 0; t < TILES; t++) {
			mma(sums[t][2 * n], a[t], low, T{});
			mma(sums[t][2 * n + 1], a[t], high, T{});
		}
	}
}

// ---------------------------------------------------------------- online softmax

// The running maximum and sum of a warp's rows: two rows of each 16 belong to a lane, and so does a quarter of each
// row's scores. `top` is in raw scores and may lag behind the true maximum by up to LAG powers of two of weight:
// weights then reach 2^LAG, which costs no precision, and outputs are seldom rescaled. `sum` is this lane's quarter.
template <int TILES> struct Softmax {
	static constexpr float LAG = 8.f;
	float top[TILES][2], sum[TILES][2];

	DEVICE_MEMBER Softmax() {
		UNROLL for (int t = 0; t < TILES; t++)
			UNROLL for (int h = 0; h < 2; h++) top[t][h] = NEGATIVE_INFINITY, sum[t][h] = 0.f;
	}

	// Raises the tops that scores exceed by more than the lag, and says by how much less all that was summed before
	// weighs then: `shrink`, 1 where nothing changes. True if something does, in any lane of the warp. factor > 0.
	template <int COLUMNS>
	DEVICE_MEMBER bool rise(const float (&scores)[TILES][COLUMNS / 8][4], float factor, float (&shrink)[TILES][2]) {
		bool rises = false;
		UNROLL for (int t = 0; t < TILES; t++)
			UNROLL for (int h = 0; h < 2; h++) {
				float most = scores[t][0][2 * h];
				UNROLL for (int n = 0; n < COLUMNS / 8; n++)
					UNROLL for (int i = 0; i < 2; i++) most = max_number(most, scores[t][n][2 * h + i]);
				most = max_number(most, shuffle_xor(most, 1));
				most = max_number(most, shuffle_xor(most, 2));
				float old = top[t][h];
				bool rise = (most - old) * factor > LAG;
				// The first rise is from -inf: what was summed before is nothing, and stays so.
				shrink[t][h] = rise ? exp2_fast((old - most) * factor) : 1.f;
				top[t][h] = rise ? most : old;
				sum[t][h] *= shrink[t][h];
				rises |= rise;
			}
		return any_lane(rises);
	}

	// Turns scores into weights 2^(factor (score - top)) and sums them. A score of -inf weighs nothing.
	template <int COLUMNS> DEVICE_MEMBER void weigh(float (&scores)[TILES][COLUMNS / 8][4], float factor) {
		UNROLL for (int t = 0; t < TILES; t++)
			UNROLL for (int h = 0; h < 2; h++) {
				// A row that has seen no key yet: -inf less anything but itself.
				float base = top[t][h] == NEGATIVE_INFINITY ? 0.f : top[t][h] * factor;
				UNROLL for (int n = 0; n < COLUMNS / 8; n++)
					UNROLL for (int i = 0; i < 2; i++) {
						float& score = scores[t][n][2 * h + i];
						score = exp2_fast(score * factor - base);
						sum[t][h] += score;
					}
			}
	}

	// What `rise` asks of the outputs.
	template <int D> static DEVICE_MEMBER void rescale(float (&outputs)[TILES][D / 8][4], const float (&shrink)[TILES][2]) {
		UNROLL for (int t = 0; t < TILES; t++)
			UNROLL for (int n = 0; n < D / 8; n++)
				UNROLL for (int i = 0; i < 4; i++) outputs[t][n][i] *= shrink[t][i / 2];
	}

	// All three, where nothing happens between them.
	template <int COLUMNS, int D>
	DEVICE_MEMBER void weigh(float (&scores)[TILES][COLUMNS / 8][4], float (&outputs)[TILES][D / 8][4], float factor) {
		float shrink[TILES][2];
		if (rise<COLUMNS>(scores, factor, shrink)) rescale<D>(outputs, shrink);
		weigh<COLUMNS>(scores, factor);
	}

	// After the last scores: whole sums in every lane.
	DEVICE_MEMBER void finish() {
		UNROLL for (int t = 0; t < TILES; t++)
			UNROLL for (int h = 0; h < 2; h++) sum[t][h] = sum_lanes<4>(sum[t][h]);
	}
};

// Takes out of a block of scores what its rows don't see: row t, h sees columns below limits[t][h].
template <int COLUMNS, int TILES>
DEVICE void mask_scores(float (&scores)[TILES][COLUMNS / 8][4], int first_column, const int (&limits)[TILES][2]) {
	int column = first_column + threadIdx.x % 4 * 2;
	UNROLL for (int t = 0; t < TILES; t++)
		UNROLL for (int n = 0; n < COLUMNS / 8; n++)
			UNROLL for (int i = 0; i < 4; i++)
				if (column + 8 * n + i % 2 >= limits[t][i / 2]) scores[t][n][i] = NEGATIVE_INFINITY;
}
