//! Where the money goes.

use crate::{mock::*, Error, Event};
use noesis_primitives::{Balance, Conduct, JobId, JobState, PanelOutcome, RefundReason, Settlement, Subject};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::fungible::Mutate, traits::tokens},
	sp_runtime::Permill,
};

type E = Error<Test>;

const ALL: [(AccountId, bool); 3] = [(21, true), (22, true), (23, true)];

fn settlement(job: JobId) -> Settlement<AccountId> {
	Poi::job_view(job).unwrap().settlement.unwrap()
}

fn gained(who: AccountId) -> Balance {
	Balances::free_balance(who) - EXISTENTIAL
}

#[test]
fn settle_should_pay_by_shares_when_the_panel_confirms() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &ALL);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let worker = COST * 70 / 100;
		let each = COST * 20 / 100 / 3;
		let pot = COST - worker - 3 * each;
		let expected = Settlement {
			verdicts: ALL.to_vec().try_into().unwrap(),
			worker,
			per_validator: each,
			pot,
			saved: 0,
			bonus: 0,
			refund: FEE - COST,
		};
		assert_eq!(settlement(job), expected);
		assert_eq!(expected.worker + 3 * expected.per_validator + expected.pot + expected.refund, FEE);
		assert_eq!((gained(WORKER), gained(21), gained(22), gained(23)), (worker, each, each, each));
		assert_eq!(gained(POT), pot);
		assert_eq!((held(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH - COST));
		assert_eq!(Poi::job_view(job).unwrap().state, JobState::Final { worker: WORKER });
		assert_eq!(Exposed::get()[&WORKER], 0);
		let (per_validator, saved, bonus, refund) = (each, 0, 0, FEE - COST);
		let event = Event::Settled { job, worker_paid: worker, per_validator, pot, saved, bonus, refund };
		System::assert_last_event(event.into());
		assert_noop!(Poi::settle(signed(OTHER), job), E::NotAnswered);
	});
}

#[test]
fn settle_should_pay_only_those_who_agree_when_the_panel_confirms() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &[(21, true), (22, false), (23, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!((gained(21), gained(22), gained(23)), (COST / 10, 0, COST / 10));
	});
}

#[test]
fn settle_should_refund_and_mark_when_the_panel_rejects() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Rejected, &[(21, false), (22, true), (23, false)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let state = Poi::job_view(job).unwrap().state;
		assert_eq!(state, JobState::Refunded { reason: RefundReason::Rejected });
		assert_eq!((held(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH));
		assert_eq!(noted(WORKER, Conduct::Rejected), 1);
		assert_eq!((gained(WORKER), gained(21), gained(22), gained(POT)), (0, 0, 0, 0));
		assert_eq!(settlement(job).refund, FEE);
		assert_eq!(settlement(job).verdicts.len(), 3);
	});
}

#[test]
fn settle_should_refund_without_a_mark_when_the_panel_lapses() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Lapsed, &[]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let state = Poi::job_view(job).unwrap().state;
		assert_eq!(state, JobState::Refunded { reason: RefundReason::Unverified });
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
		assert!(Conducts::get().is_empty());
	});
}

#[test]
fn settle_should_wait_when_the_panel_is_pending() {
	run(|| {
		let open = submit(spec());
		assert_noop!(Poi::settle(signed(OTHER), open), E::NotAnswered);
		assert_noop!(Poi::settle(signed(OTHER), JobId(77)), E::NoJob);
		let job = answered();
		assert_noop!(Poi::settle(signed(OTHER), job), E::PanelPending { opens_in: Wait::of(6) });
		at_block(30);
		assert_noop!(Poi::expire(signed(OTHER), job), E::WrongState);
	});
}

