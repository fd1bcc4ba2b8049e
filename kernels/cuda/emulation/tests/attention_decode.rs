//! `attention_decode.cu` against attention in f64, and against the forward pass over the same cache.

// Helpers of tests, over sizes that the tests choose.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use noesis_cuda::{
	attention::{
		decode::{CacheShape, Filled, KvCache, Step, Tokens, Workspace, SPLIT},
		forward::Inputs,
		reference::{self, HostView, NAN},
		tuning::candidates,
		Attention, AttentionShape, Lengths, Offsets, Precision, Strides, View,
	},
	Buffer, Device, DeviceError,
};
use noesis_cuda_emulation::Emulation;
use std::sync::Arc;

/// One sequence's values on the host: keys and values `[Hkv, length, D]`, a query `[Hq, D]`.
struct Sequence {
	length: usize,
	keys: Vec<u16>,
	values: Vec<u16>,
	query: Vec<u16>,
}

#[derive(Clone, Copy)]
struct Heads {
	query: usize,
	kv: usize,
	dim: usize,
	precision: Precision,
}

const SCALE: f32 = 0.2;

impl Sequence {
	fn random(heads: Heads, length: usize, seed: u64) -> Self {
		let array = |seed, rows| reference::random(seed, rows * heads.dim, heads.precision);
		Self {
			length,
			keys: array(3 * seed, heads.kv * length),
			values: array(3 * seed + 1, heads.kv * length),
			query: array(3 * seed + 2, heads.query),
		}
	}

	/// Whether an output `[Hq, D]` and its log-sum-exp are right.
	fn check(&self, heads: Heads, output: &[u16], lse: &[f32]) {
		let shape = AttentionShape {
			batch: 1,
			query_heads: heads.query,
			kv_heads: heads.kv,
			head_dim: heads.dim,
			causal: false,
		};
		let lengths = Lengths::Uniform { queries: 1, keys: self.length };
		let attention = Attention { shape, precision: heads.precision, lengths: &lengths, scale: SCALE };
		let strides = Strides::heads_first(heads.kv, self.length, heads.dim);
		let query_strides = Strides::heads_first(heads.query, 1, heads.dim);
		let expected = reference::forward(
			&attention,
			HostView::new(&self.query, query_strides),
			HostView::new(&self.keys, strides),
			HostView::new(&self.values, strides),
		);
		let error = expected.output_error(&attention, HostView::new(output, query_strides));
		assert!(error <= 1.0, "output is off by {error} bounds with {} keys", self.length);
		let error = expected.lse_error(lse);
		assert!(error <= 1.0, "log-sum-exp is off by {error} bounds with {} keys", self.length);
	}
}

/// A cache that is NaN where no token was appended.
fn empty_cache(device: &Arc<dyn Device>, heads: Heads, batch: usize, capacity: usize) -> (KvCache, Filled) {
	let shape = CacheShape { batch, kv_heads: heads.kv, head_dim: heads.dim, capacity };
	let cache = KvCache::new(device, shape, heads.precision).unwrap();
	for view in [cache.keys(), cache.values()] {
		view.values.write(&vec![NAN; view.values.len()]).unwrap();
	}
	(cache, Filled::new(device, batch).unwrap())
}

/// Appends everything that the sequences have, packed.
fn append_all(
	device: &Arc<dyn Device>,
	heads: Heads,
	cache: &KvCache,
	filled: &mut Filled,
	all: &[&Sequence],
) {
	let lengths: Vec<usize> = all.iter().map(|s| s.length).collect();
	let offsets = Offsets::new(device, &lengths).unwrap();
	let packed = |of: fn(&Sequence) -> &[u16]| {
		let mut rows = Vec::new();
		for sequence in all {
			for row in 0..sequence.length {
				for head in 0..heads.kv {
					let at = (head * sequence.length + row) * heads.dim;
					rows.extend_from_slice(&of(sequence)[at..at + heads.dim]);
				}
			}
		}
		Buffer::upload(device, &rows).unwrap()
	};
	let (keys, values) = (packed(|s| &s.keys), packed(|s| &s.values));
	let strides = Strides::rows_first(heads.kv, offsets.total(), heads.dim);
	let tokens = Tokens::Packed(&offsets);
	cache.append(filled, &tokens, &View::new(&keys, strides), &View::new(&values, strides)).unwrap();
	filled.advance(&tokens).unwrap();
}

fn decode(
	device: &Arc<dyn Device>,
	heads: Heads,
	cache: &KvCache,
	filled: &Filled,
	queries: &[u16],
	split: usize,
) -> Result<(Vec<u16>, Vec<f32>), DeviceError> {
	let batch = filled.lengths().len();
	let queries = Buffer::upload(device, queries)?;
	let (output, lse) =
		(Buffer::uninitialised(device, queries.len())?, Buffer::uninitialised(device, batch * heads.query)?);
	let strides = Strides::heads_first(heads.query, 1, heads.dim);
	let workspace = Workspace::new(device, cache.shape(), heads.query, split)?;
	let step = Step {
		query_heads: heads.query,
		scale: SCALE,
		queries: View::new(&queries, strides),
		output: View::new(&output, strides),
		lse: Some(&lse),
	};
	cache.decode(filled, &step, &workspace)?;
	Ok((output.download()?, lse.download()?))
}

