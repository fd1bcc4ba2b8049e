//! Inputs that were sealed: shown as prompt and salt, held against what the job commits to.

use super::{
	model::{Question, Run, ARCHITECTURE},
	players::*,
};
use crate::mock::*;
use noesis_primitives::{
	seal_commitment, DisputeId, DisputeView, InputFormat, Payload, Phase, TextEvidence, TraceLeaf, Verdict,
	SEAL_OVERHEAD,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

const SALT: [u8; 32] = [6; 32];

/// A dispute over the truth of a sealed question, which came to the token at `position`.
fn disputed_token(truth: &Run, question: &Question, position: u32) -> (DisputeId, u32) {
	register_model(&truth.model);
	let commitment = seal_commitment(&SALT, &question.payload());
	let envelope = vec![9; SEAL_OVERHEAD as usize + question.payload().len()];
	let envelope = Payload::Inline(envelope.try_into().unwrap());
	let subject = noesis_primitives::DisputedSubject {
		input: envelope,
		sealed: Some(commitment),
		..disputed(truth, question)
	};
	let id = challenge(answer(subject, vec![]), CHALLENGER);
	let leaf = truth.rules.shape.index(TraceLeaf::Token { position }).unwrap();
	let mut other = truth.clone();
	other.leaves[leaf as usize][1] += 1;
	other.seal();
	let at_token =
		|view: &DisputeView<AccountId>| matches!(view.phase, Phase::Input { .. } | Phase::Text { .. });
	play_to(id, &mut Defender(truth.clone()), &mut Honest(other), at_token).unwrap();
	(id, leaf)
}

#[test]
fn the_accused_should_win_when_it_shows_the_ids_that_were_sealed() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let (id, leaf) = disputed_token(&truth, &question, 1);
		let show = |bytes: Vec<u8>, salt| {
			let values = truth.leaves[leaf as usize].clone().try_into().unwrap();
			Dispute::prove_input(signed(WORKER), id, ARCHITECTURE, values, bytes.try_into().unwrap(), salt)
		};
		let prompt = question.payload();
		assert_noop!(show(prompt.clone(), None), Error::WrongInput);
		assert_noop!(show(prompt.clone(), Some([7; 32])), Error::WrongInput);
		assert_noop!(show(vec![9; 200], None), Error::WrongInput);
		assert_noop!(show([prompt.clone(), vec![0; 4]].concat(), Some(SALT)), Error::WrongInput);
		assert_ok!(show(prompt, Some(SALT)));
		assert_eq!(verdict(id), Some(Verdict::Stands));
	});
}

#[test]
fn the_accused_should_win_when_it_shows_the_text_that_was_sealed() {
	let question = Question::text(InputFormat::Text, "7a 7a");
	let truth = Run::honest(&question);
	let position = truth.claim().usage.input_tokens;
	run(|| {
		// The first token of the output: it follows the end of the text.
		let (id, leaf) = disputed_token(&truth, &question, position);
		let right = truth.text_evidence(&question.payload(), leaf);
		let show = |salt| {
			let values = truth.leaves[leaf as usize].clone().try_into().unwrap();
			Dispute::prove_text(signed(WORKER), id, values, TextEvidence { salt, ..right.clone() })
		};
		assert_noop!(show(None), Error::WrongInput);
		assert_noop!(show(Some([7; 32])), Error::WrongInput);
		assert_ok!(show(Some(SALT)));
		assert!(matches!(view(id).unwrap().phase, Phase::Expand { .. }));
	});
}

#[test]
fn an_open_input_should_be_refused_when_it_is_shown_with_a_salt() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let id = challenge(subject_of(&truth, &question, vec![]), CHALLENGER);
		let mut other = truth.clone();
		other.leaves[0][1] += 1;
		other.seal();
		let at_input = |view: &DisputeView<AccountId>| matches!(view.phase, Phase::Input { .. });
		play_to(id, &mut Defender(truth.clone()), &mut Honest(other), at_input).unwrap();
		let show = |salt| {
			let values = truth.leaves[0].clone().try_into().unwrap();
			let bytes = question.payload().try_into().unwrap();
			Dispute::prove_input(signed(WORKER), id, ARCHITECTURE, values, bytes, salt)
		};
		assert_noop!(show(Some(SALT)), Error::WrongInput);
		assert_ok!(show(None));
	});
}
