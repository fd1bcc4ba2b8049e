// Exact attention: canon's `attention::attend` and `shard`, bit for bit, on int8 tensor cores.
//
// Shapes   queries i16 Q9 [tokens][heads][D], keys and values i16 Q9 [kv_heads][capacity][D], D = 64 or 128, all in
//          +-32767. A row is one head of one token; it sees the keys up to its own position. Key j of the cache has the
//          position first_key + j * stride, token t the position first_token + t. Rows that read the same key-value
//          head lie side by side, token by token, so grouped heads share every key that is loaded.
// Passes   the row's exact maximum, then E = EXP2[x & 255] >> (x >> 8) of x = (maximum - score) * multiplier >> 28,
//          the sum of E and the sums of E * value. MAXIMUM does the first pass and SUMS the second over one split of
//          the keys; ATTEND does both over all keys and divides. Integers have no order, so every split, tile and
//          warp gives canon's bits; maxima and sums of other devices join as further parts.
// Bytes    q = 256 qh + ql (qh signed, ql unsigned), likewise k, v and E, so
//            q.k = 65536 qh.kh + 256 (qh.kl + ql.kh) + ql.kl
//          with one i32 accumulator for each of the three. Bounds for D = 128: |qh.kh| <= 2^21, |middle| <= 2^23,
//          ql.kl < 2^23, and 256 middle + low <= 2^31 - 65408. A score is below 2^37. For a split of n keys:
//          Eh.vh <= 32640 n, |middle| <= 97410 n, El.vl <= 65025 n: with n <= 16384 (MAX_SPLIT of the launcher) all
//          stay below 2^31, and nothing need be flushed before the end. More keys than that are more splits.
// Tiles    a warp holds 16 rows and goes over 32 keys at a time: the scores' accumulators have the layout of the first
//          operand of the second product, so weights never leave registers. WIDE (prefill) has four warps of rows that
//          share tiles of 64 keys; NARROW (decode) has 16 rows whose warps share out the keys of a tile and add up at
//          the end. A block makes 64 of the D outputs of its rows; for D = 128 two blocks see the same rows.
//          Which of 32 numbers stands at which place of an mma's depth is free as long as both operands agree, so byte
//          planes are taken apart from ldmatrix's 16-bit words with byte_permute alone.
// Shared   two stages of keys and values, swizzled by 16 bytes (no bank conflicts), and EXP2 with one column per lane
//          (16 KiB: lanes that share a bank are at most two). D = 64: WIDE 48 KiB, NARROW 80 KiB; D = 128: 64 KiB
//          both. MAXIMUM has no table. The stages are used again for the sums of the warps, 8 KiB each.
// Expected per 16 rows x 32 keys x 64 the two passes take 96 mma, 24 ldmatrix and some 700 other instructions: tensor
//          cores, shared memory and issue slots are about evenly loaded on sm_90. 96 registers of accumulators leave
//          room for two blocks of 128 threads on a multiprocessor.
#include "exact.cuh"

using namespace exact;

