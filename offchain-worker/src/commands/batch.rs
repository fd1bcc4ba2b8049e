//! `noesis batch`: many prompts from one file, as one job.

use super::{
	checkpoint::progress_bar,
	connect,
	order::{self, Follower},
	print_json,
	report::{describe, JobReport},
	CommandError,
};
use crate::{
	batch::{fits, Inputs, Results},
	chain::{BlockHash, Call, Chain, Submitter},
	cli::{dot, BatchArgs, FormatArg},
	store::Fetcher,
	AccountId,
};
use indicatif::ProgressBar;
use noesis_primitives::{BatchSpec, JobId, JobState, JobView, Lane};
use serde_json::{json, Value};
use std::{io::Write, path::Path, time::Instant};
use tokio::task::JoinHandle;

pub(super) async fn run(url: &str, args: BatchArgs) -> Result<(), CommandError> {
	let started = Instant::now();
	let inputs = read(&args.file, args.generate.format)?;
	let count = inputs.facts().count;
	if !fits(&args.generate.kind(), count) {
		return Err(CommandError::TooManyItems(count));
	}
	let keys = args.key.load()?;
	let chain = connect(url).await?;
	let fetcher = Fetcher::new()?;
	let spec = spec(&chain, &fetcher, &args, &inputs).await?;
	let quote = chain.quote_batch(chain.best().hash, &spec).await?.map_err(CommandError::Quote)?;
	let most = order::most_held(quote.fee, args.order.max_fee)?;
	let included = Submitter::start(chain.clone(), keys).submit(Call::submit_batch(&spec, most)).await?;
	let job = order::submitted(&included)?;
	let block = included.block.number;
	if args.order.no_wait {
		match args.json {
			true => print_json(&json!({
				"job": job, "status": "open", "items": count, "held": quote.fee, "fee": included.fee, "block": block,
			})),
			false => println!("{job}"),
		}
		return Ok(());
	}
	if !args.json {
		let (held, fee) = (dot(quote.fee), dot(included.fee));
		eprintln!("batch {job} of {count} items is in block {block}: {held} held, extrinsic fee {fee}");
	}
	let bar = if args.json { ProgressBar::hidden() } else { progress_bar("items") };
	bar.set_length(count.into());
	let mut progress = Progress {
		chain,
		fetcher,
		job,
		inputs,
		args: &args,
		shown: order::Shown::default(),
		bar,
		counting: None,
		results: None,
	};
	let (view, timeline) = order::follow(&mut progress).await?;
	let report = JobReport::new(&view, &timeline, None, started.elapsed().as_secs_f64());
	match args.json {
		true => print_json(&report),
		false => {
			report.show_payments();
			eprintln!(
				"{} after {:.1} s, {} tokens; check it with `noesis verify {job}`",
				report.status, report.seconds, report.tokens
			);
		},
	}
	Ok(())
}

/// The prompts of a file, as the model reads them.
fn read(path: &Path, format: FormatArg) -> Result<Inputs, CommandError> {
	let file = |source| CommandError::File { path: path.into(), source };
	let text = std::fs::read_to_string(path).map_err(file)?;
	let mut prompts = Vec::new();
	for (line, number) in text.lines().zip(1usize..).filter(|(line, _)| !line.trim().is_empty()) {
		let prompt = prompt(line).ok_or_else(|| CommandError::BadLine { path: path.into(), line: number })?;
		prompts.push(order::input(format, &prompt)?);
	}
	Ok(Inputs::new(prompts)?)
}

fn prompt(line: &str) -> Option<String> {
	match serde_json::from_str(line).ok()? {
		Value::String(prompt) => Some(prompt),
		Value::Object(fields) => fields.get("prompt")?.as_str().map(str::to_owned),
		_ => None,
	}
}

async fn spec(
	chain: &Chain,
	fetcher: &Fetcher,
	args: &BatchArgs,
	inputs: &Inputs,
) -> Result<BatchSpec<AccountId>, CommandError> {
	let order = &args.order;
	let checkpoint = order::checkpoint(chain, order.checkpoint).await?;
	let list = order::payload(chain, fetcher, order.upload.as_deref(), order.worker, inputs.list()).await?;
	Ok(BatchSpec {
		checkpoint,
		kind: args.generate.kind(),
		list,
		inputs: inputs.facts(),
		worker: order.worker,
		deadline: args.deadline,
		lane: Lane::Dot,
		tier: order.tier.into(),
		verification: order.verification,
	})
}

/// Shows a batch until its end is final.
struct Progress<'a> {
	chain: Chain,
	fetcher: Fetcher,
	job: JobId,
	inputs: Inputs,
	args: &'a BatchArgs,
	/// Moves that were shown.
	shown: order::Shown,
	bar: ProgressBar,
	/// Counts the items that the worker says are done.
	counting: Option<JoinHandle<()>>,
	/// What the worker answered, once it is written.
	results: Option<Results>,
}

