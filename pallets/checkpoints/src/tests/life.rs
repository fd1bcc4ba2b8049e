//! What happens to a checkpoint after its registration.

use crate::{mock::*, Error, Event};
use frame_support::{assert_noop, assert_ok};
use noesis_primitives::{CheckpointId, CheckpointRecord, CheckpointRegistry};
use polkadot_sdk::{sp_runtime::DispatchError::BadOrigin, *};

#[test]
fn checkpoint_should_refuse_jobs_and_stay_readable_when_its_owner_deprecates_it() {
	execute(|| {
		let id = registered(ALICE, 1);
		assert_ok!(Checkpoints::deprecate(RuntimeOrigin::signed(ALICE), id));
		System::assert_last_event(Event::Deprecated { id }.into());
		assert!(!Checkpoints::facts(id).unwrap().active);
		let view = Checkpoints::view(id).unwrap();
		assert!(!view.active);
		assert_eq!(view.record, record(1));
	});
}

#[test]
fn checkpoint_should_be_deprecated_when_the_admin_says_so() {
	execute(|| {
		let id = registered(ALICE, 1);
		assert_ok!(Checkpoints::deprecate(RuntimeOrigin::root(), id));
		assert!(!Checkpoints::facts(id).unwrap().active);
	});
}

#[test]
fn deprecation_should_be_refused_when_somebody_else_asks() {
	execute(|| {
		let id = registered(ALICE, 1);
		assert_noop!(Checkpoints::deprecate(RuntimeOrigin::signed(BOB), id), Error::<Test>::NotOwner);
		assert_noop!(Checkpoints::deprecate(RuntimeOrigin::none(), id), BadOrigin);
		let unknown = CheckpointId(1);
		assert_noop!(
			Checkpoints::deprecate(RuntimeOrigin::root(), unknown),
			Error::<Test>::UnknownCheckpoint
		);
	});
}

#[test]
fn deprecation_should_be_final_when_it_is_done() {
	execute(|| {
		let id = registered(ALICE, 1);
		assert_ok!(Checkpoints::deprecate(RuntimeOrigin::signed(ALICE), id));
		for origin in [RuntimeOrigin::signed(ALICE), RuntimeOrigin::root()] {
			assert_noop!(Checkpoints::deprecate(origin, id), Error::<Test>::AlreadyDeprecated);
		}
	});
}

#[test]
fn model_should_be_registered_anew_when_its_first_checkpoint_is_deprecated() {
	execute(|| {
		let first = registered(BOB, 1);
		assert_ok!(Checkpoints::deprecate(RuntimeOrigin::root(), first));
		assert_ok!(Checkpoints::register(RuntimeOrigin::signed(ALICE), record(1)));
		let active = [first, CheckpointId(1)].map(|id| Checkpoints::facts(id).unwrap().active);
		assert_eq!(active, [false, true]);
		assert_noop!(
			Checkpoints::register(RuntimeOrigin::signed(BOB), record(1)),
			Error::<Test>::AlreadyRegistered
		);
	});
}

#[test]
fn only_locators_should_change_when_the_owner_sets_them() {
	execute(|| {
		let id = registered(ALICE, 1);
		assert_ok!(Checkpoints::set_locators(RuntimeOrigin::signed(ALICE), id, locators(3)));
		let expected = CheckpointRecord { locators: locators(3), ..record(1) };
		System::assert_last_event(
			Event::LocatorsSet { id, deposit: Checkpoints::deposit_of(&expected) }.into(),
		);
		assert_eq!(Checkpoints::view(id).unwrap().record, expected);
		assert_ok!(Checkpoints::deprecate(RuntimeOrigin::signed(ALICE), id));
		assert_ok!(Checkpoints::set_locators(RuntimeOrigin::signed(ALICE), id, locators(2)));
	});
}

#[test]
fn locators_should_stay_when_somebody_else_sets_them() {
	execute(|| {
		let id = registered(ALICE, 1);
		let set = |origin, id| Checkpoints::set_locators(origin, id, locators(0));
		assert_noop!(set(RuntimeOrigin::signed(BOB), id), Error::<Test>::NotOwner);
		assert_noop!(set(RuntimeOrigin::root(), id), BadOrigin);
		assert_noop!(set(RuntimeOrigin::signed(ALICE), CheckpointId(1)), Error::<Test>::UnknownCheckpoint);
	});
}
