//! How fast an operator answers, as the chain sees it.

use crate::BlockNumber;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// One answer, in the fixed point of [`Pace`].
const ONE: u64 = 1 << 16;

/// An answer weighs this many parts of what is remembered less with each that follows.
const MEMORY: u64 = 16;

/// Answers between two judgements of what an operator claims: one length of the memory.
const SAMPLES: u8 = 16;

/// Blocks of each answer that are no fault of the machine: two to get into a block, and the rounding to whole
/// blocks of claim, queue and answer.
const OVERHEAD: u128 = 10;

/// Moving sums of tokens and blocks over recent answers.
///
/// Sums rather than a mean of rates, so that a short answer, of which most is waiting for a block, weighs little.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Pace {
	/// Tokens, in 65536ths.
	pub tokens: u64,
	/// Blocks from claim to answer, in 65536ths.
	pub blocks: u64,
	/// Answers, in 65536ths: at most 16.
	pub answers: u64,
	/// Answers since the claim was last judged.
	pub unjudged: u8,
	/// Highest speed that was claimed at one of them.
	pub claimed: u32,
}

impl Pace {
	/// Takes an answer in. Blocks count from one, and no answer counts for more than `u32::MAX` tokens.
	pub fn add(&mut self, tokens: u64, blocks: BlockNumber) {
		let faded = |sum: u64| sum.saturating_sub(sum / MEMORY);
		let tokens = tokens.min(u64::from(u32::MAX));
		self.tokens = faded(self.tokens).saturating_add(tokens.saturating_mul(ONE));
		self.blocks = faded(self.blocks).saturating_add(u64::from(blocks.max(1)).saturating_mul(ONE));
		self.answers = faded(self.answers).saturating_add(ONE);
		self.unjudged = self.unjudged.saturating_add(1);
	}

	/// Thousandths of a token per second, at so many milliseconds per block, to the nearest; `None` before the first answer.
	pub fn rate(&self, millis_per_block: u64) -> Option<u64> {
		let millis = u128::from(self.blocks).saturating_mul(u128::from(millis_per_block));
		let rate = u128::from(self.tokens)
			.saturating_mul(1_000_000)
			.saturating_add(millis / 2)
			.checked_div(millis)?;
		Some(u64::try_from(rate).unwrap_or(u64::MAX))
	}

	/// Judges a claimed speed once in 16 answers: whether they took more than `factor` times the blocks that the
	/// claim means, and an overhead for each. The highest claim since the last judgement counts, so that nobody lowers it
	/// for that one answer. `None` when it is not time, or nothing is claimed.
	pub fn judge(&mut self, tokens_per_second: u32, millis_per_block: u64, factor: u32) -> Option<Judgement> {
		self.claimed = self.claimed.max(tokens_per_second);
		let per_block = u128::from(self.claimed).saturating_mul(u128::from(millis_per_block));
		if self.unjudged < SAMPLES || per_block == 0 {
			return None;
		}
		(self.unjudged, self.claimed) = (0, 0);
		let expected = u128::from(self.tokens).saturating_mul(1_000).checked_div(per_block)?;
		let overhead = u128::from(self.answers).saturating_mul(OVERHEAD);
		let allowed = expected.saturating_mul(u128::from(factor.max(1))).saturating_add(overhead);
		Some(if u128::from(self.blocks) > allowed { Judgement::Overstated } else { Judgement::Plausible })
	}
}

