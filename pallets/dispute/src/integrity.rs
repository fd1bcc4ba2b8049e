//! What must hold between blocks.

use crate::{agenda::Dates, *};
use {
	alloc::collections::BTreeMap,
	noesis_primitives::{
		merkle, Accused, Balance, BlockNumber, DisputeId, Phase, Subject, TraceLeaf, Tree, MAX_ARITY,
	},
	polkadot_sdk::{
		frame_support::{ensure, traits::fungible::InspectHold},
		sp_runtime::TryRuntimeError,
	},
};

impl<T: Config> Pallet<T> {
	/// - What is held on a challenger is the sum of the bonds of its open disputes.
	/// - A dispute is on its subject's docket and on the lists of its players, and no other is; a player's load is the length
	///   of its list.
	/// - A dispute that is due later is in the agenda, unless there was no place around its block; so is a docket that
	///   has no open dispute.
	/// - A dispute plays for a node that its tree has, and revealed nodes hash to it.
	/// - An output is kept where it was shown and is to be compared, and it is the one that the claim names.
	/// - No dispute accuses a worker whose claim fell, and nobody disputes a claim twice at a time.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_bonds()?;
		for (id, dispute) in Disputes::<T>::iter() {
			Self::check_dispute(id, &dispute)?;
		}
		let mut open = 0usize;
		for (subject, docket) in Dockets::<T>::iter() {
			open = open.saturating_add(docket.open.len());
			Self::check_docket(subject, &docket)?;
		}
		ensure!(Disputes::<T>::iter_keys().count() == open, "dockets list disputes that are not open");
		for (id, (output, seal)) in ShownOutputs::<T>::iter() {
			let dispute = Disputes::<T>::get(id).ok_or("an output outlived its dispute")?;
			ensure!(dispute.phase == Phase::Compare, "an output was shown that is not to be compared");
			let (subject, claimed) = (&dispute.subject, dispute.rules.claim.output);
			let is_it = dispute.input.has_output(subject, claimed, seal.as_ref(), &output);
			ensure!(is_it, "an output was shown that the claim does not name");
		}
		let players = Players::<T>::iter_keys().count();
		ensure!(players == open.saturating_mul(2), "a list of a player has a dispute too many");
		let mut plays = BTreeMap::<T::AccountId, u32>::new();
		for (player, id) in Players::<T>::iter_keys() {
			let effort =
				Disputes::<T>::get(id).ok_or("a list of a player has a dispute that is over")?.effort;
			let plays = plays.entry(player).or_default();
			*plays = plays.saturating_add(effort);
		}
		let loads: BTreeMap<_, _> = Load::<T>::iter().collect();
		ensure!(loads == plays, "a player's load is not that of its open disputes");
		Ok(())
	}

	fn check_bonds() -> Result<(), TryRuntimeError> {
		let mut bonds = BTreeMap::<T::AccountId, Balance>::new();
		for dispute in Disputes::<T>::iter_values() {
			let sum = bonds.entry(dispute.challenger).or_default();
			*sum = sum.saturating_add(dispute.bond);
		}
		let reason = HoldReason::DisputeBond.into();
		for (challenger, sum) in bonds {
			let held = T::Currency::balance_on_hold(&reason, &challenger);
			ensure!(held == sum, "what is held on a challenger is not the bonds of its open disputes");
		}
		Ok(())
	}

	fn check_dispute(id: DisputeId, dispute: &Dispute<T::AccountId>) -> Result<(), TryRuntimeError> {
		ensure!(id < NextDispute::<T>::get(), "a dispute has a number that was not given yet");
		ensure!(dispute.opened <= Self::now(), "a dispute opened in the future");
		ensure!(dispute.defender != dispute.challenger, "an account disputes its own claim");
		for player in [&dispute.defender, &dispute.challenger] {
			ensure!(Players::<T>::contains_key(player, id), "a dispute is not on the list of its player");
		}
		let docket = Dockets::<T>::get(dispute.subject).ok_or("a dispute has no docket")?;
		ensure!(docket.open.contains(&id), "a dispute is not on its subject's docket");
		let rules = &dispute.rules;
		ensure!((2..=MAX_ARITY).contains(&rules.arity()), "a dispute has an arity out of range");
		ensure!(
			rules.shape.leaves() == Some(rules.claim.leaves),
			"a disputed claim has another number of leaves"
		);
		match &dispute.phase {
			Phase::Reveal { at } => ensure!(rules.below(at).is_some(), "a disputed node does not exist"),
			Phase::Choose { at, nodes } => {
				let below = rules.below(at).ok_or("a disputed node does not exist")?;
				ensure!(below.1.len() == nodes.len(), "not all nodes below a node are revealed");
				ensure!(merkle::root(nodes) == at.hash, "revealed nodes do not hash to their node");
			},
			Phase::Expand { leaf, .. } => {
				ensure!(referee::program(rules, *leaf).is_some(), "a leaf is to be computed that can't be")
			},
			Phase::Input { leaf, .. } => {
				ensure!(referee::program(rules, *leaf).is_none(), "a leaf is to be read that was computed")
			},
			Phase::Prove { fine, index, .. } => {
				ensure!(*index < fine.leaves, "a disputed leaf does not exist")
			},
			Phase::Text { leaf, .. } => {
				let of = rules.leaf(*leaf);
				ensure!(matches!(of, Some(TraceLeaf::Token { .. })), "a text is to be shown for no token")
			},
			Phase::Word { word, index, .. } => {
				ensure!(*index < word.states, "a disputed state does not exist");
				ensure!(text::program(word).is_some(), "the states are of no word");
			},
			Phase::Output => {},
			Phase::Compare => {
				ensure!(ShownOutputs::<T>::contains_key(id), "an output is to be compared that was not shown")
			},
		}
		if let Phase::Reveal { at } | Phase::Choose { at, .. } = &dispute.phase {
			if let Tree::Fine(fine) = &at.tree {
				let of = referee::Computation::of(rules, fine.leaf, &fine.architecture);
				ensure!(of.is_some(), "a fine tree computes no leaf");
			}
			if let Tree::Word(word) = &at.tree {
				ensure!(text::program(word).is_some(), "the states are of no word");
			}
		}
		Self::check_agenda(Due::Move(id), dispute.due)
	}

	fn check_docket(subject: Subject, docket: &Docket<T::AccountId>) -> Result<(), TryRuntimeError> {
		let mut seen = alloc::vec::Vec::new();
		for id in &docket.open {
			let dispute = Disputes::<T>::get(id).ok_or("a docket lists a dispute that is not open")?;
			ensure!(dispute.subject == subject, "a docket lists a dispute of another subject");
			let fell = matches!(docket.standing, Standing::Overturned { .. });
			ensure!(!fell || dispute.accused != Accused::Worker, "a claim that fell is disputed");
			let who = (dispute.challenger, dispute.accused);
			ensure!(!seen.contains(&who), "an account disputes a claim twice at a time");
			seen.push(who);
		}
		if docket.open.is_empty() {
			Self::check_agenda(Due::Docket(subject), docket.until)?;
		}
		Ok(())
	}

	fn check_agenda(what: Due, at: BlockNumber) -> Result<(), TryRuntimeError> {
		if at <= Self::now() {
			return Ok(());
		}
		Dates::<T>::check(&what, at)
	}
}
