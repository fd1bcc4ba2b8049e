//! Where the money of a job goes.

use crate::{lifecycle::Verdicts, Config, Error, HoldReason, Job, Pallet};
use noesis_primitives::{Balance, JobEvent, JobId, JobState, PanelOutcome, Panels, Settlement, Subject};
use polkadot_sdk::{
	frame_support::{
		dispatch::DispatchResult,
		ensure,
		storage::with_storage_layer,
		traits::{
			fungible::MutateHold,
			tokens::{Fortitude, Precision, Restriction},
			Get,
		},
		BoundedVec,
	},
	sp_runtime::DispatchError,
};

impl<T: Config> Pallet<T> {
	/// Holds the escrow of a job.
	pub(crate) fn hold(requester: &T::AccountId, amount: Balance) -> DispatchResult {
		T::Currency::hold(&HoldReason::JobEscrow.into(), requester, amount)
	}

	/// Ends an answered job by the word of its panel. A job whose panel does not exist counts as unverified.
	pub(crate) fn settle_by_panel(id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(matches!(job.state, JobState::Answered { .. }), Error::<T>::NotAnswered);
		let subject = Subject::Job(id);
		let (event, verdicts) = match T::Panels::close(subject) {
			Some(close) => (event_of(close.outcome), close.verdicts),
			None if T::Panels::due(subject).is_none() => (JobEvent::Lapse, BoundedVec::new()),
			None => return Err(Error::<T>::PanelPending.into()),
		};
		Self::advance_with(id, &mut job, event, verdicts)
	}

	/// Spends the escrow of a job that ended: on those who did the work if it is final, and what is left of it on
	/// the requester.
	pub(crate) fn spend_escrow(
		job: &Job<T::AccountId>,
		verdicts: Verdicts<T::AccountId>,
	) -> Result<Settlement<T::AccountId>, DispatchError> {
		let mut settlement = Settlement { verdicts, worker: 0, per_validator: 0, pot: 0, refund: job.escrow };
		if let JobState::Final { worker } = &job.state {
			Self::pay_out(job, worker, &mut settlement);
		}
		if settlement.refund > 0 {
			let reason = HoldReason::JobEscrow.into();
			T::Currency::release(&reason, &job.requester, settlement.refund, Precision::BestEffort)?;
		}
		Ok(settlement)
	}

	/// Pays for the tokens that the job took. What somebody can't take, as an account that does not exist can't
	/// take less than the existential deposit, goes to the pot; what the pot can't take, to the requester.
	fn pay_out(job: &Job<T::AccountId>, worker: &T::AccountId, settlement: &mut Settlement<T::AccountId>) {
		let tokens = job.claim.map_or(0, |claim| claim.usage.tokens());
		let cost = job.price.of(tokens).min(job.escrow);
		let mut left = cost;
		let mut pay = |to: &T::AccountId, amount: Balance| {
			let paid = Self::pay(&job.requester, to, amount);
			left = left.saturating_sub(paid);
			paid
		};

		let for_worker = T::WorkerShare::get().mul_floor(cost);
		let for_panel = T::PanelShare::get().mul_floor(cost).min(cost.saturating_sub(for_worker));
		let agreeing = || settlement.verdicts.iter().filter(|(_, agrees)| *agrees);
		let each = for_panel.checked_div(agreeing().count() as Balance).unwrap_or(0);

		settlement.worker = pay(worker, for_worker);
		for (validator, _) in agreeing() {
			pay(validator, each);
		}
		settlement.per_validator = each;
		settlement.pot = Self::pay(&job.requester, &T::Pot::get(), left);
		let spent = cost.saturating_sub(left).saturating_add(settlement.pot);
		settlement.refund = job.escrow.saturating_sub(spent);
	}

	/// Moves `amount` of a requester's escrow to `to`. Returns what was moved: all, or nothing.
	fn pay(requester: &T::AccountId, to: &T::AccountId, amount: Balance) -> Balance {
		let reason = HoldReason::JobEscrow.into();
		let transfer = || {
			T::Currency::transfer_on_hold(
				&reason,
				requester,
				to,
				amount,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)
		};
		if amount == 0 {
			return 0;
		}
		with_storage_layer(transfer).unwrap_or(0)
	}
}

fn event_of<AccountId>(outcome: PanelOutcome) -> JobEvent<AccountId> {
	match outcome {
		PanelOutcome::Confirmed => JobEvent::Confirm,
		PanelOutcome::Rejected => JobEvent::Reject,
		PanelOutcome::Lapsed | PanelOutcome::Pending => JobEvent::Lapse,
	}
}
