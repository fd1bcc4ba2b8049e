//! Open jobs of a checkpoint, in the order in which they opened: a ring of slots for each tier. A job that is taken
//! leaves its slot empty; the head passes over a few empty slots at every change, more than a change can leave
//! behind.

use crate::{Config, Job, Pallet, Queue, Ring, Rings};
use alloc::vec::Vec;
use noesis_primitives::{CheckpointId, JobId, JobState, Tier};

/// Empty slots that the head passes over at a change.
const MAX_SKIP: u32 = 4;
/// Slots that a read of the queue looks at.
const MAX_SCAN: usize = 16_384;

impl<T: Config> Pallet<T> {
	/// Puts a job at the end of its checkpoint's queue and returns its slot.
	pub(crate) fn enqueue(checkpoint: CheckpointId, tier: Tier, id: JobId) -> u64 {
		Rings::<T>::mutate((checkpoint, tier), |ring| {
			let slot = ring.tail;
			Queue::<T>::insert((checkpoint, tier), slot, id);
			ring.tail = slot.saturating_add(1);
			Self::pass_empty((checkpoint, tier), ring);
			slot
		})
	}

	/// Takes a job out of the queue, if it is there.
	pub(crate) fn dequeue(job: &mut Job<T::AccountId>) {
		if let Some(slot) = job.slot.take() {
			let queue = (job.checkpoint, job.tier);
			Queue::<T>::remove(queue, slot);
			Rings::<T>::mutate(queue, |ring| Self::pass_empty(queue, ring));
		}
	}

	fn pass_empty(queue: (CheckpointId, Tier), ring: &mut Ring) {
		for _ in 0..MAX_SKIP {
			if ring.head >= ring.tail || Queue::<T>::contains_key(queue, ring.head) {
				break;
			}
			ring.head = ring.head.saturating_add(1);
		}
	}

	/// Open jobs of a checkpoint that name no worker: the premium ones first, then by priority, and within a tier the
	/// longest open first. For the runtime API.
	pub fn waiting_jobs(checkpoint: CheckpointId) -> impl Iterator<Item = JobId> {
		let waiting = move |tier: Tier| {
			let queue = (checkpoint, tier);
			let ring = Rings::<T>::get(queue);
			(ring.head..ring.tail).take(MAX_SCAN).filter_map(move |slot| Queue::<T>::get(queue, slot))
		};
		Tier::BY_PRECEDENCE.into_iter().flat_map(waiting)
	}

	/// Open jobs that name `worker`. For the runtime API.
	pub fn directed_jobs(worker: &T::AccountId) -> Vec<JobId> {
		let is_open = |id: &JobId| Self::job(*id).is_ok_and(|job| job.state == JobState::Open);
		crate::Directed::<T>::get(worker).into_iter().filter(is_open).collect()
	}
}
