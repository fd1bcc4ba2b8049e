//! Canaries: answers that are wrong by arrangement (see [`noesis_primitives::canary_mark`] for what they are made of).
//!
//! Why a canary is no way out for a worker that is caught: it counts only on a job that the requester itself says
//! was one, by signing [`Pallet::reveal_canary`](crate::Pallet), so whoever was cheated is not; and only if it was
//! committed against a bond before the answer. Why it is no way to harm honest validators: see the same place.
//!
//! Why canaries do not drain the pot: one pays at most three times its own fee to the whole panel, each seat its
//! part and no more. Who holds less than a third of the validators, and so expects less than a third of the seats,
//! loses by staging canaries for its own.

use crate::{Canaries, Config, Error, Event, HoldReason, OpenCanaries, Pallet, Panel, Panels};
use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{
	canary_commitment, canary_mark, is_planted, Balance, BlockNumber, CheckpointId, CheckpointRegistry,
	ClaimHash, Disputable, Fault, Opening, OperatorRegistry, Subject, SubjectHandler,
};
use noesis_support::Wait;
use polkadot_sdk::frame_support::{
	dispatch::DispatchResult,
	ensure,
	storage::with_storage_layer,
	traits::{
		fungible::{Inspect, Mutate, MutateHold},
		tokens::{Fortitude, Precision, Preservation, Restriction},
		Get,
	},
};
use scale_info::TypeInfo;

/// How many times its fee a canary may cost the pot.
const PRIZE_LIMIT: Balance = 3;

/// A canary that is not revealed yet.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Canary {
	/// The checkpoint of its job; it stood before the commitment.
	pub checkpoint: CheckpointId,
	/// Block of the commitment.
	pub committed: BlockNumber,
	/// First block at which it is void.
	pub expires: BlockNumber,
	/// Held of the proposer.
	pub bond: Balance,
	/// Paid to the pot by the proposer.
	pub fee: Balance,
}

/// What shows that an answer was a canary.
pub(crate) struct Reveal<AccountId> {
	pub proposer: AccountId,
	pub truth: ClaimHash,
	pub salt: [u8; 32],
	pub index: u32,
	pub opening: Opening,
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_commit_canary(
		proposer: T::AccountId,
		commitment: [u8; 32],
		checkpoint: CheckpointId,
	) -> DispatchResult {
		ensure!(!Canaries::<T>::contains_key(&proposer, commitment), Error::<T>::CanaryExists);
		let open = OpenCanaries::<T>::get(&proposer);
		ensure!(open < T::MaxCanaries::get(), Error::<T>::TooManyCanaries);
		ensure!(T::Checkpoints::facts(checkpoint).is_some(), Error::<T>::UnknownCheckpoint);

		let (bond, fee) = (T::CanaryBond::get(), T::CanaryFee::get());
		T::Currency::hold(&HoldReason::Canary.into(), &proposer, bond)?;
		if fee > 0 {
			T::Currency::transfer(&proposer, &T::Pot::get(), fee, Preservation::Preserve)?;
		}
		let committed = Self::now();
		let expires = committed.saturating_add(T::CanaryPeriod::get()).saturating_add(1);
		Canaries::<T>::insert(&proposer, commitment, Canary { checkpoint, committed, expires, bond, fee });
		OpenCanaries::<T>::insert(&proposer, open.saturating_add(1));
		Self::need_entropy();
		Self::deposit_event(Event::CanaryCommitted { proposer, commitment, checkpoint, expires });
		Ok(())
	}

