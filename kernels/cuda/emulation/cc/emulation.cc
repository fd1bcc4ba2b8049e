// The scheduler of the emulation and the warp-wide instructions. `emulation.h` says what it promises.
#include "machine.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace emulation {
thread_local Index thread_index, block_index, block_size, grid_size;
thread_local std::unique_ptr<Machine> machine;

namespace {
// ---------------------------------------------------------------- fibers

#ifdef __x86_64__
asm(R"(
.text
.globl noesis_switch
.hidden noesis_switch
.type noesis_switch,@function
noesis_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
.size noesis_switch,.-noesis_switch
)");
#endif

void enter() {
	machine->invoke(machine->parameters);
	machine->current->done = true;
	machine->leave();
	std::abort();
}

void land(Group& group) {
	for (auto& copy : group.copies) std::memcpy(copy.shared, copy.bytes, 16);
	group.copies.clear();
}
}  // namespace

void Machine::run_block() {
	int count = threads();
	// Signalling NaNs for floats, large negative numbers for integers: what nobody wrote must not look like a zero.
	std::memset(shared, 0xff, shared_bytes);
	while (int(stacks.size()) < count) stacks.emplace_back();
	fibers.assign(count, Fiber());
	warps.assign((count + 31) / 32, Meeting());
	groups.assign((count + 127) / 128, Meeting());
	products.assign(warps.size(), Products());
	for (Named& barrier : named) barrier = Named();
	barriers.clear();
	loads.clear();
	block = Meeting();
	runnable.clear();
	for (int i = 0; i < count; i++) {
		Fiber& fiber = fibers[i];
		unsigned n = unsigned(i);
		fiber.number = i;
		fiber.index = {n % block_size.x, n / block_size.x % block_size.y, n / (block_size.x * block_size.y)};
		fiber.context.start(stacks[i].bytes.get(), STACK, enter);
		runnable.push_back(i);
	}
	// In every other block one warp is slow: it runs when nothing else can.
	int slow = order.below(2) == 0 ? int(order.below(warps.size())) : -1;
	auto is_slow = [&](size_t i) { return runnable[i] / 32 == slow; };
	int left = count;
	while ((!runnable.empty() || !loads.empty()) && error.empty()) {
		// The copy engine comes whenever it likes, and at the latest when all threads wait.
		if (!loads.empty() && bring(runnable.empty())) continue;
		size_t pick = order.below(runnable.size());
		for (size_t tried = 0; tried < runnable.size() && is_slow(pick); tried++) pick = (pick + 1) % runnable.size();
		if (is_slow(pick) && !loads.empty()) {
			bring(true);
			continue;
		}
		current = &fibers[runnable[pick]];
		runnable[pick] = runnable.back();
		runnable.pop_back();
		thread_index = current->index;
		Context::swap(scheduler, current->context);
		if (current->done) {
			left--;
			if (!current->open.copies.empty() || !current->groups.empty()) {
				for (auto& group : current->groups) land(group);
			}
			if (left == 0) error = left_behind();
		}
	}
	if (error.empty() && left > 0) {
		error = "threads wait for ever: ";
		char text[160];
		if (!block.waiting.empty()) {
			std::snprintf(text, sizeof text, "%zu of %d at %s; ", block.waiting.size(), count, block.what);
			error += text;
		}
		for (size_t w = 0; w < warps.size(); w++) {
			if (warps[w].waiting.empty()) continue;
			std::snprintf(text, sizeof text, "warp %zu: %zu lanes at %s; ", w, warps[w].waiting.size(), warps[w].what);
			error += text;
		}
		for (size_t g = 0; g < groups.size(); g++) {
			if (groups[g].waiting.empty()) continue;
			std::snprintf(text, sizeof text, "group %zu: %zu threads at %s; ", g, groups[g].waiting.size(), groups[g].what);
			error += text;
		}
		for (int n = 0; n < 16; n++) {
			if (named[n].waiting.empty()) continue;
			std::snprintf(text, sizeof text, "%zu at barrier %d, where %d of %d have come; ", named[n].waiting.size(), n,
						  named[n].arrived, named[n].threads);
			error += text;
		}
		for (auto& [at, barrier] : barriers) {
			if (barrier.waiting.empty()) continue;
			std::snprintf(text, sizeof text, "%zu at the barrier at byte %td, which lacks %u threads and %lld bytes; ",
						  barrier.waiting.size(), static_cast<const unsigned char*>(at) - shared, barrier.missing,
						  barrier.bytes);
			error += text;
		}
		error += "the others have left the kernel or wait elsewhere";
	}
}

