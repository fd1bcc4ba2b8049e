//! What the runtime API tells of operators. Reads only.

use crate::{Appeals, Barred, Config, Operators, Owners, Pallet, Reputations};
use frame_support::traits::Get;
use noesis_primitives::{Balance, OperatorStatus, OperatorView};
use polkadot_sdk::frame_support;

impl<T: Config> Pallet<T> {
	/// What `withdraw` would give an account now.
	pub fn claimable(who: &T::AccountId) -> Balance {
		match Operators::<T>::get(who) {
			Some(record) => match record.status {
				OperatorStatus::Unbonding { until } if Self::now() >= until => record.stake,
				_ => 0,
			},
			None => 0,
		}
	}

	/// An operator as it stands.
	pub fn view(who: &T::AccountId) -> Option<OperatorView> {
		let record = Operators::<T>::get(who)?;
		let takes_part = record.status == OperatorStatus::Active;
		let from = match record.status {
			OperatorStatus::Active => Self::heartbeat_from(record.seen),
			OperatorStatus::Absent { .. } => Some(Self::now()),
			OperatorStatus::Unbonding { .. } | OperatorStatus::Excluded { .. } => None,
		};
		Some(OperatorView {
			min_stake: Self::min_stake(record.role),
			reputation: Self::reputation_of(who),
			marks: Self::marks(who),
			ratings: Reputations::<T>::get(who).unwrap_or_default().ratings(),
			exposure_cap: Self::cap_of(&record),
			free_exposure: Self::free_exposure(who),
			claimable: Self::claimable(who),
			measured: record.pace.rate(T::MillisPerBlock::get()),
			heartbeat_from: from,
			absent_from: Self::absent_from(record.seen).filter(|_| takes_part),
			barred: Barred::<T>::get(who),
			appeal: Appeals::<T>::get(who),
			owned: Owners::<T>::contains_key(who),
			record,
		})
	}
}
