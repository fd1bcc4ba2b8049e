//! What a record must be to be registered.

use crate::{Config, Error};
use alloc::vec::Vec;
use codec::Encode;
use frame_support::ensure;
use noesis_primitives::{merkle, CheckpointFacts, CheckpointRecord, MAX_LAYERS};
use polkadot_sdk::{frame_support, sp_io::hashing::blake2_256};

/// Greatest width of the residual.
pub const MAX_WIDTH: u32 = 65_536;
/// Longest context, in tokens. A job's input has at most a byte for each, and has to fit into a dispute.
pub const MAX_CONTEXT: u32 = 65_536;
/// Greatest vocabulary, in tokens.
pub const MAX_VOCABULARY: u32 = 1_048_576;
/// Greatest price of a token, in units: ten trillion parameters.
pub const MAX_UNITS_PER_TOKEN: u32 = 10_000_000;

/// What makes a model the same model: all that is said of it but its parent and where it can be fetched. So a record that
/// misstates a model keeps nobody from registering the true one.
pub fn identity(record: &CheckpointRecord) -> [u8; 32] {
	CheckpointRecord { parent: None, locators: Default::default(), ..record.clone() }
		.using_encoded(blake2_256)
}

/// What other pallets need to know of a record.
pub(crate) fn facts(record: &CheckpointRecord, active: bool) -> CheckpointFacts {
	CheckpointFacts {
		active,
		profile: record.profile,
		width: record.width,
		layers: record.layers,
		context: record.context,
		units_per_token: record.units_per_token,
	}
}

/// Root over the layers' roots.
pub(crate) fn weights_root(record: &CheckpointRecord) -> merkle::Node {
	merkle::root(&record.layer_roots.iter().map(|root| root.0).collect::<Vec<_>>())
}

/// Whether the record agrees with itself and stays within what the chain can check.
pub(crate) fn check<T: Config>(record: &CheckpointRecord) -> Result<(), Error<T>> {
	ensure!((1..=MAX_WIDTH).contains(&record.width), Error::BadWidth);
	ensure!((1..MAX_LAYERS).contains(&record.layers), Error::BadLayers);
	ensure!((1..=MAX_CONTEXT).contains(&record.context), Error::BadContext);
	ensure!((1..=MAX_VOCABULARY).contains(&record.vocabulary), Error::BadVocabulary);
	ensure!((1..=MAX_UNITS_PER_TOKEN).contains(&record.units_per_token), Error::BadUnits);
	let roots = record.layer_roots.len();
	ensure!(roots == (record.layers as usize).saturating_add(1), Error::WrongRootCount);
	let trace = facts(record, true).trace_leaves(record.context.into());
	ensure!(trace.is_some(), Error::TraceTooLong);
	ensure!(weights_root(record) == record.weights.0, Error::WrongWeights);
	Ok(())
}
