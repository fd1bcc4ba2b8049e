//! Linear layers and the embedding of the `Exact` profile against canon's definition, bit for bit.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_canon::{
	linear::{
		dot_q4, dot_q8, dot_row, embed, group_sum, group_term, requantise, requantise_row, row_bound,
		row_fits, MAX_ROW_ACTIVATION,
	},
	round::add_residual,
};
use noesis_cuda::{
	exact::{
		linear::{Codes, Formats, Linear, RowTensor, Target, Tensor},
		Activations, GROUP,
	},
	Buffer, Device, DeviceError,
};
use noesis_cuda_emulation::Emulation;
use proptest::prelude::*;
use std::sync::Arc;

/// Numbers from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
	fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
		x ^ x >> 31
	}

	/// In `-limit..=limit`.
	fn within(&mut self, limit: i64) -> i64 {
		(self.next() % (2 * limit as u64 + 1)) as i64 - limit
	}
}

/// A matrix as canon sees it and as the device takes it.
struct Weights {
	codes: Codes,
	rows: usize,
	columns: usize,
	bytes: Vec<u8>,
}

impl Weights {
	/// Every group's scale, minimum and code bytes come from `group`.
	fn new(
		codes: Codes,
		rows: usize,
		columns: usize,
		mut group: impl FnMut() -> (i32, i32, [u8; 32]),
	) -> Self {
		let mut bytes = Vec::new();
		for _ in 0..rows * columns / GROUP {
			let (scale, minimum, code) = group();
			bytes.extend_from_slice(&scale.to_le_bytes());
			match codes {
				Codes::Q4 => {
					bytes.extend_from_slice(&minimum.to_le_bytes());
					bytes.extend_from_slice(&code[..16]);
				},
				Codes::Q8 => bytes.extend_from_slice(&code),
			}
		}
		Self { codes, rows, columns, bytes }
	}

	/// Scales and minima of up to `limit`.
	fn random(codes: Codes, rows: usize, columns: usize, limit: i64, numbers: &mut Numbers) -> Self {
		Self::new(codes, rows, columns, || {
			let (scale, minimum) = (numbers.within(limit) as i32, numbers.within(limit) as i32);
			(scale, minimum, std::array::from_fn(|_| numbers.next() as u8))
		})
	}

	fn tensor(&self) -> Tensor<'_> {
		Tensor { codes: self.codes, rows: self.rows, columns: self.columns, bytes: &self.bytes }
	}

	fn row(&self, row: usize) -> std::slice::ChunksExact<'_, u8> {
		let bytes = self.columns / GROUP * self.codes.group_bytes();
		self.bytes[row * bytes..(row + 1) * bytes].chunks_exact(self.codes.group_bytes())
	}

	/// The row's accumulator.
	fn accumulate(&self, row: usize, a: &[i16]) -> i64 {
		let groups = self.row(row).zip(a.chunks_exact(GROUP));
		groups.fold(0, |sum, (group, a)| {
			let a: &[i16; GROUP] = a.try_into().unwrap();
			sum + match self.codes {
				Codes::Q4 => {
					let dot = dot_q4(group[8..].try_into().unwrap(), a);
					group_term(word(group), dot, word(&group[4..]), group_sum(a))
				},
				Codes::Q8 => {
					let codes: Vec<i8> = group[4..].iter().map(|&code| code as i8).collect();
					group_term(word(group), dot_q8(&codes.try_into().unwrap(), a), 0, 0)
				},
			}
		})
	}

	/// What the loader asks for.
	fn fits(&self) -> bool {
		(0..self.rows).all(|row| {
			let bound = self.row(row).map(|group| match self.codes {
				Codes::Q4 => row_bound(word(group), word(&group[4..]), 15),
				Codes::Q8 => row_bound(word(group), 0, 128),
			});
			bound.map(u128::from).sum::<u128>() < 1 << 62
		})
	}
}

fn word(bytes: &[u8]) -> i32 {
	i32::from_le_bytes(bytes[..4].try_into().unwrap())
}

/// Activations of some tokens on both sides.
struct Tokens {
	columns: usize,
	values: Vec<i16>,
	shifts: Vec<i32>,
}

impl Tokens {
	fn random(tokens: usize, columns: usize, limit: i64, numbers: &mut Numbers) -> Self {
		Self {
			columns,
			values: (0..tokens * columns).map(|_| numbers.within(limit) as i16).collect(),
			shifts: (0..tokens).map(|_| (numbers.next() % 49) as i32).collect(),
		}
	}

	fn upload(&self, device: &Arc<dyn Device>) -> Activations {
		Activations {
			values: Buffer::upload(device, &self.values).unwrap(),
			shifts: Buffer::upload(device, &self.shifts).unwrap(),
		}
	}

