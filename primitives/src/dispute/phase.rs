//! The game's states and moves.
//!
//! ```text
//!            accused reveals              challenger chooses
//!   Reveal ------------------> Choose ------------------------> Reveal    one move down the tree
//!                                                 |
//!                      the tree of the claim ends |  the fine tree ends
//!                              .------------------+-----------------.
//!          accused expands     v                                    v     accused proves
//!   Reveal <-------------- Expand                           Prove, Word ------------------> it stands, or falls
//!     ^             |          ^ accused shows the token's bytes
//!     |             |        Text -> it stands, or falls
//!     |             |        Input -> it stands, or falls
//!     |             '-> it falls, where the claim goes on after the token that ends an answer
//!     '-- accused commits to the states of a word (from Text)
//! ```
//!
//! The tree of the claim has a leaf for each slice of the residual and each token. The **fine tree** has one for each
//! small step of the computation of one such leaf; that of a token that is read from a **word** of a text has the word's
//! states. To choose a child is to agree with everything to the left of it, so at the end both sides agree on all that
//! the one leaf is computed from.
//!
//! Who agrees with the whole trace and not with the output that is claimed beside it **demands** that output:
//!
//! ```text
//!            accused shows the bytes                challenger shows a token whose bytes they are not
//!   Output --------------------------> Compare --------------------------------------------------> it falls
//!      '-> it stands, where an output is longer than the chain takes: who agrees with the trace knows that before
//! ```

use crate::{
	merkle::{self, Node},
	Architecture, Claim, InputFormat, JobKind, Root, TraceLeaf, TraceShape,
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most nodes that a move reveals.
pub const MAX_ARITY: u32 = 256;

/// Nodes that a move reveals.
pub type Nodes = BoundedVec<Node, ConstU32<MAX_ARITY>>;

/// A player.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Side {
	/// Whose claim it is.
	#[codec(index = 0)]
	Accused,
	/// Who disputes it.
	#[codec(index = 1)]
	Challenger,
}

/// The trace of one leaf's computation, as the accused committed to it.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct FineTree {
	/// The leaf of the claim's trace that it computes.
	pub leaf: u32,
	/// The model's shape.
	pub architecture: Architecture,
	/// Its root.
	pub root: Root,
	/// Its leaves.
	pub leaves: u32,
}

/// The states of the word that a token of the input is read from, as the accused committed to them.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct WordTree {
	/// The leaf of the claim's trace that holds the token.
	pub leaf: u32,
	/// Root of the tree of states.
	pub root: Root,
	/// How many states there are.
	pub states: u32,
	/// Symbols of the word in its first state.
	pub symbols: u32,
	/// Hash of the first state, which follows from the text alone.
	pub first: Node,
	/// Root of the tokenizer's tree of pairs.
	pub pairs_root: Node,
	/// How many pairs there are.
	pub pairs: u32,
}

/// The tree that the game is in.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Tree {
	/// The trace that is claimed.
	#[codec(index = 0)]
	Claimed,
	/// The computation of one of its leaves.
	#[codec(index = 1)]
	Fine(FineTree),
	/// The states of a word of the input.
	#[codec(index = 2)]
	Word(WordTree),
}

impl Tree {
	/// Its number of leaves, in a dispute of `claim`.
	pub fn leaves(&self, claim: &Claim) -> u32 {
		match self {
			Self::Claimed => claim.leaves,
			Self::Fine(fine) => fine.leaves,
			Self::Word(word) => word.states,
		}
	}
}

/// A node that the challenger does not agree with.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Spot {
	/// Of this tree.
	pub tree: Tree,
	/// Its level; leaves are at 0.
	pub level: u32,
	/// Its place in the level.
	pub index: u32,
	/// Its hash.
	pub hash: Node,
}

