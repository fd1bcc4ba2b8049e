//! What the runtime API reads. Not for calls.

use crate::{Config, Pallet, Panel, Panels};
use alloc::vec::Vec;
use noesis_primitives::{PanelView, Subject};

impl<T: Config> Pallet<T> {
	/// The panel over `subject`, while it is not closed.
	pub fn panel_view(subject: Subject) -> Option<PanelView<T::AccountId>> {
		Panels::<T>::get(subject).map(|panel| Self::view(subject, panel))
	}

	/// Up to `limit` panels in which validators may still speak, in no order. Walks the map of panels, so it is
	/// for the runtime API only.
	pub fn open_panels(limit: u32) -> Vec<PanelView<T::AccountId>> {
		let now = Self::now();
		Panels::<T>::iter()
			.filter(|(_, panel)| !panel.is_over(now))
			.take(limit as usize)
			.map(|(subject, panel)| Self::view(subject, panel))
			.collect()
	}

	/// The seed of the panel over `subject`; `None` without a panel, and until the block after the answer.
	pub fn seed(subject: Subject) -> Option<[u8; 32]> {
		let panel = Panels::<T>::get(subject)?;
		Self::seed_of(subject, &panel, Self::now())
	}

	fn view(subject: Subject, panel: Panel<T::AccountId>) -> PanelView<T::AccountId> {
		let now = Self::now();
		PanelView {
			subject,
			checkpoint: panel.checkpoint,
			claim: panel.claim,
			seed: Self::seed_of(subject, &panel, now),
			opened: panel.opened,
			window: panel.window_at(now),
			size: panel.terms.size,
			validators: panel.terms.validators,
			openings: panel.terms.openings,
			spoken: panel.verdicts.into_iter().map(|(validator, _)| validator).collect(),
		}
	}
}
