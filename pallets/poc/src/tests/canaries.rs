//! Wrong answers by arrangement, and what does not get through as one.

use crate::{mock::*, Canaries, Error, Event, HoldReason, OpenCanaries};
use noesis_primitives::{
	canary_commitment, Balance, BlockNumber, BlockRandomness, CheckpointId, ClaimHash, Conduct, Fault,
	Opening, PanelOutcome, Panels, Verification,
};
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		dispatch::DispatchResult,
		traits::fungible::{Inspect, InspectHold, Mutate},
	},
	sp_runtime::Permill,
};

type E = Error<Test>;

/// The block of the commitment.
const COMMITTED: BlockNumber = 10;
const SALT: u8 = 5;

fn commit(salt: u8) -> DispatchResult {
	Poc::commit_canary(RuntimeOrigin::signed(PROPOSER), commitment(salt), CHECKPOINT)
}

fn reveal_as(who: AccountId, canary: &Arranged) -> DispatchResult {
	reveal_leaf(who, canary, canary.truth.claim.hash(), canary.index, canary.trace.open(canary.index))
}

fn reveal_leaf(
	who: AccountId,
	canary: &Arranged,
	truth: ClaimHash,
	index: u32,
	leaf: Opening,
) -> DispatchResult {
	Poc::reveal_canary(RuntimeOrigin::signed(who), JOB, PROPOSER, truth, canary.salt, index, leaf)
}

fn reveal(canary: &Arranged) -> DispatchResult {
	reveal_as(REQUESTER, canary)
}

/// Commits, lets the worker answer as arranged, and moves to the next block.
fn answered() -> Arranged {
	at_block(COMMITTED);
	assert_ok!(commit(SALT));
	at_block(ANSWERED);
	let canary = arrange(SALT, COMMITTED);
	open_over(JOB, canary.trace.claim, Verification::Sampled);
	at_block(ANSWERED + 1);
	canary
}

fn free(who: AccountId) -> Balance {
	Balances::balance(&who)
}

fn held() -> Balance {
	Balances::balance_on_hold(&HoldReason::Canary.into(), &PROPOSER)
}

#[test]
fn commitment_should_hold_the_bond_and_pay_the_fee() {
	ExtBuilder::default().run(|| {
		at_block(COMMITTED);
		assert_ok!(commit(SALT));
		assert_eq!((held(), free(PROPOSER)), (2_000, ENDOWMENT - 2_300));
		assert_eq!(free(POT), ENDOWMENT + 300);
		System::assert_last_event(
			Event::CanaryCommitted {
				proposer: PROPOSER,
				commitment: commitment(SALT),
				checkpoint: CHECKPOINT,
				expires: COMMITTED + 101,
			}
			.into(),
		);
		assert_noop!(commit(SALT), E::CanaryExists);
		assert_ok!(commit(SALT + 1));
		assert_noop!(commit(SALT + 2), E::TooManyCanaries);
		let unknown = Poc::commit_canary(RuntimeOrigin::signed(WORKER), commitment(SALT), CheckpointId(8));
		assert_eq!(unknown, Err(E::UnknownCheckpoint.into()));
		// Somebody else's commitment with the same name keeps nobody from theirs.
		assert_ok!(Poc::commit_canary(RuntimeOrigin::signed(WORKER), commitment(SALT), CHECKPOINT));
		assert_eq!((OpenCanaries::<Test>::get(PROPOSER), OpenCanaries::<Test>::get(WORKER)), (2, 1));
	});
}

#[test]
fn view_should_show_the_proposer_its_randomness_from_the_next_block_on() {
	ExtBuilder::default().run(|| {
		at_block(COMMITTED);
		assert_ok!(commit(SALT));
		let view = |salt| Poc::canary(&PROPOSER, commitment(salt));
		assert_eq!(view(SALT + 1), None);
		let first = view(SALT).unwrap();
		assert_eq!((first.committed, first.expires, first.bond), (COMMITTED, COMMITTED + 101, 2_000));
		assert_eq!((first.checkpoint, first.randomness), (CHECKPOINT, None));
		at_block(COMMITTED + 1);
		assert_eq!(view(SALT).unwrap().randomness, Hashes::after(COMMITTED));
	});
}

