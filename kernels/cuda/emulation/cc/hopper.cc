// The copy engine, barriers in shared memory and products of four warps. `hopper.h` says what they promise.
#include "machine.h"

#include <cstdio>

namespace emulation {
namespace {
// The words of a map as `Emulation::tensor_map` writes them.
constexpr u64 MAP_MARK = 0x656c6974;
struct Map {
	const unsigned char* start;
	u64 sizes[4], strides[4], columns, rows;

	explicit Map(const TensorMap& map)
		: start(reinterpret_cast<const unsigned char*>(map.word[1])), columns(map.word[9]), rows(map.word[10]) {
		for (int i = 0; i < 4; i++) sizes[i] = map.word[2 + i], strides[i] = i == 0 ? 2 : map.word[5 + i];
	}
};

// The 128-byte swizzle, of offsets from an address that is a multiple of 1024.
u64 swizzle(u64 offset) { return offset ^ (offset >> 7 & 7) << 4; }

Barrier& barrier_at(const void* at, const char* what) {
	auto found = machine->barriers.find(at);
	if (found == machine->barriers.end()) fail(what);
	return found->second;
}

// Ends the phase if nothing is missing.
void settle(Barrier& barrier) {
	if (barrier.missing != 0 || barrier.bytes != 0) return;
	barrier.phase++;
	barrier.missing = barrier.expected;
	machine->wake(barrier.waiting);
}

Products& mine() { return machine->products[machine->current->number / 32]; }
}  // namespace

unsigned shared_offset(const void* p) {
	if (!is_shared(p, 1)) fail("an address outside the block's shared memory");
	return unsigned(static_cast<const unsigned char*>(p) - machine->shared);
}

// ---------------------------------------------------------------- barriers

void barrier_make(u64* barrier, u32 arrivals) {
	if (!is_shared(barrier, 8) || reinterpret_cast<uintptr_t>(barrier) % 8 != 0) fail("a barrier outside shared memory");
	if (!machine->barriers.emplace(barrier, Barrier{arrivals, arrivals, 0, 0, false, {}}).second)
		fail("a barrier is made twice");
}
void barriers_made() {
	for (auto& [at, barrier] : machine->barriers) barrier.shown = true;
}
void barrier_arrive(u64* at, long long bytes) {
	Barrier& barrier = barrier_at(at, "a thread arrives at a barrier that was not made");
	if (barrier.missing == 0) fail("more threads arrive at a barrier than it has");
	if (bytes > 0) barrier.bytes += bytes;
	barrier.missing--;
	settle(barrier);
}
void barrier_wait(u64* at, u32 parity) {
	Barrier& barrier = barrier_at(at, "a thread waits at a barrier that was not made");
	while ((barrier.phase & 1) == parity) {
		barrier.waiting.push_back(machine->current->number);
		machine->leave();
	}
}

void named(int number, int threads, bool waits) {
	if (number < 1 || number > 15) fail("a barrier's number is 1 to 15");
	Named& barrier = machine->named[number];
	if (threads % 32 != 0 || (barrier.arrived > 0 && barrier.threads != threads))
		fail("threads come to one barrier and don't agree on how many they are");
	barrier.threads = threads;
	barrier.arrived++;
	if (waits) barrier.waiting.push_back(machine->current->number);
	if (barrier.arrived == threads) {
		barrier.arrived = 0;
		machine->wake(barrier.waiting);
	}
	if (waits) machine->leave();
}

// ---------------------------------------------------------------- the copy engine

void load_half(void* half, const TensorMap& map, u64* at, int column, int row, int head, int batch) {
	Map m(map);
	if (map.word[0] != MAP_MARK) fail("a map that no host made");
	if (m.columns * 2 != u64(HALF_ROW)) fail("a map whose box is no half");
	if (!is_shared(half, m.rows * HALF_ROW)) fail("a tile is copied outside the block's shared memory");
	if (shared_offset(half) % HALF_ATOM != 0) fail("a tile does not start where the swizzle does");
	if (!barrier_at(at, "a tile is copied for a barrier that was not made").shown)
		fail("a tile is copied for a barrier that the copy engine was not shown");
	machine->loads.push_back(TileLoad{map, static_cast<unsigned char*>(half), at, {column, row, head, batch},
								  machine->order.below(2) == 0});
}

void TileLoad::land() {
	Map m(map);
	u64 first = half - machine->shared;
	for (u64 row = 0; row < m.rows; row++)
		for (u64 column = 0; column < m.columns; column++) {
			long long place[4] = {at[0] + (long long)column, at[1] + (long long)row, at[2], at[3]};
			u64 from = 0;
			bool inside = true;
			for (int i = 0; i < 4; i++) {
				inside &= place[i] >= 0 && place[i] < (long long)m.sizes[i];
				from += u64(place[i]) * m.strides[i];
			}
			u16 value = 0;
			if (inside) std::memcpy(&value, m.start + from, 2);
			std::memcpy(machine->shared + swizzle(first + row * HALF_ROW + column * 2), &value, 2);
		}
	Barrier& announced = machine->barriers.at(barrier);
	announced.bytes -= (long long)(m.rows * HALF_ROW);
	settle(announced);
}

bool Machine::bring(bool must) {
	if (!must && order.below(8) != 0) return false;
	size_t pick = order.below(loads.size());
	TileLoad load = loads[pick];
	if (!must && load.late) return false;
	loads.erase(loads.begin() + long(pick));
	load.land();
	return true;
}

// ---------------------------------------------------------------- products

void meet_group(const char* what) {
	Machine& m = *machine;
	int group = m.current->number / GROUP;
	if (m.threads() < (group + 1) * GROUP) fail("four whole warps are needed");
	meet(m.groups[group], what, m.current->number % GROUP, GROUP, [](void**, int) {}, nullptr);
}

namespace {
// One operand in shared memory.
struct Operand {
	u64 start, half, atom;

