//! Games over random trees.

#![allow(clippy::arithmetic_side_effects)]

use super::*;
use crate::{
	merkle::{self, leaf_hash, Node},
	Architecture, ContentHash, Family, GenerateParams, InputFormat, Root, TraceShape, Usage,
};
use proptest::prelude::*;

const ARCHITECTURE: Architecture = Architecture {
	family: Family::Llama,
	layers: 2,
	width: 96,
	heads: 2,
	kv_heads: 1,
	head_dim: 16,
	feed_forward: 64,
	vocabulary: 40,
	context: 32,
	rope_base: 10_000,
	epsilon: 16_106,
	end: 3,
};

const WORD: WordTree = WordTree {
	leaf: 0,
	root: Root([1; 32]),
	states: 10,
	symbols: 5,
	first: [2; 32],
	pairs_root: [3; 32],
	pairs: 7,
};

fn leaves(count: u32, salt: u32) -> Vec<Node> {
	(0..count).map(|i| leaf_hash(&[i.to_le_bytes(), salt.to_le_bytes()].concat())).collect()
}

fn nodes_of(leaves: &[Node], level: u32) -> Vec<Node> {
	leaves.chunks(1 << level).map(merkle::root).collect()
}

/// Rules over a trace of three tokens in and `output` out.
fn rules(output: u32, levels: u8, format: InputFormat) -> Rules {
	let usage = Usage { input_tokens: 3, output_tokens: output };
	let shape = TraceShape { positions: usage.positions() as u32, ..ARCHITECTURE.trace(0) };
	let claim = Claim {
		root: Root::default(),
		leaves: shape.leaves().unwrap(),
		output: ContentHash::default(),
		usage,
	};
	Rules { claim, kind: JobKind::Generate(GenerateParams::greedy(format, output)), shape, levels }
}

/// Descends the tree at hand, by what the accused has and what the challenger chooses; where it ends.
fn descend(
	mut next: Next,
	rules: &Rules,
	tree: &[Node],
	mut choose: impl FnMut(&[Node], u32, u32) -> u32,
) -> Next {
	loop {
		let by = match &next {
			Next::Phase(Phase::Reveal { at }) => {
				let (level, below) = rules.below(at).unwrap();
				let all = nodes_of(tree, level);
				assert_eq!(nodes_of(tree, at.level)[at.index as usize], at.hash);
				let nodes = &all[below.start as usize..below.end as usize];
				assert!(nodes.len() as u32 <= rules.arity());
				Move::Reveal(nodes.to_vec().try_into().unwrap())
			},
			Next::Phase(Phase::Choose { at, nodes }) => {
				let (level, below) = rules.below(at).unwrap();
				Move::Choose(choose(nodes, level, below.start))
			},
			_ => return next,
		};
		let Next::Phase(phase) = next else { unreachable!("the game goes on") };
		next = phase.transition(by, rules).unwrap();
	}
}

