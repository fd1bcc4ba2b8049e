//! What the numbers that governance begins with make of lying and of leaving.

use super::preset;
use crate::{
	configs::{LongestDispute, PanelFundAccount, PotAccount},
	parameters::dynamic_params::*,
	*,
};
use frame_support::traits::Get;
use noesis_primitives::{BlockNumber, Verification};
use pallet_poc::{audit_floor, despite_disputes, Crowd, Terms};
use sp_runtime::Permill;

/// A worker that lies in jobs worth all that it may have open, with an accomplice who disputes it first, loses when a third of
/// the validators approves what it says and nobody outside looks. In parts of what a wrong answer costs.
#[test]
fn lying_should_be_a_loss_when_a_third_of_the_validators_colludes() {
	preset("development").execute_with(|| {
		let (exposure, reward) = (operators::ExposureFactor::get(), operators::RewardShare::get());
		let floor = audit_floor(poc::AuditFloor::get(), exposure, reward);
		assert!(floor > audit_floor(Permill::zero(), exposure, reward), "it has a margin");
		let share = |part: Permill| f64::from(part.deconstruct()) / 1e6;
		for validators in 3..=200 {
			let terms = Terms {
				verification: Verification::Sampled,
				audit: floor,
				size: poc::PanelSize::get(),
				quorum: poc::Quorum::get(),
				openings: poc::Openings::get(),
				window: poc::Window::get(),
				max_windows: poc::MaxWindows::get(),
				validators,
			};
			let crowd = Crowd::of(validators, Permill::from_parts(333_333));
			let passes = f64::from(despite_disputes(&terms, crowd)) / 1e9;
			let found = share(floor) * (1.0 - passes);
			let gain = (1.0 - found) * share(exposure) - found * (1.0 - share(reward));
			assert!(gain < 0.0, "{validators} validators: {gain}");
		}
	});
}

/// An accomplice who disputes on purpose and loses wins a validator no time to leave, until the bonds grow no more.
#[test]
fn unbonding_should_outlast_disputes_that_are_lost_on_purpose() {
	preset("development").execute_with(|| {
		// Down two trees of 2^32 leaves, four levels at a time: two moves each, whatever else there is, by players in so many
		// disputes that they have the most time.
		let game: BlockNumber =
			dispute::ResponseWindow::get() * dispute::MaxWindows::get() * 2 * (32 / 4) * 2;
		let panel = poc::Window::get() * poc::MaxWindows::get();
		let shams = pallet_dispute::MAX_DOUBLINGS;
		let answer = panel + (shams + 1) * (poi::ChallengeWindow::get() + game);
		// One more of them keeps the docket full until the end of liability, which is lengthened then.
		let liability = dispute::LiabilityPeriod::get() + game + dispute::LiabilityPeriod::get() / 16;
		let longest = answer + liability + game;
		assert!(LongestDispute::get() >= longest, "{} {longest}", LongestDispute::get());
		assert!(Operators::unbonding_period() >= operators::UnbondingPeriod::get().max(longest));
	});
}

#[test]
fn panel_fund_should_exist_from_the_beginning_and_be_an_account_of_its_own() {
	preset("development").execute_with(|| {
		assert_eq!(Balances::free_balance(PanelFundAccount::get()), EXISTENTIAL_DEPOSIT);
		assert_ne!(PanelFundAccount::get(), PotAccount::get());
	});
}
