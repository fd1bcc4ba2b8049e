//! `Canon32` in steps small enough for a chain.
//!
//! A **step** makes a short vector of numbers out of a few others. Every operation of the profile, forward and backward, is
//! a row of steps (`docs/canon32.md` lists them): matrix products and long sums run along a chain, each step taking what
//! the one before has summed and adding its part. Because sums have one order and each step rounds as the operation does,
//! the last step's numbers are the operation's to the bit.
//!
//! A step's inputs take at most [`MAX_INPUT_BYTES`], so it has at most 8192 multiplications; it gives at most
//! [`MAX_LEAF_BYTES`].

use super::{
	functions::{sigmoid, silu, silu_slope},
	leaf,
	sums::{add_to_lanes, blocked_sum_from, fold, maximum, LANES},
	Real, F32,
};
use crate::graph::{MAX_INPUT_BYTES, MAX_LEAF_BYTES};
use alloc::{vec, vec::Vec};

/// Bytes of a number.
const WIDTH: usize = 4;

/// What a step computes from its pieces, which are named in their order.
///
/// `before` is what the step before it in a chain gave, or nothing at the chain's beginning. Each part of a blocked sum begins a
/// block of its own; the terms before a part of a row sum were whole rounds of 32.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Step {
	/// `before`, a vector and rows of its length: adds to the blocked sum of each row's products with the vector.
	Dots = 0,
	/// `before`, a weight for each of some rows and the rows: adds to the blocked sum of each column's weighted numbers.
	Weighted = 1,
	/// `before` and terms: adds to their blocked sum.
	Sum = 2,
	/// `before` and terms: adds to the 32 lanes of their row sum.
	Lanes = 3,
	/// The lanes: the row sum.
	Fold = 4,
	/// `before` and numbers: the largest, plus `+0`.
	Largest = 5,
	/// Two vectors of the same length, or a vector and one number: sums.
	Add = 6,
	/// The same: differences.
	Subtract = 7,
	/// The same: products.
	Multiply = 8,
	/// The same: quotients.
	Divide = 9,
	/// A vector: square roots.
	Root = 10,
	/// A vector: `e^x`.
	Exponential = 11,
	/// A vector: natural logarithms.
	Logarithm = 12,
	/// A vector: sigmoids.
	Sigmoid = 13,
	/// A vector: `silu(x)`.
	Silu = 14,
	/// A vector: the slopes of silu.
	SiluSlope = 15,
	/// Pairs, and a cosine and a sine for each: the pairs, turned.
	Rotate = 16,
	/// The square of a norm, and the most that the norm may be: what gradients are multiplied by.
	Clip = 17,
}

impl Step {
	/// All steps, each at its number.
	pub const ALL: [Self; 18] = [
		Self::Dots,
		Self::Weighted,
		Self::Sum,
		Self::Lanes,
		Self::Fold,
		Self::Largest,
		Self::Add,
		Self::Subtract,
		Self::Multiply,
		Self::Divide,
		Self::Root,
		Self::Exponential,
		Self::Logarithm,
		Self::Sigmoid,
		Self::Silu,
		Self::SiluSlope,
		Self::Rotate,
		Self::Clip,
	];

	/// The step with this number.
	pub fn from_number(number: u8) -> Option<Self> {
		Self::ALL.get(usize::from(number)).copied()
	}

