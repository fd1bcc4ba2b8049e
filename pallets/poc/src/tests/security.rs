//! What the chain says of its own safety, held against the panels themselves played out in full.

use crate::{by_votes, despite_disputes, survival, Crowd, Terms};
use noesis_primitives::{Survival, Verification};
use polkadot_sdk::sp_runtime::Permill;
use proptest::prelude::*;
use std::collections::HashMap;

fn terms(size: u32, quorum: u32, windows: u32, validators: u32) -> Terms {
	Terms {
		verification: Verification::Sampled,
		audit: Permill::one(),
		size,
		quorum,
		openings: 8,
		window: 20,
		max_windows: windows,
		validators,
	}
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

/// Those of each side that are drawn, and the verdicts of the colluding, at the beginning of a window.
type Stand = (u32, u32, u32, u32);

/// A panel by its rules, window by window, in floating point: the colluding speak before the honest and after them, in
/// the way that is best for them, without knowing who is drawn later.
struct Played {
	terms: Terms,
	crowd: Crowd,
	disputes: bool,
	known: HashMap<Stand, f64>,
}

impl Played {
	fn new(terms: Terms, crowd: Crowd, disputes: bool) -> Self {
		Self { terms: terms.fixed().bounded(), crowd, disputes, known: HashMap::new() }
	}

	/// The chance that the panel approves.
	fn approves(&mut self) -> f64 {
		self.from(0, 0, 0, 0)
	}

	fn drawn_by(&self, window: u32) -> f64 {
		let expected = f64::from(self.terms.size) * 2f64.powi(window as i32);
		(expected / f64::from(self.terms.validators.max(1))).min(1.0)
	}

	fn from(&mut self, window: u32, bad: u32, good: u32, spoke: u32) -> f64 {
		let stand = (window, bad, good, spoke);
		if let Some(chance) = self.known.get(&stand) {
			return *chance;
		}
		let before = if window == 0 { 0.0 } else { self.drawn_by(window - 1) };
		let fresh =
			((self.drawn_by(window) - before) / (1.0 - before).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
		let new_bad = binomial(self.crowd.colluding - bad, fresh);
		let new_good = binomial(self.crowd.honest - good, fresh);
		let mut sum = 0.0;
		for (more, of_bad) in new_bad.iter().enumerate() {
			let bad = bad + more as u32;
			let most = bad.min(self.terms.size.saturating_sub(good));
			let best = (spoke..=most)
				.map(|first| {
					let ends = new_good.iter().enumerate().map(|(more, of_good)| {
						of_good * self.after_honest(window, bad, good + more as u32, first)
					});
					ends.sum::<f64>()
				})
				.fold(0.0, f64::max);
			sum += of_bad * best;
		}
		self.known.insert(stand, sum);
		sum
	}

	/// The honest speak after `first` of the colluding, who may go on then.
	fn after_honest(&mut self, window: u32, bad: u32, good: u32, first: u32) -> f64 {
		let Terms { size, quorum, .. } = self.terms;
		let is_seen = self.disputes && good > 0 && first < size;
		if first >= quorum || is_seen || first + good >= size {
			return f64::from(u8::from(first >= quorum && !is_seen));
		}
		let then = (first..=bad.min(size - good)).map(|then| self.at_the_end_of(window, bad, good, then));
		then.fold(0.0, f64::max)
	}

	fn at_the_end_of(&mut self, window: u32, bad: u32, good: u32, spoke: u32) -> f64 {
		let Terms { size, quorum, max_windows, .. } = self.terms;
		let passes = if spoke >= quorum {
			true
		} else if spoke + good >= size || good >= quorum {
			false
		} else if window + 1 >= max_windows {
			self.terms.settles_for_a_majority() && spoke > good
		} else {
			return self.from(window + 1, bad, good, spoke);
		};
		f64::from(u8::from(passes))
	}
}

/// That what the chain says is not below what is played, and above it by no more than `by` in a billion.
fn assert_tight(terms: Terms, crowd: Crowd, by: f64) {
	for disputes in [false, true] {
		let played = 1e9 * Played::new(terms, crowd, disputes).approves();
		let told = if disputes { despite_disputes(&terms, crowd) } else { by_votes(&terms, crowd) };
		let over = f64::from(told) - played;
		assert!((-0.01..by).contains(&over), "{terms:?} {crowd:?} {disputes}: {told}, {played}");
	}
}

#[test]
fn chances_should_be_those_of_the_panels_played_in_full() {
	for (size, quorum) in [(1, 1), (2, 2), (3, 2), (3, 3), (4, 3), (5, 3), (5, 5), (6, 4), (7, 5), (7, 7)] {
		for windows in 1..=3 {
			for (honest, colluding) in [(0, 3), (1, 2), (2, 1), (3, 3), (6, 2), (2, 4), (5, 0)] {
				let crowd = Crowd { honest, colluding };
				for silent in [0, 9] {
					let terms = terms(size, quorum, windows, honest + colluding + silent);
					assert_tight(terms, crowd, 2.0);
				}
			}
		}
	}
}

#[test]
fn replication_should_be_what_is_played_and_never_settle_for_less() {
	for f in 1..=2 {
		for (honest, colluding) in [(2, 2), (4, 2), (5, 4), (0, 5)] {
			let terms =
				Terms { verification: Verification::Replicated(f), ..terms(3, 2, 3, honest + colluding) };
			assert_tight(terms, Crowd { honest, colluding }, 2.0);
		}
	}
	// Fewer colluders than a quorum, whatever the draw.
	let terms = Terms { verification: Verification::Replicated(2), ..terms(3, 2, 3, 30) };
	assert_eq!(by_votes(&terms, Crowd { honest: 0, colluding: 3 }), 0);
	assert!(by_votes(&terms, Crowd { honest: 0, colluding: 4 }) > 0);
}

/// Panel of three, everything audited, a third of 24 validators colluding: 43 %, not the 26 % of three independent seats.
#[test]
fn votes_alone_should_be_as_weak_as_they_are_when_a_third_colludes() {
	let third = survival(&terms(3, 2, 3, 24), Permill::from_parts(333_333), Permill::zero());
	assert!((427_900_000..428_100_000).contains(&third.approved), "{third:?}");
	assert!((111_300_000..111_500_000).contains(&third.disputed), "{third:?}");
	assert_eq!((third.alone, third.watched), (third.approved, third.approved));
}

#[test]
fn survival_should_add_what_is_not_audited_and_leave_what_nobody_sees() {
	let of = |audit, dishonest, outsider| {
		let terms = Terms { audit: Permill::from_percent(audit), ..terms(1, 1, 1, 2) };
		survival(&terms, Permill::from_percent(dishonest), Permill::from_percent(outsider))
	};
	let told = |s: Survival| (s.approved, s.alone, s.disputed, s.watched);
	// One of two validators colludes; each is drawn with a half, and whoever is first has the seat. Rounded up.
	assert_eq!(told(of(20, 50, 75)), (500_000_000, 900_000_001, 900_000_001, 225_000_001));
	assert_eq!(told(of(0, 0, 100)), (0, 1_000_000_000, 1_000_000_000, 0));
	assert_eq!(told(of(100, 100, 0)), (750_000_000, 750_000_000, 750_000_000, 750_000_000));
	let nobody = survival(&terms(3, 2, 3, 0), Permill::one(), Permill::zero());
	assert_eq!(told(nobody), (0, 0, 0, 0));
}

#[test]
fn share_should_be_rounded_up_to_whole_validators() {
	let of = |validators, parts| Crowd::of(validators, Permill::from_parts(parts));
	assert_eq!(of(24, 333_333), Crowd { honest: 16, colluding: 8 });
	assert_eq!(of(3, 100_000), Crowd { honest: 2, colluding: 1 });
	assert_eq!(of(0, 1_000_000), Crowd { honest: 0, colluding: 0 });
	assert_eq!(of(7, 0), Crowd { honest: 7, colluding: 0 });
}

/// The figures stay figures, and are told in no time, however many there are and whatever governance says.
#[test]
fn chances_should_be_told_for_any_numbers() {
	let many = terms(3, 2, u32::MAX, u32::MAX);
	let third = survival(&many, Permill::from_parts(333_333), Permill::zero());
	assert!((400_000_000..460_000_000).contains(&third.approved), "{third:?}");
	let large = Terms { verification: Verification::Panel(16), ..terms(0, 99, 6, 1_000_000) };
	let third = survival(&large, Permill::from_parts(333_333), Permill::zero());
	assert!((10_000_000..200_000_000).contains(&third.approved), "{third:?}");
	assert!(third.disputed < third.approved);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(200))]

	#[test]
	fn chances_should_never_be_told_too_low(
		size in 1u32..6, extra in 0u32..3, windows in 1u32..4, honest in 0u32..6, colluding in 0u32..6, silent in 0u32..20,
	) {
		let quorum = (size / 2 + 1 + extra).min(size);
		assert_tight(terms(size, quorum, windows, honest + colluding + silent), Crowd { honest, colluding }, 2.0);
	}

	#[test]
	fn chances_should_grow_with_what_is_bad(
		audit in 0u32..=100, size in 1u32..=16, extra in 0u32..8, all in 0u32..3_000, bad in 0u32..=1_000_000,
		windows in 1u32..9, seen in 0u32..=1_000_000,
	) {
		let quorum = (size / 2 + 1 + extra).min(size);
		let terms = Terms { audit: Permill::from_percent(audit), ..terms(size, quorum, windows, all) };
		let (bad, seen) = (Permill::from_parts(bad), Permill::from_parts(seen));
		let s = survival(&terms, bad, seen);
		prop_assert!(s.watched <= s.alone && s.alone <= 1_000_000_000);
		prop_assert!(s.disputed <= s.alone + 1 && s.approved <= s.alone + 1);
		prop_assert!(survival(&terms, Permill::one(), seen).approved + 1 >= s.approved);
		let stricter = Terms { quorum: size, ..terms };
		prop_assert!(survival(&stricter, bad, seen).approved <= s.approved + 1);
	}
}
