// Small kernels that show what the device does: the instructions of device.cuh against what the tests expect of them.
// Nothing but tests and `noesis selftest` launches them.
#include "device.cuh"

// out[lane][4] = A [16 x 16] row major times B [16 x 8] column major (`b` holds 8 rows of 16), through shared memory.
// One warp; shared memory: 512 bytes of A, 256 bytes of B.
KERNEL(probe_mma_f16)(float* out, const f16* a, const f16* b) {
	DYNAMIC_SHARED(shared);
	f16* sa = (f16*)shared;
	f16* sb = (f16*)(shared + 512);
	int lane = threadIdx.x;
	copy_async(sa + lane * 8, a + lane * 8, true);
	copy_async(sb + lane % 16 * 8, b + lane % 16 * 8, true);
	copy_commit();
	copy_wait<0>();
	sync_block();
	u32 fa[4], fb[2];
	ldmatrix4(fa, sa + lane % 16 * 16 + lane / 16 * 8);
	ldmatrix2(fb, sb + lane % 8 * 16 + lane / 8 % 2 * 8);
	float d[4] = {0.f, 0.f, 0.f, 0.f};
	mma(d, fa, fb, f16{});
	UNROLL for (int i = 0; i < 4; i++) out[lane * 4 + i] = d[i];
}
EXPORT_KERNEL(probe_mma_f16)

// out[row][column] = A [16 x 32] times B [32 x 8], bytes: A unsigned, B signed, `b` holds 8 rows of 32. One warp.
KERNEL(probe_mma_bytes)(i32* out, const u32* a, const u32* b) {
	int lane = threadIdx.x, g = lane / 4, t = lane % 4;
	u32 fa[4] = {a[g * 8 + t], a[(g + 8) * 8 + t], a[g * 8 + t + 4], a[(g + 8) * 8 + t + 4]};
	u32 fb[2] = {b[g * 8 + t], b[g * 8 + t + 4]};
	i32 d[4] = {0, 0, 0, 0};
	mma(d, fa, fb, u8{}, i8{});
	out[g * 8 + 2 * t] = d[0];
	out[g * 8 + 2 * t + 1] = d[1];
	out[(g + 8) * 8 + 2 * t] = d[2];
	out[(g + 8) * 8 + 2 * t + 1] = d[3];
}
EXPORT_KERNEL(probe_mma_bytes)

// out[block] = sum of a block's 128 values through shared memory. With `barrier` zero, the barrier is left out: the
// emulation's tests show that it notices.
KERNEL(probe_block_sum)(float* out, const float* in, int barrier) {
	DYNAMIC_SHARED(shared);
	float* values = (float*)shared;
	values[threadIdx.x] = in[blockIdx.x * 128 + threadIdx.x];
	if (barrier) sync_block();
	if (threadIdx.x >= 32) return;
	float sum = 0.f;
	UNROLL for (int i = 0; i < 4; i++) sum += values[threadIdx.x + 32 * i];
	sum = sum_lanes<32>(sum);
	if (threadIdx.x == 0) out[blockIdx.x] = sum;
}
EXPORT_KERNEL(probe_block_sum)