	/// Runs the step on any kind of number. `None` when the pieces do not fit the step.
	pub fn run<T: Real>(self, pieces: &[&[T]]) -> Option<Vec<T>> {
		match (self, pieces) {
			(Self::Dots, &[before, left, rows]) => {
				let count = divide(rows.len(), left.len())?;
				let sums = started(before, count)?.into_iter().zip(rows.chunks_exact(left.len()));
				Some(sums.map(|(sum, row)| blocked_sum_from(sum, row.len(), |i| left[i] * row[i])).collect())
			},
			(Self::Weighted, &[before, weights, rows]) => {
				let width = divide(rows.len(), weights.len())?;
				let sums = started(before, width)?.into_iter().enumerate();
				let term = |column| move |row: usize| weights[row] * rows[row * width + column];
				Some(sums.map(|(column, sum)| blocked_sum_from(sum, weights.len(), term(column))).collect())
			},
			(Self::Sum, &[before, terms]) => {
				let sum = started(before, 1)?[0];
				Some(vec![blocked_sum_from(sum, terms.len(), |i| terms[i])])
			},
			(Self::Lanes, &[before, terms]) => {
				let mut lanes = started(before, LANES)?.try_into().ok()?;
				add_to_lanes(&mut lanes, terms.len(), |i| terms[i]);
				Some(lanes.into())
			},
			(Self::Fold, &[lanes]) => Some(vec![fold(lanes.try_into().ok()?)]),
			(Self::Largest, &[before, values]) => {
				let value = |i: usize| values.get(i).or(before.first()).copied().unwrap_or(T::ZERO);
				(before.len() <= 1).then(|| vec![maximum(values.len() + before.len(), value)])
			},
			(Self::Add, &[a, b]) => pairwise(a, b, |a, b| a + b),
			(Self::Subtract, &[a, b]) => pairwise(a, b, |a, b| a - b),
			(Self::Multiply, &[a, b]) => pairwise(a, b, |a, b| a * b),
			(Self::Divide, &[a, b]) => pairwise(a, b, |a, b| a / b),
			(Self::Root, &[x]) => Some(x.iter().map(|x| x.sqrt()).collect()),
			(Self::Exponential, &[x]) => Some(x.iter().map(|x| x.exp()).collect()),
			(Self::Logarithm, &[x]) => Some(x.iter().map(|x| x.ln()).collect()),
			(Self::Sigmoid, &[x]) => Some(x.iter().map(|&x| sigmoid(x)).collect()),
			(Self::Silu, &[x]) => Some(x.iter().map(|&x| silu(x)).collect()),
			(Self::SiluSlope, &[x]) => Some(x.iter().map(|&x| silu_slope(x)).collect()),
			(Self::Rotate, &[x, cos, sin]) => {
				let fits = x.len() == 2 * cos.len() && cos.len() == sin.len();
				let turns = x.chunks_exact(2).zip(cos.iter().zip(sin));
				let turned = turns.flat_map(|(pair, (&cos, &sin))| {
					let (x, y) = leaf::rotate(pair[0], pair[1], cos, sin);
					[x, y]
				});
				fits.then(|| turned.collect())
			},
			(Self::Clip, &[&[square], &[most]]) => Some(vec![leaf::clip(square, most)]),
			_ => None,
		}
	}

	/// Runs the step by integer instructions on bytes that anybody sent: binary32, little endian.
	///
	/// Total. `None` when the pieces do not fit the step or its bounds, and when a number, in or out, is not finite: a job
	/// with such a number has failed.
	pub fn evaluate(self, pieces: &[&[u8]]) -> Option<Vec<u8>> {
		let given = pieces.iter().try_fold(0usize, |sum, piece| sum.checked_add(piece.len()))?;
		if given > MAX_INPUT_BYTES as usize {
			return None;
		}
		let pieces: Vec<Vec<F32>> = pieces.iter().map(|piece| read(piece)).collect::<Option<_>>()?;
		let pieces: Vec<&[F32]> = pieces.iter().map(Vec::as_slice).collect();
		let result = self.run(&pieces)?;
		let fits = (1..=MAX_LEAF_BYTES as usize / WIDTH).contains(&result.len());
		(fits && result.iter().all(|x| x.is_finite()))
			.then(|| result.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect())
	}
}