#[test]
fn lazy_validator_should_be_slashed_and_the_honest_one_paid_when_a_canary_is_revealed() {
	ExtBuilder::default().run(|| {
		let before = money();
		let canary = answered();
		// The lazy one opens leaves of the trace that the worker serves, and computes nothing.
		assert_ok!(speak(FIRST, &canary.trace));
		assert_ok!(speak(FIRST + 1, &canary.truth));
		assert_ok!(reveal(&canary));

		assert_eq!(Slashes::get(), [(FIRST, Fault::ApprovedCanary, Some(PROPOSER))]);
		assert_eq!(free(FIRST), ENDOWMENT - SLASH);
		// A third of the prize of 600 for each seat.
		assert_eq!(free(FIRST + 1), ENDOWMENT + 200);
		assert_eq!((held(), free(PROPOSER)), (0, ENDOWMENT - 300 + SLASH / 2));
		assert_eq!(free(POT), ENDOWMENT + 300 + SLASH / 2 - 200);
		assert_eq!((free(WORKER), free(REQUESTER)), (ENDOWMENT, ENDOWMENT));
		assert_eq!(money(), before);

		let event =
			Event::CanaryRevealed { subject: JOB, proposer: PROPOSER, approved: 1, found: 1, paid: 200 };
		System::assert_last_event(event.into());
		assert!(Decided::get().contains(&JOB));
		assert_eq!(Poc::outcome(JOB), PanelOutcome::Canary);
		assert_noop!(speak(FIRST + 2, &canary.truth), E::PanelOver);
		assert_noop!(reveal(&canary), E::AlreadyRevealed);

		let close = Poc::close(JOB).unwrap();
		assert_eq!(close.outcome, PanelOutcome::Canary);
		assert_eq!(close.verdicts.into_inner(), [(FIRST + 1, false)]);
		assert_eq!(Notes::get(), [(FIRST + 1, Conduct::Vouched)]);
		assert_eq!((Canaries::<Test>::iter().count(), OpenCanaries::<Test>::iter().count()), (0, 0));
	});
}

#[test]
fn canary_should_be_found_out_when_its_panel_is_over_already() {
	for found in [3, 1] {
		ExtBuilder::default().run(|| {
			let canary = answered();
			for who in FIRST..FIRST + 3 {
				let trace = if who < FIRST + found { &canary.truth } else { &canary.trace };
				assert_ok!(speak(who, trace));
			}
			let expected = if found == 3 { PanelOutcome::Rejected } else { PanelOutcome::Confirmed };
			assert_eq!(Poc::outcome(JOB), expected);
			at_block(ANSWERED + 20);
			assert_ok!(reveal(&canary));
			assert_eq!(Poc::outcome(JOB), PanelOutcome::Canary);
			assert_eq!(Slashes::get().len() as u64, 3 - found);
			assert_eq!(Poc::close(JOB).unwrap().verdicts.len() as u64, found);
		});
	}
}

#[test]
fn canary_should_end_without_pay_when_its_answer_was_waived() {
	ExtBuilder::default().run(|| {
		WorkerReputation::set(&1000);
		AuditFloor::set(&Permill::zero());
		ExposureFactor::set(&Permill::zero());
		let canary = answered();
		assert_eq!(Poc::outcome(JOB), PanelOutcome::Waived);
		assert_ok!(reveal(&canary));
		assert_eq!(Poc::close(JOB).unwrap().outcome, PanelOutcome::Canary);
	});
}

#[test]
fn dodge_should_fail_when_a_worker_calls_a_cheated_strangers_job_a_canary() {
	ExtBuilder::default().run(|| {
		let canary = answered();
		assert_ok!(speak(FIRST, &canary.truth));
		assert_ok!(speak(FIRST + 1, &canary.truth));
		// The requester is a stranger and does not sign. The worker and its accomplices can't.
		for who in [WORKER, PROPOSER, FIRST + 2] {
			assert_noop!(reveal_as(who, &canary), E::NotRequester);
		}
		at_block(ANSWERED + 6);
		assert_eq!(Poc::close(JOB).unwrap().outcome, PanelOutcome::Rejected);
		// And the bond is gone.
		at_block(COMMITTED + 101);
		assert_ok!(Poc::expire_canary(RuntimeOrigin::signed(9), PROPOSER, commitment(SALT)));
		assert_eq!((held(), free(PROPOSER)), (0, ENDOWMENT - 2_300));
	});
}

