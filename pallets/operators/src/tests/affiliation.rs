//! Accounts of one operator.

use crate::{mock::*, Error, Event, Owners};
use frame_support::{assert_noop, assert_ok};
use noesis_primitives::{OperatorRegistry, Role};
use polkadot_sdk::*;

fn same(a: AccountId, b: AccountId) -> bool {
	assert_eq!(Operators::same_operator(&a, &b), Operators::same_operator(&b, &a));
	Operators::same_operator(&a, &b)
}

fn device(who: AccountId, owner: AccountId) {
	assert_ok!(Operators::register(signed(who), Role::Worker, STAKE, owned_by(owner, who, &[0])));
}

#[test]
fn accounts_should_belong_together_when_both_sides_say_so() {
	execute(|| {
		device(ALICE, DAVE);
		device(BOB, DAVE);
		worker(CHARLIE, &[0]);
		assert!(same(ALICE, ALICE));
		assert!(!same(ALICE, DAVE) && !same(ALICE, BOB));
		assert_ok!(Operators::authorise(signed(DAVE), ALICE, true));
		assert_event(Event::Authorised { owner: DAVE, device: ALICE });
		assert!(same(ALICE, DAVE) && !same(ALICE, BOB) && !same(BOB, DAVE));
		assert_ok!(Operators::authorise(signed(DAVE), BOB, true));
		assert!(same(ALICE, DAVE) && same(ALICE, BOB) && same(BOB, DAVE));
		assert!(!same(CHARLIE, DAVE) && !same(CHARLIE, ALICE) && !same(CHARLIE, NOBODY));
		assert_eq!(Operators::owner_of(&ALICE), Some(DAVE));
		assert!(Operators::view(&ALICE).unwrap().owned && !Operators::view(&CHARLIE).unwrap().owned);
	});
}

/// False friend: nobody can tie a validator to itself, or to a worker, to keep it off a panel.
#[test]
fn authorisation_should_be_refused_when_the_account_does_not_name_the_caller() {
	execute(|| {
		let claim = |owner, device| Operators::authorise(signed(owner), device, true);
		assert_noop!(claim(BOB, ALICE), Error::<Test>::NotRegistered);
		worker(ALICE, &[0]);
		assert_noop!(claim(BOB, ALICE), Error::<Test>::NotNamed);
		device(CHARLIE, DAVE);
		assert_noop!(claim(BOB, CHARLIE), Error::<Test>::NotNamed);
		assert!(!same(BOB, CHARLIE) && !same(DAVE, CHARLIE));
	});
}

#[test]
fn account_should_be_on_its_own_when_either_side_takes_it_back() {
	execute(|| {
		device(ALICE, DAVE);
		device(BOB, DAVE);
		for who in [ALICE, BOB] {
			assert_ok!(Operators::authorise(signed(DAVE), who, true));
		}
		let take_back = |owner, device| Operators::authorise(signed(owner), device, false);
		assert_noop!(take_back(CHARLIE, ALICE), Error::<Test>::NotOwner);
		assert_ok!(take_back(DAVE, ALICE));
		assert_event(Event::Revoked { owner: DAVE, device: ALICE });
		assert_noop!(take_back(DAVE, ALICE), Error::<Test>::NotOwner);
		assert!(!same(ALICE, DAVE) && same(BOB, DAVE));
		// The same owner stays one; another must say so itself.
		assert_ok!(Operators::update_capability(signed(BOB), owned_by(DAVE, BOB, &[1])));
		assert!(same(BOB, DAVE));
		assert_ok!(Operators::update_capability(signed(BOB), owned_by(CHARLIE, BOB, &[1])));
		assert!(!same(BOB, DAVE) && !same(BOB, CHARLIE));
		assert_eq!(Owners::<Test>::iter().count(), 0);
	});
}

#[test]
fn owner_should_be_forgotten_when_its_account_withdraws() {
	execute(|| {
		device(ALICE, DAVE);
		assert_ok!(Operators::authorise(signed(DAVE), ALICE, true));
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert!(same(ALICE, DAVE));
		at(101);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_eq!(Owners::<Test>::iter().count(), 0);
		device(ALICE, DAVE);
		assert!(!same(ALICE, DAVE));
	});
}

#[test]
fn capability_should_be_refused_when_the_account_names_itself() {
	execute(|| {
		let own = owned_by(ALICE, ALICE, &[0]);
		assert_noop!(
			Operators::register(signed(ALICE), Role::Worker, STAKE, own.clone()),
			Error::<Test>::OwnsItself
		);
		worker(ALICE, &[0]);
		assert_noop!(Operators::update_capability(signed(ALICE), own), Error::<Test>::OwnsItself);
	});
}
