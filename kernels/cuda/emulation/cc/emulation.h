// CUDA on a CPU, for tests: what `device.cuh` needs to compile as C++.
//
// A block runs as one fiber per thread. `sync_block` and the warp-wide instructions are meetings: a fiber that
// arrives waits until all have, and between meetings the fibers run one at a time in an order drawn from the launch's
// seed, in some blocks with one warp far behind the others, so a missing barrier shows as a wrong result under some seed. Shared memory starts as 0xff bytes (NaN as a
// float), asynchronous copies land only when they are waited for (or at once, by the seed), and a meeting that can
// never be complete is an error that names the instruction. Blocks run one after another in a drawn order.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __shared__ static thread_local
#define __align__(n) alignas(n)
#define DEVICE static inline
#define DEVICE_MEMBER inline
#define KERNEL(name) extern "C" void name
#define UNROLL
#define NO_UNROLL

namespace emulation {
struct Index {
	unsigned x, y, z;
};
extern thread_local Index thread_index, block_index, block_size, grid_size;

// Waits for every thread of the block.
void meet_block();
// Waits for every lane of the warp; the last to arrive runs `act` on what all lanes brought, in lane order.
void meet_warp(const char* what, void (*act)(void** lanes, int count), void* mine);
int lane();
unsigned char* dynamic_shared();
bool is_shared(const void* p, size_t bytes);
void copy_later(void* shared, const void* global, bool valid);
void copy_commit();
void copy_wait(int younger);
[[noreturn]] void fail(const char* what);

// A kernel by its name: unpacks the launch's parameters by the types of the function.
typedef void (*Invoke)(void** parameters);
struct Registration {
	Registration(const char* name, Invoke invoke, int parameters);
};
template <class... A, size_t... I>
inline void apply(void (*kernel)(A...), void** parameters, std::integer_sequence<size_t, I...>) {
	kernel(*static_cast<std::remove_reference_t<A>*>(parameters[I])...);
}
template <auto Kernel> struct Entry;
template <class... A, void (*Kernel)(A...)> struct Entry<Kernel> {
	static constexpr int parameters = sizeof...(A);
	static void invoke(void** values) { apply(Kernel, values, std::make_index_sequence<sizeof...(A)>{}); }
};

float f16_value(uint16_t bits);
uint16_t f16_bits(float x);
uint16_t bf16_bits(float x);
}  // namespace emulation

#define EXPORT_KERNEL(name)                                                                                          \
	static emulation::Registration registration_##name(#name, emulation::Entry<&name>::invoke,                       \
													   emulation::Entry<&name>::parameters);
#define DYNAMIC_SHARED(name) unsigned char* name = emulation::dynamic_shared()
#define threadIdx emulation::thread_index
#define blockIdx emulation::block_index
#define blockDim emulation::block_size
#define gridDim emulation::grid_size

DEVICE float bits_float(u32 x) {
	float y;
	std::memcpy(&y, &x, 4);
	return y;
}
DEVICE u32 float_bits(float x) {
	u32 y;
	std::memcpy(&y, &x, 4);
	return y;
}
DEVICE float f16_to_f32(f16 x) { return emulation::f16_value(x.bits); }
DEVICE f16 f32_to_f16(float x) { return f16{emulation::f16_bits(x)}; }
DEVICE float bf16_to_f32(bf16 x) { return bits_float((u32)x.bits << 16); }
DEVICE bf16 f32_to_bf16(float x) { return bf16{emulation::bf16_bits(x)}; }
DEVICE u32 pack_f16(float low, float high) { return (u32)f32_to_f16(low).bits | (u32)f32_to_f16(high).bits << 16; }
DEVICE u32 pack_bf16(float low, float high) { return (u32)f32_to_bf16(low).bits | (u32)f32_to_bf16(high).bits << 16; }
DEVICE float exp2_fast(float x) { return std::exp2(x); }
DEVICE float log2_fast(float x) { return std::log2(x); }
DEVICE float max_number(float a, float b) { return std::fmax(a, b); }
DEVICE float mul_ieee(float a, float b) { return a * b; }
DEVICE float add_ieee(float a, float b) { return a + b; }
DEVICE float div_ieee(float a, float b) { return a / b; }
DEVICE float sqrt_ieee(float a) { return std::sqrt(a); }
DEVICE int leading_zeros(u32 x) { return x ? __builtin_clz(x) : 32; }
DEVICE int leading_zeros(u64 x) { return x ? __builtin_clzll(x) : 64; }
DEVICE u32 mul_high(u32 a, u32 b) { return (u32)((u64)a * b >> 32); }
DEVICE u64 mul_high(u64 a, u64 b) { return (u64)(((unsigned __int128)a * b) >> 64); }
DEVICE u32 byte_permute(u32 low, u32 high, u32 selector) {
	u64 bytes = (u64)high << 32 | low;
	u32 y = 0;
	for (int i = 0; i < 4; i++) y |= (u32)(bytes >> (8 * (selector >> (4 * i) & 7)) & 0xff) << (8 * i);
	return y;
}

DEVICE void sync_block() { emulation::meet_block(); }
DEVICE void sync_warp() {
	emulation::meet_warp("sync_warp", [](void**, int) {}, nullptr);
}

namespace emulation {
template <class T> struct Exchange {
	T mine, got;
	int from;
};
template <class T> void exchange(void** lanes, int count) {
	for (int i = 0; i < count; i++) {
		auto* e = static_cast<Exchange<T>*>(lanes[i]);
		if (e->from < 0 || e->from >= count) fail("a shuffle reads a lane that is not there");
		e->got = static_cast<Exchange<T>*>(lanes[e->from])->mine;
	}
}
}  // namespace emulation
template <class T> inline T shuffle(T x, int lane) {
	emulation::Exchange<T> e{x, x, lane};
	emulation::meet_warp("shuffle", emulation::exchange<T>, &e);
	return e.got;
}
template <class T> inline T shuffle_xor(T x, int mask) {
	emulation::Exchange<T> e{x, x, emulation::lane() ^ mask};
	emulation::meet_warp("shuffle_xor", emulation::exchange<T>, &e);
	return e.got;
}
template <class T> inline T shuffle_down(T x, int by) {
	int from = emulation::lane() + by;
	emulation::Exchange<T> e{x, x, from < 32 ? from : emulation::lane()};
	emulation::meet_warp("shuffle_down", emulation::exchange<T>, &e);
	return e.got;
}
bool any_lane(bool x);

inline void atomic_add(u32* p, u32 x) { *p += x; }

inline void copy_async(void* shared, const void* global, bool valid) { emulation::copy_later(shared, global, valid); }
inline void copy_commit() { emulation::copy_commit(); }
template <int N> inline void copy_wait() { emulation::copy_wait(N); }

void ldmatrix4(u32 (&out)[4], const void* row);
void ldmatrix4_trans(u32 (&out)[4], const void* row);
void ldmatrix2(u32 (&out)[2], const void* row);
void ldmatrix2_trans(u32 (&out)[2], const void* row);
void mma(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], f16);
void mma(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], bf16);
void mma(i32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], i8, i8);
void mma(i32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], u8, i8);
void mma(i32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], i8, u8);
void mma(i32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], u8, u8);