proptest! {
	#[test]
	fn an_honest_descent_should_come_to_a_leaf_of_the_tree_whatever_is_chosen(
		output in 1u32..60, levels in 1u8..9, choices in prop::collection::vec(any::<u32>(), 40),
		fine_leaves in 1u32..5000,
	) {
		let mut rules = rules(output, levels, InputFormat::Tokens);
		let tree = leaves(rules.claim.leaves, 0);
		rules.claim.root = Root(merkle::root(&tree));
		let mut choices = choices.into_iter().cycle();
		let mut choose = |nodes: &[Node], _, _| choices.next().unwrap() % nodes.len() as u32;
		let end = descend(rules.begin(), &rules, &tree, &mut choose);
		let Next::Phase(phase) = end else { panic!("the chain can tell: {end:?}") };
		let (leaf, hash) = match &phase {
			Phase::Expand { leaf, hash } | Phase::Input { leaf, hash } | Phase::Text { leaf, hash } => {
				(*leaf, *hash)
			},
			_ => panic!("a leaf is expanded or read: {phase:?}"),
		};
		prop_assert_eq!(hash, tree[leaf as usize]);
		prop_assert_eq!(phase.leaf(), Some(leaf));
		let is_input = matches!(rules.leaf(leaf), Some(TraceLeaf::Token { position: 0..=2 }));
		prop_assert_eq!(matches!(phase, Phase::Input { .. }), is_input);
		if is_input {
			return Ok(());
		}
		let phase = match phase {
			Phase::Text { leaf, hash } => Phase::Expand { leaf, hash },
			phase => phase,
		};
		let fine_tree = leaves(fine_leaves, 1);
		let root = Root(merkle::root(&fine_tree));
		let fine = FineTree { leaf, architecture: ARCHITECTURE, root, leaves: fine_leaves };
		let next = phase.transition(Move::Expand(fine), &rules).unwrap();
		let end = descend(next, &rules, &fine_tree, &mut choose);
		let Next::Phase(Phase::Prove { fine: found, index, hash }) = end else { panic!("{end:?}") };
		prop_assert_eq!((found, hash), (fine, fine_tree[index as usize]));
	}

	#[test]
	fn a_challenger_should_come_to_the_first_difference_when_it_chooses_the_first(
		output in 1u32..60, levels in 1u8..9, at in prop::collection::vec(any::<u32>(), 1..6),
	) {
		let mut rules = rules(output, levels, InputFormat::Tokens);
		let truth = leaves(rules.claim.leaves, 0);
		let mut lie = truth.clone();
		for at in &at {
			lie[(at % rules.claim.leaves) as usize] = leaf_hash(b"lie");
		}
		let first = at.iter().map(|at| at % rules.claim.leaves).min().unwrap();
		rules.claim.root = Root(merkle::root(&lie));
		let mut moves = 0;
		let end = descend(rules.begin(), &rules, &lie, |nodes, level, start| {
			moves += 1;
			let own = nodes_of(&truth, level);
			let own = &own[start as usize..start as usize + nodes.len()];
			own.iter().zip(nodes).position(|(own, node)| own != node).unwrap() as u32
		});
		let Next::Phase(phase) = end else { panic!("{end:?}") };
		prop_assert_eq!(phase.leaf(), Some(first));
		prop_assert_eq!(moves, merkle::levels(rules.claim.leaves).div_ceil(levels.into()));
	}
}

/// One phase of each kind.
fn phases(rules: &Rules) -> Vec<Phase> {
	let fine = FineTree { leaf: 1, architecture: ARCHITECTURE, root: Root([1; 32]), leaves: 10 };
	let nodes: Nodes = vec![[2; 32], [3; 32]].try_into().unwrap();
	let at = Spot { tree: Tree::Fine(fine), level: 1, index: 0, hash: merkle::root(&nodes) };
	let claimed = Spot { tree: Tree::Claimed, ..at };
	assert!(rules.below(&claimed).is_some());
	vec![
		Phase::Reveal { at },
		Phase::Choose { at: claimed, nodes },
		Phase::Expand { leaf: 1, hash: [4; 32] },
		Phase::Input { leaf: 0, hash: [4; 32] },
		Phase::Prove { fine, index: 3, hash: [4; 32] },
		Phase::Text { leaf: 0, hash: [4; 32] },
		Phase::Word { word: WORD, index: 3, hash: [4; 32] },
		Phase::Output,
		Phase::Compare,
	]
}

#[test]
fn a_phase_should_take_only_its_own_moves() {
	let rules = rules(2, 1, InputFormat::Tokens);
	let [reveal, choose, expand, input, prove, text, word, output, compare] =
		phases(&rules).try_into().unwrap();
	let Phase::Choose { nodes, .. } = &choose else { unreachable!() };
	let Phase::Prove { fine, .. } = prove else { unreachable!() };
	let moves = [
		Move::Reveal(nodes.clone()),
		Move::Choose(1),
		Move::Expand(fine),
		Move::Beyond,
		Move::WentOn,
		Move::Proved(true),
		Move::Proved(false),
		Move::Word(WORD),
		Move::Follows,
		Move::Shown,
	];
	let takes = |phase: &Phase| -> Vec<bool> {
		moves.iter().map(|by| phase.clone().transition(by.clone(), &rules).is_ok()).collect()
	};
	let only = |taken: &[usize]| (0..moves.len()).map(|at| taken.contains(&at)).collect::<Vec<_>>();
	assert_eq!(takes(&reveal), only(&[0]));
	assert_eq!(takes(&choose), only(&[1]));
	assert_eq!(takes(&expand), only(&[2, 3, 4]));
	assert_eq!(takes(&input), only(&[5, 6]));
	assert_eq!(takes(&prove), only(&[5, 6]));
	assert_eq!(takes(&text), only(&[3, 5, 6, 7, 8]));
	assert_eq!(takes(&word), only(&[5, 6]));
	assert_eq!(takes(&output), only(&[5, 9]));
	assert_eq!(takes(&compare), only(&[6]));
	for phase in [reveal, expand, input, prove, text, word, output] {
		assert_eq!(phase.mover(), Side::Accused);
		let silence = phase.transition(Move::Silence, &rules);
		assert_eq!(silence, Ok(Next::Over(Verdict::Falls(Ground::Silence))));
	}
	for phase in [choose, compare] {
		assert_eq!(phase.mover(), Side::Challenger);
		assert_eq!(phase.transition(Move::Silence, &rules), Ok(Next::Over(Verdict::Stands)));
	}
}