	pub(crate) fn do_reveal_canary(
		requester: T::AccountId,
		subject: Subject,
		reveal: Reveal<T::AccountId>,
	) -> DispatchResult {
		let mut panel = Panels::<T>::get(subject).ok_or(Error::<T>::NoPanel)?;
		ensure!(panel.canary.is_none(), Error::<T>::AlreadyRevealed);
		ensure!(panel.requester == requester, Error::<T>::NotRequester);
		let commitment =
			canary_commitment(&reveal.proposer, &requester, &panel.worker, &reveal.truth, &reveal.salt);
		let canary = Canaries::<T>::get(&reveal.proposer, commitment).ok_or(Error::<T>::UnknownCanary)?;
		ensure!(canary.committed < panel.opened, Error::<T>::CommittedTooLate);
		ensure!(Self::now() < Self::reveal_until(&panel, &canary), Error::<T>::RevealTooLate);
		ensure!(reveal.truth != panel.claim.hash(), Error::<T>::NotWrong);
		ensure!(Self::is_canary(subject, &panel, &canary, &reveal), Error::<T>::NotWrong);

		let prize = Self::prize_per_seat(&panel, &canary);
		let (mut approved, mut found, mut paid): (u32, u32, Balance) = (0, 0, 0);
		for (validator, hash) in &panel.verdicts {
			if *hash == panel.claim.hash() {
				T::Operators::slash(validator, Fault::ApprovedCanary, Some(&reveal.proposer));
				approved = approved.saturating_add(1);
			} else if *hash == reveal.truth {
				paid = paid.saturating_add(Self::pay_prize(validator, prize));
				found = found.saturating_add(1);
			}
		}
		let worker = panel.claim.hash();
		panel.verdicts.retain(|(_, hash)| *hash != worker);
		panel.quorum_in = panel.quorum().and(panel.quorum_in);
		panel.canary = Some(reveal.truth);
		Panels::<T>::insert(subject, panel);

		Self::end_canary(&reveal.proposer, commitment, &canary);
		T::Currency::release(
			&HoldReason::Canary.into(),
			&reveal.proposer,
			canary.bond,
			Precision::BestEffort,
		)?;
		let proposer = reveal.proposer;
		Self::deposit_event(Event::CanaryRevealed { subject, proposer, approved, found, paid });
		T::Subjects::on_decided(subject);
		Ok(())
	}

	pub(crate) fn do_expire_canary(proposer: T::AccountId, commitment: [u8; 32]) -> DispatchResult {
		let canary = Canaries::<T>::get(&proposer, commitment).ok_or(Error::<T>::UnknownCanary)?;
		let (now, from) = (Self::now(), canary.expires);
		ensure!(now >= from, Error::<T>::CanaryStands { opens_in: Wait::until(from, now) });
		Self::end_canary(&proposer, commitment, &canary);
		let reason = HoldReason::Canary.into();
		let forfeit = || {
			T::Currency::transfer_on_hold(
				&reason,
				&proposer,
				&T::Pot::get(),
				canary.bond,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)
		};
		let lost = with_storage_layer(forfeit).unwrap_or(0);
		let back = canary.bond.saturating_sub(lost);
		if back > 0 {
			T::Currency::release(&reason, &proposer, back, Precision::BestEffort)?;
		}
		Self::deposit_event(Event::CanaryExpired { proposer, commitment, lost });
		Ok(())
	}

	/// First block at which the answer of `panel` can't be called a canary any more.
	fn reveal_until(panel: &Panel<T::AccountId>, canary: &Canary) -> BlockNumber {
		let window = panel.opened.saturating_add(T::CanaryReveal::get()).saturating_add(1);
		canary.expires.min(window)
	}

	/// Whether the trace that the worker claims has the planted leaf, which no right one has.
	fn is_canary(
		subject: Subject,
		panel: &Panel<T::AccountId>,
		canary: &Canary,
		reveal: &Reveal<T::AccountId>,
	) -> bool {
		let Some(job) = T::Answers::disputed(subject) else { return false };
		let Some(randomness) = Self::keep_entropy(canary.committed) else { return false };
		let mark =
			canary_mark(&reveal.salt, &randomness, canary.checkpoint, &job.kind, job.input.content_hash());
		canary.checkpoint == panel.checkpoint
			&& is_planted(&reveal.opening.values, &mark)
			&& reveal.opening.verify(&panel.claim, reveal.index)
	}

	/// What the pot pays for a seat whose validator found the truth.
	fn prize_per_seat(panel: &Panel<T::AccountId>, canary: &Canary) -> Balance {
		let share = T::CanaryShare::get().mul_floor(T::Currency::balance(&T::Pot::get()));
		let limit = canary.fee.saturating_mul(PRIZE_LIMIT);
		let prize = T::CanaryPrize::get().min(share).min(limit);
		prize.checked_div(panel.terms.size.into()).unwrap_or(0)
	}

	/// Pays a prize out of the pot. Returns what was paid: all, or nothing.
	fn pay_prize(to: &T::AccountId, amount: Balance) -> Balance {
		let pay = || T::Currency::transfer(&T::Pot::get(), to, amount, Preservation::Preserve);
		if amount == 0 {
			return 0;
		}
		with_storage_layer(pay).unwrap_or(0)
	}

	/// Forgets a canary; its bond is the caller's affair.
	fn end_canary(proposer: &T::AccountId, commitment: [u8; 32], canary: &Canary) {
		Canaries::<T>::remove(proposer, commitment);
		OpenCanaries::<T>::mutate_exists(proposer, |open| {
			*open = open.map(|open| open.saturating_sub(1)).filter(|open| *open > 0);
		});
		Self::release_entropy(canary.committed);
	}
}
