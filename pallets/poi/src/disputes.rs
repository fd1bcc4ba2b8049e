//! What disputes do to jobs, batches and channels.

use crate::{
	bundle::{Entry, EntryState},
	settlement::{Closed, Finding},
	Bundles, Config, Entries, Inputs, Outputs, Pallet, Timelines, Vouched, WeightInfo,
};
use core::marker::PhantomData;
use noesis_primitives::{
	BundleId, Disputable, DisputedSubject, JobEvent, JobId, JobState, NotDisputable, PanelOutcome, Panels,
	Payload, RefundReason, Subject, Verdicts, Vouchers, MAX_AUDITS, MAX_PANEL,
};
use polkadot_sdk::{
	frame_support::{
		dispatch::DispatchResult, storage::with_storage_layer, traits::Get, weights::Weight, BoundedVec,
	},
	sp_runtime::DispatchError,
};

impl<T: Config> Pallet<T> {
	fn disputed_job(id: JobId) -> Option<DisputedSubject<T::AccountId>> {
		let job = Self::job(id).ok().filter(|job| job.batch.is_none())?;
		let worker = match job.state {
			JobState::Answered { worker } | JobState::Disputed { worker } => worker,
			// Its worker lost a dispute; those who confirmed the answer can still be disputed.
			JobState::Refunded { reason: RefundReason::Overturned } => {
				Timelines::<T>::get(id).iter().rev().find_map(|entry| entry.state.worker().cloned())?
			},
			_ => return None,
		};
		Some(DisputedSubject {
			worker,
			requester: job.requester,
			checkpoint: job.checkpoint,
			kind: job.kind,
			input: Inputs::<T>::get(id)?,
			sealed: job.sealed,
			output: Outputs::<T>::get(id)?,
			claim: job.claim?,
		})
	}

	fn disputed_entry(id: BundleId, index: u32) -> Option<DisputedSubject<T::AccountId>> {
		// Where an entry was found to be wrong, those who confirmed it, or another one, can still be disputed.
		let is_kept = Self::is_bundle_live(id) || Self::is_bundle_overturned(id);
		let bundle = Bundles::<T>::get(id).filter(|_| is_kept)?;
		let Entry { kind, input, input_bytes, output_bytes, claim, .. } = Entries::<T>::get(id, index)?;
		let stored = |hash, len| Payload::Stored { hash, len, locator: BoundedVec::new() };
		Some(DisputedSubject {
			worker: bundle.worker,
			requester: bundle.requester,
			checkpoint: bundle.checkpoint,
			kind,
			input: stored(input, input_bytes),
			sealed: None,
			output: stored(claim.output, output_bytes),
			claim,
		})
	}

	fn suspend_job(id: JobId) -> Result<(), NotDisputable> {
		let mut job = Self::job(id).ok().filter(|job| job.batch.is_none()).ok_or(NotDisputable::Unknown)?;
		match job.state {
			JobState::Open | JobState::Assigned { .. } => Err(NotDisputable::NotAnswered),
			JobState::Final { .. } | JobState::Refunded { .. } => Err(NotDisputable::Settled),
			JobState::Disputed { .. } => Ok(()),
			JobState::Answered { .. } => {
				Self::advance(id, &mut job, JobEvent::Challenge).map_err(|_| NotDisputable::Settled)
			},
		}
	}

	fn suspend_entry(id: BundleId, index: u32) -> Result<(), NotDisputable> {
		let mut bundle = Bundles::<T>::get(id).ok_or(NotDisputable::Unknown)?;
		let mut entry = Entries::<T>::get(id, index).ok_or(NotDisputable::Unknown)?;
		if !Self::is_bundle_live(id) {
			return Err(NotDisputable::Settled);
		}
		if entry.state == EntryState::Disputed {
			return Ok(());
		}
		if bundle.disputed == 0 {
			Self::challenge_bundle(id).map_err(|_| NotDisputable::Settled)?;
		}
		bundle.disputed = bundle.disputed.saturating_add(1);
		entry.state = EntryState::Disputed;
		Bundles::<T>::insert(id, bundle);
		Entries::<T>::insert(id, index, entry);
		Ok(())
	}

	fn uphold_job(id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		Self::advance(id, &mut job, JobEvent::Uphold)
	}

