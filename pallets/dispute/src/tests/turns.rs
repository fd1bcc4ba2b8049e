//! Only the right player makes the right move, once.

use super::{
	model::{Question, Random, Run},
	players::*,
};
use crate::mock::*;
use noesis_primitives::{DisputeId, LeafBytes, NodePath, Nodes, Phase, Root, Side, Tree, Verdict};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn opened() -> (Run, DisputeId) {
	let question = Question::short();
	let honest = Run::honest(&question);
	let id = challenge(subject_of(&honest, &question, vec![]), CHALLENGER);
	(honest, id)
}

/// Every move that is not of this kind is refused for both players.
fn refuse_other_moves(run: &Run, id: DisputeId) {
	let phase = view(id).unwrap().phase;
	let architecture = run.model.architecture;
	for who in [WORKER, CHALLENGER] {
		if !matches!(phase, Phase::Reveal { .. }) {
			assert_noop!(Dispute::reveal(signed(who), id, Nodes::default()), Error::OutOfTurn);
		}
		if !matches!(phase, Phase::Choose { .. }) {
			assert_noop!(Dispute::choose(signed(who), id, 0), Error::OutOfTurn);
		}
		if !matches!(phase, Phase::Expand { .. }) {
			let path = NodePath::default();
			let expand =
				Dispute::expand(signed(who), id, architecture, Root::default(), Default::default(), path);
			assert_noop!(expand, Error::OutOfTurn);
		}
		if !matches!(phase, Phase::Input { .. }) {
			let values = Default::default();
			let shown = Dispute::prove_input(signed(who), id, architecture, values, Default::default(), None);
			assert_noop!(shown, Error::OutOfTurn);
		}
		if !matches!(phase, Phase::Text { .. }) {
			let evidence = run.text_evidence(&[], 0);
			assert_noop!(
				Dispute::prove_text(signed(who), id, Default::default(), evidence),
				Error::OutOfTurn
			);
		}
		if !matches!(phase, Phase::Word { .. }) {
			assert_noop!(Dispute::prove_word(signed(who), id, Default::default()), Error::OutOfTurn);
		}
		if !matches!(phase, Phase::Prove { .. }) {
			let prove = Dispute::prove(signed(who), id, LeafBytes::default(), Default::default());
			assert_noop!(prove, Error::OutOfTurn);
		}
	}
	if !matches!(phase, Phase::Output) {
		let shown = Dispute::show_output(signed(WORKER), id, run.shown_output());
		assert_noop!(shown, Error::OutOfTurn);
	}
	let stranger = signed(REQUESTER);
	assert_noop!(Dispute::reveal(stranger.clone(), id, Nodes::default()), Error::NotPlayer);
	assert_noop!(Dispute::choose(stranger, id, 0), Error::NotPlayer);
}

#[test]
fn a_move_should_be_refused_when_it_is_not_the_one_that_is_due() {
	for seed in 0..12 {
		run(|| {
			let (honest, id) = opened();
			let mut dice = Dice(Random(seed));
			play_to(id, &mut Defender(honest.clone()), &mut dice, |_| {
				refuse_other_moves(&honest, id);
				false
			});
		});
	}
}

#[test]
fn a_move_should_be_refused_when_it_is_made_again() {
	run(|| {
		let (honest, id) = opened();
		let first = view(id).unwrap();
		assert_ok!(Defender(honest.clone()).play(&first));
		assert_eq!(Defender(honest.clone()).play(&first), Err(Error::OutOfTurn.into()));
		let second = view(id).unwrap();
		assert_ok!(Dispute::choose(signed(CHALLENGER), id, 1));
		assert_noop!(Dispute::choose(signed(CHALLENGER), id, 1), Error::OutOfTurn);
		// The nodes of another spot.
		assert_eq!(Defender(honest).play(&first), Err(Error::WrongNodes.into()));
		assert!(matches!(second.phase, Phase::Choose { .. }));
	});
}

