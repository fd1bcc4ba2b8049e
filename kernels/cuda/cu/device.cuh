// The few device instructions that the kernels are written in, each once for CUDA and once for the emulation.
//
// A kernel file includes this header and nothing else from outside this folder: neither the CUDA headers nor the
// C++ library, so that nvcc, NVRTC and g++ all take the same text. Half-precision values travel as their bits
// (`f16`, `bf16`), packed in pairs in a `u32` with the lower index in the lower half.
//
// Warp-wide instructions (shuffles, ldmatrix, mma) need all 32 lanes. Under the emulation each lane is a fiber and
// a warp-wide instruction is a meeting of them; a lane that stays away is reported, not guessed.
#pragma once

typedef unsigned char u8;
typedef signed char i8;
typedef unsigned short u16;
typedef short i16;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;

struct f16 {
	u16 bits;
};
struct bf16 {
	u16 bits;
};
struct alignas(16) Vec16 {
	u32 word[4];
};

#ifdef NOESIS_EMULATION
#include "emulation.h"
#else
#define DEVICE static __device__ __forceinline__
#define DEVICE_MEMBER __device__ __forceinline__
// Defines a kernel that the launcher finds by this name.
#define KERNEL(name) extern "C" __global__ void name
// Tells the emulation of a kernel; nothing to do on a device.
#define EXPORT_KERNEL(name)
// The block's dynamic shared memory, aligned to 128 bytes.
#define DYNAMIC_SHARED(name) extern __shared__ __align__(128) unsigned char name[]
#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("unroll 1")
#endif

constexpr int WARP = 32;
constexpr u32 ALL_LANES = 0xffffffffu;

// ---------------------------------------------------------------- numbers

#ifndef NOESIS_EMULATION
DEVICE float f16_to_f32(f16 x) {
	float y;
	asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
	return y;
}
DEVICE f16 f32_to_f16(float x) {
	f16 y;
	asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
	return y;
}
DEVICE float bf16_to_f32(bf16 x) { return __uint_as_float((u32)x.bits << 16); }
DEVICE bf16 f32_to_bf16(float x) {
	bf16 y;
	asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
	return y;
}
// (low, high) as two halves of a word, each rounded to nearest even.
DEVICE u32 pack_f16(float low, float high) {
	u32 y;
	asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
	return y;
}
DEVICE u32 pack_bf16(float low, float high) {
	u32 y;
	asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
	return y;
}
// 2^x to about 2 ulp; 2^-inf = 0.
DEVICE float exp2_fast(float x) {
	float y;
	asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
}
DEVICE float log2_fast(float x) {
	float y;
	asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
}
// The larger; a NaN loses against a number. One instruction, which `larger` is not.
DEVICE float max_number(float a, float b) { return fmaxf(a, b); }
// IEEE operations that are never fused or approximated, whatever the compiler's flags.
DEVICE float mul_ieee(float a, float b) { return __fmul_rn(a, b); }
DEVICE float add_ieee(float a, float b) { return __fadd_rn(a, b); }
DEVICE float div_ieee(float a, float b) { return __fdiv_rn(a, b); }
DEVICE float sqrt_ieee(float a) { return __fsqrt_rn(a); }
DEVICE u32 float_bits(float x) { return __float_as_uint(x); }
DEVICE float bits_float(u32 x) { return __uint_as_float(x); }
DEVICE int leading_zeros(u32 x) { return __clz((int)x); }
DEVICE int leading_zeros(u64 x) { return __clzll((i64)x); }
DEVICE u32 mul_high(u32 a, u32 b) { return __umulhi(a, b); }
DEVICE u64 mul_high(u64 a, u64 b) { return __umul64hi(a, b); }
// Four of the eight bytes of (low, high): hexadecimal digit i of the selector (0..7) says which becomes byte i.
DEVICE u32 byte_permute(u32 low, u32 high, u32 selector) { return __byte_perm(low, high, selector); }
#endif

// No constant: NVRTC knows no way to write one.
#define NEGATIVE_INFINITY bits_float(0xff800000u)

template <class T> DEVICE T smaller(T a, T b) { return a < b ? a : b; }
template <class T> DEVICE T larger(T a, T b) { return a > b ? a : b; }
DEVICE constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }

// One way to name either half-precision type in a template.
template <class T> struct Half;
template <> struct Half<f16> {
	static DEVICE_MEMBER float to_f32(f16 x) { return f16_to_f32(x); }
	static DEVICE_MEMBER f16 from_f32(float x) { return f32_to_f16(x); }
	static DEVICE_MEMBER u32 pack(float low, float high) { return pack_f16(low, high); }
};
template <> struct Half<bf16> {
	static DEVICE_MEMBER float to_f32(bf16 x) { return bf16_to_f32(x); }
	static DEVICE_MEMBER bf16 from_f32(float x) { return f32_to_bf16(x); }
	static DEVICE_MEMBER u32 pack(float low, float high) { return pack_bf16(low, high); }
};

