//! What other pallets are told.

use crate::mock::*;
use frame_support::assert_ok;
use noesis_primitives::{CheckpointId, OperatorFault, OperatorRegistry};
use polkadot_sdk::*;

fn work(who: AccountId, checkpoint: u32) -> Result<(), OperatorFault> {
	Operators::ensure_worker(&who, CheckpointId(checkpoint))
}

fn validate(who: AccountId, checkpoint: u32, before: u32) -> Result<[u8; 32], OperatorFault> {
	Operators::ensure_validator(&who, CheckpointId(checkpoint), before)
}

#[test]
fn worker_should_be_let_through_when_it_is_active_and_offers_the_checkpoint() {
	execute(|| {
		worker(ALICE, &[4]);
		validator(BOB, &[4]);
		assert_eq!(work(ALICE, 4), Ok(()));
		assert_eq!(work(ALICE, 5), Err(OperatorFault::CannotRun));
		assert_eq!(work(BOB, 4), Err(OperatorFault::WrongRole));
		assert_eq!(work(CHARLIE, 4), Err(OperatorFault::Unknown));
		assert_ok!(Operators::exclude(RuntimeOrigin::root(), ALICE, 1));
		assert_eq!(work(ALICE, 4), Err(OperatorFault::Excluded { until: 2 }));
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_eq!(work(ALICE, 4), Err(OperatorFault::Unbonding));
	});
}

#[test]
fn validator_should_be_let_through_when_it_stood_as_it_is_before_the_answer() {
	execute(|| {
		at(10);
		validator(ALICE, &[4]);
		worker(BOB, &[4]);
		let key = [ALICE as u8; 32];
		assert_eq!(validate(ALICE, 4, 11), Ok(key));
		assert_eq!(validate(ALICE, 4, 10), Err(OperatorFault::TooNew));
		assert_eq!(validate(ALICE, 5, 11), Err(OperatorFault::CannotRun));
		assert_eq!(validate(BOB, 4, 11), Err(OperatorFault::WrongRole));
		assert_eq!(validate(CHARLIE, 4, 11), Err(OperatorFault::Unknown));
		at(12);
		assert_ok!(Operators::update_capability(signed(ALICE), capability(77, &[4])));
		assert_eq!(validate(ALICE, 4, 12), Err(OperatorFault::TooNew));
		assert_eq!(validate(ALICE, 4, 13), Ok([77; 32]));
		at(14);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_eq!(validate(ALICE, 4, 15), Err(OperatorFault::Unbonding));
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_eq!(validate(ALICE, 4, 14), Err(OperatorFault::TooNew));
		assert_ok!(Operators::exclude(RuntimeOrigin::root(), ALICE, 1));
		assert_eq!(validate(ALICE, 4, 15), Err(OperatorFault::Excluded { until: 15 }));
	});
}

/// Or whoever makes operators add a checkpoint would empty all open panels.
#[test]
fn validator_should_keep_its_panels_when_it_adds_a_checkpoint() {
	execute(|| {
		at(10);
		validator(ALICE, &[4, 6]);
		let key = Ok([ALICE as u8; 32]);
		let update = |block, ids: &[u32]| {
			at(block);
			assert_ok!(Operators::update_capability(signed(ALICE), capability(ALICE, ids)));
		};
		update(12, &[5, 4]);
		assert_eq!(validate(ALICE, 4, 11), key);
		assert_eq!((validate(ALICE, 5, 12), validate(ALICE, 5, 13)), (Err(OperatorFault::TooNew), key));
		// One that was left out counts from its return.
		update(14, &[6, 5, 4]);
		assert_eq!(validate(ALICE, 4, 11), key);
		assert_eq!((validate(ALICE, 6, 14), validate(ALICE, 6, 15)), (Err(OperatorFault::TooNew), key));
		// Nothing that was added counts as older than what was added last.
		assert_eq!((validate(ALICE, 5, 14), validate(ALICE, 5, 15)), (Err(OperatorFault::TooNew), key));
		update(16, &[4, 5]);
		assert_eq!((validate(ALICE, 4, 11), validate(ALICE, 5, 15)), (key, key));
		// Another draw key, or another owner, may be taken because of the draw: then all is new.
		at(18);
		assert_ok!(Operators::update_capability(signed(ALICE), owned_by(BOB, ALICE, &[4, 5])));
		assert_eq!((validate(ALICE, 4, 18), validate(ALICE, 4, 19)), (Err(OperatorFault::TooNew), key));
	});
}

#[test]
fn validators_should_be_counted_when_they_are_active_and_offer_the_checkpoint() {
	execute(|| {
		let count = |id| Operators::validators(CheckpointId(id));
		validator(ALICE, &all_slots(0));
		validator(BOB, &[0, 1]);
		worker(CHARLIE, &[0, 1]);
		assert_eq!((count(0), count(1), count(31), count(32)), (2, 2, 1, 0));
		assert_ok!(Operators::update_capability(signed(ALICE), capability(ALICE, &all_slots(1))));
		assert_eq!((count(0), count(1), count(31), count(32)), (1, 2, 1, 1));
		assert_ok!(Operators::unbond(signed(BOB)));
		assert_eq!((count(0), count(1)), (0, 1));
	});
}

#[cfg(feature = "runtime-benchmarks")]
#[test]
fn benchmark_operator_should_satisfy_the_invariants_when_it_is_registered() {
	use noesis_primitives::Role;
	new_test_ext().execute_with(|| {
		Operators::register_for_benchmark(&50, Role::Validator, CheckpointId(0), [5; 32]);
		Operators::register_for_benchmark(&50, Role::Validator, CheckpointId(1), [6; 32]);
		Operators::register_for_benchmark(&51, Role::Worker, CheckpointId(1), [5; 32]);
		assert_eq!(validate(50, 1, 1), Ok([6; 32]));
		assert_eq!((validate(50, 0, 1), work(51, 1)), (Err(OperatorFault::CannotRun), Ok(())));
		assert_ok!(Operators::expose(&51, Operators::exposure_cap(&51)));
		Operators::do_try_state().unwrap();
	});
}
