//! The command line.

mod amount;
mod ask;
mod batch;
mod canary;
mod channel;
mod generate;

pub use amount::{dot, parse_dot, UNIT};
pub use ask::{AskArgs, OrderArgs, TierArg};
pub use batch::BatchArgs;
pub use canary::CanaryArgs;
pub use channel::{
	ChannelAskArgs, ChannelCloseArgs, ChannelCommand, ChannelOpenArgs, ChannelStatusArgs, StateArgs,
};
pub use generate::{FormatArg, GenerateArgs};

use crate::{
	keys::{KeyError, Keys},
	operator::Profile,
	service::ServiceOptions,
	AccountId,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use noesis_cuda::{choose, Chosen, DeviceError};
use noesis_engine::{
	dispute::{Fault, Lie},
	Backend, EngineOptions,
};
use noesis_primitives::{Balance, JobId, Role};
use std::{net::SocketAddr, path::PathBuf};

/// Serves, validates and asks language models on the Noesis chain.
#[derive(Debug, Parser)]
#[command(name = "noesis", version, propagate_version = true)]
pub struct Cli {
	/// The node to talk to.
	#[arg(long, global = true, env = "NOESIS_URL", default_value = "ws://127.0.0.1:9944")]
	pub url: String,
	/// Log lines as JSON. What is logged is set by RUST_LOG.
	#[arg(long, global = true)]
	pub log_json: bool,
	/// What to do.
	#[command(subcommand)]
	pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
	/// Makes and shows keys.
	#[command(subcommand)]
	Keys(KeysCommand),
	/// Imports, registers and lists models.
	#[command(subcommand)]
	Checkpoint(CheckpointCommand),
	/// Runs jobs for pay (Proof of Inference).
	Worker(WorkerArgs),
	/// Checks the answers of others for pay (Proof of Contribution).
	Validator(ServiceArgs),
	/// Computes every answer again, as an outsider, and disputes what is wrong: half of what the liar loses is the reward.
	Watch(WatchArgs),
	/// Asks a model, shows its answer, and how it was checked and paid.
	Ask(AskArgs),
	/// Asks a model many things at once, from a file, and writes the answers in their order.
	Batch(BatchArgs),
	/// Asks one worker many times for one escrow, without the chain in between.
	#[command(subcommand)]
	Channel(ChannelCommand),
	/// Arranges a wrong answer with a worker, to catch validators that approve what they did not compute: costs a fee, and
	/// a bond until it is revealed.
	Canary(CanaryArgs),
	/// Computes a job again and says whether the answer on chain is right. Exit code 1 when it is not.
	Verify(VerifyArgs),
	/// Lists what the disputes over a job took: every extrinsic, its bytes and weight, and who was slashed.
	Moves(MovesArgs),
	/// Shows the chain, and an account as it stands there.
	Status(StatusArgs),
	/// Runs a small model in every way that must give the same bits. Needs no chain.
	Selftest {
		/// Prints one JSON object.
		#[arg(long)]
		json: bool,
	},
	/// Measures.
	#[command(subcommand)]
	Bench(BenchCommand),
	/// Compares the Exact profile with 32-bit floats on a text.
	Perplexity(PerplexityArgs),
	/// Plays markets of honest and dishonest operators and counts what comes of it, by the program noesis-sim. Needs no
	/// chain. `noesis sim --help` shows its options.
	#[command(disable_help_flag = true)]
	Sim {
		/// Passed on.
		#[arg(trailing_var_arg = true, allow_hyphen_values = true)]
		arguments: Vec<std::ffi::OsString>,
	},
}

/// Where the key comes from.
#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
	/// Seed phrase, 0x seed, or SURI such as //Alice. Others on this machine may see it; prefer --key-file.
	#[arg(long, env = "NOESIS_KEY", hide_env_values = true)]
	pub key: Option<String>,
	/// File that `noesis keys new --out` wrote.
	#[arg(long, conflicts_with = "key")]
	pub key_file: Option<PathBuf>,
}

