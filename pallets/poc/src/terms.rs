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

/// The least audit rate at which cheating does not pay: who cheats gains `G` when it passes and loses `S` when it
/// does not, so `p · S >= (1 - p) · G`, that is `p >= G / (G + S)`; with `ratio = S / G` this is `1 / (1 + ratio)`,
/// rounded up. 20 makes 4.8 %, 100 makes 1 %. `governed` counts where it is higher.
pub fn audit_floor(governed: Permill, ratio: u32) -> Permill {
	let least = 1_000_000u32.div_ceil(ratio.saturating_add(1).max(1));
	governed.max(Permill::from_parts(least))
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
	fn floor_should_follow_what_a_cheat_gains_and_loses() {
		for (ratio, parts) in [(0, 1_000_000), (19, 50_000), (20, 47_620), (50, 19_608), (100, 9_901)] {
			assert_eq!(audit_floor(Permill::zero(), ratio).deconstruct(), parts, "{ratio}");
		}
		assert_eq!(audit_floor(Permill::from_percent(30), 20), Permill::from_percent(30));
		assert_eq!(audit_floor(Permill::zero(), u32::MAX).deconstruct(), 1);
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
			reputation in 0u16..1100, governed in 0u32..=1_000_000, ratio in 0u32..1000,
		) {
			let floor = audit_floor(Permill::from_parts(governed), ratio);
			let rate = audit_rate(Reputation(reputation), floor);
			prop_assert!(rate >= floor && rate <= Permill::one());
			let p = u64::from(rate.deconstruct());
			prop_assert!(p * u64::from(ratio) >= 1_000_000 - p);
		}
	}
}
