// From logits to a token: canon's `sampler::sample` (greedy and seeded), bit for bit, without sorting.
//
// Shapes   logits i32 Q16 [rows][vocabulary]; one block of 1024 threads per row.
// Plan     a token's weight depends on its logit only through x, the exponent in 1/256 octaves (0..8191; beyond that a
//          token has no weight). So the nucleus is found by counting:
//          1. the largest logit and its lowest index;
//          2. how many tokens there are of each x: whole exponents belong to the nucleus until the mass is reached; of
//             the last exponent some `left` tokens do, which arithmetic tells;
//          3. within that exponent, how many tokens there are of each logit (an exponent spans at most 11,631 logits),
//             in the same way; of the last logit some tokens do, the lowest indices;
//          4. warps own runs of the vocabulary: their weights, in order of index, and the token at which the running
//             weight passes the target.
//          Every step is a sum or a count of integers: atomics have no say in the result.
// Shared   counts, 4 bytes for each of 11,632 logits or 8192 exponents, 8 bytes per warp, and the nucleus: 46 KiB.
// Expected five to seven passes over a row that lies in L2 (192 KiB at 49,152 tokens) by one multiprocessor: some ten
//          microseconds, whatever the number of rows up to that of multiprocessors; greedy needs the first pass only.
#include "exact.cuh"

using namespace exact;

namespace {

constexpr int THREADS = 1024;
constexpr int WARPS = THREADS / WARP;
// Canon's `sampler`: round(log2(e) * 256 * 1000), and from which exponent on a token weighs nothing.
constexpr u64 OCTAVES = 369330;
constexpr u32 EXPONENTS = 32 << 8;
// 65535 * 65536 / OCTAVES, and two more for the ends.
constexpr int MAX_SPAN = 11632;
constexpr u32 WHOLE = 65535;
static_assert(EXPONENTS % THREADS == 0 && EXPONENTS <= MAX_SPAN, "shared memory holds either count");

// What a token weighs, by how far its logit lies below the largest.
struct Scale {
	u32 temperature;
	const u16* exp2;

	// The exponent, EXPONENTS for any that weigh nothing: floor(below * OCTAVES / (temperature * 65536)).
	DEVICE_MEMBER u32 exponent(u32 below) const {
		u64 scaled = below * OCTAVES >> 16;
		return scaled >= (u64)EXPONENTS * temperature ? EXPONENTS : (u32)scaled / temperature;
	}
	DEVICE_MEMBER u32 weight(u32 exponent) const {
		return exponent >= EXPONENTS ? 0 : (u32)exp2[exponent & 255] << 16 >> (exponent >> 8);
	}
	// The smallest distance that has this exponent, or the next that occurs.
	DEVICE_MEMBER u32 first(u32 exponent) const {
		return (u32)((((u64)exponent * temperature << 16) + OCTAVES - 1) / OCTAVES);
	}
};

// kept / total >= top_p / 65535.
DEVICE bool reaches(u64 kept, u64 total, u32 top_p) {
	u64 high = mul_high(kept, (u64)WHOLE), wanted = mul_high(total, (u64)top_p);
	return high > wanted || (high == wanted && kept * WHOLE >= total * top_p);
}

// The sum over the lanes up to this one.
template <class T> DEVICE T running_sum(T x) {
	int lane = threadIdx.x % WARP;
	UNROLL for (int by = 1; by < WARP; by *= 2) {
		T before = shuffle(x, larger(lane - by, 0));
		if (lane >= by) x += before;
	}
	return x;
}

// The sums over the threads before this one and over all, in order. `scratch` has one place per warp.
DEVICE u64 sum_before(u64 x, u64& total, u64* scratch) {
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	u64 up_to = running_sum(x);
	sync_block();
	if (lane == WARP - 1) scratch[warp] = up_to;
	sync_block();
	u64 warps = running_sum(lane < WARPS ? scratch[lane] : 0);
	total = shuffle(warps, WARP - 1);
	u64 before = shuffle(warps, larger(warp - 1, 0));
	return up_to - x + (warp > 0 ? before : 0);
}

// Where the nucleus ends: tokens nearer than `below` belong to it, and the first `equal` at that distance.
struct End {
	u32 below;
	u32 equal;
};

}  // namespace

