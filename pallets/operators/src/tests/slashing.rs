//! What a fault costs, where it goes, and that nobody escapes it.

use crate::{mock::*, Barred, Event};
use frame_support::{assert_noop, assert_ok};
use noesis_primitives::{CheckpointId, Fault, OperatorRegistry, OperatorStatus, Slashed};
use polkadot_sdk::{sp_runtime::Permill, *};

#[test]
fn share_of_the_stake_should_be_taken_when_the_fault_is_proven() {
	execute(|| {
		worker(ALICE, &[0]);
		validator(BOB, &[0]);
		validator(CHARLIE, &[0]);
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(DAVE)), Slashed { taken: 200, rewarded: 100 });
		assert_event(Event::Slashed {
			who: ALICE,
			fault: Fault::WrongAnswer,
			taken: 200,
			rewarded: 100,
			reward: Some(DAVE),
			stake: 800,
		});
		assert_eq!(slash(BOB, Fault::WrongVerdict, None), Slashed { taken: 100, rewarded: 0 });
		ApprovedCanarySlash::set(Permill::from_percent(3));
		RewardShare::set(Permill::from_percent(100));
		let whole = Slashed { taken: 30, rewarded: 30 };
		assert_eq!(slash(CHARLIE, Fault::ApprovedCanary, Some(DAVE)), whole);
		assert_eq!([record(ALICE).stake, record(BOB).stake, record(CHARLIE).stake], [800, 900, 970]);
		assert_eq!([held(ALICE), held(BOB), held(CHARLIE)], [800, 900, 970]);
		assert_eq!((Balances::free_balance(DAVE), Balances::free_balance(POT)), (ENDOWMENT + 130, 200));
	});
}

#[test]
fn slash_should_shrink_with_the_stake_when_it_comes_again() {
	execute(|| {
		MinWorkerStake::set(0);
		worker(ALICE, &[0]);
		let taken: Vec<_> = (0..4).map(|_| slash(ALICE, Fault::WrongAnswer, None).taken).collect();
		assert_eq!(taken, [200, 160, 128, 102]);
		WrongAnswerSlash::set(Permill::one());
		assert_eq!(slash(ALICE, Fault::WrongAnswer, None).taken, 410);
		assert_eq!((record(ALICE).stake, held(ALICE)), (0, 0));
		assert_eq!(slash(ALICE, Fault::WrongAnswer, None), Slashed::default());
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(101);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT - STAKE);
	});
}

#[test]
fn slash_should_do_nothing_when_the_account_is_no_operator() {
	execute(|| {
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(BOB)), Slashed::default());
		assert!(System::events().is_empty());
	});
}

#[test]
fn reward_should_go_to_the_pot_when_its_receiver_does_not_exist_and_it_is_dust() {
	execute(|| {
		MinWorkerStake::set(0);
		worker(ALICE, &[0]);
		WrongAnswerSlash::set(Permill::from_parts(18_000));
		// 18 taken, 9 of it a reward: less than an account needs to come into being.
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(NOBODY)), Slashed { taken: 18, rewarded: 0 });
		assert_eq!((Balances::free_balance(POT), Balances::free_balance(NOBODY)), (18, 0));
		// Now the pot exists, and takes dust too.
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(BOB)), Slashed { taken: 17, rewarded: 8 });
		assert_eq!(Balances::free_balance(POT), 27);
	});
}

#[test]
fn slash_should_stay_with_the_operator_when_nobody_can_take_it() {
	execute(|| {
		worker(ALICE, &[0]);
		WrongAnswerSlash::set(Permill::from_parts(9_000));
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(NOBODY)), Slashed::default());
		assert_eq!((record(ALICE).stake, held(ALICE)), (STAKE, STAKE));
		assert_event(Event::Slashed {
			who: ALICE,
			fault: Fault::WrongAnswer,
			taken: 0,
			rewarded: 0,
			reward: Some(NOBODY),
			stake: STAKE,
		});
		// The reward is paid, and the rest of it has nowhere to go.
		WrongAnswerSlash::set(Permill::from_parts(18_000));
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(BOB)), Slashed { taken: 9, rewarded: 9 });
		assert_eq!(record(ALICE).stake, STAKE - 9);
	});
}

