// Linear layers of the `Exact` profile, and the embedding that shares their weights. Equal to canon's `linear.rs`
// (`group_term`, `requantise`; `dot_row`, `requantise_row`; `embed`) bit for bit.
//
//   out[token][row] = requantise(sum over groups b of D[row][b] * dot + M[row][b] * sum_b a)     q4, q8: i64 sums
//   out[token][row] = requantise(mul[row] * sum_k code[row][k] * a[token][k])                     rows: i32 sums
//   where dot = sum over the group's 32 columns of code * a
//
// values [tokens, 32 groups] i16, shifts [tokens], out [tokens, stride] i32. `base`, where it isn't null, is laid out
// like `out` and added with saturation: the residual; it may be `out` itself.
//
// Weights are packed in units of 32 rows x 32 columns, tile by tile of rows and group by group within, so that a lane
// loads what an mma fragment needs with 16-byte loads that a warp makes without gaps. Row r of a tile is g + 8 w with
// g = r % 8 and word w = r / 8 of a vector; lane 4 g + t holds columns 4 t .. 4 t + 3 and 16 + 4 t .. of the group.
//   q4:    32 vectors of codes, by lane: low nibbles are the first four columns, high nibbles the second (as in the
//          file); then 8 vectors of scales D, by g; then 8 of minima M
//   q8:    32 vectors of the first four columns, 32 of the second, 8 of scales
//   rows:  32 vectors of the first four columns, 32 of the second
// Rows beyond the last are zeros and are never stored.
//
// Tensor cores: an activation is 256 high + low with a signed high and an unsigned low byte, so a group's dot is two
// m16n8k32 products: high first, times 256, then low on top (|dot| < 2^24 for q4, < 2^28 for q8). The sum of a group's
// activations, which the minimum multiplies, is the product with a fragment of ones: it arrives in the lane that needs
// it, and costs nothing where 64-bit adds are the limit. `rows` keeps one i32 sum per byte plane over all columns; the
// loader has checked that code * 8191 of a row can't overflow, so neither plane can.
//
// gemm: a block of 4 warps makes 64 rows x 64 tokens, a warp 32 x 32. Weights go from global memory (L2) straight into
//   registers, one group ahead; activations come in chunks of two groups through three stages of cp.async, rows 160
//   bytes apart so that the 8-byte reads of half a warp hit 32 banks. The sums leave through the same memory: 32,768
//   bytes. 3 blocks per multiprocessor. Expectation: q4 and q8 are bound by the 64-bit combination (2 wide multiply-adds
//   and a shift per output and group of 32, against 2 mma per 4 outputs), so well under the rate of int8 mma; `rows` is
//   bound by mma.
// gemv: a block of 8 warps makes 32 rows x 8 tokens, the warps taking every eighth group, one group ahead; their sums
//   meet in 16,384 bytes of shared memory. Integer sums have no order, so the split does not show. Expectation: bound
//   by memory (24, 36, 32 bytes per 32 weights) once a layer has some hundred tiles; below that by latency.
// embed: a block per token.
#include "exact.cuh"

