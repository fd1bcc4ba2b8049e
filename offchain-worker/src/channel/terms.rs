//! What turns cost, and what a requester checks before it signs.

use super::{Book, SignedTally, TurnAnswer, TurnRequest};
use noesis_primitives::{Balance, ChannelSpec, ContentHash, InputFormat, JobKind, Usage};

/// Tokens of the smallest turn that there can be: one byte, and one token produced.
const LEAST_TOKENS: u64 = 4;
/// What the chain may have rounded away of the panel's surcharge, at most.
const ROUNDING: Balance = 16;

/// The prices of a channel's turns: those of jobs on the same checkpoint, without the part that pays for what a job
/// does on chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
	/// For each token read or produced.
	pub per_token: Balance,
	/// What all turns may cost together, so that the panel's surcharge fits in the escrow beside it.
	pub spendable: Balance,
	/// What a turn may cost on the average.
	pub cap: Balance,
}

/// Why a requester does not sign.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Objection {
	/// It is no answer to what was asked.
	#[error("the worker answered something else than was asked")]
	OtherTurn,
	/// The output is not what is claimed of it.
	#[error("the output is not the one that the worker's claim names")]
	OtherOutput,
	/// The number of tokens can't be right.
	#[error("the worker says that it took {0:?}, which this request can't take")]
	Usage(Usage),
	/// It costs more than it should.
	#[error("the worker asks {asked} planck for the turn, {due} are due: wait for the price that both see, or close the channel")]
	TooDear {
		/// What it asks.
		asked: Balance,
		/// What is due.
		due: Balance,
	},
	/// Number, root or sum are not those of the turns.
	#[error("the tally is not over the turns that were exchanged")]
	OtherTally,
	/// The worker did not sign.
	#[error("the tally is not signed by the worker")]
	BadSignature,
	/// It was computed again.
	#[error("the answer is wrong: something else comes out here. Nothing was signed; close the channel")]
	Wrong,
}

impl Terms {
	/// The terms of a channel, by the quotes of three jobs of the same checkpoint: with two tokens and with three, and
	/// with two tokens that are checked as the channel's turns are.
	pub fn new<A>(spec: &ChannelSpec<A>, two: Balance, three: Balance, two_checked: Balance) -> Self {
		let spendable = match two_checked.saturating_sub(two) {
			0 => spec.escrow,
			// The surcharge is this share of the price, up to what was rounded away.
			panel => spec
				.escrow
				.saturating_mul(two)
				.checked_div(two.saturating_add(panel).saturating_add(ROUNDING))
				.unwrap_or(0),
		};
		Self { per_token: three.saturating_sub(two), spendable, cap: spec.cap }
	}

	/// What a turn costs that took this much.
	pub fn price(&self, usage: Usage) -> Balance {
		self.per_token.saturating_mul(usage.tokens().into())
	}

	/// The most that a turn can cost.
	pub fn most(&self, kind: &JobKind, bytes: usize) -> Balance {
		let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
		let tokens =
			u64::from(kind.max_input_tokens(bytes)).saturating_add(u64::from(kind.max_output_tokens()));
		self.per_token.saturating_mul(tokens.into())
	}

	/// What the turn may cost that comes after `turns` turns for `spent`.
	pub fn room(&self, turns: u32, spent: Balance) -> Balance {
		let allowed = self.cap.saturating_mul(Balance::from(turns).saturating_add(1));
		allowed.min(self.spendable).saturating_sub(spent)
	}

	/// Whether no turn fits that comes after `turns` turns for `spent`.
	pub fn is_spent_up(&self, turns: u32, spent: Balance) -> bool {
		self.room(turns, spent) < self.per_token.saturating_mul(LEAST_TOKENS.into())
	}

	/// Whether a requester should sign the worker's answer to what it asked.
	pub fn check(&self, book: &Book, request: &TurnRequest, answer: &TurnAnswer) -> Result<(), Objection> {
		let TurnAnswer { turn, output, tally: SignedTally { tally, .. } } = answer;
		if !request.is_answered_by(turn) || request.index != book.next() {
			return Err(Objection::OtherTurn);
		}
		if turn.claim.output != ContentHash::of(output) || turn.output_bytes as usize != output.len() {
			return Err(Objection::OtherOutput);
		}
		let usage = turn.claim.usage;
		if !is_plausible(&request.kind, turn.input_bytes, usage) {
			return Err(Objection::Usage(usage));
		}
		let due = self.price(usage).min(self.room(book.next(), book.spent()));
		match turn.spent.checked_sub(book.spent()) {
			Some(asked) if asked <= due => {},
			asked => return Err(Objection::TooDear { asked: asked.unwrap_or(0), due }),
		}
		if *tally != book.tally_with(turn) {
			return Err(Objection::OtherTally);
		}
		match answer.tally.is_of(&book.worker, &book.genesis.0) {
			true => Ok(()),
			false => Err(Objection::BadSignature),
		}
	}
}

/// Whether an input of `bytes` bytes can have taken this much.
fn is_plausible(kind: &JobKind, bytes: u32, usage: Usage) -> bool {
	let JobKind::Generate(params) = kind;
	let most = kind.max_input_tokens(bytes);
	let read = match params.format {
		InputFormat::Tokens => usage.input_tokens == bytes / 4,
		InputFormat::Chat | InputFormat::Text => (1..=most).contains(&usage.input_tokens),
	};
	read && (1..=kind.max_output_tokens()).contains(&usage.output_tokens)
}