namespace {

constexpr int STAGES = 2;
// Keys of one step of a warp; the depth of the second product.
constexpr int STEP = 32;
// Rows of a warp.
constexpr int WARP_ROWS = 16;
// Outputs per row of a block.
constexpr int OUT = 64;
// EXP2 with a column of 256 entries for each lane.
constexpr int TABLE_WORDS = 256 * WARP / 2;
// Canon's `attention`: the shift of the exponent, and from which exponent on a weight is 0.
constexpr int EXPONENT_SHIFT = 2 * ATTENTION_BITS + 10;
constexpr u32 VANISHED = 5120;
static_assert(VANISHED >> 8 >= 16 && VANISHED >> 8 < 32, "any entry is shifted away");
constexpr i64 NO_MAXIMUM = -LARGEST_64 - 1;
// Bytes 0, 2 (1, 3) of two words: the low (high) bytes of four 16-bit numbers.
constexpr u32 LOW_BYTES = 0x6420, HIGH_BYTES = 0x7531;

// Canon's `normalise`; rows that see no keys are 0.
DEVICE i32 normalise(i64 numerator, u32 denominator) {
	return (i32)div_round(numerator * (1 << (LINEAR_BITS - ATTENTION_BITS)), larger(denominator, 1u));
}

enum Kind { MAXIMUM, SUMS, ATTEND };

template <int D_, int ROW_WARPS_, int KEY_WARPS_, int STEPS_> struct Plan {
	static constexpr int D = D_;
	static constexpr int ROW_WARPS = ROW_WARPS_;
	static constexpr int KEY_WARPS = KEY_WARPS_;
	static constexpr int STEPS = STEPS_;
	static constexpr int THREADS = WARP * ROW_WARPS * KEY_WARPS;
	static constexpr int ROWS = WARP_ROWS * ROW_WARPS;
	static constexpr int TILE = STEP * KEY_WARPS * STEPS;
	static constexpr int KEY_BYTES = TILE * D * 2;
	static constexpr int STAGE_BYTES = KEY_BYTES + TILE * OUT * 2;
	static_assert(THREADS / WARP * WARP_ROWS * OUT * 8 <= STAGES * STAGE_BYTES, "the sums reuse the stages");
};

struct Task {
	const i16 *queries, *keys, *values;
	int tokens, heads, kv_heads, capacity, first_token, first_key, stride, count;
	u32 multiplier;
};

// Where 16-byte piece `piece` of row `row` lies: rows of `PIECES` pieces, eight neighbouring rows in different banks.
template <int PIECES> DEVICE int swizzled(int row, int piece) { return (row * PIECES + (piece ^ (row & 7))) * 16; }

// Loads rows [first, first + TILE) of `from` (D numbers each, COLUMNS of them from `column` on); zeros from `end` on.
template <class P, int COLUMNS>
DEVICE void load_rows(unsigned char* to, const i16* from, int column, int first, int end) {
	constexpr int PIECES = COLUMNS / 8, ROWS = P::THREADS / PIECES;
	static_assert(P::TILE % ROWS == 0, "all threads load equally much");
	int row = threadIdx.x / PIECES, piece = threadIdx.x % PIECES;
	const i16* source = from + (i64)(first + row) * P::D + column + piece * 8;
	UNROLL for (int step = 0; step < P::TILE; step += ROWS) {
		bool valid = first + row + step < end;
		copy_async(to + swizzled<PIECES>(row + step, piece), valid ? source + step * P::D : from, valid);
	}
}

// Low and high bytes of a fragment's four words of 16-bit numbers as a B operand.
DEVICE void split_planes(const u32 (&words)[4], u32 (&low)[2], u32 (&high)[2]) {
	UNROLL for (int i = 0; i < 2; i++) {
		low[i] = byte_permute(words[2 * i], words[2 * i + 1], LOW_BYTES);
		high[i] = byte_permute(words[2 * i], words[2 * i + 1], HIGH_BYTES);
	}
}

// What a lane knows of its two rows (g and g + 8 of its warp's 16) and its queries.
template <class P> struct Rows {
	u32 low[P::D / 32][4], high[P::D / 32][4];
	// The end of the keys that the lane's rows see in this split, and of those that the warp's last row sees: no row of
	// the warp sees more.
	int visible[2], warp_visible;
	// [token * heads + head], -1 past the end.
	int index[2];
};

// Keys that row `row` of a key-value head sees.
DEVICE int visible_keys(const Task& task, int row) {
	int group = task.heads / task.kv_heads;
	int after = task.first_token + row / group - task.first_key;
	return after < 0 ? 0 : smaller(after / task.stride + 1, task.count);
}

template <class P> DEVICE void load_queries(Rows<P>& rows, const Task& task, int head, int first_row, int end) {
	int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
	int group = task.heads / task.kv_heads, count = task.tokens * group;
	const u32* source[2];
	UNROLL for (int half = 0; half < 2; half++) {
		int row = first_row + g + 8 * half;
		bool valid = row < count;
		rows.visible[half] = valid ? smaller(visible_keys(task, row), end) : 0;
		rows.index[half] = valid ? row / group * task.heads + head * group + row % group : -1;
		source[half] = (const u32*)(task.queries + (i64)larger(rows.index[half], 0) * P::D) + t;
	}
	int last = smaller(first_row + WARP_ROWS, count) - 1;
	rows.warp_visible = first_row < count ? smaller(visible_keys(task, last), end) : 0;
	UNROLL for (int k = 0; k < P::D / 32; k++) UNROLL for (int r = 0; r < 4; r++) {
		const u32* words = source[r % 2] + k * 16 + r / 2 * 8;
		bool valid = rows.index[r % 2] >= 0;
		u32 first = valid ? words[0] : 0, second = valid ? words[4] : 0;
		rows.low[k][r] = byte_permute(first, second, LOW_BYTES);
		rows.high[k][r] = byte_permute(first, second, HIGH_BYTES);
	}
}

// Scores of the warp's rows against the eight keys that start at row `first` of a tile, as an mma's D.
template <class P> DEVICE void score(i64 (&s)[4], const Rows<P>& rows, const unsigned char* keys, int first) {
	int lane = threadIdx.x % WARP;
	i32 high[4] = {0, 0, 0, 0}, middle[4] = {0, 0, 0, 0}, low[4] = {0, 0, 0, 0};
	UNROLL for (int k = 0; k < P::D / 32; k++) {
		u32 words[4], key_low[2], key_high[2];
		ldmatrix4(words, keys + swizzled<P::D / 8>(first + lane % 8, k * 4 + lane / 8));
		split_planes(words, key_low, key_high);
		mma(high, rows.high[k], key_high, i8{}, i8{});
		mma(middle, rows.high[k], key_low, i8{}, u8{});
		mma(low, rows.low[k], key_low, u8{}, u8{});
		mma(middle, rows.low[k], key_high, u8{}, i8{});
	}
	UNROLL for (int i = 0; i < 4; i++) s[i] = (i64)high[i] * 65536 + (middle[i] * 256 + low[i]);
}

// The first pass over one tile, which starts at key `start`.
template <class P>
DEVICE void take_maximum(i64 (&maximum)[2], const Rows<P>& rows, const unsigned char* keys, int start) {
	int key_warp = threadIdx.x / WARP % P::KEY_WARPS, t = threadIdx.x % 4;
	NO_UNROLL for (int step = 0; step < P::STEPS; step++) {
		int base = (step * P::KEY_WARPS + key_warp) * STEP;
		if (start + base >= rows.warp_visible) break;
		UNROLL for (int n = 0; n < STEP / 8; n++) {
			i64 s[4];
			score<P>(s, rows, keys, base + n * 8);
			UNROLL for (int i = 0; i < 4; i++) {
				int key = start + base + n * 8 + 2 * t + i % 2;
				if (key < rows.visible[i / 2]) maximum[i / 2] = larger(maximum[i / 2], s[i]);
			}
		}
	}
}

// Sums of the warp's rows over its keys: three accumulators for every eighth of the outputs.
struct Sums {
	i32 high[OUT / 8][4], middle[OUT / 8][4], low[OUT / 8][4];
	u32 denominator[2];
};

// The weight of a key whose score lies `below` under the maximum; 0 if the row does not see it. Distances from 2^32 on
// are clamped: the weight is 0 from far less on, for any multiplier from 320 on (heads of 1024 numbers have 11818).
DEVICE u32 weight(u64 below, bool visible, u32 multiplier, const u16* table) {
	u32 clamped = visible && below >> 32 == 0 ? (u32)below : ~0u;
	// The shift goes into the multiplier, so that the exponent is a product's upper half: multipliers are below 2^19.
	u32 shifted = multiplier << (32 - EXPONENT_SHIFT);
	u32 x = smaller(mul_high(clamped, shifted), VANISHED);
	return (u32)table[(x & 255) * WARP] >> (x >> 8);
}

// The second pass over one tile.
template <class P>
DEVICE void add_up(Sums& sums, const i64 (&maximum)[2], const Rows<P>& rows, const unsigned char* keys,
				   const unsigned char* values, const u16* table, u32 multiplier, int start) {
	int lane = threadIdx.x % WARP, key_warp = threadIdx.x / WARP % P::KEY_WARPS, t = lane % 4;
	NO_UNROLL for (int step = 0; step < P::STEPS; step++) {
		int base = (step * P::KEY_WARPS + key_warp) * STEP;
		if (start + base >= rows.warp_visible) break;
		// Weights of keys 2t, 2t + 1 of eight, for both rows: [eight][row].
		u32 pairs[STEP / 8][2];
		UNROLL for (int n = 0; n < STEP / 8; n++) {
			i64 s[4];
			score<P>(s, rows, keys, base + n * 8);
			UNROLL for (int half = 0; half < 2; half++) {
				u32 w[2];
				UNROLL for (int i = 0; i < 2; i++) {
					int key = start + base + n * 8 + 2 * t + i;
					u64 below = (u64)maximum[half] - (u64)s[2 * half + i];
					w[i] = weight(below, key < rows.visible[half], multiplier, table);
				}
				sums.denominator[half] += w[0] + w[1];
				pairs[n][half] = w[0] | w[1] << 16;
			}
		}
		u32 low[4], high[4];
		UNROLL for (int r = 0; r < 4; r++) {
			u32 first = pairs[r / 2 * 2][r % 2], second = pairs[r / 2 * 2 + 1][r % 2];
			low[r] = byte_permute(first, second, LOW_BYTES);
			high[r] = byte_permute(first, second, HIGH_BYTES);
		}
		UNROLL for (int n = 0; n < OUT / 8; n++) {
			u32 words[4], value_low[2], value_high[2];
			ldmatrix4_trans(words, values + swizzled<OUT / 8>(base + lane, n));
			split_planes(words, value_low, value_high);
			mma(sums.high[n], high, value_high, u8{}, i8{});
			mma(sums.middle[n], high, value_low, u8{}, u8{});
			mma(sums.low[n], low, value_low, u8{}, u8{});
			mma(sums.middle[n], low, value_high, u8{}, i8{});
		}
	}
}

// The arrays that a kernel was given; see INSTANTIATE.
struct Arrays {
	i32* out;
	i64* maxima;
	u32* denominators;
	i64* numerators;
	const u16* exp2;
};

// What a block works on: rows of one tile and key-value head, keys [begin, end) of one split.
template <class P, int SLICES> struct Place {
	int head, split, slice, tile, all_rows, head_rows, begin, end;

	DEVICE_MEMBER Place(const Task& task, int split_keys) {
		head = blockIdx.y;
		split = blockIdx.z;
		slice = blockIdx.x % SLICES;
		// The last tile of rows sees the most keys: it starts first.
		tile = gridDim.x / SLICES - 1 - blockIdx.x / SLICES;
		all_rows = task.tokens * task.heads;
		head_rows = all_rows / task.kv_heads;
		begin = split * split_keys;
		end = smaller(begin + split_keys, visible_keys(task, smaller((tile + 1) * P::ROWS, head_rows) - 1));
	}
};

// Calls `act(stage, start)` with every tile of keys (and values, a slice of them) in turn, the next one under way.
template <class P, bool VALUES, class A, class Act>
DEVICE void each_tile(unsigned char* shared, const Task& task, const A& at, Act act) {
	i64 head = (i64)at.head * task.capacity * P::D;
	auto load = [&](int start) {
		unsigned char* stage = shared + (start - at.begin) / P::TILE % STAGES * P::STAGE_BYTES;
		if (start < at.end) {
			load_rows<P, P::D>(stage, task.keys + head, 0, start, at.end);
			if constexpr (VALUES)
				load_rows<P, OUT>(stage + P::KEY_BYTES, task.values + head, at.slice * OUT, start, at.end);
		}
		copy_commit();
	};
	load(at.begin);
	for (int start = at.begin; start < at.end; start += P::TILE) {
		load(start + P::TILE);
		copy_wait<STAGES - 1>();
		sync_block();
		act(shared + (start - at.begin) / P::TILE % STAGES * P::STAGE_BYTES, start);
		sync_block();
	}
}

// The first pass: the maximum of the lane's two rows over the block's keys, the same in all lanes of a row.
template <class P, class A>
DEVICE void find_maximum(i64 (&maximum)[2], unsigned char* shared, const Task& task, const A& at, const Rows<P>& rows) {
	int warp = threadIdx.x / WARP, g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
	each_tile<P, false>(shared, task, at, [&](const unsigned char* stage, int start) {
		take_maximum<P>(maximum, rows, stage, start);
	});
	UNROLL for (int half = 0; half < 2; half++) maximum[half] = max_lanes<4>(maximum[half]);
	if constexpr (P::KEY_WARPS > 1) {
		i64* found = (i64*)shared;
		if (t == 0) UNROLL for (int half = 0; half < 2; half++) found[warp * WARP_ROWS + g + 8 * half] = maximum[half];
		sync_block();
		for (int other = 0; other < P::KEY_WARPS; other++) UNROLL for (int half = 0; half < 2; half++) {
			int row = (warp / P::KEY_WARPS * P::KEY_WARPS + other) * WARP_ROWS + g + 8 * half;
			maximum[half] = larger(maximum[half], found[row]);
		}
		sync_block();
	}
}

// The second pass: sums under the maximum, over all warps that shared out a row's keys, and where they go.
template <class P, Kind KIND, class A>
DEVICE void sum_rows(const i64 (&maximum)[2], unsigned char* shared, const Task& task, const A& at, const Rows<P>& rows,
					 const Arrays& arrays) {
	u32* table = (u32*)(shared + STAGES * P::STAGE_BYTES);
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, g = lane / 4, t = lane % 4;
	// Two lanes' columns share a word. A split that nobody sees needs no table: its sums are zero.
	for (int i = threadIdx.x; i < TABLE_WORDS && at.begin < at.end; i += P::THREADS)
		table[i] = (u32)arrays.exp2[i / (WARP / 2)] * 0x10001;
	sync_block();
	Sums sums = {};
	each_tile<P, true>(shared, task, at, [&](const unsigned char* stage, int start) {
		add_up<P>(sums, maximum, rows, stage, stage + P::KEY_BYTES, (const u16*)table + lane, task.multiplier, start);
	});

	i64* whole = (i64*)shared;
	u32* weights = table;
	UNROLL for (int half = 0; half < 2; half++) {
		int row = warp * WARP_ROWS + g + 8 * half;
		u32 denominator = sum_lanes<4>(sums.denominator[half]);
		if (t == 0) weights[row] = denominator;
		UNROLL for (int n = 0; n < OUT / 8; n++) UNROLL for (int i = 0; i < 2; i++) {
			int from = 2 * half + i;
			whole[row * OUT + n * 8 + 2 * t + i] =
				(i64)sums.high[n][from] * 65536 + (i64)sums.middle[n][from] * 256 + sums.low[n][from];
		}
	}
	sync_block();
	int group = task.heads / task.kv_heads;
	i64 part = (i64)at.split * at.all_rows;
	for (int i = threadIdx.x; i < P::ROWS * OUT; i += P::THREADS) {
		int local = i / OUT, column = i % OUT, row = at.tile * P::ROWS + local;
		if (row >= at.head_rows) break;
		i64 numerator = 0;
		u32 denominator = 0;
		for (int other = 0; other < P::KEY_WARPS; other++) {
			int from = (local / WARP_ROWS * P::KEY_WARPS + other) * WARP_ROWS + local % WARP_ROWS;
			numerator += whole[from * OUT + column];
			denominator += weights[from];
		}
		i64 index = (i64)(row / group) * task.heads + at.head * group + row % group;
		i64 place = index * P::D + at.slice * OUT + column;
		if constexpr (KIND == ATTEND) {
			arrays.out[place] = normalise(numerator, denominator);
		} else {
			arrays.numerators[part * P::D + place] = numerator;
			if (at.slice == 0 && column == 0) arrays.denominators[part + index] = denominator;
		}
	}
}

template <class P, Kind KIND>
DEVICE void attend_block(const Arrays& arrays, const Task& task, int maximum_parts, int split_keys) {
	DYNAMIC_SHARED(shared);
	constexpr int SLICES = KIND == MAXIMUM ? 1 : P::D / OUT;
	int warp = threadIdx.x / WARP, t = threadIdx.x % 4;
	Place<P, SLICES> at(task, split_keys);
	Rows<P> rows;
	load_queries<P>(rows, task, at.head, at.tile * P::ROWS + warp / P::KEY_WARPS * WARP_ROWS, at.end);

	i64 maximum[2] = {NO_MAXIMUM, NO_MAXIMUM};
	if constexpr (KIND == SUMS) {
		UNROLL for (int half = 0; half < 2; half++) {
			int row = larger(rows.index[half], 0);
			for (int part = t; part < maximum_parts; part += 4)
				maximum[half] = larger(maximum[half], arrays.maxima[(i64)part * at.all_rows + row]);
			maximum[half] = max_lanes<4>(maximum[half]);
		}
	} else {
		find_maximum<P>(maximum, shared, task, at, rows);
	}
	if constexpr (KIND == MAXIMUM) {
		if (warp % P::KEY_WARPS == 0 && t == 0) UNROLL for (int half = 0; half < 2; half++) {
			if (rows.index[half] >= 0) arrays.maxima[(i64)at.split * at.all_rows + rows.index[half]] = maximum[half];
		}
	} else {
		sum_rows<P, KIND>(maximum, shared, task, at, rows, arrays);
	}
}

typedef Plan<64, 4, 1, 2> Wide64;
typedef Plan<64, 1, 4, 1> Narrow64;
typedef Plan<128, 4, 1, 2> Wide128;
typedef Plan<128, 1, 2, 1> Narrow128;

}  // namespace

