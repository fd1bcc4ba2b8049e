//! What a bench says, for programs (JSON) and for people (Markdown).

use super::{ceiling::Ceilings, cells::Cell, stats::Percentiles};
use crate::device::{Details, Device, Loaded};
use serde::Serialize;
use std::{fmt::Write, fs, sync::Arc, time::SystemTime};

/// Where and with what something was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Environment {
	/// What computed.
	pub device: Details,
	/// The kernel sources that ran, by hash; none on the CPU and on the emulation.
	pub kernels: Vec<Loaded>,
	/// The host's processor.
	pub processor: String,
	/// The host's threads.
	pub threads: usize,
	/// The host's system.
	pub system: String,
	/// The version of this program.
	pub version: &'static str,
	/// Seconds since 1970.
	pub time: u64,
}

impl Environment {
	/// Of this host and what computed on it.
	pub fn of(device: Option<&Arc<dyn Device>>) -> Self {
		let processor = processor();
		let named = Details { name: processor.clone(), ..Details::default() };
		Self {
			device: device.map_or(named, |device| device.details()),
			kernels: device.map(|device| device.loaded()).unwrap_or_default(),
			processor,
			threads: std::thread::available_parallelism().map_or(1, usize::from),
			system: system(),
			version: env!("CARGO_PKG_VERSION"),
			time: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs()),
		}
	}
}

fn processor() -> String {
	let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
	let line = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
	line.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().to_owned())
}

fn system() -> String {
	let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
	format!("{} {}", std::env::consts::OS, release.trim())
}

/// How one shape was run often without anything between the runs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Replayed {
	/// One call, microseconds.
	pub call: Percentiles,
	/// As a recorded graph; else as launches one after the other.
	pub graph: bool,
	/// Sets of buffers that took turns: more bytes than the cache holds.
	pub sets: usize,
}

/// The times of one shape.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
	/// The kernel's variant.
	pub variant: String,
	/// One call from an idle device, microseconds: FlashCore's event window.
	pub call: Percentiles,
	/// The same, per sequence.
	pub per_sequence: Percentiles,
	/// Calls in a row over rotating buffers.
	pub replayed: Option<Replayed>,
	/// TFLOP/s of the median call in a row (from an idle device where there was none).
	pub tflops: f64,
	/// GB/s of the same, counting each input and output once.
	pub gbs: f64,
	/// Share of the measured `mma.sync` ceiling.
	pub share_of_mma: Option<f64>,
	/// Share of the measured copy ceiling.
	pub share_of_copy: Option<f64>,
	/// The same with the other kind of forward kernel, on long sequences and where the device has both.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub other: Option<Other>,
}

/// A shape's forward pass with the kind of kernel that the table does not name.
#[derive(Clone, Debug, Serialize)]
pub struct Other {
	/// The kernel's variant.
	pub variant: String,
	/// Calls in a row over rotating buffers.
	pub replayed: Option<Replayed>,
	/// Of the median call in a row.
	pub tflops: Option<f64>,
	/// Why there are no times: it failed, or its result was another.
	pub error: Option<String>,
}

/// One shape and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
	/// Its name, for people and for merging.
	pub name: String,
	/// The shape.
	pub cell: Cell,
	/// Times.
	#[serde(flatten)]
	pub measured: Option<Measured>,
	/// Why there are none, or what broke the device after them.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub error: Option<String>,
	/// FlashCore's median on an H100, microseconds per sequence.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub flashcore: Option<f64>,
	/// Our goal, microseconds per sequence.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub goal: Option<f64>,
	/// Whether the median is below it.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub goal_met: Option<bool>,
}

impl Outcome {
	/// Sets the times beside the bars of this shape.
	pub fn new(cell: Cell, measured: Result<Measured, String>) -> Self {
		let (flashcore, goal) = cell.bar().unzip();
		let (measured, error) = match measured {
			Ok(measured) => (Some(measured), None),
			Err(error) => (None, Some(error)),
		};
		let goal_met = goal.zip(measured.as_ref()).map(|(goal, found)| found.per_sequence.p50 < goal);
		Self { name: cell.to_string(), cell, measured, error, flashcore, goal, goal_met }
	}
}

/// Everything that a bench found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
	/// Where and with what.
	pub environment: Environment,
	/// `cuda`, `emulation` or `cpu`.
	pub backend: &'static str,
	/// How it was measured, in words.
	pub protocol: &'static str,
	/// The device's bounds; none on the CPU.
	pub ceilings: Option<Ceilings>,
	/// Shape by shape.
	pub cells: Vec<Outcome>,
}

impl Report {
	/// A table for people.
	pub fn table(&self) -> String {
		let Details { name, driver, .. } = &self.environment.device;
		let driver = if driver.is_empty() { String::new() } else { format!(", CUDA {driver}") };
		let mut out = format!("{name} ({}{driver})\n", self.backend);
		if let Some(Ceilings { mma_f16_tflops, mma_bf16_tflops, copy_gbs }) = self.ceilings {
			// Writing to memory can't fail.
			let _ = writeln!(
				out,
				"ceilings: mma.sync f16 {mma_f16_tflops:.0} TFLOP/s, bf16 {mma_bf16_tflops:.0} TFLOP/s, copy {copy_gbs:.0} GB/s"
			);
		}
		out.push_str(
			"\n| shape | variant | us per call p50 / p95 / p99 | us per sequence | us in a row | TFLOP/s | GB/s | of mma | FlashCore | goal | other kind, us in a row |\n\
			 |---|---|---|---|---|---|---|---|---|---|---|\n",
		);
		for outcome in &self.cells {
			let _ = writeln!(out, "{}", row(outcome));
		}
		out
	}
}

