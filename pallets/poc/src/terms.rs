//! The numbers of a panel, and whether its answer is audited at all.

use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{is_audited, Reputation, Verification, MAX_OPENINGS, MAX_PANEL};
use polkadot_sdk::sp_runtime::Permill;
use scale_info::TypeInfo;

/// The numbers of a panel, as they stood when it opened.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Terms {
	/// How the answer is checked.
	pub verification: Verification,
	/// Chance that it is audited.
	pub audit: Permill,
	/// Seats.
	pub size: u32,
	/// Equal verdicts that decide.
	pub quorum: u32,
	/// Leaves that a verdict opens.
	pub openings: u32,
	/// Blocks of a window.
	pub window: u32,
	/// Windows until it ends without a quorum.
	pub max_windows: u32,
	/// Validators that it is drawn from.
	pub validators: u32,
}

/// Whether an answer is audited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sample {
	/// The seed is not known yet, and it depends on it.
	Unknown,
	/// It is.
	Audited,
	/// It is not.
	Waived,
}

impl Terms {
	/// The same with the seats, the quorum and the audit that its kind of verification fixes.
	pub fn fixed(self) -> Self {
		match self.verification {
			Verification::Sampled => self,
			Verification::Panel(seats) => {
				let size = u32::from(seats).clamp(1, MAX_PANEL);
				Self { audit: Permill::one(), size, quorum: majority(size), ..self }
			},
			Verification::Replicated(f) => {
				let f = u32::from(f).clamp(1, MAX_PANEL / 3);
				let (size, quorum) = (f.saturating_mul(3), f.saturating_mul(2));
				Self { audit: Permill::one(), size, quorum, ..self }
			},
		}
	}

	/// The same, with each number brought into its range.
	pub fn bounded(self) -> Self {
		let size = self.size.clamp(1, MAX_PANEL);
		Self {
			size,
			quorum: self.quorum.clamp(majority(size), size),
			openings: self.openings.clamp(1, MAX_OPENINGS),
			window: self.window.max(1),
			max_windows: self.max_windows.max(1),
			..self
		}
	}

	/// Whether too few verdicts for a quorum may confirm by a majority.
	pub fn settles_for_a_majority(&self) -> bool {
		!matches!(self.verification, Verification::Replicated(_))
	}

	/// Whether the answer of a panel with this seed is audited.
	pub fn sample(&self, seed: Option<[u8; 32]>) -> Sample {
		match seed {
			_ if self.audit == Permill::one() => Sample::Audited,
			None => Sample::Unknown,
			Some(seed) if is_audited(&seed, self.audit.deconstruct()) => Sample::Audited,
			Some(_) => Sample::Waived,
		}
	}
}

/// More than half of `size`.
pub(crate) fn majority(size: u32) -> u32 {
	(size / 2).saturating_add(1)
}

/// The least audit rate at which cheating does not pay, in governed numbers.
///
/// A wrong answer costs its worker `S` when it is found. Of that, the share `reward` goes to who proves it, and that may
/// be an accomplice who disputes it first: those who are in it together lose `S · (1 - reward)`. A worker's open jobs
/// are worth `G = S · exposure` at most, which is more than what a lie can bring. When it is found it brings nothing, so
/// lying brings `(1 - p) · G - p · S · (1 - reward)` at most, and
///
/// ```text
/// p >= exposure / (exposure + 1 - reward)
/// ```
///
/// makes that a loss: 5 % and a half give one in eleven, rounded up to parts per million. Where the whole slash comes back,
/// everything is audited. `governed` counts where it is higher.
pub fn audit_floor(governed: Permill, exposure: Permill, reward: Permill) -> Permill {
	let one = u64::from(Permill::one().deconstruct());
	let gain = u64::from(exposure.deconstruct());
	let loss = one.saturating_sub(reward.deconstruct().into());
	let all = gain.saturating_add(loss);
	let least = if loss == 0 { one } else { gain.saturating_mul(one).div_ceil(all) };
	governed.max(Permill::from_parts(u32::try_from(least).unwrap_or(u32::MAX)))
}

/// The chance with which the answers of a worker are audited: always for a newcomer, falling linearly to `floor` at
/// the highest reputation.
pub fn audit_rate(reputation: Reputation, floor: Permill) -> Permill {
	let earned = u64::from(reputation.0.min(Reputation::MAX.0));
	let falls = u64::from(Permill::one().deconstruct().saturating_sub(floor.deconstruct()))
		.saturating_mul(earned)
		.checked_div(u64::from(Reputation::MAX.0))
		.unwrap_or(0);
	Permill::from_parts(Permill::one().deconstruct().saturating_sub(u32::try_from(falls).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;
	use proptest::prelude::*;

	#[test]
	fn floor_should_follow_what_a_cheat_gains_and_really_loses() {
		let floor = |exposure, reward| {
			audit_floor(Permill::zero(), Permill::from_percent(exposure), Permill::from_percent(reward))
				.deconstruct()
		};
		// Nothing comes back: 1 / 21. Half of the slash does: 1 / 11.
		assert_eq!((floor(5, 0), floor(5, 50)), (47_620, 90_910));
		assert_eq!((floor(100, 0), floor(100, 50)), (500_000, 666_667));
		assert_eq!((floor(0, 50), floor(0, 100), floor(5, 100)), (0, 1_000_000, 1_000_000));
		let governed = Permill::from_percent(30);
		assert_eq!(audit_floor(governed, Permill::from_percent(5), Permill::from_percent(50)), governed);
	}

	#[test]
	fn rate_should_fall_linearly_when_reputation_rises() {
		let floor = Permill::from_percent(5);
		let rate = |reputation| audit_rate(Reputation(reputation), floor).deconstruct();
		assert_eq!((rate(0), rate(500), rate(1000)), (1_000_000, 525_000, 50_000));
		assert_eq!(rate(u16::MAX), 50_000);
	}

	proptest! {
		#[test]
		fn cheating_should_not_pay_at_any_reputation(
			reputation in 0u16..1100, governed in 0u32..=1_000_000, exposure in 0u32..=1_000_000,
			reward in 0u32..=1_000_000,
		) {
			let [governed, exposure, reward] = [governed, exposure, reward].map(Permill::from_parts);
			let floor = audit_floor(governed, exposure, reward);
			let rate = audit_rate(Reputation(reputation), floor);
			prop_assert!(rate >= floor && rate <= Permill::one());
			let p = u64::from(rate.deconstruct());
			let (gain, loss) = (u64::from(exposure.deconstruct()), 1_000_000 - u64::from(reward.deconstruct()));
			prop_assert!(p * loss >= (1_000_000 - p) * gain);
		}
	}
}
