// The instructions that only devices of compute capability 9.0 have (sm_90a), each once for CUDA and once for the
// emulation: tiles that are copied by the copy engine (TMA), barriers in shared memory that count bytes, products of a
// whole group of warps (wgmma), and registers that move from one group to another.
//
// Two agents work beside the threads: the copy engine and the tensor cores. Both read and write shared memory through
// what PTX calls the async proxy. A thread learns that a tile has come by waiting for its barrier, and that a product
// is done by `wgmma_wait`; what threads themselves wrote to shared memory they show to both by `publish_shared`.
//
// A GROUP is four warps that follow each other, the first of them at a multiple of four. All of its threads issue its
// products together. Sources whose names end in `_sm90` are compiled for compute capability 9.0 alone.
//
// A HALF is how tiles lie in shared memory: rows of 64 16-bit values, 128 bytes each, at a multiple of 1024 bytes, with
// the 16-byte chunks of a row exchanged by the row's last three bits (`halved`). That is the 128-byte swizzle of both
// the copy engine and the tensor cores. A tile of 128 columns is two halves, one after the other.
#pragma once
#include "device.cuh"

constexpr int GROUP = 128;
// Columns and bytes of a half's row, and bytes after which its pattern repeats: 8 rows.
constexpr int HALF_COLUMNS = 64, HALF_ROW = 128, HALF_ATOM = 1024;

// What the copy engine knows of an array: where it lies, its sizes and strides, and which box of it makes a tile. The
// host makes it (`Device::tensor_map`); only the copy engine reads it.
struct alignas(64) TensorMap {
	u64 word[16];
};

// The byte of a tile of ROWS rows at which a row's 16-byte chunk lies.
template <int ROWS> DEVICE int halved(int row, int chunk) {
	return chunk / 8 * ROWS * HALF_ROW + row * HALF_ROW + ((chunk % 8 ^ (row & 7)) << 4);
}

#ifdef NOESIS_EMULATION
#include "hopper.h"
#else

// A parameter of a kernel: the copy engine takes it where the launch put it.
#define TENSOR_MAP const __grid_constant__ TensorMap
// The block's dynamic shared memory, aligned as tiles must be.
#define DYNAMIC_SHARED_TILES(name) extern __shared__ __align__(1024) unsigned char name[]

DEVICE u32 tile_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// ---------------------------------------------------------------- barriers

// A barrier in shared memory has phases. One ends when so many threads have arrived and all bytes that were announced
// have come; then the next begins. One thread makes it, shows it to the copy engine, and a `sync_block` follows.
DEVICE void barrier_make(u64* barrier, u32 arrivals) {
	asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(tile_address(barrier)), "r"(arrivals) : "memory");
}
DEVICE void barriers_made() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
DEVICE void barrier_arrive(u64* barrier) {
	asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(tile_address(barrier)) : "memory");
}
// Arrives, and announces bytes that the copy engine will bring.
DEVICE void barrier_arrive_for(u64* barrier, u32 bytes) {
	asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(tile_address(barrier)), "r"(bytes) : "memory");
}
// Waits for the end of the phase of this parity: of the first with 0, of the second with 1, and so on. With 1, a barrier
// that is in its first phase lets pass.
DEVICE void barrier_wait(u64* barrier, u32 parity) {
	asm volatile(
		"{\n"
		".reg .pred done;\n"
		"again:\n"
		"mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
		"@done bra over;\n"
		"bra again;\n"
		"over:\n"
		"}" ::"r"(tile_address(barrier)), "r"(parity) : "memory");
}

// Barriers of some of a block's threads, by number (1 to 15; `sync_block` is 0): complete when so many have come, of
// which those that only arrive don't wait. Whole warps only.
DEVICE void named_wait(int number, int threads) {
	asm volatile("barrier.sync.aligned %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
DEVICE void named_arrive(int number, int threads) {
	asm volatile("barrier.arrive.aligned %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

// ---------------------------------------------------------------- tiles

// Starts to copy one half of a tile: as many rows as the map's box has, from this column, row, head and sequence on.
// What lies outside of the array becomes zeros, and its bytes count all the same. One thread.
DEVICE void load_half(void* half, const TensorMap& map, u64* barrier, int column, int row, int head, int batch) {
	asm volatile(
		"cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];"
		::"r"(tile_address(half)), "l"(&map), "r"(tile_address(barrier)), "r"(column), "r"(row), "r"(head), "r"(batch)
		: "memory");
}
// Shows what this thread wrote to shared memory to the copy engine and the tensor cores.
DEVICE void publish_shared() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// ---------------------------------------------------------------- registers

// All threads of a group give registers back, or get more: from then on each has COUNT, a multiple of 8.
template <int COUNT> DEVICE void registers_down() { asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COUNT)); }
template <int COUNT> DEVICE void registers_up() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COUNT)); }

// ---------------------------------------------------------------- products of a group
//
// D += A B with A [64 x 16] and D [64 x COLUMNS], one group; warp w has rows 16w .. + 16, and within it D and an A in
// registers are the fragments of `device.cuh`: d[n] is columns 8n .. + 8 of its 16 rows.
//
// From `wgmma_fence` to the `wgmma_wait` that covers a product, its registers belong to the tensor cores, A's too.

