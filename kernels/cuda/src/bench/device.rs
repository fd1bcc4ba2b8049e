//! Measures attention on a device.

use super::{
	ceiling::{self, Ceilings},
	problem::Problem,
	report::{Environment, Measured, Other, Outcome, Replayed, Report},
	Cell, Effort, Number, Pass, Percentiles, Progress,
};
use crate::{
	attention::tuning::{candidates, candidates_on, wgmma_candidates, Kind, Tile, Tuning},
	device::{Device, DeviceError, Replay},
};
use std::sync::Arc;

const PROTOCOL: &str = "\
per call: device idle, event, one call (output allocated beforehand), event, wait; 100 warm-ups, up to 1000 trials; the \
same buffers each time. In a row: calls over sets of buffers that together hold more than twice the cache, as a graph. \
Independent normal inputs. TFLOP/s and GB/s of the calls in a row";

/// Keys of a sequence from which on both kinds of forward kernel are measured.
const LONG: usize = 1 << 10;
/// Most bytes of buffers that take turns.
const MOST_BYTES: f64 = 8e9;
/// Most sets of them.
const MOST_SETS: usize = 64;

/// Measures the ceilings and then all shapes. A shape that fails is reported as such, and the next is measured; where the
/// device broke, the report ends with the shape that broke it.
///
/// # Errors
/// What the device reports about the ceilings.
pub fn run_device(
	device: &Arc<dyn Device>,
	backend: &'static str,
	tuning: &Tuning,
	cells: &[Cell],
	effort: &Effort,
	progress: &mut Progress<'_>,
) -> Result<Report, DeviceError> {
	let mut told = 0;
	run_device_telling(device, backend, tuning, cells, effort, &mut |report| {
		// The other kinds of kernel follow when all shapes have been told.
		if let Some(outcome) = report.cells.get(told) {
			progress(outcome);
			told += 1;
		}
	})
}

/// The same, but what is told after each step is the report so far.
///
/// # Errors
/// As of [`run_device`].
pub fn run_device_telling(
	device: &Arc<dyn Device>,
	backend: &'static str,
	tuning: &Tuning,
	cells: &[Cell],
	effort: &Effort,
	tell: &mut dyn FnMut(&Report),
) -> Result<Report, DeviceError> {
	let ceilings = ceiling::measure(device, effort.ceiling)?;
	let environment = Environment::of(Some(device));
	let mut report =
		Report { environment, backend, protocol: PROTOCOL, ceilings: Some(ceilings), cells: Vec::new() };
	for (i, cell) in cells.iter().enumerate() {
		let measured = measure(device, tuning, cell, effort, &ceilings);
		report.cells.push(Outcome::new(*cell, measured.map_err(|error| error.to_string())));
		if !settle(device, &mut report, i, tell) {
			return Ok(report);
		}
	}
	// A kind of kernel that might break the device comes when all else has been measured.
	for (i, cell) in cells.iter().enumerate() {
		let outcome = &mut report.cells[i];
		let Some(measured) = &mut outcome.measured else { continue };
		match other_kind(device, tuning, cell, effort) {
			Ok(None) => continue,
			Ok(other) => measured.other = other,
			Err(error) => outcome.error = Some(error.to_string()),
		}
		if !settle(device, &mut report, i, tell) {
			return Ok(report);
		}
	}
	Ok(report)
}

/// Tells the report, and gives whether the device still works after a shape. Where it broke every later call fails: the shape's
/// outcome says so, and nothing more is to be learnt.
fn settle(
	device: &Arc<dyn Device>,
	report: &mut Report,
	shape: usize,
	tell: &mut dyn FnMut(&Report),
) -> bool {
	let fault = device.synchronize().err();
	if let Some(fault) = &fault {
		report.cells[shape].error.get_or_insert(fault.to_string());
	}
	report.environment = Environment::of(Some(device));
	tell(report);
	fault.is_none()
}

fn measure(
	device: &Arc<dyn Device>,
	tuning: &Tuning,
	cell: &Cell,
	effort: &Effort,
	ceilings: &Ceilings,
) -> Result<Measured, DeviceError> {
	let problem = Problem::new(device, cell, sets(device, cell), tuning)?;
	let once = || device.time(&mut || problem.run(0));
	// The first loads the kernels.
	once()?;
	let trials = effort.trials(once()?);
	for _ in 0..effort.warm_ups.min(trials) {
		once()?;
	}
	let times = (0..trials).map(|_| once()).collect::<Result<_, _>>()?;
	let call = Percentiles::of_seconds(times);
	let replayed = in_a_row(device, &problem, effort)?;
	let mma = if cell.number == Number::Bf16 { ceilings.mma_bf16_tflops } else { ceilings.mma_f16_tflops };
	let tflops = cell.operations() / (replayed.call.p50 * 1e6);
	let gbs = cell.bytes() / (replayed.call.p50 * 1e3);
	Ok(Measured {
		variant: problem.variant(),
		call,
		per_sequence: call.divided_by(cell.batch),
		replayed: Some(replayed),
		tflops,
		gbs,
		share_of_mma: Some(tflops / mma),
		share_of_copy: Some(gbs / ceilings.copy_gbs),
		other: None,
	})
}

