// The matrix product of the `Canon32` profile: `noesis_canon32::matrix::products`, bit for bit.
//
// out[i][j] = sum over k of left(i, k) * right(j, k), in blocks of 64 in ascending k. Element (i, k) of a side lies at
// i * row_step + k * column_step, and one of the steps is 1: so one kernel serves y = x W^T, dx = dy W and dw = dy^T x.
//
// Shapes   left [rows][depth], right [columns][depth], out [rows][columns] row major.
// Plan     a block of 128 threads makes 128 x 64 outputs, a thread 8 x 8: rows 4 ty + {0..3} and 64 more, columns
//          4 tx + {0..3} and 32 more. The depth goes by in slabs of 16, transposed in shared memory; every fourth slab
//          the block sums, in registers, are added to the totals, in registers.
// Shared   (132 + 68) * 16 * 4 = 12800 bytes.
// Bound    by arithmetic: four 16-byte reads of shared memory for 64 products and 64 sums per thread and step.
#include "canon32.cuh"

using namespace canon32;

namespace {

constexpr int THREADS = 128;
constexpr int ROWS = 128, COLUMNS = 64, SLAB = 16;
// Threads side by side along the columns; rows and columns of a thread, in two runs of four.
constexpr int ACROSS = 8, EACH = 8, RUN = 4;
// Distances of two slab lines: a multiple of four floats, and not of all banks.
constexpr int LEFT_STEP = ROWS + 4, RIGHT_STEP = COLUMNS + 4;

struct alignas(16) Float4 {
	float x[RUN];
};

// Brings lines [first, first + LINES) of a side, depths [start, start + SLAB), to `slab[k][line]`; zeros beyond the ends.
// Neighbouring threads read neighbouring addresses.
template <int LINES, int STEP>
DEVICE void load(float* slab, const float* side, int first, int lines, int start, int depth, i64 row_step, i64 column_step) {
	UNROLL for (int i = 0; i < LINES * SLAB / THREADS; i++) {
		int at = i * THREADS + (int)threadIdx.x;
		int line = column_step == 1 ? at / SLAB : at % LINES, k = column_step == 1 ? at % SLAB : at / LINES;
		bool inside = first + line < lines && start + k < depth;
		slab[k * STEP + line] = inside ? side[(first + line) * row_step + (start + k) * column_step] : 0.f;
	}
}

// Two runs of four, `apart` floats apart.
DEVICE void read(float (&out)[EACH], const float* from, int apart) {
	UNROLL for (int run = 0; run < EACH / RUN; run++) {
		Float4 four = *(const Float4*)(from + run * apart);
		UNROLL for (int i = 0; i < RUN; i++) out[run * RUN + i] = four.x[i];
	}
}

}  // namespace

// Grid: columns / 64, rows / 128, both rounded up.
KERNEL(__launch_bounds__(THREADS) canon32_products)
(float* out, const float* left, const float* right, int rows, int columns, int depth, i64 left_row_step,
 i64 left_column_step, i64 right_row_step, i64 right_column_step) {
	DYNAMIC_SHARED(shared);
	float* left_slab = (float*)shared;
	float* right_slab = left_slab + SLAB * LEFT_STEP;
	int first_row = blockIdx.y * ROWS, first_column = blockIdx.x * COLUMNS;
	int tx = threadIdx.x % ACROSS, ty = threadIdx.x / ACROSS;
	float totals[EACH][EACH] = {}, block[EACH][EACH] = {};
	for (int start = 0; start < depth; start += SLAB) {
		load<ROWS, LEFT_STEP>(left_slab, left, first_row, rows, start, depth, left_row_step, left_column_step);
		load<COLUMNS, RIGHT_STEP>(right_slab, right, first_column, columns, start, depth, right_row_step, right_column_step);
		sync_block();
		NO_UNROLL for (int pair = 0; pair < SLAB; pair += 2)
			UNROLL for (int k = pair; k < pair + 2; k++) {
				float l[EACH], r[EACH];
				read(l, left_slab + k * LEFT_STEP + ty * RUN, ROWS / 2);
				read(r, right_slab + k * RIGHT_STEP + tx * RUN, COLUMNS / 2);
				UNROLL for (int i = 0; i < EACH; i++)
					UNROLL for (int j = 0; j < EACH; j++) block[i][j] = mul_add(block[i][j], l[i], r[j]);
			}
		sync_block();
		if ((start + SLAB) % BLOCK == 0 || start + SLAB >= depth) {
			UNROLL for (int i = 0; i < EACH; i++)
				UNROLL for (int j = 0; j < EACH; j++) {
					totals[i][j] = add_ieee(totals[i][j], block[i][j]);
					block[i][j] = 0.f;
				}
		}
	}
	UNROLL for (int i = 0; i < EACH; i++) {
		int row = first_row + i / RUN * (ROWS / 2) + ty * RUN + i % RUN;
		UNROLL for (int j = 0; j < EACH; j++) {
			int column = first_column + j / RUN * (COLUMNS / 2) + tx * RUN + j % RUN;
			if (row < rows && column < columns) out[(i64)row * columns + column] = totals[i][j];
		}
	}
}
EXPORT_KERNEL(canon32_products)
