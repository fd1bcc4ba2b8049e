//! What the runtime API reads.

use crate::mock::*;
use noesis_primitives::{panel_seed, BlockRandomness, JobId, Panels, Subject, Verification};
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
			open_over(subject, honest().claim, Verification::Sampled);
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

#[test]
fn a_validator_should_be_shown_every_panel_on_which_it_may_speak_page_by_page() {
	ExtBuilder::default().run(|| {
		at_block(ANSWERED);
		let all: Vec<Subject> = (0..10).map(|job| Subject::Job(JobId(job))).collect();
		for subject in &all {
			open_over(*subject, honest().claim, Verification::Sampled);
		}
		assert!(Poc::panels_for(&FIRST, None, 99).is_empty(), "there is no seed yet");
		at_block(ANSWERED + 1);
		let pages = |validator: AccountId, size: u32| {
			let mut pages = Vec::new();
			loop {
				let page = Poc::panels_for(&validator, pages.last().copied(), size);
				pages.extend(page.iter().map(|panel| panel.subject));
				if page.len() < size as usize {
					pages.sort();
					return pages;
				}
			}
		};
		assert_eq!(
			(pages(FIRST, 3), pages(FIRST, 10), pages(FIRST, 99)),
			(all.clone(), all.clone(), all.clone())
		);
		assert!(pages(WORKER, 9).is_empty() && pages(777, 9).is_empty());
		let verdict = verdict_on(all[4], FIRST, &honest());
		assert_ok!(send_on(all[4], FIRST, verdict));
		assert!(!pages(FIRST, 2).contains(&all[4]) && pages(FIRST, 2).len() == 9);
		assert_eq!(pages(FIRST + 1, 4).len(), 10);
		// A page goes on where the last one ended even if that panel is gone.
		let first = Poc::panels_for(&FIRST, None, 1)[0].subject;
		Poc::close(first);
		assert_eq!(Poc::panels_for(&FIRST, Some(first), 99).len(), 8);
		at_block(ANSWERED + 16);
		assert!(pages(FIRST, 3).is_empty());
	});
}

#[test]
fn view_should_name_all_who_may_not_speak_again() {
	ExtBuilder::default().validators(4).run(|| {
		PanelSize::set(&4);
		open_panel();
		assert_ok!(speak(FIRST, &honest()));
		assert_ok!(speak(FIRST + 1, &honest()));
		assert_ok!(abstain(JOB, FIRST + 2));
		Poc::strike(JOB, &FIRST);
		let view = Poc::panel_view(JOB).unwrap();
		assert_eq!(view.spoken, vec![FIRST + 1, FIRST + 2, FIRST]);
		assert_eq!((view.size, view.seats, view.quorum, view.worker), (4, 4, 3, WORKER));
		assert_eq!((view.audit, view.audited), (1_000_000, Some(true)));
	});
}

#[test]
fn windows_should_tell_when_to_speak() {
	ExtBuilder::default().run(|| {
		assert_eq!(Poc::windows(JOB), None);
		open_panel();
		let at = |block| {
			at_block(block);
			let w = Poc::windows(JOB).unwrap();
			(w.opens, w.window, w.window_ends, w.ends, w.over)
		};
		let (opens, ends) = (ANSWERED + 1, ANSWERED + 16);
		assert_eq!(at(ANSWERED + 1), (opens, 0, ANSWERED + 6, ends, false));
		assert_eq!(at(ANSWERED + 6), (opens, 1, ANSWERED + 11, ends, false));
		assert_eq!(at(ANSWERED + 15), (opens, 2, ends, ends, false));
		assert!(at(ANSWERED + 16).4);
	});
}

#[test]
fn security_should_follow_the_panel_and_its_worker() {
	ExtBuilder::default().validators(30).run(|| {
		assert_eq!(Poc::security(JOB), None);
		WorkerReputation::set(&1000);
		PanelSize::set(&7);
		Quorum::set(&5);
		let before = Poc::security_before(&WORKER, CHECKPOINT, Verification::Sampled);
		open_panel();
		let security = Poc::security(JOB).unwrap();
		assert_eq!(security, before);
		assert_eq!((security.audit, security.seats, security.quorum), (90_910, 7, 5));
		assert_eq!(security.validators, 30);
		let shares: Vec<_> = security.survivals.iter().map(|s| s.dishonest).collect();
		assert_eq!(shares, [100_000, 200_000, 333_333]);
		for s in &security.survivals {
			// Nearly all that is not audited passes, less the tenth that an outsider sees.
			assert!((909_090_000..920_000_000).contains(&s.alone), "{s:?}");
			assert!((909_090_000..=s.alone).contains(&s.disputed), "{s:?}");
			assert!(s.watched.abs_diff((u64::from(s.alone) * 9 / 10) as u32) < 5, "{s:?}");
		}
		let paid = Poc::security_before(&WORKER, CHECKPOINT, Verification::Panel(7));
		assert_eq!(paid.audit, 1_000_000);
		assert!(paid.survivals[0].alone < 3_000_000);
	});
}
