//! How pallets meet.

use crate::{
	Balance, BlockNumber, CheckpointFacts, CheckpointId, Claim, OperatorFault, PanelClose, PanelOutcome,
	Subject,
};

/// What checkpoints are there. Implemented by `pallet-checkpoints`.
pub trait CheckpointRegistry {
	/// What is known of a checkpoint.
	fn facts(id: CheckpointId) -> Option<CheckpointFacts>;

	/// Registers an active checkpoint for a benchmark or a test and returns its id.
	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(facts: CheckpointFacts) -> CheckpointId;
}

/// Who may work and validate. Implemented by `pallet-operators`.
pub trait OperatorRegistry<AccountId> {
	/// Whether `who` may run jobs of this checkpoint now.
	fn ensure_worker(who: &AccountId, checkpoint: CheckpointId) -> Result<(), OperatorFault>;

	/// Whether `who` may validate on this checkpoint now and was registered as it is before block `before`;
	/// its draw key.
	fn ensure_validator(
		who: &AccountId,
		checkpoint: CheckpointId,
		before: BlockNumber,
	) -> Result<[u8; 32], OperatorFault>;

	/// Number of active validators that offer this checkpoint.
	fn validators(checkpoint: CheckpointId) -> u32;

	/// Counts the price of a job against the worker's stake.
	fn expose(who: &AccountId, price: Balance) -> Result<(), OperatorFault>;

	/// Takes that back.
	fn relieve(who: &AccountId, price: Balance);

	/// Marks a worker that missed a deadline or whose answer was rejected; enough marks shut it out.
	fn mark(who: &AccountId);

	/// Registers a worker or validator with ample stake for a benchmark.
	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(
		who: &AccountId,
		role: crate::Role,
		checkpoint: CheckpointId,
		draw_key: [u8; 32],
	);
}

/// Panels over subjects. Implemented by `pallet-poc`.
pub trait Panels<AccountId> {
	/// Opens a panel over `claim`; `excluded` may not speak. Fails when the subject has one.
	fn open(
		subject: Subject,
		claim: Claim,
		checkpoint: CheckpointId,
		excluded: [AccountId; 2],
	) -> Result<(), PanelExists>;

	/// How the panel stands at this block.
	fn outcome(subject: Subject) -> PanelOutcome;

	/// First block at which the panel may be over, if nobody else speaks.
	fn due(subject: Subject) -> Option<BlockNumber>;

	/// Ends a panel that is over and forgets it; `None` when it is pending or unknown.
	fn close(subject: Subject) -> Option<PanelClose<AccountId>>;

	/// Fills a pending panel with verdicts up to its size, for a benchmark.
	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark(subject: Subject, agree: bool);
}

/// The subject has a panel already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PanelExists;

/// Randomness of the chain, for panels.
pub trait BlockRandomness {
	/// Bytes that nobody could know before block `block` was built; `None` until there are any, or when they
	/// have been forgotten.
	fn after(block: BlockNumber) -> Option<[u8; 32]>;
}

/// Hears of panels that are decided before their time. Implemented by the pallets that open panels.
pub trait SubjectHandler {
	/// The panel over `subject` has spoken in full.
	fn on_decided(subject: Subject);
}

impl SubjectHandler for () {
	fn on_decided(_: Subject) {}
}
