//! Quotes, submission, cancelling.

use crate::{mock::*, Error, Event, NextJob};
use noesis_primitives::{
	ContentHash, GenerateParams, InputFormat, JobId, JobKind, JobSpec, JobState, Payload, Quote, QuoteError,
	RefundReason,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

type E = Error<Test>;

fn with_params(change: impl FnOnce(&mut GenerateParams)) -> JobSpec<AccountId> {
	let JobKind::Generate(mut params) = spec().kind;
	change(&mut params);
	JobSpec { kind: JobKind::Generate(params), ..spec() }
}

fn inline(bytes: usize) -> Payload {
	Payload::Inline(vec![b'a'; bytes].try_into().unwrap())
}

#[test]
fn quote_should_count_the_most_tokens_when_the_spec_is_sound() {
	run(|| {
		assert_eq!(Poi::quote(&spec()), Ok(Quote { units: 2 * 89, fee: FEE }));
		let mut tokens = with_params(|p| p.format = InputFormat::Tokens);
		tokens.input = inline(40);
		assert_eq!(Poi::quote(&tokens), Ok(Quote { units: 2 * 20, fee: 100 + 3 * 2 * 20 }));
	});
}

#[test]
fn quote_should_say_why_when_there_is_none() {
	run(|| {
		let bad = [
			with_params(|p| p.max_tokens = 0),
			with_params(|p| p.top_p = 0),
			JobSpec { input: inline(0), ..spec() },
			JobSpec { input: inline(7), ..with_params(|p| p.format = InputFormat::Tokens) },
			JobSpec { deadline: 0, ..spec() },
			JobSpec { deadline: 31, ..spec() },
		];
		for spec in bad {
			assert_eq!(Poi::quote(&spec), Err(QuoteError::BadParameters), "{spec:?}");
			assert_noop!(Poi::submit(signed(REQUESTER), spec, RICH), E::BadParameters);
		}
		let unknown = JobSpec { checkpoint: noesis_primitives::CheckpointId(8), ..spec() };
		assert_noop!(Poi::submit(signed(REQUESTER), unknown, RICH), E::UnknownCheckpoint);

		let huge = Payload::Stored { hash: ContentHash([0; 32]), len: u32::MAX, locator: Default::default() };
		let long = JobSpec { input: huge, ..with_params(|p| p.max_tokens = u32::MAX) };
		assert_eq!(Poi::quote(&long), Err(QuoteError::TooLong { tokens: u32::MAX, context: 8192 }));
		assert_noop!(Poi::submit(signed(REQUESTER), long, RICH), E::TooLong);
		assert_ok!(Poi::quote(&with_params(|p| p.max_tokens = 8192 - 79)));
		assert!(Poi::quote(&with_params(|p| p.max_tokens = 8192 - 78)).is_err());

		change(Known::get, Known::set, |known| known.get_mut(&CHECKPOINT).unwrap().active = false);
		assert_noop!(Poi::submit(signed(REQUESTER), spec(), RICH), E::CheckpointDeprecated);
	});
}

#[test]
fn quote_should_not_overflow_when_prices_are_absurd() {
	run(|| {
		UnitPrice::set(&u128::MAX);
		BaseFee::set(&u128::MAX);
		assert_eq!(Poi::quote(&spec()).unwrap().fee, u128::MAX);
		assert_noop!(
			Poi::submit(signed(REQUESTER), spec(), RICH),
			E::FeeTooHigh { short_by: Lack::of(u128::MAX, 0) }
		);
	});
}

#[test]
fn submit_should_hold_the_fee_when_the_requester_agrees_to_it() {
	run(|| {
		assert_noop!(
			Poi::submit(signed(REQUESTER), spec(), FEE - 1),
			E::FeeTooHigh { short_by: Lack::of(1, 0) }
		);
		assert_ok!(Poi::submit(signed(REQUESTER), spec(), FEE));
		assert_eq!(held(REQUESTER), FEE);
		assert_eq!(Balances::free_balance(REQUESTER), RICH - FEE);
		assert_eq!(NextJob::<Test>::get(), JobId(1));
		let event =
			Event::Submitted { job: JobId(0), requester: REQUESTER, checkpoint: CHECKPOINT, fee: FEE };
		System::assert_last_event(event.into());
	});
}

#[test]
fn submit_should_be_refused_when_the_requester_cannot_pay() {
	run(|| {
		assert!(Poi::submit(signed(WORKER), spec(), RICH).is_err());
		assert_eq!(held(WORKER), 0);
		assert_eq!(NextJob::<Test>::get(), JobId(0));
	});
}

#[test]
fn job_should_keep_its_price_when_governance_changes_it() {
	run(|| {
		let job = submit(spec());
		UnitPrice::set(&50);
		BaseFee::set(&9_999);
		WorkerShare::set(&polkadot_sdk::sp_runtime::Permill::from_percent(50));
		Poi::claim(signed(WORKER), job).unwrap();
		answer(WORKER, job).unwrap();
		decide(job, noesis_primitives::PanelOutcome::Confirmed, &[(VALIDATORS[0], true)]);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(Poi::job_view(job).unwrap().settlement.unwrap().refund, FEE - COST);
	});
}

#[test]
fn cancel_should_refund_the_requester_when_the_job_is_open() {
	run(|| {
		let job = submit(spec());
		assert_noop!(Poi::cancel(signed(OTHER), job), E::NotRequester);
		assert_ok!(Poi::cancel(signed(REQUESTER), job));
		assert_eq!((held(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH));
		let state = Poi::job_view(job).unwrap().state;
		assert_eq!(state, JobState::Refunded { reason: RefundReason::Cancelled });
		assert_noop!(Poi::cancel(signed(REQUESTER), job), E::NotOpen);
		assert_noop!(Poi::cancel(signed(REQUESTER), JobId(5)), E::NoJob);
	});
}

#[test]
fn cancel_should_be_refused_when_a_worker_has_the_job() {
	run(|| {
		let job = submit(spec());
		Poi::claim(signed(WORKER), job).unwrap();
		assert_noop!(Poi::cancel(signed(REQUESTER), job), E::NotOpen);
	});
}
