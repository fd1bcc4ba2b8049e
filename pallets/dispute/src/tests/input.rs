//! Tokens of an input of ids.

use super::{
	model::{Question, Run, ARCHITECTURE},
	players::*,
};
use crate::{mock::*, referee::input_token};
use noesis_primitives::{Accused, Architecture, Fault, Ground, Payload, Phase, Verdict, MAX_TOKEN_BYTES};
use polkadot_sdk::frame_support::{assert_noop, traits::ConstU32, BoundedVec};

#[test]
fn the_worker_should_lose_when_it_read_another_token() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let read = Question { tokens: vec![5, 18, 30], ..question.clone() };
		let liar = Run::honest(&read);
		let found = vec![(VALIDATORS[0], liar.claim()), (VALIDATORS[1], truth.claim())];
		let subject = subject_of(&liar, &question, found);
		let of_validator =
			challenge_as(subject, Accused::Validator(VALIDATORS[0]), liar.claim(), CHALLENGER + 1);
		ResponseWindow::set(&500);
		Defender(liar.clone()).play(&view(of_validator).unwrap()).unwrap();
		let id = challenge(subject, CHALLENGER);
		let (verdict, _) = play(id, &mut Defender(liar), &mut Honest(truth));
		assert_eq!(verdict, Verdict::Falls(Ground::Record));
		// The chain has seen that the claim is wrong, by whomever it was made.
		let found_the_same = (VALIDATORS[0], Fault::WrongVerdict, Some(CHALLENGER));
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(CHALLENGER)), found_the_same]);
		assert_eq!(super::players::verdict(of_validator), Some(Verdict::Moot));
	});
}

#[test]
fn the_worker_should_win_when_it_shows_the_token_that_it_read() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let id = challenge(subject_of(&truth, &question, vec![]), CHALLENGER);
		let mut liar = truth.clone();
		liar.leaves[0][1] += 1;
		liar.seal();
		let mut honest = Defender(truth.clone());
		let at_input =
			|view: &noesis_primitives::DisputeView<AccountId>| matches!(view.phase, Phase::Input { .. });
		let view = play_to(id, &mut honest, &mut Honest(liar), at_input).unwrap();
		let values = |index: usize| truth.leaves[index].clone().try_into().unwrap();
		let payload =
			|bytes: Vec<u8>| -> BoundedVec<u8, ConstU32<MAX_TOKEN_BYTES>> { bytes.try_into().unwrap() };
		let right = payload(question.payload());
		let show = |architecture, values, payload| {
			Dispute::prove_input(signed(WORKER), id, architecture, values, payload, None)
		};
		let other = Architecture { vocabulary: 41, ..ARCHITECTURE };
		assert_noop!(show(other, values(0), right.clone()), Error::WrongArchitecture);
		let next = truth.rules.shape.leaves_per_position().unwrap() as usize;
		assert_noop!(show(ARCHITECTURE, values(next), right), Error::WrongLeaf);
		let longer = [question.payload(), vec![0; 4]].concat();
		assert_noop!(show(ARCHITECTURE, values(0), payload(longer)), Error::WrongInput);
		honest.play(&view).unwrap();
		assert_eq!(verdict(id), Some(Verdict::Stands));
	});
}

#[test]
fn tokens_should_be_read_as_the_engine_reads_them() {
	let question = Question::short();
	let rules = Run::honest(&question).rules;
	let per_position = rules.shape.leaves_per_position().unwrap();
	let read =
		|position, payload: &[u8]| input_token(&rules, per_position * position, &ARCHITECTURE, payload);
	let of = |tokens: &[u32]| tokens.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<_>>();
	assert_eq!(read(0, &of(&[5, 17])), Some([5, 4]));
	assert_eq!(read(1, &of(&[5, 17])), Some([17, 8]));
	// Outside the vocabulary; bytes that make no whole token; no tokens at all.
	assert_eq!(read(0, &of(&[40])), Some([0, 4]));
	assert_eq!(read(0, &of(&[u32::MAX])), Some([0, 4]));
	assert_eq!(read(1, &[of(&[1]), vec![1, 2, 3]].concat()), None);
	assert_eq!(read(0, &[]), Some([0, 4]));
	assert_eq!(read(1, &[]), None);
	// An input that fills the context loses its beginning.
	let long: Vec<u32> = (0..ARCHITECTURE.context + 2).map(|i| i % 40).collect();
	assert_eq!(read(0, &of(&long)), Some([3, 4]));
	assert_eq!(input_token(&rules, 1, &ARCHITECTURE, &of(&[5])), None);
}

#[test]
fn a_stored_input_should_be_shown_when_its_token_is_disputed() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		register_model(&truth.model);
		let bytes = question.payload();
		let hash = noesis_primitives::ContentHash::of(&bytes);
		let input = Payload::Stored { hash, len: bytes.len() as u32, locator: Default::default() };
		let subject =
			answer(noesis_primitives::DisputedSubject { input, ..disputed(&truth, &question) }, vec![]);
		let id = challenge(subject, CHALLENGER);
		let mut liar = truth.clone();
		liar.leaves[0][0] += 1;
		liar.seal();
		let at_input =
			|view: &noesis_primitives::DisputeView<AccountId>| matches!(view.phase, Phase::Input { .. });
		play_to(id, &mut Defender(truth.clone()), &mut Honest(liar), at_input).unwrap();
		let values = truth.leaves[0].clone().try_into().unwrap();
		Dispute::prove_input(signed(WORKER), id, ARCHITECTURE, values, bytes.try_into().unwrap(), None)
			.unwrap();
		assert_eq!(verdict(id), Some(Verdict::Stands));
	});
}