/// Self-challenge: whoever proves its own fault gets nothing of it back.
#[test]
fn reward_should_go_to_the_pot_when_the_operator_challenged_itself() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(ALICE)), Slashed { taken: 200, rewarded: 0 });
		assert_ok!(Operators::update_capability(signed(ALICE), owned_by(BOB, ALICE, &[0])));
		assert_ok!(Operators::authorise(signed(BOB), ALICE, true));
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(BOB)), Slashed { taken: 160, rewarded: 0 });
		assert_eq!(Balances::free_balance(POT), 360);
	});
}

#[test]
fn reputation_should_be_gone_when_a_fault_is_proven() {
	execute(|| {
		worker(ALICE, &[0]);
		earn(ALICE, 700);
		assert_eq!(reputation(ALICE), 700);
		slash(ALICE, Fault::WrongAnswer, None);
		assert_eq!(reputation(ALICE), 0);
	});
}

#[test]
fn operator_should_be_shut_out_when_a_slash_leaves_less_than_the_least_stake() {
	execute(|| {
		MinWorkerStake::set(900);
		MinValidatorStake::set(900);
		worker(ALICE, &[0]);
		validator(BOB, &[0]);
		slash(BOB, Fault::WrongVerdict, None);
		assert_eq!((status(BOB), Operators::validators(CheckpointId(0))), (OperatorStatus::Active, 1));
		slash(BOB, Fault::WrongVerdict, None);
		let to = OperatorStatus::Excluded { until: 51 };
		assert_event(Event::Excluded { who: BOB, from: OperatorStatus::Active, to });
		assert_eq!((status(BOB), Operators::validators(CheckpointId(0))), (to, 0));
		slash(ALICE, Fault::WrongAnswer, None);
		at(51);
		let short = crate::Error::<Test>::StakeTooLow { short_by: Lack::of(1, 0) };
		assert_noop!(Operators::rejoin(signed(ALICE)), short);
		assert_ok!(Operators::add_stake(signed(ALICE), 100));
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_eq!(status(ALICE), OperatorStatus::Active);
	});
}

#[test]
fn exclusion_should_not_end_earlier_when_a_slash_follows_it() {
	execute(|| {
		MinWorkerStake::set(STAKE);
		worker(ALICE, &[0]);
		assert_ok!(Operators::exclude(RuntimeOrigin::root(), ALICE, 1_000));
		slash(ALICE, Fault::WrongAnswer, None);
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 1_001 });
		at(980);
		slash(ALICE, Fault::WrongAnswer, None);
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 1_030 });
	});
}

/// Slash while unbonding: leaving saves nobody, up to the moment of the withdrawal.
#[test]
fn stake_should_be_slashed_when_the_operator_unbonds() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(60);
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(BOB)), Slashed { taken: 200, rewarded: 100 });
		assert_eq!(status(ALICE), OperatorStatus::Unbonding { until: 101 });
		at(101);
		assert_eq!(Operators::claimable(&ALICE), 800);
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(BOB)).taken, 160);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_event(Event::Withdrawn { who: ALICE, amount: 640 });
		assert_eq!(slash(ALICE, Fault::WrongAnswer, Some(BOB)), Slashed::default());
	});
}

#[test]
fn operator_should_be_barred_when_a_slash_while_unbonding_leaves_too_little() {
	execute(|| {
		MinWorkerStake::set(900);
		worker(ALICE, &[0]);
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(90);
		slash(ALICE, Fault::WrongAnswer, None);
		assert_eq!(status(ALICE), OperatorStatus::Unbonding { until: 140 });
		assert_eq!(Barred::<Test>::get(ALICE), Some(140));
		assert_ok!(Operators::add_stake(signed(ALICE), 500));
		at(139);
		assert_noop!(
			Operators::rejoin(signed(ALICE)),
			crate::Error::<Test>::StillExcluded { opens_in: Wait::of(1) }
		);
		assert_noop!(
			Operators::withdraw(signed(ALICE)),
			crate::Error::<Test>::StillBound { opens_in: Wait::of(1) }
		);
		at(140);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_eq!(Barred::<Test>::iter().count(), 0);
	});
}

#[test]
fn absent_operator_should_be_slashed_and_shut_out_when_it_is_at_fault() {
	execute(|| {
		MinWorkerStake::set(900);
		HeartbeatPeriod::set(10);
		worker(ALICE, &[0]);
		at(32);
		assert_ok!(Operators::sweep(signed(BOB), ALICE));
		assert_eq!(slash(ALICE, Fault::WrongAnswer, None).taken, 200);
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 82 });
	});
}
