//! Disputes, played by both sides.

use super::{Court, Person, Work};
use noesis_primitives::{
	Accused, DisputeId, DisputeView, LengthProof, OutputProof, Phase, Stage, Subject, Tree, Verdict,
};
use noesis_runtime::{AccountId, Dispute, Runtime, RuntimeCall, RuntimeEvent};
use noesis_worker::disputes::{other_output, stopped_short, Play, Player};
use pallet_dispute::Call;
use polkadot_sdk::sp_runtime::DispatchError;
use std::collections::BTreeMap;

/// Somebody that plays disputes by what it has.
#[derive(Clone)]
pub struct Party {
	/// Who.
	pub person: Person,
	/// What it has; who has nothing is silent.
	pub work: Option<Work>,
	/// From this move of its own on it is silent.
	pub silent_from: usize,
}

impl Party {
	/// Plays to the end.
	pub fn of(person: &Person, work: &Work) -> Self {
		Self { person: person.clone(), work: Some(work.clone()), silent_from: usize::MAX }
	}

	/// Never moves.
	pub fn silent(person: &Person) -> Self {
		Self { person: person.clone(), work: None, silent_from: 0 }
	}

	/// Plays so many moves, and then is silent.
	pub fn until(person: &Person, work: &Work, moves: usize) -> Self {
		Self { silent_from: moves, ..Self::of(person, work) }
	}
}

/// How a dispute went.
#[derive(Clone, Debug)]
pub struct Played {
	/// How it ended.
	pub verdict: Verdict,
	/// The moves that were made, and by whom they were to be made.
	pub moves: Vec<(AccountId, Stage)>,
}

impl Court {
	/// Disputes a claim.
	pub fn challenge(
		&mut self,
		challenger: &Person,
		subject: Subject,
		accused: &Accused<AccountId>,
		work: &Work,
	) -> DisputeId {
		let (accused, claim) = (accused.clone(), work.claim);
		self.opened(challenger, Call::challenge { subject, accused, claim })
	}

	/// The dispute that a call opens.
	fn opened(&mut self, challenger: &Person, call: Call<Runtime>) -> DisputeId {
		let dispute = pallet_dispute::NextDispute::<Runtime>::get();
		self.ok(challenger, call);
		dispute
	}

	/// What `party` would do now; `None` if it has nothing to say.
	pub fn next_play(&self, party: &Party, view: &DisputeView<AccountId>) -> Option<Play> {
		let work = party.work.as_ref()?;
		let (shown, _) = pallet_dispute::ShownOutputs::<Runtime>::get(view.id).unwrap_or_default();
		let play = work.witness(|witness| {
			let mut player = Player {
				witness,
				architecture: work.model.architecture(),
				input: &work.input,
				seals: work.seals,
				output: &work.text,
				shown: &shown,
				expanded: leaf_of(&view.phase).and_then(|leaf| work.expanded(leaf)),
			};
			let play = player.play(view);
			player.expanded.into_iter().for_each(|expanded| work.keep(expanded));
			play
		});
		play?.ok()
	}

	/// Makes a move.
	pub fn play(&mut self, person: &Person, dispute: DisputeId, play: Play) -> Result<(), DispatchError> {
		self.dispatch(person, call_of(dispute, play))
	}

	/// Plays a dispute to its end: `parties` move when it is their turn, and blocks pass when they do not.
	pub fn play_out(&mut self, dispute: DisputeId, parties: &[Party]) -> Played {
		let mut made: BTreeMap<AccountId, usize> = BTreeMap::new();
		let mut moves = Vec::new();
		let mut tried = None;
		while let Some(view) = Dispute::dispute(dispute) {
			let party = parties.iter().find(|party| party.person.account == view.mover).cloned();
			let count = made.entry(view.mover.clone()).or_default();
			let speaks =
				party.filter(|party| *count < party.silent_from && tried != Some(view.phase.clone()));
			tried = Some(view.phase.clone());
			let play = speaks.and_then(|party| Some((self.next_play(&party, &view)?, party)));
			if let Some((play, party)) = play {
				if self.play(&party.person, dispute, play).is_ok() {
					*count += 1;
					moves.push((view.mover.clone(), view.phase.stage()));
					continue;
				}
			}
			self.block();
		}
		Played { verdict: self.verdict_of(dispute).unwrap(), moves }
	}

