//! Disputes over an answer of a large model, at any point of their game.

use super::{sparse::Sparse, words};
use crate::{
	referee::{self, weights_place},
	Agenda, Config, Dispute, Disputes, Dockets, Due, Pallet, Standing,
};
use alloc::{vec, vec::Vec};
use noesis_canon::graph::{Layout, Operation, Source};
use noesis_primitives::{
	merkle::{self, leaf_hash},
	Accused, Architecture, BlockNumber, CheckpointRegistry, Claim, ContentHash, Disputable, DisputeId,
	DisputedSubject, Evidence, Family, FinePiece, FineTree, GenerateParams, InputFormat, JobKind, LeafBytes,
	NodePath, Opening, OutputProof, Payload, Phase, Piece, Root, RowPiece, Rules, Spot, Subject, TraceLeaf,
	Tree, Usage, WeightsPiece, MAX_ARITY, MAX_OPEN_DISPUTES, SLICE,
};
use noesis_support::{AGENDA_PROBES, MAX_PER_BLOCK};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{fungible::Mutate, ConstU32, Get},
		BoundedVec,
	},
	frame_system::{self, RawOrigin},
	sp_runtime::SaturatedConversion,
};

/// Rows of 2^17 columns, heads as small as there may be, so that a tile has as many leaves as there may be.
pub(super) const ARCHITECTURE: Architecture = Architecture {
	family: Family::Llama,
	layers: 16,
	width: 2048,
	heads: 128,
	kv_heads: 2,
	head_dim: 16,
	feed_forward: 1 << 17,
	vocabulary: 1 << 20,
	context: 1 << 16,
	rope_base: 500_000,
	epsilon: 343_597,
	end: 2,
};
/// Hash of the output where there are no bytes of it.
const OUTPUT: ContentHash = ContentHash([1; 32]);
const USAGE: Usage = Usage { input_tokens: 40_000, output_tokens: 1000 };
/// A position that all of a game can be about.
pub(super) const POSITION: u32 = 40_500;

fn rich<T: Config>(index: u32) -> Result<T::AccountId, BenchmarkError> {
	let who: T::AccountId = account("challenger", index, 0);
	T::Currency::set_balance(&who, u128::from(u64::MAX));
	Ok(who)
}

fn at_block<T: Config>(now: BlockNumber) {
	frame_system::Pallet::<T>::set_block_number(now.saturated_into());
}

/// Fills lists around the block at which something falls due, so that only the last place is left.
fn crowd<T: Config>(at: BlockNumber) {
	let others = |count: u32| BoundedVec::truncate_from(vec![Due::Move(DisputeId(u64::MAX)); count as usize]);
	for probe in 1..AGENDA_PROBES {
		Agenda::<T>::insert(at.saturating_add(probe).saturating_sub(1), others(MAX_PER_BLOCK));
	}
	let last = at.saturating_add(AGENDA_PROBES).saturating_sub(1);
	Agenda::<T>::insert(last, others(MAX_PER_BLOCK.saturating_sub(1)));
}

/// A subject and the first of its disputes.
pub(super) struct Scene<T: Config> {
	pub worker: T::AccountId,
	pub challenger: T::AccountId,
	pub subject: Subject,
	pub dispute: DisputeId,
	pub claim: Claim,
}

impl<T: Config> Scene<T> {
	/// A subject of which as many disputes are open as may be but one, with who opens the last: only the last place in the
	/// agenda is left for it.
	pub fn crowded() -> Result<(Self, T::AccountId), BenchmarkError> {
		let scene = Self::disputed(MAX_OPEN_DISPUTES.saturating_sub(1), 0)?;
		crowd::<T>(Pallet::<T>::next_due(&scene.worker));
		Ok((scene, rich::<T>(MAX_OPEN_DISPUTES)?))
	}

	/// How many disputes of the subject are open.
	pub fn open(&self) -> u32 {
		Dockets::<T>::get(self.subject).map_or(0, |docket| docket.open.len() as u32)
	}