namespace {

using namespace exact;

constexpr int TILE_ROWS = 32;
constexpr int FRAGMENT_ROWS = 16;
constexpr int FRAGMENT_TOKENS = 8;
constexpr int M_TILES = TILE_ROWS / FRAGMENT_ROWS;

constexpr int GEMM_WARPS = 4;
constexpr int BLOCK_TILES = 2;
constexpr int WARP_TOKENS = 32;
constexpr int N_TILES = WARP_TOKENS / FRAGMENT_TOKENS;
constexpr int BLOCK_ROWS = BLOCK_TILES * TILE_ROWS;
constexpr int BLOCK_TOKENS = GEMM_WARPS / BLOCK_TILES * WARP_TOKENS;
constexpr int GEMM_BLOCKS = 3;
constexpr int CHUNK_GROUPS = 2;
constexpr int CHUNK = CHUNK_GROUPS * GROUP;
constexpr int STAGES = 3;
// Values from one token's row of a stage to the next.
constexpr int PITCH = CHUNK + 16;
// Values of a 16-byte copy.
constexpr int COPY = 8;
// Outputs that a thread makes at once, so that their loads overlap.
constexpr int STORES = 4;
static_assert(STAGES * BLOCK_TOKENS * PITCH * 2 <= BLOCK_ROWS * BLOCK_TOKENS * 8, "the sums reuse the stages");

constexpr int GEMV_WARPS = 8;
constexpr int GEMV_VALUES = M_TILES * 4;

struct alignas(8) Vec8 {
	u32 word[2];
};

// Byte planes of a token's 32 activations as B fragments.
struct Planes {
	u32 high[2], low[2];
};
// `values` points at column 4 t of the group.
DEVICE Planes split(Vec8 first, Vec8 second) {
	constexpr u32 EVEN_BYTES = 0x6420, ODD_BYTES = 0x7531;
	return {{byte_permute(first.word[0], first.word[1], ODD_BYTES), byte_permute(second.word[0], second.word[1], ODD_BYTES)},
			{byte_permute(first.word[0], first.word[1], EVEN_BYTES), byte_permute(second.word[0], second.word[1], EVEN_BYTES)}};
}

// Sums over groups of one 16 x 8 fragment, in the lane's four places.
struct WideSums {
	i64 of[4];
	DEVICE_MEMBER void clear() { UNROLL for (int i = 0; i < 4; i++) of[i] = 0; }
	DEVICE_MEMBER i64 total(int i) const { return of[i]; }
};
struct PlaneSums {
	i32 high[4], low[4];
	DEVICE_MEMBER void clear() { UNROLL for (int i = 0; i < 4; i++) high[i] = low[i] = 0; }
	DEVICE_MEMBER i64 total(int i) const { return 256ll * high[i] + low[i]; }
};

// sum code * a of a group.
DEVICE void dot(i32 (&d)[4], const u32 (&codes)[4], const Planes& a) {
	UNROLL for (int i = 0; i < 4; i++) d[i] = 0;
	mma(d, codes, a.high, i8{}, i8{});
	UNROLL for (int i = 0; i < 4; i++) d[i] *= 256;
	mma(d, codes, a.low, i8{}, u8{});
}

// A lane's part of a unit of weights, and what one group adds to the sums of one token fragment.
struct Q4 {
	typedef WideSums Sums;
	static constexpr int VECTORS = WARP + 16;
	Vec16 codes, scales, minima;

	DEVICE_MEMBER void load(const Vec16* unit, int lane) {
		codes = unit[lane];
		scales = unit[WARP + lane / 4];
		minima = unit[WARP + 8 + lane / 4];
	}
	DEVICE_MEMBER void add(Sums (&sums)[M_TILES], const Planes& a) const {
		constexpr u32 LOW_NIBBLES = 0x0f0f0f0fu;
		const u32 ones[4] = {0x01010101u, 0x01010101u, 0x01010101u, 0x01010101u};
		i32 sum[4], d[4];
		dot(sum, ones, a);
		UNROLL for (int m = 0; m < M_TILES; m++) {
			u32 first = codes.word[2 * m], second = codes.word[2 * m + 1];
			u32 fragment[4] = {first & LOW_NIBBLES, second & LOW_NIBBLES, first >> 4 & LOW_NIBBLES, second >> 4 & LOW_NIBBLES};
			dot(d, fragment, a);
			UNROLL for (int i = 0; i < 4; i++) {
				int w = 2 * m + i / 2;
				sums[m].of[i] += (i64)(i32)scales.word[w] * d[i];
				sums[m].of[i] += (i64)(i32)minima.word[w] * sum[i];
			}
		}
	}
	// Weight of word w at column 4 t + b, or 16 + 4 t + b for the second half.
	static DEVICE_MEMBER i64 weight(const Vec16* unit, int lane, int w, int half, int b) {
		i32 code = unit[lane].word[w] >> (8 * b + 4 * half) & 15;
		return (i64)code * (i32)unit[WARP + lane / 4].word[w] + (i32)unit[WARP + 8 + lane / 4].word[w];
	}
};

struct Q8 {
	typedef WideSums Sums;
	static constexpr int VECTORS = 2 * WARP + 8;
	Vec16 codes[2], scales;

