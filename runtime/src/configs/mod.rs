//! The pallets' configuration, by concern.

mod collation;
mod monetary;
mod noesis;
mod system;
mod utility;
pub mod xcm;

pub use monetary::WeightToFee;
pub use noesis::{ChainRandomness, PotAccount};
pub use system::{ConsensusHook, RuntimeBlockWeights, MAXIMUM_BLOCK_WEIGHT, RELAY_PARENT_OFFSET};
pub use utility::ProxyType;
