//! Why something can't be sealed or opened.

/// Why something can't be sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
	/// The system gives no random bytes.
	#[error("the system gives no random bytes")]
	NoRandomness,
	/// The other side's seal key is a point that every secret takes to the same place.
	#[error("the seal key of the other side is none: it has to register a new one")]
	WeakKey,
	/// There is nothing to seal.
	#[error("an empty prompt can't be sealed")]
	Empty,
	/// There is too much to seal.
	#[error("at most {limit} bytes can be sealed, not {len}")]
	TooLong {
		/// How much there is.
		len: usize,
		/// What is allowed.
		limit: usize,
	},
}

/// Why something sealed can't be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
	/// The bytes do not have the shape of an envelope or a sealed answer.
	#[error("{0}")]
	Malformed(&'static str),
	/// The envelope holds no content key for this key, chain and requester.
	#[error(
		"the requester sealed this job for another worker, in another requester's name or on another chain"
	)]
	NotForUs,
	/// The content key does not open the prompt.
	#[error("the content key does not open the prompt")]
	WrongKey,
	/// The prompt opens, and is not what the job commits to.
	#[error("the requester's fault: the prompt is not what the job commits to")]
	Commitment,
	/// The sealed answer belongs to another job, or was changed.
	#[error("the sealed answer belongs to another job, or is not what the prompt's content key seals")]
	Answer,
}

impl OpenError {
	/// Whether the requester is to blame when the named worker meets this on a job's input: no worker could answer
	/// such a job.
	pub fn is_requesters_fault(self) -> bool {
		match self {
			Self::Malformed(_) | Self::NotForUs | Self::WrongKey | Self::Commitment => true,
			Self::Answer => false,
		}
	}
}
