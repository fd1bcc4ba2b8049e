//! Taking a block's value, and finding the one after a block.

use crate::{
	Config, Event, Fallback, LastSource, Pallet, Proven, RelayParents, Source, Value, Values, KEPT,
	LOOK_AHEAD,
};
use cumulus_pallet_parachain_system::{OnSystemEvent, RelayChainStateProof};
use noesis_primitives::{BlockNumber, BlockRandomness};
use polkadot_sdk::{
	cumulus_primitives_core::{
		relay_chain::well_known_keys::CURRENT_BLOCK_RANDOMNESS, PersistedValidationData,
	},
	frame_support::{traits::Get, weights::Weight},
	frame_system,
	sp_io::hashing::blake2_256,
	sp_runtime::SaturatedConversion,
};

impl<T: Config> Pallet<T> {
	fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Takes what this block, built on relay block `relay`, brings.
	pub(crate) fn record(relay: u32, proven: Option<[u8; 32]>) {
		let now = Self::now();
		let gone = now.saturating_sub(KEPT);
		Values::<T>::remove(gone);
		RelayParents::<T>::remove(gone);
		RelayParents::<T>::insert(now, relay);
		let value = match proven {
			Some(bytes) => Some(Value { relay, bytes, source: Source::Relay }),
			None if Fallback::<T>::get() => {
				let parent = frame_system::Pallet::<T>::parent_hash();
				let bytes = blake2_256(&[b"noesis:beacon".as_slice(), parent.as_ref()].concat());
				Some(Value { relay, bytes, source: Source::ParentHash })
			},
			None => None,
		};
		let source = value.map(|value| value.source);
		if LastSource::<T>::get() != source {
			LastSource::<T>::set(source);
			Self::deposit_event(Event::SourceChanged { to: source });
		}
		if let Some(value) = value {
			Values::<T>::insert(now, value);
		}
	}

	/// The value after a block: that of the first later block that a collator could not foresee.
	fn value_after(block: BlockNumber) -> Option<Value> {
		let relay = RelayParents::<T>::get(block)?;
		let unforeseen = |value: &Value| match value.source {
			Source::Relay => value.relay > relay.saturating_add(T::RelayLag::get()),
			Source::ParentHash => true,
		};
		let last = block.saturating_add(LOOK_AHEAD).min(Self::now());
		(block.saturating_add(1)..=last).filter_map(Values::<T>::get).find(unforeseen)
	}

	/// Everything that is kept is from the last [`KEPT`] blocks, and every value's block has its relay parent.
	#[cfg(any(feature = "std", feature = "try-runtime"))]
	pub fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		use polkadot_sdk::frame_support::ensure;
		let now = Self::now();
		for (block, _) in RelayParents::<T>::iter() {
			ensure!(block <= now && now.saturating_sub(block) < KEPT, "a relay parent is kept too long");
		}
		for (block, value) in Values::<T>::iter() {
			let parent = RelayParents::<T>::get(block);
			ensure!(parent == Some(value.relay), "a value does not know its relay parent");
		}
		ensure!(!Proven::<T>::exists(), "a proven value was not taken");
		Ok(())
	}
}

impl<T: Config> OnSystemEvent for Pallet<T> {
	fn on_relay_state_proof(proof: &RelayChainStateProof) -> Weight {
		// The relay chain stores `Option<[u8; 32]>`: a block of a secondary slot may have none.
		let proven = proof.read_optional_entry::<Option<[u8; 32]>>(CURRENT_BLOCK_RANDOMNESS);
		Proven::<T>::set(proven.ok().flatten().flatten());
		T::DbWeight::get().reads_writes(3, 7)
	}

	fn on_validation_data(data: &PersistedValidationData) {
		Self::record(data.relay_parent_number, Proven::<T>::take());
	}

	fn on_validation_code_applied() {}
}

impl<T: Config> BlockRandomness for Pallet<T> {
	fn after(block: BlockNumber) -> Option<[u8; 32]> {
		Self::value_after(block).map(|value| value.bytes)
	}
}
