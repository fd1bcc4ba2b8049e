//! The kernel sources that were embedded at build time.

/// One `.cu` file.
pub struct Source {
	/// The file's name without its extension.
	pub name: &'static str,
	/// The whole text, headers included: what NVRTC compiles.
	pub text: &'static str,
	/// BLAKE2b-256 of the text, in hexadecimal.
	pub hash: &'static str,
	/// The kernels that the file defines.
	pub kernels: &'static [&'static str],
	/// Binaries by compute capability (80 is 8.0), where a CUDA compiler was at hand.
	pub cubins: &'static [(u32, &'static [u8])],
}

include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// All embedded sources, by name.
pub fn sources() -> &'static [Source] {
	SOURCES
}

/// The source that defines a kernel.
pub fn find(kernel: &str) -> Option<&'static Source> {
	SOURCES.iter().find(|source| source.kernels.contains(&kernel))
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::collections::BTreeSet;

	#[test]
	fn every_source_should_define_kernels_of_its_own() {
		let mut seen = BTreeSet::new();
		for source in sources() {
			assert!(!source.kernels.is_empty(), "{} exports no kernel", source.name);
			for kernel in source.kernels {
				assert!(seen.insert(kernel), "{kernel} is defined twice");
				assert!(std::ptr::eq(find(kernel).unwrap(), source));
			}
		}
	}
}
