//! Compiles the kernels with nvcc into the binaries that a build embeds.

use crate::report::{parse, Kernel};
use noesis_cuda::{sources, Source};
use rayon::prelude::*;
use std::{
	fs,
	path::{Path, PathBuf},
	process::Command,
};

const ARCHITECTURES: [&str; 3] = ["80", "89", "90a"];

/// Compiles every source for every architecture that it is for into `out`, prints what each kernel takes, and fails on
/// a spill, or where the assembler says that asynchronous products (wgmma) don't run as they are written. What is there
/// already is not compiled again: its name holds the hash of its text.
pub fn all(nvcc: &Path, out: &Path) -> Result<(), String> {
	fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
	let jobs: Vec<(&Source, &str)> = sources()
		.iter()
		.flat_map(|source| ARCHITECTURES.map(|architecture| (source, architecture)))
		.filter(|(source, architecture)| {
			architecture.trim_end_matches('a').parse().is_ok_and(|architecture| source.runs_on(architecture))
		})
		.collect();
	let reports: Vec<(&Source, &str, Vec<Kernel>)> = jobs
		.into_par_iter()
		.map(|(source, architecture)| Ok((source, architecture, one(nvcc, out, source, architecture)?)))
		.collect::<Result<_, String>>()?;

	let mut bad = Vec::new();
	println!(
		"{:<48} {:>5} {:>9} {:>7} {:>7} {:>6}",
		"kernel", "sm", "registers", "shared", "spilled", "stack"
	);
	for (source, architecture, kernels) in &reports {
		for kernel in kernels {
			let Kernel { name, registers, shared, spilled, stack, serialised } = kernel;
			println!("{name:<48} {architecture:>5} {registers:>9} {shared:>7} {spilled:>7} {stack:>6}");
			if *serialised {
				bad.push(format!("{name} for sm_{architecture} (ptxas holds up its wgmma products: C75xx)"));
			}
			if *spilled > 0 || *stack > 0 {
				bad.push(format!(
					"{name} for sm_{architecture} ({spilled} bytes spilled, {stack} bytes of stack)"
				));
			}
		}
		for name in source.kernels {
			if !kernels.iter().any(|kernel| kernel.name == *name) {
				bad.push(format!(
					"{name} for sm_{architecture} (named in {}.cu and not compiled)",
					source.name
				));
			}
		}
	}
	let count: usize = reports.iter().map(|(_, _, kernels)| kernels.len()).sum();
	if !bad.is_empty() {
		return Err(format!("{} of {count} kernels are not fit to ship:\n  {}", bad.len(), bad.join("\n  ")));
	}
	println!(
		"{count} kernels of {} sources for sm_80, sm_89 and sm_90a: no spills, no products held up",
		sources().len()
	);
	Ok(())
}

fn one(nvcc: &Path, out: &Path, source: &Source, architecture: &str) -> Result<Vec<Kernel>, String> {
	let path = |extension: &str| -> PathBuf {
		out.join(format!("{}.{}.sm{architecture}.{extension}", source.name, source.hash))
	};
	let (cubin, report) = (path("cubin"), path("txt"));
	if let (true, Ok(messages)) = (cubin.exists(), fs::read_to_string(&report)) {
		return Ok(parse(&messages));
	}
	let file = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
	// Each its own copies, renamed at the end: two builds may share the folder, and a half-written binary has no name.
	let (text, fresh) =
		(path(&format!("{}.cu", std::process::id())), path(&format!("{}.new", std::process::id())));
	fs::write(&text, source.text).map_err(|error| file(&text, error))?;
	let output = Command::new(nvcc)
		.arg("-cubin")
		.arg(format!("-gencode=arch=compute_{architecture},code=sm_{architecture}"))
		.args(["-std=c++17", "-O3", "-Xptxas=-v,-warn-spills", "-diag-suppress=177", "-o"])
		.arg(&fresh)
		.arg(&text)
		.output()
		.map_err(|error| file(nvcc, error))?;
	// The compiler's copy of the text is of no use to anyone.
	let _ = fs::remove_file(&text);
	let messages = String::from_utf8_lossy(&output.stderr);
	if !output.status.success() {
		return Err(format!("{}.cu for sm_{architecture}:\n{messages}", source.name));
	}
	fs::write(&report, messages.as_bytes()).map_err(|error| file(&report, error))?;
	fs::rename(&fresh, &cubin).map_err(|error| file(&cubin, error))?;
	Ok(parse(&messages))
}
