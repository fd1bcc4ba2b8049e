//! Writes the table of kernel sources, with the binaries of a CUDA compiler where `NOESIS_CUBINS` names a folder of them.
//!
//! A binary is taken only if its name holds the hash of the very text that is embedded: `NAME.HASH.smXX.cubin`.

// A build that can't go on stops loudly.
#![allow(clippy::expect_used)]

use blake2::{digest::consts::U32, Blake2b, Digest};
use std::{
	collections::BTreeSet,
	env,
	fmt::Write as _,
	fs,
	path::{Path, PathBuf},
};

const ARCHITECTURES: [&str; 3] = ["80", "89", "90a"];

/// The text with the project's own headers written in their place, once each.
fn flatten(path: &Path, seen: &mut BTreeSet<PathBuf>) -> String {
	if !seen.insert(path.to_path_buf()) {
		return String::new();
	}
	println!("cargo:rerun-if-changed={}", path.display());
	let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
	let mut out = String::new();
	for line in text.lines() {
		let header = line.strip_prefix("#include \"").and_then(|rest| rest.strip_suffix('"'));
		match header.map(|name| path.with_file_name(name)) {
			Some(header) if header.exists() => out.push_str(&flatten(&header, seen)),
			_ if line.trim() == "#pragma once" => {},
			_ => {
				out.push_str(line);
				out.push('\n');
			},
		}
	}
	out
}

/// The kernels of a file: the first argument of every line that exports or instantiates one.
fn kernels(text: &str) -> Vec<&str> {
	text.lines()
		.filter(|line| line.starts_with("EXPORT_KERNEL(") || line.starts_with("INSTANTIATE("))
		.filter_map(|line| line.split(['(', ',', ')']).nth(1))
		.map(str::trim)
		.filter(|name| !name.is_empty())
		.collect()
}

fn main() {
	let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
	let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
	println!("cargo:rerun-if-changed=cu");
	println!("cargo:rerun-if-env-changed=NOESIS_CUBINS");
	let cubins = env::var("NOESIS_CUBINS").ok().map(PathBuf::from);
	// A folder that is not there would count as changed at every build.
	if let Some(folder) = cubins.as_ref().filter(|folder| folder.exists()) {
		println!("cargo:rerun-if-changed={}", folder.display());
	}
	let mut files: Vec<PathBuf> = fs::read_dir(root.join("cu"))
		.expect("the kernels are there")
		.filter_map(|entry| entry.ok().map(|entry| entry.path()))
		.filter(|path| path.extension().is_some_and(|extension| extension == "cu"))
		.collect();
	files.sort();
	let mut table = String::from("pub(crate) static SOURCES: &[Source] = &[\n");
	for file in files {
		let name = file.file_stem().expect("it has a name").to_string_lossy().into_owned();
		let text = flatten(&file, &mut BTreeSet::new());
		let hash = Blake2b::<U32>::digest(text.as_bytes());
		let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
		let flat = out.join(format!("{name}.cu"));
		fs::write(&flat, &text).expect("the output folder can be written");
		writeln!(table, "\tSource {{").expect("writing to memory");
		writeln!(table, "\t\tname: {name:?},\n\t\ttext: include_str!({flat:?}),\n\t\thash: {hash:?},")
			.expect("writing to memory");
		// `NAME_sm90.cu` is written with instructions that only 9.0 has.
		let only = name.rsplit_once("_sm").and_then(|(_, number)| number.parse::<u32>().ok());
		writeln!(table, "\t\tkernels: &{:?},\n\t\tonly: {only:?},\n\t\tcubins: &[", kernels(&text))
			.expect("writing to memory");
		for architecture in ARCHITECTURES {
			let Some(folder) = &cubins else { continue };
			let cubin = folder.join(format!("{name}.{hash}.sm{architecture}.cubin"));
			if cubin.exists() {
				let number = architecture.trim_end_matches('a');
				writeln!(table, "\t\t\t({number}, include_bytes!({cubin:?})),").expect("writing to memory");
			}
		}
		writeln!(table, "\t\t],\n\t}},").expect("writing to memory");
	}
	table.push_str("];\n");
	fs::write(out.join("sources.rs"), table).expect("the output folder can be written");
}
