//! One report of everything that `scripts/gpu-check.sh` ran: our checks and times, PyTorch's times, other programs.

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use std::{collections::BTreeMap, fmt::Write};

/// What `scripts/gpu/sdpa.py` writes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sdpa {
	/// Why there is nothing to compare with.
	pub missing: Option<String>,
	/// PyTorch's version.
	#[serde(default)]
	pub torch: Option<String>,
	/// What the libraries reach at most.
	#[serde(default)]
	pub ceilings: BTreeMap<String, f64>,
	/// Before which shape the time was up.
	#[serde(default)]
	pub stopped: Option<String>,
	/// Shape by shape.
	#[serde(default)]
	pub cells: Vec<SdpaCell>,
}

/// One shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SdpaCell {
	/// As ours is called.
	pub name: String,
	/// By kernel: flash, cudnn, efficient.
	pub kernels: BTreeMap<String, SdpaTimes>,
}

/// One kernel on one shape.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SdpaTimes {
	/// Why there are no times.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub error: Option<String>,
	/// From an idle device, microseconds.
	#[serde(default)]
	pub call: Option<SdpaPercentiles>,
	/// In a row.
	#[serde(default)]
	pub replayed: Option<SdpaReplayed>,
}

/// Percentiles of one call, microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SdpaPercentiles {
	/// The median.
	pub p50: f64,
	/// 95 of 100 are at most this.
	pub p95: f64,
	/// 99 of 100 are.
	pub p99: f64,
}

/// Calls in a row.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SdpaReplayed {
	/// One call, microseconds.
	pub call: SdpaPercentiles,
	/// Whether a graph was recorded.
	pub graph: bool,
}

/// How one shape compares.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Comparison {
	name: String,
	/// Our median call from an idle device, per sequence, microseconds.
	per_sequence: f64,
	/// Our median call in a row, microseconds.
	in_a_row: Option<f64>,
	tflops: f64,
	/// The same with the other kind of forward kernel: its variant and its median call in a row, microseconds.
	other: Option<(String, f64)>,
	/// Share of the library's matrix product, measured in the same run.
	share_of_matmul: Option<f64>,
	/// The fastest of PyTorch's kernels: from an idle device, per sequence; and in a row.
	best_sdpa: Option<(String, f64)>,
	best_sdpa_in_a_row: Option<(String, f64)>,
	/// The goal, and whether it is met.
	goal: Option<(f64, bool)>,
	flashcore: Option<f64>,
}

impl Comparison {
	/// Ours against the best of theirs: above 1 is faster. In a row, where the kernels are compared and not the hosts;
	/// else from an idle device.
	fn speedup(&self) -> Option<f64> {
		match (self.in_a_row, &self.best_sdpa_in_a_row) {
			(Some(ours), Some((_, theirs))) => Some(theirs / ours),
			_ => self.best_sdpa.as_ref().map(|(_, theirs)| theirs / self.per_sequence),
		}
	}
}

/// The kernel with the smallest of these times.
fn best<'a>(times: impl Iterator<Item = (&'a String, f64)>) -> Option<(String, f64)> {
	times.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(name, time)| (name.clone(), time))
}

fn compare(outcome: &Value, sdpa: &Sdpa) -> Option<Comparison> {
	let name = outcome["name"].as_str()?.to_owned();
	let per_sequence = outcome["per_sequence"]["p50"].as_f64()?;
	let batch = outcome["cell"]["batch"].as_f64()?;
	let kernels = sdpa.cells.iter().find(|cell| cell.name == name).map(|cell| &cell.kernels);
	let all = || kernels.into_iter().flatten();
	let number = outcome["cell"]["number"].as_str().unwrap_or_default();
	let matmul = sdpa.ceilings.get(&format!("matmul_{number}_tflops"));
	let tflops = outcome["tflops"].as_f64()?;
	Some(Comparison {
		per_sequence,
		in_a_row: outcome["replayed"]["call"]["p50"].as_f64(),
		tflops,
		other: outcome["other"]["variant"]
			.as_str()
			.map(str::to_owned)
			.zip(outcome["other"]["replayed"]["call"]["p50"].as_f64()),
		share_of_matmul: matmul.map(|ceiling| tflops / ceiling),
		best_sdpa: best(all().filter_map(|(name, times)| Some((name, times.call?.p50 / batch)))),
		best_sdpa_in_a_row: best(all().filter_map(|(name, times)| Some((name, times.replayed?.call.p50)))),
		goal: outcome["goal"].as_f64().zip(outcome["goal_met"].as_bool()),
		flashcore: outcome["flashcore"].as_f64(),
		name,
	})
}

