//! What the report says of runs that were made up.

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

fn step(name: &str, result: &str, required: bool) -> Step {
	Step { name: name.into(), result: result.into(), required }
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
	let (json, text) = merge(&run(), &sdpa(), &[step("memcheck", "no errors", true)]);
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
			"| a | 0.700 | 3.00 | 2.00 (192x128x16x3 wgmma) | 100.0 | 12 % | 2.00 (flash) | 4.00 (flash) | 1.33 |  | 2.60 | 0.80 met |"
		),
		"{text}"
	);
	assert!(text.contains("0.80 missed") && text.contains("12 passed, 1 failed"));
}

/// A run with shapes by name, pass, length and our time in a row, and theirs with cuDNN's kernel, if it was measured.
fn against_cudnn(cells: &[(&str, &str, u64, f64, Option<f64>)]) -> (Value, Sdpa) {
	let ours = cells.iter().map(|(name, pass, length, time, _)| {
		json!({
			"name": name, "cell": { "batch": 2, "number": "f16", "pass": pass, "length": length },
			"per_sequence": { "p50": time }, "replayed": { "call": { "p50": time } }, "tflops": 100.0,
		})
	});
	let theirs = cells.iter().map(|(name, _, _, _, time)| {
		let times = |p50: f64| json!({ "p50": p50, "p95": p50, "p99": p50 });
		let cudnn = time.map_or(
			json!({ "error": "no such shape" }),
			|time| json!({ "call": times(9.0 * time), "replayed": { "call": times(time), "graph": true } }),
		);
		json!({ "name": name, "kernels": { "cudnn": cudnn, "flash": { "call": times(0.001) } } })
	});
	let run = json!({ "passed": 1, "failed": 0, "bench": { "cells": ours.collect::<Vec<_>>() } });
	let sdpa = json!({ "missing": null, "cells": theirs.collect::<Vec<_>>() });
	(run, serde_json::from_value(sdpa).unwrap())
}

#[test]
fn long_shapes_should_be_compared_with_cudnn_by_pass() {
	let (run, sdpa) = against_cudnn(&[
		("short", "forward", 1024, 10.0, Some(1.0)),
		("f2k", "forward", 2048, 10.0, Some(9.5)),
		("f16k", "forward", 16_384, 10.0, Some(9.25)),
		("b2k", "backward", 2048, 10.0, Some(8.5)),
		("b4k", "backward", 4096, 10.0, Some(7.5)),
		("d4k", "decode", 4096, 10.0, Some(1.0)),
	]);
	let (json, text) = merge(&run, &sdpa, &[]);
	let shares: Vec<&Value> =
		list(&json["summary"]["comparisons"]).iter().map(|cell| &cell["share_of_cudnn"]).collect();
	assert_eq!(shares, [&json!(null), &json!(0.95), &json!(0.925), &json!(0.85), &json!(0.75), &json!(null)]);
	let found = &json["summary"]["share_of_cudnn"];
	let forward = json!({ "goal": 0.9, "least": 0.925, "met": 2, "of": 2, "not_compared": 0, "holds": true });
	let backward =
		json!({ "goal": 0.8, "least": 0.75, "met": 1, "of": 2, "not_compared": 0, "holds": false });
	assert_eq!((&found["forward"], &found["backward"]), (&forward, &backward));
	assert_eq!(json["summary"]["verdict"]["passed"], true, "goals are printed, not asked for");
	assert!(text.contains("| 75 % missed |") && text.contains("| 95 % met |"), "{text}");
	let line = "- backward, at least 80 % of cuDNN's speed from S = 2048 on: 1 of 2 shapes, 0 not compared, least 75 %";
	assert!(text.contains(line) && text.contains("the goal holds"), "{text}");
}

#[test]
fn a_goal_should_not_be_said_to_hold_when_shapes_were_not_compared() {
	let cells = [("f2k", "forward", 2048, 10.0, Some(9.5)), ("f4k", "forward", 4096, 10.0, None)];
	let holds = |(run, sdpa): (Value, Sdpa)| {
		merge(&run, &sdpa, &[]).0["summary"]["share_of_cudnn"]["forward"]["holds"].clone()
	};
	assert_eq!(holds(against_cudnn(&cells)), Value::Null);
	assert_eq!(holds(against_cudnn(&cells[..1])), true);
	assert_eq!(holds(against_cudnn(&[])), Value::Null);
	let (mut run, sdpa) = against_cudnn(&cells[..1]);
	run["notes"] = json!([{ "part": "bench", "name": "bench comes to its end", "detail": "it was stopped" }]);
	assert_eq!(holds((run, sdpa)), Value::Null, "the shapes that are missing might miss it");
}

