//! Registration, deprecation, and the reads that other rooms build on.

use crate::{
	admission, identity, ByIdentity, Config, Error, Event, Heads, HoldReason, NextId, Pallet, Records,
};
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use noesis_primitives::{
	Balance, BlockNumber, CheckpointFacts, CheckpointId, CheckpointRecord, CheckpointRegistry,
	CheckpointView, ContentHash, Locators, Profile, Root,
};
use polkadot_sdk::{frame_support, frame_system, sp_runtime::SaturatedConversion};
use scale_info::TypeInfo;

/// Whether new jobs may name a checkpoint.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum CheckpointStatus {
	/// They may.
	#[codec(index = 0)]
	Active,
	/// They may not, and never will again.
	#[codec(index = 1)]
	Deprecated,
}

/// What every job asks of a checkpoint, and what the chain keeps beside its record.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Head<AccountId> {
	/// Who registered it.
	pub owner: AccountId,
	/// Whether new jobs may name it.
	pub status: CheckpointStatus,
	/// The arithmetic.
	pub profile: Profile,
	/// Width of the residual, in values.
	pub width: u32,
	/// Number of layers.
	pub layers: u32,
	/// Longest sequence, in tokens.
	pub context: u32,
	/// Price of one token, in units.
	pub units_per_token: u32,
	/// Number of ancestors.
	pub depth: u32,
	/// Block of the registration.
	pub registered: BlockNumber,
	/// Deposit held on the owner.
	pub deposit: Balance,
}

