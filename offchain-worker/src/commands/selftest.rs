//! `noesis selftest`: what must give the same bits is run and compared.

use super::{measure::Scratch, print_json, CommandError};
use noesis_cuda::{choose, embedded, probe, Chosen, Loaded};
use noesis_engine::{
	device_model::DeviceModel,
	testing::{self, write_random_model},
	Architecture, Backend, Engine, EngineOptions, Execution, RunOptions,
};
use noesis_primitives::{opening_positions, Claim, ContentHash, GenerateParams, InputFormat, JobKind};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct Check {
	name: String,
	ok: bool,
}

const PROMPT: &[u8] = b"The same question, asked in every way this machine knows.";

fn jobs() -> [(&'static str, JobKind); 3] {
	let greedy = GenerateParams::greedy(InputFormat::Chat, 48);
	let sampled = GenerateParams { temperature: 800, top_p: 60_000, seed: 7, ..greedy };
	[
		("greedy", JobKind::Generate(greedy)),
		("sampled", JobKind::Generate(sampled)),
		("text", JobKind::Generate(GenerateParams { format: InputFormat::Text, ..sampled })),
	]
}

pub(super) fn run(json: bool) -> Result<bool, CommandError> {
	let scratch = Scratch::new("selftest")?;
	let path = scratch.file("random.noesis");
	write_random_model(&path, 7)?;
	let options = |threads, backend| EngineOptions {
		threads: Some(threads),
		backend: Some(backend),
		..Default::default()
	};
	let reference = Engine::open(&path, &options(1, Backend::Scalar))?;
	let mut checks = Vec::new();
	for (name, job) in jobs() {
		let truth = reference.run(&job, PROMPT, RunOptions::default())?;
		for backend in Backend::available() {
			for threads in [1, 2, 3] {
				let engine = Engine::open(&path, &options(threads, backend))?;
				let here = format!("{name}, {}, {threads} threads", backend.name());
				check_runs(&mut checks, &engine, &job, &truth, &here)?;
			}
		}
		checks.push(Check { name: format!("{name}: openings"), ok: openings(&reference, &job, &truth)? });
	}
	let (device, kernels) = check_device(&mut checks)?;
	let embedded = embedded();
	let ok = checks.iter().all(|check| check.ok);
	if json {
		print_json(&serde_json::json!({
			"ok": ok, "device": device, "kernels": kernels, "embedded": embedded, "checks": checks,
		}));
	} else {
		for check in &checks {
			println!("{}  {}", if check.ok { "ok    " } else { "FAILED" }, check.name);
		}
		println!("GPU: {device}");
		for kernel in &kernels {
			println!("kernels: {} {} {:?}", kernel.name, kernel.hash, kernel.form);
		}
		println!("binaries of the kernels in this program: {}", described(&embedded));
		let failed = checks.iter().filter(|check| !check.ok).count();
		println!("{} passed, {failed} failed", checks.len() - failed);
	}
	Ok(ok)
}

fn described(embedded: &BTreeSet<u32>) -> String {
	if embedded.is_empty() {
		return "none, NVRTC compiles them where there is a GPU".to_owned();
	}
	let versions = embedded.iter().map(|number| format!("{}.{}", number / 10, number % 10));
	format!("for compute capability {}", versions.collect::<Vec<_>>().join(", "))
}

/// The same on the GPU, if there is one: what it is, or why there is none, and the kernels that ran.
fn check_device(checks: &mut Vec<Check>) -> Result<(String, Vec<Loaded>), CommandError> {
	let device = match choose(noesis_cuda::Backend::Auto, None)? {
		Chosen::Device(device) => device,
		Chosen::Cpu { reason } => return Ok((format!("none ({reason})"), Vec::new())),
	};
	let what = device.name();
	for (name, ok) in probe(&device)? {
		checks.push(Check { name: format!("{what}: {name}"), ok });
	}
	let scratch = Scratch::new("selftest-device")?;
	let path = scratch.file("random.noesis");
	// Heads of a size that the GPU's attention has.
	let architecture =
		Architecture { width: 96, heads: 3, kv_heads: 1, head_dim: 64, ..testing::architecture() };
	testing::write_random_model_of(&path, 7, architecture)?;
	let reference = Engine::open(&path, &EngineOptions::default())?;
	let engine = Engine::open(&path, &EngineOptions { device: Some(device), ..EngineOptions::default() })?;
	for (name, job) in jobs() {
		let truth = reference.run(&job, PROMPT, RunOptions::default())?;
		check_runs(checks, &engine, &job, &truth, &format!("{name}, {what}"))?;
	}
	let kernels = engine.device_model().map(DeviceModel::kernels).unwrap_or_default();
	Ok((what, kernels))
}

fn check_runs(
	checks: &mut Vec<Check>,
	engine: &Engine,
	job: &JobKind,
	truth: &Execution,
	here: &str,
) -> Result<(), CommandError> {
	let half = truth.output.get(..truth.output.len() / 2).unwrap_or_default();
	let wrong = [half, b" something else"].concat();
	let drafts: [(&str, Option<&[u8]>); 4] = [
		("token by token", None),
		("in one pass", Some(&truth.output)),
		("from a half right draft", Some(&wrong)),
		("from a wrong draft", Some(b"?")),
	];
	for (way, draft) in drafts {
		let found = engine.run(job, PROMPT, RunOptions { draft, ..RunOptions::default() })?;
		let ok = found.output == truth.output && found.leaves == truth.leaves && found.usage == truth.usage;
		checks.push(Check { name: format!("{here}: {way}"), ok });
	}
	Ok(())
}

/// Whether the leaves that a validator would show are in the trace.
fn openings(engine: &Engine, job: &JobKind, truth: &Execution) -> Result<bool, CommandError> {
	let claim = Claim {
		root: truth.root(),
		leaves: truth.leaf_count(),
		output: ContentHash::of(&truth.output),
		usage: truth.usage,
	};
	let positions = opening_positions(&claim, b"selftest", &[7; 32], 16);
	let capture: Vec<u64> = positions.iter().map(|position| u64::from(*position)).collect();
	let options = RunOptions { draft: Some(&truth.output), capture: &capture, ..Default::default() };
	let found = engine.run(job, PROMPT, options)?;
	let shown = |position: &u32| {
		found.opening(u64::from(*position)).is_some_and(|opening| opening.verify(&claim, *position))
	};
	Ok(positions.len() == 16 && positions.iter().all(shown))
}
