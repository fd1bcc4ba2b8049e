//! Exact attention beside the `Fast` forward pass: the same shapes in the same process, each in a row as in [`super`].

use super::{
	device::{sets, turns},
	problem::{Problem, DRAWN},
	report::{Environment, Replayed},
	Cell, Effort, Number, Pass,
};
use crate::{
	attention::{reference::random, tuning::Tuning, Precision},
	device::{Buffer, Device, DeviceError},
	exact::attention::{Attention, Cache, Heads, Positions, Queries},
};
use serde::Serialize;
use std::{fmt::Write, sync::Arc};

const PROTOCOL: &str = "\
one layer's attention over a whole prompt; calls in a row over sets of buffers that together hold more than twice the \
cache, as a graph, first exact and then fp16. Independent normal inputs, in Q9 for the exact kernel";

/// What stands for 1 in the exact profile's queries, keys and values.
const ONE: f64 = 512.0;

/// The times of one shape.
#[derive(Clone, Debug, Serialize)]
pub struct ExactMeasured {
	/// The exact kernel.
	pub exact: Replayed,
	/// The `Fast` kernel on binary16.
	pub fp16: Replayed,
	/// The `Fast` kernel's variant.
	pub fp16_variant: String,
	/// Tokens of the prompt by the exact kernel's median: of this one attention, not of a model.
	pub tokens_per_second: f64,
	/// The same of the `Fast` kernel.
	pub fp16_tokens_per_second: f64,
	/// The `Fast` kernel's median time as a share of the exact one's: 1 is as fast.
	pub ratio_to_fp16: f64,
}

impl ExactMeasured {
	fn of(cell: &Cell, exact: Replayed, fp16: Replayed, fp16_variant: String) -> Self {
		let tokens_per_second = |found: &Replayed| (cell.batch * cell.length) as f64 * 1e6 / found.call.p50;
		Self {
			exact,
			fp16,
			fp16_variant,
			tokens_per_second: tokens_per_second(&exact),
			fp16_tokens_per_second: tokens_per_second(&fp16),
			ratio_to_fp16: fp16.call.p50 / exact.call.p50,
		}
	}
}

/// One shape and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct ExactOutcome {
	/// Its name, for people and for merging.
	pub name: String,
	/// The shape.
	pub cell: Cell,
	/// Times.
	#[serde(flatten)]
	pub measured: Option<ExactMeasured>,
	/// Why there are none, or what broke the device after them.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub error: Option<String>,
}

/// All shapes of exact attention.
#[derive(Clone, Debug, Serialize)]
pub struct ExactReport {
	/// Where and with what.
	pub environment: Environment,
	/// `cuda` or `emulation`.
	pub backend: &'static str,
	/// How it was measured, in words.
	pub protocol: &'static str,
	/// Shape by shape.
	pub cells: Vec<ExactOutcome>,
}

impl ExactReport {
	/// A table for people.
	pub fn table(&self) -> String {
		let mut out = String::from(
			"| shape | exact us in a row | fp16 us in a row | exact tokens/s | speed by fp16's |\n|---|---|---|---|---|\n",
		);
		for outcome in &self.cells {
			// Writing to memory can't fail.
			let _ = writeln!(out, "{}", row(outcome));
		}
		out
	}
}

fn row(outcome: &ExactOutcome) -> String {
	let name = &outcome.name;
	let Some(found) = &outcome.measured else {
		return format!("| {name} | {} ||||", outcome.error.as_deref().unwrap_or("not measured"));
	};
	format!(
		"| {name} | {:.2} | {:.2} ({}) | {:.0} | {:.3} |",
		found.exact.call.p50,
		found.fp16.call.p50,
		found.fp16_variant,
		found.tokens_per_second,
		found.ratio_to_fp16
	)
}

/// Measures exact attention and the `Fast` forward pass on each shape, and tells the report so far after each. A shape that
/// fails is reported as such, and the next is measured; where the device broke, the report ends with the shape that broke
/// it.
pub fn run_exact_telling(
	device: &Arc<dyn Device>,
	backend: &'static str,
	tuning: &Tuning,
	cells: &[Cell],
	effort: &Effort,
	tell: &mut dyn FnMut(&ExactReport),
) -> ExactReport {
	let environment = Environment::of(Some(device));
	let mut report = ExactReport { environment, backend, protocol: PROTOCOL, cells: Vec::new() };
	for cell in cells {
		let (measured, error) = match measure(device, tuning, cell, effort) {
			Ok(measured) => (Some(measured), None),
			Err(error) => (None, Some(error.to_string())),
		};
		// Where the device broke every later call fails.
		let fault = device.synchronize().err().map(|fault| fault.to_string());
		let broken = fault.is_some();
		report.cells.push(ExactOutcome {
			name: cell.to_string(),
			cell: *cell,
			measured,
			error: error.or(fault),
		});
		report.environment = Environment::of(Some(device));
		tell(&report);
		if broken {
			break;
		}
	}
	report
}