#[test]
fn a_proof_should_decide_by_what_comes_out() {
	let rules = rules(2, 1, InputFormat::Tokens);
	let [_, _, expand, input, prove, text, word, output, compare] = phases(&rules).try_into().unwrap();
	let decide = |phase: &Phase, holds| phase.clone().transition(Move::Proved(holds), &rules);
	let falls = |ground| Ok(Next::Over(Verdict::Falls(ground)));
	assert_eq!(decide(&input, true), Ok(Next::Over(Verdict::Stands)));
	assert_eq!(decide(&prove, true), Ok(Next::Over(Verdict::Stands)));
	assert_eq!(decide(&input, false), falls(Ground::Record));
	assert_eq!(decide(&prove, false), falls(Ground::Step));
	assert_eq!(decide(&text, true), Ok(Next::Over(Verdict::Stands)));
	assert_eq!(decide(&word, true), Ok(Next::Over(Verdict::Stands)));
	assert_eq!(decide(&text, false), falls(Ground::Record));
	assert_eq!(decide(&word, false), falls(Ground::Step));
	assert_eq!(decide(&compare, false), falls(Ground::Record));
	assert_eq!(expand.clone().transition(Move::WentOn, &rules), falls(Ground::Record));
	assert_eq!(expand.transition(Move::Beyond, &rules), Ok(Next::Over(Verdict::Undecided)));
	assert_eq!(decide(&output, true), Ok(Next::Over(Verdict::Stands)));
	assert_eq!(output.transition(Move::Shown, &rules), Ok(Next::Phase(Phase::Compare)));
}

#[test]
fn a_game_should_come_to_the_text_when_it_comes_to_a_token_that_a_tokenizer_makes() {
	for format in [InputFormat::Text, InputFormat::Chat, InputFormat::Tokens] {
		let rules = rules(2, 8, format);
		let tree = leaves(rules.claim.leaves, 0);
		let rules = Rules { claim: Claim { root: Root(merkle::root(&tree)), ..rules.claim }, ..rules };
		let first = descend(rules.begin(), &rules, &tree, |_, _, _| 0);
		let expected = match format {
			InputFormat::Tokens => Phase::Input { leaf: 0, hash: tree[0] },
			_ => Phase::Text { leaf: 0, hash: tree[0] },
		};
		assert_eq!(first, Next::Phase(expected));
		let last = descend(rules.begin(), &rules, &tree, |nodes, _, _| nodes.len() as u32 - 1);
		let last_leaf = rules.claim.leaves - 1;
		let expected = Phase::Text { leaf: last_leaf, hash: tree[last_leaf as usize] };
		assert_eq!(last, Next::Phase(expected));
	}
}

#[test]
fn a_token_of_an_output_should_be_expanded_when_it_follows() {
	let rules = rules(2, 1, InputFormat::Text);
	let (leaf, hash) = (rules.claim.leaves - 1, [4; 32]);
	let next = Phase::Text { leaf, hash }.transition(Move::Follows, &rules);
	assert_eq!(next, Ok(Next::Phase(Phase::Expand { leaf, hash })));
}

#[test]
fn a_word_should_be_descended_to_one_of_its_states() {
	let rules = rules(2, 2, InputFormat::Text);
	let states = leaves(21, 3);
	let word = WordTree { root: Root(merkle::root(&states)), states: 21, ..WORD };
	let next = Phase::Text { leaf: 0, hash: [4; 32] }.transition(Move::Word(word), &rules).unwrap();
	let end = descend(next, &rules, &states, |nodes, _, _| nodes.len() as u32 - 1);
	let Next::Phase(phase) = end else { panic!("{end:?}") };
	assert_eq!(phase, Phase::Word { word, index: 20, hash: states[20] });
	assert_eq!((phase.leaf(), phase.stage()), (Some(0), Stage::Word { step: 20 }));
}
