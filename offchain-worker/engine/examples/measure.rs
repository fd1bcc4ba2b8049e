//! Measures a model: `measure <model.noesis> [<original.gguf> <text>...]`. Prints JSON lines: speed per backend, then
//! perplexity per text.

use noesis_engine::{
	bench::{bench, BenchOptions},
	float::FloatModel,
	gguf::Gguf,
	perplexity::{perplexity, Windows},
	Backend, Checkpoint, Engine, EngineOptions,
};
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
	let mut arguments = env::args().skip(1);
	let model = arguments.next().ok_or("usage: measure <model.noesis> [<original.gguf> <text>...]")?;
	let checkpoint = Checkpoint::open(model.as_ref())?;
	let Some(original) = arguments.next() else {
		for backend in Backend::available() {
			let engine = Engine::new(
				&checkpoint,
				&EngineOptions { backend: Some(backend), threads: None, ..Default::default() },
			)?;
			println!("{}", serde_json::to_string(&bench(&engine, &BenchOptions::default())?)?);
		}
		return Ok(());
	};
	let engine = Engine::new(&checkpoint, &EngineOptions::default())?;
	let bytes = fs::read(original)?;
	let gguf = Gguf::parse(&bytes)?;
	let float = FloatModel::new(&checkpoint, Some(&gguf))?;
	for text in arguments {
		let result = perplexity(&engine, &float, &fs::read(&text)?, Windows::default(), &mut |_, _| {})?;
		println!("{text} {}", serde_json::to_string(&result)?);
	}
	Ok(())
}
