//! How likely a wrong answer passes.
//!
//! It passes when it is not audited or when the panel approves it, and when nobody disputes it from outside:
//! `((1 - p) + p · P) · (1 - c)`, with `p` the chance of an audit, `P` the chance that the panel approves it, and `c`
//! the chance that one honest outsider checks it, because one is enough.
//!
//! ## How `P` comes about
//!
//! Everybody draws for itself: with `n` validators and `s` seats, each is drawn by window `w` with the chance
//! `min(1, s · 2^w / n)`. Of those who are drawn, the honest speak in the window that draws them. The dishonest all
//! collude, speak before the honest if they want to and after them if they want to, and know from the beginning in which
//! window each of them is drawn. What they can make of that is one of two things:
//!
//! - **A quorum**, in the first window in which as many of them are drawn. The honest have prevented it when more of them
//!   spoke in earlier windows than the quorum leaves seats.
//! - **A majority at the end**, where the panel settles for one: one verdict more than the honest gave, and a seat left
//!   empty. So it takes that the honest are fewer than half of the seats.
//!
//! No other order of speaking passes where neither of these does, and the two sides are drawn independently. So `P` is a
//! sum over the numbers of honest validators by window, of chances that enough colluding ones are drawn ([`by_votes`]).
//! When the honest also dispute what they find to be wrong, one of them who speaks in time is enough
//! ([`despite_disputes`]).
//!
//! Both reckon in integers and are never too low: whatever a rounding loses counts for the colluding side. What is taken
//! for granted: that all honest validators who are drawn speak, and that an account is either honest or not. Silent
//! validators count like empty seats; stake makes cheating dear, but not less likely to pass.

use crate::{Config, Pallet, Panels, Terms};
use alloc::vec::Vec;
use noesis_primitives::{CheckpointId, Security, Subject, Survival, Verification, MAX_PANEL};
use polkadot_sdk::sp_runtime::Permill;

/// Bits behind the point of a chance.
const POINT: u32 = 60;
/// One.
const ONE: u128 = 1 << POINT;
/// Parts of one that are told.
const BILLION: u128 = 1_000_000_000;
/// Windows after which the chance to be drawn grows no more ([`noesis_primitives::is_drawn`]), and one.
const MAX_WINDOWS: u32 = 33;

/// Shares of dishonest validators that are answered for.
pub const ASSUMED_DISHONEST: [Permill; 3] =
	[Permill::from_percent(10), Permill::from_percent(20), Permill::from_parts(333_333)];
/// Chance that an outsider checks an answer that is assumed where none is given.
pub const ASSUMED_OUTSIDER: Permill = Permill::from_percent(10);

/// Those who may speak on a panel. Who is in neither number keeps silent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Crowd {
	/// Compute, and say what they find.
	pub honest: u32,
	/// Approve, all of them together.
	pub colluding: u32,
}

impl Crowd {
	/// So many validators, of whom this share colludes, rounded up to whole ones.
	pub fn of(validators: u32, dishonest: Permill) -> Self {
		let colluding = dishonest.mul_ceil(validators);
		Self { honest: validators.saturating_sub(colluding), colluding }
	}
}

/// The chance that a panel with these `terms` approves a wrong answer by votes alone, in parts per billion.
pub fn by_votes(terms: &Terms, crowd: Crowd) -> u32 {
	per_billion(Odds::new(terms, crowd).by_votes())
}

/// The same when every honest validator who is drawn while the panel is open disputes the answer.
pub fn despite_disputes(terms: &Terms, crowd: Crowd) -> u32 {
	per_billion(Odds::new(terms, crowd).despite_disputes())
}

/// Rounded up to parts per billion, at most one.
fn per_billion(chance: u128) -> u32 {
	let parts = chance.min(ONE).saturating_mul(BILLION).div_ceil(ONE);
	u32::try_from(parts).unwrap_or(u32::MAX)
}

/// `a · b` of two chances, rounded up.
fn times(a: u128, b: u128) -> u128 {
	a.saturating_mul(b).div_ceil(ONE)
}

/// To whom a rounding gives what it loses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lean {
	/// Fewer are drawn: what the honest are reckoned with.
	Few,
	/// More are drawn: what the colluding are reckoned with.
	Many,
}

/// How likely so many are drawn: 0, 1, and so on, and at the end [`MAX_PANEL`] or more. The chances add up to one.
#[derive(Clone, Copy, Debug)]
struct Drawn {
	chances: [u128; MAX_PANEL as usize + 1],
	/// Most that can be.
	most: u32,
}

impl Drawn {
	/// Out of nobody.
	fn nobody() -> Self {
		Self::one(0, 0)
	}

	/// Out of one, or of none, who is drawn with `chance`.
	fn one(most: u32, chance: u128) -> Self {
		let mut chances = [0; MAX_PANEL as usize + 1];
		let [none, one, ..] = &mut chances;
		(*none, *one) = (ONE.saturating_sub(chance), chance.min(ONE));
		Self { chances, most }
	}

