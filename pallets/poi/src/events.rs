//! What the pallet announces.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// A part of the pallet; `lib.rs` imports it.
#[pallet_section]
mod events {
	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Somebody asked for something.
		Submitted {
			/// The job.
			job: JobId,
			/// Who pays.
			requester: T::AccountId,
			/// On which checkpoint.
			checkpoint: CheckpointId,
			/// What is held for it.
			fee: Balance,
		},
		/// A job moved.
		Moved {
			/// The job.
			job: JobId,
			/// Where it stood.
			from: JobState<T::AccountId>,
			/// Where it stands.
			to: JobState<T::AccountId>,
			/// Since this block.
			at: BlockNumber,
		},
		/// A worker answered. A panel checks it from the next block on.
		Answered {
			/// The job.
			job: JobId,
			/// Who answered.
			worker: T::AccountId,
			/// The answer.
			output: Payload,
			/// Root of the trace that the worker claims.
			root: Root,
		},
		/// A job ended and its escrow is spent.
		Settled {
			/// The job.
			job: JobId,
			/// Paid to the worker.
			worker_paid: Balance,
			/// Paid to each validator that found the worker's claim.
			per_validator: Balance,
			/// Paid to the pot.
			pot: Balance,
			/// Put by for the panels of other answers.
			saved: Balance,
			/// Paid to each of these validators besides, out of what was put by.
			bonus: Balance,
			/// Given back to the requester.
			refund: Balance,
		},
		/// A job that had ended was forgotten.
		Pruned {
			/// The job.
			job: JobId,
		},
		/// An answer came after the tier's promise.
		Late {
			/// The job.
			job: JobId,
			/// By so many blocks.
			blocks: BlockNumber,
			/// The part of the surcharge that the requester will get back for it.
			refund: Balance,
		},
		/// A requester rated the work that it paid for.
		Rated {
			/// The job.
			job: JobId,
			/// Who did it.
			worker: T::AccountId,
			/// From 1 to 5.
			stars: u8,
		},
		/// A requester offered a channel.
		ChannelOffered {
			/// The channel.
			channel: ChannelId,
			/// Who pays.
			requester: T::AccountId,
			/// To whom.
			worker: T::AccountId,
			/// What is held for it.
			escrow: Balance,
			/// Last block at which it can be closed.
			expires: BlockNumber,
		},
		/// A channel moved.
		ChannelMoved {
			/// The channel.
			channel: ChannelId,
			/// Where it stood.
			from: ChannelState,
			/// Where it stands.
			to: ChannelState,
			/// Since this block.
			at: BlockNumber,
		},
		/// A channel ended and its escrow is spent.
		ChannelSettled {
			/// The channel.
			channel: ChannelId,
			/// Paid to the worker.
			worker_paid: Balance,
			/// Paid for each verdict that found the worker's claim.
			per_validator: Balance,
			/// Paid to the pot.
			pot: Balance,
			/// Put by for the panels of other answers.
			saved: Balance,
			/// Paid to each of these validators besides, out of what was put by.
			bonus: Balance,
			/// Given back to the requester.
			refund: Balance,
		},
		/// A channel that had ended was forgotten.
		ChannelPruned {
			/// The channel.
			channel: ChannelId,
		},
		/// Entries of a bundle were drawn for panels.
		Drawn {
			/// The bundle.
			bundle: BundleId,
			/// Their numbers.
			entries: alloc::vec::Vec<u32>,
			/// Last block for showing them.
			show_until: BlockNumber,
		},
		/// An entry of a bundle was shown. It can be disputed; if it was drawn, a panel checks it.
		Shown {
			/// The entry.
			subject: Subject,
			/// What the worker says the result is.
			claim: Claim,
		},
		/// An entry was shown that can't be true. The bundle ends with a refund, and its worker loses stake.
		Malformed {
			/// The entry.
			subject: Subject,
			/// Who showed it.
			by: T::AccountId,
		},
		/// Somebody moved several jobs and channels at once.
		AllClaimed {
			/// How many moved.
			moved: u32,
			/// How many were not due.
			skipped: u32,
		},
	}
}