	fn rows(&self) -> impl Iterator<Item = (&[i16], i32)> {
		self.values.chunks_exact(self.columns).zip(self.shifts.iter().copied())
	}
}

fn run(device: &Arc<dyn Device>, linear: &Linear, tokens: &Tokens, formats: Formats) -> Vec<i32> {
	let count = tokens.shifts.len();
	let out = Buffer::uninitialised(device, count * linear.rows()).unwrap();
	let target = Target { values: &out, offset: 0, add: None };
	linear.forward(&tokens.upload(device), count, formats, target).unwrap();
	out.download().unwrap()
}

fn expected(weights: &[Weights], tokens: &Tokens, formats: Formats) -> Vec<i32> {
	let of_token = |(a, shift)| {
		let rows =
			weights.iter().flat_map(move |matrix| (0..matrix.rows).map(move |row| matrix.accumulate(row, a)));
		rows.map(move |sum| requantise(sum, formats.from, shift, formats.to))
	};
	tokens.rows().flat_map(of_token).collect()
}

const FORMATS: [Formats; 3] =
	[Formats { from: 20, to: 16 }, Formats { from: 20, to: 12 }, Formats { from: 16, to: 12 }];

/// Codes and rows of matrices side by side, columns, tokens.
type Case<'a> = (&'a [(Codes, usize)], usize, usize);

#[test]
fn groups_should_equal_canon_for_any_shape_and_batch() {
	use Codes::{Q4, Q8};
	// Up to 16 tokens run as gemv.
	let shapes: [Case<'_>; 9] = [
		(&[(Q4, 1)], 32, 1),
		(&[(Q8, 33)], 96, 3),
		(&[(Q4, 64), (Q4, 7)], 288, 8),
		(&[(Q4, 31), (Q8, 34), (Q8, 1), (Q4, 3)], 160, 11),
		(&[(Q8, 70)], 544, 16),
		(&[(Q4, 65)], 32, 17),
		(&[(Q4, 100), (Q8, 40)], 160, 33),
		(&[(Q8, 96)], 224, 65),
		(&[(Q4, 37)], 448, 70),
	];
	for (seed, (parts, columns, count)) in shapes.into_iter().enumerate() {
		let device = Emulation::new(seed as u64);
		let mut numbers = Numbers(seed as u64);
		let random = |&(codes, rows)| Weights::random(codes, rows, columns, 1 << 27, &mut numbers);
		let weights: Vec<Weights> = parts.iter().map(random).collect();
		assert!(weights.iter().all(Weights::fits));
		let tokens = Tokens::random(count, columns, 32_767, &mut numbers);
		let tensors: Vec<Tensor<'_>> = weights.iter().map(Weights::tensor).collect();
		let linear = Linear::new(&device, &tensors).unwrap();
		assert_eq!((linear.rows(), linear.columns()), (parts.iter().map(|part| part.1).sum(), columns));
		let formats = FORMATS[seed % FORMATS.len()];
		assert!(
			run(&device, &linear, &tokens, formats) == expected(&weights, &tokens, formats),
			"shape {seed}"
		);
	}
}

#[test]
fn any_split_of_a_batch_should_give_the_same_bits_under_any_order_of_threads() {
	let mut numbers = Numbers(5);
	let weights = [Weights::random(Codes::Q4, 48, 192, 1 << 24, &mut numbers)];
	let tokens = Tokens::random(40, 192, 3000, &mut numbers);
	let whole = expected(&weights, &tokens, FORMATS[0]);
	for seed in 0..3 {
		let device = Emulation::new(seed);
		let linear = Linear::new(&device, &[weights[0].tensor()]).unwrap();
		for splits in [&[40][..], &[7, 1, 32], &[16, 24]] {
			let (mut first, mut found) = (0, Vec::new());
			for &size in splits {
				let piece = Tokens {
					columns: 192,
					values: tokens.values[first * 192..(first + size) * 192].to_vec(),
					shifts: tokens.shifts[first..first + size].to_vec(),
				};
				found.extend(run(&device, &linear, &piece, FORMATS[0]));
				first += size;
			}
			assert!(found == whole, "seed {seed}, {splits:?}");
		}
	}
}

/// The largest scale (and minimum) with which a row of so many groups passes the loader.
fn largest_scale(codes: Codes, groups: usize) -> i64 {
	let per_unit = match codes {
		Codes::Q4 => row_bound(1, 1, 15),
		Codes::Q8 => row_bound(1, 0, 128),
	};
	(((1u64 << 62) - 1) / (per_unit * groups as u64)).min(i32::MAX as u64) as i64
}

