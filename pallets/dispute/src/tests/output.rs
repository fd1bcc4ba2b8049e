//! Outputs whose bytes are not those of their tokens.

use super::{
	model::{Question, Random, Run, ARCHITECTURE},
	players::*,
	words,
};
use crate::{mock::*, output, referee::EvidenceError, Disputes, Dockets, ShownOutputs, Standing};
use codec::Decode;
use noesis_primitives::{
	Accused, Claim, ContentHash, DisputeView, DisputedSubject, Fault, Ground, InputFormat, OutputProof,
	Payload, Phase, ShownOutput, Subject, TraceLeaf, Usage, Verdict, MAX_OUTPUT_BYTES, SEAL_OVERHEAD,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use proptest::prelude::*;

fn question() -> Question {
	Question { max_tokens: 4, temperature: 900, ..Question::short() }
}

fn questions() -> [Question; 3] {
	let of = |format, text| Question { max_tokens: 6, temperature: 900, ..Question::text(format, text) };
	[question(), of(InputFormat::Text, "abcd 7a"), of(InputFormat::Chat, "")]
}

/// Positions of the output's tokens.
fn positions(run: &Run) -> std::ops::RangeInclusive<u32> {
	run.claim().usage.input_tokens..=run.rules.shape.positions
}

fn demand(who: AccountId, subject: Subject, accused: Accused<AccountId>, claim: Claim) -> DispatchResult {
	Dispute::demand(signed(who), subject, accused, claim)
}

fn prove(subject: Subject, accused: Accused<AccountId>, claim: Claim, proof: OutputProof) -> DispatchResult {
	Dispute::prove_output(signed(CHALLENGER), subject, accused, claim, proof)
}

/// Opens a dispute in which an output is demanded.
fn demanded(subject: Subject, accused: Accused<AccountId>, claim: Claim) -> DisputeView<AccountId> {
	let id = crate::NextDispute::<Test>::get();
	assert_ok!(demand(CHALLENGER, subject, accused, claim));
	view(id).unwrap()
}

/// Outputs that are not the true one.
fn others(truth: &[u8]) -> Vec<Vec<u8>> {
	let mut others = vec![
		Vec::new(),
		[truth, b"!"].concat(),
		[b"!", truth].concat(),
		truth[..truth.len().saturating_sub(1)].to_vec(),
	];
	for at in 0..truth.len() {
		let mut other = truth.to_vec();
		other[at] ^= 1;
		others.push(other);
	}
	others.retain(|other| other != truth);
	others
}

/// The first token that an output does not have.
fn first_difference(truth: &Run, output: &[u8]) -> u32 {
	let head = words::head_with(truth.model.architecture.end);
	let (mut previous, last) = (0, *positions(truth).end());
	for position in positions(truth) {
		let token = truth.opening(TraceLeaf::Token { position });
		let (id, end) = (token.values[0] as u32, token.values[1] as u32);
		let has_it = head.output_has(output, id, &words::bytes(id), previous, end);
		if !has_it || (position == last && output.len() != end as usize) {
			return position;
		}
		previous = end;
	}
	panic!("the output is the true one")
}

#[test]
fn a_claim_should_fall_when_its_output_is_not_that_of_its_tokens() {
	for question in questions() {
		let truth = Run::honest(&question);
		assert!(!truth.output.is_empty(), "{question:?}");
		for output in others(&truth.output) {
			run(|| {
				let liar = truth.with_output(&output);
				let [same, other, ..] = VALIDATORS;
				let found = vec![(same, liar.claim()), (other, truth.claim())];
				let subject = subject_of(&liar, &question, found);
				let proof = truth.output_proof(&output, first_difference(&truth, &output));
				assert_ok!(prove(subject, Accused::Worker, liar.claim(), proof.clone()));
				let wrong = |who, fault| (who, fault, Some(CHALLENGER));
				let expected = vec![wrong(WORKER, Fault::WrongAnswer), wrong(same, Fault::WrongVerdict)];
				assert_eq!((told(subject).state, Slashes::get()), (State::Overturned, expected));
				assert_noop!(prove(subject, Accused::Worker, liar.claim(), proof), Error::Settled);
			});
		}
	}
}

#[test]
fn a_claim_should_stand_when_its_output_is_that_of_its_tokens() {
	for question in questions() {
		let truth = Run::honest(&question);
		run(|| {
			let subject = subject_of(&truth, &question, vec![(VALIDATORS[0], truth.claim())]);
			for position in positions(&truth) {
				let proof = truth.output_proof(&truth.output, position);
				for accused in [Accused::Worker, Accused::Validator(VALIDATORS[0])] {
					assert_noop!(
						prove(subject, accused, truth.claim(), proof.clone()),
						Error::NoContradiction
					);
				}
			}
			assert_eq!((told(subject).state, Slashes::get()), (State::Answered, vec![]));
		});
	}
}

#[test]
fn an_output_should_be_empty_when_only_the_end_token_was_produced() {
	let question = question();
	let first = Run::honest(&question).opening(TraceLeaf::Token { position: 3 }).token().unwrap().0;
	let architecture = noesis_primitives::Architecture { end: first as u32, ..ARCHITECTURE };
	let model = std::sync::Arc::new(super::model::Model::new(architecture));
	let truth = Run::new(model, &question, None).unwrap();
	assert_eq!((truth.output.len(), truth.claim().usage.output_tokens), (0, 1));
	// The token that ends the answer would stand for something.
	assert!(!words::bytes(first as u32).is_empty());
	run(|| {
		let subject = subject_of(&truth, &question, vec![]);
		let right = truth.output_proof(&[], 3);
		assert_noop!(prove(subject, Accused::Worker, truth.claim(), right), Error::NoContradiction);
		for output in [words::bytes(first as u32), b"!".to_vec()] {
			let liar = truth.with_output(&output);
			let subject = subject_of(&liar, &question, vec![]);
			assert_ok!(prove(subject, Accused::Worker, liar.claim(), truth.output_proof(&output, 3)));
			assert_eq!(told(subject).state, State::Overturned);
		}
		// An output that is withheld is empty, too: it is shown like any other.
		let view = demanded(subject, Accused::Worker, truth.claim());
		assert_ok!(Dispute::show_output(signed(WORKER), view.id, truth.shown_output()));
		run_to(now() + WINDOW + 1);
		assert_eq!(verdict(view.id), Some(Verdict::Stands));
	});
}

#[test]
fn a_liar_should_fall_when_it_shows_the_output_that_is_demanded() {
	run(|| {
		let (question, output) = (question(), b"something else".to_vec());
		let truth = Run::honest(&question);
		let liar = truth.with_output(&output);
		let subject = subject_of(&liar, &question, vec![(VALIDATORS[0], liar.claim())]);
		let view = demanded(subject, Accused::Worker, liar.claim());
		assert_eq!((view.mover, view.phase.clone(), view.bond), (WORKER, Phase::Output, BOND));
		assert_eq!((told(subject).state, held(CHALLENGER)), (State::Suspended, BOND));
		assert_ok!(Dispute::show_output(signed(WORKER), view.id, liar.shown_output()));
		let view = super::players::view(view.id).unwrap();
		assert_eq!((view.mover, view.phase.clone()), (CHALLENGER, Phase::Compare));
		// Whoever wants to compare them finds the bytes on the chain.
		assert_eq!(ShownOutputs::<Test>::get(view.id).unwrap().0.into_inner(), output);
		check();
		let proof = truth.output_proof(&output, first_difference(&truth, &output));
		assert_ok!(prove(subject, Accused::Worker, liar.claim(), proof));
		assert_eq!(verdict(view.id), Some(Verdict::Falls(Ground::Record)));
		assert_eq!((held(CHALLENGER), wealth(CHALLENGER)), (0, RICH));
		assert_eq!(Slashes::get().len(), 2);
		assert_eq!(ShownOutputs::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_stranger_should_be_rewarded_when_it_compares_first() {
	run(|| {
		let (question, output) = (question(), b"something else".to_vec());
		let truth = Run::honest(&question);
		let liar = truth.with_output(&output);
		let subject = subject_of(&liar, &question, vec![]);
		let view = demanded(subject, Accused::Worker, liar.claim());
		// An accomplice demands it and does nothing then: what it brought to light is there for all.
		assert_ok!(Dispute::show_output(signed(WORKER), view.id, liar.shown_output()));
		let proof = truth.output_proof(&output, first_difference(&truth, &output));
		let (stranger, claim) = (CHALLENGER + 1, liar.claim());
		assert_ok!(Dispute::prove_output(signed(stranger), subject, Accused::Worker, claim, proof));
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(stranger))]);
		assert_eq!((verdict(view.id), held(CHALLENGER)), (Some(Verdict::Moot), 0));
		assert_eq!(wealth(CHALLENGER), RICH);
	});
}

#[test]
fn who_withholds_an_output_should_fall_when_it_is_demanded() {
	run(|| {
		let question = question();
		let truth = Run::honest(&question);
		let liar = truth.with_output(b"nobody has this");
		let found = vec![(VALIDATORS[0], liar.claim())];
		let subject = subject_of(&liar, &question, found);
		let view = demanded(subject, Accused::Worker, liar.claim());
		assert_noop!(Dispute::show_output(signed(WORKER), view.id, truth.shown_output()), Error::WrongOutput);
		run_to(view.due + 1);
		assert_eq!(verdict(view.id), Some(Verdict::Falls(Ground::Silence)));
		assert_eq!(wealth(CHALLENGER), RICH);
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(CHALLENGER))]);
		// Who vouched for it answers for it: it has to have the bytes.
		let accused = Accused::Validator(VALIDATORS[0]);
		let view = demanded(subject, accused.clone(), liar.claim());
		assert_eq!(view.defender, VALIDATORS[0]);
		run_to(view.due + 1);
		assert_eq!(verdict(view.id), Some(Verdict::Falls(Ground::Silence)));
		assert_noop!(demand(CHALLENGER, subject, accused, liar.claim()), Error::WrongClaim);
		assert_eq!(Slashes::get().len(), 2);
	});
}

