//! What is counted in a run.

use serde::Serialize;
use std::collections::BTreeMap;

/// How the jobs of one kind ended.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Ends {
	/// Answers that were given.
	pub answered: u64,
	/// Of these, became final.
	pub finals: u64,
	/// Were overturned by a dispute.
	pub overturned: u64,
	/// Were rejected by a panel.
	pub rejected: u64,
	/// Ended without enough verdicts.
	pub unverified: u64,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
	/// Blocks that it took.
	pub blocks: u64,
	/// Jobs that were submitted.
	pub submitted: u64,
	/// Jobs that nobody answered in time.
	pub unanswered: u64,
	/// Right answers.
	pub right: Ends,
	/// Of these, overturned because their worker lost the dispute on purpose.
	pub betrayed: u64,
	/// Wrong answers.
	pub wrong: Ends,
	/// Wrong answers that were drawn for an audit.
	pub wrong_audited: u64,
	/// Chance, summed over wrong answers, that one becomes final, by [`crate::predict`].
	pub expected: f64,
	/// Its variance.
	pub variance: f64,
	/// Blocks from submission to the end, summed over right answers that became final.
	pub delay: u64,
	/// Disputes that were opened, and how they ended.
	pub disputes: BTreeMap<String, u64>,
	/// Answers that honest workers gave.
	pub answers: u64,
	/// Verdicts that honest validators gave.
	pub verdicts: u64,
	/// Verdicts that were tried with openings that were made up, and with such that were copied.
	pub made_up: u64,
	/// Copied ones.
	pub copied: u64,
	/// Of both, taken by the chain.
	pub lazy_taken: u64,
	/// Slashes of adversaries, and what they took.
	pub slashes: u64,
	/// In DOT.
	pub slashed: f64,
	/// Slashes of honest operators.
	pub false_slashes: u64,
	/// In DOT.
	pub falsely_slashed: f64,
	/// Bonds that honest challengers lost, in DOT.
	pub honest_bonds_lost: f64,
	/// Bonds that adversaries lost, in DOT.
	pub bonds_lost: f64,
	/// What all adversaries together have lost (less what right answers earned them), in DOT; negative when they gained.
	pub attack_loss: f64,
	/// What the honest workers earned, in DOT.
	pub worker_income: Vec<f64>,
	/// What the honest validators earned, in DOT.
	pub validator_income: Vec<f64>,
	/// Calls of honest players that the chain refused, by reason.
	pub refused: BTreeMap<String, u64>,
}
