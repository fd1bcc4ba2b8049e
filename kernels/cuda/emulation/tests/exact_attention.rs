//! The kernels of `exact_attention.cu` against canon, bit for bit: whole, in splits, and in shards.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod random;

use noesis_canon::{
	attention::{attend, multiplier, MAX_KEYS},
	shard::{Partial, RowMaximum},
};
use noesis_cuda::{
	exact::attention::{
		merge_maxima, merge_sums, Attention, Cache, Heads, Positions, Queries, Sums, MAX_SPLIT,
	},
	Buffer, Device, DeviceError,
};
use noesis_cuda_emulation::Emulation;
use random::Random;
use std::sync::Arc;

impl Random {
	/// A number of up to `bits` bits, or an end.
	fn number(&mut self, bits: u32) -> i16 {
		match self.below(64) {
			0 if bits == 15 => 32_767,
			1 if bits == 15 => -32_767,
			_ => (self.below(2 << bits) as i64 - (1 << bits)).clamp(-32_767, 32_767) as i16,
		}
	}

	fn numbers(&mut self, count: usize, bits: u32) -> Vec<i16> {
		(0..count).map(|_| self.number(bits)).collect()
	}
}

/// One layer's cache and who asks.
struct Case {
	heads: Heads,
	capacity: usize,
	offset: usize,
	tokens: usize,
	first: usize,
	queries: Vec<i16>,
	keys: Vec<i16>,
	values: Vec<i16>,
}

impl Case {
	/// Numbers of up to `bits` bits: 8 gives scores that lie close together, 15 spans all of the range.
	fn new(seed: u64, heads: Heads, capacity: usize, tokens: usize, first: usize, bits: u32) -> Self {
		let mut random = Random(seed + 1);
		let (offset, numbers) = (8 * random.below(4) as usize, heads.kv_heads * capacity * heads.dim);
		Self {
			heads,
			capacity,
			offset,
			tokens,
			first,
			queries: random.numbers(tokens * heads.heads * heads.dim, bits),
			keys: random.numbers(offset + numbers, bits),
			values: random.numbers(offset + numbers, 15),
		}
	}

	fn rows(&self) -> usize {
		self.tokens * self.heads.heads
	}

	/// Query, keys and values of a row, the latter of the given positions (those that the row sees), which lie at the
	/// front of the cache.
	fn row(&self, row: usize, positions: Positions) -> (&[i16], &[i16], &[i16]) {
		let Heads { heads, kv_heads, dim } = self.heads;
		let (token, head) = (row / heads, row % heads / (heads / kv_heads));
		let seen = (0..positions.count)
			.filter(|i| positions.first + i * positions.stride <= self.first + token)
			.count();
		let at = self.offset + head * self.capacity * dim;
		(&self.queries[row * dim..][..dim], &self.keys[at..][..seen * dim], &self.values[at..][..seen * dim])
	}

	/// What canon puts out.
	fn expected(&self, positions: Positions) -> Vec<i32> {
		let dim = self.heads.dim;
		let mut out = vec![0; self.rows() * dim];
		for (row, out) in out.chunks_mut(dim).enumerate() {
			let (query, keys, values) = self.row(row, positions);
			attend(query, keys, values, multiplier(dim), &mut vec![0; keys.len() / dim], out);
		}
		out
	}

	fn upload(&self, device: &Arc<dyn Device>) -> [Buffer<i16>; 3] {
		[&self.queries, &self.keys, &self.values].map(|numbers| Buffer::upload(device, numbers).unwrap())
	}

	/// The kernels' outputs with splits of so many keys.
	fn found(&self, seed: u64, positions: Positions, split: Option<usize>) -> Vec<i32> {
		let device = Emulation::new(seed);
		let [queries, keys, values] = self.upload(&device);
		let mut attention = Attention::new(&device, self.heads).unwrap();
		attention.set_split(split);
		let out = Buffer::upload(&device, &vec![-1; self.rows() * self.heads.dim]).unwrap();
		let cache = Cache { keys: &keys, values: &values, offset: self.offset, capacity: self.capacity };
		let queries = Queries { values: &queries, tokens: self.tokens, first: self.first, past: None };
		attention.attend(&queries, &cache, positions, &out).unwrap();
		out.download().unwrap()
	}

