//! Tests over the whole runtime.

#![allow(clippy::arithmetic_side_effects)]

mod costs;
mod genesis;
mod job;
mod layout;

use crate::*;
use sp_runtime::BuildStorage;

/// The state at the start of a preset.
fn preset(id: &str) -> sp_io::TestExternalities {
	let patch: serde_json::Value =
		serde_json::from_slice(&genesis_config_presets::get_preset(&id.into()).unwrap()).unwrap();
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
	merge(&mut config, patch);
	let config: RuntimeGenesisConfig = serde_json::from_value(config).unwrap();
	let mut externalities: sp_io::TestExternalities = config.build_storage().unwrap().into();
	externalities.execute_with(|| System::set_block_number(1));
	externalities
}

fn merge(base: &mut serde_json::Value, patch: serde_json::Value) {
	match (base, patch) {
		(serde_json::Value::Object(base), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(serde_json::Value::Null), value);
			}
		},
		(base, patch) => *base = patch,
	}
}
