//! What somebody could try for money, and what it brings.

use crate::{mock::*, Error, Event, HoldReason};
use noesis_primitives::{
	BundleId, ChannelId, ChannelSpec, ChannelState, Conduct, Disputable, Fault, Item, JobState, PanelOutcome,
	RefundReason, Root, Subject, Tally, Tier, Turn, Usage, Verification,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::testing::TestSignature,
};

type E = Error<Test>;

const GOOD: [(AccountId, bool); 1] = [(21, true)];

#[test]
fn double_settlement_should_pay_once() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &GOOD);
		let info = Poi::settle(signed(WORKER), job).unwrap();
		assert_eq!(info.actual_weight, Some(<() as crate::WeightInfo>::settle()));
		let paid = Balances::free_balance(WORKER);
		assert_noop!(Poi::settle(signed(WORKER), job), E::NotAnswered);
		assert!(Poi::suspend(Subject::Job(job)).is_err());
		assert!(Poi::overturn(Subject::Job(job)).is_empty());
		run_to(20);
		assert_eq!(Balances::free_balance(WORKER), paid);

		let channel = accepted();
		let turns = turns(channel, 1);
		assert_ok!(close_with(channel, &turns));
		assert_eq!(drawn(BundleId::Channel(channel)), [0]);
		assert_ok!(show_turn(WORKER, channel, &turns, 0));
		decide_all(PanelOutcome::Confirmed, &GOOD);
		assert_ok!(Poi::settle_channel(signed(WORKER), channel));
		let paid = Balances::free_balance(WORKER);
		assert_noop!(Poi::settle_channel(signed(WORKER), channel), E::NotDue { opens_in: Wait::of(41) });
		assert_noop!(close_with(channel, &turns), E::WrongState);
		assert_eq!(Balances::free_balance(WORKER), paid);
	});
}

#[test]
fn escrow_drain_should_reach_no_more_than_its_own_escrow() {
	run(|| {
		// The same requester has other money held: an expensive channel may not touch it.
		let other = submit(spec());
		let rich = accepted();
		let id = offer(ChannelSpec { escrow: 200, cap: 200, ..channel_spec() });
		assert_ok!(Poi::accept_channel(signed(WORKER), id));
		let drain = Tally { spent: 1100, ..tally_of(id, &turns(id, 11)) };
		assert_noop!(Poi::close_channel(signed(WORKER), drain, Some(sign(REQUESTER, &drain))), E::OverCap);
		let most = Tally { spent: 200, ..tally_of(id, &turns(id, 1)) };
		assert_ok!(Poi::close_channel(signed(WORKER), most, Some(sign(REQUESTER, &most))));
		at_block(2);
		let turn = turns(id, 1);
		drawn(BundleId::Channel(id));
		assert_ok!(show_turn(WORKER, id, &turn, 0));
		decide_all(PanelOutcome::Confirmed, &GOOD);
		assert_ok!(Poi::settle_channel(signed(WORKER), id));
		assert_eq!(held_for(HoldReason::ChannelEscrow, REQUESTER), ESCROW);
		assert_eq!(held(REQUESTER), Poi::job_view(other).unwrap().escrow);
		assert_eq!(Poi::channel_view(rich).unwrap().state, ChannelState::Open);
	});
}

#[test]
fn front_run_claim_should_not_win_before_its_rank() {
	run(|| {
		RankBlocks::set(&20);
		let job = submit(spec());
		let turn = |worker: AccountId| Poi::claimable_at(job, &worker).unwrap();
		let (mut first, mut last) = (WORKER, WORKER);
		for worker in WORKER..WORKER + 3 {
			first = if turn(worker) < turn(first) { worker } else { first };
			last = if turn(worker) > turn(last) { worker } else { last };
		}
		assert!(turn(first) < turn(last));
		at_block(turn(first));
		assert_noop!(
			Poi::claim(signed(last), job),
			E::TooEarly { opens_in: Wait::of(turn(last) - turn(first)) }
		);
		assert_ok!(Poi::claim(signed(first), job));
	});
}

#[test]
fn front_run_of_a_shown_malformed_turn_should_reward_one_only() {
	run(|| {
		let id = accepted();
		let mut forged = turns(id, 3);
		forged[1].claim.leaves += 1;
		assert_ok!(close_with(id, &forged));
		assert_ok!(show_turn(OTHER, id, &forged, 1));
		assert_noop!(show_turn(24, id, &forged, 1), E::NoBundle);
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(OTHER))]);
	});
}

