//! What all runs of a setting say together.

use crate::{
	setting::{Crowd, Numbers, Setting},
	stats::{gini, Mean, Rate},
	world::Tally,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many of a role there were at the begin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Numbered {
	/// Honest ones.
	pub honest: u32,
	/// Adversaries.
	pub adversaries: u32,
}

impl From<Crowd> for Numbered {
	fn from(crowd: Crowd) -> Self {
		Self { honest: crowd.honest, adversaries: crowd.adversaries }
	}
}

/// What became of wrong answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wrong {
	/// That were drawn for an audit.
	pub audited: Rate,
	/// That were overturned or rejected before they became final.
	pub detected: Rate,
	/// That ended without enough verdicts: refunded, and nobody blamed.
	pub unverified: Rate,
	/// That became final.
	pub survived: Rate,
	/// Chance that one becomes final, as the chain reckons it from the terms of each panel and who takes part; the mean over
	/// the wrong answers.
	pub predicted: Option<f64>,
	/// Whether as many became final as was predicted, within what is left out once in a thousand times.
	pub as_predicted: Option<bool>,
}

/// What became of right answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Right {
	/// That became final, of those that their worker defended.
	pub finals: Rate,
	/// That were overturned though their worker defended them.
	pub overturned: Rate,
	/// That were overturned because their worker lost on purpose.
	pub betrayed: u64,
	/// Blocks from submission to the end, for those that became final.
	pub blocks: Option<f64>,
}

/// What the attack cost those who tried it, in DOT. What they saved by not computing is not counted, nor what they can't
/// earn any more once they are shut out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
	/// For each wrong answer; with griefers, for each dispute.
	pub per_try: Mean,
	/// For each wrong answer that became final; `None` when none did.
	pub per_survivor: Option<f64>,
	/// Taken from their stakes.
	pub slashed: f64,
	/// Bonds that they lost.
	pub bonds: f64,
}

/// What honest operators got, in DOT, for a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Honest {
	/// A worker.
	pub worker: Mean,
	/// A validator.
	pub validator: Mean,
	/// Gini's coefficient among workers.
	pub worker_gini: Mean,
	/// Gini's coefficient among validators.
	pub validator_gini: Mean,
	/// Slashes, as a share of the answers and verdicts that they gave.
	pub false_slashes: Rate,
	/// Bonds that honest challengers lost.
	pub bonds_lost: f64,
	/// Calls that the chain refused though they should have succeeded, by reason.
	pub refused: BTreeMap<String, u64>,
}

/// What came of approving without computing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lazy {
	/// Verdicts with openings that were made up.
	pub made_up: u64,
	/// Verdicts with openings of somebody else.
	pub copied: u64,
	/// Of both, taken by the chain.
	pub taken: u64,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
	/// What was played.
	pub setting: Setting,
	/// Workers.
	pub workers: Numbered,
	/// Validators.
	pub validators: Numbered,
	/// Runs, each with a seed of its own.
	pub runs: usize,
	/// Jobs in all runs.
	pub jobs: u64,
	/// Of these, never answered.
	pub unanswered: u64,
	/// Wrong answers.
	pub wrong: Wrong,
	/// Right answers.
	pub right: Right,
	/// What the attack cost.
	pub cost: Cost,
	/// What honest operators got.
	pub honest: Honest,
	/// What lazy validators tried.
	pub lazy: Lazy,
	/// Disputes, by how they ended.
	pub disputes: BTreeMap<String, u64>,
}

/// Adds counts by name.
fn add(all: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
	for (name, count) in more {
		*all.entry(name.clone()).or_default() += count;
	}
}

impl Summary {
	/// Puts the runs of a setting together.
	pub fn new(setting: Setting, numbers: &Numbers, runs: &[Tally]) -> Self {
		let sum = |count: fn(&Tally) -> u64| runs.iter().map(count).sum::<u64>();
		let total = |amount: fn(&Tally) -> f64| runs.iter().map(amount).sum::<f64>();
		let mean = |value: &dyn Fn(&Tally) -> Option<f64>| {
			Mean::of(&runs.iter().filter_map(value).collect::<Vec<f64>>())
		};
		let average = |of: &[f64]| (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);

		let tried = sum(|run| run.wrong.answered);
		let predicted = |expected: f64| (tried > 0).then(|| expected / tried as f64);
		let survived = Rate::new(sum(|run| run.wrong.finals), tried);
		let expected = total(|run| run.expected);
		// 99.9 % of the normal distribution; one answer more or less is no evidence.
		let slack = 3.29 * total(|run| run.variance).sqrt() + 1.0;
		let wrong = Wrong {
			audited: Rate::new(sum(|run| run.wrong_audited), tried),
			detected: Rate::new(sum(|run| run.wrong.overturned + run.wrong.rejected), tried),
			unverified: Rate::new(sum(|run| run.wrong.unverified), tried),
			survived,
			predicted: predicted(expected),
			as_predicted: (tried > 0).then(|| (survived.hits as f64 - expected).abs() <= slack),
		};

		let answered = sum(|run| run.right.answered);
		let finals = sum(|run| run.right.finals);
		let betrayed = sum(|run| run.betrayed);
		let right = Right {
			finals: Rate::new(finals, answered - betrayed),
			overturned: Rate::new(sum(|run| run.right.overturned) - betrayed, answered - betrayed),
			betrayed,
			blocks: (finals > 0).then(|| sum(|run| run.delay) as f64 / finals as f64),
		};

		let tries = |run: &Tally| {
			let disputes = run.disputes.get("opened").copied().unwrap_or_default();
			let tries = if setting.strategy.lies() { run.wrong.answered } else { disputes };
			(tries > 0).then(|| run.attack_loss / tries as f64)
		};
		let lost = total(|run| run.attack_loss);
		let cost = Cost {
			per_try: mean(&tries),
			per_survivor: (survived.hits > 0).then(|| lost / survived.hits as f64),
			slashed: total(|run| run.slashed),
			bonds: total(|run| run.bonds_lost),
		};

		let acts = sum(|run| run.answers + run.verdicts);
		let (mut disputes, mut refused) = (BTreeMap::new(), BTreeMap::new());
		for run in runs {
			add(&mut disputes, &run.disputes);
			add(&mut refused, &run.refused);
		}
		let honest = Honest {
			worker: mean(&|run| average(&run.worker_income)),
			validator: mean(&|run| average(&run.validator_income)),
			worker_gini: mean(&|run| gini(&run.worker_income)),
			validator_gini: mean(&|run| gini(&run.validator_income)),
			false_slashes: Rate::new(sum(|run| run.false_slashes), acts),
			bonds_lost: total(|run| run.honest_bonds_lost),
			refused,
		};
		Self {
			setting,
			workers: setting.crowd(numbers.workers).into(),
			validators: setting.crowd(numbers.validators).into(),
			runs: runs.len(),
			jobs: sum(|run| run.submitted),
			unanswered: sum(|run| run.unanswered),
			wrong,
			right,
			cost,
			honest,
			lazy: Lazy {
				made_up: sum(|run| run.made_up),
				copied: sum(|run| run.copied),
				taken: sum(|run| run.lazy_taken),
			},
			disputes,
		}
	}
}

/// Slashes of honest operators in all settings, as a share of the answers and verdicts that they gave.
pub fn false_slashes(summaries: &[Summary]) -> Rate {
	let of = summaries.iter().map(|summary| summary.honest.false_slashes);
	let (hits, cases) = of.fold((0, 0), |(hits, cases), rate| (hits + rate.hits, cases + rate.cases));
	Rate::new(hits, cases)
}
