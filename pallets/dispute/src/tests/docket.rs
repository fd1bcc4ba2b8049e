//! Who may dispute what, for how much, and several disputes at a time.

use super::{
	model::{Question, Random, Run},
	players::*,
};
use crate::{mock::*, Dockets, Standing, MAX_DOUBLINGS};
use noesis_canon::graph::Operation;
use noesis_primitives::{
	Accused, Claim, DisputeId, Fault, Ground, JobId, Phase, Root, Subject, TraceLeaf, Verdict, Vouchers,
	MAX_OPEN_DISPUTES,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::fungible::Mutate},
	sp_runtime::Permill,
};

fn liar(question: &Question) -> Run {
	let leaf = TraceLeaf::Residual { position: 3, layer: 0, slice: 1 };
	Run::lying_in(question, leaf, Operation::Branch).unwrap()
}

fn honest_subject() -> (Question, Run, Subject) {
	let question = Question::short();
	let honest = Run::honest(&question);
	let subject = subject_of(&honest, &question, vec![]);
	(question, honest, subject)
}

#[test]
fn a_challenge_should_be_refused_when_it_makes_no_sense() {
	run(|| {
		let (question, honest, _) = honest_subject();
		let claim = honest.claim();
		let subject = subject_of(&honest, &question, vec![(VALIDATORS[0], claim)]);
		let other = Claim { root: Root([1; 32]), ..claim };
		let open = |who, subject, accused, claim| Dispute::challenge(signed(who), subject, accused, claim);
		let validator = |i: usize| Accused::Validator(VALIDATORS[i]);
		let unknown = Subject::Job(JobId(99));
		assert_noop!(open(CHALLENGER, unknown, Accused::Worker, claim), Error::UnknownSubject);
		assert_noop!(open(CHALLENGER, subject, Accused::Worker, other), Error::WrongClaim);
		assert_noop!(open(CHALLENGER, subject, validator(0), other), Error::WrongClaim);
		assert_noop!(open(CHALLENGER, subject, validator(1), claim), Error::WrongClaim);
		assert_noop!(open(WORKER, subject, Accused::Worker, claim), Error::OwnClaim);
		assert_noop!(open(VALIDATORS[0], subject, validator(0), claim), Error::OwnClaim);
		assert!(open(777, subject, Accused::Worker, claim).is_err(), "it can't pay");
		assert_eq!(told(subject).state, State::Answered);
		change(Models::get, Models::set, |models| models.clear());
		assert_noop!(open(CHALLENGER, subject, Accused::Worker, claim), Error::UnknownCheckpoint);
		register_model(&honest.model);
		assert_ok!(open(CHALLENGER, subject, Accused::Worker, claim));
		assert_noop!(open(CHALLENGER, subject, Accused::Worker, claim), Error::AlreadyDisputed);
		assert_ok!(open(CHALLENGER, subject, validator(0), claim));
		assert_ok!(open(WORKER, subject, validator(0), claim));
		assert_eq!((held(CHALLENGER), held(WORKER)), (2 * BOND, BOND));
	});
}

#[test]
fn a_settled_subject_should_not_be_disputed() {
	run(|| {
		let (_, honest, subject) = honest_subject();
		change(Book::get, Book::set, |book| book.get_mut(&subject).unwrap().state = State::Settled);
		let open = Dispute::challenge(signed(CHALLENGER), subject, Accused::Worker, honest.claim());
		assert_eq!(open, Err(Error::Settled.into()));
	});
}

#[test]
fn the_bond_should_double_when_disputes_of_the_subject_are_lost() {
	run(|| {
		let (_, honest, subject) = honest_subject();
		let mut spent = 0;
		for lost in 0..MAX_DOUBLINGS + 3 {
			let bond = BOND << lost.min(MAX_DOUBLINGS);
			assert_eq!(Dispute::bond_for(subject), bond);
			let id = challenge(subject, CHALLENGER + u64::from(lost));
			assert_eq!(view(id).unwrap().bond, bond);
			let (verdict, _) = play_until(id, &mut Defender(honest.clone()), &mut Dice(Random(1)), 1);
			assert_eq!(verdict, Verdict::Stands);
			spent += bond;
		}
		let to_worker: u128 = (0..MAX_DOUBLINGS + 3).map(|lost| (BOND << lost.min(MAX_DOUBLINGS)) / 2).sum();
		assert_eq!(wealth(WORKER), RICH + to_worker);
		assert_eq!(wealth(POT), EXISTENTIAL + spent - to_worker);
	});
}

