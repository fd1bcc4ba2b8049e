//! The networks that the node knows by name.

use noesis_runtime::{
	genesis_config_presets::{self, PARACHAIN_ID},
	WASM_BINARY,
};
use polkadot_omni_node_lib::chain_spec::{
	ChainSpec, DiskChainSpecLoader, Extensions, GenericChainSpec, LoadSpec,
};
use sc_service::{ChainType, Properties};
use serde_json::{json, Map, Value};
use sp_runtime::BuildStorage;
use std::fmt::Write;

/// Loads `dev` (what `--dev` asks for), `local` (also the default), or a chain-spec file.
pub struct Loader {
	/// Whether the genesis of a named network is built here instead of by the Wasm runtime. It is the same
	/// storage; but the Wasm runtime would be compiled four times for it, each time the node starts. A spec for
	/// people, which names the preset, needs the other form.
	pub native_genesis: bool,
}

impl LoadSpec for Loader {
	fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
		let (name, id, kind, preset) = match id {
			"dev" => ("Noesis Development", "noesis_dev", ChainType::Development, "development"),
			"" | "local" => ("Noesis Local", "noesis_local", ChainType::Local, "local_testnet"),
			path => {
				return DiskChainSpecLoader
					.load_spec(path)
					.map_err(|e| format!("'{path}' is neither `dev`, `local` nor a chain-spec file: {e}"))
			},
		};
		let wasm = WASM_BINARY.ok_or(
			"this node was built without the runtime's Wasm (SKIP_WASM_BUILD): name a chain-spec file",
		)?;
		let spec = GenericChainSpec::builder(wasm, Extensions::new("rococo-local".into(), PARACHAIN_ID))
			.with_name(name)
			.with_id(id)
			.with_protocol_id("noesis")
			.with_chain_type(kind)
			.with_genesis_config_preset_name(preset)
			.with_properties(properties())
			.build();
		Ok(Box::new(if self.native_genesis { with_storage(&spec, genesis(preset, wasm)?)? } else { spec }))
	}
}

/// What wallets show.
fn properties() -> Properties {
	Properties::from_iter([
		("tokenSymbol".into(), "DOT".into()),
		("tokenDecimals".into(), 10.into()),
		("ss58Format".into(), 42.into()),
	])
}

/// The storage at block 0 of a preset: keys and values in hexadecimal.
fn genesis(preset: &str, wasm: &[u8]) -> Result<Map<String, Value>, String> {
	let mut storage = genesis_config_presets::config(preset)?.build_storage()?;
	storage.top.insert(b":code".to_vec(), wasm.to_vec());
	Ok(storage.top.iter().map(|(key, value)| (hex(key), Value::String(hex(value)))).collect())
}

/// `spec` with `top` as its genesis.
fn with_storage(spec: &GenericChainSpec, top: Map<String, Value>) -> Result<GenericChainSpec, String> {
	let mut spec: Value = serde_json::from_str(&spec.as_json(false)?).map_err(|e| e.to_string())?;
	if let Some(spec) = spec.as_object_mut() {
		spec.insert("genesis".into(), json!({ "raw": { "top": top, "childrenDefault": {} } }));
	}
	GenericChainSpec::from_json_bytes(serde_json::to_vec(&spec).map_err(|e| e.to_string())?)
}

fn hex(bytes: &[u8]) -> String {
	bytes.iter().fold("0x".to_owned(), |mut text, byte| {
		// Writing to a string can't fail.
		let _ = write!(text, "{byte:02x}");
		text
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	const NATIVE: Loader = Loader { native_genesis: true };
	const PLAIN: Loader = Loader { native_genesis: false };

	#[test]
	fn named_networks_should_load_in_both_forms() {
		for loader in [NATIVE, PLAIN] {
			for id in ["dev", "local", ""] {
				let spec = loader.load_spec(id).unwrap();
				assert_eq!(spec.properties().get("tokenDecimals"), Some(&10.into()), "{id}");
				assert!(spec.as_json(false).unwrap().contains("\"para_id\": 2000"));
			}
		}
	}

	#[test]
	fn native_genesis_should_be_what_the_wasm_runtime_builds() {
		let native = NATIVE.load_spec("dev").unwrap().as_storage_builder().build_storage().unwrap();
		let wasm = PLAIN.load_spec("dev").unwrap().as_storage_builder().build_storage().unwrap();
		assert_eq!(native.top, wasm.top);
		assert!(native.top.len() > 50);
	}

	#[test]
	fn loader_should_say_what_it_knows_when_the_name_is_unknown() {
		let error = NATIVE.load_spec("mainnet").err().unwrap();
		assert!(error.contains("neither `dev`, `local` nor a chain-spec file"), "{error}");
	}
}
