//! How fast the engine is: tokens per second, reading and writing.

use crate::{engine::Engine, kernels::Backend, model::MAX_BATCH};
use noesis_canon::sampler::greedy;
use serde::Serialize;
use std::time::Instant;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
	/// Tokens read at once.
	pub prefill: usize,
	/// Tokens written one by one after that.
	pub decode: usize,
	/// How often; the median counts.
	pub repeats: usize,
}

impl Default for BenchOptions {
	fn default() -> Self {
		Self { prefill: 256, decode: 64, repeats: 3 }
	}
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngineBench {
	/// Tokens per second, one at a time.
	pub decode_tps: f64,
	/// Tokens per second, many at a time.
	pub prefill_tps: f64,
	/// Threads.
	pub threads: usize,
	/// Vector unit.
	pub backend: Backend,
	/// Tokens read per repeat.
	pub prefill_tokens: usize,
	/// Tokens written per repeat.
	pub decode_tokens: usize,
}

/// Measures the model alone: no tokenizer, no trace.
pub fn bench(engine: &Engine, options: &BenchOptions) -> EngineBench {
	let model = engine.model();
	let architecture = model.architecture();
	let context = architecture.context as usize;
	let prefill = options.prefill.clamp(1, context - 1);
	let decode = options.decode.clamp(1, context - prefill);
	let vocabulary = u64::from(architecture.vocabulary);
	let prompt: Vec<u32> = (0..prefill as u64).map(|i| (i * 7919 % vocabulary) as u32).collect();
	let mut times = (Vec::new(), Vec::new());
	engine.install(|| {
		for _ in 0..options.repeats.max(1) {
			let mut state = model.start(prefill + decode);
			let mut logits = Vec::new();
			let start = Instant::now();
			for batch in prompt.chunks(MAX_BATCH) {
				model.forward(&mut state, batch, &mut |_, _| {});
			}
			model.logits(&mut state, 1, &mut logits);
			times.0.push(start.elapsed().as_secs_f64());
			let start = Instant::now();
			for _ in 0..decode {
				let token = greedy(&logits) as u32;
				model.forward(&mut state, &[token], &mut |_, _| {});
				model.logits(&mut state, 1, &mut logits);
			}
			times.1.push(start.elapsed().as_secs_f64());
		}
	});
	EngineBench {
		decode_tps: decode as f64 / median(times.1),
		prefill_tps: prefill as f64 / median(times.0),
		threads: engine.threads(),
		backend: engine.backend(),
		prefill_tokens: prefill,
		decode_tokens: decode,
	}
}

fn median(mut times: Vec<f64>) -> f64 {
	times.sort_by(f64::total_cmp);
	times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{engine::EngineOptions, testing};

	#[test]
	fn bench_should_measure_something() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("random.noesis");
		testing::write_random_model(&path, 3).unwrap();
		let engine = Engine::open(&path, &EngineOptions::default()).unwrap();
		let result = bench(&engine, &BenchOptions { prefill: 9999, decode: 9999, repeats: 1 });
		assert_eq!((result.prefill_tokens, result.decode_tokens), (511, 1));
		assert!(result.decode_tps > 0.0 && result.prefill_tps > 0.0);
	}
}