#[test]
fn a_bond_should_reach_the_pot_when_the_accused_cannot_take_it() {
	run(|| {
		let (_, honest, subject) = honest_subject();
		// The worker's account is gone, and its share is less than an account may have.
		Balances::set_balance(&WORKER, 0);
		Bond::set(&(2 * EXISTENTIAL - 1));
		let lose = |challenger| {
			let id = challenge(subject, challenger);
			let (verdict, _) = play_until(id, &mut Defender(honest.clone()), &mut Dice(Random(1)), 1);
			assert_eq!(verdict, Verdict::Stands);
			challenger
		};
		let issuance = Balances::total_issuance();
		lose(CHALLENGER);
		assert_eq!((wealth(WORKER), wealth(POT)), (0, EXISTENTIAL + 2 * EXISTENTIAL - 1));
		// Nor can the pot.
		Balances::set_balance(&POT, 0);
		Bond::set(&2);
		WinnerShare::set(&Permill::from_percent(50));
		let challenger = lose(CHALLENGER + 1);
		assert_eq!((wealth(WORKER), wealth(POT), wealth(challenger), held(challenger)), (0, 0, RICH, 0));
		Balances::set_balance(&WORKER, RICH);
		let gone = issuance + RICH - Balances::total_issuance();
		Balances::set_balance(&POT, gone);
	});
}

#[test]
fn a_docket_should_be_full_when_as_many_disputes_are_open_as_may_be() {
	run(|| {
		let (_, honest, subject) = honest_subject();
		for i in 0..MAX_OPEN_DISPUTES {
			challenge(subject, CHALLENGER + u64::from(i));
		}
		let late = CHALLENGER + u64::from(MAX_OPEN_DISPUTES);
		let open = || Dispute::challenge(signed(late), subject, Accused::Worker, honest.claim());
		assert_noop!(polkadot_sdk::frame_support::storage::with_storage_layer(open), Error::DocketFull);
		// One is lost, and there is room again, at twice the price.
		let mut honest = Defender(honest.clone());
		play_until(DisputeId(0), &mut honest, &mut Dice(Random(1)), 1);
		// The worker did not defend itself in the others.
		assert_eq!(told(subject).state, State::Overturned);
	});
}

#[test]
fn an_honest_dispute_should_win_when_a_sham_one_is_open() {
	run(|| {
		let question = Question::short();
		let (truth, liar) = (Run::honest(&question), liar(&question));
		let subject = subject_of(&liar, &question, vec![]);
		// A friend of the worker disputes first, and loses on purpose.
		let sham = challenge(subject, CHALLENGER + 1);
		let id = challenge(subject, CHALLENGER);
		play_to(sham, &mut Defender(liar.clone()), &mut Dice(Random(2)), |view| {
			matches!(view.phase, Phase::Choose { .. })
		});
		let mut stopped = false;
		play_to(id, &mut Defender(liar.clone()), &mut Honest(truth.clone()), |_| {
			run_to(now() + 1);
			stopped |= verdict(sham) == Some(Verdict::Stands);
			stopped
		});
		assert_eq!((verdict(sham), told(subject).state), (Some(Verdict::Stands), State::Suspended));
		let (verdict, _) = play(id, &mut Defender(liar), &mut Honest(truth));
		assert_eq!(verdict, Verdict::Falls(Ground::Step));
		assert_eq!((wealth(CHALLENGER), wealth(CHALLENGER + 1)), (RICH, RICH - BOND));
		assert_eq!((told(subject).state, told(subject).upheld), (State::Overturned, 0));
	});
}