// After registers of coming products were written, before the first of them is issued.
DEVICE void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
// Closes a batch of products; `wgmma_wait<N>` waits until at most the N youngest batches of this warp are under way.
DEVICE void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> DEVICE void wgmma_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory"); }

#define REGISTERS_64                                                                                                 \
	"{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, " \
	"%24, %25, %26, %27, %28, %29, %30, %31"
#define REGISTERS_128                                                                                                \
	REGISTERS_64 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, " \
	"%51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define REGISTERS_176                                                                                                \
	REGISTERS_128 ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, "     \
	"%82, %83, %84, %85, %86, %87"
#define SUMS_8(n) "+f"(d[n][0]), "+f"(d[n][1]), "+f"(d[n][2]), "+f"(d[n][3])
#define SUMS_64 SUMS_8(0), SUMS_8(1), SUMS_8(2), SUMS_8(3), SUMS_8(4), SUMS_8(5), SUMS_8(6), SUMS_8(7)
#define SUMS_128 SUMS_64, SUMS_8(8), SUMS_8(9), SUMS_8(10), SUMS_8(11), SUMS_8(12), SUMS_8(13), SUMS_8(14), SUMS_8(15)
#define SUMS_176 SUMS_128, SUMS_8(16), SUMS_8(17), SUMS_8(18), SUMS_8(19), SUMS_8(20), SUMS_8(21)

// A B^T with both in shared memory, each 16 columns of halves: see `rows_at`. Without `accumulate` D is overwritten.
#define WGMMA_ROWS(T, KIND, COLUMNS, A, B, ACCUMULATE)                                                               \
	DEVICE void wgmma_rows(float (&d)[COLUMNS / 8][4], u64 a, u64 b, bool accumulate, T) {                           \
		asm volatile("{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, %" ACCUMULATE ", 0;\n"                     \
					 "wgmma.mma_async.sync.aligned.m64n" #COLUMNS "k16.f32." KIND "." KIND " " REGISTERS_##COLUMNS   \
					 "}, %" A ", %" B ", accumulate, 1, 1, 0, 0;\n}"                                                \
					 : SUMS_##COLUMNS : "l"(a), "l"(b), "r"((int)accumulate));                                       \
	}
WGMMA_ROWS(f16, "f16", 64, "32", "33", "34")
WGMMA_ROWS(bf16, "bf16", 64, "32", "33", "34")
WGMMA_ROWS(f16, "f16", 128, "64", "65", "66")
WGMMA_ROWS(bf16, "bf16", 128, "64", "65", "66")
WGMMA_ROWS(f16, "f16", 176, "88", "89", "90")
WGMMA_ROWS(bf16, "bf16", 176, "88", "89", "90")

// A B with A in registers and B in shared memory, 16 rows of halves: see `columns_at`. D is added to.
#define WGMMA_COLUMNS(T, KIND, COLUMNS, A0, A1, A2, A3, B)                                                           \
	DEVICE void wgmma_columns(float (&d)[COLUMNS / 8][4], const u32 (&a)[4], u64 b, T) {                             \
		asm volatile("wgmma.mma_async.sync.aligned.m64n" #COLUMNS "k16.f32." KIND "." KIND " " REGISTERS_##COLUMNS   \
					 "}, {%" A0 ", %" A1 ", %" A2 ", %" A3 "}, %" B ", 1, 1, 1, 1;"                                  \
					 : SUMS_##COLUMNS : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                         \
	}
WGMMA_COLUMNS(f16, "f16", 64, "32", "33", "34", "35", "36")
WGMMA_COLUMNS(bf16, "bf16", 64, "32", "33", "34", "35", "36")
WGMMA_COLUMNS(f16, "f16", 128, "64", "65", "66", "67", "68")
WGMMA_COLUMNS(bf16, "bf16", 128, "64", "65", "66", "67", "68")
#endif

// ---------------------------------------------------------------- where operands lie

// A matrix in shared memory as products take it: bits 0..13 the address, 16..29 from one half to the next, 32..45 from
// eight rows to the next eight, all in 16 bytes; bits 62..63 are 1 for the 128-byte swizzle (PTX ISA, "Matrix
// Descriptor Format").
DEVICE u64 descriptor(const void* at, int half_bytes) {
	return (u64)((tile_address(at) & 0x3ffff) >> 4) | (u64)(half_bytes >> 4) << 16 | (u64)(HALF_ATOM >> 4) << 32 | 1ull << 62;
}
// How far a descriptor moves to columns 16k .. + 16 of a tile of ROWS rows, whose own 8-row groups are taken as they
// are: an operand of `wgmma_rows`.
template <int ROWS> DEVICE constexpr u64 rows_at(int k) { return (k / 4 * ROWS * HALF_ROW + k % 4 * 32) >> 4; }
// And to its rows 16k .. + 16: an operand of `wgmma_columns`.
DEVICE constexpr u64 columns_at(int k) { return k * 16 * HALF_ROW >> 4; }