/// Where a game stands.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Phase {
	/// The accused shows the nodes below a node.
	#[codec(index = 0)]
	Reveal {
		/// The node.
		at: Spot,
	},
	/// The challenger names the first of them that it does not agree with.
	#[codec(index = 1)]
	Choose {
		/// The node above them.
		at: Spot,
		/// The nodes.
		nodes: Nodes,
	},
	/// The accused commits to the computation of a leaf of its claim.
	#[codec(index = 2)]
	Expand {
		/// The leaf.
		leaf: u32,
		/// Its hash.
		hash: Node,
	},
	/// The accused shows the input of ids that it read a token from.
	#[codec(index = 3)]
	Input {
		/// The token's leaf.
		leaf: u32,
		/// Its hash.
		hash: Node,
	},
	/// The accused shows what a leaf of the fine tree is computed from.
	#[codec(index = 4)]
	Prove {
		/// The fine tree.
		fine: FineTree,
		/// The leaf.
		index: u32,
		/// Its hash.
		hash: Node,
	},
	/// The accused shows what the tokenizer makes of the text at a token: of the input's, or of what the token of an
	/// output adds to it.
	#[codec(index = 5)]
	Text {
		/// The token's leaf.
		leaf: u32,
		/// Its hash.
		hash: Node,
	},
	/// The accused shows what a state of a word is made from.
	#[codec(index = 6)]
	Word {
		/// The word's states.
		word: WordTree,
		/// The state.
		index: u32,
		/// Its hash.
		hash: Node,
	},
	/// The accused shows the bytes of the output that its claim names.
	#[codec(index = 7)]
	Output,
	/// The challenger shows a token of the claim whose bytes the output does not have.
	#[codec(index = 8)]
	Compare,
}

/// Where a game stands, in short.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Stage {
	/// Nodes below this one are to be shown.
	#[codec(index = 0)]
	Reveal {
		/// Whether the node is in a fine tree, or in that of a word's states.
		fine: bool,
		/// Its level.
		level: u32,
		/// Its place in the level.
		index: u32,
	},
	/// One of the nodes below this one is to be named.
	#[codec(index = 1)]
	Choose {
		/// Whether the node is in a fine tree, or in that of a word's states.
		fine: bool,
		/// Its level.
		level: u32,
		/// Its place in the level.
		index: u32,
	},
	/// The computation of a leaf of the claim is to be committed to.
	#[codec(index = 2)]
	Expand {
		/// The leaf.
		leaf: u32,
	},
	/// The input is to be shown.
	#[codec(index = 3)]
	Input {
		/// The token's leaf.
		leaf: u32,
	},
	/// A leaf of the fine tree is to be proved.
	#[codec(index = 4)]
	Prove {
		/// The leaf.
		leaf: u32,
	},
	/// What the tokenizer makes of the text is to be shown.
	#[codec(index = 5)]
	Text {
		/// The token's leaf.
		leaf: u32,
	},
	/// A state of a word is to be proved.
	#[codec(index = 6)]
	Word {
		/// The state.
		step: u32,
	},
	/// The bytes of the output are to be shown.
	#[codec(index = 7)]
	Output,
	/// A token is to be shown whose bytes the output does not have.
	#[codec(index = 8)]
	Compare,
}

/// Why a claim fell.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Ground {
	/// The accused did not make its move in time.
	#[codec(index = 0)]
	Silence,
	/// A step of the computation that the accused committed to gives something else.
	#[codec(index = 1)]
	Step,
	/// The claim itself contradicts the job: the same claim is wrong by whomever it was made.
	#[codec(index = 2)]
	Record,
}

/// How a dispute ended.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
	/// The claim stands; the challenger lost.
	#[codec(index = 0)]
	Stands,
	/// The claim fell; the accused lost.
	#[codec(index = 1)]
	Falls(Ground),
	/// The chain can't tell. The claim stands, and nobody lost.
	#[codec(index = 2)]
	Undecided,
	/// Another dispute ended this one. Nobody lost.
	#[codec(index = 3)]
	Moot,
}

/// What a move makes of a game.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
	/// It goes on here.
	Phase(Phase),
	/// It is over.
	Over(Verdict),
}

