//! What the pallet announces.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// A part of the pallet; `lib.rs` imports it.
#[pallet_section]
mod events {
	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An operator came in.
		Registered {
			/// Its account.
			who: T::AccountId,
			/// What it does.
			role: Role,
			/// Stake held.
			stake: Balance,
		},
		/// An operator added to its stake.
		StakeAdded {
			/// Its account.
			who: T::AccountId,
			/// What was added.
			amount: Balance,
			/// Stake now held.
			stake: Balance,
		},
		/// An operator offers something else from now on.
		CapabilityUpdated {
			/// Its account.
			who: T::AccountId,
		},
		/// An operator is leaving.
		Unbonding {
			/// Its account.
			who: T::AccountId,
			/// How it stood before.
			from: OperatorStatus,
			/// First block at which it can withdraw its stake.
			until: BlockNumber,
		},
		/// An operator left with its stake.
		Withdrawn {
			/// Its account.
			who: T::AccountId,
			/// What was released.
			amount: Balance,
		},
		/// An operator came back and takes part from now on.
		Rejoined {
			/// Its account.
			who: T::AccountId,
			/// How it stood before.
			from: OperatorStatus,
		},
		/// An operator's conduct was noted.
		Noted {
			/// Its account.
			who: T::AccountId,
			/// How it behaved.
			conduct: Conduct,
			/// What it has earned now.
			reputation: Reputation,
		},
		/// An operator missed a deadline or had an answer rejected.
		Marked {
			/// Its account.
			who: T::AccountId,
			/// Marks since it last came in.
			marks: u32,
		},
		/// An operator was shut out.
		Excluded {
			/// Its account.
			who: T::AccountId,
			/// How it stood before.
			from: OperatorStatus,
			/// How it stands now, with the first block at which it may rejoin or, while unbonding, withdraw.
			to: OperatorStatus,
		},
		/// An operator's exclusion was lifted.
		Readmitted {
			/// Its account.
			who: T::AccountId,
			/// How it stood before.
			from: OperatorStatus,
			/// How it stands now.
			to: OperatorStatus,
		},
		/// An operator lost stake, and its reputation.
		Slashed {
			/// Its account.
			who: T::AccountId,
			/// For what.
			fault: Fault,
			/// What was taken.
			taken: Balance,
			/// The part of it that was paid as a reward; the rest went to the pot.
			rewarded: Balance,
			/// Who was to be rewarded for the proof, and does not belong to the operator itself.
			reward: Option<T::AccountId>,
			/// Stake still held.
			stake: Balance,
		},
		/// An operator appealed against its exclusion.
		Appealed {
			/// Its account.
			who: T::AccountId,
			/// First block at which it may return otherwise.
			until: BlockNumber,
			/// Why, in its words.
			reason: BoundedVec<u8, ConstU32<MAX_APPEAL_BYTES>>,
		},
		/// An exclusion was found right.
		ExclusionConfirmed {
			/// The operator that appealed.
			who: T::AccountId,
			/// First block at which it may return.
			until: BlockNumber,
		},
		/// An active operator gave a sign of life.
		Heartbeat {
			/// Its account.
			who: T::AccountId,
		},
		/// An active operator was silent for too long and counts as absent from now on.
		WentAbsent {
			/// Its account.
			who: T::AccountId,
			/// Block of its last sign of life.
			seen: BlockNumber,
		},
		/// An account belongs to an owner from now on, as both say.
		Authorised {
			/// The owner.
			owner: T::AccountId,
			/// The operator that is its.
			device: T::AccountId,
		},
		/// An account does not belong to its owner any more.
		Revoked {
			/// The owner.
			owner: T::AccountId,
			/// The operator that was its.
			device: T::AccountId,
		},
		/// Somebody who paid rated an operator.
		Rated {
			/// The operator.
			who: T::AccountId,
			/// 1 to 5.
			stars: u8,
			/// What it has earned now.
			reputation: Reputation,
		},
		/// An operator was found much slower than it says.
		Overstated {
			/// Its account.
			who: T::AccountId,
			/// Tokens per second that it claims.
			claimed: u32,
			/// Thousandths of a token per second that were measured.
			measured: u64,
			/// What it has earned now.
			reputation: Reputation,
		},
	}
}
