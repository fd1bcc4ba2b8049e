//! Marks, exclusion, and the ways out of it.

use crate::{mock::*, Barred, Error, Event};
use frame_support::{assert_noop, assert_ok};
use noesis_primitives::{CheckpointId, Conduct, OperatorRegistry, OperatorStatus};
use polkadot_sdk::*;

fn excluded(who: AccountId, blocks: u32) {
	assert_ok!(Operators::exclude(RuntimeOrigin::root(), who, blocks));
}

#[test]
fn operator_should_be_shut_out_when_its_marks_reach_the_limit() {
	execute(|| {
		worker(ALICE, &[0]);
		at(20);
		Operators::note(&ALICE, Conduct::Missed);
		assert_event(Event::Marked { who: ALICE, marks: 1 });
		Operators::note(&ALICE, Conduct::Missed);
		assert_eq!((status(ALICE), marks(ALICE)), (OperatorStatus::Active, 2));
		Operators::note(&ALICE, Conduct::Missed);
		System::assert_has_event(Event::<Test>::Marked { who: ALICE, marks: 3 }.into());
		let to = OperatorStatus::Excluded { until: 70 };
		assert_event(Event::Excluded { who: ALICE, from: OperatorStatus::Active, to });
		assert_eq!((status(ALICE), marks(ALICE)), (OperatorStatus::Excluded { until: 70 }, 3));
	});
}

#[test]
fn exclusion_should_not_grow_when_further_marks_come_in() {
	execute(|| {
		worker(ALICE, &[0]);
		for _ in 0..3 {
			Operators::note(&ALICE, Conduct::Missed);
		}
		at(30);
		Operators::note(&ALICE, Conduct::Missed);
		assert_eq!((status(ALICE), marks(ALICE)), (OperatorStatus::Excluded { until: 51 }, 4));
	});
}

#[test]
fn note_should_do_nothing_when_the_account_is_unknown() {
	execute(|| {
		Operators::note(&ALICE, Conduct::Missed);
		assert_eq!(Operators::record(&ALICE), None);
		assert!(System::events().is_empty());
	});
}

#[test]
fn marks_should_shut_out_at_the_next_one_when_the_limit_falls() {
	execute(|| {
		worker(ALICE, &[0]);
		Operators::note(&ALICE, Conduct::Missed);
		Operators::note(&ALICE, Conduct::Missed);
		MaxMarks::set(1);
		assert_eq!(status(ALICE), OperatorStatus::Active);
		Operators::note(&ALICE, Conduct::Missed);
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 51 });
	});
}

/// Marks fade as the reputation does: a miss now and then shuts nobody out, however long it serves.
#[test]
fn marks_should_fade_when_time_passes() {
	execute(|| {
		worker(ALICE, &[0]);
		for _ in 0..2 {
			Operators::note(&ALICE, Conduct::Missed);
		}
		at(10_001);
		assert_eq!((marks(ALICE), Operators::view(&ALICE).unwrap().marks), (1, 1));
		Operators::note(&ALICE, Conduct::Missed);
		System::assert_last_event(Event::<Test>::Marked { who: ALICE, marks: 2 }.into());
		assert_eq!(status(ALICE), OperatorStatus::Active);
		for miss in 0..50 {
			at(20_001 + miss * 10_000);
			Operators::note(&ALICE, Conduct::Missed);
			assert_eq!((marks(ALICE), status(ALICE)), (2, OperatorStatus::Active));
		}
		Operators::note(&ALICE, Conduct::Missed);
		assert!(matches!(status(ALICE), OperatorStatus::Excluded { .. }));
		ReputationHalfLife::set(0);
		at(u32::MAX);
		assert_eq!(marks(ALICE), 3);
	});
}

/// Re-registration: whoever leaves with two marks out of three comes back with them, in whatever role.
#[test]
fn marks_should_survive_when_the_account_withdraws_and_registers_again() {
	execute(|| {
		worker(ALICE, &[0]);
		for _ in 0..2 {
			Operators::note(&ALICE, Conduct::Missed);
		}
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(101);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_eq!((Operators::record(&ALICE), marks(ALICE)), (None, 2));
		validator(ALICE, &[0]);
		Operators::note(&ALICE, Conduct::Missed);
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 151 });
		// It sits the exclusion out, and leaves: that is over then, as after rejoining.
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(1_000);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_eq!(marks(ALICE), 0);
	});
}

/// An exclusion can be lifted, but not the least stake.
#[test]
fn operator_should_stay_out_when_it_is_readmitted_with_too_little_stake() {
	execute(|| {
		MinValidatorStake::set(STAKE);
		validator(ALICE, &[0]);
		slash(ALICE, noesis_primitives::Fault::WrongVerdict, None);
		let from = OperatorStatus::Excluded { until: 51 };
		assert_eq!(status(ALICE), from);
		at(9);
		assert_ok!(Operators::readmit(RuntimeOrigin::root(), ALICE));
		let to = OperatorStatus::Excluded { until: 9 };
		assert_event(Event::Readmitted { who: ALICE, from, to });
		assert_eq!((status(ALICE), Operators::validators(CheckpointId(0))), (to, 0));
		assert_noop!(
			Operators::rejoin(signed(ALICE)),
			Error::<Test>::StakeTooLow { short_by: Lack::of(1, 0) }
		);
		assert_ok!(Operators::add_stake(signed(ALICE), 100));
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_eq!(Operators::validators(CheckpointId(0)), 1);
	});
}