fn row(outcome: &Outcome) -> String {
	let number =
		|value: Option<f64>, digits: usize| value.map_or("".into(), |value| format!("{value:.digits$}"));
	let Some(found) = &outcome.measured else {
		return format!(
			"| {} | {} ||||||||||",
			outcome.name,
			outcome.error.as_deref().unwrap_or("not measured")
		);
	};
	let goal = outcome.goal.map_or(String::new(), |goal| {
		format!("{goal:.2} {}", if outcome.goal_met == Some(true) { "met" } else { "missed" })
	});
	let other = found.other.as_ref().map_or(String::new(), |other| match (&other.replayed, &other.error) {
		(Some(replayed), _) => format!("{:.2} ({})", replayed.call.p50, other.variant),
		(None, error) => format!("{}: {}", other.variant, error.as_deref().unwrap_or("not measured")),
	});
	format!(
		"| {} | {} | {:.2} / {:.2} / {:.2} | {:.3} | {} | {} | {:.0} | {} | {} | {goal} | {other} |",
		outcome.name,
		found.variant,
		found.call.p50,
		found.call.p95,
		found.call.p99,
		found.per_sequence.p50,
		number(found.replayed.map(|replayed| replayed.call.p50), 2),
		// A processor's share of one.
		number(Some(found.tflops), if found.tflops < 1.0 { 3 } else { 1 }),
		found.gbs,
		found.share_of_mma.map_or(String::new(), |share| format!("{:.0} %", share * 100.0)),
		number(outcome.flashcore, 2),
	)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn measured(p50: f64) -> Measured {
		let call = Percentiles { p50, p95: p50, p99: p50, trials: 3 };
		let (replayed, share) = (Some(Replayed { call, graph: true, sets: 4 }), Some(0.5));
		Measured {
			variant: "64x64".into(),
			call,
			per_sequence: call.divided_by(8),
			replayed,
			tflops: 1.0,
			gbs: 2.0,
			share_of_mma: share,
			share_of_copy: share,
			other: None,
		}
	}

	#[test]
	fn a_goal_should_be_met_only_by_a_faster_median() {
		let cell = Cell::flashcore()[0];
		let goal = cell.bar().unwrap().1;
		assert_eq!(Outcome::new(cell, Ok(measured(goal * 8.0 * 0.99))).goal_met, Some(true));
		assert_eq!(Outcome::new(cell, Ok(measured(goal * 8.0 * 1.01))).goal_met, Some(false));
		assert_eq!(Outcome::new(cell, Err("no memory".into())).goal_met, None);
		assert_eq!(Outcome::new(Cell::more()[0], Ok(measured(1.0))).goal_met, None);
	}

	#[test]
	fn a_report_should_show_what_failed_beside_what_did_not() {
		let cells = Cell::flashcore();
		let call = Percentiles { p50: 12.5, p95: 13.0, p99: 14.0, trials: 3 };
		let other = |replayed: Option<Replayed>, error: Option<&str>| {
			let error = error.map(str::to_owned);
			Some(Other { variant: "192x128x16x3 wgmma".into(), replayed, tflops: Some(1.0), error })
		};
		let faster = other(Some(Replayed { call, graph: true, sets: 2 }), None);
		let wrong = other(None, Some("its output is elsewhere"));
		let report = Report {
			environment: Environment::of(None),
			backend: "cpu",
			protocol: "",
			ceilings: Some(Ceilings::default()),
			cells: vec![
				Outcome::new(cells[0], Ok(measured(20.0))),
				Outcome::new(cells[1], Err("no memory".into())),
				Outcome::new(cells[2], Ok(Measured { other: faster, ..measured(20.0) })),
				Outcome::new(cells[3], Ok(Measured { other: wrong, ..measured(20.0) })),
			],
		};
		let table = report.table();
		assert!(table.contains("| 12.50 (192x128x16x3 wgmma) |"), "{table}");
		assert!(table.contains("| 192x128x16x3 wgmma: its output is elsewhere |"), "{table}");
		assert!(table.contains("S=128 B=8") && table.contains("missed") && table.contains("no memory"));
		let json = serde_json::to_value(&report).unwrap();
		assert_eq!(json["cells"][0]["per_sequence"]["p50"], 2.5);
		assert_eq!(json["cells"][1]["error"], "no memory");
		assert_eq!(json["cells"][1]["cell"]["batch"], 16);
		let columns: Vec<usize> = table
			.lines()
			.filter(|line| line.starts_with('|'))
			.map(|line| line.matches('|').count())
			.collect();
		assert!(columns.iter().all(|count| *count == columns[0]), "{table}");
	}
}
