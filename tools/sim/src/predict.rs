//! How likely a wrong answer becomes final, by arithmetic: what runs are compared with.
//!
//! Closer to what happens than `pallet_poc::survival`, which gives each seat to a dishonest validator with the chance of
//! their share. Here everybody is drawn for itself: the number that is drawn varies, those who collude speak before those
//! who compute, and a panel that lacks a quorum draws again. Where whoever finds something else disputes it, one honest
//! voice is enough.

/// A panel and its crowd.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panel {
	/// Chance that the answer is audited.
	pub audit: f64,
	/// Seats.
	pub size: u32,
	/// Equal verdicts that decide.
	pub quorum: u32,
	/// Windows.
	pub windows: u32,
	/// Validators that it is drawn from.
	pub validators: u32,
	/// Of these, compute and speak.
	pub honest: u32,
	/// Of these, approve.
	pub colluding: u32,
	/// Whether an honest voice that finds something else disputes the answer.
	pub disputes: bool,
	/// Chance that some outsider disputes it.
	pub outsider: f64,
}

/// The chances of 0 to `n` of `n`, of whom each is in with chance `p`.
fn binomial(n: u32, p: f64) -> Vec<f64> {
	let mut chances = vec![1.0];
	for _ in 0..n {
		let mut next = vec![0.0; chances.len() + 1];
		for (k, chance) in chances.iter().enumerate() {
			next[k] += chance * (1.0 - p);
			next[k + 1] += chance * p;
		}
		chances = next;
	}
	chances
}

impl Panel {
	/// Chance that the answer becomes final.
	pub fn survival(&self) -> f64 {
		((1.0 - self.audit) + self.audit * self.approved()) * (1.0 - self.outsider)
	}

	/// Chance to have been drawn by the end of `window`.
	fn drawn_by(&self, window: u32) -> f64 {
		let expected = f64::from(self.size) * 2f64.powi(window as i32);
		(expected / f64::from(self.validators.max(1))).min(1.0)
	}

	/// Chance that the panel approves.
	fn approved(&self) -> f64 {
		self.approved_from(0, 0, 0)
	}

	/// The same from `window` on, when so many of each spoke before.
	fn approved_from(&self, window: u32, colluding: u32, honest: u32) -> f64 {
		let decided = colluding >= self.quorum || honest >= self.quorum;
		if colluding + honest >= self.size || decided || window >= self.windows {
			// Without a quorum a majority confirms.
			return f64::from(u8::from(
				colluding >= self.quorum || (honest < self.quorum && colluding > honest),
			));
		}
		let before = if window == 0 { 0.0 } else { self.drawn_by(window - 1) };
		let fresh = (self.drawn_by(window) - before) / (1.0 - before).max(f64::MIN_POSITIVE);
		let bad = binomial(self.colluding - colluding.min(self.colluding), fresh);
		let good = binomial(self.honest - honest.min(self.honest), fresh);
		let mut sum = 0.0;
		for (new_bad, of_bad) in bad.iter().enumerate() {
			let all_bad = (colluding + new_bad as u32).min(self.size - honest);
			if all_bad + honest >= self.size {
				sum += of_bad * self.approved_from(self.windows, all_bad, honest);
				continue;
			}
			for (new_good, of_good) in good.iter().enumerate() {
				if new_good > 0 && self.disputes {
					break;
				}
				let all_good = (honest + new_good as u32).min(self.size - all_bad);
				sum += of_bad * of_good * self.approved_from(window + 1, all_bad, all_good);
			}
		}
		sum
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::rng::Rng;

	const PANEL: Panel = Panel {
		audit: 1.0,
		size: 3,
		quorum: 2,
		windows: 3,
		validators: 24,
		honest: 16,
		colluding: 8,
		disputes: true,
		outsider: 0.0,
	};

	/// Draws a panel as the chain does.
	fn simulate(panel: &Panel, rng: &mut Rng) -> bool {
		let mut draw = |n: u32| -> Vec<f64> {
			(0..n).map(|_| (rng.bits() >> 11) as f64 / (1u64 << 53) as f64).collect()
		};
		let (bad, good) = (draw(panel.colluding), draw(panel.honest));
		let drawn = |all: &[f64], chance: f64| all.iter().filter(|output| **output < chance).count() as u32;
		let (mut agree, mut disagree) = (0, 0);
		for window in 0..panel.windows {
			let chance = panel.drawn_by(window);
			agree = drawn(&bad, chance).min(panel.size - disagree);
			if agree + disagree < panel.size {
				disagree = drawn(&good, chance).min(panel.size - agree);
			}
			if panel.disputes && disagree > 0 {
				return false;
			}
			if agree + disagree >= panel.size || agree >= panel.quorum || disagree >= panel.quorum {
				break;
			}
		}
		agree >= panel.quorum || (disagree < panel.quorum && agree > disagree)
	}

	#[test]
	fn chance_should_be_that_of_many_draws() {
		let many = 40_000u32;
		for panel in [
			PANEL,
			Panel { disputes: false, ..PANEL },
			Panel { honest: 16, colluding: 16, validators: 32, ..PANEL },
			Panel { honest: 6, colluding: 3, validators: 9, size: 7, quorum: 5, disputes: false, ..PANEL },
			Panel { honest: 1, colluding: 2, validators: 60, disputes: false, ..PANEL },
		] {
			let mut rng = Rng::new(7);
			let hits = (0..many).filter(|_| simulate(&panel, &mut rng)).count();
			let measured = hits as f64 / f64::from(many);
			let error = 4.0 * (panel.approved() / f64::from(many)).sqrt() + 1e-4;
			assert!(
				(measured - panel.approved()).abs() < error,
				"{panel:?}: {measured} {}",
				panel.approved()
			);
		}
	}

	#[test]
	fn answer_should_pass_only_unseen_when_nobody_colludes() {
		let lonely = Panel { audit: 0.05, colluding: 0, honest: 24, outsider: 0.19, ..PANEL };
		assert!((lonely.survival() - 0.95 * 0.81).abs() < 1e-9, "{}", lonely.survival());
		assert!((Panel { colluding: 24, honest: 0, ..PANEL }.survival() - 1.0).abs() < 0.01);
	}
}