namespace {
std::map<std::string, std::pair<Invoke, int>>& registry() {
	static std::map<std::string, std::pair<Invoke, int>> kernels;
	return kernels;
}
}  // namespace

Registration::Registration(const char* name, Invoke invoke, int parameters) {
	if (!registry().emplace(name, std::make_pair(invoke, parameters)).second) {
		std::fprintf(stderr, "two kernels are called %s\n", name);
		std::abort();
	}
}

void fail(const char* what) {
	if (machine->error.empty()) {
		char text[200];
		std::snprintf(text, sizeof text, "%s (block %u,%u,%u thread %u)", what, block_index.x, block_index.y,
					  block_index.z, unsigned(machine->current->number));
		machine->error = text;
	}
	machine->leave();
	std::abort();
}

int lane() { return machine->current->number % 32; }
unsigned char* dynamic_shared() { return machine->shared; }
bool is_shared(const void* p, size_t bytes) {
	auto* q = static_cast<const unsigned char*>(p);
	return q >= machine->shared && q + bytes <= machine->shared + machine->shared_bytes;
}

void meet_block() {
	Machine& m = *machine;
	m.block.what = "sync_block";
	m.block.waiting.push_back(m.current->number);
	if (int(m.block.waiting.size()) == m.threads()) m.wake(m.block.waiting);
	m.leave();
}

void meet(Meeting& meeting, const char* what, int slot, int count, void (*act)(void** brought, int count), void* mine) {
	Machine& m = *machine;
	if (!meeting.waiting.empty() && std::strcmp(meeting.what, what) != 0) {
		static thread_local char text[120];
		std::snprintf(text, sizeof text, "threads that must meet are at %s and at %s", meeting.what, what);
		fail(text);
	}
	meeting.what = what;
	meeting.brought[slot] = mine;
	meeting.waiting.push_back(m.current->number);
	if (int(meeting.waiting.size()) == count) {
		act(meeting.brought, count);
		m.wake(meeting.waiting);
	}
	m.leave();
}

void meet_warp(const char* what, void (*act)(void** lanes, int count), void* mine) {
	Machine& m = *machine;
	int warp = m.current->number / 32;
	meet(m.warps[warp], what, lane(), std::min(32, m.threads() - warp * 32), act, mine);
}

void copy_later(void* shared, const void* global, bool valid) {
	Machine& m = *machine;
	if (!is_shared(shared, 16)) fail("copy_async writes outside the block's shared memory");
	if (reinterpret_cast<uintptr_t>(shared) % 16 != 0) fail("copy_async to shared memory that is not aligned to 16");
	if (reinterpret_cast<uintptr_t>(global) % 16 != 0) fail("copy_async from memory that is not aligned to 16");
	Copy copy{shared, {}};
	if (valid) std::memcpy(copy.bytes, global, 16);
	if (m.order.below(2) == 0) {
		std::memcpy(shared, copy.bytes, 16);
		return;
	}
	m.current->open.copies.push_back(copy);
}
void copy_commit() {
	Fiber& fiber = *machine->current;
	fiber.groups.push_back(std::move(fiber.open));
	fiber.open = Group();
}
void copy_wait(int younger) {
	Fiber& fiber = *machine->current;
	while (int(fiber.groups.size()) > younger) {
		land(fiber.groups.front());
		fiber.groups.erase(fiber.groups.begin());
	}
}

// ---------------------------------------------------------------- numbers

