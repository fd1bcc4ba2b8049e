//! Attention in f64, forward and backward: what every `Fast` kernel approximates.
//!
//! Plain loops over the definition, on the very 16-bit inputs that the kernels get. Tests and the check on a GPU use
//! it; it is far too slow for anything else.

use super::{Attention, Precision, Strides};

impl Precision {
	/// Half the distance from 1 to the next number: the relative error of one rounding.
	pub const fn epsilon(self) -> f64 {
		match self {
			Self::F16 => 1.0 / 2048.0,
			Self::Bf16 => 1.0 / 256.0,
		}
	}

	/// The value of these bits.
	pub fn value(self, bits: u16) -> f64 {
		let wide = u32::from(bits);
		if self == Self::Bf16 {
			return f64::from(f32::from_bits(wide << 16));
		}
		let sign = if wide >> 15 == 1 { -1.0 } else { 1.0 };
		let fraction = f64::from(wide & 0x3ff);
		sign * match wide >> 10 & 31 {
			0 => fraction * 2f64.powi(-24),
			31 if fraction == 0.0 => f64::INFINITY,
			31 => f64::NAN,
			exponent => (1024.0 + fraction) * 2f64.powi(exponent as i32 - 25),
		}
	}

	/// The bits of the number next to `value`, ties to even.
	pub fn round(self, value: f64) -> u16 {
		let (digits, least, overflow) = match self {
			Self::F16 => (10, -14, 65520.0),
			Self::Bf16 => (7, -126, f64::from(f32::MAX)),
		};
		let sign = u16::from(value.is_sign_negative()) << 15;
		let infinity = match self {
			Self::F16 => 0x7c00,
			Self::Bf16 => 0x7f80,
		};
		let size = value.abs();
		if size.is_nan() {
			return 0x7fff;
		}
		if size >= overflow {
			return sign | infinity;
		}
		// The exponent of the number's last digit; subnormal numbers share the least.
		let exponent = if size == 0.0 { least } else { ((size.to_bits() >> 52) as i32 - 1023).max(least) };
		let units = (size * 2f64.powi(digits - exponent)).round_ties_even() as i32;
		// A carry out of the fraction lands in the exponent, as it should.
		sign | (((exponent - least) << digits) + units) as u16
	}
}

/// Bits of `count` numbers with about the distribution of activations (mean 0, variance 1), a function of the seed.
pub fn random(seed: u64, count: usize, precision: Precision) -> Vec<u16> {
	// xorshift64*; the sum of four uniform numbers is near enough to normal.
	let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
	let mut uniform = move || {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f64 / (1 << 24) as f64 - 0.5
	};
	let normal = |_| precision.round((uniform() + uniform() + uniform() + uniform()) * 3f64.sqrt());
	(0..count).map(normal).collect()
}

/// An array on the host, as a [`View`](super::View) is one on a device.
#[derive(Clone, Copy)]
pub struct HostView<'a> {
	/// The array.
	pub values: &'a [u16],
	/// The element at which it starts.
	pub start: usize,
	/// How it lies.
	pub strides: Strides,
}

impl<'a> HostView<'a> {
	/// All of an array.
	pub const fn new(values: &'a [u16], strides: Strides) -> Self {
		Self { values, start: 0, strides }
	}
}

/// Which side of an attention a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
	/// Queries, outputs and their gradients.
	Queries,
	/// Keys, values and their gradients.
	Keys,
}

/// A row of an attention: where it stands among all (the order of the log-sum-exp: `[B, heads, rows]`, packed
/// `[heads, total]`), and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
	/// Its number in the order of the log-sum-exp.
	pub index: usize,
	/// The sequence.
	pub sequence: usize,
	/// The head.
	pub head: usize,
	/// The row within its sequence.
	pub row: usize,
	/// The first row of its sequence in a packed array; 0 in others.
	pub first: usize,
}

impl Row {
	/// The element at which it starts in an array.
	pub const fn start(&self, packed: bool, strides: Strides) -> usize {
		let sequence = if packed { 0 } else { self.sequence * strides.batch };
		sequence + self.head * strides.head + (self.first + self.row) * strides.row
	}
}

