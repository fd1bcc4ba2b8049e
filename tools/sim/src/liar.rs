//! What lying is worth to a worker at its best, by arithmetic: with every number in its favour that it does not choose, and
//! the best of what it does.
//!
//! A liar that is audited seldom has open jobs worth all that it may have open. It gains their whole price when it passes,
//! as if computing rightly cost all of that, and nothing when it is found; then it loses a share of its stake. It may lie in
//! one of the jobs or in all of them, have few dear ones or many cheap ones, be silent when it is found, or have an
//! accomplice dispute it first, who is paid the reward for that.

use crate::chain;
use pallet_poc::{despite_disputes, Crowd, Terms};
use polkadot_sdk::sp_runtime::Permill;
use serde::Serialize;

/// The governed numbers that decide it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stakes {
	/// Share of the stake that a wrong answer costs.
	pub slash: f64,
	/// Share of that which goes to who proves it.
	pub reward: f64,
	/// Share of what a wrong answer costs that open jobs may be worth.
	pub exposure: f64,
	/// Chance that an answer is audited.
	pub audit: f64,
	/// Chance that an audited lie passes all the same.
	pub missed: f64,
}

/// What a liar does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Play {
	/// Jobs that it has open at a time, which are worth the same.
	pub jobs: u32,
	/// In how many of them it lies.
	pub lies: u32,
	/// Share of what its open jobs may be worth that they are.
	pub used: f64,
	/// Whether an accomplice disputes it first when it is about to be found.
	pub recoups: bool,
}

/// Most jobs at a time that are tried: as many as a worker may compute.
const MOST_JOBS: u32 = pallet_poi::MAX_ACTIVE;
/// Parts of what may be open that are tried.
const PARTS: u32 = 8;

impl Stakes {
	/// Expected gain of `play`, for a stake of one, over not lying.
	pub fn gain(&self, play: &Play) -> f64 {
		let found = self.audit * (1.0 - self.missed);
		let price = play.used * self.exposure * self.slash / f64::from(play.jobs.max(1));
		let back = if play.recoups { self.reward } else { 0.0 };
		// Each slash takes its share of what the others left.
		let kept = (1.0 - found * self.slash).powi(play.lies as i32);
		f64::from(play.lies) * (1.0 - found) * price - (1.0 - back) * (1.0 - kept)
	}

	/// All that is tried.
	pub fn plays() -> impl Iterator<Item = Play> {
		(1..=MOST_JOBS).flat_map(|jobs| {
			(1..=jobs).flat_map(move |lies| {
				(1..=PARTS).flat_map(move |part| {
					let used = f64::from(part) / f64::from(PARTS);
					[false, true].map(|recoups| Play { jobs, lies, used, recoups })
				})
			})
		})
	}

	/// The play that gains most, and what it gains.
	pub fn best(&self) -> Option<(Play, f64)> {
		Self::plays().map(|play| (play, self.gain(&play))).max_by(|(_, a), (_, b)| a.total_cmp(b))
	}
}

/// The best play at the chain's numbers, with `validators` of whom a third colludes and nobody outside who looks, and what
/// it gains for each 100 DOT at stake.
pub fn report(validators: u32) -> serde_json::Value {
	let crowd = Crowd::of(validators, Permill::from_parts(333_333));
	let missed = f64::from(despite_disputes(&Terms { validators, ..chain::terms() }, crowd)) / 1e9;
	let stakes = Stakes { missed, ..chain::stakes() };
	let (play, gain) = stakes.best().unzip();
	serde_json::json!({ "stakes": stakes, "best_play": play, "gain_dot": gain.map(|gain| 100.0 * gain) })
}

#[cfg(test)]
mod tests {
	use super::*;

	fn best(stakes: &Stakes) -> f64 {
		stakes.best().unwrap().1
	}

	/// Where every audit finds the lie, the floor that the chain derives is where lying stops paying, to the point.
	#[test]
	fn lying_should_be_a_loss_at_the_floor_and_a_gain_below_it() {
		let at = |audit| Stakes { audit, missed: 0.0, ..chain::stakes() };
		let floor = chain::least_audit() / 100.0;
		assert!((floor - 0.090_91).abs() < 1e-9, "{floor}");
		assert!(best(&at(floor)) < 0.0);
		assert!(best(&at(floor - 0.001)) > 0.0);
		// The floor that counts the whole slash as lost is too low for who has an accomplice, and only for him.
		let (gross, alone) = (at(1.0 / 21.0 + 1e-6), |play: &Play| !play.recoups);
		assert!(best(&gross) > 0.0);
		assert!(Stakes::plays().filter(alone).all(|play| gross.gain(&play) < 0.0));
	}

	/// With a third of the validators colluding, and nobody outside who looks.
	#[test]
	fn lying_should_be_a_loss_at_the_governed_rate_when_a_third_colludes() {
		for validators in 3..=200 {
			let crowd = Crowd::of(validators, Permill::from_parts(333_333));
			let missed = f64::from(despite_disputes(&Terms { validators, ..chain::terms() }, crowd)) / 1e9;
			let stakes = Stakes { missed, ..chain::stakes() };
			let (play, gain) = stakes.best().unwrap();
			assert!(gain < 0.0, "{validators} validators, {missed} missed: {play:?} gains {gain}");
		}
	}

	#[test]
	fn cheap_jobs_should_be_worse_than_dear_ones() {
		let stakes = chain::stakes();
		let play = Play { jobs: 1, lies: 1, used: 1.0, recoups: true };
		let cheap = Play { used: 0.1, ..play };
		assert!(stakes.gain(&cheap) < stakes.gain(&play));
		assert!(stakes.gain(&Play { recoups: false, ..play }) < stakes.gain(&play));
		assert!(stakes.gain(&Play { jobs: 16, lies: 16, ..play }) < stakes.gain(&play));
	}
}