/// Finite numbers; `None` when they are no such.
fn read(bytes: &[u8]) -> Option<Vec<F32>> {
	let number = |b: &[u8]| F32::from_bits(u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
	let numbers: Vec<F32> = bytes.chunks_exact(WIDTH).map(number).collect();
	(bytes.len().is_multiple_of(WIDTH) && numbers.iter().all(|x| x.is_finite())).then_some(numbers)
}

/// How often `part` goes into `whole`: at least once, and wholly.
fn divide(whole: usize, part: usize) -> Option<usize> {
	let times = whole.checked_div(part)?;
	(times > 0 && whole == times * part).then_some(times)
}

/// What a chain has summed before: zeros at its beginning.
fn started<T: Real>(before: &[T], count: usize) -> Option<Vec<T>> {
	match before.len() {
		0 => Some(vec![T::ZERO; count]),
		length => (length == count).then(|| before.to_vec()),
	}
}

/// One result for each number of `a`, with the number of `b` at the same place or with its only one.
fn pairwise<T: Real>(a: &[T], b: &[T], of: impl Fn(T, T) -> T) -> Option<Vec<T>> {
	match b {
		&[b] => Some(a.iter().map(|&a| of(a, b)).collect()),
		_ => (a.len() == b.len()).then(|| a.iter().zip(b).map(|(&a, &b)| of(a, b)).collect()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn bytes(values: &[f32]) -> Vec<u8> {
		values.iter().flat_map(|x| x.to_le_bytes()).collect()
	}

	fn evaluate(step: Step, pieces: &[&[f32]]) -> Option<Vec<u8>> {
		let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| bytes(piece)).collect();
		let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
		step.evaluate(&pieces)
	}

	#[test]
	fn numbers_should_name_steps() {
		for (number, step) in (0u8..).zip(Step::ALL) {
			assert_eq!((Step::from_number(number), step as u8), (Some(step), number));
		}
		assert_eq!(Step::from_number(18), None);
	}

	#[test]
	fn pieces_that_do_not_fit_should_be_refused() {
		let (none, one, two, three) = ([0f32; 0], [1f32], [1f32, 2.0], [1f32, 2.0, 3.0]);
		let refused: [(Step, &[&[f32]]); 16] = [
			(Step::Dots, &[&none, &two, &three]),
			(Step::Dots, &[&two, &one, &three]),
			(Step::Dots, &[&none, &none, &none]),
			(Step::Dots, &[&none, &two, &none]),
			(Step::Dots, &[&two, &three]),
			(Step::Weighted, &[&none, &two, &three]),
			(Step::Weighted, &[&one, &one, &three]),
			(Step::Sum, &[&two, &three]),
			(Step::Lanes, &[&one, &three]),
			(Step::Fold, &[&three]),
			(Step::Largest, &[&two, &three]),
			(Step::Add, &[&two, &three]),
			(Step::Add, &[&one, &two]),
			(Step::Rotate, &[&three, &one, &one]),
			(Step::Clip, &[&two, &one]),
			(Step::Root, &[&none]),
		];
		for (step, pieces) in refused {
			assert_eq!(evaluate(step, pieces), None, "{step:?} {pieces:?}");
		}
		assert_eq!(evaluate(Step::Largest, &[&none, &[-0.0]]), Some(bytes(&[0.0])));
		assert_eq!(Step::Add.evaluate(&[&[0; 4], &[0; 5]]), None);
		// What is too long, by one number.
		let (long, longer) = (vec![0f32; 4096], vec![0f32; 4097]);
		assert_eq!(evaluate(Step::Sum, &[&[1.0], &vec![0.0; 8191]]), Some(bytes(&[1.0])));
		assert_eq!(evaluate(Step::Sum, &[&[1.0], &vec![0.0; 8192]]), None);
		assert_eq!(evaluate(Step::Add, &[&long[..2048], &long[..2048]]), Some(bytes(&long[..2048])));
		assert_eq!(evaluate(Step::Add, &[&longer[..2049], &longer[..2049]]), None);
	}

	#[test]
	fn a_number_that_is_not_finite_should_be_refused_on_its_way_in_and_out() {
		for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
			assert_eq!(evaluate(Step::Add, &[&[1.0, bad], &[1.0]]), None);
		}
		assert_eq!(evaluate(Step::Multiply, &[&[f32::MAX], &[2.0]]), None);
		assert_eq!(evaluate(Step::Divide, &[&[1.0], &[0.0]]), None);
		assert_eq!(evaluate(Step::Root, &[&[-1.0]]), None);
		assert_eq!(evaluate(Step::Logarithm, &[&[0.0]]), None);
		assert_eq!(evaluate(Step::Exponential, &[&[-1000.0]]), Some(bytes(&[0.0])));
	}

	proptest! {
		/// Whatever somebody sends.
		#[test]
		fn evaluation_should_be_total(
			number in 0u8..18,
			pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..5),
		) {
			let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
			let result = Step::from_number(number).unwrap().evaluate(&pieces);
			prop_assert!(result.is_none_or(|bytes| read(&bytes).is_some_and(|numbers| !numbers.is_empty())));
		}

		/// Of numbers that fit a step, the integer instructions make the hardware's.
		#[test]
		fn soft_float_should_equal_hardware(
			step in proptest::sample::select(Step::ALL.to_vec()),
			values in proptest::collection::vec(-8f32..8.0, 192),
			rows in 1usize..4,
			going_on in any::<bool>(),
		) {
			let before = |count: usize| if going_on { &values[..count] } else { &[][..] };
			let (a, b) = (&values[..32], &values[32..64]);
			let pieces: Vec<&[f32]> = match step {
				Step::Dots => vec![before(rows), a, &values[64..][..32 * rows]],
				Step::Weighted => vec![before(rows), a, &values[64..][..32 * rows]],
				Step::Sum | Step::Largest => vec![before(1), &values[3..160]],
				Step::Lanes => vec![before(32), &values[3..160]],
				Step::Fold => vec![a],
				Step::Add | Step::Subtract | Step::Multiply | Step::Divide => {
					vec![a, if going_on { b } else { &b[..1] }]
				},
				Step::Rotate => vec![a, &b[..16], &b[16..]],
				Step::Clip => vec![&a[..1], &b[..1]],
				_ => vec![a],
			};
			let hard = step.run(&pieces).unwrap();
			let wanted = hard.iter().all(|x| x.is_finite()).then(|| bytes(&hard));
			prop_assert_eq!(evaluate(step, &pieces), wanted);
		}
	}
}
