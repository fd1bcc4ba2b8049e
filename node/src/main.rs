//! The collator of Noesis, on `polkadot-omni-node-lib`.
//!
//! This binary links GPL-3.0 code and is distributed under GPL-3.0-or-later with the Classpath exception.

mod chain_spec;
mod database;

use polkadot_omni_node_lib::{run, runtime::DefaultRuntimeResolver, CliConfig, RunConfig, NODE_VERSION};

struct Noesis;

impl CliConfig for Noesis {
	fn impl_version() -> String {
		format!("{}-{}-{}", env!("CARGO_PKG_VERSION"), NODE_VERSION, env!("SUBSTRATE_CLI_COMMIT_HASH"))
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		"https://github.com/noesis-network/noesis/issues".into()
	}

	fn copyright_start_year() -> u16 {
		2026
	}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
	database::default_to_paritydb()?;
	// These write a spec for people to read and change.
	let writes_spec = matches!(std::env::args().nth(1).as_deref(), Some("export-chain-spec" | "build-spec"));
	let loader = chain_spec::Loader { native_genesis: !writes_spec };
	run::<Noesis>(RunConfig::new(Box::new(DefaultRuntimeResolver), Box::new(loader)))?;
	Ok(())
}
