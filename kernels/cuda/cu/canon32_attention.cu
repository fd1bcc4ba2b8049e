// Causal attention of the `Canon32` profile, forward and backward: `noesis_canon32::attention`, bit for bit.
//
// Shapes   q, out, dout, dq [batch * heads][tokens][width]; k, v, dk, dv [batch * kv_heads][tokens][width], query row r
//          reads key row r / group, group = heads / kv_heads; largest, inverse, delta [batch * heads][tokens].
// Plan     a block of 16 x 16 threads owns 64 rows (32 in the way back of wide heads) and lets tiles of 64 other rows
//          pass by; a thread holds rows ty + 16 i and columns tx + 16 j. Forward goes over the keys twice: for the
//          largest score, then for the sums. Backward takes one kernel that owns queries (dq) and one that owns keys
//          (dk, dv): no two blocks add to one place. Tiles lie in shared memory as [row][WIDTH + 1], so that threads
//          side by side read different banks along either side; widths below WIDTH are padded with zeros.
// Order    dots over the width in blocks of 64; sums over keys or queries tile by tile, which are the blocks of 64.
// Shared   forward (2 * 64 * (WIDTH + 1) + 64 * 65) * 4 bytes: 49920 or 82688; backward
//          ((2 * ROWS + 64) * (WIDTH + 1) + ROWS * 65) * 4: 66560 or 74368.
// Bound    by arithmetic and reads of shared memory alike: 8 reads for 16 products and 16 sums.
#include "canon32.cuh"

using namespace canon32;

