//! Plays markets of honest and dishonest operators through the real pallets, and counts what comes of it.
//!
//! A **run** is a chain of its own in memory: `pallet-operators`, `pallet-poc`, `pallet-poi`, `pallet-dispute`,
//! `pallet-checkpoints` and `pallet-balances`, without networking. Requesters submit jobs, workers claim and answer them,
//! validators draw (with their sr25519 keys) and speak, outsiders watch, and whoever finds a wrong answer disputes it.
//! Every step is a call that goes through the pallets' dispatch, and every dispute ends in one step of a model that the
//! referee computes. The model is tiny, all else about it is real ([`model`]).
//!
//! A **setting** says how many adversaries there are, by what they are counted, and what they do ([`setting`]). Each is
//! played with several seeds. After every block the money is counted, after every run each pallet's `try_state` is
//! called; a run that fails either is an error, not a figure.
//!
//! What is measured is compared with the chain's own arithmetic ([`predict`]); what lying is worth at its best is reckoned
//! besides ([`liar`]).
//!
//! What is left out: canaries, batches, channels and heartbeats; extrinsic fees and block weight; the time that computing
//! takes (an answer comes a block after the claim, an honest verdict a block after a colluding one).

// Indices and sums stay within lengths that are checked, and amounts far below what their types hold.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod campaign;
pub mod chain;
pub mod cli;
pub mod liar;
pub mod library;
pub mod model;
pub mod players;
pub mod predict;
pub mod rng;
pub mod setting;
pub mod stats;
pub mod summary;
pub mod table;
pub mod world;

use noesis_primitives::{Balance, BlockNumber, JobId};
use polkadot_sdk::sp_runtime::DispatchError;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
	/// A random model has no questions with full answers.
	#[error("the model of this seed ends its answers too early: take another")]
	Model,
	/// A chain can't begin.
	#[error("the chain can't begin: {0}")]
	Genesis(String),
	/// There is nobody who asks.
	#[error("there is nobody who asks: take at least one worker and one validator")]
	Nobody,
	/// The chain refused what a run begins with.
	#[error("the chain refused `{call}` at the begin of a run: {reason}")]
	Refused {
		/// Which call.
		call: &'static str,
		/// Why.
		reason: String,
	},
	/// Money was made or lost.
	#[error(
		"block {block}: {issued} planck were issued, {issuance} are said to be, and all accounts have {sum}"
	)]
	Money {
		/// After this block.
		block: BlockNumber,
		/// What there was at the begin.
		issued: Balance,
		/// What the chain says there is.
		issuance: Balance,
		/// What there is.
		sum: Balance,
	},
	/// An invariant does not hold.
	#[error("try_state of pallet {pallet}: {reason}")]
	Invariant {
		/// Of this pallet.
		pallet: &'static str,
		/// Which.
		reason: String,
	},
	/// Something never ends.
	#[error("{jobs} jobs and {disputes} disputes did not end by block {now}{stands}")]
	Stuck {
		/// Jobs.
		jobs: usize,
		/// Disputes.
		disputes: usize,
		/// Where a dispute stands.
		stands: String,
		/// The last block.
		now: BlockNumber,
	},
	/// A job was forgotten before it was counted.
	#[error("the chain forgot job {0} before its end was seen")]
	Forgotten(JobId),
}

impl Error {
	fn refused(call: &'static str, error: DispatchError) -> Self {
		Self::Refused { call, reason: chain::reason(error) }
	}
}
