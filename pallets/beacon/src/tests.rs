#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::unwrap_used)]

use crate::{Event, LastSource, Source, Values, KEPT};
use codec::Encode;
use cumulus_pallet_parachain_system::{OnSystemEvent, RelayChainStateProof};
use cumulus_test_relay_sproof_builder::RelayStateSproofBuilder;
use noesis_primitives::BlockRandomness;
use polkadot_sdk::{
	cumulus_primitives_core::{
		relay_chain::well_known_keys::CURRENT_BLOCK_RANDOMNESS, PersistedValidationData,
	},
	frame_support::{derive_impl, traits::ConstU32},
	sp_runtime::BuildStorage,
	*,
};
use proptest::prelude::*;

const LAG: u32 = 3;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Beacon = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
}

impl crate::Config for Test {
	type RelayLag = ConstU32<LAG>;
}

fn on_chain(fallback: bool, test: impl FnOnce()) {
	let beacon = crate::GenesisConfig { fallback, ..Default::default() };
	let genesis = RuntimeGenesisConfig { beacon, ..Default::default() };
	sp_io::TestExternalities::from(genesis.build_storage().unwrap()).execute_with(|| {
		test();
		Beacon::do_try_state().unwrap();
	});
}

/// A block on relay block `relay`, whose author's value is proven if there is one.
fn block(number: u32, relay: u32, value: Option<[u8; 32]>) {
	let parent = sp_core::H256::from_low_u64_be(u64::from(number));
	System::reset_events();
	System::initialize(&number, &parent, &Default::default());
	let mut builder = RelayStateSproofBuilder::default();
	if let Some(value) = value {
		builder.additional_key_values.push((CURRENT_BLOCK_RANDOMNESS.to_vec(), Some(value).encode()));
	}
	let para_id = builder.para_id;
	let (root, proof) = builder.into_state_root_and_proof();
	let proof = RelayChainStateProof::new(para_id, root, proof).unwrap();
	Beacon::on_relay_state_proof(&proof);
	let data = PersistedValidationData { relay_parent_number: relay, ..Default::default() };
	Beacon::on_validation_data(&data);
}

#[test]
fn value_should_be_the_first_that_was_not_to_be_foreseen() {
	on_chain(false, || {
		for (number, relay) in [(1, 10), (2, 11), (3, 13), (4, 14), (5, 15)] {
			block(number, relay, Some([relay as u8; 32]));
		}
		assert_eq!(Beacon::after(1), Some([14; 32]));
		assert_eq!(Beacon::after(2), Some([15; 32]));
		assert_eq!(Beacon::after(3), None);
		assert_eq!(Beacon::after(9), None);
		assert_eq!(LastSource::<Test>::get(), Some(Source::Relay));
	});
}

#[test]
fn value_should_be_missing_when_the_relay_chain_has_none_and_there_is_no_fallback() {
	on_chain(false, || {
		block(1, 10, Some([1; 32]));
		for number in 2..9 {
			block(number, 9 + number, None);
		}
		assert_eq!(Beacon::after(1), None);
		block(9, 30, Some([9; 32]));
		assert_eq!(Beacon::after(1), Some([9; 32]));
	});
}

#[test]
fn parent_hash_should_stand_in_when_genesis_says_so_and_be_announced() {
	on_chain(true, || {
		block(1, 10, None);
		System::assert_has_event(Event::SourceChanged { to: Some(Source::ParentHash) }.into());
		block(2, 11, None);
		assert_eq!(System::events().len(), 0);
		let value = Values::<Test>::get(2).unwrap();
		assert_eq!(value.source, Source::ParentHash);
		assert_eq!(Beacon::after(1), Some(value.bytes));
		block(3, 20, Some([3; 32]));
		System::assert_has_event(Event::SourceChanged { to: Some(Source::Relay) }.into());
		assert_eq!(Beacon::after(2), Some([3; 32]));
	});
}

#[test]
fn values_should_be_forgotten_when_they_are_old() {
	on_chain(false, || {
		for number in 1..=KEPT + 10 {
			block(number, number, Some([7; 32]));
		}
		assert_eq!(Values::<Test>::iter().count() as u32, KEPT);
		assert_eq!(Beacon::after(5), None);
	});
}

proptest! {
	#[test]
	fn value_should_not_change_once_it_is_there(steps in prop::collection::vec((0u32..4, any::<bool>()), 2..60)) {
		on_chain(false, || {
			let mut relay = 10;
			let mut seen = std::collections::BTreeMap::new();
			for (at, (ahead, proven)) in steps.into_iter().enumerate() {
				relay += ahead;
				let number = at as u32 + 1;
				block(number, relay, proven.then_some([number as u8; 32]));
				for earlier in 1..number {
					let value = Beacon::after(earlier);
					if let Some(old) = seen.get(&earlier) {
						assert_eq!(value.as_ref(), Some(old), "the value after {earlier} changed");
					}
					if let Some(value) = value {
						seen.insert(earlier, value);
					}
				}
			}
		});
	}
}
