//! Where the money of a job or a channel goes.

use crate::{job::Cost, Config, Error, HoldReason, Job, Pallet};
use noesis_primitives::{
	Balance, BlockNumber, BundleId, JobEvent, JobId, JobState, PanelOutcome, Panels, Settlement, Subject,
	MAX_VERDICTS,
};
use noesis_support::{pay_from_hold, Wait};
use polkadot_sdk::{
	frame_support::{
		dispatch::DispatchResult,
		ensure,
		storage::with_storage_layer,
		traits::{
			fungible::{Inspect, Mutate, MutateHold},
			tokens::{Fortitude, Precision, Preservation},
			ConstU32, Get,
		},
		BoundedVec,
	},
	sp_runtime::{DispatchError, Permill, Saturating},
};

/// Who spoke, and whether they found the worker's claim.
pub(crate) type Verdicts<AccountId> = BoundedVec<(AccountId, bool), ConstU32<MAX_VERDICTS>>;

/// What the panels found of an answer; of several, the last in this order counts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Finding {
	/// It stands.
	Confirmed,
	/// A panel did not come together.
	Unverified,
	/// It was wrong by arrangement.
	Canary,
	/// A panel found something else.
	Rejected,
	/// What was drawn was not shown.
	Withheld,
}

impl From<PanelOutcome> for Finding {
	fn from(outcome: PanelOutcome) -> Self {
		match outcome {
			PanelOutcome::Confirmed | PanelOutcome::Waived => Self::Confirmed,
			PanelOutcome::Rejected => Self::Rejected,
			PanelOutcome::Canary => Self::Canary,
			PanelOutcome::Lapsed | PanelOutcome::Pending => Self::Unverified,
		}
	}
}

impl<AccountId> From<Finding> for JobEvent<AccountId> {
	fn from(finding: Finding) -> Self {
		match finding {
			Finding::Confirmed => Self::Confirm,
			Finding::Unverified => Self::Lapse,
			Finding::Rejected => Self::Reject,
			Finding::Canary => Self::Unmask,
			Finding::Withheld => Self::Withhold,
		}
	}
}

/// Panels that are over.
pub(crate) struct Closed<AccountId> {
	/// What they found.
	pub finding: Finding,
	/// Who spoke.
	pub verdicts: Verdicts<AccountId>,
	/// Of these, on one panel.
	pub spoke: u32,
	/// Chance that anybody had to speak.
	pub audit: Permill,
}

impl<AccountId> Closed<AccountId> {
	/// Nobody spoke.
	pub fn unheard(finding: Finding) -> Self {
		Self { finding, verdicts: BoundedVec::new(), spoke: 0, audit: Permill::one() }
	}
}

/// Who pays whom for what, and out of what.
pub(crate) struct Bill<'a, AccountId> {
	/// Who pays.
	pub requester: &'a AccountId,
	/// Why the money is held.
	pub reason: HoldReason,
	/// What is held.
	pub escrow: Balance,
	/// Chance that anybody had to speak on it.
	pub audit: Permill,
	/// Who did the work, and what it costs; `None` when it is all refunded.
	pub due: Option<(&'a AccountId, Cost)>,
}

impl<T: Config> Pallet<T> {
	/// Ends an answered job by the word of its panel, or panels. A job whose panel does not exist counts as
	/// unverified. A batch of which nothing was drawn yet is only drawn from.
	pub(crate) fn settle_answer(id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		match job.state {
			JobState::Answered { .. } => {},
			JobState::Disputed { .. } => return Err(Error::<T>::Disputed.into()),
			_ => return Err(Error::<T>::NotAnswered.into()),
		}
		let closed = match job.batch {
			None => Self::close_panel(id, &job)?,
			Some(_) if Self::draw_before_settling(BundleId::Batch(id)) => return Ok(()),
			Some(_) => Self::close_bundle(BundleId::Batch(id))?,
		};
		let event = closed.finding.into();
		Self::advance_with(id, &mut job, event, closed)
	}

	/// Refuses to end a panel that is open, and says when it may be over.
	pub(crate) fn ensure_panel_over(subject: Subject) -> Result<(), Error<T>> {
		let pending = T::Panels::outcome(subject) == PanelOutcome::Pending;
		match T::Panels::due(subject) {
			Some(due) if pending => Err(Error::PanelPending { opens_in: Wait::until(due, Self::now()) }),
			_ => Ok(()),
		}
	}

	fn close_panel(id: JobId, job: &Job<T::AccountId>) -> Result<Closed<T::AccountId>, Error<T>> {
		let subject = Subject::Job(id);
		Self::ensure_panel_over(subject)?;
		let (now, end) = (Self::now(), Self::window_end(subject, job.answered));
		ensure!(now >= end, Error::<T>::WindowOpen { opens_in: Wait::until(end, now) });
		let Some(close) = T::Panels::close(subject) else {
			return Ok(Closed::unheard(Finding::Unverified));
		};
		let spoke = close.verdicts.len() as u32;
		let verdicts = BoundedVec::truncate_from(close.verdicts.into_inner());
		let audit = Permill::from_parts(close.audit);
		Ok(Closed { finding: close.outcome.into(), verdicts, spoke, audit })
	}

	/// First block at which a subject can't be disputed any more that was answered, or withstood its last dispute, at
	/// block `since`, if nobody else speaks.
	pub(crate) fn window_end(subject: Subject, since: BlockNumber) -> BlockNumber {
		let spoke = T::Panels::last_spoke(subject).unwrap_or_default();
		since.max(spoke).saturating_add(T::ChallengeWindow::get())
	}