impl Follower for Progress<'_> {
	fn subject(&self) -> (&Chain, JobId) {
		(&self.chain, self.job)
	}

	async fn look(&mut self, at: BlockHash, view: &JobView<AccountId>) -> Result<(), CommandError> {
		for entry in self.shown.news(&self.chain, at, self.job).await? {
			self.end_counting();
			if !self.args.json {
				eprintln!("block {:>6}  {}", entry.at, describe(&entry.state));
			}
			if let JobState::Assigned { worker } = entry.state {
				self.count(worker).await?;
			}
		}
		self.write_results(view).await
	}

	async fn end(&mut self, view: &JobView<AccountId>) -> Result<(), CommandError> {
		self.end_counting();
		self.write_results(view).await
	}
}

impl Progress<'_> {
	/// Counts the items that are done, if the worker's store can be reached.
	async fn count(&mut self, worker: AccountId) -> Result<(), CommandError> {
		if self.args.json {
			return Ok(());
		}
		let Some(endpoint) = self.chain.endpoint(worker).await? else { return Ok(()) };
		let (fetcher, job, bar) = (self.fetcher.clone(), self.job, self.bar.clone());
		self.counting = Some(tokio::spawn(async move { count(fetcher, endpoint, job, bar).await }));
		Ok(())
	}

	fn end_counting(&mut self) {
		if let Some(task) = self.counting.take() {
			task.abort();
			self.bar.finish_and_clear();
		}
	}

	/// Writes the answers as soon as they are there, and only what the worker committed to.
	async fn write_results(&mut self, view: &JobView<AccountId>) -> Result<(), CommandError> {
		let (None, Some(output), Some(claim)) = (&self.results, &view.output, &view.claim) else {
			return Ok(());
		};
		let stores = order::stores(&self.chain, view).await.unwrap_or_default();
		let bytes = match self.fetcher.payload(output, &stores).await {
			Ok(bytes) => bytes,
			Err(error) if view.state.is_terminal() => {
				tracing::warn!(%error, "the answers can't be had");
				return Ok(());
			},
			Err(error) => {
				tracing::debug!(%error, "the answers can't be had yet");
				return Ok(());
			},
		};
		let results = match Results::read(&bytes, claim) {
			Ok(results) => results,
			Err(error) => {
				if view.state.is_terminal() {
					tracing::warn!(%error, "the answers are worthless");
				}
				return Ok(());
			},
		};
		for index in 0..claim.leaves {
			if let Some(fault) = results.fault(index, &self.inputs, claim) {
				tracing::warn!(
					index,
					fault,
					"this item can't be true: whoever shows it takes stake from the worker"
				);
			}
		}
		self.write(&results)?;
		self.results = Some(results);
		Ok(())
	}

	fn write(&self, results: &Results) -> Result<(), CommandError> {
		let mut lines = String::new();
		for ((item, output), index) in results.entries().iter().zip(0u32..) {
			let line = json!({
				"index": index,
				"answer": String::from_utf8_lossy(output),
				"input_tokens": item.claim.usage.input_tokens,
				"output_tokens": item.claim.usage.output_tokens,
				"root": item.claim.root,
			});
			lines.push_str(&line.to_string());
			lines.push('\n');
		}
		match &self.args.out {
			Some(path) => {
				let file = |source| CommandError::File { path: path.clone(), source };
				std::fs::write(path, lines).map_err(file)
			},
			None => {
				let file = |source| CommandError::File { path: "standard output".into(), source };
				std::io::stdout().write_all(lines.as_bytes()).map_err(file)
			},
		}
	}
}

impl Drop for Progress<'_> {
	fn drop(&mut self) {
		self.end_counting();
	}
}

/// Counts what the worker's stream says. Whatever goes wrong here, the chain has the answer in the end.
async fn count(fetcher: Fetcher, endpoint: String, job: JobId, bar: ProgressBar) {
	let Some(mut response) = order::stream(&fetcher, &endpoint, job).await else { return };
	// Every item is announced by a line, whose end comes as `\n` in a JSON string.
	let mut last = 0;
	while let Ok(Some(chunk)) = response.chunk().await {
		for byte in chunk.iter() {
			if (last, *byte) == (b'\\', b'n') {
				bar.inc(1);
			}
			last = *byte;
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn file(text: &str) -> Result<Inputs, CommandError> {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("prompts.jsonl");
		std::fs::write(&path, text).unwrap();
		read(&path, FormatArg::Text)
	}

	#[test]
	fn prompts_should_be_read_from_strings_and_objects_in_their_order() {
		let inputs = file("\"One\"\n\n{\"prompt\": \"Two\\nlines\", \"id\": 7}\n").unwrap();
		assert_eq!(inputs.texts(), [b"One".to_vec(), b"Two\nlines".to_vec()]);
		assert!(matches!(file("\"One\"\nTwo\n"), Err(CommandError::BadLine { line: 2, .. })));
		assert!(matches!(file("{\"text\": \"x\"}"), Err(CommandError::BadLine { line: 1, .. })));
		assert!(matches!(file("\n"), Err(CommandError::Inputs(_))));
	}
}
