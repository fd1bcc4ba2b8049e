//! `noesis ask`: one job from prompt to payment.

use super::{
	connect,
	order::{self, Follower},
	print_json,
	report::{describe, JobReport},
	CommandError,
};
use crate::{
	chain::{BlockHash, Call, Chain, Submitter},
	cli::{dot, AskArgs},
	keys::Keys,
	sealed::{seal_prompt, Context, Envelope, OpenedJob, SealPublic},
	store::Fetcher,
	AccountId,
};
use noesis_primitives::{CheckpointId, JobId, JobSpec, JobState, JobView, Lane, Subject};
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
	let most = order::most_held(quote.fee, args.order.max_fee)?;
	let included = Submitter::start(chain.clone(), keys).submit(Call::submit(&spec, most)).await?;
	let job = order::submitted(&included)?;
	if args.order.no_wait {
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
	let mut conversation = Conversation {
		chain,
		fetcher,
		job,
		opened,
		quiet: args.json,
		shown: order::Shown::default(),
		spoken: Vec::new(),
		provisional: None,
		answer: None,
	};
	let (view, timeline) = order::follow(&mut conversation).await?;
	let answer = conversation.answer.take();
	let report = JobReport::new(&view, &timeline, answer, started.elapsed().as_secs_f64());
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
	let order = &args.order;
	let checkpoint = order::checkpoint(chain, order.checkpoint).await?;
	let bytes = order::input(args.generate.format, &args.prompt)?;
	let (worker, bytes, opened) = match args.sealed {
		false => (order.worker, bytes, None),
		true => {
			let (worker, envelope) = seal(chain, fetcher, keys, checkpoint, order.worker, &bytes).await?;
			let opened = OpenedJob::recover(keys.seal(), envelope.commitment, &envelope.bytes)?;
			(Some(worker), envelope.bytes, Some((envelope.commitment, opened)))
		},
	};
	let (sealed, opened) = opened.unzip();
	let input = order::payload(chain, fetcher, order.upload.as_deref(), worker, bytes).await?;
	let spec = JobSpec {
		checkpoint,
		kind: args.generate.kind(),
		input,
		worker,
		deadline: args.deadline,
		lane: Lane::Dot,
		tier: order.tier.into(),
		verification: order.verification,
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
		let Some(endpoint) = chain.endpoint(worker).await? else { continue };
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

/// Shows a job until its end is final.
struct Conversation {
	chain: Chain,
	fetcher: Fetcher,
	job: JobId,
	/// What opens the answer, if the job is sealed.
	opened: Option<OpenedJob>,
	quiet: bool,
	/// Moves that were shown.
	shown: order::Shown,
	/// Validators that were shown.
	spoken: Vec<AccountId>,
	/// Prints what the worker says while it computes.
	provisional: Option<JoinHandle<()>>,
	answer: Option<String>,
}

impl Follower for Conversation {
	fn subject(&self) -> (&Chain, JobId) {
		(&self.chain, self.job)
	}

	async fn look(&mut self, at: BlockHash, view: &JobView<AccountId>) -> Result<(), CommandError> {
		for entry in self.shown.news(&self.chain, at, self.job).await? {
			self.end_provisional();
			self.say(&format!("block {:>6}  {}", entry.at, describe(&entry.state)));
			if let JobState::Assigned { worker } = entry.state {
				self.watch(worker).await?;
			}
		}
		self.show_answer(view).await;
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

	async fn end(&mut self, view: &JobView<AccountId>) -> Result<(), CommandError> {
		self.end_provisional();
		self.show_answer(view).await;
		Ok(())
	}
}

impl Conversation {
	fn say(&self, line: &str) {
		if !self.quiet {
			eprintln!("{line}");
		}
	}

	/// Shows the answer once it is on chain.
	async fn show_answer(&mut self, view: &JobView<AccountId>) {
		let (None, Some(output)) = (&self.answer, &view.output) else { return };
		let stores = order::stores(&self.chain, view).await.unwrap_or_default();
		match self.fetcher.payload(output, &stores).await {
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
		let Some(endpoint) = self.chain.endpoint(worker).await? else { return Ok(()) };
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

impl Drop for Conversation {
	fn drop(&mut self) {
		if let Some(task) = self.provisional.take() {
			task.abort();
		}
	}
}

/// Prints the worker's stream as it comes. Whatever goes wrong here, the chain has the answer in the end.
async fn show_provisional(fetcher: Fetcher, endpoint: String, job: JobId) {
	let Some(mut response) = order::stream(&fetcher, &endpoint, job).await else { return };
	let mut lines = Vec::new();
	eprint!("provisional:  ");
	while let Ok(Some(chunk)) = response.chunk().await {
		lines.extend_from_slice(&chunk);
		while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
			let line: Vec<u8> = lines.drain(..=end).collect();
			show_line(&line);
		}
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
	report.show_payments();
	if let Some(root) = report.root {
		eprintln!(
			"root          {root} over {} leaves; check it with `noesis verify {}`",
			report.leaves, report.job
		);
	}
	eprintln!("{} after {:.1} s, {} tokens", report.status, report.seconds, report.tokens);
}
