//! Tests over the whole runtime.

mod batch;
mod canon32;
mod costs;
mod economy;
mod genesis;
mod job;
mod layout;
mod liability;
mod weights;

use crate::*;
use sp_runtime::BuildStorage;

/// The state at the start of a preset.
fn preset(id: &str) -> sp_io::TestExternalities {
	let config = genesis_config_presets::config(id).unwrap();
	let mut externalities: sp_io::TestExternalities = config.build_storage().unwrap().into();
	externalities.execute_with(|| System::set_block_number(1));
	externalities
}