/// Puts sequences in one cache and decodes them.
fn decode_all(
	seed: u64,
	heads: Heads,
	capacity: usize,
	all: &[&Sequence],
	split: usize,
) -> (Vec<u16>, Vec<f32>) {
	let device = Emulation::new(seed);
	let (cache, mut filled) = empty_cache(&device, heads, all.len(), capacity);
	append_all(&device, heads, &cache, &mut filled, all);
	let queries: Vec<u16> = all.iter().flat_map(|s| s.query.iter().copied()).collect();
	decode(&device, heads, &cache, &filled, &queries, split).unwrap()
}

#[test]
fn a_step_should_equal_the_reference_for_every_length() {
	for (i, (query, kv, dim)) in [(3, 1, 64), (4, 4, 64), (8, 2, 128), (20, 1, 64)].into_iter().enumerate() {
		let precision = [Precision::F16, Precision::Bf16][i % 2];
		let heads = Heads { query, kv, dim, precision };
		let lengths = [1, 17, 0, 63, 64, 65, 130, 260];
		let all: Vec<Sequence> =
			lengths.iter().zip(1..).map(|(length, seed)| Sequence::random(heads, *length, seed)).collect();
		let all: Vec<&Sequence> = all.iter().collect();
		let (output, lse) = decode_all(i as u64, heads, 300, &all, [64, SPLIT, 128, 192][i]);
		for ((sequence, output), lse) in all.iter().zip(output.chunks(query * dim)).zip(lse.chunks(query)) {
			sequence.check(heads, output, lse);
			if sequence.length == 0 {
				assert!(output.iter().all(|bits| *bits == 0) && lse.iter().all(|x| *x == f32::NEG_INFINITY));
			}
		}
	}
}

#[test]
fn many_splits_should_be_added_up() {
	// More splits than the combining block has parts.
	for (dim, precision) in [(64, Precision::F16), (128, Precision::Bf16)] {
		let heads = Heads { query: 2, kv: 1, dim, precision };
		let sequence = Sequence::random(heads, 64 * 18 + 5, 9);
		let (output, lse) = decode_all(4, heads, 2000, &[&sequence], 64);
		sequence.check(heads, &output, &lse);
	}
}

#[test]
fn a_sequence_should_have_the_same_bits_in_any_batch_cache_and_order() {
	let heads = Heads { query: 6, kv: 2, dim: 64, precision: Precision::F16 };
	let all: Vec<Sequence> =
		[200, 7, 350].iter().zip(1..).map(|(n, seed)| Sequence::random(heads, *n, seed)).collect();
	let [a, b, c] = [&all[0], &all[1], &all[2]];
	let (output, lse) = decode_all(1, heads, 400, &[a, b, c], 128);
	let own = |place: usize| (&output[place * 6 * 64..][..6 * 64], &lse[place * 6..][..6]);
	for (place, sequence) in [(0, a), (1, b), (2, c)] {
		let alone = decode_all(50 + place as u64, heads, sequence.length, &[sequence], 128);
		assert_eq!((alone.0.as_slice(), alone.1.as_slice()), own(place), "alone");
	}
	let (other, other_lse) = decode_all(2, heads, 1024, &[c, a], 128);
	assert_eq!((&other[6 * 64..], &other_lse[6..]), own(0), "in other company");
}

