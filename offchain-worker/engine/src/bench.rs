//! How fast the engine is: tokens per second, reading and writing.

use crate::{
	device_model::DeviceModel,
	engine::{Engine, EngineError},
	kernels::Backend,
};
use noesis_canon::sampler::Sampling;
use noesis_cuda::Loaded;
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
	/// The device, where the model ran on one.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub device: Option<String>,
	/// The kernels that it loaded.
	#[serde(skip_serializing_if = "Vec::is_empty")]
	pub kernels: Vec<Loaded>,
	/// Tokens read per repeat.
	pub prefill_tokens: usize,
	/// Tokens written per repeat.
	pub decode_tokens: usize,
}

/// Measures the model alone: no tokenizer, no trace.
///
/// # Errors
/// [`EngineError::Device`], when the engine's device fails.
pub fn bench(engine: &Engine, options: &BenchOptions) -> Result<EngineBench, EngineError> {
	let architecture = &engine.manifest().architecture;
	let context = architecture.context as usize;
	let prefill = options.prefill.clamp(1, context - 1);
	let decode = options.decode.clamp(1, context - prefill);
	let vocabulary = u64::from(architecture.vocabulary);
	let prompt: Vec<u32> = (0..prefill as u64).map(|i| (i * 7919 % vocabulary) as u32).collect();
	let mut times = (Vec::new(), Vec::new());
	let likeliest = Sampling { temperature: 0, top_p: u16::MAX, seed: 0 };
	engine.install(|| -> Result<(), EngineError> {
		for _ in 0..options.repeats.max(1) {
			let mut sequence = engine.start(prefill + decode)?;
			let start = Instant::now();
			for batch in prompt.chunks(sequence.max_batch()) {
				sequence.forward(batch, None)?;
			}
			sequence.compute_logits(1)?;
			let mut token = sequence.pick(0, &likeliest, 0)?;
			times.0.push(start.elapsed().as_secs_f64());
			let start = Instant::now();
			for position in 1..=decode {
				sequence.forward(&[token], None)?;
				sequence.compute_logits(1)?;
				token = sequence.pick(0, &likeliest, position as u32)?;
			}
			times.1.push(start.elapsed().as_secs_f64());
		}
		Ok(())
	})?;
	Ok(EngineBench {
		decode_tps: decode as f64 / median(times.1),
		prefill_tps: prefill as f64 / median(times.0),
		threads: engine.threads(),
		backend: engine.backend(),
		device: engine.device_model().map(DeviceModel::device_name),
		kernels: engine.device_model().map(DeviceModel::kernels).unwrap_or_default(),
		prefill_tokens: prefill,
		decode_tokens: decode,
	})
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
		let result = bench(&engine, &BenchOptions { prefill: 9999, decode: 9999, repeats: 1 }).unwrap();
		assert_eq!((result.prefill_tokens, result.decode_tokens), (511, 1));
		assert!(result.decode_tps > 0.0 && result.prefill_tps > 0.0);
	}
}
