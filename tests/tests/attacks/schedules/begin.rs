//! What is under way when a schedule begins.

use super::{
	market::Market,
	scene::{VALIDATORS, WORKERS},
};
use noesis_primitives::{ChannelSpec, Tier};
use noesis_runtime::Runtime;
use noesis_tests::court::*;
use pallet_poi::Call as Jobs;

impl Market<'_> {
	/// Something that is under way before the schedule begins, with an answer that may be wrong.
	pub fn begin(&self, court: &mut Court, (what, work): (u8, u8)) {
		let (worker, requester) = (&self.people[0], &self.people[WORKERS + VALIDATORS]);
		let (ask, work_of) = (&self.question.ask, self.work(work));
		let job = pallet_poi::NextJob::<Runtime>::get();
		let channel = pallet_poi::NextChannel::<Runtime>::get();
		// What the worker's stake can't answer for is refused, and not under way.
		match what % 4 {
			0 => {
				let verification = Self::verification(what / 4);
				let spec = ask.clone().checked(verification).spec(court.checkpoint, Some(worker));
				let _ = court.dispatch(requester, Jobs::submit { spec, max_fee: UNIT });
				let _ = court.dispatch(worker, Jobs::claim { job });
				let _ = court.answer(worker, job, work_of);
			},
			1 => {
				let batch = self.batch(1 + u32::from(what / 4) % 4, work_of);
				let spec = batch.spec(court, worker);
				let _ = court.dispatch(requester, Jobs::submit_batch { spec, max_fee: 5 * UNIT });
				let _ = court.dispatch(worker, Jobs::claim { job });
				let _ = court.dispatch(worker, batch.answer(job));
			},
			kind => {
				let spec = ChannelSpec {
					worker: worker.account.clone(),
					checkpoint: court.checkpoint,
					escrow: 2 * UNIT,
					cap: UNIT,
					lifetime: 30,
					tier: Tier::Standard,
					verification: Self::verification(what / 4),
				};
				let _ = court.dispatch(requester, Jobs::open_channel { spec });
				let _ = court.dispatch(worker, Jobs::accept_channel { channel });
				if kind == 3 {
					let close = court.close(self.turns(channel, 3, work).tally(), requester);
					let _ = court.dispatch(worker, close);
				}
			},
		}
	}
}
