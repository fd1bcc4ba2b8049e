//! Any order of calls over any time: what must hold holds after each, and no money is made or lost.

use crate::{mock::*, Jobs};
use noesis_primitives::{Balance, JobId, PanelOutcome, Root, Subject, Usage};
use polkadot_sdk::{frame_support::traits::fungible::Inspect, sp_runtime::Permill};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	Submit { requester: u64, named: Option<u64>, deadline: u32 },
	Claim { worker: u64, job: u64 },
	Release { worker: u64, job: u64 },
	Answer { worker: u64, job: u64, input: u32, output: u32 },
	Cancel { requester: u64, job: u64 },
	Expire { job: u64 },
	Settle { job: u64 },
	Decide { job: u64, outcome: u8, verdicts: Vec<(u64, bool)>, full: bool },
	Prices { base: Balance, unit: Balance, worker: u8, panel: u8 },
	Run { blocks: u32, served: bool },
}

fn step() -> impl Strategy<Value = Step> {
	let job = || 0u64..12;
	let worker = || WORKER..WORKER + 3;
	let validator = prop_oneof![21u64..25, 1000u64..1004];
	prop_oneof![
		4 => (1u64..3, prop::option::of(worker()), 0u32..12)
			.prop_map(|(requester, named, deadline)| Step::Submit { requester, named, deadline }),
		6 => (worker(), job()).prop_map(|(worker, job)| Step::Claim { worker, job }),
		1 => (worker(), job()).prop_map(|(worker, job)| Step::Release { worker, job }),
		6 => (worker(), job(), 0u32..81, 0u32..12)
			.prop_map(|(worker, job, input, output)| Step::Answer { worker, job, input, output }),
		1 => (1u64..3, job()).prop_map(|(requester, job)| Step::Cancel { requester, job }),
		1 => job().prop_map(|job| Step::Expire { job }),
		2 => job().prop_map(|job| Step::Settle { job }),
		4 => (job(), 0u8..3, prop::collection::vec((validator, any::<bool>()), 0..6), any::<bool>())
			.prop_map(|(job, outcome, verdicts, full)| Step::Decide { job, outcome, verdicts, full }),
		1 => (0u128..50, 0u128..4, 0u8..101, 0u8..101)
			.prop_map(|(base, unit, worker, panel)| Step::Prices { base, unit, worker, panel }),
		4 => (1u32..20, any::<bool>()).prop_map(|(blocks, served)| Step::Run { blocks, served }),
	]
}

fn take(step: Step) {
	let _ = match step {
		Step::Submit { requester, named, deadline } => {
			let spec = noesis_primitives::JobSpec { worker: named, deadline, ..spec() };
			Poi::submit(signed(requester), spec, RICH)
		},
		Step::Claim { worker, job } => Poi::claim(signed(worker), JobId(job)),
		Step::Release { worker, job } => Poi::release(signed(worker), JobId(job)),
		Step::Answer { worker, job, input, output: produced } => {
			let usage = Usage { input_tokens: input, output_tokens: produced };
			let leaves = FACTS.trace_leaves(usage.positions()).unwrap();
			Poi::answer(signed(worker), JobId(job), output(), Root([1; 32]), leaves, usage)
		},
		Step::Cancel { requester, job } => Poi::cancel(signed(requester), JobId(job)),
		Step::Expire { job } => Poi::expire(signed(OTHER), JobId(job)),
		Step::Settle { job } => Poi::settle(signed(OTHER), JobId(job)),
		Step::Decide { job, outcome, verdicts, full } => {
			let outcomes = [PanelOutcome::Confirmed, PanelOutcome::Rejected, PanelOutcome::Lapsed];
			if Book::get().contains_key(&Subject::Job(JobId(job))) {
				let decide = if full { decide_in_full } else { decide };
				decide(JobId(job), outcomes[usize::from(outcome)], &verdicts);
			}
			Ok(())
		},
		Step::Prices { base, unit, worker, panel } => {
			BaseFee::set(&base);
			UnitPrice::set(&unit);
			WorkerShare::set(&Permill::from_percent(worker.into()));
			PanelShare::set(&Permill::from_percent(panel.into()));
			Ok(())
		},
		Step::Run { blocks, served } => {
			let now = System::block_number() + blocks;
			if served {
				run_to(now)
			} else {
				at_block(now)
			};
			Ok(())
		},
	};
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(192))]

	#[test]
	fn schedule_should_keep_every_invariant_and_every_planck(steps in prop::collection::vec(step(), 1..80)) {
		new_test_ext().execute_with(|| {
			let issued = <Balances as Inspect<_>>::total_issuance();
			let everybody = || -> Balance {
				polkadot_sdk::frame_system::Account::<Test>::iter_values()
					.map(|account| account.data.free + account.data.reserved)
					.sum()
			};
			for step in steps {
				take(step);
				check();
				prop_assert_eq!(everybody(), issued);
			}

			// Left alone, every job ends, and nothing stays held.
			let undecided: Vec<_> = Book::get().into_keys().collect();
			undecided.iter().for_each(|Subject::Job(job)| decide(*job, PanelOutcome::Lapsed, &[]));
			run_to(System::block_number() + 400);
			check();
			prop_assert_eq!(Jobs::<Test>::iter().count(), 0);
			prop_assert_eq!(held(REQUESTER) + held(OTHER), 0);
			prop_assert_eq!(everybody(), issued);
			Ok(())
		})?;
	}
}
