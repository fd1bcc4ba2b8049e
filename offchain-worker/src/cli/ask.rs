//! The command line of single jobs, and what it has in common with that of batches.

use super::{parse_dot, GenerateArgs, KeyArgs};
use crate::AccountId;
use clap::{Args, ValueEnum};
use noesis_primitives::{Balance, Tier, Verification};

/// What is asked of the chain for a job, whatever it is.
#[derive(Args, Clone, Debug)]
pub struct OrderArgs {
	/// Number of the checkpoint; by default the active one that most validators offer, the oldest among equals.
	#[arg(long)]
	pub checkpoint: Option<u32>,
	/// The only worker that may answer; anyone by default.
	#[arg(long)]
	pub worker: Option<AccountId>,
	/// Most DOT that may be held; what the chain quotes by default.
	#[arg(long, value_parser = parse_dot)]
	pub max_fee: Option<Balance>,
	/// Base URL of a store for prompts over 4 KiB; the named worker's by default.
	#[arg(long)]
	pub upload: Option<String>,
	/// How it is served.
	#[arg(long, value_enum, default_value_t = TierArg::Standard)]
	pub tier: TierArg,
	/// How answers are checked, of a batch those that are drawn: `sampled`, `panel:N` validators, or `replicated:F` against
	/// F liars.
	#[arg(long, default_value = "sampled", value_parser = parse_verification)]
	pub verification: Verification,
	/// Prints the job's number and ends, instead of waiting.
	#[arg(long)]
	pub no_wait: bool,
}

/// What to ask, and how.
#[derive(Args, Clone, Debug)]
pub struct AskArgs {
	/// What to ask.
	pub prompt: String,
	/// Who asks and pays.
	#[command(flatten)]
	pub key: KeyArgs,
	/// What is asked of the chain.
	#[command(flatten)]
	pub order: OrderArgs,
	/// How text is generated.
	#[command(flatten)]
	pub generate: GenerateArgs,
	/// Blocks that a worker has for the answer.
	#[arg(long, default_value_t = 300)]
	pub deadline: u32,
	/// Seals prompt and answer: only the worker and the validators that check it read them. Without --worker one is chosen
	/// that takes sealed jobs.
	#[arg(long)]
	pub sealed: bool,
	/// Prints one JSON object at the end and nothing else.
	#[arg(long)]
	pub json: bool,
}

/// How a job is served.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum TierArg {
	/// In the order of submission.
	Standard,
	/// Before standard jobs.
	Priority,
	/// Before all others.
	Premium,
}

impl From<TierArg> for Tier {
	fn from(tier: TierArg) -> Self {
		match tier {
			TierArg::Standard => Self::Standard,
			TierArg::Priority => Self::Priority,
			TierArg::Premium => Self::Premium,
		}
	}
}

pub(super) fn parse_verification(text: &str) -> Result<Verification, String> {
	let verification = match text.split_once(':') {
		None if text == "sampled" => Some(Verification::Sampled),
		Some(("panel", seats)) => seats.parse().ok().map(Verification::Panel),
		Some(("replicated", liars)) => liars.parse().ok().map(Verification::Replicated),
		_ => None,
	};
	verification.filter(Verification::is_valid).ok_or_else(|| {
		format!("`{text}` is none of sampled, panel:N (N from 1 to 16), replicated:F (F from 1 to 5)")
	})
}
