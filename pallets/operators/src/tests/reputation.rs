//! What accounts earn, keep and lose; and what they claim to be able to do.

use crate::{mock::*, Event, Reputations};
use frame_support::assert_ok;
use noesis_primitives::{Conduct, Fault, OperatorRegistry, Ratings, Reputation, Role};
use polkadot_sdk::*;

#[test]
fn reputation_should_move_by_its_step_when_conduct_is_noted() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_eq!(reputation(ALICE), 0);
		earn(ALICE, 500);
		let mut expected = 500;
		for (conduct, step) in [
			(Conduct::Served, 2),
			(Conduct::Vouched, 1),
			(Conduct::Missed, -50),
			(Conduct::Rejected, -250),
			(Conduct::Dissented, -50),
		] {
			Operators::note(&ALICE, conduct);
			expected += step;
			assert_eq!(i32::from(reputation(ALICE)), expected, "{conduct:?}");
			let reputation = Reputation(expected as u16);
			System::assert_has_event(Event::<Test>::Noted { who: ALICE, conduct, reputation }.into());
		}
		// Two of them made a mark; a dissent did not.
		assert_eq!(marks(ALICE), 2);
		Operators::note(&ALICE, Conduct::Rejected);
		assert_eq!(reputation(ALICE), 0);
	});
}

#[test]
fn reputation_should_be_nothing_when_the_account_never_took_part() {
	execute(|| {
		for conduct in [Conduct::Served, Conduct::Missed] {
			Operators::note(&NOBODY, conduct);
		}
		Operators::rate(&NOBODY, 5);
		Operators::measured(&NOBODY, 10, 1);
		assert_eq!(reputation(NOBODY), 0);
		assert_eq!(Reputations::<Test>::iter().count(), 0);
		assert!(System::events().is_empty());
	});
}

#[test]
fn reputation_should_fade_when_the_account_rests() {
	execute(|| {
		worker(ALICE, &[0]);
		earn(ALICE, 800);
		at(10_001);
		assert_eq!(reputation(ALICE), 400);
		at(20_001);
		assert_eq!(reputation(ALICE), 200);
		Operators::note(&ALICE, Conduct::Served);
		assert_eq!(reputation(ALICE), 202);
		ReputationHalfLife::set(0);
		at(u32::MAX);
		assert_eq!(reputation(ALICE), 202);
	});
}

/// Re-registration: leaving and coming back neither wipes a bad name nor loses a good one.
#[test]
fn reputation_should_survive_when_the_account_withdraws_and_registers_again() {
	execute(|| {
		ReputationHalfLife::set(0);
		worker(ALICE, &[0]);
		validator(BOB, &[0]);
		earn(ALICE, 300);
		earn(BOB, 600);
		Operators::rate(&ALICE, 1);
		Operators::note(&ALICE, Conduct::Rejected);
		assert_eq!((reputation(ALICE), reputation(BOB)), (50, 600));
		for who in [ALICE, BOB] {
			assert_ok!(Operators::unbond(signed(who)));
		}
		at(101);
		for who in [ALICE, BOB] {
			assert_ok!(Operators::withdraw(signed(who)));
		}
		assert_eq!((reputation(ALICE), reputation(BOB)), (50, 600));
		// Even in another role.
		validator(ALICE, &[0]);
		worker(BOB, &[0]);
		assert_eq!((reputation(ALICE), reputation(BOB)), (50, 600));
		assert_eq!(Operators::view(&ALICE).unwrap().ratings, Ratings { count: 1, mean: 100 });
		slash(BOB, Fault::WrongAnswer, None);
		assert_ok!(Operators::unbond(signed(BOB)));
		at(202);
		assert_ok!(Operators::withdraw(signed(BOB)));
		worker(BOB, &[0]);
		assert_eq!(reputation(BOB), 0);
	});
}

#[test]
fn conduct_should_be_remembered_when_it_is_noted_after_the_withdrawal() {
	execute(|| {
		worker(ALICE, &[0]);
		earn(ALICE, 500);
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(101);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		let before = reputation(ALICE);
		Operators::note(&ALICE, Conduct::Rejected);
		assert_eq!(reputation(ALICE), before - 250);
	});
}

#[test]
fn ratings_should_move_a_reputation_a_little_when_many_agree() {
	execute(|| {
		worker(ALICE, &[0]);
		worker(BOB, &[0]);
		earn(ALICE, 500);
		for _ in 0..200 {
			Operators::rate(&ALICE, 5);
			Operators::rate(&BOB, 5);
		}
		assert_eq!(reputation(ALICE), 547);
		assert_event(Event::Rated { who: BOB, stars: 5, reputation: Reputation(0) });
		for _ in 0..400 {
			Operators::rate(&ALICE, 0);
		}
		assert_eq!(reputation(ALICE), 451);
		RatingBound::set(0);
		assert_eq!(reputation(ALICE), 500);
		let ratings = Operators::view(&BOB).unwrap().ratings;
		assert_eq!(ratings, Ratings { count: 200, mean: 500 });
	});
}

#[test]
fn reputation_should_fall_when_the_claimed_speed_is_far_above_the_measured_one() {
	execute(|| {
		worker(ALICE, &[0]);
		earn(ALICE, 500);
		// 20 tokens per second are claimed: 1200 tokens in 10 blocks. It takes 100.
		for _ in 0..15 {
			Operators::measured(&ALICE, 1_200, 100);
		}
		assert_eq!(reputation(ALICE), 500);
		Operators::measured(&ALICE, 1_200, 100);
		assert_eq!(reputation(ALICE), 480);
		let reputation = Reputation(480);
		assert_event(Event::Overstated { who: ALICE, claimed: 20, measured: 2_000, reputation });
		assert_eq!(Operators::view(&ALICE).unwrap().measured, Some(2_000));
	});
}

/// Whoever lowers its claim for the answer at which it is judged, and raises it again, is judged by the higher one.
#[test]
fn reputation_should_fall_when_the_claim_is_lowered_for_the_judgement() {
	execute(|| {
		worker(ALICE, &[0]);
		earn(ALICE, 500);
		for _ in 0..15 {
			Operators::measured(&ALICE, 1_200, 100);
		}
		let modest = noesis_primitives::Capability { tokens_per_second: 1, ..capability(ALICE, &[0]) };
		assert_ok!(Operators::update_capability(signed(ALICE), modest));
		Operators::measured(&ALICE, 1_200, 100);
		let reputation = Reputation(480);
		assert_event(Event::Overstated { who: ALICE, claimed: 20, measured: 2_000, reputation });
	});
}

#[test]
fn reputation_should_stay_when_the_claimed_speed_is_true_or_nothing_is_claimed() {
	execute(|| {
		worker(ALICE, &[0]);
		let silent = noesis_primitives::Capability { tokens_per_second: 0, ..capability(BOB, &[0]) };
		assert_ok!(Operators::register(signed(BOB), Role::Worker, STAKE, silent));
		earn(ALICE, 500);
		earn(BOB, 500);
		for _ in 0..100 {
			Operators::measured(&ALICE, 1_200, 40);
			Operators::measured(&BOB, 1, 1_000);
		}
		assert_eq!((reputation(ALICE), reputation(BOB)), (500, 500));
		assert_eq!(Operators::view(&CHARLIE), None);
		worker(CHARLIE, &[0]);
		assert_eq!(Operators::view(&CHARLIE).unwrap().measured, None);
	});
}
