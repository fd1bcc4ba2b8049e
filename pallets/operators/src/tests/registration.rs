//! Coming in, staking more, offering something else.

use crate::{mock::*, Error, Event};
use frame_support::{assert_noop, assert_ok};
use noesis_primitives::{
	Capability, CheckpointId, Locator, OperatorRecord, OperatorRegistry, OperatorStatus, Pace, Role,
};
use polkadot_sdk::{
	sp_runtime::{ArithmeticError, DispatchError::BadOrigin, TokenError},
	*,
};

fn endpoint(text: &str) -> Locator {
	text.as_bytes().to_vec().try_into().unwrap()
}

fn refused(role: Role, stake: u128, capability: Capability, error: Error<Test>) {
	assert_noop!(Operators::register(signed(ALICE), role, stake, capability), error);
}

#[test]
fn operator_should_be_active_with_its_stake_held_when_it_registers() {
	execute(|| {
		at(9);
		worker(ALICE, &[3, 1]);
		let expected = OperatorRecord {
			role: Role::Worker,
			stake: STAKE,
			exposure: 0,
			capability: capability(ALICE, &[3, 1]),
			status: OperatorStatus::Active,
			since: 9,
			added: 0,
			added_at: 9,
			seen: 9,
			pace: Pace::default(),
		};
		assert_eq!(record(ALICE), expected);
		assert_eq!(held(ALICE), STAKE);
		assert_event(Event::Registered { who: ALICE, role: Role::Worker, stake: STAKE });
		assert_eq!(Operators::record(&BOB), None);
	});
}

#[test]
fn registration_should_be_refused_when_the_account_has_a_role() {
	execute(|| {
		worker(ALICE, &[0]);
		refused(Role::Validator, STAKE, capability(ALICE, &[0]), Error::AlreadyRegistered);
	});
}

#[test]
fn registration_should_be_refused_when_the_stake_is_too_low() {
	execute(|| {
		refused(Role::Worker, 499, capability(ALICE, &[0]), Error::StakeTooLow { short_by: Lack::of(1, 0) });
		refused(
			Role::Validator,
			799,
			capability(ALICE, &[0]),
			Error::StakeTooLow { short_by: Lack::of(1, 0) },
		);
		assert_ok!(Operators::register(signed(ALICE), Role::Worker, 500, capability(ALICE, &[0])));
		assert_ok!(Operators::register(signed(BOB), Role::Validator, 800, capability(BOB, &[0])));
	});
}

#[test]
fn registration_should_be_refused_when_the_account_cannot_cover_the_stake() {
	execute(|| {
		let register =
			|stake| Operators::register(signed(ALICE), Role::Worker, stake, capability(ALICE, &[0]));
		assert_noop!(register(ENDOWMENT), TokenError::FundsUnavailable);
		assert_noop!(register(u128::MAX), TokenError::FundsUnavailable);
		assert_noop!(register(ENDOWMENT - ED + 1), TokenError::FundsUnavailable);
		assert_ok!(register(ENDOWMENT - ED));
	});
}

#[test]
fn capability_should_be_refused_when_it_names_a_checkpoint_twice() {
	execute(|| {
		refused(Role::Worker, STAKE, capability(ALICE, &[1, 2, 1]), Error::DuplicateCheckpoint);
		let mut slots = all_slots(0);
		slots[31] = 30;
		refused(Role::Validator, STAKE, capability(ALICE, &slots), Error::DuplicateCheckpoint);
		validator(ALICE, &all_slots(0));
	});
}

#[test]
fn capability_should_be_refused_when_the_endpoint_is_no_url() {
	execute(|| {
		let with = |text| Capability { endpoint: endpoint(text), ..capability(ALICE, &[0]) };
		let bad = [
			"ftp://host",
			"host:80",
			"http://",
			"https://",
			"HTTP://host",
			"http:/host",
			"http://a b",
			"http://é",
		];
		for text in bad {
			refused(Role::Worker, STAKE, with(text), Error::BadEndpoint);
			refused(Role::Validator, STAKE, with(text), Error::BadEndpoint);
		}
		refused(Role::Worker, STAKE, with(""), Error::BadEndpoint);
		assert_ok!(Operators::register(signed(ALICE), Role::Validator, STAKE, with("")));
		let https = Capability { endpoint: endpoint("https://h"), ..capability(BOB, &[0]) };
		assert_ok!(Operators::register(signed(BOB), Role::Worker, STAKE, https));
	});
}

#[test]
fn draw_key_should_be_asked_of_validators_only_when_they_register() {
	execute(|| {
		let without = |who| Capability { draw_key: [0; 32], ..capability(who, &[0]) };
		refused(Role::Validator, STAKE, without(ALICE), Error::NoDrawKey);
		assert_ok!(Operators::register(signed(ALICE), Role::Worker, STAKE, without(ALICE)));
		assert_ok!(Operators::register(signed(BOB), Role::Worker, STAKE, without(BOB)));
	});
}

