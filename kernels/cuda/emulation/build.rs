//! Compiles every kernel as C++, each file on its own and only when it or a header changed.

// A build that can't go on stops loudly.
#![allow(clippy::expect_used)]

use std::{
	env, fs,
	path::{Path, PathBuf},
	time::SystemTime,
};

fn changed(path: &Path) -> SystemTime {
	fs::metadata(path).and_then(|meta| meta.modified()).expect("a source file has a time")
}

fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
	let mut files: Vec<PathBuf> = fs::read_dir(folder)
		.expect("the kernels are there")
		.filter_map(|entry| entry.ok().map(|entry| entry.path()))
		.filter(|path| path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)))
		.collect();
	files.sort();
	files
}

fn main() {
	let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
	let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
	let (kernels, own) = (root.join("../cu"), root.join("cc"));
	println!("cargo:rerun-if-changed={}", kernels.display());
	println!("cargo:rerun-if-changed={}", own.display());

	let headers = files(&kernels, &["cuh"]).into_iter().chain(files(&own, &["h"]));
	let newest_header = headers.map(|path| changed(&path)).max().expect("there are headers");
	let sources = files(&own, &["cc"]).into_iter().chain(files(&kernels, &["cu"]));
	for source in sources {
		let name = format!("noesis_{}", source.file_stem().expect("it has a name").to_string_lossy());
		let library = out.join(format!("lib{name}.a"));
		let newest = changed(&source).max(newest_header);
		if !fs::metadata(&library).and_then(|meta| meta.modified()).is_ok_and(|built| built > newest) {
			cc::Build::new()
				.cpp(true)
				.std("c++17")
				.opt_level(2)
				.define("NOESIS_EMULATION", None)
				// Whatever is not written is not done: no fused multiply-add, no reordering.
				.flag("-ffp-contract=off")
				.flag("-Wno-unknown-pragmas")
				// Instances of a template that come to the same code stay apart: merged, they are warned of as if an
				// array of one had been given to another.
				.flag("-fno-ipa-icf")
				// Parameters that are aligned to more than 16 bytes: no older compiler sees them.
				.flag("-Wno-psabi")
				.flag("-xc++")
				.include(&kernels)
				.include(&own)
				.file(&source)
				.cargo_metadata(false)
				.compile(&name);
		}
		// The kernels register themselves: nothing refers to them by symbol, so the linker must keep all.
		println!("cargo:rustc-link-lib=static:+whole-archive={name}");
	}
	println!("cargo:rustc-link-search=native={}", out.display());
	println!("cargo:rustc-link-lib=stdc++");
}
