//! The rows that operations are made of: what a dispute's last step executes, and what the fast loops must equal.

use super::{
	functions::{rsqrt, sigmoid, silu, silu_slope},
	sums::{blocked_sum, dot, maximum, row_sum},
	Real,
};

/// A length as a number. Lengths are below 2^24, so it is exact.
#[inline(always)]
pub fn count<T: Real>(length: usize) -> T {
	T::from_i32(length as i32)
}

/// RMSNorm's factor: `1 / √(Σ x² / n + epsilon)`, the sum a [`row_sum`].
#[inline(always)]
pub fn inverse_rms<T: Real>(x: &[T], epsilon: T) -> T {
	rsqrt(row_sum(x.len(), |i| x[i] * x[i]) / count(x.len()) + epsilon)
}

/// RMSNorm of a row: `y = (x · inverse) · gain`; gives the factor. All slices have the same length.
#[inline(always)]
pub fn norm<T: Real>(x: &[T], gain: &[T], epsilon: T, y: &mut [T]) -> T {
	let inverse = inverse_rms(x, epsilon);
	for ((y, &x), &gain) in y.iter_mut().zip(x).zip(gain) {
		*y = x * inverse * gain;
	}
	inverse
}

/// Backwards through [`norm`]: with `h = dy · gain` and `u = x · inverse`,
/// `dx = inverse · (h - u · (Σ h · u / n))`, the sum a [`row_sum`].
#[inline(always)]
pub fn norm_backward<T: Real>(x: &[T], gain: &[T], inverse: T, dy: &[T], dx: &mut [T]) {
	let mean = row_sum(x.len(), |i| (dy[i] * gain[i]) * (x[i] * inverse)) / count(x.len());
	for (i, dx) in dx.iter_mut().enumerate() {
		*dx = inverse * (dy[i] * gain[i] - x[i] * inverse * mean);
	}
}

/// Turns a pair: `(x0 · c - x1 · s, x0 · s + x1 · c)`. Backwards is the same with `-s`.
#[inline(always)]
pub fn rotate<T: Real>(x0: T, x1: T, c: T, s: T) -> (T, T) {
	(x0 * c - x1 * s, x0 * s + x1 * c)
}

/// The gate of the feed-forward: `silu(gate) · up`.
#[inline(always)]
pub fn gated<T: Real>(gate: T, up: T) -> T {
	silu(gate) * up
}

/// Backwards through [`gated`]: the gradients of gate and up.
#[inline(always)]
pub fn gated_backward<T: Real>(gate: T, up: T, d: T) -> (T, T) {
	(d * up * silu_slope(gate), d * (gate * sigmoid(gate)))
}

/// One query over the keys it may see: `out = (Σ e · v) · (1 / Σ e)` with `e = exp(q·k · scale - max)`.
///
/// Row `j` of `keys` and `values` starts at `j · query.len()`; `weights` has one place per key, at least one. The sums
/// are [`blocked_sum`]s, in the order of the keys. Gives the largest score and the denominator's reciprocal.
pub fn attend<T: Real>(
	query: &[T],
	keys: &[T],
	values: &[T],
	scale: T,
	weights: &mut [T],
	out: &mut [T],
) -> (T, T) {
	let width = query.len();
	for (weight, key) in weights.iter_mut().zip(keys.chunks_exact(width)) {
		*weight = dot(query, key) * scale;
	}
	let largest = maximum(weights.len(), |j| weights[j]);
	for weight in weights.iter_mut() {
		*weight = (*weight - largest).exp();
	}
	let inverse = T::ONE / blocked_sum(weights.len(), |j| weights[j]);
	for (c, out) in out.iter_mut().enumerate() {
		*out = blocked_sum(weights.len(), |j| weights[j] * values[j * width + c]) * inverse;
	}
	(largest, inverse)
}

/// The loss of a row of logits, `ln Σ e - (logit of target - max)`, and `gradient = (softmax - one-hot) · weight`.
///
/// `e = exp(logit - max)`, softmax `e · (1 / Σ e)`, the sum a [`row_sum`]. `target < logits.len()`.
#[inline(always)]
pub fn cross_entropy<T: Real>(logits: &[T], target: usize, weight: T, gradient: &mut [T]) -> T {
	let (largest, sum) = exponentials(logits, T::ONE, gradient);
	let inverse = T::ONE / sum;
	let hot = (gradient[target] * inverse - T::ONE) * weight;
	for g in gradient.iter_mut() {
		*g = *g * inverse * weight;
	}
	gradient[target] = hot;
	sum.ln() - (logits[target] - largest)
}

