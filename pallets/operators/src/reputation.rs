//! What accounts have earned: by conduct, and within a small bound by the ratings of those who paid.
//!
//! It belongs to the account, not to the registration: leaving and coming back changes nothing, and a new account
//! begins with none, which is the least that there is. So there is nothing to be gained by a fresh start. The same holds
//! of marks, which fade as the score does: five misses in a week are a fault, five in a year are not.

use crate::{Config, Event, Operators, Pallet, Reputations};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::Get;
use noesis_primitives::{BlockNumber, Conduct, Ratings, Reputation};
use polkadot_sdk::frame_support;
use scale_info::TypeInfo;

/// Parts of a thousandth in which scores are kept, so that a short rest does not cost a whole one.
const FINE: u32 = 1_000;

/// The greatest score.
const TOP: u32 = 1_000 * FINE;

/// One mark, in the fixed point of [`Repute`].
const MARK: u32 = 1 << 16;

/// One rating, in the fixed point of [`Repute`].
const RATING: u32 = 1_024;

/// A rating weighs this many parts of what is remembered less with each that follows.
const MEMORY: u32 = 64;

/// The stars that say neither good nor bad.
const NEUTRAL: i64 = 3;

/// Most thousandths by which ratings can move a reputation, whatever governance says.
pub const MAX_RATING_BOUND: u16 = 100;

/// What is remembered of an account.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Repute {
	/// Earned by conduct, in millionths, as it was at block `at`.
	pub(crate) score: u32,
	/// Deadlines missed and answers rejected, in 65536ths, as they were at block `at`.
	pub(crate) marks: u32,
	/// Block of the last change of score or marks.
	pub(crate) at: BlockNumber,
	/// Ratings ever given.
	pub(crate) count: u32,
	/// Recent ratings, in 1024ths: at most about 64.
	pub(crate) weight: u32,
	/// Their stars, in 1024ths.
	pub(crate) stars: u32,
}

impl Repute {
	/// The score after a rest up to block `now`.
	fn faded(&self, now: BlockNumber, half_life: BlockNumber) -> u32 {
		self.fade(self.score, now, half_life)
	}

	/// Marks after a rest up to block `now`, to the nearest whole one.
	pub(crate) fn marks(&self, now: BlockNumber, half_life: BlockNumber) -> u32 {
		self.fade(self.marks, now, half_life).saturating_add(MARK / 2) / MARK
	}

	/// What is left of something at block `now`: halved for every `half_life` blocks, and in between along the straight
	/// line from one half to the next. With a `half_life` of 0 nothing fades.
	fn fade(&self, whole: u32, now: BlockNumber, half_life: BlockNumber) -> u32 {
		let rest = now.saturating_sub(self.at);
		let (Some(halvings), Some(beyond)) = (rest.checked_div(half_life), rest.checked_rem(half_life))
		else {
			return whole;
		};
		let halved = whole.checked_shr(halvings).unwrap_or(0);
		let span = u64::from(half_life).saturating_mul(2);
		let lost = u64::from(halved).saturating_mul(u64::from(beyond)).div_ceil(span.max(1));
		halved.saturating_sub(u32::try_from(lost).unwrap_or(u32::MAX))
	}

	/// Brings score and marks up to block `now`.
	fn settle(&mut self, now: BlockNumber, half_life: BlockNumber) {
		self.score = self.fade(self.score, now, half_life);
		self.marks = self.fade(self.marks, now, half_life);
		self.at = now;
	}

	/// Moves the score by so many thousandths, after fading it.
	pub(crate) fn shift(&mut self, up: u16, down: u16, now: BlockNumber, half_life: BlockNumber) {
		self.settle(now, half_life);
		let fine = |thousandths: u16| u32::from(thousandths).saturating_mul(FINE);
		self.score = self.score.saturating_add(fine(up)).saturating_sub(fine(down)).min(TOP);
	}

	/// Takes the whole score.
	pub(crate) fn forfeit(&mut self, now: BlockNumber, half_life: BlockNumber) {
		self.settle(now, half_life);
		self.score = 0;
	}

	/// Makes a mark.
	fn mark(&mut self, now: BlockNumber, half_life: BlockNumber) {
		self.settle(now, half_life);
		self.marks = self.marks.saturating_add(MARK);
	}

	/// Forgets all marks.
	fn forgive(&mut self, now: BlockNumber, half_life: BlockNumber) {
		self.settle(now, half_life);
		self.marks = 0;
	}

	/// Takes a rating in.
	pub(crate) fn rate(&mut self, stars: u8) {
		let fading = |sum: u32| sum.saturating_sub(sum / MEMORY);
		let stars = u32::from(stars.clamp(1, 5)).saturating_mul(RATING);
		self.weight = fading(self.weight).saturating_add(RATING);
		self.stars = fading(self.stars).saturating_add(stars);
		self.count = self.count.saturating_add(1);
	}

