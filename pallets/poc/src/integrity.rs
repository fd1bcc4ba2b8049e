//! What must hold between blocks.

use crate::{
	Canaries, Config, Entropies, HoldReason, NextEntropy, OpenCanaries, Pallet, Panel, Panels, MAX_SPEAKERS,
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::Encode;
use noesis_primitives::{Balance, BlockNumber};
use polkadot_sdk::{
	frame_support::{ensure, traits::fungible::InspectHold},
	sp_runtime::TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	/// Panels:
	/// - Its numbers are in their ranges, and it opened in the past.
	/// - Nobody speaks twice, or again after an abstention or a strike; neither the worker nor the requester speaks.
	/// - There are no more verdicts than seats, and room to strike each.
	/// - It knows when a claim had a quorum exactly when one has.
	/// - Nobody who approved a canary sits on its panel any more.
	///
	/// Canaries:
	/// - Each proposer has as many as are counted, and is held exactly their bonds.
	///
	/// Randomness:
	/// - It is kept for as many panels and canaries as there are of its block, and for no other block; none is looked
	///   for of blocks to come.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut users = BTreeMap::<BlockNumber, u32>::new();
		let mut count = |block| {
			let count = users.entry(block).or_default();
			*count = count.saturating_add(1);
		};
		for (_, panel) in Panels::<T>::iter() {
			Self::try_panel(&panel)?;
			count(panel.opened);
		}

		let mut bonds = BTreeMap::<Vec<u8>, (T::AccountId, u32, Balance)>::new();
		for (proposer, _, canary) in Canaries::<T>::iter() {
			ensure!(canary.committed <= Self::now(), "a canary was committed in the future");
			count(canary.committed);
			let entry = bonds.entry(proposer.encode()).or_insert((proposer, 0, 0));
			entry.1 = entry.1.saturating_add(1);
			entry.2 = entry.2.saturating_add(canary.bond);
		}
		ensure!(OpenCanaries::<T>::iter().count() == bonds.len(), "canaries are counted of a stranger");
		for (proposer, open, bond) in bonds.values() {
			ensure!(OpenCanaries::<T>::get(proposer) == *open, "canaries are miscounted");
			let held = T::Currency::balance_on_hold(&HoldReason::Canary.into(), proposer);
			ensure!(held == *bond, "a proposer is not held its bonds");
		}

		ensure!(NextEntropy::<T>::get() <= Self::now(), "randomness of the future is looked for");
		let kept: BTreeMap<_, _> =
			Entropies::<T>::iter().map(|(block, entropy)| (block, entropy.users)).collect();
		ensure!(kept == users, "randomness is not kept for those who need it");
		Ok(())
	}

	fn try_panel(panel: &Panel<T::AccountId>) -> Result<(), TryRuntimeError> {
		let terms = panel.terms;
		ensure!(terms == terms.fixed().bounded(), "a panel's numbers are out of range");
		ensure!(panel.opened <= panel.spoke && panel.spoke <= Self::now(), "a panel is of the future");
		ensure!(panel.verdicts.len() as u32 <= terms.size, "a panel has more verdicts than seats");
		let kept = panel.verdicts.len().saturating_add(panel.struck.len());
		ensure!(kept <= MAX_SPEAKERS as usize, "a panel has no room to strike");

		let spoke = panel.verdicts.iter().map(|(validator, _)| validator);
		let all: Vec<_> = spoke.chain(&panel.abstained).chain(&panel.struck).collect();
		for (at, validator) in all.iter().enumerate() {
			ensure!(!panel.is_party(validator), "the worker or the requester spoke");
			let again = all.iter().skip(at.saturating_add(1)).any(|other| other == validator);
			ensure!(!again, "a validator spoke twice");
		}
		ensure!(panel.quorum().is_some() == panel.quorum_in.is_some(), "a panel does not know of its quorum");
		if let Some(truth) = panel.canary {
			let worker = panel.claim.hash();
			ensure!(truth != worker && panel.found(&worker) == 0, "an approved canary is not struck");
		}
		Ok(())
	}
}
