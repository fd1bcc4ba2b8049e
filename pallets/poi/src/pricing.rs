//! What a job may cost, and whether it can be asked at all.

use crate::{Config, Error, Pallet, Price};
use noesis_primitives::{Balance, CheckpointRegistry, InputFormat, JobKind, JobSpec, Quote, QuoteError};
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
	/// The most that a job may cost, by the most tokens that its input can become and that it may produce. The
	/// bound for text is safe rather than close (three tokens a byte and a template), so most of it comes back.
	pub fn quote(spec: &JobSpec<T::AccountId>) -> Result<Quote, QuoteError> {
		Self::appraise(spec).map(|(quote, _)| quote)
	}

	/// The quote, and the price that it follows from.
	pub(crate) fn appraise(spec: &JobSpec<T::AccountId>) -> Result<(Quote, Price), QuoteError> {
		let facts = T::Checkpoints::facts(spec.checkpoint).ok_or(QuoteError::UnknownCheckpoint)?;
		if !facts.active {
			return Err(QuoteError::Deprecated);
		}
		let JobKind::Generate(params) = &spec.kind;
		let whole = params.format != InputFormat::Tokens || spec.input.len().is_multiple_of(4);
		let well_formed = params.max_tokens > 0
			&& params.top_p > 0
			&& !spec.input.is_empty()
			&& whole && spec.deadline > 0
			&& spec.deadline <= T::MaxDeadline::get();
		if !well_formed {
			return Err(QuoteError::BadParameters);
		}
		let input = spec.kind.max_input_tokens(spec.input.len());
		let tokens = input.saturating_add(spec.kind.max_output_tokens());
		if tokens > facts.context {
			return Err(QuoteError::TooLong { tokens, context: facts.context });
		}
		let price = Price {
			base: T::BaseFee::get(),
			token: Balance::from(facts.units_per_token).saturating_mul(T::UnitPrice::get()),
		};
		let units = u64::from(tokens).saturating_mul(facts.units_per_token.into());
		Ok((Quote { units, fee: price.of(tokens.into()) }, price))
	}
}

impl<T> From<QuoteError> for Error<T> {
	fn from(error: QuoteError) -> Self {
		match error {
			QuoteError::UnknownCheckpoint => Self::UnknownCheckpoint,
			QuoteError::Deprecated => Self::CheckpointDeprecated,
			QuoteError::BadParameters => Self::BadParameters,
			QuoteError::TooLong { .. } => Self::TooLong,
		}
	}
}
