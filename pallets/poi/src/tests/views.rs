//! What the runtime API reads.

use crate::mock::*;
use noesis_primitives::{JobState, PanelOutcome, RefundReason};
use polkadot_sdk::frame_support::assert_ok;

#[test]
fn view_should_show_the_spec_as_submitted() {
	run(|| {
		let job = submit(spec_for(WORKER));
		let view = Poi::job_view(job).unwrap();
		assert_eq!((view.id, view.requester, view.spec), (job, REQUESTER, spec_for(WORKER)));
		assert_eq!((view.escrow, view.reassignments), (FEE, 0));
		assert!(view.claim.is_none() && view.output.is_none() && view.settlement.is_none());
	});
}

#[test]
fn timeline_should_show_every_move_when_a_job_ends() {
	run(|| {
		let job = submit(spec());
		at_block(2);
		assert_ok!(Poi::claim(signed(WORKER), job));
		at_block(3);
		assert_ok!(Poi::release(signed(WORKER), job));
		assert_ok!(Poi::claim(signed(WORKER + 1), job));
		at_block(6);
		assert_ok!(answer(WORKER + 1, job));
		at_block(9);
		decide(job, PanelOutcome::Rejected, &[]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let moves: Vec<_> = Poi::timeline(job).into_iter().map(|entry| (entry.at, entry.state)).collect();
		let expected = [
			(1, JobState::Open),
			(2, JobState::Assigned { worker: WORKER }),
			(3, JobState::Open),
			(3, JobState::Assigned { worker: WORKER + 1 }),
			(6, JobState::Answered { worker: WORKER + 1 }),
			(9, JobState::Refunded { reason: RefundReason::Rejected }),
		];
		assert_eq!(moves, expected);
		let moved = |event: &RuntimeEvent| matches!(event, RuntimeEvent::Poi(crate::Event::Moved { .. }));
		assert_eq!(System::events().iter().filter(|record| moved(&record.event)).count(), 5);
	});
}
