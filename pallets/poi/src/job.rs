//! A job's record.

use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{
	Balance, BatchInputs, BlockNumber, BundleId, CheckpointId, Claim, ContentHash, Engagement, InputFormat,
	JobId, JobKind, JobState, Lane, Tier, Usage, Verification,
};
use polkadot_sdk::sp_runtime::Permill;
use scale_info::TypeInfo;

/// What a job costs, as it was quoted.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Price {
	/// Whatever its size.
	pub base: Balance,
	/// For each token.
	pub token: Balance,
	/// Surcharge of its tier, as a share of the plain price.
	pub tier: Permill,
	/// Blocks from claim to answer for which the whole surcharge is due.
	pub promise: BlockNumber,
	/// Surcharge for each validator that speaks beyond `included`, as a share of the plain price.
	pub seat: Permill,
	/// Validators that the plain price pays for.
	pub included: u32,
}

/// What is to be paid.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cost {
	/// Divided between worker, panel and pot by the governed shares.
	pub shared: Balance,
	/// For the panel alone, beside its share.
	pub panel: Balance,
}

impl Cost {
	/// All of it.
	pub fn total(&self) -> Balance {
		self.shared.saturating_add(self.panel)
	}
}

impl Price {
	/// The plain price of `tokens` tokens.
	pub fn plain(&self, tokens: u64) -> Balance {
		self.base.saturating_add(self.token.saturating_mul(tokens.into()))
	}

	/// What `tokens` tokens cost when `kept` of the tier's surcharge is due and `spoke` validators spoke.
	pub fn cost(&self, tokens: u64, kept: Permill, spoke: u32) -> Cost {
		let plain = self.plain(tokens);
		let shared = plain.saturating_add(kept.mul_floor(self.surcharge(plain)));
		Cost { shared, panel: self.panel_surcharge(plain, spoke) }
	}

	/// The whole surcharge of the tier on a plain price.
	pub fn surcharge(&self, plain: Balance) -> Balance {
		self.tier.mul_floor(plain)
	}

	/// The surcharge on a plain price when `spoke` validators spoke.
	pub fn panel_surcharge(&self, plain: Balance, spoke: u32) -> Balance {
		self.seat.mul_floor(plain).saturating_mul(spoke.saturating_sub(self.included).into())
	}

	/// The share of the tier's surcharge that is due for an answer `taken` blocks after the claim: all of it within
	/// the promise, then less by each block, and none at the deadline.
	pub fn kept(&self, taken: BlockNumber, deadline: BlockNumber) -> Permill {
		if taken <= self.promise.min(deadline) {
			return Permill::one();
		}
		let span = deadline.saturating_sub(self.promise);
		Permill::from_rational(deadline.saturating_sub(taken), span.max(1))
	}
}

/// The validators that a verification may ask for beyond the governed panel; 0 when it asks for no number.
pub fn seats(verification: Verification) -> u32 {
	match verification {
		Verification::Sampled => 0,
		Verification::Panel(seats) => seats.into(),
		Verification::Replicated(f) => u32::from(f).saturating_mul(3),
	}
}

/// A job. Its input and output are kept apart, so that a move does not touch them.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Job<AccountId> {
	/// Who pays.
	pub requester: AccountId,
	/// The model version.
	pub checkpoint: CheckpointId,
	/// What to compute.
	pub kind: JobKind,
	/// Hash of the input's bytes; of the list of inputs, if it is a batch.
	pub input: ContentHash,
	/// Bytes of the input; of the prompt in it, if it is sealed; of all inputs together, if it is a batch.
	pub input_bytes: u32,
	/// What is known of the inputs, if it is a batch.
	pub batch: Option<BatchInputs>,
	/// The only worker that may claim it, if named.
	pub worker: Option<AccountId>,
	/// Blocks that a worker has from claim to answer.
	pub deadline: BlockNumber,
	/// What it is paid with.
	pub lane: Lane,
	/// How it is served.
	pub tier: Tier,
	/// How the answer is checked.
	pub verification: Verification,
	/// What it costs.
	pub price: Price,
	/// What is, or was, held for it.
	pub escrow: Balance,
	/// Where it stands.
	pub state: JobState<AccountId>,
	/// Block at whose end the state changes by itself, or at which the answer may be settled; the greatest number
	/// there is while the answer is disputed.
	pub due: BlockNumber,
	/// Block at which it last opened; ranks count from it.
	pub opened: BlockNumber,
	/// Block of the answer, or of the last dispute that it withstood; the challenge window counts from it.
	pub answered: BlockNumber,
	/// Share of the tier's surcharge that the worker earned.
	pub kept: Permill,
	/// Its place in the checkpoint's queue, while it is open to all.
	pub slot: Option<u64>,
	/// Times it went back to the queue.
	pub reassignments: u8,
	/// What the worker says the result is.
	pub claim: Option<Claim>,
	/// Stars that the requester gave the worker.
	pub rating: Option<u8>,
	/// What it commits to, if it is sealed.
	pub sealed: Option<ContentHash>,
}

impl<AccountId> Job<AccountId> {
	/// What this is to requester and worker.
	pub fn engagement(&self, id: JobId) -> Engagement {
		match self.batch {
			None => Engagement::Job(id),
			Some(_) => Engagement::Bundle(BundleId::Batch(id)),
		}
	}

	/// Whether the answer can have taken this much. Of token inputs the chain knows the number exactly.
	pub fn is_plausible(&self, usage: Usage) -> bool {
		let items = self.batch.map_or(1, |batch| batch.count);
		let most = self.kind.max_output_tokens().saturating_mul(items);
		is_input_plausible(&self.kind, self.input_bytes, items, self.batch.is_some(), usage.input_tokens)
			&& (items..=most).contains(&usage.output_tokens)
	}
}

/// Whether `items` inputs of `bytes` bytes together can have become this many tokens.
pub fn is_input_plausible(kind: &JobKind, bytes: u32, items: u32, batch: bool, tokens: u32) -> bool {
	let JobKind::Generate(params) = kind;
	match params.format {
		InputFormat::Tokens => tokens == bytes / 4,
		InputFormat::Chat | InputFormat::Text => {
			(items..=max_input_tokens(kind, bytes, items, batch)).contains(&tokens)
		},
	}
}

/// Greatest number of tokens that `items` inputs of `bytes` bytes together can become.
pub fn max_input_tokens(kind: &JobKind, bytes: u32, items: u32, batch: bool) -> u32 {
	let together = kind.max_input_tokens(bytes);
	if !batch {
		return together;
	}
	together.saturating_add(kind.max_input_tokens(0).saturating_mul(items))
}

/// The part of a queue that is in use: slots from `head` up to, but without, `tail`.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Ring {
	/// First slot that may be taken.
	pub head: u64,
	/// Next slot to be given.
	pub tail: u64,
}