	fn check(&self, seed: u64, split: Option<usize>) {
		let positions = Positions::from_start(self.first + self.tokens);
		let (found, expected) = (self.found(seed, positions, split), self.expected(positions));
		let Self { heads, tokens, first, .. } = self;
		assert!(found == expected, "{heads:?}, {tokens} tokens from {first}, splits of {split:?}");
	}
}

const SMALL: Heads = Heads { heads: 2, kv_heads: 1, dim: 64 };
const GROUPED: Heads = Heads { heads: 9, kv_heads: 3, dim: 64 };
const LARGE: Heads = Heads { heads: 4, kv_heads: 2, dim: 128 };

#[test]
fn attention_should_equal_canons_when_few_tokens_ask() {
	let cases = [
		(GROUPED, 1, 0),
		(GROUPED, 1, 127),
		(GROUPED, 5, 128),
		(SMALL, 1, 900),
		(LARGE, 1, 64),
		(LARGE, 7, 90),
	];
	for (seed, (heads, tokens, first)) in cases.into_iter().enumerate() {
		let seed = seed as u64;
		Case::new(seed, heads, first + tokens + 3, tokens, first, [15, 9][seed as usize % 2])
			.check(seed, None);
	}
}

#[test]
fn attention_should_equal_canons_when_many_tokens_ask() {
	let cases = [(GROUPED, 23, 0), (GROUPED, 50, 17), (SMALL, 33, 100), (LARGE, 40, 0), (LARGE, 9, 65)];
	for (seed, (heads, tokens, first)) in cases.into_iter().enumerate() {
		let seed = seed as u64;
		Case::new(seed + 50, heads, first + tokens, tokens, first, [9, 15][seed as usize % 2])
			.check(seed, None);
	}
}

#[test]
fn splits_should_not_change_a_bit() {
	for (seed, (heads, tokens, first)) in
		[(SMALL, 3, 1300), (SMALL, 20, 560), (LARGE, 2, 530)].into_iter().enumerate()
	{
		let case = Case::new(seed as u64 + 9, heads, first + tokens + 20, tokens, first, [9, 15][seed % 2]);
		for split in [1, 256] {
			case.check(seed as u64, Some(split));
		}
	}
}

#[test]
fn attention_should_stay_exact_when_every_number_is_at_its_end() {
	for dim in [64, 128] {
		let heads = Heads { heads: 1, kv_heads: 1, dim };
		for (seed, signs) in [[1, 1, 1], [1, -1, 1], [-1, -1, -1], [-1, 1, -1]].into_iter().enumerate() {
			for tokens in [1, 20] {
				let mut case = Case::new(1, heads, 300, tokens, 280, 15);
				for (numbers, sign) in
					[&mut case.queries, &mut case.keys, &mut case.values].into_iter().zip(signs)
				{
					numbers.fill(32_767 * sign);
				}
				// One key against all others: the scores' difference is the greatest there is.
				let odd = case.offset + 77 * dim;
				case.keys[odd..odd + dim].fill(-32_767 * signs[1]);
				case.check(seed as u64, None);
			}
		}
	}
}

