//! Verification classes, tiers, ratings, receipts: what a requester can ask for beside the answer.

use crate::{job::Price, mock::*, Error, Event};
use noesis_primitives::{
	Balance, Conduct, GenerateParams, InputFormat, JobKind, JobSpec, JobState, PanelOutcome, Payload, Quote,
	QuoteError, RefundReason, Subject, Tier, Usage, Verification,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::Permill,
};
use proptest::prelude::*;

type E = Error<Test>;

/// Plain price of the tests' job at the most.
const PLAIN: Balance = FEE;

fn with(verification: Verification) -> JobSpec<AccountId> {
	JobSpec { verification, ..spec() }
}

fn at_tier(tier: Tier) -> JobSpec<AccountId> {
	JobSpec { tier, ..spec() }
}

fn answered_as(spec: JobSpec<AccountId>) -> noesis_primitives::JobId {
	let job = submit(spec);
	Poi::claim(signed(WORKER), job).unwrap();
	answer(WORKER, job).unwrap();
	job
}

#[test]
fn quote_should_count_the_validators_beyond_the_standard_panel() {
	run(|| {
		let fee = |verification| Poi::quote(&with(verification)).unwrap().fee;
		let seat = Permill::from_percent(5).mul_floor(PLAIN);
		assert_eq!(fee(Verification::Sampled), PLAIN);
		assert_eq!((fee(Verification::Panel(1)), fee(Verification::Panel(3))), (PLAIN, PLAIN));
		assert_eq!(fee(Verification::Panel(5)), PLAIN + 2 * seat);
		assert_eq!(fee(Verification::Replicated(1)), PLAIN);
		assert_eq!(fee(Verification::Replicated(3)), PLAIN + 6 * seat);
		for bad in [
			Verification::Panel(0),
			Verification::Panel(17),
			Verification::Replicated(0),
			Verification::Replicated(6),
		] {
			assert_eq!(Poi::quote(&with(bad)), Err(QuoteError::BadParameters));
			assert_noop!(Poi::submit(signed(REQUESTER), with(bad), RICH), E::BadParameters);
		}
	});
}

/// Such a job could only be refunded, and its worker would have worked for nothing.
#[test]
fn job_should_be_refused_when_there_are_too_few_validators_to_confirm_it() {
	run(|| {
		for (there, verification, needed) in [
			(0, Verification::Sampled, 1),
			(0, Verification::Panel(5), 1),
			(2, Verification::Replicated(1), 3),
			(14, Verification::Replicated(5), 15),
		] {
			Validators::set(&there);
			let spec = with(verification);
			assert_eq!(Poi::quote(&spec), Err(QuoteError::NoValidators { needed, there }));
			assert_noop!(Poi::submit(signed(REQUESTER), spec, RICH), E::NoValidators);
			let batch = noesis_primitives::BatchSpec { verification, ..batch_spec(4) };
			assert_noop!(Poi::submit_batch(signed(REQUESTER), batch, RICH), E::NoValidators);
			let channel = noesis_primitives::ChannelSpec { verification, ..channel_spec() };
			assert_noop!(Poi::open_channel(signed(REQUESTER), channel), E::NoValidators);
			Validators::set(&needed);
			assert_ok!(Poi::quote(&with(verification)));
		}
		// A panel settles for those that are there.
		Validators::set(&1);
		assert_ok!(Poi::submit(signed(REQUESTER), with(Verification::Panel(5)), RICH));
	});
}

#[test]
fn panel_should_open_as_the_requester_asked() {
	run(|| {
		let job = answered_as(with(Verification::Replicated(2)));
		assert_eq!(Book::get()[&Subject::Job(job)].verification, Verification::Replicated(2));
		assert_eq!(Poi::job_view(job).unwrap().spec, with(Verification::Replicated(2)));
	});
}

#[test]
fn surcharge_should_go_to_the_panel_and_only_for_those_who_spoke() {
	run(|| {
		let job = answered_as(with(Verification::Panel(6)));
		let verdicts = [(21, true), (22, true), (23, true), (24, true)];
		decide(job, PanelOutcome::Confirmed, &verdicts);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let seat = Permill::from_percent(5).mul_floor(COST);
		let settlement = Poi::job_view(job).unwrap().settlement.unwrap();
		assert_eq!(settlement.worker, COST * 70 / 100);
		assert_eq!(settlement.per_validator, (COST * 20 / 100 + seat) / 4);
		let escrow = PLAIN + 3 * Permill::from_percent(5).mul_floor(PLAIN);
		assert_eq!(settlement.refund, escrow - COST - seat);
	});
}

