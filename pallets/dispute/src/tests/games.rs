//! Whole games: who is right wins.

use super::{
	model::{Model, Question, Random, Run, LONG_ROWS},
	players::*,
};
use crate::mock::*;
use noesis_canon::graph::Operation;
use noesis_primitives::{Accused, Fault, Ground, TraceLeaf, Verdict};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc};

#[test]
fn a_model_should_compute_the_same_trace_when_its_programs_run_again() {
	let run = Run::honest(&Question::short());
	for leaf in 0..run.leaves.len() as u32 {
		let Some(fine) = run.fine(leaf) else { continue };
		let (program, slice) = crate::referee::program(&run.rules, leaf).unwrap();
		let result = program.result(&crate::referee::shape(&run.model.architecture), slice).unwrap();
		let found = &fine[result as usize];
		let expected = &run.leaves[leaf as usize];
		match run.rules.leaf(leaf).unwrap() {
			TraceLeaf::Token { .. } => assert_eq!(found[..], i64::from(expected[0]).to_le_bytes()),
			TraceLeaf::Residual { .. } => {
				assert_eq!(*found, noesis_primitives::Opening::leaf_bytes(expected))
			},
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	#[test]
	fn an_honest_worker_should_win_when_the_challenger_chooses_anything(
		seed in any::<u64>(), arity in 1u32..9, sampled in any::<bool>(),
	) {
		run(|| {
			Arity::set(&(1 << arity));
			let question = Question { temperature: if sampled { 900 } else { 0 }, ..Question::short() };
			let honest = Run::honest(&question);
			let subject = subject_of(&honest, &question, vec![]);
			let (before, bond) = (wealth(WORKER), Bond::get());
			let id = challenge(subject, CHALLENGER);
			let mut dice = Dice(Random(seed));
			let (verdict, moves) = play(id, &mut Defender(honest), &mut dice);
			assert_eq!(verdict, Verdict::Stands);
			assert!(moves > 1);
			assert_eq!(told(subject).state, State::Answered);
			assert_eq!((wealth(WORKER) - before, Slashes::get()), (bond / 2, vec![]));
			assert_eq!(wealth(CHALLENGER), RICH - bond);
		});
	}
}

/// Plays an honest challenger against a liar.
fn convict_liar(question: &Question, liar: Run) {
	run(|| {
		let subject = subject_of(&liar, question, vec![]);
		let id = challenge(subject, CHALLENGER);
		let truth = Run::honest(question);
		let (verdict, _) = play(id, &mut Defender(liar), &mut Honest(truth));
		assert_eq!(verdict, Verdict::Falls(Ground::Step));
		assert_eq!(told(subject).state, State::Overturned);
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(CHALLENGER))]);
		assert_eq!((held(CHALLENGER), wealth(CHALLENGER)), (0, RICH));
	});
}

/// Convicts a liar in every operation of the programs of these leaves; the operations there were.
fn convict_in_every_operation(question: &Question, leaves: &[TraceLeaf]) -> BTreeSet<Operation> {
	let honest = Run::honest(question);
	let mut tried = BTreeSet::new();
	for leaf in leaves {
		let index = honest.rules.shape.index(*leaf).unwrap();
		for operation in honest.operations(index).into_keys() {
			let Some(liar) = Run::lying_in(question, *leaf, operation) else { continue };
			convict_liar(question, liar);
			tried.insert(operation);
		}
	}
	tried
}

#[test]
fn a_liar_should_lose_when_one_step_of_any_operation_of_a_layer_is_wrong() {
	let of = |position, layer| TraceLeaf::Residual { position, layer, slice: 0 };
	let tried = convict_in_every_operation(&Question::short(), &[of(2, 0), of(3, 1)]);
	use Operation::*;
	let all = [
		Copy, Embed, Largest, Squares, Scale, Norm, Quantise, Linear, Branch, Turn, Narrow, Scores, Weights,
		Sums, Attend, Join, Gate,
	];
	for operation in all {
		assert!(tried.contains(&operation), "no lie in {operation:?} changed the result");
	}
}

#[test]
fn a_liar_should_lose_when_one_step_of_choosing_a_token_is_wrong() {
	let token = [TraceLeaf::Token { position: 3 }, TraceLeaf::Token { position: 4 }];
	let greedy = convict_in_every_operation(&Question::short(), &token);
	let sampled = Question { temperature: 4000, top_p: 20_000, ..Question::short() };
	let drawn = convict_in_every_operation(&sampled, &token);
	use Operation::*;
	let tried: BTreeSet<_> = greedy.union(&drawn).copied().collect();
	for operation in [Copy, Squares, Scale, Norm, Linear, Best, Total, Bins, Choice, Target, Find, Token] {
		assert!(tried.contains(&operation), "no lie in {operation:?} changed the token");
	}
}