#[test]
fn an_honest_validator_should_keep_its_stake_when_a_worker_withholds_on_purpose() {
	run(|| {
		let question = question();
		let truth = Run::honest(&question);
		let subject = subject_of(&truth, &question, vec![(VALIDATORS[0], truth.claim())]);
		let sham = demanded(subject, Accused::Worker, truth.claim());
		run_to(sham.due + 1);
		assert_eq!(told(subject).state, State::Overturned);
		let view = demanded(subject, Accused::Validator(VALIDATORS[0]), truth.claim());
		assert_ok!(Dispute::show_output(signed(VALIDATORS[0]), view.id, truth.shown_output()));
		run_to(now() + WINDOW + 1);
		assert_eq!(verdict(view.id), Some(Verdict::Stands));
		assert_eq!(Slashes::get().len(), 1);
		assert_eq!(wealth(VALIDATORS[0]), RICH + BOND / 2);
	});
}

#[test]
fn a_validator_should_show_its_own_output_when_the_workers_is_another() {
	run(|| {
		let question = question();
		let truth = Run::honest(&question);
		let liar = truth.with_output(b"the worker's");
		let subject = subject_of(&liar, &question, vec![(VALIDATORS[0], truth.claim())]);
		let accused = Accused::Validator(VALIDATORS[0]);
		let view = demanded(subject, accused.clone(), truth.claim());
		let show = |output| Dispute::show_output(signed(VALIDATORS[0]), view.id, output);
		assert_noop!(show(liar.shown_output()), Error::WrongOutput);
		assert_ok!(show(truth.shown_output()));
		for position in positions(&truth) {
			let proof = truth.output_proof(&truth.output, position);
			assert_noop!(prove(subject, accused.clone(), truth.claim(), proof), Error::NoContradiction);
		}
		run_to(now() + WINDOW + 1);
		assert_eq!((verdict(view.id), wealth(VALIDATORS[0])), (Some(Verdict::Stands), RICH + BOND / 2));
		// One that found another output falls, and the worker's claim is not touched by that.
		let wrong = truth.with_output(b"a validator's");
		let subject = subject_of(&truth, &question, vec![(VALIDATORS[1], wrong.claim())]);
		let proof = truth.output_proof(&wrong.output, first_difference(&truth, &wrong.output));
		assert_ok!(prove(subject, Accused::Validator(VALIDATORS[1]), wrong.claim(), proof));
		assert_eq!((told(subject).state, told(subject).found.len()), (State::Answered, 0));
		assert_eq!(Slashes::get(), vec![(VALIDATORS[1], Fault::WrongVerdict, Some(CHALLENGER))]);
	});
}

