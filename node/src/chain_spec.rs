//! The networks that the node knows by name.

use noesis_runtime::{genesis_config_presets::PARACHAIN_ID, WASM_BINARY};
use polkadot_omni_node_lib::chain_spec::{
	ChainSpec, DiskChainSpecLoader, Extensions, GenericChainSpec, LoadSpec,
};
use sc_service::{ChainType, Properties};

/// Loads `dev` (what `--dev` asks for), `local` (also the default), or a chain-spec file.
pub struct Loader;

impl LoadSpec for Loader {
	fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
		let spec = match id {
			"dev" => build("Noesis Development", "noesis_dev", ChainType::Development, "development")?,
			"" | "local" => build("Noesis Local", "noesis_local", ChainType::Local, "local_testnet")?,
			path => {
				return DiskChainSpecLoader
					.load_spec(path)
					.map_err(|e| format!("'{path}' is neither `dev`, `local` nor a chain-spec file: {e}"))
			},
		};
		Ok(Box::new(spec))
	}
}

fn build(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<GenericChainSpec, String> {
	let wasm = WASM_BINARY
		.ok_or("this node was built without the runtime's Wasm (SKIP_WASM_BUILD): name a chain-spec file")?;
	Ok(GenericChainSpec::builder(wasm, Extensions::new("rococo-local".into(), PARACHAIN_ID))
		.with_name(name)
		.with_id(id)
		.with_protocol_id("noesis")
		.with_chain_type(chain_type)
		.with_genesis_config_preset_name(preset)
		.with_properties(properties())
		.build())
}

/// What wallets show.
fn properties() -> Properties {
	Properties::from_iter([
		("tokenSymbol".into(), "DOT".into()),
		("tokenDecimals".into(), 10.into()),
		("ss58Format".into(), 42.into()),
	])
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn named_networks_should_load() {
		for id in ["dev", "local", ""] {
			let spec = Loader.load_spec(id).unwrap();
			assert_eq!(spec.properties().get("tokenDecimals"), Some(&10.into()), "{id}");
			assert!(spec.as_json(false).unwrap().contains("\"para_id\": 2000"));
		}
	}

	#[test]
	fn loader_should_say_what_it_knows_when_the_name_is_unknown() {
		let error = Loader.load_spec("mainnet").err().unwrap();
		assert!(error.contains("neither `dev`, `local` nor a chain-spec file"), "{error}");
	}
}
