//! Unbonding, withdrawing, coming back.

use crate::{mock::*, Error, Event};
use frame_support::{assert_noop, assert_ok};
use noesis_primitives::{CheckpointId, Conduct, OperatorRegistry, OperatorStatus};
use polkadot_sdk::*;

#[test]
fn stake_should_come_back_when_the_unbonding_period_is_over() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::add_stake(signed(ALICE), 50));
		at(10);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_event(Event::Unbonding { who: ALICE, from: OperatorStatus::Active, until: 110 });
		assert_eq!(status(ALICE), OperatorStatus::Unbonding { until: 110 });
		at(109);
		assert_noop!(Operators::withdraw(signed(ALICE)), Error::<Test>::StillBound { opens_in: Wait::of(1) });
		at(110);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_event(Event::Withdrawn { who: ALICE, amount: STAKE + 50 });
		assert_eq!(Operators::record(&ALICE), None);
		assert_eq!(held(ALICE), 0);
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT);
	});
}

#[test]
fn record_should_begin_anew_but_for_its_marks_when_an_operator_registers_after_withdrawing() {
	execute(|| {
		validator(ALICE, &[0]);
		Operators::note(&ALICE, Conduct::Missed);
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(101);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		worker(ALICE, &[0]);
		assert_eq!((marks(ALICE), record(ALICE).since, record(ALICE).seen), (1, 101, 101));
	});
}

#[test]
fn withdrawal_should_be_refused_when_the_operator_has_not_unbonded() {
	execute(|| {
		assert_noop!(Operators::withdraw(signed(ALICE)), Error::<Test>::NotRegistered);
		worker(ALICE, &[0]);
		assert_noop!(Operators::withdraw(signed(ALICE)), Error::<Test>::NotUnbonding);
		assert_ok!(Operators::exclude(RuntimeOrigin::root(), ALICE, 0));
		assert_noop!(Operators::withdraw(signed(ALICE)), Error::<Test>::NotUnbonding);
	});
}

#[test]
fn unbonding_should_be_refused_when_jobs_are_open() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::expose(&ALICE, 10));
		assert_noop!(Operators::unbond(signed(ALICE)), Error::<Test>::JobsOpen);
		assert_ok!(Operators::exclude(RuntimeOrigin::root(), ALICE, 5));
		assert_noop!(Operators::unbond(signed(ALICE)), Error::<Test>::JobsOpen);
		Operators::relieve(&ALICE, 10);
		assert_ok!(Operators::unbond(signed(ALICE)));
	});
}

#[test]
fn unbonding_should_be_refused_when_it_is_under_way() {
	execute(|| {
		assert_noop!(Operators::unbond(signed(ALICE)), Error::<Test>::NotRegistered);
		worker(ALICE, &[0]);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_noop!(Operators::unbond(signed(ALICE)), Error::<Test>::AlreadyUnbonding);
	});
}

#[test]
fn unbonding_period_should_be_the_one_in_force_when_it_began() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::unbond(signed(ALICE)));
		UnbondingPeriod::set(1);
		at(100);
		assert_noop!(Operators::withdraw(signed(ALICE)), Error::<Test>::StillBound { opens_in: Wait::of(1) });
		UnbondingPeriod::set(u32::MAX);
		at(101);
		assert_ok!(Operators::withdraw(signed(ALICE)));
	});
}

#[test]
fn unbonding_should_take_the_longest_dispute_when_governance_says_less() {
	execute(|| {
		worker(ALICE, &[0]);
		UnbondingPeriod::set(5);
		LongestDispute::set(300);
		assert_eq!(Operators::unbonding_period(), 300);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_eq!(status(ALICE), OperatorStatus::Unbonding { until: 301 });
		UnbondingPeriod::set(500);
		assert_eq!(Operators::unbonding_period(), 500);
	});
}

#[test]
fn stake_should_be_claimable_when_and_only_when_it_can_be_withdrawn() {
	execute(|| {
		assert_eq!(Operators::claimable(&ALICE), 0);
		worker(ALICE, &[0]);
		assert_eq!(Operators::claimable(&ALICE), 0);
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(100);
		assert_eq!(Operators::claimable(&ALICE), 0);
		at(101);
		assert_eq!(Operators::claimable(&ALICE), STAKE);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_eq!(Operators::claimable(&ALICE), 0);
	});
}

#[test]
fn operator_should_be_active_with_its_marks_when_it_rejoins_while_unbonding() {
	execute(|| {
		validator(ALICE, &[0, 1]);
		Operators::note(&ALICE, Conduct::Missed);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_eq!(Operators::validators(CheckpointId(0)), 0);
		at(40);
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_event(Event::Rejoined { who: ALICE, from: OperatorStatus::Unbonding { until: 101 } });
		assert_eq!(status(ALICE), OperatorStatus::Active);
		assert_eq!((marks(ALICE), record(ALICE).since), (1, 40));
		assert_eq!(Operators::validators(CheckpointId(0)), 1);
		assert_noop!(Operators::rejoin(signed(ALICE)), Error::<Test>::AlreadyActive);
		assert_noop!(Operators::rejoin(signed(BOB)), Error::<Test>::NotRegistered);
	});
}

#[test]
fn rejoining_should_be_refused_when_the_least_stake_has_risen() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::unbond(signed(ALICE)));
		MinWorkerStake::set(STAKE + 1);
		assert_noop!(
			Operators::rejoin(signed(ALICE)),
			Error::<Test>::StakeTooLow { short_by: Lack::of(1, 0) }
		);
		assert_ok!(Operators::add_stake(signed(ALICE), 1));
		assert_ok!(Operators::rejoin(signed(ALICE)));
	});
}

#[test]
fn capability_should_be_changeable_without_being_counted_when_the_operator_unbonds() {
	execute(|| {
		validator(ALICE, &[0]);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_ok!(Operators::update_capability(signed(ALICE), capability(ALICE, &[7])));
		assert_eq!(Operators::validators(CheckpointId(7)), 0);
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_eq!(Operators::validators(CheckpointId(7)), 1);
	});
}