#[test]
fn decoding_token_by_token_should_agree_with_a_prefill() {
	let heads = Heads { query: 2, kv: 1, dim: 64, precision: Precision::F16 };
	let (batch, tokens, capacity) = (2, 70, 80);
	let device = Emulation::new(3);
	let rows =
		|seed, heads_of: usize| reference::random(seed, batch * tokens * heads_of * 64, heads.precision);
	let (queries, keys, values) = (rows(1, heads.query), rows(2, heads.kv), rows(3, heads.kv));
	let upload = |values: &[u16]| Buffer::upload(&device, values).unwrap();
	// The whole sequences at once, through the cache.
	let (cache, mut filled) = empty_cache(&device, heads, batch, capacity);
	let (query_strides, strides) =
		(Strides::heads_first(heads.query, tokens, 64), Strides::heads_first(heads.kv, tokens, 64));
	let (all_keys, all_values, all_queries) = (upload(&keys), upload(&values), upload(&queries));
	let tokens_each = Tokens::Each(tokens);
	cache
		.append(&filled, &tokens_each, &View::new(&all_keys, strides), &View::new(&all_values, strides))
		.unwrap();
	filled.advance(&tokens_each).unwrap();
	let lengths = Lengths::Uniform { queries: tokens, keys: tokens };
	let attention = cache.prefill(&lengths, heads.query, SCALE);
	let output = Buffer::uninitialised(&device, queries.len()).unwrap();
	let inputs = Inputs {
		queries: View::new(&all_queries, query_strides),
		keys: cache.keys(),
		values: cache.values(),
	};
	attention.forward(&inputs, &View::new(&output, query_strides), None, candidates(64)[5]).unwrap();
	let whole = output.download().unwrap();
	// One token after another, in a cache of its own.
	let (cache, mut filled) = empty_cache(&device, heads, batch, capacity);
	for token in 0..tokens {
		// The new rows lie in the middle of the whole arrays: views with a start.
		let row = |buffer, strides| View { values: buffer, start: token * 64, strides };
		cache
			.append(&filled, &Tokens::Each(1), &row(&all_keys, strides), &row(&all_values, strides))
			.unwrap();
		filled.advance(&Tokens::Each(1)).unwrap();
		if ![0, 1, 15, 63, 64, 69].contains(&token) {
			continue;
		}
		let output = Buffer::uninitialised(&device, queries.len()).unwrap();
		let workspace = Workspace::new(&device, cache.shape(), heads.query, 64).unwrap();
		let step = Step {
			query_heads: heads.query,
			scale: SCALE,
			queries: row(&all_queries, query_strides),
			output: row(&output, query_strides),
			lse: None,
		};
		cache.decode(&filled, &step, &workspace).unwrap();
		let output = output.download().unwrap();
		for head in 0..batch * heads.query {
			for column in 0..64 {
				let at = head * tokens * 64 + token * 64 + column;
				let (one, other) = (heads.precision.value(output[at]), heads.precision.value(whole[at]));
				assert!((one - other).abs() <= 2e-3, "token {token}, head {head}: {one} and {other}");
			}
		}
	}
}

#[test]
fn what_does_not_fit_together_should_be_refused() {
	let heads = Heads { query: 2, kv: 1, dim: 64, precision: Precision::F16 };
	let device = Emulation::new(1);
	let (cache, mut filled) = empty_cache(&device, heads, 2, 10);
	let rows = Buffer::<u16>::zeros(&device, 2 * 10 * 64).unwrap();
	let view = View::new(&rows, Strides::heads_first(1, 10, 64));
	let refused = |result: Result<(), DeviceError>, why: &str| match result {
		Err(DeviceError::Shape(text)) => assert!(text.contains(why), "{text}"),
		other => panic!("{other:?}, not a refusal that says {why}"),
	};
	cache.append(&filled, &Tokens::Each(8), &view, &view).unwrap();
	filled.advance(&Tokens::Each(8)).unwrap();
	refused(cache.append(&filled, &Tokens::Each(3), &view, &view), "11 tokens in a cache of 10");
	refused(cache.append(&filled, &Tokens::Each(1), &View { start: 640, ..view }, &view), "keys");
	refused(cache.append(&filled, &Tokens::Each(1), &view, &View { start: 640, ..view }), "values");
	let offsets = Offsets::new(&device, &[1]).unwrap();
	refused(cache.append(&filled, &Tokens::Packed(&offsets), &view, &view), "1 sequences in a batch of 2");
	refused(filled.advance(&Tokens::Packed(&offsets)), "1 sequences in a batch of 2");
	let query = vec![0; 2 * 2 * 64];
	let attempt = |heads: Heads, filled: &Filled, queries: &[u16], split| {
		decode(&device, heads, &cache, filled, queries, split).map(|_| ())
	};
	attempt(heads, &filled, &query, SPLIT).unwrap();
	refused(attempt(heads, &filled, &query, 100), "multiples of 64");
	refused(attempt(heads, &filled, &query, 0), "multiples of 64");
	refused(attempt(heads, &filled, &query[..192], SPLIT), "queries");
	refused(attempt(Heads { query: 0, ..heads }, &filled, &query, SPLIT), "evenly");
	refused(attempt(heads, &Filled::new(&device, 3).unwrap(), &query, SPLIT), "3 sequences for a cache of 2");
	filled.set(&[8, 11]).unwrap();
	refused(attempt(heads, &filled, &query, SPLIT), "at most 10");
	refused(filled.set(&[1]), "1 sequences in a batch of 2");
	let small = CacheShape { capacity: 5, ..cache.shape() };
	let workspace = Workspace::new(&device, CacheShape { batch: 1, ..small }, heads.query, 64).unwrap();
	let strides = Strides::heads_first(2, 1, 64);
	let queries = Buffer::upload(&device, &query).unwrap();
	let (queries, output) = (View::new(&queries, strides), View::new(&queries, strides));
	let step = Step { query_heads: 2, scale: SCALE, queries, output, lse: None };
	filled.set(&[8, 8]).unwrap();
	refused(cache.decode(&filled, &step, &workspace), "a workspace for 2 rows");
	let workspace = Workspace::new(&device, cache.shape(), heads.query, 64).unwrap();
	refused(cache.decode(&filled, &Step { scale: -1.0, ..step }, &workspace), "positive");
	let shape = CacheShape { head_dim: 32, ..cache.shape() };
	refused(KvCache::new(&device, shape, Precision::F16).map(|_| ()), "64 or 128");
}
