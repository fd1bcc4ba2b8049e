//! Heartbeats, silence, and the way back.

use crate::{mock::*, Error, Event};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchResultWithPostInfo, Pays},
};
use noesis_primitives::{
	CheckpointId, Conduct, Fault, OperatorFault, OperatorRegistry, OperatorStatus, Role,
};
use polkadot_sdk::*;

/// Absent from block 32 on: more than three periods of ten blocks after block 1.
fn asked() {
	HeartbeatPeriod::set(10);
}

fn assert_free(result: DispatchResultWithPostInfo) {
	assert_eq!(result.unwrap().pays_fee, Pays::No);
}

#[test]
fn heartbeat_should_be_free_when_it_is_due() {
	execute(|| {
		asked();
		worker(ALICE, &[0]);
		at(10);
		assert_noop!(
			Operators::heartbeat(signed(ALICE)),
			Error::<Test>::HeartbeatTooSoon { opens_in: Wait::of(1) }
		);
		at(11);
		assert_free(Operators::heartbeat(signed(ALICE)));
		assert_event(Event::Heartbeat { who: ALICE });
		assert_eq!((record(ALICE).seen, record(ALICE).since), (11, 1));
		assert_noop!(
			Operators::heartbeat(signed(ALICE)),
			Error::<Test>::HeartbeatTooSoon { opens_in: Wait::of(10) }
		);
		assert_noop!(Operators::heartbeat(signed(BOB)), Error::<Test>::NotRegistered);
	});
}

#[test]
fn heartbeat_should_be_refused_when_none_is_asked_for() {
	execute(|| {
		worker(ALICE, &[0]);
		at(1_000_000);
		assert_noop!(
			Operators::heartbeat(signed(ALICE)),
			Error::<Test>::HeartbeatTooSoon { opens_in: Wait::of(u32::MAX) }
		);
		assert_noop!(
			Operators::sweep(signed(BOB), ALICE),
			Error::<Test>::NotSilent { opens_in: Wait::of(u32::MAX) }
		);
		assert_ok!(Operators::ensure_worker(&ALICE, CheckpointId(0)));
	});
}

#[test]
fn heartbeat_should_be_refused_when_the_operator_does_not_take_part() {
	execute(|| {
		asked();
		worker(ALICE, &[0]);
		at(30);
		assert_ok!(Operators::exclude(RuntimeOrigin::root(), ALICE, 5));
		assert_noop!(Operators::heartbeat(signed(ALICE)), Error::<Test>::NotTakingPart);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_noop!(Operators::heartbeat(signed(ALICE)), Error::<Test>::NotTakingPart);
	});
}

#[test]
fn operator_should_get_no_work_when_it_is_silent_for_longer_than_the_grace() {
	execute(|| {
		asked();
		worker(ALICE, &[0]);
		validator(BOB, &[0]);
		let asks = || {
			let worker = Operators::ensure_worker(&ALICE, CheckpointId(0));
			let claim = Operators::expose(&ALICE, 0);
			let validator = Operators::ensure_validator(&BOB, CheckpointId(0), 20).map(|_| ());
			[worker, claim, validator]
		};
		at(31);
		assert_ok!(Operators::ensure_worker(&ALICE, CheckpointId(0)));
		assert_ok!(Operators::ensure_validator(&BOB, CheckpointId(0), 20));
		at(32);
		assert_eq!(asks(), [Err(OperatorFault::Absent); 3]);
		assert_eq!(Operators::free_exposure(&ALICE), 0);
		assert_free(Operators::heartbeat(signed(ALICE)));
		assert_free(Operators::heartbeat(signed(BOB)));
		assert_eq!(asks(), [Ok(()); 3]);
	});
}

#[test]
fn counters_should_follow_when_a_silent_validator_is_swept_out() {
	execute(|| {
		asked();
		validator(ALICE, &[0, 1]);
		assert_noop!(Operators::sweep(signed(BOB), CHARLIE), Error::<Test>::NotRegistered);
		at(31);
		assert_noop!(
			Operators::sweep(signed(BOB), ALICE),
			Error::<Test>::NotSilent { opens_in: Wait::of(1) }
		);
		at(32);
		assert_eq!(Operators::validators(CheckpointId(0)), 1);
		assert_free(Operators::sweep(signed(BOB), ALICE));
		assert_event(Event::WentAbsent { who: ALICE, seen: 1 });
		assert_eq!(status(ALICE), OperatorStatus::Absent { since: 32 });
		assert_eq!(Operators::validators(CheckpointId(0)), 0);
		assert_noop!(Operators::sweep(signed(BOB), ALICE), Error::<Test>::NotTakingPart);
		assert_eq!(held(ALICE), STAKE);
		at(33);
		assert_free(Operators::heartbeat(signed(ALICE)));
		assert_event(Event::Rejoined { who: ALICE, from: OperatorStatus::Absent { since: 32 } });
		assert_eq!((record(ALICE).since, record(ALICE).seen), (33, 33));
		assert_eq!(Operators::validators(CheckpointId(1)), 1);
		let late = Operators::ensure_validator(&ALICE, CheckpointId(0), 33);
		assert_eq!(late, Err(OperatorFault::TooNew));
	});
}