#[test]
fn the_first_should_be_rewarded_when_two_challengers_are_right() {
	run(|| {
		let question = Question::short();
		let (truth, liar) = (Run::honest(&question), liar(&question));
		let subject = subject_of(&liar, &question, vec![]);
		let (first, second) = (challenge(subject, CHALLENGER), challenge(subject, CHALLENGER + 1));
		assert_eq!(
			play(second, &mut Defender(liar.clone()), &mut Honest(truth)).0,
			Verdict::Falls(Ground::Step)
		);
		assert_eq!(verdict(first), Some(Verdict::Moot));
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(CHALLENGER + 1))]);
		assert_eq!((wealth(CHALLENGER), wealth(CHALLENGER + 1)), (RICH, RICH));
		assert_eq!((held(CHALLENGER), held(CHALLENGER + 1)), (0, 0));
		assert_noop!(Dispute::timeout(signed(REQUESTER), first), Error::NoDispute);
		let again = Dispute::challenge(signed(CHALLENGER), subject, Accused::Worker, liar.claim());
		assert_eq!(again, Err(Error::Settled.into()));
	});
}

#[test]
fn the_subject_should_go_on_when_the_last_of_its_disputes_is_over() {
	run(|| {
		let (_, honest, subject) = honest_subject();
		let (first, second) = (challenge(subject, CHALLENGER), challenge(subject, CHALLENGER + 1));
		let mut defender = Defender(honest);
		assert_eq!(view(second).unwrap().bond, BOND);
		for (id, state) in [(first, State::Suspended), (second, State::Answered)] {
			let mut reveal = |id| {
				play_to(id, &mut defender, &mut Dice(Random(1)), |view| {
					matches!(view.phase, Phase::Choose { .. })
				})
			};
			reveal(first);
			let due = reveal(second).map(|view| view.due);
			if id == first {
				// The second challenger goes on, the first is silent.
				run_to(due.unwrap());
				assert_ok!(Dispute::choose(signed(CHALLENGER + 1), second, 0));
			}
			run_to(due.unwrap() + 1);
			assert_eq!((verdict(id), told(subject).state), (Some(Verdict::Stands), state));
		}
		assert_eq!(told(subject).upheld, 1);
	});
}

/// A lying worker, two validators that found the same, and one that found the truth; the worker lost a game.
fn overturned() -> (Question, Run, Run, Subject) {
	let question = Question::short();
	let (truth, liar) = (Run::honest(&question), liar(&question));
	let [first, second, third, _] = VALIDATORS;
	let found = vec![(first, liar.claim()), (second, liar.claim()), (third, truth.claim())];
	let subject = subject_of(&liar, &question, found);
	let id = challenge(subject, CHALLENGER);
	assert_eq!(
		play(id, &mut Defender(liar.clone()), &mut Honest(truth.clone())).0,
		Verdict::Falls(Ground::Step)
	);
	(question, truth, liar, subject)
}

#[test]
fn validators_should_be_liable_when_the_worker_that_they_agreed_with_lost() {
	run(|| {
		let (_, truth, liar, subject) = overturned();
		assert_eq!(Slashes::get().len(), 1, "they may defend themselves first");
		let Standing::Overturned { liable, .. } = Dockets::<Test>::get(subject).unwrap().standing else {
			panic!("the worker lost");
		};
		assert_eq!(liable.to_vec(), VALIDATORS[..2]);
		let third = Accused::Validator(VALIDATORS[2]);
		let open = Dispute::challenge(signed(CHALLENGER), subject, third, truth.claim());
		assert_noop!(open, Error::WrongClaim);
		for validator in &VALIDATORS[..2] {
			let accused = Accused::Validator(*validator);
			let id = challenge_as(subject, accused.clone(), liar.claim(), CHALLENGER);
			let (verdict, _) = play(id, &mut Defender(liar.clone()), &mut Honest(truth.clone()));
			assert_eq!(verdict, Verdict::Falls(Ground::Step));
			let again = Dispute::challenge(signed(CHALLENGER), subject, accused, liar.claim());
			assert_noop!(again, Error::WrongClaim);
		}
		let wrong = |i: usize| (VALIDATORS[i], Fault::WrongVerdict, Some(CHALLENGER));
		assert_eq!(Slashes::get()[1..], [wrong(0), wrong(1)]);
	});
}

