//! Checks and measures every kernel on a device: the GPU, or, to see that the check itself runs, the emulation.
//!
//! [`exact`] and [`canon32`] ask for the CPU's bits; [`fast`] compares with the f64 reference and asks for the same bits
//! again and again; then [`Part::Bench`] and [`Part::ExactBench`] measure; and [`wgmma`], with the kernels that may still hang
//! a device, comes last. Whether a goal is met is said, never asserted: only a wrong value fails.

// Sums of counts and lengths of small shapes that are chosen here.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

pub mod canon32;
pub mod exact;
pub mod fast;
pub mod merge;
mod suite;
pub mod wgmma;

pub use suite::{Check, Finding, Outcome, Suite};

use noesis_cuda::{
	attention::tuning::Tuning,
	bench::{run_device_telling, run_exact_telling, Cell, Effort, ExactReport, Pass, Report},
	Device,
};
use std::{path::PathBuf, sync::Arc};

/// A part of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
	/// The `Exact` profile against the CPU's bits.
	Exact,
	/// The `Canon32` profile against the CPU's bits.
	Canon32,
	/// The `Fast` profile's kernels for every device against the f64 reference.
	Fast,
	/// Speed.
	Bench,
	/// Speed of exact attention beside the `Fast` profile's.
	ExactBench,
	/// The `Fast` profile's kernels for compute capability 9.0 alone.
	Wgmma,
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
	/// Small shapes only.
	pub quick: bool,
	/// Another program has put its own code into the kernels, which uses local memory: spills are not looked for.
	pub instrumented: bool,
	/// Only these parts; all if none is named.
	pub parts: Vec<Part>,
	/// How often equal bits are asked for.
	pub repeats: usize,
	/// Which tiles run.
	pub tuning: Tuning,
	/// A real model to run beside the random one.
	pub checkpoint: Option<PathBuf>,
}

/// Runs the check. What was found so far is told as each check begins and ends, and after each shape that is measured.
pub fn run(device: &Arc<dyn Device>, options: &Options, tell: &mut dyn FnMut(&Outcome)) -> Outcome {
	let wanted = |part: Part| options.parts.is_empty() || options.parts.contains(&part);
	let mut suite = Suite::new(options.quick, device, tell);
	if wanted(Part::Exact) {
		exact::check(&mut suite, device, options.checkpoint.as_deref());
	}
	if wanted(Part::Canon32) {
		canon32::check(&mut suite, device);
	}
	if wanted(Part::Fast) {
		fast::check(&mut suite, device, options);
	}
	if wanted(Part::Bench) {
		suite.measure("every shape can be measured", |told| measure(device, options, told));
	}
	if wanted(Part::ExactBench) {
		let name = "exact attention can be measured beside fp16";
		suite.measure_exact(name, |told| measure_exact(device, options, told));
	}
	if wanted(Part::Wgmma) {
		wgmma::check(&mut suite, device, options);
	}
	suite.finish()
}

fn measure(device: &Arc<dyn Device>, options: &Options, told: &mut dyn FnMut(&Report)) -> Finding {
	let (cells, effort) = if options.quick {
		(small_cells(), Effort::DRY)
	} else {
		(Cell::flashcore().into_iter().chain(Cell::more()).collect(), Effort::FULL)
	};
	let report = run_device_telling(device, backend(device), &options.tuning, &cells, &effort, told)
		.map_err(|error| error.to_string())?;
	let found = report.cells.iter().map(|cell| (cell.name.as_str(), cell.error.as_deref()));
	Ok(all_measured(cells.len(), found))
}

fn measure_exact(device: &Arc<dyn Device>, options: &Options, told: &mut dyn FnMut(&ExactReport)) -> Finding {
	let (cells, effort) =
		if options.quick { (small_exact_cells(), Effort::DRY) } else { (Cell::exact(), Effort::FULL) };
	let report = run_exact_telling(device, backend(device), &options.tuning, &cells, &effort, told);
	let found = report.cells.iter().map(|cell| (cell.name.as_str(), cell.error.as_deref()));
	Ok(all_measured(cells.len(), found))
}

/// What a report calls the device.
fn backend(device: &Arc<dyn Device>) -> &'static str {
	if device.details().driver.is_empty() {
		"emulation"
	} else {
		"cuda"
	}
}

/// Whether all of `count` shapes were measured, of which these are known with what went wrong.
fn all_measured<'a>(
	count: usize,
	found: impl ExactSizeIterator<Item = (&'a str, Option<&'a str>)>,
) -> (bool, String) {
	let left = count - found.len();
	let mut wrong: Vec<String> =
		found.filter_map(|(name, error)| Some(format!("{name}: {}", error?))).collect();
	if left > 0 {
		wrong.push(format!("the last {left} of {count} shapes were not measured"));
	}
	(wrong.is_empty(), if wrong.is_empty() { "all".into() } else { wrong.join("; ") })
}

/// A small shape whose heads have their own keys, and one whose heads share them.
fn small_exact_cells() -> Vec<Cell> {
	let small = |kv_heads, length| Cell { heads: 2, kv_heads, length, ..Cell::exact()[0] };
	vec![small(2, 64), small(1, 33)]
}

/// One small shape of every kind.
fn small_cells() -> Vec<Cell> {
	let small = |cell: Cell| Cell { batch: 1, heads: 2, kv_heads: 2, length: 64, ..cell };
	let more = Cell::more();
	let mut cells = vec![small(Cell::flashcore()[0])];
	for pass in [Pass::Backward, Pass::Decode] {
		cells.extend(more.iter().find(|cell| cell.pass == pass).map(|cell| small(*cell)));
	}
	cells
}
