//! Claims that contradict their job.

use super::{
	model::{Model, Question, Run, ARCHITECTURE},
	players::*,
};
use crate::mock::*;
use noesis_primitives::{
	Accused, Architecture, Claim, Fault, Ground, InputFormat, LengthProof, Opening, Phase, Subject,
	TraceLeaf, Tree, Usage, Verdict,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use std::sync::Arc;

fn show(subject: Subject, accused: Accused<AccountId>, claim: Claim, proof: LengthProof) -> DispatchResult {
	Dispute::prove_length(signed(CHALLENGER), subject, accused, claim, ARCHITECTURE, proof)
}

fn last_token(run: &Run) -> Opening {
	run.opening(TraceLeaf::Token { position: run.rules.shape.positions })
}

#[test]
fn the_worker_and_who_found_the_same_should_fall_when_the_answer_stops_short() {
	run(|| {
		let question = Question { max_tokens: 3, ..Question::short() };
		let honest = Run::honest(&question);
		let short = Run::with_limit(honest.model.clone(), &question, 2, false, None).unwrap();
		assert_ne!(short.leaves.last().unwrap()[0], ARCHITECTURE.end as i32);
		let [same, other, ..] = VALIDATORS;
		let subject = subject_of(&short, &question, vec![(same, short.claim()), (other, honest.claim())]);
		let open = challenge(subject, CHALLENGER + 1);
		let proof = LengthProof::StoppedShort { opening: last_token(&short) };
		assert_ok!(show(subject, Accused::Worker, short.claim(), proof.clone()));
		let wrong = |who, fault| (who, fault, Some(CHALLENGER));
		let expected = vec![wrong(WORKER, Fault::WrongAnswer), wrong(same, Fault::WrongVerdict)];
		assert_eq!((told(subject).state, Slashes::get()), (State::Overturned, expected));
		assert_eq!((verdict(open), held(CHALLENGER + 1)), (Some(Verdict::Moot), 0));
		assert_noop!(show(subject, Accused::Worker, short.claim(), proof.clone()), Error::Settled);
		assert_noop!(show(subject, Accused::Validator(same), short.claim(), proof), Error::WrongClaim);
	});
}

#[test]
fn an_honest_claim_should_not_fall_by_its_length() {
	for max_tokens in [2, 20] {
		run(|| {
			let question = Question { max_tokens, ..Question::short() };
			let honest = Run::honest(&question);
			let subject = subject_of(&honest, &question, vec![]);
			let claim = honest.claim();
			let opening = last_token(&honest);
			let stopped = LengthProof::StoppedShort { opening };
			assert_noop!(show(subject, Accused::Worker, claim, LengthProof::Numbers), Error::NoContradiction);
			assert_noop!(show(subject, Accused::Worker, claim, stopped), Error::NoContradiction);
			for position in 0..=honest.rules.shape.positions {
				let opening = honest.opening(TraceLeaf::Token { position });
				let went_on = LengthProof::WentOn { position, opening };
				assert_noop!(show(subject, Accused::Worker, claim, went_on), Error::NoContradiction);
			}
			assert_eq!(told(subject).state, State::Answered);
		});
	}
}

/// A model whose end token is the first that it produces, and its run.
fn ending() -> (Question, Run) {
	let question = Question { max_tokens: 3, ..Question::short() };
	let first = Run::honest(&question).opening(TraceLeaf::Token { position: 3 }).token().unwrap().0;
	let model = Arc::new(Model::new(Architecture { end: first as u32, ..ARCHITECTURE }));
	let run = Run::new(model, &question, None).unwrap();
	assert_eq!(run.claim().usage.output_tokens, 1);
	(question, run)
}

#[test]
fn the_worker_should_fall_when_the_answer_goes_on_after_its_end() {
	run(|| {
		let (question, honest) = ending();
		let model = honest.model.clone();
		let architecture = model.architecture;
		let show = |subject, claim, proof| {
			let accused = Accused::Worker;
			Dispute::prove_length(signed(CHALLENGER), subject, accused, claim, architecture, proof)
		};
		let on = Run::with_limit(model, &question, 2, true, None).unwrap();
		let subject = subject_of(&on, &question, vec![]);
		let position = honest.rules.shape.positions;
		let opening = on.opening(TraceLeaf::Token { position });
		let proof = LengthProof::WentOn { position, opening };
		let of_input =
			LengthProof::WentOn { position: 0, opening: on.opening(TraceLeaf::Token { position: 0 }) };
		assert_noop!(show(subject, on.claim(), of_input), Error::NoContradiction);
		assert_ok!(show(subject, on.claim(), proof));
		assert_eq!(told(subject).state, State::Overturned);
		// And what stops there is right.
		let subject = subject_of(&honest, &question, vec![]);
		let opening = last_token(&honest);
		for proof in [
			LengthProof::StoppedShort { opening: opening.clone() },
			LengthProof::WentOn { position, opening },
		] {
			assert_noop!(show(subject, honest.claim(), proof), Error::NoContradiction);
		}
	});
}

#[test]
fn the_claim_should_fall_in_the_game_when_it_comes_to_an_end_that_is_not_the_last_token() {
	run(|| {
		// The challenger has no tree that goes on, so it can open nothing of it: it leads there.
		let (question, honest) = ending();
		let on = Run::with_limit(honest.model.clone(), &question, 2, true, None).unwrap();
		let subject = subject_of(&on, &question, vec![(VALIDATORS[0], on.claim())]);
		let id = challenge(subject, CHALLENGER);
		let end = honest.rules.claim.leaves - 1;
		let mut moves = 0;
		while let Some(view) = view(id) {
			moves += 1;
			let Phase::Choose { at, .. } = &view.phase else {
				Defender(on.clone()).play(&view).unwrap();
				continue;
			};
			let (level, below) = on.rules.below(at).unwrap();
			let child = (end >> level) - below.start;
			assert_ok!(Dispute::choose(signed(CHALLENGER), id, child));
		}
		assert!(moves > 2);
		assert_eq!(verdict(id), Some(Verdict::Falls(Ground::Record)));
		let wrong = |who, fault| (who, fault, Some(CHALLENGER));
		let both = vec![wrong(WORKER, Fault::WrongAnswer), wrong(VALIDATORS[0], Fault::WrongVerdict)];
		assert_eq!(Slashes::get(), both);
		// An answer that ends there stands.
		let id = challenge(subject_of(&honest, &question, vec![]), CHALLENGER);
		let last = honest.rules.claim.leaves - 1;
		let mut defender = Defender(honest.clone());
		while let Some(view) = view(id) {
			match &view.phase {
				Phase::Choose { at, .. } if at.tree == Tree::Claimed => {
					let (level, below) = honest.rules.below(at).unwrap();
					assert_ok!(Dispute::choose(signed(CHALLENGER), id, (last >> level) - below.start));
				},
				Phase::Choose { .. } => Dispute::choose(signed(CHALLENGER), id, 0).unwrap(),
				_ => defender.play(&view).unwrap(),
			}
		}
		assert_eq!(verdict(id), Some(Verdict::Stands));
	});
}

#[test]
fn a_validator_should_fall_when_its_numbers_contradict_the_job() {
	run(|| {
		let question = Question::short();
		let honest = Run::honest(&question);
		let claim = honest.claim();
		let usage = |input_tokens, output_tokens| {
			let usage = Usage { input_tokens, output_tokens };
			let leaves = ARCHITECTURE.trace(usage.positions() as u32).leaves().unwrap();
			Claim { usage, leaves, ..claim }
		};
		let wrong = [
			Claim { leaves: claim.leaves + 1, ..claim },
			usage(0, 4),
			usage(4, 0),
			usage(2, 2),
			usage(4, 1),
			usage(3, 3),
		];
		for wrong in wrong {
			let subject = subject_of(&honest, &question, vec![(VALIDATORS[0], wrong)]);
			let accused = || Accused::Validator(VALIDATORS[0]);
			let game = Dispute::challenge(signed(CHALLENGER), subject, accused(), wrong);
			assert_noop!(game, Error::Contradiction);
			let slashed = Slashes::get().len();
			assert_ok!(show(subject, accused(), wrong, LengthProof::Numbers));
			assert_eq!(Slashes::get()[slashed..], [(VALIDATORS[0], Fault::WrongVerdict, Some(CHALLENGER))]);
			// The worker's claim is not touched.
			let told = told(subject);
			assert_eq!((told.state, told.upheld, told.found.len()), (State::Answered, 0, 0));
		}
		assert!(System::events().iter().any(|record| matches!(
			record.event,
			RuntimeEvent::Dispute(Event::Convicted { ground: Ground::Record, .. })
		)));
	});
}

#[test]
fn the_room_should_end_with_the_context() {
	run(|| {
		// As many tokens as the context takes, though more were asked for.
		let tokens = (0..ARCHITECTURE.context - 2).map(|i| 4 + i % 30).collect();
		let question = Question { tokens, max_tokens: 50, ..Question::short() };
		let fits = Run::with_limit(Model::tiny(), &question, 2, false, None).unwrap();
		let subject = subject_of(&fits, &question, vec![]);
		let stopped = LengthProof::StoppedShort { opening: last_token(&fits) };
		assert_noop!(show(subject, Accused::Worker, fits.claim(), stopped), Error::NoContradiction);
		assert_noop!(
			show(subject, Accused::Worker, fits.claim(), LengthProof::Numbers),
			Error::NoContradiction
		);
	});
}

#[test]
fn a_text_may_have_any_number_of_tokens() {
	run(|| {
		let question = Question { format: InputFormat::Text, ..Question::short() };
		let mut honest = Run::honest(&question);
		honest.rules.claim.usage = Usage { input_tokens: 2, output_tokens: 2 };
		honest.rules.claim.leaves = ARCHITECTURE.trace(3).leaves().unwrap();
		let subject = subject_of(&honest, &question, vec![]);
		let numbers = show(subject, Accused::Worker, honest.claim(), LengthProof::Numbers);
		assert_noop!(numbers, Error::NoContradiction);
	});
}

#[test]
fn a_proof_should_be_refused_when_it_is_none() {
	run(|| {
		let question = Question { max_tokens: 3, ..Question::short() };
		let honest = Run::honest(&question);
		let short = Run::with_limit(honest.model.clone(), &question, 2, false, None).unwrap();
		let subject = subject_of(&short, &question, vec![]);
		let (claim, opening) = (short.claim(), last_token(&short));
		let proof = |opening| LengthProof::StoppedShort { opening };
		let worker = || Accused::Worker;
		let call = |who, claim, architecture, proof| {
			Dispute::prove_length(signed(who), subject, worker(), claim, architecture, proof)
		};
		assert_noop!(call(WORKER, claim, ARCHITECTURE, proof(opening.clone())), Error::OwnClaim);
		let other = Architecture { end: 4, ..ARCHITECTURE };
		assert_noop!(call(CHALLENGER, claim, other, proof(opening.clone())), Error::WrongArchitecture);
		let truth = honest.claim();
		assert_noop!(call(CHALLENGER, truth, ARCHITECTURE, proof(opening.clone())), Error::WrongClaim);
		let mut changed = opening.clone();
		changed.values[0] ^= 1;
		assert_noop!(call(CHALLENGER, claim, ARCHITECTURE, proof(changed)), Error::WrongProof);
		let residual = short.opening(TraceLeaf::Residual { position: 1, layer: 0, slice: 0 });
		assert_noop!(call(CHALLENGER, claim, ARCHITECTURE, proof(residual)), Error::WrongProof);
		let elsewhere = LengthProof::WentOn { position: 99, opening };
		assert_noop!(call(CHALLENGER, claim, ARCHITECTURE, elsewhere), Error::WrongProof);
	});
}