/// All rows of one side, in the order of the log-sum-exp.
pub fn rows(attention: &Attention<'_>, side: Side) -> Vec<Row> {
	let heads = match side {
		Side::Queries => attention.shape.query_heads,
		Side::Keys => attention.shape.kv_heads,
	};
	let mut rows = Vec::new();
	for sequence in 0..attention.shape.batch {
		for head in 0..heads {
			for row in 0..length(attention, side, sequence) {
				rows.push(row_of(attention, side, sequence, head, row));
			}
		}
	}
	rows.sort_by_key(|row| row.index);
	rows
}

fn length(attention: &Attention<'_>, side: Side, sequence: usize) -> usize {
	let (queries, keys) = attention.lengths.of(sequence);
	match side {
		Side::Queries => queries.len(),
		Side::Keys => keys.len(),
	}
}

fn row_of(attention: &Attention<'_>, side: Side, sequence: usize, head: usize, row: usize) -> Row {
	let (queries, keys) = attention.lengths.of(sequence);
	let (range, heads, total) = match side {
		Side::Queries => (queries, attention.shape.query_heads, attention.query_rows()),
		Side::Keys => (keys, attention.shape.kv_heads, attention.key_rows()),
	};
	if attention.lengths.is_packed() {
		return Row { index: head * total + range.start + row, sequence, head, row, first: range.start };
	}
	Row { index: (sequence * heads + head) * range.len() + row, sequence, head, row, first: 0 }
}

/// An array of the given length whose rows of one side, laid out as `start` and `strides` say, are [`random`], and which
/// is NaN everywhere else: what a kernel must not read, or must not let count.
pub fn inputs(
	attention: &Attention<'_>,
	side: Side,
	seed: u64,
	length: usize,
	start: usize,
	strides: Strides,
) -> Vec<u16> {
	let (dim, rows) = (attention.shape.head_dim, rows(attention, side));
	let values = random(seed, rows.len() * dim, attention.precision);
	let mut array = vec![NAN; length];
	for (row, values) in rows.iter().zip(values.chunks(dim)) {
		let at = start + row.start(attention.lengths.is_packed(), strides);
		array[at..at + dim].copy_from_slice(values);
	}
	array
}

/// A NaN of either precision.
pub const NAN: u16 = 0x7fff;

/// What [`forward`] computes; rows of queries in the order of the log-sum-exp.
pub struct Forward {
	/// `[rows, D]`.
	pub output: Vec<f64>,
	/// `[rows]`, natural logarithm.
	pub lse: Vec<f64>,
	/// `[rows, D]`: the weighted mean of the values' magnitudes, which a kernel's rounding errors are in proportion to.
	pub magnitude: Vec<f64>,
}

impl Forward {
	/// The largest error of a kernel's output, in units of what may be expected: weights and outputs are rounded once
	/// each, and sums are f32. At most 1 is right; NaN counts as infinitely wrong.
	pub fn output_error(&self, attention: &Attention<'_>, output: HostView<'_>) -> f64 {
		let bound = |size: f64| 2.25 * attention.precision.epsilon() * size + 2e-5;
		let values = gather(attention, Side::Queries, output);
		let errors = self.output.iter().zip(&self.magnitude).zip(values);
		worst(errors.map(|((expected, size), value)| (value - expected).abs() / bound(*size)))
	}

	/// The largest error of a kernel's log-sum-exp, likewise.
	pub fn lse_error(&self, lse: &[f32]) -> f64 {
		let error = |(expected, value): (&f64, &f32)| match *expected == f64::from(*value) {
			true => 0.0,
			false => (expected - f64::from(*value)).abs() / (2e-5 * (1.0 + expected.abs())),
		};
		worst(self.lse.iter().zip(lse).map(error))
	}
}

fn worst(errors: impl Iterator<Item = f64>) -> f64 {
	errors.map(|error| if error.is_nan() { f64::INFINITY } else { error }).fold(0.0, f64::max)
}

