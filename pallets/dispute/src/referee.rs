//! What the runtime computes by itself.

use alloc::vec::Vec;
use noesis_canon::{
	graph::{self, Layout, Program, Shape, Source, CHUNK},
	sampler::Sampling,
};
use noesis_primitives::{
	merkle::{self, leaf_hash, Node},
	Architecture, Evidence, FineTree, JobKind, Opening, Piece, Root, Rules, TraceLeaf, WeightsPiece,
	WeightsPlace,
};

/// The shape that a model's programs follow from.
pub(crate) fn shape(architecture: &Architecture) -> Shape {
	Shape {
		layers: architecture.layers,
		width: architecture.width,
		heads: architecture.heads,
		kv_heads: architecture.kv_heads,
		head_dim: architecture.head_dim,
		feed_forward: architecture.feed_forward,
		vocabulary: architecture.vocabulary,
		context: architecture.context,
		rope_base: architecture.rope_base,
		epsilon: architecture.epsilon,
	}
}

/// The program that a leaf of a trace is the result of, and the slice of it; `None` for a token of the input.
pub(crate) fn program(rules: &Rules, leaf: u32) -> Option<(Program, u32)> {
	match rules.leaf(leaf)? {
		TraceLeaf::Residual { position, layer, slice } => Some((Program::Layer { layer, position }, slice)),
		TraceLeaf::Token { position } => {
			let JobKind::Generate(params) = &rules.kind;
			let index = position.checked_sub(rules.claim.usage.input_tokens)?;
			let sampling =
				Sampling { temperature: params.temperature, top_p: params.top_p, seed: params.seed };
			Some((Program::Pick { position: position.checked_sub(1)?, sampling, index }, 0))
		},
	}
}

/// How a leaf of a trace is computed.
pub(crate) struct Computation {
	leaf: u32,
	architecture: Architecture,
	/// Leaves of the fine tree.
	leaves: u32,
	/// The one in which the leaf comes out.
	result: u32,
	is_token: bool,
}

impl Computation {
	/// The computation of leaf `leaf`; `None` when no program computes such a model, or when the model has another
	/// shape than the trace.
	pub fn of(rules: &Rules, leaf: u32, architecture: &Architecture) -> Option<Self> {
		let fits = architecture.layers == rules.shape.layers && architecture.width == rules.shape.width;
		let (program, slice) = program(rules, leaf).filter(|_| fits)?;
		let layout = Layout::new(&shape(architecture), &program)?;
		let is_token = matches!(program, Program::Pick { .. });
		let (leaves, result) = (layout.leaves(), layout.result(slice)?);
		Some(Self { leaf, architecture: *architecture, leaves, result, is_token })
	}

	/// Whether the disputed leaf holds the token that ends an answer, and is not the claim's last.
	pub fn is_premature_end(&self, rules: &Rules, values: &[i32]) -> bool {
		let last = rules.claim.leaves.checked_sub(1);
		let ends = values.first().is_some_and(|id| u32::try_from(*id) == Ok(self.architecture.end));
		self.is_token && ends && last != Some(self.leaf)
	}

	/// The fine tree of this root, if the disputed leaf's `values` come out of it.
	pub fn fine_tree(&self, root: Root, values: &[i32], path: &[Node]) -> Option<FineTree> {
		let result = match (self.is_token, values) {
			(true, [id, _]) => i64::from(*id).to_le_bytes().to_vec(),
			(true, _) => return None,
			(false, values) => Opening::leaf_bytes(values),
		};
		merkle::verify(&root.0, self.leaves, self.result, leaf_hash(&result), path).then_some(FineTree {
			leaf: self.leaf,
			architecture: self.architecture,
			root,
			leaves: self.leaves,
		})
	}
}

/// Id and end of the token of the input that leaf `leaf` holds; `None` when the input has no such token.
pub(crate) fn input_token(
	rules: &Rules,
	leaf: u32,
	architecture: &Architecture,
	payload: &[u8],
) -> Option<[i32; 2]> {
	let TraceLeaf::Token { position } = rules.leaf(leaf)? else { return None };
	let ids = u32::try_from(payload.len()).ok()? / 4;
	// An input that leaves no room for an answer loses its beginning; its ends count from there.
	let lost = ids.saturating_sub(architecture.context.saturating_sub(1));
	let place = position.checked_add(lost)? as usize;
	let id = match payload.chunks_exact(4).nth(place) {
		Some(bytes) => u32::from_le_bytes(bytes.try_into().ok()?),
		// No tokens at all read as one.
		None if ids == 0 && position == 0 => 0,
		None => return None,
	};
	let id = if id < architecture.vocabulary { id } else { 0 };
	let end = position.checked_add(1)?.checked_mul(4)?;
	Some([i32::try_from(id).ok()?, i32::try_from(end).ok()?])
}

/// What is wrong with evidence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EvidenceError {
	/// Not one piece of the right kind for each source.
	Pieces,
	/// A piece is not where it should be.
	Proof,
	/// A piece does not hold what its source does.
	Malformed,
}

/// What a piece resolves to, once its proof is checked.
enum Resolved<'a> {
	Fine(Vec<u8>),
	Token { id: i32, end: i32 },
	Residual(&'a [i32]),
	Weights(&'a WeightsPiece),
}

impl Resolved<'_> {
	fn piece(&self) -> graph::Piece<'_> {
		match self {
			Self::Fine(bytes) => graph::Piece::Fine(bytes),
			Self::Token { id, end } => graph::Piece::Token { id: *id, end: *end },
			Self::Residual(values) => graph::Piece::Residual(values),
			Self::Weights(piece) => {
				graph::Piece::Weights(piece.rows.iter().map(|row| row.bytes.as_slice()).collect())
			},
		}
	}
}

