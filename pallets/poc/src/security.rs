//! How likely a wrong answer passes.
//!
//! A wrong answer passes when it is not audited, or when the panel approves it, and when nobody else disputes it:
//! `((1 - p) + p · P) · (1 - c)`, with `p` the chance of an audit, `P` the chance that so many of the seats go to
//! dishonest validators as confirm it, and `c` the chance that one honest outsider checks it, because one is enough.
//!
//! `P` is the tail of a binomial: every seat goes to a dishonest validator with the chance of their share, each for
//! itself, as sortition draws. All dishonest validators are taken to collude, all honest ones to speak. What lies
//! outside: seats that nobody takes in time, and stake, which makes cheating dear but not less likely to pass.

use crate::{Config, Pallet, Panels, Terms};
use alloc::vec::Vec;
use noesis_primitives::{CheckpointId, Security, Subject, Survival, Verification, MAX_PANEL};
use polkadot_sdk::sp_runtime::Permill;

/// One, in the fixed point that chances are reckoned in.
const ONE: u128 = 1_000_000_000_000_000_000;
/// Of that, a part per billion.
const BILLIONTH: u128 = 1_000_000_000;
/// Of that, a part per million.
const MILLIONTH: u128 = 1_000_000_000_000;

/// Shares of dishonest validators that are answered for.
pub const ASSUMED_DISHONEST: [Permill; 3] =
	[Permill::from_percent(10), Permill::from_percent(20), Permill::from_parts(333_333)];
/// Chance that an outsider checks an answer that is assumed where none is given.
pub const ASSUMED_OUTSIDER: Permill = Permill::from_percent(10);

/// The chance that at least `quorum` of `seats` go to those who are a `share` of all. Both numbers are at most
/// [`MAX_PANEL`].
fn tail(seats: u32, quorum: u32, share: Permill) -> u128 {
	let (bad, all) = (u128::from(share.deconstruct()), 1_000_000u128);
	let part = |chance: u128, of: u128| chance.saturating_mul(of).checked_div(all).unwrap_or(0);
	let mut chances = [0u128; MAX_PANEL as usize + 1];
	if let Some(none) = chances.first_mut() {
		*none = ONE;
	}
	for _ in 0..seats.min(MAX_PANEL) {
		let mut before = 0u128;
		for chance in &mut chances {
			let here = *chance;
			*chance = part(here, all.saturating_sub(bad)).saturating_add(part(before, bad));
			before = here;
		}
	}
	chances.iter().skip(quorum as usize).fold(0u128, |sum, chance| sum.saturating_add(*chance))
}

/// Rounded up to parts per billion, at most one.
fn per_billion(chance: u128) -> u32 {
	u32::try_from(chance.min(ONE).div_ceil(BILLIONTH)).unwrap_or(u32::MAX)
}

/// `a · b` of two chances.
fn times(a: u128, b: u128) -> u128 {
	a.saturating_mul(b.checked_div(BILLIONTH).unwrap_or(0)).checked_div(BILLIONTH).unwrap_or(0)
}

/// How likely a wrong answer passes under `terms`, with a share of `dishonest` validators, and with an honest
/// outsider that checks it with the chance `outsider`.
pub fn survival(terms: &Terms, dishonest: Permill, outsider: Permill) -> Survival {
	// Where there are fewer validators than seats, the panel never fills, and may settle for a majority.
	let seats = terms.size.min(terms.validators);
	let quorum = if seats < terms.size && terms.settles_for_a_majority() {
		terms.quorum.min(crate::terms::majority(seats))
	} else {
		terms.quorum
	};
	let approved = tail(seats, quorum, dishonest);
	let audited = u128::from(terms.audit.deconstruct()).saturating_mul(MILLIONTH);
	let alone = ONE.saturating_sub(audited).saturating_add(times(approved, audited));
	let missed = ONE.saturating_sub(u128::from(outsider.deconstruct()).saturating_mul(MILLIONTH));
	Survival {
		dishonest: dishonest.deconstruct(),
		outsider: outsider.deconstruct(),
		approved: per_billion(approved),
		alone: per_billion(alone),
		watched: per_billion(times(alone, missed)),
	}
}

/// The same for the usual shares.
pub fn security_of(terms: &Terms, outsider: Permill) -> Security {
	let survivals: Vec<_> = ASSUMED_DISHONEST.iter().map(|share| survival(terms, *share, outsider)).collect();
	Security {
		audit: terms.audit.deconstruct(),
		seats: terms.size,
		quorum: terms.quorum,
		validators: terms.validators,
		survivals,
	}
}

impl<T: Config> Pallet<T> {
	/// How likely a wrong answer to `subject` passes, while it has a panel.
	pub fn security(subject: Subject) -> Option<Security> {
		Panels::<T>::get(subject).map(|panel| security_of(&panel.terms, ASSUMED_OUTSIDER))
	}