#[test]
fn shards_should_equal_the_undivided_when_positions_are_dealt_in_any_way() {
	let context = 150;
	let deals = [
		[(0, 3, 50), (1, 3, 50), (2, 3, 50)],
		[(0, 1, 20), (20, 1, 130), (0, 1, 0)],
		[(100, 1, 50), (0, 2, 50), (1, 2, 50)],
	];
	for (seed, (deal, tokens)) in deals.into_iter().zip([4, 1, 30]).enumerate() {
		let heads = if seed == 1 { LARGE } else { GROUPED };
		let (rows, dim) = (tokens * heads.heads, heads.dim);
		let first = context - tokens;
		let whole = Case::new(seed as u64 + 30, heads, context, tokens, first, [9, 15, 8][seed]);
		let device = Emulation::new(seed as u64);
		let mut attention = Attention::new(&device, heads).unwrap();
		let queries = Buffer::upload(&device, &whole.queries).unwrap();
		let queries = Queries { values: &queries, tokens, first, past: None };

		// Every shard's own cache: its positions, of every head.
		let shards: Vec<(Case, Positions, [Buffer<i16>; 3])> = deal
			.into_iter()
			.map(|(start, stride, count)| {
				let pick = |numbers: &[i16]| -> Vec<i16> {
					(0..heads.kv_heads * count)
						.flat_map(|i| {
							let position = start + i % count * stride;
							let at = whole.offset + (i / count * context + position) * dim;
							numbers[at..at + dim].to_vec()
						})
						.collect()
				};
				let case = Case {
					capacity: count,
					offset: 0,
					keys: pick(&whole.keys),
					values: pick(&whole.values),
					queries: whole.queries.clone(),
					..whole
				};
				let buffers = case.upload(&device);
				(case, Positions { first: start, stride, count }, buffers)
			})
			.collect();

		let mut maxima = Vec::new();
		let own = Buffer::<i64>::zeros(&device, rows).unwrap();
		for (case, positions, [_, keys, values]) in &shards {
			let cache = Cache { keys, values, offset: 0, capacity: case.capacity };
			attention.maxima(&queries, &cache, *positions, &own).unwrap();
			let found = own.download().unwrap();
			for (row, found) in found.iter().enumerate() {
				let (query, keys, _) = case.row(row, *positions);
				assert_eq!(*found, RowMaximum::of(query, keys).0.unwrap_or(i64::MIN));
			}
			maxima.extend(found);
		}
		let merged = Buffer::<i64>::zeros(&device, rows).unwrap();
		merge_maxima(&Buffer::upload(&device, &maxima).unwrap(), shards.len(), rows, &merged).unwrap();
		let maxima = merged.download().unwrap();

		let (mut denominators, mut numerators) = (Vec::new(), Vec::new());
		let own = Sums::new(&device, 1, rows, dim).unwrap();
		for (case, positions, [_, keys, values]) in &shards {
			let cache = Cache { keys, values, offset: 0, capacity: case.capacity };
			attention.sums(&queries, &cache, *positions, &merged, &own).unwrap();
			let found = (own.denominators.download().unwrap(), own.numerators.download().unwrap());
			for (row, maximum) in maxima.iter().enumerate() {
				let (query, keys, values) = case.row(row, *positions);
				let mut partial = Partial { keys: 0, denominator: 0, numerators: vec![0; dim] };
				partial.count(query, keys, values, *maximum, multiplier(dim));
				assert_eq!(found.0[row], partial.denominator);
				assert_eq!(found.1[row * dim..][..dim], partial.numerators);
			}
			denominators.extend(found.0);
			numerators.extend(found.1);
		}
		let parts = Sums {
			denominators: Buffer::upload(&device, &denominators).unwrap(),
			numerators: Buffer::upload(&device, &numerators).unwrap(),
		};
		let out = Buffer::<i32>::zeros(&device, rows * dim).unwrap();
		let expected = whole.expected(Positions::from_start(context));
		attention.finish(&parts, shards.len(), rows, &out).unwrap();
		assert!(out.download().unwrap() == expected, "deal {seed}");
		// The same by way of one sum.
		merge_sums(&parts, shards.len(), rows, dim, &own).unwrap();
		attention.finish(&own, 1, rows, &out).unwrap();
		assert!(out.download().unwrap() == expected, "deal {seed}, merged");
	}
}

#[test]
fn maxima_and_sums_should_be_the_same_in_splits() {
	let case = Case::new(4, SMALL, 600, 2, 560, 9);
	let device = Emulation::new(4);
	let [queries, keys, values] = case.upload(&device);
	let queries = Queries { values: &queries, tokens: 2, first: 560, past: None };
	let cache = Cache { keys: &keys, values: &values, offset: case.offset, capacity: 600 };
	let positions = Positions::from_start(562);
	let mut attention = Attention::new(&device, SMALL).unwrap();
	let found = [MAX_SPLIT, 256].map(|split| {
		attention.set_split(Some(split));
		let maxima = Buffer::<i64>::zeros(&device, 4).unwrap();
		attention.maxima(&queries, &cache, positions, &maxima).unwrap();
		let sums = Sums::new(&device, 1, 4, 64).unwrap();
		attention.sums(&queries, &cache, positions, &maxima, &sums).unwrap();
		let sums = (sums.denominators.download().unwrap(), sums.numerators.download().unwrap());
		(maxima.download().unwrap(), sums)
	});
	assert!(found[0] == found[1]);
	assert!(found[0].1 .0.iter().all(|denominator| *denominator >= 65_535));
}