	/// Those of two crowds together.
	fn with(&self, other: &Self, lean: Lean) -> Self {
		let mut chances = [0u128; MAX_PANEL as usize + 1];
		let last = chances.len().saturating_sub(1);
		for (here, a) in self.chances.iter().enumerate().filter(|(_, a)| **a > 0) {
			for (there, b) in other.chances.iter().enumerate() {
				if let Some(sum) = chances.get_mut(here.saturating_add(there).min(last)) {
					*sum = sum.saturating_add(a.saturating_mul(*b) >> POINT);
				}
			}
		}
		let most = self.most.saturating_add(other.most);
		let lost = ONE.saturating_sub(chances.iter().fold(0, |sum, chance| sum.saturating_add(*chance)));
		let heir = if lean == Lean::Few { 0 } else { last.min(most as usize) };
		if let Some(heir) = chances.get_mut(heir) {
			*heir = heir.saturating_add(lost);
		}
		Self { chances, most }
	}

	/// Those of `crowd`, each of whom is drawn with the chance `part / whole`. Nobody when the whole is nothing.
	fn of(crowd: u32, part: u64, whole: u64, lean: Lean) -> Self {
		let (part, whole) = (u128::from(part.min(whole)) << POINT, u128::from(whole));
		let chance = match lean {
			Lean::Few => part.checked_div(whole).unwrap_or(0),
			Lean::Many if whole == 0 => 0,
			Lean::Many => part.div_ceil(whole),
		};
		let (mut all, mut power, mut left) = (Self::nobody(), Self::one(1, chance), crowd);
		while left > 0 {
			if left & 1 == 1 {
				all = all.with(&power, lean);
			}
			left >>= 1;
			if left > 0 {
				power = power.with(&power, lean);
			}
		}
		all
	}

	/// The chance that so many are drawn; of [`MAX_PANEL`], that so many or more are.
	fn exactly(&self, number: u32) -> u128 {
		self.chances.get(number as usize).copied().unwrap_or(0)
	}

	/// The chance that so many or more are drawn; the number is at most [`MAX_PANEL`].
	fn at_least(&self, number: u32) -> u128 {
		self.chances.iter().skip(number as usize).fold(0, |sum, chance| sum.saturating_add(*chance))
	}

	/// The numbers that can come, with their chances.
	fn outcomes(&self) -> impl Iterator<Item = (u32, u128)> + '_ {
		(0u32..).zip(self.chances).filter(|(_, chance)| *chance > 0)
	}
}

/// A panel and its crowd.
struct Odds {
	terms: Terms,
	honest: u32,
	/// Of the colluding, drawn by each window.
	colluding: Vec<Drawn>,
}

impl Odds {
	fn new(terms: &Terms, crowd: Crowd) -> Self {
		let terms = terms.fixed().bounded();
		let terms = Terms { max_windows: terms.max_windows.min(MAX_WINDOWS), ..terms };
		let mut odds = Self { terms, honest: crowd.honest, colluding: Vec::new() };
		odds.colluding = (0..terms.max_windows)
			.map(|window| Drawn::of(crowd.colluding, odds.expected(window), odds.validators(), Lean::Many))
			.collect();
		odds
	}

	fn validators(&self) -> u64 {
		self.terms.validators.into()
	}

	/// Of all validators, expected to be drawn by the end of `window`.
	fn expected(&self, window: u32) -> u64 {
		(u64::from(self.terms.size) << window.min(32)).min(self.validators())
	}

	/// The same of the windows before `window`.
	fn expected_before(&self, window: u32) -> u64 {
		window.checked_sub(1).map_or(0, |before| self.expected(before))
	}

	fn last(&self) -> u32 {
		self.terms.max_windows.saturating_sub(1)
	}

	/// The chance that so many colluding ones are drawn by the end of `window`.
	fn gathered(&self, window: u32, number: u32) -> u128 {
		self.colluding.get(window as usize).map_or(0, |drawn| drawn.at_least(number))
	}

	/// The same of a quorum; never less than in an earlier window.
	fn quorum_by(&self, window: u32) -> u128 {
		(0..=window).fold(0, |best, window| best.max(self.gathered(window, self.terms.quorum)))
	}

	/// The chance to pass when so many honest ones have spoken at the end, and a quorum was in reach up to `window`.
	fn at_the_end(&self, spoke: u32, window: u32) -> u128 {
		let leaves_a_seat = spoke.saturating_mul(2).saturating_add(2) <= self.terms.size;
		if self.terms.settles_for_a_majority() && leaves_a_seat {
			self.gathered(self.last(), spoke.saturating_add(1)).max(self.quorum_by(window))
		} else {
			self.quorum_by(window)
		}
	}