	/// Whether the worker's claim fell.
	pub fn is_overturned(&self) -> bool {
		let docket = Dockets::<T>::get(self.subject);
		docket.is_some_and(|docket| matches!(docket.standing, Standing::Overturned { .. }))
	}

	/// An answer with this trace, which `spoke` validators found too.
	fn answered(
		groups: Vec<Root>,
		root: Root,
		output: ContentHash,
		spoke: u32,
	) -> Result<Self, BenchmarkError> {
		at_block::<T>(2);
		let worker: T::AccountId = account("worker", 0, 0);
		T::Currency::set_balance(&worker, u128::from(u64::MAX));
		T::Currency::set_balance(&T::Pot::get(), u128::from(u64::MAX));
		let checkpoint = T::Checkpoints::register_model_for_benchmark(&ARCHITECTURE, words::hash(), groups);
		let mut rules = rules(root)?;
		rules.claim.output = output;
		let stored = |hash| Payload::Stored { hash, len: 160_000, locator: Default::default() };
		let disputed = DisputedSubject {
			worker: worker.clone(),
			requester: account("requester", 0, 0),
			checkpoint,
			kind: rules.kind,
			input: stored(ContentHash([2; 32])),
			sealed: None,
			output: stored(output),
			claim: rules.claim,
		};
		let subject = T::Subjects::answered_for_benchmark(disputed, spoke);
		let challenger = rich::<T>(0)?;
		Ok(Self { worker, challenger, subject, dispute: DisputeId(0), claim: rules.claim })
	}

	/// The same, with so many disputes of the worker's claim.
	pub fn disputed(open: u32, spoke: u32) -> Result<Self, BenchmarkError> {
		Self::with_groups(open, spoke, roots())
	}

	fn with_groups(open: u32, spoke: u32, groups: Vec<Root>) -> Result<Self, BenchmarkError> {
		let scene = Self::answered(groups, Root([3; 32]), OUTPUT, spoke)?;
		for index in 0..open {
			let challenger = RawOrigin::Signed(rich::<T>(index)?);
			Pallet::<T>::challenge(challenger.into(), scene.subject, Accused::Worker, scene.claim)?;
		}
		Ok(scene)
	}

	pub fn stored(&self) -> Result<Dispute<T::AccountId>, BenchmarkError> {
		Ok(Disputes::<T>::get(self.dispute).ok_or("there is no dispute")?)
	}

	pub fn phase(&self) -> Option<Phase> {
		Disputes::<T>::get(self.dispute).map(|dispute| dispute.phase)
	}

	/// Puts the dispute elsewhere.
	pub fn set(&self, change: impl FnOnce(&mut Dispute<T::AccountId>)) {
		Disputes::<T>::mutate_extant(self.dispute, change);
	}

	/// Disputes of the subject that their challengers lost.
	pub fn lost(&self) -> u32 {
		Dockets::<T>::get(self.subject).map_or(0, |docket| docket.upheld)
	}

	/// Moves to the block after the one by which the challenger should have chosen.
	pub fn let_pass_at_choose(&self) {
		let nodes = BoundedVec::truncate_from(vec![[7; 32]; MAX_ARITY as usize]);
		let at = Spot { tree: Tree::Claimed, level: 8, index: 0, hash: [7; 32] };
		self.set(|dispute| dispute.phase = Phase::Choose { at, nodes });
		at_block::<T>(Pallet::<T>::next_due(&self.challenger).saturating_add(1));
	}

	/// Puts the dispute where a residual is to be expanded; what is to be shown.
	#[allow(clippy::type_complexity)]
	pub fn expandable(&self) -> Result<(Root, BoundedVec<i32, ConstU32<SLICE>>, NodePath), BenchmarkError> {
		let values = vec![1; SLICE as usize];
		let bytes = Opening::leaf_bytes(&values);
		let hash = leaf_hash(&bytes);
		let (leaf, layout) = layout(TraceLeaf::Residual { position: POSITION, layer: 1, slice: 3 })?;
		let result = layout.result(3).ok_or("the slice has no result")?;
		let mut tree = Sparse::new(layout.leaves());
		tree.set(result, [hash]);
		self.set(|dispute| dispute.phase = Phase::Expand { leaf, hash });
		let path = tree.siblings(result, 1);
		Ok((Root(tree.root()), BoundedVec::truncate_from(values), BoundedVec::truncate_from(path)))
	}