#[test]
fn a_step_that_has_to_pass_should_count_when_it_was_not_done() {
	let (run, sdpa) = against_cudnn(&[]);
	let verdict = |steps: &[Step]| merge(&run, &sdpa, steps).0["summary"]["verdict"].clone();
	let passed = [
		step("memcheck", "passed", true),
		step("racecheck", "not on this machine", true),
		step("bench", "not done after 150 s", false),
		step("PyTorch", "not run: the time was up", false),
	];
	assert_eq!(verdict(&passed), json!({ "passed": true, "because": [] }));
	for result in ["not run: the time was up", "not done after 60 s", "could not run (exit code 1)", "failed"]
	{
		let because = json!([format!("racecheck: {result}")]);
		let wrong = [step("memcheck", "passed", true), step("racecheck", result, true)];
		assert_eq!(verdict(&wrong), json!({ "passed": false, "because": because }));
		let (_, text) = merge(&run, &sdpa, &wrong);
		assert!(text.contains(&format!("- verdict: not passed: racecheck: {result}\n")), "{text}");
	}
	assert_eq!(verdict(&[step("bench", "failed (exit code 1)", false)])["passed"], false);
}

#[test]
fn exact_attention_should_be_shown_beside_fp16() {
	let time = |p50: f64| json!({ "call": { "p50": p50 } });
	let cells = json!([
		{ "name": "S=512", "exact": time(40.0), "fp16": time(10.0), "tokens_per_second": 12_800_000.0, "ratio_to_fp16": 0.25 },
		{ "name": "S=2048", "error": "no memory" },
	]);
	let run = json!({ "checks": [{ "name": "a", "ok": true }], "exact_bench": { "cells": cells } });
	let run = combine(&[("exact-bench".into(), Ok(run))]);
	let (json, text) = merge(&run, &sdpa(), &[]);
	assert_eq!(json["summary"]["exact_attention"], cells);
	assert!(text.contains("| S=512 | 40.00 | 10.00 | 12800000 | 0.250 |"), "{text}");
	assert!(text.contains("| S=2048 | no memory |  |  |  |"), "{text}");
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
	let run = combine(&[("canon32".into(), Ok(stopped)), ("fast".into(), missing)]);
	assert_eq!((&run["passed"], &run["failed"]), (&json!(1), &json!(2)));
	let (json, text) = merge(&run, &sdpa(), &[]);
	let because = json!(["canon32 comes to its end", "fast comes to its end"]);
	assert_eq!(json["summary"]["verdict"], json!({ "passed": false, "because": because }));
	assert!(text.contains("canon32 comes to its end: it was stopped after the beginning of: b"), "{text}");
	assert!(text.contains("fast comes to its end: it is missing: fast.json: No such file"), "{text}");
	let nothing = combine(&[("fast".into(), Err(String::new()))]);
	assert_eq!(nothing["failed"], 1, "even if there is nothing else");
}

#[test]
fn a_bench_that_is_missing_or_was_stopped_should_be_a_note() {
	let exact = json!({ "checks": [{ "name": "a", "ok": true }], "under_way": null });
	let stopped = json!({ "checks": [], "under_way": "every shape", "bench": run()["bench"] });
	let missing = Err("exact-bench.json: No such file".into());
	let run = combine(&[
		("exact".into(), Ok(exact)),
		("bench".into(), Ok(stopped.clone())),
		("exact-bench".into(), missing),
	]);
	assert_eq!((&run["passed"], &run["failed"]), (&json!(1), &json!(0)));
	let (json, text) = merge(&run, &sdpa(), &[]);
	assert_eq!(json["summary"]["verdict"]["passed"], true);
	assert_eq!(list(&json["summary"]["comparisons"]).len(), 2, "what was measured is kept");
	let note = "- note: bench comes to its end: it was stopped after the beginning of: every shape";
	assert!(
		text.contains(note) && text.contains("- note: exact-bench comes to its end: it is missing"),
		"{text}"
	);
	let alone = combine(&[("bench".into(), Ok(stopped))]);
	let verdict = &merge(&alone, &sdpa(), &[]).0["summary"]["verdict"];
	assert_eq!(verdict["because"], json!(["0 checks passed and 0 failed"]), "nothing was checked");
}

#[test]
fn a_run_without_pytorch_should_say_so() {
	let none = Sdpa { missing: Some("PyTorch can't be imported".into()), ..Sdpa::default() };
	let (json, text) = merge(&run(), &none, &[]);
	assert_eq!(json["summary"]["at_least_best_sdpa"], json!({ "met": 0, "of": 0 }));
	assert!(text.contains("no comparison with PyTorch: PyTorch can't be imported"));
}