#[test]
fn nodes_should_be_refused_when_they_are_not_those_below() {
	run(|| {
		let (honest, id) = opened();
		let first = view(id).unwrap();
		let Phase::Reveal { at } = &first.phase else { unreachable!("a game begins so") };
		assert_eq!((&at.tree, at.index), (&Tree::Claimed, 0));
		let nodes = nodes_below(&honest, &first, at);
		let mut changed = nodes.clone();
		changed[0][3] ^= 1;
		let mut fewer = nodes.clone();
		fewer.pop();
		// One level up the hash is right, the number of nodes is not.
		let above = Nodes::try_from(vec![at.hash]).unwrap();
		for wrong in [changed, fewer, above, Nodes::default()] {
			assert_noop!(Dispute::reveal(signed(WORKER), id, wrong), Error::WrongNodes);
		}
		assert_ok!(Dispute::reveal(signed(WORKER), id, nodes.clone()));
		let beyond = nodes.len() as u32;
		assert_noop!(Dispute::choose(signed(CHALLENGER), id, beyond), Error::NoChild);
		assert_noop!(Dispute::choose(signed(CHALLENGER), id, u32::MAX), Error::NoChild);
		assert_ok!(Dispute::choose(signed(CHALLENGER), id, beyond - 1));
	});
}

#[test]
fn a_dispute_should_not_be_known_when_it_never_was() {
	run(|| {
		let none = DisputeId(5);
		assert_noop!(Dispute::reveal(signed(WORKER), none, Nodes::default()), Error::NoDispute);
		assert_noop!(Dispute::choose(signed(WORKER), none, 0), Error::NoDispute);
		assert_noop!(Dispute::timeout(signed(WORKER), none), Error::NoDispute);
		assert!(view(none).is_none() && Dispute::open_disputes(9).is_empty());
	});
}

#[test]
fn views_should_tell_each_player_of_its_disputes() {
	run(|| {
		let (honest, id) = opened();
		let question = Question::short();
		let other = challenge(subject_of(&honest, &question, vec![]), CHALLENGER + 1);
		let ids = |views: Vec<noesis_primitives::DisputeView<AccountId>>| {
			let mut ids: Vec<_> = views.into_iter().map(|view| view.id).collect();
			ids.sort();
			ids
		};
		assert_eq!(ids(Dispute::open_disputes(9)), vec![id, other]);
		assert_eq!(Dispute::open_disputes(1).len(), 1);
		assert_eq!(ids(Dispute::disputes_of(&WORKER, 9)), vec![id, other]);
		assert_eq!(ids(Dispute::disputes_of(&CHALLENGER, 9)), vec![id]);
		assert!(Dispute::disputes_of(&REQUESTER, 9).is_empty());
		let first = view(id).unwrap();
		assert_eq!((first.mover, first.arity, first.leaf), (WORKER, 4, None));
		// The worker's next move is the most urgent one, whichever dispute has the lower number.
		let most_urgent = || Dispute::disputes_of(&WORKER, 1)[0].id;
		assert_eq!(most_urgent(), id);
		run_to(now() + 1);
		assert_ok!(Defender(honest).play(&first));
		assert_eq!(most_urgent(), other);
		assert_ok!(Dispute::choose(signed(CHALLENGER), id, 0));
		assert_eq!((most_urgent(), Dispute::disputes_of(&WORKER, 9).len()), (other, 2));
	});
}

#[test]
fn a_player_should_have_more_windows_for_a_move_when_it_plays_in_many_disputes() {
	run(|| {
		MovesPerWindow::set(&2);
		MaxWindows::set(&3);
		let question = Question::short();
		let honest = Run::honest(&question);
		let subject = subject_of(&honest, &question, vec![]);
		let ids: Vec<_> = (0..8).map(|i| challenge(subject, CHALLENGER + i)).collect();
		let due = |id: &DisputeId| view(*id).unwrap().due - now();
		let windows: Vec<_> = ids.iter().map(due).collect();
		assert_eq!(windows, [1, 1, 2, 2, 3, 3, 3, 3].map(|windows| windows * WINDOW));
		// The challengers play in one dispute each.
		assert_ok!(Defender(honest.clone()).play(&view(ids[0]).unwrap()));
		assert_eq!(due(&ids[0]), WINDOW);
		assert_ok!(Dispute::choose(signed(CHALLENGER), ids[0], 0));
		assert_eq!(due(&ids[0]), 3 * WINDOW);
		// One that has many of its own has more.
		for subject in [(); 2].map(|_| subject_of(&honest, &question, vec![])) {
			challenge(subject, CHALLENGER + 1);
		}
		assert_ok!(Defender(honest).play(&view(ids[1]).unwrap()));
		assert_eq!(due(&ids[1]), 2 * WINDOW);
		// What is over does not count any more.
		run_to(now() + 3 * WINDOW + 1);
		assert_eq!((Dispute::open_disputes(1).len(), crate::Load::<Test>::iter().count()), (0, 0));
	});
}