/// Kullback-Leibler divergence of a student's row of logits from its teacher's at a temperature, times its square,
/// and the gradient of the student's logits, `((q - p) · temperature) · weight`.
///
/// With `u = student / temperature`, `q = e · (1 / Σ e)`, `ln q = (u - max) - ln Σ e`, `p` and `ln p` likewise of the
/// teacher, the loss is `(Σ p · (ln p - ln q)) · (temperature · temperature)`. All sums are [`row_sum`]s. `scratch` and
/// `gradient` are as long as the rows.
#[inline(always)]
pub fn distillation<T: Real>(
	student: &[T],
	teacher: &[T],
	temperature: T,
	weight: T,
	scratch: &mut [T],
	gradient: &mut [T],
) -> T {
	let (student_largest, student_sum) = exponentials(student, temperature, gradient);
	let (teacher_largest, teacher_sum) = exponentials(teacher, temperature, scratch);
	let (student_inverse, teacher_inverse) = (T::ONE / student_sum, T::ONE / teacher_sum);
	let (student_ln, teacher_ln) = (student_sum.ln(), teacher_sum.ln());
	let divergence = row_sum(student.len(), |i| {
		let ln_p = teacher[i] / temperature - teacher_largest - teacher_ln;
		let ln_q = student[i] / temperature - student_largest - student_ln;
		scratch[i] * teacher_inverse * (ln_p - ln_q)
	});
	for (g, &p) in gradient.iter_mut().zip(scratch.iter()) {
		*g = (*g * student_inverse - p * teacher_inverse) * temperature * weight;
	}
	divergence * (temperature * temperature)
}

/// `e = exp(x / temperature - max)` of a row; gives the maximum and the [`row_sum`]. Division by one is exact.
#[inline(always)]
fn exponentials<T: Real>(x: &[T], temperature: T, e: &mut [T]) -> (T, T) {
	let largest = maximum(x.len(), |i| x[i] / temperature);
	for (e, &x) in e.iter_mut().zip(x) {
		*e = (x / temperature - largest).exp();
	}
	(largest, row_sum(e.len(), |i| e[i]))
}

/// One step of AdamW, the same for every weight.
#[derive(Clone, Copy, Debug)]
pub struct AdamW<T> {
	/// Learning rate.
	pub rate: T,
	/// Decay of the first moment, in `[0, 1)`.
	pub beta1: T,
	/// Decay of the second moment, in `[0, 1)`.
	pub beta2: T,
	/// Keeps the quotient finite, above 0.
	pub epsilon: T,
	/// Weight decay.
	pub decay: T,
	/// `1 - beta1^step`, the power by [`functions::power`](super::functions::power).
	pub correction1: T,
	/// `1 - beta2^step`.
	pub correction2: T,
	/// What gradients are multiplied by first: see [`clip`].
	pub clip: T,
}

impl<T: Real> AdamW<T> {
	/// A weight, its gradient and its two moments:
	///
	/// `g = gradient · clip`, `m = beta1 · m + (1 - beta1) · g`, `v = beta2 · v + (1 - beta2) · (g · g)`,
	/// `w = w - rate · ((m / correction1) / (√(v / correction2) + epsilon) + decay · w)`.
	#[inline(always)]
	pub fn apply(&self, weight: &mut T, gradient: T, first: &mut T, second: &mut T) {
		let g = gradient * self.clip;
		*first = self.beta1 * *first + (T::ONE - self.beta1) * g;
		*second = self.beta2 * *second + (T::ONE - self.beta2) * (g * g);
		let scaled = (*first / self.correction1) / ((*second / self.correction2).sqrt() + self.epsilon);
		*weight = *weight - self.rate * (scaled + self.decay * *weight);
	}
}