namespace {

constexpr int SIDE = 16, THREADS = SIDE * SIDE;
// Rows of a tile that passes by, and columns of a thread's scores.
constexpr int TILE = BLOCK, ACROSS = TILE / SIDE;
// Steps of an inner loop that are written out, so that reads run ahead of sums.
constexpr int RUN = 8;
// Distance of the rows of pairs in shared memory.
constexpr int PAIRS = TILE + 1;

// Brings rows [first, first + ROWS) of a head; zeros beyond its ends.
template <int ROWS, int WIDTH> DEVICE void load(float* tile, const float* head, int first, int tokens, int width) {
	for (int at = threadIdx.x; at < ROWS * WIDTH; at += THREADS) {
		int row = at / WIDTH, c = at % WIDTH;
		bool inside = first + row < tokens && c < width;
		tile[row * (WIDTH + 1) + c] = inside ? head[(i64)(first + row) * width + c] : 0.f;
	}
}

// Dots of a thread's own rows with its rows of the other tile.
template <int WIDTH, int EACH> DEVICE void products(float (&out)[EACH][ACROSS], const float* own, const float* other) {
	int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE;
	UNROLL for (int i = 0; i < EACH; i++)
		UNROLL for (int j = 0; j < ACROSS; j++) out[i][j] = 0.f;
	NO_UNROLL for (int start = 0; start < WIDTH; start += BLOCK) {
		float block[EACH][ACROSS] = {};
		NO_UNROLL for (int run = start; run < start + BLOCK; run += RUN)
			UNROLL for (int c = run; c < run + RUN; c++) {
				float a[EACH], b[ACROSS];
				UNROLL for (int i = 0; i < EACH; i++) a[i] = own[(ty + SIDE * i) * (WIDTH + 1) + c];
				UNROLL for (int j = 0; j < ACROSS; j++) b[j] = other[(tx + SIDE * j) * (WIDTH + 1) + c];
				UNROLL for (int i = 0; i < EACH; i++)
					UNROLL for (int j = 0; j < ACROSS; j++) block[i][j] = mul_add(block[i][j], a[i], b[j]);
			}
		UNROLL for (int i = 0; i < EACH; i++)
			UNROLL for (int j = 0; j < ACROSS; j++) out[i][j] = add_ieee(out[i][j], block[i][j]);
	}
}

// Puts a thread's pairs where all can read them.
template <int EACH> DEVICE void store(float* pairs, const float (&values)[EACH][ACROSS]) {
	int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE;
	UNROLL for (int i = 0; i < EACH; i++)
		UNROLL for (int j = 0; j < ACROSS; j++) pairs[(ty + SIDE * i) * PAIRS + tx + SIDE * j] = values[i][j];
}

// totals[own row][channel] += sum over the tile of pair * other's channel: one block of the sum.
template <int WIDTH, int EACH>
DEVICE void accumulate(float (&totals)[EACH][WIDTH / SIDE], const float* pairs, const float* other) {
	int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE;
	float block[EACH][WIDTH / SIDE] = {};
	NO_UNROLL for (int run = 0; run < TILE; run += RUN)
		UNROLL for (int t = run; t < run + RUN; t++) {
			float p[EACH], x[WIDTH / SIDE];
			UNROLL for (int i = 0; i < EACH; i++) p[i] = pairs[(ty + SIDE * i) * PAIRS + t];
			UNROLL for (int j = 0; j < WIDTH / SIDE; j++) x[j] = other[t * (WIDTH + 1) + tx + SIDE * j];
			UNROLL for (int i = 0; i < EACH; i++)
				UNROLL for (int j = 0; j < WIDTH / SIDE; j++) block[i][j] = mul_add(block[i][j], p[i], x[j]);
		}
	UNROLL for (int i = 0; i < EACH; i++)
		UNROLL for (int j = 0; j < WIDTH / SIDE; j++) totals[i][j] = add_ieee(totals[i][j], block[i][j]);
}

// Writes own rows times a factor for each.
template <int WIDTH, int EACH>
DEVICE void unload(float* head, const float (&totals)[EACH][WIDTH / SIDE], const float (&factors)[EACH], int first, int tokens, int width) {
	int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE;
	UNROLL for (int i = 0; i < EACH; i++) {
		int row = first + ty + SIDE * i;
		UNROLL for (int j = 0; j < WIDTH / SIDE; j++) {
			int c = tx + SIDE * j;
			if (row < tokens && c < width) head[(i64)row * width + c] = mul_ieee(totals[i][j], factors[i]);
		}
	}
}

template <int WIDTH>
DEVICE void attend(float* out, float* largest, float* inverse, const float* q, const float* k, const float* v, float scale,
				   int tokens, int group, int width) {
	constexpr int EACH = TILE / SIDE;
	DYNAMIC_SHARED(shared);
	float* own = (float*)shared;
	float* other = own + TILE * (WIDTH + 1);
	float* pairs = other + TILE * (WIDTH + 1);
	int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE, first = blockIdx.x * TILE;
	i64 head = (i64)tokens * width, row = blockIdx.y;
	q += row * head;
	k += row / group * head;
	v += row / group * head;
	load<TILE, WIDTH>(own, q, first, tokens, width);
	float scores[EACH][ACROSS], most[EACH];
	UNROLL for (int i = 0; i < EACH; i++) most[i] = NEGATIVE_INFINITY;
	for (int start = 0; start <= first; start += TILE) {
		load<TILE, WIDTH>(other, k, start, tokens, width);
		sync_block();
		products<WIDTH>(scores, own, other);
		UNROLL for (int i = 0; i < EACH; i++)
			UNROLL for (int j = 0; j < ACROSS; j++)
				if (start + tx + SIDE * j <= first + ty + SIDE * i) most[i] = larger(mul_ieee(scores[i][j], scale), most[i]);
		sync_block();
	}
	UNROLL for (int i = 0; i < EACH; i++) most[i] = add_ieee(max_lanes<SIDE>(most[i]), 0.f);

	float totals[EACH][WIDTH / SIDE] = {}, sums[EACH] = {};
	for (int start = 0; start <= first; start += TILE) {
		load<TILE, WIDTH>(other, k, start, tokens, width);
		sync_block();
		products<WIDTH>(scores, own, other);
		UNROLL for (int i = 0; i < EACH; i++)
			UNROLL for (int j = 0; j < ACROSS; j++) {
				float e = exponential(sub(mul_ieee(scores[i][j], scale), most[i]));
				scores[i][j] = start + tx + SIDE * j <= first + ty + SIDE * i ? e : 0.f;
			}
		store(pairs, scores);
		sync_block();
		load<TILE, WIDTH>(other, v, start, tokens, width);
		sync_block();
		accumulate<WIDTH>(totals, pairs, other);
		UNROLL for (int i = 0; i < EACH; i++) {
			float block = 0.f;
			for (int t = 0; t < TILE; t++) block = add_ieee(block, pairs[(ty + SIDE * i) * PAIRS + t]);
			sums[i] = add_ieee(sums[i], block);
		}
		sync_block();
	}
	float factors[EACH];
	UNROLL for (int i = 0; i < EACH; i++) {
		factors[i] = reciprocal(sums[i]);
		int token = first + ty + SIDE * i;
		if (tx == 0 && token < tokens) {
			largest[row * tokens + token] = most[i];
			inverse[row * tokens + token] = factors[i];
		}
	}
	unload<WIDTH>(out + row * head, totals, factors, first, tokens, width);
}

// The numbers of a query's softmax; zeros beyond the tokens, which make its probabilities zero.
struct Numbers {
	float most, inverse, delta;
};
DEVICE Numbers numbers(const float* largest, const float* inverse, const float* delta, i64 row, int token, int tokens) {
	if (token >= tokens) return {0.f, 0.f, 0.f};
	i64 at = row * tokens + token;
	return {largest[at], inverse[at], delta[at]};
}
DEVICE float probability(bool seen, float product, float scale, const Numbers& query) {
	float e = exponential(sub(mul_ieee(product, scale), query.most));
	return seen ? mul_ieee(e, query.inverse) : 0.f;
}

template <int WIDTH, int EACH>
DEVICE void queries_backward(float* dq, const float* q, const float* k, const float* v, const float* dout,
							 const float* largest, const float* inverse, const float* delta, float scale, int tokens,
							 int group, int width) {
	constexpr int ROWS = SIDE * EACH;
	DYNAMIC_SHARED(shared);
	float* own_q = (float*)shared;
	float* own_dout = own_q + ROWS * (WIDTH + 1);
	float* other = own_dout + ROWS * (WIDTH + 1);
	float* pairs = other + TILE * (WIDTH + 1);
	int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE, first = blockIdx.x * ROWS;
	i64 head = (i64)tokens * width, row = blockIdx.y;
	k += row / group * head;
	v += row / group * head;
	load<ROWS, WIDTH>(own_q, q + row * head, first, tokens, width);
	load<ROWS, WIDTH>(own_dout, dout + row * head, first, tokens, width);
	Numbers query[EACH];
	float totals[EACH][WIDTH / SIDE] = {}, factors[EACH];
	UNROLL for (int i = 0; i < EACH; i++) {
		query[i] = numbers(largest, inverse, delta, row, first + ty + SIDE * i, tokens);
		factors[i] = scale;
	}
	for (int start = 0; start < first + ROWS; start += TILE) {
		float slopes[EACH][ACROSS], scores[EACH][ACROSS];
		load<TILE, WIDTH>(other, v, start, tokens, width);
		sync_block();
		products<WIDTH>(slopes, own_dout, other);
		sync_block();
		load<TILE, WIDTH>(other, k, start, tokens, width);
		sync_block();
		products<WIDTH>(scores, own_q, other);
		UNROLL for (int i = 0; i < EACH; i++)
			UNROLL for (int j = 0; j < ACROSS; j++) {
				bool seen = start + tx + SIDE * j <= first + ty + SIDE * i;
				float p = probability(seen, scores[i][j], scale, query[i]);
				slopes[i][j] = mul_ieee(p, sub(slopes[i][j], query[i].delta));
			}
		store(pairs, slopes);
		sync_block();
		accumulate<WIDTH>(totals, pairs, other);
		sync_block();
	}
	unload<WIDTH>(dq + row * head, totals, factors, first, tokens, width);
}

template <int WIDTH, int EACH>
DEVICE void keys_backward(float* dk, float* dv, const float* q, const float* k, const float* v, const float* dout,
						  const float* largest, const float* inverse, const float* delta, float scale, int tokens,
						  int group, int width) {
	constexpr int ROWS = SIDE * EACH;
	DYNAMIC_SHARED(shared);
	float* own_k = (float*)shared;
	float* own_v = own_k + ROWS * (WIDTH + 1);
	float* other = own_v + ROWS * (WIDTH + 1);
	float* pairs = other + TILE * (WIDTH + 1);
	int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE, first = blockIdx.x * ROWS;
	i64 head = (i64)tokens * width, kv_row = blockIdx.y;
	load<ROWS, WIDTH>(own_k, k + kv_row * head, first, tokens, width);
	load<ROWS, WIDTH>(own_v, v + kv_row * head, first, tokens, width);
	float key_totals[EACH][WIDTH / SIDE] = {}, value_totals[EACH][WIDTH / SIDE] = {};
	for (i64 row = kv_row * group; row < (kv_row + 1) * group; row++)
		for (int start = first / TILE * TILE; start < tokens; start += TILE) {
			float scores[EACH][ACROSS], slopes[EACH][ACROSS];
			load<TILE, WIDTH>(other, q + row * head, start, tokens, width);
			sync_block();
			products<WIDTH>(scores, own_k, other);
			sync_block();
			load<TILE, WIDTH>(other, dout + row * head, start, tokens, width);
			sync_block();
			products<WIDTH>(slopes, own_v, other);
			UNROLL for (int j = 0; j < ACROSS; j++) {
				int token = start + tx + SIDE * j;
				Numbers query = numbers(largest, inverse, delta, row, token, tokens);
				UNROLL for (int i = 0; i < EACH; i++) {
					scores[i][j] = probability(first + ty + SIDE * i <= token, scores[i][j], scale, query);
					slopes[i][j] = mul_ieee(scores[i][j], sub(slopes[i][j], query.delta));
				}
			}
			store(pairs, scores);
			sync_block();
			accumulate<WIDTH>(value_totals, pairs, other);
			sync_block();
			store(pairs, slopes);
			load<TILE, WIDTH>(other, q + row * head, start, tokens, width);
			sync_block();
			accumulate<WIDTH>(key_totals, pairs, other);
			sync_block();
		}
	float key_factors[EACH], value_factors[EACH];
	UNROLL for (int i = 0; i < EACH; i++) {
		key_factors[i] = scale;
		value_factors[i] = 1.f;
	}
	unload<WIDTH>(dk + kv_row * head, key_totals, key_factors, first, tokens, width);
	unload<WIDTH>(dv + kv_row * head, value_totals, value_factors, first, tokens, width);
}

}  // namespace

