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

/// A step of the script, and what came of it.
#[derive(Clone, Debug)]
pub struct Step {
	/// What was run.
	pub name: String,
	/// In words, the first of which say how it ended.
	pub result: String,
	/// It has to pass where it can be had; else it measures: it must not fail, but its time may be up.
	pub required: bool,
}

impl Step {
	/// Whether the check can't pass because of it.
	fn objects(&self) -> bool {
		let begins = |words: &str| self.result.starts_with(words);
		begins("failed") || self.required && ["could not run", "not run", "not done"].into_iter().any(begins)
	}
}

/// The parts that measure: one that was stopped is no failure.
const BENCHES: [&str; 2] = ["bench", "exact-bench"];

/// Keys of a sequence from which on we want to be near cuDNN's kernel.
const LONG: u64 = 2048;
/// What share of its speed we want, by pass.
const CUDNN_GOALS: [(&str, f64); 2] = [("forward", 0.9), ("backward", 0.8)];

/// The share of cuDNN's speed that we want on a shape; none if it is short, or no pass of training.
fn cudnn_goal(cell: &Value) -> Option<(&'static str, f64)> {
	let goal = CUDNN_GOALS.into_iter().find(|(pass, _)| cell["pass"] == *pass);
	goal.filter(|_| cell["length"].as_u64() >= Some(LONG))
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
	/// Our speed as a share of cuDNN's kernel's on a long sequence, and whether it is what we want for this pass.
	share_of_cudnn: Option<f64>,
	cudnn_goal: Option<(f64, bool)>,
}

impl Comparison {
	/// Ours against times of theirs: above 1 is faster. In a row, where the kernels are compared and not the hosts; else
	/// from an idle device, per sequence.
	fn against(&self, in_a_row: Option<f64>, per_sequence: Option<f64>) -> Option<f64> {
		match (self.in_a_row, in_a_row) {
			(Some(ours), Some(theirs)) => Some(theirs / ours),
			_ => per_sequence.map(|theirs| theirs / self.per_sequence),
		}
	}

	/// Ours against the best of theirs.
	fn speedup(&self) -> Option<f64> {
		let time = |best: &Option<(String, f64)>| best.as_ref().map(|(_, time)| *time);
		self.against(time(&self.best_sdpa_in_a_row), time(&self.best_sdpa))
	}

	/// Adds the comparison with cuDNN's kernel on a long sequence, if it was measured.
	fn with_cudnn(mut self, cell: &Value, cudnn: Option<&SdpaTimes>, batch: f64) -> Self {
		let Some(((_, goal), theirs)) = cudnn_goal(cell).zip(cudnn) else { return self };
		let (row, call) = (theirs.replayed.map(|row| row.call.p50), theirs.call.map(|call| call.p50 / batch));
		self.share_of_cudnn = self.against(row, call);
		self.cudnn_goal = self.share_of_cudnn.map(|share| (goal, share >= goal));
		self
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
	let comparison = Comparison {
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
		share_of_cudnn: None,
		cudnn_goal: None,
		name,
	};
	let cudnn = kernels.and_then(|kernels| kernels.get("cudnn"));
	Some(comparison.with_cudnn(&outcome["cell"], cudnn, batch))
}

/// Whether the shares of cuDNN's speed on long sequences are what we want, by pass: yes or no; unknown as long as no shape
/// misses the goal but not all of them were compared.
fn cudnn_goals(run: &Value, comparisons: &[Comparison]) -> Value {
	let stopped = list(&run["notes"]).iter().any(|note| note["part"] == "bench");
	let of_pass = |pass: &'static str, goal: f64| {
		let of_this = |cell: &Value| cudnn_goal(cell).is_some_and(|(name, _)| name == pass);
		let names: Vec<&str> = list(&run["bench"]["cells"])
			.iter()
			.filter(|outcome| of_this(&outcome["cell"]))
			.filter_map(|outcome| outcome["name"].as_str())
			.collect();
		let shares: Vec<f64> = comparisons
			.iter()
			.filter(|comparison| names.contains(&comparison.name.as_str()))
			.filter_map(|comparison| comparison.share_of_cudnn)
			.collect();
		let met = shares.iter().filter(|share| **share >= goal).count();
		let whole = !stopped && !shares.is_empty() && shares.len() == names.len();
		let holds = if met < shares.len() { Some(false) } else { whole.then_some(true) };
		let least = shares.iter().copied().reduce(f64::min);
		let not_compared = names.len() - shares.len();
		json!({
			"goal": goal, "least": least, "met": met, "of": shares.len(), "not_compared": not_compared, "holds": holds,
		})
	};
	CUDNN_GOALS.into_iter().map(|(pass, goal)| (pass.to_owned(), of_pass(pass, goal))).collect()
}

