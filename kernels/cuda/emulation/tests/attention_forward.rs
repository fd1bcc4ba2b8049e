//! `attention_forward.cu` against attention in f64.

// Helpers of tests, over sizes that the tests choose.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use noesis_cuda::{
	attention::{
		forward::Inputs,
		reference::{self, HostView, Side, NAN},
		tuning::{candidates, Tile, Tuning},
		Attention, AttentionShape, Lengths, Offsets, Precision, Strides, View,
	},
	Buffer, Device, DeviceError,
};
use noesis_cuda_emulation::Emulation;
use std::sync::Arc;

const PRECISIONS: [Precision; 2] = [Precision::F16, Precision::Bf16];
/// What outputs hold before the kernel runs.
const UNTOUCHED: u16 = 0x7bad;

fn shape(batch: usize, query_heads: usize, kv_heads: usize, head_dim: usize, causal: bool) -> AttentionShape {
	AttentionShape { batch, query_heads, kv_heads, head_dim, causal }
}

/// Where an array's rows lie.
#[derive(Clone, Copy)]
struct Layout {
	start: usize,
	strides: Strides,
	length: usize,
}

/// A host's array and how it lies.
type Array = (Layout, Vec<u16>);

/// `[B, heads, rows, D]` without gaps.
fn heads_first(attention: &Attention<'_>, side: Side) -> Layout {
	let (heads, rows) = sizes(attention, side);
	let strides = Strides::heads_first(heads, rows, attention.shape.head_dim);
	Layout { start: 0, strides, length: attention.shape.batch * strides.batch }
}

/// `[B, rows, heads, D]` or packed, with gaps after heads, rows and sequences.
fn gapped(attention: &Attention<'_>, side: Side) -> Layout {
	let (heads, rows) = sizes(attention, side);
	let head = attention.shape.head_dim + 8;
	let row = heads * head + 24;
	let strides = Strides { batch: rows * row + 40, head, row };
	Layout { start: 16, strides, length: 16 + attention.shape.batch.max(1) * strides.batch }
}

fn sizes(attention: &Attention<'_>, side: Side) -> (usize, usize) {
	let rows = |total: usize| match attention.lengths {
		Lengths::Uniform { .. } => total / attention.shape.batch,
		Lengths::Variable { .. } => total,
	};
	match side {
		Side::Queries => (attention.shape.query_heads, rows(attention.query_rows())),
		Side::Keys => (attention.shape.kv_heads, rows(attention.key_rows())),
	}
}

/// The arrays of one attention on the host.
struct Arrays {
	queries: Array,
	keys: Array,
	values: Array,
}

impl Arrays {
	fn random(attention: &Attention<'_>, layout: fn(&Attention<'_>, Side) -> Layout, seed: u64) -> Self {
		let array = |side, seed| {
			let Layout { start, strides, length } = layout(attention, side);
			let values = reference::inputs(attention, side, seed, length, start, strides);
			(layout(attention, side), values)
		};
		Self {
			queries: array(Side::Queries, 3 * seed),
			keys: array(Side::Keys, 3 * seed + 1),
			values: array(Side::Keys, 3 * seed + 2),
		}
	}

	fn forward(&self, attention: &Attention<'_>) -> reference::Forward {
		let [queries, keys, values] = [&self.queries, &self.keys, &self.values].map(host);
		reference::forward(attention, queries, keys, values)
	}
}

fn host((layout, values): &Array) -> HostView<'_> {
	HostView { values, start: layout.start, strides: layout.strides }
}

/// Runs the kernel; the output lies like the queries.
fn run(
	device: &Arc<dyn Device>,
	attention: &Attention<'_>,
	arrays: &Arrays,
	tile: Tile,
) -> Result<(Array, Vec<f32>), DeviceError> {
	let upload = |array: &Array| Buffer::upload(device, &array.1);
	let (queries, keys, values) = (upload(&arrays.queries)?, upload(&arrays.keys)?, upload(&arrays.values)?);
	let layout = arrays.queries.0;
	let output = Buffer::upload(device, &vec![UNTOUCHED; layout.length])?;
	let lse = Buffer::<f32>::uninitialised(device, attention.lse_len())?;
	let view = |values, layout: Layout| View { values, start: layout.start, strides: layout.strides };
	let inputs = Inputs {
		queries: view(&queries, layout),
		keys: view(&keys, arrays.keys.0),
		values: view(&values, arrays.values.0),
	};
	attention.forward(&inputs, &view(&output, layout), Some(&lse), tile)?;
	Ok(((layout, output.download()?), lse.download()?))
}

