//! How disputes end, and who answers for what.

use crate::{
	docket::Case, Config, Dispute, Disputes, Docket, Dockets, Due, Error, Event, Load, Pallet, Players,
	ShownOutputs, Standing,
};
use alloc::vec::Vec;
use noesis_primitives::{
	Accused, BlockNumber, Claim, Disputable, DisputeId, Fault, Ground, Move, Next, OperatorRegistry,
	PanelOutcome, Panels, Phase, Subject, Verdict, MAX_OPEN_DISPUTES,
};
use polkadot_sdk::frame_support::{dispatch::DispatchResult, ensure, traits::Get, BoundedVec};

/// A claim that fell.
pub(crate) struct Fallen<'a, AccountId> {
	pub subject: Subject,
	pub accused: &'a Accused<AccountId>,
	pub defender: &'a AccountId,
	pub claim: &'a Claim,
	pub ground: Ground,
	/// Who is rewarded for it.
	pub challenger: &'a AccountId,
}

impl<T: Config> Pallet<T> {
	/// Ends a dispute, with all that follows.
	pub(crate) fn conclude(id: DisputeId, dispute: Dispute<T::AccountId>, verdict: Verdict) {
		// Nobody answers for what was wrong by arrangement, if that came out before the end.
		let canary = T::Panels::outcome(dispute.subject) == PanelOutcome::Canary;
		let verdict = if canary { Verdict::Moot } else { verdict };
		let mut docket = Self::docket(dispute.subject);
		let suspended = docket.suspends();
		Self::end(&mut docket, id, &dispute, verdict);
		match verdict {
			Verdict::Stands | Verdict::Undecided => docket.upheld = docket.upheld.saturating_add(1),
			Verdict::Falls(ground) => {
				let fallen = Fallen {
					subject: dispute.subject,
					accused: &dispute.accused,
					defender: &dispute.defender,
					claim: &dispute.rules.claim,
					ground,
					challenger: &dispute.challenger,
				};
				Self::convict(&mut docket, &fallen);
			},
			Verdict::Moot => {},
		}
		Self::keep_docket(dispute.subject, docket, suspended);
	}

	/// Convicts who made a claim that was shown to contradict itself, without a game.
	pub(crate) fn convict_at_once(
		who: &T::AccountId,
		subject: Subject,
		mut docket: Docket<T::AccountId>,
		case: &Case<T::AccountId>,
	) -> DispatchResult {
		// Nobody answers for what was wrong by arrangement.
		ensure!(T::Panels::outcome(subject) != PanelOutcome::Canary, Error::<T>::Settled);
		let suspended = docket.suspends();
		let ends_subject = case.accused == Accused::Worker;
		if ends_subject && !suspended && matches!(docket.standing, Standing::Stands) {
			T::Subjects::suspend(subject).map_err(Error::<T>::from)?;
		}
		Self::end_own_demand(&mut docket, who, case);
		let fallen = Fallen {
			subject,
			accused: &case.accused,
			defender: &case.defender,
			claim: &case.claim,
			ground: Ground::Record,
			challenger: who,
		};
		Self::convict(&mut docket, &fallen);
		Self::keep_docket(subject, docket, suspended);
		Ok(())
	}

	/// Ends the dispute in which `who` demanded the output of a claim that falls now, if it was shown: `who` won it.
	fn end_own_demand(docket: &mut Docket<T::AccountId>, who: &T::AccountId, case: &Case<T::AccountId>) {
		for id in docket.open.clone() {
			let Some(own) = Disputes::<T>::get(id) else { continue };
			if own.challenger != *who || own.accused != case.accused {
				continue;
			}
			if let Ok(Next::Over(verdict)) = own.phase.clone().transition(Move::Proved(false), &own.rules) {
				Self::end(docket, id, &own, verdict);
			}
		}
	}