	DEVICE_MEMBER void load(const Vec16* unit, int lane) {
		codes[0] = unit[lane];
		codes[1] = unit[WARP + lane];
		scales = unit[2 * WARP + lane / 4];
	}
	DEVICE_MEMBER void add(Sums (&sums)[M_TILES], const Planes& a) const {
		i32 d[4];
		UNROLL for (int m = 0; m < M_TILES; m++) {
			u32 fragment[4] = {codes[0].word[2 * m], codes[0].word[2 * m + 1], codes[1].word[2 * m], codes[1].word[2 * m + 1]};
			dot(d, fragment, a);
			UNROLL for (int i = 0; i < 4; i++) sums[m].of[i] += (i64)(i32)scales.word[2 * m + i / 2] * d[i];
		}
	}
	static DEVICE_MEMBER i64 weight(const Vec16* unit, int lane, int w, int half, int b) {
		i8 code = (i8)(unit[WARP * half + lane].word[w] >> 8 * b);
		return (i64)code * (i32)unit[2 * WARP + lane / 4].word[w];
	}
};

struct Rows {
	typedef PlaneSums Sums;
	static constexpr int VECTORS = 2 * WARP;
	Vec16 codes[2];

	DEVICE_MEMBER void load(const Vec16* unit, int lane) {
		codes[0] = unit[lane];
		codes[1] = unit[WARP + lane];
	}
	DEVICE_MEMBER void add(Sums (&sums)[M_TILES], const Planes& a) const {
		UNROLL for (int m = 0; m < M_TILES; m++) {
			u32 fragment[4] = {codes[0].word[2 * m], codes[0].word[2 * m + 1], codes[1].word[2 * m], codes[1].word[2 * m + 1]};
			mma(sums[m].high, fragment, a.high, i8{}, i8{});
			mma(sums[m].low, fragment, a.low, i8{}, u8{});
		}
	}
};

// Where outputs go, and how a sum becomes one.
struct Output {
	i32* out;
	const i32* base;
	const u32* muls;
	const i32* shifts;
	int stride, tokens, rows, exponent;