	fn uphold_entry(id: BundleId, index: u32) -> DispatchResult {
		let (Some(mut bundle), Some(mut entry)) = (Bundles::<T>::get(id), Entries::<T>::get(id, index))
		else {
			return Ok(());
		};
		if entry.state != EntryState::Disputed || !Self::is_bundle_live(id) {
			return Ok(());
		}
		entry.state = EntryState::Shown;
		bundle.disputed = bundle.disputed.saturating_sub(1);
		bundle.fresh = Self::now();
		let last = bundle.disputed == 0;
		Bundles::<T>::insert(id, bundle);
		Entries::<T>::insert(id, index, entry);
		if last {
			Self::uphold_bundle(id)?;
		}
		Ok(())
	}

	fn overturn_job(id: JobId, verdicts: &Verdicts<T::AccountId>) -> DispatchResult {
		let mut job = Self::job(id)?;
		let spoke = verdicts.len() as u32;
		let verdicts = BoundedVec::truncate_from(verdicts.to_vec());
		let closed = Closed { verdicts, spoke, ..Closed::unheard(Finding::Rejected) };
		Self::advance_with(id, &mut job, JobEvent::Overturn, closed)
	}
}

/// Bytes of the proof of a validator's record or reputation.
const NOTE_PROOF: u64 = 4_000;

/// What it weighs at most to overturn a subject, and everything that ends with it.
pub struct OverturnWeight<T>(PhantomData<T>);

impl<T: Config> Get<Weight> for OverturnWeight<T> {
	fn get() -> Weight {
		// The benchmark's validators sit on all panels. Where each has its own, the record and reputation of so many more are
		// read, and the reputation is written.
		let more = u64::from(MAX_AUDITS.saturating_sub(1).saturating_mul(MAX_PANEL));
		let proof = Weight::from_parts(0, more.saturating_mul(2).saturating_mul(NOTE_PROOF));
		let accesses = T::DbWeight::get().reads_writes(more.saturating_mul(2), more);
		T::WeightInfo::condemn().saturating_add(accesses).saturating_add(proof)
	}
}

impl<T: Config> Disputable<T::AccountId> for Pallet<T> {
	fn disputed(subject: Subject) -> Option<DisputedSubject<T::AccountId>> {
		match subject {
			Subject::Job(id) => Self::disputed_job(id),
			_ => BundleId::of(subject).and_then(|(id, index)| Self::disputed_entry(id, index)),
		}
	}

	fn suspend(subject: Subject) -> Result<(), NotDisputable> {
		// What was revealed to be a canary is known to be wrong, and nobody answers for it.
		if T::Panels::outcome(subject) == PanelOutcome::Canary {
			return Err(NotDisputable::Settled);
		}
		match subject {
			Subject::Job(id) => Self::suspend_job(id),
			_ => {
				let (id, index) = BundleId::of(subject).ok_or(NotDisputable::Unknown)?;
				Self::suspend_entry(id, index)
			},
		}
	}

	fn uphold(subject: Subject) {
		let _ = with_storage_layer::<_, DispatchError, _>(|| match subject {
			Subject::Job(id) => Self::uphold_job(id),
			_ => BundleId::of(subject).map_or(Ok(()), |(id, index)| Self::uphold_entry(id, index)),
		});
	}

	fn overturn(subject: Subject) -> Verdicts<T::AccountId> {
		if Self::disputed(subject).is_none() {
			return BoundedVec::new();
		}
		// It ended with another entry of its bundle: who vouched for it was kept.
		if let Some(vouched) = BundleId::of(subject).and_then(|(id, index)| Vouched::<T>::take(id, index)) {
			let verdicts = vouched.validators.into_iter().map(|who| (who, true)).collect();
			return BoundedVec::truncate_from(verdicts);
		}
		let verdicts = T::Panels::dissolve(subject);
		let _ = with_storage_layer::<_, DispatchError, _>(|| match subject {
			Subject::Job(id) => Self::overturn_job(id, &verdicts),
			_ => BundleId::of(subject).map_or(Ok(()), |(id, _)| Self::overturn_bundle(id)),
		});
		verdicts
	}

	fn vouchers(subject: Subject) -> Option<Vouchers<T::AccountId>> {
		BundleId::of(subject).and_then(|(id, index)| Vouched::<T>::get(id, index))
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn answered_for_benchmark(subject: DisputedSubject<T::AccountId>, spoke: u32) -> Subject {
		crate::benchmarking::answered::<T>(subject, spoke)
	}
}
