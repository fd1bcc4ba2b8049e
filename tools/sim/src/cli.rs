//! The command line.

use crate::{
	chain,
	setting::{Measure, Numbers, Setting, Strategy},
};
use clap::Parser;

/// Plays markets of honest and dishonest operators through the pallets, and counts what comes of it.
///
/// Every step is a call of the real pallets on a chain in memory; the model is tiny, and disputes end in one step of it that
/// the referee computes. After each block the money is counted; after each run every invariant of every pallet is
/// checked. The same options give the same figures. Rates have Wilson's 95 % intervals, means over runs Student's.
///
/// The JSON document: `numbers` (as given), `chain` (the chain's parameters), `liar` (what lying is worth at its best, by
/// arithmetic), `runs`, `seed`, `false_slashes` of all
/// settings together, and `settings`, each with `setting`, `workers` and `validators` (honest, adversaries), `runs`, `jobs`,
/// `unanswered`, `wrong` (audited, detected, unverified, survived; predicted, as_predicted), `right` (finals,
/// overturned, betrayed, blocks), `cost` of the attack in DOT (per_try, per_survivor, slashed, bonds), `honest` (income of a
/// worker and of a validator in DOT, their Gini coefficients, false_slashes, bonds_lost, refused calls), `lazy` (made_up,
/// copied, taken), and `disputes` by how they ended. A rate is {hits, cases, rate, interval}, a mean {runs, mean, interval}.
#[derive(Clone, Debug, Parser)]
#[command(name = "noesis-sim", version)]
pub struct Cli {
	/// Shares of adversaries, in percent.
	#[arg(long, value_delimiter = ',', default_values_t = [10, 20, 33], value_parser = clap::value_parser!(u32).range(1..=66))]
	pub adversaries: Vec<u32>,
	/// What adversaries do; everything by default.
	#[arg(long, value_enum, value_delimiter = ',')]
	pub strategies: Vec<Strategy>,
	/// By what adversaries are counted; both ways by default.
	#[arg(long, value_enum, value_delimiter = ',')]
	pub measures: Vec<Measure>,
	/// Jobs of a run.
	#[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
	pub jobs: Option<u32>,
	/// Jobs that are submitted in a block.
	#[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
	pub jobs_per_block: u32,
	/// Workers.
	#[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=1_000))]
	pub workers: u32,
	/// Validators.
	#[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(2..=1_000))]
	pub validators: u32,
	/// Honest outsiders that check answers.
	#[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=100))]
	pub watchers: u32,
	/// Share of the answers that each of them checks.
	#[arg(long, default_value_t = 0.1, value_parser = parse_share)]
	pub watched: f64,
	/// Share of a liar's answers that are lies.
	#[arg(long, default_value_t = 0.5, value_parser = parse_share)]
	pub lie: f64,
	/// Share of the right answers that a griefer disputes.
	#[arg(long, default_value_t = 0.2, value_parser = parse_share)]
	pub grief: f64,
	/// Lowest audit rate, in percent; the chain's by default. What makes lying a loss holds in any case.
	#[arg(long, default_value_t = chain::AUDIT_FLOOR, value_parser = parse_percent)]
	pub audit_floor: f64,
	/// Runs of each setting.
	#[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
	pub seeds: Option<u32>,
	/// Seed of the model, of the questions, and of the first run.
	#[arg(long, default_value_t = 1)]
	pub seed: u64,
	/// Fewer and shorter runs: under a minute.
	#[arg(long)]
	pub quick: bool,
	/// Threads; all cores by default. They change no figure.
	#[arg(long)]
	pub threads: Option<usize>,
	/// Prints one JSON document.
	#[arg(long)]
	pub json: bool,
}

impl Cli {
	/// The numbers of a run.
	pub fn numbers(&self) -> Numbers {
		Numbers {
			jobs: self.jobs.unwrap_or(if self.quick { 30 } else { 120 }),
			jobs_per_block: self.jobs_per_block,
			workers: self.workers,
			validators: self.validators,
			watchers: self.watchers,
			watched: self.watched,
			lie: self.lie,
			grief: self.grief,
			audit_floor: self.audit_floor,
		}
	}

	/// Runs of each setting.
	pub fn runs(&self) -> u32 {
		self.seeds.unwrap_or(if self.quick { 2 } else { 8 })
	}

	/// What is played: first without adversaries, then each strategy with each share, counted each way.
	pub fn settings(&self) -> Vec<Setting> {
		let all = |given: &[Strategy]| if given.is_empty() { Strategy::ALL.to_vec() } else { given.to_vec() };
		let measures = if self.measures.is_empty() {
			vec![Measure::Count, Measure::Stake]
		} else {
			self.measures.clone()
		};
		let mut settings =
			vec![Setting { strategy: Strategy::Garbage, measure: Measure::Count, adversaries: 0 }];
		for strategy in all(&self.strategies) {
			for measure in &measures {
				for adversaries in &self.adversaries {
					settings.push(Setting { strategy, measure: *measure, adversaries: *adversaries });
				}
			}
		}
		settings
	}
}

fn parse_share(text: &str) -> Result<f64, String> {
	let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
	if (0.0..=1.0).contains(&share) {
		Ok(share)
	} else {
		Err("a share is 0 to 1".to_owned())
	}
}

fn parse_percent(text: &str) -> Result<f64, String> {
	let percent: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
	if (0.0..=100.0).contains(&percent) {
		Ok(percent)
	} else {
		Err("a percentage is 0 to 100".to_owned())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn command_line_should_be_sound() {
		Cli::command().debug_assert();
	}

	#[test]
	fn settings_should_be_every_combination_and_one_without_adversaries() {
		let cli =
			Cli::parse_from(["noesis-sim", "--adversaries", "10,33", "--strategies", "lazy,votes-only"]);
		let settings = cli.settings();
		assert_eq!(settings.len(), 1 + 2 * 2 * 2);
		assert_eq!(settings.first().map(|setting| setting.adversaries), Some(0));
		assert!(Cli::try_parse_from(["noesis-sim", "--adversaries", "90"]).is_err());
		assert!(Cli::try_parse_from(["noesis-sim", "--lie", "1.5"]).is_err());
	}
}
