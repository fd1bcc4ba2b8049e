//! Any order of calls over any time.

use crate::{mock::*, Canaries, Entropies, HoldReason, Panels as Stored};
use noesis_primitives::{JobId, PanelOutcome, Panels, Subject, Verification};
use polkadot_sdk::frame_support::traits::fungible::InspectHold;
use proptest::prelude::*;

/// A validator's number, what it finds, what it does, and how long it waits then.
type Step = (u64, i32, u8, u32);

fn verification() -> impl Strategy<Value = Verification> {
	prop_oneof![
		Just(Verification::Sampled),
		(0u8..9).prop_map(Verification::Panel),
		(0u8..4).prop_map(Verification::Replicated),
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(1_000))]

	#[test]
	fn panel_should_end_once_and_for_what_its_verdicts_say(
		size in 0u32..8,
		quorum in 0u32..8,
		verification in verification(),
		reputation in 0u16..=1000,
		steps in prop::collection::vec((0u64..8, 1i32..4, 0u8..8, 0u32..4), 1..14),
	) {
		ExtBuilder::default().validators(8).build().execute_with(|| {
			PanelSize::set(&size);
			Quorum::set(&quorum);
			WorkerReputation::set(&reputation);
			open_panel_as(verification);
			let mut ended = None;
			for (validator, content, action, wait) in steps as Vec<Step> {
				let who = FIRST + validator;
				let panel = Stored::<Test>::get(JOB).unwrap();
				let (had, acted) = (panel.has_spoken(&who), match action {
					0 => abstain(JOB, who).is_ok(),
					1 => {
						// A dispute may take a verdict out whatever the panel says; it may go on then.
						Poc::strike(JOB, &who);
						ended = None;
						false
					},
					_ => speak(who, &Trace::new(content, 9)).is_ok(),
				});
				prop_assert!(!(had && acted), "spoke again");
				let panel = Stored::<Test>::get(JOB).unwrap();
				let outcome = Poc::outcome(JOB);
				prop_assert!(ended.is_none() || (!acted && ended == Some(outcome)));
				prop_assert!(!panel.is_full() || Decided::get().contains(&JOB));
				let due = Poc::due(JOB).unwrap();
				if outcome == PanelOutcome::Pending {
					prop_assert!(due > System::block_number() && due <= panel.ends());
				} else {
					prop_assert_eq!(due, System::block_number());
					ended = Some(outcome);
				}
				Poc::do_try_state().unwrap();
				at_block(System::block_number() + wait);
			}

			at_block(ANSWERED + 100);
			let panel = Stored::<Test>::get(JOB).unwrap();
			let close = Poc::close(JOB).unwrap();
			let agree = close.verdicts.iter().filter(|(_, agrees)| *agrees).count();
			let disagree = close.verdicts.len() - agree;
			match close.outcome {
				PanelOutcome::Confirmed => prop_assert!(agree > disagree),
				PanelOutcome::Rejected => prop_assert!(disagree as u32 >= panel.terms.quorum && disagree > agree),
				PanelOutcome::Lapsed => prop_assert!((agree as u32) < panel.terms.quorum),
				PanelOutcome::Waived => prop_assert!(
					verification == Verification::Sampled && reputation > 0 && close.verdicts.is_empty()
				),
				PanelOutcome::Pending | PanelOutcome::Canary => prop_assert!(false, "{:?}", close.outcome),
			}
			prop_assert!(ended.is_none() || ended == Some(close.outcome));
			// Whoever found what was settled is noted for it, the others against it, and nobody pays.
			let settled = matches!(close.outcome, PanelOutcome::Confirmed | PanelOutcome::Rejected);
			prop_assert_eq!(Notes::get().len(), if settled { close.verdicts.len() } else { 0 });
			prop_assert!(Slashes::get().is_empty());
			prop_assert_eq!(Entropies::<Test>::iter().count(), 0);
			Poc::do_try_state().unwrap();
			Ok(())
		})?;
	}

	#[test]
	fn chain_should_keep_every_planck_and_lose_no_panel_whatever_is_called(
		steps in prop::collection::vec((0u8..16, 0u64..2, 0u64..6, 0u8..3, 0u32..4), 1..60),
	) {
		ExtBuilder::default().validators(6).build().execute_with(|| {
			let money_before = money();
			WorkerReputation::set(&200);
			let mut canaries: Vec<(u8, u32, Option<u64>)> = Vec::new();
			for (action, job, validator, salt, wait) in steps {
				let (subject, who) = (Subject::Job(JobId(job)), FIRST + validator);
				let signed = RuntimeOrigin::signed;
				let seeded = Poc::seed(subject).is_some();
				let planned = canaries.iter().find(|(_, _, on)| *on == Some(job)).copied();
				let served = planned.map_or_else(honest, |(salt, at, _)| arrange(salt, at).trace);
				match action {
					0 => {
						if Poc::commit_canary(signed(PROPOSER), commitment(salt), CHECKPOINT).is_ok() {
							canaries.push((salt, System::block_number(), None));
						}
					},
					1 | 2 => {
						// An answer: as arranged, if there is a canary whose mark is known.
						let now = System::block_number();
						let plan = canaries.iter().position(|(_, at, on)| on.is_none() && *at < now);
						let claim = plan.map_or(honest().claim, |i| arrange(canaries[i].0, canaries[i].1).trace.claim);
						let opened = Poc::open(subject, claim, CHECKPOINT, WORKER, REQUESTER, Verification::Sampled);
						if let (Ok(()), Some(i)) = (opened, plan) {
							canaries[i].2 = Some(job);
						}
					},
					3..=8 if seeded => {
						let _ = send_on(subject, who, verdict_on(subject, who, &served));
					},
					9 | 10 if seeded => {
						let _ = send_on(subject, who, verdict_on(subject, who, &honest()));
					},
					11 if seeded => drop(abstain(subject, who)),
					12 => {
						if let Some((salt, at, _)) = planned {
							let c = arrange(salt, at);
							let leaf = c.trace.open(c.index);
							let truth = c.truth.claim.hash();
							let done = Poc::reveal_canary(
								signed(REQUESTER), subject, PROPOSER, truth, c.salt, c.index, leaf,
							);
							if done.is_ok() {
								canaries.retain(|(_, _, on)| *on != Some(job));
							}
						}
					},
					13 => {
						if Poc::expire_canary(signed(who), PROPOSER, commitment(salt)).is_ok() {
							canaries.retain(|(of, _, _)| *of != salt);
						}
					},
					14 => Poc::strike(subject, &who),
					_ => {
						if Poc::close(subject).is_some() {
							// The job's number is free for another answer.
							let mut decided = Decided::get();
							decided.remove(&subject);
							Decided::set(&decided);
							canaries.retain(|(_, _, on)| *on != Some(job));
						}
					},
				}
				prop_assert_eq!(money(), money_before);
				Poc::do_try_state().unwrap();
				at_block(System::block_number() + wait);
			}

			// Whatever happened, everything ends.
			at_block(System::block_number() + 200);
			for job in 0..2 {
				let subject = Subject::Job(JobId(job));
				if Poc::due(subject).is_some() {
					prop_assert!(Poc::close(subject).is_some());
				}
			}
			for salt in 0..3 {
				let _ = Poc::expire_canary(RuntimeOrigin::signed(9), PROPOSER, commitment(salt));
			}
			prop_assert_eq!(Stored::<Test>::iter().count() + Canaries::<Test>::iter().count(), 0);
			prop_assert_eq!(Entropies::<Test>::iter().count(), 0);
			prop_assert_eq!(Balances::balance_on_hold(&HoldReason::Canary.into(), &PROPOSER), 0);
			prop_assert_eq!(money(), money_before);
			Poc::do_try_state().unwrap();
			Ok(())
		})?;
	}
}