#[test]
fn replayed_channel_turn_should_be_refused_wherever_it_comes_from() {
	run(|| {
		let (first, second) = (accepted(), accepted());
		let turns_of_first = turns(first, 5);
		let tally = tally_of(first, &turns_of_first);
		let signature = sign(REQUESTER, &tally);
		// The signature of one channel closes no other, nor the same on another chain.
		let moved = Tally { channel: second, ..tally };
		assert_noop!(Poi::close_channel(signed(WORKER), moved, Some(signature)), E::BadSignature);
		let elsewhere = TestSignature(REQUESTER, tally.message(&[9; 32]));
		assert_noop!(Poi::close_channel(signed(WORKER), tally, Some(elsewhere)), E::BadSignature);
		assert_ok!(close_with(first, &turns_of_first));
		assert_noop!(close_with(first, &turns_of_first), E::WrongState);

		// A turn of the first channel is none of the second's, and none of another place.
		let turns_of_second = turns(second, 5);
		assert_ok!(close_with(second, &turns_of_second));
		let path = |index| {
			let leaves: Vec<_> = turns_of_first.iter().map(Turn::leaf).collect();
			noesis_primitives::merkle::path(&leaves, index).unwrap().try_into().unwrap()
		};
		drawn(BundleId::Channel(second));
		assert_noop!(Poi::present_turn(signed(WORKER), second, 2, turns_of_first[2], path(2)), E::BadPath);
		assert_noop!(Poi::present_turn(signed(WORKER), first, 1, turns_of_first[2], path(2)), E::BadPath);
	});
}

#[test]
fn foreign_turn_in_the_tree_should_cost_the_worker_its_stake() {
	run(|| {
		for change in [
			|turns: &mut Vec<Turn>| turns[2] = turns[1],
			|turns: &mut Vec<Turn>| turns[2].channel = ChannelId(77),
			|turns: &mut Vec<Turn>| turns[2].claim.usage.output_tokens = 0,
			|turns: &mut Vec<Turn>| turns[2].input_bytes = 0,
			// Longer than any job's may be: its validators could not show it in a dispute, and would lose by that.
			|turns: &mut Vec<Turn>| turns[2].input_bytes = FACTS.context / 3,
		] {
			let id = accepted();
			let mut forged = turns(id, 4);
			change(&mut forged);
			Slashes::set(&vec![]);
			assert_ok!(close_with(id, &forged));
			assert_ok!(show_turn(OTHER, id, &forged, 2));
			let subject = Subject::Turn { channel: id, index: 2 };
			System::assert_has_event(Event::Malformed { subject, by: OTHER }.into());
			assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(OTHER))]);
			let state = Poi::channel_view(id).unwrap().state;
			assert_eq!(state, ChannelState::Refunded { reason: RefundReason::Overturned });
			check();
		}
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
	});
}

#[test]
fn free_panels_for_turns_that_cost_nothing_should_be_paid_all_the_same() {
	run(|| {
		let least = 2 * BaseFee::get();
		let cheap = ChannelSpec { escrow: least - 1, cap: 1, ..channel_spec() };
		assert_noop!(
			Poi::open_channel(signed(REQUESTER), cheap.clone()),
			E::EscrowTooSmall { short_by: Lack::of(1, 0) }
		);
		let seats = ChannelSpec { verification: Verification::Panel(16), ..cheap.clone() };
		assert_noop!(
			Poi::open_channel(signed(REQUESTER), ChannelSpec { escrow: least, ..seats }),
			E::EscrowTooSmall { short_by: Lack::of(1, 0) }
		);
		let id = offer(ChannelSpec { escrow: least, ..cheap });
		assert_ok!(Poi::accept_channel(signed(WORKER), id));
		let mut turns = turns(id, 2);
		turns.iter_mut().for_each(|turn| turn.spent = 0);
		assert_ok!(close_with(id, &turns));
		at_block(2);
		for index in drawn(BundleId::Channel(id)) {
			assert_ok!(show_turn(WORKER, id, &turns, index));
		}
		decide_all(PanelOutcome::Confirmed, &[(21, true), (22, true)]);
		assert_ok!(Poi::settle_channel(signed(OTHER), id));
		assert_eq!(Balances::free_balance(REQUESTER), RICH - least);
		assert!(Balances::free_balance(21) > EXISTENTIAL + least / 20);
	});
}

#[test]
fn worker_should_not_have_the_reward_for_its_own_malformed_turn() {
	run(|| {
		Owners::set(&[(WORKER, 500), (OTHER, 500)].into());
		let id = accepted();
		let mut forged = turns(id, 2);
		forged[0].claim.leaves = 0;
		assert_ok!(close_with(id, &forged));
		assert_ok!(show_turn(OTHER, id, &forged, 0));
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, None)]);
	});
}

#[test]
fn batch_answered_from_other_inputs_should_cost_the_worker_its_stake() {
	run(|| {
		let mut forged: Vec<Item> = items(6);
		forged[4].input = forged[3].input;
		let job = answered_batch(&forged);
		assert_ok!(show_item(OTHER, job, &forged, 4));
		assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(OTHER))]);
		let state = Poi::job_view(job).unwrap().state;
		assert_eq!(state, JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
	});
}