/// One run of several: the parts by name, each with what `noesis-gpu-check run` wrote of it or why there is nothing. A part
/// that is missing or did not come to its end counts as a failed check; if it measures, it is a note.
pub fn combine(parts: &[(String, Result<Value, String>)]) -> Value {
	let (mut checks, mut notes, mut kernels) = (Vec::new(), Vec::new(), Vec::new());
	let (mut environment, mut bench, mut exact_bench) = (Value::Null, Value::Null, Value::Null);
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
				if exact_bench.is_null() {
					exact_bench = run["exact_bench"].clone();
				}
				let began = run["under_way"].as_str();
				began.map(|check| format!("it was stopped after the beginning of: {check}"))
			},
		};
		let Some(detail) = stopped else { continue };
		let name = format!("{part} comes to its end");
		if BENCHES.contains(&part.as_str()) {
			notes.push(json!({ "part": part, "name": name, "detail": detail }));
		} else {
			checks.push(json!({ "name": name, "ok": false, "detail": detail }));
		}
	}
	environment["kernels"] = Value::Array(kernels);
	let failed = checks.iter().filter(|check| check["ok"] != true).count();
	json!({
		"environment": environment,
		"passed": checks.len() - failed,
		"failed": failed,
		"checks": checks,
		"notes": notes,
		"bench": bench,
		"exact_bench": exact_bench,
	})
}

