//! The invariants, after every step of random schedules of calls.

use crate::mock::*;
use noesis_primitives::{CheckpointId, CheckpointRecord};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	Register { who: AccountId, seed: u8, parent: Option<u32>, locators: usize },
	Deprecate { who: Option<AccountId>, id: u32 },
	SetLocators { who: AccountId, id: u32, locators: usize },
	Price { base: u128, per_byte: u128 },
}

fn step() -> impl Strategy<Value = Step> {
	let id = 0u32..12;
	prop_oneof![
		4 => (1u64..4, 0u8..8, prop::option::of(id.clone()), 0usize..5)
			.prop_map(|(who, seed, parent, locators)| Step::Register { who, seed, parent, locators }),
		2 => (prop::option::of(1u64..4), id.clone()).prop_map(|(who, id)| Step::Deprecate { who, id }),
		2 => (1u64..4, id, 0usize..5)
			.prop_map(|(who, id, locators)| Step::SetLocators { who, id, locators }),
		1 => (0u128..400_000, 0u128..500).prop_map(|(base, per_byte)| Step::Price { base, per_byte }),
	]
}

fn apply(step: Step) {
	// A refusal is as good as a success here: what counts is what is true afterwards.
	let _ = match step {
		Step::Register { who, seed, parent, locators: count } => {
			let parent = parent.map(CheckpointId);
			let record = CheckpointRecord { parent, locators: locators(count), ..record(seed) };
			Checkpoints::register(RuntimeOrigin::signed(who), record)
		},
		Step::Deprecate { who, id } => {
			let origin = who.map_or(RuntimeOrigin::root(), RuntimeOrigin::signed);
			Checkpoints::deprecate(origin, CheckpointId(id))
		},
		Step::SetLocators { who, id, locators: count } => {
			Checkpoints::set_locators(RuntimeOrigin::signed(who), CheckpointId(id), locators(count))
		},
		Step::Price { base, per_byte } => {
			DepositBase::set(base);
			DepositPerByte::set(per_byte);
			Ok(())
		},
	};
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn invariants_should_hold_when_calls_come_in_any_order(steps in prop::collection::vec(step(), 1..40)) {
		new_test_ext().execute_with(|| {
			for step in steps {
				let before: Vec<_> = crate::Records::<Test>::iter().collect();
				apply(step);
				check();
				for (id, old) in before {
					let now = Checkpoints::view(id).unwrap().record;
					assert_eq!(now, CheckpointRecord { locators: now.locators.clone(), ..old });
				}
			}
		});
	}
}
