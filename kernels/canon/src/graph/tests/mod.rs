//! Programs against the operations they are cut from.

mod limits;
mod model;
mod pick;

use super::*;
use crate::sampler::sample;
use model::{Model, World};
use proptest::prelude::*;

const SMALL: Shape = Shape {
	layers: 2,
	width: 96,
	heads: 6,
	kv_heads: 2,
	head_dim: 16,
	feed_forward: 160,
	vocabulary: 50,
	context: 64,
	rope_base: 10_000,
	epsilon: 1611,
};

/// Grouped heads, rows that are no multiple of a slice, several chunks, several tiles of keys, heads across chunks.
fn shapes() -> [(Shape, usize); 5] {
	[
		(SMALL, 6),
		(
			Shape {
				width: 64,
				heads: 2,
				kv_heads: 1,
				head_dim: 48,
				feed_forward: 32,
				vocabulary: 7,
				..SMALL
			},
			5,
		),
		(
			Shape {
				layers: 1,
				width: 2080,
				heads: 2,
				kv_heads: 1,
				head_dim: 32,
				feed_forward: 4128,
				vocabulary: 9,
				..SMALL
			},
			2,
		),
		(Shape { width: 32, heads: 2, kv_heads: 2, head_dim: 256, feed_forward: 64, ..SMALL }, 37),
		(Shape { layers: 1, width: 32, heads: 64, kv_heads: 1, head_dim: 48, feed_forward: 64, ..SMALL }, 3),
	]
}

fn tokens(shape: &Shape, count: usize) -> Vec<u32> {
	(0..count as u32).map(|i| (i * 7 + 3) % shape.vocabulary).collect()
}

#[test]
fn every_program_should_equal_the_undivided_operations() {
	for (shape, count) in shapes() {
		let model = Model::random(shape, 5);
		let tokens = tokens(&shape, count);
		let residuals = model.residuals(&tokens);
		let world = World { model: &model, tokens: &tokens, residuals: &residuals };
		for layer in 0..shape.layers {
			for position in [0, count / 2, count - 1] {
				let program = Program::Layer { layer, position: position as u32 };
				let fine = world.run(&program);
				assert_eq!(Some(fine.len() as u32), program.leaves(&shape));
				let expected = &residuals[layer as usize + 1][position];
				for (slice, values) in expected.chunks(64).enumerate() {
					let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
					let at = program.result(&shape, slice as u32).unwrap();
					assert_eq!(fine[at as usize], bytes, "{shape:?} {program:?} slice {slice}");
				}
				assert_eq!(program.result(&shape, shape.width.div_ceil(SLICE)), None);
			}
		}
		let logits = model.logits(&residuals[shape.layers as usize][count - 1]);
		for (temperature, top_p) in [(0, 0), (900, u16::MAX), (900, 50_000), (3000, 60_000), (1, 1)] {
			let (sampling, index) = (Sampling { temperature, top_p, seed: 9 }, 4);
			let program = Program::Pick { position: count as u32 - 1, sampling, index };
			let fine = world.run(&program);
			let expected = sample(&logits, &sampling, index, &mut vec![0; logits.len()]);
			let found = &fine[program.result(&shape, 0).unwrap() as usize];
			assert_eq!(found[..], (expected as i64).to_le_bytes(), "{shape:?} {sampling:?}");
			assert_eq!(program.result(&shape, 0), Some(fine.len() as u32 - 1));
		}
	}
}

#[test]
fn a_program_should_not_exist_outside_the_model() {
	let sampling = Sampling { temperature: 0, top_p: 0, seed: 0 };
	for program in [
		Program::Layer { layer: 2, position: 0 },
		Program::Layer { layer: 0, position: 64 },
		Program::Pick { position: 64, sampling, index: 0 },
		Program::Layer { layer: u32::MAX, position: u32::MAX },
	] {
		assert_eq!(program.leaves(&SMALL), None);
		assert_eq!(evaluate(&program, &SMALL, 0, &[]), None);
	}
	let huge = Shape {
		width: 1 << 15,
		heads: 256,
		kv_heads: 256,
		head_dim: 256,
		feed_forward: 1 << 17,
		context: 1 << 16,
		..SMALL
	};
	assert!(Program::Layer { layer: 0, position: 1000 }.leaves(&huge).is_some());
	assert_eq!(Program::Layer { layer: 0, position: 65_535 }.leaves(&huge), None);
}