/// The items of an array; none of anything else.
fn list(value: &Value) -> &[Value] {
	value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Why the check did not pass; nothing if it did.
fn objections(run: &Value, steps: &[Step]) -> Vec<String> {
	let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
	let checks = list(&run["checks"]).iter().filter(|check| check["ok"] != true);
	let steps = steps.iter().filter(|step| step.objects());
	let mut all: Vec<String> = checks.map(|check| word(&check["name"])).collect();
	all.extend(steps.map(|step| format!("{}: {}", step.name, step.result)));
	if all.is_empty() && (run["failed"] != 0 || run["passed"] == 0) {
		all.push(format!("{} checks passed and {} failed", run["passed"], run["failed"]));
	}
	all
}

/// The whole report as JSON and as Markdown, with the verdict. `run` is what [`combine`] made of all parts; `steps` is what
/// was run beside them, and the runs themselves, and what came of each.
pub fn merge(run: &Value, sdpa: &Sdpa, steps: &[Step]) -> (Value, String) {
	let cells = list(&run["bench"]["cells"]).iter();
	let comparisons: Vec<Comparison> = cells.filter_map(|outcome| compare(outcome, sdpa)).collect();
	let goals: Vec<bool> = comparisons.iter().filter_map(|cell| cell.goal.map(|(_, met)| met)).collect();
	let ahead: Vec<bool> = comparisons.iter().filter_map(|cell| cell.speedup().map(|x| x >= 1.0)).collect();
	let count = |list: &[bool]| json!({ "met": list.iter().filter(|met| **met).count(), "of": list.len() });
	let results: BTreeMap<&str, &str> =
		steps.iter().map(|step| (step.name.as_str(), step.result.as_str())).collect();
	let because = objections(run, steps);
	let summary = json!({
		"verdict": { "passed": because.is_empty(), "because": because },
		"checks_passed": run["passed"],
		"checks_failed": run["failed"],
		"tools": results,
		"goals": count(&goals),
		"at_least_best_sdpa": count(&ahead),
		"share_of_cudnn": cudnn_goals(run, &comparisons),
		"comparisons": comparisons,
		"exact_attention": run["exact_bench"]["cells"],
	});
	let mut text = markdown(run, sdpa, steps, &comparisons, &summary);
	text.push_str(&exact_table(&run["exact_bench"]));
	(json!({ "summary": summary, "noesis": run, "sdpa": sdpa }), text)
}

fn markdown(run: &Value, sdpa: &Sdpa, steps: &[Step], comparisons: &[Comparison], summary: &Value) -> String {
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
	let because: Vec<String> = list(&summary["verdict"]["because"]).iter().map(word).collect();
	line(if because.is_empty() {
		"- verdict: passed".into()
	} else {
		format!("- verdict: not passed: {}", because.join("; "))
	});
	line(format!("- checks: {} passed, {} failed", run["passed"], run["failed"]));
	for check in list(&run["checks"]).iter().filter(|check| check["ok"] != true) {
		line(format!("- failed: {}: {}", word(&check["name"]), word(&check["detail"])));
	}
	for note in list(&run["notes"]) {
		line(format!("- note: {}: {}", word(&note["name"]), word(&note["detail"])));
	}
	for step in steps {
		line(format!("- {}: {}", step.name, step.result));
	}
	for (what, name) in
		[("goals met", "goals"), ("at least the best of PyTorch's kernels", "at_least_best_sdpa")]
	{
		line(format!("- {what}: {} of {}", summary[name]["met"], summary[name]["of"]));
	}
	for (pass, _) in CUDNN_GOALS {
		line(cudnn_line(pass, &summary["share_of_cudnn"][pass]));
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
		 times SDPA's speed | of cuDNN | FlashCore us | goal us |"
			.into(),
	);
	line("|---|---|---|---|---|---|---|---|---|---|---|---|".into());
	let named = |best: &Option<(String, f64)>| {
		best.as_ref().map_or(String::new(), |(name, time)| format!("{time:.2} ({name})"))
	};
	let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
	let verdict = |met: bool| if met { "met" } else { "missed" };
	for cell in comparisons {
		line(format!(
			"| {} | {:.3} | {} | {} | {:.1} | {} | {} | {} | {} | {} | {} | {} |",
			cell.name,
			cell.per_sequence,
			number(cell.in_a_row),
			named(&cell.other),
			cell.tflops,
			cell.share_of_matmul.map_or(String::new(), |share| format!("{:.0} %", share * 100.0)),
			named(&cell.best_sdpa),
			named(&cell.best_sdpa_in_a_row),
			number(cell.speedup()),
			cell.share_of_cudnn.zip(cell.cudnn_goal).map_or(String::new(), |(share, (_, met))| {
				format!("{:.0} % {}", share * 100.0, verdict(met))
			}),
			number(cell.flashcore),
			cell.goal.map_or(String::new(), |(goal, met)| format!("{goal:.2} {}", verdict(met))),
		));
	}
	out
}

/// How near we come to cuDNN's kernel in one pass over long sequences.
fn cudnn_line(pass: &str, found: &Value) -> String {
	let percent = |value: &Value| value.as_f64().map(|share| format!("{:.0} %", share * 100.0));
	let goal = percent(&found["goal"]).unwrap_or_default();
	let holds = match found["holds"].as_bool() {
		Some(true) => "the goal holds",
		Some(false) => "the goal does not hold",
		None => "whether the goal holds is not known",
	};
	format!(
		"- {pass}, at least {goal} of cuDNN's speed from S = {LONG} on: {} of {} shapes, {} not compared, least {}: {holds}",
		found["met"],
		found["of"],
		found["not_compared"],
		percent(&found["least"]).unwrap_or("unknown".into())
	)
}

/// Exact attention beside fp16; nothing if it was not measured.
fn exact_table(bench: &Value) -> String {
	let mut out = String::new();
	if list(&bench["cells"]).is_empty() {
		return out;
	}
	out.push_str(
		"\n| exact attention | us in a row | fp16 us in a row | tokens/s | speed by fp16's |\n|---|---|---|---|---|\n",
	);
	let number =
		|value: &Value, digits: usize| value.as_f64().map_or("".into(), |value| format!("{value:.digits$}"));
	for cell in list(&bench["cells"]) {
		// Writing to memory can't fail.
		let _ = writeln!(
			out,
			"| {} | {} | {} | {} | {} |",
			cell["name"].as_str().unwrap_or("unknown"),
			cell["error"].as_str().map_or_else(|| number(&cell["exact"]["call"]["p50"], 2), str::to_owned),
			number(&cell["fp16"]["call"]["p50"], 2),
			number(&cell["tokens_per_second"], 0),
			number(&cell["ratio_to_fp16"], 3),
		);
	}
	out
}

#[cfg(test)]
mod tests;
