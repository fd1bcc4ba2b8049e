// Shows that tiles come as products of four warps want them: the instructions of hopper.cuh against plain arithmetic.
// Nothing but tests and `noesis selftest` launches it.
#include "hopper.cuh"

// by_rows = A B^T and by_columns = A B for A and B [64 x 64] of f16, row major; both f32 [64 x 64]. A and B are maps of
// one half of 64 rows. For by_columns A is in registers. One group; shared memory: A, B, and 128 bytes for a barrier. With
// `wait` zero, the tiles are not waited for: the emulation's tests show that it notices.
KERNEL(probe_wgmma_f16)(float* by_rows, float* by_columns, TENSOR_MAP a_map, TENSOR_MAP b_map, int wait) {
	constexpr int ROWS = 64, COLUMNS = 64, HALF = ROWS * HALF_ROW;
	DYNAMIC_SHARED_TILES(shared);
	u8 *a = shared, *b = shared + HALF;
	u64* barrier = (u64*)(shared + 2 * HALF);
	int lane = threadIdx.x % WARP, row = threadIdx.x / WARP * 16 + lane / 4;
	if (threadIdx.x == 0) {
		barrier_make(barrier, 1);
		barriers_made();
	}
	sync_block();
	if (threadIdx.x == 0) {
		barrier_arrive_for(barrier, 2 * HALF);
		load_half(a, a_map, barrier, 0, 0, 0, 0);
		load_half(b, b_map, barrier, 0, 0, 0, 0);
	}
	if (wait) barrier_wait(barrier, 0);

	float rows[COLUMNS / 8][4], columns[COLUMNS / 8][4] = {};
	u32 registers[ROWS / 16][4];
	UNROLL for (int k = 0; k < ROWS / 16; k++)
		UNROLL for (int i = 0; i < 4; i++)
			registers[k][i] = *(const u32*)(a + halved<ROWS>(row + i % 2 * 8, 2 * k + i / 2) + lane % 4 * 4);
	wgmma_fence();
	UNROLL for (int k = 0; k < COLUMNS / 16; k++)
		wgmma_rows(rows, descriptor(a, 0) + rows_at<ROWS>(k), descriptor(b, 0) + rows_at<ROWS>(k), k > 0, f16{});
	UNROLL for (int k = 0; k < ROWS / 16; k++)
		wgmma_columns(columns, registers[k], descriptor(b, HALF) + columns_at(k), f16{});
	wgmma_commit();
	wgmma_wait<0>();
	UNROLL for (int n = 0; n < COLUMNS / 8; n++)
		UNROLL for (int i = 0; i < 4; i++) {
			int at = (row + i / 2 * 8) * COLUMNS + 8 * n + lane % 4 * 2 + i % 2;
			by_rows[at] = rows[n][i];
			by_columns[at] = columns[n][i];
		}
}
EXPORT_KERNEL(probe_wgmma_f16)