#[test]
fn dodge_should_fail_when_the_canary_is_committed_with_or_after_the_answer() {
	for late in [0, 1] {
		ExtBuilder::default().run(|| {
			// Before the commitment the mark is not known, so the answer can't carry it; not even a worker that
			// guesses the randomness gets through.
			at_block(ANSWERED);
			if late == 0 {
				assert_ok!(commit(SALT));
			}
			let mark = {
				let randomness = polkadot_sdk::sp_io::hashing::blake2_256(&(ANSWERED + late).to_le_bytes());
				let hash = input().content_hash();
				noesis_primitives::canary_mark(&[SALT; 32], &randomness, CHECKPOINT, &kind(), hash)
			};
			let trace = honest().planted(5, &mark);
			open_over(JOB, trace.claim, Verification::Sampled);
			at_block(ANSWERED + 1);
			if late == 1 {
				assert_ok!(commit(SALT));
			}
			at_block(ANSWERED + 2);
			let canary = Arranged { salt: [SALT; 32], index: 5, trace, truth: honest() };
			assert_noop!(reveal(&canary), E::CommittedTooLate);
		});
	}
}

#[test]
fn dodge_should_fail_when_the_canary_is_revealed_too_late() {
	ExtBuilder::default().run(|| {
		Window::set(&100);
		let canary = answered();
		at_block(ANSWERED + 31);
		assert_noop!(reveal(&canary), E::RevealTooLate);
	});
	ExtBuilder::default().run(|| {
		CanaryPeriod::set(&12);
		let canary = answered();
		at_block(COMMITTED + 13);
		assert_noop!(reveal(&canary), E::RevealTooLate);
	});
	ExtBuilder::default().run(|| {
		let canary = answered();
		at_block(ANSWERED + 16);
		assert_eq!(Poc::close(JOB).unwrap().outcome, PanelOutcome::Lapsed);
		assert_noop!(reveal(&canary), E::NoPanel);
	});
}

#[test]
fn frame_up_should_fail_when_a_right_answer_is_called_a_canary() {
	ExtBuilder::default().run(|| {
		at_block(COMMITTED);
		// The accomplices call another claim the truth, and have the right one answered.
		let canary = |truth: &Trace| {
			canary_commitment(&PROPOSER, &REQUESTER, &WORKER, &truth.claim.hash(), &[SALT; 32])
		};
		let lie = Trace::new(2, 37);
		assert_ok!(Poc::commit_canary(RuntimeOrigin::signed(PROPOSER), canary(&lie), CHECKPOINT));
		assert_ok!(commit(SALT));
		at_block(ANSWERED);
		let marked = arrange(SALT, COMMITTED);
		open_over(JOB, honest().claim, Verification::Sampled);
		at_block(ANSWERED + 1);
		for who in FIRST..FIRST + 3 {
			assert_ok!(speak(who, &honest()));
		}
		let (truth, lie) = (honest().claim.hash(), lie.claim.hash());
		for index in 0..37 {
			assert_noop!(reveal_leaf(REQUESTER, &marked, lie, index, honest().open(index)), E::NotWrong);
		}
		// Nor by a leaf that the answer does not have, nor by calling the answer itself the truth.
		assert_noop!(reveal_leaf(REQUESTER, &marked, lie, 5, marked.trace.open(5)), E::NotWrong);
		assert_noop!(reveal_leaf(REQUESTER, &marked, truth, 5, marked.trace.open(5)), E::NotWrong);
		assert_eq!(Poc::outcome(JOB), PanelOutcome::Confirmed);
		assert!(Slashes::get().is_empty());
	});
}

#[test]
fn reveal_should_be_refused_when_anything_committed_is_another() {
	ExtBuilder::default().run(|| {
		let canary = answered();
		let (truth, leaf) = (canary.truth.claim.hash(), canary.trace.open(5));
		assert_noop!(reveal_leaf(REQUESTER, &canary, [1; 32], 5, leaf.clone()), E::UnknownCanary);
		let salted = Arranged { salt: [SALT + 1; 32], ..arrange(SALT, COMMITTED) };
		assert_noop!(reveal_leaf(REQUESTER, &salted, truth, 5, leaf.clone()), E::UnknownCanary);
		let call = Poc::reveal_canary(
			RuntimeOrigin::signed(REQUESTER),
			JOB,
			WORKER,
			truth,
			canary.salt,
			5,
			leaf.clone(),
		);
		assert_eq!(call, Err(E::UnknownCanary.into()));
		assert_noop!(reveal_leaf(REQUESTER, &canary, truth, 6, leaf.clone()), E::NotWrong);
		let mut bent = leaf.clone();
		bent.values[63] ^= 1;
		assert_noop!(reveal_leaf(REQUESTER, &canary, truth, 5, bent), E::NotWrong);
		let mut short = leaf;
		short.values.pop();
		assert_noop!(reveal_leaf(REQUESTER, &canary, truth, 5, short), E::NotWrong);
		assert_ok!(reveal(&canary));
	});
}

