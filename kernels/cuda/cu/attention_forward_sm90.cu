// FlashAttention forward for compute capability 9.0: what `attention_forward.cu` computes, with the products of whole
// groups of warps and with tiles that the copy engine brings.
//
// Equals `attention/reference.rs::forward` within the rounding of the weights and of the output to 16 bits; sums are
// f32. The way the work is shared out is that of FlashAttention-3 (Shah and others, arXiv:2407.08608).
//
// Shapes: as `attention_forward.cu`. Queries, keys and values come as maps of [columns, rows, heads, sequences], whose
// boxes are one half (`hopper.cuh`) of ROWS and of KEYS rows; packed arrays are one sequence.
//
// Plan: a block owns ROWS = 64 CONSUMERS queries of one head and walks over tiles of KEYS keys from the last to the
// first, so that the tiles that are seen in part come first. One thread of the first group asks the copy engine for
// tiles, up to STAGES of keys and of values ahead; that group gives most of its registers to the others, each of which
// owns 64 queries. Scores, weights and outputs of a consumer stay in its registers. It issues the scores of a tile and
// the outputs of the tile before together, and turns the scores into weights while the outputs are summed. Consumers
// take turns in issuing: while one weighs, the tensor cores work for another.
// Grid [ceil(Sq / ROWS), Hq, B]; under the causal mask the longest blocks of a head go first.
//
// A tile of values that reaches beyond its sequence in a packed array would bring the next sequence's values, and a
// weight of 0 times NaN is NaN: that one is copied by the first group itself, with zeros for what is not the sequence's.
// Within a sequence a NaN or an infinity among the values may reach all queries of a block that goes over its tile.
//
// Shared memory: D * 2 * (ROWS + 2 * KEYS * STAGES) bytes, the queries' part of which later takes the outputs, and 256
// for barriers: at most 227 KiB.
#include "attention.cuh"
#include "hopper.cuh"

// A ring's place: which stage, and the parity of how often the ring has gone round.
template <int STAGES> struct Place {
	int stage = 0;
	u32 round = 0;
	DEVICE_MEMBER void advance() {
		stage = stage + 1 == STAGES ? 0 : stage + 1;
		round ^= stage == 0;
	}
};

// For each stage of a ring of tiles, whether it has been filled and whether it has been left.
template <int STAGES> struct Ring {
	u64 filled[STAGES], left[STAGES];
};

template <int STAGES> struct Barriers {
	u64 queries;
	Ring<STAGES> keys, values;
};

