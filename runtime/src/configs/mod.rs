//! The pallets' configuration, by concern.

mod collation;
mod monetary;
mod noesis;
mod receipts;
mod system;
mod utility;
pub mod xcm;
mod xcm_weights;

pub use monetary::WeightToFee;
pub use noesis::{LongestDispute, PanelFundAccount, PotAccount};
pub use receipts::{NftReceipts, ReceiptsAccount, RECEIPTS};
pub use system::{ConsensusHook, RuntimeBlockWeights, MAXIMUM_BLOCK_WEIGHT, RELAY_PARENT_OFFSET};
pub use utility::ProxyType;