// Grid: tiles of rows times D / 64 (times 1 for MAXIMUM), key-value heads, splits of `split_keys` keys (a multiple of
// the tile, at most MAX_SPLIT; ATTEND has one split). `maxima` [part][tokens * heads] is written by MAXIMUM, a part per
// split, and read by SUMS, `maximum_parts` of them, the row's maximum being the largest; `denominators`
// [split][tokens * heads] and `numerators` [split][tokens * heads][D] are written by SUMS, `out`
// [tokens * heads][D] Q16 by ATTEND. What a kernel does not use may be null. `past` (or null) is a number on the device
// that is added to first_token and count, so that recorded launches can be queued for every token.
#define INSTANTIATE(name, plan, kind)                                                                                  \
	KERNEL(__launch_bounds__(plan::THREADS, kind == MAXIMUM ? 3 : 2) name)                                             \
	(i32* out, i64* maxima, u32* denominators, i64* numerators, const i16* queries, const i16* keys,                   \
	 const i16* values, const u16* exp2, int tokens, int heads, int kv_heads, int capacity, int first_token,           \
	 int first_key, int stride, int count, u32 multiplier, int maximum_parts, int split_keys, const i32* past) {       \
		int more = past ? *past : 0;                                                                                   \
		Task task{queries, keys, values, tokens, heads, kv_heads, capacity, first_token + more, first_key, stride,     \
				  smaller(count + more, capacity), multiplier};                                                        \
		Arrays arrays{out, maxima, denominators, numerators, exp2};                                                    \
		attend_block<plan, kind>(arrays, task, maximum_parts, split_keys);                                             \
	}                                                                                                                  \
	EXPORT_KERNEL(name)