/// What brings a gradient of a squared norm down to a norm: `most / √square` where that is below one, else one.
#[inline(always)]
pub fn clip<T: Real>(square: T, most: T) -> T {
	let norm = square.sqrt();
	if norm > most {
		most / norm
	} else {
		T::ONE
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::soft::F32;
	use proptest::prelude::*;

	fn soft(values: &[f32]) -> Vec<F32> {
		values.iter().map(|v| F32::from_bits(v.to_bits())).collect()
	}

	fn bits(values: &[F32]) -> Vec<u32> {
		values.iter().map(|v| v.to_bits()).collect()
	}

	fn hard_bits(values: &[f32]) -> Vec<u32> {
		values.iter().map(|v| v.to_bits()).collect()
	}

	/// Four rows of one length.
	fn rows() -> impl Strategy<Value = [Vec<f32>; 4]> {
		let row = |n| proptest::collection::vec(-8.0f32..8.0, n);
		(1usize..200).prop_flat_map(move |n| [row(n), row(n), row(n), row(n)])
	}

	/// A row function's outputs in soft-float and in hardware.
	macro_rules! both {
		($rows:expr, |$a:ident, $b:ident, $c:ident, $out:ident| $body:expr) => {{
			let [a, b, c, _] = $rows;
			let hard = {
				let ($a, $b, $c, mut out) = (&a[..], &b[..], &c[..], vec![0.0f32; a.len()]);
				let $out = &mut out[..];
				let value: f32 = $body;
				(value.to_bits(), hard_bits(&out))
			};
			let (a, b, c) = (soft(&a), soft(&b), soft(&c));
			let mut out = vec![F32::ZERO; a.len()];
			let soft = {
				let ($a, $b, $c, $out) = (&a[..], &b[..], &c[..], &mut out[..]);
				let value: F32 = $body;
				(value.to_bits(), bits(&out))
			};
			prop_assert_eq!(soft, hard);
		}};
	}

	/// `2^-n`.
	fn small<T: Real>(n: u32) -> T {
		T::from_bits((127 - n) << 23)
	}

	proptest! {
		#[test]
		fn rows_should_have_the_same_bits_in_soft_float_and_hardware(rows in rows()) {
			both!(rows.clone(), |x, gain, _dy, y| norm(x, gain, small(17), y));
			both!(rows.clone(), |x, gain, dy, dx| {
				let inverse = inverse_rms(x, small(17));
				norm_backward(x, gain, inverse, dy, dx);
				inverse
			});
			both!(rows.clone(), |x, gain, dy, out| {
				for i in 0..out.len() {
					let (a, b) = rotate(x[i], gain[i], dy[i], small(1));
					let (c, d) = gated_backward(a, b, dy[i]);
					out[i] = c + d + gated(a, b);
				}
				out[0]
			});
			both!(rows.clone(), |logits, _b, _c, gradient| cross_entropy(logits, logits.len() / 2, small(3), gradient));
			both!(rows.clone(), |student, teacher, other, gradient| {
				let mut scratch = other.to_vec();
				distillation(student, teacher, small(1), small(3), &mut scratch, gradient)
			});
			both!(rows.clone(), |x, y, z, out| {
				let width = x.len().div_ceil(4);
				let keys = x.len() / width;
				let mut weights = z[..keys].to_vec();
				let (largest, inverse) = attend(&z[..width], x, y, small(3), &mut weights, &mut out[..width]);
				largest + inverse
			});
			both!(rows, |x, y, z, out| {
				let step = AdamW {
					rate: small(10), beta1: small(1), beta2: small(2), epsilon: small(20),
					decay: small(6), correction1: small(1), correction2: small(2), clip: clip(x[0] * x[0], small(1)),
				};
				for i in 0..out.len() {
					let (mut first, mut second) = (z[i], y[i] * y[i]);
					out[i] = x[i];
					step.apply(&mut out[i], y[i], &mut first, &mut second);
					out[i] = out[i] + first + second;
				}
				step.clip
			});
		}
	}

	#[test]
	fn softmax_gradient_should_sum_to_zero_and_the_loss_be_the_real_one() {
		let logits = [1.0f32, 2.0, 3.0];
		let mut gradient = [0.0f32; 3];
		let loss = cross_entropy(&logits, 2, 1.0, &mut gradient);
		assert!((f64::from(loss) - 0.407_605_964_444_380_1).abs() < 1e-7);
		assert!(gradient.iter().sum::<f32>().abs() < 3e-7);
		assert_eq!(distillation(&logits, &logits, 2.0, 1.0, &mut [0.0; 3], &mut gradient), 0.0);
		assert_eq!(gradient, [0.0; 3]);
	}

	#[test]
	fn clip_should_leave_small_gradients_alone() {
		assert_eq!(clip(4.0f32, 1.0), 0.5);
		assert_eq!(clip(0.25f32, 1.0), 1.0);
		assert_eq!(clip(0.0f32, 0.0), 1.0);
	}
}
