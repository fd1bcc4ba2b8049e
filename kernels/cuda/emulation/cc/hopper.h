// What `hopper.cuh` needs to compile as C++.
//
// The copy engine is one more agent among the fibers: a half of a tile lands whenever the seed says, before anybody
// passes its barrier, and other halves before or after it. A product of four warps runs warp by warp, when it is issued or
// not before the warp has waited for it, by the seed, and reads shared memory and registers then; so what is
// overwritten or read too early shows as a wrong result under some seed. Errors are: a product whose registers were not
// fenced, four warps that don't issue the same, operands that don't lie as descriptors say, a barrier that the copy
// engine was not shown or that more threads come to than it has, and a block that ends before its copies and products.
#pragma once
#include <cstdint>

namespace emulation {
unsigned shared_offset(const void* p);
void barrier_make(u64* barrier, u32 arrivals);
void barriers_made();
// `bytes` < 0: none are announced.
void barrier_arrive(u64* barrier, long long bytes);
void barrier_wait(u64* barrier, u32 parity);
void named(int number, int threads, bool waits);
void load_half(void* half, const TensorMap& map, u64* barrier, int column, int row, int head, int batch);
void meet_group(const char* what);
void multiply(float* sums, int columns, const u32* registers, u64 a, u64 b, bool accumulate, bool brain);
void fence();
void commit();
void wait(int younger);
template <class T> constexpr bool is_brain = std::is_same_v<T, bf16>;
}  // namespace emulation

#define TENSOR_MAP const TensorMap
#define DYNAMIC_SHARED_TILES(name) unsigned char* name = emulation::dynamic_shared()

inline u32 tile_address(const void* p) { return emulation::shared_offset(p); }
inline void barrier_make(u64* barrier, u32 arrivals) { emulation::barrier_make(barrier, arrivals); }
inline void barriers_made() { emulation::barriers_made(); }
inline void barrier_arrive(u64* barrier) { emulation::barrier_arrive(barrier, -1); }
inline void barrier_arrive_for(u64* barrier, u32 bytes) { emulation::barrier_arrive(barrier, bytes); }
inline void barrier_wait(u64* barrier, u32 parity) { emulation::barrier_wait(barrier, parity); }
inline void named_wait(int number, int threads) { emulation::named(number, threads, true); }
inline void named_arrive(int number, int threads) { emulation::named(number, threads, false); }
inline void load_half(void* half, const TensorMap& map, u64* barrier, int column, int row, int head, int batch) {
	emulation::load_half(half, map, barrier, column, row, head, batch);
}
inline void publish_shared() {}
template <int COUNT> inline void registers_down() { emulation::meet_group("registers_down"); }
template <int COUNT> inline void registers_up() { emulation::meet_group("registers_up"); }
inline void wgmma_fence() { emulation::fence(); }
inline void wgmma_commit() { emulation::commit(); }
template <int N> inline void wgmma_wait() { emulation::wait(N); }
template <int N, class T> inline void wgmma_rows(float (&d)[N][4], u64 a, u64 b, bool accumulate, T) {
	emulation::multiply(d[0], N * 8, nullptr, a, b, accumulate, emulation::is_brain<T>);
}
template <int N, class T> inline void wgmma_columns(float (&d)[N][4], const u32 (&a)[4], u64 b, T) {
	emulation::multiply(d[0], N * 8, a, 0, b, true, emulation::is_brain<T>);
}