/// One run of several: the parts by name, each with what `noesis-gpu-check run` wrote of it or why there is nothing. A part
/// that is missing or did not come to its end counts as a failed check.
pub fn combine(parts: &[(String, Result<Value, String>)]) -> Value {
	let (mut checks, mut kernels) = (Vec::new(), Vec::new());
	let (mut environment, mut bench) = (Value::Null, Value::Null);
	for (part, run) in parts {
		let stopped = match run {
			Err(missing) => Some(format!("it is missing: {missing}")),
			Ok(run) => {
				checks.extend(list(&run["checks"]).iter().cloned());
				for kernel in list(&run["environment"]["kernels"]) {
					if !kernels.contains(kernel) {
						kernels.push(kernel.clone());
					}
				}
				if environment["device"].is_null() {
					environment = run["environment"].clone();
				}
				if bench.is_null() {
					bench = run["bench"].clone();
				}
				let began = run["under_way"].as_str();
				began.map(|check| format!("it was stopped after the beginning of: {check}"))
			},
		};
		if let Some(detail) = stopped {
			checks.push(json!({ "name": format!("{part} comes to its end"), "ok": false, "detail": detail }));
		}
	}
	environment["kernels"] = Value::Array(kernels);
	let failed = checks.iter().filter(|check| check["ok"] != true).count();
	json!({
		"environment": environment,
		"passed": checks.len() - failed,
		"failed": failed,
		"checks": checks,
		"bench": bench,
	})
}