INSTANTIATE(exact_attend_wide_64, Wide64, ATTEND)
INSTANTIATE(exact_attend_narrow_64, Narrow64, ATTEND)
INSTANTIATE(exact_attend_wide_128, Wide128, ATTEND)
INSTANTIATE(exact_attend_narrow_128, Narrow128, ATTEND)
INSTANTIATE(exact_maximum_wide_64, Wide64, MAXIMUM)
INSTANTIATE(exact_maximum_narrow_64, Narrow64, MAXIMUM)
INSTANTIATE(exact_maximum_wide_128, Wide128, MAXIMUM)
INSTANTIATE(exact_maximum_narrow_128, Narrow128, MAXIMUM)
INSTANTIATE(exact_sums_wide_64, Wide64, SUMS)
INSTANTIATE(exact_sums_narrow_64, Narrow64, SUMS)
INSTANTIATE(exact_sums_wide_128, Wide128, SUMS)
INSTANTIATE(exact_sums_narrow_128, Narrow128, SUMS)

// out[row] = the largest of `parts` maxima [part][row]. One thread per row.
KERNEL(exact_merge_maxima)(i64* out, const i64* maxima, int parts, int rows) {
	int row = blockIdx.x * blockDim.x + threadIdx.x;
	if (row >= rows) return;
	i64 maximum = NO_MAXIMUM;
	for (int part = 0; part < parts; part++) maximum = larger(maximum, maxima[(i64)part * rows + row]);
	out[row] = maximum;
}
EXPORT_KERNEL(exact_merge_maxima)

