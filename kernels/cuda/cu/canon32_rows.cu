// What the `Canon32` profile does to rows: norms and losses, `noesis_canon::soft::leaf` bit for bit.
//
// Shapes   x, y, dx, dy [rows][width] row major; gain, dgain [width]; inverse, losses [rows].
// Plan     a warp per row, four to a block: lane l sums the elements l, l + 32, ... and five shuffles are the tree. The
//          gain's gradient: a thread per column, rows in blocks of 64.
// Shared   none.
// Bound    by memory: rows are read two to four times, mostly from the second-level cache.
#include "canon32.cuh"

using namespace canon32;

namespace {

constexpr int THREADS = 128;
constexpr int ROWS = THREADS / WARP;

// The row of this warp, or -1.
DEVICE i64 own_row(int rows) {
	int row = blockIdx.x * ROWS + threadIdx.x / WARP;
	return row < rows ? row : -1;
}

// e[i] = exp(x[i] / temperature - max); their sum goes out.
DEVICE float exponentials(const float* x, float temperature, int width, float* e, float& most) {
	most = maximum(width, [&](int i) { return div_ieee(x[i], temperature); });
	float sum = 0.f;
	for (int i = threadIdx.x % WARP; i < width; i += WARP) {
		float value = exponential(sub(div_ieee(x[i], temperature), most));
		e[i] = value;
		sum = add_ieee(sum, value);
	}
	return row_tree(sum);
}

}  // namespace

// `leaf::norm`. Grid: rows / 4.
KERNEL(__launch_bounds__(THREADS) canon32_norm)
(float* y, float* inverse, const float* x, const float* gain, float epsilon, int rows, int width) {
	i64 row = own_row(rows);
	if (row < 0) return;
	x += row * width;
	y += row * width;
	float square = row_sum(width, [&](int i) { return mul_ieee(x[i], x[i]); });
	float factor = reciprocal(sqrt_ieee(add_ieee(div_ieee(square, (float)width), epsilon)));
	for (int i = threadIdx.x % WARP; i < width; i += WARP) y[i] = mul_ieee(mul_ieee(x[i], factor), gain[i]);
	if (threadIdx.x % WARP == 0) inverse[row] = factor;
}
EXPORT_KERNEL(canon32_norm)

// `leaf::norm_backward`. Grid: rows / 4.
KERNEL(__launch_bounds__(THREADS) canon32_norm_backward)
(float* dx, const float* x, const float* gain, const float* inverse, const float* dy, int rows, int width) {
	i64 row = own_row(rows);
	if (row < 0) return;
	x += row * width;
	dy += row * width;
	dx += row * width;
	float factor = inverse[row];
	float sum = row_sum(width, [&](int i) { return mul_ieee(mul_ieee(dy[i], gain[i]), mul_ieee(x[i], factor)); });
	float mean = div_ieee(sum, (float)width);
	for (int i = threadIdx.x % WARP; i < width; i += WARP)
		dx[i] = mul_ieee(factor, sub(mul_ieee(dy[i], gain[i]), mul_ieee(mul_ieee(x[i], factor), mean)));
}
EXPORT_KERNEL(canon32_norm_backward)

// dgain[i] = sum over rows of dy * (x * inverse), a blocked sum. Grid: width / 128.
KERNEL(__launch_bounds__(THREADS) canon32_gain_backward)
(float* dgain, const float* x, const float* inverse, const float* dy, int rows, int width) {
	int column = blockIdx.x * THREADS + threadIdx.x;
	if (column >= width) return;
	float total = 0.f;
	for (int start = 0; start < rows; start += BLOCK) {
		float block = 0.f;
		for (int row = start; row < smaller(rows, start + BLOCK); row++) {
			i64 at = (i64)row * width + column;
			block = mul_add(block, dy[at], mul_ieee(x[at], inverse[row]));
		}
		total = add_ieee(total, block);
	}
	dgain[column] = total;
}
EXPORT_KERNEL(canon32_gain_backward)

// `leaf::cross_entropy`; a target of 2^32 - 1 does not count. Grid: rows / 4.
KERNEL(__launch_bounds__(THREADS) canon32_cross_entropy)
(float* losses, float* gradient, const float* logits, const u32* targets, float weight, int rows, int width) {
	i64 row = own_row(rows);
	if (row < 0) return;
	int lane = threadIdx.x % WARP;
	logits += row * width;
	gradient += row * width;
	u32 target = targets[row];
	if (target == 0xffffffffu) {
		for (int i = lane; i < width; i += WARP) gradient[i] = 0.f;
		if (lane == 0) losses[row] = 0.f;
		return;
	}
	float most;
	float sum = exponentials(logits, 1.f, width, gradient, most);
	float inverse = reciprocal(sum);
	for (int i = lane; i < width; i += WARP) {
		float p = mul_ieee(gradient[i], inverse);
		gradient[i] = mul_ieee((u32)i == target ? sub(p, 1.f) : p, weight);
	}
	if (lane == 0) losses[row] = sub(logarithm(sum), sub(logits[target], most));
}
EXPORT_KERNEL(canon32_cross_entropy)

// `leaf::distillation`; `scratch` is as large as the gradient. Grid: rows / 4.
KERNEL(__launch_bounds__(THREADS) canon32_distillation)
(float* losses, float* gradient, float* scratch, const float* student, const float* teacher, float temperature,
 float weight, int rows, int width) {
	i64 row = own_row(rows);
	if (row < 0) return;
	student += row * width;
	teacher += row * width;
	gradient += row * width;
	scratch += row * width;
	float student_most, teacher_most;
	float student_sum = exponentials(student, temperature, width, gradient, student_most);
	float teacher_sum = exponentials(teacher, temperature, width, scratch, teacher_most);
	float student_inverse = reciprocal(student_sum), teacher_inverse = reciprocal(teacher_sum);
	float student_ln = logarithm(student_sum), teacher_ln = logarithm(teacher_sum);
	float divergence = row_sum(width, [&](int i) {
		float ln_p = sub(sub(div_ieee(teacher[i], temperature), teacher_most), teacher_ln);
		float ln_q = sub(sub(div_ieee(student[i], temperature), student_most), student_ln);
		return mul_ieee(mul_ieee(scratch[i], teacher_inverse), sub(ln_p, ln_q));
	});
	for (int i = threadIdx.x % WARP; i < width; i += WARP) {
		float difference = sub(mul_ieee(gradient[i], student_inverse), mul_ieee(scratch[i], teacher_inverse));
		gradient[i] = mul_ieee(mul_ieee(difference, temperature), weight);
	}
	if (threadIdx.x % WARP == 0) losses[row] = mul_ieee(divergence, mul_ieee(temperature, temperature));
}
EXPORT_KERNEL(canon32_distillation)