/// Runs the kernel and compares all that it wrote; returns it.
fn check(attention: &Attention<'_>, arrays: &Arrays, tile: Tile, seed: u64) -> (Vec<u16>, Vec<f32>) {
	let what = format!("{tile:?}, {:?}, {:?}, seed {seed}", attention.shape, attention.precision);
	let (output, lse) = run(&Emulation::new(seed), attention, arrays, tile).expect(&what);
	let expected = arrays.forward(attention);
	let (output_error, lse_error) =
		(expected.output_error(attention, host(&output)), expected.lse_error(&lse));
	assert!(output_error <= 1.0, "output is off by {output_error} bounds: {what}");
	assert!(lse_error <= 1.0, "log-sum-exp is off by {lse_error} bounds: {what}");
	let written = output.1.iter().filter(|bits| **bits != UNTOUCHED).count();
	assert_eq!(written, expected.output.len(), "rows and nothing else are written: {what}");
	(output.1, lse)
}

fn small_tile(head_dim: usize) -> Tile {
	*candidates(head_dim).iter().min_by_key(|tile| (tile.rows * tile.warps, tile.keys)).unwrap()
}

#[test]
fn every_tile_should_equal_the_reference() {
	let lengths = Lengths::Uniform { queries: 130, keys: 201 };
	for head_dim in [64, 128] {
		for (i, tile) in candidates(head_dim).iter().enumerate() {
			for (precision, causal) in [(PRECISIONS[i % 2], false), (PRECISIONS[(i + 1) % 2], true)] {
				let attention = Attention {
					shape: shape(1, 1, 1, head_dim, causal),
					precision,
					lengths: &lengths,
					scale: 0.3,
				};
				check(&attention, &Arrays::random(&attention, heads_first, i as u64), *tile, i as u64);
			}
		}
	}
}

#[test]
fn ragged_lengths_should_equal_the_reference_in_any_layout() {
	let pairs = [(1, 1), (1, 65), (17, 63), (63, 17), (64, 64), (65, 130), (130, 65), (200, 64)];
	for (i, (queries, keys)) in pairs.into_iter().enumerate() {
		let lengths = Lengths::Uniform { queries, keys };
		let (head_dim, causal) = ([64, 64, 128][i % 3], i % 2 == 0);
		let layout = [heads_first, gapped][i / 2 % 2];
		let precision = PRECISIONS[i / 4 % 2];
		let attention =
			Attention { shape: shape(2, 2, 1, head_dim, causal), precision, lengths: &lengths, scale: 0.125 };
		let tile = candidates(head_dim)[i * 3 % candidates(head_dim).len()];
		check(&attention, &Arrays::random(&attention, layout, i as u64), tile, i as u64);
	}
}

#[test]
fn grouped_heads_should_read_their_own_keys() {
	let lengths = Lengths::Uniform { queries: 33, keys: 70 };
	for (query_heads, kv_heads) in [(4, 4), (6, 2), (3, 1)] {
		let shape = shape(2, query_heads, kv_heads, 64, false);
		let attention = Attention { shape, precision: Precision::F16, lengths: &lengths, scale: 0.125 };
		check(&attention, &Arrays::random(&attention, gapped, 7), small_tile(64), 3);
	}
}

