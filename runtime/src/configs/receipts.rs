//! Receipts: an NFT for every answer that became final, owned by its requester.

use crate::*;
use codec::Encode;
use frame_support::{
	dispatch::DispatchResult,
	parameter_types,
	storage::with_storage_layer,
	traits::{
		nonfungibles_v2::{Create, Mutate},
		AsEnsureOriginWithArg, ConstU128, ConstU32,
	},
	PalletId,
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess};
use noesis_primitives::{Receipt, Subject};
use pallet_nfts::{
	CollectionConfig, CollectionSettings, ItemConfig, ItemSetting, ItemSettings, MintSettings, PalletFeatures,
};
use sp_runtime::traits::{AccountIdConversion, Verify};

/// The collection that holds every receipt.
pub const RECEIPTS: u32 = 0;
/// Longest receipt in bytes: 16 verdicts and every field at its largest.
const MAX_RECEIPT: u32 = 1024;

parameter_types! {
	/// Owns the collection of receipts; nobody has its key.
	pub ReceiptsAccount: AccountId = PalletId(*b"noesis/r").into_account_truncating();
	/// What the pallet offers to callers: everything; collections are Root's alone to create.
	pub Features: PalletFeatures = PalletFeatures::all_enabled();
	/// Longest that an offer stands.
	pub const MaxDeadlineDuration: BlockNumber = 365 * DAYS;
}

impl pallet_nfts::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type CollectionId = u32;
	type ItemId = u128;
	type Currency = Balances;
	type ForceOrigin = EnsureRoot<AccountId>;
	type CreateOrigin = AsEnsureOriginWithArg<EnsureRootWithSuccess<AccountId, ReceiptsAccount>>;
	type Locker = ();
	type CollectionDeposit = ConstU128<0>;
	// The job's base fee pays for the place that its receipt takes.
	type ItemDeposit = ConstU128<0>;
	type MetadataDepositBase = ConstU128<0>;
	type AttributeDepositBase = ConstU128<{ UNIT }>;
	type DepositPerByte = ConstU128<0>;
	type StringLimit = ConstU32<MAX_RECEIPT>;
	type KeyLimit = ConstU32<64>;
	type ValueLimit = ConstU32<256>;
	type ApprovalsLimit = ConstU32<20>;
	type ItemAttributesApprovalsLimit = ConstU32<30>;
	type MaxTips = ConstU32<10>;
	type MaxDeadlineDuration = MaxDeadlineDuration;
	type MaxAttributesPerCall = ConstU32<10>;
	type Features = Features;
	type OffchainSignature = Signature;
	type OffchainPublic = <Signature as Verify>::Signer;
	#[cfg(feature = "runtime-benchmarks")]
	type Helper = ();
	type WeightInfo = pallet_nfts::weights::SubstrateWeight<Runtime>;
	type BlockNumberProvider = System;
}

/// Makes receipts in the collection [`RECEIPTS`]. The item's number says what it is for, its metadata is the SCALE
/// encoding of [`Receipt`], which nobody can change.
pub struct NftReceipts;

impl NftReceipts {
	fn make(owner: &AccountId, receipt: &Receipt<AccountId>) -> DispatchResult {
		if Nfts::collection_owner(RECEIPTS).is_none() {
			let account = ReceiptsAccount::get();
			let config = CollectionConfig {
				settings: CollectionSettings::all_enabled(),
				max_supply: None,
				mint_settings: MintSettings::default(),
			};
			Nfts::create_collection_with_id(RECEIPTS, &account, &account, &config)?;
		}
		let item = item(receipt.subject);
		let settings =
			ItemSettings::from_disabled(ItemSetting::UnlockedMetadata | ItemSetting::UnlockedAttributes);
		Nfts::mint_into(&RECEIPTS, &item, owner, &ItemConfig { settings }, false)?;
		receipt.using_encoded(|bytes| Nfts::set_item_metadata(None, &RECEIPTS, &item, bytes))?;
		Ok(())
	}
}

impl noesis_primitives::Receipts<AccountId> for NftReceipts {
	fn issue(owner: &AccountId, receipt: &Receipt<AccountId>) {
		// Without a receipt the answer is as final as with one.
		let _ = with_storage_layer(|| Self::make(owner, receipt));
	}
}

/// The number of the item that stands for a subject: the job's; or, for an entry of a channel or of a batch, a one in
/// the highest or second bit, the number of the channel or batch from bit 32 on, and the entry's below.
fn item(subject: Subject) -> u128 {
	let entry = |kind: u128, bundle: u64, index: u32| kind | u128::from(bundle) << 32 | u128::from(index);
	match subject {
		Subject::Job(job) => job.0.into(),
		Subject::Turn { channel, index } => entry(1 << 127, channel.0, index),
		Subject::Item { batch, index } => entry(1 << 126, batch.0, index),
	}
}
