//! Answers and what they must fit.

use crate::{mock::*, Error, Event};
use noesis_primitives::{Claim, JobState, Root, Subject, Usage};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

type E = Error<Test>;

fn answer_with(
	job: noesis_primitives::JobId,
	leaves: u32,
	usage: Usage,
) -> polkadot_sdk::frame_support::dispatch::DispatchResult {
	Poi::answer(signed(WORKER), job, output(), Root([5; 32]), leaves, usage)
}

#[test]
fn answer_should_open_a_panel_when_the_worker_is_in_time() {
	run(|| {
		let job = submit(spec());
		assert_ok!(Poi::claim(signed(WORKER), job));
		at_block(1 + 8);
		assert_ok!(answer(WORKER, job));
		let view = Poi::job_view(job).unwrap();
		assert_eq!(view.state, JobState::Answered { worker: WORKER });
		assert_eq!(view.output, Some(output()));
		assert_eq!(view.due, 9 + 1 + PANEL_WINDOW);
		let claim =
			Claim { root: Root([5; 32]), leaves: LEAVES, output: output().content_hash(), usage: USAGE };
		assert_eq!(view.claim, Some(claim));
		let told = Book::get()[&Subject::Job(job)].clone();
		assert_eq!((told.claim, told.excluded), (claim, [WORKER, REQUESTER]));
		assert!(Poi::active_jobs(&WORKER).is_empty());
		assert_eq!(Exposed::get()[&WORKER], FEE);
		System::assert_last_event(
			Event::Answered { job, worker: WORKER, output: output(), root: Root([5; 32]) }.into(),
		);
		assert_noop!(answer(WORKER, job), E::NotAssigned);
	});
}

#[test]
fn answer_should_be_refused_when_it_is_late_or_anothers() {
	run(|| {
		let job = submit(spec());
		assert_noop!(answer(WORKER, job), E::NotAssigned);
		assert_ok!(Poi::claim(signed(WORKER), job));
		assert_noop!(answer(WORKER + 1, job), E::NotYourJob);
		at_block(1 + 8 + 1);
		assert_noop!(answer(WORKER, job), E::Overdue);
	});
}

#[test]
fn answer_should_be_refused_when_the_usage_is_out_of_bounds() {
	run(|| {
		let job = submit(spec());
		assert_ok!(Poi::claim(signed(WORKER), job));
		for (input_tokens, output_tokens) in [(0, 5), (80, 5), (5, 0), (5, 11), (u32::MAX, 5), (5, u32::MAX)]
		{
			let usage = Usage { input_tokens, output_tokens };
			assert_noop!(answer_with(job, LEAVES, usage), E::BadUsage);
		}
		let most = Usage { input_tokens: 79, output_tokens: 10 };
		assert_ok!(answer_with(job, 88 * 7 + 1, most));
	});
}

#[test]
fn answer_should_be_refused_when_the_trace_has_another_number_of_leaves() {
	run(|| {
		let job = submit(spec());
		assert_ok!(Poi::claim(signed(WORKER), job));
		for leaves in [0, LEAVES - 1, LEAVES + 1, u32::MAX] {
			assert_noop!(answer_with(job, leaves, USAGE), E::BadTrace);
		}
		assert_ok!(answer_with(job, LEAVES, USAGE));
	});
}
