//! Channels from the offer to the end.

use crate::{mock::*, Bundles, Channels, Entries, Error, Event, HoldReason, OverturnWeight, WeightInfo};
use noesis_primitives::{
	merkle, BundleId, ChannelId, ChannelSpec, ChannelState, Conduct, Disputable, JobState, NotDisputable,
	OperatorFault, PanelOutcome, Panels, RefundReason, Subject, Tally, Verification,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo, traits::Get},
	sp_runtime::{testing::TestSignature, Permill},
};

type E = Error<Test>;

const GOOD: [(AccountId, bool); 2] = [(21, true), (22, true)];

fn state(id: ChannelId) -> ChannelState {
	Poi::channel_view(id).unwrap().state
}

fn due(id: ChannelId) -> u32 {
	Poi::channel_view(id).unwrap().due
}

fn locked(who: AccountId) -> u128 {
	held_for(HoldReason::ChannelEscrow, who)
}

const fn refunded(reason: RefundReason) -> ChannelState {
	ChannelState::Refunded { reason }
}

/// A channel closed after eight turns, of which those drawn are shown and confirmed.
fn confirmed() -> ChannelId {
	let id = accepted();
	let turns = turns(id, 8);
	close_with(id, &turns).unwrap();
	for index in drawn(BundleId::Channel(id)) {
		show_turn(WORKER, id, &turns, index).unwrap();
	}
	decide_all(PanelOutcome::Confirmed, &GOOD);
	id
}

