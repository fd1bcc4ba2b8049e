//! Measures the weights of a runtime's pallets: `frame-benchmarking-cli` over the Wasm blob, and nothing else, so
//! that it shares every crate with the node. Called by `scripts/weights.sh`.
//!
//! This binary links GPL-3.0 code and is distributed under GPL-3.0-or-later with the Classpath exception.

use clap::Parser;
use cumulus_primitives_proof_size_hostfunction::storage_proof_size::HostFunctions;
use frame_benchmarking_cli::PalletCmd;
use sp_runtime::traits::BlakeTwo256;

fn main() -> sc_cli::Result<()> {
	sc_cli::LoggerBuilder::new("info,wasmtime=off,cranelift=off").init()?;
	PalletCmd::parse().run_with_spec::<BlakeTwo256, HostFunctions>(None)
}
