//! What the runtime API reads.

use crate::mock::*;
use noesis_primitives::{panel_seed, BlockRandomness, JobId, Panels, Subject};
use polkadot_sdk::frame_support::assert_ok;

#[test]
fn view_should_tell_a_validator_what_it_needs_when_a_panel_is_open() {
	ExtBuilder::default().run(|| {
		assert_eq!(Poc::panel_view(JOB), None);
		open_panel();
		assert_ok!(speak(FIRST, &honest()));
		at_block(ANSWERED + 7);
		let view = Poc::panel_view(JOB).unwrap();
		let seed = panel_seed(JOB, &honest().claim, Hashes::after(ANSWERED).unwrap());
		assert_eq!(view.seed, Some(seed));
		assert_eq!((view.subject, view.checkpoint, view.claim), (JOB, CHECKPOINT, honest().claim));
		assert_eq!((view.opened, view.window), (ANSWERED, 1));
		assert_eq!((view.size, view.validators, view.openings), (3, 3, 4));
		assert_eq!(view.spoken, vec![FIRST]);
		assert_eq!(Poc::open_panels(10), vec![view]);
	});
}

#[test]
fn open_panels_should_leave_out_those_that_are_over_and_stop_at_the_limit() {
	ExtBuilder::default().run(|| {
		at_block(ANSWERED);
		for job in 0..10 {
			let subject = Subject::Job(JobId(job));
			Poc::open(subject, honest().claim, CHECKPOINT, [WORKER, REQUESTER]).unwrap();
			if job == 4 {
				at_block(ANSWERED + 10);
			}
		}
		assert_eq!(Poc::open_panels(100).len(), 10);
		assert_eq!(Poc::open_panels(3).len(), 3);
		at_block(ANSWERED + 16);
		assert_eq!(Poc::open_panels(100).len(), 5);
		assert!(Poc::open_panels(0).is_empty());
	});
}
