use crate::*;
use frame_support::traits::PalletInfoAccess;

/// Indices and names are what wallets, workers and storage keys stand on: changing one breaks them all.
#[test]
fn pallets_should_keep_their_indices() {
	let expected = [
		(System::index(), System::name(), 0, "System"),
		(ParachainSystem::index(), ParachainSystem::name(), 1, "ParachainSystem"),
		(Timestamp::index(), Timestamp::name(), 2, "Timestamp"),
		(ParachainInfo::index(), ParachainInfo::name(), 3, "ParachainInfo"),
		(WeightReclaim::index(), WeightReclaim::name(), 4, "WeightReclaim"),
		(Balances::index(), Balances::name(), 10, "Balances"),
		(TransactionPayment::index(), TransactionPayment::name(), 11, "TransactionPayment"),
		(Authorship::index(), Authorship::name(), 20, "Authorship"),
		(CollatorSelection::index(), CollatorSelection::name(), 21, "CollatorSelection"),
		(Session::index(), Session::name(), 22, "Session"),
		(Aura::index(), Aura::name(), 23, "Aura"),
		(AuraExt::index(), AuraExt::name(), 24, "AuraExt"),
		(XcmpQueue::index(), XcmpQueue::name(), 30, "XcmpQueue"),
		(PolkadotXcm::index(), PolkadotXcm::name(), 31, "PolkadotXcm"),
		(CumulusXcm::index(), CumulusXcm::name(), 32, "CumulusXcm"),
		(MessageQueue::index(), MessageQueue::name(), 33, "MessageQueue"),
		(Utility::index(), Utility::name(), 40, "Utility"),
		(Proxy::index(), Proxy::name(), 41, "Proxy"),
		(Multisig::index(), Multisig::name(), 42, "Multisig"),
		(Parameters::index(), Parameters::name(), 50, "Parameters"),
		(Operators::index(), Operators::name(), 60, "Operators"),
		(Checkpoints::index(), Checkpoints::name(), 61, "Checkpoints"),
		(Poi::index(), Poi::name(), 62, "Poi"),
		(Poc::index(), Poc::name(), 63, "Poc"),
		(Dispute::index(), Dispute::name(), 64, "Dispute"),
		(Beacon::index(), Beacon::name(), 65, "Beacon"),
		(Nfts::index(), Nfts::name(), 80, "Nfts"),
		(Sudo::index(), Sudo::name(), 255, "Sudo"),
	];
	for (index, name, expected_index, expected_name) in expected {
		assert_eq!((index, name), (expected_index, expected_name));
	}
}

#[test]
fn block_weights_should_leave_room_for_operational_calls() {
	let weights = configs::RuntimeBlockWeights::get();
	assert_eq!(weights.max_block, configs::MAXIMUM_BLOCK_WEIGHT);
	weights.validate().unwrap();
}

#[test]
fn proxy_that_operates_should_not_move_money() {
	use frame_support::traits::InstanceFilter;
	let operate = configs::ProxyType::Operate;
	let claim = RuntimeCall::Poi(pallet_poi::Call::claim { job: noesis_primitives::JobId(0) });
	let withdraw = RuntimeCall::Operators(pallet_operators::Call::withdraw {});
	let transfer = RuntimeCall::Balances(pallet_balances::Call::transfer_all {
		dest: sp_keyring::Sr25519Keyring::Bob.to_account_id().into(),
		keep_alive: false,
	});
	let challenge = RuntimeCall::Dispute(pallet_dispute::Call::challenge {
		subject: noesis_primitives::Subject::Job(noesis_primitives::JobId(0)),
		accused: noesis_primitives::Accused::Worker,
		claim: noesis_primitives::Claim {
			root: Default::default(),
			leaves: 1,
			output: Default::default(),
			usage: Default::default(),
		},
	});
	let dispute = noesis_primitives::DisputeId(0);
	let output = noesis_primitives::ShownOutput::Bytes { bytes: Default::default(), seal: None };
	let evidence = noesis_primitives::WordEvidence::default();
	for defence in [
		pallet_dispute::Call::show_output { dispute, output },
		pallet_dispute::Call::prove_word { dispute, evidence },
	] {
		assert!(operate.filter(&RuntimeCall::Dispute(defence)));
	}
	assert!(!operate.filter(&challenge));
	assert!(operate.filter(&claim));
	assert!(!operate.filter(&withdraw));
	assert!(!operate.filter(&transfer));
	assert!(configs::ProxyType::Any.filter(&transfer));
}
