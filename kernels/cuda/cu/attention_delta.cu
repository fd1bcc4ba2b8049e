// FlashAttention, backward, first step: per query row Delta = sum_d dO_d O_d, and LSE in units of log2.
//
// O and dO [sequences, heads, queries, D] in f16 or bf16 with LSE [sequences, heads, queries] in f32 (natural
// logarithm) become the statistics that attention_backward.cuh describes, [heads, groups of 64 rows].
// Grid: (groups of the longest sequence, heads, sequences), 128 threads per block, no shared memory. D / 8 neighbouring
// lanes have a row, 8 columns each: sums run over the columns of a lane in order, then across the lanes as a tree.
// Equals `attention::reference::backward`'s Delta up to f32 rounding. Expectation: limited by reading O and dO once.
#include "attention_backward.cuh"

constexpr int THREADS = 128;

template <class T, int D>
DEVICE void delta(float* stats, const T* out, const T* d_out, const float* lse, const u32* query_offsets, int queries,
				  Layout out_layout, Layout d_out_layout, i64 lse_batch, i64 lse_head, i64 stats_head) {
	constexpr int LANES = D / 8, PASS = THREADS / LANES;
	int head = blockIdx.y, sequence = blockIdx.z, first = blockIdx.x * STATS_ROWS;
	Sequence s = sequence_of(sequence, query_offsets, query_offsets, queries, queries);
	if (first >= s.queries) return;
	bool packed = query_offsets != nullptr;
	out += out_layout.start(packed, sequence, s.first_query, head);
	d_out += d_out_layout.start(packed, sequence, s.first_query, head);
	lse += head_start(packed, sequence, s.first_query, head, lse_batch, lse_head, 1);
	stats += head * stats_head + 2 * (stats_start(s.first_query, sequence) + first);
	int part = threadIdx.x % LANES;
	UNROLL for (int pass = 0; pass < STATS_ROWS; pass += PASS) {
		int row = pass + threadIdx.x / LANES;
		bool inside = first + row < s.queries;
		float sum = 0.f;
		if (inside) {
			Vec16 a = *(const Vec16*)(out + (first + row) * out_layout.row + part * 8);
			Vec16 b = *(const Vec16*)(d_out + (first + row) * d_out_layout.row + part * 8);
			UNROLL for (int i = 0; i < 8; i++) {
				u16 x = a.word[i / 2] >> (i % 2 * 16), y = b.word[i / 2] >> (i % 2 * 16);
				sum += Half<T>::to_f32(T{x}) * Half<T>::to_f32(T{y});
			}
		}
		sum = sum_lanes<LANES>(sum);
		if (part != 0) continue;
		float value = inside ? lse[first + row] * LOG2_E : NEGATIVE_INFINITY;
		bool sees = value != NEGATIVE_INFINITY;
		stats[row] = sees ? value : -NEGATIVE_INFINITY;
		stats[STATS_ROWS + row] = sees ? sum : 0.f;
	}
}

#define INSTANTIATE(name, T, D)                                                                                      \
	KERNEL(__launch_bounds__(THREADS) name)                                                                          \
	(float* stats, const T* out, const T* d_out, const float* lse, const u32* query_offsets, int queries,            \
	 i64 out_batch, i64 out_head, i64 out_row, i64 d_out_batch, i64 d_out_head, i64 d_out_row, i64 lse_batch,        \
	 i64 lse_head, i64 stats_head) {                                                                                 \
		delta<T, D>(stats, out, d_out, lse, query_offsets, queries, Layout{out_batch, out_head, out_row},            \
					Layout{d_out_batch, d_out_head, d_out_row}, lse_batch, lse_head, stats_head);                    \
	}                                                                                                                \
	EXPORT_KERNEL(name)
INSTANTIATE(attention_delta_f16_d64, f16, 64)
INSTANTIATE(attention_delta_f16_d128, f16, 128)
INSTANTIATE(attention_delta_bf16_d64, bf16, 64)
INSTANTIATE(attention_delta_bf16_d128, bf16, 128)