	explicit Operand(u64 descriptor)
		: start((descriptor & 0x3fff) << 4), half((descriptor >> 16 & 0x3fff) << 4), atom((descriptor >> 32 & 0x3fff) << 4) {}

	float value(u64 offset, bool brain) const {
		u16 bits;
		std::memcpy(&bits, machine->shared + swizzle(start + offset), 2);
		return brain ? bits_float(u32(bits) << 16) : f16_value(bits);
	}
	// Row i, column k of rows that lie one after the other.
	float of_rows(int i, int k, bool brain) const { return value(i / 8 * atom + i % 8 * HALF_ROW + k * 2, brain); }
	// Column i, row k of the same.
	float of_columns(int i, int k, bool brain) const {
		return value(i / HALF_COLUMNS * half + k / 8 * atom + k % 8 * HALF_ROW + i % HALF_COLUMNS * 2, brain);
	}
	// All of an operand of so many rows or columns lies in shared memory.
	bool fits(int count, bool columns) const {
		u64 last = columns ? (count - 1) / HALF_COLUMNS * half + atom + HALF_ATOM : (count - 1) / 8 * atom + HALF_ATOM;
		return start + last <= machine->shared_bytes + start % HALF_ATOM;
	}
};

void issue(void** brought, int count) {
	Machine& m = *machine;
	auto* first = static_cast<Product*>(brought[0]);
	Operand a(first->a), b(first->b);
	for (int i = 1; i < count; i++) {
		auto* other = static_cast<Product*>(brought[i]);
		if (other->a != first->a || other->b != first->b || other->accumulate != first->accumulate ||
			other->columns != first->columns || !other->registers != !first->registers)
			fail("the lanes of four warps issue different products");
	}
	for (u64 descriptor : {first->registers ? first->b : first->a, first->b})
		if (descriptor >> 62 != 1 || (descriptor >> 49 & 7) != 0) fail("an operand that is not swizzled as tiles are");
	if (!b.fits(first->columns, first->registers) || (!first->registers && !a.fits(64, false)))
		fail("an operand reaches beyond the block's shared memory");
	int warp = m.current->number / GROUP * 4;
	// Now and then one waits, and with it all that follow.
	bool now = m.order.below(8) != 0;
	for (int w = 0; w < 4; w++) {
		Products& products = m.products[warp + w];
		if (!products.fenced) fail("a product is issued without a fence since its registers could last be written");
		WarpProduct product;
		for (int i = 0; i < 32; i++) product.lanes[i] = *static_cast<Product*>(brought[w * 32 + i]);
		// In order: what is under way runs first.
		bool idle = products.open.empty() && products.batches.empty();
		if (now && idle) {
			product.run(w);
		} else {
			products.open.push_back(product);
		}
	}
}
}  // namespace

void multiply(float* sums, int columns, const u32* registers, u64 a, u64 b, bool accumulate, bool brain) {
	Machine& m = *machine;
	int group = m.current->number / GROUP;
	if (m.threads() < (group + 1) * GROUP) fail("four whole warps are needed");
	Product product{sums, columns, registers, a, b, accumulate, brain};
	meet(m.groups[group], "wgmma", m.current->number % GROUP, GROUP, issue, &product);
}

void WarpProduct::run(int warp) const {
	const Product& any = lanes[0];
	bool brain = any.brain;
	Operand at_a(any.a), at_b(any.b);
	float a[16][16];
	for (int row = 0; row < 16 && !any.registers; row++)
		for (int k = 0; k < 16; k++) a[row][k] = at_a.of_rows(16 * warp + row, k, brain);
	for (int lane = 0; lane < 32 && any.registers; lane++) {
		int g = lane / 4, t = lane % 4;
		for (int r = 0; r < 4; r++)
			for (int h = 0; h < 2; h++) {
				u16 bits = u16(lanes[lane].registers[r] >> (16 * h));
				a[g + 8 * (r % 2)][2 * t + h + 8 * (r / 2)] = brain ? bits_float(u32(bits) << 16) : f16_value(bits);
			}
	}
	std::vector<float> b(any.columns * 16);
	for (int i = 0; i < any.columns; i++)
		for (int k = 0; k < 16; k++)
			b[i * 16 + k] = any.registers ? at_b.of_columns(i, k, brain) : at_b.of_rows(i, k, brain);
	for (int lane = 0; lane < 32; lane++) {
		int g = lane / 4, t = lane % 4;
		for (int i = 0; i < any.columns / 2; i++) {
			int row = g + i % 4 / 2 * 8, column = i / 4 * 8 + 2 * t + i % 2;
			double sum = any.accumulate ? lanes[lane].sums[i] : 0.0;
			for (int k = 0; k < 16; k++) sum += double(a[row][k]) * double(b[column * 16 + k]);
			lanes[lane].sums[i] = float(sum);
		}
	}
}

void fence() {
	meet_warp("wgmma_fence", [](void**, int) { mine().fenced = true; }, nullptr);
}
void commit() {
	meet_warp(
		"wgmma_commit",
		[](void**, int) {
			Products& products = mine();
			products.batches.push_back(std::move(products.open));
			products.open.clear();
		},
		nullptr);
}
void wait(int younger) {
	meet_warp(
		"wgmma_wait",
		[](void** lanes, int) {
			Products& products = mine();
			while (int(products.batches.size()) > *static_cast<int*>(lanes[0])) {
				for (auto& product : products.batches.front()) product.run(machine->current->number / 32 % 4);
				products.batches.erase(products.batches.begin());
			}
			// From here on the warp may write registers.
			products.fenced = false;
		},
		&younger);
}

std::string Machine::left_behind() {
	if (!loads.empty()) return "the block ended and a tile was still on its way";
	for (auto& warp : products)
		if (!warp.open.empty() || !warp.batches.empty()) return "a warp ended before its products";
	for (int n = 0; n < 16; n++)
		if (named[n].arrived > 0) return "a barrier by number is left half full";
	return {};
}
}  // namespace emulation
