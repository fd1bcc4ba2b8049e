//! `noesis ask`: one job from prompt to payment.

use super::{
	connect, print_json,
	report::{describe, JobReport},
	CommandError,
};
use crate::{
	chain::{Call, Chain, Submitter},
	cli::{dot, AskArgs, FormatArg},
	keys::Keys,
	sealed::{seal_prompt, Context, Envelope, OpenedJob, SealPublic},
	store::{locator_text, Fetcher},
	AccountId,
};
use noesis_primitives::{
	CheckpointId, GenerateParams, JobId, JobKind, JobSpec, JobState, JobView, Lane, Payload, Subject,
	TimelineEntry,
};
use std::{io::Write, time::Instant};
use tokio::task::JoinHandle;

/// Most workers that one is chosen from.
const WORKERS: u32 = 32;

pub(super) async fn run(url: &str, args: AskArgs) -> Result<(), CommandError> {
	let started = Instant::now();
	let keys = args.key.load()?;
	let chain = connect(url).await?;
	let fetcher = Fetcher::new()?;
	let (spec, opened) = spec(&chain, &fetcher, &keys, &args).await?;
	let quote = chain.quote(chain.best().hash, &spec).await?.map_err(CommandError::Quote)?;
	if let Some(allowed) = args.max_fee.filter(|allowed| quote.fee > *allowed) {
		return Err(CommandError::TooDear { quoted: dot(quote.fee), allowed: dot(allowed) });
	}
	let submitter = Submitter::start(chain.clone(), keys);
	let included = submitter.submit(Call::submit(&spec, args.max_fee.unwrap_or(quote.fee))).await?;
	let job: JobId = included
		.event("Poi", "Submitted")
		.and_then(|event| event.decode())
		.ok_or(CommandError::NoEvent("Poi.Submitted"))?;
	if args.no_wait {
		match args.json {
			true => print_json(&serde_json::json!({
				"job": job, "status": "open", "held": quote.fee, "fee": included.fee, "block": included.block.number,
			})),
			false => println!("{job}"),
		}
		return Ok(());
	}
	if !args.json {
		let block = included.block.number;
		eprintln!(
			"job {job} is in block {block}: {} held, extrinsic fee {}",
			dot(quote.fee),
			dot(included.fee)
		);
	}
	let mut follower = Follower {
		chain,
		fetcher,
		job,
		opened,
		quiet: args.json,
		shown: Vec::new(),
		spoken: Vec::new(),
		provisional: None,
		answer: None,
	};
	let (view, timeline) = follower.follow().await?;
	let report = JobReport::new(&view, &timeline, follower.answer.take(), started.elapsed().as_secs_f64());
	match args.json {
		true => print_json(&report),
		false => summary(&report),
	}
	Ok(())
}

/// What is asked, and what opens its answer, if it is sealed.
async fn spec(
	chain: &Chain,
	fetcher: &Fetcher,
	keys: &Keys,
	args: &AskArgs,
) -> Result<(JobSpec<AccountId>, Option<OpenedJob>), CommandError> {
	let best = chain.best();
	let checkpoint = match args.checkpoint {
		Some(id) => CheckpointId(id),
		None => {
			let all = chain.checkpoints(best.hash).await?;
			all.iter().rev().find(|view| view.active).ok_or(CommandError::NoCheckpoint)?.id
		},
	};
	let bytes = match args.format {
		FormatArg::Chat | FormatArg::Text => args.prompt.clone().into_bytes(),
		FormatArg::Tokens => token_bytes(&args.prompt)?,
	};
	let (worker, bytes, opened) = match args.sealed {
		false => (args.worker, bytes, None),
		true => {
			let (worker, envelope) = seal(chain, fetcher, keys, checkpoint, args.worker, &bytes).await?;
			let opened = OpenedJob::recover(keys.seal(), envelope.commitment, &envelope.bytes)?;
			(Some(worker), envelope.bytes, Some((envelope.commitment, opened)))
		},
	};
	let (sealed, opened) = opened.unzip();
	let input = match bytes.clone().try_into() {
		Ok(bytes) => Payload::Inline(bytes),
		Err(_) => upload(chain, fetcher, args, worker, &bytes).await?,
	};
	let kind = JobKind::Generate(GenerateParams {
		format: args.format.into(),
		max_tokens: args.tokens,
		temperature: (args.temperature * 1000.0).round() as u16,
		top_p: ((args.top_p * 65535.0).round() as u16).max(1),
		seed: args.seed,
	});
	let spec = JobSpec {
		checkpoint,
		kind,
		input,
		worker,
		deadline: args.deadline,
		lane: Lane::Dot,
		tier: args.tier.into(),
		verification: args.verification,
		sealed,
	};
	Ok((spec, opened))
}

