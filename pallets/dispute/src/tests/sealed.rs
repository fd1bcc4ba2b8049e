//! Sealed jobs: prompts and outputs shown with their seals, held against what the job commits to.

use super::{
	model::{Question, Run, ARCHITECTURE},
	players::*,
};
use crate::mock::*;
use noesis_primitives::{
	Accused, Claim, ContentHash, DisputeId, DisputeView, DisputedSubject, Fault, Ground, InputFormat, JobId,
	OutputProof, OutputSeal, Payload, Phase, PromptSeal, ShownOutput, Subject, TextEvidence, TraceLeaf,
	Verdict, SEAL_OVERHEAD,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};

/// The seals of a question's prompt and of its output.
fn seals(question: &Question) -> (PromptSeal, OutputSeal) {
	let mut output = OutputSeal { secret: [5; 32], prompt: ContentHash::default() };
	let prompt = PromptSeal { salt: [6; 32], output: output.digest() };
	output.prompt = prompt.digest(&question.payload());
	(prompt, output)
}

/// A question that is sealed by the challenger, as somebody answered it.
fn sealed(answered: &Run, question: &Question) -> DisputedSubject<AccountId> {
	register_model(&answered.model);
	let envelope = vec![9; SEAL_OVERHEAD as usize + question.payload().len()];
	DisputedSubject {
		requester: CHALLENGER,
		input: Payload::Inline(envelope.try_into().unwrap()),
		sealed: Some(seals(question).1.commitment()),
		..disputed(answered, question)
	}
}

#[test]
fn a_sealed_job_should_be_disputed_by_its_parties_and_validators_only() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let claim = truth.claim();
		let (found, other) = (claim, Claim { leaves: claim.leaves + 1, ..claim });
		let spoke = vec![(VALIDATORS[0], found), (VALIDATORS[1], other)];
		let subject = answer(sealed(&truth, &question), spoke);
		let dispute = |who, accused, claim| Dispute::challenge(signed(who), subject, accused, claim);
		let stranger = CHALLENGER + 1;
		for accused in [Accused::Worker, Accused::Validator(VALIDATORS[0])] {
			assert_noop!(dispute(stranger, accused.clone(), claim), Error::Sealed);
			assert_noop!(Dispute::demand(signed(stranger), subject, accused, claim), Error::Sealed);
		}
		assert_ok!(dispute(VALIDATORS[1], Accused::Worker, claim));
		assert_ok!(dispute(CHALLENGER, Accused::Worker, claim));
		assert_ok!(dispute(WORKER, Accused::Validator(VALIDATORS[0]), claim));
	});
}

/// A dispute over the truth of a sealed question, which came to the token at `position`.
fn disputed_token(truth: &Run, question: &Question, position: u32) -> (DisputeId, u32) {
	let id = challenge(answer(sealed(truth, question), vec![]), CHALLENGER);
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
		let show = |bytes: Vec<u8>, seal| {
			let values = truth.leaves[leaf as usize].clone().try_into().unwrap();
			Dispute::prove_input(signed(WORKER), id, ARCHITECTURE, values, bytes.try_into().unwrap(), seal)
		};
		let (prompt, (seal, _)) = (question.payload(), seals(&question));
		assert_noop!(show(prompt.clone(), None), Error::WrongInput);
		for other in
			[PromptSeal { salt: [7; 32], ..seal }, PromptSeal { output: ContentHash([7; 32]), ..seal }]
		{
			assert_noop!(show(prompt.clone(), Some(other)), Error::WrongInput);
		}
		assert_noop!(show(vec![9; 200], None), Error::WrongInput);
		assert_noop!(show([prompt.clone(), vec![0; 4]].concat(), Some(seal)), Error::WrongInput);
		assert_ok!(show(prompt, Some(seal)));
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
		let show = |seal| {
			let values = truth.leaves[leaf as usize].clone().try_into().unwrap();
			Dispute::prove_text(signed(WORKER), id, values, TextEvidence { seal, ..right.clone() })
		};
		let (seal, _) = seals(&question);
		assert_noop!(show(None), Error::WrongInput);
		assert_noop!(show(Some(PromptSeal { salt: [7; 32], ..seal })), Error::WrongInput);
		assert_ok!(show(Some(seal)));
		assert!(matches!(view(id).unwrap().phase, Phase::Expand { .. }));
	});
}

#[test]
fn an_open_input_should_be_refused_when_it_is_shown_with_a_seal() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let id = challenge(subject_of(&truth, &question, vec![]), CHALLENGER);
		let mut other = truth.clone();
		other.leaves[0][1] += 1;
		other.seal();
		let at_input = |view: &DisputeView<AccountId>| matches!(view.phase, Phase::Input { .. });
		play_to(id, &mut Defender(truth.clone()), &mut Honest(other), at_input).unwrap();
		let show = |seal| {
			let values = truth.leaves[0].clone().try_into().unwrap();
			let bytes = question.payload().try_into().unwrap();
			Dispute::prove_input(signed(WORKER), id, ARCHITECTURE, values, bytes, seal)
		};
		assert_noop!(show(Some(seals(&question).0)), Error::WrongInput);
		assert_ok!(show(None));
	});
}

/// An output as the first subject of a test seals it.
fn sealed_output(seal: &OutputSeal, output: &[u8]) -> Vec<u8> {
	seal.seal(&Subject::Job(JobId(0)), output)
}

