//! How panels end.

use crate::{mock::*, Event};
use noesis_primitives::{Conduct, PanelExists, PanelOutcome, Panels, Verification};
use polkadot_sdk::frame_support::assert_ok;

fn outcome() -> PanelOutcome {
	Poc::outcome(JOB)
}

fn due() -> u32 {
	Poc::due(JOB).unwrap()
}

#[test]
fn panel_should_confirm_at_once_when_every_seat_agrees() {
	ExtBuilder::default().run(|| {
		open_panel();
		for who in FIRST..FIRST + 3 {
			assert_eq!(outcome(), PanelOutcome::Pending);
			assert!(Decided::get().is_empty());
			assert_ok!(speak(who, &honest()));
		}
		assert_eq!(outcome(), PanelOutcome::Confirmed);
		assert!(Decided::get().contains(&JOB));
		assert_eq!(due(), ANSWERED + 1);
		let claim_hash = honest().claim.hash();
		let event = Event::VerdictGiven { subject: JOB, validator: FIRST, agrees: true, claim_hash };
		System::assert_has_event(event.into());

		let close = Poc::close(JOB).unwrap();
		assert_eq!(close.outcome, PanelOutcome::Confirmed);
		let all = [(FIRST, true), (FIRST + 1, true), (FIRST + 2, true)];
		assert_eq!(close.verdicts.into_inner(), all);
		assert_eq!(Poc::close(JOB), None);
		assert_eq!(Poc::due(JOB), None);
		assert_eq!(outcome(), PanelOutcome::Pending);
		System::assert_last_event(
			Event::PanelClosed { subject: JOB, outcome: PanelOutcome::Confirmed }.into(),
		);
	});
}

#[test]
fn panel_should_stay_open_until_the_window_ends_when_it_has_a_quorum() {
	ExtBuilder::default().run(|| {
		open_panel();
		assert_eq!(due(), ANSWERED + 6);
		at_block(ANSWERED + 3);
		assert_ok!(speak(FIRST, &honest()));
		assert_ok!(speak(FIRST + 1, &honest()));
		at_block(ANSWERED + 5);
		assert_eq!(outcome(), PanelOutcome::Pending);
		assert_eq!(Poc::close(JOB), None);
		assert_eq!(due(), ANSWERED + 6);
		at_block(ANSWERED + 6);
		assert_eq!(outcome(), PanelOutcome::Confirmed);
		assert_eq!(due(), ANSWERED + 6);
		assert!(Decided::get().is_empty());
	});
}

#[test]
fn panel_should_reject_when_a_quorum_found_another_claim() {
	ExtBuilder::default().run(|| {
		open_panel();
		let truth = Trace::new(2, 37);
		assert_ok!(speak(FIRST, &truth));
		assert_ok!(speak(FIRST + 1, &honest()));
		assert_ok!(speak(FIRST + 2, &truth));
		assert_eq!(outcome(), PanelOutcome::Rejected);
		let close = Poc::close(JOB).unwrap();
		let verdicts = [(FIRST, false), (FIRST + 1, true), (FIRST + 2, false)];
		assert_eq!(close.verdicts.into_inner(), verdicts);
	});
}

#[test]
fn panel_should_lapse_when_validators_each_found_something_else() {
	ExtBuilder::default().run(|| {
		open_panel();
		for (who, content) in [(FIRST, 2), (FIRST + 1, 3), (FIRST + 2, 4)] {
			assert_ok!(speak(who, &Trace::new(content, 37)));
		}
		assert_eq!(outcome(), PanelOutcome::Lapsed);
	});
}

#[test]
fn panel_should_lapse_when_nobody_speaks() {
	ExtBuilder::default().run(|| {
		open_panel();
		for (block, end) in [(1, 6), (5, 6), (6, 11), (10, 11), (11, 16), (15, 16)] {
			at_block(ANSWERED + block);
			assert_eq!((outcome(), due()), (PanelOutcome::Pending, ANSWERED + end));
		}
		at_block(ANSWERED + 16);
		assert_eq!(outcome(), PanelOutcome::Lapsed);
		assert_eq!(Poc::close(JOB).unwrap().verdicts.len(), 0);
	});
}

#[test]
fn panel_should_follow_the_majority_when_the_last_window_ends_without_a_quorum() {
	for (contents, expected) in [
		(&[1][..], PanelOutcome::Confirmed),
		(&[2][..], PanelOutcome::Lapsed),
		(&[1, 2][..], PanelOutcome::Lapsed),
		(&[1, 1, 2][..], PanelOutcome::Confirmed),
		(&[1, 2, 2][..], PanelOutcome::Lapsed),
	] {
		ExtBuilder::default().validators(5).run(|| {
			PanelSize::set(&5);
			Quorum::set(&4);
			open_panel();
			for (who, content) in (FIRST..).zip(contents) {
				assert_ok!(speak(who, &Trace::new(*content, 37)));
			}
			at_block(ANSWERED + 15);
			assert_eq!(outcome(), PanelOutcome::Pending);
			at_block(ANSWERED + 16);
			assert_eq!(outcome(), expected, "{contents:?}");
		});
	}
}

#[test]
fn panel_should_lapse_when_it_is_full_and_has_only_a_majority() {
	ExtBuilder::default().validators(5).run(|| {
		PanelSize::set(&5);
		Quorum::set(&4);
		open_panel();
		for (who, content) in (FIRST..).zip([1, 1, 1, 2, 3]) {
			assert_ok!(speak(who, &Trace::new(content, 37)));
		}
		assert_eq!(outcome(), PanelOutcome::Lapsed);
	});
}