/// A move, with what it shows already checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Move {
	/// The accused shows these nodes.
	Reveal(Nodes),
	/// The challenger names this child, counted from the first that was shown.
	Choose(u32),
	/// The accused committed to a fine tree in which the disputed leaf comes out.
	Expand(FineTree),
	/// The chain can't compute this leaf at all.
	Beyond,
	/// The disputed leaf is the token that ends an answer, and the claim goes on after it.
	WentOn,
	/// The accused showed all that the leaf follows from, and it comes out or not; or that the output is too long to be
	/// shown; or the challenger showed that the output does not have the bytes of a token.
	Proved(bool),
	/// The disputed token is read from a word, to whose states the accused committed.
	Word(WordTree),
	/// The disputed token of the output ends where it should.
	Follows,
	/// The accused showed the output.
	Shown,
	/// Nobody moved in time.
	Silence,
}

/// Why a move can't be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MoveError {
	/// It is not the move that is due.
	OutOfTurn,
	/// There are not as many nodes as there are below the node, or they do not hash to it.
	WrongNodes,
	/// There is no such child.
	NoChild,
}

/// What a game is played by: fixed when it opens.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Rules {
	/// The claim.
	pub claim: Claim,
	/// What was computed.
	pub kind: JobKind,
	/// The order of the claim's leaves.
	pub shape: TraceShape,
	/// Levels that a move descends: 1 to 8.
	pub levels: u8,
}

impl Rules {
	/// What leaf `index` of the claim's trace holds.
	pub fn leaf(&self, index: u32) -> Option<TraceLeaf> {
		self.shape.leaf(index)
	}

	/// Most nodes that a move reveals.
	pub fn arity(&self) -> u32 {
		1 << u32::from(self.levels).min(8)
	}

	/// Where a game begins.
	pub fn begin(&self) -> Next {
		self.at(Tree::Claimed, merkle::levels(self.claim.leaves), 0, self.claim.root.0)
	}

	/// Where the challenger does not agree with a node.
	fn at(&self, tree: Tree, level: u32, index: u32, hash: Node) -> Next {
		if level > 0 {
			return Next::Phase(Phase::Reveal { at: Spot { tree, level, index, hash } });
		}
		Next::Phase(match tree {
			Tree::Claimed => self.at_leaf(index, hash),
			Tree::Fine(fine) => Phase::Prove { fine, index, hash },
			Tree::Word(word) => Phase::Word { word, index, hash },
		})
	}

	/// What decides over a leaf of the claim.
	fn at_leaf(&self, leaf: u32, hash: Node) -> Phase {
		let JobKind::Generate(params) = &self.kind;
		match self.leaf(leaf) {
			Some(TraceLeaf::Token { position })
				if self.is_input(position) && params.format == InputFormat::Tokens =>
			{
				Phase::Input { leaf, hash }
			},
			Some(TraceLeaf::Token { .. }) => Phase::Text { leaf, hash },
			Some(TraceLeaf::Residual { .. }) | None => Phase::Expand { leaf, hash },
		}
	}

	/// Whether the token at `position` is one of the input, by the claim.
	pub fn is_input(&self, position: u32) -> bool {
		position < self.claim.usage.input_tokens.max(1)
	}

	/// Level and indices of the nodes below `at` that a move shows.
	pub fn below(&self, at: &Spot) -> Option<(u32, core::ops::Range<u32>)> {
		merkle::block(at.tree.leaves(&self.claim), at.level, at.index, self.levels.into())
	}
}

impl Phase {
	/// Whose move it is.
	pub fn mover(&self) -> Side {
		match self {
			Self::Choose { .. } | Self::Compare => Side::Challenger,
			Self::Reveal { .. }
			| Self::Expand { .. }
			| Self::Input { .. }
			| Self::Prove { .. }
			| Self::Text { .. }
			| Self::Word { .. }
			| Self::Output => Side::Accused,
		}
	}

