//! What ended is kept for as long as somebody may have to answer for it.

use super::preset;
use crate::{parameters::dynamic_params::*, parameters::RuntimeParameters, *};
use frame_support::{assert_ok, traits::Get};

fn kept() -> BlockNumber {
	<Runtime as pallet_poi::Config>::KeepPeriod::get()
}

fn liable() -> BlockNumber {
	<Runtime as pallet_dispute::Config>::LiabilityPeriod::get()
}

/// Blocks of the longest game: two for each move down two trees of 2^32 leaves, and three more.
fn game(window: BlockNumber, levels: u32) -> BlockNumber {
	window * (4 * 32u32.div_ceil(levels) + 3)
}

/// Blocks that are kept at least: of a liability of so many, what a place that frees adds to it, one game that keeps the
/// docket full, and one that begins at the end.
fn least(liability: BlockNumber, game: BlockNumber) -> BlockNumber {
	liability + (liability / 16).max(1) + 2 * game
}

fn set(key_value: RuntimeParameters) {
	assert_ok!(Parameters::set_parameter(RuntimeOrigin::root(), key_value));
}

#[test]
fn what_ended_should_be_kept_as_long_as_somebody_answers_for_it() {
	preset("development").execute_with(|| {
		let window = dispute::ResponseWindow::get() * dispute::MaxWindows::get();
		assert!(kept() >= least(liable(), game(window, 4)), "{} blocks are kept", kept());
		assert_eq!(kept(), poi::KeepPeriod::get());
		// Whatever governance sets.
		set(RuntimeParameters::Poi(poi::Parameters::KeepPeriod(poi::KeepPeriod, Some(0))));
		assert_eq!(kept(), least(liable(), game(window, 4)));
		let period = dispute::Parameters::LiabilityPeriod(dispute::LiabilityPeriod, Some(20 * DAYS));
		set(RuntimeParameters::Dispute(period));
		assert_eq!(kept(), least(20 * DAYS, game(window, 4)));
		set(RuntimeParameters::Dispute(dispute::Parameters::Arity(dispute::Arity, Some(2))));
		assert_eq!(kept(), least(20 * DAYS, game(window, 1)));
		// Nor is a stake withdrawn before.
		assert!(<Runtime as pallet_operators::Config>::LongestDispute::get() > kept());
		let period = dispute::Parameters::LiabilityPeriod(dispute::LiabilityPeriod, Some(0));
		set(RuntimeParameters::Dispute(period));
		assert_eq!((liable(), kept()), (1, least(1, game(window, 1))));
		let period = dispute::Parameters::LiabilityPeriod(dispute::LiabilityPeriod, Some(BlockNumber::MAX));
		set(RuntimeParameters::Dispute(period));
		assert_eq!(kept(), BlockNumber::MAX);
	});
}