#[test]
fn absent_operator_should_come_back_or_leave_when_it_wants() {
	execute(|| {
		asked();
		worker(ALICE, &[0]);
		worker(BOB, &[0]);
		assert_ok!(Operators::expose(&BOB, 5));
		at(50);
		assert_ok!(Operators::sweep(signed(CHARLIE), ALICE));
		assert_ok!(Operators::sweep(signed(CHARLIE), BOB));
		assert_eq!(Operators::ensure_worker(&ALICE, CheckpointId(0)), Err(OperatorFault::Absent));
		assert_noop!(Operators::readmit(RuntimeOrigin::root(), ALICE), Error::<Test>::NotExcluded);
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_eq!(status(ALICE), OperatorStatus::Active);
		assert_noop!(Operators::unbond(signed(BOB)), Error::<Test>::JobsOpen);
		Operators::relieve(&BOB, 5);
		assert_ok!(Operators::unbond(signed(BOB)));
		assert_eq!(status(BOB), OperatorStatus::Unbonding { until: 150 });
		at(300);
		assert_noop!(Operators::sweep(signed(CHARLIE), BOB), Error::<Test>::NotTakingPart);
	});
}

#[test]
fn absent_operator_should_stay_away_when_the_least_stake_has_risen() {
	execute(|| {
		asked();
		worker(ALICE, &[0]);
		at(32);
		assert_ok!(Operators::sweep(signed(BOB), ALICE));
		MinWorkerStake::set(STAKE + 1);
		assert_noop!(
			Operators::heartbeat(signed(ALICE)),
			Error::<Test>::StakeTooLow { short_by: Lack::of(1, 0) }
		);
		assert_ok!(Operators::add_stake(signed(ALICE), 1));
		assert_ok!(Operators::heartbeat(signed(ALICE)));
	});
}

#[test]
fn work_should_count_as_a_sign_of_life_when_it_is_done() {
	execute(|| {
		asked();
		worker(ALICE, &[0]);
		let seen = |block: u32, act: &dyn Fn()| {
			at(block);
			act();
			record(ALICE).seen
		};
		assert_eq!(seen(2, &|| Operators::expose(&ALICE, 1).unwrap()), 2);
		assert_eq!(seen(3, &|| Operators::measured(&ALICE, 10, 1)), 3);
		assert_eq!(seen(4, &|| Operators::note(&ALICE, Conduct::Served)), 4);
		assert_eq!(seen(5, &|| Operators::note(&ALICE, Conduct::Rejected)), 5);
		assert_eq!(seen(6, &|| Operators::note(&ALICE, Conduct::Vouched)), 6);
		assert_eq!(seen(7, &|| Operators::note(&ALICE, Conduct::Dissented)), 7);
		assert_eq!(seen(8, &|| Operators::add_stake(signed(ALICE), 1).unwrap()), 8);
		let capability = capability(ALICE, &[1]);
		let update = || Operators::update_capability(signed(ALICE), capability.clone()).unwrap();
		assert_eq!(seen(9, &update), 9);
		// What happens to it without its doing is none.
		assert_eq!(seen(10, &|| Operators::note(&ALICE, Conduct::Missed)), 9);
		assert_eq!(seen(11, &|| Operators::relieve(&ALICE, 1)), 9);
		assert_eq!(seen(12, &|| Operators::rate(&ALICE, 5)), 9);
		let slashed = || assert_eq!(slash(ALICE, Fault::WrongAnswer, None).taken, 200);
		assert_eq!(seen(13, &slashed), 9);
	});
}

#[test]
fn absent_operator_should_be_shut_out_when_its_marks_reach_the_limit() {
	execute(|| {
		asked();
		worker(ALICE, &[0]);
		at(32);
		assert_ok!(Operators::sweep(signed(BOB), ALICE));
		for _ in 0..3 {
			Operators::note(&ALICE, Conduct::Missed);
		}
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 82 });
	});
}

#[test]
fn view_should_tell_when_to_be_heard_and_until_when() {
	execute(|| {
		let view = |who| Operators::view(&who).unwrap();
		worker(ALICE, &[0]);
		assert_eq!((view(ALICE).heartbeat_from, view(ALICE).absent_from), (None, None));
		asked();
		assert_eq!((view(ALICE).heartbeat_from, view(ALICE).absent_from), (Some(11), Some(32)));
		at(32);
		assert_ok!(Operators::sweep(signed(BOB), ALICE));
		assert_eq!((view(ALICE).heartbeat_from, view(ALICE).absent_from), (Some(32), None));
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_eq!((view(ALICE).heartbeat_from, view(ALICE).absent_from), (None, None));
		assert_eq!((view(ALICE).min_stake, view(ALICE).exposure_cap), (500, 200));
		assert_eq!((view(ALICE).free_exposure, view(ALICE).record.role), (0, Role::Worker));
		assert_eq!(Operators::view(&BOB), None);
	});
}