#[test]
fn a_griefer_should_pay_when_it_demands_the_output_of_an_honest_worker() {
	run(|| {
		let question = question();
		let truth = Run::honest(&question);
		let subject = subject_of(&truth, &question, vec![]);
		let mut lost = 0;
		for (round, bond) in [BOND, 2 * BOND, 4 * BOND].into_iter().enumerate() {
			let view = demanded(subject, Accused::Worker, truth.claim());
			assert_eq!(view.bond, bond);
			assert_ok!(Dispute::show_output(signed(WORKER), view.id, truth.shown_output()));
			run_to(now() + WINDOW + 1);
			assert_eq!(verdict(view.id), Some(Verdict::Stands));
			lost += bond;
			assert_eq!(wealth(CHALLENGER), RICH - lost);
			assert_eq!((told(subject).state, told(subject).upheld), (State::Answered, round as u32 + 1));
			assert_eq!(ShownOutputs::<Test>::iter().count(), 0);
		}
		assert_eq!(wealth(WORKER), RICH + BOND / 2 + BOND + 2 * BOND);
	});
}

#[test]
fn an_output_should_be_demanded_once_at_a_time() {
	run(|| {
		let question = question();
		let truth = Run::honest(&question);
		let found = vec![(VALIDATORS[0], truth.claim())];
		let subject = subject_of(&truth, &question, found);
		let view = demanded(subject, Accused::Worker, truth.claim());
		let other = |accused| demand(CHALLENGER + 1, subject, accused, truth.claim());
		assert_noop!(demand(CHALLENGER, subject, Accused::Worker, truth.claim()), Error::AlreadyDisputed);
		assert_noop!(other(Accused::Worker), Error::OutputDemanded);
		// A validator's is another claim, and a dispute over the trace another matter.
		assert_ok!(other(Accused::Validator(VALIDATORS[0])));
		let over_trace = challenge(subject, CHALLENGER + 2);
		assert_ok!(Dispute::show_output(signed(WORKER), view.id, truth.shown_output()));
		assert_noop!(other(Accused::Worker), Error::OutputDemanded);
		play(over_trace, &mut Defender(truth.clone()), &mut Dice(Random(4)));
		assert_eq!(verdict(over_trace), Some(Verdict::Stands));
	});
}

