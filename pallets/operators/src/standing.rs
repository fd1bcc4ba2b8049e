//! The one state machine: how an operator's status changes.

use crate::{Barred, Config, Error, Event, Operators, Pallet};
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use noesis_primitives::{BlockNumber, OperatorRecord, OperatorStatus};
use polkadot_sdk::{frame_support, frame_system, sp_runtime::SaturatedConversion};

/// What changes a status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Move {
	/// The operator unbonds.
	Leave,
	/// The operator rejoins.
	Return,
	/// It is excluded, by the admin or by its marks.
	ShutOut {
		/// For how long.
		blocks: BlockNumber,
	},
	/// The admin lifts its exclusion.
	Readmit,
}

/// Where an operator stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Standing {
	status: OperatorStatus,
	/// While unbonding: first block at which it may return, when it left out of an exclusion.
	barred: Option<BlockNumber>,
}

/// Where a move leads.
struct Outcome {
	to: Standing,
	/// Whether an exclusion ended with it, which clears the marks.
	forgiven: bool,
}

impl Standing {
	/// The transition function; `period` is how long unbonding takes.
	fn after<T: Config>(
		self,
		event: Move,
		now: BlockNumber,
		period: BlockNumber,
	) -> Result<Outcome, Error<T>> {
		use OperatorStatus::{Active, Excluded, Unbonding};
		let free = now.saturating_add(period);
		let to = |status, barred, forgiven| Ok(Outcome { to: Standing { status, barred }, forgiven });
		match (self.status, event) {
			(Active, Move::Leave) => to(Unbonding { until: free }, None, false),
			(Excluded { until }, Move::Leave) => to(Unbonding { until: free.max(until) }, Some(until), false),
			(Unbonding { .. }, Move::Leave) => Err(Error::AlreadyUnbonding),

			(Active, Move::Return) => Err(Error::AlreadyActive),
			(Unbonding { .. }, Move::Return) => {
				ensure!(self.barred.is_none_or(|barred| now >= barred), Error::StillExcluded);
				to(Active, None, self.barred.is_some())
			},
			(Excluded { until }, Move::Return) => {
				ensure!(now >= until, Error::StillExcluded);
				to(Active, None, true)
			},

			(_, Move::ShutOut { blocks }) => to(Excluded { until: now.saturating_add(blocks) }, None, false),

			(Excluded { .. }, Move::Readmit) => to(Active, None, true),
			(Unbonding { .. }, Move::Readmit) if self.barred.is_some() => to(self.status, None, true),
			(Active | Unbonding { .. }, Move::Readmit) => Err(Error::NotExcluded),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The present block.
	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Moves a registered operator.
	pub(crate) fn do_move(who: T::AccountId, event: Move) -> DispatchResult {
		let record = Operators::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		Self::apply_move(who, &record, record.clone(), event)?;
		Ok(())
	}

	/// Replaces `old` by `new` after `event`.
	pub(crate) fn apply_move(
		who: T::AccountId,
		old: &OperatorRecord,
		mut new: OperatorRecord,
		event: Move,
	) -> Result<(), Error<T>> {
		let now = Self::now();
		let from = Standing { status: old.status, barred: Barred::<T>::get(&who) };
		let Outcome { to, forgiven } = from.after::<T>(event, now, T::UnbondingPeriod::get())?;
		match event {
			Move::Leave => ensure!(old.exposure == 0, Error::JobsOpen),
			Move::Return => ensure!(old.stake >= Self::min_stake(old.role), Error::StakeTooLow),
			Move::ShutOut { .. } | Move::Readmit => {},
		}
		new.status = to.status;
		if forgiven {
			new.marks = 0;
		}
		if to.status == OperatorStatus::Active {
			new.since = now;
		}
		if to.barred != from.barred {
			Barred::<T>::set(&who, to.barred);
		}
		Self::replace(&who, Some(old), Some(new));
		Self::deposit_event(match (event, to.status) {
			(Move::Leave, OperatorStatus::Unbonding { until }) => Event::Unbonding { who, until },
			(Move::ShutOut { .. }, OperatorStatus::Excluded { until }) => Event::Excluded { who, until },
			(Move::Readmit, _) => Event::Readmitted { who },
			_ => Event::Rejoined { who },
		});
		Ok(())
	}
}