impl KeyArgs {
	/// The key.
	pub fn load(&self) -> Result<Keys, KeyError> {
		match (&self.key_file, &self.key) {
			(Some(path), _) => Keys::from_file(path),
			(None, Some(suri)) => Keys::from_suri(suri),
			(None, None) => Err(KeyError::Missing),
		}
	}
}

/// Keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
	/// Makes a new random key.
	New {
		/// Writes it to this file, readable only by you, instead of printing the seed phrase.
		#[arg(long)]
		out: Option<PathBuf>,
		/// Prints one JSON object.
		#[arg(long)]
		json: bool,
	},
	/// Shows a key's public parts.
	Show {
		/// Which key.
		#[command(flatten)]
		key: KeyArgs,
		/// Prints one JSON object.
		#[arg(long)]
		json: bool,
	},
}

/// Models.
#[derive(Debug, Subcommand)]
pub enum CheckpointCommand {
	/// Makes a checkpoint file of a GGUF file.
	Import {
		/// The GGUF file.
		#[arg(long)]
		gguf: PathBuf,
		/// The checkpoint file to write.
		#[arg(long)]
		out: PathBuf,
		/// Prints the checkpoint's description as JSON.
		#[arg(long)]
		json: bool,
	},
	/// Registers a checkpoint file on the chain.
	Register {
		/// Who registers it, and pays the deposit.
		#[command(flatten)]
		key: KeyArgs,
		/// The checkpoint file.
		#[arg(long)]
		file: PathBuf,
		/// Base URLs of stores that serve the file, such as a worker's endpoint.
		#[arg(long)]
		locator: Vec<String>,
		/// Number of the checkpoint that it was made from.
		#[arg(long)]
		parent: Option<u32>,
		/// Prints one JSON object.
		#[arg(long)]
		json: bool,
	},
	/// Lists the registered checkpoints.
	List {
		/// Prints one JSON array.
		#[arg(long)]
		json: bool,
	},
}

/// How the engine runs.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct EngineArgs {
	/// Threads that compute; all cores by default.
	#[arg(long)]
	pub threads: Option<usize>,
	/// What computes. No choice changes a result.
	#[arg(long, value_enum, default_value_t)]
	pub backend: BackendArg,
}

/// What computes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum BackendArg {
	/// The processor's best vector unit.
	#[default]
	Cpu,
	/// The first GPU that can be used, else the processor; also for a model that the GPU can't run.
	Auto,
	/// The first NVIDIA GPU, or an error.
	Cuda,
	/// Plain code, no vector unit.
	Scalar,
	/// AVX2.
	Avx2,
	/// AVX-512 with VNNI.
	Avx512,
}

impl EngineArgs {
	/// The options that are meant.
	///
	/// # Errors
	/// Why the GPU that was asked for can't be used.
	pub fn options(self) -> Result<EngineOptions, DeviceError> {
		let device = match self.backend {
			BackendArg::Auto => choose(noesis_cuda::Backend::Auto, None)?,
			BackendArg::Cuda => choose(noesis_cuda::Backend::Cuda, None)?,
			_ => choose(noesis_cuda::Backend::Cpu, None)?,
		};
		let device = match device {
			Chosen::Device(device) => Some(device),
			Chosen::Cpu { reason } => {
				tracing::info!(reason, "models run on the CPU");
				None
			},
		};
		let backend = match self.backend {
			BackendArg::Cpu | BackendArg::Auto | BackendArg::Cuda => None,
			BackendArg::Scalar => Some(Backend::Scalar),
			BackendArg::Avx2 => Some(Backend::Avx2),
			BackendArg::Avx512 => Some(Backend::Avx512),
		};
		Ok(EngineOptions {
			threads: self.threads,
			backend,
			device,
			fallback: self.backend == BackendArg::Auto,
		})
	}
}

