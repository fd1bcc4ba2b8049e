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
	let arguments: Vec<String> = env::args().skip(1).collect();
	let checkpoint = Checkpoint::open(arguments.first().ok_or("usage: measure <model.noesis> …")?.as_ref())?;
	if arguments.len() < 2 {
		for backend in Backend::available() {
			let engine = Engine::new(&checkpoint, &EngineOptions { backend: Some(backend), threads: None })?;
			println!("{}", serde_json::to_string(&bench(&engine, &BenchOptions::default()))?);
		}
		return Ok(());
	}
	let engine = Engine::new(&checkpoint, &EngineOptions::default())?;
	let bytes = fs::read(&arguments[1])?;
	let gguf = Gguf::parse(&bytes)?;
	let float = FloatModel::new(&checkpoint, Some(&gguf))?;
	for text in &arguments[2..] {
		let result = perplexity(&engine, &float, &fs::read(text)?, Windows::default(), &mut |_, _| {})?;
		println!("{text} {}", serde_json::to_string(&result)?);
	}
	Ok(())
}