#[test]
fn a_demand_should_be_refused_when_there_is_nothing_to_demand() {
	run(|| {
		let question = question();
		let truth = Run::honest(&question);
		register_model(&truth.model);
		let inline = Payload::Inline(truth.output.clone().try_into().unwrap());
		let other = truth.with_output(b"a validator's");
		let of = |output, sealed| {
			let plain = disputed(&truth, &question);
			// As long as the envelope of a sealed prompt.
			let envelope = vec![0; SEAL_OVERHEAD as usize + question.payload().len()];
			let input = match sealed {
				Some(_) => Payload::Inline(envelope.try_into().unwrap()),
				None => plain.input.clone(),
			};
			let subject = DisputedSubject { requester: CHALLENGER, input, output, sealed, ..plain };
			answer(subject, vec![(VALIDATORS[0], other.claim())])
		};
		let known = of(inline.clone(), None);
		let claim = truth.claim();
		assert_noop!(demand(CHALLENGER, known, Accused::Worker, claim), Error::OutputKnown);
		// The worker's output is known, a validator's other one is not.
		let accused = Accused::Validator(VALIDATORS[0]);
		assert_ok!(demand(CHALLENGER, known, accused, other.claim()));
		// What is known of a sealed one may be no sealed output.
		let sealed = of(inline, Some(ContentHash([1; 32])));
		assert_ok!(demand(CHALLENGER, sealed, Accused::Worker, claim));
		let contradiction = Claim { usage: Usage { input_tokens: 1, output_tokens: 1 }, ..claim };
		let subject = subject_of(&truth, &question, vec![(VALIDATORS[1], contradiction)]);
		let accused = Accused::Validator(VALIDATORS[1]);
		assert_noop!(demand(CHALLENGER, subject, accused, contradiction), Error::Contradiction);
		assert_noop!(demand(WORKER, subject, Accused::Worker, claim), Error::OwnClaim);
	});
}

