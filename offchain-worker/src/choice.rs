//! Which open jobs a worker goes for when others go for them, too.

use crate::AccountId;
use codec::Encode;
use noesis_primitives::JobId;
use sp_crypto_hashing::blake2_256;

/// Most jobs for each that is wanted among which a worker chooses.
const MAX_REACH: usize = 32;

/// A worker's way to choose.
///
/// If every worker went for the first jobs of the queue, all but one would pay for nothing, and no more jobs would be
/// taken in a block by many workers than by one. So a worker that has lost a race looks further down the queue and picks by
/// an order that is its own; the longer it loses none, the closer it keeps to the front, where the oldest and dearest wait.
#[derive(Debug)]
pub struct Choice {
	/// Jobs among which it chooses, for each that it wants.
	reach: usize,
}

impl Default for Choice {
	fn default() -> Self {
		Self { reach: 1 }
	}
}

impl Choice {
	/// `wanted` of the jobs in a queue.
	pub fn pick(&self, worker: &AccountId, queue: impl Iterator<Item = JobId>, wanted: usize) -> Vec<JobId> {
		let mut jobs: Vec<JobId> = queue.take(wanted.saturating_mul(self.reach)).collect();
		jobs.sort_by_cached_key(|job| (job, worker).using_encoded(blake2_256));
		jobs.truncate(wanted);
		jobs
	}

	/// It got a job.
	pub fn won(&mut self) {
		self.reach = self.reach.saturating_sub(1).max(1);
	}

	/// Somebody else was faster.
	pub fn lost(&mut self) {
		self.reach = self.reach.saturating_mul(2).min(MAX_REACH);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::collections::BTreeMap;

	fn queue(jobs: &[u64]) -> Vec<JobId> {
		jobs.iter().copied().map(JobId).collect()
	}

	#[test]
	fn front_should_be_taken_until_a_race_is_lost_and_again_when_none_is() {
		let (mut choice, me) = (Choice::default(), AccountId::from([7; 32]));
		let jobs: Vec<u64> = (0..500).collect();
		let pick = |choice: &Choice| {
			let mut picked = choice.pick(&me, queue(&jobs).into_iter(), 3);
			picked.sort();
			picked
		};
		assert_eq!(pick(&choice), queue(&[0, 1, 2]));
		for _ in 0..9 {
			choice.lost();
			assert_eq!((pick(&choice).len(), pick(&choice)), (3, pick(&choice)));
		}
		assert!(pick(&choice).iter().all(|job| job.0 < 96));
		assert_ne!(pick(&choice), queue(&[0, 1, 2]));
		(0..40).for_each(|_| choice.won());
		assert_eq!(pick(&choice), queue(&[0, 1, 2]));
		assert!(choice.pick(&me, std::iter::empty(), 3).is_empty());
	}

	/// Twenty workers with room for three jobs each, as many jobs as they have room for, again and again.
	#[test]
	fn many_workers_should_take_many_jobs() {
		let mut workers: Vec<(AccountId, Choice)> =
			(0..20).map(|index| (AccountId::from([index; 32]), Choice::default())).collect();
		let (mut jobs, mut taken) = ((0..60).collect::<Vec<u64>>(), Vec::new());
		for round in 0..30 {
			let mut owner = BTreeMap::new();
			let picks: Vec<Vec<JobId>> =
				workers.iter().map(|(who, choice)| choice.pick(who, queue(&jobs).into_iter(), 3)).collect();
			for (index, job) in
				picks.iter().enumerate().flat_map(|(index, picks)| picks.iter().map(move |job| (index, job)))
			{
				owner.entry(*job).or_insert(index);
			}
			for (index, (_, choice)) in workers.iter_mut().enumerate() {
				for job in &picks[index] {
					if owner[job] == index {
						choice.won()
					} else {
						choice.lost()
					}
				}
			}
			jobs.retain(|job| !owner.contains_key(&JobId(*job)));
			jobs.extend((1000 * (round + 1)..).take(owner.len()));
			taken.push(owner.len());
		}
		assert_eq!(taken[0], 3);
		assert!(taken[10..].iter().all(|taken| *taken >= 30), "{taken:?}");
	}
}
