//! What a job may cost, and whether it can be asked at all.

use crate::{
	job::{max_input_tokens, seats},
	Config, Error, Pallet, Price,
};
use noesis_primitives::{
	sealed_len, Balance, BatchInputs, BatchSpec, BlockNumber, CheckpointId, CheckpointRegistry, InputFormat,
	JobKind, JobSpec, OperatorRegistry, Quote, QuoteError, Tier, Verification, MAX_AUDITS, MAX_ITEMS,
};
use polkadot_sdk::{frame_support::traits::Get, sp_runtime::Permill};

/// What a job may cost.
pub(crate) struct Appraisal {
	/// What is said to who asks.
	pub quote: Quote,
	/// The price that it follows from.
	pub price: Price,
	/// Bytes of the input that it counts; of all inputs together, if it is a batch.
	pub bytes: u32,
}

impl<T: Config> Pallet<T> {
	/// The most that a job may cost, by the most tokens that its input can become and that it may produce. The
	/// bound for text is safe rather than close (three tokens a byte and a template), so most of it comes back.
	pub fn quote(spec: &JobSpec<T::AccountId>) -> Result<Quote, QuoteError> {
		Self::appraise(spec, None).map(|found| found.quote)
	}

	/// The most that a batch may cost.
	pub fn quote_batch(spec: &BatchSpec<T::AccountId>) -> Result<Quote, QuoteError> {
		let (spec, inputs) = split(spec.clone());
		Self::appraise(&spec, Some(&inputs)).map(|found| found.quote)
	}

	/// The quote, and what it follows from.
	pub(crate) fn appraise(
		spec: &JobSpec<T::AccountId>,
		batch: Option<&BatchInputs>,
	) -> Result<Appraisal, QuoteError> {
		let facts = T::Checkpoints::facts(spec.checkpoint).ok_or(QuoteError::UnknownCheckpoint)?;
		if !facts.active {
			return Err(QuoteError::Deprecated);
		}
		let bytes = batch.map_or_else(|| Self::input_bytes(spec), |batch| Ok(batch.bytes))?;
		let longest = batch.map_or(bytes, |batch| batch.longest);
		let items = batch.map_or(1, |batch| batch.count);
		let well_formed = is_well_formed(&spec.kind, longest)
			&& !spec.input.is_empty()
			&& spec.deadline > 0
			&& spec.deadline <= T::MaxDeadline::get()
			&& spec.verification.is_valid()
			&& batch.is_none_or(|batch| fits(batch, &spec.kind));
		if !well_formed {
			return Err(QuoteError::BadParameters);
		}
		Self::ensure_validators(spec.checkpoint, spec.verification)?;
		let output = spec.kind.max_output_tokens();
		let one = spec.kind.max_input_tokens(longest).saturating_add(output);
		if one > facts.context {
			return Err(QuoteError::TooLong { tokens: one, context: facts.context });
		}
		let input = max_input_tokens(&spec.kind, bytes, items, batch.is_some());
		let tokens = u64::from(input).saturating_add(u64::from(output).saturating_mul(items.into()));
		if tokens > u32::MAX.into() {
			return Err(QuoteError::TooLong { tokens: u32::MAX, context: facts.context });
		}
		let token = Balance::from(facts.units_per_token).saturating_mul(T::UnitPrice::get());
		let price = Self::price(Self::base(items), token, spec.tier);
		let fee = price.cost(tokens, Permill::one(), seats(spec.verification)).total();
		let quote = Quote { units: tokens.saturating_mul(facts.units_per_token.into()), fee };
		Ok(Appraisal { quote, price, bytes })
	}

	/// Bytes that a single job is computed from: of a sealed one, those of the prompt in its envelope, which its worker
	/// must have a key to open.
	fn input_bytes(spec: &JobSpec<T::AccountId>) -> Result<u32, QuoteError> {
		let len = spec.input.len();
		if spec.sealed.is_none() {
			return Ok(len);
		}
		let worker = spec.worker.as_ref().ok_or(QuoteError::SealedForNobody)?;
		T::Operators::seal_key(worker).ok_or(QuoteError::NoSealKey)?;
		sealed_len(len).ok_or(QuoteError::NoEnvelope)
	}