#[test]
fn an_honest_validator_should_keep_its_stake_when_the_worker_lost_on_purpose() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let subject = subject_of(&truth, &question, vec![(VALIDATORS[0], truth.claim())]);
		// The worker is silent, against an account of its own.
		let sham = challenge(subject, CHALLENGER);
		run_to(view(sham).unwrap().due + 1);
		assert_eq!(told(subject).state, State::Overturned);
		let accused = Accused::Validator(VALIDATORS[0]);
		let id = challenge_as(subject, accused, truth.claim(), CHALLENGER);
		let (verdict, _) = play(id, &mut Defender(truth), &mut Dice(Random(8)));
		assert_eq!(verdict, Verdict::Stands);
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(CHALLENGER))]);
		assert_eq!(wealth(VALIDATORS[0]), RICH + BOND / 2);
	});
}

#[test]
fn nobody_should_be_liable_when_the_time_for_it_is_over() {
	run(|| {
		let (_, _, liar, subject) = overturned();
		let until = Dockets::<Test>::get(subject).unwrap().until;
		assert_eq!(until, now() - 1 + LIABILITY);
		let open =
			|who| Dispute::challenge(signed(who), subject, Accused::Validator(VALIDATORS[0]), liar.claim());
		at_block(until + 1);
		assert_noop!(open(CHALLENGER), Error::Settled);
		at_block(until);
		assert_ok!(open(CHALLENGER));
		// A dispute keeps the docket, and makes nobody liable for longer.
		run_to(until + WINDOW);
		assert_noop!(open(CHALLENGER + 1), Error::Settled);
		run_to(until + WINDOW + 3);
		assert!(!Dockets::<Test>::contains_key(subject));
		assert_eq!(Slashes::get()[1], (VALIDATORS[0], Fault::WrongVerdict, Some(CHALLENGER)));
	});
}

#[test]
fn liability_should_not_be_sat_out_when_accomplices_keep_the_docket_full() {
	run(|| {
		let (_, truth, liar, subject) = overturned();
		let [first, second, ..] = VALIDATORS;
		let until = Dockets::<Test>::get(subject).unwrap().until;
		at_block(until);
		for i in 1..=MAX_OPEN_DISPUTES {
			challenge_as(subject, Accused::Validator(second), liar.claim(), CHALLENGER + u64::from(i));
		}
		let open =
			|| Dispute::challenge(signed(CHALLENGER), subject, Accused::Validator(first), liar.claim());
		assert_noop!(polkadot_sdk::frame_support::storage::with_storage_layer(open), Error::DocketFull);
		// The second one sacrifices itself, and it cost the accomplices nothing.
		run_to(until + WINDOW + 1);
		assert_eq!(Slashes::get()[1..], [(second, Fault::WrongVerdict, Some(CHALLENGER + 1))]);
		let longer = Dockets::<Test>::get(subject).unwrap().until;
		assert_eq!(longer, until + WINDOW + LIABILITY / MAX_OPEN_DISPUTES);
		at_block(longer);
		let id = challenge_as(subject, Accused::Validator(first), liar.claim(), CHALLENGER);
		let (verdict, _) = play(id, &mut Defender(liar), &mut Honest(truth));
		assert_eq!(verdict, Verdict::Falls(Ground::Step));
		// The docket was not full this time.
		assert_eq!(Dockets::<Test>::get(subject).map(|docket| docket.until <= now()), Some(true));
	});
}

/// A subject that ended because another entry of its bundle was overturned; two validators vouched for it.
fn ended_with_another(run: &Run, question: &Question) -> Subject {
	let subject = subject_of(run, question, vec![]);
	change(Book::get, Book::set, |book| {
		let told = book.get_mut(&subject).unwrap();
		let validators = VALIDATORS[..2].to_vec().try_into().unwrap();
		(told.state, told.vouchers) = (State::Overturned, Some(Vouchers { ended: now(), validators }));
	});
	subject
}

