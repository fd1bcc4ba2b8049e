//! How likely a wrong answer becomes final, by arithmetic: what runs are compared with. It is the chain's own
//! ([`pallet_poc::by_votes`], [`pallet_poc::despite_disputes`]), with the numbers of those who take part in a run.

use pallet_poc::{by_votes, despite_disputes, Crowd, Terms};

/// Who may do what about a wrong answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onlookers {
	/// Validators that may speak.
	pub crowd: Crowd,
	/// Whether an honest voice that finds something else disputes the answer.
	pub disputes: bool,
	/// Chance that some outsider disputes it.
	pub outsider: f64,
}

/// Chance that a wrong answer becomes final whose panel has these terms.
pub fn survival(terms: &Terms, onlookers: &Onlookers) -> f64 {
	let Onlookers { crowd, disputes, outsider } = *onlookers;
	let approved = if disputes { despite_disputes(terms, crowd) } else { by_votes(terms, crowd) };
	let audit = f64::from(terms.audit.deconstruct()) / 1e6;
	((1.0 - audit) + audit * f64::from(approved) / 1e9) * (1.0 - outsider)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::rng::Rng;
	use noesis_primitives::Verification;
	use polkadot_sdk::sp_runtime::Permill;

	fn terms(size: u32, quorum: u32, validators: u32) -> Terms {
		Terms {
			verification: Verification::Sampled,
			audit: Permill::one(),
			size,
			quorum,
			openings: 8,
			window: 20,
			max_windows: 3,
			validators,
		}
	}

	fn onlookers(honest: u32, colluding: u32, disputes: bool) -> Onlookers {
		Onlookers { crowd: Crowd { honest, colluding }, disputes, outsider: 0.0 }
	}

	/// Draws a panel as the chain does; those who collude speak as soon as they are drawn.
	fn simulate(terms: &Terms, onlookers: &Onlookers, rng: &mut Rng) -> bool {
		let mut draw = |n: u32| -> Vec<f64> {
			(0..n).map(|_| (rng.bits() >> 11) as f64 / (1u64 << 53) as f64).collect()
		};
		let (bad, good) = (draw(onlookers.crowd.colluding), draw(onlookers.crowd.honest));
		let drawn = |all: &[f64], chance: f64| all.iter().filter(|output| **output < chance).count() as u32;
		let (mut agree, mut disagree) = (0, 0);
		for window in 0..terms.max_windows {
			let chance = f64::from(terms.size << window) / f64::from(terms.validators);
			agree = drawn(&bad, chance).min(terms.size - disagree);
			if agree + disagree < terms.size {
				disagree = drawn(&good, chance).min(terms.size - agree);
			}
			if onlookers.disputes && disagree > 0 {
				return false;
			}
			if agree + disagree >= terms.size || agree >= terms.quorum || disagree >= terms.quorum {
				break;
			}
		}
		agree >= terms.quorum || (disagree < terms.quorum && agree > disagree)
	}

	#[test]
	fn chance_should_be_that_of_many_draws() {
		let many = 40_000u32;
		for (terms, onlookers) in [
			(terms(3, 2, 24), onlookers(16, 8, true)),
			(terms(3, 2, 24), onlookers(16, 8, false)),
			(terms(3, 2, 32), onlookers(16, 16, true)),
			(terms(7, 5, 9), onlookers(6, 3, false)),
			(terms(3, 2, 60), onlookers(1, 2, false)),
		] {
			let mut rng = Rng::new(7);
			let hits = (0..many).filter(|_| simulate(&terms, &onlookers, &mut rng)).count();
			let (measured, told) = (hits as f64 / f64::from(many), survival(&terms, &onlookers));
			let error = 4.0 * (told / f64::from(many)).sqrt() + 1e-4;
			assert!((measured - told).abs() < error, "{terms:?} {onlookers:?}: {measured} {told}");
		}
	}

	#[test]
	fn answer_should_pass_only_unseen_when_nobody_colludes() {
		let seldom = Terms { audit: Permill::from_percent(5), ..terms(3, 2, 24) };
		let watched = Onlookers { outsider: 0.19, ..onlookers(24, 0, true) };
		assert!((survival(&seldom, &watched) - 0.95 * 0.81).abs() < 1e-9);
		assert!((survival(&terms(3, 2, 24), &onlookers(0, 24, false)) - 1.0).abs() < 0.01);
	}
}
