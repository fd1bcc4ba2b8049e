//! `noesis bench` and `noesis perplexity`.

use super::{checkpoint::progress_bar, print_json, CommandError};
use crate::cli::{BenchCommand, EngineArgs, PerplexityArgs};
use noesis_engine::{
	bench::{bench as measure, BenchOptions},
	float::FloatModel,
	gguf::Gguf,
	perplexity::{perplexity as compare, Windows},
	testing::write_random_model,
	Checkpoint, Engine, ImportError,
};
use std::{
	fs,
	path::{Path, PathBuf},
};

/// A folder that is gone when this is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
	pub(super) fn new(name: &str) -> Result<Self, CommandError> {
		let path = std::env::temp_dir().join(format!("noesis-{name}-{}", std::process::id()));
		fs::create_dir_all(&path).map_err(|source| CommandError::File { path: path.clone(), source })?;
		Ok(Self(path))
	}

	pub(super) fn file(&self, name: &str) -> PathBuf {
		self.0.join(name)
	}
}

impl Drop for Scratch {
	fn drop(&mut self) {
		if let Err(error) = fs::remove_dir_all(&self.0) {
			tracing::warn!(path = %self.0.display(), %error, "not removed");
		}
	}
}

pub(super) fn bench(command: BenchCommand) -> Result<(), CommandError> {
	let (checkpoint, engine, prefill, decode, repeats, json) = match command {
		BenchCommand::Attention(args) => return super::attention::bench(args),
		BenchCommand::Engine { checkpoint, engine, prefill, decode, repeats, json } => {
			(checkpoint, engine, prefill, decode, repeats, json)
		},
	};
	let engine = open(checkpoint.as_deref(), engine)?;
	let result = measure(&engine, &BenchOptions { prefill, decode, repeats })?;
	let model = &engine.manifest().name;
	if json {
		let mut report = serde_json::json!(result);
		if let Some(report) = report.as_object_mut() {
			report.insert("model".to_owned(), model.clone().into());
		}
		print_json(&report);
	} else {
		let device = result.device.as_deref().unwrap_or(result.backend.name());
		println!("{model}, {} threads, {device}", result.threads);
		println!("prefill {:>10.1} tokens/s", result.prefill_tps);
		println!("decode  {:>10.1} tokens/s", result.decode_tps);
	}
	Ok(())
}

fn open(checkpoint: Option<&Path>, args: EngineArgs) -> Result<Engine, CommandError> {
	let options = args.options()?;
	if let Some(path) = checkpoint {
		return Ok(Engine::open(path, &options)?);
	}
	let scratch = Scratch::new("bench")?;
	let path = scratch.file("random.noesis");
	write_random_model(&path, 1)?;
	Ok(Engine::open(&path, &options)?)
}

pub(super) fn perplexity(args: PerplexityArgs) -> Result<(), CommandError> {
	let read =
		|path: &Path| fs::read(path).map_err(|source| CommandError::File { path: path.into(), source });
	let text = read(&args.text)?;
	let checkpoint = Checkpoint::open(&args.checkpoint)?;
	let original = args.gguf.as_deref().map(read).transpose()?;
	let import =
		|source: ImportError| CommandError::Import { path: args.gguf.clone().unwrap_or_default(), source };
	let gguf = original.as_deref().map(Gguf::parse).transpose().map_err(|error| import(error.into()))?;
	let float = FloatModel::new(&checkpoint, gguf.as_ref())?;
	let engine = Engine::new(&checkpoint, &args.engine.options()?)?;
	let bar = progress_bar("windows");
	let windows = Windows { count: args.windows, length: args.length };
	let result = compare(&engine, &float, &text, windows, &mut |done, all| {
		bar.set_length(all as u64);
		bar.set_position(done as u64);
	})?;
	bar.finish_and_clear();
	if args.json {
		print_json(&result);
	} else {
		println!("tokens  {}", result.tokens);
		println!("f32     {:.4}", result.f32);
		println!("exact   {:.4} ({:+.4} %)", result.exact, (result.ratio - 1.0) * 100.0);
		println!("top-1   {:.2} % the same", result.top1 * 100.0);
	}
	Ok(())
}
