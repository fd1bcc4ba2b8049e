//! Those who play: by the truth, by a lie, or by chance.

use super::{
	model::{Model, Question, Random, Run},
	words,
};
use crate::mock::{self, *};
use noesis_primitives::{
	merkle::{self, Node},
	Accused, Claim, DisputeId, DisputeView, DisputedSubject, JobKind, LeafBytes, NodePath, Nodes, Payload,
	Phase, Root, Side, Spot, Subject, Tree, Verdict,
};
use polkadot_sdk::{
	frame_support::{
		assert_ok,
		dispatch::{DispatchResult, DispatchResultWithPostInfo},
	},
	sp_runtime::DispatchError,
};

pub type Event = crate::Event<Test>;
pub type Error = crate::Error<Test>;

/// Registers the model of a run and adds a subject that the worker answered with its claim.
pub fn subject_of(run: &Run, question: &Question, found: Vec<(AccountId, Claim)>) -> Subject {
	register_model(&run.model);
	answer(disputed(run, question), found)
}

pub fn register_model(model: &Model) {
	register(model.architecture, words::hash(model.architecture.end), model.group_roots());
}

pub fn disputed(run: &Run, question: &Question) -> DisputedSubject<AccountId> {
	DisputedSubject {
		worker: WORKER,
		requester: REQUESTER,
		checkpoint: CHECKPOINT,
		kind: JobKind::Generate(question.params()),
		input: Payload::Inline(question.payload().try_into().unwrap()),
		sealed: None,
		output: Payload::Stored {
			hash: run.claim().output,
			len: run.output.len() as u32,
			locator: Default::default(),
		},
		claim: run.claim(),
	}
}

/// Opens a dispute of the worker's claim.
pub fn challenge(subject: Subject, challenger: AccountId) -> DisputeId {
	let claim = told(subject).disputed.claim;
	challenge_as(subject, Accused::Worker, claim, challenger)
}

pub fn challenge_as(
	subject: Subject,
	accused: Accused<AccountId>,
	claim: Claim,
	challenger: AccountId,
) -> DisputeId {
	let id = crate::NextDispute::<Test>::get();
	assert_ok!(mock::Dispute::challenge(signed(challenger), subject, accused, claim));
	id
}

pub fn view(id: DisputeId) -> Option<DisputeView<AccountId>> {
	mock::Dispute::dispute(id)
}

/// How a dispute ended, if it did.
pub fn verdict(id: DisputeId) -> Option<Verdict> {
	System::events().into_iter().rev().find_map(|record| match record.event {
		RuntimeEvent::Dispute(Event::Ended { dispute, verdict, .. }) if dispute == id => Some(verdict),
		_ => None,
	})
}

fn level(leaves: &[Node], level: u32) -> Vec<Node> {
	leaves.chunks(1 << level).map(merkle::root).collect()
}

/// Hashes of the leaves of a tree, as `run` has them.
fn tree_of(run: &Run, input: &[u8], tree: &Tree) -> Vec<Node> {
	match tree {
		Tree::Word(word) => words::state_hashes(&run.word(input, word.leaf).unwrap().1),
		Tree::Claimed => run.hashes.clone(),
		Tree::Fine(fine) => run.fine(fine.leaf).unwrap().iter().map(|leaf| merkle::leaf_hash(leaf)).collect(),
	}
}

/// The nodes below a spot, as `run` has them.
pub fn nodes_below(run: &Run, view: &DisputeView<AccountId>, at: &Spot) -> Nodes {
	let (below, range) = rules_of(view, run).below(at).unwrap();
	let all = level(&tree_of(run, &input_of(view), &at.tree), below);
	all[range.start as usize..range.end as usize].to_vec().try_into().unwrap()
}

/// The input of a disputed subject.
pub fn input_of(view: &DisputeView<AccountId>) -> Vec<u8> {
	match told(view.subject).disputed.input {
		Payload::Inline(bytes) => bytes.into_inner(),
		Payload::Stored { .. } => Vec::new(),
	}
}

/// Who moves how.
pub trait Player {
	/// Makes the move that `view` asks of this side.
	fn play(&mut self, view: &DisputeView<AccountId>) -> DispatchResult;
}

fn plain(moved: DispatchResultWithPostInfo) -> DispatchResult {
	moved.map(drop).map_err(|error| error.error)
}

/// Defends the claim of a run, with all that the run has.
pub struct Defender(pub Run);

