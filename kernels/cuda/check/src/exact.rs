//! The `Exact` profile: whole jobs on the device, and the CPU's output and trace, to the last hash.
//!
//! Each kernel by itself, on ragged and extreme inputs, is the business of `emulation/tests/exact_*.rs`, which
//! `scripts/gpu-check.sh` runs on the GPU as well.

use crate::{Finding, Suite};
use noesis_cuda::Device;
use noesis_engine::{
	testing::{self, write_random_model_of},
	Architecture, Engine, EngineOptions, RunOptions,
};
use noesis_primitives::{GenerateParams, InputFormat, JobKind};
use std::{path::Path, sync::Arc};

const PROMPT: &[u8] = b"The same question, asked on a processor and on a GPU.";

fn said(error: impl ToString) -> String {
	error.to_string()
}

/// Two layers: of SmolLM2-135M's sizes, or small ones.
fn architecture(quick: bool) -> Architecture {
	let small = testing::architecture();
	if quick {
		return Architecture { width: 96, heads: 3, kv_heads: 1, head_dim: 64, ..small };
	}
	Architecture { width: 576, heads: 9, kv_heads: 3, head_dim: 64, feed_forward: 1536, ..small }
}

/// Runs a job on the CPU, and on the device token by token and in one pass.
fn job(device: &Arc<dyn Device>, checkpoint: &Path, params: GenerateParams) -> Finding {
	let kind = JobKind::Generate(params);
	let cpu = Engine::open(checkpoint, &EngineOptions::default()).map_err(said)?;
	let options = EngineOptions { device: Some(device.clone()), ..EngineOptions::default() };
	let ours = Engine::open(checkpoint, &options).map_err(said)?;
	let truth = cpu.run(&kind, PROMPT, RunOptions::default()).map_err(said)?;
	for (way, draft) in [("token by token", None), ("in one pass", Some(truth.output.as_slice()))] {
		let found = ours.run(&kind, PROMPT, RunOptions { draft, ..RunOptions::default() }).map_err(said)?;
		if found != truth {
			let leaf = found.leaves.iter().zip(&truth.leaves).position(|(a, b)| a != b);
			let place = leaf.map_or("none of the common leaves".into(), |leaf| format!("leaf {leaf}"));
			let (root, right) = (found.root(), truth.root());
			return Ok((
				false,
				format!("{way}: root {root} is not {right}; the first that differs is {place}"),
			));
		}
	}
	Ok((true, format!("root {} of {} leaves", truth.root(), truth.leaf_count())))
}

/// A random model, and, if there is one, a real checkpoint.
pub fn check(suite: &mut Suite<'_>, device: &Arc<dyn Device>, checkpoint: Option<&Path>) {
	let quick = suite.quick;
	let tokens = if quick { 8 } else { 48 };
	let greedy = GenerateParams::greedy(InputFormat::Text, tokens);
	let sampled = GenerateParams { temperature: 800, top_p: 60_000, seed: 7, ..greedy };
	for (name, params) in [("greedy", greedy), ("sampled", sampled)] {
		suite.check(format!("exact: {tokens} tokens of a random model, {name}"), || {
			let folder = tempfile::tempdir().map_err(said)?;
			let path = folder.path().join("random.noesis");
			write_random_model_of(&path, 7, architecture(quick)).map_err(said)?;
			job(device, &path, params)
		});
	}
	if let Some(path) = checkpoint {
		let params = GenerateParams { format: InputFormat::Chat, ..greedy };
		suite.check(format!("exact: {tokens} tokens of {}", path.display()), || job(device, path, params));
	}
}