#[test]
fn sequences_of_all_lengths_should_share_a_batch() {
	let device = Emulation::new(1);
	let (queries, keys) = ([5, 0, 130, 64, 7, 20], [9, 3, 130, 0, 66, 5]);
	for causal in [false, true] {
		let lengths = Lengths::Variable {
			queries: Offsets::new(&device, &queries).unwrap(),
			keys: Offsets::new(&device, &keys).unwrap(),
		};
		let precision = PRECISIONS[usize::from(causal)];
		let attention =
			Attention { shape: shape(6, 2, 1, 64, causal), precision, lengths: &lengths, scale: 0.2 };
		let arrays = Arrays::random(&attention, gapped, 5);
		let (_, lse) = check(&attention, &arrays, candidates(64)[0], 5);
		// Sequence 3 has no keys; under the mask the first 15 queries of sequence 5 see none.
		let blind = if causal { 2 * (64 + 15) } else { 2 * 64 };
		assert_eq!(lse.iter().filter(|lse| **lse == f32::NEG_INFINITY).count(), blind);
	}
}

#[test]
fn a_rising_maximum_should_rescale_what_was_summed() {
	// Later keys weigh ever more, from far below the lag of the running maximum to far above.
	let lengths = Lengths::Uniform { queries: 40, keys: 200 };
	for (step, seed) in [(0.0, 1), (0.02, 2), (0.2, 3), (2.0, 4)] {
		let attention = Attention {
			shape: shape(1, 1, 1, 64, false),
			precision: Precision::F16,
			lengths: &lengths,
			scale: 0.5,
		};
		let mut arrays = Arrays::random(&attention, heads_first, seed);
		let precision = attention.precision;
		for (i, bits) in arrays.keys.1.iter_mut().enumerate() {
			*bits = precision.round(precision.value(*bits) * (1.0 + step * (i / 64) as f64 / 8.0));
		}
		check(&attention, &arrays, candidates(64)[2], seed);
	}
}

#[test]
fn a_run_should_give_the_same_bytes_again_in_any_company_and_order() {
	let (both, one) =
		(Lengths::Uniform { queries: 70, keys: 90 }, Lengths::Uniform { queries: 70, keys: 90 });
	for head_dim in [64, 128] {
		for tile in [small_tile(head_dim), candidates(head_dim)[0]] {
			let of = |batch, lengths| Attention {
				shape: shape(batch, 2, 1, head_dim, true),
				precision: Precision::Bf16,
				lengths,
				scale: 0.25,
			};
			let (pair, alone) = (of(2, &both), of(1, &one));
			let arrays = Arrays::random(&pair, heads_first, 11);
			let first = check(&pair, &arrays, tile, 1);
			assert_eq!(
				run(&Emulation::new(99), &pair, &arrays, tile).map(|(o, lse)| (o.1, lse)).unwrap(),
				first
			);
			for b in 0..2 {
				let part = |(layout, values): &Array| {
					let size = layout.strides.batch;
					(Layout { length: size, ..*layout }, values[b * size..(b + 1) * size].to_vec())
				};
				let own = Arrays {
					queries: part(&arrays.queries),
					keys: part(&arrays.keys),
					values: part(&arrays.values),
				};
				let (output, lse) = run(&Emulation::new(7), &alone, &own, tile).unwrap();
				assert_eq!(output.1, first.0[b * output.1.len()..][..output.1.len()]);
				assert_eq!(lse, first.1[b * lse.len()..][..lse.len()]);
			}
		}
	}
}

#[test]
fn a_nan_should_reach_those_that_see_it_and_no_other_head() {
	let lengths = Lengths::Uniform { queries: 20, keys: 30 };
	let attention = Attention {
		shape: shape(1, 2, 2, 64, false),
		precision: Precision::F16,
		lengths: &lengths,
		scale: 0.1,
	};
	let mut arrays = Arrays::random(&attention, heads_first, 1);
	arrays.keys.1[3 * 64] = NAN;
	let (output, lse) = run(&Emulation::new(1), &attention, &arrays, small_tile(64)).unwrap();
	let is_nan = |bits: &u16| Precision::F16.value(*bits).is_nan();
	let (first, second) = output.1.split_at(20 * 64);
	assert!(first.iter().all(is_nan) && lse[..20].iter().all(|lse| lse.is_nan()));
	assert!(!second.iter().any(is_nan) && lse[20..].iter().all(|lse| lse.is_finite()));
}