	/// Spends the escrow of a job that ended: on those who did the work if it is final, and what is left of it on
	/// the requester.
	pub(crate) fn spend_escrow(
		job: &Job<T::AccountId>,
		closed: Closed<T::AccountId>,
	) -> Result<Settlement<T::AccountId>, DispatchError> {
		let due = match &job.state {
			JobState::Final { worker } => {
				let tokens = job.claim.map_or(0, |claim| claim.usage.tokens());
				Some((worker, job.price.cost(tokens, job.kept, closed.spoke)))
			},
			_ => None,
		};
		let (reason, audit) = (HoldReason::JobEscrow, closed.audit);
		let bill = Bill { requester: &job.requester, reason, escrow: job.escrow, audit, due };
		Self::spend(bill, closed.verdicts)
	}

	/// Pays a bill, and gives the rest of the escrow back.
	pub(crate) fn spend(
		bill: Bill<'_, T::AccountId>,
		verdicts: Verdicts<T::AccountId>,
	) -> Result<Settlement<T::AccountId>, DispatchError> {
		let refund = bill.escrow;
		let mut settlement =
			Settlement { verdicts, worker: 0, per_validator: 0, pot: 0, saved: 0, bonus: 0, refund };
		if let Some((worker, cost)) = bill.due {
			Self::pay_out(&bill, worker, cost, &mut settlement);
		}
		if settlement.refund > 0 {
			let reason = bill.reason.into();
			T::Currency::release(&reason, bill.requester, settlement.refund, Precision::BestEffort)?;
		}
		Ok(settlement)
	}

	/// Pays those who did the work. What somebody can't take, as an account that does not exist can't take less than
	/// the existential deposit, goes to the pot; what the pot can't take, to the requester.
	///
	/// Where nobody had to speak, the panel's share is put by. Where somebody did, though it need not have come to that,
	/// they get besides what is put by on average between two such answers ([`Self::bonus`]).
	fn pay_out(
		bill: &Bill<'_, T::AccountId>,
		worker: &T::AccountId,
		cost: Cost,
		settlement: &mut Settlement<T::AccountId>,
	) {
		let shared = cost.shared.min(bill.escrow);
		let surcharge = cost.panel.min(bill.escrow.saturating_sub(shared));
		let total = shared.saturating_add(surcharge);
		let mut left = total;
		let mut pay = |to: &T::AccountId, amount: Balance| {
			let paid = Self::pay(bill, to, amount);
			left = left.saturating_sub(paid);
			paid
		};

		let for_worker = T::WorkerShare::get().mul_floor(shared);
		let share = T::PanelShare::get().mul_floor(shared).min(shared.saturating_sub(for_worker));
		let agreeing = || settlement.verdicts.iter().filter(|(_, agrees)| *agrees);
		let heads = agreeing().count() as Balance;
		let each = share.saturating_add(surcharge).checked_div(heads).unwrap_or(0);
		let bonus = Self::bonus(share, bill.audit).checked_div(heads).unwrap_or(0);

		settlement.worker = pay(worker, for_worker);
		let fund = T::PanelFund::get();
		let together = each.saturating_mul(heads);
		if heads == 0 {
			settlement.saved = pay(&fund, share);
		} else if bonus > 0 && pay(&fund, together) == together {
			// Through the fund, so that everybody is paid both at once.
			for (validator, _) in agreeing() {
				Self::pay_from_fund(&fund, validator, each.saturating_add(bonus));
			}
			settlement.bonus = bonus;
		} else {
			for (validator, _) in agreeing() {
				pay(validator, each);
			}
		}
		settlement.per_validator = each;
		settlement.pot = Self::pay(bill, &T::Pot::get(), left);
		let spent = total.saturating_sub(left).saturating_add(settlement.pot);
		settlement.refund = bill.escrow.saturating_sub(spent);
	}

	/// What a panel gets besides its `share`, when its answer was audited with the chance `audit`: of as many answers as
	/// there are for one audit, the others' shares. So panels get on average what is put by for them; and never more than
	/// there is.
	fn bonus(share: Balance, audit: Permill) -> Balance {
		let waived = Permill::one().saturating_sub(audit).deconstruct();
		let others = share.saturating_mul(waived.into()).checked_div(audit.deconstruct().into()).unwrap_or(0);
		if others == 0 {
			return 0;
		}
		let fund = T::PanelFund::get();
		others.min(T::Currency::reducible_balance(&fund, Preservation::Preserve, Fortitude::Polite))
	}

	/// Pays a validator out of what was put by. What it can't take stays there.
	fn pay_from_fund(fund: &T::AccountId, to: &T::AccountId, amount: Balance) {
		let _ = with_storage_layer(|| T::Currency::transfer(fund, to, amount, Preservation::Preserve));
	}

	/// Moves `amount` of a requester's escrow to `to`. Returns what was moved: all, or nothing.
	fn pay(bill: &Bill<'_, T::AccountId>, to: &T::AccountId, amount: Balance) -> Balance {
		pay_from_hold::<_, T::Currency>(bill.reason, bill.requester, to, amount)
	}

	/// Holds money for `reason`.
	pub(crate) fn hold(reason: HoldReason, who: &T::AccountId, amount: Balance) -> DispatchResult {
		T::Currency::hold(&reason.into(), who, amount)
	}
}
