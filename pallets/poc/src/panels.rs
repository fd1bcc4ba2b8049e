//! Opening and closing panels for the pallets that have subjects.

use crate::{audit_floor, audit_rate, Config, Event, Pallet, Panel, Panels, Terms};
use noesis_primitives::{
	self as primitives, BlockNumber, CheckpointId, Claim, ClaimHash, Conduct, OperatorRegistry, PanelClose,
	PanelExists, PanelOutcome, Subject, Verdicts, Verification,
};
use polkadot_sdk::frame_support::{traits::Get, BoundedVec};

impl<T: Config> Pallet<T> {
	/// The numbers that a panel over an answer of `worker` would open with now.
	pub(crate) fn terms_for(
		worker: &T::AccountId,
		checkpoint: CheckpointId,
		verification: Verification,
	) -> Terms {
		let floor = audit_floor(T::AuditFloor::get(), T::ExposureFactor::get(), T::RewardShare::get());
		let terms = Terms {
			verification,
			audit: audit_rate(T::Operators::reputation(worker), floor),
			size: T::PanelSize::get(),
			quorum: T::Quorum::get(),
			openings: T::Openings::get(),
			window: T::Window::get(),
			max_windows: T::MaxWindows::get(),
			validators: T::Operators::validators(checkpoint),
		};
		terms.fixed().bounded()
	}

	/// Forgets a panel.
	fn forget(subject: Subject, panel: &Panel<T::AccountId>) {
		Panels::<T>::remove(subject);
		Self::release_entropy(panel.opened);
	}

	/// Who spoke on a panel, and whether they found the worker's claim.
	fn verdicts(panel: Panel<T::AccountId>) -> Verdicts<T::AccountId> {
		let worker = panel.claim.hash();
		let verdicts = panel.verdicts.into_iter().map(|(validator, hash)| (validator, hash == worker));
		BoundedVec::truncate_from(verdicts.collect())
	}
}

impl<T: Config> primitives::Panels<T::AccountId> for Pallet<T> {
	fn open(
		subject: Subject,
		claim: Claim,
		checkpoint: CheckpointId,
		worker: T::AccountId,
		requester: T::AccountId,
		verification: Verification,
	) -> Result<(), PanelExists> {
		if Panels::<T>::contains_key(subject) {
			return Err(PanelExists);
		}
		let terms = Self::terms_for(&worker, checkpoint, verification);
		Panels::<T>::insert(subject, Panel::new(claim, checkpoint, [worker, requester], terms, Self::now()));
		Self::need_entropy();
		Self::deposit_event(Event::PanelOpened { subject, checkpoint, audit: terms.audit });
		Ok(())
	}

	fn outcome(subject: Subject) -> PanelOutcome {
		Panels::<T>::get(subject)
			.map_or(PanelOutcome::Pending, |panel| panel.outcome(Self::now(), Self::sample(subject, &panel)))
	}

	fn due(subject: Subject) -> Option<BlockNumber> {
		Panels::<T>::get(subject).map(|panel| panel.due(Self::now(), Self::sample(subject, &panel)))
	}

	fn last_spoke(subject: Subject) -> Option<BlockNumber> {
		Panels::<T>::get(subject).map(|panel| panel.spoke)
	}

	fn claim_of(subject: Subject, validator: &T::AccountId) -> Option<ClaimHash> {
		Panels::<T>::get(subject)?.claim_of(validator)
	}

	fn strike(subject: Subject, validator: &T::AccountId) {
		Panels::<T>::mutate_extant(subject, |panel| {
			if panel.strike(validator) {
				Self::deposit_event(Event::VerdictStruck { subject, validator: validator.clone() });
			}
		});
	}

	/// Notes of each validator whether it found what was settled; a disagreement costs nobody any stake. Of a canary
	/// only those are noted that were right: what the others should have found is the proposer's word alone.
	fn close(subject: Subject) -> Option<PanelClose<T::AccountId>> {
		let panel = Panels::<T>::get(subject)?;
		let outcome = panel.outcome(Self::now(), Self::sample(subject, &panel));
		if outcome == PanelOutcome::Pending {
			return None;
		}
		Self::forget(subject, &panel);
		if let Some(settled) = panel.settled(outcome) {
			for (validator, found) in &panel.verdicts {
				if *found == settled {
					T::Operators::note(validator, Conduct::Vouched);
				} else if outcome != PanelOutcome::Canary {
					T::Operators::note(validator, Conduct::Dissented);
				}
			}
		}
		Self::deposit_event(Event::PanelClosed { subject, outcome });
		Some(PanelClose { outcome, audit: panel.terms.audit.deconstruct(), verdicts: Self::verdicts(panel) })
	}

	/// Those who did not find the worker's claim are noted to have been right about that; the others lose their
	/// reputation with the stake that whoever calls this takes.
	fn dissolve(subject: Subject) -> Verdicts<T::AccountId> {
		let Some(panel) = Panels::<T>::get(subject) else { return BoundedVec::new() };
		Self::forget(subject, &panel);
		Self::deposit_event(Event::PanelDissolved { subject });
		let verdicts = Self::verdicts(panel);
		for (validator, _) in verdicts.iter().filter(|(_, agrees)| !agrees) {
			T::Operators::note(validator, Conduct::Vouched);
		}
		verdicts
	}

	/// The panel is over afterwards: its answer is audited, though it need not have been, and every seat taken.
	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark(subject: Subject, agree: bool) {
		use polkadot_sdk::{frame_benchmarking::account, sp_runtime::Permill};
		Panels::<T>::mutate_extant(subject, |panel| {
			let hash = if agree { panel.claim.hash() } else { [0; 32] };
			let now = Self::now();
			panel.terms.audit = Permill::from_parts(999_999);
			for index in 0..panel.terms.size {
				let _ = panel.seat(account("validator", index, 0), hash, now);
			}
		});
	}
}
