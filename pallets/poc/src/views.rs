//! What the runtime API reads. Not for calls.

use crate::{Canaries, Config, Pallet, Panel, Panels, Sample};
use alloc::vec::Vec;
use noesis_primitives::{CanaryView, PanelView, PanelWindows, Subject};

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
			.filter(|(subject, panel)| !panel.is_over(now, Self::sample(*subject, panel)))
			.take(limit as usize)
			.map(|(subject, panel)| Self::view(subject, panel))
			.collect()
	}

	/// Up to `limit` panels on which `validator` may speak now if it is drawn: in the order of the map the first, or those
	/// after the panel over `after`. Walks the map of panels, so it is for the runtime API only.
	pub fn panels_for(
		validator: &T::AccountId,
		after: Option<Subject>,
		limit: u32,
	) -> Vec<PanelView<T::AccountId>> {
		let panels = match after {
			None => Panels::<T>::iter(),
			Some(subject) => Panels::<T>::iter_from(Panels::<T>::hashed_key_for(subject)),
		};
		panels
			.filter(|(subject, panel)| {
				let seed = Self::seed_of(*subject, panel);
				Self::ensure_may_speak(validator, panel, seed).is_ok()
			})
			.take(limit as usize)
			.map(|(subject, panel)| Self::view(subject, panel))
			.collect()
	}

	/// When validators may speak on `subject`, while its panel is not closed.
	pub fn windows(subject: Subject) -> Option<PanelWindows> {
		let panel = Panels::<T>::get(subject)?;
		let now = Self::now();
		let window = panel.window_at(now);
		Some(PanelWindows {
			opens: panel.opened.saturating_add(1),
			window,
			window_ends: panel.end_of(window),
			ends: panel.ends(),
			over: panel.is_over(now, Self::sample(subject, &panel)),
		})
	}

	/// The seed of the panel over `subject`; `None` without a panel, and until the block after the answer.
	pub fn seed(subject: Subject) -> Option<[u8; 32]> {
		let panel = Panels::<T>::get(subject)?;
		Self::seed_of(subject, &panel)
	}

	/// A canary that is not revealed yet, with the randomness that its mark depends on.
	pub fn canary(proposer: &T::AccountId, commitment: [u8; 32]) -> Option<CanaryView> {
		let canary = Canaries::<T>::get(proposer, commitment)?;
		Some(CanaryView {
			checkpoint: canary.checkpoint,
			committed: canary.committed,
			expires: canary.expires,
			bond: canary.bond,
			randomness: Self::entropy(canary.committed),
		})
	}

	fn view(subject: Subject, panel: Panel<T::AccountId>) -> PanelView<T::AccountId> {
		let seed = Self::seed_of(subject, &panel);
		let audited = match panel.terms.sample(seed) {
			Sample::Unknown => None,
			Sample::Audited => Some(true),
			Sample::Waived => Some(false),
		};
		PanelView {
			subject,
			checkpoint: panel.checkpoint,
			claim: panel.claim,
			verification: panel.terms.verification,
			seed,
			audit: panel.terms.audit.deconstruct(),
			audited,
			opened: panel.opened,
			window: panel.window_at(Self::now()),
			size: panel.terms.size,
			seats: panel.terms.size,
			quorum: panel.terms.quorum,
			validators: panel.terms.validators,
			openings: panel.terms.openings,
			worker: panel.worker,
			spoken: panel
				.verdicts
				.into_iter()
				.map(|(validator, _)| validator)
				.chain(panel.abstained)
				.chain(panel.struck)
				.collect(),
		}
	}
}