/// A run whose only token of the output ends beyond what the chain takes, if its model's tokenizer had such tokens.
fn endless(end: u32) -> (Question, Run) {
	let question = Question { max_tokens: 1, ..Question::short() };
	let mut long = Run::honest(&question);
	long.leaves.last_mut().unwrap()[1] = end as i32;
	long.seal();
	(question, long)
}

#[test]
fn a_demand_should_cost_the_bond_when_the_output_is_longer_than_the_chain_takes() {
	for (end, fits) in [(MAX_OUTPUT_BYTES, true), (MAX_OUTPUT_BYTES + 1, false)] {
		run(|| {
			let (question, long) = endless(end);
			let subject = subject_of(&long, &question, vec![]);
			let view = demanded(subject, Accused::Worker, long.claim());
			let last = long.opening(TraceLeaf::Token { position: long.rules.shape.positions });
			let show = |opening| Dispute::show_output(signed(WORKER), view.id, ShownOutput::TooLong(opening));
			let mut changed = last.clone();
			changed.values[1] += 1;
			assert_noop!(show(changed), Error::WrongProof);
			let first = long.opening(TraceLeaf::Token { position: 0 });
			assert_noop!(show(first), Error::WrongProof);
			if fits {
				assert_noop!(show(last), Error::OutputFits);
				run_to(view.due + 1);
				assert_eq!(verdict(view.id), Some(Verdict::Falls(Ground::Silence)));
			} else {
				assert_ok!(show(last));
				let lost = (verdict(view.id), wealth(CHALLENGER));
				assert_eq!(lost, (Some(Verdict::Stands), RICH - BOND));
				assert_eq!(told(subject).state, State::Answered);
			}
		});
	}
}

