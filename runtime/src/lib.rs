//! The runtime of Noesis: wires the pallets into a parachain.
//!
//! - [`configs`]: every pallet's configuration, by concern
//! - [`apis`]: the runtime APIs, `NoesisApi` among them
//! - [`parameters`]: the numbers that governance may change
//! - [`genesis_config_presets`]: the networks `development` and `local_testnet`

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]
#![allow(missing_docs)] // What the macros make has none; what is written here has.
#![allow(clippy::arithmetic_side_effects)] // Only constants are computed here; the pallets check what they compute.

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benches;
pub mod configs;
pub mod genesis_config_presets;
pub mod parameters;
mod queries;
#[cfg(test)]
mod tests;

use alloc::{borrow::Cow, vec::Vec};
use polkadot_sdk::{staging_parachain_info as parachain_info, *};
use sp_runtime::{generic, impl_opaque_keys, traits::BlakeTwo256, MultiAddress};
use sp_version::RuntimeVersion;

pub use noesis_primitives::{Balance, BlockNumber};
pub use parachains_common::{AccountId, AuraId, Hash, Nonce, Signature};

/// How accounts are named in extrinsics.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// An extrinsic as it arrives.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What every signed extrinsic carries and is checked for.
pub type TxExtension = cumulus_pallet_weight_reclaim::StorageWeightReclaim<
	Runtime,
	(
		frame_system::AuthorizeCall<Runtime>,
		frame_system::CheckNonZeroSender<Runtime>,
		frame_system::CheckSpecVersion<Runtime>,
		frame_system::CheckTxVersion<Runtime>,
		frame_system::CheckGenesis<Runtime>,
		frame_system::CheckEra<Runtime>,
		frame_system::CheckNonce<Runtime>,
		frame_system::CheckWeight<Runtime>,
		pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
		frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	),
>;
/// Dispatches to the pallets.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

impl_opaque_keys! {
	/// The keys of a collator.
	pub struct SessionKeys {
		/// Block authoring.
		pub aura: Aura,
	}
}

/// The version of this runtime.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("noesis"),
	impl_name: Cow::Borrowed("noesis"),
	authoring_version: 1,
	spec_version: 1,
	impl_version: 0,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

/// One DOT in planck.
pub const UNIT: Balance = 10_000_000_000;
/// A hundredth of a DOT.
pub const CENTS: Balance = UNIT / 100;
/// A thousandth of a cent.
pub const MILLICENTS: Balance = CENTS / 1_000;
/// Least balance of an account.
pub const EXISTENTIAL_DEPOSIT: Balance = CENTS;

/// Milliseconds between blocks.
pub const SLOT_DURATION: u64 = 6_000;
/// Blocks in a minute.
pub const MINUTES: BlockNumber = 60_000 / (SLOT_DURATION as BlockNumber);
/// Blocks in an hour.
pub const HOURS: BlockNumber = MINUTES * 60;
/// Blocks in a day.
pub const DAYS: BlockNumber = HOURS * 24;

/// Storage deposit for `items` entries of `bytes` bytes in all.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	items as Balance * 20 * CENTS + bytes as Balance * MILLICENTS
}

#[frame_support::runtime]
mod runtime {
	/// The runtime.
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
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type ParachainSystem = cumulus_pallet_parachain_system;
	#[runtime::pallet_index(2)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(3)]
	pub type ParachainInfo = parachain_info;
	#[runtime::pallet_index(4)]
	pub type WeightReclaim = cumulus_pallet_weight_reclaim;

	#[runtime::pallet_index(10)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(11)]
	pub type TransactionPayment = pallet_transaction_payment;

	#[runtime::pallet_index(20)]
	pub type Authorship = pallet_authorship;
	#[runtime::pallet_index(21)]
	pub type CollatorSelection = pallet_collator_selection;
	#[runtime::pallet_index(22)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(23)]
	pub type Aura = pallet_aura;
	#[runtime::pallet_index(24)]
	pub type AuraExt = cumulus_pallet_aura_ext;

	#[runtime::pallet_index(30)]
	pub type XcmpQueue = cumulus_pallet_xcmp_queue;
	#[runtime::pallet_index(31)]
	pub type PolkadotXcm = pallet_xcm;
	#[runtime::pallet_index(32)]
	pub type CumulusXcm = cumulus_pallet_xcm;
	#[runtime::pallet_index(33)]
	pub type MessageQueue = pallet_message_queue;

	#[runtime::pallet_index(40)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(41)]
	pub type Proxy = pallet_proxy;
	#[runtime::pallet_index(42)]
	pub type Multisig = pallet_multisig;

	#[runtime::pallet_index(50)]
	pub type Parameters = pallet_parameters;

	#[runtime::pallet_index(60)]
	pub type Operators = pallet_operators;
	#[runtime::pallet_index(61)]
	pub type Checkpoints = pallet_checkpoints;
	#[runtime::pallet_index(62)]
	pub type Poi = pallet_poi;
	#[runtime::pallet_index(63)]
	pub type Poc = pallet_poc;
	#[runtime::pallet_index(64)]
	pub type Dispute = pallet_dispute;
	#[runtime::pallet_index(65)]
	pub type Beacon = pallet_beacon;

	#[runtime::pallet_index(80)]
	pub type Nfts = pallet_nfts;

	#[runtime::pallet_index(255)]
	pub type Sudo = pallet_sudo;
}

cumulus_pallet_parachain_system::register_validate_block! {
	Runtime = Runtime,
	BlockExecutor = cumulus_pallet_aura_ext::BlockExecutor::<Runtime, Executive>,
}
