//! Who does not move in time loses, whatever the move.

use super::{
	model::{Question, Random, Run},
	players::*,
};
use crate::{mock::*, Agenda, Cursor, Due, WeightInfo};
use noesis_canon::graph::Operation;
use noesis_primitives::{Ground, Phase, Side, TraceLeaf, Verdict};
use noesis_support::{AGENDA_PROBES, MAX_PER_BLOCK};
use polkadot_sdk::frame_support::{
	assert_noop, assert_ok,
	storage::with_storage_layer,
	traits::Hooks,
	weights::{Weight, WeightMeter},
};

fn liar(question: &Question) -> Run {
	let leaf = TraceLeaf::Residual { position: 2, layer: 1, slice: 0 };
	Run::lying_in(question, leaf, Operation::Sums).unwrap()
}

#[test]
fn the_silent_side_should_lose_when_it_is_silent_at_any_move() {
	let question = Question::short();
	let (truth, liar) = (Run::honest(&question), liar(&question));
	let mut stages = std::collections::BTreeSet::new();
	for silent in 0.. {
		let went_on = run(|| {
			let subject = subject_of(&liar, &question, vec![]);
			let id = challenge(subject, CHALLENGER);
			let (mut accused, mut challenger) = (Defender(liar.clone()), Honest(truth.clone()));
			let mut moves = 0;
			let due = loop {
				let Some(view) = view(id) else { return false };
				if moves == silent {
					stages.insert(format!("{:?}", view.phase.stage()).split(' ').next().unwrap().to_string());
					break view;
				}
				match view.phase.mover() {
					Side::Accused => accused.play(&view).unwrap(),
					Side::Challenger => challenger.play(&view).unwrap(),
				}
				moves += 1;
			};
			// Served by the block after the last one in which it could move, by itself.
			run_to(due.due);
			assert_eq!(verdict(id), None);
			run_to(due.due + 1);
			match due.phase.mover() {
				Side::Accused => {
					assert_eq!(verdict(id), Some(Verdict::Falls(Ground::Silence)));
					assert_eq!(told(subject).state, State::Overturned);
					assert_eq!(wealth(CHALLENGER), RICH);
				},
				Side::Challenger => {
					assert_eq!(verdict(id), Some(Verdict::Stands));
					assert_eq!(told(subject).state, State::Answered);
					assert_eq!(wealth(CHALLENGER), RICH - BOND);
				},
			}
			true
		});
		if !went_on {
			break;
		}
	}
	assert_eq!(stages.len(), 4, "{stages:?}");
}

#[test]
fn anybody_should_end_a_dispute_when_a_side_was_silent() {
	run(|| {
		let question = Question::short();
		let id = challenge(subject_of(&Run::honest(&question), &question, vec![]), CHALLENGER);
		let due = view(id).unwrap().due;
		assert_eq!(due, 1 + WINDOW);
		at_block(due);
		assert_noop!(Dispute::timeout(signed(REQUESTER), id), Error::NotDue { opens_in: Wait::of(1) });
		at_block(due + 1);
		assert_ok!(Dispute::timeout(signed(REQUESTER), id));
		assert_noop!(Dispute::timeout(signed(REQUESTER), id), Error::NoDispute);
	});
}

#[test]
fn a_move_should_be_refused_when_it_comes_too_late() {
	run(|| {
		let question = Question::short();
		let honest = Run::honest(&question);
		let id = challenge(subject_of(&honest, &question, vec![]), CHALLENGER);
		let first = view(id).unwrap();
		at_block(first.due + 1);
		assert_eq!(Defender(honest.clone()).play(&first), Err(Error::Overdue.into()));
		at_block(first.due);
		assert_ok!(Defender(honest).play(&first));
		let second = view(id).unwrap();
		assert_eq!(second.due, first.due + WINDOW);
		at_block(second.due + 1);
		assert_eq!(Dice(Random(1)).play(&second), Err(Error::Overdue.into()));
		assert_noop!(Dispute::choose(signed(CHALLENGER), id, 0), Error::Overdue);
	});
}

