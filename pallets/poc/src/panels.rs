//! Opening and closing panels for the pallets that have subjects.

use crate::{Config, Event, Pallet, Panel, Panels, Terms};
use noesis_primitives::{
	self as primitives, BlockNumber, CheckpointId, Claim, OperatorRegistry, PanelClose, PanelExists,
	PanelOutcome, Subject,
};
use polkadot_sdk::frame_support::{traits::Get, BoundedVec};

impl<T: Config> primitives::Panels<T::AccountId> for Pallet<T> {
	fn open(
		subject: Subject,
		claim: Claim,
		checkpoint: CheckpointId,
		excluded: [T::AccountId; 2],
	) -> Result<(), PanelExists> {
		if Panels::<T>::contains_key(subject) {
			return Err(PanelExists);
		}
		let terms = Terms {
			size: T::PanelSize::get(),
			quorum: T::Quorum::get(),
			openings: T::Openings::get(),
			window: T::Window::get(),
			max_windows: T::MaxWindows::get(),
			validators: T::Operators::validators(checkpoint),
		};
		let panel = Panel {
			claim,
			checkpoint,
			excluded,
			opened: Self::now(),
			terms: terms.bounded(),
			quorum_in: None,
			verdicts: BoundedVec::new(),
		};
		Panels::<T>::insert(subject, panel);
		Self::deposit_event(Event::PanelOpened { subject, checkpoint });
		Ok(())
	}

	fn outcome(subject: Subject) -> PanelOutcome {
		Panels::<T>::get(subject).map_or(PanelOutcome::Pending, |panel| panel.outcome(Self::now()))
	}

	fn due(subject: Subject) -> Option<BlockNumber> {
		Panels::<T>::get(subject).map(|panel| panel.due(Self::now()))
	}

	fn close(subject: Subject) -> Option<PanelClose<T::AccountId>> {
		let panel = Panels::<T>::get(subject)?;
		let outcome = panel.outcome(Self::now());
		if outcome == PanelOutcome::Pending {
			return None;
		}
		Panels::<T>::remove(subject);
		Self::deposit_event(Event::PanelClosed { subject, outcome });
		let worker = panel.claim.hash();
		let verdicts = panel.verdicts.into_iter().map(|(validator, hash)| (validator, hash == worker));
		Some(PanelClose { outcome, verdicts: BoundedVec::truncate_from(verdicts.collect()) })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark(subject: Subject, agree: bool) {
		use polkadot_sdk::frame_benchmarking::account;
		Panels::<T>::mutate_extant(subject, |panel| {
			let hash = if agree { panel.claim.hash() } else { [0; 32] };
			let now = Self::now();
			for index in 0..panel.terms.size {
				let _ = panel.seat(account("validator", index, 0), hash, now);
			}
		});
	}
}