	/// Takes a dispute off the books and spends its bond.
	fn end(
		docket: &mut Docket<T::AccountId>,
		id: DisputeId,
		dispute: &Dispute<T::AccountId>,
		verdict: Verdict,
	) {
		let overturned = matches!(docket.standing, Standing::Overturned { .. });
		if overturned && docket.open.is_full() {
			// Whoever found no place has the time to take this one: a docket kept full does not sit liability out.
			docket.until = docket.until.max(Self::now().saturating_add(Self::respite()));
		}
		docket.open.retain(|open| *open != id);
		Disputes::<T>::remove(id);
		for player in [&dispute.challenger, &dispute.defender] {
			Players::<T>::remove(player, id);
			Load::<T>::mutate_exists(player, |load| {
				*load = load.and_then(|load| load.checked_sub(dispute.effort)).filter(|left| *left > 0);
			});
		}
		if dispute.phase == Phase::Compare {
			ShownOutputs::<T>::remove(id);
		}
		let spent = Self::spend_bond(dispute, verdict);
		Self::deposit_event(Event::Ended {
			dispute: id,
			subject: dispute.subject,
			verdict,
			at: Self::now(),
			defender_paid: spent.defender,
			pot: spent.pot,
			returned: spent.returned,
		});
	}

	/// Makes whoever made a claim that fell answer for it, and ends the other disputes of that claim.
	pub(crate) fn convict(docket: &mut Docket<T::AccountId>, fallen: &Fallen<'_, T::AccountId>) {
		let Fallen { subject, accused, defender, claim, .. } = *fallen;
		match accused {
			Accused::Worker => {
				Self::slash(fallen, defender, Fault::WrongAnswer);
				Self::end_others(docket, &Accused::Worker);
				let spoke = T::Subjects::overturn(subject);
				let found_the_same = spoke.into_iter().filter_map(|(who, agrees)| agrees.then_some(who));
				let mut liable: Vec<_> = found_the_same.collect();
				if fallen.ground == Ground::Record {
					for validator in liable.drain(..) {
						Self::slash(fallen, &validator, Fault::WrongVerdict);
						Self::end_others(docket, &Accused::Validator(validator));
					}
				}
				let liable = BoundedVec::truncate_from(liable);
				docket.standing = Standing::Overturned { claim: *claim, liable };
				docket.until = Self::kept_until();
			},
			Accused::Validator(who) => {
				Self::slash(fallen, who, Fault::WrongVerdict);
				match &mut docket.standing {
					Standing::Stands => T::Panels::strike(subject, who),
					Standing::Overturned { liable, .. } => liable.retain(|validator| validator != who),
				}
				Self::end_others(docket, accused);
			},
		}
	}

	fn slash(fallen: &Fallen<'_, T::AccountId>, who: &T::AccountId, fault: Fault) {
		let slashed = T::Operators::slash(who, fault, Some(fallen.challenger));
		Self::deposit_event(Event::Convicted {
			subject: fallen.subject,
			who: who.clone(),
			ground: fallen.ground,
			taken: slashed.taken,
			rewarded: slashed.rewarded,
		});
	}

	/// Ends the open disputes of a claim that fell in another one.
	fn end_others(docket: &mut Docket<T::AccountId>, accused: &Accused<T::AccountId>) {
		for id in docket.open.clone() {
			if let Some(other) = Disputes::<T>::get(id).filter(|other| other.accused == *accused) {
				Self::end(docket, id, &other, Verdict::Moot);
			}
		}
	}

	/// Writes a docket after something ended. A subject that was `suspended` goes on when nothing is open any more.
	pub(crate) fn keep_docket(subject: Subject, mut docket: Docket<T::AccountId>, suspended: bool) {
		let stands = matches!(docket.standing, Standing::Stands);
		if docket.open.is_empty() {
			if suspended && stands {
				T::Subjects::uphold(subject);
			}
			// What validators are liable for does not grow older by being disputed.
			let next = Self::now().saturating_add(1);
			docket.until = if stands { Self::kept_until() } else { docket.until.max(next) };
			// Without a place in the agenda it stays longer: until the next dispute ends.
			let _ = Self::schedule(Due::Docket(subject), docket.until);
		}
		Dockets::<T>::insert(subject, docket);
	}

	/// Blocks for which validators are liable at least after a place of their full docket frees.
	pub fn respite() -> BlockNumber {
		(T::LiabilityPeriod::get() / MAX_OPEN_DISPUTES).max(1)
	}

	/// Last block for which what ends now is remembered.
	fn kept_until() -> BlockNumber {
		Self::now().saturating_add(T::LiabilityPeriod::get().max(1))
	}
}