/// What the measurements say of a claimed speed. One that is too low is no harm to anybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judgement {
	/// The operator may be as fast as it says.
	Plausible,
	/// It is not.
	Overstated,
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const BLOCK: u64 = 6_000;

	fn after(answers: &[(u64, u32)]) -> Pace {
		let mut pace = Pace::default();
		answers.iter().for_each(|(tokens, blocks)| pace.add(*tokens, *blocks));
		pace
	}

	#[test]
	fn rate_should_be_tokens_over_time_when_answers_are_alike() {
		assert_eq!(Pace::default().rate(BLOCK), None);
		// 120 tokens in 2 blocks of 6 seconds: 10 tokens per second.
		assert_eq!(after(&[(120, 2)]).rate(BLOCK), Some(10_000));
		assert_eq!(after(&[(120, 2); 100]).rate(BLOCK), Some(10_000));
		assert_eq!(after(&[(0, 5)]).rate(BLOCK), Some(0));
		assert_eq!(after(&[(60, 0)]).rate(BLOCK), Some(10_000));
	}

	#[test]
	fn rate_should_follow_the_recent_answers_when_the_machine_changes() {
		let mut pace = after(&[(600, 10); 64]);
		assert_eq!(pace.rate(BLOCK), Some(10_000));
		for _ in 0..64 {
			pace.add(600, 1);
		}
		let rate = pace.rate(BLOCK).unwrap();
		assert!((80_000..=100_000).contains(&rate), "{rate}");
	}

	#[test]
	fn claim_should_be_judged_once_in_sixteen_answers() {
		let mut pace = after(&[(600, 100); 15]);
		assert_eq!(pace.judge(100, BLOCK, 4), None);
		pace.add(600, 100);
		assert_eq!(pace.judge(100, BLOCK, 4), Some(Judgement::Overstated));
		assert_eq!(pace.judge(100, BLOCK, 4), None);
		assert_eq!(after(&[(600, 100); 20]).judge(0, BLOCK, 4), None);
		assert_eq!(after(&[(600, 100); 20]).judge(100, 0, 4), None);
	}

	/// Lowering the claim for the answer at which it is judged, and raising it again.
	#[test]
	fn claim_should_be_judged_by_its_highest_when_it_was_lowered_in_time() {
		let mut pace = Pace::default();
		for answer in 0..16 {
			pace.add(600, 100);
			let judged = pace.judge(if answer < 15 { 100 } else { 1 }, BLOCK, 4);
			assert_eq!(judged, (answer == 15).then_some(Judgement::Overstated));
		}
		// What was claimed before a judgement does not count for the next one.
		for _ in 0..15 {
			pace.add(600, 100);
			assert_eq!(pace.judge(1, BLOCK, 4), None);
		}
		pace.add(600, 100);
		assert_eq!(pace.judge(1, BLOCK, 4), Some(Judgement::Plausible));
	}

	#[test]
	fn claim_should_be_plausible_when_short_answers_wait_for_their_blocks() {
		// 24 tokens at 200 per second take no block at all, and yet claim and answer take some.
		assert_eq!(after(&[(24, 4); 16]).judge(200, BLOCK, 4), Some(Judgement::Plausible));
		assert_eq!(after(&[(24, 4); 16]).judge(u32::MAX, BLOCK, 0), Some(Judgement::Plausible));
		assert_eq!(after(&[(24, 40); 16]).judge(200, BLOCK, 4), Some(Judgement::Overstated));
		// 6000 tokens at 50 per second take 20 blocks.
		assert_eq!(after(&[(6_000, 80); 16]).judge(50, BLOCK, 4), Some(Judgement::Plausible));
		assert_eq!(after(&[(6_000, 100); 16]).judge(50, BLOCK, 4), Some(Judgement::Overstated));
		assert_eq!(after(&[(6_000, 100); 16]).judge(50, BLOCK, 5), Some(Judgement::Plausible));
	}

	proptest! {
		#[test]
		fn sums_should_stay_bounded_when_any_answers_come(
			answers in prop::collection::vec((any::<u64>(), any::<u32>()), 1..300), claim in any::<u32>(),
		) {
			let mut pace = Pace::default();
			for (tokens, blocks) in answers {
				pace.add(tokens, blocks);
				let most = (u64::from(u32::MAX) + 1) * ONE * MEMORY;
				prop_assert!(pace.tokens <= most && pace.blocks <= most);
				prop_assert!(pace.answers < ONE * MEMORY + MEMORY);
				prop_assert!(pace.rate(BLOCK).is_some());
				pace.judge(claim, BLOCK, 4);
			}
		}
	}
}
