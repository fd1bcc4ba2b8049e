//! What requesters think of the work that they paid for.

use crate::{Config, Error, Event, Jobs, Pallet};
use noesis_primitives::{JobId, JobState, OperatorRegistry};
use polkadot_sdk::frame_support::{dispatch::DispatchResult, ensure};

/// The most stars there are.
pub const MAX_STARS: u8 = 5;

impl<T: Config> Pallet<T> {
	/// Passes the stars of a paying requester on to the worker's reputation, once for each job.
	pub(crate) fn take_rating(requester: &T::AccountId, id: JobId, stars: u8) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(job.requester == *requester, Error::<T>::NotRequester);
		ensure!((1..=MAX_STARS).contains(&stars), Error::<T>::BadStars);
		let JobState::Final { worker } = job.state.clone() else { return Err(Error::<T>::NotFinal.into()) };
		ensure!(job.rating.is_none(), Error::<T>::AlreadyRated);
		ensure!(!T::Operators::same_operator(requester, &worker), Error::<T>::OwnWork);
		job.rating = Some(stars);
		T::Operators::rate(&worker, stars);
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::Rated { job: id, worker, stars });
		Ok(())
	}
}
