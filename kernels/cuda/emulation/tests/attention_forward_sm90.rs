//! `attention_forward_sm90.cu` against attention in f64.
//!
//! On a GPU that is not of compute capability 9.0 there is nothing to test.

// Helpers of tests, over sizes that the tests choose.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

mod forward;

use forward::{check, gapped, heads_first, run, shape, Arrays, PRECISIONS};
use noesis_cuda::{
	attention::{
		reference::NAN,
		tuning::{candidates, wgmma_candidates, Key, Kind, Tile, Tuning},
		Attention, Lengths, Offsets, Precision,
	},
	bench::{run_device, tune, Cell, Effort},
	Buffer, DeviceError,
};
use noesis_cuda_emulation::Emulation;

/// The largest and the smallest ring, and both numbers of consumers.
fn some_tiles(head_dim: usize) -> [Tile; 2] {
	let all = wgmma_candidates(head_dim);
	[all[0], all[all.len() - 1]]
}

#[test]
fn every_tile_should_equal_the_reference() {
	let lengths = Lengths::Uniform { queries: 200, keys: 421 };
	for head_dim in [64, 128] {
		for (i, tile) in wgmma_candidates(head_dim).iter().enumerate() {
			for (precision, causal) in [(PRECISIONS[i % 2], false), (PRECISIONS[(i + 1) % 2], true)] {
				let Some(device) = Emulation::hopper(i as u64) else { return };
				let attention = Attention {
					shape: shape(1, 1, 1, head_dim, causal),
					precision,
					lengths: &lengths,
					scale: 0.3,
				};
				check(&device, &attention, &Arrays::random(&attention, heads_first, i as u64), *tile);
			}
		}
	}
}

#[test]
fn ragged_lengths_should_equal_the_reference_in_any_layout() {
	let pairs =
		[(1, 1), (1, 65), (17, 300), (63, 17), (128, 128), (129, 257), (257, 65), (200, 64), (300, 530)];
	for (i, (queries, keys)) in pairs.into_iter().enumerate() {
		let Some(device) = Emulation::hopper(i as u64) else { return };
		let lengths = Lengths::Uniform { queries, keys };
		let (head_dim, causal) = ([64, 64, 128][i % 3], i % 2 == 0);
		let layout = [heads_first, gapped][i / 2 % 2];
		let precision = PRECISIONS[i / 4 % 2];
		let attention =
			Attention { shape: shape(2, 2, 1, head_dim, causal), precision, lengths: &lengths, scale: 0.125 };
		let tiles = wgmma_candidates(head_dim);
		check(&device, &attention, &Arrays::random(&attention, layout, i as u64), tiles[i % tiles.len()]);
	}
}

#[test]
fn any_order_of_threads_copies_and_products_should_give_the_same_bytes() {
	let lengths = Lengths::Uniform { queries: 150, keys: 700 };
	for (head_dim, causal) in [(64, false), (128, true)] {
		for tile in some_tiles(head_dim) {
			let attention = Attention {
				shape: shape(1, 1, 1, head_dim, causal),
				precision: Precision::F16,
				lengths: &lengths,
				scale: 0.2,
			};
			let arrays = Arrays::random(&attention, heads_first, 3);
			let Some(device) = Emulation::hopper(0) else { return };
			let first = check(&device, &attention, &arrays, tile);
			for seed in 1..6 {
				let Some(device) = Emulation::hopper(seed) else { return };
				let ((_, output), lse) = run(&device, &attention, &arrays, tile).unwrap();
				assert_eq!((output, lse), first, "{tile:?}, seed {seed}");
			}
		}
	}
}

#[test]
fn grouped_heads_should_read_their_own_keys() {
	let lengths = Lengths::Uniform { queries: 33, keys: 200 };
	for (query_heads, kv_heads) in [(4, 4), (6, 2), (3, 1)] {
		let Some(device) = Emulation::hopper(3) else { return };
		let shape = shape(2, query_heads, kv_heads, 64, false);
		let attention = Attention { shape, precision: Precision::F16, lengths: &lengths, scale: 0.125 };
		check(&device, &attention, &Arrays::random(&attention, gapped, 7), some_tiles(64)[1]);
	}
}