template <class T, int D, int KEYS, int CONSUMERS, int STAGES>
DEVICE void attention_forward_sm90(T* out, float* lse, const TensorMap& q_map, const TensorMap& k_map,
								   const TensorMap& v_map, const T* v, const u32* query_offsets,
								   const u32* key_offsets, int queries, int keys, int group, i64 v_head, i64 v_row,
								   i64 o_batch, i64 o_head, i64 o_row, i64 lse_batch, i64 lse_head, float scale,
								   int causal) {
	constexpr int ROWS = 64 * CONSUMERS, TILE = KEYS * D * 2, HALVES = D / HALF_COLUMNS;
	// 65536 registers in all: 168 (with three groups) or 128 (with four) per thread at the launch.
	constexpr int PRODUCER_REGISTERS = CONSUMERS == 2 ? 24 : 32, CONSUMER_REGISTERS = CONSUMERS == 2 ? 240 : 160;
	// Barriers by number: whose turn it is, a consumer's own, and that of the group that copies.
	constexpr int TURN = 1, OWN = TURN + CONSUMERS, COPY = OWN + CONSUMERS;
	static_assert(KEYS * HALF_ROW % HALF_ATOM == 0, "a half must start where the swizzle does");
	DYNAMIC_SHARED_TILES(shared);
	u8 *k_tiles = shared + ROWS * D * 2, *v_tiles = k_tiles + STAGES * TILE;
	Barriers<STAGES>& barriers = *(Barriers<STAGES>*)(v_tiles + STAGES * TILE);

	int b = blockIdx.z, head = blockIdx.y, block = causal ? gridDim.x - 1 - blockIdx.x : blockIdx.x;
	int first = block * ROWS;
	Sequence s = sequence_of(b, query_offsets, key_offsets, queries, keys);
	if (first >= s.queries) return;
	bool packed = query_offsets != nullptr;
	int tiles = ceil_div(s.visible(smaller(first + ROWS, s.queries) - 1, causal), KEYS);

	if (threadIdx.x == 0) {
		barrier_make(&barriers.queries, 1);
		UNROLL for (int stage = 0; stage < STAGES; stage++) {
			barrier_make(&barriers.keys.filled[stage], 1);
			barrier_make(&barriers.values.filled[stage], 1);
			// Every warp of the consumers leaves by itself: it knows only of its own products.
			barrier_make(&barriers.keys.left[stage], CONSUMERS * GROUP / WARP);
			barrier_make(&barriers.values.left[stage], CONSUMERS * GROUP / WARP);
		}
		barriers_made();
	}
	sync_block();

	if (threadIdx.x < GROUP) {
		registers_down<PRODUCER_REGISTERS>();
		if (tiles == 0) return;
		int kv_head = head / group, batch = packed ? 0 : b;
		int first_key = packed ? s.first_key : 0;
		auto ask = [&](u8* tile, const TensorMap& map, u64* barrier, int rows, int row, int of_head) {
			barrier_arrive_for(barrier, rows * D * 2);
			UNROLL for (int half = 0; half < HALVES; half++)
				load_half(tile + half * rows * HALF_ROW, map, barrier, half * HALF_COLUMNS, row, of_head, batch);
		};
		auto ask_keys = [&](const Place<STAGES>& at, int tile) {
			barrier_wait(&barriers.keys.left[at.stage], at.round ^ 1);
			ask(k_tiles + at.stage * TILE, k_map, &barriers.keys.filled[at.stage], KEYS, first_key + tile * KEYS, kv_head);
		};
		auto ask_values = [&](const Place<STAGES>& at, int tile) {
			barrier_wait(&barriers.values.left[at.stage], at.round ^ 1);
			ask(v_tiles + at.stage * TILE, v_map, &barriers.values.filled[at.stage], KEYS, first_key + tile * KEYS, kv_head);
		};
		Place<STAGES> at;
		if (threadIdx.x == 0) {
			ask(shared, q_map, &barriers.queries, ROWS, (packed ? s.first_query : 0) + first, head);
			ask_keys(at, tiles - 1);
		}
		bool beyond = packed && tiles * KEYS > s.keys;
		if (beyond) {
			const T* rows = v + s.first_key * v_row + kv_head * v_head;
			NO_UNROLL for (int i = threadIdx.x; i < KEYS * D / 8; i += GROUP) {
				int row = i / (D / 8), chunk = i % (D / 8), key = (tiles - 1) * KEYS + row;
				Vec16 values = {};
				if (key < s.keys) values = *(const Vec16*)(rows + key * v_row + chunk * 8);
				*(Vec16*)(v_tiles + halved<KEYS>(row, chunk)) = values;
			}
			publish_shared();
			named_wait(COPY, GROUP);
		}
		// One thread goes on: others that fell behind it could miss how often a barrier was passed.
		if (threadIdx.x > 0) return;
		if (beyond) {
			barrier_arrive(&barriers.values.filled[0]);
		} else {
			ask_values(at, tiles - 1);
		}
		NO_UNROLL for (int tile = tiles - 2; tile >= 0; tile--) {
			at.advance();
			ask_keys(at, tile);
			ask_values(at, tile);
		}
		return;
	}

	registers_up<CONSUMER_REGISTERS>();
	// Exchanged so that the compiler knows them to be the same in all lanes: a branch on them then does not part a warp,
	// between whose lanes products could not stay under way.
	int consumer = shuffle((int)threadIdx.x / GROUP, 0) - 1;
	int lane = threadIdx.x % WARP, tile_row = shuffle((int)threadIdx.x / WARP, 0) * 16 - 64;
	int first_row = first + tile_row, warp_all = s.visible(first_row, causal);
	u64 q_at = descriptor(shared + consumer * 64 * HALF_ROW, 0);
	u64 k_at = descriptor(k_tiles, 0), v_at = descriptor(v_tiles, KEYS * HALF_ROW);
	auto wait_turn = [&] {
		if constexpr (CONSUMERS > 1) named_wait(TURN + consumer, 2 * GROUP);
	};
	auto pass_turn = [&] {
		if constexpr (CONSUMERS > 1) named_arrive(TURN + (consumer + 1 == CONSUMERS ? 0 : consumer + 1), 2 * GROUP);
	};
	auto leave = [&](u64* barrier) {
		if (lane == 0) barrier_arrive(barrier);
	};

	float scores[1][KEYS / 8][4], sums[1][D / 8][4] = {}, factor = scale * LOG2_E;
	u32 weights[KEYS / 16][4];
	Softmax<1> softmax;
	auto issue_scores = [&](int stage) {
		u64 from = k_at + stage * (TILE >> 4);
		wgmma_fence();
		UNROLL for (int k = 0; k < D / 16; k++)
			wgmma_rows(scores[0], q_at + rows_at<ROWS>(k), from + rows_at<KEYS>(k), k > 0, T{});
		wgmma_commit();
	};
	auto issue_outputs = [&](int stage) {
		u64 from = v_at + stage * (TILE >> 4);
		wgmma_fence();
		UNROLL for (int k = 0; k < KEYS / 16; k++) wgmma_columns(sums[0], weights[k], from + columns_at(k), T{});
		wgmma_commit();
	};
	auto await_outputs = [&](int stage) {
		wgmma_wait<0>();
		leave(&barriers.values.left[stage]);
	};
	auto mask = [&](int tile) {
		if ((tile + 1) * KEYS <= warp_all) return;
		int limits[1][2];
		UNROLL for (int h = 0; h < 2; h++) limits[0][h] = s.visible(first_row + lane / 4 + 8 * h, causal);
		mask_scores<KEYS>(scores, tile * KEYS, limits);
	};
	auto round_weights = [&] {
		UNROLL for (int k = 0; k < KEYS / 16; k++) round_a<T, KEYS>(weights[k], scores[0], k);
	};

	if (tiles > 0) {
		Place<STAGES> at;
		float shrink[1][2];
		barrier_wait(&barriers.queries, 0);
		barrier_wait(&barriers.keys.filled[0], 0);
		issue_scores(0);
		// The last consumer lets the first begin.
		if (consumer == CONSUMERS - 1 && tiles > 1) pass_turn();
		wgmma_wait<0>();
		leave(&barriers.keys.left[0]);
		mask(tiles - 1);
		softmax.rise<KEYS>(scores, factor, shrink);
		softmax.weigh<KEYS>(scores, factor);
		round_weights();
		NO_UNROLL for (int tile = tiles - 2; tile >= 0; tile--) {
			Place<STAGES> before = at;
			at.advance();
			barrier_wait(&barriers.keys.filled[at.stage], at.round);
			wait_turn();
			issue_scores(at.stage);
			barrier_wait(&barriers.values.filled[before.stage], before.round);
			issue_outputs(before.stage);
			if (tile > 0 || consumer < CONSUMERS - 1) pass_turn();
			wgmma_wait<1>();
			leave(&barriers.keys.left[at.stage]);
			mask(tile);
			bool rises = softmax.rise<KEYS>(scores, factor, shrink);
			softmax.weigh<KEYS>(scores, factor);
			// Waited for on both sides of a branch: the compiler would put the wait before the weights, which are to be
			// computed meanwhile, but moves neither over a branch.
			if (rises) {
				await_outputs(before.stage);
				softmax.rescale<D>(sums, shrink);
			} else {
				await_outputs(before.stage);
			}
			round_weights();
		}
		barrier_wait(&barriers.values.filled[at.stage], at.round);
		issue_outputs(at.stage);
		wgmma_wait<0>();
	}

	softmax.finish();
	float factors[2];
	UNROLL for (int h = 0; h < 2; h++) {
		float sum = softmax.sum[0][h];
		int row = first_row + lane / 4 + 8 * h;
		// No key was seen: nothing was summed.
		factors[h] = sum == 0.f ? 0.f : 1.f / sum;
		if (lse != nullptr && lane % 4 == 0 && row < s.queries)
			lse[head_start(packed, b, s.first_query, head, lse_batch, lse_head, 1) + row] =
				sum == 0.f ? NEGATIVE_INFINITY : softmax.top[0][h] * scale + log2_fast(sum) * LN_2;
	}
	out += head_start(packed, b, s.first_query, head, o_batch, o_head, o_row);
	// All warps of the consumer are done with its queries: their place takes the outputs, so that global memory is
	// written in whole rows.
	named_wait(OWN + consumer, GROUP);
	UNROLL for (int n = 0; n < D / 8; n++)
		UNROLL for (int h = 0; h < 2; h++)
			*(u32*)(shared + halved<ROWS>(tile_row + lane / 4 + 8 * h, n) + lane % 4 * 4) =
				Half<T>::pack(sums[0][n][2 * h] * factors[h], sums[0][n][2 * h + 1] * factors[h]);
	sync_warp();
	UNROLL for (int i = 0; i < 16 * (D / 8) / WARP; i++) {
		int row = (i * WARP + lane) / (D / 8), chunk = lane % (D / 8);
		if (first_row + row < s.queries)
			*(Vec16*)(out + (first_row + row) * o_row + chunk * 8) =
				*(const Vec16*)(shared + halved<ROWS>(tile_row + row, chunk));
	}
}

