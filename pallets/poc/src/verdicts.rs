//! Taking a verdict: who speaks, whether they were drawn, and whether they have the trace.

use crate::{draw::draw_output, Config, Error, Event, Pallet, Panel, Panels};
use codec::Encode;
use noesis_primitives::{
	is_drawn, opening_positions, panel_seed, BlockNumber, BlockRandomness, Claim, Draw, Opening,
	OperatorFault, OperatorRegistry, Subject, SubjectHandler,
};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchResult, ensure, traits::Get, weights::Weight},
	frame_system,
	sp_runtime::SaturatedConversion,
};

impl<T: Config> Pallet<T> {
	/// What the handler of a decided subject may read and write besides: the job, and a place in its agenda.
	pub(crate) fn handler_weight() -> Weight {
		T::DbWeight::get().reads_writes(4, 3)
	}

	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// The seed of a panel, once the randomness after its answer is there.
	pub(crate) fn seed_of(
		subject: Subject,
		panel: &Panel<T::AccountId>,
		now: BlockNumber,
	) -> Option<[u8; 32]> {
		if now <= panel.opened {
			return None;
		}
		let randomness = T::Randomness::after(panel.opened)?;
		Some(panel_seed(subject, &panel.claim, randomness))
	}

	pub(crate) fn give_verdict(
		validator: T::AccountId,
		subject: Subject,
		claim: Claim,
		draw: &Draw,
		openings: &[Opening],
	) -> DispatchResult {
		let now = Self::now();
		let mut panel = Panels::<T>::get(subject).ok_or(Error::<T>::NoPanel)?;
		ensure!(!panel.is_over(now), Error::<T>::PanelOver);
		let seed = Self::seed_of(subject, &panel, now).ok_or(Error::<T>::NotYet)?;

		ensure!(!panel.excluded.contains(&validator), Error::<T>::Interested);
		ensure!(!panel.has_spoken(&validator), Error::<T>::AlreadySpoke);
		let key = T::Operators::ensure_validator(&validator, panel.checkpoint, panel.opened)
			.map_err(Error::<T>::from)?;

		ensure!(claim.leaves > 0, Error::<T>::EmptyTrace);
		ensure!(openings.len() as u32 == panel.terms.openings, Error::<T>::WrongOpeningCount);

		let output = draw_output(draw, key, &seed).ok_or(Error::<T>::BadDraw)?;
		let window = panel.window_at(now);
		ensure!(is_drawn(output, panel.terms.size, panel.terms.validators, window), Error::<T>::NotDrawn);

		let positions = opening_positions(&claim, &validator.encode(), &seed, panel.terms.openings);
		let proven = positions.len() == openings.len()
			&& positions.iter().zip(openings).all(|(index, opening)| opening.verify(&claim, *index));
		ensure!(proven, Error::<T>::WrongOpening);

		let claim_hash = claim.hash();
		let agrees = claim_hash == panel.claim.hash();
		panel.seat(validator.clone(), claim_hash, now).map_err(|_| Error::<T>::PanelOver)?;
		let full = panel.is_full();
		Panels::<T>::insert(subject, panel);
		Self::deposit_event(Event::VerdictGiven { subject, validator, agrees, claim_hash });
		if full {
			T::Subjects::on_decided(subject);
		}
		Ok(())
	}
}

impl<T> From<OperatorFault> for Error<T> {
	fn from(fault: OperatorFault) -> Self {
		match fault {
			OperatorFault::Unknown => Self::NotRegistered,
			OperatorFault::WrongRole | OperatorFault::OverExposed => Self::NotValidator,
			OperatorFault::Unbonding => Self::Unbonding,
			OperatorFault::Excluded => Self::ShutOut,
			OperatorFault::CannotRun => Self::CannotRun,
			OperatorFault::TooNew => Self::TooNew,
		}
	}
}