	/// Whether there are validators enough for what is asked: for a replication as many as it has seats, otherwise one. An
	/// answer that nobody can confirm would be refunded however right it is, and its worker have worked for nothing.
	pub(crate) fn ensure_validators(
		checkpoint: CheckpointId,
		verification: Verification,
	) -> Result<(), QuoteError> {
		let needed = match verification {
			Verification::Sampled | Verification::Panel(_) => 1,
			Verification::Replicated(_) => seats(verification),
		};
		let there = T::Operators::validators(checkpoint);
		if there < needed {
			return Err(QuoteError::NoValidators { needed, there });
		}
		Ok(())
	}

	/// What is due before the first token: the base fee for each panel that `entries` entries may have, so that no panel
	/// works for less than that of a single job.
	pub(crate) fn base(entries: u32) -> Balance {
		let panels = entries.min(T::AuditedEntries::get().clamp(1, MAX_AUDITS));
		T::BaseFee::get().saturating_mul(panels.into())
	}

	/// A price with the surcharges of today.
	pub(crate) fn price(base: Balance, token: Balance, tier: Tier) -> Price {
		let (surcharge, promise) = match tier {
			Tier::Standard => (Permill::zero(), BlockNumber::MAX),
			Tier::Priority => (T::PrioritySurcharge::get(), T::PriorityPromise::get()),
			Tier::Premium => (T::PremiumSurcharge::get(), T::PremiumPromise::get()),
		};
		Price {
			base,
			token,
			tier: surcharge,
			promise,
			seat: T::SeatSurcharge::get(),
			included: T::StandardPanel::get(),
		}
	}
}

/// A batch as a job whose input is the list, and what is known of the inputs.
pub(crate) fn split<AccountId>(spec: BatchSpec<AccountId>) -> (JobSpec<AccountId>, BatchInputs) {
	let BatchSpec { checkpoint, kind, list, inputs, worker, deadline, lane, tier, verification } = spec;
	let sealed = None;
	(JobSpec { checkpoint, kind, input: list, worker, deadline, lane, tier, verification, sealed }, inputs)
}

/// Whether an input of `bytes` bytes can be computed like this at all.
pub(crate) fn is_well_formed(kind: &JobKind, bytes: u32) -> bool {
	let JobKind::Generate(params) = kind;
	let whole = params.format != InputFormat::Tokens || bytes.is_multiple_of(4);
	params.max_tokens > 0 && params.top_p > 0 && bytes > 0 && whole
}

/// Whether there can be inputs of which these figures are true.
fn fits(batch: &BatchInputs, kind: &JobKind) -> bool {
	let (bytes, longest, count) = (batch.bytes.into(), u64::from(batch.longest), u64::from(batch.count));
	let range = longest.saturating_add(count).saturating_sub(1)..=longest.saturating_mul(count);
	(1..=MAX_ITEMS).contains(&batch.count) && range.contains(&bytes) && is_well_formed(kind, batch.bytes)
}

impl<T> From<QuoteError> for Error<T> {
	fn from(error: QuoteError) -> Self {
		match error {
			QuoteError::UnknownCheckpoint => Self::UnknownCheckpoint,
			QuoteError::Deprecated => Self::CheckpointDeprecated,
			QuoteError::BadParameters => Self::BadParameters,
			QuoteError::TooLong { .. } => Self::TooLong,
			QuoteError::NoValidators { .. } => Self::NoValidators,
			QuoteError::SealedForNobody => Self::SealedForNobody,
			QuoteError::NoSealKey => Self::NoSealKey,
			QuoteError::NoEnvelope => Self::NoEnvelope,
		}
	}
}