impl Player for Defender {
	fn play(&mut self, view: &DisputeView<AccountId>) -> DispatchResult {
		let (run, id, who) = (&self.0, view.id, signed(view.defender));
		let architecture = run.model.architecture;
		match &view.phase {
			Phase::Reveal { at } => mock::Dispute::reveal(who, id, nodes_below(run, view, at)),
			Phase::Choose { .. } | Phase::Compare => unreachable!("not the accused's move"),
			Phase::Output => mock::Dispute::show_output(who, id, run.shown_output()),
			Phase::Expand { leaf, .. } => {
				let (root, path) = fine_root(run, *leaf);
				let values = run.leaves[*leaf as usize].clone().try_into().unwrap();
				plain(mock::Dispute::expand(who, id, architecture, root, values, path))
			},
			Phase::Input { leaf, .. } => {
				let values = run.leaves[*leaf as usize].clone().try_into().unwrap();
				let input = told(view.subject).disputed.input;
				let Payload::Inline(bytes) = input else { unreachable!("inputs of tests are inline") };
				let payload = bytes.into_inner().try_into().unwrap();
				mock::Dispute::prove_input(who, id, architecture, values, payload, None)
			},
			Phase::Text { leaf, .. } => {
				let values = run.leaves[*leaf as usize].clone().try_into().unwrap();
				let evidence = run.text_evidence(&input_of(view), *leaf);
				plain(mock::Dispute::prove_text(who, id, values, evidence))
			},
			Phase::Word { word, index, .. } => {
				let (program, states) = run.word(&input_of(view), word.leaf).unwrap();
				mock::Dispute::prove_word(who, id, words::word_evidence(&program, &states, *index))
			},
			Phase::Prove { fine, index, .. } => {
				let leaf: LeafBytes =
					run.fine(fine.leaf).unwrap()[*index as usize].clone().try_into().unwrap();
				mock::Dispute::prove(who, id, leaf, run.evidence(fine.leaf, *index))
			},
		}
	}
}

/// Root of the fine tree of a leaf, and the path of its result.
pub fn fine_root(run: &Run, leaf: u32) -> (Root, NodePath) {
	let hashes: Vec<_> = run.fine(leaf).unwrap().iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
	let (program, slice) = crate::referee::program(&run.rules, leaf).unwrap();
	let shape = crate::referee::shape(&run.model.architecture);
	let result = program.result(&shape, slice).unwrap();
	let path = merkle::path(&hashes, result).unwrap().try_into().unwrap();
	(Root(merkle::root(&hashes)), path)
}

/// Disputes by what it computed itself: chooses the first node that it has otherwise.
pub struct Honest(pub Run);

impl Player for Honest {
	fn play(&mut self, view: &DisputeView<AccountId>) -> DispatchResult {
		let Phase::Choose { at, nodes } = &view.phase else { unreachable!("not the challenger's move") };
		let (below, range) = rules_of(view, &self.0).below(at).unwrap();
		let own = level(&tree_of(&self.0, &input_of(view), &at.tree), below);
		let differs = |child: &usize| own.get(range.start as usize + child) != nodes.get(*child);
		let child = (0..nodes.len()).find(differs).expect("an honest challenger has a reason");
		mock::Dispute::choose(signed(view.challenger), view.id, child as u32)
	}
}

/// The rules of the game over the accused's claim, which may have another number of leaves.
fn rules_of(view: &DisputeView<AccountId>, run: &Run) -> noesis_primitives::Rules {
	let shape = run.model.architecture.trace(view.claim.usage.positions() as u32);
	noesis_primitives::Rules { claim: view.claim, kind: view.kind, shape, levels: view.arity.ilog2() as u8 }
}

/// Chooses by chance.
pub struct Dice(pub Random);

impl Player for Dice {
	fn play(&mut self, view: &DisputeView<AccountId>) -> DispatchResult {
		let Phase::Choose { nodes, .. } = &view.phase else { unreachable!("not the challenger's move") };
		let child = self.0.below(nodes.len() as u64) as u32;
		mock::Dispute::choose(signed(view.challenger), view.id, child)
	}
}

/// Makes one move after the other, by whoever has it, until `stop` says so or the dispute is over.
pub fn play_to(
	id: DisputeId,
	accused: &mut dyn Player,
	challenger: &mut dyn Player,
	mut stop: impl FnMut(&DisputeView<AccountId>) -> bool,
) -> Option<DisputeView<AccountId>> {
	while let Some(view) = view(id) {
		if stop(&view) {
			return Some(view);
		}
		match view.phase.mover() {
			Side::Accused => accused.play(&view).unwrap(),
			Side::Challenger => challenger.play(&view).unwrap(),
		}
		check();
	}
	None
}

/// Lets two sides play until the dispute is over or one of them can't move, which then loses by silence. How it ends,
/// and after how many moves.
pub fn play(id: DisputeId, accused: &mut dyn Player, challenger: &mut dyn Player) -> (Verdict, u32) {
	play_until(id, accused, challenger, u32::MAX)
}

/// The same, with silence from move `silent` on.
pub fn play_until(
	id: DisputeId,
	accused: &mut dyn Player,
	challenger: &mut dyn Player,
	silent: u32,
) -> (Verdict, u32) {
	let mut moves = 0;
	while let Some(view) = view(id) {
		assert_eq!(view.due, view.due.max(now()));
		let result = match view.phase.mover() {
			_ if moves >= silent => Err(DispatchError::Other("silent")),
			Side::Accused => accused.play(&view),
			Side::Challenger => challenger.play(&view),
		};
		check();
		if let Err(error) = result {
			assert!(
				moves >= silent || [Error::Malformed.into(), Error::WrongWord.into()].contains(&error),
				"{error:?} in {:?}",
				view.phase.stage()
			);
			run_to(view.due + 1);
			break;
		}
		moves += 1;
		at_block(now() + 1);
	}
	(verdict(id).expect("every dispute ends"), moves)
}