#[test]
fn a_token_outside_the_vocabulary_should_be_refused() {
	let model = Model::random(SMALL, 1);
	let row = model.chunk(0, 0, 0, 0);
	let program = Program::Layer { layer: 0, position: 0 };
	let read = |id| evaluate(&program, &SMALL, 0, &[Piece::Token { id, end: 0 }, Piece::Weights(vec![row])]);
	assert!(read(0).is_some() && read(49).is_some());
	assert_eq!((read(50), read(-1)), (None, None));
}

/// Numbers of two bytes, extremes often; `kind` makes some of them more likely.
fn noise(seed: u64, kind: u64) -> Vec<u8> {
	let number = |i: u64| {
		let mixed = (seed ^ i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
		let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let choice = if mixed >> 60 < 4 { kind } else { mixed >> 40 };
		match choice % 8 {
			0..=2 => 0,
			3 => u16::MAX,
			4 => 0x7fff,
			5 => 0x8000,
			6 => (mixed >> 8) as u16 % 64,
			_ => (mixed >> 8) as u16,
		}
	};
	(0..20_000).flat_map(|i| number(i).to_le_bytes()).collect()
}

fn program() -> impl Strategy<Value = (Shape, Program)> {
	let sampling = (any::<u16>(), any::<u16>(), any::<u64>());
	let sampling = sampling.prop_map(|(temperature, top_p, seed)| Sampling { temperature, top_p, seed });
	let sampling = prop_oneof![sampling, Just(Sampling { temperature: 0, top_p: 0, seed: 0 })];
	let shape = prop::sample::select(shapes().map(|(shape, _)| shape).to_vec());
	(shape, 0u32..2, 0u32..20, any::<bool>(), sampling).prop_map(
		|(shape, layer, position, pick, sampling)| {
			let layer = layer.min(shape.layers - 1);
			let pick = pick.then_some(Program::Pick { position, sampling, index: 3 });
			(shape, pick.unwrap_or(Program::Layer { layer, position }))
		},
	)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4000))]

	#[test]
	fn evaluation_should_be_total(
		(shape, program) in program(), stage in any::<prop::sample::Index>(), at in any::<u32>(),
		seed in any::<(u64, u64)>(), cut in prop_oneof![9 => Just(0usize), 1 => 1usize..9], id in any::<i32>(),
		wide in any::<bool>(),
	) {
		let layout = Layout::new(&shape, &program).unwrap();
		let stage = stage.get(layout.stages());
		let index = stage.first + at % stage.count;
		let leaf = layout.leaf(index).unwrap();
		let noise = noise(seed.0, seed.1);
		let values: Vec<i32> =
			noise.chunks(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).take(64).collect();
		let mut at = 0;
		let mut take = |count: usize| {
			let count = count.saturating_sub(cut);
			at = (at + 38) % 4000;
			&noise[at..at + count]
		};
		let mut pieces = Vec::new();
		for source in &leaf.sources {
			pieces.push(match *source {
				Source::Fine { first, count } => {
					let length = (first..first + count).map(|i| layout.format(i).unwrap().bytes()).sum::<u32>();
					Piece::Fine(take(length as usize))
				},
				Source::Token { .. } => Piece::Token { id: id % 64, end: id },
				Source::Residual { slice, .. } => {
					let length = (shape.width - slice * SLICE).min(SLICE) as usize;
					Piece::Residual(&values[..length.saturating_sub(cut)])
				},
				Source::Embedding { chunk } => {
					let columns = (shape.width - chunk * CHUNK).min(CHUNK) as usize;
					Piece::Weights(vec![take(columns / 32 * if wide { 36 } else { 24 })])
				},
				Source::Weights { rows, .. } => {
					let Source::Fine { first, .. } = leaf.sources[0] else { unreachable!() };
					let length = match leaf.operation {
						Operation::Norm => 4 * leaf.format.count as usize,
						_ => layout.format(first).unwrap().count as usize / 32 * if wide { 36 } else { 24 },
					};
					Piece::Weights((0..rows).map(|_| take(length)).collect())
				},
			});
		}
		if let Some(bytes) = layout.evaluate(index, &pieces) {
			prop_assert_eq!(bytes.len(), leaf.format.bytes() as usize);
			prop_assert_eq!(cut, 0, "a piece of the wrong length was read");
		}
		pieces.pop();
		prop_assert_eq!(layout.evaluate(index, &pieces), None);
	}
}