#[test]
fn what_does_not_fit_together_should_be_refused() {
	let device = Emulation::new(1);
	let lengths = Lengths::Uniform { queries: 8, keys: 8 };
	let good = || Attention {
		shape: shape(1, 4, 2, 64, false),
		precision: Precision::F16,
		lengths: &lengths,
		scale: 1.0,
	};
	let values = Buffer::<u16>::zeros(&device, 4 * 8 * 64).unwrap();
	let lse = Buffer::<f32>::zeros(&device, 4 * 8).unwrap();
	let strides = Strides::heads_first(4, 8, 64);
	let view = View::new(&values, strides);
	let tile = candidates(64)[0];
	let attempt = |attention: &Attention<'_>, queries: View<'_>, lse: &Buffer<f32>, tile: Tile| {
		let inputs = Inputs { queries, keys: view, values: view };
		attention.forward(&inputs, &view, Some(lse), tile)
	};
	attempt(&good(), view, &lse, tile).unwrap();
	let refused = |result: Result<(), DeviceError>, why: &str| match result {
		Err(DeviceError::Shape(text)) => assert!(text.contains(why), "{text}"),
		other => panic!("{other:?}, not a refusal that says {why}"),
	};
	let with = |change: fn(&mut Attention<'_>)| {
		let mut attention = good();
		change(&mut attention);
		attempt(&attention, view, &lse, tile)
	};
	refused(with(|a| a.shape.kv_heads = 3), "evenly");
	refused(with(|a| a.shape.kv_heads = 0), "evenly");
	refused(with(|a| a.shape.head_dim = 96), "64 or 128");
	refused(with(|a| a.shape.head_dim = 128), "queries");
	refused(with(|a| a.shape.batch = 2), "queries");
	refused(with(|a| a.shape.batch = 1 << 16), "sequences");
	refused(with(|a| a.scale = 0.0), "positive");
	refused(with(|a| a.scale = f32::NAN), "positive");
	refused(attempt(&good(), View { start: 8, ..view }, &lse, tile), "queries");
	refused(attempt(&good(), View { start: 4, ..view }, &lse, tile), "multiples of 8");
	refused(
		attempt(&good(), View { strides: Strides { row: 68, ..strides }, ..view }, &lse, tile),
		"multiples of 8",
	);
	refused(
		attempt(&good(), View { strides: Strides { row: 1 << 31, ..strides }, ..view }, &lse, tile),
		"row to row",
	);
	refused(
		attempt(&good(), View { strides: Strides { head: usize::MAX - 7, ..strides }, ..view }, &lse, tile),
		"queries",
	);
	refused(attempt(&good(), view, &Buffer::zeros(&device, 31).unwrap(), tile), "31 floats");
	refused(attempt(&good(), view, &lse, candidates(128)[1]), "no Tile");
	let offsets = |lengths: &[usize]| Offsets::new(&device, lengths).unwrap();
	let variable = Lengths::Variable { queries: offsets(&[4, 4]), keys: offsets(&[8]) };
	let attention = Attention { lengths: &variable, ..good() };
	refused(attempt(&attention, view, &lse, tile), "2 sequences in a batch of 1");
	refused(Offsets::new(&device, &[1 << 31]).map(|_| ()), "rows of all sequences");
}

#[test]
fn the_guessed_tile_should_run_and_a_measured_one_should_replace_it() {
	use noesis_cuda::attention::tuning::Key;
	let device = Emulation::new(1);
	for (head_dim, queries) in [(64, 1), (64, 100), (128, 100)] {
		let lengths = Lengths::Uniform { queries, keys: queries };
		let shape = shape(1, 2, 2, head_dim, true);
		let attention = Attention { shape, precision: Precision::F16, lengths: &lengths, scale: 0.125 };
		let mut tuning = Tuning::default();
		let guess = tuning.choose(&*device, &attention);
		check(&attention, &Arrays::random(&attention, heads_first, 1), guess, 1);
		let other = *candidates(head_dim).iter().find(|tile| **tile != guess).unwrap();
		tuning.set(Key::of(&*device, &attention), other).unwrap();
		assert_eq!(tuning.choose(&*device, &attention), other);
	}
}
