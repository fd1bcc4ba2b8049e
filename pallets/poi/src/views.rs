//! What the runtime API reads. Not for calls.

use crate::{
	Active, Bundles, ChannelSettlements, Config, Entries, Inputs, Jobs, Outputs, Pallet, Settlements,
	Timelines,
};
use alloc::vec::Vec;
use noesis_primitives::{
	BundleId, BundleView, ChannelId, ChannelState, ChannelView, JobId, JobSpec, JobState, JobView,
	TimelineEntry, MAX_ITEMS,
};
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
	/// A job as it stands, until it is pruned.
	pub fn job_view(id: JobId) -> Option<JobView<T::AccountId>> {
		let job = Jobs::<T>::get(id)?;
		let due = match &job.state {
			JobState::Answered { .. } => Self::answer_due(id, &job),
			_ => job.due,
		};
		Some(JobView {
			id,
			requester: job.requester,
			spec: JobSpec {
				checkpoint: job.checkpoint,
				kind: job.kind,
				input: Inputs::<T>::get(id)?,
				worker: job.worker,
				deadline: job.deadline,
				lane: job.lane,
				tier: job.tier,
				verification: job.verification,
				sealed: job.sealed,
			},
			state: job.state,
			escrow: job.escrow,
			due,
			reassignments: job.reassignments,
			claim: job.claim,
			output: Outputs::<T>::get(id),
			settlement: Settlements::<T>::get(id),
			batch: job.batch,
			rating: job.rating,
		})
	}

	/// How a job came to where it is, its submission first.
	pub fn timeline(id: JobId) -> Vec<TimelineEntry<T::AccountId>> {
		Timelines::<T>::get(id).into_inner()
	}

	/// Jobs that `worker` has claimed and not answered, longest held first.
	pub fn active_jobs(worker: &T::AccountId) -> Vec<JobId> {
		Active::<T>::get(worker).into_inner()
	}

	/// A channel as it stands, until it is pruned.
	pub fn channel_view(id: ChannelId) -> Option<ChannelView<T::AccountId>> {
		let channel = Self::channel(id).ok()?;
		let due = match channel.state {
			ChannelState::Closed => Self::bundle_due(BundleId::Channel(id)),
			_ => channel.due,
		};
		Some(ChannelView {
			id,
			requester: channel.requester,
			spec: channel.spec,
			state: channel.state,
			due,
			expires: channel.expires,
			tally: channel.tally,
			settlement: ChannelSettlements::<T>::get(id),
		})
	}

	/// What a batch's answer or a channel's close commits to, and what of it was drawn and shown.
	pub fn bundle_view(id: BundleId) -> Option<BundleView> {
		let bundle = Bundles::<T>::get(id)?;
		let mut shown: Vec<_> = Entries::<T>::iter_key_prefix(id).take(MAX_ITEMS as usize).collect();
		shown.sort_unstable();
		let show_until = match &bundle.audits {
			Some(_) => bundle.show_until,
			None => bundle.fixed.saturating_add(1).saturating_add(T::ShowPeriod::get().max(1)),
		};
		Some(BundleView {
			root: bundle.root,
			count: bundle.count,
			fixed: bundle.fixed,
			audits: bundle.audits.map(|audits| audits.into_inner()),
			shown,
			show_until,
		})
	}
}
