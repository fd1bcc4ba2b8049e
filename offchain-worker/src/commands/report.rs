//! A job as it is shown.

use crate::{cli::dot, AccountId};
use noesis_primitives::{
	Balance, BlockNumber, CheckpointId, JobId, JobState, JobView, RefundReason, Root, TimelineEntry,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A verdict.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
	pub validator: AccountId,
	pub agrees: bool,
}

/// A move.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Move {
	pub block: BlockNumber,
	pub status: &'static str,
}

/// A job from its first to its last block.
#[derive(Clone, Debug, Serialize)]
pub(super) struct JobReport {
	pub job: JobId,
	pub checkpoint: CheckpointId,
	pub status: &'static str,
	pub reason: Option<RefundReason>,
	pub requester: AccountId,
	pub worker: Option<AccountId>,
	pub sealed: bool,
	pub answer: Option<String>,
	pub input_tokens: u32,
	pub tokens: u32,
	pub root: Option<Root>,
	pub leaves: u32,
	pub verdicts: Vec<Verdict>,
	/// In planck, by account; what nobody in particular gets is `pot`.
	pub paid: BTreeMap<String, Balance>,
	pub held: Balance,
	pub refund: Balance,
	pub timeline: Vec<Move>,
	pub seconds: f64,
}

impl JobReport {
	pub(super) fn new(
		view: &JobView<AccountId>,
		timeline: &[TimelineEntry<AccountId>],
		answer: Option<String>,
		seconds: f64,
	) -> Self {
		let usage = view.claim.map(|claim| claim.usage).unwrap_or_default();
		let answered = timeline.iter().find_map(|entry| match &entry.state {
			JobState::Answered { worker } => Some(*worker),
			_ => None,
		});
		let worker = view.state.worker().copied().or(answered);
		let mut paid = BTreeMap::new();
		let mut verdicts = Vec::new();
		if let Some(settlement) = &view.settlement {
			for (validator, agrees) in settlement.verdicts.iter() {
				verdicts.push(Verdict { validator: *validator, agrees: *agrees });
				let earned = settlement.per_validator.saturating_add(settlement.bonus);
				if *agrees && earned > 0 {
					// Once for every panel of a batch.
					let sum: &mut Balance = paid.entry(validator.to_string()).or_default();
					*sum = sum.saturating_add(earned);
				}
			}
			if let Some(worker) = worker.filter(|_| settlement.worker > 0) {
				paid.insert(worker.to_string(), settlement.worker);
			}
			if settlement.pot > 0 {
				paid.insert("pot".to_owned(), settlement.pot);
			}
			if settlement.saved > 0 {
				paid.insert("panel fund".to_owned(), settlement.saved);
			}
		}
		Self {
			job: view.id,
			checkpoint: view.spec.checkpoint,
			status: status(&view.state),
			reason: match view.state {
				JobState::Refunded { reason } => Some(reason),
				_ => None,
			},
			requester: view.requester,
			worker,
			sealed: view.spec.sealed.is_some(),
			answer,
			input_tokens: usage.input_tokens,
			tokens: usage.output_tokens,
			root: view.claim.map(|claim| claim.root),
			leaves: view.claim.map(|claim| claim.leaves).unwrap_or_default(),
			verdicts,
			paid,
			held: view.escrow,
			refund: view.settlement.as_ref().map(|settlement| settlement.refund).unwrap_or_default(),
			timeline: timeline
				.iter()
				.map(|entry| Move { block: entry.at, status: status(&entry.state) })
				.collect(),
			seconds,
		}
	}

	/// Says who got what.
	pub(super) fn show_payments(&self) {
		for (who, amount) in &self.paid {
			eprintln!("paid          {who} {}", dot(*amount));
		}
		eprintln!("refunded      {} of {}", dot(self.refund), dot(self.held));
	}
}

/// The name of a state.
pub(super) fn status(state: &JobState<AccountId>) -> &'static str {
	match state {
		JobState::Open => "open",
		JobState::Assigned { .. } => "assigned",
		JobState::Answered { .. } => "answered",
		JobState::Disputed { .. } => "disputed",
		JobState::Final { .. } => "final",
		JobState::Refunded { .. } => "refunded",
	}
}

/// A state in words.
pub(super) fn describe(state: &JobState<AccountId>) -> String {
	match state {
		JobState::Open => "waits for a worker".to_owned(),
		JobState::Assigned { worker } => format!("{worker} computes it"),
		JobState::Answered { worker } => format!("{worker} has answered; a panel checks it"),
		JobState::Disputed { .. } => "somebody disputes the answer; the chain decides".to_owned(),
		JobState::Final { .. } => "the answer stands; worker and panel are paid".to_owned(),
		JobState::Refunded { reason } => format!(
			"refunded: {}",
			match reason {
				RefundReason::Cancelled => "it was taken back",
				RefundReason::Expired => "nobody took it in time",
				RefundReason::Missed => "every worker that took it missed the deadline or gave it back",
				RefundReason::Rejected => "the panel found another answer",
				RefundReason::Unverified => "no panel came together",
				RefundReason::Overturned =>
					"a dispute found that the answer is wrong, and the worker has lost stake",
				RefundReason::Withheld => "the worker did not show what was drawn for a check",
				RefundReason::Canary => "the answer was wrong by arrangement, to see who approves it",
			}
		),
	}
}
