//! What the binary does, command by command.

mod ask;
mod attention;
mod batch;
mod canary;
mod channel;
mod checkpoint;
mod keys;
mod measure;
mod moves;
mod order;
mod report;
mod selftest;
mod serve;
mod sim;
mod status;
mod verify;
mod verify_batch;

use crate::{
	batch::{InputsError, ResultsError},
	chain::{Chain, ChainError, SubmitError},
	channel::{BookError, ChannelError},
	cli::{Cli, Command},
	executor::ExecuteError,
	keys::KeyError,
	models::ModelError,
	sealed::{OpenError, ReadError, SealError},
	service::ServiceError,
	store::FetchError,
};
use noesis_cuda::DeviceError;
use noesis_engine::{CheckpointError, EngineError, ImportError};
use noesis_primitives::{ChannelId, CheckpointId, JobId, QuoteError};
use std::{io, path::PathBuf, time::Duration};

/// How long a client waits for a node.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
	/// About the key.
	#[error(transparent)]
	Key(#[from] KeyError),
	/// About the chain.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// About an extrinsic.
	#[error(transparent)]
	Submit(#[from] SubmitError),
	/// About a checkpoint file.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// About a computation.
	#[error(transparent)]
	Execute(#[from] ExecuteError),
	/// About a blob.
	#[error(transparent)]
	Fetch(#[from] FetchError),
	/// About a prompt that is to be sealed.
	#[error(transparent)]
	Seal(#[from] SealError),
	/// About a sealed job.
	#[error(transparent)]
	Read(#[from] ReadError),
	/// About a sealed answer.
	#[error("the answer of job {0} does not open: {1}")]
	Shut(JobId, OpenError),
	/// Nobody takes sealed jobs.
	#[error("no worker that offers checkpoint {0}, takes sealed jobs and answers is there: name another with --checkpoint, or ask in the open")]
	NoSealedWorker(CheckpointId),
	/// The worker takes no sealed jobs.
	#[error("{0} takes no sealed jobs: leave --worker out, and one that does is chosen")]
	NoSealKey(crate::AccountId),
	/// A prompt that was sealed here does not open.
	#[error(transparent)]
	Open(#[from] OpenError),
	/// About a service.
	#[error(transparent)]
	Service(#[from] ServiceError),
	/// About a GGUF file.
	#[error("{path}: {source}")]
	Import {
		/// Which.
		path: PathBuf,
		/// Why.
		source: ImportError,
	},
	/// About an engine.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// About a GPU.
	#[error(transparent)]
	Device(#[from] DeviceError),
	/// About a checkpoint's parts.
	#[error(transparent)]
	Checkpoint(#[from] CheckpointError),
	/// About a file.
	#[error("{path}: {source}")]
	File {
		/// Which.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// There is nothing to ask.
	#[error("no active checkpoint is registered: see `noesis checkpoint register`")]
	NoCheckpoint,
	/// There is no such checkpoint.
	#[error("there is no checkpoint {0}: see `noesis checkpoint list`")]
	UnknownCheckpoint(CheckpointId),
	/// There is no such job.
	#[error("there is no job {0}, or it was settled so long ago that the chain has forgotten it")]
	UnknownJob(JobId),
	/// About a channel.
	#[error(transparent)]
	Channel(#[from] ChannelError),
	/// About a channel's file.
	#[error(transparent)]
	Book(#[from] BookError),
	/// There is no such channel.
	#[error("there is no channel {0}, or it ended so long ago that the chain has forgotten it")]
	UnknownChannel(ChannelId),
	/// The key is another's.
	#[error("channel {0} is not this key's: pass the key that opened it")]
	OtherRequester(ChannelId),
	/// The channel takes no turns.
	#[error("channel {channel} takes no turns: {why}")]
	NotOpen {
		/// Which.
		channel: ChannelId,
		/// Where it stands.
		why: String,
	},
	/// The worker can't accept.
	#[error("the worker can't take this channel: {0}")]
	NotServable(String),
	/// The worker did not accept.
	#[error("the worker has not accepted channel {0} within {1} blocks: it may lack stake or the model, or be away. Wait on with `noesis channel status {0}`, or take the offer back with `noesis channel close {0}`")]
	NotAccepted(ChannelId, u32),
	/// Something that was begun must be ended first.
	#[error("the turn that was begun before could not be ended: {0}")]
	Unfinished(ChannelError),
	/// There is nothing to verify.
	#[error("job {0} has no answer yet that could be verified")]
	Unanswered(JobId),
	/// The file is another model.
	#[error("{path} is not checkpoint {id}: its roots differ from those on chain")]
	OtherCheckpoint {
		/// The file.
		path: PathBuf,
		/// What it should be.
		id: CheckpointId,
	},
	/// The checkpoint can't be had.
	#[error("checkpoint {0} names no store that has its file: pass --checkpoint-file")]
	NoFile(CheckpointId),
	/// The chain would not take the job.
	#[error("the chain gives no quote for this: {}", quote_error(.0))]
	Quote(QuoteError),
	/// It would cost more than allowed.
	#[error("{quoted} would be held, more than --max-fee {allowed}: allow more, or ask for fewer tokens")]
	TooDear {
		/// What the chain says.
		quoted: String,
		/// What the user says.
		allowed: String,
	},
	/// The prompt does not fit in an extrinsic.
	#[error("a prompt over 4 KiB needs a store: pass --upload URL, or --worker with a reachable endpoint")]
	NoStore,
	/// There are no such inputs.
	#[error(transparent)]
	Inputs(#[from] InputsError),
	/// These are no results.
	#[error(transparent)]
	Results(#[from] ResultsError),
	/// A line is no prompt.
	#[error("{path}, line {line}: a prompt is one JSON string, or one JSON object with the field `prompt`")]
	BadLine {
		/// The file.
		path: PathBuf,
		/// The line, from 1.
		line: usize,
	},
	/// The results would not fit.
	#[error("the answers to {0} prompts may not fit in one blob: divide the file, or lower --tokens")]
	TooManyItems(u32),
	/// There is no such item.
	#[error("batch {job} has {count} items, from 0 on: there is no item {item}")]
	NoItem {
		/// The batch.
		job: JobId,
		/// The item.
		item: u32,
		/// How many there are.
		count: u32,
	},
	/// The job is none.
	#[error("job {0} is no batch: leave --item out")]
	NoBatch(JobId),
	/// The prompt is too long.
	#[error("a canary's prompt has at most 4 KiB: shorten it")]
	NotInline,
	/// The machine gives no randomness.
	#[error("the operating system gives no random bytes")]
	NoRandomness,
	/// The worker can't be reached.
	#[error("worker {0} names no endpoint: take another, or see `noesis status --account {0}`")]
	NoEndpoint(crate::AccountId),
	/// The worker does not take part.
	#[error("{url}: the worker does not take the canary: {reason}")]
	NotArranged {
		/// What was asked.
		url: String,
		/// What it says.
		reason: String,
	},
	/// The model has no place for a mark.
	#[error("no leaf of this model takes a mark: its residual has less than 64 values")]
	NoLeaf,
	/// The worker answered otherwise.
	#[error("the worker did not answer as arranged, {0} times: the bond is lost when the canary expires")]
	NotPlayed(u32),
	/// The prompt is no list of tokens.
	#[error(
		"`{0}` is not a token id: with --format tokens the prompt is numbers divided by blanks or commas"
	)]
	NotATokenId(String),
	/// A locator is too long.
	#[error("the locator `{0}` is longer than 128 bytes, or there are more than 4")]
	Locator(String),
	/// An event is missing.
	#[error("the chain took the call but told no {0}: it runs another version of Noesis")]
	NoEvent(&'static str),
	/// The node is gone.
	#[error("the connection ended")]
	Disconnected,
	/// The simulator is not built.
	#[error("the simulator is not at {}: build it with `cargo build --workspace`", .0.display())]
	NoSimulator(PathBuf),
	/// A worker without a store.
	#[error("a worker serves a store: pass --listen, and --endpoint if others reach it elsewhere")]
	NoListen,
}

/// Why there is no quote, and what to do about it.
pub(crate) fn quote_error(error: &QuoteError) -> String {
	match error {
		QuoteError::UnknownCheckpoint => {
			"there is no such checkpoint (see `noesis checkpoint list`)".to_owned()
		},
		QuoteError::Deprecated => "the checkpoint takes no new jobs; take another".to_owned(),
		QuoteError::BadParameters => {
			"the prompt is empty, or --tokens, --top-p or --deadline is out of range".to_owned()
		},
		QuoteError::NoValidators { needed, there } => format!(
			"the checkpoint has {there} validators and an answer needs {needed} to be confirmed; wait until more offer it, or ask for less verification"
		),
		QuoteError::SealedForNobody => "a sealed job names its worker; pass --worker".to_owned(),
		QuoteError::NoSealKey => "the worker has no seal key; name another, or ask in the open".to_owned(),
		QuoteError::NoEnvelope => "the input of a sealed job is an envelope of more than 100 bytes".to_owned(),
		QuoteError::TooLong { tokens, context } => {
			format!("it may need {tokens} tokens and the model takes {context}; shorten the prompt or lower --tokens")
		},
	}
}

/// What is logged when RUST_LOG says nothing.
pub fn default_log(command: &Command) -> &'static str {
	match command {
		Command::Worker(_) | Command::Validator(_) | Command::Watch(_) => "info",
		_ => "warn",
	}
}

/// Does what the command line says; false when what was checked is wrong.
pub async fn run(cli: Cli) -> Result<bool, CommandError> {
	let url = cli.url;
	match cli.command {
		Command::Keys(command) => keys::run(command)?,
		Command::Checkpoint(command) => checkpoint::run(&url, command).await?,
		Command::Worker(args) => serve::worker(url, args).await?,
		Command::Validator(args) => serve::validator(url, args).await?,
		Command::Watch(args) => serve::watch(url, args).await?,
		Command::Moves(args) => moves::run(url, args).await?,
		Command::Ask(args) => ask::run(&url, args).await?,
		Command::Canary(args) => canary::run(&url, args).await?,
		Command::Batch(args) => batch::run(&url, args).await?,
		Command::Channel(command) => channel::run(&url, command).await?,
		Command::Verify(args) => return verify::run(&url, args).await,
		Command::Status(args) => status::run(&url, args).await?,
		Command::Selftest { json } => return selftest::run(json),
		Command::Bench(command) => measure::bench(command)?,
		Command::Perplexity(args) => measure::perplexity(args)?,
		Command::Sim { arguments } => return sim::run(&arguments),
	}
	Ok(true)
}

async fn connect(url: &str) -> Result<Chain, ChainError> {
	Chain::connect(url, PATIENCE).await
}

/// Prints one line of JSON.
fn print_json(value: &impl serde::Serialize) {
	match serde_json::to_string(value) {
		Ok(line) => println!("{line}"),
		Err(error) => tracing::error!(%error, "a report can't be printed"),
	}
}
