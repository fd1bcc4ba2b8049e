//! Why calls are refused, and what to do about it.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// A part of the pallet; `lib.rs` imports it.
#[pallet_section]
mod errors {
	/// What stands in the way.
	#[pallet::error]
	pub enum Error<T> {
		/// The account is an operator already. Change it with `updateCapability` or `addStake`; for the other role,
		/// unbond and withdraw first or take another account.
		AlreadyRegistered,
		/// The account is not an operator. Register it first.
		NotRegistered,
		/// The stake is below the least of the role. Stake more; an operator that is in already adds with `addStake`.
		StakeTooLow {
			/// How much is missing.
			short_by: Lack,
		},
		/// Nothing would be added. Give an amount above 0.
		NothingToAdd,
		/// The capability names a checkpoint twice. Name each once.
		DuplicateCheckpoint,
		/// The endpoint must start with http:// or https:// and go on with a host, in printable ASCII without blanks.
		/// Only a validator may leave it empty.
		BadEndpoint,
		/// A validator needs a draw key. Give the public part of an sr25519 key made for drawing.
		NoDrawKey,
		/// Nothing can be sealed for a key of zeros. Give an X25519 public key, or none.
		NoSealKey,
		/// The operator has jobs open. Finish or release them, then unbond.
		JobsOpen,
		/// The operator is leaving already. Withdraw when the time is over, or rejoin.
		AlreadyUnbonding,
		/// The operator takes part already; nothing is left to do.
		AlreadyActive,
		/// Only an operator that unbonds can withdraw. Unbond first.
		NotUnbonding,
		/// The stake is still bound. Withdraw in so many blocks, at the one that the status names as `until`.
		StillBound {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// The operator is still shut out. Rejoin in so many blocks, at the one that the status names as `until`; while
		/// unbonding, at the one under `barred`.
		StillExcluded {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// The operator is not shut out; nothing is left to do.
		NotExcluded,
		/// The exclusion is over at this block. Rejoin instead.
		ExclusionOver,
		/// This exclusion was appealed against before. Wait for the decision, or for the block that the status, or
		/// `barred`, names; then rejoin.
		AlreadyAppealed,
		/// There is no appeal that waits for a decision. Lift an exclusion with `readmit` at any time.
		NoAppeal,
		/// Something was heard of the operator less than `HeartbeatPeriod` blocks ago. Send the next heartbeat in so many
		/// blocks, at the one that `heartbeatFrom` in the runtime API's answer names.
		HeartbeatTooSoon {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// The operator leaves, is shut out or absent, and is not waited for. Rejoin instead, when it may.
		NotTakingPart,
		/// The operator is not silent for long enough. Sweep it in so many blocks if nothing is heard of it, from the one that
		/// `absentFrom` in the runtime API's answer names.
		NotSilent {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// An account can't be its own owner. Leave the owner out.
		OwnsItself,
		/// The account does not name you as its owner. Let it do so with `updateCapability` first.
		NotNamed,
		/// The account does not belong to you; nothing is left to do.
		NotOwner,
	}
}
