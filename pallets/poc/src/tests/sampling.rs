//! Which answers are audited.

use crate::{mock::*, Error, Event};
use noesis_primitives::{JobId, PanelOutcome, Panels, Subject, Verification};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::Permill,
};

fn job(id: u64) -> Subject {
	Subject::Job(JobId(id))
}

/// Opens so many panels over answers of a worker with this reputation; how many are waived.
fn waived_of(count: u64, reputation: u16, verification: Verification) -> usize {
	WorkerReputation::set(&reputation);
	at_block(ANSWERED);
	(0..count).for_each(|id| open_over(job(id), honest().claim, verification));
	at_block(ANSWERED + 1);
	(0..count).filter(|id| Poc::outcome(job(*id)) == PanelOutcome::Waived).count()
}

#[test]
fn newcomer_should_be_audited_always() {
	ExtBuilder::default().run(|| assert_eq!(waived_of(100, 0, Verification::Sampled), 0));
}

#[test]
fn worker_should_be_audited_less_when_its_reputation_is_higher() {
	// One answer in eleven at the highest reputation; half-way it is 54.5 %.
	ExtBuilder::default().run(|| {
		let waived = waived_of(400, 1000, Verification::Sampled);
		assert!((345..385).contains(&waived), "{waived}");
	});
	ExtBuilder::default().run(|| {
		let waived = waived_of(400, 500, Verification::Sampled);
		assert!((150..215).contains(&waived), "{waived}");
	});
}

#[test]
fn audit_should_come_always_when_the_floor_says_so_or_the_requester_pays_for_it() {
	ExtBuilder::default().run(|| {
		AuditFloor::set(&Permill::one());
		assert_eq!(waived_of(60, 1000, Verification::Sampled), 0);
	});
	ExtBuilder::default().run(|| assert_eq!(waived_of(60, 1000, Verification::Panel(3)), 0));
	ExtBuilder::default().run(|| assert_eq!(waived_of(60, 1000, Verification::Replicated(1)), 0));
}

#[test]
fn waived_panel_should_be_over_as_soon_as_the_seed_is_there() {
	ExtBuilder::default().run(|| {
		WorkerReputation::set(&1000);
		at_block(ANSWERED);
		(0..40).for_each(|id| open_over(job(id), honest().claim, Verification::Sampled));
		let opened = Event::PanelOpened {
			subject: job(39),
			checkpoint: CHECKPOINT,
			audit: Permill::from_parts(90_910),
		};
		System::assert_last_event(opened.into());
		for id in 0..40 {
			assert_eq!(Poc::outcome(job(id)), PanelOutcome::Pending);
			assert_eq!((Poc::due(job(id)), Poc::close(job(id))), (Some(ANSWERED + 1), None));
			assert_eq!(Poc::panel_view(job(id)).unwrap().audited, None);
		}
		at_block(ANSWERED + 1);
		let (waived, audited): (Vec<_>, Vec<_>) =
			(0..40).map(job).partition(|id| Poc::outcome(*id) == PanelOutcome::Waived);
		assert!(!waived.is_empty() && Poc::open_panels(100).len() == audited.len());
		for subject in waived {
			assert_eq!(Poc::due(subject), Some(ANSWERED + 1));
			assert_eq!(Poc::panel_view(subject).unwrap().audited, Some(false));
			let verdict = verdict_on(subject, FIRST, &honest());
			assert_noop!(send_on(subject, FIRST, verdict), Error::<Test>::NotSampled);
			assert_noop!(abstain(subject, FIRST), Error::<Test>::NotSampled);
			let close = Poc::close(subject).unwrap();
			assert_eq!((close.outcome, close.verdicts.len()), (PanelOutcome::Waived, 0));
		}
		for subject in audited {
			assert_eq!(Poc::due(subject), Some(ANSWERED + 6));
			assert_ok!(send_on(subject, FIRST, verdict_on(subject, FIRST, &honest())));
		}
		assert!(Notes::get().is_empty());
	});
}

#[test]
fn audit_should_not_be_known_to_the_worker_when_it_answers() {
	// The same answer to the same job is audited or not by the block after it alone.
	let audited = |answered| {
		let mut audited = false;
		ExtBuilder::default().run(|| {
			WorkerReputation::set(&700);
			at_block(answered);
			open_over(JOB, honest().claim, Verification::Sampled);
			at_block(answered + 1);
			audited = Poc::outcome(JOB) != PanelOutcome::Waived;
		});
		audited
	};
	let outcomes: Vec<_> = (ANSWERED..ANSWERED + 24).map(audited).collect();
	assert!(outcomes.contains(&true) && outcomes.contains(&false), "{outcomes:?}");
}