	// What one output needs; loaded first, so that the loads of several overlap.
	struct Place {
		i64 at;
		bool valid;
		i32 base, shift;
		u32 mul;
	};
	DEVICE_MEMBER Place place(int token, int row) const {
		i64 at = (i64)token * stride + row;
		bool valid = token < tokens && row < rows;
		return {at, valid, valid && base ? base[at] : 0, valid ? shifts[token] : 0, valid && muls ? muls[row] : 1};
	}
	DEVICE_MEMBER void store(const Place& place, i64 sum) const {
		if (place.valid)
			out[place.at] = add_residual(place.base, sat32(rsr(sum * place.mul, exponent - place.shift)));
	}
};

// The row (of a tile) and the token (of a fragment) of place i of fragment m.
DEVICE int row_of(int lane, int m, int i) { return lane / 4 + 8 * (2 * m + i / 2); }
DEVICE int token_of(int lane, int i) { return lane % 4 * 2 + i % 2; }

// Where a block's sums lie: the swizzle puts the 4 x 4 places that half a warp writes at once into different banks.
DEVICE int total_at(int token, int row) { return token * BLOCK_ROWS + (row ^ token / 2 % 4 * 4); }

template <class Format> DEVICE void gemm(const Output& output, const Vec16* weights, const i16* values, int groups) {
	DYNAMIC_SHARED(shared);
	i16* staged = (i16*)shared;
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	int block_token = blockIdx.y * BLOCK_TOKENS, warp_token = warp / BLOCK_TILES * WARP_TOKENS;
	int columns = groups * GROUP, chunks = ceil_div(groups, CHUNK_GROUPS);

	auto stage = [&](int chunk) {
		if (chunk < chunks) {
			i16* to = staged + chunk % STAGES * (BLOCK_TOKENS * PITCH);
			UNROLL for (int i = 0; i < BLOCK_TOKENS * CHUNK / COPY / (GEMM_WARPS * WARP); i++) {
				int piece = threadIdx.x + i * (GEMM_WARPS * WARP);
				int row = piece / (CHUNK / COPY), within = piece % (CHUNK / COPY) * COPY;
				int token = block_token + row, column = chunk * CHUNK + within;
				bool valid = token < output.tokens && column < columns;
				copy_async(to + row * PITCH + within, values + (valid ? (i64)token * columns + column : 0), valid);
			}
		}
		copy_commit();
	};

	typename Format::Sums sums[N_TILES][M_TILES];
	UNROLL for (int n = 0; n < N_TILES; n++) UNROLL for (int m = 0; m < M_TILES; m++) sums[n][m].clear();

	// A block's second tile may lie beyond the last row: it then works on the last tile and stores nothing.
	int tile = smaller(blockIdx.x * BLOCK_TILES + warp % BLOCK_TILES, (u32)(ceil_div(output.rows, TILE_ROWS) - 1));
	const Vec16* unit = weights + (i64)tile * groups * Format::VECTORS;
	Format next;
	next.load(unit, lane);
	UNROLL for (int chunk = 0; chunk < STAGES - 1; chunk++) stage(chunk);
	NO_UNROLL for (int chunk = 0; chunk < chunks; chunk++) {
		copy_wait<STAGES - 2>();
		// Also: everyone is done with the stage that is filled next.
		sync_block();
		stage(chunk + STAGES - 1);
		const i16* from = staged + chunk % STAGES * (BLOCK_TOKENS * PITCH) + (warp_token + lane / 4) * PITCH + lane % 4 * 4;
		UNROLL for (int i = 0; i < CHUNK_GROUPS; i++) {
			int group = chunk * CHUNK_GROUPS + i;
			if (group >= groups) break;
			Format now = next;
			unit += Format::VECTORS;
			if (group + 1 < groups) next.load(unit, lane);
			UNROLL for (int n = 0; n < N_TILES; n++) {
				const i16* at = from + n * FRAGMENT_TOKENS * PITCH + i * GROUP;
				now.add(sums[n], split(*(const Vec8*)at, *(const Vec8*)(at + GROUP / 2)));
			}
		}
	}

	// The sums meet in the stages' memory, so that rows leave side by side and one short loop requantises them.
	i64* totals = (i64*)shared;
	sync_block();
	UNROLL for (int n = 0; n < N_TILES; n++) UNROLL for (int m = 0; m < M_TILES; m++) UNROLL for (int i = 0; i < 4; i++) {
		int token = warp_token + n * FRAGMENT_TOKENS + token_of(lane, i);
		totals[total_at(token, warp % BLOCK_TILES * TILE_ROWS + row_of(lane, m, i))] = sums[n][m].total(i);
	}
	sync_block();
	constexpr int STEP = GEMM_WARPS * WARP;
	NO_UNROLL for (int first = threadIdx.x; first < BLOCK_ROWS * BLOCK_TOKENS; first += STORES * STEP) {
		Output::Place places[STORES];
		UNROLL for (int i = 0; i < STORES; i++) {
			int at = first + i * STEP;
			places[i] = output.place(block_token + at / BLOCK_ROWS, blockIdx.x * BLOCK_ROWS + at % BLOCK_ROWS);
		}
		UNROLL for (int i = 0; i < STORES; i++) {
			int at = first + i * STEP;
			output.store(places[i], totals[total_at(at / BLOCK_ROWS, at % BLOCK_ROWS)]);
		}
	}
}

template <class Format> DEVICE void gemv(const Output& output, const Vec16* weights, const i16* values, int groups) {
	DYNAMIC_SHARED(shared);
	i64* partial = (i64*)shared;
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	int tile = blockIdx.x, first = blockIdx.y * FRAGMENT_TOKENS;
	weights += (i64)tile * groups * Format::VECTORS;
	int token = first + lane / 4;
	bool valid = token < output.tokens;
	values += valid ? (i64)token * groups * GROUP + lane % 4 * 4 : 0;

	typename Format::Sums sums[M_TILES];
	UNROLL for (int m = 0; m < M_TILES; m++) sums[m].clear();
	Format next;
	Vec8 a[2] = {};
	auto load = [&](int group) {
		if (group >= groups) return;
		next.load(weights + (i64)group * Format::VECTORS, lane);
		if (!valid) return;
		const i16* at = values + group * GROUP;
		a[0] = *(const Vec8*)at;
		a[1] = *(const Vec8*)(at + GROUP / 2);
	};
	load(warp);
	for (int group = warp; group < groups; group += GEMV_WARPS) {
		Format now = next;
		Planes planes = split(a[0], a[1]);
		load(group + GEMV_WARPS);
		now.add(sums, planes);
	}

	// As many threads as outputs: thread `warp, lane` takes place `warp` of lane `lane`.
	Output::Place place =
		output.place(first + token_of(lane, warp % 4), tile * TILE_ROWS + row_of(lane, warp / 4, warp % 4));
	UNROLL for (int v = 0; v < GEMV_VALUES; v++)
		partial[(warp * GEMV_VALUES + v) * WARP + lane] = sums[v / 4].total(v % 4);
	sync_block();
	i64 sum = 0;
	UNROLL for (int w = 0; w < GEMV_WARPS; w++) sum += partial[(w * GEMV_VALUES + warp) * WARP + lane];
	output.store(place, sum);
}
static_assert(GEMV_VALUES == GEMV_WARPS, "one output per thread");

template <class Format> DEVICE void embed(i32* out, const u32* tokens, const Vec16* weights, int vocabulary, int groups) {
	u32 row = smaller(tokens[blockIdx.x], (u32)(vocabulary - 1));
	weights += (i64)(row / TILE_ROWS) * groups * Format::VECTORS;
	int g = row % 8, w = row % TILE_ROWS / 8, columns = groups * GROUP;
	out += (i64)blockIdx.x * columns;
	for (int column = threadIdx.x; column < columns; column += blockDim.x) {
		int k = column % GROUP;
		i64 weight = Format::weight(weights + (i64)(column / GROUP) * Format::VECTORS, g * 4 + k % 16 / 4, w, k / 16, k % 4);
		out[column] = sat32(rsr(weight, WEIGHT_BITS - RESIDUAL_BITS));
	}
}

}  // namespace

