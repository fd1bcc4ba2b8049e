//! What can go wrong between this process and the chain.

/// A read or a connection that failed.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
	/// No node answers.
	#[error("no node answers at {url} ({reason}): start one, or name another with --url")]
	Unreachable {
		/// Where.
		url: String,
		/// Why.
		reason: String,
	},
	/// One request failed.
	#[error("the node did not serve {what}: {reason}")]
	Rpc {
		/// What was asked.
		what: String,
		/// Why.
		reason: String,
	},
	/// The chain is another one.
	#[error("the chain has no {0}: the node at --url runs another chain or another version of Noesis")]
	Unknown(String),
	/// The chain's bytes mean something else.
	#[error(
		"{what} comes in an unknown shape: this binary and the chain are of different versions ({reason})"
	)]
	Shape {
		/// What.
		what: String,
		/// Why.
		reason: String,
	},
	/// The block is not there.
	#[error("the node does not have block {0}")]
	NoBlock(String),
}

impl ChainError {
	pub(super) fn rpc(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
		Self::Rpc { what: what.into(), reason: reason.to_string() }
	}

	pub(super) fn shape(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
		Self::Shape { what: what.into(), reason: reason.to_string() }
	}
}

/// An extrinsic that had no effect.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
	/// It could not be built or sent.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The transaction pool refused it.
	#[error("the node refused {call}: {reason}")]
	Refused {
		/// Which call.
		call: String,
		/// Why.
		reason: String,
	},
	/// It is in a block and failed there.
	#[error("{call} failed with {error}: {explanation}")]
	Failed {
		/// Which call.
		call: String,
		/// `Pallet::Error`.
		error: String,
		/// The error's documentation.
		explanation: String,
	},
	/// It was in no block for as long as it was valid.
	#[error(
		"{call} was in no block within {blocks} blocks: try again, the node may be overloaded or cut off"
	)]
	Expired {
		/// Which call.
		call: String,
		/// How long it was valid.
		blocks: u32,
	},
	/// The submitter has ended.
	#[error("the process is shutting down")]
	Closed,
}

impl SubmitError {
	/// Whether the chain itself said no: sending the same again would fail again.
	pub fn is_verdict(&self) -> bool {
		matches!(self, Self::Failed { .. })
	}
}
