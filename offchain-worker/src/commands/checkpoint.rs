//! `noesis checkpoint`.

use super::{connect, print_json, CommandError};
use crate::{
	chain::{Call, Submitter},
	cli::{dot, CheckpointCommand, KeyArgs},
	models::record,
	store::locator_text,
};
use indicatif::{ProgressBar, ProgressStyle};
use noesis_engine::{import_gguf, Checkpoint};
use noesis_primitives::{CheckpointId, Locator, Locators};
use std::path::{Path, PathBuf};

pub(super) async fn run(url: &str, command: CheckpointCommand) -> Result<(), CommandError> {
	match command {
		CheckpointCommand::Import { gguf, out, json } => import(&gguf, &out, json),
		CheckpointCommand::Register { key, file, locator, parent, json } => {
			register(url, key, &file, locator, parent, json).await
		},
		CheckpointCommand::List { json } => list(url, json).await,
	}
}

fn import(gguf: &Path, out: &PathBuf, json: bool) -> Result<(), CommandError> {
	let bar = progress_bar("tensors");
	let manifest = import_gguf(gguf, out, &mut |progress| {
		bar.set_length(progress.total.into());
		bar.set_position(progress.done.into());
	})
	.map_err(|source| CommandError::Import { path: gguf.into(), source })?;
	bar.finish_and_clear();
	if json {
		print_json(&serde_json::json!({
			"name": manifest.name,
			"file": out,
			"weights": manifest.weights_root,
			"architecture": manifest.architecture_hash,
			"tokenizer": manifest.tokenizer_hash,
			"parameters": manifest.parameters,
			"units_per_token": manifest.units_per_token,
		}));
	} else {
		println!("{} -> {}", manifest.name, out.display());
		println!("weights root    {}", manifest.weights_root);
		println!("architecture    {}", manifest.architecture_hash);
		println!("tokenizer       {}", manifest.tokenizer_hash);
		println!("parameters      {}", manifest.parameters);
		println!("units per token {}", manifest.units_per_token);
	}
	Ok(())
}

/// A bar on the terminal, if there is one.
pub(super) fn progress_bar(what: &str) -> ProgressBar {
	let bar = ProgressBar::new(0);
	let template = format!("{{bar:40}} {{pos}}/{{len}} {what} ({{eta}})");
	if let Ok(style) = ProgressStyle::with_template(&template) {
		bar.set_style(style);
	}
	bar
}

async fn register(
	url: &str,
	key: KeyArgs,
	file: &Path,
	locators: Vec<String>,
	parent: Option<u32>,
	json: bool,
) -> Result<(), CommandError> {
	let keys = key.load()?;
	let places: Vec<Locator> = locators
		.iter()
		.map(|place| place.clone().into_bytes().try_into().map_err(|_| CommandError::Locator(place.clone())))
		.collect::<Result<_, _>>()?;
	let places: Locators = places.try_into().map_err(|_| CommandError::Locator(locators.join(" ")))?;
	let checkpoint = Checkpoint::open(file)?;
	let record = record(checkpoint.manifest(), parent.map(CheckpointId), places)?;

	let chain = connect(url).await?;
	let submitter = Submitter::start(chain.clone(), keys);
	let included = submitter.submit(Call::register_checkpoint(&record)).await?;
	let id: CheckpointId = included
		.event("Checkpoints", "Registered")
		.and_then(|event| event.decode())
		.ok_or(CommandError::NoEvent("Checkpoints.Registered"))?;
	if json {
		print_json(&serde_json::json!({
			"checkpoint": id,
			"weights": record.weights,
			"block": included.block.number,
			"fee": included.fee,
		}));
	} else {
		println!(
			"checkpoint {id} is registered in block {} (fee {}); weights root {}",
			included.block.number,
			dot(included.fee),
			record.weights
		);
	}
	Ok(())
}

async fn list(url: &str, json: bool) -> Result<(), CommandError> {
	let chain = connect(url).await?;
	let all = chain.checkpoints(chain.best().hash).await?;
	if json {
		let rows: Vec<_> = all
			.iter()
			.map(|view| {
				serde_json::json!({
					"checkpoint": view.id,
					"owner": view.owner,
					"active": view.active,
					"parent": view.record.parent,
					"profile": view.record.profile,
					"weights": view.record.weights,
					"layers": view.record.layers,
					"width": view.record.width,
					"context": view.record.context,
					"vocabulary": view.record.vocabulary,
					"units_per_token": view.record.units_per_token,
					"locators": view.record.locators.iter().map(locator_text).collect::<Vec<_>>(),
					"registered": view.registered,
				})
			})
			.collect();
		print_json(&rows);
		return Ok(());
	}
	if all.is_empty() {
		println!("no checkpoint is registered: see `noesis checkpoint register --help`");
	}
	for view in all {
		let record = &view.record;
		let state = if view.active { "active" } else { "deprecated" };
		println!(
			"{:>4}  {state:<10}  {} layers × {}, context {}, {} units a token, weights {}",
			view.id, record.layers, record.width, record.context, record.units_per_token, record.weights
		);
	}
	Ok(())
}
