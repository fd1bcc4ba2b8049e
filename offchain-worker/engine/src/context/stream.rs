//! Attention in two passes over runs of keys: [`noesis_canon::attention::attend`] for many rows at once.
//!
//! Rows that read the same keys go over them together, a run that fits the first-level cache at a time, so that long
//! contexts are read from memory once per [`ROWS`] rows instead of once per row. Memory: scores of [`ROWS`] rows per
//! thread when both passes are done here, one run of scores per thread when the maximum comes from elsewhere; never
//! rows times keys.

use super::Positions;
use crate::{
	cache::Cache,
	kernels::{
		attention::{KeyValues, Scores, RUN},
		Backend,
	},
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use noesis_canon::{
	attention::normalise,
	shard::{Partial, RowMaximum},
};
use rayon::prelude::*;
use std::{cell::RefCell, ops::Range};

/// Rows that go over the keys together.
pub const ROWS: usize = 16;
/// Least number of multiplications that is worth a task of its own.
const TASK: usize = 1 << 15;

thread_local! {
	static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Memory of one thread, reused.
#[derive(Default)]
struct Scratch {
	scores: [Scores; ROWS],
	sums: Vec<i64>,
}

/// Makes every thread of the current pool ready for [`attend`] over up to `positions` keys, so that it does not allocate.
pub fn prepare(positions: usize, head_dim: usize) {
	rayon::broadcast(|_| {
		SCRATCH.with_borrow_mut(|scratch| {
			scratch.scores.iter_mut().for_each(|scores| scores.reserve(positions));
			scratch.sums.resize(ROWS * head_dim, 0);
		});
	});
}

/// Consecutive tokens that ask.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
	/// By token and head, `head_dim` numbers each, Q9, magnitude at most 32767.
	pub queries: &'a [i16],
	/// Query heads, a multiple of the key-value heads.
	pub heads: usize,
	/// Numbers per head, at most 256.
	pub head_dim: usize,
	/// Position of the first token.
	pub first: usize,
}

impl Block<'_> {
	/// Number of rows: one per token and head.
	pub fn rows(&self) -> usize {
		self.queries.len() / self.head_dim
	}

	fn query(&self, row: usize) -> &[i16] {
		&self.queries[row * self.head_dim..(row + 1) * self.head_dim]
	}

	fn position(&self, row: usize) -> usize {
		self.first + row / self.heads
	}
}

/// Keys and values of one layer.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
	/// Where they are kept.
	pub cache: &'a Cache,
	/// The layer.
	pub layer: usize,
	/// The positions that the cache's entries stand for; no more than it has room for.
	pub positions: Positions,
}

/// Sums of every row of a block.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, PartialEq)]
pub struct Sums {
	/// Keys that each row counted.
	pub keys: Vec<u32>,
	/// Sums of weights.
	pub denominators: Vec<u32>,
	/// Weighted sums of values, by row.
	pub numerators: Vec<i64>,
}

impl Sums {
	/// Sums over no keys.
	pub fn empty(rows: usize, head_dim: usize) -> Self {
		Self { keys: vec![0; rows], denominators: vec![0; rows], numerators: vec![0; rows * head_dim] }
	}

	/// The rows' partials.
	pub fn rows(&self) -> impl Iterator<Item = Partial<&[i64]>> {
		(0..self.keys.len()).map(|row| self.row(row))
	}

	/// The partial of row `row`, which must exist.
	pub fn row(&self, row: usize) -> Partial<&[i64]> {
		let dim = self.numerators.len() / self.keys.len();
		Partial {
			keys: self.keys[row],
			denominator: self.denominators[row],
			numerators: &self.numerators[row * dim..(row + 1) * dim],
		}
	}
}

/// How many rows a task takes.
fn rows_per_task(source: &Source<'_>, block: &Block<'_>) -> usize {
	let work = (source.positions.count as usize * block.head_dim).max(1);
	let even = block.rows().div_ceil(4 * rayon::current_num_threads());
	let rows = even.max(TASK / work).max(1);
	// Whole tokens, so that heads that share keys stay together.
	if rows > block.heads {
		rows.next_multiple_of(block.heads)
	} else {
		rows
	}
}

/// Calls `f` with a key-value head and rows of `rows` that read it, at most [`ROWS`] at a time.
fn batches(rows: Range<usize>, heads: usize, kv_heads: usize, mut f: impl FnMut(usize, &[usize])) {
	for kv_head in 0..kv_heads {
		let mut batch = [0; ROWS];
		let mut length = 0;
		for row in rows.clone().filter(|row| row % heads * kv_heads / heads == kv_head) {
			batch[length] = row;
			length += 1;
			if length == ROWS {
				f(kv_head, &batch);
				length = 0;
			}
		}
		if length > 0 {
			f(kv_head, &batch[..length]);
		}
	}
}

