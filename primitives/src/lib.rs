//! Types and traits that the pallets and the worker of Noesis share.
//!
//! Everything here is plain data with a SCALE encoding, so that the chain, the worker and a browser mean the
//! same bytes. The traits at the end are how pallets meet: no pallet depends on another.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod checkpoint;
mod ids;
mod job;
pub mod merkle;
mod operator;
mod panel;
mod traits;
mod views;

pub use checkpoint::{CheckpointFacts, CheckpointRecord, Locators, Profile, MAX_LAYERS, MAX_LOCATORS};
pub use ids::{CheckpointId, ContentHash, JobId, Root, Subject};
pub use job::{
	GenerateParams, InputFormat, JobEvent, JobKind, JobSpec, JobState, Lane, Locator, Payload, RefundReason,
	Tier, TransitionError, Usage, MAX_INLINE_BYTES, MAX_LOCATOR_BYTES, MAX_REASSIGNMENTS, TEMPLATE_ALLOWANCE,
};
pub use operator::{Capability, OperatorFault, OperatorRecord, OperatorStatus, Role, MAX_RUNNABLE};
pub use panel::{
	draw_message, is_drawn, opening_positions, panel_seed, Claim, ClaimHash, Draw, Opening, PanelClose,
	PanelOutcome, DRAW_CONTEXT, DRAW_LABEL, MAX_OPENINGS, MAX_PANEL, MAX_PATH, SLICE,
};
pub use traits::{
	BlockRandomness, CheckpointRegistry, OperatorRegistry, PanelExists, Panels, SubjectHandler,
};
pub use views::{
	CheckpointView, JobView, OperatorView, PanelView, Quote, QuoteError, Settlement, TimelineEntry,
	MAX_TIMELINE,
};

/// Height of a block of this chain.
pub type BlockNumber = u32;

/// An amount of DOT in planck (10 decimals).
pub type Balance = u128;
