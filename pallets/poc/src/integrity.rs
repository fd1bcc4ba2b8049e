//! What must hold between blocks.

use crate::{Config, Pallet, Panels};
use polkadot_sdk::{frame_support::ensure, sp_runtime::TryRuntimeError};

impl<T: Config> Pallet<T> {
	/// - The numbers of a panel are in their ranges, and it opened in the past.
	/// - Nobody speaks twice, and neither the worker nor the requester speaks.
	/// - There are no more verdicts than seats.
	/// - A panel knows when a claim had a quorum exactly when one has.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		for (_, panel) in Panels::<T>::iter() {
			ensure!(panel.terms == panel.terms.bounded(), "a panel's numbers are out of range");
			ensure!(panel.opened <= Self::now(), "a panel opened in the future");
			ensure!(panel.verdicts.len() as u32 <= panel.terms.size, "a panel has more verdicts than seats");
			for (at, (validator, _)) in panel.verdicts.iter().enumerate() {
				ensure!(!panel.excluded.contains(validator), "the worker or the requester spoke");
				let again =
					panel.verdicts.iter().skip(at.saturating_add(1)).any(|(other, _)| other == validator);
				ensure!(!again, "a validator spoke twice");
			}
			let quorum = panel.verdicts.iter().any(|(_, hash)| panel.found(hash) >= panel.terms.quorum);
			ensure!(quorum == panel.quorum_in.is_some(), "a panel does not know of its quorum");
		}
		Ok(())
	}
}
