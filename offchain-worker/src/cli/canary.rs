//! The command line of canaries.

use super::{ask::parse_verification, EngineArgs, GenerateArgs, KeyArgs};
use crate::{
	keys::{KeyError, Keys},
	AccountId,
};
use clap::Args;
use noesis_primitives::Verification;
use std::path::PathBuf;

/// What will be answered wrongly, by whom, and who commits to it.
#[derive(Args, Clone, Debug)]
pub struct CanaryArgs {
	/// What to ask: up to 4 KiB. Take what others might ask.
	pub prompt: String,
	/// The proposer, who pays fee and bond. Everybody sees on chain that it has a canary open.
	#[command(flatten)]
	pub key: KeyArgs,
	/// Who asks, as seed phrase, 0x seed or SURI; the proposer by default, whom a validator may know for one.
	#[arg(long, env = "NOESIS_REQUESTER_KEY", hide_env_values = true)]
	pub requester_key: Option<String>,
	/// The same as a file that `noesis keys new --out` wrote.
	#[arg(long, conflicts_with = "requester_key")]
	pub requester_key_file: Option<PathBuf>,
	/// The worker, which names the proposer in `--canary-proposer`.
	#[arg(long)]
	pub worker: AccountId,
	/// Number of the checkpoint; by default the active one that most validators offer, the oldest among equals.
	#[arg(long)]
	pub checkpoint: Option<u32>,
	/// The checkpoint's file.
	#[arg(long)]
	pub checkpoint_file: PathBuf,
	/// How it is computed here.
	#[command(flatten)]
	pub engine: EngineArgs,
	/// How text is generated.
	#[command(flatten)]
	pub generate: GenerateArgs,
	/// Blocks that the worker has for the answer.
	#[arg(long, default_value_t = 300)]
	pub deadline: u32,
	/// How the answer is checked: `sampled`, `panel:N` validators, or `replicated:F` against F liars.
	#[arg(long, default_value = "panel:3", value_parser = parse_verification)]
	pub verification: Verification,
	/// Blocks after the answer in which validators may speak before it is revealed.
	#[arg(long, default_value_t = 60)]
	pub patience: u32,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

impl CanaryArgs {
	/// The key that asks.
	pub fn requester(&self) -> Result<Keys, KeyError> {
		match (&self.requester_key_file, &self.requester_key) {
			(Some(path), _) => Keys::from_file(path),
			(None, Some(suri)) => Keys::from_suri(suri),
			(None, None) => self.key.load(),
		}
	}
}