/// The forward pass of a long sequence with the first tile of the kind that was not measured, if the device has both.
fn other_kind(
	device: &Arc<dyn Device>,
	tuning: &Tuning,
	cell: &Cell,
	effort: &Effort,
) -> Result<Option<Other>, DeviceError> {
	let Some(wgmma) = wgmma_candidates(cell.head_dim).first() else { return Ok(None) };
	if cell.pass != Pass::Forward || cell.length < LONG || !wgmma.runs_on(device.architecture()) {
		return Ok(None);
	}
	let mut problem = Problem::new(device, cell, sets(device, cell), tuning)?;
	let tile = match problem.tile().kind {
		Kind::Mma => *wgmma,
		Kind::Wgmma => candidates(cell.head_dim)[0],
	};
	let expected = problem.output();
	problem.set_tile(tile);
	let replayed = expected.and_then(|expected| {
		problem.agree(&problem.output()?, &expected)?;
		in_a_row(device, &problem, effort)
	});
	Ok(Some(Other {
		variant: problem.variant(),
		tflops: replayed.as_ref().ok().map(|replayed| cell.operations() / (replayed.call.p50 * 1e6)),
		error: replayed.as_ref().err().map(ToString::to_string),
		replayed: replayed.ok(),
	}))
}

/// How many sets of buffers take turns so that none is in the cache when its turn comes.
pub(super) fn sets(device: &Arc<dyn Device>, cell: &Cell) -> usize {
	let cache = device.details().l2_bytes as f64;
	let enough = (2.0 * cache / cell.bytes()).ceil() as usize + 1;
	let possible = (MOST_BYTES / cell.bytes()) as usize;
	enough.min(possible).clamp(1, MOST_SETS)
}

fn in_a_row(device: &Arc<dyn Device>, problem: &Problem, effort: &Effort) -> Result<Replayed, DeviceError> {
	turns(device, effort, problem.sets(), |set| problem.run(set))
}

/// Times calls in a row that take turns over so many sets of buffers; `run` queues one call on a set.
pub(super) fn turns(
	device: &Arc<dyn Device>,
	effort: &Effort,
	sets: usize,
	mut run: impl FnMut(usize) -> Result<(), DeviceError>,
) -> Result<Replayed, DeviceError> {
	run(0)?;
	let one = device.time(&mut || run(0))?;
	let (calls, repeats) = effort.in_a_row(one, sets);
	let mut replay = Replay::record(device, || (0..calls).try_for_each(|call| run(call % sets)))?;
	let mut times = Vec::new();
	for _ in 0..repeats {
		times.push(device.time(&mut || replay.run())? / calls as f64);
	}
	Ok(Replayed { call: Percentiles::of_seconds(times), graph: replay.is_graph(), sets })
}

/// What is told while tiles are timed: a shape, a tile, and its median in microseconds or why it can't run.
pub type TuneProgress<'a> = dyn FnMut(&Cell, Tile, Result<f64, DeviceError>) + 'a;

/// Times every tile that a forward shape can run with, in a row, and keeps the fastest in the table. A tile that
/// can't be launched on this device is not chosen, nor is one of [`Kind::Wgmma`] whose result is not that of the first of
/// [`Kind::Mma`].
///
/// # Errors
/// What the device reports of a shape, whatever the tile.
pub fn tune(
	device: &Arc<dyn Device>,
	tuning: &mut Tuning,
	cells: &[Cell],
	effort: &Effort,
	progress: &mut TuneProgress<'_>,
) -> Result<(), DeviceError> {
	for cell in cells.iter().filter(|cell| cell.pass == Pass::Forward) {
		let mut problem = Problem::new(device, cell, sets(device, cell), tuning)?;
		let mut fastest = (f64::INFINITY, None);
		let mut expected = None;
		for tile in candidates_on(device.architecture(), cell.head_dim) {
			problem.set_tile(tile);
			let time = right(&problem, &mut expected)
				.and_then(|()| in_a_row(device, &problem, effort))
				.map(|replayed| replayed.call.p50);
			if let Ok(time) = time {
				if time < fastest.0 {
					fastest = (time, Some(tile));
				}
			}
			progress(cell, tile, time);
			device.synchronize()?;
		}
		if let Some(tile) = fastest.1 {
			tuning.set(problem.key(device), tile)?;
		}
	}
	Ok(())
}

/// Compares a [`Kind::Wgmma`] tile's result with the first tile's, which is of [`Kind::Mma`] and made once.
fn right(problem: &Problem, expected: &mut Option<Vec<u16>>) -> Result<(), DeviceError> {
	match expected {
		None => *expected = Some(problem.output()?),
		Some(expected) if problem.tile().kind == Kind::Wgmma => {
			problem.agree(&problem.output()?, expected)?
		},
		Some(_) => {},
	}
	Ok(())
}