// Grid: tokens / 64, batch * heads.
#define INSTANTIATE(name, width_at_most)                                                                               \
	KERNEL(__launch_bounds__(THREADS) name)                                                                            \
	(float* out, float* largest, float* inverse, const float* q, const float* k, const float* v, float scale,          \
	 int tokens, int group, int width) {                                                                               \
		attend<width_at_most>(out, largest, inverse, q, k, v, scale, tokens, group, width);                            \
	}                                                                                                                  \
	EXPORT_KERNEL(name)
INSTANTIATE(canon32_attention_64, 64)
INSTANTIATE(canon32_attention_128, 128)
#undef INSTANTIATE

// Grid: tokens / (16 * each), batch * heads.
#define INSTANTIATE(name, width_at_most, each)                                                                         \
	KERNEL(__launch_bounds__(THREADS) name)                                                                            \
	(float* dq, const float* q, const float* k, const float* v, const float* dout, const float* largest,               \
	 const float* inverse, const float* delta, float scale, int tokens, int group, int width) {                        \
		queries_backward<width_at_most, each>(dq, q, k, v, dout, largest, inverse, delta, scale, tokens, group,        \
											  width);                                                                  \
	}                                                                                                                  \
	EXPORT_KERNEL(name)
INSTANTIATE(canon32_attention_dq_64, 64, 4)
INSTANTIATE(canon32_attention_dq_128, 128, 2)
#undef INSTANTIATE

