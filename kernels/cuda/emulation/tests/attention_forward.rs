//! `attention_forward.cu` against attention in f64.

// Helpers of tests, over sizes that the tests choose.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

mod forward;

use forward::{gapped, heads_first, run, shape, Arrays, PRECISIONS};
use noesis_cuda::{
	attention::{
		forward::Inputs,
		reference::NAN,
		tuning::{candidates, Tile, Tuning},
		Attention, Lengths, Offsets, Precision, Strides, View,
	},
	Buffer, DeviceError,
};
use noesis_cuda_emulation::Emulation;

/// Runs the kernel under an order of threads and compares all that it wrote; returns it.
fn check(attention: &Attention<'_>, arrays: &Arrays, tile: Tile, seed: u64) -> (Vec<u16>, Vec<f32>) {
	forward::check(&Emulation::new(seed), attention, arrays, tile)
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
				let (output, lse) = run(&Emulation::new(7), &alone, &arrays.sequence(b), tile).unwrap();
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