#[test]
fn exposure_should_be_relieved_when_the_operator_is_shut_out() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::expose(&ALICE, 120));
		assert_ok!(Operators::expose(&ALICE, 80));
		excluded(ALICE, 5);
		Operators::relieve(&ALICE, 120);
		assert_eq!(record(ALICE).exposure, 80);
		Operators::relieve(&ALICE, 80);
		assert_eq!(record(ALICE).exposure, 0);
	});
}

#[test]
fn operator_should_come_back_without_marks_when_its_exclusion_is_over() {
	execute(|| {
		validator(ALICE, &[0]);
		for _ in 0..3 {
			Operators::note(&ALICE, Conduct::Missed);
		}
		assert_eq!(Operators::validators(CheckpointId(0)), 0);
		at(50);
		assert_noop!(
			Operators::rejoin(signed(ALICE)),
			Error::<Test>::StillExcluded { opens_in: Wait::of(1) }
		);
		at(51);
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_eq!((status(ALICE), marks(ALICE)), (OperatorStatus::Active, 0));
		assert_eq!(record(ALICE).since, 51);
		assert_eq!(Operators::validators(CheckpointId(0)), 1);
	});
}

#[test]
fn stake_should_be_bound_to_the_later_end_when_an_excluded_operator_unbonds() {
	execute(|| {
		worker(ALICE, &[0]);
		worker(BOB, &[0]);
		excluded(ALICE, 1_000);
		excluded(BOB, 10);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_ok!(Operators::unbond(signed(BOB)));
		assert_eq!(status(ALICE), OperatorStatus::Unbonding { until: 1_001 });
		assert_eq!(status(BOB), OperatorStatus::Unbonding { until: 101 });
		at(1_001);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_ok!(Operators::withdraw(signed(BOB)));
		assert_eq!(Barred::<Test>::iter().count(), 0);
	});
}

#[test]
fn exclusion_should_stand_when_the_operator_unbonds_to_escape_it() {
	execute(|| {
		worker(ALICE, &[0]);
		for _ in 0..3 {
			Operators::note(&ALICE, Conduct::Missed);
		}
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_eq!(Barred::<Test>::get(ALICE), Some(51));
		at(50);
		assert_noop!(
			Operators::rejoin(signed(ALICE)),
			Error::<Test>::StillExcluded { opens_in: Wait::of(1) }
		);
		at(51);
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_eq!((status(ALICE), marks(ALICE)), (OperatorStatus::Active, 0));
	});
}

#[test]
fn admin_should_exclude_when_the_operator_has_any_status() {
	execute(|| {
		let root = RuntimeOrigin::root;
		assert_noop!(Operators::exclude(root(), ALICE, 10), Error::<Test>::NotRegistered);
		validator(ALICE, &[0]);
		excluded(ALICE, 10);
		let to = OperatorStatus::Excluded { until: 11 };
		assert_event(Event::Excluded { who: ALICE, from: OperatorStatus::Active, to });
		assert_eq!(Operators::validators(CheckpointId(0)), 0);
		excluded(ALICE, 20);
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 21 });
		assert_ok!(Operators::unbond(signed(ALICE)));
		excluded(ALICE, 30);
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 31 });
		assert_eq!(Barred::<Test>::get(ALICE), None);
		excluded(ALICE, u32::MAX);
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: u32::MAX });
	});
}

#[test]
fn operator_should_be_active_without_marks_when_the_admin_readmits_it() {
	execute(|| {
		validator(ALICE, &[0]);
		for _ in 0..3 {
			Operators::note(&ALICE, Conduct::Missed);
		}
		at(7);
		assert_ok!(Operators::readmit(RuntimeOrigin::root(), ALICE));
		let from = OperatorStatus::Excluded { until: 51 };
		assert_event(Event::Readmitted { who: ALICE, from, to: OperatorStatus::Active });
		assert_eq!((status(ALICE), marks(ALICE)), (OperatorStatus::Active, 0));
		assert_eq!(record(ALICE).since, 7);
		assert_eq!(Operators::validators(CheckpointId(0)), 1);
	});
}

#[test]
fn operator_should_go_on_unbonding_when_the_admin_lifts_its_bar() {
	execute(|| {
		validator(ALICE, &[0]);
		excluded(ALICE, 1_000);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_ok!(Operators::readmit(RuntimeOrigin::root(), ALICE));
		assert_eq!(status(ALICE), OperatorStatus::Unbonding { until: 1_001 });
		assert_ok!(Operators::rejoin(signed(ALICE)));
	});
}

#[test]
fn readmission_should_be_refused_when_there_is_no_exclusion() {
	execute(|| {
		let root = RuntimeOrigin::root;
		assert_noop!(Operators::readmit(root(), ALICE), Error::<Test>::NotRegistered);
		worker(ALICE, &[0]);
		assert_noop!(Operators::readmit(root(), ALICE), Error::<Test>::NotExcluded);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_noop!(Operators::readmit(root(), ALICE), Error::<Test>::NotExcluded);
	});
}
