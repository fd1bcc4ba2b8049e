//! Batches: many inputs, one job.

use crate::{mock::*, Bundles, Entries, Error};
use noesis_primitives::{
	BatchInputs, BatchSpec, BundleId, Claim, ContentHash, Disputable, GenerateParams, InputFormat, JobId,
	JobKind, JobState, PanelOutcome, QuoteError, RefundReason, Root, Subject, Usage,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

type E = Error<Test>;

const GOOD: [(AccountId, bool); 1] = [(21, true)];

fn state(job: JobId) -> JobState<AccountId> {
	Poi::job_view(job).unwrap().state
}

#[test]
fn batch_should_be_paid_once_when_its_drawn_items_are_confirmed() {
	run(|| {
		let items = items(20);
		let fee = Poi::quote_batch(&batch_spec(20)).unwrap().fee;
		// The base for two panels; three tokens a byte and the template of every item, one more template, and ten tokens each.
		assert_eq!(fee, 2 * 100 + 3 * 2 * (3 * 100 + 64 + 64 * 20 + 10 * 20));
		let job = answered_batch(&items);
		assert_eq!((held(REQUESTER), Exposed::get()[&WORKER]), (fee, fee));
		let view = Poi::job_view(job).unwrap();
		assert_eq!((view.batch, view.claim.unwrap().leaves), (Some(batch_spec(20).inputs), 20));
		let audits = drawn(BundleId::Batch(job));
		for index in &audits {
			// What is not shown, then the first panel.
			let opens_in = Wait::of(if *index == audits[0] { 7 } else { 6 });
			assert_noop!(Poi::settle(signed(OTHER), job), E::PanelPending { opens_in });
			assert_ok!(show_item(WORKER, job, &items, *index));
		}
		decide_all(PanelOutcome::Confirmed, &GOOD);
		assert_ok!(Poi::settle(signed(OTHER), job));
		assert_eq!(state(job), JobState::Final { worker: WORKER });
		let cost = batch_cost(20);
		assert_eq!(Balances::free_balance(REQUESTER), RICH - cost);
		assert_eq!(Balances::free_balance(WORKER), EXISTENTIAL + cost * 70 / 100);
		assert_eq!(
			Balances::free_balance(21),
			EXISTENTIAL + cost * 20 / 100 / audits.len() as u128 * audits.len() as u128
		);
		assert_eq!(Issued::get().len(), 1);
		run_to(60);
		assert!(Poi::job_view(job).is_none());
		assert!(Bundles::<Test>::iter().next().is_none() && Entries::<Test>::iter().next().is_none());
	});
}

#[test]
fn submit_should_be_refused_when_a_batch_does_not_fit_its_figures() {
	run(|| {
		let bad = |change: fn(&mut BatchInputs)| {
			let mut spec = batch_spec(4);
			change(&mut spec.inputs);
			spec
		};
		let tokens = JobKind::Generate(GenerateParams::greedy(InputFormat::Tokens, 10));
		for spec in [
			bad(|inputs| inputs.count = 0),
			bad(|inputs| inputs.count = 4097),
			bad(|inputs| inputs.bytes = 21),
			bad(|inputs| inputs.bytes = 7),
			bad(|inputs| inputs.longest = 0),
			BatchSpec { kind: tokens, ..batch_spec(4) },
			BatchSpec { deadline: 0, ..batch_spec(4) },
		] {
			assert_eq!(Poi::quote_batch(&spec), Err(QuoteError::BadParameters), "{spec:?}");
			assert_noop!(Poi::submit_batch(signed(REQUESTER), spec, RICH), E::BadParameters);
		}
		let long = bad(|inputs| (inputs.longest, inputs.bytes) = (3000, 3003));
		assert_noop!(Poi::submit_batch(signed(REQUESTER), long, RICH), E::TooLong);
		assert_noop!(
			Poi::submit_batch(signed(REQUESTER), batch_spec(4), 10),
			E::FeeTooHigh { short_by: Lack::of(1, 0) }
		);
	});
}

#[test]
fn answer_should_be_refused_when_it_is_not_one_leaf_for_each_item() {
	run(|| {
		let job = JobId(0);
		Poi::submit_batch(signed(REQUESTER), batch_spec(4), RICH).unwrap();
		Poi::claim(signed(WORKER), job).unwrap();
		let answer = |leaves, input_tokens, output_tokens| {
			let usage = Usage { input_tokens, output_tokens };
			Poi::answer(signed(WORKER), job, output(), Root([1; 32]), leaves, usage)
		};
		assert_noop!(answer(3, 8, 8), E::BadTrace);
		assert_noop!(answer(5, 8, 8), E::BadTrace);
		assert_noop!(answer(4, 3, 8), E::BadUsage);
		assert_noop!(answer(4, 8, 3), E::BadUsage);
		assert_noop!(answer(4, 8, 41), E::BadUsage);
		assert_ok!(answer(4, 8, 40));
		assert!(Book::get().is_empty());
	});
}

#[test]
fn item_should_be_refused_when_its_path_or_input_is_anothers() {
	run(|| {
		let items = items(9);
		let job = answered_batch(&items);
		let mut forged = items.clone();
		forged[3].output_bytes = 10;
		assert_noop!(show_item(WORKER, job, &forged, 3), E::BadPath);
		let (item, input) = (items[3], items[3].input);
		let nowhere = || vec![[0; 32]; 4].try_into().unwrap();
		assert_noop!(
			Poi::present_item(signed(WORKER), job, 3, (item, nowhere()), None, (input, nowhere())),
			E::BadPath
		);
		let leaves: Vec<_> = items.iter().map(|item| item.leaf()).collect();
		let path = |index| noesis_primitives::merkle::path(&leaves, index).unwrap().try_into().unwrap();
		for before in [None, Some((items[1], path(1))), Some((items[2], path(1)))] {
			assert_noop!(
				Poi::present_item(signed(WORKER), job, 3, (item, path(3)), before, (input, path(3))),
				E::BadPath
			);
		}
		let single = answered();
		assert_noop!(show_item(WORKER, single, &items, 3), E::NoBundle);
		assert_noop!(show_item(WORKER, JobId(77), &items, 3), E::NoBundle);
	});
}

#[test]
fn batch_should_be_refunded_when_an_item_is_overturned() {
	run(|| {
		let items = items(9);
		let job = answered_batch(&items);
		let index = drawn(BundleId::Batch(job))[0];
		assert_ok!(show_item(OTHER, job, &items, index));
		let subject = Subject::Item { batch: job, index };
		decide_all(PanelOutcome::Confirmed, &GOOD);
		assert!(Poi::disputed(Subject::Job(job)).is_none());
		assert!(Poi::suspend(Subject::Job(job)).is_err());
		assert_ok!(Poi::suspend(subject));
		assert_eq!(state(job), JobState::Disputed { worker: WORKER });
		assert_noop!(Poi::settle(signed(OTHER), job), E::Disputed);
		assert_eq!(Poi::overturn(subject).into_inner(), GOOD);
		assert_eq!(state(job), JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!((held(REQUESTER), Balances::free_balance(REQUESTER)), (0, RICH));
		assert!(Book::get().is_empty());
	});
}

#[test]
fn batch_should_go_on_when_the_item_was_upheld() {
	run(|| {
		ChallengeWindow::set(&10);
		let items = items(3);
		let job = answered_batch(&items);
		for index in drawn(BundleId::Batch(job)) {
			assert_ok!(show_item(WORKER, job, &items, index));
		}
		decide_all(PanelOutcome::Confirmed, &GOOD);
		let index = drawn(BundleId::Batch(job))[0];
		assert_ok!(Poi::suspend(Subject::Item { batch: job, index }));
		at_block(20);
		Poi::uphold(Subject::Item { batch: job, index });
		assert_eq!(Poi::job_view(job).unwrap().due, 30);
		run_to(30);
		assert_eq!(state(job), JobState::Answered { worker: WORKER });
		run_to(31);
		assert_eq!(state(job), JobState::Final { worker: WORKER });
	});
}

#[test]
fn batch_should_be_refunded_when_a_drawn_item_is_withheld() {
	run(|| {
		let job = answered_batch(&items(30));
		run_to(20);
		assert_eq!(state(job), JobState::Refunded { reason: RefundReason::Withheld });
		assert_eq!(Balances::free_balance(REQUESTER), RICH);
	});
}

#[test]
fn nobody_should_be_blamed_when_the_requesters_list_is_not_in_order() {
	run(|| {
		// Place 1 of the requester's tree holds an empty input.
		let mut inputs = asked(2);
		inputs[1].len = 0;
		let leaves: Vec<_> = inputs.iter().map(|input| input.leaf()).collect();
		let mut spec = batch_spec(2);
		spec.inputs.root = Root(noesis_primitives::merkle::root(&leaves));
		Poi::submit_batch(signed(REQUESTER), spec, RICH).unwrap();
		Poi::claim(signed(WORKER), JobId(0)).unwrap();
		let mut items = items(2);
		items.iter_mut().zip(&inputs).for_each(|(item, input)| item.input = *input);
		answer_batch(WORKER, JobId(0), &items).unwrap();
		at_block(2);
		let path =
			|leaves: &[_], index| noesis_primitives::merkle::path(leaves, index).unwrap().try_into().unwrap();
		let answers: Vec<_> = items.iter().map(|item| item.leaf()).collect();
		let (item, before) = ((items[1], path(&answers, 1)), (items[0], path(&answers, 0)));
		assert_noop!(
			Poi::present_item(signed(OTHER), JobId(0), 1, item, Some(before), (inputs[1], path(&leaves, 1))),
			E::BadInput
		);
		assert!(Slashes::get().is_empty());
	});
}

#[test]
fn claim_of_a_batch_should_name_the_list_of_outputs() {
	run(|| {
		let items = items(2);
		let job = answered_batch(&items);
		let leaves: Vec<_> = items.iter().map(|item| item.leaf()).collect();
		let usage = Usage { input_tokens: 16, output_tokens: 16 };
		let output: ContentHash = output().content_hash();
		let root = Root(noesis_primitives::merkle::root(&leaves));
		assert_eq!(Poi::job_view(job).unwrap().claim, Some(Claim { root, leaves: 2, output, usage }));
	});
}