float f16_value(uint16_t bits) {
	uint32_t sign = uint32_t(bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
	if (exponent == 31) return bits_float(sign | 0x7f800000 | fraction << 13);
	if (exponent == 0) {
		float value = float(fraction) * 0x1p-24f;
		return sign ? -value : value;
	}
	return bits_float(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t f16_bits(float x) {
	uint32_t bits = float_bits(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
	if (magnitude > 0x7f800000) return uint16_t(sign | 0x7fff);
	if (magnitude >= 0x477ff000) return uint16_t(sign | 0x7c00);  // 65520 and above round to infinity
	if (magnitude < 0x38800000) {                                  // below 2^-14: a multiple of 2^-24
		// Adding 0.5 puts the value's last kept bit at 2^-24: the addition rounds to nearest even.
		float shifted = bits_float(magnitude) + 0.5f;
		return uint16_t(sign | (float_bits(shifted) - float_bits(0.5f)));
	}
	uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
	return uint16_t(sign | ((rounded >> 13) - (112 << 10)));
}

uint16_t bf16_bits(float x) {
	uint32_t bits = float_bits(x);
	if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fff;
	return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// ---------------------------------------------------------------- warp-wide instructions

namespace {
struct Load {
	u32* out;
	const void* row;
};

template <int Matrices, bool Transposed> void load_matrices(void** lanes, int count) {
	if (count != 32) fail("ldmatrix in a warp of fewer than 32 lanes");
	for (int matrix = 0; matrix < Matrices; matrix++) {
		u16 values[8][8];
		for (int row = 0; row < 8; row++) {
			const void* from = static_cast<Load*>(lanes[matrix * 8 + row])->row;
			if (!is_shared(from, 16)) fail("ldmatrix reads outside the block's shared memory");
			if (reinterpret_cast<uintptr_t>(from) % 16 != 0) fail("ldmatrix reads a row that is not aligned to 16");
			std::memcpy(values[row], from, 16);
		}
		for (int lane = 0; lane < 32; lane++) {
			int g = lane / 4, t = lane % 4;
			u16 low = Transposed ? values[2 * t][g] : values[g][2 * t];
			u16 high = Transposed ? values[2 * t + 1][g] : values[g][2 * t + 1];
			static_cast<Load*>(lanes[lane])->out[matrix] = (u32)low | (u32)high << 16;
		}
	}
}

template <class D> struct Multiply {
	D* d;
	const u32 *a, *b;
};

template <bool Brain> float half_value(u32 word, int which) {
	u16 bits = u16(word >> (16 * which));
	return Brain ? bits_float((u32)bits << 16) : f16_value(bits);
}

template <bool Brain> void multiply_halves(void** lanes, int count) {
	if (count != 32) fail("mma in a warp of fewer than 32 lanes");
	float a[16][16], b[16][8];
	for (int lane = 0; lane < 32; lane++) {
		auto* m = static_cast<Multiply<float>*>(lanes[lane]);
		int g = lane / 4, t = lane % 4;
		for (int r = 0; r < 4; r++)
			for (int h = 0; h < 2; h++) a[g + 8 * (r % 2)][2 * t + h + 8 * (r / 2)] = half_value<Brain>(m->a[r], h);
		for (int r = 0; r < 2; r++)
			for (int h = 0; h < 2; h++) b[2 * t + h + 8 * r][g] = half_value<Brain>(m->b[r], h);
	}
	for (int lane = 0; lane < 32; lane++) {
		auto* m = static_cast<Multiply<float>*>(lanes[lane]);
		int g = lane / 4, t = lane % 4;
		for (int r = 0; r < 4; r++) {
			int row = g + 8 * (r / 2), column = 2 * t + r % 2;
			double sum = m->d[r];
			for (int k = 0; k < 16; k++) sum += double(a[row][k]) * double(b[k][column]);
			m->d[r] = float(sum);
		}
	}
}

template <class A, class B> void multiply_bytes(void** lanes, int count) {
	if (count != 32) fail("mma in a warp of fewer than 32 lanes");
	A a[16][32];
	B b[32][8];
	for (int lane = 0; lane < 32; lane++) {
		auto* m = static_cast<Multiply<i32>*>(lanes[lane]);
		int g = lane / 4, t = lane % 4;
		for (int r = 0; r < 4; r++)
			for (int i = 0; i < 4; i++) a[g + 8 * (r % 2)][4 * t + i + 16 * (r / 2)] = A(m->a[r] >> (8 * i));
		for (int r = 0; r < 2; r++)
			for (int i = 0; i < 4; i++) b[4 * t + i + 16 * r][g] = B(m->b[r] >> (8 * i));
	}
	for (int lane = 0; lane < 32; lane++) {
		auto* m = static_cast<Multiply<i32>*>(lanes[lane]);
		int g = lane / 4, t = lane % 4;
		for (int r = 0; r < 4; r++) {
			int row = g + 8 * (r / 2), column = 2 * t + r % 2;
			i64 sum = m->d[r];
			for (int k = 0; k < 32; k++) sum += i64(a[row][k]) * i64(b[k][column]);
			if (sum != i64(i32(sum))) fail("an integer mma overflows its 32-bit sum");
			m->d[r] = i32(sum);
		}
	}
}
void any_of(void** lanes, int count) {
	bool any = false;
	for (int i = 0; i < count; i++) any |= *static_cast<bool*>(lanes[i]);
	for (int i = 0; i < count; i++) *static_cast<bool*>(lanes[i]) = any;
}
}  // namespace
}  // namespace emulation

bool any_lane(bool x) {
	emulation::meet_warp("any_lane", emulation::any_of, &x);
	return x;
}

#define LOAD(name, count, transposed)                                                                                \
	void name(u32 (&out)[count], const void* row) {                                                                  \
		emulation::Load load{out, row};                                                                              \
		emulation::meet_warp(#name, emulation::load_matrices<count, transposed>, &load);                             \
	}
LOAD(ldmatrix4, 4, false)
LOAD(ldmatrix4_trans, 4, true)
LOAD(ldmatrix2, 2, false)
LOAD(ldmatrix2_trans, 2, true)

#define MULTIPLY(D, A, B, act)                                                                                       \
	void mma(D (&d)[4], const u32 (&a)[4], const u32 (&b)[2] A B) {                                                  \
		emulation::Multiply<D> multiply{d, a, b};                                                                    \
		emulation::meet_warp("mma", act, &multiply);                                                                 \
	}
#define COMMA(T) , T
MULTIPLY(float, COMMA(f16), , emulation::multiply_halves<false>)
MULTIPLY(float, COMMA(bf16), , emulation::multiply_halves<true>)
MULTIPLY(i32, COMMA(i8), COMMA(i8), (emulation::multiply_bytes<i8, i8>))
MULTIPLY(i32, COMMA(u8), COMMA(i8), (emulation::multiply_bytes<u8, i8>))
MULTIPLY(i32, COMMA(i8), COMMA(u8), (emulation::multiply_bytes<i8, u8>))
MULTIPLY(i32, COMMA(u8), COMMA(u8), (emulation::multiply_bytes<u8, u8>))

// ---------------------------------------------------------------- what Rust calls

extern "C" {
// The number of parameters of a kernel, or -1 if there is none of this name.
int noesis_emulation_parameters(const char* name) {
	auto found = emulation::registry().find(name);
	return found == emulation::registry().end() ? -1 : found->second.second;
}

// Runs a kernel to its end on the calling thread. Returns 0, or 1 with a message in `error`.
int noesis_emulation_launch(const char* name, const unsigned* grid, const unsigned* block, size_t shared_bytes,
							void** parameters, uint64_t seed, char* error, size_t error_bytes) {
	using namespace emulation;
	auto refuse = [&](const std::string& why) {
		std::snprintf(error, error_bytes, "%s: %s", name, why.c_str());
		return 1;
	};
	auto found = registry().find(name);
	if (found == registry().end()) return refuse("no such kernel");
	if (shared_bytes > MAX_SHARED) return refuse("more shared memory than a block has");
	if (size_t(block[0]) * block[1] * block[2] > 1024) return refuse("more than 1024 threads in a block");
	if (!machine) {
		machine.reset(new Machine());
		machine->shared_store.reset(new unsigned char[MAX_SHARED + 1024]);
		auto at = reinterpret_cast<uintptr_t>(machine->shared_store.get());
		machine->shared = reinterpret_cast<unsigned char*>((at + 1023) & ~uintptr_t(1023));
	}
	Machine& m = *machine;
	m.order = Order(seed);
	m.invoke = found->second.first;
	m.parameters = parameters;
	m.shared_bytes = shared_bytes;
	m.error.clear();
	block_size = {block[0], block[1], block[2]};
	grid_size = {grid[0], grid[1], grid[2]};
	size_t blocks = size_t(grid[0]) * grid[1] * grid[2];
	std::vector<size_t> turn(blocks);
	for (size_t i = 0; i < blocks; i++) turn[i] = i;
	for (size_t i = blocks; i > 1; i--) std::swap(turn[i - 1], turn[m.order.below(i)]);
	for (size_t i : turn) {
		block_index = {unsigned(i % grid[0]), unsigned(i / grid[0] % grid[1]), unsigned(i / grid[0] / grid[1])};
		m.run_block();
		if (!m.error.empty()) return refuse(m.error);
	}
	return 0;
}
}
