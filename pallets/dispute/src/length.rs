//! Claims that contradict their job for all to see.

use crate::{docket::Case, Config, Error, Pallet};
use noesis_primitives::{
	sealed_len, Accused, Architecture, CheckpointRegistry, Claim, InputFormat, JobKind, LengthProof, Opening,
	Subject, TraceLeaf,
};
use polkadot_sdk::frame_support::{dispatch::DispatchResult, ensure};

impl<AccountId> Case<AccountId> {
	/// Most tokens that the job could produce after the input that the claim says.
	fn room(&self) -> u32 {
		let most = self.disputed.kind.max_output_tokens().max(1);
		most.min(self.facts.context.saturating_sub(self.claim.usage.input_tokens))
	}

	/// Tokens of an input of ids; `None` for a text.
	fn input_tokens(&self) -> Option<u32> {
		let JobKind::Generate(params) = &self.disputed.kind;
		let len = self.disputed.input.len();
		// The envelope of a sealed prompt is longer than the prompt.
		let len = if self.disputed.sealed.is_some() { sealed_len(len).unwrap_or_default() } else { len };
		let ids = (len / 4).max(1).min(self.facts.context.saturating_sub(1));
		(params.format == InputFormat::Tokens).then_some(ids)
	}

	/// Whether the claim's numbers contradict the job or each other.
	pub fn contradicts_itself(&self) -> bool {
		let usage = self.claim.usage;
		usage.input_tokens == 0
			|| usage.output_tokens == 0
			|| usage.output_tokens > self.room()
			|| self.input_tokens().is_some_and(|ids| ids != usage.input_tokens)
			|| self.facts.trace_leaves(usage.positions()) != Some(self.claim.leaves)
	}

	/// Id of the token of the output at `position`, as the opening shows it.
	fn token(&self, position: u32, opening: &Opening) -> Option<i32> {
		let shape = self.facts.trace_shape(self.claim.usage.positions())?;
		let index = shape.index(TraceLeaf::Token { position })?;
		let (id, _) = opening.token()?;
		opening.verify(&self.claim, index).then_some(id)
	}
}

impl<T: Config> Pallet<T> {
	/// Convicts who made a claim that contradicts its job.
	pub(crate) fn convict_by_length(
		who: &T::AccountId,
		subject: Subject,
		accused: Accused<T::AccountId>,
		claim: Claim,
		architecture: &Architecture,
		proof: &LengthProof,
	) -> DispatchResult {
		let docket = Self::docket(subject);
		let case = Self::case(who, &docket, subject, accused, claim)?;
		Self::ensure_contradiction(&case, architecture, proof)?;
		Self::convict_at_once(who, subject, docket, &case)
	}

	fn ensure_contradiction(
		case: &Case<T::AccountId>,
		architecture: &Architecture,
		proof: &LengthProof,
	) -> Result<(), Error<T>> {
		if *proof == LengthProof::Numbers {
			ensure!(case.contradicts_itself(), Error::<T>::NoContradiction);
			return Ok(());
		}
		ensure!(!case.contradicts_itself(), Error::<T>::Contradiction);
		let registered = T::Checkpoints::architecture(case.disputed.checkpoint);
		ensure!(registered == Some(architecture.hash()), Error::<T>::WrongArchitecture);
		let usage = case.claim.usage;
		let last = u32::try_from(usage.positions()).map_err(|_| Error::<T>::NoContradiction)?;
		let (position, opening) = match proof {
			LengthProof::WentOn { position, opening } => (*position, opening),
			LengthProof::StoppedShort { opening } => (last, opening),
			LengthProof::Numbers => return Err(Error::<T>::NoContradiction),
		};
		let id = case.token(position, opening).ok_or(Error::<T>::WrongProof)?;
		let is_end = u32::try_from(id).is_ok_and(|id| id == architecture.end);
		let contradicts = match proof {
			LengthProof::WentOn { .. } => is_end && (usage.input_tokens..last).contains(&position),
			_ => !is_end && usage.output_tokens < case.room(),
		};
		ensure!(contradicts, Error::<T>::NoContradiction);
		Ok(())
	}
}