#[test]
fn sums_should_not_overflow_when_everything_is_extreme() {
	for (codes, code) in [(Codes::Q4, 0xffu8), (Codes::Q8, 0x80), (Codes::Q8, 0x7f)] {
		for groups in [2, 9] {
			let columns = groups * GROUP;
			let scale = largest_scale(codes, groups) as i32;
			// The emulation fails on an mma whose sum leaves 32 bits.
			for (scale, minimum) in [(scale, scale), (-scale, -scale), (scale, -scale)] {
				let weights = [Weights::new(codes, 35, columns, || (scale, minimum, [code; 32]))];
				assert!(weights[0].fits());
				for count in [2, 18] {
					let tokens = Tokens {
						columns,
						values: (0..count * columns)
							.map(|i| if (i / columns).is_multiple_of(2) { 32_767 } else { -32_767 })
							.collect(),
						// From a left shift that saturates to a right shift that leaves a few bits.
						shifts: (0..count).map(|i| 48 - 6 * (i as i32 % 9)).collect(),
					};
					let device = Emulation::new(groups as u64);
					let linear = Linear::new(&device, &[weights[0].tensor()]).unwrap();
					assert!(
						run(&device, &linear, &tokens, FORMATS[1]) == expected(&weights, &tokens, FORMATS[1])
					);
				}
			}
		}
	}
}

#[test]
fn a_branch_should_be_added_to_the_residual_with_saturation() {
	let mut numbers = Numbers(11);
	let weights = [Weights::random(Codes::Q4, 40, 64, 1 << 26, &mut numbers)];
	for count in [3, 20] {
		let device = Emulation::new(count as u64);
		let mut tokens = Tokens::random(count, 64, 32_767, &mut numbers);
		tokens.shifts.fill(14);
		let residual: Vec<i32> =
			(0..2 * count * 40).map(|_| numbers.within(i64::from(i32::MAX)) as i32).collect();
		let change = expected(&weights, &tokens, FORMATS[1]);
		let sum = |base: &[i32]| -> Vec<i32> {
			base.iter().zip(&change).map(|(&r, &c)| add_residual(r, c)).collect()
		};
		let linear = Linear::new(&device, &[weights[0].tensor()]).unwrap();
		let input = tokens.upload(&device);
		let values = Buffer::upload(&device, &residual).unwrap();
		let (first, second) = residual.split_at(count * 40);
		// From the first half into the second, then the first in place.
		for (offset, add) in [(count * 40, 0), (0, 0)] {
			let target = Target { values: &values, offset, add: Some(add) };
			linear.forward(&input, count, FORMATS[1], target).unwrap();
		}
		let found = values.download().unwrap();
		let expected = sum(first);
		assert!(expected.iter().any(|v| v.unsigned_abs() == i32::MAX as u32), "some must saturate");
		assert_ne!(expected, second);
		assert!(found[..count * 40] == expected && found[count * 40..] == expected);
	}
}

/// Codes whose row sums reach exactly the largest that fits, in the first row.
fn row_codes(rows: usize, columns: usize, numbers: &mut Numbers) -> Vec<i8> {
	let mut codes: Vec<i8> = (0..rows * columns).map(|_| numbers.next() as i8).collect();
	if columns >= 2080 {
		codes[..columns].fill(0);
		codes[..2048].fill(-128);
		codes[2048] = 32;
	}
	codes
}

#[test]
fn rows_should_equal_canon_for_any_shape_and_batch() {
	for (seed, (rows, columns, count)) in
		[(1, 32, 1), (33, 96, 5), (70, 160, 12), (5, 2080, 2), (65, 96, 17), (40, 224, 66), (3, 2080, 18)]
			.into_iter()
			.enumerate()
	{
		let device = Emulation::new(seed as u64);
		let mut numbers = Numbers(seed as u64 + 100);
		let codes = row_codes(rows, columns, &mut numbers);
		assert!(codes.chunks(columns).all(row_fits));
		let muls: Vec<u32> = (0..rows).map(|_| (numbers.next() % (1 << 24)) as u32).collect();
		let mut tokens = Tokens::random(count, columns, i64::from(MAX_ROW_ACTIVATION), &mut numbers);
		// The first token meets the first row at its worst.
		for (a, code) in tokens.values.iter_mut().zip(&codes[..columns]) {
			*a = 8191 * i16::from(code.signum());
		}
		let formats = FORMATS[seed % 3];
		let scale_bits = 30 + seed as i32;
		let tensor = RowTensor { columns, codes: &codes, muls: &muls, scale_bits };
		let linear = Linear::from_rows(&device, &tensor).unwrap();
		let of_token = |(a, shift)| {
			let rows = codes.chunks_exact(columns).zip(&muls);
			rows.map(move |(row, &mul)| {
				requantise_row(dot_row(row, a), mul, scale_bits, formats.from, shift, formats.to)
			})
		};
		let expected: Vec<i32> = tokens.rows().flat_map(of_token).collect();
		assert!(run(&device, &linear, &tokens, formats) == expected, "shape {seed}");
	}
}

