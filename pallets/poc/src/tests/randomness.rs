//! Randomness that outlives the hashes of blocks.

use crate::{mock::*, Entropies, Error};
use noesis_primitives::{JobId, PanelOutcome, Panels, Subject, Verification};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	frame_system::BlockHash,
};

fn forget_hashes() {
	let _ = BlockHash::<Test>::clear(u32::MAX, None);
}

#[test]
fn seed_should_stay_when_the_hash_of_its_block_is_forgotten_and_nobody_spoke() {
	ExtBuilder::default().run(|| {
		Window::set(&5_000);
		open_panel();
		let seed = Poc::seed(JOB);
		at_block(ANSWERED + 2);
		forget_hashes();
		at_block(ANSWERED + 6_000);
		assert!(seed.is_some());
		assert_eq!(Poc::seed(JOB), seed);
		assert_ok!(speak(FIRST, &honest()));
	});
}

#[test]
fn seed_should_stay_when_the_randomness_comes_some_blocks_late_and_is_forgotten_soon() {
	ExtBuilder::default().run(|| {
		Window::set(&1_000);
		Lag::set(&6);
		for block in [ANSWERED, ANSWERED + 2, ANSWERED + 3] {
			at_block(block);
			open_over(Subject::Job(JobId(block.into())), honest().claim, Verification::Sampled);
		}
		let seed = |block: u32| Poc::seed(Subject::Job(JobId(block.into())));
		at_block(ANSWERED + 5);
		assert_eq!(seed(ANSWERED), None);
		at_block(ANSWERED + 6);
		assert!(seed(ANSWERED).is_some());
		assert_eq!(seed(ANSWERED + 2), None);
		at_block(ANSWERED + 12);
		let seeds = [ANSWERED, ANSWERED + 2, ANSWERED + 3].map(seed);
		forget_hashes();
		at_block(ANSWERED + 500);
		assert!(seeds.iter().all(Option::is_some));
		assert_eq!([ANSWERED, ANSWERED + 2, ANSWERED + 3].map(seed), seeds);
	});
}

#[test]
fn randomness_that_never_comes_should_not_keep_that_of_later_blocks_from_being_kept() {
	ExtBuilder::default().run(|| {
		Window::set(&1_000);
		at_block(ANSWERED);
		open_over(JOB, honest().claim, Verification::Sampled);
		at_block(ANSWERED + 1);
		BlockHash::<Test>::remove(ANSWERED);
		let later = Subject::Job(JobId(77));
		open_over(later, honest().claim, Verification::Sampled);
		at_block(ANSWERED + 400);
		forget_hashes();
		assert_eq!(Poc::seed(JOB), None);
		assert!(Poc::seed(later).is_some());
	});
}

#[test]
fn seed_should_be_kept_by_the_first_verdict_when_randomness_comes_late() {
	ExtBuilder::default().run(|| {
		at_block(ANSWERED);
		open_over(JOB, honest().claim, Verification::Sampled);
		Mute::set(&true);
		at_block(ANSWERED + 3);
		assert_eq!(Poc::seed(JOB), None);
		Mute::set(&false);
		assert_ok!(speak(FIRST, &honest()));
		let seed = Poc::seed(JOB).unwrap();
		forget_hashes();
		assert_eq!(Poc::seed(JOB), Some(seed));
		assert_ok!(speak(FIRST + 1, &honest()));
	});
}

#[test]
fn panel_should_lapse_when_there_never_is_any_randomness() {
	ExtBuilder::default().run(|| {
		WorkerReputation::set(&1000);
		Mute::set(&true);
		open_panel();
		for block in ANSWERED + 1..ANSWERED + 16 {
			at_block(block);
			assert_eq!((Poc::outcome(JOB), Poc::due(JOB)), (PanelOutcome::Pending, Some(block + 1)));
		}
		let draw = draw_with(&key_of(FIRST), &[0; 32]).0;
		assert_noop!(Poc::abstain(RuntimeOrigin::signed(FIRST), JOB, draw), Error::<Test>::NotYet);
		at_block(ANSWERED + 16);
		assert_eq!(Poc::close(JOB).unwrap().outcome, PanelOutcome::Lapsed);
	});
}

#[test]
fn randomness_should_be_forgotten_with_the_last_panel_of_its_block() {
	ExtBuilder::default().run(|| {
		at_block(ANSWERED);
		let subjects = [1, 2, 3].map(|id| Subject::Job(JobId(id)));
		for subject in subjects {
			open_over(subject, honest().claim, Verification::Sampled);
		}
		at_block(ANSWERED + 30);
		for (left, subject) in [2, 1, 0].into_iter().zip(subjects) {
			assert!(Entropies::<Test>::get(ANSWERED).bytes.is_some());
			Poc::close(subject).unwrap();
			assert_eq!(Entropies::<Test>::get(ANSWERED).users, left);
			Poc::do_try_state().unwrap();
		}
		assert_eq!(Entropies::<Test>::iter().count(), 0);
	});
}