/// What worker and validator need.
#[derive(Args, Clone, Debug)]
pub struct ServiceArgs {
	/// The operator's key.
	#[command(flatten)]
	pub key: KeyArgs,
	/// Checkpoint files to offer.
	#[arg(long, required = true, num_args = 1..)]
	pub checkpoint: Vec<PathBuf>,
	/// Base URL of this store as others reach it; http://<listen> by default.
	#[arg(long)]
	pub endpoint: Option<String>,
	/// Where the store is served. Needed by a worker.
	#[arg(long)]
	pub listen: Option<SocketAddr>,
	/// Folder of the store.
	#[arg(long, default_value = "noesis-store")]
	pub store: PathBuf,
	/// MiB that own blobs, and those of strangers, may each take.
	#[arg(long, default_value_t = 1024)]
	pub store_mib: u64,
	/// Stake with which a new operator comes in, in DOT.
	#[arg(long, default_value = "100", value_parser = parse_dot)]
	pub stake: Balance,
	/// Where this machine is; at most 16 bytes.
	#[arg(long, default_value = "")]
	pub region: String,
	/// How models run.
	#[command(flatten)]
	pub engine: EngineArgs,
}

impl ServiceArgs {
	/// The service that is meant.
	///
	/// # Errors
	/// Why the GPU that was asked for can't be used.
	pub fn options(self, url: String, role: Option<Role>) -> Result<ServiceOptions, DeviceError> {
		let endpoint = match (self.endpoint, self.listen) {
			(Some(endpoint), _) => endpoint,
			(None, Some(address)) => format!("http://{address}"),
			(None, None) => String::new(),
		};
		Ok(ServiceOptions {
			url,
			checkpoints: self.checkpoint,
			engine: self.engine.options()?,
			store: self.store,
			room: self.store_mib.saturating_mul(1 << 20),
			listen: self.listen,
			profile: Profile { role, stake: self.stake, endpoint, region: self.region },
		})
	}
}

/// What a worker needs.
#[derive(Args, Clone, Debug)]
pub struct WorkerArgs {
	/// What validators need too.
	#[command(flatten)]
	pub service: ServiceArgs,
	/// Jobs to have claimed and not answered, at most.
	#[arg(long, default_value_t = 3)]
	pub queue: usize,
	/// Accounts whose canaries are played: jobs of theirs are answered wrongly by arrangement, and leaves of every answer
	/// are given to whoever asks. Name only whom you trust: what it does not reveal costs stake.
	#[arg(long, value_name = "ACCOUNT")]
	pub canary_proposer: Vec<AccountId>,
	/// Answers wrongly, to rehearse a dispute on a development network: computes one value otherwise
	/// (POSITION:LAYER:INDEX:CHANGE), or gives another output beside the right trace (output). Costs stake.
	#[arg(long, value_parser = parse_lie)]
	pub rehearse_fault: Option<Lie>,
}

/// What an outsider needs.
#[derive(Args, Clone, Debug)]
pub struct WatchArgs {
	/// What operators need too.
	#[command(flatten)]
	pub service: ServiceArgs,
	/// Entries of each batch and channel to compute again, beside those that are shown; 0 for none.
	#[arg(long, default_value_t = 8)]
	pub sample: u32,
	/// Folder of channels of one's own, as `noesis channel --state` has it: their turns are looked at too.
	#[arg(long, value_name = "FOLDER")]
	pub channels: Option<PathBuf>,
}

