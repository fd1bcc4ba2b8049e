//! The one state machine: how an operator's status changes.

use crate::{Appeals, Barred, Config, Error, Event, Operators, Pallet};
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use noesis_primitives::{BlockNumber, OperatorRecord, OperatorStatus};
use noesis_support::Wait;
use polkadot_sdk::{frame_support, frame_system, sp_runtime::SaturatedConversion};

/// What changes a status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Move {
	/// The operator unbonds.
	Leave,
	/// The operator rejoins.
	Return,
	/// It was silent for too long.
	Vanish,
	/// It is excluded, by the admin or by its marks.
	ShutOut {
		/// For how long.
		blocks: BlockNumber,
	},
	/// A slash left it with less than the least stake.
	Fall {
		/// For how long it stays out at least.
		blocks: BlockNumber,
	},
	/// Its exclusion is lifted.
	Readmit,
}

/// Where an operator stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Standing {
	status: OperatorStatus,
	/// While unbonding: first block at which it may return, when it is shut out besides.
	barred: Option<BlockNumber>,
}

/// What a move means for an exclusion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Effect {
	/// Nothing.
	Unchanged,
	/// A new one is in force, which can be appealed against.
	Imposed,
	/// It ended, which clears the marks.
	Forgiven,
}

impl Standing {
	/// The transition function; `period` is how long unbonding takes.
	fn after<T: Config>(
		self,
		event: Move,
		now: BlockNumber,
		period: BlockNumber,
	) -> Result<(Standing, Effect), Error<T>> {
		use Effect::{Forgiven, Imposed, Unchanged};
		use OperatorStatus::{Absent, Active, Excluded, Unbonding};
		let free = now.saturating_add(period);
		let to = |status, barred, effect| Ok((Standing { status, barred }, effect));
		match (self.status, event) {
			(Active | Absent { .. }, Move::Leave) => to(Unbonding { until: free }, None, Unchanged),
			(Excluded { until }, Move::Leave) => {
				to(Unbonding { until: free.max(until) }, Some(until), Unchanged)
			},
			(Unbonding { .. }, Move::Leave) => Err(Error::AlreadyUnbonding),

			(Active, Move::Return) => Err(Error::AlreadyActive),
			(Absent { .. }, Move::Return) => to(Active, None, Unchanged),
			(Unbonding { .. }, Move::Return) => {
				let barred = self.barred.unwrap_or_default();
				ensure!(now >= barred, Error::StillExcluded { opens_in: Wait::until(barred, now) });
				to(Active, None, if self.barred.is_some() { Forgiven } else { Unchanged })
			},
			(Excluded { until }, Move::Return) => {
				ensure!(now >= until, Error::StillExcluded { opens_in: Wait::until(until, now) });
				to(Active, None, Forgiven)
			},

			(Active, Move::Vanish) => to(Absent { since: now }, None, Unchanged),
			(Absent { .. } | Unbonding { .. } | Excluded { .. }, Move::Vanish) => Err(Error::NotTakingPart),

			(_, Move::ShutOut { blocks }) => {
				to(Excluded { until: now.saturating_add(blocks) }, None, Imposed)
			},

			(Active | Absent { .. }, Move::Fall { blocks }) => {
				to(Excluded { until: now.saturating_add(blocks) }, None, Imposed)
			},
			(Excluded { until }, Move::Fall { blocks }) => {
				to(Excluded { until: until.max(now.saturating_add(blocks)) }, None, Imposed)
			},
			// It goes on leaving, but neither returns nor gets its stake before the exclusion is over.
			(Unbonding { until }, Move::Fall { blocks }) => {
				let bar = now.saturating_add(blocks).max(self.barred.unwrap_or_default());
				to(Unbonding { until: until.max(bar) }, Some(bar), Imposed)
			},

			(Excluded { .. }, Move::Readmit) => to(Active, None, Forgiven),
			(Unbonding { .. }, Move::Readmit) if self.barred.is_some() => to(self.status, None, Forgiven),
			(Active | Absent { .. } | Unbonding { .. }, Move::Readmit) => Err(Error::NotExcluded),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The present block.
	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Blocks from leaving to getting the stake back: as many as governance says, and never fewer than the longest
	/// dispute takes, so that nobody leaves with what it is about to lose.
	pub fn unbonding_period() -> BlockNumber {
		T::UnbondingPeriod::get().max(T::LongestDispute::get())
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
		let (mut to, effect) = from.after::<T>(event, now, Self::unbonding_period())?;
		match event {
			Move::Leave => ensure!(new.exposure == 0, Error::JobsOpen),
			Move::Return => Self::ensure_stake(new.role, new.stake)?,
			Move::Vanish | Move::ShutOut { .. } | Move::Fall { .. } | Move::Readmit => {},
		}
		// Who has too little at stake stays out until it adds some and rejoins.
		let is_short = event == Move::Readmit && new.stake < Self::min_stake(new.role);
		if to.status == OperatorStatus::Active && is_short {
			to.status = OperatorStatus::Excluded { until: now };
		}
		new.status = to.status;
		match effect {
			Effect::Unchanged => {},
			Effect::Imposed => Appeals::<T>::remove(&who),
			Effect::Forgiven => {
				Appeals::<T>::remove(&who);
				Self::forgive(&who);
			},
		}
		if to.status == OperatorStatus::Active {
			new.since = now;
			new.seen = now;
		}
		if to.barred != from.barred {
			Barred::<T>::set(&who, to.barred);
		}
		let seen = old.seen;
		Self::replace(&who, Some(old), Some(new));
		let (from, to) = (from.status, to.status);
		Self::deposit_event(match (event, to) {
			(Move::Leave, OperatorStatus::Unbonding { until }) => Event::Unbonding { who, from, until },
			(Move::ShutOut { .. } | Move::Fall { .. }, _) => Event::Excluded { who, from, to },
			(Move::Vanish, _) => Event::WentAbsent { who, seen },
			(Move::Readmit, _) => Event::Readmitted { who, from, to },
			_ => Event::Rejoined { who, from },
		});
		Ok(())
	}
}
