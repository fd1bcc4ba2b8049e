//! Stands in for the `wasm-opt` crate 0.116: calls the `wasm-opt` program of the system.
//!
//! The real crate compiles 12 core-minutes of C++ (Binaryen), which distributions ship as a package. This one
//! has as much of its interface as `substrate-wasm-builder` uses.

use std::{fmt, path::Path, process::Command};

/// The passes that `substrate-wasm-builder` asks for.
#[derive(Clone, Copy, Debug)]
pub enum Pass {
	/// Removes DWARF sections.
	StripDwarf,
	/// Leaves no sign-extension operators. The target `wasm32v1-none` makes none, so this one refuses them
	/// instead of replacing them: older versions of `wasm-opt` lack the pass.
	SignextLowering,
}

impl Pass {
	fn flag(self) -> &'static str {
		match self {
			Self::StripDwarf => "--strip-dwarf",
			Self::SignextLowering => "--disable-sign-ext",
		}
	}
}

/// What `wasm-opt` is to do.
#[derive(Clone, Debug, Default)]
pub struct OptimizationOptions {
	flags: Vec<&'static str>,
}

/// Why `wasm-opt` did not do it.
#[derive(Debug)]
pub struct OptimizationError(String);

impl fmt::Display for OptimizationError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(&self.0)
	}
}

impl std::error::Error for OptimizationError {}

impl OptimizationOptions {
	/// Only the passes that are added.
	pub fn new_opt_level_0() -> Self {
		Self::default()
	}

	/// Rejects what lies beyond the first version of WebAssembly.
	pub fn mvp_features_only(&mut self) -> &mut Self {
		self.flags.push("--mvp-features");
		self.flags.push("--enable-mutable-globals");
		self
	}

	/// Keeps the names section.
	pub fn debug_info(&mut self, keep: bool) -> &mut Self {
		if keep {
			self.flags.push("--debuginfo");
		}
		self
	}

	/// Adds one pass.
	pub fn add_pass(&mut self, pass: Pass) -> &mut Self {
		self.flags.push(pass.flag());
		self
	}

	/// Reads `input`, writes `output`; both may be one file.
	pub fn run(&self, input: impl AsRef<Path>, output: impl AsRef<Path>) -> Result<(), OptimizationError> {
		let run = Command::new("wasm-opt")
			.args(&self.flags)
			.arg(input.as_ref())
			.arg("--output")
			.arg(output.as_ref())
			.output()
			.map_err(|e| OptimizationError(format!("wasm-opt did not start ({e}): install `binaryen`")))?;
		if run.status.success() {
			return Ok(());
		}
		Err(OptimizationError(format!("wasm-opt: {}", String::from_utf8_lossy(&run.stderr))))
	}
}
