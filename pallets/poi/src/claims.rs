//! What an account could get moving, and moving many things at once.

use crate::{job::Job, Channels, Config, Error, Event, Jobs, NextChannel, NextJob, Pallet};
use alloc::vec::Vec;
use noesis_primitives::{
	Balance, BlockNumber, BundleId, ChannelId, ChannelState, Claimable, Engagement, JobId, JobState,
};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchResult, ensure, storage::with_storage_layer, traits::Get},
	sp_runtime::DispatchError,
};

/// Most engagements that one call moves.
pub const MAX_CLAIMS: u32 = 32;
/// Jobs, and channels, that a read looks at, the newest first.
const MAX_SCAN: u64 = 16_384;

impl<T: Config> Pallet<T> {
	/// Settles or expires each of these that is due, and passes over the others. Returns how many moved.
	pub(crate) fn move_all(engagements: &[Engagement]) -> u32 {
		let moved = engagements
			.iter()
			.filter(|what| with_storage_layer::<_, DispatchError, _>(|| Self::nudge(**what)).is_ok());
		let moved = moved.count() as u32;
		let skipped = (engagements.len() as u32).saturating_sub(moved);
		Self::deposit_event(Event::AllClaimed { moved, skipped });
		moved
	}

	/// Moves one that is due; what ended already is left alone.
	fn nudge(what: Engagement) -> DispatchResult {
		let last = Self::now().saturating_sub(1);
		match what {
			Engagement::Job(id) | Engagement::Bundle(BundleId::Batch(id)) => {
				let job = Self::job(id)?;
				ensure!(job.engagement(id) == what && !job.state.is_terminal(), Error::<T>::WrongState);
				match job.state {
					JobState::Answered { .. } => Self::settle_answer(id),
					_ => Self::move_on(id, last),
				}
			},
			Engagement::Bundle(BundleId::Channel(id)) => {
				let channel = Self::channel(id)?;
				ensure!(!channel.state.is_terminal(), Error::<T>::WrongState);
				match channel.state {
					ChannelState::Closed => Self::settle_turns(id),
					_ => Self::move_channel_on(id, last),
				}
			},
		}
	}

	/// Live jobs and channels, the newest first, of which `who` will have something without doing anything: what it
	/// is, as things stand, and from when on anybody can move it. At most `limit`. For the runtime API.
	pub fn claimable(who: &T::AccountId, limit: u32) -> Vec<Claimable> {
		let jobs = newest(NextJob::<T>::get().0).filter_map(|number| {
			let id = JobId(number);
			let job = Jobs::<T>::get(id)?;
			let (amount, at) = Self::prospect(id, &job, who)?;
			Some(Claimable { engagement: job.engagement(id), amount, at })
		});
		let channels = newest(NextChannel::<T>::get().0).filter_map(|number| {
			let id = ChannelId(number);
			let (amount, at) = Self::channel_prospect(id, who)?;
			Some(Claimable { engagement: Engagement::Bundle(BundleId::Channel(id)), amount, at })
		});
		jobs.chain(channels).filter(|claimable| claimable.amount > 0).take(limit as usize).collect()
	}

	fn prospect(id: JobId, job: &Job<T::AccountId>, who: &T::AccountId) -> Option<(Balance, BlockNumber)> {
		let pays = job.requester == *who;
		match &job.state {
			JobState::Open if pays => Some((job.escrow, job.due.saturating_add(1))),
			JobState::Answered { worker } => {
				let tokens = job.claim.map_or(0, |claim| claim.usage.tokens());
				let cost = job.price.cost(tokens, job.kept, 0).total().min(job.escrow);
				let back = job.escrow.saturating_sub(cost);
				let pay = T::WorkerShare::get().mul_floor(cost);
				let amount = if pays { back } else { pay };
				(pays || worker == who).then(|| (amount, Self::answer_due(id, job)))
			},
			_ => None,
		}
	}

	fn channel_prospect(id: ChannelId, who: &T::AccountId) -> Option<(Balance, BlockNumber)> {
		let channel = Channels::<T>::get(id)?;
		let pays = channel.requester == *who;
		let serves = channel.spec.worker == *who;
		let (pay, back) = Self::prospects_of(&channel);
		let amount = if pays { back } else { pay };
		match channel.state {
			ChannelState::Offered | ChannelState::Open if pays => {
				Some((channel.spec.escrow, channel.expires.saturating_add(1)))
			},
			ChannelState::Closing { until } if pays || serves => Some((amount, until.saturating_add(1))),
			ChannelState::Closed if pays || serves => Some((amount, Self::bundle_due(BundleId::Channel(id)))),
			_ => None,
		}
	}
}

/// The newest of `next` numbers from 0, downwards.
fn newest(next: u64) -> impl Iterator<Item = u64> {
	(next.saturating_sub(MAX_SCAN)..next).rev()
}
