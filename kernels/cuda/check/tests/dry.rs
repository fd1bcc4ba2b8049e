//! The whole check on the emulation, as a user runs it: what it prints, writes and returns.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use serde_json::Value;
use std::{
	fs,
	path::Path,
	process::{Command, Output, Stdio},
	thread,
	time::Duration,
};

fn gpu_check(args: &[&str]) -> Output {
	let mut command = Command::new(env!("CARGO_BIN_EXE_noesis-gpu-check"));
	command.args(args).env_remove("NOESIS_CHECKPOINT").output().unwrap()
}

fn json(path: &Path) -> Value {
	serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_dry_run_should_pass_and_its_report_should_merge() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("run.json");
	let (run, out) = (path.to_str().unwrap(), folder.path().to_str().unwrap());
	let output = gpu_check(&["run", "--backend", "emulation", "--quick", "--repeats", "2", "--out", run]);
	let said = String::from_utf8(output.stderr).unwrap();
	assert!(output.status.success(), "{said}");

	let report = json(&path);
	let checks = report["checks"].as_array().unwrap();
	assert_eq!((report["failed"].as_u64(), report["passed"].as_u64()), (Some(0), Some(checks.len() as u64)));
	assert!(report["under_way"].is_null(), "it came to its end");
	let parts = [
		"exact:",
		"canon32",
		"forward",
		"backward",
		"decode",
		"the same bits",
		"every shape",
		"exact attention can be measured",
		"wgmma",
	];
	for part in parts {
		let found = checks.iter().find(|check| check["name"].as_str().unwrap().starts_with(part));
		assert_eq!(found.unwrap_or_else(|| panic!("{part} is missing"))["ok"], true);
	}
	assert_eq!(report["environment"]["device"]["name"], "CUDA emulation on the CPU");
	let bench = &report["bench"];
	assert_eq!(
		(bench["backend"].as_str(), bench["ceilings"]["copy_gbs"].is_number()),
		(Some("emulation"), true)
	);
	for cell in bench["cells"].as_array().unwrap() {
		assert!(cell["per_sequence"]["p50"].as_f64().unwrap() > 0.0, "{cell}");
		assert!(cell["replayed"]["call"]["p99"].as_f64().unwrap() > 0.0, "{cell}");
		assert_eq!(cell["replayed"]["graph"], true);
	}
	let exact = report["exact_bench"]["cells"].as_array().unwrap();
	assert_eq!(exact.len(), 2);
	for cell in exact {
		for number in ["tokens_per_second", "fp16_tokens_per_second", "ratio_to_fp16"] {
			assert!(cell[number].as_f64().unwrap() > 0.0, "{cell}");
		}
		assert_eq!(cell["exact"]["graph"], true);
		assert_eq!(cell["fp16"]["graph"], true);
	}

	// What PyTorch's side would have found on the same shapes.
	let name = bench["cells"][0]["name"].as_str().unwrap();
	let sdpa = serde_json::json!({ "missing": null, "torch": "2", "cells": [{ "name": name, "kernels": {
		"flash": { "call": { "p50": 1.0, "p95": 1.0, "p99": 1.0 } } } }] });
	let theirs = folder.path().join("sdpa.json");
	fs::write(&theirs, sdpa.to_string()).unwrap();
	let merged = gpu_check(&[
		"merge",
		"--run",
		run,
		"--sdpa",
		theirs.to_str().unwrap(),
		"--tool",
		"compute-sanitizer memcheck=no errors",
		"--note",
		"PyTorch=not run: the time was up",
		"--out",
		out,
	]);
	assert!(merged.status.success());
	let text = fs::read_to_string(folder.path().join("gpu-check.md")).unwrap();
	assert!(text.contains("compute-sanitizer memcheck: no errors") && text.contains(name), "{text}");
	let summary = &json(&folder.path().join("gpu-check.json"))["summary"];
	assert_eq!(summary["at_least_best_sdpa"], serde_json::json!({ "met": 0, "of": 1 }));
	assert_eq!(summary["exact_attention"], report["exact_bench"]["cells"]);
	assert!(text.contains("- verdict: passed") && text.contains("| exact attention |"), "{text}");

	let late = "compute-sanitizer racecheck=not run: the time was up";
	let merged = gpu_check(&["merge", "--run", run, "--tool", late, "--out", out]);
	assert_eq!(merged.status.code(), Some(1), "what has to pass was not run");
	let text = String::from_utf8(merged.stdout).unwrap();
	assert!(
		text.contains("- verdict: not passed: compute-sanitizer racecheck: not run: the time was up"),
		"{text}"
	);
}

#[test]
fn a_run_that_is_killed_should_leave_what_it_found_and_count_as_failed() {
	let folder = tempfile::tempdir().unwrap();
	let (fast, wgmma) = (folder.path().join("fast.json"), folder.path().join("wgmma.json"));
	let mut command = Command::new(env!("CARGO_BIN_EXE_noesis-gpu-check"));
	command.args(["run", "--backend", "emulation", "--quick", "--only", "fast", "--out"]).arg(&fast);
	let mut child = command.stderr(Stdio::null()).spawn().unwrap();
	// The first check takes no time, the last one minutes.
	while !fast.exists() || json(&fast)["passed"] == 0 {
		assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
		thread::sleep(Duration::from_millis(1));
	}
	child.kill().unwrap();
	child.wait().unwrap();

	let [fast, wgmma, out] =
		[fast.as_path(), wgmma.as_path(), folder.path()].map(|path| path.to_str().unwrap());
	let merged = gpu_check(&["merge", "--run", fast, "--run", wgmma, "--out", out]);
	assert_eq!(merged.status.code(), Some(1));
	let text = String::from_utf8(merged.stdout).unwrap();
	assert!(text.contains("- failed: fast comes to its end: it was stopped after the beginning"), "{text}");
	assert!(text.contains("- failed: wgmma comes to its end: it is missing: "), "{text}");
	let report = &json(&folder.path().join("gpu-check.json"))["noesis"];
	assert_eq!(report["failed"], 2);
	assert!(report["passed"].as_u64() > Some(0), "{report}");
}

#[test]
fn without_a_gpu_the_check_should_say_what_is_missing() {
	if noesis_cuda::CudaDevice::count() > 0 {
		return;
	}
	let output = gpu_check(&["run", "--quick"]);
	assert_eq!(output.status.code(), Some(2));
	let said = String::from_utf8(output.stderr).unwrap();
	assert!(said.contains("libcuda.so is missing") || said.contains("can't be used"), "{said}");
}

#[test]
fn the_shapes_should_be_those_that_pytorch_is_asked_for() {
	let output = gpu_check(&["cells"]);
	let cells: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
	assert!(cells.len() > 40);
	let first = &cells[0];
	assert_eq!((first["cell"]["length"].as_u64(), first["cell"]["batch"].as_u64()), (Some(128), Some(8)));
	let passes: Vec<&str> = cells.iter().map(|cell| cell["cell"]["pass"].as_str().unwrap()).collect();
	assert!(["forward", "backward", "decode"].iter().all(|pass| passes.contains(pass)));
	assert!(cells.iter().all(|cell| matches!(cell["cell"]["number"].as_str(), Some("f16" | "bf16"))));
}
