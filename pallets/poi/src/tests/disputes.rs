//! Disputed answers, and the window in which they can be.

use crate::{mock::*, Error};
use noesis_primitives::{
	Conduct, Disputable, JobId, JobState, NotDisputable, PanelOutcome, RefundReason, Subject, MAX_TIMELINE,
};
use noesis_support::MAX_PER_BLOCK;
use polkadot_sdk::frame_support::{assert_noop, assert_ok, BoundedVec};

type E = Error<Test>;

const ALL: [(AccountId, bool); 3] = [(21, true), (22, true), (23, true)];
const DISPUTED: JobState<AccountId> = JobState::Disputed { worker: WORKER };
const ANSWERED: JobState<AccountId> = JobState::Answered { worker: WORKER };

fn state(job: JobId) -> JobState<AccountId> {
	Poi::job_view(job).unwrap().state
}

fn due(job: JobId) -> u32 {
	Poi::job_view(job).unwrap().due
}

#[test]
fn settle_should_wait_for_the_window_when_the_panel_is_over() {
	run(|| {
		ChallengeWindow::set(&10);
		let job = answered();
		at_block(4);
		decide(job, PanelOutcome::Confirmed, &ALL);
		assert_eq!(due(job), 14);
		at_block(13);
		assert_noop!(Poi::settle(signed(OTHER), job), E::WindowOpen { opens_in: Wait::of(1) });
		at_block(14);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(state(job), JobState::Final { worker: WORKER });
	});
}

#[test]
fn agenda_should_settle_after_the_window_when_the_last_seat_is_taken() {
	run(|| {
		ChallengeWindow::set(&10);
		let job = answered();
		run_to(4);
		decide_in_full(job, PanelOutcome::Confirmed, &ALL);
		check();
		run_to(14);
		assert_eq!(state(job), ANSWERED);
		run_to(15);
		assert_eq!(state(job), JobState::Final { worker: WORKER });
	});
}

#[test]
fn window_should_count_from_the_last_verdict_when_the_panel_is_slow() {
	run(|| {
		ChallengeWindow::set(&10);
		let job = answered();
		assert_eq!(due(job), 11);
		run_to(9);
		decide(job, PanelOutcome::Pending, &[(21, true)]);
		assert_eq!(due(job), 19);
		run_to(18);
		decide(job, PanelOutcome::Confirmed, &ALL);
		run_to(28);
		assert_eq!(state(job), ANSWERED);
		run_to(29);
		assert_eq!(state(job), JobState::Final { worker: WORKER });
	});
}

#[test]
fn job_should_stand_still_when_it_is_disputed() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &ALL);
		assert_ok!(Poi::suspend(Subject::Job(job)));
		assert_eq!((state(job), due(job)), (DISPUTED, u32::MAX));
		assert_ok!(Poi::suspend(Subject::Job(job)));
		assert_noop!(Poi::settle(signed(OTHER), job), E::Disputed);
		assert_noop!(Poi::expire(signed(OTHER), job), E::Disputed);
		assert_noop!(Poi::cancel(signed(REQUESTER), job), E::NotOpen);
		run_to(60);
		decide_in_full(job, PanelOutcome::Confirmed, &ALL);
		run_to(200);
		assert_eq!(state(job), DISPUTED);
		assert_eq!((held(REQUESTER), Exposed::get()[&WORKER]), (FEE, FEE));
		Poi::uphold(Subject::Job(job));
	});
}

#[test]
fn job_should_have_a_fresh_window_when_the_answer_was_upheld() {
	run(|| {
		ChallengeWindow::set(&10);
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &ALL);
		at_block(8);
		assert_ok!(Poi::suspend(Subject::Job(job)));
		at_block(30);
		Poi::uphold(Subject::Job(job));
		assert_eq!((state(job), due(job)), (ANSWERED, 40));
		at_block(39);
		assert_noop!(Poi::settle(signed(OTHER), job), E::WindowOpen { opens_in: Wait::of(1) });
		run_to(41);
		assert_eq!(state(job), JobState::Final { worker: WORKER });
		assert_eq!(noted(WORKER, Conduct::Served), 1);
		Poi::uphold(Subject::Job(job));
		assert_eq!(state(job), JobState::Final { worker: WORKER });
	});
}