// tokens[row] = the token drawn. `settings` [row]: temperature in the low half, top_p in the high half; `draws` [row]:
// canon's `draw` of the row's seed and position. Grid: rows. Shared: 4 * 11632 + 8 * 32 + 32 bytes.
KERNEL(__launch_bounds__(THREADS, 1) exact_sample)
(u32* tokens, const i32* logits, const u32* settings, const u64* draws, const u16* exp2, int vocabulary) {
	DYNAMIC_SHARED(shared);
	u32* counts = (u32*)shared;
	u64* scratch = (u64*)(shared + 4 * MAX_SPAN);
	// The nucleus as one thread found it: mass, exponent, tokens left in it, end.
	u64* found_mass = scratch + WARPS;
	u32* found = (u32*)(found_mass + 1);
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	const i32* row = logits + (i64)blockIdx.x * vocabulary;
	u32 temperature = settings[blockIdx.x] & 0xffff, top_p = settings[blockIdx.x] >> 16;
	Scale scale{temperature, exp2};

	// The largest logit, of equals the lowest index: one number whose order is that.
	i64 best = -LARGEST_64 - 1;
	for (int i = threadIdx.x; i < vocabulary; i += THREADS)
		best = larger(best, (i64)row[i] * ((i64)1 << 32) + (i64)(0xffffffffu - (u32)i));
	best = max_lanes<WARP>(best);
	i64* maxima = (i64*)scratch;
	if (lane == 0) maxima[warp] = best;
	for (u32 i = threadIdx.x; i < EXPONENTS; i += THREADS) counts[i] = 0;
	sync_block();
	best = max_lanes<WARP>(maxima[lane]);
	u32 likeliest = 0xffffffffu - (u32)best;
	if (temperature == 0) {
		if (threadIdx.x == 0) tokens[blockIdx.x] = likeliest;
		return;
	}
	u32 top = (u32)(best >> 32);

	for (int i = threadIdx.x; i < vocabulary; i += THREADS) {
		u32 exponent = scale.exponent(top - (u32)row[i]);
		if (exponent < EXPONENTS) atomic_add(counts + exponent, 1);
	}
	sync_block();

	// Thread i owns exponents 8i to 8i + 7. The one whose exponents hold the nucleus' end looks closer.
	constexpr int OWN = EXPONENTS / THREADS;
	u64 mass = 0, total;
	for (int i = 0; i < OWN; i++) {
		u32 exponent = threadIdx.x * OWN + i;
		mass += (u64)counts[exponent] * scale.weight(exponent);
	}
	u64 before = sum_before(mass, total, scratch);
	bool whole = top_p == WHOLE;
	if (!whole && mass > 0 && reaches(before + mass, total, top_p) && (before == 0 || !reaches(before, total, top_p))) {
		u32 exponent = threadIdx.x * OWN, count = counts[exponent];
		u64 weight = scale.weight(exponent);
		while (count == 0 || !reaches(before + count * weight, total, top_p)) {
			before += count * weight;
			exponent++;
			count = counts[exponent];
			weight = scale.weight(exponent);
		}
		// The least number of its tokens that reaches the mass.
		u32 low = 1, high = count;
		while (low < high) {
			u32 middle = (low + high) / 2;
			if (reaches(before + middle * weight, total, top_p)) high = middle;
			else low = middle + 1;
		}
		*found_mass = before + low * weight;
		found[0] = exponent;
		found[1] = low;
	}
	sync_block();

	End end{0xffffffffu, 0xffffffffu};
	u64 kept = total;
	if (!whole) {
		kept = *found_mass;
		u32 exponent = found[0], left = found[1];
		u32 first = scale.first(exponent);
		for (int i = threadIdx.x; i < MAX_SPAN; i += THREADS) counts[i] = 0;
		sync_block();
		for (int i = threadIdx.x; i < vocabulary; i += THREADS) {
			u32 below = top - (u32)row[i];
			if (scale.exponent(below) == exponent) atomic_add(counts + (below - first), 1);
		}
		sync_block();
		constexpr int SPAN = ceil_div(MAX_SPAN, THREADS);
		u64 own = 0, all;
		int start = threadIdx.x * SPAN;
		for (int i = start; i < smaller(start + SPAN, MAX_SPAN); i++) own += counts[i];
		u64 earlier = sum_before(own, all, scratch);
		if (earlier < left && left <= earlier + own) {
			int i = start;
			while (earlier + counts[i] < left) earlier += counts[i++];
			found[2] = first + (u32)i;
			found[3] = left - (u32)earlier;
		}
		sync_block();
		end = End{found[2], found[3]};
	}

	// A warp owns a run of the vocabulary and goes through it in order, 32 tokens at a time.
	int run = ceil_div(vocabulary, WARPS * WARP) * WARP, from = warp * run, to = smaller(from + run, vocabulary);
	u64 unused;
	u32 equal = 0;
	if (!whole) {
		for (int i = from + lane; i < to; i += WARP) equal += top - (u32)row[i] == end.below;
		// Lanes of a warp count together; what lies before the warp lies before its first lane.
		equal = (u32)shuffle(sum_before(equal, unused, scratch), 0);
	}
	// The weight of token i if it belongs to the nucleus; `rank` counts the tokens at its end.
	auto weigh = [&](int i, u32& rank) {
		u32 below = i < to ? top - (u32)row[i] : 0xffffffffu;
		bool at_end = i < to && !whole && below == end.below;
		bool inside = i < to && (whole || below < end.below);
		if (any_lane(at_end)) {
			u32 up_to = running_sum((u32)at_end);
			inside = inside || (at_end && rank + up_to <= end.equal);
			rank += shuffle(up_to, WARP - 1);
		}
		return inside ? (u64)scale.weight(scale.exponent(below)) : 0ull;
	};
	u64 weight = 0;
	u32 rank = equal;
	for (int i = from; i < to; i += WARP) weight += weigh(i + lane, rank);
	u64 running = shuffle(sum_before(weight, unused, scratch), 0);
	weight = sum_lanes<WARP>(weight);

	u64 target = mul_high(draws[blockIdx.x], kept);
	if (target < running || target >= running + weight) return;
	rank = equal;
	for (int i = from; i < to; i += WARP) {
		u64 up_to = running + running_sum(weigh(i + lane, rank));
		u64 last = shuffle(up_to, WARP - 1);
		if (last > target) {
			u64 earlier = shuffle(up_to, larger(lane - 1, 0));
			bool passes = up_to > target && (lane == 0 || earlier <= target);
			if (passes) tokens[blockIdx.x] = (u32)(i + lane);
			return;
		}
		running = last;
	}
}
EXPORT_KERNEL(exact_sample)
