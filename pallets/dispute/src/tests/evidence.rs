//! What an accused shows at the end of a game, and all that it might show instead.

use super::{
	games::fine_tree,
	model::{Question, Random, Run, ARCHITECTURE},
	players::*,
};
use crate::{
	mock::*,
	referee::{self, EvidenceError},
	WeightInfo,
};
use codec::{Decode, Encode};
use noesis_canon::{
	graph::{self, Layout, Program, Source},
	sampler::Sampling,
};
use noesis_primitives::{
	merkle, Architecture, Evidence, LeafBytes, NodePath, Phase, Piece, Root, TraceLeaf, Verdict,
	MAX_EVIDENCE_BYTES, MAX_FINE_RANGE, MAX_LEAF_BYTES, MAX_PIECES, MAX_ROWS,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use proptest::prelude::*;

#[test]
fn evidence_should_have_room_when_the_graph_asks_for_the_most() {
	assert_eq!(MAX_PIECES as usize, graph::MAX_SOURCES);
	assert_eq!(
		(MAX_FINE_RANGE, MAX_ROWS, MAX_LEAF_BYTES),
		(graph::MAX_RANGE, graph::ROWS, graph::MAX_LEAF_BYTES)
	);
}

/// Changes one thing about a piece of evidence; `false` when there is no such thing.
fn tamper(evidence: &mut Evidence, random: &mut Random) -> bool {
	fn flip(bytes: &mut [u8], random: &mut Random) -> bool {
		if bytes.is_empty() {
			return false;
		}
		let at = random.below(bytes.len() as u64) as usize;
		bytes[at] ^= 1 << random.below(8);
		true
	}
	fn path(nodes: &mut NodePath, random: &mut Random) -> bool {
		match random.below(3) {
			0 => nodes.pop().is_some(),
			1 => nodes.try_push([7; 32]).is_ok(),
			_ if nodes.is_empty() => false,
			_ => {
				let at = random.below(nodes.len() as u64) as usize;
				flip(&mut nodes[at], random)
			},
		}
	}
	let at = random.below(evidence.len() as u64) as usize;
	match (random.below(4), &mut evidence[at]) {
		(0, Piece::Fine(piece)) => path(&mut piece.siblings, random),
		(0, Piece::Coarse(opening)) => match opening.path.is_empty() {
			true => false,
			false => {
				let at = random.below(opening.path.len() as u64) as usize;
				flip(&mut opening.path[at], random)
			},
		},
		(0, Piece::Weights(piece)) => path(&mut piece.siblings, random),
		(1, Piece::Fine(piece)) => piece.leaves.pop().is_some(),
		(1, Piece::Coarse(opening)) => opening.values.pop().is_some(),
		(1, Piece::Weights(piece)) => piece.rows.pop().is_some(),
		(2, Piece::Weights(piece)) => path(&mut piece.tensor, random),
		(2, Piece::Fine(piece)) if piece.leaves.len() > 1 => {
			let mut leaves = piece.leaves.to_vec();
			leaves.swap(0, 1);
			piece.leaves = leaves.try_into().unwrap();
			piece.leaves[0] != piece.leaves[1]
		},
		(_, Piece::Fine(piece)) => {
			let at = random.below(piece.leaves.len() as u64) as usize;
			let mut bytes = piece.leaves[at].to_vec();
			let done = flip(&mut bytes, random);
			piece.leaves[at] = bytes.try_into().unwrap();
			done
		},
		(_, Piece::Coarse(opening)) => {
			opening.values[0] ^= 1 << random.below(31);
			true
		},
		(_, Piece::Weights(piece)) => {
			let at = random.below(piece.rows.len() as u64) as usize;
			let mut bytes = piece.rows[at].bytes.to_vec();
			let done = flip(&mut bytes, random);
			piece.rows[at].bytes = bytes.try_into().unwrap();
			done
		},
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	#[test]
	fn evidence_should_be_refused_when_anything_of_it_is_changed(seed in any::<u64>(), of in 0usize..4) {
		let question = Question { temperature: 900, ..Question::short() };
		let run = Run::honest(&question);
		let residual = |position, layer| TraceLeaf::Residual { position, layer, slice: 1 };
		let of = [residual(0, 0), residual(2, 0), residual(1, 1), TraceLeaf::Token { position: 4 }][of];
		let leaf = run.rules.shape.index(of).unwrap();
		let mut random = Random(seed);
		let fine = fine_tree(&run, leaf);
		let index = random.below(fine.leaves.into()) as u32;
		let mut evidence = run.evidence(leaf, index);
		let roots = run.model.group_roots();
		let root = |group: u32| roots.get(group as usize).copied();
		prop_assert!(referee::evaluate(&run.rules, &fine, index, &evidence, root).is_ok());
		if tamper(&mut evidence, &mut random) {
			let found = referee::evaluate(&run.rules, &fine, index, &evidence, root);
			prop_assert!(matches!(found, Err(EvidenceError::Proof | EvidenceError::Malformed)), "{found:?}");
		}
	}

	#[test]
	fn evidence_should_never_panic_when_it_is_made_of_chance(
		bytes in prop::collection::vec(any::<u8>(), 0..3000), pieces in 0usize..5, at in any::<u32>(),
	) {
		let run = Run::honest(&Question::short());
		let leaf = at % run.rules.claim.leaves;
		let mut input = &bytes[..];
		let mut evidence = Evidence::default();
		for _ in 0..pieces {
			let Ok(piece) = Piece::decode(&mut input) else { break };
			evidence.try_push(piece).unwrap();
		}
		let root = Some(Root([1; 32]));
		let fine = noesis_primitives::FineTree { leaf, architecture: ARCHITECTURE, root: Root([2; 32]), leaves: at };
		let _ = referee::evaluate(&run.rules, &fine, at / 3, &evidence, |_| root);
		let _ = referee::input_token(&run.rules, leaf, &ARCHITECTURE, &bytes);
		let arbitrary = Architecture::decode(&mut &bytes[..]);
		if let Ok(architecture) = arbitrary {
			let fine = noesis_primitives::FineTree { architecture, ..fine };
			let _ = referee::Computation::of(&run.rules, leaf, &architecture);
			let _ = referee::evaluate(&run.rules, &fine, at / 3, &evidence, |_| root);
			let _ = referee::weights_place(&architecture, at, at, at, at, at);
		}
	}
}

/// A game that came to its last leaf.
fn at_leaf(seed: u64) -> (Run, noesis_primitives::DisputeView<AccountId>) {
	let question = Question::short();
	let honest = Run::honest(&question);
	let mut random = seed;
	loop {
		let id = challenge(subject_of(&honest, &question, vec![]), CHALLENGER);
		let mut dice = Dice(Random(random));
		let at_leaf =
			|view: &noesis_primitives::DisputeView<AccountId>| matches!(view.phase, Phase::Prove { .. });
		if let Some(view) = play_to(id, &mut Defender(honest.clone()), &mut dice, at_leaf) {
			return (honest, view);
		}
		random += 1;
	}
}

#[test]
fn the_accused_should_try_again_when_its_evidence_was_refused() {
	run(|| {
		let (honest, view) = at_leaf(11);
		let Phase::Prove { fine, index, .. } = view.phase else { unreachable!("stopped there") };
		let prove = |leaf: LeafBytes, evidence| Dispute::prove(signed(WORKER), view.id, leaf, evidence);
		let bytes = honest.fine(fine.leaf).unwrap()[index as usize].clone();
		let (leaf, right): (LeafBytes, _) = (bytes.try_into().unwrap(), honest.evidence(fine.leaf, index));
		let mut other = leaf.clone();
		other[0] ^= 1;
		assert_noop!(prove(other, right.clone()), Error::WrongLeaf);
		let mut fewer = right.clone();
		fewer.pop();
		assert_noop!(prove(leaf.clone(), fewer), Error::WrongPieces);
		let mut wrong_kind = right.clone();
		wrong_kind[0] = match &wrong_kind[0] {
			Piece::Fine(_) => Piece::Weights(Default::default()),
			_ => Piece::Fine(Default::default()),
		};
		assert_noop!(prove(leaf.clone(), wrong_kind), Error::WrongPieces);
		let too_long = noesis_primitives::FinePiece {
			leaves: vec![vec![0; 8192].try_into().unwrap(); 9].try_into().unwrap(),
			siblings: NodePath::default(),
		};
		let too_long = vec![Piece::Fine(too_long)].try_into().unwrap();
		assert_noop!(prove(leaf.clone(), too_long), Error::EvidenceTooLong);
		let mut random = Random(5);
		for _ in 0..30 {
			let mut changed = right.clone();
			if tamper(&mut changed, &mut random) {
				let refused = prove(leaf.clone(), changed).unwrap_err();
				assert!(
					[Error::WrongProof.into(), Error::Malformed.into()].contains(&refused),
					"{refused:?}"
				);
			}
		}
		assert_eq!(super::players::view(view.id), Some(view.clone()));
		assert_ok!(prove(leaf, right));
		assert_eq!(verdict(view.id), Some(Verdict::Stands));
	});
}

#[test]
fn the_fine_tree_should_be_refused_when_the_leaf_does_not_come_out() {
	run(|| {
		let question = Question::short();
		let honest = Run::honest(&question);
		let id = challenge(subject_of(&honest, &question, vec![]), CHALLENGER);
		let mut lying = honest.clone();
		let disputed = TraceLeaf::Residual { position: 1, layer: 0, slice: 0 };
		let leaf = honest.rules.shape.index(disputed).unwrap();
		lying.leaves[leaf as usize][0] += 1;
		lying.seal();
		let at_expand =
			|view: &noesis_primitives::DisputeView<AccountId>| matches!(view.phase, Phase::Expand { .. });
		play_to(id, &mut Defender(honest.clone()), &mut Honest(lying), at_expand).unwrap();
		let (root, path) = fine_root(&honest, leaf);
		let values = |leaf: u32| honest.leaves[leaf as usize].clone().try_into().unwrap();
		let expand = |architecture, root, values, path| {
			Dispute::expand(signed(WORKER), id, architecture, root, values, path)
		};
		let other = Architecture { rope_base: 5, ..ARCHITECTURE };
		assert_noop!(expand(other, root, values(leaf), path.clone()), Error::WrongArchitecture);
		assert_noop!(expand(ARCHITECTURE, root, values(leaf + 1), path.clone()), Error::WrongLeaf);
		assert_noop!(expand(ARCHITECTURE, Root([4; 32]), values(leaf), path.clone()), Error::WrongResult);
		let (other_root, other_path) = fine_root(&honest, leaf + 1);
		assert_eq!(root, other_root);
		assert_noop!(expand(ARCHITECTURE, root, values(leaf), other_path), Error::WrongResult);
		// What the end of a game would take comes back.
		let moved = expand(ARCHITECTURE, root, values(leaf), path).unwrap();
		assert_eq!(moved.actual_weight, Some(<()>::expand()));
		assert_eq!(view(id).unwrap().leaf, Some(disputed));
	});
}

#[test]
fn the_game_should_end_undecided_when_the_chain_cannot_compute_the_model() {
	run(|| {
		let question = Question::short();
		let honest = Run::honest(&question);
		// A checkpoint whose architecture no program computes, registered in the right shape.
		let broken = Architecture { head_dim: 17, ..ARCHITECTURE };
		register(broken, super::words::hash(broken.end), honest.model.group_roots());
		let subject = answer(disputed(&honest, &question), vec![]);
		let id = challenge(subject, CHALLENGER);
		let mut lying = honest.clone();
		lying.leaves[1][0] += 1;
		lying.seal();
		let at_expand =
			|view: &noesis_primitives::DisputeView<AccountId>| matches!(view.phase, Phase::Expand { .. });
		play_to(id, &mut Defender(honest.clone()), &mut Honest(lying), at_expand).unwrap();
		let values = honest.leaves[1].clone().try_into().unwrap();
		let moved = Dispute::expand(signed(WORKER), id, broken, Root::default(), values, NodePath::default());
		assert_eq!(moved.unwrap().actual_weight, None, "the game has ended");
		assert_eq!((verdict(id), wealth(CHALLENGER)), (Some(Verdict::Undecided), RICH));
	});
}

#[test]
fn evidence_should_survive_its_encoding() {
	let run = Run::honest(&Question::short());
	let evidence = run.evidence(1, 0);
	assert_eq!(Evidence::decode(&mut &evidence.encode()[..]), Ok(evidence));
}

/// Longest encoding of what proves leaf `index`: full pieces, and as many siblings as there can be.
fn longest(architecture: &Architecture, layout: &Layout, index: u32) -> usize {
	let siblings = |leaves: u32| 1 + 32 * 2 * merkle::levels(leaves) as usize;
	let path = |leaves: u32| 1 + 32 * merkle::levels(leaves) as usize;
	let bytes = |index| layout.format(index).unwrap().bytes() as usize;
	let weights = |group, tensor, rows, chunk: u32| {
		let place = referee::weights_place(architecture, group, tensor, 0, rows, chunk).unwrap();
		let columns = match (group, tensor) {
			(1.., 8) => architecture.feed_forward,
			(1.., 4) => architecture.heads * architecture.head_dim,
			_ => architecture.width,
		};
		let columns = (columns - chunk * graph::CHUNK).min(graph::CHUNK) as usize;
		let is_gain = matches!((group, tensor), (0, 1) | (1.., 0 | 5));
		let row = if is_gain { columns * 4 } else { columns / 32 * 36 };
		rows as usize * (4 + row + path(place.chunks)) + siblings(place.tensor_rows) + path(place.tensors) + 2
	};
	let of = |source: &Source| match *source {
		Source::Fine { first, count } => {
			let leaves: usize = (first..first + count).map(|index| 4 + bytes(index)).sum();
			leaves + siblings(layout.leaves()) + 3
		},
		Source::Token { .. } | Source::Residual { .. } => 1 + 4 * 64 + 1 + 32 * 32 + 1,
		Source::Embedding { chunk } => weights(0, 0, 1, chunk),
		Source::Weights { group, tensor, rows, chunk, .. } => weights(group, tensor, rows, chunk),
	};
	1 + layout.leaf(index).unwrap().sources.iter().map(of).sum::<usize>()
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(300))]

	#[test]
	fn evidence_should_fit_when_the_model_has_any_shape(
		layers in 1u32..256, width in 1u32..1025, heads in 1u32..129, shared in 1u32..129, dim in 1u32..17,
		inner in 1u32..4097, vocabulary in 1u32..(1 << 20), context in 2u32..(1 << 16), at in any::<u32>(),
	) {
		let kv_heads = (1..=heads).filter(|kv| heads.is_multiple_of(*kv)).nth(shared as usize % 3).unwrap_or(1);
		let architecture = Architecture {
			layers, width: width * 32, heads: heads * 2, kv_heads: kv_heads * 2, head_dim: dim * 16,
			feed_forward: inner * 32, vocabulary, context, ..ARCHITECTURE
		};
		prop_assert_eq!(architecture.check(), Ok(()));
		let shape = referee::shape(&architecture);
		let position = at % context;
		let sampling = Sampling { temperature: 700, top_p: 60_000, seed: 1 };
		let programs = [
			Program::Layer { layer: at % layers, position },
			Program::Pick { position, sampling, index: 0 },
		];
		for program in programs {
			let Some(layout) = Layout::new(&shape, &program) else { continue };
			for stage in layout.stages() {
				for index in [stage.first, stage.first + at % stage.count, stage.first + stage.count - 1] {
					let longest = longest(&architecture, &layout, index);
					prop_assert!(longest <= MAX_EVIDENCE_BYTES as usize, "{longest} in {}", stage.part);
				}
			}
		}
	}
}
