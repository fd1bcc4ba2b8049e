//! The invariants, after every step of random schedules of calls.

use crate::mock::*;
use noesis_primitives::{Capability, OperatorRegistry, OperatorStatus, Role};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	Register(AccountId, Role, u128, Capability),
	AddStake(AccountId, u128),
	Update(AccountId, Capability),
	Unbond(AccountId),
	Withdraw(AccountId),
	Rejoin(AccountId),
	Exclude(AccountId, u32),
	Readmit(AccountId),
	Expose(AccountId, u128),
	Relieve(AccountId, u128),
	Mark(AccountId),
	Advance(u32),
	Parameters { stake: u128, period: u32, marks: u32 },
}

fn offer() -> impl Strategy<Value = Capability> {
	// Few keys and few checkpoints, so that they collide.
	(0u64..6, prop::collection::vec(0u32..6, 0..5))
		.prop_map(|(key, checkpoints)| capability(key, &checkpoints))
}

fn step() -> impl Strategy<Value = Step> {
	let who = 1u64..5;
	let role = prop_oneof![Just(Role::Worker), Just(Role::Validator)];
	prop_oneof![
		6 => (who.clone(), role, 0u128..ENDOWMENT, offer()).prop_map(|(w, r, s, c)| Step::Register(w, r, s, c)),
		2 => (who.clone(), 0u128..ENDOWMENT).prop_map(|(w, a)| Step::AddStake(w, a)),
		4 => (who.clone(), offer()).prop_map(|(w, c)| Step::Update(w, c)),
		3 => who.clone().prop_map(Step::Unbond),
		4 => who.clone().prop_map(Step::Withdraw),
		3 => who.clone().prop_map(Step::Rejoin),
		2 => (who.clone(), 0u32..300).prop_map(|(w, b)| Step::Exclude(w, b)),
		1 => who.clone().prop_map(Step::Readmit),
		3 => (who.clone(), 0u128..2_000).prop_map(|(w, p)| Step::Expose(w, p)),
		3 => (who.clone(), 0u128..2_000).prop_map(|(w, p)| Step::Relieve(w, p)),
		4 => who.prop_map(Step::Mark),
		4 => (0u32..150).prop_map(Step::Advance),
		1 => (0u128..2_000, 0u32..200, 0u32..4)
			.prop_map(|(stake, period, marks)| Step::Parameters { stake, period, marks }),
	]
}

fn apply(step: Step) {
	// A refusal is as good as a success here: what counts is what is true afterwards.
	let root = RuntimeOrigin::root;
	match step {
		Step::Register(who, role, stake, offer) => {
			let _ = Operators::register(signed(who), role, stake, offer);
		},
		Step::AddStake(who, amount) => {
			let _ = Operators::add_stake(signed(who), amount);
		},
		Step::Update(who, offer) => {
			let _ = Operators::update_capability(signed(who), offer);
		},
		Step::Unbond(who) => {
			let _ = Operators::unbond(signed(who));
		},
		Step::Withdraw(who) => {
			let _ = Operators::withdraw(signed(who));
		},
		Step::Rejoin(who) => {
			let _ = Operators::rejoin(signed(who));
		},
		Step::Exclude(who, blocks) => {
			let _ = Operators::exclude(root(), who, blocks);
		},
		Step::Readmit(who) => {
			let _ = Operators::readmit(root(), who);
		},
		Step::Expose(who, price) => {
			let _ = Operators::expose(&who, price);
		},
		Step::Relieve(who, price) => Operators::relieve(&who, price),
		Step::Mark(who) => Operators::mark(&who),
		Step::Advance(blocks) => at(System::block_number() + blocks),
		Step::Parameters { stake, period, marks } => {
			MinWorkerStake::set(stake);
			MinValidatorStake::set(stake);
			UnbondingPeriod::set(period);
			MaxMarks::set(marks);
		},
	}
}

/// Whatever its status, the operator gets all of its stake back by its own calls, once its jobs have ended.
fn leave(who: AccountId) {
	let Some(record) = Operators::record(&who) else { return };
	Operators::relieve(&who, record.exposure);
	if !matches!(record.status, OperatorStatus::Unbonding { .. }) {
		Operators::unbond(signed(who)).unwrap();
	}
	let OperatorStatus::Unbonding { until } = status(who) else { panic!("it unbonds") };
	at(until.max(System::block_number()));
	Operators::withdraw(signed(who)).unwrap();
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	#[test]
	fn invariants_should_hold_when_calls_come_in_any_order(steps in prop::collection::vec(step(), 1..80)) {
		new_test_ext().execute_with(|| {
			for step in steps {
				apply(step);
				check();
			}
			EVERYBODY.into_iter().for_each(leave);
			check();
			for who in EVERYBODY {
				assert_eq!(Balances::free_balance(who), ENDOWMENT);
			}
		});
	}

	#[test]
	fn operator_should_stay_out_when_it_tries_every_way_back_before_its_exclusion_ends(
		steps in prop::collection::vec(step(), 1..40), blocks in 1u32..500,
	) {
		new_test_ext().execute_with(|| {
			worker(ALICE, &[0]);
			Operators::exclude(RuntimeOrigin::root(), ALICE, blocks).unwrap();
			let until = 1 + blocks;
			for step in steps {
				if matches!(step, Step::Exclude(..) | Step::Readmit(..)) {
					continue;
				}
				apply(step);
				if System::block_number() < until {
					assert_ne!(status(ALICE), OperatorStatus::Active);
				}
			}
			check();
		});
	}
}
