//! Taking a verdict or an abstention: who speaks, whether they were drawn, and whether they have the trace.

use crate::{draw::draw_output, Config, Error, Event, NoSeat, Pallet, Panel, Panels, Sample};
use codec::Encode;
use noesis_primitives::{
	draw_number, is_drawn, opening_positions, panel_seed, BlockNumber, Claim, Draw, Opening, OperatorFault,
	OperatorRegistry, Subject, SubjectHandler,
};
use noesis_support::Wait;
use polkadot_sdk::frame_support::{dispatch::DispatchResult, ensure};

/// A validator that may say something, before it is known whether it is drawn.
struct Speaker<AccountId> {
	/// The panel that it speaks on.
	panel: Panel<AccountId>,
	/// The panel's seed.
	seed: [u8; 32],
	/// The key that it draws with.
	key: [u8; 32],
}

impl<T: Config> Pallet<T> {
	/// What `who` needs to say something on a panel now, if it may.
	fn speaker(who: &T::AccountId, subject: Subject) -> Result<Speaker<T::AccountId>, Error<T>> {
		let panel = Panels::<T>::get(subject).ok_or(Error::<T>::NoPanel)?;
		let seed = Self::keep_entropy(panel.opened).map(|bytes| panel_seed(subject, &panel.claim, bytes));
		let (seed, key) = Self::ensure_may_speak(who, &panel, seed)?;
		Ok(Speaker { panel, seed, key })
	}

	/// The seed of a panel, and the key with which `who` draws on it, if it may say something there now.
	pub(crate) fn ensure_may_speak(
		who: &T::AccountId,
		panel: &Panel<T::AccountId>,
		seed: Option<[u8; 32]>,
	) -> Result<([u8; 32], [u8; 32]), Error<T>> {
		let sample = panel.terms.sample(seed);
		ensure!(sample != Sample::Waived, Error::<T>::NotSampled);
		ensure!(!panel.is_over(Self::now(), sample), Error::<T>::PanelOver);
		let seed = seed.ok_or(Error::<T>::NotYet)?;

		ensure!(!panel.has_spoken(who), Error::<T>::AlreadySpoke);
		let kin = |party| T::Operators::same_operator(who, party);
		let interested = panel.is_party(who) || kin(&panel.worker) || kin(&panel.requester);
		ensure!(!interested, Error::<T>::Interested);
		let key =
			T::Operators::ensure_validator(who, panel.checkpoint, panel.opened).map_err(Error::<T>::from)?;
		Ok((seed, key))
	}

	/// Whether a validator is drawn now, and shows it.
	fn ensure_drawn(
		who: &T::AccountId,
		speaker: &Speaker<T::AccountId>,
		draw: &Draw,
	) -> Result<(), Error<T>> {
		let Speaker { panel, seed, key } = speaker;
		let output = draw_output(draw, *key, seed).ok_or(Error::<T>::BadDraw)?;
		let now = Self::now();
		let (number, window) = (draw_number(output, &who.encode()), panel.window_at(now));
		let drawn = is_drawn(number, panel.terms.size, panel.terms.validators, window);
		let next = Some(panel.end_of(window)).filter(|next| *next < panel.ends()).unwrap_or(BlockNumber::MAX);
		ensure!(drawn, Error::<T>::NotDrawn { opens_in: Wait::until(next, now) });
		Ok(())
	}

	pub(crate) fn give_verdict(
		validator: T::AccountId,
		subject: Subject,
		claim: Claim,
		draw: &Draw,
		openings: &[Opening],
	) -> DispatchResult {
		let speaker = Self::speaker(&validator, subject)?;
		ensure!(claim.leaves > 0, Error::<T>::EmptyTrace);
		ensure!(openings.len() as u32 == speaker.panel.terms.openings, Error::<T>::WrongOpeningCount);
		Self::ensure_drawn(&validator, &speaker, draw)?;
		let Speaker { mut panel, seed, .. } = speaker;

		let positions = opening_positions(&claim, &validator.encode(), &seed, panel.terms.openings);
		let proven = positions.len() == openings.len()
			&& positions.iter().zip(openings).all(|(index, opening)| opening.verify(&claim, *index));
		ensure!(proven, Error::<T>::WrongOpening);

		let claim_hash = claim.hash();
		let agrees = claim_hash == panel.claim.hash();
		panel.seat(validator.clone(), claim_hash, Self::now()).map_err(Error::<T>::from)?;
		let full = panel.is_full();
		Panels::<T>::insert(subject, panel);
		Self::deposit_event(Event::VerdictGiven { subject, validator, agrees, claim_hash });
		if full {
			T::Subjects::on_decided(subject);
		}
		Ok(())
	}

	pub(crate) fn do_abstain(validator: T::AccountId, subject: Subject, draw: &Draw) -> DispatchResult {
		let speaker = Self::speaker(&validator, subject)?;
		Self::ensure_drawn(&validator, &speaker, draw)?;
		let mut panel = speaker.panel;
		panel.abstained.try_push(validator.clone()).map_err(|_| Error::<T>::TooManyAbstained)?;
		Panels::<T>::insert(subject, panel);
		Self::deposit_event(Event::Abstained { subject, validator });
		Ok(())
	}
}

impl<T> From<NoSeat> for Error<T> {
	fn from(reason: NoSeat) -> Self {
		match reason {
			NoSeat::Full => Self::PanelOver,
			NoSeat::Worn => Self::TooManyStruck,
		}
	}
}

impl<T: Config> From<OperatorFault> for Error<T> {
	fn from(fault: OperatorFault) -> Self {
		match fault {
			OperatorFault::Unknown => Self::NotRegistered,
			OperatorFault::WrongRole | OperatorFault::OverExposed { .. } => Self::NotValidator,
			OperatorFault::Unbonding => Self::Unbonding,
			OperatorFault::Excluded { until } => {
				Self::ShutOut { opens_in: Wait::until(until, Pallet::<T>::now()) }
			},
			OperatorFault::CannotRun => Self::CannotRun,
			OperatorFault::TooNew => Self::TooNew,
			OperatorFault::Absent => Self::Absent,
		}
	}
}