#[test]
fn long_answer_should_leave_its_worker_the_time_to_compute_it_again() {
	run(|| {
		MovesPerWindow::set(&2);
		MaxWindows::set(&9);
		let question = Question::short();
		let honest = Run::honest(&question);
		let subject = subject_of(&honest, &question, vec![]);
		let due = |id: DisputeId| view(id).unwrap().due - now();
		// A unit a token: as long as five moves, or less than one.
		UnitsPerMove::set(&(honest.claim().usage.positions() / 5 + 1));
		let id = challenge(subject, CHALLENGER);
		let effort = crate::Load::<Test>::get(WORKER);
		assert!((2..=5).contains(&effort));
		assert_eq!(due(id), effort.div_ceil(2) * WINDOW);
		// So has the challenger, which has to look into it.
		assert_ok!(Defender(honest.clone()).play(&view(id).unwrap()));
		assert_eq!(due(id), effort.div_ceil(2) * WINDOW);
		// A short claim does not count for so much, and all together count.
		UnitsPerMove::set(&u64::MAX);
		let short = challenge(subject, CHALLENGER + 1);
		assert_eq!(crate::Load::<Test>::get(WORKER), effort + 1);
		assert_eq!(due(short), (effort + 1).div_ceil(2) * WINDOW);
		// However long a claim is, the game ends.
		UnitsPerMove::set(&0);
		MaxWindows::set(&3);
		let longest = challenge(subject, CHALLENGER + 2);
		assert_eq!(due(longest), 3 * WINDOW);
		run_to(now() + 9 * WINDOW + 1);
		assert_eq!((Dispute::open_disputes(1).len(), crate::Load::<Test>::iter().count()), (0, 0));
	});
}

/// Plays sixteen disputes against an honest worker that is as slow as the chain reckons with: it makes two moves in a window.
/// How many of them fell.
fn fallen_of_many(seed: u64, windows: u32) -> usize {
	const MOVE: u32 = 3;
	run(|| {
		ResponseWindow::set(&(2 * MOVE));
		MovesPerWindow::set(&2);
		MaxWindows::set(&windows);
		let question = Question::short();
		let honest = Run::honest(&question);
		let subjects = [(); 2].map(|_| subject_of(&honest, &question, vec![]));
		let open = |i: u64| challenge(subjects[i as usize % 2], CHALLENGER + i);
		let opened: Vec<_> = (0..16).map(open).collect();
		let mut random = Random(seed);
		while !Dispute::open_disputes(1).is_empty() {
			let urgent = Dispute::disputes_of(&WORKER, 1).pop().filter(|view| view.mover == WORKER);
			if let Some(view) = urgent.filter(|_| now().is_multiple_of(MOVE)) {
				assert_ok!(Defender(honest.clone()).play(&view));
			}
			for view in Dispute::open_disputes(16) {
				if view.phase.mover() == Side::Challenger && random.below(4) > 0 {
					assert_ok!(Dice(Random(random.next())).play(&view));
				}
			}
			run_to(now() + 1);
			check();
		}
		opened.into_iter().filter(|id| verdict(*id) != Some(Verdict::Stands)).count()
	})
}

#[test]
fn a_slow_and_honest_accused_should_win_every_dispute_when_many_are_opened_at_once() {
	for seed in 0..6 {
		assert_eq!(fallen_of_many(seed, 8), 0, "{seed}");
	}
	assert!(fallen_of_many(0, 1) > 0, "it can't do it in one window for a move");
}