	/// A dispute that came to a leaf of the last stage of `operation`, with what proves it.
	pub fn provable(operation: Operation) -> Result<(Self, LeafBytes, Evidence), BenchmarkError> {
		let of = match operation {
			Operation::Bins => TraceLeaf::Token { position: POSITION },
			_ => TraceLeaf::Residual { position: POSITION, layer: 1, slice: 3 },
		};
		let (coarse, layout) = layout(of)?;
		let stage = layout.stages().iter().rev().find(|stage| stage.operation == operation);
		let stage = stage.ok_or("there is no such stage")?;
		let index = stage.first.saturating_add(1);
		let leaf = layout.leaf(index).ok_or("there is no such leaf")?;

		let (mut tree, mut groups) = (Sparse::new(layout.leaves()), roots());
		let bytes_of = |index| {
			let bytes = layout.format(index).map_or(0, |format| format.bytes());
			LeafBytes::truncate_from(vec![0; bytes as usize])
		};
		for source in &leaf.sources {
			if let Source::Fine { first, count } = *source {
				let end = first.saturating_add(count);
				tree.set(first, (first..end).map(|index| leaf_hash(&bytes_of(index))));
			}
		}
		let piece = |source: &Source| match *source {
			Source::Fine { first, count } => {
				let leaves: Vec<_> = (first..first.saturating_add(count)).map(bytes_of).collect();
				let siblings = BoundedVec::truncate_from(tree.siblings(first, count));
				Some(Piece::Fine(FinePiece { leaves: BoundedVec::truncate_from(leaves), siblings }))
			},
			Source::Weights { group, tensor, first_row, rows, chunk } => {
				let (piece, root) = weights(group, tensor, first_row, rows, chunk)?;
				*groups.get_mut(group as usize)? = root;
				Some(Piece::Weights(piece))
			},
			_ => None,
		};
		let evidence: Option<Vec<_>> = leaf.sources.iter().map(piece).collect();
		let evidence = Evidence::truncate_from(evidence.ok_or("a source can't be shown")?);

		let fine = FineTree {
			leaf: coarse,
			architecture: ARCHITECTURE,
			root: Root(tree.root()),
			leaves: layout.leaves(),
		};
		let scene = Self::with_groups(1, 0, groups.clone())?;
		let rules = scene.stored()?.rules;
		let group_root = |group: u32| groups.get(group as usize).copied();
		let bytes = referee::evaluate(&rules, &fine, index, &evidence, group_root)
			.map_err(|_| "the leaf can't be computed")?;
		let hash = leaf_hash(&bytes);
		scene.set(|dispute| dispute.phase = Phase::Prove { fine, index, hash });
		Ok((scene, LeafBytes::truncate_from(bytes), evidence))
	}

	/// An answer whose last token is no end token, though there was room for more, with that token's leaf.
	pub fn stopped_short() -> Result<(Self, Opening), BenchmarkError> {
		let shape = ARCHITECTURE.trace(USAGE.positions().saturated_into());
		let last = shape
			.index(TraceLeaf::Token { position: shape.positions })
			.ok_or("the trace has no such leaf")?;
		let values = vec![5, 5];
		let mut tree = Sparse::new(shape.leaves().ok_or("the trace is too large")?);
		tree.set(last, [leaf_hash(&Opening::leaf_bytes(&values))]);
		let path = BoundedVec::truncate_from(tree.siblings(last, 1));
		let opening = Opening { values: BoundedVec::truncate_from(values), path };
		Ok((Self::answered(roots(), Root(tree.root()), OUTPUT, 0)?, opening))
	}