namespace {
constexpr int MERGE_WARPS = 8;

// The sums over all parts of 32 outputs per block, output `at` in lane at % 32 of the first warp; warps share out the
// parts. True in the threads that hold an output.
DEVICE bool add_parts(i64& numerator, u32& denominator, int& at, const u32* denominators, const i64* numerators,
					  int parts, int rows, int dim) {
	DYNAMIC_SHARED(shared);
	i64* above = (i64*)shared;
	u32* below = (u32*)(above + MERGE_WARPS * WARP);
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	at = blockIdx.x * WARP + lane;
	numerator = 0;
	denominator = 0;
	for (int part = warp; part < parts; part += MERGE_WARPS) {
		denominator += denominators[(i64)part * rows + at / dim];
		numerator += numerators[(i64)part * rows * dim + at];
	}
	above[threadIdx.x] = numerator;
	below[threadIdx.x] = denominator;
	sync_block();
	if (warp > 0) return false;
	UNROLL for (int other = 1; other < MERGE_WARPS; other++) {
		numerator += above[other * WARP + lane];
		denominator += below[other * WARP + lane];
	}
	return true;
}
}  // namespace

// Sums of `parts` parts, denominators [part][row] and numerators [part][row][dim]. Grid: rows * dim / 32, blocks of 256
// threads. Shared: 3 KiB. So, too, for `exact_finish`.
KERNEL(exact_merge_sums)
(u32* denominator_out, i64* numerator_out, const u32* denominators, const i64* numerators, int parts, int rows,
 int dim) {
	i64 numerator;
	u32 denominator;
	int at;
	if (!add_parts(numerator, denominator, at, denominators, numerators, parts, rows, dim)) return;
	numerator_out[at] = numerator;
	if (at % dim == 0) denominator_out[at / dim] = denominator;
}
EXPORT_KERNEL(exact_merge_sums)

// The rows' outputs, Q16, from the sums of all parts.
KERNEL(exact_finish)
(i32* out, const u32* denominators, const i64* numerators, int parts, int rows, int dim) {
	i64 numerator;
	u32 denominator;
	int at;
	if (!add_parts(numerator, denominator, at, denominators, numerators, parts, rows, dim)) return;
	out[at] = normalise(numerator, denominator);
}
EXPORT_KERNEL(exact_finish)
