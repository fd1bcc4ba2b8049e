//! How much work a worker may have open.

use crate::mock::*;
use frame_support::assert_ok;
use noesis_primitives::{Fault, OperatorFault, OperatorRegistry, Role};
use polkadot_sdk::{sp_runtime::Permill, *};
use proptest::prelude::*;

#[test]
fn exposure_should_be_bounded_by_what_a_slash_takes_when_jobs_are_claimed() {
	execute(|| {
		worker(ALICE, &[0]);
		validator(BOB, &[0]);
		// 20 % of the stake, and all of that.
		assert_eq!((Operators::exposure_cap(&ALICE), Operators::free_exposure(&ALICE)), (200, 200));
		assert_ok!(Operators::expose(&ALICE, 199));
		assert_eq!(Operators::expose(&ALICE, 2), Err(OperatorFault::OverExposed { by: 1 }));
		assert_eq!(
			Operators::expose(&ALICE, u128::MAX),
			Err(OperatorFault::OverExposed { by: u128::MAX - 200 })
		);
		assert_ok!(Operators::expose(&ALICE, 1));
		assert_eq!((record(ALICE).exposure, Operators::free_exposure(&ALICE)), (200, 0));
		assert_ok!(Operators::add_stake(signed(ALICE), 25));
		assert_eq!(Operators::free_exposure(&ALICE), 5);
		assert_ok!(Operators::expose(&ALICE, 5));
		assert_eq!(Operators::expose(&BOB, 1), Err(OperatorFault::WrongRole));
		assert_eq!(Operators::expose(&CHARLIE, 1), Err(OperatorFault::Unknown));
		assert_eq!((Operators::exposure_cap(&BOB), Operators::exposure_cap(&CHARLIE)), (0, 0));
		assert_ok!(Operators::exclude(RuntimeOrigin::root(), ALICE, 1));
		assert_eq!(Operators::expose(&ALICE, 0), Err(OperatorFault::Excluded { until: 2 }));
		assert_eq!((Operators::exposure_cap(&ALICE), Operators::free_exposure(&ALICE)), (205, 0));
		Operators::relieve(&ALICE, 205);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_eq!(Operators::expose(&ALICE, 1), Err(OperatorFault::Unbonding));
	});
}

#[test]
fn exposure_should_stop_at_zero_when_more_is_relieved_than_was_exposed() {
	execute(|| {
		Operators::relieve(&ALICE, 1);
		assert_eq!(Operators::record(&ALICE), None);
		worker(ALICE, &[0]);
		assert_ok!(Operators::expose(&ALICE, 7));
		Operators::relieve(&ALICE, 9);
		assert_eq!(record(ALICE).exposure, 0);
		assert_ok!(Operators::unbond(signed(ALICE)));
		Operators::relieve(&ALICE, 9);
		assert_eq!(record(ALICE).exposure, 0);
	});
}

#[test]
fn cap_should_be_a_hundredth_of_the_stake_when_one_answer_in_twenty_is_audited() {
	execute(|| {
		ExposureFactor::set(Permill::from_percent(5));
		worker(ALICE, &[0]);
		assert_eq!(Operators::exposure_cap(&ALICE), 10);
		assert_eq!(Operators::expose(&ALICE, 11), Err(OperatorFault::OverExposed { by: 1 }));
		assert_ok!(Operators::expose(&ALICE, 10));
	});
}

/// Over-exposed worker: what it has open after a slash is more than it may have, and it gets no more.
#[test]
fn worker_should_get_no_work_when_a_slash_leaves_it_over_exposed() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::expose(&ALICE, 150));
		assert_ok!(Operators::expose(&ALICE, 50));
		slash(ALICE, Fault::WrongAnswer, None);
		assert_eq!((record(ALICE).exposure, Operators::exposure_cap(&ALICE)), (200, 160));
		assert_eq!(Operators::free_exposure(&ALICE), 0);
		assert_eq!(Operators::expose(&ALICE, 0), Err(OperatorFault::OverExposed { by: 40 }));
		Operators::relieve(&ALICE, 50);
		assert_eq!(Operators::expose(&ALICE, 11), Err(OperatorFault::OverExposed { by: 1 }));
		assert_ok!(Operators::expose(&ALICE, 10));
	});
}

#[test]
fn open_jobs_should_stand_when_governance_lowers_the_cap() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::expose(&ALICE, 200));
		WrongAnswerSlash::set(Permill::from_percent(1));
		assert_eq!((record(ALICE).exposure, Operators::exposure_cap(&ALICE)), (200, 10));
		assert_eq!(Operators::expose(&ALICE, 1), Err(OperatorFault::OverExposed { by: 191 }));
		Operators::relieve(&ALICE, 200);
		assert_ok!(Operators::expose(&ALICE, 10));
	});
}

proptest! {
	/// PoSP's equilibrium: at the audit rate that the factor stands for, whoever cheats on all that it may have
	/// open loses by it.
	#[test]
	fn cheating_should_cost_more_than_it_gains_when_the_cap_is_used_up(
		stake in 500..ENDOWMENT - ED, percent in 1u32..=100, slash in 0u32..=100,
	) {
		// A pot that does not exist yet can't take less than the existential deposit.
		prop_assume!(slash == 0 || stake * u128::from(slash) / 100 >= ED);
		execute(|| {
			// p / (1 - p) = percent / 100, as long as p is at least percent / (100 + percent).
			ExposureFactor::set(Permill::from_percent(percent));
			WrongAnswerSlash::set(Permill::from_percent(slash));
			Operators::register(signed(ALICE), Role::Worker, stake, capability(ALICE, &[0])).unwrap();
			let gain = Operators::exposure_cap(&ALICE);
			Operators::expose(&ALICE, gain).unwrap();
			let loss = self::slash(ALICE, Fault::WrongAnswer, None).taken;
			let percent = u128::from(percent);
			// p * S >= (1 - p) * G, both sides times (100 + percent).
			assert!(percent * (loss + 1) >= 100 * gain, "{loss} lost, {gain} gained");
		});
	}

	/// Sybil newcomers: a stake in many accounts opens no more work than in one, and none has a reputation.
	#[test]
	fn sybils_should_open_no_more_work_than_one_account_when_they_share_its_stake(
		stakes in prop::collection::vec(0u128..3_000, 3), factor in 0u32..=100,
	) {
		execute(|| {
			MinWorkerStake::set(0);
			ExposureFactor::set(Permill::from_percent(factor));
			let register = |who, stake| {
				Operators::register(signed(who), Role::Worker, stake, capability(who, &[0])).unwrap();
			};
			register(ALICE, stakes.iter().sum());
			let sybils = [BOB, CHARLIE, DAVE];
			sybils.iter().zip(&stakes).for_each(|(who, stake)| register(*who, *stake));
			let many: u128 = sybils.iter().map(Operators::exposure_cap).sum();
			assert!(many <= Operators::exposure_cap(&ALICE));
			assert!(sybils.iter().all(|who| reputation(*who) == 0));
		});
	}
}
