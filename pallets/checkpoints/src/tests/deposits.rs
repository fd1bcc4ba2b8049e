//! What a registration costs.

use crate::mock::*;
use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use noesis_primitives::{Balance, CheckpointRecord};
use polkadot_sdk::{sp_runtime::TokenError, *};

#[test]
fn deposit_should_follow_the_size_when_a_record_is_registered() {
	execute(|| {
		registered(ALICE, 1);
		let bytes = record(1).encode().len() as Balance;
		assert_eq!(held(ALICE), 1_000 + 2 * bytes);
		registered(ALICE, 2);
		assert_eq!(held(ALICE), 2 * (1_000 + 2 * bytes));
		assert_eq!(held(BOB), 0);
	});
}

#[test]
fn registration_should_leave_no_trace_when_the_deposit_is_not_covered() {
	execute(|| {
		DepositBase::set(ENDOWMENT);
		assert_noop!(
			Checkpoints::register(RuntimeOrigin::signed(ALICE), record(1)),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn deposit_should_stay_when_the_checkpoint_is_deprecated() {
	execute(|| {
		let id = registered(ALICE, 1);
		let before = held(ALICE);
		assert_ok!(Checkpoints::deprecate(RuntimeOrigin::signed(ALICE), id));
		assert_eq!(held(ALICE), before);
	});
}

#[test]
fn deposit_should_follow_the_size_when_locators_are_set() {
	execute(|| {
		let id = registered(ALICE, 1);
		for count in [4, 0, 2] {
			assert_ok!(Checkpoints::set_locators(RuntimeOrigin::signed(ALICE), id, locators(count)));
			let now = CheckpointRecord { locators: locators(count), ..record(1) };
			assert_eq!(held(ALICE), Checkpoints::deposit_of(&now));
		}
	});
}

#[test]
fn deposit_should_follow_the_prices_when_locators_are_set() {
	execute(|| {
		let id = registered(ALICE, 1);
		DepositBase::set(10);
		DepositPerByte::set(1);
		assert_ok!(Checkpoints::set_locators(RuntimeOrigin::signed(ALICE), id, locators(1)));
		assert_eq!(held(ALICE), 10 + record(1).encode().len() as Balance);
		DepositBase::set(2 * ENDOWMENT);
		let dearer = Checkpoints::set_locators(RuntimeOrigin::signed(ALICE), id, locators(0));
		assert_eq!(dearer, Err(TokenError::FundsUnavailable.into()));
	});
}