/// The items of an array; none of anything else.
fn list(value: &Value) -> &[Value] {
	value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The whole report as JSON and as Markdown. `run` is what [`combine`] made of all parts; `tools` is each program that was
/// run beside them and what came of it.
pub fn merge(run: &Value, sdpa: &Sdpa, tools: &[(String, String)]) -> (Value, String) {
	let cells = list(&run["bench"]["cells"]).iter();
	let comparisons: Vec<Comparison> = cells.filter_map(|outcome| compare(outcome, sdpa)).collect();
	let goals: Vec<bool> = comparisons.iter().filter_map(|cell| cell.goal.map(|(_, met)| met)).collect();
	let ahead: Vec<bool> = comparisons.iter().filter_map(|cell| cell.speedup().map(|x| x >= 1.0)).collect();
	let count = |list: &[bool]| json!({ "met": list.iter().filter(|met| **met).count(), "of": list.len() });
	let results: BTreeMap<&str, &str> =
		tools.iter().map(|(tool, result)| (tool.as_str(), result.as_str())).collect();
	let summary = json!({
		"checks_passed": run["passed"],
		"checks_failed": run["failed"],
		"tools": results,
		"goals": count(&goals),
		"at_least_best_sdpa": count(&ahead),
		"comparisons": comparisons,
	});
	let text = markdown(run, sdpa, tools, &comparisons, &summary);
	(json!({ "summary": summary, "noesis": run, "sdpa": sdpa }), text)
}

fn markdown(
	run: &Value,
	sdpa: &Sdpa,
	tools: &[(String, String)],
	comparisons: &[Comparison],
	summary: &Value,
) -> String {
	let mut out = String::new();
	// Writing to memory can't fail.
	let mut line = |text: String| {
		let _ = writeln!(out, "{text}");
	};
	let device = &run["environment"]["device"];
	let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
	let driver = device["driver"].as_str().filter(|driver| !driver.is_empty());
	line(format!(
		"{}{}, {}; {}.\n",
		word(&device["name"]),
		driver.map_or(String::new(), |driver| format!(", CUDA {driver} by its driver")),
		word(&run["environment"]["system"]),
		match (&sdpa.missing, &sdpa.torch) {
			(Some(missing), _) => format!("no comparison with PyTorch: {missing}"),
			(None, version) => format!("PyTorch {}", version.as_deref().unwrap_or("of unknown version")),
		}
	));
	line(format!("- checks: {} passed, {} failed", run["passed"], run["failed"]));
	for check in list(&run["checks"]).iter().filter(|check| check["ok"] != true) {
		line(format!("- failed: {}: {}", word(&check["name"]), word(&check["detail"])));
	}
	for (tool, result) in tools {
		line(format!("- {tool}: {result}"));
	}
	for (what, name) in
		[("goals met", "goals"), ("at least the best of PyTorch's kernels", "at_least_best_sdpa")]
	{
		line(format!("- {what}: {} of {}", summary[name]["met"], summary[name]["of"]));
	}
	if let Some(ceilings) = run["bench"]["ceilings"].as_object() {
		let all = ceilings.iter().filter_map(|(name, value)| Some((name, value.as_f64()?)));
		let all = all.chain(sdpa.ceilings.iter().map(|(name, value)| (name, *value)));
		let all: Vec<String> = all.map(|(name, value)| format!("{name} {value:.0}")).collect();
		line(format!("- ceilings: {}", all.join(", ")));
	}
	if let Some(stopped) = &sdpa.stopped {
		line(format!("- PyTorch's side stopped {stopped}"));
	}
	line(String::new());
	line(
		"| shape | us per sequence | us in a row | other kind us in a row | TFLOP/s | of matmul | best SDPA us per sequence | best SDPA us in a row | \
		 times SDPA's speed | FlashCore us | goal us |"
			.into(),
	);
	line("|---|---|---|---|---|---|---|---|---|---|---|".into());
	let named = |best: &Option<(String, f64)>| {
		best.as_ref().map_or(String::new(), |(name, time)| format!("{time:.2} ({name})"))
	};
	let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
	for cell in comparisons {
		line(format!(
			"| {} | {:.3} | {} | {} | {:.1} | {} | {} | {} | {} | {} | {} |",
			cell.name,
			cell.per_sequence,
			number(cell.in_a_row),
			named(&cell.other),
			cell.tflops,
			cell.share_of_matmul.map_or(String::new(), |share| format!("{:.0} %", share * 100.0)),
			named(&cell.best_sdpa),
			named(&cell.best_sdpa_in_a_row),
			number(cell.speedup()),
			number(cell.flashcore),
			cell.goal.map_or(String::new(), |(goal, met)| format!(
				"{goal:.2} {}",
				if met { "met" } else { "missed" }
			)),
		));
	}
	out
}

#[cfg(test)]
mod tests {
	use super::*;

	fn run() -> Value {
		let outcome = |name: &str, p50: f64, row: f64| {
			json!({
				"name": name, "cell": { "batch": 8, "number": "f16" }, "per_sequence": { "p50": p50 },
				"replayed": { "call": { "p50": row } }, "tflops": 100.0, "flashcore": 2.6, "goal": 0.8, "goal_met": p50 < 0.8,
			})
		};
		let with_other = |mut outcome: Value| {
			outcome["other"] = json!({ "variant": "192x128x16x3 wgmma", "replayed": { "call": { "p50": 2.0 } }, "tflops": 150.0 });
			outcome
		};
		json!({
			"passed": 12, "failed": 1,
			"environment": { "device": { "name": "a GPU", "driver": "13.0" }, "system": "linux" },
			"bench": { "ceilings": { "mma_f16_tflops": 600.0 }, "cells": [
				with_other(outcome("a", 0.7, 3.0)), outcome("b", 0.9, 9.0), json!({ "name": "c", "error": "no memory" }),
			] },
		})
	}

	fn sdpa() -> Sdpa {
		serde_json::from_value(json!({
			"missing": null, "torch": "2.11.0", "ceilings": { "matmul_f16_tflops": 800.0 },
			"cells": [
				{ "name": "a", "kernels": {
					"flash": { "call": { "p50": 16.0, "p95": 17.0, "p99": 18.0, "trials": 1000 },
						"replayed": { "call": { "p50": 4.0, "p95": 4.0, "p99": 4.0, "trials": 30 }, "graph": true, "sets": 9 } },
					"cudnn": { "error": "no such shape" } } },
				{ "name": "b", "kernels": {
					"flash": { "call": { "p50": 16.0, "p95": 17.0, "p99": 18.0 } },
					"efficient": { "call": { "p50": 4.0, "p95": 17.0, "p99": 18.0 } } } },
			],
		}))
		.unwrap()
	}

	#[test]
	fn shapes_should_be_compared_with_the_best_of_their_kernels() {
		let (json, text) = merge(&run(), &sdpa(), &[("memcheck".into(), "no errors".into())]);
		let found = &json["summary"]["comparisons"];
		assert_eq!(found.as_array().unwrap().len(), 2, "what failed can't be compared");
		assert_eq!(found[0]["best_sdpa"], json!(["flash", 2.0]));
		assert_eq!(found[1]["best_sdpa"], json!(["efficient", 0.5]));
		assert_eq!(found[0]["share_of_matmul"], 0.125);
		assert_eq!(json["summary"]["goals"], json!({ "met": 1, "of": 2 }));
		assert_eq!(json["summary"]["at_least_best_sdpa"], json!({ "met": 1, "of": 2 }));
		assert_eq!(json["summary"]["tools"]["memcheck"], "no errors");
		assert!(
			text.contains(
				"| a | 0.700 | 3.00 | 2.00 (192x128x16x3 wgmma) | 100.0 | 12 % | 2.00 (flash) | 4.00 (flash) | 1.33 | 2.60 | 0.80 met |"
			),
			"{text}"
		);
		assert!(text.contains("0.80 missed") && text.contains("12 passed, 1 failed"));
	}

	#[test]
	fn several_runs_should_become_one() {
		let check = |name: &str, ok: bool| json!({ "name": name, "ok": ok, "detail": "so" });
		let part = |checks: Value, kernels: Value| {
			json!({ "checks": checks, "under_way": null, "bench": null,
				"environment": { "device": { "name": "a GPU" }, "kernels": kernels } })
		};
		let exact = part(json!([check("a", true)]), json!(["x", "y"]));
		let mut bench = part(json!([check("b", true), check("c", false)]), json!(["y", "z"]));
		bench["bench"] = run()["bench"].clone();
		let run = combine(&[("exact".into(), Ok(exact)), ("bench".into(), Ok(bench))]);
		assert_eq!((&run["passed"], &run["failed"]), (&json!(2), &json!(1)));
		let names: Vec<&Value> = list(&run["checks"]).iter().map(|check| &check["name"]).collect();
		assert_eq!(names, ["a", "b", "c"]);
		assert_eq!(run["environment"]["kernels"], json!(["x", "y", "z"]));
		let (json, text) = merge(&run, &sdpa(), &[]);
		assert_eq!(json["summary"]["checks_failed"], 1);
		assert_eq!(list(&json["summary"]["comparisons"]).len(), 2);
		assert!(text.contains("a GPU") && text.contains("- failed: c: so"), "{text}");
	}

	#[test]
	fn a_part_that_is_missing_or_was_stopped_should_count_as_failed() {
		let stopped = json!({ "checks": [{ "name": "a", "ok": true }], "under_way": "b" });
		let missing = Err("fast.json: No such file".into());
		let run = combine(&[("bench".into(), Ok(stopped)), ("fast".into(), missing)]);
		assert_eq!((&run["passed"], &run["failed"]), (&json!(1), &json!(2)));
		let (_, text) = merge(&run, &sdpa(), &[]);
		assert!(text.contains("bench comes to its end: it was stopped after the beginning of: b"), "{text}");
		assert!(text.contains("fast comes to its end: it is missing: fast.json: No such file"), "{text}");
		let nothing = combine(&[("fast".into(), Err(String::new()))]);
		assert_eq!(nothing["failed"], 1, "even if there is nothing else");
	}

	#[test]
	fn a_run_without_pytorch_should_say_so() {
		let none = Sdpa { missing: Some("PyTorch can't be imported".into()), ..Sdpa::default() };
		let (json, text) = merge(&run(), &none, &[]);
		assert_eq!(json["summary"]["at_least_best_sdpa"], json!({ "met": 0, "of": 0 }));
		assert!(text.contains("no comparison with PyTorch: PyTorch can't be imported"));
	}
}