// Grid: gemm [rows / 64, tokens / 64], gemv [rows / 32, tokens / 8], rounded up. `exponent` is the scale's fraction bits
// plus those of the input less those of the output; `muls` is null but for `rows`.
#define INSTANTIATE(name, algorithm, Format, warps, blocks)                                                            \
	KERNEL(__launch_bounds__(warps * WARP, blocks) name)(                                                              \
		i32* out, const i32* base, int stride, const Vec16* weights, const u32* muls, const i16* values,              \
		const i32* shifts, int tokens, int rows, int groups, int exponent) {                                          \
		algorithm<Format>({out, base, muls, shifts, stride, tokens, rows, exponent}, weights, values, groups);        \
	}                                                                                                                  \
	EXPORT_KERNEL(name)

INSTANTIATE(exact_gemm_q4, gemm, Q4, GEMM_WARPS, GEMM_BLOCKS)
INSTANTIATE(exact_gemm_q8, gemm, Q8, GEMM_WARPS, GEMM_BLOCKS)
INSTANTIATE(exact_gemm_rows, gemm, Rows, GEMM_WARPS, GEMM_BLOCKS)
INSTANTIATE(exact_gemv_q4, gemv, Q4, GEMV_WARPS, 2)
INSTANTIATE(exact_gemv_q8, gemv, Q8, GEMV_WARPS, 2)
INSTANTIATE(exact_gemv_rows, gemv, Rows, GEMV_WARPS, 2)

// out [count, 32 groups] gets the residuals (Q12) of `tokens`; an id beyond the vocabulary reads as its last. A block per
// token.
KERNEL(exact_embed_q4)(i32* out, const u32* tokens, const Vec16* weights, int vocabulary, int groups) {
	embed<Q4>(out, tokens, weights, vocabulary, groups);
}
EXPORT_KERNEL(exact_embed_q4)
KERNEL(exact_embed_q8)(i32* out, const u32* tokens, const Vec16* weights, int vocabulary, int groups) {
	embed<Q8>(out, tokens, weights, vocabulary, groups);
}
EXPORT_KERNEL(exact_embed_q8)
