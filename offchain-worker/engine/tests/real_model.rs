//! SmolLM2-135M-Instruct itself, when the variable `NOESIS_MODEL` names its GGUF file.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_engine::{
	import_gguf, perplexity::exact_logits, Backend, Checkpoint, Engine, EngineOptions, RunOptions,
};
use noesis_primitives::{ContentHash, GenerateParams, InputFormat, JobKind};
use std::path::Path;

/// Prompt and the first 40 tokens of the answer, as the reference run of the format printed them.
const SAMPLES: [(&str, &str); 4] = [
	("What is the capital of France?", "The capital of France is Paris."),
	(
		"Explain why the sky is blue in one paragraph.",
		"The sky is blue in one paragraph. The reason lies in the human perception of light and color. When light \
		 enters the human eye, it is absorbed by the Earth's atmosphere, which is composed of",
	),
	(
		"Write a Python function that adds two numbers.",
		"```python\ndef add_two_numbers(num1, num2):\n    return num1 + num2\n```\n\nThis function uses the built-in \
		 `add` function to add",
	),
	(
		"List three fruits and their colours.",
		"Here are three fruits and their colours:\n\n### Fruit:\n\n* Banana: Red\n* Orange: Yellow\n* Grape: Green\n\n\
		 ### Fruit:\n\n* Apple",
	),
];
const WEIGHTS_ROOT: &str = "0x4f9f620de9627a4b7b48b62b71db0092b977fb3187bc2ff18d03241a151b79ba";
/// Root of the trace of the first sample.
const TRACE_ROOT: &str = "0xe9741cae6a2a599bec3dfd18f2c2cfa7ee9775cb35a4e0b8fb8b65a18201587a";
/// BLAKE2b-256 of the 256 x 49,152 logits (little-endian i32) after each of the first 256 tokens of the file LICENSE.
const LOGITS_HASH: &str = "0x0ee89c1cba503b1a377a0af08358048096cfdaae1a7ed8e74aa703ccfb3a737c";

fn hash_of_logits(engine: &Engine) -> String {
	let tokens = engine.tokenizer().encode(include_bytes!("../../../LICENSE"));
	let logits = engine.install(|| exact_logits(engine, &tokens[..256]).unwrap());
	let bytes: Vec<u8> = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
	ContentHash::of(&bytes).to_string()
}

#[test]
fn the_real_model_should_answer_as_the_reference_did() {
	let Some(model) = std::env::var_os("NOESIS_MODEL") else {
		eprintln!("no model: set NOESIS_MODEL to SmolLM2-135M-Instruct.Q4_1.gguf to run this test");
		return;
	};
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("smollm2.noesis");
	let manifest = import_gguf(Path::new(&model), &path, &mut |_| {}).unwrap();
	assert_eq!(manifest.weights_root.to_string(), WEIGHTS_ROOT);
	assert_eq!((manifest.parameters, manifest.units_per_token), (134_515_008, 134));
	let checkpoint = Checkpoint::open(&path).unwrap();
	let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 40));
	for backend in Backend::available() {
		let options = EngineOptions { backend: Some(backend), threads: None, ..Default::default() };
		let engine = Engine::new(&checkpoint, &options).unwrap();
		let count = if backend == Backend::Scalar { 1 } else { SAMPLES.len() };
		for (prompt, expected) in &SAMPLES[..count] {
			let execution = engine.run(&kind, prompt.as_bytes(), RunOptions::default()).unwrap();
			assert_eq!(String::from_utf8_lossy(&execution.output), *expected, "{backend:?}");
			let draft = RunOptions { draft: Some(&execution.output), ..Default::default() };
			assert!(engine.run(&kind, prompt.as_bytes(), draft).unwrap() == execution, "{backend:?}");
		}
		let first = engine.run(&kind, SAMPLES[0].0.as_bytes(), RunOptions::default()).unwrap();
		assert_eq!(first.root().to_string(), TRACE_ROOT, "{backend:?}");
		assert_eq!((first.usage.input_tokens, first.usage.output_tokens), (37, 8));
		assert_eq!(hash_of_logits(&engine), LOGITS_HASH, "{backend:?}");
	}
}
