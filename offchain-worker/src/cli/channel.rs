//! The command line of channels.

use super::{ask::parse_verification, parse_dot, EngineArgs, GenerateArgs, KeyArgs, TierArg};
use crate::AccountId;
use clap::{Args, Subcommand};
use noesis_primitives::{Balance, ChannelId, Verification};
use std::path::PathBuf;

/// Channels.
#[derive(Debug, Subcommand)]
pub enum ChannelCommand {
	/// Offers a worker a channel, and waits until it accepts.
	Open(ChannelOpenArgs),
	/// Asks for a turn, and prints its answer.
	Ask(ChannelAskArgs),
	/// Has the channel closed and settled; takes an offer back that was not accepted.
	Close(ChannelCloseArgs),
	/// Shows where a channel stands, on chain and here.
	Status(ChannelStatusArgs),
}

/// Where the requester keeps turns and tallies.
#[derive(Args, Clone, Debug)]
pub struct StateArgs {
	/// Folder of the turns and signed tallies; $XDG_DATA_HOME/noesis/channels by default. Do not lose it: without it a
	/// channel can only be closed by its worker.
	#[arg(long)]
	pub state: Option<PathBuf>,
}

/// What to offer to whom.
#[derive(Args, Clone, Debug)]
pub struct ChannelOpenArgs {
	/// Who pays.
	#[command(flatten)]
	pub key: KeyArgs,
	/// Who is to serve.
	#[arg(long)]
	pub worker: AccountId,
	/// Most DOT that all turns may cost; held until the channel is settled.
	#[arg(long, value_parser = parse_dot)]
	pub escrow: Balance,
	/// Most DOT that a turn may cost, on the average; the escrow by default.
	#[arg(long, value_parser = parse_dot)]
	pub cap: Option<Balance>,
	/// Blocks until the channel must have been closed.
	#[arg(long, default_value_t = 14_400)]
	pub lifetime: u32,
	/// Number of the checkpoint; by default the active one that most validators offer, the oldest among equals.
	#[arg(long)]
	pub checkpoint: Option<u32>,
	/// How it is served.
	#[arg(long, value_enum, default_value_t = TierArg::Standard)]
	pub tier: TierArg,
	/// How the drawn turns are checked: `sampled`, `panel:N` validators, or `replicated:F` against F liars.
	#[arg(long, default_value = "sampled", value_parser = parse_verification)]
	pub verification: Verification,
	/// Ends when the offer is on chain, instead of waiting for the worker.
	#[arg(long)]
	pub no_wait: bool,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

/// What to ask, and how.
#[derive(Args, Clone, Debug)]
pub struct ChannelAskArgs {
	/// The channel's number.
	#[arg(value_parser = parse_channel)]
	pub channel: ChannelId,
	/// What to ask.
	pub prompt: String,
	/// Who opened the channel.
	#[command(flatten)]
	pub key: KeyArgs,
	/// Where turns and tallies are kept.
	#[command(flatten)]
	pub state: StateArgs,
	/// How text is generated.
	#[command(flatten)]
	pub generate: GenerateArgs,
	/// Computes the turn again with this checkpoint file before it is signed; what is wrong is not paid.
	#[arg(long, value_name = "FILE")]
	pub recompute: Option<PathBuf>,
	/// How it is computed again.
	#[command(flatten)]
	pub engine: EngineArgs,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

/// What to close.
#[derive(Args, Clone, Debug)]
pub struct ChannelCloseArgs {
	/// The channel's number.
	#[arg(value_parser = parse_channel)]
	pub channel: ChannelId,
	/// Who opened the channel.
	#[command(flatten)]
	pub key: KeyArgs,
	/// Where turns and tallies are kept.
	#[command(flatten)]
	pub state: StateArgs,
	/// Closes without asking the worker, which then has a while to show a later tally. Done anyway when it does not
	/// answer.
	#[arg(long)]
	pub alone: bool,
	/// Ends when the close is on chain or on its way, instead of waiting for the settlement.
	#[arg(long)]
	pub no_wait: bool,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

/// What to show.
#[derive(Args, Clone, Debug)]
pub struct ChannelStatusArgs {
	/// The channel's number.
	#[arg(value_parser = parse_channel)]
	pub channel: ChannelId,
	/// Where turns and tallies are kept.
	#[command(flatten)]
	pub state: StateArgs,
	/// Prints one JSON object.
	#[arg(long)]
	pub json: bool,
}

fn parse_channel(text: &str) -> Result<ChannelId, String> {
	text.parse().map(ChannelId).map_err(|_| "a channel is a number from 0 on".to_owned())
}
