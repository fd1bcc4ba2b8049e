//! How much work a worker may have open, for what it can lose.
//!
//! A worker that cheats on open jobs gains at most their price `G`. It is audited with probability `p`, and then it
//! loses what a wrong answer costs, `S`, less the reward for proving it, which an accomplice may earn. Honest work is its
//! best play while `p * S * (1 - RewardShare) >= (1 - p) * G` (PoSP's sampling equilibrium). Its open jobs may be worth
//!
//! ```text
//! G = ExposureFactor * S        S = WrongAnswerSlash * stake
//! ```
//!
//! and the least `p` follows from that (`audit_floor` of the panels): 5 % and a reward of a half make one answer in
//! eleven. Whoever raises the one raises the other. The cap is linear in the stake, so a stake divided among many
//! accounts opens no more work than in one.

use crate::{Config, Operators, Pallet};
use frame_support::traits::Get;
use noesis_primitives::{Balance, CheckpointId, Fault, OperatorFault, OperatorRecord, OperatorStatus, Role};
use polkadot_sdk::frame_support;

impl<T: Config> Pallet<T> {
	/// Greatest price of the jobs that a worker may have open. 0 for anybody else.
	pub fn exposure_cap(who: &T::AccountId) -> Balance {
		Operators::<T>::get(who).map_or(0, |record| Self::cap_of(&record))
	}

	/// Greatest price of the next job that a worker may take now. 0 for one that may take none.
	pub fn free_exposure(who: &T::AccountId) -> Balance {
		Self::taking_part(who, Role::Worker)
			.map_or(0, |record| Self::cap_of(&record).saturating_sub(record.exposure))
	}

	/// Greatest price of the open jobs of this worker.
	pub(crate) fn cap_of(record: &OperatorRecord) -> Balance {
		match record.role {
			Role::Worker => {
				let at_stake = Self::slash_share(Fault::WrongAnswer).mul_floor(record.stake);
				T::ExposureFactor::get().mul_floor(at_stake)
			},
			Role::Validator => 0,
		}
	}

	/// The record of an operator of this role that takes part and was heard of.
	pub(crate) fn taking_part(who: &T::AccountId, role: Role) -> Result<OperatorRecord, OperatorFault> {
		let record = Operators::<T>::get(who).ok_or(OperatorFault::Unknown)?;
		if record.role != role {
			return Err(OperatorFault::WrongRole);
		}
		match record.status {
			OperatorStatus::Active if Self::is_silent(&record) => Err(OperatorFault::Absent),
			OperatorStatus::Active => Ok(record),
			OperatorStatus::Absent { .. } => Err(OperatorFault::Absent),
			OperatorStatus::Unbonding { .. } => Err(OperatorFault::Unbonding),
			OperatorStatus::Excluded { until } => Err(OperatorFault::Excluded { until }),
		}
	}

	/// The same, when it offers `checkpoint`.
	pub(crate) fn offering(
		who: &T::AccountId,
		role: Role,
		checkpoint: CheckpointId,
	) -> Result<OperatorRecord, OperatorFault> {
		let record = Self::taking_part(who, role)?;
		if record.capability.checkpoints.contains(&checkpoint) {
			Ok(record)
		} else {
			Err(OperatorFault::CannotRun)
		}
	}
}