/// The bytes of leaf `index` of a fine tree, computed from evidence whose every piece is proved.
pub(crate) fn evaluate(
	rules: &Rules,
	fine: &FineTree,
	index: u32,
	evidence: &Evidence,
	group_root: impl Fn(u32) -> Option<Root>,
) -> Result<Vec<u8>, EvidenceError> {
	let shape = shape(&fine.architecture);
	let (program, _) = program(rules, fine.leaf).ok_or(EvidenceError::Malformed)?;
	let leaf = program.leaf(&shape, index).ok_or(EvidenceError::Malformed)?;
	if leaf.sources.len() != evidence.len() {
		return Err(EvidenceError::Pieces);
	}
	let mut resolved = Vec::with_capacity(evidence.len());
	let mut token = None;
	for (source, piece) in leaf.sources.iter().zip(evidence) {
		let found = resolve(rules, fine, index, source, piece, token, &group_root)?;
		if let Resolved::Token { id, .. } = found {
			token = Some(id);
		}
		resolved.push(found);
	}
	let pieces: Vec<_> = resolved.iter().map(Resolved::piece).collect();
	graph::evaluate(&program, &shape, index, &pieces).ok_or(EvidenceError::Malformed)
}

/// Checks that a piece is what the source names. Only what comes before the disputed leaf may be shown: both sides
/// agree on that.
fn resolve<'a>(
	rules: &Rules,
	fine: &FineTree,
	index: u32,
	source: &Source,
	piece: &'a Piece,
	token: Option<i32>,
	group_root: impl Fn(u32) -> Option<Root>,
) -> Result<Resolved<'a>, EvidenceError> {
	let coarse = |opening: &Opening, leaf| {
		let place = rules.shape.index(leaf).filter(|place| *place < fine.leaf);
		place
			.is_some_and(|place| opening.verify(&rules.claim, place))
			.then_some(())
			.ok_or(EvidenceError::Proof)
	};
	let weights = |piece: &'a WeightsPiece, group, tensor, first_row, rows, chunk| {
		let root = group_root(group).ok_or(EvidenceError::Proof)?;
		let place = weights_place(&fine.architecture, group, tensor, first_row, rows, chunk);
		let holds = place.is_some_and(|place| piece.verify(&root.0, &place));
		holds.then_some(Resolved::Weights(piece)).ok_or(EvidenceError::Proof)
	};
	match (*source, piece) {
		(Source::Fine { first, count }, Piece::Fine(piece)) => {
			let before = first.checked_add(count).is_some_and(|end| end <= index);
			let holds = before && piece.verify(&fine.root.0, fine.leaves, first, count);
			holds.then(|| Resolved::Fine(piece.bytes())).ok_or(EvidenceError::Proof)
		},
		(Source::Token { position }, Piece::Coarse(opening)) => {
			coarse(opening, TraceLeaf::Token { position })?;
			let (id, end) = opening.token().ok_or(EvidenceError::Malformed)?;
			Ok(Resolved::Token { id, end })
		},
		(Source::Residual { position, layer, slice }, Piece::Coarse(opening)) => {
			coarse(opening, TraceLeaf::Residual { position, layer, slice })?;
			Ok(Resolved::Residual(&opening.values))
		},
		(Source::Embedding { chunk }, Piece::Weights(piece)) => {
			let row = token.and_then(|id| u32::try_from(id).ok()).ok_or(EvidenceError::Malformed)?;
			weights(piece, 0, 0, row, 1, chunk)
		},
		(Source::Weights { group, tensor, first_row, rows, chunk }, Piece::Weights(piece)) => {
			weights(piece, group, tensor, first_row, rows, chunk)
		},
		_ => Err(EvidenceError::Pieces),
	}
}

/// Where a part of a tensor's rows lies in its group; `None` when there is no such tensor.
pub(crate) fn weights_place(
	architecture: &Architecture,
	group: u32,
	tensor: u32,
	first_row: u32,
	rows: u32,
	chunk: u32,
) -> Option<WeightsPlace> {
	let (tensor_rows, columns) = tensor_shape(architecture, group, tensor)?;
	let tensors = if group == 0 { 2 } else { 9 };
	Some(WeightsPlace {
		tensors,
		tensor,
		tensor_rows,
		first_row,
		rows,
		chunks: columns.div_ceil(CHUNK),
		chunk,
	})
}

/// Rows and columns of a tensor, in the order in which a group's root has them. A gain is one row.
fn tensor_shape(architecture: &Architecture, group: u32, tensor: u32) -> Option<(u32, u32)> {
	let (width, inner) = (architecture.width, architecture.feed_forward);
	let queries = architecture.heads.checked_mul(architecture.head_dim)?;
	let keys = architecture.kv_heads.checked_mul(architecture.head_dim)?;
	Some(match (group, tensor) {
		(0, 0) => (architecture.vocabulary, width),
		(0, 1) | (1.., 0 | 5) => (1, width),
		(1.., 1) => (queries, width),
		(1.., 2 | 3) => (keys, width),
		(1.., 4) => (width, queries),
		(1.., 6 | 7) => (inner, width),
		(1.., 8) => (width, inner),
		_ => return None,
	})
}
