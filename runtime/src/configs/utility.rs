//! Batches, proxies, multisigs, governed parameters, and sudo for development networks.

use crate::{parameters::RuntimeParameters, *};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	parameter_types,
	traits::{AsEnsureOriginWithArg, ConstU32, InstanceFilter},
};
use frame_system::EnsureRoot;

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
	/// Deposit for the first proxy.
	pub const ProxyDepositBase: Balance = deposit(1, 40);
	/// Deposit for each further proxy.
	pub const ProxyDepositFactor: Balance = deposit(0, 33);
	/// Deposit for the first announcement.
	pub const AnnouncementDepositBase: Balance = deposit(1, 48);
	/// Deposit for each further announcement.
	pub const AnnouncementDepositFactor: Balance = deposit(0, 66);
	/// Deposit for a multisig operation.
	pub const MultisigDepositBase: Balance = deposit(1, 88);
	/// Deposit for each signatory.
	pub const MultisigDepositFactor: Balance = deposit(0, 32);
}

/// What a proxy may do for an account.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	scale_info::TypeInfo,
)]
pub enum ProxyType {
	/// Everything.
	#[default]
	Any,
	/// The daily work of a worker or validator: jobs and verdicts, but no money and no stake.
	Operate,
	/// Collators: session keys and candidacy.
	Collator,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		match self {
			Self::Any => true,
			Self::Operate => matches!(
				call,
				RuntimeCall::Poi(
					pallet_poi::Call::claim { .. }
						| pallet_poi::Call::release { .. }
						| pallet_poi::Call::answer { .. }
						| pallet_poi::Call::expire { .. }
						| pallet_poi::Call::settle { .. },
				) | RuntimeCall::Poc(pallet_poc::Call::verdict { .. } | pallet_poc::Call::abstain { .. })
					| RuntimeCall::Operators(
						pallet_operators::Call::update_capability { .. }
							| pallet_operators::Call::heartbeat { .. }
							| pallet_operators::Call::sweep { .. }
					) | RuntimeCall::Dispute(
					pallet_dispute::Call::reveal { .. }
						| pallet_dispute::Call::choose { .. }
						| pallet_dispute::Call::expand { .. }
						| pallet_dispute::Call::prove_input { .. }
						| pallet_dispute::Call::prove { .. }
						| pallet_dispute::Call::prove_text { .. }
						| pallet_dispute::Call::prove_word { .. }
						| pallet_dispute::Call::show_output { .. }
						| pallet_dispute::Call::prove_output { .. }
						| pallet_dispute::Call::timeout { .. }
				)
			),
			Self::Collator => {
				matches!(call, RuntimeCall::CollatorSelection(..) | RuntimeCall::Session(..))
			},
		}
	}

	fn is_superset(&self, other: &Self) -> bool {
		self == &Self::Any || self == other
	}
}

impl pallet_proxy::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type ProxyType = ProxyType;
	type ProxyDepositBase = ProxyDepositBase;
	type ProxyDepositFactor = ProxyDepositFactor;
	type MaxProxies = ConstU32<32>;
	type MaxPending = ConstU32<32>;
	type CallHasher = BlakeTwo256;
	type AnnouncementDepositBase = AnnouncementDepositBase;
	type AnnouncementDepositFactor = AnnouncementDepositFactor;
	type BlockNumberProvider = System;
	type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
}

impl pallet_multisig::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type DepositBase = MultisigDepositBase;
	type DepositFactor = MultisigDepositFactor;
	type MaxSignatories = ConstU32<100>;
	type BlockNumberProvider = System;
	type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
}

impl pallet_parameters::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeParameters = RuntimeParameters;
	type AdminOrigin = AsEnsureOriginWithArg<EnsureRoot<AccountId>>;
	type WeightInfo = ();
}

impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}