#[test]
fn seal_key_should_be_told_of_workers_only_when_they_have_one() {
	execute(|| {
		let with = |who, seal_key| Capability { seal_key, ..capability(who, &[0]) };
		refused(Role::Worker, STAKE, with(ALICE, Some([0; 32])), Error::NoSealKey);
		assert_ok!(Operators::register(signed(ALICE), Role::Worker, STAKE, with(ALICE, Some([3; 32]))));
		assert_ok!(Operators::register(signed(BOB), Role::Validator, STAKE, with(BOB, Some([4; 32]))));
		assert_eq!([ALICE, BOB, CHARLIE].map(|who| Operators::seal_key(&who)), [Some([3; 32]), None, None]);
		assert_ok!(Operators::update_capability(signed(ALICE), with(ALICE, None)));
		assert_eq!(Operators::seal_key(&ALICE), None);
	});
}

#[test]
fn validator_should_come_in_when_somebody_has_registered_its_draw_key_before() {
	execute(|| {
		assert_ok!(Operators::register(signed(ALICE), Role::Validator, STAKE, capability(BOB, &[0])));
		assert_ok!(Operators::register(signed(BOB), Role::Validator, STAKE, capability(BOB, &[0])));
		assert_eq!(record(ALICE).capability.draw_key, record(BOB).capability.draw_key);
	});
}

#[test]
fn stake_should_grow_when_it_is_added_to() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_ok!(Operators::add_stake(signed(ALICE), 234));
		assert_event(Event::StakeAdded { who: ALICE, amount: 234, stake: STAKE + 234 });
		assert_eq!((record(ALICE).stake, held(ALICE)), (STAKE + 234, STAKE + 234));
		assert_eq!(record(ALICE).since, 1);
	});
}

#[test]
fn stake_should_stay_when_nothing_can_be_added() {
	execute(|| {
		assert_noop!(Operators::add_stake(signed(ALICE), 1), Error::<Test>::NotRegistered);
		worker(ALICE, &[0]);
		assert_noop!(Operators::add_stake(signed(ALICE), 0), Error::<Test>::NothingToAdd);
		assert_noop!(Operators::add_stake(signed(ALICE), ENDOWMENT), TokenError::FundsUnavailable);
		assert_noop!(Operators::add_stake(signed(ALICE), u128::MAX), ArithmeticError::Overflow);
	});
}

#[test]
fn checkpoint_should_count_from_now_when_it_is_added() {
	execute(|| {
		validator(ALICE, &[1, 2]);
		at(5);
		assert_ok!(Operators::update_capability(signed(ALICE), capability(ALICE, &[2, 3])));
		assert_event(Event::CapabilityUpdated { who: ALICE });
		let since = [1, 2, 3].map(|id| record(ALICE).offers_since(CheckpointId(id)));
		assert_eq!((record(ALICE).since, since), (1, [None, Some(1), Some(5)]));
		assert_eq!(record(ALICE).capability, capability(ALICE, &[2, 3]));
		let counts: Vec<_> = (0..5).map(|id| Operators::validators(CheckpointId(id))).collect();
		assert_eq!(counts, [0, 0, 1, 1, 0]);
	});
}

#[test]
fn capability_should_be_held_to_the_same_rules_when_it_is_updated() {
	execute(|| {
		let update = |capability| Operators::update_capability(signed(ALICE), capability);
		assert_noop!(update(capability(ALICE, &[0])), Error::<Test>::NotRegistered);
		validator(ALICE, &[0]);
		assert_noop!(update(capability(ALICE, &[4, 4])), Error::<Test>::DuplicateCheckpoint);
		let keyless = Capability { draw_key: [0; 32], ..capability(ALICE, &[0]) };
		assert_noop!(update(keyless), Error::<Test>::NoDrawKey);
		let unreachable = Capability { endpoint: endpoint("nowhere"), ..capability(ALICE, &[0]) };
		assert_noop!(update(unreachable), Error::<Test>::BadEndpoint);
	});
}

#[test]
fn calls_should_be_refused_when_nobody_signed_them() {
	execute(|| {
		for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
			let capability = capability(ALICE, &[0]);
			assert_noop!(
				Operators::register(origin.clone(), Role::Worker, STAKE, capability.clone()),
				BadOrigin
			);
			assert_noop!(Operators::add_stake(origin.clone(), 1), BadOrigin);
			assert_noop!(Operators::update_capability(origin.clone(), capability), BadOrigin);
			assert_noop!(Operators::unbond(origin.clone()), BadOrigin);
			assert_noop!(Operators::withdraw(origin.clone()), BadOrigin);
			assert_noop!(Operators::rejoin(origin.clone()), BadOrigin);
			assert_noop!(Operators::appeal(origin.clone(), Default::default()), BadOrigin);
			assert_noop!(Operators::heartbeat(origin.clone()), BadOrigin);
			assert_noop!(Operators::sweep(origin.clone(), BOB), BadOrigin);
			assert_noop!(Operators::authorise(origin, BOB, true), BadOrigin);
		}
		assert_noop!(Operators::exclude(signed(ALICE), BOB, 1), BadOrigin);
		assert_noop!(Operators::readmit(signed(ALICE), BOB), BadOrigin);
		assert_noop!(Operators::confirm(signed(ALICE), BOB), BadOrigin);
		assert_noop!(Operators::confirm(RuntimeOrigin::root(), BOB), BadOrigin);
	});
}