#[test]
fn prize_should_go_only_to_those_who_found_the_truth() {
	ExtBuilder::default().run(|| {
		let canary = answered();
		// Who sees the reveal coming and quickly disagrees with anything has found nothing.
		assert_ok!(speak(FIRST, &Trace::new(9, 37)));
		assert_ok!(reveal(&canary));
		assert_eq!(free(FIRST), ENDOWMENT);
		Poc::close(JOB).unwrap();
		assert!(Notes::get().is_empty() && Slashes::get().is_empty());
	});
}

#[test]
fn farming_should_lose_when_the_farmer_has_a_third_of_the_seats() {
	// A seat of three gets a third of the prize, which is at most three fees: no more than the fee.
	ExtBuilder::default().run(|| {
		CanaryPrize::set(&1_000_000);
		CanaryShare::set(&Permill::one());
		let canary = answered();
		let farmer = FIRST;
		assert_ok!(speak(farmer, &canary.truth));
		assert_ok!(reveal(&canary));
		assert_eq!(free(farmer) - ENDOWMENT, CanaryFee::get());
		assert_eq!(free(farmer) + free(PROPOSER), 2 * ENDOWMENT);
	});
}

#[test]
fn prize_should_shrink_with_the_pot_and_never_empty_it() {
	ExtBuilder::default().run(|| {
		let canary = answered();
		for who in FIRST..FIRST + 3 {
			assert_ok!(speak(who, &canary.truth));
		}
		Balances::set_balance(&POT, 40);
		assert_ok!(reveal(&canary));
		// Half of 40 for three seats.
		assert_eq!((free(FIRST), free(POT)), (ENDOWMENT + 6, 22));
	});
}

#[test]
fn expiry_should_wait_for_its_time_and_send_the_bond_to_the_pot() {
	ExtBuilder::default().run(|| {
		let before = money();
		at_block(COMMITTED);
		assert_ok!(commit(SALT));
		let expire = || Poc::expire_canary(RuntimeOrigin::signed(9), PROPOSER, commitment(SALT));
		at_block(COMMITTED + 100);
		assert_noop!(expire(), E::CanaryStands { opens_in: Wait::of(1) });
		at_block(COMMITTED + 101);
		assert_ok!(expire());
		System::assert_last_event(
			Event::CanaryExpired { proposer: PROPOSER, commitment: commitment(SALT), lost: 2_000 }.into(),
		);
		assert_eq!((free(POT), held(), money()), (ENDOWMENT + 2_300, 0, before));
		assert_noop!(expire(), E::UnknownCanary);
	});
}

#[test]
fn bond_should_come_back_when_the_pot_cannot_take_it() {
	ExtBuilder::default().run(|| {
		CanaryBond::set(&5);
		CanaryFee::set(&0);
		at_block(COMMITTED);
		assert_ok!(commit(SALT));
		Balances::set_balance(&POT, 0);
		at_block(COMMITTED + 101);
		assert_ok!(Poc::expire_canary(RuntimeOrigin::signed(9), PROPOSER, commitment(SALT)));
		assert_eq!((held(), free(PROPOSER)), (0, ENDOWMENT));
	});
}

#[test]
fn approver_should_not_be_punished_twice_when_its_verdict_was_struck_before() {
	ExtBuilder::default().run(|| {
		let canary = answered();
		assert_ok!(speak(FIRST, &canary.trace));
		assert_ok!(speak(FIRST + 1, &canary.trace));
		Poc::strike(JOB, &FIRST);
		assert_ok!(reveal(&canary));
		assert_eq!(Slashes::get(), [(FIRST + 1, Fault::ApprovedCanary, Some(PROPOSER))]);
		// Nor when a dispute about the same answer ends afterwards.
		assert!(Poc::dissolve(JOB).is_empty());
	});
}