	/// How a dispute ended, if it has.
	pub fn verdict_of(&self, dispute: DisputeId) -> Option<Verdict> {
		self.events.iter().find_map(|event| match event {
			RuntimeEvent::Dispute(pallet_dispute::Event::Ended { dispute: ended, verdict, .. })
				if *ended == dispute =>
			{
				Some(*verdict)
			},
			_ => None,
		})
	}

	/// Demands the output that a claim names.
	pub fn demand(
		&mut self,
		challenger: &Person,
		subject: Subject,
		accused: &Accused<AccountId>,
		work: &Work,
	) -> DisputeId {
		let (accused, claim) = (accused.clone(), work.claim);
		self.opened(challenger, Call::demand { subject, accused, claim })
	}

	/// Shows that a claim's output is not that of its trace, as the worker's own software would, if that is what is wrong
	/// with it.
	pub fn show_other_output(&self, truth: &Work, lie: &Work) -> Option<OutputProof> {
		let seal = lie.seals.map(|seals| seals.output);
		truth.witness(|witness| other_output(witness, &lie.claim, &lie.text, seal)).flatten()
	}

	/// Disputes a worker's claim and plays it to the end.
	pub fn dispute(
		&mut self,
		subject: Subject,
		accused: &Accused<AccountId>,
		(defender, lie): (&Person, &Work),
		(challenger, truth): (&Person, &Work),
	) -> Played {
		let dispute = self.challenge(challenger, subject, accused, lie);
		self.play_out(dispute, &[Party::of(defender, lie), Party::of(challenger, truth)])
	}

	/// Shows that a claim stopped too early, as the worker's own software would, if that is what is wrong with it.
	pub fn show_stopped_short(&self, truth: &Work, claim: &noesis_primitives::Claim) -> Option<LengthProof> {
		truth.witness(|witness| stopped_short(witness, claim)).flatten()
	}
}

/// The leaf of the trace whose computation is disputed, if it has come to that.
fn leaf_of(phase: &Phase) -> Option<u32> {
	match phase {
		Phase::Reveal { at } | Phase::Choose { at, .. } => match &at.tree {
			Tree::Fine(fine) => Some(fine.leaf),
			_ => None,
		},
		Phase::Expand { leaf, .. } => Some(*leaf),
		Phase::Prove { fine, .. } => Some(fine.leaf),
		_ => None,
	}
}

/// A move as a call.
pub fn call_of(dispute: DisputeId, play: Play) -> RuntimeCall {
	let call: Call<Runtime> = match play {
		Play::Reveal(nodes) => Call::reveal { dispute, nodes },
		Play::Choose(child) => Call::choose { dispute, child },
		Play::Expand { architecture, root, leaf, path } => {
			Call::expand { dispute, architecture, root, leaf: leaf.try_into().unwrap(), path }
		},
		Play::Input { architecture, leaf, payload, seal } => Call::prove_input {
			dispute,
			architecture,
			leaf: leaf.try_into().unwrap(),
			payload: payload.try_into().unwrap(),
			seal,
		},
		Play::Prove { leaf, evidence } => Call::prove { dispute, leaf: leaf.try_into().unwrap(), evidence },
		Play::Text { leaf, evidence } => {
			Call::prove_text { dispute, leaf: leaf.try_into().unwrap(), evidence: *evidence }
		},
		Play::Word { evidence } => Call::prove_word { dispute, evidence },
		Play::Output(output) => Call::show_output { dispute, output: *output },
		Play::Compare(proof) => {
			let view = Dispute::dispute(dispute).unwrap();
			let (subject, accused, claim) = (view.subject, view.accused, view.claim);
			Call::prove_output { subject, accused, claim, proof: *proof }
		},
	};
	call.into()
}
