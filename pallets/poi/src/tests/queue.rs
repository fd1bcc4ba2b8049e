//! The ring of open jobs.

use crate::{mock::*, Queue, Rings};
use noesis_primitives::{CheckpointId, JobId, JobSpec, Tier};
use polkadot_sdk::frame_support::assert_ok;

fn ids(range: core::ops::Range<u64>) -> Vec<JobId> {
	range.map(JobId).collect()
}

fn submit_many(count: u32) {
	for _ in 0..count {
		submit(spec());
	}
}

#[test]
fn queue_should_list_the_longest_open_first_when_jobs_come_and_go() {
	run(|| {
		submit_many(6);
		assert_eq!(open_jobs(CHECKPOINT, 10), ids(0..6));
		assert_eq!(open_jobs(CHECKPOINT, 2), ids(0..2));
		for job in [2, 0, 3] {
			assert_ok!(Poi::cancel(signed(REQUESTER), JobId(job)));
		}
		assert_eq!(open_jobs(CHECKPOINT, 10), [1, 4, 5].map(JobId));

		// One that comes back waits at the end.
		assert_ok!(Poi::claim(signed(WORKER), JobId(1)));
		assert_ok!(Poi::release(signed(WORKER), JobId(1)));
		assert_eq!(open_jobs(CHECKPOINT, 10), [4, 5, 1].map(JobId));
	});
}

#[test]
fn queue_should_keep_checkpoints_apart() {
	run(|| {
		let other = CheckpointId(8);
		change(Known::get, Known::set, |known| known.extend([(other, FACTS)]));
		let (a, b) = (submit(spec()), submit(JobSpec { checkpoint: other, ..spec() }));
		assert_eq!((open_jobs(CHECKPOINT, 9), open_jobs(other, 9)), (vec![a], vec![b]));
		assert!(open_jobs(CheckpointId(9), 9).is_empty());
	});
}

#[test]
fn head_should_catch_up_when_many_empty_slots_are_before_it() {
	run(|| {
		UnitPrice::set(&0);
		submit_many(40);
		// The first stays open while all behind it go: the head can't pass it.
		for job in 1..39 {
			assert_ok!(Poi::cancel(signed(REQUESTER), JobId(job)));
		}
		assert_eq!(Rings::<Test>::get((CHECKPOINT, Tier::Standard)).head, 0);
		assert_eq!(open_jobs(CHECKPOINT, 2), [0, 39].map(JobId));
		assert_ok!(Poi::cancel(signed(REQUESTER), JobId(0)));
		assert_eq!(Rings::<Test>::get((CHECKPOINT, Tier::Standard)).head, 4);
		for _ in 0..12 {
			let job = submit(spec());
			assert_ok!(Poi::cancel(signed(REQUESTER), job));
		}
		assert_eq!(Rings::<Test>::get((CHECKPOINT, Tier::Standard)).head, 39);
		assert_eq!(open_jobs(CHECKPOINT, 9), vec![JobId(39)]);
		assert_eq!(Queue::<Test>::iter().count(), 1);
	});
}
