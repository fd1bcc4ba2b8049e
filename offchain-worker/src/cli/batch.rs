//! The command line of batches.

use super::{parse_dot, parse_verification, GenerateArgs, KeyArgs, TierArg};
use crate::AccountId;
use clap::Args;
use noesis_primitives::{Balance, Verification};
use std::path::PathBuf;

/// What to ask many times over, and how.
#[derive(Args, Clone, Debug)]
pub struct BatchArgs {
	/// The prompts, up to 4096: one JSON string a line, or one JSON object with the field `prompt`.
	pub file: PathBuf,
	/// Who asks and pays.
	#[command(flatten)]
	pub key: KeyArgs,
	/// Number of the checkpoint; the newest active one by default.
	#[arg(long)]
	pub checkpoint: Option<u32>,
	/// The only worker that may answer; anyone by default.
	#[arg(long)]
	pub worker: Option<AccountId>,
	/// How text is generated.
	#[command(flatten)]
	pub generate: GenerateArgs,
	/// Most DOT that may be held; what the chain quotes by default.
	#[arg(long, value_parser = parse_dot)]
	pub max_fee: Option<Balance>,
	/// Blocks that a worker has for all answers.
	#[arg(long, default_value_t = 600)]
	pub deadline: u32,
	/// Base URL of a store for prompts that take over 4 KiB together; the named worker's by default.
	#[arg(long)]
	pub upload: Option<String>,
	/// How it is served.
	#[arg(long, value_enum, default_value_t = TierArg::Standard)]
	pub tier: TierArg,
	/// How the drawn items are checked: `sampled`, `panel:N` validators, or `replicated:F` against F liars.
	#[arg(long, default_value = "sampled", value_parser = parse_verification)]
	pub verification: Verification,
	/// Where the answers go, one JSON object a line in the order of the prompts; standard output by default.
	#[arg(long)]
	pub out: Option<PathBuf>,
	/// Prints the job's number and ends, instead of waiting.
	#[arg(long)]
	pub no_wait: bool,
	/// Prints one JSON object at the end, after the answers if these go to standard output.
	#[arg(long)]
	pub json: bool,
}