// The name holds the tile: ROWS x KEYS x warps x STAGES.
#define INSTANTIATE(name, T, D, KEYS, CONSUMERS, STAGES)                                                             \
	KERNEL(__launch_bounds__((CONSUMERS + 1) * GROUP, 1) name)                                                       \
	(T * out, float* lse, TENSOR_MAP q_map, TENSOR_MAP k_map, TENSOR_MAP v_map, const T* v,                          \
	 const u32* query_offsets, const u32* key_offsets, int queries, int keys, int group, i64 v_head, i64 v_row,      \
	 i64 o_batch, i64 o_head, i64 o_row, i64 lse_batch, i64 lse_head, float scale, int causal) {                     \
		attention_forward_sm90<T, D, KEYS, CONSUMERS, STAGES>(                                                       \
			out, lse, q_map, k_map, v_map, v, query_offsets, key_offsets, queries, keys, group, v_head, v_row,       \
			o_batch, o_head, o_row, lse_batch, lse_head, scale, causal);                                             \
	}                                                                                                                \
	EXPORT_KERNEL(name)

INSTANTIATE(attention_forward_sm90_f16_d64_128x64x12x4, f16, 64, 64, 2, 4)
INSTANTIATE(attention_forward_sm90_bf16_d64_128x64x12x4, bf16, 64, 64, 2, 4)
INSTANTIATE(attention_forward_sm90_f16_d64_128x128x12x2, f16, 64, 128, 2, 2)
INSTANTIATE(attention_forward_sm90_bf16_d64_128x128x12x2, bf16, 64, 128, 2, 2)
INSTANTIATE(attention_forward_sm90_f16_d64_128x128x12x4, f16, 64, 128, 2, 4)
INSTANTIATE(attention_forward_sm90_bf16_d64_128x128x12x4, bf16, 64, 128, 2, 4)
INSTANTIATE(attention_forward_sm90_f16_d64_128x176x12x3, f16, 64, 176, 2, 3)
INSTANTIATE(attention_forward_sm90_bf16_d64_128x176x12x3, bf16, 64, 176, 2, 3)
INSTANTIATE(attention_forward_sm90_f16_d64_192x128x16x2, f16, 64, 128, 3, 2)
INSTANTIATE(attention_forward_sm90_bf16_d64_192x128x16x2, bf16, 64, 128, 3, 2)
INSTANTIATE(attention_forward_sm90_f16_d64_192x128x16x3, f16, 64, 128, 3, 3)
INSTANTIATE(attention_forward_sm90_bf16_d64_192x128x16x3, bf16, 64, 128, 3, 3)
INSTANTIATE(attention_forward_sm90_f16_d128_128x64x12x4, f16, 128, 64, 2, 4)
INSTANTIATE(attention_forward_sm90_bf16_d128_128x64x12x4, bf16, 128, 64, 2, 4)
INSTANTIATE(attention_forward_sm90_f16_d128_128x128x12x2, f16, 128, 128, 2, 2)
INSTANTIATE(attention_forward_sm90_bf16_d128_128x128x12x2, bf16, 128, 128, 2, 2)
INSTANTIATE(attention_forward_sm90_f16_d128_128x176x12x2, f16, 128, 176, 2, 2)
INSTANTIATE(attention_forward_sm90_bf16_d128_128x176x12x2, bf16, 128, 176, 2, 2)
