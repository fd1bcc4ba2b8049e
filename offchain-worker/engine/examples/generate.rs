//! Continues a chat: `generate <model.gguf|model.noesis> <prompt> [tokens] [threads] [backend]`.
//!
//! A GGUF file is imported beside itself first.

use noesis_engine::{import_gguf, Backend, Engine, EngineOptions, RunOptions, TokenEvent};
use noesis_primitives::{GenerateParams, InputFormat, JobKind};
use std::{env, error::Error, io::Write, path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
	let mut arguments = env::args().skip(1);
	let model = PathBuf::from(arguments.next().ok_or("usage: generate <model> <prompt> [tokens]")?);
	let prompt = arguments.next().unwrap_or_else(|| "What is the capital of France?".into());
	let tokens = arguments.next().map_or(Ok(64), |n| n.parse())?;
	let threads = arguments.next().map(|n| n.parse()).transpose()?;
	let backend = match arguments.next().as_deref() {
		Some("scalar") => Some(Backend::Scalar),
		Some("avx2") => Some(Backend::Avx2),
		Some("avx512") => Some(Backend::Avx512),
		_ => None,
	};
	let checkpoint = model.with_extension("noesis");
	if !checkpoint.exists() {
		let start = Instant::now();
		import_gguf(&model, &checkpoint, &mut |_| {})?;
		eprintln!("imported in {:.2?}", start.elapsed());
	}
	let start = Instant::now();
	let engine = Engine::open(&checkpoint, &EngineOptions { threads, backend, ..Default::default() })?;
	eprintln!(
		"opened in {:.2?}: {} {}",
		start.elapsed(),
		engine.backend().name(),
		engine.manifest().weights_root
	);
	let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, tokens));
	let mut print = |event: TokenEvent<'_>| {
		let mut out = std::io::stdout();
		out.write_all(event.bytes).and_then(|()| out.flush()).is_ok()
	};
	let start = Instant::now();
	let options = RunOptions { on_token: Some(&mut print), ..Default::default() };
	let execution = engine.run(&kind, prompt.as_bytes(), options)?;
	println!();
	eprintln!("{:?} in {:.2?}; trace {}", execution.usage, start.elapsed(), execution.root());
	let start = Instant::now();
	let checked = engine.run(
		&kind,
		prompt.as_bytes(),
		RunOptions { draft: Some(&execution.output), ..Default::default() },
	)?;
	eprintln!(
		"checked in {:.2?}: {}",
		start.elapsed(),
		if checked == execution { "equal" } else { "DIFFERENT" }
	);
	Ok(())
}