#[test]
fn a_number_on_the_device_should_move_queries_and_keys() {
	let case = Case::new(6, GROUPED, 140, 2, 100, 9);
	let device = Emulation::new(6);
	let [queries, keys, values] = case.upload(&device);
	let past = Buffer::upload(&device, &[100i32]).unwrap();
	let queries = Queries { values: &queries, tokens: 2, first: 0, past: Some(&past) };
	let cache = Cache { keys: &keys, values: &values, offset: case.offset, capacity: 140 };
	let mut attention = Attention::new(&device, GROUPED).unwrap();
	let out = Buffer::<i32>::zeros(&device, case.rows() * 64).unwrap();
	attention.attend(&queries, &cache, Positions::from_start(2), &out).unwrap();
	assert!(out.download().unwrap() == case.expected(Positions::from_start(102)));
}

#[test]
fn a_row_that_sees_nothing_should_be_zero() {
	let case = Case::new(8, SMALL, 10, 3, 4, 9);
	// The keys are those of positions 5 to 9: the first token sees none.
	let positions = Positions { first: 5, stride: 1, count: 5 };
	let found = case.found(3, positions, None);
	assert!(found == case.expected(positions));
	assert!(found[..128].iter().all(|x| *x == 0) && found[128..].iter().any(|x| *x != 0));
	assert!(case.found(3, Positions { count: 0, ..positions }, None).iter().all(|x| *x == 0));
}

#[test]
fn sums_should_reach_the_ends_of_their_ranges_when_65536_keys_are_equal() {
	let heads = Heads { heads: 1, kv_heads: 1, dim: 64 };
	let mut case = Case::new(2, heads, MAX_KEYS, 1, MAX_KEYS - 1, 15);
	case.queries.fill(32_767);
	case.keys.fill(-32_767);
	case.values.fill(-32_767);
	let positions = Positions::from_start(MAX_KEYS);
	let found = case.found(1, positions, Some(MAX_SPLIT));
	assert_eq!(found, vec![-(32_767 << 7); 64]);
}

#[test]
fn arrays_that_are_too_short_should_be_refused() {
	let device = Emulation::new(1);
	for heads in
		[Heads { heads: 3, kv_heads: 2, dim: 64 }, Heads { dim: 96, ..SMALL }, Heads { heads: 0, ..SMALL }]
	{
		assert!(matches!(Attention::new(&device, heads), Err(DeviceError::Shape(_))), "{heads:?}");
	}
	let mut attention = Attention::new(&device, SMALL).unwrap();
	let kv = Buffer::<i16>::zeros(&device, 4 * 64 + 8).unwrap();
	let (q, out) = (Buffer::<i16>::zeros(&device, 128).unwrap(), Buffer::<i32>::zeros(&device, 128).unwrap());
	let cache = Cache { keys: &kv, values: &kv, offset: 8, capacity: 4 };
	let queries = Queries { values: &q, tokens: 1, first: 3, past: None };
	let all = Positions::from_start(4);
	attention.attend(&queries, &cache, all, &out).unwrap();
	let less = Buffer::<i32>::zeros(&device, 127).unwrap();
	let none = Buffer::<i32>::zeros(&device, 0).unwrap();
	let refused = [
		attention.attend(&Queries { tokens: 2, ..queries }, &cache, all, &out),
		attention.attend(&queries, &Cache { offset: 9, ..cache }, all, &out),
		attention.attend(&queries, &Cache { offset: 7, ..cache }, all, &out),
		attention.attend(&queries, &Cache { capacity: 5, ..cache }, all, &out),
		attention.attend(&queries, &cache, Positions::from_start(5), &out),
		attention.attend(&queries, &cache, Positions { stride: 0, ..all }, &out),
		attention.attend(&queries, &cache, all, &less),
		attention.attend(&Queries { past: Some(&none), ..queries }, &cache, all, &out),
		attention.finish(&Sums::new(&device, 1, 1, 64).unwrap(), 2, 1, &out),
	];
	for (case, result) in refused.into_iter().enumerate() {
		assert!(matches!(result, Err(DeviceError::Shape(_))), "case {case}: {result:?}");
	}
}
