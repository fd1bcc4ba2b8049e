//! Batches: many inputs under one job, answered by one root over many results.
//!
//! [`Inputs`] are what a requester asks, [`Results`] what a worker answers; both are lists that travel as blobs, with
//! the trees that the chain knows them by. [`Work`] computes a batch, [`Keeper`] shows the items that are drawn.

mod inputs;
mod keeper;
mod results;
mod work;

pub use inputs::{Inputs, InputsError};
pub use keeper::Keeper;
pub use results::{Results, ResultsError};
pub use work::WorkError;
pub(crate) use work::{prepare, Work};

use crate::store::MAX_OWN_BLOB;
use noesis_primitives::JobKind;

/// Bytes that a token of an output takes at most, as far as a batch is planned by it. A vocabulary may have longer
/// ones, but no text is made of them alone.
const BYTES_OF_A_TOKEN: u64 = 8;
/// Bytes of a result beside its output.
const BYTES_OF_AN_ITEM: u64 = 136;

/// Whether the results of so many items will fit in one blob.
pub fn fits(kind: &JobKind, items: u32) -> bool {
	let output = u64::from(kind.max_output_tokens()).saturating_mul(BYTES_OF_A_TOKEN);
	output.saturating_add(BYTES_OF_AN_ITEM).saturating_mul(items.into()) <= MAX_OWN_BLOB as u64
}