	/// How likely a wrong answer of `worker` would pass if its panel opened now.
	pub fn security_before(
		worker: &T::AccountId,
		checkpoint: CheckpointId,
		verification: Verification,
	) -> Security {
		security_of(&Self::terms_for(worker, checkpoint, verification), ASSUMED_OUTSIDER)
	}
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;
	use proptest::prelude::*;

	fn terms(audit: u32, size: u32, quorum: u32) -> Terms {
		Terms {
			verification: Verification::Sampled,
			audit: Permill::from_percent(audit),
			size,
			quorum,
			openings: 8,
			window: 20,
			max_windows: 3,
			validators: 100,
		}
	}

	fn approved(size: u32, quorum: u32, share: Permill) -> u32 {
		survival(&terms(100, size, quorum), share, Permill::zero()).approved
	}

	/// The published figures: 4.5 %, 0.9 % and 0.02 %; and the exact sums behind them.
	#[test]
	fn committee_should_be_as_weak_as_the_binomial_says() {
		let third = Permill::from_parts(333_333);
		// (21 · 4 + 7 · 2 + 1) / 3^7 = 99 / 2187 for 5 of 7.
		assert!(approved(7, 5, third).abs_diff(45_267_490) < 1_000, "{}", approved(7, 5, third));
		// (165 · 8 + 55 · 4 + 11 · 2 + 1) / 3^11 = 1563 / 177147 for 8 of 11.
		assert!(approved(11, 8, third).abs_diff(8_823_181) < 1_000, "{}", approved(11, 8, third));
		// 21 · 0.9² · 0.1⁵ + 7 · 0.9 · 0.1⁶ + 0.1⁷, exactly.
		assert_eq!(approved(7, 5, Permill::from_percent(10)), 176_500);
	}

	#[test]
	fn replication_should_hold_while_at_most_f_lie() {
		let terms = Terms { verification: Verification::Replicated(2), ..terms(100, 6, 4) };
		assert_eq!(terms.fixed(), terms);
		// 15 · 0.1⁴ · 0.9² + 6 · 0.1⁵ · 0.9 + 0.1⁶.
		assert_eq!(survival(&terms, Permill::from_percent(10), Permill::zero()).approved, 1_270_000);
		// Three validators can't make a quorum of four, and their majority is not enough.
		let few = Terms { validators: 3, ..terms };
		assert_eq!(survival(&few, Permill::from_percent(33), Permill::zero()).approved, 0);
	}

	#[test]
	fn survival_should_add_what_is_not_audited_and_leave_what_nobody_sees() {
		let half = Permill::from_percent(50);
		let s = survival(&terms(20, 1, 1), half, Permill::from_percent(75));
		assert_eq!((s.approved, s.alone, s.watched), (500_000_000, 900_000_000, 225_000_000));
		let sure = survival(&terms(0, 3, 2), Permill::zero(), Permill::one());
		assert_eq!((sure.approved, sure.alone, sure.watched), (0, 1_000_000_000, 0));
		assert_eq!(survival(&terms(100, 16, 16), Permill::one(), Permill::zero()).alone, 1_000_000_000);
	}

	#[test]
	fn panel_should_settle_for_fewer_when_there_are_fewer_validators_than_seats() {
		let few = Terms { validators: 3, ..terms(100, 7, 5) };
		let tenth = Permill::from_percent(10);
		assert_eq!(survival(&few, tenth, Permill::zero()).approved, approved(3, 2, tenth));
		// Nobody to speak: it lapses, and the requester gets everything back.
		let none = Terms { validators: 0, ..few };
		assert_eq!(survival(&none, Permill::one(), Permill::zero()).approved, 0);
	}

	proptest! {
		#[test]
		fn chances_should_be_chances_and_grow_with_what_is_bad(
			audit in 0u32..=100, size in 1u32..=16, extra in 0u32..8, bad in 0u32..=1_000_000, seen in 0u32..=1_000_000,
		) {
			let quorum = (size / 2 + 1 + extra).min(size);
			let (bad, seen) = (Permill::from_parts(bad), Permill::from_parts(seen));
			let s = survival(&terms(audit, size, quorum), bad, seen);
			prop_assert!(s.watched <= s.alone && s.alone <= 1_000_000_000 && s.approved <= s.alone + 1);
			let worse = survival(&terms(audit, size, quorum), Permill::one(), seen);
			prop_assert!(worse.approved + 1 >= s.approved);
			let stricter = survival(&terms(audit, size, size), bad, seen);
			prop_assert!(stricter.approved <= s.approved);
			// Against floating point.
			let d = f64::from(bad.deconstruct()) / 1e6;
			let choose = |k: u32| (0..k).fold(1f64, |c, i| c * f64::from(size - i) / f64::from(i + 1));
			let exact: f64 = (quorum..=size)
				.map(|k| choose(k) * d.powi(k as i32) * (1.0 - d).powi((size - k) as i32))
				.sum();
			prop_assert!((exact * 1e9 - f64::from(s.approved)).abs() < 2.0, "{} {}", exact * 1e9, s.approved);
		}
	}
}