#[test]
fn settle_should_refund_when_the_panel_was_lost() {
	run(|| {
		let job = answered();
		change(Book::get, Book::set, |book| drop(book.remove(&Subject::Job(job))));
		assert_ok!(Poi::settle(signed(OTHER), job));
		let state = Poi::job_view(job).unwrap().state;
		assert_eq!(state, JobState::Refunded { reason: RefundReason::Unverified });
	});
}

#[test]
fn share_should_go_to_the_pot_when_its_receiver_cannot_take_it() {
	run(|| {
		// Accounts that do not exist, and a share below the existential deposit.
		BaseFee::set(&0);
		UnitPrice::set(&1);
		let job = answered();
		let cost = 60;
		decide(job, PanelOutcome::Confirmed, &[(1001, true), (1002, true), (21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let each = cost * 20 / 100 / 3;
		assert!(each < EXISTENTIAL);
		assert_eq!((Balances::free_balance(1001), gained(21), gained(WORKER)), (0, each, 42));
		assert_eq!(gained(POT), cost - 42 - each);
		assert_eq!(Balances::free_balance(REQUESTER), RICH - cost);
	});
}

#[test]
fn share_should_go_back_to_the_requester_when_even_the_pot_cannot_take_it() {
	run(|| {
		BaseFee::set(&0);
		UnitPrice::set(&1);
		for (who, to) in [(POT, OTHER), (WORKER, OTHER)] {
			let all = Balances::free_balance(who);
			<Balances as Mutate<_>>::transfer(&who, &to, all, tokens::Preservation::Expendable).unwrap();
		}
		WorkerShare::set(&Permill::from_percent(10));
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		// 6 to a worker who is gone, 12 to the validator, 48 to the pot: enough to bring it into being.
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!((Balances::free_balance(WORKER), Balances::free_balance(POT)), (0, 48));

		let all = Balances::free_balance(POT);
		<Balances as Mutate<_>>::transfer(&POT, &OTHER, all, tokens::Preservation::Expendable).unwrap();
		PanelShare::set(&Permill::from_percent(85));
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		// 6 to nobody, 51 to the validator, 3 left: 9 that the pot can't take either.
		assert_eq!(settlement(job).pot, 0);
		assert_eq!(settlement(job).refund, 2 * 89 - 51);
		assert_eq!(Balances::free_balance(REQUESTER), RICH - 60 - 51);
		assert_eq!(held(REQUESTER), 0);
	});
}

#[test]
fn shares_should_not_exceed_the_cost_when_governance_sets_them_too_high() {
	run(|| {
		WorkerShare::set(&Permill::from_percent(80));
		PanelShare::set(&Permill::from_percent(80));
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let worker = COST * 80 / 100;
		assert_eq!((gained(WORKER), gained(21), gained(POT)), (worker, COST - worker, 0));
	});
}

#[test]
fn settle_should_work_when_the_requester_is_the_worker_or_the_pot() {
	run(|| {
		let job = submit(spec());
		Poi::claim(signed(REQUESTER), job).unwrap();
		answer(REQUESTER, job).unwrap();
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(Balances::free_balance(REQUESTER), RICH - COST + COST * 70 / 100);
		assert_eq!(held(REQUESTER), 0);
	});
}

#[test]
fn settle_should_leave_the_other_escrows_alone_when_a_requester_has_several() {
	run(|| {
		let first = answered();
		let second = answered();
		decide(first, PanelOutcome::Confirmed, &ALL);
		assert_ok!(Poi::settle(signed(OTHER), first));
		assert_eq!(held(REQUESTER), FEE);
		assert_eq!(Exposed::get()[&WORKER], FEE);
		decide(second, PanelOutcome::Rejected, &[]);
		assert_ok!(Poi::settle(signed(OTHER), second));
		assert_eq!((held(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH - COST));
	});
}

#[test]
fn settle_should_work_when_jobs_are_free() {
	run(|| {
		BaseFee::set(&0);
		UnitPrice::set(&0);
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &ALL);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!((gained(WORKER), gained(POT), held(REQUESTER)), (0, 0, 0));
	});
}
