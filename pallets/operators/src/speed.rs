//! What operators claim to be able to do, against what they were seen to do.

use crate::{Config, Event, Operators, Pallet};
use frame_support::traits::Get;
use noesis_primitives::{BlockNumber, Judgement, OperatorRecord};
use polkadot_sdk::frame_support;

impl<T: Config> Pallet<T> {
	/// Takes a measurement in, and now and then judges the claimed speed by them all.
	pub(crate) fn do_measure(who: &T::AccountId, tokens: u64, blocks: BlockNumber) {
		let Some(old) = Operators::<T>::get(who) else { return };
		let mut pace = old.pace;
		pace.add(tokens, blocks);
		let (millis, claimed) = (T::MillisPerBlock::get(), old.capability.tokens_per_second);
		let claimed = claimed.max(pace.claimed);
		let judgement = pace.judge(claimed, millis, T::RateFactor::get());
		let new = OperatorRecord { pace, seen: Self::now(), ..old.clone() };
		Self::replace(who, Some(&old), Some(new));
		if judgement == Some(Judgement::Overstated) {
			let down = T::ReputationSteps::get().overstated;
			Self::remember(who, |repute| {
				repute.shift(0, down, Self::now(), T::ReputationHalfLife::get());
			});
			let reputation = Self::reputation_of(who);
			let measured = pace.rate(millis).unwrap_or_default();
			Self::deposit_event(Event::Overstated { who: who.clone(), claimed, measured, reputation });
		}
	}
}