#[test]
fn sequences_of_all_lengths_should_share_a_batch() {
	let (queries, keys) = ([5, 0, 330, 64, 7, 20], [9, 3, 330, 0, 66, 5]);
	for (head_dim, causal) in [(64, false), (64, true), (128, false), (128, true)] {
		let Some(device) = Emulation::hopper(5) else { return };
		let lengths = Lengths::Variable {
			queries: Offsets::new(&device, &queries).unwrap(),
			keys: Offsets::new(&device, &keys).unwrap(),
		};
		let precision = PRECISIONS[usize::from(causal)];
		let attention =
			Attention { shape: shape(6, 2, 1, head_dim, causal), precision, lengths: &lengths, scale: 0.2 };
		for tile in some_tiles(head_dim) {
			let (_, lse) = check(&device, &attention, &Arrays::random(&attention, gapped, 5), tile);
			// Sequence 3 has no keys; under the mask the first 15 queries of sequence 5 see none.
			let blind = if causal { 2 * (64 + 15) } else { 2 * 64 };
			assert_eq!(lse.iter().filter(|lse| **lse == f32::NEG_INFINITY).count(), blind);
		}
	}
}

#[test]
fn a_batch_without_any_key_should_give_zeros() {
	let Some(device) = Emulation::hopper(5) else { return };
	let lengths = Lengths::Variable {
		queries: Offsets::new(&device, &[3, 200]).unwrap(),
		keys: Offsets::new(&device, &[0, 0]).unwrap(),
	};
	let attention = Attention {
		shape: shape(2, 1, 1, 64, false),
		precision: Precision::F16,
		lengths: &lengths,
		scale: 0.2,
	};
	let (output, lse) =
		check(&device, &attention, &Arrays::random(&attention, heads_first, 5), some_tiles(64)[0]);
	assert!(
		output[..203 * 64].iter().all(|bits| *bits == 0) && lse.iter().all(|lse| *lse == f32::NEG_INFINITY)
	);
}

#[test]
fn a_rising_maximum_should_rescale_what_was_summed() {
	// Tiles are walked from the last to the first, so earlier keys must weigh more: from far below the lag of the
	// running maximum to far above.
	let lengths = Lengths::Uniform { queries: 40, keys: 700 };
	for (step, seed) in [(0.0, 1), (0.02, 2), (0.2, 3), (2.0, 4)] {
		for tile in some_tiles(64) {
			let Some(device) = Emulation::hopper(seed) else { return };
			let attention = Attention {
				shape: shape(1, 1, 1, 64, false),
				precision: Precision::F16,
				lengths: &lengths,
				scale: 0.5,
			};
			let mut arrays = Arrays::random(&attention, heads_first, seed);
			let precision = attention.precision;
			for (i, bits) in arrays.keys.1.iter_mut().enumerate() {
				let weight = 1.0 + step * (700 - i / 64) as f64 / 16.0;
				*bits = precision.round(precision.value(*bits) * weight);
			}
			check(&device, &attention, &arrays, tile);
		}
	}
}

#[test]
fn a_run_should_give_the_same_bytes_again_in_any_company() {
	let (both, one) =
		(Lengths::Uniform { queries: 170, keys: 290 }, Lengths::Uniform { queries: 170, keys: 290 });
	for head_dim in [64, 128] {
		for tile in some_tiles(head_dim) {
			let of = |batch, lengths| Attention {
				shape: shape(batch, 2, 1, head_dim, true),
				precision: Precision::Bf16,
				lengths,
				scale: 0.25,
			};
			let (pair, alone) = (of(2, &both), of(1, &one));
			let arrays = Arrays::random(&pair, heads_first, 11);
			let Some(device) = Emulation::hopper(1) else { return };
			let first = check(&device, &pair, &arrays, tile);
			for b in 0..2 {
				let (output, lse) = run(&device, &alone, &arrays.sequence(b), tile).unwrap();
				assert_eq!(output.1, first.0[b * output.1.len()..][..output.1.len()]);
				assert_eq!(lse, first.1[b * lse.len()..][..lse.len()]);
			}
		}
	}
}

