//! Compiles the embedded kernel sources ahead of time, and shows that they compile at run time.
//!
//!   noesis-kernels compile --nvcc PATH --out DIR
//!   noesis-kernels nvrtc
//!   noesis-kernels list

mod compile;
mod report;

use noesis_cuda::{
	cuda::nvrtc::{Code, Nvrtc},
	sources, Source,
};
use rayon::prelude::*;
use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "usage: noesis-kernels compile --nvcc PATH --out DIR | nvrtc | list";
/// What NVRTC is tried for: a device that has binaries, where they were left out; a newer one; and one newer than NVRTC,
/// which gets intermediate code.
const TRIED: [u32; 3] = [90, 120, 999];

fn main() -> ExitCode {
	let args: Vec<String> = std::env::args().skip(1).collect();
	let args: Vec<&str> = args.iter().map(String::as_str).collect();
	let result = match args.as_slice() {
		["compile", "--nvcc", nvcc, "--out", out] => compile::all(&PathBuf::from(nvcc), &PathBuf::from(out)),
		["nvrtc"] => nvrtc(),
		["list"] => {
			for source in sources() {
				println!("{}\t{}\t{}", source.name, source.hash, source.kernels.join(" "));
			}
			Ok(())
		},
		_ => Err(USAGE.into()),
	};
	match result {
		Ok(()) => ExitCode::SUCCESS,
		Err(reason) => {
			eprintln!("error: {reason}");
			ExitCode::FAILURE
		},
	}
}

/// Compiles every source with NVRTC and looks for its kernels in what comes out.
fn nvrtc() -> Result<(), String> {
	let compiler = Nvrtc::open()?;
	println!("NVRTC {}", compiler.version()?);
	let jobs = sources().iter().flat_map(|source| TRIED.map(|architecture| (source, architecture)));
	let jobs: Vec<_> = jobs.filter(|(source, architecture)| source.runs_on(*architecture)).collect();
	jobs.par_iter().try_for_each(|(source, architecture)| {
		let (code, form) = compiler.compile(source, *architecture).map_err(|reason| {
			format!("{}.cu for compute capability {architecture}: {reason}", source.name)
		})?;
		let missing = missing(source, &code);
		if missing.is_empty() {
			return Ok(());
		}
		Err(format!("{}.cu as {form:?} lacks {}", source.name, missing.join(", ")))
	})?;
	println!("{} compilations of {} sources, every kernel in its place", jobs.len(), sources().len());
	Ok(())
}

/// The kernels of a source that what was compiled does not define.
fn missing(source: &Source, code: &Code<'_>) -> Vec<&'static str> {
	let defines = |kernel: &str| {
		let name = match code {
			Code::Binary(_) => format!(".text.{kernel}\0"),
			Code::Intermediate(_) => format!(".entry {kernel}("),
		};
		code.image().windows(name.len()).any(|window| window == name.as_bytes())
	};
	source.kernels.iter().copied().filter(|kernel| !defines(kernel)).collect()
}
