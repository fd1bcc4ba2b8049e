// What the device gives at most: the bounds that a bench divides by. Not part of any computation.
//
// Shapes: `ceiling_mma_*` any number of blocks of 128 threads; `ceiling_copy` any of 256. No shared memory.
// Reference: the loops as they stand (emulation/tests/ceiling.rs).
#include "device.cuh"

constexpr int CHAINS = 8;	// independent sums per warp: enough to hide the latency of one mma behind the others
constexpr int COPIES = 4;	// 16-byte loads under way per thread

// Every warp multiplies the fragments that it finds at its lane (`operands`: 32 x 6 words, four of A and two of B)
// `steps` x CHAINS times and adds its sums to one value per thread, so that nothing can be left out:
// out[block * 128 + thread] = the sum of the thread's 4 x CHAINS accumulators. Operations: 4096 per mma and warp.
template <class T> DEVICE void multiply(float* out, const u32* operands, int steps) {
	const u32* mine = operands + threadIdx.x % WARP * 6;
	u32 a[4] = {mine[0], mine[1], mine[2], mine[3]}, b[2] = {mine[4], mine[5]};
	float sums[CHAINS][4];
	UNROLL for (int c = 0; c < CHAINS; c++) UNROLL for (int i = 0; i < 4; i++) sums[c][i] = (float)c;
	NO_UNROLL for (int step = 0; step < steps; step++) {
		UNROLL for (int c = 0; c < CHAINS; c++) mma(sums[c], a, b, T{});
	}
	float total = 0.f;
	UNROLL for (int c = 0; c < CHAINS; c++) UNROLL for (int i = 0; i < 4; i++) total += sums[c][i];
	out[blockIdx.x * blockDim.x + threadIdx.x] = total;
}

#define INSTANTIATE(name, type)                                              \
	KERNEL(name)(float* out, const u32* operands, int steps) {               \
		multiply<type>(out, operands, steps);                                \
	}                                                                        \
	EXPORT_KERNEL(name)

INSTANTIATE(ceiling_mma_f16, f16)
INSTANTIATE(ceiling_mma_bf16, bf16)

// Copies `count` values of 16 bytes.
KERNEL(ceiling_copy)(Vec16* out, const Vec16* in, u64 count) {
	u64 stride = (u64)gridDim.x * blockDim.x;
	for (u64 first = (u64)blockIdx.x * blockDim.x + threadIdx.x; first < count; first += stride * COPIES) {
		Vec16 values[COPIES];
		UNROLL for (int i = 0; i < COPIES; i++)
			if (first + i * stride < count) values[i] = in[first + i * stride];
		UNROLL for (int i = 0; i < COPIES; i++)
			if (first + i * stride < count) out[first + i * stride] = values[i];
	}
}
EXPORT_KERNEL(ceiling_copy)