	/// What the ratings say.
	pub(crate) fn ratings(&self) -> Ratings {
		let hundredths = self.stars.saturating_mul(100).saturating_add(self.weight / 2);
		let mean = hundredths.checked_div(self.weight).unwrap_or_default();
		Ratings { count: self.count, mean: u16::try_from(mean).unwrap_or(u16::MAX) }
	}

	/// The reputation at block `now`. Five stars all along move it up by `bound` thousandths, one star down, few
	/// ratings less; never by more than conduct has earned, so that bought praise alone is worth nothing.
	pub(crate) fn reputation(&self, now: BlockNumber, half_life: BlockNumber, bound: u16) -> Reputation {
		let score = i64::from(self.faded(now, half_life) / FINE);
		let bound = i64::from(bound.min(MAX_RATING_BOUND));
		let balance = i64::from(self.stars).saturating_sub(i64::from(self.weight).saturating_mul(NEUTRAL));
		// Two stars away from neutral in all that is remembered.
		let most = i64::from(RATING).saturating_mul(i64::from(MEMORY)).saturating_mul(2);
		let moved = bound.saturating_mul(balance).checked_div(most).unwrap_or_default();
		let room = bound.min(score);
		let total = score.saturating_add(moved.clamp(room.saturating_neg(), room));
		Reputation(u16::try_from(total.clamp(0, i64::from(Reputation::MAX.0))).unwrap_or_default())
	}

	/// Whether its numbers are ones that the calls above can make, and it says something.
	pub(crate) fn is_sound(&self, now: BlockNumber) -> bool {
		let full = |one: u32| one.saturating_add(1).saturating_mul(MEMORY);
		self.score <= TOP
			&& self.at <= now
			&& self.weight <= full(RATING)
			&& self.stars <= full(RATING.saturating_mul(5))
			&& (self.count == 0) == (self.weight == 0)
			&& !self.is_blank()
	}

	/// Whether it says nothing at all, as that of an account that never took part.
	fn is_blank(&self) -> bool {
		self.score == 0 && self.marks == 0 && self.count == 0
	}
}

impl<T: Config> Pallet<T> {
	/// What an account has earned by its conduct, at this block.
	pub(crate) fn reputation_of(who: &T::AccountId) -> Reputation {
		let repute = Reputations::<T>::get(who).unwrap_or_default();
		repute.reputation(Self::now(), T::ReputationHalfLife::get(), T::RatingBound::get())
	}

	/// Changes what is remembered of an account, if it is an operator or was one; says whether it is. What says
	/// nothing is not kept.
	pub(crate) fn remember(who: &T::AccountId, change: impl FnOnce(&mut Repute)) -> bool {
		let known = Operators::<T>::contains_key(who) || Reputations::<T>::contains_key(who);
		if known {
			Reputations::<T>::mutate_exists(who, |kept| {
				let mut repute = kept.unwrap_or_default();
				change(&mut repute);
				*kept = (!repute.is_blank()).then_some(repute);
			});
		}
		known
	}

	/// Marks that an account has now, to the nearest whole one.
	pub fn marks(who: &T::AccountId) -> u32 {
		let repute = Reputations::<T>::get(who).unwrap_or_default();
		repute.marks(Self::now(), T::ReputationHalfLife::get())
	}

	/// Makes a mark on an account that is an operator or was one; how many it has then.
	pub(crate) fn mark(who: &T::AccountId) -> Option<u32> {
		if !Self::remember(who, |repute| repute.mark(Self::now(), T::ReputationHalfLife::get())) {
			return None;
		}
		let marks = Self::marks(who);
		Self::deposit_event(Event::Marked { who: who.clone(), marks });
		Some(marks)
	}

	/// Forgets the marks of an account.
	pub(crate) fn forgive(who: &T::AccountId) {
		Self::remember(who, |repute| repute.forgive(Self::now(), T::ReputationHalfLife::get()));
	}

	/// Moves a reputation by what `conduct` is worth.
	pub(crate) fn remember_conduct(who: &T::AccountId, conduct: Conduct) {
		let steps = T::ReputationSteps::get();
		let (up, down) = match conduct {
			Conduct::Served => (steps.served, 0),
			Conduct::Vouched => (steps.vouched, 0),
			Conduct::Missed => (0, steps.missed),
			Conduct::Rejected => (0, steps.rejected),
			Conduct::Dissented => (0, steps.dissented),
		};
		if Self::remember(who, |repute| repute.shift(up, down, Self::now(), T::ReputationHalfLife::get())) {
			let reputation = Self::reputation_of(who);
			Self::deposit_event(Event::Noted { who: who.clone(), conduct, reputation });
		}
	}

	/// Takes a rating of an account that is an operator or was one.
	pub(crate) fn do_rate(who: &T::AccountId, stars: u8) {
		let stars = stars.clamp(1, 5);
		if Self::remember(who, |repute| repute.rate(stars)) {
			let reputation = Self::reputation_of(who);
			Self::deposit_event(Event::Rated { who: who.clone(), stars, reputation });
		}
	}
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const HALF: BlockNumber = 1_000;