	/// Honest validators that are drawn from the window after `since` (from the beginning without one) up to `window`, when
	/// `before` were drawn up to then.
	fn honest_drawn(&self, before: u32, since: Option<u32>, window: u32) -> Drawn {
		let gone = since.map_or(0, |since| self.expected(since));
		let part = self.expected(window).saturating_sub(gone);
		let whole = self.validators().saturating_sub(gone);
		Drawn::of(self.honest.saturating_sub(before), part, whole, Lean::Few)
	}

	fn by_votes(&self) -> u128 {
		let prevents = self.terms.size.saturating_sub(self.terms.quorum);
		let mut passed = 0u128;
		// Chances of panels that a quorum of the colluding could still carry, by the honest verdicts on them.
		let mut open = Drawn::nobody().chances;
		for window in 0..=self.last() {
			let mut still_open = [0u128; MAX_PANEL as usize + 1];
			for (before, chance) in (0u32..).zip(open).filter(|(_, chance)| *chance > 0) {
				for (more, of_more) in self.honest_drawn(before, window.checked_sub(1), window).outcomes() {
					let (spoke, chance) = (before.saturating_add(more), times(chance, of_more));
					if window == self.last() {
						passed = passed.saturating_add(times(chance, self.at_the_end(spoke, window)));
					} else if spoke > prevents {
						passed = passed.saturating_add(times(chance, self.prevented(spoke, window)));
					} else if let Some(sum) = still_open.get_mut(spoke as usize) {
						*sum = sum.saturating_add(chance);
					}
				}
			}
			open = still_open;
		}
		passed.min(ONE)
	}

	/// The chance to pass when so many honest ones spoke by the end of `window` that no quorum is in reach after it.
	fn prevented(&self, spoke: u32, window: u32) -> u128 {
		if spoke.saturating_mul(2).saturating_add(2) > self.terms.size {
			return self.quorum_by(window);
		}
		let later = self.honest_drawn(spoke, Some(window), self.last());
		let ends = later
			.outcomes()
			.map(|(more, chance)| times(chance, self.at_the_end(spoke.saturating_add(more), window)));
		ends.fold(0, |sum, chance: u128| sum.saturating_add(chance))
	}

	fn despite_disputes(&self) -> u128 {
		let (mut passed, mut before) = (0u128, 0u128);
		for window in 0..=self.last() {
			// Nobody honest was drawn earlier, and somebody may be now.
			let in_time = self.unseen_in(window).max(before);
			let gain = in_time.saturating_sub(before);
			passed = passed.saturating_add(times(self.unnoticed(window), gain));
			before = in_time;
		}
		let enough = if self.terms.settles_for_a_majority() { 1 } else { self.terms.quorum };
		let gain = self.gathered(self.last(), enough).saturating_sub(before);
		passed.saturating_add(times(self.unnoticed(self.last().saturating_add(1)), gain)).min(ONE)
	}

	/// The chance that no honest validator is drawn before `window`.
	fn unnoticed(&self, window: u32) -> u128 {
		let drawn = Drawn::of(self.honest, self.expected_before(window), self.validators(), Lean::Few);
		drawn.exactly(0)
	}

	/// The chance that the panel is over before an honest validator whom `window` draws can speak: by a quorum in an
	/// earlier window, or with every seat taken in this one.
	fn unseen_in(&self, window: u32) -> u128 {
		let Some(drawn) = self.colluding.get(window as usize) else { return 0 };
		let (size, quorum) = (self.terms.size, self.terms.quorum);
		let earlier = (quorum..size).map(|number| {
			let part = Drawn::of(number, self.expected_before(window), self.expected(window), Lean::Many);
			times(drawn.exactly(number), part.at_least(quorum))
		});
		earlier.fold(drawn.at_least(size), |sum, chance| sum.saturating_add(chance))
	}
}

/// How likely a wrong answer passes under `terms`, with a share of `dishonest` validators, and with an honest
/// outsider that checks it with the chance `outsider`.
pub fn survival(terms: &Terms, dishonest: Permill, outsider: Permill) -> Survival {
	let odds = Odds::new(terms, Crowd::of(terms.validators, dishonest));
	let chance = |parts: u32| (u128::from(parts) << POINT).div_ceil(u128::from(Permill::one().deconstruct()));
	let audit = odds.terms.audit.deconstruct();
	let passes = |approved: u128| {
		let unaudited = chance(Permill::one().deconstruct().saturating_sub(audit));
		unaudited.saturating_add(times(approved, chance(audit))).min(ONE)
	};
	let approved = odds.by_votes();
	let alone = passes(approved);
	let unwatched = chance(Permill::one().deconstruct().saturating_sub(outsider.deconstruct()));
	Survival {
		dishonest: dishonest.deconstruct(),
		outsider: outsider.deconstruct(),
		approved: per_billion(approved),
		alone: per_billion(alone),
		disputed: per_billion(passes(odds.despite_disputes())),
		watched: per_billion(times(alone, unwatched)),
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
