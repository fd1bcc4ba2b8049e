//! `noesis batch`: many prompts from one file, as one job.

use super::{
	ask::{endpoint, token_bytes},
	checkpoint::progress_bar,
	connect, print_json,
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
use noesis_primitives::{
	BatchSpec, CheckpointId, JobId, JobState, JobView, Lane, Payload, TimelineEntry, MAX_INLINE_BYTES,
};
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
	if let Some(allowed) = args.max_fee.filter(|allowed| quote.fee > *allowed) {
		return Err(CommandError::TooDear { quoted: dot(quote.fee), allowed: dot(allowed) });
	}
	let submitter = Submitter::start(chain.clone(), keys);
	let included = submitter.submit(Call::submit_batch(&spec, args.max_fee.unwrap_or(quote.fee))).await?;
	let job: JobId = included
		.event("Poi", "Submitted")
		.and_then(|event| event.decode())
		.ok_or(CommandError::NoEvent("Poi.Submitted"))?;
	let block = included.block.number;
	if args.no_wait {
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
	let mut follower = Follower {
		chain,
		fetcher,
		job,
		inputs,
		args: &args,
		shown: Vec::new(),
		bar,
		counting: None,
		results: None,
	};
	let (view, timeline) = follower.follow().await?;
	let report = JobReport::new(&view, &timeline, None, started.elapsed().as_secs_f64());
	match args.json {
		true => print_json(&report),
		false => {
			for (who, amount) in &report.paid {
				eprintln!("paid          {who} {}", dot(*amount));
			}
			eprintln!("refunded      {} of {}", dot(report.refund), dot(report.held));
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
		prompts.push(match format {
			FormatArg::Chat | FormatArg::Text => prompt.into_bytes(),
			FormatArg::Tokens => token_bytes(&prompt)?,
		});
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
	let checkpoint = match args.checkpoint {
		Some(id) => CheckpointId(id),
		None => {
			let all = chain.checkpoints(chain.best().hash).await?;
			all.iter().rev().find(|view| view.active).ok_or(CommandError::NoCheckpoint)?.id
		},
	};
	let bytes = inputs.list();
	let list = if bytes.len() <= MAX_INLINE_BYTES as usize {
		Payload::Inline(bytes.try_into().unwrap_or_default())
	} else {
		let place = match (&args.upload, args.worker) {
			(Some(place), _) => place.clone(),
			(None, Some(worker)) => endpoint(chain, worker).await?.ok_or(CommandError::NoStore)?,
			(None, None) => return Err(CommandError::NoStore),
		};
		let hash = fetcher.upload(&place, &bytes).await?;
		let locator = place.clone().into_bytes().try_into().map_err(|_| CommandError::Locator(place))?;
		Payload::Stored { hash, len: u32::try_from(bytes.len()).unwrap_or(u32::MAX), locator }
	};
	Ok(BatchSpec {
		checkpoint,
		kind: args.generate.kind(),
		list,
		inputs: inputs.facts(),
		worker: args.worker,
		deadline: args.deadline,
		lane: Lane::Dot,
		tier: args.tier.into(),
		verification: args.verification,
	})
}

/// Shows a batch until its end is final.
struct Follower<'a> {
	chain: Chain,
	fetcher: Fetcher,
	job: JobId,
	inputs: Inputs,
	args: &'a BatchArgs,
	/// Moves that were shown.
	shown: Vec<TimelineEntry<AccountId>>,
	bar: ProgressBar,
	/// Counts the items that the worker says are done.
	counting: Option<JoinHandle<()>>,
	/// What the worker answered, once it is written.
	results: Option<Results>,
}

impl Follower<'_> {
	async fn follow(&mut self) -> Result<(JobView<AccountId>, Vec<TimelineEntry<AccountId>>), CommandError> {
		let mut heads = self.chain.heads();
		loop {
			let now = *heads.borrow_and_update();
			match self.look(now.best.hash).await {
				Ok(()) => {},
				Err(CommandError::Chain(error)) => tracing::warn!(%error, "following on"),
				Err(error) => return Err(error),
			}
			// Money counts when it can't be taken back.
			if let Ok(Some(view)) = self.chain.job(now.finalized.hash, self.job).await {
				if view.state.is_terminal() {
					self.end_counting();
					self.write_results(&view).await?;
					let timeline = self.chain.timeline(now.finalized.hash, self.job).await?;
					return Ok((view, timeline));
				}
			}
			heads.changed().await.map_err(|_| CommandError::Disconnected)?;
		}
	}

	async fn look(&mut self, at: BlockHash) -> Result<(), CommandError> {
		let Some(view) = self.chain.job(at, self.job).await? else { return Ok(()) };
		for entry in self.chain.timeline(at, self.job).await? {
			if self.shown.contains(&entry) {
				continue;
			}
			self.end_counting();
			if !self.args.json {
				eprintln!("block {:>6}  {}", entry.at, describe(&entry.state));
			}
			if let JobState::Assigned { worker } = entry.state {
				self.count(worker).await?;
			}
			self.shown.push(entry);
		}
		self.write_results(&view).await
	}

	/// Counts the items that are done, if the worker's store can be reached.
	async fn count(&mut self, worker: AccountId) -> Result<(), CommandError> {
		if self.args.json {
			return Ok(());
		}
		let Some(endpoint) = endpoint(&self.chain, worker).await? else { return Ok(()) };
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
		let places = match view.state.worker() {
			Some(worker) => endpoint(&self.chain, *worker).await.ok().flatten().into_iter().collect(),
			None => Vec::new(),
		};
		let bytes = match self.fetcher.payload(output, &places).await {
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

impl Drop for Follower<'_> {
	fn drop(&mut self) {
		self.end_counting();
	}
}

/// Counts what the worker's stream says. Whatever goes wrong here, the chain has the answer in the end.
async fn count(fetcher: Fetcher, endpoint: String, job: JobId, bar: ProgressBar) {
	const ATTEMPTS: u32 = 20;
	const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);
	for _ in 0..ATTEMPTS {
		let Ok(mut response) = fetcher.stream(&endpoint, job).await else {
			tokio::time::sleep(PAUSE).await;
			continue;
		};
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
		return;
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
