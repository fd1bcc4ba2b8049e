//! Checks and measures every kernel on a device: the GPU, or, to see that the check itself runs, the emulation.
//!
//! [`fast`] compares with the f64 reference and asks for the same bits again and again; [`exact`] and [`canon32`] ask
//! for the CPU's bits; then the benches run. Whether a goal is met is said, never asserted: only a wrong value fails.

// Sums of counts and lengths of small shapes that are chosen here.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

pub mod canon32;
pub mod exact;

pub mod fast;
pub mod merge;
mod suite;

pub use suite::{Check, Finding, Suite};

use noesis_cuda::{
	attention::tuning::Tuning,
	bench::{run_device, Cell, Effort, Environment, Report},
	Device,
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};

/// A part of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
	/// The `Fast` profile against the f64 reference.
	Fast,
	/// The `Exact` profile against the CPU's bits.
	Exact,
	/// The `Canon32` profile against the CPU's bits.
	Canon32,
	/// Speed.
	Bench,
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
	/// Small shapes only.
	pub quick: bool,
	/// Only these parts; all if none is named.
	pub parts: Vec<Part>,
	/// How often equal bits are asked for.
	pub repeats: usize,
	/// Which tiles run.
	pub tuning: Tuning,
	/// A real model to run beside the random one.
	pub checkpoint: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
	/// Where and with what.
	pub environment: Environment,
	/// Checks that passed.
	pub passed: usize,
	/// Checks that failed.
	pub failed: usize,
	/// All of them.
	pub checks: Vec<Check>,
	/// Speed.
	pub bench: Option<Report>,
}

/// Runs the check. Every check is told as it ends.
pub fn run(device: &Arc<dyn Device>, options: &Options, tell: &mut dyn FnMut(&Check)) -> Outcome {
	let wanted = |part: Part| options.parts.is_empty() || options.parts.contains(&part);
	let mut suite = Suite::new(options.quick, tell);
	if wanted(Part::Fast) {
		fast::check(&mut suite, device, &options.tuning, options.repeats);
	}
	if wanted(Part::Exact) {
		exact::check(&mut suite, device, options.checkpoint.as_deref());
	}
	if wanted(Part::Canon32) {
		canon32::check(&mut suite, device);
	}
	let mut bench = None;
	if wanted(Part::Bench) {
		suite.check("every shape can be measured", || {
			let report = measure(device, options).map_err(|error| error.to_string())?;
			let failed =
				report.cells.iter().filter_map(|cell| cell.error.as_ref().map(|_| cell.name.as_str()));
			let failed: Vec<&str> = failed.collect();
			let said = if failed.is_empty() { "all".into() } else { failed.join(", ") };
			let ok = failed.is_empty();
			bench = Some(report);
			Ok((ok, said))
		});
	}
	let checks = suite.finish();
	let failed = checks.iter().filter(|check| !check.ok).count();
	Outcome {
		environment: Environment::of(Some(device)),
		passed: checks.len() - failed,
		failed,
		checks,
		bench,
	}
}

fn measure(device: &Arc<dyn Device>, options: &Options) -> Result<Report, noesis_cuda::DeviceError> {
	let backend = if device.details().driver.is_empty() { "emulation" } else { "cuda" };
	let mut silent = |_: &noesis_cuda::bench::Outcome| {};
	if options.quick {
		// One small shape of every kind.
		let small = |cell: Cell| Cell { batch: 1, heads: 2, kv_heads: 2, length: 64, ..cell };
		let (first, more) = (Cell::flashcore()[0], Cell::more());
		let mut cells = vec![small(first)];
		for pass in [noesis_cuda::bench::Pass::Backward, noesis_cuda::bench::Pass::Decode] {
			cells.extend(more.iter().find(|cell| cell.pass == pass).map(|cell| small(*cell)));
		}
		return run_device(device, backend, &options.tuning, &cells, &Effort::DRY, &mut silent);
	}
	let cells: Vec<Cell> = Cell::flashcore().into_iter().chain(Cell::more()).collect();
	run_device(device, backend, &options.tuning, &cells, &Effort::FULL, &mut silent)
}
