//! What is played: how many adversaries there are, by what they are counted, and what they do.

use clap::ValueEnum;
use serde::Serialize;

/// What the adversaries do. Except where it says otherwise they begin with the highest reputation, so that the chain
/// audits them as seldom as it audits anybody.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
	/// Workers answer garbage with a made-up trace and play disputes to the end; validators stay silent.
	Garbage,
	/// Workers change one number or one token and compute the rest rightly; validators stay silent.
	Subtle,
	/// As `garbage`, and validators approve the answers of their accomplices with the openings that these give them.
	Collusion,
	/// As `collusion`, where nobody ever disputes: what a committee alone is worth.
	VotesOnly,
	/// Workers answer garbage; validators approve everything without computing: first with openings that they make up,
	/// then with those that they copy from others.
	Lazy,
	/// Validators work honestly, outsiders dispute right answers and right verdicts without a reason, and workers lose
	/// disputes over right answers on purpose, so that those who confirmed them must answer for it.
	Griefing,
	/// Everybody works honestly, and outsiders dispute right answers eight times in a row, taking all their time.
	Stalling,
	/// Newcomers with the least stake collude as in `collusion`, lie in every answer, and come back under a new name
	/// when they were shut out.
	Sybil,
	/// Workers lie or let deadlines pass, and fall silent in disputes; validators stay silent.
	Silence,
	/// As `garbage`; when a lie is disputed, an accomplice disputes it as well and the liar gives in to that one first, to
	/// get back what the winner of a dispute is paid.
	Recoup,
}

impl Strategy {
	/// All of them.
	pub const ALL: [Self; 10] = [
		Self::Garbage,
		Self::Subtle,
		Self::Collusion,
		Self::VotesOnly,
		Self::Lazy,
		Self::Griefing,
		Self::Stalling,
		Self::Sybil,
		Self::Silence,
		Self::Recoup,
	];

	/// The name that is printed.
	pub fn name(self) -> &'static str {
		match self {
			Self::Garbage => "garbage",
			Self::Subtle => "subtle",
			Self::Collusion => "collusion",
			Self::VotesOnly => "votes_only",
			Self::Lazy => "lazy",
			Self::Griefing => "griefing",
			Self::Stalling => "stalling",
			Self::Sybil => "sybil",
			Self::Silence => "silence",
			Self::Recoup => "recoup",
		}
	}

	/// Whether adversaries answer wrongly.
	pub fn lies(self) -> bool {
		!matches!(self, Self::Griefing | Self::Stalling)
	}

	/// Whether adversarial validators approve the lies of their accomplices.
	pub fn colludes(self) -> bool {
		matches!(self, Self::Collusion | Self::VotesOnly | Self::Sybil)
	}

	/// Whether honest validators and watchers dispute what they find to be wrong.
	pub fn is_disputed(self) -> bool {
		self != Self::VotesOnly
	}
}

/// By what adversaries are counted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
	/// By accounts: everybody has the same stake.
	Count,
	/// By stake, of which they divide theirs among as many accounts as the least stake allows, while an honest operator
	/// has [`HONEST_STAKES`] times the least stake in one.
	Stake,
}

impl Measure {
	/// The name that is printed.
	pub fn name(self) -> &'static str {
		match self {
			Self::Count => "count",
			Self::Stake => "stake",
		}
	}
}

/// Least stakes that an honest operator has.
pub const HONEST_STAKES: u32 = 2;

/// The numbers of a run, whatever the setting.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Numbers {
	/// Jobs that are submitted.
	pub jobs: u32,
	/// Jobs that are submitted in a block.
	pub jobs_per_block: u32,
	/// Workers, if all were honest.
	pub workers: u32,
	/// Validators, if all were honest.
	pub validators: u32,
	/// Honest outsiders that check answers.
	pub watchers: u32,
	/// Share of the answers that a watcher checks.
	pub watched: f64,
	/// Share of its answers in which a liar lies; in `sybil` it always does.
	pub lie: f64,
	/// Share of the right answers that griefers dispute.
	pub grief: f64,
	/// Lowest audit rate that is governed, in percent.
	pub audit_floor: f64,
}

/// One kind of market.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Setting {
	/// What the adversaries do.
	pub strategy: Strategy,
	/// By what they are counted.
	pub measure: Measure,
	/// How many they are, in percent.
	pub adversaries: u32,
}

/// How many operators of a role there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Crowd {
	/// Honest ones.
	pub honest: u32,
	/// Adversaries.
	pub adversaries: u32,
	/// Least stakes that each adversary has.
	pub stakes: u32,
}

impl Setting {
	/// Divides a role that has `all` operators if everybody is honest. Nobody who would be honest is left out of it: at
	/// least one stays.
	pub fn crowd(&self, all: u32) -> Crowd {
		let share = f64::from(self.adversaries.min(99)) / 100.0;
		let bad = ((f64::from(all) * share).round() as u32).min(all.saturating_sub(1));
		let honest = all - bad;
		match self.measure {
			Measure::Count if self.strategy != Strategy::Sybil => {
				Crowd { honest, adversaries: bad, stakes: HONEST_STAKES }
			},
			Measure::Count => Crowd { honest, adversaries: bad, stakes: 1 },
			Measure::Stake => {
				let stakes = f64::from(honest * HONEST_STAKES) * share / (1.0 - share);
				Crowd { honest, adversaries: stakes.round() as u32, stakes: 1 }
			},
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn crowd(measure: Measure, adversaries: u32, all: u32) -> Crowd {
		Setting { strategy: Strategy::Garbage, measure, adversaries }.crowd(all)
	}

	#[test]
	fn adversaries_should_be_their_share_of_accounts_when_counted() {
		assert_eq!(crowd(Measure::Count, 20, 30), Crowd { honest: 24, adversaries: 6, stakes: 2 });
		assert_eq!(crowd(Measure::Count, 0, 30).adversaries, 0);
		assert_eq!(crowd(Measure::Count, 100, 3).honest, 1);
	}

	#[test]
	fn adversaries_should_be_more_accounts_when_their_stake_is_divided() {
		for share in [10, 20, 33] {
			let Crowd { honest, adversaries, stakes } = crowd(Measure::Stake, share, 100);
			let theirs = f64::from(adversaries * stakes);
			let all = theirs + f64::from(honest * HONEST_STAKES);
			assert!((theirs / all - f64::from(share) / 100.0).abs() < 0.01, "{share}: {adversaries}");
			assert!(adversaries > crowd(Measure::Count, share, 100).adversaries);
		}
	}

	#[test]
	fn names_should_be_those_of_the_command_line() {
		for strategy in Strategy::ALL {
			let on_command_line = strategy.to_possible_value().unwrap().get_name().replace('-', "_");
			assert_eq!(on_command_line, strategy.name());
		}
	}
}