#[cfg(test)]
pub(super) mod tests {
	use super::{
		super::book::tests::{alice, bob, book, GENESIS},
		*,
	};
	use noesis_primitives::{CheckpointId, Root, Tier, Turn, Verification};
	use proptest::prelude::*;

	pub(crate) fn spec(escrow: Balance, cap: Balance) -> ChannelSpec<crate::AccountId> {
		ChannelSpec {
			worker: bob().account(),
			checkpoint: CheckpointId(0),
			escrow,
			cap,
			lifetime: 100,
			tier: Tier::Standard,
			verification: Verification::Sampled,
		}
	}

	/// An honest answer to a request after three turns.
	fn exchange() -> (Book, TurnRequest, TurnAnswer) {
		let book = book(3);
		let output = b"out".to_vec();
		let usage = Usage { input_tokens: 2, output_tokens: 3 };
		let claim = noesis_primitives::Claim { output: ContentHash::of(&output), ..book.turns[0].claim };
		let kind = book.turns[0].kind;
		let request = TurnRequest::new(&alice(), &GENESIS, book.channel, 3, kind, b"asked".to_vec());
		let turn = Turn {
			index: 3,
			input: ContentHash::of(b"asked"),
			output_bytes: 3,
			claim: noesis_primitives::Claim { usage, ..claim },
			spent: 35,
			..book.turns[0]
		};
		let tally = SignedTally::new(&bob(), &GENESIS, book.tally_with(&turn));
		(book, request, TurnAnswer { turn, output, tally })
	}

	#[test]
	fn answer_should_be_signed_only_when_all_of_it_holds() {
		let terms = Terms { per_token: 1, spendable: 100, cap: 20 };
		let (book, request, answer) = exchange();
		assert_eq!(terms.check(&book, &request, &answer), Ok(()));

		let with = |change: &dyn Fn(&mut TurnAnswer)| {
			let mut answer = answer.clone();
			change(&mut answer);
			// Signed anew: what is wrong is what it says.
			answer.tally = SignedTally::new(&bob(), &GENESIS, book.tally_with(&answer.turn));
			terms.check(&book, &request, &answer)
		};
		assert_eq!(with(&|answer| answer.turn.index = 2), Err(Objection::OtherTurn));
		assert_eq!(with(&|answer| answer.turn.channel.0 = 4), Err(Objection::OtherTurn));
		assert_eq!(with(&|answer| answer.turn.input = ContentHash::of(b"other")), Err(Objection::OtherTurn));
		assert_eq!(with(&|answer| answer.output.push(0)), Err(Objection::OtherOutput));
		assert_eq!(with(&|answer| answer.turn.output_bytes = 4), Err(Objection::OtherOutput));
		let too_much = with(&|answer| answer.turn.claim.usage.output_tokens = 4);
		assert!(matches!(too_much, Err(Objection::Usage(_))), "{too_much:?}");
		assert_eq!(with(&|answer| answer.turn.spent = 36), Err(Objection::TooDear { asked: 6, due: 5 }));
		assert!(matches!(with(&|answer| answer.turn.spent = 29), Err(Objection::TooDear { .. })));

		let other = SignedTally::new(
			&bob(),
			&GENESIS,
			noesis_primitives::Tally { root: Root([0; 32]), ..answer.tally.tally },
		);
		let lie = TurnAnswer { tally: other, ..answer.clone() };
		assert_eq!(terms.check(&book, &request, &lie), Err(Objection::OtherTally));
		let unsigned =
			TurnAnswer { tally: SignedTally::new(&alice(), &GENESIS, answer.tally.tally), ..answer.clone() };
		assert_eq!(terms.check(&book, &request, &unsigned), Err(Objection::BadSignature));
		let elsewhere =
			TurnAnswer { tally: SignedTally::new(&bob(), &[8; 32], answer.tally.tally), ..answer };
		assert_eq!(terms.check(&book, &request, &elsewhere), Err(Objection::BadSignature));
	}

	#[test]
	fn turn_should_not_cost_more_than_cap_and_escrow_allow() {
		let terms = Terms { per_token: 1, spendable: 100, cap: 20 };
		assert_eq!(terms.room(0, 0), 20);
		assert_eq!(terms.room(3, 30), 50);
		assert_eq!(terms.room(9, 98), 2);
		assert!(terms.is_spent_up(9, 97) && !terms.is_spent_up(9, 96));
	}

	proptest! {
		/// The chain asks for spent plus surcharge to fit in the escrow; its surcharge rounds down.
		#[test]
		fn what_is_spendable_should_fit_with_its_surcharge(
			escrow in 0u128..1 << 60, plain in 1u128..1 << 40, seat in 0u128..300_000, extra in 0u128..16,
		) {
			let surcharge = |price: u128| price * seat / 1_000_000 * extra;
			let terms = Terms::new(&spec(escrow, 1), plain, plain + 5, plain + surcharge(plain));
			prop_assert_eq!(terms.per_token, 5);
			prop_assert!(terms.spendable <= escrow);
			// Where the quote shows a surcharge at all, what may be spent leaves room for it.
			if surcharge(plain) > 0 || seat * extra == 0 {
				prop_assert!(terms.spendable + surcharge(terms.spendable) <= escrow);
			}
		}
	}
}
