//! The command line of batches.

use super::{GenerateArgs, KeyArgs, OrderArgs};
use clap::Args;
use std::path::PathBuf;

/// What to ask many times over, and how.
#[derive(Args, Clone, Debug)]
pub struct BatchArgs {
	/// The prompts, up to 4096: one JSON string a line, or one JSON object with the field `prompt`.
	pub file: PathBuf,
	/// Who asks and pays.
	#[command(flatten)]
	pub key: KeyArgs,
	/// What is asked of the chain.
	#[command(flatten)]
	pub order: OrderArgs,
	/// How text is generated.
	#[command(flatten)]
	pub generate: GenerateArgs,
	/// Blocks that a worker has for all answers.
	#[arg(long, default_value_t = 600)]
	pub deadline: u32,
	/// Where the answers go, one JSON object a line in the order of the prompts; standard output by default.
	#[arg(long)]
	pub out: Option<PathBuf>,
	/// Prints one JSON object at the end, after the answers if these go to standard output.
	#[arg(long)]
	pub json: bool,
}