#[test]
fn an_embedding_should_equal_canon_for_every_row() {
	for codes in [Codes::Q4, Codes::Q8] {
		let device = Emulation::new(3);
		let weights = Weights::random(codes, 45, 96, 1 << 27, &mut Numbers(8));
		let linear = Linear::new(&device, &[weights.tensor()]).unwrap();
		// Two ids that don't exist read as the last.
		let ids: Vec<u32> = (0..46).chain([u32::MAX]).collect();
		let out = Buffer::<i32>::zeros(&device, 5 + ids.len() * 96).unwrap();
		linear.embed(&Buffer::upload(&device, &ids).unwrap(), ids.len(), &out, 5).unwrap();
		let found = out.download().unwrap();
		assert_eq!(found[..5], [0; 5]);
		for (id, found) in ids.iter().zip(found[5..].chunks(96)) {
			for (group, (bytes, found)) in weights.row(44.min(*id as usize)).zip(found.chunks(32)).enumerate()
			{
				for (k, &found) in found.iter().enumerate() {
					let (code, minimum) = match codes {
						Codes::Q4 => (i32::from(bytes[8 + k % 16] >> (4 * (k / 16)) & 15), word(&bytes[4..])),
						Codes::Q8 => (i32::from(bytes[4 + k] as i8), 0),
					};
					assert_eq!(
						found,
						embed(code, word(bytes), minimum),
						"id {id}, group {group}, weight {k}"
					);
				}
			}
		}
	}
}

#[test]
fn what_does_not_fit_should_be_refused() {
	let device = Emulation::new(1);
	let refused =
		|result: Result<(), DeviceError>| assert!(matches!(result, Err(DeviceError::Shape(_))), "{result:?}");
	let mut numbers = Numbers(1);
	let a = Weights::random(Codes::Q4, 4, 64, 100, &mut numbers);
	let b = Weights::random(Codes::Q8, 4, 96, 100, &mut numbers);
	refused(Linear::new(&device, &[]).map(drop));
	refused(Linear::new(&device, &[a.tensor(), b.tensor()]).map(drop));
	refused(Linear::new(&device, &[Tensor { rows: 5, ..a.tensor() }]).map(drop));
	refused(Linear::new(&device, &[Tensor { columns: 33, ..a.tensor() }]).map(drop));
	let rows = RowTensor { columns: 32, codes: &[1; 32], muls: &[1], scale_bits: 30 };
	refused(Linear::from_rows(&device, &RowTensor { muls: &[1 << 24], ..rows }).map(drop));
	refused(Linear::from_rows(&device, &RowTensor { muls: &[1, 1], ..rows }).map(drop));
	refused(Linear::from_rows(&device, &RowTensor { columns: 2080, codes: &[127; 2080], ..rows }).map(drop));

	let linear = Linear::new(&device, &[a.tensor()]).unwrap();
	let input = Tokens::random(3, 64, 100, &mut numbers).upload(&device);
	let out = Buffer::<i32>::zeros(&device, 12).unwrap();
	let forward = |tokens, offset, add| {
		linear.forward(&input, tokens, FORMATS[0], Target { values: &out, offset, add })
	};
	forward(3, 0, Some(0)).unwrap();
	refused(forward(4, 0, None));
	refused(forward(3, 1, None));
	refused(forward(3, 0, Some(1)));
	let ids = Buffer::upload(&device, &[0u32]).unwrap();
	refused(linear.embed(&ids, 1, &out, 0));
	refused(Linear::from_rows(&device, &rows).unwrap().embed(
		&ids,
		1,
		&Buffer::zeros(&device, 32).unwrap(),
		0,
	));
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(12))]

	#[test]
	fn any_layer_should_equal_canon(
		codes in prop_oneof![Just(Codes::Q4), Just(Codes::Q8)],
		rows in 1usize..80, groups in 1usize..8, count in 1usize..40, seed in any::<u64>(), format in 0usize..3,
	) {
		let mut numbers = Numbers(seed);
		let weights = [Weights::random(codes, rows, groups * GROUP, 1 << 26, &mut numbers)];
		let tokens = Tokens::random(count, groups * GROUP, 32_767, &mut numbers);
		let device = Emulation::new(seed);
		let linear = Linear::new(&device, &[weights[0].tensor()]).unwrap();
		prop_assert!(run(&device, &linear, &tokens, FORMATS[format]) == expected(&weights, &tokens, FORMATS[format]));
	}
}