#[test]
fn panel_of_the_requesters_size_should_decide_by_majority() {
	ExtBuilder::default().validators(5).run(|| {
		WorkerReputation::set(&1000);
		open_panel_as(Verification::Panel(5));
		let terms = crate::Panels::<Test>::get(JOB).unwrap().terms;
		assert_eq!((terms.size, terms.quorum, terms.audit.is_one()), (5, 3, true));
		for (who, content) in (FIRST..).zip([2, 1, 1, 2, 1]) {
			assert_ok!(speak(who, &Trace::new(content, 37)));
		}
		assert_eq!(outcome(), PanelOutcome::Confirmed);
	});
}

#[test]
fn replication_should_need_its_quorum_when_the_last_window_ends() {
	for (verdicts, expected) in [(3, PanelOutcome::Lapsed), (4, PanelOutcome::Confirmed)] {
		ExtBuilder::default().validators(6).run(|| {
			open_panel_as(Verification::Replicated(2));
			let terms = crate::Panels::<Test>::get(JOB).unwrap().terms;
			assert_eq!((terms.size, terms.quorum), (6, 4));
			for who in FIRST..FIRST + verdicts {
				assert_ok!(speak(who, &honest()));
			}
			at_block(ANSWERED + 16);
			assert_eq!(outcome(), expected);
		});
	}
}

#[test]
fn verification_should_be_brought_into_range() {
	for (verification, expected) in [
		(Verification::Panel(0), (1, 1)),
		(Verification::Panel(200), (16, 9)),
		(Verification::Replicated(0), (3, 2)),
		(Verification::Replicated(200), (15, 10)),
	] {
		ExtBuilder::default().run(|| {
			open_panel_as(verification);
			let terms = crate::Panels::<Test>::get(JOB).unwrap().terms;
			assert_eq!((terms.size, terms.quorum), expected);
		});
	}
}

#[test]
fn validators_should_be_noted_by_what_was_settled_and_never_slashed_by_a_majority() {
	use Conduct::{Dissented, Vouched};
	for (contents, expected) in [
		([1, 1, 2], vec![(FIRST, Vouched), (FIRST + 1, Vouched), (FIRST + 2, Dissented)]),
		([1, 2, 2], vec![(FIRST, Dissented), (FIRST + 1, Vouched), (FIRST + 2, Vouched)]),
		([1, 2, 3], vec![]),
	] {
		ExtBuilder::default().run(|| {
			open_panel();
			for (who, content) in (FIRST..).zip(contents) {
				assert_ok!(speak(who, &Trace::new(content, 37)));
			}
			assert!(Notes::get().is_empty());
			Poc::close(JOB).unwrap();
			assert_eq!((Notes::get(), Slashes::get()), (expected, vec![]));
		});
	}
}

#[test]
fn dissolved_panel_should_tell_who_spoke_and_note_those_who_were_right() {
	ExtBuilder::default().run(|| {
		open_panel();
		assert_ok!(speak(FIRST, &honest()));
		assert_ok!(speak(FIRST + 1, &Trace::new(2, 37)));
		assert_eq!(Poc::dissolve(JOB).into_inner(), [(FIRST, true), (FIRST + 1, false)]);
		assert_eq!(Notes::get(), [(FIRST + 1, Conduct::Vouched)]);
		System::assert_last_event(Event::PanelDissolved { subject: JOB }.into());
		assert_eq!((Poc::due(JOB), Poc::close(JOB)), (None, None));
		assert!(Poc::dissolve(JOB).is_empty());
	});
}

#[test]
fn panel_should_keep_its_numbers_when_governance_changes_them() {
	ExtBuilder::default().run(|| {
		open_panel();
		PanelSize::set(&1);
		Quorum::set(&1);
		Openings::set(&1);
		Window::set(&1);
		MaxWindows::set(&1);
		at_block(ANSWERED + 4);
		assert_ok!(speak(FIRST, &honest()));
		assert_eq!((outcome(), due()), (PanelOutcome::Pending, ANSWERED + 6));
	});
}

#[test]
fn panel_should_bring_its_numbers_into_range_when_governance_sets_others() {
	for (size, quorum, expected) in [(0, 0, (1, 1)), (99, 2, (16, 9)), (3, 9, (3, 3)), (4, 1, (4, 3))] {
		ExtBuilder::default().run(|| {
			PanelSize::set(&size);
			Quorum::set(&quorum);
			Openings::set(&99);
			Window::set(&0);
			MaxWindows::set(&0);
			open_panel();
			let terms = crate::Panels::<Test>::get(JOB).unwrap().terms;
			assert_eq!((terms.size, terms.quorum), expected);
			assert_eq!((terms.openings, terms.window, terms.max_windows), (16, 1, 1));
		});
	}
}

#[test]
fn panel_should_not_open_when_the_subject_has_one() {
	ExtBuilder::default().run(|| {
		open_panel();
		let other = Trace::new(2, 9).claim;
		let again = <Poc as Panels<AccountId>>::open(JOB, other, CHECKPOINT, 5, 6, Verification::Sampled);
		assert_eq!(again, Err(PanelExists));
		assert_eq!(crate::Panels::<Test>::get(JOB).unwrap().claim, honest().claim);
		assert_eq!(crate::Panels::<Test>::get(JOB).unwrap().terms.size, 3);
	});
}
