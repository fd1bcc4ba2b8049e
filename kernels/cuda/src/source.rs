//! The kernel sources that were embedded at build time.

use std::collections::BTreeSet;

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
	/// The compute capability times ten for which alone it is written; none if it is for all.
	pub only: Option<u32>,
	/// Binaries by compute capability (80 is 8.0), where a CUDA compiler was at hand.
	pub cubins: &'static [(u32, &'static [u8])],
}

impl Source {
	/// Whether its kernels can run on a device of this compute capability (times ten).
	pub fn runs_on(&self, architecture: u32) -> bool {
		self.only.is_none_or(|only| only == architecture)
	}

	/// The embedded binary that a device of this compute capability (times ten) runs best, and what it was made for:
	/// machine code runs on its own generation, from its own version on. Code for 9.0 is for 9.0 alone (it is made
	/// with the instructions that only 9.0 has).
	pub fn binary_for(&self, architecture: u32) -> Option<(u32, &'static [u8])> {
		let runs = |made_for: u32| {
			made_for == architecture
				|| (made_for != 90 && made_for / 10 == architecture / 10 && made_for < architecture)
		};
		self.cubins
			.iter()
			.copied()
			.filter(|(made_for, _)| runs(*made_for))
			.max_by_key(|(made_for, _)| *made_for)
	}
}

include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// All embedded sources, by name.
pub fn sources() -> &'static [Source] {
	SOURCES
}

/// The compute capabilities (times ten) for which binaries are embedded.
pub fn embedded() -> BTreeSet<u32> {
	SOURCES.iter().flat_map(|source| source.cubins).map(|(made_for, _)| *made_for).collect()
}

/// The source that defines a kernel.
pub fn find(kernel: &str) -> Option<&'static Source> {
	SOURCES.iter().find(|source| source.kernels.contains(&kernel))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_binary_should_be_chosen_by_generation_and_version() {
		let cubins: &[(u32, &[u8])] = &[(80, b"80"), (89, b"89"), (90, b"90")];
		let source = Source { name: "x", text: "", hash: "", kernels: &[], only: None, cubins };
		let chosen = |architecture| source.binary_for(architecture).map(|(made_for, _)| made_for);
		let expected = [(75, None), (80, Some(80)), (86, Some(80)), (89, Some(89)), (90, Some(90))];
		for (architecture, made_for) in expected.into_iter().chain([(93, None), (100, None), (120, None)]) {
			assert_eq!(chosen(architecture), made_for, "compute capability {architecture}");
		}
	}

	#[test]
	fn a_source_for_one_generation_should_be_known_by_its_name() {
		let runs = |name: &str, architecture| {
			sources().iter().find(|source| source.name == name).unwrap().runs_on(architecture)
		};
		assert!([80, 89, 90, 120].into_iter().all(|architecture| runs("attention_forward", architecture)));
		assert!(runs("attention_forward_sm90", 90));
		assert!([80, 89, 100, 120]
			.into_iter()
			.all(|architecture| !runs("attention_forward_sm90", architecture)));
	}

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
