//! Claims, ranks, directed jobs, giving back.

use crate::{assignment::rank_delay, mock::*, Active, Directed, Error, MAX_ACTIVE, MAX_DIRECTED};
use noesis_primitives::{Conduct, JobId, JobState, OperatorFault, RefundReason};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use proptest::prelude::*;

type E = Error<Test>;

fn state(job: JobId) -> JobState<AccountId> {
	Poi::job_view(job).unwrap().state
}

#[test]
fn claim_should_assign_the_job_when_it_is_open() {
	run(|| {
		let job = submit(spec());
		at_block(4);
		assert_ok!(Poi::claim(signed(WORKER), job));
		assert_eq!(state(job), JobState::Assigned { worker: WORKER });
		assert_eq!(Poi::job_view(job).unwrap().due, 4 + 8);
		assert_eq!(Exposed::get()[&WORKER], FEE);
		assert_eq!(Poi::active_jobs(&WORKER), vec![job]);
		assert!(open_jobs(CHECKPOINT, 10).is_empty());
		assert_noop!(Poi::claim(signed(WORKER + 1), job), E::NotOpen);
		assert_noop!(Poi::claim(signed(WORKER), JobId(9)), E::NoJob);
	});
}

#[test]
fn claim_should_wait_for_its_rank_when_the_job_is_open_to_all() {
	run(|| {
		RankBlocks::set(&10);
		let job = submit(spec());
		let workers: Vec<_> = (100..130).collect();
		let turns: Vec<_> = workers.iter().map(|worker| Poi::claimable_at(job, worker).unwrap()).collect();
		assert!(turns.iter().all(|turn| (1..=11).contains(turn)));
		let last = turns.iter().zip(&workers).max().unwrap();
		assert!(*last.0 > 1);
		at_block(last.0 - 1);
		assert_noop!(Poi::claim(signed(*last.1), job), E::TooEarly { opens_in: Wait::of(1) });
		at_block(*last.0);
		assert_ok!(Poi::claim(signed(*last.1), job));
		assert_eq!(Poi::claimable_at(job, &WORKER), None);

		// The ranks run again from the block at which it opens again.
		at_block(15);
		assert_ok!(Poi::release(signed(*last.1), job));
		assert_eq!(Poi::claimable_at(job, last.1), Some(last.0 + 14));
	});
}

proptest! {
	#[test]
	fn rank_should_give_everyone_a_turn_when_the_blocks_of_ranks_have_passed(
		job in any::<u64>(), worker in any::<u64>(), blocks in any::<u32>(),
	) {
		prop_assert!(rank_delay(JobId(job), &worker, blocks) <= blocks);
		prop_assert_eq!(rank_delay(JobId(job), &worker, 0), 0);
	}
}

#[test]
fn ranks_should_be_spread_evenly_over_workers() {
	let mut turns = [0u32; 4];
	(0u64..4000).for_each(|worker| turns[rank_delay(JobId(1), &worker, 3) as usize] += 1);
	assert!(turns.iter().all(|count| (850..1150).contains(count)), "{turns:?}");
}

#[test]
fn claim_should_be_refused_when_the_job_names_another_worker() {
	run(|| {
		RankBlocks::set(&10);
		let job = submit(spec_for(WORKER));
		assert!(open_jobs(CHECKPOINT, 10).is_empty());
		assert_eq!(Poi::directed_jobs(&WORKER), vec![job]);
		assert_eq!(Poi::claimable_at(job, &(WORKER + 1)), None);
		assert_eq!(Poi::claimable_at(job, &WORKER), Some(1));
		at_block(40);
		assert_noop!(Poi::claim(signed(WORKER + 1), job), E::NotNamed);
		assert_ok!(Poi::claim(signed(WORKER), job));
		assert!(Poi::directed_jobs(&WORKER).is_empty());
	});
}

#[test]
fn directed_job_should_stay_directed_when_it_opens_again() {
	run(|| {
		let job = submit(spec_for(WORKER));
		assert_ok!(Poi::claim(signed(WORKER), job));
		assert_ok!(Poi::release(signed(WORKER), job));
		assert_eq!(Poi::directed_jobs(&WORKER), vec![job]);
		assert_noop!(Poi::claim(signed(WORKER + 1), job), E::NotNamed);
		assert_ok!(Poi::claim(signed(WORKER), job));
		assert_ok!(answer(WORKER, job));
		assert!(Directed::<Test>::get(WORKER).is_empty());
	});
}

