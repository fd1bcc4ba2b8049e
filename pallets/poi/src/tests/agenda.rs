//! Deadlines: by the agenda, and by hand.

use crate::{mock::*, Agenda, Cursor, Error, Event, Inputs, Jobs, Outputs, Timelines, WeightInfo};
use noesis_primitives::{Conduct, Engagement, JobId, JobState, PanelOutcome, RefundReason};
use noesis_support::MAX_PER_BLOCK;
use polkadot_sdk::frame_support::{
	assert_noop, assert_ok,
	traits::Hooks,
	weights::{Weight, WeightMeter},
	BoundedVec,
};

type E = Error<Test>;

fn state(job: JobId) -> JobState<AccountId> {
	Poi::job_view(job).unwrap().state
}

const EXPIRED: JobState<AccountId> = JobState::Refunded { reason: RefundReason::Expired };

#[test]
fn open_job_should_be_refunded_when_nobody_comes() {
	run(|| {
		let job = submit(spec());
		assert_eq!(Poi::job_view(job).unwrap().due, 51);
		run_to(51);
		assert_eq!(state(job), JobState::Open);
		assert_ok!(Poi::claimable_at(job, &WORKER).ok_or(()));
		run_to(52);
		assert_eq!(state(job), EXPIRED);
		assert_eq!((held(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH));
		assert_eq!(Cursor::<Test>::get(), Some(52));
	});
}

#[test]
fn job_should_open_again_and_mark_the_worker_when_the_deadline_is_missed() {
	run(|| {
		let job = submit(spec());
		for times in 1..=3 {
			let claimed = System::block_number();
			assert_ok!(Poi::claim(signed(WORKER), job));
			run_to(claimed + 8);
			assert_eq!(state(job), JobState::Assigned { worker: WORKER });
			run_to(claimed + 9);
			assert_eq!((noted(WORKER, Conduct::Missed), Exposed::get()[&WORKER]), (times, 0));
			check();
		}
		assert_eq!(state(job), JobState::Refunded { reason: RefundReason::Missed });
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
		assert_eq!(Poi::timeline(job).len(), 7);
	});
}

#[test]
fn answered_job_should_be_looked_at_window_by_window_when_the_panel_is_slow() {
	run(|| {
		let job = answered();
		for end in [7, 12, 17] {
			assert_eq!(Poi::job_view(job).unwrap().due, end);
			run_to(end + 1);
			check();
		}
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		run_to(22);
		assert_eq!(state(job), JobState::Answered { worker: WORKER });
		run_to(23);
		assert_eq!(state(job), JobState::Final { worker: WORKER });
	});
}

#[test]
fn answered_job_should_settle_at_once_when_the_last_seat_is_taken() {
	run(|| {
		let job = answered();
		run_to(4);
		decide_in_full(job, PanelOutcome::Confirmed, &[(21, true)]);
		check();
		run_to(5);
		assert_eq!(state(job), JobState::Final { worker: WORKER });
		run_to(30);
		assert_eq!(state(job), JobState::Final { worker: WORKER });
	});
}

#[test]
fn decision_should_change_nothing_when_the_job_is_not_answered() {
	use noesis_primitives::{Subject, SubjectHandler};
	run(|| {
		let job = submit(spec());
		let before = Jobs::<Test>::get(job);
		Poi::on_decided(Subject::Job(job));
		Poi::on_decided(Subject::Job(JobId(99)));
		assert_eq!(Jobs::<Test>::get(job), before);
	});
}

#[test]
fn ended_job_should_be_forgotten_when_it_was_kept_long_enough() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		run_to(41);
		assert!(Poi::job_view(job).is_some());
		run_to(42);
		assert_eq!(Poi::job_view(job), None);
		System::assert_last_event(Event::Pruned { job }.into());
		assert!(!Inputs::<Test>::contains_key(job) && !Outputs::<Test>::contains_key(job));
		assert!(!Timelines::<Test>::contains_key(job));
		assert_noop!(Poi::expire(signed(OTHER), job), E::NoJob);
	});
}