/// Calls `f` with a row's place in `batch`, the row, and a run of the keys that it sees: run by run, all rows of the
/// batch in each.
fn runs(
	source: &Source<'_>,
	block: &Block<'_>,
	batch: &[usize],
	mut f: impl FnMut(usize, usize, Range<usize>),
) {
	let seen = |row: usize| source.positions.up_to(block.position(row));
	let longest = batch.iter().map(|&row| seen(row)).max().unwrap_or(0);
	for start in (0..longest).step_by(RUN) {
		for (slot, &row) in batch.iter().enumerate() {
			let end = seen(row).min(start + RUN);
			if start < end {
				f(slot, row, start..end);
			}
		}
	}
}

/// A run of positions as a range of numbers.
fn numbers(run: &Range<usize>, dim: usize) -> Range<usize> {
	run.start * dim..run.end * dim
}

/// Calls `f` with a head's keys and values and up to [`ROWS`] of `rows` that read it, whose scores are begun in the
/// thread's scratch.
fn each_batch(
	backend: Backend,
	source: &Source<'_>,
	block: &Block<'_>,
	rows: Range<usize>,
	mut f: impl FnMut(KeyValues<'_>, &[usize], &mut Scratch),
) {
	SCRATCH.with_borrow_mut(|scratch| {
		batches(rows, block.heads, source.cache.kv_heads(), |kv_head, batch| {
			let head = source.cache.head(source.layer, kv_head, source.positions.count as usize);
			for (scores, &row) in scratch.scores.iter_mut().zip(batch) {
				scores.begin(backend, block.query(row), head.key_bound);
			}
			f(head, batch, scratch);
		});
	});
}

/// Every row's output over the keys of `source` that it sees (all zero where it sees none): `out` is Q16, by token and
/// head like the queries. `multiplier` is [`noesis_canon::attention::multiplier`].
pub fn attend(backend: Backend, source: &Source<'_>, block: &Block<'_>, multiplier: i64, out: &mut [i32]) {
	let dim = block.head_dim;
	let per_task = rows_per_task(source, block);
	out.par_chunks_mut(per_task * dim).enumerate().for_each(|(task, out)| {
		let first = task * per_task;
		each_batch(backend, source, block, first..first + out.len() / dim, |head, batch, scratch| {
			let Scratch { scores, sums } = scratch;
			let mut maxima = [RowMaximum::NONE; ROWS];
			scores[..batch.len()].iter_mut().for_each(|scores| scores.reserve(source.cache.capacity()));
			runs(source, block, batch, |slot, row, run| {
				let keys = &head.keys[numbers(&run, dim)];
				maxima[slot] = maxima[slot].merge(scores[slot].extend(backend, block.query(row), keys));
			});
			sums.clear();
			sums.resize(ROWS * dim, 0);
			let mut rows = sums.chunks_exact_mut(dim);
			let mut partials: [Partial<&mut [i64]>; ROWS] = std::array::from_fn(|_| Partial {
				keys: 0,
				denominator: 0,
				numerators: rows.next().unwrap_or_default(),
			});
			runs(source, block, batch, |slot, _, run| {
				let values = &head.values[numbers(&run, dim)];
				let maximum = maxima[slot].0.unwrap_or(0);
				scores[slot].count(backend, run, values, maximum, multiplier, &mut partials[slot]);
			});
			for (&row, sums) in batch.iter().zip(&partials) {
				let row = row - first;
				for (o, &sum) in out[row * dim..(row + 1) * dim].iter_mut().zip(sums.numerators.iter()) {
					*o = normalise(sum, sums.denominator.max(1));
				}
			}
		});
	});
}

/// First round: every row's greatest score among the keys of `source` that it sees.
pub fn maxima(backend: Backend, source: &Source<'_>, block: &Block<'_>) -> Vec<RowMaximum> {
	let dim = block.head_dim;
	let per_task = rows_per_task(source, block);
	let mut out = vec![RowMaximum::NONE; block.rows()];
	out.par_chunks_mut(per_task).enumerate().for_each(|(task, out)| {
		let first = task * per_task;
		each_batch(backend, source, block, first..first + out.len(), |head, batch, scratch| {
			runs(source, block, batch, |slot, row, run| {
				let scores = &mut scratch.scores[slot];
				scores.clear();
				let greatest = scores.extend(backend, block.query(row), &head.keys[numbers(&run, dim)]);
				out[row - first] = out[row - first].merge(greatest);
			});
		});
	});
	out
}

/// Second round: every row's exact sums over the keys of `source` that it sees, under the row's maximum over all keys
/// anywhere. `maxima` has one per row, none less than that of [`maxima`] and at most 2^39.
pub fn partials(
	backend: Backend,
	source: &Source<'_>,
	block: &Block<'_>,
	multiplier: i64,
	maxima: &[i64],
) -> Sums {
	let dim = block.head_dim;
	let per_task = rows_per_task(source, block);
	let mut out = Sums::empty(block.rows(), dim);
	let counts = out.keys.par_chunks_mut(per_task).zip(out.denominators.par_chunks_mut(per_task));
	let tasks = counts.zip(out.numerators.par_chunks_mut(per_task * dim)).enumerate();
	tasks.for_each(|(task, ((keys, denominators), numerators))| {
		let first = task * per_task;
		each_batch(backend, source, block, first..first + keys.len(), |head, batch, scratch| {
			runs(source, block, batch, |slot, row, run| {
				let (at, scores) = (row - first, &mut scratch.scores[slot]);
				scores.clear();
				scores.extend(backend, block.query(row), &head.keys[numbers(&run, dim)]);
				let mut sums = Partial {
					keys: keys[at],
					denominator: denominators[at],
					numerators: &mut numerators[at * dim..(at + 1) * dim],
				};
				let values = &head.values[numbers(&run, dim)];
				scores.count(backend, 0..run.len(), values, maxima[row], multiplier, &mut sums);
				(keys[at], denominators[at]) = (sums.keys, sums.denominator);
			});
		});
	});
	out
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{context::Split, kernels::attention::squared_length, testing::numbers};
	use noesis_canon::attention::{self, multiplier, MAX_KEYS};
	use proptest::prelude::*;

	const KV_HEADS: usize = 2;

	/// A cache of one layer that keeps `positions` of keys and values given by position and head.
	fn cache(positions: Positions, dim: usize, keys: &[i16], values: &[i16]) -> Cache {
		let mut cache = Cache::of(1, KV_HEADS, dim, positions.count as usize);
		for (i, position) in positions.iter().enumerate() {
			for head in 0..KV_HEADS {
				let range = (position * KV_HEADS + head) * dim..(position * KV_HEADS + head + 1) * dim;
				let (key, value) = cache.slot(0, head, i);
				key.copy_from_slice(&keys[range.clone()]);
				value.copy_from_slice(&values[range.clone()]);
				cache.raise_key_bound(0, head, squared_length(&keys[range]));
			}
		}
		cache
	}

	/// The definition, row by row.
	fn defined(block: &Block<'_>, keys: &[i16], values: &[i16]) -> Vec<i32> {
		let dim = block.head_dim;
		let row = |row: usize| {
			let seen = block.position(row) + 1;
			let head = row % block.heads * KV_HEADS / block.heads;
			let of_head = |all: &[i16]| -> Vec<i16> {
				all.chunks(dim).skip(head).step_by(KV_HEADS).take(seen).flatten().copied().collect()
			};
			let (mut weights, mut out) = (vec![0; seen], vec![0; dim]);
			attention::attend(
				block.query(row),
				&of_head(keys),
				&of_head(values),
				multiplier(dim),
				&mut weights,
				&mut out,
			);
			out
		};
		(0..block.rows()).flat_map(row).collect()
	}

	/// Both rounds over shards.
	fn over_shards(backend: Backend, block: &Block<'_>, sources: &[Source<'_>]) -> Vec<i32> {
		let mut greatest = vec![RowMaximum::NONE; block.rows()];
		for source in sources {
			for (all, own) in greatest.iter_mut().zip(maxima(backend, source, block)) {
				*all = all.merge(own);
			}
		}
		let greatest: Vec<i64> = greatest.iter().map(|m| m.0.unwrap()).collect();
		let by = multiplier(block.head_dim);
		// Last shard first: the order does not matter.
		let parts: Vec<Sums> =
			sources.iter().rev().map(|s| partials(backend, s, block, by, &greatest)).collect();
		let mut out = vec![0; block.queries.len()];
		for (row, out) in out.chunks_exact_mut(block.head_dim).enumerate() {
			let mut sum = Partial { keys: 0, denominator: 0, numerators: vec![0; block.head_dim] };
			parts.iter().for_each(|part| sum.merge(&part.row(row)).unwrap());
			assert_eq!(sum.keys as usize, block.position(row) + 1);
			sum.finish(out).unwrap();
		}
		out
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(48))]

		#[test]
		fn blocks_should_equal_the_definition_on_any_threads_over_any_shards(
			seed in any::<u64>(), positions in 1usize..900, at in any::<usize>(), tokens in 1usize..40,
			group in 1usize..5, dim in prop_oneof![Just(8usize), Just(16), Just(48), Just(64)],
			bits in (4u32..16, 4u32..16), threads in 1usize..4, shards in 1usize..9, striped in any::<bool>(),
		) {
			let tokens = tokens.min(positions);
			let heads = group * KV_HEADS;
			let width = KV_HEADS * dim;
			// The later half of the keys is of another size: some shards have narrow scores, some wide, and a shard's
			// own maximum may lie far under the row's.
			let mut keys = numbers(seed, positions * width, bits.0);
			keys[positions / 2 * width..].iter_mut().for_each(|k| *k >>= 15 - bits.1);
			let values = numbers(seed ^ 1, positions * width, 15);
			let queries = numbers(seed ^ 2, tokens * heads * dim, bits.1);
			let block =
				Block { queries: &queries, heads, head_dim: dim, first: at % (positions - tokens + 1) };
			let expected = defined(&block, &keys, &values);

			let everything = Positions::from_start(positions);
			let whole = cache(everything, dim, &keys, &values);
			let split =
				if striped { Split::striped(positions, shards) } else { Split::contiguous(positions, shards) };
			let caches: Vec<Cache> = split.parts().iter().map(|&p| cache(p, dim, &keys, &values)).collect();
			let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
			for backend in Backend::available() {
				let source = |cache, positions| Source { cache, layer: 0, positions };
				let sources: Vec<Source<'_>> =
					caches.iter().zip(split.parts()).map(|(cache, &p)| source(cache, p)).collect();
				let (once, split_up) = pool.install(|| {
					let mut out = vec![0; queries.len()];
					attend(backend, &source(&whole, everything), &block, multiplier(dim), &mut out);
					(out, over_shards(backend, &block, &sources))
				});
				prop_assert!(once == expected, "{:?}", backend);
				prop_assert!(split_up == expected, "{:?} over shards", backend);
			}
		}
	}

	#[test]
	fn sums_should_reach_the_ends_of_their_ranges_when_65536_keys_are_extreme() {
		let (dim, heads) = (64, 2);
		let everything = Positions::from_start(MAX_KEYS);
		for (query, key, value) in [(1, 1, 1), (1, 1, -1), (-1, 1, 1), (1, -1, -1)] {
			let fill = |sign: i16, count: usize| vec![32_767 * sign; count];
			let count = MAX_KEYS * KV_HEADS * dim;
			let cache = cache(everything, dim, &fill(key, count), &fill(value, count));
			let source = Source { cache: &cache, layer: 0, positions: everything };
			// The last token sees all keys, the one before it all but one.
			let queries = fill(query, 2 * heads * dim);
			let block = Block { queries: &queries, heads, head_dim: dim, first: MAX_KEYS - 2 };
			let score = i64::from(query * key) * dim as i64 * 32_767 * 32_767;
			for backend in Backend::available() {
				let found = maxima(backend, &source, &block);
				assert_eq!(found, vec![RowMaximum(Some(score)); 4], "{backend:?}");
				let sums = partials(backend, &source, &block, multiplier(dim), &[score; 4]);
				for (row, sum) in sums.rows().enumerate() {
					let keys = (MAX_KEYS - 1 + row / heads) as u32;
					assert_eq!((sum.keys, sum.denominator), (keys, keys * 65_535), "{backend:?}");
					let weighted = 32_767 * i64::from(value) * i64::from(keys) * 65_535;
					assert_eq!(sum.numerators, vec![weighted; dim], "{backend:?}");
				}
				let mut out = vec![0; queries.len()];
				attend(backend, &source, &block, multiplier(dim), &mut out);
				assert_eq!(out, vec![(32_767 * i32::from(value)) << 7; queries.len()], "{backend:?}");
			}
		}
	}

	#[test]
	fn a_row_should_be_zero_when_it_sees_nothing() {
		let positions = Positions { first: 50, stride: 3, count: 4 };
		let keys = numbers(1, 100 * KV_HEADS * 16, 10);
		let cache = cache(positions, 16, &keys, &keys);
		let queries = numbers(2, 2 * 16, 10);
		let block = Block { queries: &queries, heads: 2, head_dim: 16, first: 49 };
		let source = Source { cache: &cache, layer: 0, positions };
		for backend in Backend::available() {
			let mut out = vec![7; 32];
			attend(backend, &source, &block, multiplier(16), &mut out);
			assert_eq!(out, vec![0; 32]);
			assert_eq!(maxima(backend, &source, &block), vec![RowMaximum::NONE; 2]);
			assert_eq!(partials(backend, &source, &block, multiplier(16), &[0; 2]), Sums::empty(2, 16));
		}
	}
}