fn parse_lie(text: &str) -> Result<Lie, String> {
	if text == "output" {
		return Ok(Lie::Output);
	}
	let bad = || format!("`{text}` is neither `output` nor POSITION:LAYER:INDEX:CHANGE, such as 40:29:7:1");
	let parts: Vec<i64> =
		text.split(':').map(|part| part.parse().map_err(|_| bad())).collect::<Result<_, _>>()?;
	let [position, layer, index, change] = parts.try_into().map_err(|_| bad())?;
	let number = |value: i64| u32::try_from(value).map_err(|_| bad());
	let change = i32::try_from(change).map_err(|_| bad())?;
	let (position, layer, index) = (number(position)?, number(layer)?, number(index)?);
	Ok(Lie::Value(Fault { position, layer, index, change }))
}

/// Whose disputes to list.
#[derive(Args, Clone, Debug)]
pub struct MovesArgs {
	/// The job's number.
	#[arg(value_parser = parse_job)]
	pub job: JobId,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

/// What to verify.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
	/// The job's number.
	#[arg(value_parser = parse_job)]
	pub job: JobId,
	/// One item of a batch; all by default.
	#[arg(long)]
	pub item: Option<u32>,
	/// The checkpoint's file; fetched from where the chain says by default.
	#[arg(long)]
	pub checkpoint_file: Option<PathBuf>,
	/// Opens a sealed job: the key of its requester or its worker. An open job needs none.
	#[command(flatten)]
	pub key: KeyArgs,
	/// How it runs.
	#[command(flatten)]
	pub engine: EngineArgs,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

/// What to show.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
	/// The account; that of the key, if there is one, by default.
	#[arg(long)]
	pub account: Option<AccountId>,
	/// The account's key.
	#[command(flatten)]
	pub key: KeyArgs,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
	/// Tokens per second of a model, without tokenizer and trace.
	Engine {
		/// The checkpoint file; a small random model by default.
		#[arg(long, env = "NOESIS_CHECKPOINT")]
		checkpoint: Option<PathBuf>,
		/// How it runs.
		#[command(flatten)]
		engine: EngineArgs,
		/// Tokens read at once.
		#[arg(long, default_value_t = 256)]
		prefill: usize,
		/// Tokens written one by one.
		#[arg(long, default_value_t = 64)]
		decode: usize,
		/// How often; the median counts.
		#[arg(long, default_value_t = 3)]
		repeats: usize,
		/// Prints one JSON object.
		#[arg(long)]
		json: bool,
	},
	/// Attention alone, on FlashCore's nine shapes.
	Attention(AttentionArgs),
}

/// How attention is measured.
#[derive(Args, Clone, Debug)]
pub struct AttentionArgs {
	/// What computes: auto, cpu or cuda.
	#[arg(long, default_value = "auto")]
	pub backend: noesis_cuda::Backend,
	/// Many more shapes: long sequences, causal, bf16, backward, decoding.
	#[arg(long)]
	pub all: bool,
	/// A table of tiles, as `--tune` writes one, to use instead of a guess from the shape.
	#[arg(long)]
	pub tiles: Option<PathBuf>,
	/// Times every tile first and writes the table of the fastest to this file.
	#[arg(long)]
	pub tune: Option<PathBuf>,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

/// What to compare on.
#[derive(Args, Clone, Debug)]
pub struct PerplexityArgs {
	/// The checkpoint file.
	#[arg(long, env = "NOESIS_CHECKPOINT")]
	pub checkpoint: PathBuf,
	/// The GGUF file that it was made from, for the norms before rounding.
	#[arg(long)]
	pub gguf: Option<PathBuf>,
	/// The text.
	#[arg(long)]
	pub text: PathBuf,
	/// Windows that are cut from it.
	#[arg(long, default_value_t = 8)]
	pub windows: usize,
	/// Tokens of a window.
	#[arg(long, default_value_t = 256)]
	pub length: usize,
	/// How the model runs.
	#[command(flatten)]
	pub engine: EngineArgs,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

fn parse_job(text: &str) -> Result<JobId, String> {
	text.parse().map(JobId).map_err(|_| "a job is a number from 0 on".to_owned())
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn command_line_should_be_sound() {
		Cli::command().debug_assert();
	}
}
