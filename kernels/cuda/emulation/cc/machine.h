// The machine that runs a block: fibers, the places where they meet, and the agents that work beside them.
#pragma once
#include "hopper.cuh"

#include <map>
#include <memory>
#include <string>
#include <vector>
#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace emulation {
constexpr size_t STACK = 256 * 1024;
constexpr size_t MAX_SHARED = 227 * 1024;

// xorshift64*: the order of fibers and blocks need not be good, only different.
struct Order {
	uint64_t state;
	explicit Order(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15ull + 0x1234567ull) {
		if (state == 0) state = 1;
	}
	size_t below(size_t n) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		return (state * 0x2545f4914f6cdd1dull >> 33) % n;
	}
};

// ---------------------------------------------------------------- fibers

#ifdef __x86_64__
// Saves what a call must preserve on the stack it leaves and takes it from the stack it enters.
extern "C" void noesis_switch(void** leave, void* enter);
struct Context {
	void* stack_pointer = nullptr;
	void start(unsigned char* stack, size_t bytes, void (*entry)()) {
		auto top = (reinterpret_cast<uintptr_t>(stack) + bytes) & ~uintptr_t(15);
		auto* word = reinterpret_cast<void**>(top);
		*--word = nullptr;                            // keeps the stack aligned as after a call
		*--word = reinterpret_cast<void*>(entry);
		for (int i = 0; i < 6; i++) *--word = nullptr;
		stack_pointer = word;
	}
	static void swap(Context& from, Context& to) { noesis_switch(&from.stack_pointer, to.stack_pointer); }
};
#else
struct Context {
	ucontext_t context;
	void start(unsigned char* stack, size_t bytes, void (*entry)()) {
		getcontext(&context);
		context.uc_stack.ss_sp = stack;
		context.uc_stack.ss_size = bytes;
		context.uc_link = nullptr;
		makecontext(&context, entry, 0);
	}
	static void swap(Context& from, Context& to) { swapcontext(&from.context, &to.context); }
};
#endif

struct Copy {
	void* shared;
	unsigned char bytes[16];
};
struct Group {
	std::vector<Copy> copies;
};

struct Fiber {
	Context context;
	Index index;
	int number;
	bool done = false;
	Group open;
	std::vector<Group> groups;
};

// A meeting place: of a block, of a warp or of four warps.
struct Meeting {
	const char* what = nullptr;
	std::vector<int> waiting;
	void* brought[128];
};

// ---------------------------------------------------------------- what devices of compute capability 9.0 add (hopper.cc)

// A barrier of some threads, by number.
struct Named {
	int threads = 0, arrived = 0;
	std::vector<int> waiting;
};

// A barrier in shared memory.
struct Barrier {
	unsigned expected, missing, phase = 0;
	// Announced and not yet there.
	long long bytes = 0;
	// The copy engine may know of it.
	bool shown = false;
	std::vector<int> waiting;
};

// A half of a tile on its way.
struct TileLoad {
	TensorMap map;
	unsigned char* half;
	const void* barrier;
	int at[4];
	// It comes only when there is nothing else to do.
	bool late;
	void land();
};

// One lane's part of a product of four warps: registers are where the lane keeps them until it has waited.
struct Product {
	float* sums;
	int columns;
	// Without, A is in shared memory.
	const u32* registers;
	u64 a, b;
	bool accumulate, brain;
};
// The part of one warp.
struct WarpProduct {
	Product lanes[32];
	void run(int warp) const;
};
// What a warp has under way.
struct Products {
	// No register that products use was written since.
	bool fenced = false;
	std::vector<WarpProduct> open;
	std::vector<std::vector<WarpProduct>> batches;
};

struct Stack {
	std::unique_ptr<unsigned char[]> bytes{new unsigned char[STACK]};
};

struct Machine {
	std::vector<Stack> stacks;
	std::vector<Fiber> fibers;
	std::vector<int> runnable;
	std::vector<Meeting> warps, groups;
	Meeting block;
	Named named[16];
	// By address in shared memory.
	std::map<const void*, Barrier> barriers;
	std::vector<TileLoad> loads;
	// By warp.
	std::vector<Products> products;
	Context scheduler;
	Fiber* current = nullptr;
	Order order{1};
	std::unique_ptr<unsigned char[]> shared_store;
	unsigned char* shared = nullptr;
	size_t shared_bytes = 0;
	Invoke invoke = nullptr;
	void** parameters = nullptr;
	std::string error;

	int threads() const { return int(block_size.x * block_size.y * block_size.z); }
	void wake(std::vector<int>& who) {
		runnable.insert(runnable.end(), who.begin(), who.end());
		who.clear();
	}
	void leave() { Context::swap(current->context, scheduler); }
	void run_block();
	// The copy engine brings one half of a tile, whichever; false if it does not feel like it. When all threads wait it
	// must.
	bool bring(bool must);
	// What is wrong with what a finished block leaves behind; nothing if all is in order.
	std::string left_behind();
};
extern thread_local std::unique_ptr<Machine> machine;

// Waits until `count` fibers have come to a place; the last runs `act` on what all brought, by their slots.
void meet(Meeting& meeting, const char* what, int slot, int count, void (*act)(void** brought, int count), void* mine);
}  // namespace emulation