#[test]
fn worker_should_be_paid_and_the_panels_share_be_put_by_when_the_audit_is_waived() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Waived, &[]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(Poi::job_view(job).unwrap().state, JobState::Final { worker: WORKER });
		assert_eq!(Balances::free_balance(WORKER), EXISTENTIAL + COST * 70 / 100);
		assert_eq!(Balances::free_balance(FUND), EXISTENTIAL + COST * 20 / 100);
		assert_eq!(Balances::free_balance(POT), EXISTENTIAL + COST - COST * 70 / 100 - COST * 20 / 100);
		assert_eq!(Poi::job_view(job).unwrap().settlement.unwrap().saved, COST * 20 / 100);
		assert_eq!(Conducts::get(), vec![(WORKER, Conduct::Served)]);
	});
}

#[test]
fn requester_should_have_everything_back_without_blame_when_the_answer_was_a_canary() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Canary, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let state = Poi::job_view(job).unwrap().state;
		assert_eq!(state, JobState::Refunded { reason: RefundReason::Canary });
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
		assert!(Conducts::get().is_empty());
	});
}

#[test]
fn answer_should_be_refused_when_it_miscounts_an_input_of_tokens() {
	run(|| {
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Tokens, 10));
		let input = Payload::Inline(vec![1; 40].try_into().unwrap());
		let job = submit(JobSpec { kind, input, ..spec() });
		assert_ok!(Poi::claim(signed(WORKER), job));
		let answer = |input_tokens| {
			let usage = Usage { input_tokens, output_tokens: 9 };
			let leaves = FACTS.trace_leaves(usage.positions()).unwrap();
			Poi::answer(signed(WORKER), job, output(), noesis_primitives::Root([5; 32]), leaves, usage)
		};
		assert_noop!(answer(9), E::BadUsage);
		assert_noop!(answer(11), E::BadUsage);
		assert_ok!(answer(10));
	});
}

#[test]
fn open_jobs_should_list_the_premium_ones_first() {
	run(|| {
		UnitPrice::set(&0);
		let tiers = [Tier::Standard, Tier::Priority, Tier::Premium, Tier::Priority, Tier::Standard];
		let jobs: Vec<_> = tiers.map(|tier| submit(at_tier(tier))).into_iter().collect();
		let order = [2, 1, 3, 0, 4].map(|index: usize| jobs[index]);
		assert_eq!(open_jobs(CHECKPOINT, 9), order);
		assert_eq!(open_jobs(CHECKPOINT, 2), order[..2]);
		assert_ok!(Poi::claim(signed(WORKER), jobs[2]));
		assert_ok!(Poi::cancel(signed(REQUESTER), jobs[1]));
		assert_eq!(open_jobs(CHECKPOINT, 9), [jobs[3], jobs[0], jobs[4]]);
	});
}

#[test]
fn whole_surcharge_should_be_due_when_the_promise_is_kept() {
	run(|| {
		let fee = PLAIN + PLAIN / 2;
		assert_eq!(Poi::quote(&at_tier(Tier::Premium)), Ok(Quote { units: 2 * 89, fee }));
		let job = submit(at_tier(Tier::Premium));
		assert_ok!(Poi::claim(signed(WORKER), job));
		at_block(3);
		assert_ok!(answer(WORKER, job));
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		let cost = COST + COST / 2;
		assert_eq!(Balances::free_balance(REQUESTER), RICH - cost);
		assert_eq!(Balances::free_balance(WORKER), EXISTENTIAL + cost * 70 / 100);
		assert_eq!(Measured::get(), vec![(WORKER, 30, 2)]);
	});
}

#[test]
fn part_of_the_surcharge_should_come_back_when_the_answer_is_late() {
	run(|| {
		// Promised after two blocks, due after eight: five blocks are half of the way.
		let job = submit(at_tier(Tier::Premium));
		assert_ok!(Poi::claim(signed(WORKER), job));
		at_block(1 + 5);
		assert_ok!(answer(WORKER, job));
		let back = COST / 2 - COST / 4;
		System::assert_has_event(Event::Late { job, blocks: 3, refund: back }.into());
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(Balances::free_balance(REQUESTER), RICH - COST - COST / 4);
	});
}

#[test]
fn no_surcharge_should_be_due_when_the_answer_comes_at_the_deadline() {
	run(|| {
		let job = submit(at_tier(Tier::Priority));
		assert_ok!(Poi::claim(signed(WORKER), job));
		at_block(1 + 8);
		assert_ok!(answer(WORKER, job));
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(Balances::free_balance(REQUESTER), RICH - COST);
	});
}

