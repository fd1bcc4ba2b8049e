//! The sampler's stages, given any logits.

use super::SMALL;
use crate::{
	graph::{Layout, Operation, Piece, Program, Shape, Source},
	sampler::{sample, Sampling},
};
use proptest::prelude::*;

/// The token that the stages after the logits come to.
fn pick(logits: &[i32], sampling: Sampling, index: u32) -> i64 {
	let shape = Shape { vocabulary: logits.len() as u32, ..SMALL };
	let layout = Layout::new(&shape, &Program::Pick { position: 0, sampling, index }).unwrap();
	let mut fine: Vec<Vec<u8>> = vec![Vec::new(); layout.leaves() as usize];
	for stage in layout.stages() {
		if (stage.part, stage.operation) == ("logits", Operation::Linear) {
			for (leaf, rows) in fine[stage.first as usize..].iter_mut().zip(logits.chunks(8)) {
				*leaf = rows.iter().flat_map(|v| v.to_le_bytes()).collect();
			}
		}
		if stage.part != "sampler" {
			continue;
		}
		for index in stage.first..stage.first + stage.count {
			let sources = layout.leaf(index).unwrap().sources;
			let joined: Vec<Vec<u8>> = sources
				.iter()
				.map(|source| match *source {
					Source::Fine { first, count } => fine[first as usize..(first + count) as usize].concat(),
					_ => panic!("the sampler reads {source:?}"),
				})
				.collect();
			let pieces: Vec<Piece<'_>> = joined.iter().map(|bytes| Piece::Fine(bytes)).collect();
			fine[index as usize] = layout.evaluate(index, &pieces).unwrap();
		}
	}
	i64::from_le_bytes(fine.last().unwrap()[..].try_into().unwrap())
}

fn logit() -> impl Strategy<Value = i32> {
	prop_oneof![
		3 => (-40i32..40).prop_map(|v| v << 14),
		3 => -400_000i32..400_000,
		1 => -i32::MAX..=i32::MAX,
		1 => Just(i32::MAX),
	]
}

/// As they come, all near one value, or few different ones.
fn logits() -> impl Strategy<Value = Vec<i32>> {
	let any = prop::collection::vec(logit(), 1..1400);
	(any, 0usize..4).prop_map(|(mut logits, kind)| {
		logits.iter_mut().for_each(|v| match kind {
			0 => *v %= 300_000,
			1 => *v = *v % 3 * 65_536,
			2 => *v = (*v >> 8).clamp(-2_000_000, 2_000_000),
			_ => {},
		});
		logits
	})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(600))]

	#[test]
	fn stages_should_equal_the_sampler_for_all_logits(
		logits in logits(),
		temperature in prop_oneof![1 => Just(0u16), 1 => Just(1), 1 => Just(u16::MAX), 5 => 1u16..3000],
		top_p in prop_oneof![1 => Just(0u16), 1 => Just(u16::MAX), 1 => Just(u16::MAX - 1), 5 => any::<u16>()],
		seed in any::<u64>(), index in any::<u32>(),
	) {
		let sampling = Sampling { temperature, top_p, seed };
		let expected = sample(&logits, &sampling, index, &mut vec![0; logits.len()]);
		prop_assert_eq!(pick(&logits, sampling, index), expected as i64);
	}
}