/// What [`backward`] computes: gradients of `Σ output · d_output`.
pub struct Gradients {
	/// `[rows of queries, D]`.
	pub queries: Vec<f64>,
	/// `[rows of keys, D]`.
	pub keys: Vec<f64>,
	/// `[rows of keys, D]`.
	pub values: Vec<f64>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
	a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_times(sums: &mut [f64], factor: f64, values: &[f64]) {
	sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

/// The values of one side in the order of its rows.
fn gather(attention: &Attention<'_>, side: Side, view: HostView<'_>) -> Vec<f64> {
	let packed = attention.lengths.is_packed();
	let mut values = Vec::new();
	for row in rows(attention, side) {
		let at = view.start + row.start(packed, view.strides);
		let bits = &view.values[at..at + attention.shape.head_dim];
		values.extend(bits.iter().map(|bits| attention.precision.value(*bits)));
	}
	values
}

/// The keys that a row of queries sees, as the indices of their rows.
fn visible(attention: &Attention<'_>, query: Row) -> std::ops::Range<usize> {
	let (queries, keys) = attention.lengths.of(query.sequence);
	let head = query.head / attention.shape.group();
	let first = row_of(attention, Side::Keys, query.sequence, head, 0).index;
	let seen = match attention.shape.causal {
		true => (query.row + 1 + keys.len()).saturating_sub(queries.len()).min(keys.len()),
		false => keys.len(),
	};
	first..first + seen
}

/// The attention of its definition: `softmax(scale · Q Kᵀ) V`.
pub fn forward(attention: &Attention<'_>, q: HostView<'_>, k: HostView<'_>, v: HostView<'_>) -> Forward {
	let dim = attention.shape.head_dim;
	let queries = gather(attention, Side::Queries, q);
	let (keys, values) = (gather(attention, Side::Keys, k), gather(attention, Side::Keys, v));
	let count = queries.len() / dim;
	let mut out = Forward {
		output: vec![0.0; queries.len()],
		lse: vec![f64::NEG_INFINITY; count],
		magnitude: vec![0.0; queries.len()],
	};
	for row in rows(attention, Side::Queries) {
		let (seen, own) = (visible(attention, row), row.index * dim..(row.index + 1) * dim);
		let query = &queries[own.clone()];
		let scale = f64::from(attention.scale);
		let scores: Vec<f64> =
			seen.clone().map(|j| scale * dot(query, &keys[j * dim..(j + 1) * dim])).collect();
		let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
		let sum: f64 = scores.iter().map(|score| (score - top).exp()).sum();
		if seen.is_empty() {
			continue;
		}
		out.lse[row.index] = top + sum.ln();
		for (j, score) in seen.zip(scores) {
			let (weight, value) = ((score - top).exp() / sum, &values[j * dim..(j + 1) * dim]);
			add_times(&mut out.output[own.clone()], weight, value);
			let sizes = out.magnitude[own.clone()].iter_mut().zip(value);
			sizes.for_each(|(sum, value)| *sum += weight * value.abs());
		}
	}
	out
}

/// The gradients of [`forward`] (Dao et al., FlashAttention, arXiv:2205.14135, appendix B.2).
pub fn backward(
	attention: &Attention<'_>,
	q: HostView<'_>,
	k: HostView<'_>,
	v: HostView<'_>,
	d_output: HostView<'_>,
) -> Gradients {
	let (dim, scale) = (attention.shape.head_dim, f64::from(attention.scale));
	let result = forward(attention, q, k, v);
	let queries = gather(attention, Side::Queries, q);
	let d_output = gather(attention, Side::Queries, d_output);
	let (keys, values) = (gather(attention, Side::Keys, k), gather(attention, Side::Keys, v));
	let mut out = Gradients {
		queries: vec![0.0; queries.len()],
		keys: vec![0.0; keys.len()],
		values: vec![0.0; values.len()],
	};
	for row in rows(attention, Side::Queries) {
		let own = row.index * dim..(row.index + 1) * dim;
		let (query, d_row) = (&queries[own.clone()], &d_output[own.clone()]);
		let delta = dot(d_row, &result.output[own.clone()]);
		for j in visible(attention, row) {
			let theirs = j * dim..(j + 1) * dim;
			let (key, value) = (&keys[theirs.clone()], &values[theirs.clone()]);
			let weight = (scale * dot(query, key) - result.lse[row.index]).exp();
			let d_score = scale * weight * (dot(d_row, value) - delta);
			add_times(&mut out.values[theirs.clone()], weight, d_row);
			add_times(&mut out.queries[own.clone()], d_score, key);
			add_times(&mut out.keys[theirs], d_score, query);
		}
	}
	out
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::attention::{AttentionShape, Lengths};

	#[test]
	fn rounding_should_give_back_every_number_and_halve_the_gaps() {
		for (precision, infinity) in [(Precision::F16, 0x7c00u16), (Precision::Bf16, 0x7f80)] {
			for bits in 0..infinity - 1 {
				let (value, next) = (precision.value(bits), precision.value(bits + 1));
				assert_eq!(precision.round(value), bits);
				assert_eq!(precision.round(-value), bits | 0x8000);
				assert_eq!(precision.round((value + next) / 2.0), bits + (bits & 1), "ties go to even");
				assert_eq!(precision.round(value * 0.501 + next * 0.499), bits);
			}
			assert_eq!(precision.round(f64::INFINITY), infinity);
			assert!(precision.value(precision.round(f64::NAN)).is_nan());
		}
		assert_eq!(Precision::F16.value(0x3c00), 1.0);
		assert_eq!(Precision::Bf16.value(0xc000), -2.0);
	}

	/// The forward pass of one head given as f64, so that inputs can be moved by less than half precision knows.
	fn loss(q: &[f64], k: &[f64], v: &[f64], d_output: &[f64], dim: usize, scale: f64) -> f64 {
		let (queries, keys) = (q.len() / dim, k.len() / dim);
		let mut total = 0.0;
		for i in 0..queries {
			let scores: Vec<f64> = (0..(i + keys + 1 - queries))
				.map(|j| (scale * dot(&q[i * dim..(i + 1) * dim], &k[j * dim..(j + 1) * dim])).exp())
				.collect();
			let sum: f64 = scores.iter().sum();
			for (j, score) in scores.iter().enumerate() {
				total += score / sum * dot(&v[j * dim..(j + 1) * dim], &d_output[i * dim..(i + 1) * dim]);
			}
		}
		total
	}

	#[test]
	fn gradients_should_be_those_of_finite_differences() {
		let (dim, precision) = (64, Precision::F16);
		let shape = AttentionShape { batch: 1, query_heads: 1, kv_heads: 1, head_dim: dim, causal: true };
		let lengths = Lengths::Uniform { queries: 3, keys: 5 };
		let attention = Attention { shape, precision, lengths: &lengths, scale: 0.2 };
		let arrays: Vec<Vec<u16>> =
			[3, 5, 5, 3].iter().zip(1..).map(|(n, seed)| random(seed, n * dim, precision)).collect();
		let view = |i: usize| HostView::new(&arrays[i], Strides::heads_first(1, arrays[i].len() / dim, dim));
		let gradients = backward(&attention, view(0), view(1), view(2), view(3));
		let wide: Vec<Vec<f64>> =
			arrays.iter().map(|array| array.iter().map(|bits| precision.value(*bits)).collect()).collect();
		for (which, gradient) in
			[&gradients.queries, &gradients.keys, &gradients.values].into_iter().enumerate()
		{
			for at in (0..gradient.len()).step_by(7) {
				let moved = |by: f64| {
					let mut inputs = wide.clone();
					inputs[which][at] += by;
					loss(&inputs[0], &inputs[1], &inputs[2], &inputs[3], dim, f64::from(0.2f32))
				};
				let difference = (moved(1e-4) - moved(-1e-4)) / 2e-4;
				assert!((difference - gradient[at]).abs() < 1e-6, "array {which}, value {at}");
			}
		}
	}
}