#[test]
fn channel_should_pay_by_its_tally_when_the_drawn_turns_are_confirmed() {
	run(|| {
		let id = offer(channel_spec());
		assert_eq!((locked(REQUESTER), state(id)), (ESCROW, ChannelState::Offered));
		assert_ok!(Poi::accept_channel(signed(WORKER), id));
		assert_eq!(Exposed::get()[&WORKER], ESCROW);
		let turns = turns(id, 8);
		assert_ok!(close_with(id, &turns));
		assert_eq!(state(id), ChannelState::Closed);

		let audits = drawn(BundleId::Channel(id));
		assert!((1..=2).contains(&audits.len()));
		let subject = |index| Subject::Turn { channel: id, index };
		for index in &audits {
			// What is not shown, then the first panel.
			let opens_in = Wait::of(if *index == audits[0] { 7 } else { 6 });
			assert_noop!(Poi::settle_channel(signed(OTHER), id), E::PanelPending { opens_in });
			assert_ok!(show_turn(WORKER, id, &turns, *index));
			assert_noop!(show_turn(WORKER, id, &turns, *index), E::AlreadyShown);
			System::assert_last_event(Event::Shown { subject: subject(*index), claim: small_claim() }.into());
			assert_eq!(Book::get()[&subject(*index)].excluded, [WORKER, REQUESTER]);
			check();
		}
		decide_all(PanelOutcome::Confirmed, &GOOD);
		assert_ok!(Poi::settle_channel(signed(OTHER), id));
		assert_eq!(state(id), ChannelState::Paid);
		let each = 240 * 20 / 100 / (2 * audits.len() as u128);
		assert_eq!(Balances::free_balance(WORKER), EXISTENTIAL + 240 * 70 / 100);
		assert_eq!(Balances::free_balance(21), EXISTENTIAL + each * audits.len() as u128);
		assert_eq!((locked(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH - 240));
		assert_eq!(Exposed::get()[&WORKER], 0);
		assert_eq!(noted(WORKER, Conduct::Served), 1);
		assert!(Book::get().is_empty());
		assert_noop!(Poi::settle_channel(signed(OTHER), id), E::NotDue { opens_in: Wait::of(41) });
	});
}

#[test]
fn agenda_should_draw_settle_and_forget_by_itself() {
	run(|| {
		ChallengeWindow::set(&10);
		let id = accepted();
		let turns = turns(id, 8);
		assert_ok!(close_with(id, &turns));
		run_to(4);
		let audits = Poi::bundle_view(BundleId::Channel(id)).unwrap().audits.unwrap();
		for index in audits {
			assert_ok!(show_turn(OTHER, id, &turns, index));
		}
		run_to(6);
		decide_all(PanelOutcome::Confirmed, &GOOD);
		assert_eq!(due(id), 16);
		run_to(16);
		assert_eq!(state(id), ChannelState::Closed);
		run_to(17);
		assert_eq!(state(id), ChannelState::Paid);
		run_to(80);
		assert!(Channels::<Test>::iter().next().is_none() && Bundles::<Test>::iter().next().is_none());
		assert!(Entries::<Test>::iter().next().is_none());
		System::assert_has_event(Event::ChannelPruned { channel: id }.into());
	});
}

#[test]
fn offer_should_be_refused_when_it_is_out_of_range() {
	run(|| {
		let bad = [
			ChannelSpec { cap: 0, ..channel_spec() },
			ChannelSpec { cap: ESCROW + 1, ..channel_spec() },
			ChannelSpec { lifetime: 0, ..channel_spec() },
			ChannelSpec { lifetime: 201, ..channel_spec() },
			ChannelSpec { worker: REQUESTER, ..channel_spec() },
			ChannelSpec { verification: Verification::Panel(0), ..channel_spec() },
		];
		for spec in bad {
			assert_noop!(Poi::open_channel(signed(REQUESTER), spec), E::BadParameters);
		}
		assert!(Poi::open_channel(signed(WORKER + 1), channel_spec()).is_err());
		change(Known::get, Known::set, |known| known.get_mut(&CHECKPOINT).unwrap().active = false);
		assert_noop!(Poi::open_channel(signed(REQUESTER), channel_spec()), E::CheckpointDeprecated);
	});
}

#[test]
fn offer_should_bind_nobody_when_the_worker_does_not_accept() {
	run(|| {
		let id = offer(channel_spec());
		assert_noop!(Poi::accept_channel(signed(WORKER + 1), id), E::NotNamed);
		assert_noop!(Poi::accept_channel(signed(WORKER), ChannelId(7)), E::NoChannel);
		assert!(Exposed::get().is_empty());
		assert_noop!(Poi::close_channel(signed(WORKER), Tally::empty(id), None), E::WrongState);
		assert_noop!(Poi::close_channel(signed(OTHER), Tally::empty(id), None), E::NotParty);
		assert_ok!(Poi::close_channel(signed(REQUESTER), Tally::empty(id), None));
		assert_eq!((state(id), locked(REQUESTER)), (refunded(RefundReason::Cancelled), 0));
		assert_noop!(Poi::accept_channel(signed(WORKER), id), E::WrongState);

		let forgotten = offer(channel_spec());
		run_to(32);
		assert_eq!(state(forgotten), refunded(RefundReason::Expired));
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
	});
}

#[test]
fn accept_should_name_the_fault_when_the_worker_may_not_serve() {
	run(|| {
		let id = offer(channel_spec());
		Faults::set(&[(WORKER, OperatorFault::CannotRun)].into());
		assert_noop!(Poi::accept_channel(signed(WORKER), id), E::CannotRun);
		Faults::set(&Default::default());
		at_block(32);
		assert_noop!(Poi::accept_channel(signed(WORKER), id), E::Overdue);
	});
}

#[test]
fn requester_should_have_everything_back_when_the_worker_never_closes() {
	run(|| {
		let id = accepted();
		let tally = tally_of(id, &turns(id, 3));
		at_block(31);
		assert_noop!(Poi::settle_channel(signed(OTHER), id), E::NotDue { opens_in: Wait::of(1) });
		at_block(32);
		assert_noop!(Poi::close_channel(signed(WORKER), tally, Some(sign(REQUESTER, &tally))), E::Overdue);
		assert_ok!(Poi::settle_channel(signed(OTHER), id));
		assert_eq!(state(id), refunded(RefundReason::Expired));
		assert_eq!((locked(REQUESTER), Exposed::get()[&WORKER]), (0, 0));
		at_block(73);
		assert_ok!(Poi::settle_channel(signed(OTHER), id));
		assert!(Poi::channel_view(id).is_none());
	});
}

#[test]
fn close_should_be_refused_when_the_tally_is_not_within_the_terms() {
	run(|| {
		let id = accepted();
		let close = |tally: Tally| {
			let signature = sign(REQUESTER, &tally);
			Poi::close_channel(signed(WORKER), tally, Some(signature))
		};
		let tally = tally_of(id, &turns(id, 3));
		assert_noop!(close(Tally { spent: 301, ..tally }), E::OverCap);
		assert_noop!(close(Tally { turns: 11, spent: 1001, ..tally }), E::OverCap);
		assert_noop!(close(Tally { turns: 0, ..tally }), E::BadTally);
		assert_noop!(close(Tally { turns: 4097, ..tally }), E::BadTally);
		assert_noop!(close(Tally { channel: ChannelId(9), ..tally }), E::NoChannel);
		assert_ok!(close(tally));
	});
}

#[test]
fn surcharge_of_a_channel_should_fit_into_its_escrow() {
	run(|| {
		SeatSurcharge::set(&Permill::from_percent(10));
		let id = offer(ChannelSpec { verification: Verification::Panel(8), cap: ESCROW, ..channel_spec() });
		assert_ok!(Poi::accept_channel(signed(WORKER), id));
		let turns = turns(id, 1);
		let close = |spent| {
			let tally = Tally { spent, ..tally_of(id, &turns) };
			Poi::close_channel(signed(WORKER), tally, Some(sign(REQUESTER, &tally)))
		};
		assert_noop!(close(700), E::OverCap);
		assert_ok!(close(600));
		at_block(2);
		assert_eq!(drawn(BundleId::Channel(id)), [0]);
		assert_ok!(show_turn(WORKER, id, &turns, 0));
		decide_all(PanelOutcome::Confirmed, &[(21, true), (22, true), (23, true), (24, true)]);
		assert_ok!(Poi::settle_channel(signed(OTHER), id));
		// One validator spoke beyond the standard panel.
		assert_eq!(Balances::free_balance(REQUESTER), RICH - 660);
		assert_eq!(Balances::free_balance(21), EXISTENTIAL + (120 + 60) / 4);
	});
}

#[test]
fn channel_should_end_at_once_when_the_worker_gives_it_up() {
	run(|| {
		let id = accepted();
		assert_ok!(Poi::close_channel(signed(WORKER), Tally::empty(id), None));
		assert_eq!((state(id), locked(REQUESTER)), (refunded(RefundReason::Cancelled), 0));
		assert_eq!(Exposed::get()[&WORKER], 0);
	});
}

#[test]
fn close_of_the_requester_should_be_fixed_when_nobody_contests_it() {
	run(|| {
		let id = accepted();
		let turns = turns(id, 4);
		let tally = tally_of(id, &turns);
		assert_noop!(Poi::close_channel(signed(REQUESTER), tally, None), E::BadSignature);
		assert_noop!(
			Poi::close_channel(signed(REQUESTER), tally, Some(sign(REQUESTER, &tally))),
			E::BadSignature
		);
		assert_ok!(Poi::close_channel(signed(REQUESTER), tally, Some(sign(WORKER, &tally))));
		assert_eq!(state(id), ChannelState::Closing { until: 6 });
		assert_noop!(close_with(id, &turns), E::WrongState);
		assert_noop!(Poi::settle_channel(signed(OTHER), id), E::NotDue { opens_in: Wait::of(6) });
		run_to(7);
		assert_eq!(state(id), ChannelState::Closed);
		assert_eq!(Poi::channel_view(id).unwrap().tally, Some(tally));

		let unused = accepted();
		assert_ok!(Poi::close_channel(signed(REQUESTER), Tally::empty(unused), None));
		run_to(13);
		assert_eq!(state(unused), refunded(RefundReason::Cancelled));
	});
}

#[test]
fn worker_should_answer_a_stale_close_with_the_later_tally() {
	run(|| {
		let id = accepted();
		let all = turns(id, 6);
		let (stale, last) = (tally_of(id, &all[..2]), tally_of(id, &all));
		assert_ok!(Poi::close_channel(signed(REQUESTER), stale, Some(sign(WORKER, &stale))));
		let contest = |tally, signature| Poi::contest_close(signed(WORKER), tally, signature);
		assert_noop!(contest(stale, sign(REQUESTER, &stale)), E::NotLater);
		assert_noop!(contest(last, sign(WORKER, &last)), E::BadSignature);
		assert_noop!(contest(last, sign(REQUESTER, &stale)), E::BadSignature);
		assert_noop!(Poi::contest_close(signed(REQUESTER), last, sign(WORKER, &last)), E::NotParty);
		assert_ok!(contest(last, sign(REQUESTER, &last)));
		assert_eq!((state(id), Poi::channel_view(id).unwrap().tally), (ChannelState::Closed, Some(last)));
		assert_noop!(contest(last, sign(REQUESTER, &last)), E::WrongState);

		let other = accepted();
		assert_ok!(Poi::close_channel(signed(REQUESTER), Tally::empty(other), None));
		at_block(7);
		let late = tally_of(other, &turns(other, 1));
		assert_noop!(Poi::contest_close(signed(WORKER), late, sign(REQUESTER, &late)), E::Overdue);
	});
}

#[test]
fn signature_should_count_when_a_browser_wallet_wrapped_the_bytes() {
	run(|| {
		let id = accepted();
		let tally = tally_of(id, &turns(id, 2));
		let wrapped = [b"<Bytes>".as_slice(), &tally.message(&Poi::genesis()), b"</Bytes>"].concat();
		assert_ok!(Poi::close_channel(signed(WORKER), tally, Some(TestSignature(REQUESTER, wrapped))));
	});
}

#[test]
fn channel_should_be_refunded_when_a_drawn_turn_is_withheld() {
	run(|| {
		let id = accepted();
		let turns = turns(id, 8);
		assert_ok!(close_with(id, &turns));
		let audits = drawn(BundleId::Channel(id));
		run_to(9);
		assert_noop!(show_turn(WORKER, id, &turns, audits[0]), E::Overdue);
		run_to(10);
		assert_eq!(state(id), refunded(RefundReason::Withheld));
		assert_eq!((locked(REQUESTER), Exposed::get()[&WORKER]), (0, 0));
		assert_eq!(noted(WORKER, Conduct::Missed), 1);
	});
}

#[test]
fn channel_should_be_refunded_when_a_panel_finds_something_else_or_does_not_come() {
	run(|| {
		for (outcome, reason, conduct) in [
			(PanelOutcome::Rejected, RefundReason::Rejected, Some(Conduct::Rejected)),
			(PanelOutcome::Lapsed, RefundReason::Unverified, None),
			(PanelOutcome::Canary, RefundReason::Canary, None),
		] {
			let id = confirmed();
			let first = Book::get().into_keys().next().unwrap();
			tell(first, outcome, vec![(21, false)]);
			Conducts::set(&vec![]);
			assert_ok!(Poi::settle_channel(signed(OTHER), id));
			assert_eq!(state(id), refunded(reason));
			assert_eq!(
				Conducts::get(),
				conduct.map(|conduct| (WORKER, conduct)).into_iter().collect::<Vec<_>>()
			);
			assert!(Book::get().is_empty());
			check();
		}
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
	});
}

#[test]
fn draw_should_take_other_randomness_when_the_right_one_was_forgotten() {
	run(|| {
		let id = accepted();
		let bundle = BundleId::Channel(id);
		Seeds::set(&false);
		assert_ok!(close_with(id, &turns(id, 4)));
		assert_noop!(show_turn(WORKER, id, &turns(id, 4), 0), E::NotDrawn);
		assert_noop!(Poi::settle_channel(signed(OTHER), id), E::NotDrawn);
		run_to(100);
		assert_eq!(Poi::bundle_view(bundle).unwrap().audits, None);
		run_to(203);
		Seeds::set(&true);
		run_to(205);
		assert!(Poi::bundle_view(bundle).unwrap().audits.is_some());
	});
}

#[test]
fn draw_should_wait_anew_when_the_relay_chain_brought_nothing_in_time() {
	run(|| {
		Relay::set(&Some((0, 60)));
		let id = accepted();
		let bundle = || Poi::bundle_view(BundleId::Channel(id)).unwrap();
		assert_ok!(close_with(id, &turns(id, 4)));
		run_to(202);
		assert_eq!((bundle().fixed, bundle().audits), (1, None));
		run_to(207);
		assert_eq!((bundle().fixed, bundle().audits), (202, None));
		run_to(208);
		assert!(bundle().audits.is_some());
		assert_eq!(state(id), ChannelState::Closed);
	});
}

#[test]
fn bundles_should_be_refunded_when_no_randomness_ever_comes() {
	run(|| {
		Relay::set(&Some((0, u32::MAX)));
		let batch = answered_batch(&items(3));
		let channel = accepted();
		assert_ok!(close_with(channel, &turns(channel, 4)));
		run_to(1000);
		assert_eq!(state(channel), ChannelState::Closed);
		run_to(1010);
		let reason = RefundReason::Unverified;
		assert_eq!(Poi::job_view(batch).unwrap().state, JobState::Refunded { reason });
		assert_eq!(state(channel), refunded(reason));
		assert_eq!((Balances::free_balance(REQUESTER), Exposed::get()[&WORKER]), (RICH, 0));
		assert!(Conducts::get().is_empty());
	});
}

#[test]
fn settling_should_draw_and_keep_that_when_nobody_looked_before() {
	run(|| {
		Relay::set(&Some((0, 0)));
		let batch = answered_batch(&items(3));
		let channel = accepted();
		assert_ok!(close_with(channel, &turns(channel, 4)));
		let bundle = |id| Poi::bundle_view(id).unwrap();
		// The randomness is forgotten by now.
		at_block(600);
		for id in [BundleId::Batch(batch), BundleId::Channel(channel)] {
			let settle = || match id {
				BundleId::Batch(job) => {
					Poi::settle(signed(OTHER), job).map(drop).map_err(|error| error.error)
				},
				BundleId::Channel(channel) => Poi::settle_channel(signed(OTHER), channel),
			};
			at_block(600);
			assert_ok!(settle());
			assert_eq!((bundle(id).fixed, bundle(id).audits), (600, None));
			at_block(604);
			assert_noop!(settle(), E::NotDrawn);
			at_block(605);
			assert_ok!(settle());
			assert!(bundle(id).audits.is_some());
			assert_noop!(settle(), E::PanelPending { opens_in: Wait::of(7) });
		}
	});
}

#[test]
fn fee_for_the_end_of_a_channel_should_come_back_when_a_shown_turn_is_sound() {
	run(|| {
		let weights = |forged: bool| {
			let id = accepted();
			let mut turns = turns(id, 4);
			if forged {
				turns[0].index = 7;
			}
			close_with(id, &turns).unwrap();
			let leaves: Vec<_> = turns.iter().map(|turn| turn.leaf()).collect();
			let path: crate::Path = merkle::path(&leaves, 0).unwrap().try_into().unwrap();
			let (channel, index, turn) = (id, 0, turns[0]);
			let call = crate::Call::<Test>::present_turn { channel, index, turn, path: path.clone() };
			let shown = Poi::present_turn(signed(OTHER), channel, index, turn, path).unwrap();
			(call.get_dispatch_info().call_weight, shown.actual_weight)
		};
		let shown = <()>::draw() + <()>::present_turn();
		let ended = shown + OverturnWeight::<Test>::get();
		assert_eq!(weights(false), (ended, Some(shown)));
		assert_eq!(weights(true), (ended, Some(ended)));
	});
}

#[test]
fn any_turn_should_be_disputable_when_it_is_shown() {
	run(|| {
		ChallengeWindow::set(&10);
		let id = accepted();
		let turns = turns(id, 8);
		assert_ok!(close_with(id, &turns));
		let audits = drawn(BundleId::Channel(id));
		for index in &audits {
			assert_ok!(show_turn(WORKER, id, &turns, *index));
		}
		let index = (0..8).find(|index| !audits.contains(index)).unwrap();
		let subject = Subject::Turn { channel: id, index };
		assert_eq!(Poi::suspend(subject), Err(NotDisputable::Unknown));
		assert_ok!(show_turn(OTHER, id, &turns, index));
		assert_eq!(held_for(HoldReason::ShownEntry, OTHER), 20);
		assert_eq!(ToldPanels::due(subject), None);
		let disputed = Poi::disputed(subject).unwrap();
		assert_eq!((disputed.claim, disputed.worker, disputed.input.len()), (small_claim(), WORKER, 5));
		assert_eq!(disputed.input.content_hash(), turns[0].input);

		decide_all(PanelOutcome::Confirmed, &GOOD);
		let other = Subject::Turn { channel: id, index: audits[0] };
		assert_ok!(Poi::suspend(subject));
		assert_ok!(Poi::suspend(subject));
		assert_ok!(Poi::suspend(other));
		check();
		assert_eq!((state(id), due(id)), (ChannelState::Disputed, u32::MAX));
		at_block(20);
		assert_noop!(Poi::settle_channel(signed(OTHER), id), E::Disputed);
		Poi::uphold(subject);
		assert_eq!(state(id), ChannelState::Disputed);
		at_block(21);
		Poi::uphold(other);
		assert_eq!((state(id), due(id)), (ChannelState::Closed, 31));
		Poi::uphold(other);
		check();
		assert_noop!(Poi::settle_channel(signed(OTHER), id), E::WindowOpen { opens_in: Wait::of(10) });
		run_to(32);
		assert_eq!(state(id), ChannelState::Paid);
		assert_eq!(Poi::suspend(subject), Err(NotDisputable::Settled));
		assert!(Poi::disputed(subject).is_none());
		run_to(80);
		assert_eq!((held_for(HoldReason::ShownEntry, OTHER), Balances::free_balance(OTHER)), (0, RICH));
	});
}

#[test]
fn whole_channel_should_be_refunded_when_one_turn_is_overturned() {
	run(|| {
		let id = confirmed();
		let turns = turns(id, 8);
		let audits = drawn(BundleId::Channel(id));
		let index = (0..8).find(|index| !audits.contains(index)).unwrap();
		let subject = |index| Subject::Turn { channel: id, index };
		assert_ok!(show_turn(OTHER, id, &turns, index));
		assert_ok!(Poi::suspend(subject(index)));
		assert_ok!(Poi::suspend(subject(audits[0])));
		assert_eq!(Poi::overturn(subject(audits[0])).into_inner(), GOOD);
		assert_eq!(state(id), refunded(RefundReason::Overturned));
		assert_eq!((locked(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH));
		assert!(Book::get().is_empty());
		check();
		// The other dispute has nothing left to decide.
		assert!(Poi::overturn(subject(index)).is_empty());
		Poi::uphold(subject(index));
		assert_eq!(state(id), refunded(RefundReason::Overturned));
		run_to(80);
		assert_eq!(held_for(HoldReason::ShownEntry, OTHER), 0);
	});
}

#[test]
fn deposits_should_come_back_some_at_a_time_when_many_turns_were_shown() {
	run(|| {
		let id = accepted();
		let turns = turns(id, 33);
		assert_ok!(close_with(id, &turns));
		let audits = drawn(BundleId::Channel(id));
		for index in 0..33 {
			let who = if audits.contains(&index) { WORKER } else { OTHER };
			assert_ok!(show_turn(who, id, &turns, index));
		}
		check();
		decide_all(PanelOutcome::Confirmed, &GOOD);
		assert_ok!(Poi::settle_channel(signed(OTHER), id));
		run_to(43);
		check();
		assert_eq!(Entries::<Test>::iter().count(), 25);
		run_to(60);
		assert!(Poi::channel_view(id).is_none());
		assert_eq!((Entries::<Test>::iter().count(), Balances::free_balance(OTHER)), (0, RICH));
	});
}