#[test]
fn a_proof_should_be_refused_when_it_is_none() {
	run(|| {
		let (question, output) = (question(), b"something else".to_vec());
		let truth = Run::honest(&question);
		let liar = truth.with_output(&output);
		let subject = subject_of(&liar, &question, vec![]);
		let (claim, first, last) = (liar.claim(), *positions(&truth).start(), *positions(&truth).end());
		let right = |position| truth.output_proof(&output, position);
		let show = |proof| prove(subject, Accused::Worker, claim, proof);
		let own = Dispute::prove_output(signed(WORKER), subject, Accused::Worker, claim, right(first));
		assert_noop!(own, Error::OwnClaim);
		assert_noop!(prove(subject, Accused::Worker, truth.claim(), right(first)), Error::WrongClaim);
		let changed = |position, change: &dyn Fn(&mut OutputProof)| {
			let mut proof = right(position);
			change(&mut proof);
			proof
		};
		assert_noop!(show(changed(first, &|proof| proof.head[50] ^= 1)), Error::WrongHead);
		assert_noop!(show(changed(first, &|proof| proof.output[0] ^= 1)), Error::WrongOutput);
		assert_noop!(show(changed(first, &|proof| proof.token.values[0] += 1)), Error::WrongProof);
		assert_noop!(show(changed(first, &|proof| proof.bytes.bytes.clear())), Error::WrongProof);
		assert_noop!(show(changed(last, &|proof| proof.previous = None)), Error::WrongPieces);
		assert_noop!(
			show(changed(first, &|proof| proof.previous = Some(proof.token.clone()))),
			Error::WrongPieces
		);
		// Not a token of the output; another one than the one that is shown.
		for position in [0, first - 1, last + 1, u32::MAX] {
			assert_noop!(show(changed(first, &|proof| proof.position = position)), Error::WrongPieces);
		}
		let elsewhere = changed(last, &|proof| proof.position = last - 1);
		assert_noop!(show(elsewhere), Error::WrongProof);
		let mut other = right(last);
		other.previous = Some(truth.opening(TraceLeaf::Token { position: last - 2 }));
		assert_noop!(show(other), Error::WrongProof);
		assert_eq!((told(subject).state, Slashes::get()), (State::Answered, vec![]));
		assert_ok!(show(right(first)));
	});
}

#[test]
fn an_output_should_be_shown_only_when_it_is_demanded() {
	run(|| {
		let question = question();
		let truth = Run::honest(&question);
		let over_trace = challenge(subject_of(&truth, &question, vec![]), CHALLENGER);
		let show = |who, id| Dispute::show_output(signed(who), id, truth.shown_output());
		assert_noop!(show(WORKER, over_trace), Error::OutOfTurn);
		let view = demanded(subject_of(&truth, &question, vec![]), Accused::Worker, truth.claim());
		assert_noop!(show(CHALLENGER, view.id), Error::OutOfTurn);
		assert_noop!(show(REQUESTER, view.id), Error::NotPlayer);
		assert_noop!(Dispute::reveal(signed(WORKER), view.id, Default::default()), Error::OutOfTurn);
		at_block(view.due + 1);
		assert_noop!(show(WORKER, view.id), Error::Overdue);
		at_block(view.due);
		assert_ok!(show(WORKER, view.id));
		assert_noop!(show(WORKER, view.id), Error::OutOfTurn);
		assert_noop!(Dispute::choose(signed(CHALLENGER), view.id, 0), Error::OutOfTurn);
	});
}