#[test]
fn padded_usage_of_a_batch_should_cost_the_worker_its_stake() {
	run(|| {
		// One token more than the items took, hidden in the first, a middle and the last total.
		for place in [0, 3, 5] {
			let mut padded = items(6);
			padded[place..].iter_mut().for_each(|item| item.total.output_tokens += 1);
			Slashes::set(&vec![]);
			Stake::set(&RICH);
			let job = crate::NextJob::<Test>::get();
			Poi::submit_batch(signed(REQUESTER), batch_spec(6), RICH).unwrap();
			Poi::claim(signed(WORKER), job).unwrap();
			let leaves: Vec<_> = padded.iter().map(Item::leaf).collect();
			let root = Root(noesis_primitives::merkle::root(&leaves));
			let usage = Usage { input_tokens: 48, output_tokens: 49 };
			assert_ok!(Poi::answer(signed(WORKER), job, output(), root, 6, usage));
			at_block(System::block_number() + 1);
			assert_ok!(show_item(OTHER, job, &padded, place as u32));
			assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(OTHER))]);
			check();
		}
		// And the same hidden in none of them: the last says otherwise than the answer.
		let honest = items(6);
		let job = crate::NextJob::<Test>::get();
		Poi::submit_batch(signed(REQUESTER), batch_spec(6), RICH).unwrap();
		Poi::claim(signed(WORKER), job).unwrap();
		let leaves: Vec<_> = honest.iter().map(Item::leaf).collect();
		let root = Root(noesis_primitives::merkle::root(&leaves));
		let usage = Usage { input_tokens: 48, output_tokens: 60 };
		assert_ok!(Poi::answer(signed(WORKER), job, output(), root, 6, usage));
		at_block(System::block_number() + 1);
		assert_ok!(show_item(OTHER, job, &honest, 5));
		assert_eq!(Slashes::get().len(), 2);
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
	});
}

#[test]
fn over_exposed_worker_should_take_nothing_more() {
	run(|| {
		Stake::set(&(ESCROW + FEE));
		let job = submit(spec());
		let (first, second) = (accepted(), offer(channel_spec()));
		assert_noop!(
			Poi::accept_channel(signed(WORKER), second),
			E::OverExposed { short_by: Lack::of(1, 0) }
		);
		assert_ok!(Poi::claim(signed(WORKER), job));
		let another = submit(spec());
		assert_noop!(Poi::claim(signed(WORKER), another), E::OverExposed { short_by: Lack::of(1, 0) });
		// Closing does not make room: the turns can still be disputed.
		assert_ok!(close_with(first, &turns(first, 4)));
		assert_noop!(
			Poi::accept_channel(signed(WORKER), second),
			E::OverExposed { short_by: Lack::of(1, 0) }
		);
		run_to(20);
		assert_ok!(Poi::accept_channel(signed(WORKER), second));
	});
}

#[test]
fn requester_should_not_fill_a_workers_stake_when_it_does_not_agree() {
	run(|| {
		for _ in 0..20 {
			offer(ChannelSpec { escrow: STAKE, cap: 1, ..channel_spec() });
		}
		assert!(Exposed::get().is_empty());
		let job = submit(spec());
		assert_ok!(Poi::claim(signed(WORKER), job));
	});
}

#[test]
fn late_answer_should_cost_the_surcharge_and_then_the_job() {
	run(|| {
		let submit_premium = || submit(noesis_primitives::JobSpec { tier: Tier::Premium, ..spec() });
		let (late, missed) = (submit_premium(), submit_premium());
		assert_ok!(Poi::claim(signed(WORKER), late));
		assert_ok!(Poi::claim(signed(WORKER), missed));
		at_block(9);
		assert_ok!(answer(WORKER, late));
		at_block(10);
		assert_noop!(answer(WORKER, missed), E::Overdue);
		assert_ok!(Poi::expire(signed(OTHER), missed));
		decide(late, PanelOutcome::Confirmed, &GOOD);
		assert_ok!(Poi::settle(signed(OTHER), late));
		assert_eq!(Balances::free_balance(WORKER), EXISTENTIAL + COST * 70 / 100);
		assert_eq!(noted(WORKER, Conduct::Missed), 1);
	});
}

#[test]
fn stale_close_should_win_the_requester_nothing() {
	run(|| {
		let id = accepted();
		let all = turns(id, 9);
		let (stale, last) = (tally_of(id, &all[..1]), tally_of(id, &all));
		assert_ok!(Poi::close_channel(signed(REQUESTER), stale, Some(sign(WORKER, &stale))));
		run_to(6);
		assert_ok!(Poi::contest_close(signed(WORKER), last, sign(REQUESTER, &last)));
		at_block(7);
		for index in drawn(BundleId::Channel(id)) {
			assert_ok!(show_turn(WORKER, id, &all, index));
		}
		decide_all(PanelOutcome::Confirmed, &GOOD);
		assert_ok!(Poi::settle_channel(signed(OTHER), id));
		assert_eq!(Balances::free_balance(REQUESTER), RICH - 270);
	});
}

#[test]
fn sham_dispute_should_delay_the_pay_and_take_nothing() {
	run(|| {
		ChallengeWindow::set(&5);
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &GOOD);
		for block in [3, 9, 15] {
			at_block(block);
			assert_ok!(Poi::suspend(Subject::Job(job)));
			at_block(block + 2);
			Poi::uphold(Subject::Job(job));
		}
		run_to(23);
		assert_eq!(Poi::job_view(job).unwrap().state, JobState::Final { worker: WORKER });
		assert_eq!(Balances::free_balance(WORKER), EXISTENTIAL + COST * 70 / 100);
	});
}
