//! What a proposer tells its worker.

use crate::{channel::Signature, keys::Keys, AccountId};
use codec::{Decode, Encode};
use noesis_primitives::{canary_commitment, CheckpointId, ClaimHash, ContentHash, JobKind, JobView};

/// A canary that is to be: which job will be answered wrongly, and the salt of the mark. The salt must stay between the
/// two: whoever knows it can tell the canary from an honest answer.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Arrangement {
	/// Who commits to it.
	pub proposer: AccountId,
	/// Who will ask.
	pub requester: AccountId,
	/// Who will answer.
	pub worker: AccountId,
	/// On which checkpoint.
	pub checkpoint: CheckpointId,
	/// What will be asked.
	pub kind: JobKind,
	/// Hash of the input's bytes.
	pub input: ContentHash,
	/// The salt of the mark.
	pub salt: [u8; 32],
	/// The proposer's signature.
	pub signature: Signature,
}

impl Arrangement {
	/// A signed arrangement between `requester` and `worker`, on the chain whose genesis block has this hash.
	pub fn new(
		proposer: &Keys,
		genesis: &[u8; 32],
		[requester, worker]: [AccountId; 2],
		checkpoint: CheckpointId,
		kind: JobKind,
		input: ContentHash,
		salt: [u8; 32],
	) -> Self {
		let (signature, account) = (Signature([0; 64]), proposer.account());
		let unsigned =
			Self { proposer: account, requester, worker, checkpoint, kind, input, salt, signature };
		Self { signature: Signature::of(proposer, &unsigned.message(genesis)), ..unsigned }
	}

	fn message(&self, genesis: &[u8; 32]) -> Vec<u8> {
		let Self { proposer, requester, worker, checkpoint, kind, input, salt, .. } = self;
		(b"noesis:arrange:1", genesis, proposer, requester, worker, checkpoint, kind, input, salt).encode()
	}

	/// Whether its proposer signed it.
	pub fn is_signed(&self, genesis: &[u8; 32]) -> bool {
		self.signature.is_of(&self.proposer, &self.message(genesis))
	}

	/// Whether it is the same, however it is signed.
	pub fn is_same(&self, other: &Self) -> bool {
		Self { signature: other.signature, ..self.clone() } == *other
	}

	/// Whether it is about this job.
	pub fn is_of(&self, job: &JobView<AccountId>) -> bool {
		let spec = &job.spec;
		job.batch.is_none()
			&& spec.sealed.is_none()
			&& (job.requester, spec.checkpoint, spec.kind) == (self.requester, self.checkpoint, self.kind)
			&& spec.input.content_hash() == self.input
	}

	/// What the proposer commits to, when this is the truth.
	pub fn commitment(&self, truth: &ClaimHash) -> [u8; 32] {
		canary_commitment(&self.proposer, &self.requester, &self.worker, truth, &self.salt)
	}
}

#[cfg(test)]
pub(super) mod tests {
	use super::*;
	use noesis_primitives::{GenerateParams, InputFormat};

	pub(crate) const GENESIS: [u8; 32] = [9; 32];

	pub(crate) fn of(proposer: &str, worker: &str, salt: u8) -> Arrangement {
		let keys = |suri| Keys::from_suri(suri).unwrap();
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 4));
		let parties = [keys("//Ferdie").account(), keys(worker).account()];
		let input = ContentHash::of(b"asked");
		Arrangement::new(&keys(proposer), &GENESIS, parties, CheckpointId(0), kind, input, [salt; 32])
	}

	#[test]
	fn arrangement_should_be_signed_only_as_its_proposer_made_it() {
		let made = of("//Alice", "//Bob", 1);
		assert!(made.is_signed(&GENESIS) && !made.is_signed(&[8; 32]));
		let other = of("//Dave", "//Bob", 1);
		for changed in [
			Arrangement { salt: [2; 32], ..made.clone() },
			Arrangement { input: ContentHash::of(b"other"), ..made.clone() },
			Arrangement { worker: other.proposer, ..made.clone() },
			Arrangement { requester: other.proposer, ..made.clone() },
			Arrangement { proposer: other.proposer, ..made.clone() },
			Arrangement { signature: other.signature, ..made.clone() },
		] {
			assert!(!changed.is_signed(&GENESIS), "{changed:?}");
		}
		assert_ne!(made.commitment(&[1; 32]), made.commitment(&[2; 32]));
	}
}