#[test]
fn an_output_should_be_forgotten_when_another_dispute_ends_the_demand() {
	run(|| {
		let (question, output) = (question(), b"something else".to_vec());
		let truth = Run::honest(&question);
		let liar = truth.with_output(&output);
		let subject = subject_of(&liar, &question, vec![]);
		let silent = challenge(subject, CHALLENGER + 1);
		let view = demanded(subject, Accused::Worker, liar.claim());
		at_block(now() + 2);
		assert_ok!(Dispute::show_output(signed(WORKER), view.id, liar.shown_output()));
		// The worker does not move in the other one.
		run_to(super::players::view(silent).unwrap().due + 1);
		assert_eq!(verdict(silent), Some(Verdict::Falls(Ground::Silence)));
		assert_eq!((verdict(view.id), held(CHALLENGER)), (Some(Verdict::Moot), 0));
		assert_eq!((ShownOutputs::<Test>::iter().count(), Disputes::<Test>::iter().count()), (0, 0));
		let standing = Dockets::<Test>::get(subject).unwrap().standing;
		assert!(matches!(standing, Standing::Overturned { .. }));
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(192))]

	/// Whatever is shown, of whatever output: what is true is never found to contradict itself.
	#[test]
	fn an_honest_claim_should_never_fall_by_its_output(
		of in 0usize..3, position in 0u32..40, tokens in any::<[u32; 3]>(), bytes in prop::collection::vec(any::<u8>(), 0..40),
		flips in prop::collection::vec((any::<u16>(), any::<u8>()), 0..3), keep in any::<bool>(),
	) {
		let question = questions()[of].clone();
		let truth = Run::honest(&question);
		let last = truth.rules.shape.positions;
		let opening = |at: u32| truth.opening(TraceLeaf::Token { position: at % (last + 1) });
		let mut head = words::head().encode();
		for (at, byte) in flips {
			let at = usize::from(at) % head.len();
			head[at] = byte;
		}
		let output = if keep { truth.output.clone() } else { bytes };
		let proof = OutputProof {
			head: head.clone().try_into().unwrap(),
			output: output.clone().try_into().unwrap(),
			position,
			previous: (tokens[0] % 2 == 0).then(|| opening(tokens[1])),
			token: opening(if keep { position } else { tokens[2] }),
			bytes: words::token_proof(opening(position).values[0] as u32 % ARCHITECTURE.vocabulary),
			seal: None,
		};
		let (claim, shape) = (truth.claim(), truth.rules.shape);
		let is_honest = output == truth.output && head == words::head().encode();
		let found = output::contradicts(&claim, &shape, &proof);
		prop_assert!(!is_honest || found != Ok(true), "{proof:?}");
		run(|| {
			let subject = subject_of(&truth, &question, vec![(VALIDATORS[0], claim)]);
			for accused in [Accused::Worker, Accused::Validator(VALIDATORS[0])] {
				assert!(prove(subject, accused, claim, proof.clone()).is_err());
			}
		});
	}

	/// Of every other output there is a token that shows it.
	#[test]
	fn another_output_should_always_be_found_out(
		of in 0usize..3, bytes in prop::collection::vec(any::<u8>(), 0..16), at in any::<prop::sample::Index>(), edit in 0usize..3,
	) {
		let truth = Run::honest(&questions()[of]);
		let at = at.index(truth.output.len() + 1);
		let (before, after) = truth.output.split_at(at);
		let output = match edit {
			0 => bytes,
			1 => [before, &bytes, after].concat(),
			_ => [before, &bytes, after.get(bytes.len()..).unwrap_or_default()].concat(),
		};
		prop_assume!(output != truth.output);
		let proof = truth.output_proof(&output, first_difference(&truth, &output));
		let claim = truth.with_output(&output).claim();
		prop_assert_eq!(output::contradicts(&claim, &truth.rules.shape, &proof), Ok(true));
	}

	#[test]
	fn an_output_should_never_panic_when_what_is_shown_is_made_of_chance(
		bytes in prop::collection::vec(any::<u8>(), 0..2000), values in any::<[i32; 2]>(), position in any::<u32>(),
	) {
		let mut odd = Run::honest(&question());
		let at = odd.rules.shape.index(TraceLeaf::Token { position: 4 }).unwrap();
		odd.leaves[at as usize] = values.to_vec();
		odd.seal();
		let (claim, shape) = (odd.claim(), odd.rules.shape);
		for at in [4, 5] {
			let mut proof = odd.output_proof(&odd.output, at);
			let found = output::contradicts(&claim, &shape, &proof);
			prop_assert!(at != 4 || values[0] >= 0 || found == Err(EvidenceError::Malformed));
			proof.position = position;
			let _ = output::contradicts(&claim, &shape, &proof);
		}
		if let Ok(proof) = OutputProof::decode(&mut &bytes[..]) {
			let _ = output::contradicts(&claim, &shape, &proof);
		}
	}
}
