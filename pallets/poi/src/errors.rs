//! Why calls are refused, and what to do about it.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// A part of the pallet; `lib.rs` imports it.
#[pallet_section]
mod errors {
	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no such job, or it ended long ago. Look up its number in the event `Submitted`.
		NoJob,
		/// There is no such checkpoint. Name one that is registered.
		UnknownCheckpoint,
		/// This checkpoint takes no new jobs. Name a newer version.
		CheckpointDeprecated,
		/// `max_tokens` or `top_p` is 0, the input is empty or not whole tokens, the deadline is 0 or longer than
		/// `MaxDeadline`, the number of validators asked for is out of range, a batch does not fit its own figures, or a
		/// channel has a cap of 0 or over its escrow, a lifetime of 0 or over `MaxLifetime`, or its requester as the
		/// worker. Mend the one that applies.
		BadParameters,
		/// The checkpoint has no validator that could confirm an answer, or fewer than a replication takes. Wait until some
		/// offer it (`quote` says how many are there), ask for another verification, or name another checkpoint.
		NoValidators,
		/// Input and output together may exceed the checkpoint's context. Shorten the input or lower
		/// `max_tokens`.
		TooLong,
		/// The job may cost more than `max_fee`. Raise `max_fee` by what is missing, or make the job smaller.
		FeeTooHigh {
			/// How much is missing.
			short_by: Lack,
		},
		/// The named worker has as many unanswered jobs as may name it. Name another, or none.
		DirectedFull,
		/// Too many jobs fall due around the block at which this one would expire. Try again in the next block.
		AgendaFull,
		/// The job or channel can't move like that from where it stands: an answer takes `settle`, a closed channel
		/// `settle_channel`. Read its state first.
		WrongState,
		/// The job is not open. Look for another in `open_jobs`.
		NotOpen,
		/// The job is not being computed. Claim it first, if it is open.
		NotAssigned,
		/// The job has no answer to settle. Wait for one, or see how it ended.
		NotAnswered,
		/// Another worker has this job. Claim one yourself.
		NotYourJob,
		/// Another account submitted this job. Only that one may cancel it.
		NotRequester,
		/// The job names another worker. Claim one that is open to all.
		NotNamed,
		/// Your rank for this job comes later. Claim in so many blocks, at the one that `claimable_at` gives.
		TooEarly {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// The time for it has passed: the job's `due`, the channel's `expires` or `until`, or the bundle's `show_until`.
		/// Call `expire` or `settle_channel` to move it on.
		Overdue,
		/// Nothing is due. Wait so many blocks, until the one after the job's or channel's `due`.
		NotDue {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// A panel is still open, or a drawn entry was not shown yet. Wait until every seat is taken, or so many blocks.
		PanelPending {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// There is a panel over this job already. Wait for its end.
		PanelExists,
		/// The usage is out of bounds: at least one token each, at most what the input and `max_tokens` allow, and for
		/// an input of tokens exactly a quarter of its bytes. Count again.
		BadUsage,
		/// The trace has another number of leaves than its positions make (see `TraceShape`); or, of a batch, another than
		/// one for each item. Count again.
		BadTrace,
		/// You compute as many jobs as one worker may. Answer or release one first.
		TooManyJobs,
		/// You are not registered. Register as a worker first.
		NotRegistered,
		/// You are registered as a validator. Work from another account.
		NotWorker,
		/// You are leaving. Register again to work.
		Unbonding,
		/// You are shut out. Come back when the exclusion ends, in so many blocks.
		ShutOut {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// You do not offer this checkpoint. Add it to your capability.
		CannotRun,
		/// You registered, or changed your capability, too late for this job. Claim later ones.
		TooNew,
		/// The escrows of your open jobs would exceed what your stake covers. Finish some, or stake more.
		OverExposed {
			/// How much is missing.
			short_by: Lack,
		},
		/// The chain has heard nothing of you for too long. Send `operators.heartbeat`, then claim.
		Absent,
		/// The answer can still be disputed. Settle in so many blocks; a verdict until then opens the window
		/// anew.
		WindowOpen {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// The answer is disputed. Wait until the dispute is over.
		Disputed,
		/// The job has not ended with an accepted answer. Only such answers are rated.
		NotFinal,
		/// There are 1 to 5 stars. Choose one of these.
		BadStars,
		/// You rated this job before. A job is rated once.
		AlreadyRated,
		/// You and the worker belong to the same operator. Rate the work of others.
		OwnWork,
		/// There is no such channel, or it ended long ago. Look up its number in the event `ChannelOffered`.
		NoChannel,
		/// You are neither requester nor worker of this channel, or the call is the other's.
		NotParty,
		/// The other side did not sign this tally on this chain. Ask it to sign `Tally::message`.
		BadSignature,
		/// The tally shown before has as many turns or more. Show a later one.
		NotLater,
		/// The tally has no turns or more than 4096; or it has a cost without turns.
		BadTally,
		/// The turns cost more than the cap for each, or, with the surcharge for the panel, more than the escrow. Close
		/// with an earlier tally.
		OverCap,
		/// The escrow is less than a channel costs at least: the base fee for each turn that is drawn, with the surcharge for
		/// the seats that are asked for. Offer more.
		EscrowTooSmall {
			/// How much is missing.
			short_by: Lack,
		},
		/// There is no such batch answered, or channel closed, or it has ended.
		NoBundle,
		/// The entries for the panels are not drawn yet. Try again in the next block.
		NotDrawn,
		/// This entry was shown before. Dispute it, if it is wrong.
		AlreadyShown,
		/// The path does not lead from this entry to the root. Build it again from all entries.
		BadPath,
		/// The requester's own list of inputs is not in order at this place: a wrong number, an empty input, or one longer
		/// than it said. There is nothing to show for it; claim batches only after looking at the list.
		BadInput,
		/// The job is sealed and names no worker. Name the one for which you sealed it.
		SealedForNobody,
		/// The job is sealed, and the worker that it names has no seal key. Name one that has, or ask in the open.
		NoSealKey,
		/// The job is sealed, and its input is no envelope: that has more than 100 bytes. Seal the prompt first.
		NoEnvelope,
	}
}