/// A worker that takes sealed jobs, not always the same. Its store must answer: there its panel asks for the key.
async fn choose(
	chain: &Chain,
	fetcher: &Fetcher,
	checkpoint: CheckpointId,
) -> Result<AccountId, CommandError> {
	let best = chain.best();
	let mut workers = chain.sealed_workers(best.hash, checkpoint, WORKERS).await?;
	let turn = usize::try_from(best.number).unwrap_or_default().checked_rem(workers.len());
	workers.rotate_left(turn.unwrap_or_default());
	for worker in workers {
		let Some(endpoint) = endpoint(chain, worker).await? else { continue };
		if fetcher.is_there(&endpoint).await {
			return Ok(worker);
		}
	}
	Err(CommandError::NoSealedWorker(checkpoint))
}

/// Seals a prompt for a worker: the one that is named, or one that takes sealed jobs.
async fn seal(
	chain: &Chain,
	fetcher: &Fetcher,
	keys: &Keys,
	checkpoint: CheckpointId,
	named: Option<AccountId>,
	prompt: &[u8],
) -> Result<(AccountId, Envelope), CommandError> {
	let at = chain.best().hash;
	let worker = match named {
		Some(worker) => worker,
		None => choose(chain, fetcher, checkpoint).await?,
	};
	let operator = chain.operator(at, worker).await?;
	let key = operator.and_then(|view| view.record.capability.seal_key);
	let key = SealPublic(key.ok_or(CommandError::NoSealKey(worker))?);
	let context = Context { genesis: chain.genesis().0, requester: keys.account() };
	Ok((worker, seal_prompt(keys.seal(), &key, &context, prompt)?))
}

pub(super) fn token_bytes(prompt: &str) -> Result<Vec<u8>, CommandError> {
	let ids = prompt.split(|c: char| c == ',' || c.is_whitespace()).filter(|id| !id.is_empty());
	let bytes = ids.map(|id| {
		id.parse::<u32>().map(u32::to_le_bytes).map_err(|_| CommandError::NotATokenId(id.to_owned()))
	});
	Ok(bytes.collect::<Result<Vec<_>, _>>()?.concat())
}

async fn upload(
	chain: &Chain,
	fetcher: &Fetcher,
	args: &AskArgs,
	worker: Option<AccountId>,
	bytes: &[u8],
) -> Result<Payload, CommandError> {
	let place = match (&args.upload, worker) {
		(Some(place), _) => place.clone(),
		(None, Some(worker)) => endpoint(chain, worker).await?.ok_or(CommandError::NoStore)?,
		(None, None) => return Err(CommandError::NoStore),
	};
	let hash = fetcher.upload(&place, bytes).await?;
	let locator = place.clone().into_bytes().try_into().map_err(|_| CommandError::Locator(place))?;
	Ok(Payload::Stored { hash, len: u32::try_from(bytes.len()).unwrap_or(u32::MAX), locator })
}

pub(super) async fn endpoint(chain: &Chain, worker: AccountId) -> Result<Option<String>, CommandError> {
	let operator = chain.operator(chain.best().hash, worker).await?;
	let endpoint = operator.map(|view| locator_text(&view.record.capability.endpoint));
	Ok(endpoint.filter(|endpoint| !endpoint.is_empty()))
}

/// Shows a job until its end is final.
struct Follower {
	chain: Chain,
	fetcher: Fetcher,
	job: JobId,
	/// What opens the answer, if the job is sealed.
	opened: Option<OpenedJob>,
	quiet: bool,
	/// Moves that were shown.
	shown: Vec<TimelineEntry<AccountId>>,
	/// Validators that were shown.
	spoken: Vec<AccountId>,
	/// Prints what the worker says while it computes.
	provisional: Option<JoinHandle<()>>,
	answer: Option<String>,
}