fn measure(
	device: &Arc<dyn Device>,
	tuning: &Tuning,
	cell: &Cell,
	effort: &Effort,
) -> Result<ExactMeasured, DeviceError> {
	let fast = Problem::new(device, cell, sets(device, cell), tuning)?;
	let mut exact = Exact::new(device, cell, fast.sets())?;
	let ours = turns(device, effort, fast.sets(), |set| exact.run(set))?;
	let theirs = turns(device, effort, fast.sets(), |set| fast.run(set))?;
	Ok(ExactMeasured::of(cell, ours, theirs, fast.variant()))
}

/// Exact attention of one shape with as many sets of buffers as take turns.
struct Exact {
	attention: Attention,
	tokens: usize,
	sets: Vec<Set>,
}

/// The buffers of one call.
struct Set {
	queries: Buffer<i16>,
	keys: Buffer<i16>,
	values: Buffer<i16>,
	out: Buffer<i32>,
}

impl Exact {
	/// # Errors
	/// [`DeviceError::Shape`] for what is not one causal sequence of binary16's shapes, or what the device reports.
	fn new(device: &Arc<dyn Device>, cell: &Cell, sets: usize) -> Result<Self, DeviceError> {
		if cell.pass != Pass::Forward || cell.number != Number::F16 || cell.batch != 1 || !cell.causal {
			return Err(DeviceError::Shape(format!(
				"{cell}: exact attention is compared on the forward pass of one causal sequence in f16"
			)));
		}
		let heads = Heads { heads: cell.heads, kv_heads: cell.kv_heads, dim: cell.head_dim };
		let drawn: Vec<i16> = random(1, DRAWN, Precision::F16)
			.into_iter()
			.map(|bits| (Precision::F16.value(bits) * ONE) as i16)
			.collect();
		let sets = (0..sets).map(|set| Set::new(device, cell, &drawn, set)).collect::<Result<_, _>>()?;
		Ok(Self { attention: Attention::new(device, heads)?, tokens: cell.length, sets })
	}

	/// Queues one call on a set of buffers.
	fn run(&mut self, set: usize) -> Result<(), DeviceError> {
		let Set { queries, keys, values, out } = &self.sets[set];
		let queries = Queries { values: queries, tokens: self.tokens, first: 0, past: None };
		let cache = Cache { keys, values, offset: 0, capacity: self.tokens };
		self.attention.attend(&queries, &cache, Positions::from_start(self.tokens), out)
	}
}

impl Set {
	fn new(device: &Arc<dyn Device>, cell: &Cell, drawn: &[i16], set: usize) -> Result<Self, DeviceError> {
		let (queries, keys) = (cell.query_elements(), cell.key_elements());
		let upload = |which: usize, count: usize| {
			// No array is another moved by a whole row.
			let from = (set * 3 + which) * 80_021 % DRAWN;
			let values: Vec<i16> = drawn.iter().cycle().skip(from).take(count).copied().collect();
			Buffer::upload(device, &values)
		};
		Ok(Self {
			queries: upload(0, queries)?,
			keys: upload(1, keys)?,
			values: upload(2, keys)?,
			out: Buffer::uninitialised(device, queries)?,
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::bench::Percentiles;

	fn replayed(p50: f64) -> Replayed {
		Replayed { call: Percentiles { p50, p95: p50, p99: p50, trials: 3 }, graph: true, sets: 2 }
	}

	#[test]
	fn speeds_should_be_those_of_the_medians() {
		let cell = Cell::exact()[0];
		let found = ExactMeasured::of(&cell, replayed(51.2), replayed(12.8), "64x64".into());
		assert!((found.tokens_per_second - 1e7).abs() < 1.0, "{found:?}");
		assert!((found.fp16_tokens_per_second - 4e7).abs() < 1.0, "{found:?}");
		assert_eq!(found.ratio_to_fp16, 0.25, "exact takes four times as long");
	}

	#[test]
	fn a_report_should_show_what_failed_beside_what_did_not() {
		let cells = Cell::exact();
		let measured = ExactMeasured::of(&cells[0], replayed(51.2), replayed(12.8), "64x64".into());
		let outcome = |cell: &Cell, measured: Option<ExactMeasured>, error: Option<&str>| {
			let error = error.map(str::to_owned);
			ExactOutcome { name: cell.to_string(), cell: *cell, measured, error }
		};
		let cells =
			vec![outcome(&cells[0], Some(measured), None), outcome(&cells[1], None, Some("no memory"))];
		let report =
			ExactReport { environment: Environment::of(None), backend: "cuda", protocol: PROTOCOL, cells };
		let table = report.table();
		assert!(
			table.contains("| forward f16 S=512 B=1 H=8 D=64 causal | 51.20 | 12.80 (64x64) |"),
			"{table}"
		);
		assert!(table.contains("S=2048") && table.contains("| no memory ||||"), "{table}");
		let json = serde_json::to_value(&report).unwrap();
		assert_eq!(json["cells"][0]["ratio_to_fp16"], 0.25);
		assert_eq!(json["cells"][1]["error"], "no memory");
	}
}
