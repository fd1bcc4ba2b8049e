//! Who may take a job, and from when on.

use crate::{Config, Error, Job, Jobs, Pallet};
use codec::Encode;
use noesis_primitives::{BlockNumber, JobEvent, JobId, JobState, OperatorFault, OperatorRegistry};
use noesis_support::{Lack, Wait};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchResult, ensure, traits::Get},
	sp_io::hashing::blake2_256,
};

impl<T: Config> Pallet<T> {
	/// First block at which `worker` may claim an open job; `None` when the job is not open, or names another.
	pub fn claimable_at(id: JobId, worker: &T::AccountId) -> Option<BlockNumber> {
		let job = Jobs::<T>::get(id).filter(|job| job.state == JobState::Open)?;
		Self::turn(id, &job, worker)
	}

	/// First block at which it is `worker`'s turn, since the job was last opened.
	fn turn(id: JobId, job: &Job<T::AccountId>, worker: &T::AccountId) -> Option<BlockNumber> {
		match &job.worker {
			Some(named) => (named == worker).then_some(job.opened),
			None => Some(job.opened.saturating_add(rank_delay(id, worker, T::RankBlocks::get()))),
		}
	}

	/// Gives an open job to `worker`.
	pub(crate) fn assign(worker: T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		let now = Self::now();
		ensure!(job.state == JobState::Open, Error::<T>::NotOpen);
		ensure!(now <= job.due, Error::<T>::Overdue);
		let turn = Self::turn(id, &job, &worker).ok_or(Error::<T>::NotNamed)?;
		ensure!(now >= turn, Error::<T>::TooEarly { opens_in: Wait::until(turn, now) });
		T::Operators::ensure_worker(&worker, job.checkpoint).map_err(Error::<T>::from)?;
		Self::advance(id, &mut job, JobEvent::Claim { worker })
	}

	/// Takes a job from the worker that gives it back.
	pub(crate) fn give_back(worker: &T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::assigned_to(worker, id)?;
		Self::advance(id, &mut job, JobEvent::Release)
	}

	/// The job, if `worker` has it and is in time.
	pub(crate) fn assigned_to(worker: &T::AccountId, id: JobId) -> Result<Job<T::AccountId>, Error<T>> {
		let job = Self::job(id)?;
		let JobState::Assigned { worker: assigned } = &job.state else { return Err(Error::<T>::NotAssigned) };
		ensure!(assigned == worker, Error::<T>::NotYourJob);
		ensure!(Self::now() <= job.due, Error::<T>::Overdue);
		Ok(job)
	}
}

/// Blocks that `worker` waits before it may claim a job that just opened, from 0 to `rank_blocks`: evenly drawn
/// from the first four bytes, little endian, of the hash of job and worker.
pub(crate) fn rank_delay<AccountId: Encode>(id: JobId, worker: &AccountId, rank_blocks: u32) -> u32 {
	let [a, b, c, d, ..] = (id, worker).using_encoded(blake2_256);
	let rank = u64::from(u32::from_le_bytes([a, b, c, d]));
	let blocks = u64::from(rank_blocks).saturating_add(1);
	(rank.saturating_mul(blocks) >> 32) as u32
}

impl<T: Config> From<OperatorFault> for Error<T> {
	fn from(fault: OperatorFault) -> Self {
		match fault {
			OperatorFault::Unknown => Self::NotRegistered,
			OperatorFault::WrongRole => Self::NotWorker,
			OperatorFault::Unbonding => Self::Unbonding,
			OperatorFault::Excluded { until } => {
				Self::ShutOut { opens_in: Wait::until(until, Pallet::<T>::now()) }
			},
			OperatorFault::CannotRun => Self::CannotRun,
			OperatorFault::TooNew => Self::TooNew,
			OperatorFault::OverExposed { by } => Self::OverExposed { short_by: Lack::of(by, 0) },
			OperatorFault::Absent => Self::Absent,
		}
	}
}