// Grid: tokens / (16 * each), batch * kv_heads.
#define INSTANTIATE(name, width_at_most, each)                                                                         \
	KERNEL(__launch_bounds__(THREADS) name)                                                                            \
	(float* dk, float* dv, const float* q, const float* k, const float* v, const float* dout, const float* largest,    \
	 const float* inverse, const float* delta, float scale, int tokens, int group, int width) {                        \
		keys_backward<width_at_most, each>(dk, dv, q, k, v, dout, largest, inverse, delta, scale, tokens, group,       \
										   width);                                                                     \
	}                                                                                                                  \
	EXPORT_KERNEL(name)
INSTANTIATE(canon32_attention_dkdv_64, 64, 4)
INSTANTIATE(canon32_attention_dkdv_128, 128, 2)
#undef INSTANTIATE

// delta[row] = dot(dout[row], out[row]). A thread per row; grid: rows / 256.
KERNEL(__launch_bounds__(THREADS) canon32_attention_delta)
(float* delta, const float* dout, const float* out, i64 rows, int width) {
	i64 row = (i64)blockIdx.x * THREADS + threadIdx.x;
	if (row >= rows) return;
	float total = 0.f;
	for (int start = 0; start < width; start += BLOCK) {
		float block = 0.f;
		for (int c = start; c < smaller(width, start + BLOCK); c++)
			block = mul_add(block, dout[row * width + c], out[row * width + c]);
		total = add_ieee(total, block);
	}
	delta[row] = total;
}
EXPORT_KERNEL(canon32_attention_delta)
