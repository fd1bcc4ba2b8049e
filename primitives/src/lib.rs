//! Types and traits that the pallets and the worker of Noesis share.
//!
//! Everything here is plain data with a SCALE encoding, so that the chain, the worker and a browser mean the
//! same bytes. The traits at the end are how pallets meet: no pallet depends on another.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod bundle;
mod canary;
mod channel;
mod checkpoint;
mod dispute;
mod ids;
mod job;
pub mod merkle;
mod operator;
mod pace;
mod panel;
mod receipt;
mod sealed;
mod seeds;
mod trace;
mod traits;
mod views;
mod words;

pub use bundle::{
	audited_entries, BatchInputs, BatchSpec, BundleId, Engagement, Item, ItemInput, MAX_AUDITS, MAX_ITEMS,
};
pub use canary::{canary_commitment, canary_mark, is_planted, plant};
pub use channel::{ChannelEvent, ChannelSpec, ChannelState, Tally, Turn};
pub use checkpoint::{
	Architecture, CheckpointFacts, CheckpointRecord, Family, Locators, Profile, MAX_LAYERS, MAX_LOCATORS,
};
pub use dispute::{
	Accused, DisputeView, DisputedSubject, Evidence, FinePiece, FineTree, Ground, LeafBytes, LengthProof,
	Move, MoveError, Next, NodePath, Nodes, NotDisputable, OutputBytes, OutputProof, Phase, Piece, RowPiece,
	Rules, ShownOutput, Side, Spot, Stage, Tree, Verdict, Vouchers, WeightsPiece, WeightsPlace, WordTree,
	MAX_ARITY, MAX_EVIDENCE_BYTES, MAX_FINE_RANGE, MAX_LEAF_BYTES, MAX_OPEN_DISPUTES, MAX_OUTPUT_BYTES,
	MAX_PIECES, MAX_ROWS, MAX_ROW_BYTES, MAX_SIBLINGS, MAX_TOKEN_BYTES,
};
pub use ids::{ChannelId, CheckpointId, ContentHash, DisputeId, JobId, Root, Subject};
pub use job::{
	GenerateParams, InputFormat, JobEvent, JobKind, JobSpec, JobState, Lane, Locator, Payload, RefundReason,
	Tier, TransitionError, Usage, MAX_INLINE_BYTES, MAX_LOCATOR_BYTES, MAX_REASSIGNMENTS, TEMPLATE_ALLOWANCE,
};
pub use operator::{
	Appeal, Capability, Conduct, Fault, OperatorFault, OperatorRecord, OperatorStatus, Ratings, Reputation,
	ReputationSteps, Role, Slashed, MAX_APPEAL_BYTES, MAX_RUNNABLE,
};
pub use pace::{Judgement, Pace};
pub use panel::{
	draw_message, draw_number, is_audited, is_drawn, opening_positions, panel_seed, Claim, ClaimHash, Draw,
	Opening, PanelClose, PanelOutcome, Verdicts, Verification, DRAW_CONTEXT, DRAW_LABEL, MAX_OPENINGS,
	MAX_PANEL, MAX_PATH, SLICE,
};
pub use receipt::Receipt;
pub use sealed::{
	seal_commitment, sealed_len, InputMark, OutputSeal, PromptSeal, OUTPUT_OVERHEAD, SEAL_OVERHEAD,
};
pub use seeds::{seed_chain_end, seed_draw_output, MAX_SEED_STEPS};
pub use trace::{TraceLeaf, TraceShape};
pub use traits::{
	BlockRandomness, CheckpointRegistry, Disputable, OperatorRegistry, PanelExists, Panels, Receipts,
	SubjectHandler,
};
pub use views::{
	BundleView, CanaryView, ChannelView, CheckpointView, Claimable, JobView, OperatorView, PanelView,
	PanelWindows, Quote, QuoteError, Security, Settlement, Survival, TimelineEntry, MAX_LISTED, MAX_TIMELINE,
	MAX_VERDICTS,
};
pub use words::{
	PairLeaf, PairProof, TextEvidence, TokenProof, TokenSource, WordCommitment, WordEvidence,
	MAX_HEAD_BYTES_SHOWN, MAX_PAIR_PROOFS, MAX_TEXT_BYTES, MAX_TOKEN_BYTES_SHOWN,
};

/// Height of a block of this chain.
pub type BlockNumber = u32;

/// An amount of DOT in planck (10 decimals).
pub type Balance = u128;