#[test]
fn a_liar_should_lose_when_a_row_opens_in_pieces() {
	let question = Question { tokens: vec![5], max_tokens: 1, ..Question::short() };
	let model = Arc::new(Model::new(LONG_ROWS));
	let truth = Run::new(model.clone(), &question, None).unwrap();
	let leaf = TraceLeaf::Residual { position: 0, layer: 0, slice: 1 };
	let steps = truth.operations(truth.rules.shape.index(leaf).unwrap());
	for operation in [Operation::Accumulate, Operation::Branch] {
		let tries = steps[&operation].iter().rev().flat_map(|index| (0..6).map(move |byte| (*index, byte)));
		let liar = tries.take(60).find_map(|(index, byte)| {
			let lie = super::model::Lie { leaf, index, byte, change: 64 };
			let liar = Run::new(model.clone(), &question, Some(lie))?;
			(liar.claim() != truth.claim()).then_some(liar)
		});
		let liar = liar.expect("some step of the operation counts");
		run(|| {
			let id = challenge(subject_of(&liar, &question, vec![]), CHALLENGER);
			let (verdict, _) = play(id, &mut Defender(liar.clone()), &mut Honest(truth.clone()));
			assert_eq!(verdict, Verdict::Falls(Ground::Step));
		});
	}
	// And the same steps stand when they are right.
	for operation in [Operation::Accumulate, Operation::Branch] {
		let leaf = truth.rules.shape.index(leaf).unwrap();
		let index = *steps[&operation].last().unwrap();
		let evidence = truth.evidence(leaf, index);
		let fine = fine_tree(&truth, leaf);
		let roots = truth.model.group_roots();
		let root = |group: u32| roots.get(group as usize).copied();
		let found = crate::referee::evaluate(&truth.rules, &fine, index, &evidence, root);
		assert_eq!(found.as_ref(), Ok(&truth.fine(leaf).unwrap()[index as usize]));
	}
}

#[test]
fn every_step_should_be_computed_as_it_was_when_it_is_proved() {
	let question = Question { temperature: 900, ..Question::short() };
	let truth = Run::honest(&question);
	let roots = truth.model.group_roots();
	let root = |group: u32| roots.get(group as usize).copied();
	let mut longest = 0;
	for of in [TraceLeaf::Residual { position: 1, layer: 1, slice: 1 }, TraceLeaf::Token { position: 3 }] {
		let leaf = truth.rules.shape.index(of).unwrap();
		let (tree, leaves) = (fine_tree(&truth, leaf), truth.fine(leaf).unwrap());
		for operation in truth.operations(leaf).into_values() {
			for index in [operation[0], operation[operation.len() / 2], operation[operation.len() - 1]] {
				let evidence = truth.evidence(leaf, index);
				longest = longest.max(codec::Encode::encoded_size(&evidence));
				let found = crate::referee::evaluate(&truth.rules, &tree, index, &evidence, root);
				assert_eq!(found.as_ref(), Ok(&leaves[index as usize]), "leaf {index} of {of:?}");
			}
		}
	}
	assert!(longest < noesis_primitives::MAX_EVIDENCE_BYTES as usize);
}

#[test]
fn a_lying_validator_should_lose_and_the_subject_should_go_on() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let leaf = TraceLeaf::Residual { position: 1, layer: 0, slice: 0 };
		let liar = Run::lying_in(&question, leaf, Operation::Gate).unwrap();
		let found = vec![(VALIDATORS[0], liar.claim()), (VALIDATORS[1], truth.claim())];
		let subject = subject_of(&truth, &question, found);
		let accused = Accused::Validator(VALIDATORS[0]);
		let id = challenge_as(subject, accused, liar.claim(), CHALLENGER);
		assert_eq!(told(subject).state, State::Suspended);
		let (verdict, _) = play(id, &mut Defender(liar), &mut Honest(truth));
		assert_eq!(verdict, Verdict::Falls(Ground::Step));
		assert_eq!(Slashes::get(), vec![(VALIDATORS[0], Fault::WrongVerdict, Some(CHALLENGER))]);
		let told = told(subject);
		assert_eq!((told.state, told.upheld, told.found.len()), (State::Answered, 1, 1));
	});
}

#[test]
fn a_claim_with_another_number_of_tokens_should_fall_when_a_token_differs() {
	// The liar ends a token early by claiming the end token.
	let question = Question { max_tokens: 4, ..Question::short() };
	let truth = Run::honest(&question);
	assert_eq!(truth.claim().usage.output_tokens, 4, "the model goes on");
	let mut liar = Run::with_limit(truth.model.clone(), &question, 2, false, None).unwrap();
	let before = liar.opening(TraceLeaf::Token { position: liar.rules.shape.positions - 1 }).values[1];
	*liar.leaves.last_mut().unwrap() = vec![truth.model.architecture.end as i32, before];
	liar.seal();
	run(|| {
		let id = challenge(subject_of(&liar, &question, vec![]), CHALLENGER);
		// Its fine tree can't have the end token for a result: it has nothing to expand to.
		let mut honest = Honest(truth);
		while let Some(view) = view(id) {
			match &view.phase {
				noesis_primitives::Phase::Expand { leaf, .. } => {
					let (root, path) = fine_root(&liar, *leaf);
					let values = liar.leaves[*leaf as usize].clone().try_into().unwrap();
					let architecture = liar.model.architecture;
					let expand = Dispute::expand(signed(WORKER), id, architecture, root, values, path);
					assert_eq!(expand, Err(Error::WrongResult.into()));
					run_to(view.due + 1);
				},
				noesis_primitives::Phase::Choose { .. } => honest.play(&view).unwrap(),
				_ => Defender(liar.clone()).play(&view).unwrap(),
			}
		}
		assert_eq!(verdict(id), Some(Verdict::Falls(Ground::Silence)));
	});
}

/// The fine tree that an honest accused commits to.
pub fn fine_tree(run: &Run, leaf: u32) -> noesis_primitives::FineTree {
	let (root, path) = fine_root(run, leaf);
	let computation = crate::referee::Computation::of(&run.rules, leaf, &run.model.architecture).unwrap();
	computation.fine_tree(root, &run.leaves[leaf as usize], &path).unwrap()
}