	/// An answer of these bytes whose last token ends elsewhere, with what shows it.
	pub fn other_output(output: Vec<u8>) -> Result<(Self, OutputProof), BenchmarkError> {
		let shape = ARCHITECTURE.trace(USAGE.positions().saturated_into());
		let mut tree = Sparse::new(shape.leaves().ok_or("the trace is too large")?);
		let (last, end) = (shape.positions, output.len() as i32);
		let before = last.saturating_sub(1);
		let values = [(before, vec![5, 0]), (last, vec![words::LONGEST as i32, end])];
		let at = |position| shape.index(TraceLeaf::Token { position }).ok_or("there is no such token");
		for (position, values) in &values {
			tree.set(at(*position)?, [leaf_hash(&Opening::leaf_bytes(values))]);
		}
		let open = |(position, values): &(u32, Vec<i32>)| {
			let path = BoundedVec::truncate_from(tree.siblings(at(*position)?, 1));
			Ok::<_, BenchmarkError>(Opening { values: BoundedVec::truncate_from(values.clone()), path })
		};
		let [previous, token] = [open(&values[0])?, open(&values[1])?];
		let scene = Self::answered(roots(), Root(tree.root()), ContentHash::of(&output), 0)?;
		let proof = OutputProof {
			seal: None,
			head: BoundedVec::truncate_from(words::head().encode()),
			output: BoundedVec::truncate_from(output),
			position: last,
			previous: Some(previous),
			token,
			bytes: words::longest(),
		};
		Ok((scene, proof))
	}
}

/// The rules of a dispute over an answer with this trace.
fn rules(root: Root) -> Result<Rules, BenchmarkError> {
	let shape = ARCHITECTURE.trace(USAGE.positions().saturated_into());
	let leaves = shape.leaves().ok_or("the trace is too large")?;
	let claim = Claim { root, leaves, output: OUTPUT, usage: USAGE };
	let greedy = GenerateParams::greedy(InputFormat::Tokens, 2000);
	let params = GenerateParams { temperature: 800, top_p: 60_000, ..greedy };
	Ok(Rules { claim, kind: JobKind::Generate(params), shape, levels: 4 })
}

/// Number of a leaf of the trace, and the stages of its computation.
fn layout(leaf: TraceLeaf) -> Result<(u32, Layout), BenchmarkError> {
	let rules = rules(Root::default())?;
	let index = rules.shape.index(leaf).ok_or("the trace has no such leaf")?;
	let (program, _) = referee::program(&rules, index).ok_or("the leaf is not computed")?;
	let layout = Layout::new(&referee::shape(&ARCHITECTURE), &program).ok_or("there is no such program")?;
	Ok((index, layout))
}

fn roots() -> Vec<Root> {
	vec![Root::default(); ARCHITECTURE.layers.saturating_add(1) as usize]
}

/// Rows of eight-bit codes with their proofs, and the root of their group.
fn weights(group: u32, tensor: u32, first: u32, rows: u32, chunk: u32) -> Option<(WeightsPiece, Root)> {
	let place = weights_place(&ARCHITECTURE, group, tensor, first, rows, chunk)?;
	let codes = [&[1u8, 0, 0, 0][..], &[5; 32]].concat();
	let bytes = codes.repeat(64);
	let mut row = Sparse::new(place.chunks);
	row.set(chunk, [leaf_hash(&bytes)]);
	let piece = RowPiece {
		bytes: BoundedVec::truncate_from(bytes),
		path: BoundedVec::truncate_from(row.siblings(chunk, 1)),
	};
	let mut all = Sparse::new(place.tensor_rows);
	all.set(first, (0..rows).map(|_| row.root()));
	let mut tensors = vec![[7; 32]; place.tensors as usize];
	*tensors.get_mut(tensor as usize)? = all.root();
	let path = merkle::path(&tensors, tensor)?;
	let piece = WeightsPiece {
		rows: BoundedVec::truncate_from(vec![piece; rows as usize]),
		siblings: BoundedVec::truncate_from(all.siblings(first, rows)),
		tensor: BoundedVec::truncate_from(path),
	};
	Some((piece, Root(merkle::root(&tensors))))
}