#[test]
fn job_should_be_refunded_when_the_answer_was_overturned() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &[(21, true), (22, false)]);
		assert_ok!(Poi::suspend(Subject::Job(job)));
		let verdicts = Poi::overturn(Subject::Job(job));
		assert_eq!(verdicts.into_inner(), vec![(21, true), (22, false)]);
		assert_eq!(state(job), JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!((held(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH));
		assert_eq!(Exposed::get()[&WORKER], 0);
		assert!(Book::get().is_empty() && Conducts::get().is_empty());
		assert_eq!(Poi::job_view(job).unwrap().settlement.unwrap().verdicts.len(), 2);
		assert!(Poi::overturn(Subject::Job(job)).is_empty());
	});
}

#[test]
fn answer_should_be_overturned_without_a_dispute_when_the_chain_sees_the_fault_itself() {
	run(|| {
		let job = answered();
		assert!(Poi::overturn(Subject::Job(job)).is_empty());
		assert_eq!(state(job), JobState::Refunded { reason: RefundReason::Overturned });
	});
}

#[test]
fn subject_should_not_be_disputable_when_there_is_no_answer_or_an_end() {
	run(|| {
		let subject = |job| Subject::Job(job);
		assert_eq!(Poi::suspend(subject(JobId(9))), Err(NotDisputable::Unknown));
		let open = submit(spec());
		assert_eq!(Poi::suspend(subject(open)), Err(NotDisputable::NotAnswered));
		assert!(Poi::disputed(subject(open)).is_none());
		assert!(Poi::overturn(subject(open)).is_empty());
		assert_eq!(state(open), JobState::Open);
		let job = answered();
		let disputed = Poi::disputed(subject(job)).unwrap();
		assert_eq!((disputed.worker, disputed.requester), (WORKER, REQUESTER));
		assert_eq!((disputed.input, disputed.output), (spec().input, output()));
		decide(job, PanelOutcome::Confirmed, &ALL);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(Poi::suspend(subject(job)), Err(NotDisputable::Settled));
		assert!(Poi::disputed(subject(job)).is_none());
		Poi::uphold(subject(JobId(9)));
	});
}

#[test]
fn timeline_should_keep_its_ends_when_sham_disputes_fill_it() {
	run(|| {
		let job = answered();
		for block in 2..40 {
			at_block(block);
			assert_ok!(Poi::suspend(Subject::Job(job)));
			Poi::uphold(Subject::Job(job));
			check();
		}
		let timeline = Poi::timeline(job);
		assert_eq!(timeline.len() as u32, MAX_TIMELINE);
		assert_eq!((timeline[0].at, &timeline[0].state), (1, &JobState::Open));
		assert_eq!(timeline.last().unwrap().at, 39);
	});
}

#[test]
fn dispute_should_end_when_the_agenda_has_no_place() {
	run(|| {
		let job = answered();
		let full = || {
			let others = (1000..).map(JobId).map(noesis_primitives::Engagement::Job);
			BoundedVec::truncate_from(others.take(MAX_PER_BLOCK as usize).collect())
		};
		(0..60).for_each(|block| crate::Agenda::<Test>::insert(block, full()));
		assert_ok!(Poi::suspend(Subject::Job(job)));
		Poi::uphold(Subject::Job(job));
		assert_eq!(state(job), ANSWERED);
		decide(job, PanelOutcome::Confirmed, &ALL);
		assert_ok!(Poi::settle(signed(OTHER), job));
	});
}

#[cfg(feature = "runtime-benchmarks")]
#[test]
fn benchmark_of_others_should_find_an_answered_job_that_settles() {
	run(|| {
		use noesis_primitives::{Claim, DisputedSubject, Root};
		let (input, output) = (spec().input, output());
		let claim =
			Claim { root: Root([1; 32]), leaves: LEAVES, output: output.content_hash(), usage: USAGE };
		let (worker, requester, checkpoint, kind) = (WORKER, REQUESTER, CHECKPOINT, spec().kind);
		let sealed = None;
		let wanted = DisputedSubject { worker, requester, checkpoint, kind, input, sealed, output, claim };
		let subject = Poi::answered_for_benchmark(wanted.clone(), 4);
		assert_eq!(Poi::disputed(subject), Some(wanted));
		assert_ok!(Poi::suspend(subject));
		assert_eq!(Poi::overturn(subject).len() as u32, noesis_primitives::MAX_PANEL);
	});
}
