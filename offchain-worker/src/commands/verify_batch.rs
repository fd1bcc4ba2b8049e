//! `noesis verify` of a batch: the trees, and its items computed again.

use super::{checkpoint::progress_bar, order, print_json, verify::differences, CommandError};
use crate::{
	batch::{Inputs, Results},
	chain::Chain,
	executor::{run as execute, Task},
	models::Model,
	store::Fetcher,
	AccountId,
};
use noesis_primitives::{Claim, JobView};
use serde_json::json;
use std::time::Instant;

/// What to verify.
pub(super) struct Batch<'a> {
	pub chain: &'a Chain,
	pub fetcher: &'a Fetcher,
	pub model: &'a Model,
	pub job: &'a JobView<AccountId>,
	/// One item; all by default.
	pub item: Option<u32>,
	pub json: bool,
}

/// Whether every item that was asked for is right.
pub(super) async fn run(batch: Batch<'_>) -> Result<bool, CommandError> {
	let Batch { chain, fetcher, model, job, item, json } = batch;
	let (Some(known), Some(claim), Some(output)) = (job.batch, job.claim, &job.output) else {
		return Err(CommandError::Unanswered(job.id));
	};
	if let Some(item) = item.filter(|item| *item >= known.count) {
		return Err(CommandError::NoItem { job: job.id, item, count: known.count });
	}
	let stores = order::stores(chain, job).await?;
	let inputs = Inputs::read(&fetcher.payload(&job.spec.input, &stores).await?, &known)?;
	let results = Results::read(&fetcher.payload(output, &stores).await?, &claim)?;
	let wanted = match item {
		Some(item) => item..item.saturating_add(1),
		None => 0..known.count,
	};
	let bar = if json { indicatif::ProgressBar::hidden() } else { progress_bar("items") };
	bar.set_length(wanted.len() as u64);
	let started = Instant::now();
	let (mut items, mut wrong) = (Vec::new(), 0u32);
	for index in wanted {
		let pair = inputs.texts().get(index as usize).zip(results.entries().get(index as usize));
		let Some((text, (claimed, answer))) = pair else { continue };
		let task = Task {
			checkpoint: job.spec.checkpoint,
			kind: &job.spec.kind,
			input: text,
			draft: Some(answer),
			open: &[],
			on_output: &mut |_| true,
		};
		let here = tokio::task::block_in_place(|| execute(&model.engine, task))?;
		let fault = results.fault(index, &inputs, &claim);
		let right = here.claim == claimed.claim && fault.is_none();
		wrong = wrong.saturating_add(u32::from(!right));
		bar.inc(1);
		items.push(json!({
			"index": index,
			"right": right,
			"fault": fault,
			"differs": differences(&claimed.claim, &here.claim),
			"claimed": claimed.claim,
			"here": here.claim,
			"answer": String::from_utf8_lossy(&here.output),
		}));
		if !right && !json {
			bar.suspend(|| say(job, index, fault, &claimed.claim, &here.claim));
		}
	}
	bar.finish_and_clear();
	let seconds = started.elapsed().as_secs_f64();
	if json {
		print_json(&json!({
			"job": job.id,
			"right": wrong == 0,
			"count": known.count,
			"wrong": wrong,
			"items": items,
			"root": claim.root,
			"checkpoint": job.spec.checkpoint,
			"seconds": seconds,
		}));
	} else if wrong == 0 {
		let (checked, all) = (items.len(), known.count);
		println!(
			"batch {}: {checked} of {all} items computed again in {seconds:.1} s, every bit is the same",
			job.id
		);
		println!("root    {} over {all} items", claim.root);
	}
	Ok(wrong == 0)
}

fn say(job: &JobView<AccountId>, index: u32, fault: Option<&str>, claimed: &Claim, here: &Claim) {
	let differs = differences(claimed, here).join(", ");
	match fault {
		Some(fault) => println!("item {index} of batch {} can't be true: {fault}", job.id),
		None => println!("item {index} of batch {} is WRONG in its {differs}", job.id),
	}
	println!("claimed   root {} over {} leaves, output {}", claimed.root, claimed.leaves, claimed.output);
	println!("here      root {} over {} leaves, output {}", here.root, here.leaves, here.output);
}
