//! Calls under way, one at a time for each thing on chain, and the rest between them.

use crate::chain::{Call, SubmitError, Submitter};
use noesis_primitives::BlockNumber;
use std::{
	collections::{HashMap, HashSet},
	fmt::Display,
	hash::Hash,
};
use tokio::task::JoinSet;

/// Blocks for which a thing is left alone after something failed.
const COOL_DOWN: BlockNumber = 10;
/// Blocks after a step until the next is thought of: the chain has to show the first.
const PAUSE: BlockNumber = 1;

/// The steps of things that are known by a `K`.
pub struct Steps<K> {
	/// What they are, for the log.
	kind: &'static str,
	calls: JoinSet<(K, String, Result<(), SubmitError>)>,
	/// Those with a step under way.
	busy: HashSet<K>,
	/// Those that are left alone until a block.
	cooling: HashMap<K, BlockNumber>,
}

impl<K: Copy + Display + Eq + Hash + Send + 'static> Steps<K> {
	/// No steps yet of things of this kind.
	pub fn new(kind: &'static str) -> Self {
		Self { kind, calls: JoinSet::new(), busy: HashSet::new(), cooling: HashMap::new() }
	}

	/// Whether a step may be taken.
	pub fn is_ready(&self, what: &K) -> bool {
		!self.busy.contains(what) && !self.cooling.contains_key(what)
	}

	/// Takes a step, which is told as `deed` once it is done.
	pub fn take(&mut self, what: K, deed: impl Into<String>, submitter: Submitter, call: Call) {
		let deed = deed.into();
		self.busy.insert(what);
		self.calls.spawn(async move { (what, deed, submitter.submit(call).await.map(|_| ())) });
	}

	/// Leaves something alone for a while.
	pub fn leave(&mut self, what: K, now: BlockNumber) {
		self.cooling.insert(what, now.saturating_add(COOL_DOWN));
	}

	/// Takes note of the steps that ended.
	pub fn reap(&mut self, now: BlockNumber) {
		while let Some(ended) = self.calls.try_join_next() {
			let Ok((what, deed, result)) = ended else { continue };
			self.busy.remove(&what);
			match result {
				Ok(()) => {
					tracing::info!("{} {what}: {deed}", self.kind);
					self.cooling.insert(what, now.saturating_add(PAUSE));
				},
				Err(error) => {
					tracing::warn!(%error, "{} {what}: not {deed}", self.kind);
					self.leave(what, now);
				},
			}
		}
		self.cooling.retain(|_, until| *until > now);
	}
}
