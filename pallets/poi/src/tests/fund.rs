//! What validators live on: the shares of the panels that did not have to speak.

use crate::mock::*;
use noesis_primitives::{Balance, PanelOutcome, Settlement};
use polkadot_sdk::frame_support::assert_ok;
use proptest::prelude::*;

const SHARE: Balance = COST * 20 / 100;

fn fund() -> Balance {
	Balances::free_balance(FUND) - EXISTENTIAL
}

fn settled(outcome: PanelOutcome, verdicts: &[(AccountId, bool)]) -> Settlement<AccountId> {
	let job = answered();
	decide(job, outcome, verdicts);
	assert_ok!(Poi::settle(signed(OTHER), job));
	Poi::job_view(job).unwrap().settlement.unwrap()
}

fn waived() -> Settlement<AccountId> {
	settled(PanelOutcome::Waived, &[])
}

#[test]
fn panel_should_get_the_shares_of_those_that_did_not_have_to_speak() {
	run(|| {
		// One answer in four is audited.
		Audit::set(&250_000);
		for count in 1..=4 {
			let Settlement { saved, bonus, per_validator, .. } = waived();
			assert_eq!((saved, bonus, per_validator), (SHARE, 0, 0));
			assert_eq!(fund(), count * SHARE);
		}
		let paid = settled(PanelOutcome::Confirmed, &[(21, true), (22, false), (23, true)]);
		// Three shares besides its own, divided by the two that found the worker's claim.
		assert_eq!((paid.per_validator, paid.bonus, paid.saved), (SHARE / 2, 3 * SHARE / 2, 0));
		assert_eq!(Balances::free_balance(21), EXISTENTIAL + SHARE / 2 + 3 * SHARE / 2);
		assert_eq!(Balances::free_balance(22), EXISTENTIAL);
		assert_eq!(fund(), SHARE);
		assert_eq!(paid.worker + 2 * paid.per_validator + paid.pot + paid.refund, FEE);
	});
}

#[test]
fn panel_should_get_no_more_than_was_put_by() {
	run(|| {
		Audit::set(&100_000);
		let first = settled(PanelOutcome::Confirmed, &[(21, true)]);
		assert_eq!((first.per_validator, first.bonus), (SHARE, 0));
		waived();
		let second = settled(PanelOutcome::Confirmed, &[(21, true)]);
		assert_eq!((second.bonus, fund()), (SHARE, 0));
	});
}

#[test]
fn panel_should_get_its_own_share_alone_when_it_had_to_speak_in_any_case() {
	run(|| {
		Audit::set(&500_000);
		waived();
		Audit::set(&1_000_000);
		let paid = settled(PanelOutcome::Confirmed, &[(21, true)]);
		assert_eq!((paid.per_validator, paid.bonus, fund()), (SHARE, 0, SHARE));
	});
}

#[test]
fn fund_should_stay_when_an_answer_is_refunded() {
	run(|| {
		Audit::set(&500_000);
		waived();
		for outcome in [PanelOutcome::Rejected, PanelOutcome::Lapsed, PanelOutcome::Canary] {
			let refunded = settled(outcome, &[(21, false), (22, true)]);
			assert_eq!((refunded.refund, refunded.bonus, refunded.saved), (FEE, 0, 0));
		}
		assert_eq!((fund(), Balances::free_balance(21)), (SHARE, EXISTENTIAL));
	});
}

#[test]
fn share_should_go_to_the_pot_when_the_fund_does_not_exist() {
	run(|| {
		use polkadot_sdk::frame_support::traits::{fungible::Mutate, tokens::Preservation};
		<Balances as Mutate<_>>::transfer(&FUND, &OTHER, EXISTENTIAL, Preservation::Expendable).unwrap();
		BaseFee::set(&0);
		UnitPrice::set(&0);
		assert_eq!(waived().saved, 0);
		UnitPrice::set(&1);
		// A fifth of 30 tokens of 2 units is more than an account needs.
		let paid = waived();
		assert_eq!((paid.saved, Balances::free_balance(FUND)), (12, 12));
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// Whatever comes, no planck is made or lost, and the fund is what was put by less what was paid out of it.
	#[test]
	fn money_should_be_conserved_when_answers_are_audited_or_not(
		steps in prop::collection::vec((1u32..=1_000_000, 0usize..5, any::<bool>()), 1..40),
	) {
		new_test_ext().execute_with(|| {
			let issued = Balances::total_issuance();
			let mut expected = 0;
			for (audit, heads, confirms) in steps {
				Audit::set(&audit);
				let verdicts: Vec<_> = VALIDATORS.into_iter().take(heads).map(|who| (who, true)).collect();
				let paid = match (heads, confirms) {
					(0, _) => waived(),
					(_, true) => settled(PanelOutcome::Confirmed, &verdicts),
					(_, false) => settled(PanelOutcome::Rejected, &verdicts),
				};
				let count = paid.verdicts.len() as Balance;
				let spent = paid.worker + count * paid.per_validator + paid.pot + paid.saved;
				assert_eq!(spent + paid.refund, FEE);
				expected += paid.saved;
				expected -= count * paid.bonus;
				assert_eq!(fund(), expected);
				assert_eq!(Balances::total_issuance(), issued);
			}
			check();
		});
	}

	/// However seldom answers are audited, panels get what requesters pay for them, but for what is still put by.
	#[test]
	fn panels_should_earn_their_share_of_all_answers_on_average(audit in 50_000u32..1_000_000, seed in any::<u64>()) {
		new_test_ext().execute_with(|| {
			Audit::set(&audit);
			let answers = 120u64;
			for answer in 0..answers {
				let hash = polkadot_sdk::sp_io::hashing::blake2_256(&[seed.to_le_bytes(), answer.to_le_bytes()].concat());
				if noesis_primitives::is_audited(&hash, audit) {
					settled(PanelOutcome::Confirmed, &[(21, true)]);
				} else {
					waived();
				}
			}
			let earned = Balances::free_balance(21) - EXISTENTIAL;
			assert_eq!(earned + fund(), Balance::from(answers) * SHARE);
			check();
		});
	}
}