#[test]
fn submit_should_be_refused_when_the_named_worker_has_too_many_jobs() {
	run(|| {
		let jobs: Vec<_> = (0..MAX_DIRECTED).map(|_| submit(spec_for(WORKER))).collect();
		assert_noop!(Poi::submit(signed(REQUESTER), spec_for(WORKER), RICH), E::DirectedFull);
		submit(spec_for(WORKER + 1));
		// A job that its worker computes keeps its place, so that it can always come back.
		assert_ok!(Poi::claim(signed(WORKER), jobs[0]));
		assert_noop!(Poi::submit(signed(REQUESTER), spec_for(WORKER), RICH), E::DirectedFull);
		assert_ok!(Poi::cancel(signed(REQUESTER), jobs[1]));
		submit(spec_for(WORKER));
		assert_ok!(Poi::release(signed(WORKER), jobs[0]));
	});
}

#[test]
fn claim_should_name_the_fault_when_the_worker_may_not_have_the_job() {
	run(|| {
		let job = submit(spec());
		for (fault, error) in [
			(OperatorFault::Unknown, E::NotRegistered),
			(OperatorFault::WrongRole, E::NotWorker),
			(OperatorFault::Unbonding, E::Unbonding),
			(OperatorFault::Excluded { until: 9 }, E::ShutOut { opens_in: Wait::of(8) }),
			(OperatorFault::CannotRun, E::CannotRun),
			(OperatorFault::TooNew, E::TooNew),
		] {
			Faults::set(&[(WORKER, fault)].into());
			assert_noop!(Poi::claim(signed(WORKER), job), error);
		}
	});
}

#[test]
fn claim_should_be_refused_when_the_stake_does_not_cover_the_open_jobs() {
	run(|| {
		let jobs: Vec<_> = (0..STAKE / FEE + 1).map(|_| submit(spec())).collect();
		let (last, first) = jobs.split_last().unwrap();
		for job in first {
			assert_ok!(Poi::claim(signed(WORKER), *job));
		}
		assert_noop!(Poi::claim(signed(WORKER), *last), E::OverExposed { short_by: Lack::of(1, 0) });
		// An answer does not make room before its panel is over.
		assert_ok!(answer(WORKER, first[0]));
		assert_noop!(Poi::claim(signed(WORKER), *last), E::OverExposed { short_by: Lack::of(1, 0) });
		assert_ok!(Poi::release(signed(WORKER), first[1]));
		assert_ok!(Poi::claim(signed(WORKER), *last));
	});
}

#[test]
fn claim_should_be_refused_when_the_worker_computes_too_many_jobs() {
	run(|| {
		UnitPrice::set(&0);
		let jobs: Vec<_> = (0..=MAX_ACTIVE).map(|_| submit(spec())).collect();
		let (last, first) = jobs.split_last().unwrap();
		for job in first {
			assert_ok!(Poi::claim(signed(WORKER), *job));
		}
		assert_noop!(Poi::claim(signed(WORKER), *last), E::TooManyJobs);
		assert_ok!(answer(WORKER, first[3]));
		assert_ok!(Poi::claim(signed(WORKER), *last));
		assert_eq!(Active::<Test>::get(WORKER).len() as u32, MAX_ACTIVE);
	});
}

#[test]
fn release_should_open_the_job_again_twice_and_then_refund() {
	run(|| {
		let job = submit(spec());
		assert_noop!(Poi::release(signed(WORKER), job), E::NotAssigned);
		for (times, worker) in (WORKER..WORKER + 3).enumerate() {
			assert_eq!(Poi::job_view(job).unwrap().reassignments as usize, times);
			assert_eq!(open_jobs(CHECKPOINT, 10), vec![job]);
			assert_ok!(Poi::claim(signed(worker), job));
			assert_noop!(Poi::release(signed(OTHER), job), E::NotYourJob);
			assert_ok!(Poi::release(signed(worker), job));
			assert_eq!(Exposed::get()[&worker], 0);
		}
		assert_eq!(state(job), JobState::Refunded { reason: RefundReason::Missed });
		assert_eq!((held(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH));
		assert!(Conducts::get().is_empty());
	});
}

#[test]
fn release_should_be_refused_when_the_deadline_has_passed() {
	run(|| {
		let job = submit(spec());
		assert_ok!(Poi::claim(signed(WORKER), job));
		at_block(1 + 8 + 1);
		assert_noop!(Poi::release(signed(WORKER), job), E::Overdue);
		assert_ok!(Poi::expire(signed(OTHER), job));
		assert_eq!(noted(WORKER, Conduct::Missed), 1);
	});
}
