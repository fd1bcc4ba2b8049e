//! What must hold between blocks.

use crate::{agenda::Dates, *};
use {
	alloc::collections::BTreeMap,
	noesis_primitives::{
		Balance, BlockNumber, BundleId, ChannelId, ChannelState, Engagement, JobId, JobState, Panels, Subject,
	},
	polkadot_sdk::{
		frame_support::{ensure, traits::fungible::InspectHold},
		sp_runtime::TryRuntimeError,
	},
};

impl<T: Config> Pallet<T> {
	/// - What is held on an account is the sum of the escrows of its live jobs, of those of its live channels, and of
	///   the deposits for the entries that it showed.
	/// - A live bundle belongs to an answered batch or a closed channel; its entries are in its range, as many are
	///   disputed as it says, and those that were drawn, and no others, have a panel while it lives.
	/// - The queues, the lists of named and of active workers hold the jobs that they should, and no others.
	/// - An answered job has an output, a claim and a panel; an ended one a settlement.
	/// - Timelines begin with `Open` and end where the job stands.
	/// - A job that is due later is in the agenda, unless there was no place around its block.
	/// - Nothing is left of a job that was pruned.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_escrows()?;
		Self::check_lists()?;
		for (id, job) in Jobs::<T>::iter() {
			Self::check_job(id, &job)?;
		}
		for (id, channel) in Channels::<T>::iter() {
			Self::check_channel(id, &channel)?;
		}
		Self::check_bundles()?;
		let jobs = Jobs::<T>::iter_keys().count();
		ensure!(Inputs::<T>::iter_keys().count() == jobs, "an input outlived its job");
		ensure!(Timelines::<T>::iter_keys().count() == jobs, "a timeline outlived its job");
		ensure!(Outputs::<T>::iter_keys().all(Jobs::<T>::contains_key), "an output outlived its job");
		let settled = Jobs::<T>::iter_values().filter(|job| job.state.is_terminal()).count();
		ensure!(Settlements::<T>::iter_keys().count() == settled, "settlements and ended jobs differ");
		Ok(())
	}

	fn check_escrows() -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<(u8, T::AccountId), Balance>::new();
		let mut add = |kind, who, amount: Balance| {
			let sum = held.entry((kind, who)).or_default();
			*sum = sum.saturating_add(amount);
		};
		for job in Jobs::<T>::iter_values() {
			add(0, job.requester, if job.state.is_terminal() { 0 } else { job.escrow });
		}
		for channel in Channels::<T>::iter_values() {
			add(1, channel.requester, if channel.state.is_terminal() { 0 } else { channel.spec.escrow });
		}
		for (who, deposit) in Entries::<T>::iter_values().filter_map(|entry| entry.deposit) {
			add(2, who, deposit);
		}
		for ((kind, who), sum) in held {
			let reason = match kind {
				0 => HoldReason::JobEscrow,
				1 => HoldReason::ChannelEscrow,
				_ => HoldReason::ShownEntry,
			};
			ensure!(
				T::Currency::balance_on_hold(&reason.into(), &who) == sum,
				"what is held on an account is not what is accounted for"
			);
		}
		Ok(())
	}

	fn check_bundles() -> Result<(), TryRuntimeError> {
		for (id, bundle) in Bundles::<T>::iter() {
			let owned = match id {
				BundleId::Batch(job) => Jobs::<T>::contains_key(job),
				BundleId::Channel(channel) => Channels::<T>::contains_key(channel),
			};
			ensure!(owned, "a bundle outlived its batch or channel");
			let live = Self::is_bundle_live(id);
			let mut disputed = 0u32;
			for (index, entry) in Entries::<T>::iter_prefix(id) {
				ensure!(index < bundle.count, "an entry is outside of its bundle");
				disputed = disputed.saturating_add(u32::from(entry.state == EntryState::Disputed));
				let has_panel = T::Panels::due(id.subject(index)).is_some();
				ensure!(
					has_panel == (live && bundle.is_audited(index)),
					"an entry has a panel too many or few"
				);
				ensure!(
					entry.deposit.is_none() == bundle.is_audited(index),
					"an entry has the wrong deposit"
				);
			}
			ensure!(!live || disputed == bundle.disputed, "a bundle counts its disputes wrongly");
		}
		for (id, index) in Vouched::<T>::iter_keys() {
			let bundle = Bundles::<T>::get(id).ok_or("who vouched is kept without a bundle")?;
			ensure!(bundle.is_audited(index), "an entry was vouched for that was not drawn");
			ensure!(
				Self::is_bundle_overturned(id),
				"who vouched is kept of a bundle that was not overturned"
			);
		}
		ensure!(
			Entries::<T>::iter_keys().all(|(id, _)| Bundles::<T>::contains_key(id)),
			"an entry is on its own"
		);
		Ok(())
	}

	fn check_channel(id: ChannelId, channel: &Channel<T::AccountId>) -> Result<(), TryRuntimeError> {
		ensure!(id < NextChannel::<T>::get(), "a channel has a number that was not given yet");
		let bundle = BundleId::Channel(id);
		let is_suspended = Bundles::<T>::get(bundle).is_some_and(|bundle| bundle.disputed > 0);
		match channel.state {
			ChannelState::Closed => {
				ensure!(Bundles::<T>::contains_key(bundle), "a closed channel has no bundle");
				ensure!(!is_suspended, "a channel goes on although it is disputed");
			},
			ChannelState::Disputed => ensure!(is_suspended, "a channel is disputed by nobody"),
			ChannelState::Closing { .. } => {
				ensure!(channel.tally.is_some(), "a channel is closed by nothing")
			},
			ChannelState::Paid | ChannelState::Refunded { .. } => {
				ensure!(ChannelSettlements::<T>::contains_key(id), "an ended channel has no settlement")
			},
			ChannelState::Offered | ChannelState::Open => {},
		}
		Self::check_agenda(Engagement::Bundle(bundle), channel.due)
	}

	fn check_lists() -> Result<(), TryRuntimeError> {
		let count =
			|wanted: &dyn Fn(&Job<T::AccountId>) -> bool| Jobs::<T>::iter_values().filter(wanted).count();
		let queued = count(&|job| job.slot.is_some());
		ensure!(Queue::<T>::iter_keys().count() == queued, "a queue has a job that is not open to all");
		for (queue, slot, _) in Queue::<T>::iter() {
			let ring = Rings::<T>::get(queue);
			ensure!((ring.head..ring.tail).contains(&slot), "a job waits outside of its queue");
		}
		let named = count(&|job| job.worker.is_some() && is_unanswered(&job.state));
		let listed: usize = Directed::<T>::iter_values().map(|jobs| jobs.len()).sum();
		ensure!(listed == named, "a list of named workers has a job too many");
		let assigned = count(&|job| matches!(job.state, JobState::Assigned { .. }));
		let active: usize = Active::<T>::iter_values().map(|jobs| jobs.len()).sum();
		ensure!(active == assigned, "a list of active workers has a job too many");
		Ok(())
	}

	fn check_job(id: JobId, job: &Job<T::AccountId>) -> Result<(), TryRuntimeError> {
		ensure!(id < NextJob::<T>::get(), "a job has a number that was not given yet");
		let open_to_all = job.state == JobState::Open && job.worker.is_none();
		ensure!(job.slot.is_some() == open_to_all, "a job has a slot, or has none, against its state");
		if let Some(slot) = job.slot {
			ensure!(
				Queue::<T>::get((job.checkpoint, job.tier), slot) == Some(id),
				"a job is not in its slot"
			);
		}
		if let Some(worker) = job.worker.as_ref().filter(|_| is_unanswered(&job.state)) {
			ensure!(Directed::<T>::get(worker).contains(&id), "a job is not on its worker's list");
		}
		match &job.state {
			JobState::Assigned { worker } => {
				ensure!(Active::<T>::get(worker).contains(&id), "a job is not among its worker's active ones")
			},
			JobState::Answered { .. } | JobState::Disputed { .. } => {
				let is_checked = match job.batch {
					None => T::Panels::due(Subject::Job(id)).is_some(),
					Some(_) => Bundles::<T>::contains_key(BundleId::Batch(id)),
				};
				ensure!(is_checked, "an answered job has no panel");
				ensure!(
					Outputs::<T>::contains_key(id) && job.claim.is_some(),
					"an answered job has no answer"
				);
			},
			JobState::Final { .. } | JobState::Refunded { .. } => {
				ensure!(Settlements::<T>::contains_key(id), "an ended job has no settlement")
			},
			JobState::Open => {},
		}
		let timeline = Timelines::<T>::get(id);
		ensure!(
			timeline.first().is_some_and(|entry| entry.state == JobState::Open),
			"a timeline has no beginning"
		);
		ensure!(timeline.last().is_some_and(|entry| entry.state == job.state), "a timeline has another end");
		ensure!(
			timeline.windows(2).all(|pair| matches!(pair, [a, b] if a.at <= b.at)),
			"a timeline goes backwards"
		);
		Self::check_agenda(job.engagement(id), job.due)
	}

	fn check_agenda(what: Engagement, due: BlockNumber) -> Result<(), TryRuntimeError> {
		if due <= Self::now() || due == BlockNumber::MAX {
			return Ok(());
		}
		Dates::<T>::check(&what, due)
	}
}

fn is_unanswered<AccountId>(state: &JobState<AccountId>) -> bool {
	matches!(state, JobState::Open | JobState::Assigned { .. })
}