fn prove(subject: Subject, claim: Claim, proof: &OutputProof) -> DispatchResult {
	Dispute::prove_output(signed(CHALLENGER), subject, Accused::Worker, claim, proof.clone())
}

fn demanded(answered: &Run, question: &Question) -> DisputeView<AccountId> {
	let (subject, id) = (answer(sealed(answered, question), vec![]), crate::NextDispute::<Test>::get());
	assert_ok!(Dispute::demand(signed(CHALLENGER), subject, Accused::Worker, answered.claim()));
	view(id).unwrap()
}

#[test]
fn a_claim_should_fall_when_its_sealed_output_is_not_that_of_its_tokens() {
	run(|| {
		let question = Question { max_tokens: 4, temperature: 900, ..Question::short() };
		let (truth, (_, seal), lie) = (Run::honest(&question), seals(&question), b"something else");
		let liar = truth.with_output(&sealed_output(&seal, lie));
		let subject = answer(sealed(&liar, &question), vec![]);
		let first = liar.claim().usage.input_tokens;
		let right = OutputProof { seal: Some(seal), ..truth.output_proof(lie, first) };
		for (other, with) in [
			(right.output.clone(), None),
			(right.output.clone(), Some(OutputSeal { secret: [7; 32], ..seal })),
			(right.output.clone(), Some(OutputSeal { prompt: ContentHash([7; 32]), ..seal })),
			(b"something different".to_vec().try_into().unwrap(), Some(seal)),
			(sealed_output(&seal, lie).try_into().unwrap(), None),
		] {
			let proof = OutputProof { output: other, seal: with, ..right.clone() };
			assert_noop!(prove(subject, liar.claim(), &proof), Error::WrongOutput);
		}
		assert_ok!(prove(subject, liar.claim(), &right));
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(CHALLENGER))]);
	});
}

#[test]
fn a_claim_should_stand_when_its_sealed_output_is_that_of_its_tokens() {
	run(|| {
		let question = Question { max_tokens: 4, temperature: 900, ..Question::short() };
		let (truth, (_, seal)) = (Run::honest(&question), seals(&question));
		let answered = truth.with_output(&sealed_output(&seal, &truth.output));
		let view = demanded(&answered, &question);
		let claim = answered.claim();
		for position in claim.usage.input_tokens..=truth.rules.shape.positions {
			let proof = OutputProof { seal: Some(seal), ..truth.output_proof(&truth.output, position) };
			assert_noop!(prove(view.subject, claim, &proof), Error::NoContradiction);
		}
		let show = |bytes: &[u8], seal| {
			let shown = ShownOutput::Bytes { bytes: bytes.to_vec().try_into().unwrap(), seal };
			Dispute::show_output(signed(WORKER), view.id, shown)
		};
		// It shows what is sealed, and the seal of this job.
		assert_noop!(show(&answered.output, None), Error::WrongOutput);
		assert_noop!(show(&truth.output, None), Error::WrongOutput);
		assert_noop!(show(&truth.output, Some(OutputSeal { secret: [7; 32], ..seal })), Error::WrongOutput);
		assert_ok!(show(&truth.output, Some(seal)));
		let (bytes, with) = crate::ShownOutputs::<Test>::get(view.id).unwrap();
		assert_eq!((bytes.into_inner(), with), (truth.output.clone(), Some(seal)));
		check();
		run_to(now() + WINDOW + 1);
		assert_eq!((verdict(view.id), Slashes::get()), (Some(Verdict::Stands), vec![]));
	});
}

#[test]
fn who_sealed_nothing_should_fall_when_its_output_is_demanded() {
	let question = Question { max_tokens: 4, temperature: 900, ..Question::short() };
	// Bytes that nobody opens, and the true output under a secret of the worker's own.
	let (truth, (_, seal)) = (Run::honest(&question), seals(&question));
	let other = OutputSeal { secret: [7; 32], ..seal };
	for output in [vec![7; 64], sealed_output(&other, &truth.output)] {
		run(|| {
			let liar = truth.with_output(&output);
			let view = demanded(&liar, &question);
			for (bytes, seal) in [(&output, None), (&truth.output, Some(other)), (&truth.output, Some(seal))]
			{
				let shown = ShownOutput::Bytes { bytes: bytes.clone().try_into().unwrap(), seal };
				assert_noop!(Dispute::show_output(signed(WORKER), view.id, shown), Error::WrongOutput);
			}
			run_to(view.due + 1);
			assert_eq!(verdict(view.id), Some(Verdict::Falls(Ground::Silence)));
			assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(CHALLENGER))]);
		});
	}
}

#[test]
fn an_open_output_should_be_refused_when_it_is_shown_with_a_seal() {
	run(|| {
		let question = Question { max_tokens: 4, temperature: 900, ..Question::short() };
		let (truth, (_, seal)) = (Run::honest(&question), seals(&question));
		let liar = truth.with_output(&sealed_output(&seal, b"something else"));
		let subject = subject_of(&liar, &question, vec![]);
		let proof = truth.output_proof(b"something else", liar.claim().usage.input_tokens);
		let proof = OutputProof { seal: Some(seal), ..proof };
		assert_noop!(prove(subject, liar.claim(), &proof), Error::WrongOutput);
	});
}
