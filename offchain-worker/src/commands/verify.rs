//! `noesis verify`: computes a job again, from what the chain says and the checkpoint's file alone.

use super::{checkpoint::progress_bar, connect, order, print_json, verify_batch, CommandError};
use crate::{
	chain::Chain,
	cli::VerifyArgs,
	executor::{run as execute, Task},
	keys::KeyError,
	sealed::{ReadError, Reader, SealedJob},
	store::{locator_text, Fetcher},
	AccountId,
};
use noesis_primitives::{CheckpointView, Claim, Subject};
use std::{path::PathBuf, time::Instant};

pub(super) async fn run(url: &str, args: VerifyArgs) -> Result<bool, CommandError> {
	let chain = connect(url).await?;
	let at = chain.finalized();
	let job = chain.job(at.hash, args.job).await?.ok_or(CommandError::UnknownJob(args.job))?;
	let claim = job.claim.ok_or(CommandError::Unanswered(args.job))?;
	let id = job.spec.checkpoint;
	let checkpoint = chain.checkpoint(at.hash, id).await?.ok_or(CommandError::UnknownCheckpoint(id))?;
	let fetcher = Fetcher::new()?;
	let reader = match (job.spec.sealed, args.key.load()) {
		(None, _) => None,
		(Some(_), Err(KeyError::Missing)) => return Err(ReadError::NotOurs(args.job).into()),
		(Some(_), keys) => Some(Reader::new(keys?, chain.genesis().0)),
	};
	let path = match args.checkpoint_file {
		Some(path) => path,
		None => fetch(&chain, &fetcher, &checkpoint).await?,
	};
	let model = order::model(path, &args.engine, &checkpoint)?;

	if job.batch.is_some() {
		let (item, json) = (args.item, args.json);
		let (chain, fetcher, model, job) = (&chain, &fetcher, &model, &job);
		return verify_batch::run(verify_batch::Batch { chain, fetcher, model, job, item, json }).await;
	}
	if args.item.is_some() {
		return Err(CommandError::NoBatch(args.job));
	}
	let stores = order::stores(&chain, &job).await?;
	let input = fetcher.payload(&job.spec.input, &stores).await?;
	let draft = match &job.output {
		Some(output) => fetcher.payload(output, &stores).await.ok(),
		None => None,
	};
	let subject = Subject::Job(args.job);
	let opened = match (SealedJob::of(&job), reader) {
		(Some(sealed), Some(reader)) => Some(reader.open(&sealed, &input)?),
		_ => None,
	};
	let (input, draft) = match &opened {
		None => (input, draft),
		Some(opened) => {
			let draft = draft.and_then(|output| opened.open_answer(subject, &output).ok());
			(opened.prompt().to_vec(), draft)
		},
	};
	let started = Instant::now();
	let finding = tokio::task::block_in_place(|| {
		execute(
			&model.engine,
			Task {
				checkpoint: id,
				kind: &job.spec.kind,
				input: &input,
				draft: draft.as_deref(),
				open: &[],
				on_output: &mut |_| true,
			},
		)
	})?;
	let seconds = started.elapsed().as_secs_f64();
	let answer = String::from_utf8_lossy(&finding.output).into_owned();
	let mut finding = finding;
	if let Some(opened) = &opened {
		opened.seal_output(subject, &mut finding.output, &mut finding.claim)?;
	}
	let right = finding.claim == claim;
	if args.json {
		print_json(&serde_json::json!({
			"job": args.job,
			"right": right,
			"differs": differences(&claim, &finding.claim),
			"chain": claim,
			"here": finding.claim,
			"answer": answer,
			"checkpoint": id,
			"weights": checkpoint.record.weights,
			"block": at.number,
			"seconds": seconds,
		}));
	} else if right {
		println!("job {} is right: computed again in {seconds:.1} s, every bit is the same", args.job);
		println!("root    {} over {} leaves", claim.root, claim.leaves);
		println!("output  {} ({} tokens)", claim.output, claim.usage.output_tokens);
	} else {
		println!("job {} is WRONG in its {}", args.job, differences(&claim, &finding.claim).join(", "));
		println!("on chain  root {} over {} leaves, output {}", claim.root, claim.leaves, claim.output);
		let here = finding.claim;
		println!("here      root {} over {} leaves, output {}", here.root, here.leaves, here.output);
		println!("the right answer is: {answer}");
	}
	Ok(right)
}

pub(super) fn differences(chain: &Claim, here: &Claim) -> Vec<&'static str> {
	[
		("root", chain.root == here.root),
		("leaves", chain.leaves == here.leaves),
		("output", chain.output == here.output),
		("usage", chain.usage == here.usage),
	]
	.into_iter()
	.filter_map(|(name, same)| (!same).then_some(name))
	.collect()
}

/// The checkpoint's file, fetched once.
async fn fetch(
	chain: &Chain,
	fetcher: &Fetcher,
	checkpoint: &CheckpointView<AccountId>,
) -> Result<PathBuf, CommandError> {
	let weights = checkpoint.record.weights;
	let base = std::env::var_os("XDG_CACHE_HOME")
		.map(PathBuf::from)
		.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
		.unwrap_or_else(std::env::temp_dir);
	let dir = base.join("noesis").join("checkpoints");
	std::fs::create_dir_all(&dir).map_err(|source| CommandError::File { path: dir.clone(), source })?;
	let path = dir.join(format!("{weights}.noesis"));
	if path.exists() {
		return Ok(path);
	}
	let mut failure = CommandError::NoFile(checkpoint.id);
	for place in checkpoint.record.locators.iter().map(locator_text) {
		let bar = progress_bar("bytes");
		let progress = |done, all| {
			bar.set_length(all);
			bar.set_position(done);
		};
		match fetcher.checkpoint(&place, weights, &path, progress).await {
			Ok(()) => {
				bar.finish_and_clear();
				tracing::info!(url = chain.url(), %place, "checkpoint fetched");
				return Ok(path);
			},
			Err(error) => failure = error.into(),
		}
	}
	Err(failure)
}