// ---------------------------------------------------------------- meetings

#ifndef NOESIS_EMULATION
DEVICE void sync_block() { __syncthreads(); }
DEVICE void sync_warp() { __syncwarp(); }
template <class T> DEVICE T shuffle_xor(T x, int mask) { return __shfl_xor_sync(ALL_LANES, x, mask); }
template <class T> DEVICE T shuffle(T x, int lane) { return __shfl_sync(ALL_LANES, x, lane); }
template <class T> DEVICE T shuffle_down(T x, int by) { return __shfl_down_sync(ALL_LANES, x, by); }
// True in every lane when it is true in any.
DEVICE bool any_lane(bool x) { return __any_sync(ALL_LANES, x); }
#endif

// ---------------------------------------------------------------- shared memory

#ifndef NOESIS_EMULATION
// Adds to a word that other threads add to as well; integers only, so that the order does not matter.
DEVICE void atomic_add(u32* p, u32 x) { atomicAdd(p, x); }
DEVICE u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// Copies 16 bytes to shared memory in the background, or writes zeros where `valid` is false (the source is then
// not read, but must still be an address of the same allocation). Both sides aligned to 16 bytes.
DEVICE void copy_async(void* shared, const void* global, bool valid) {
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
				 :: "r"(shared_address(shared)), "l"(global), "r"(valid ? 16 : 0)
				 : "memory");
}
// Closes a group of copies; `copy_wait<N>` waits until at most the N youngest groups of this thread are under way.
// Other threads see the bytes after a `sync_block` that follows the wait.
DEVICE void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> DEVICE void copy_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }

// Four (two) 8x8 matrices of 16-bit values: lane 8i+r gives the address of row r of matrix i (16 bytes, aligned);
// each lane gets columns 2(lane%4) and 2(lane%4)+1 of row lane/4. With `trans` the matrices come transposed.
DEVICE void ldmatrix4(u32 (&out)[4], const void* row) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
				 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3]) : "r"(shared_address(row)) : "memory");
}
DEVICE void ldmatrix4_trans(u32 (&out)[4], const void* row) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
				 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3]) : "r"(shared_address(row)) : "memory");
}
DEVICE void ldmatrix2(u32 (&out)[2], const void* row) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
				 : "=r"(out[0]), "=r"(out[1]) : "r"(shared_address(row)) : "memory");
}
DEVICE void ldmatrix2_trans(u32 (&out)[2], const void* row) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
				 : "=r"(out[0]), "=r"(out[1]) : "r"(shared_address(row)) : "memory");
}
#endif

// ---------------------------------------------------------------- tensor cores
//
// D += A B with A [16 x K] row major and B [K x 8] column major, one warp. Fragments, g = lane / 4, t = lane % 4
// (PTX ISA, "Matrix Fragments for mma.m16n8k16" and "... m16n8k32"):
//   A, 16-bit, K = 16: a[0] = (g, 2t..2t+1), a[1] = (g+8, 2t..), a[2] = (g, 2t+8..), a[3] = (g+8, 2t+8..)
//   B, 16-bit, K = 16: b[0] = (k = 2t..2t+1, n = g), b[1] = (k = 2t+8.., n = g)
//   A,  8-bit, K = 32: a[0] = (g, 4t..4t+3), a[1] = (g+8, 4t..), a[2] = (g, 4t+16..), a[3] = (g+8, 4t+16..)
//   B,  8-bit, K = 32: b[0] = (k = 4t..4t+3, n = g), b[1] = (k = 4t+16.., n = g)
//   D, 32-bit:         d[0], d[1] = (g, 2t), (g, 2t+1); d[2], d[3] = (g+8, 2t), (g+8, 2t+1)
#ifndef NOESIS_EMULATION
DEVICE void mma(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], f16) {
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
				 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
				 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
DEVICE void mma(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], bf16) {
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
				 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
				 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
// 8-bit integers; the sums wrap at 32 bits, so callers bound them. `i8, i8`: both signed, and so on.
DEVICE void mma(i32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], i8, i8) {
	asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
				 : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
				 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
DEVICE void mma(i32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], u8, i8) {
	asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
				 : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
				 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
DEVICE void mma(i32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], i8, u8) {
	asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
				 : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
				 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
DEVICE void mma(i32 (&d)[4], const u32 (&a)[4], const u32 (&b)[2], u8, u8) {
	asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.u8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
				 : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
				 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

// ---------------------------------------------------------------- across lanes

// The sum (maximum) over the lanes of each group of `N` neighbours, the same bits in every lane of the group.
template <int N, class T> DEVICE T sum_lanes(T x) {
	UNROLL for (int by = N / 2; by > 0; by /= 2) x += shuffle_xor(x, by);
	return x;
}
template <int N, class T> DEVICE T max_lanes(T x) {
	UNROLL for (int by = N / 2; by > 0; by /= 2) x = larger(x, shuffle_xor(x, by));
	return x;
}