#[test]
fn validators_should_be_liable_when_their_entry_ended_with_another() {
	run(|| {
		let question = Question::short();
		let (truth, liar) = (Run::honest(&question), liar(&question));
		let subject = ended_with_another(&liar, &question);
		let accused = |i: usize| Accused::Validator(VALIDATORS[i]);
		let open = |accused| Dispute::challenge(signed(CHALLENGER), subject, accused, liar.claim());
		assert_noop!(open(Accused::Worker), Error::Settled);
		assert_noop!(open(accused(2)), Error::WrongClaim);
		let id = challenge_as(subject, accused(0), liar.claim(), CHALLENGER);
		assert!(!Dockets::<Test>::get(subject).unwrap().suspends());
		let (verdict, _) = play(id, &mut Defender(liar.clone()), &mut Honest(truth.clone()));
		assert_eq!(verdict, Verdict::Falls(Ground::Step));
		assert_noop!(open(accused(0)), Error::WrongClaim);
		// The other one can defend itself, and it is not for ever.
		let until = Dockets::<Test>::get(subject).unwrap().until;
		assert_eq!(until, 1 + LIABILITY);
		at_block(until + 1);
		assert_noop!(open(accused(1)), Error::Settled);
		run_to(until + 2);
		assert!(!Dockets::<Test>::contains_key(subject));
		assert_noop!(open(accused(1)), Error::Settled);
		assert_eq!(Slashes::get(), vec![(VALIDATORS[0], Fault::WrongVerdict, Some(CHALLENGER))]);
	});
}

#[test]
fn an_honest_validator_should_keep_its_stake_when_its_entry_ended_with_another() {
	run(|| {
		let question = Question::short();
		let truth = Run::honest(&question);
		let subject = ended_with_another(&truth, &question);
		let id = challenge_as(subject, Accused::Validator(VALIDATORS[0]), truth.claim(), CHALLENGER);
		let (verdict, _) = play(id, &mut Defender(truth), &mut Dice(Random(8)));
		assert_eq!((verdict, Slashes::get()), (Verdict::Stands, vec![]));
		assert_eq!(wealth(VALIDATORS[0]), RICH + BOND / 2);
	});
}

#[test]
fn a_validators_dispute_should_go_on_when_the_worker_falls() {
	run(|| {
		let question = Question::short();
		let (truth, liar) = (Run::honest(&question), liar(&question));
		let found = vec![(VALIDATORS[0], liar.claim())];
		let subject = subject_of(&liar, &question, found);
		let accused = Accused::Validator(VALIDATORS[0]);
		let of_validator = challenge_as(subject, accused.clone(), liar.claim(), CHALLENGER);
		let of_same = challenge_as(subject, accused, liar.claim(), CHALLENGER + 1);
		let of_worker = challenge(subject, CHALLENGER);
		let fell = Verdict::Falls(Ground::Step);
		let defend = |id| play(id, &mut Defender(liar.clone()), &mut Honest(truth.clone())).0;
		let keep_up = |id| {
			let view = view(id).unwrap();
			Defender(liar.clone()).play(&view).unwrap();
			assert_eq!(view.defender, VALIDATORS[0]);
		};
		keep_up(of_validator);
		ResponseWindow::set(&500);
		Honest(truth.clone()).play(&view(of_validator).unwrap()).unwrap();
		keep_up(of_same);
		assert_eq!(defend(of_worker), fell);
		assert_eq!((verdict(of_validator), told(subject).state), (None, State::Overturned));
		assert_eq!(defend(of_validator), fell);
		assert_eq!(verdict(of_same), Some(Verdict::Moot));
		assert_eq!(held(CHALLENGER) + held(CHALLENGER + 1), 0);
		assert_eq!(Slashes::get().len(), 2);
	});
}
