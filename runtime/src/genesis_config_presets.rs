//! The networks that the runtime can start: `development` (one collator) and `local_testnet` (two).
//!
//! Both give sudo to Alice and money to the well-known development accounts. A real network starts from a
//! genesis of its own, without sudo.

use crate::{
	configs::{PanelFundAccount, PotAccount},
	*,
};
use alloc::vec;
use cumulus_primitives_core::ParaId;
use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_genesis_builder::PresetId;
use sp_keyring::Sr25519Keyring;

/// The para id of both networks.
pub const PARACHAIN_ID: u32 = 2000;
/// What each development account has.
pub const ENDOWMENT: Balance = 1_000_000 * UNIT;

/// `alone`: without a relay chain.
fn network(collators: &[Sr25519Keyring], alone: bool) -> Value {
	let pots = [CollatorSelection::account_id(), PotAccount::get(), PanelFundAccount::get()];
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig {
			balances: Sr25519Keyring::well_known()
				.map(|key| (key.to_account_id(), ENDOWMENT))
				.chain(pots.into_iter().map(|pot| (pot, EXISTENTIAL_DEPOSIT)))
				.collect(),
		},
		parachain_info: ParachainInfoConfig { parachain_id: ParaId::from(PARACHAIN_ID) },
		collator_selection: CollatorSelectionConfig {
			invulnerables: collators.iter().map(|key| key.to_account_id()).collect(),
			candidacy_bond: 10 * UNIT,
		},
		session: SessionConfig {
			keys: collators
				.iter()
				.map(|key| {
					let aura = AuraId::from(key.public());
					(key.to_account_id(), key.to_account_id(), SessionKeys { aura })
				})
				.collect(),
		},
		polkadot_xcm: PolkadotXcmConfig { safe_xcm_version: Some(staging_xcm::prelude::XCM_VERSION) },
		beacon: BeaconConfig { fallback: alone },
		sudo: SudoConfig { key: Some(Sr25519Keyring::Alice.to_account_id()) },
	})
}

/// The JSON patch of the preset `id`.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_ref() {
		sp_genesis_builder::DEV_RUNTIME_PRESET => network(&[Sr25519Keyring::Alice], true),
		sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET => {
			network(&[Sr25519Keyring::Alice, Sr25519Keyring::Bob], false)
		},
		_ => return None,
	};
	serde_json::to_vec(&patch).ok()
}

/// The names of the presets.
pub fn preset_names() -> Vec<PresetId> {
	vec![
		PresetId::from(sp_genesis_builder::DEV_RUNTIME_PRESET),
		PresetId::from(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET),
	]
}

/// The whole genesis configuration of the preset `id`.
#[cfg(feature = "std")]
pub fn config(id: &str) -> Result<RuntimeGenesisConfig, alloc::string::String> {
	let patch = get_preset(&id.into()).ok_or_else(|| alloc::format!("the runtime has no preset `{id}`"))?;
	let patch = serde_json::from_slice(&patch).map_err(|error| alloc::format!("{error}"))?;
	let mut config =
		serde_json::to_value(RuntimeGenesisConfig::default()).map_err(|error| alloc::format!("{error}"))?;
	merge(&mut config, patch);
	serde_json::from_value(config).map_err(|error| alloc::format!("{error}"))
}

/// Lays `patch` over `base`, object by object.
#[cfg(feature = "std")]
fn merge(base: &mut Value, patch: Value) {
	match (base, patch) {
		(Value::Object(base), Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(Value::Null), value);
			}
		},
		(base, patch) => *base = patch,
	}
}