	fn with_score(thousandths: u32) -> Repute {
		Repute { score: thousandths * FINE, ..Default::default() }
	}

	fn rated(stars: &[u8], score: u32) -> Repute {
		let mut repute = with_score(score);
		stars.iter().for_each(|stars| repute.rate(*stars));
		repute
	}

	#[test]
	fn score_should_halve_when_a_half_life_passes() {
		let repute = with_score(800);
		let at = |now| repute.reputation(now, HALF, 0).0;
		assert_eq!((at(0), at(500), at(1_000), at(1_500), at(2_000)), (800, 600, 400, 300, 200));
		assert_eq!((at(1_000 * 32), at(u32::MAX)), (0, 0));
		assert_eq!(repute.reputation(u32::MAX, 0, 0).0, 800);
	}

	#[test]
	fn marks_should_fade_as_the_score_does_when_an_account_rests() {
		let mut repute = Repute::default();
		(0..4).for_each(|_| repute.mark(0, HALF));
		let at = |now| repute.marks(now, HALF);
		assert_eq!((at(0), at(124 * 2), at(500), at(1_000), at(2_000), at(3_500)), (4, 4, 3, 2, 1, 0));
		assert_eq!((repute.marks(u32::MAX, 0), at(u32::MAX)), (4, 0));
		repute.forgive(1_000, HALF);
		assert_eq!(repute, Repute { at: 1_000, ..Default::default() });
	}

	#[test]
	fn score_should_stay_in_range_when_it_is_moved_beyond() {
		let mut repute = with_score(999);
		repute.shift(2, 0, 0, HALF);
		assert_eq!(repute.reputation(0, HALF, 0), Reputation::MAX);
		repute.shift(0, 1_001, 0, HALF);
		assert_eq!(repute.reputation(0, HALF, 0).0, 0);
		repute.shift(u16::MAX, u16::MAX, 0, HALF);
		assert_eq!(repute.reputation(0, HALF, 0).0, 0);
	}

	#[test]
	fn praise_should_be_worth_nothing_when_conduct_has_earned_nothing() {
		assert_eq!(rated(&[5; 2_000], 0).reputation(0, HALF, 50).0, 0);
		assert_eq!(rated(&[5; 2_000], 10).reputation(0, HALF, 50).0, 20);
		assert_eq!(rated(&[1; 2_000], 10).reputation(0, HALF, 50).0, 0);
	}

	#[test]
	fn ratings_should_move_by_the_bound_at_most_when_they_all_agree() {
		assert_eq!(rated(&[5; 2_000], 500).reputation(0, HALF, 50).0, 550);
		assert_eq!(rated(&[1; 2_000], 500).reputation(0, HALF, 50).0, 450);
		assert_eq!(rated(&[3; 2_000], 500).reputation(0, HALF, 50).0, 500);
		assert_eq!(rated(&[5], 500).reputation(0, HALF, 50).0, 500);
		assert_eq!(rated(&[5; 2_000], 500).reputation(0, HALF, u16::MAX).0, 600);
		assert_eq!(rated(&[5; 2_000], 990).reputation(0, HALF, 50), Reputation::MAX);
	}

	#[test]
	fn ratings_should_be_forgotten_when_many_others_follow() {
		let stars: Vec<u8> = [1u8; 64].into_iter().chain([5; 2_000]).collect();
		assert_eq!(rated(&stars, 500).reputation(0, HALF, 50).0, 550);
		assert_eq!(rated(&[4, 5], 0).ratings(), Ratings { count: 2, mean: 450 });
		assert_eq!(rated(&[], 0).ratings(), Ratings::default());
		assert_eq!(rated(&[0, 255], 0).ratings(), Ratings { count: 2, mean: 302 });
	}

	proptest! {
		#[test]
		fn score_should_never_rise_when_an_account_rests(
			score in 0..=TOP, half in 1u32..2_000_000, a in any::<u32>(), b in any::<u32>(),
		) {
			let repute = Repute { score, marks: score, ..Default::default() };
			let (first, second) = (a.min(b), a.max(b));
			prop_assert!(repute.marks(second, half) <= repute.marks(first, half));
			prop_assert!(repute.faded(first, half) <= score);
			prop_assert!(repute.faded(second, half) <= repute.faded(first, half));
		}

		#[test]
		fn sums_should_stay_bounded_when_any_ratings_come(stars in prop::collection::vec(any::<u8>(), 0..2_000)) {
			let repute = rated(&stars, 500);
			prop_assert!(repute.weight <= (RATING + 1) * MEMORY);
			prop_assert!(repute.stars <= (5 * RATING + 1) * MEMORY);
			prop_assert!((450..=550).contains(&repute.reputation(0, HALF, 50).0));
		}
	}
}