impl Follower {
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
					self.end_provisional();
					self.show_answer(&view).await;
					let timeline = self.chain.timeline(now.finalized.hash, self.job).await?;
					return Ok((view, timeline));
				}
			}
			heads.changed().await.map_err(|_| CommandError::Disconnected)?;
		}
	}

	async fn look(&mut self, at: crate::chain::BlockHash) -> Result<(), CommandError> {
		let Some(view) = self.chain.job(at, self.job).await? else { return Ok(()) };
		for entry in self.chain.timeline(at, self.job).await? {
			if !self.shown.contains(&entry) {
				self.end_provisional();
				self.say(&format!("block {:>6}  {}", entry.at, describe(&entry.state)));
				if let JobState::Assigned { worker } = entry.state {
					self.watch(worker).await?;
				}
				self.shown.push(entry);
			}
		}
		self.show_answer(&view).await;
		if let Some(panel) = self.chain.panel(at, Subject::Job(self.job)).await? {
			for validator in panel.spoken {
				if !self.spoken.contains(&validator) {
					self.say(&format!("              {validator} has given a verdict"));
					self.spoken.push(validator);
				}
			}
		}
		Ok(())
	}

	fn say(&self, line: &str) {
		if !self.quiet {
			eprintln!("{line}");
		}
	}

	/// Shows the answer once it is on chain.
	async fn show_answer(&mut self, view: &JobView<AccountId>) {
		let (None, Some(output)) = (&self.answer, &view.output) else { return };
		let places = match view.state.worker() {
			Some(worker) => endpoint(&self.chain, *worker).await.ok().flatten().into_iter().collect(),
			None => Vec::new(),
		};
		match self.fetcher.payload(output, &places).await {
			Ok(bytes) => {
				let bytes = match self.open(bytes) {
					Ok(bytes) => bytes,
					Err(error) => return self.say(&error.to_string()),
				};
				let text = String::from_utf8_lossy(&bytes).into_owned();
				if !self.quiet {
					println!("{text}");
				}
				self.answer = Some(text);
			},
			Err(error) => self.say(&format!("the answer's bytes can't be had: {error}")),
		}
	}

	/// The answer itself, of the output that is on chain.
	fn open(&self, output: Vec<u8>) -> Result<Vec<u8>, CommandError> {
		let Some(opened) = &self.opened else { return Ok(output) };
		let subject = Subject::Job(self.job);
		opened.open_answer(subject, &output).map_err(|why| CommandError::Shut(self.job, why))
	}

	/// Shows what the worker says while it computes, if its store can be reached. Of a sealed job it says nothing.
	async fn watch(&mut self, worker: AccountId) -> Result<(), CommandError> {
		if self.quiet || self.opened.is_some() {
			return Ok(());
		}
		let Some(endpoint) = endpoint(&self.chain, worker).await? else { return Ok(()) };
		let (fetcher, job) = (self.fetcher.clone(), self.job);
		self.provisional = Some(tokio::spawn(async move { show_provisional(fetcher, endpoint, job).await }));
		Ok(())
	}

	fn end_provisional(&mut self) {
		if let Some(task) = self.provisional.take() {
			task.abort();
			eprintln!();
		}
	}
}

impl Drop for Follower {
	fn drop(&mut self) {
		if let Some(task) = self.provisional.take() {
			task.abort();
		}
	}
}

/// Prints the worker's stream as it comes. Whatever goes wrong here, the chain has the answer in the end.
async fn show_provisional(fetcher: Fetcher, endpoint: String, job: JobId) {
	const ATTEMPTS: u32 = 20;
	const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);
	for _ in 0..ATTEMPTS {
		let Ok(mut response) = fetcher.stream(&endpoint, job).await else {
			tokio::time::sleep(PAUSE).await;
			continue;
		};
		let mut lines = Vec::new();
		eprint!("provisional:  ");
		while let Ok(Some(chunk)) = response.chunk().await {
			lines.extend_from_slice(&chunk);
			while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
				let line: Vec<u8> = lines.drain(..=end).collect();
				show_line(&line);
			}
		}
		return;
	}
}

fn show_line(line: &[u8]) {
	let text = line
		.strip_prefix(b"data: ")
		.and_then(|data| serde_json::from_slice::<serde_json::Value>(data).ok())
		.and_then(|data| data.get("text")?.as_str().map(str::to_owned));
	if let Some(text) = text {
		eprint!("{text}");
		let _ = std::io::stderr().flush();
	}
}

fn summary(report: &JobReport) {
	for verdict in &report.verdicts {
		let word = if verdict.agrees { "found the same" } else { "found something else" };
		eprintln!("verdict       {} {word}", verdict.validator);
	}
	for (who, amount) in &report.paid {
		eprintln!("paid          {who} {}", dot(*amount));
	}
	eprintln!("refunded      {} of {}", dot(report.refund), dot(report.held));
	if let Some(root) = report.root {
		eprintln!(
			"root          {root} over {} leaves; check it with `noesis verify {}`",
			report.leaves, report.job
		);
	}
	eprintln!("{} after {:.1} s, {} tokens", report.status, report.seconds, report.tokens);
}