#[test]
fn anybody_should_move_every_job_on_when_the_agenda_is_never_served() {
	run(|| {
		let (open, missed) = (submit(spec()), submit(spec()));
		assert_ok!(Poi::claim(signed(WORKER), missed));
		let answered = answered();
		decide(answered, PanelOutcome::Confirmed, &[(21, true)]);
		at_block(9);
		assert_noop!(Poi::expire(signed(OTHER), missed), E::NotDue { opens_in: Wait::of(1) });
		assert_noop!(Poi::expire(signed(OTHER), open), E::NotDue { opens_in: Wait::of(43) });
		at_block(10);
		assert_ok!(Poi::expire(signed(OTHER), missed));
		assert_eq!(state(missed), JobState::Open);
		at_block(52);
		assert_noop!(Poi::claim(signed(WORKER), open), E::Overdue);
		assert_ok!(Poi::expire(signed(OTHER), open));
		assert_ok!(Poi::settle(signed(OTHER), answered));
		assert_noop!(Poi::expire(signed(OTHER), answered), E::NotDue { opens_in: Wait::of(41) });
		at_block(93);
		for job in [open, answered] {
			assert_ok!(Poi::expire(signed(OTHER), job));
			assert_eq!(Poi::job_view(job), None);
		}
	});
}

#[test]
fn agenda_should_take_the_next_block_when_one_is_full_and_refuse_when_all_are() {
	run(|| {
		let full = || {
			BoundedVec::truncate_from(
				(1000..).map(JobId).map(Engagement::Job).take(MAX_PER_BLOCK as usize).collect(),
			)
		};
		for block in 51..54 {
			Agenda::<Test>::insert(block, full());
		}
		let job = submit(spec());
		assert_eq!(Agenda::<Test>::get(54).into_inner(), vec![Engagement::Job(job)]);
		Agenda::<Test>::insert(54, full());
		assert_noop!(Poi::submit(signed(REQUESTER), spec(), RICH), E::AgendaFull);
		at_block(5);
		submit(spec());
		check();

		// A claim goes on without a place, and so does all that follows.
		for block in 13..17 {
			Agenda::<Test>::insert(block, full());
		}
		let crowded = submit(spec());
		assert_ok!(Poi::claim(signed(WORKER), crowded));
		check();
		at_block(14);
		assert_ok!(Poi::expire(signed(OTHER), crowded));

		// What was crowded out can be moved on by hand, and nothing else is in the way.
		at_block(52);
		assert_ok!(Poi::expire(signed(OTHER), job));
		assert_eq!(state(job), EXPIRED);
		run_to(60);
	});
}

#[test]
fn agenda_should_stop_at_its_weight_and_go_on_later() {
	run(|| {
		let jobs: Vec<_> = (0..10).map(|_| submit(spec())).collect();
		let refunded = || jobs.iter().filter(|job| state(**job) == EXPIRED).count();
		at_block(51);
		Cursor::<Test>::put(51);
		let (block, job) = (<()>::service_block(), <()>::service_job());

		assert_eq!(Poi::on_idle(51, Weight::zero()), Weight::zero());
		assert_eq!(refunded(), 0);
		let enough_for_three = (block + job * 3) * 2;
		assert_eq!(Poi::on_idle(51, enough_for_three), block + job * 3);
		assert_eq!((refunded(), Cursor::<Test>::get()), (3, Some(51)));
		check();

		// Every block serves a few, whatever else it holds; and not more than there is weight for.
		at_block(52);
		let mut meter = WeightMeter::with_limit(block);
		Poi::on_poll(52, &mut meter);
		assert_eq!(refunded(), 3);
		let mut meter = WeightMeter::new();
		Poi::on_poll(52, &mut meter);
		assert_eq!(refunded(), 7);
		assert!(meter.consumed().all_lte((block + job) * 4));
		Poi::on_idle(52, Weight::MAX);
		assert_eq!((refunded(), Cursor::<Test>::get()), (10, Some(53)));
	});
}

#[test]
fn agenda_should_catch_up_when_blocks_were_left_out() {
	run(|| {
		let early = submit(spec());
		at_block(20);
		let late = submit(spec());
		at_block(200);
		Poi::on_idle(200, Weight::MAX);
		assert_eq!((state(early), state(late)), (EXPIRED, EXPIRED));
		assert_eq!(Cursor::<Test>::get(), Some(201));
	});
}

#[test]
fn agenda_should_begin_at_the_first_job_when_the_chain_is_old() {
	run(|| {
		at_block(1_000_000);
		Poi::on_idle(1_000_000, Weight::MAX);
		assert_eq!(Cursor::<Test>::get(), None);
		submit(spec());
		assert_eq!(Cursor::<Test>::get(), Some(1_000_000));
	});
}

#[test]
fn answer_should_count_in_the_block_of_the_deadline_when_the_agenda_is_served() {
	run(|| {
		let job = submit(spec());
		assert_ok!(Poi::claim(signed(WORKER), job));
		run_to(9);
		assert_ok!(answer(WORKER, job));
		run_to(12);
		assert_eq!(state(job), JobState::Answered { worker: WORKER });
	});
}