	/// The phase in short.
	pub fn stage(&self) -> Stage {
		let is_fine = |spot: &Spot| !matches!(spot.tree, Tree::Claimed);
		match self {
			Self::Reveal { at } => Stage::Reveal { fine: is_fine(at), level: at.level, index: at.index },
			Self::Choose { at, .. } => Stage::Choose { fine: is_fine(at), level: at.level, index: at.index },
			Self::Expand { leaf, .. } => Stage::Expand { leaf: *leaf },
			Self::Input { leaf, .. } => Stage::Input { leaf: *leaf },
			Self::Prove { index, .. } => Stage::Prove { leaf: *index },
			Self::Text { leaf, .. } => Stage::Text { leaf: *leaf },
			Self::Word { index, .. } => Stage::Word { step: *index },
			Self::Output => Stage::Output,
			Self::Compare => Stage::Compare,
		}
	}

	/// The leaf of the claim's trace that the game came to; `None` on the way there.
	pub fn leaf(&self) -> Option<u32> {
		match self {
			Self::Reveal { at } | Self::Choose { at, .. } => match at.tree {
				Tree::Claimed => None,
				Tree::Fine(fine) => Some(fine.leaf),
				Tree::Word(word) => Some(word.leaf),
			},
			Self::Expand { leaf, .. } | Self::Input { leaf, .. } | Self::Text { leaf, .. } => Some(*leaf),
			Self::Prove { fine, .. } => Some(fine.leaf),
			Self::Word { word, .. } => Some(word.leaf),
			Self::Output | Self::Compare => None,
		}
	}

	/// Where a move takes the game. The only place where a phase changes.
	pub fn transition(self, by: Move, rules: &Rules) -> Result<Next, MoveError> {
		use Phase::*;
		Ok(match (self, by) {
			(phase, Move::Silence) => Next::Over(match phase.mover() {
				Side::Accused => Verdict::Falls(Ground::Silence),
				Side::Challenger => Verdict::Stands,
			}),
			(Reveal { at }, Move::Reveal(nodes)) => {
				let (_, below) = rules.below(&at).ok_or(MoveError::WrongNodes)?;
				if below.len() != nodes.len() || merkle::root(&nodes) != at.hash {
					return Err(MoveError::WrongNodes);
				}
				Next::Phase(Choose { at, nodes })
			},
			(Choose { at, nodes }, Move::Choose(child)) => {
				let hash = nodes.get(child as usize).ok_or(MoveError::NoChild)?;
				let (level, below) = rules.below(&at).ok_or(MoveError::NoChild)?;
				let index = below.start.checked_add(child).ok_or(MoveError::NoChild)?;
				rules.at(at.tree, level, index, *hash)
			},
			(Expand { .. }, Move::Expand(fine)) => {
				rules.at(Tree::Fine(fine), merkle::levels(fine.leaves), 0, fine.root.0)
			},
			(Text { .. }, Move::Word(tree)) => {
				rules.at(Tree::Word(tree), merkle::levels(tree.states), 0, tree.root.0)
			},
			(Text { leaf, hash }, Move::Follows) => Next::Phase(Expand { leaf, hash }),
			(Output, Move::Shown) => Next::Phase(Compare),
			(Expand { .. } | Text { .. }, Move::Beyond) => Next::Over(Verdict::Undecided),
			(Expand { .. }, Move::WentOn) => Next::Over(Verdict::Falls(Ground::Record)),
			(Input { .. } | Text { .. } | Compare, Move::Proved(false)) => {
				Next::Over(Verdict::Falls(Ground::Record))
			},
			(Prove { .. } | Word { .. }, Move::Proved(false)) => Next::Over(Verdict::Falls(Ground::Step)),
			(Input { .. } | Text { .. } | Prove { .. } | Word { .. } | Output, Move::Proved(true)) => {
				Next::Over(Verdict::Stands)
			},
			_ => return Err(MoveError::OutOfTurn),
		})
	}
}
