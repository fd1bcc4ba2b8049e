//! Who is drawn, and what a draw costs to check.

use crate::{draw::draw_output, mock::*, Error};
use noesis_primitives::{is_drawn, seed_chain_end, seed_draw_output, Role, Subject};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::Pair,
};
use std::time::{Duration, Instant};

type E = Error<Test>;

#[test]
fn sybil_should_not_sit_on_the_panel_of_its_own_operator() {
	ExtBuilder::default().validators(6).run(|| {
		// Three accounts of the worker's operator, and the requester's own validator.
		let owners = [(FIRST, WORKER), (FIRST + 1, WORKER), (FIRST + 2, WORKER), (FIRST + 3, REQUESTER)];
		Owners::set(&owners.into_iter().collect());
		PanelSize::set(&6);
		open_panel();
		for who in FIRST..FIRST + 4 {
			assert_noop!(speak(who, &honest()), E::Interested);
			assert_noop!(abstain(JOB, who), E::Interested);
		}
		assert_ok!(speak(FIRST + 4, &honest()));
	});
}

#[test]
fn sybil_should_win_no_more_seats_than_its_share_of_the_draw() {
	// 60 of 120 validators are one attacker's. Over 60 panels it is drawn about half of the time.
	ExtBuilder::default().validators(120).run(|| {
		let (mut bad, mut all) = (0, 0);
		for panel in 0..60u8 {
			for who in FIRST..FIRST + 120 {
				if is_drawn(number_of(who, &[panel; 32]), 7, 120, 0) {
					all += 1;
					bad += u32::from(who < FIRST + 60);
				}
			}
		}
		assert!((350..490).contains(&all), "{all}");
		assert!((42..58).contains(&(bad * 100 / all)), "{bad} of {all}");
	});
}

#[test]
fn verdict_should_be_refused_when_replayed_on_another_subject() {
	ExtBuilder::default().run(|| {
		at_block(ANSWERED);
		let other = Subject::Item { batch: noesis_primitives::JobId(3), index: 0 };
		for subject in [JOB, other] {
			open_over(subject, honest().claim, Default::default());
		}
		at_block(ANSWERED + 1);
		let verdict = verdict_on(JOB, FIRST, &honest());
		assert_noop!(send_on(other, FIRST, verdict.clone()), E::BadDraw);
		let own = verdict_on(other, FIRST, &honest());
		assert_noop!(
			send_on(other, FIRST, Verdict { draw: own.draw.clone(), ..verdict.clone() }),
			E::WrongOpening
		);
		assert_ok!(send_on(JOB, FIRST, verdict));
		assert_ok!(send_on(other, FIRST, own));
	});
}

#[test]
fn verdict_should_be_refused_when_a_lazy_validator_has_no_leaves_to_open() {
	ExtBuilder::default().run(|| {
		open_panel();
		// It knows the worker's claim and makes the leaves up.
		let made_up = Trace::new(77, 37);
		let lazy = Verdict { claim: honest().claim, ..verdict_of(FIRST, &made_up) };
		assert_noop!(send(FIRST, lazy.clone()), E::WrongOpening);
		assert_noop!(send(FIRST, Verdict { openings: vec![], ..lazy }), E::WrongOpeningCount);
	});
}

#[test]
fn worker_of_another_role_should_not_be_drawn() {
	ExtBuilder::default().run(|| {
		change_register(|register| register.get_mut(&FIRST).unwrap().role = Role::Worker);
		open_panel();
		assert_noop!(speak(FIRST, &honest()), E::NotValidator);
	});
}

fn fastest(mut check: impl FnMut() -> bool) -> Duration {
	let once = |check: &mut dyn FnMut() -> bool| {
		let start = Instant::now();
		assert!(check());
		start.elapsed()
	};
	(0..30).map(|_| once(&mut check)).min().unwrap()
}

/// The measurement behind the choice of the VRF (`noesis_primitives::seed_draw_output` has the comparison).
/// `cargo test -p pallet-poc seed_should -- --nocapture` prints it.
#[test]
fn seed_should_be_cheaper_to_check_only_when_it_is_shown_often() {
	let key = key_of(FIRST);
	let (draw, _) = draw_with(&key, &[1; 32]);
	let vrf = fastest(|| draw_output(&draw, key.public().0, &[1; 32]).is_some());
	let seed = |steps| {
		let end = seed_chain_end([4; 32], steps);
		fastest(|| seed_draw_output([4; 32], steps, &end, &[1; 32]).is_some())
	};
	let (one, hour, day) = (seed(1), seed(600), seed(14_400));
	println!("VRF {vrf:?}; seed shown a block before {one:?}, an hour {hour:?}, a day {day:?}");
	assert!(one < vrf, "one hash is less than a verification on the curve");
	assert!(day > vrf, "a day of hashes is more");
}