#[test]
fn surcharge_should_stay_as_quoted_when_governance_changes_it() {
	run(|| {
		let job = submit(at_tier(Tier::Premium));
		PremiumSurcharge::set(&Permill::one());
		PremiumPromise::set(&0);
		assert_ok!(Poi::claim(signed(WORKER), job));
		at_block(3);
		assert_ok!(answer(WORKER, job));
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(Balances::free_balance(REQUESTER), RICH - COST - COST / 2);
	});
}

proptest! {
	#[test]
	fn surcharge_should_fall_with_every_block_and_never_exceed_the_escrow(
		promise in any::<u32>(), deadline in 1u32..2000, tokens in 0u64..1 << 33, less in 0u64..1 << 33,
		base in any::<u64>(), token in any::<u64>(), tier in 0u32..1_000_001, seat in 0u32..1_000_001,
		asked in 0u32..17, spoke in 0u32..17, taken in 0u32..2000,
	) {
		let price = Price {
			base: base.into(),
			token: token.into(),
			tier: Permill::from_parts(tier),
			promise,
			seat: Permill::from_parts(seat),
			included: 3,
		};
		prop_assert!(price.kept(taken, deadline) >= price.kept(taken + 1, deadline));
		if taken <= promise {
			prop_assert_eq!(price.kept(taken.min(deadline), deadline), Permill::one());
		} else if promise < deadline {
			prop_assert_eq!(price.kept(deadline, deadline), Permill::zero());
		}
		let escrow = price.cost(tokens, Permill::one(), asked).total();
		let cost = price.cost(less.min(tokens), price.kept(taken, deadline), spoke.min(asked)).total();
		prop_assert!(cost <= escrow);
	}
}

#[test]
fn rating_should_reach_the_worker_once_when_the_payer_gives_it() {
	run(|| {
		let job = answered();
		assert_noop!(Poi::rate(signed(REQUESTER), job, 5), E::NotFinal);
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_noop!(Poi::rate(signed(OTHER), job, 5), E::NotRequester);
		assert_noop!(Poi::rate(signed(REQUESTER), job, 0), E::BadStars);
		assert_noop!(Poi::rate(signed(REQUESTER), job, 6), E::BadStars);
		assert_ok!(Poi::rate(signed(REQUESTER), job, 4));
		System::assert_last_event(Event::Rated { job, worker: WORKER, stars: 4 }.into());
		assert_noop!(Poi::rate(signed(REQUESTER), job, 4), E::AlreadyRated);
		assert_eq!(Ratings::get(), vec![(WORKER, 4)]);
		assert_eq!(Poi::job_view(job).unwrap().rating, Some(4));

		let refunded = answered();
		decide(refunded, PanelOutcome::Rejected, &[]);
		assert_ok!(Poi::settle(signed(OTHER), refunded));
		assert_noop!(Poi::rate(signed(REQUESTER), refunded, 1), E::NotFinal);
	});
}

#[test]
fn rating_should_be_refused_when_an_operator_rates_its_own_work() {
	run(|| {
		Owners::set(&[(WORKER, 500), (REQUESTER, 500)].into());
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_noop!(Poi::rate(signed(REQUESTER), job, 5), E::OwnWork);
	});
}

#[test]
fn receipt_should_bind_question_answer_and_verdicts_when_a_job_is_final() {
	run(|| {
		let job = answered();
		let verdicts = vec![(21, true), (22, false)];
		decide(job, PanelOutcome::Confirmed, &verdicts);
		assert!(Issued::get().is_empty());
		assert_ok!(Poi::settle(signed(OTHER), job));
		let (owner, receipt) = Issued::get().pop().unwrap();
		assert_eq!((owner, receipt.subject), (REQUESTER, Subject::Job(job)));
		assert_eq!((receipt.checkpoint, receipt.kind, receipt.worker), (CHECKPOINT, spec().kind, WORKER));
		assert_eq!(receipt.input, spec().input.content_hash());
		assert_eq!(Some(receipt.claim), Poi::job_view(job).unwrap().claim);
		assert_eq!(receipt.verdicts.into_inner(), verdicts);

		let refunded = answered();
		decide(refunded, PanelOutcome::Rejected, &[]);
		assert_ok!(Poi::settle(signed(OTHER), refunded));
		assert_eq!(Issued::get().len(), 1);
	});
}