impl<AccountId> Head<AccountId> {
	/// What other pallets need to know.
	pub fn facts(&self) -> CheckpointFacts {
		CheckpointFacts {
			active: self.status == CheckpointStatus::Active,
			profile: self.profile,
			width: self.width,
			layers: self.layers,
			context: self.context,
			units_per_token: self.units_per_token,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The checkpoint `id` as it stands.
	pub fn view(id: CheckpointId) -> Option<CheckpointView<T::AccountId>> {
		let head = Heads::<T>::get(id)?;
		let record = Records::<T>::get(id)?;
		Some(CheckpointView {
			id,
			active: head.status == CheckpointStatus::Active,
			owner: head.owner,
			record,
			depth: head.depth,
			registered: head.registered,
		})
	}

	/// Id of the next checkpoint; every smaller one is registered.
	pub fn next_id() -> CheckpointId {
		NextId::<T>::get()
	}

	/// What is held for a record at the present prices.
	pub fn deposit_of(record: &CheckpointRecord) -> Balance {
		let bytes = Balance::from(record.encoded_size() as u64);
		T::DepositBase::get().saturating_add(T::DepositPerByte::get().saturating_mul(bytes))
	}

	pub(crate) fn do_register(owner: T::AccountId, record: CheckpointRecord) -> DispatchResult {
		admission::check::<T>(&record)?;
		ensure!(!ByIdentity::<T>::contains_key(identity(&record)), Error::<T>::AlreadyRegistered);
		let depth = match record.parent {
			Some(parent) => Heads::<T>::get(parent).ok_or(Error::<T>::UnknownParent)?.depth.saturating_add(1),
			None => 0,
		};
		let deposit = Self::deposit_of(&record);
		T::Currency::hold(&HoldReason::CheckpointDeposit.into(), &owner, deposit)?;
		let (parent, weights) = (record.parent, record.weights);
		let id = Self::insert(owner.clone(), record, CheckpointStatus::Active, depth, deposit)?;
		Self::deposit_event(Event::Registered { id, owner, parent, weights, deposit });
		Ok(())
	}

	/// Writes a checkpoint under the next id.
	fn insert(
		owner: T::AccountId,
		record: CheckpointRecord,
		status: CheckpointStatus,
		depth: u32,
		deposit: Balance,
	) -> Result<CheckpointId, Error<T>> {
		let id = NextId::<T>::get();
		NextId::<T>::put(CheckpointId(id.0.checked_add(1).ok_or(Error::IdsExhausted)?));
		let head = Head {
			owner,
			status,
			profile: record.profile,
			width: record.width,
			layers: record.layers,
			context: record.context,
			units_per_token: record.units_per_token,
			depth,
			registered: frame_system::Pallet::<T>::block_number().saturated_into(),
			deposit,
		};
		if status == CheckpointStatus::Active {
			ByIdentity::<T>::insert(identity(&record), id);
		}
		Heads::<T>::insert(id, head);
		Records::<T>::insert(id, record);
		Ok(id)
	}

	/// Deprecates `id` for its owner `caller`, or for the admin (`None`).
	pub(crate) fn do_deprecate(caller: Option<T::AccountId>, id: CheckpointId) -> DispatchResult {
		let mut head = Heads::<T>::get(id).ok_or(Error::<T>::UnknownCheckpoint)?;
		ensure!(caller.is_none_or(|caller| caller == head.owner), Error::<T>::NotOwner);
		ensure!(head.status == CheckpointStatus::Active, Error::<T>::AlreadyDeprecated);
		let record = Records::<T>::get(id).ok_or(Error::<T>::UnknownCheckpoint)?;
		head.status = CheckpointStatus::Deprecated;
		Heads::<T>::insert(id, head);
		ByIdentity::<T>::remove(identity(&record));
		Self::deposit_event(Event::Deprecated { id });
		Ok(())
	}

	pub(crate) fn do_set_locators(
		caller: T::AccountId,
		id: CheckpointId,
		locators: Locators,
	) -> DispatchResult {
		let mut head = Heads::<T>::get(id).ok_or(Error::<T>::UnknownCheckpoint)?;
		ensure!(caller == head.owner, Error::<T>::NotOwner);
		let mut record = Records::<T>::get(id).ok_or(Error::<T>::UnknownCheckpoint)?;
		record.locators = locators;
		let deposit = Self::deposit_of(&record);
		let reason = HoldReason::CheckpointDeposit.into();
		if deposit > head.deposit {
			T::Currency::hold(&reason, &caller, deposit.saturating_sub(head.deposit))?;
		} else {
			T::Currency::release(&reason, &caller, head.deposit.saturating_sub(deposit), Precision::Exact)?;
		}
		head.deposit = deposit;
		Heads::<T>::insert(id, head);
		Records::<T>::insert(id, record);
		Self::deposit_event(Event::LocatorsSet { id, deposit });
		Ok(())
	}
}

impl<T: Config> CheckpointRegistry for Pallet<T> {
	fn facts(id: CheckpointId) -> Option<CheckpointFacts> {
		Heads::<T>::get(id).map(|head| head.facts())
	}

	fn group_root(id: CheckpointId, group: u32) -> Option<Root> {
		Records::<T>::get(id)?.layer_roots.get(group as usize).copied()
	}

	fn architecture(id: CheckpointId) -> Option<ContentHash> {
		Records::<T>::get(id).map(|record| record.architecture)
	}

	fn tokenizer(id: CheckpointId) -> Option<ContentHash> {
		Records::<T>::get(id).map(|record| record.tokenizer)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(facts: CheckpointFacts) -> CheckpointId {
		use noesis_primitives::MAX_LAYERS;
		use polkadot_sdk::sp_io::hashing::blake2_256;

		let id = Self::next_id();
		let roots = facts.layers.min(MAX_LAYERS.saturating_sub(1)).saturating_add(1);
		let layer_roots = (0..roots).map(|i| Root((id, i).using_encoded(blake2_256))).collect();
		Self::insert_for_benchmark(facts, ContentHash::default(), ContentHash::default(), 1, layer_roots)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_model_for_benchmark(
		architecture: &noesis_primitives::Architecture,
		tokenizer: ContentHash,
		groups: alloc::vec::Vec<Root>,
	) -> CheckpointId {
		let facts = CheckpointFacts {
			active: true,
			profile: Profile::Exact,
			width: architecture.width,
			layers: architecture.layers,
			context: architecture.context,
			units_per_token: 1,
		};
		Self::insert_for_benchmark(facts, architecture.hash(), tokenizer, architecture.vocabulary, groups)
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl<T: Config> Pallet<T> {
	fn insert_for_benchmark(
		facts: CheckpointFacts,
		architecture: ContentHash,
		tokenizer: ContentHash,
		vocabulary: u32,
		layer_roots: alloc::vec::Vec<Root>,
	) -> CheckpointId {
		let mut record = CheckpointRecord {
			parent: None,
			profile: facts.profile,
			architecture,
			tokenizer,
			weights: Root::default(),
			layer_roots: layer_roots.try_into().unwrap_or_default(),
			width: facts.width,
			layers: facts.layers,
			context: facts.context,
			vocabulary,
			units_per_token: facts.units_per_token,
			locators: Locators::default(),
		};
		record.weights = Root(admission::weights_root(&record));
		let status = if facts.active { CheckpointStatus::Active } else { CheckpointStatus::Deprecated };
		let owner = polkadot_sdk::frame_benchmarking::account("owner", 0, 0);
		Self::insert(owner, record, status, 0, 0).unwrap_or_default()
	}
}