#[test]
fn a_block_should_serve_a_few_when_there_is_no_weight_left() {
	run(|| {
		let question = Question::short();
		let honest = Run::honest(&question);
		let subjects: Vec<_> = (0..6).map(|_| subject_of(&honest, &question, vec![])).collect();
		for subject in &subjects {
			challenge(*subject, CHALLENGER);
		}
		let ended = || (0..6).filter(|id| verdict(noesis_primitives::DisputeId(*id)).is_some()).count();
		let mut blocks = 0;
		at_block(2 + WINDOW);
		while ended() < 6 {
			assert_eq!(Dispute::on_idle(now(), Weight::zero()), Weight::zero());
			at_block(now() + 1);
			Dispute::on_poll(now(), &mut WeightMeter::new());
			blocks += 1;
		}
		assert!((2..20).contains(&blocks), "{blocks}");
		assert!(Cursor::<Test>::get().unwrap() <= now());
	});
}

#[test]
fn an_entry_should_take_little_when_nothing_is_due() {
	run(|| {
		let question = Question::short();
		let honest = Run::honest(&question);
		let id = challenge(subject_of(&honest, &question, vec![]), CHALLENGER);
		let first = view(id).unwrap().due;
		at_block(first);
		assert_ok!(Defender(honest.clone()).play(&view(id).unwrap()));
		at_block(first + 1);
		// Its first entry is out of date. That of its second move is in another block.
		let weights = (<() as WeightInfo>::service_block(), <() as WeightInfo>::timeout());
		let serve = |last, limit| {
			let mut meter = WeightMeter::with_limit(limit);
			Dispute::serve_agenda(&mut meter, last);
			meter.consumed()
		};
		let little = weights.0.saturating_mul(u64::from(first)).saturating_add(weights.1);
		assert_eq!(serve(first, Weight::MAX), little);
		assert_eq!(Agenda::<Test>::iter().count(), 1);
		// The second is due: it waits for the weight of all that may follow.
		let second = view(id).unwrap().due;
		at_block(second + 1);
		serve(second, weights.0.saturating_mul(99).saturating_add(weights.1));
		assert_eq!((verdict(id), Agenda::<Test>::get(second).len()), (None, 1));
		serve(second, Weight::MAX);
		assert_eq!(verdict(id), Some(Verdict::Stands));
	});
}

#[test]
fn a_dispute_should_not_open_when_the_agenda_is_full_but_go_on_when_it_fills_up() {
	run(|| {
		let question = Question::short();
		let honest = Run::honest(&question);
		let subject = subject_of(&honest, &question, vec![]);
		let fill = |at| {
			let entries = vec![Due::Move(noesis_primitives::DisputeId(u64::MAX)); MAX_PER_BLOCK as usize];
			for probe in 0..AGENDA_PROBES {
				Agenda::<Test>::insert(
					at + probe,
					polkadot_sdk::frame_support::BoundedVec::truncate_from(entries.clone()),
				);
			}
		};
		fill(now() + WINDOW);
		let claim = honest.claim();
		let open =
			|| Dispute::challenge(signed(CHALLENGER), subject, noesis_primitives::Accused::Worker, claim);
		assert_noop!(with_storage_layer(open), Error::AgendaFull);
		// One that is open moves all the same, and anybody can end it.
		ResponseWindow::set(&(WINDOW + 10));
		let id = challenge(subject, CHALLENGER);
		ResponseWindow::set(&WINDOW);
		assert_ok!(Defender(honest).play(&view(id).unwrap()));
		run_to(now() + WINDOW + 1);
		assert_eq!(verdict(id), None);
		assert_ok!(Dispute::timeout(signed(REQUESTER), id));
		assert_eq!(verdict(id), Some(Verdict::Stands));
	});
}

#[test]
fn the_docket_should_be_forgotten_when_its_time_is_over() {
	run(|| {
		let question = Question::short();
		let subject = subject_of(&Run::honest(&question), &question, vec![]);
		let id = challenge(subject, CHALLENGER);
		let mut honest = Defender(Run::honest(&question));
		let at =
			play_to(id, &mut honest, &mut Dice(Random(3)), |view| matches!(view.phase, Phase::Choose { .. }));
		run_to(at.unwrap().due + 1);
		assert_eq!(verdict(id), Some(Verdict::Stands));
		let until = crate::Dockets::<Test>::get(subject).unwrap().until;
		assert_eq!(Dispute::bond_for(subject), 2 * BOND);
		run_to(until);
		assert!(crate::Dockets::<Test>::contains_key(subject));
		run_to(until + 1);
		assert!(!crate::Dockets::<Test>::contains_key(subject));
		assert_eq!(Dispute::bond_for(subject), BOND);
		assert_eq!(Agenda::<Test>::iter().count(), 0);
	});
}
