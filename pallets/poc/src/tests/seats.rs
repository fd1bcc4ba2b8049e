//! Seats that are left, and seats that are taken away.

use crate::{mock::*, Error, Event, MAX_SPEAKERS};
use noesis_primitives::{is_drawn, PanelOutcome, Panels};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

type E = Error<Test>;

fn outcome() -> PanelOutcome {
	Poc::outcome(JOB)
}

#[test]
fn abstaining_should_cost_nothing_and_count_for_nobody() {
	ExtBuilder::default().validators(4).run(|| {
		PanelSize::set(&4);
		open_panel();
		assert_ok!(abstain(JOB, FIRST));
		System::assert_last_event(Event::Abstained { subject: JOB, validator: FIRST }.into());
		assert_noop!(abstain(JOB, FIRST), E::AlreadySpoke);
		assert_noop!(speak(FIRST, &honest()), E::AlreadySpoke);
		assert_eq!(Poc::last_spoke(JOB), Some(ANSWERED));
		for who in FIRST + 1..FIRST + 3 {
			assert_ok!(speak(who, &honest()));
		}
		assert_noop!(abstain(JOB, FIRST + 1), E::AlreadySpoke);
		at_block(ANSWERED + 16);
		let close = Poc::close(JOB).unwrap();
		assert_eq!(close.outcome, PanelOutcome::Confirmed);
		assert_eq!(close.verdicts.into_inner(), [(FIRST + 1, true), (FIRST + 2, true)]);
		assert!(Notes::get().iter().all(|(who, _)| *who != FIRST) && Slashes::get().is_empty());
	});
}

/// Accomplices know their own draws, and would give up one place for two: with a third of 24 validators theirs, 47 of 100
/// wrong answers would pass by votes alone instead of 43.
#[test]
fn accomplice_should_not_be_drawn_when_another_abstains() {
	ExtBuilder::default().validators(96).run(|| {
		open_panel();
		let seed = Poc::seed(JOB).unwrap();
		let number = |who: &AccountId| number_of(*who, &seed);
		let mut validators: Vec<_> = (FIRST..FIRST + 96).collect();
		validators.sort_by_key(number);
		let drawn = validators.iter().take_while(|who| is_drawn(number(who), 3, 96, 0)).count();
		assert!(drawn > 0 && drawn < 96);
		for who in &validators[..drawn] {
			assert_ok!(abstain(JOB, *who));
		}
		let next = validators[drawn];
		assert_eq!(Poc::panel_view(JOB).unwrap().size, 3);
		assert_noop!(speak(next, &honest()), E::NotDrawn { opens_in: Wait::of(5) });
		assert_noop!(abstain(JOB, next), E::NotDrawn { opens_in: Wait::of(5) });
		let window = (1..3).find(|window| is_drawn(number(&next), 3, 96, *window)).unwrap();
		at_block(ANSWERED + 1 + window * 5);
		assert_ok!(speak(next, &honest()));
	});
}

#[test]
fn abstaining_should_end_when_a_sybil_fills_the_list() {
	ExtBuilder::default().validators(20).run(|| {
		PanelSize::set(&16);
		open_panel();
		at_block(ANSWERED + 12);
		for who in FIRST..FIRST + 16 {
			assert_ok!(abstain(JOB, who));
		}
		assert_noop!(abstain(JOB, FIRST + 16), E::TooManyAbstained);
		// Those that are left may still speak.
		assert_ok!(speak(FIRST + 16, &honest()));
	});
}

#[test]
fn abstention_should_be_refused_when_the_draw_is_forged_or_the_account_may_not_validate() {
	ExtBuilder::default().run(|| {
		open_panel();
		let seed = Poc::seed(JOB).unwrap();
		let forged = draw_with(&key_of(99), &seed).0;
		assert_noop!(Poc::abstain(RuntimeOrigin::signed(FIRST), JOB, forged), E::BadDraw);
		assert_noop!(abstain(JOB, FIRST + 50), E::NotRegistered);
	});
}

#[test]
fn struck_verdict_should_not_count_and_its_validator_never_speak_again() {
	ExtBuilder::default().validators(4).run(|| {
		open_panel();
		// In this window all four are drawn for the three seats.
		at_block(ANSWERED + 6);
		let lie = Trace::new(2, 37);
		assert_ok!(speak(FIRST, &lie));
		assert_ok!(speak(FIRST + 1, &lie));
		assert_eq!(Poc::claim_of(JOB, &FIRST), Some(lie.claim.hash()));
		at_block(ANSWERED + 11);
		assert_eq!(outcome(), PanelOutcome::Rejected);

		Poc::strike(JOB, &FIRST);
		System::assert_last_event(Event::VerdictStruck { subject: JOB, validator: FIRST }.into());
		assert_eq!((Poc::claim_of(JOB, &FIRST), outcome()), (None, PanelOutcome::Pending));
		assert_noop!(speak(FIRST, &honest()), E::AlreadySpoke);
		assert_noop!(abstain(JOB, FIRST), E::AlreadySpoke);

		assert_ok!(speak(FIRST + 2, &honest()));
		assert_ok!(speak(FIRST + 3, &honest()));
		assert_eq!(outcome(), PanelOutcome::Confirmed);
		let close = Poc::close(JOB).unwrap();
		assert_eq!(close.verdicts.into_inner(), [(FIRST + 1, false), (FIRST + 2, true), (FIRST + 3, true)]);
		assert!(Notes::get().iter().all(|(who, _)| *who != FIRST));
	});
}

#[test]
fn strike_should_do_nothing_when_there_is_no_such_verdict() {
	ExtBuilder::default().run(|| {
		open_panel();
		assert_ok!(speak(FIRST, &honest()));
		let before = crate::Panels::<Test>::get(JOB);
		Poc::strike(JOB, &(FIRST + 1));
		assert_eq!(crate::Panels::<Test>::get(JOB), before);
		Poc::strike(JOB, &FIRST);
		Poc::strike(JOB, &FIRST);
		Poc::strike(noesis_primitives::Subject::Job(noesis_primitives::JobId(99)), &FIRST);
		let panel = crate::Panels::<Test>::get(JOB).unwrap();
		assert_eq!((panel.verdicts.len(), panel.struck.len()), (0, 1));
	});
}

#[test]
fn panel_should_stop_when_so_many_were_struck_that_no_more_could_be() {
	ExtBuilder::default().validators(40).run(|| {
		PanelSize::set(&16);
		open_panel();
		at_block(ANSWERED + 12);
		let limit = u64::from(MAX_SPEAKERS);
		for who in FIRST..FIRST + limit {
			assert_ok!(speak(who, &Trace::new(who as i32, 9)));
			Poc::strike(JOB, &who);
			Poc::do_try_state().unwrap();
		}
		assert_noop!(speak(FIRST + limit, &honest()), E::TooManyStruck);
		at_block(ANSWERED + 16);
		assert_eq!(Poc::close(JOB).unwrap().outcome, PanelOutcome::Lapsed);
	});
}

#[test]
fn last_spoke_should_follow_the_last_verdict() {
	ExtBuilder::default().run(|| {
		assert_eq!(Poc::last_spoke(JOB), None);
		open_panel();
		assert_eq!(Poc::last_spoke(JOB), Some(ANSWERED));
		at_block(ANSWERED + 4);
		assert_ok!(speak(FIRST, &honest()));
		at_block(ANSWERED + 5);
		assert_eq!(Poc::last_spoke(JOB), Some(ANSWERED + 4));
	});
}
