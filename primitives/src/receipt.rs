//! What a requester can show of an answer.

use crate::{CheckpointId, Claim, ContentHash, JobKind, Subject, Verdicts};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Binds everything that fixed an answer to the answer and to what was found of it.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Receipt<AccountId> {
	/// The job.
	pub subject: Subject,
	/// The model version.
	pub checkpoint: CheckpointId,
	/// What was computed: parameters and seed.
	pub kind: JobKind,
	/// Hash of the input's bytes.
	pub input: ContentHash,
	/// Root of the trace, hash of the output, usage.
	pub claim: Claim,
	/// Who answered.
	pub worker: AccountId,
	/// Who checked it, and whether they found the same; nobody when the answer was not drawn for an audit.
	pub verdicts: Verdicts<AccountId>,
}