#[test]
fn a_nan_should_reach_no_other_head_and_no_other_sequence() {
	let Some(device) = Emulation::hopper(1) else { return };
	// The second of three packed sequences is all NaN, queries, keys and values: tiles of the first reach into it.
	let lengths = [50, 70, 90];
	let offsets = || Offsets::new(&device, &lengths).unwrap();
	let lengths = Lengths::Variable { queries: offsets(), keys: offsets() };
	for causal in [false, true] {
		let attention = Attention {
			shape: shape(3, 2, 2, 64, causal),
			precision: Precision::F16,
			lengths: &lengths,
			scale: 0.1,
		};
		let mut arrays = Arrays::random(&attention, heads_first, 1);
		for array in [&mut arrays.queries.1, &mut arrays.keys.1, &mut arrays.values.1] {
			array[(210 + 50) * 64..(210 + 120) * 64].fill(NAN);
		}
		for tile in some_tiles(64) {
			let (output, lse) = run(&device, &attention, &arrays, tile).unwrap();
			let is_nan = |bits: &u16| Precision::F16.value(*bits).is_nan();
			let (first, second) = output.1[..2 * 210 * 64].split_at(210 * 64);
			assert!(!first.iter().any(is_nan), "{tile:?}: it reached another head");
			for (row, values) in second.chunks(64).enumerate() {
				let poisoned = (50..120).contains(&row);
				assert_eq!(values.iter().any(is_nan), poisoned, "{tile:?}: row {row}");
				assert_eq!(lse[210 + row].is_nan(), poisoned, "{tile:?}: row {row}");
			}
		}
	}
}

#[test]
fn a_device_of_another_generation_should_refuse_the_tile_and_a_guess_should_never_name_it() {
	let Some(hopper) = Emulation::hopper(1) else { return };
	let lengths = Lengths::Uniform { queries: 1 << 14, keys: 1 << 14 };
	for (head_dim, tile) in [64, 128].into_iter().flat_map(|dim| some_tiles(dim).map(|tile| (dim, tile))) {
		let attention = Attention {
			shape: shape(16, 16, 16, head_dim, false),
			precision: Precision::F16,
			lengths: &lengths,
			scale: 0.125,
		};
		let mut tuning = Tuning::default();
		assert_eq!(tuning.choose(&*hopper, &attention).kind, Kind::Mma);
		tuning.set(Key::of(&*hopper, &attention), tile).unwrap();
		assert_eq!(tuning.choose(&*hopper, &attention), tile);
	}
	let small = Lengths::Uniform { queries: 8, keys: 8 };
	let attention = Attention {
		shape: shape(1, 1, 1, 64, false),
		precision: Precision::F16,
		lengths: &small,
		scale: 0.125,
	};
	let ampere = Emulation::new(1);
	if ampere.architecture() == 90 {
		return;
	}
	let refused = run(&ampere, &attention, &Arrays::random(&attention, heads_first, 1), some_tiles(64)[0]);
	assert!(matches!(refused, Err(DeviceError::Shape(text)) if text.contains("it needs 9.0")));
	// The launch itself is refused too, whoever asks.
	let buffer = Buffer::<f32>::zeros(&ampere, 1).unwrap();
	let launch = noesis_cuda::Launch { grid: [1; 3], block: [128, 1, 1], shared: 0 };
	// SAFETY: it never runs.
	let refused = unsafe { ampere.launch("probe_wgmma_f16", launch, &[buffer.arg(); 5]) };
	assert!(matches!(refused, Err(DeviceError::Load { name: "probe_sm90", .. })));
}

#[test]
fn the_autotuner_should_try_both_kinds_and_the_bench_should_show_them_side_by_side() {
	let Some(device) = Emulation::hopper(1) else { return };
	let cell = Cell { batch: 1, heads: 1, kv_heads: 1, length: 64, ..Cell::flashcore()[0] };
	let mut tuning = Tuning::default();
	let mut tried = Vec::new();
	tune(&device, &mut tuning, &[cell], &Effort::DRY, &mut |_, tile, time| {
		tried.push((tile, time.expect("every tile runs")));
	})
	.unwrap();
	let expected: Vec<Tile> = candidates(64).iter().chain(wgmma_candidates(64)).copied().collect();
	assert_eq!(tried.iter().map(|(tile, _)| *tile).collect::<Vec<_>>(), expected);
	let fastest = tried.iter().min_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap().0;
	assert_eq!(tuning.entries().map(|(_, tile)| *tile).collect::<Vec<_>>(), [fastest]);

	let long = Cell { length: 1024, ..cell };
	let report =
		run_device(&device, "emulation", &Tuning::default(), &[cell, long], &Effort::DRY, &mut |_| {});
	let report = report.unwrap();
	let other = |i: usize| report.cells[i].measured.as_ref().unwrap().other.as_ref();
	assert!(other(0).is_none(), "a short sequence has only what the table says");
	let other = other(1).unwrap();
	assert!(other.variant.ends_with("wgmma") && other.error.is_none(), "{other:?}");
}
