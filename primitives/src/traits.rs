//! How pallets meet.

use crate::{
	Balance, BlockNumber, CheckpointFacts, CheckpointId, Claim, ClaimHash, Conduct, ContentHash,
	DisputedSubject, Fault, NotDisputable, OperatorFault, PanelClose, PanelOutcome, Receipt, Reputation,
	Root, Slashed, Subject, Verdicts, Verification, Vouchers,
};

/// What checkpoints are there. Implemented by `pallet-checkpoints`.
pub trait CheckpointRegistry {
	/// What is known of a checkpoint.
	fn facts(id: CheckpointId) -> Option<CheckpointFacts>;

	/// Root of a group of tensors: 0 is the embedding, `n` is layer `n - 1`.
	fn group_root(id: CheckpointId, group: u32) -> Option<Root>;

	/// Hash of a checkpoint's architecture ([`crate::Architecture::hash`]).
	fn architecture(id: CheckpointId) -> Option<ContentHash>;

	/// Hash of the head of a checkpoint's tokenizer.
	fn tokenizer(id: CheckpointId) -> Option<ContentHash>;

	/// Registers an active checkpoint for a benchmark or a test and returns its id.
	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(facts: CheckpointFacts) -> CheckpointId;

	/// The same with this architecture, this tokenizer and these roots of its groups of tensors.
	#[cfg(feature = "runtime-benchmarks")]
	fn register_model_for_benchmark(
		architecture: &crate::Architecture,
		tokenizer: ContentHash,
		groups: alloc::vec::Vec<Root>,
	) -> CheckpointId;
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

	/// The key that prompts for the worker `who` are sealed for; `None` when it is no worker or takes no sealed jobs.
	fn seal_key(who: &AccountId) -> Option<[u8; 32]>;

	/// Number of active validators that offer this checkpoint.
	fn validators(checkpoint: CheckpointId) -> u32;

	/// Counts the price of a job against what the worker can lose.
	fn expose(who: &AccountId, price: Balance) -> Result<(), OperatorFault>;

	/// Takes that back.
	fn relieve(who: &AccountId, price: Balance);

	/// Notes how an operator behaved: its reputation follows, and enough marks shut it out. Never takes stake.
	fn note(who: &AccountId, conduct: Conduct);

	/// Takes the share of the stake that `fault` costs, whatever the operator's status. The governed share of it
	/// goes to `reward`, the rest to the pot. Only for faults that the chain has seen for itself.
	fn slash(who: &AccountId, fault: Fault, reward: Option<&AccountId>) -> Slashed;

	/// What an account has earned by its conduct; kept for ever, 0 for one that never took part.
	fn reputation(who: &AccountId) -> Reputation;

	/// Whether both accounts say that they belong to the same operator, or are the same.
	fn same_operator(a: &AccountId, b: &AccountId) -> bool;

	/// Takes a rating of 1 to 5 stars, given once for each job by the requester that paid for it. A number outside is
	/// taken to the nearest of them.
	fn rate(who: &AccountId, stars: u8);

	/// Takes a measurement: an answer of so many tokens came so many blocks after its claim. A sign of life.
	fn measured(who: &AccountId, tokens: u64, blocks: BlockNumber);

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
	/// Opens a panel over `claim` of a worker; it and the requester may not speak, nor who belongs to the same
	/// operator. Fails when the subject has a panel.
	fn open(
		subject: Subject,
		claim: Claim,
		checkpoint: CheckpointId,
		worker: AccountId,
		requester: AccountId,
		verification: Verification,
	) -> Result<(), PanelExists>;

	/// How the panel stands at this block.
	fn outcome(subject: Subject) -> PanelOutcome;

	/// First block at which the panel may be over, if nobody else speaks.
	fn due(subject: Subject) -> Option<BlockNumber>;

	/// Block of the last verdict, or of the answer while there is none; `None` when there is no panel.
	fn last_spoke(subject: Subject) -> Option<BlockNumber>;

	/// Hash of what `validator` found, while the panel is not closed.
	fn claim_of(subject: Subject, validator: &AccountId) -> Option<ClaimHash>;

	/// Takes a verdict out that was found to be wrong.
	fn strike(subject: Subject, validator: &AccountId);

	/// Ends a panel that is over and forgets it; `None` when it is pending or unknown.
	fn close(subject: Subject) -> Option<PanelClose<AccountId>>;

	/// Ends a panel as it stands, over or not, because the chain has found the truth by itself. Returns who spoke,
	/// and whether they found the worker's claim.
	fn dissolve(subject: Subject) -> Verdicts<AccountId>;

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

/// Subjects whose claims can be disputed. Implemented by `pallet-poi`.
pub trait Disputable<AccountId> {
	/// What a dispute needs to know; `None` for a subject that does not exist or has no claim.
	fn disputed(subject: Subject) -> Option<DisputedSubject<AccountId>>;

	/// Suspends a subject: nothing is paid, refunded or forgotten until [`Self::uphold`] or [`Self::overturn`].
	/// Called for the first of the disputes that are open at a time.
	fn suspend(subject: Subject) -> Result<(), NotDisputable>;

	/// The last open dispute ended and the worker's claim stands: the subject goes on, with a fresh window in which
	/// it can be disputed.
	fn uphold(subject: Subject);

	/// The worker's claim is wrong: the subject ends, the requester is refunded, the panel is dissolved. Returns who
	/// spoke, and whether they found the worker's claim.
	fn overturn(subject: Subject) -> Verdicts<AccountId>;

	/// Who vouched for a subject that ended together with another that was overturned: they answer for it as if it had
	/// been overturned itself.
	fn vouchers(_subject: Subject) -> Option<Vouchers<AccountId>> {
		None
	}

	/// An answered subject with this claim, input and output, for a benchmark; the worker and the validators that
	/// spoke for it have ample stake.
	#[cfg(feature = "runtime-benchmarks")]
	fn answered_for_benchmark(subject: DisputedSubject<AccountId>, spoke: u32) -> Subject;
}

/// Makes receipts of final answers. Implemented by the runtime.
pub trait Receipts<AccountId> {
	/// Gives `receipt` to `owner`. A receipt that can't be made is no reason not to settle.
	fn issue(owner: &AccountId, receipt: &Receipt<AccountId>);
}

impl<AccountId> Receipts<AccountId> for () {
	fn issue(_: &AccountId, _: &Receipt<AccountId>) {}
}

/// Hears of panels that are decided before their time. Implemented by the pallets that open panels.
pub trait SubjectHandler {
	/// The panel over `subject` has spoken in full, or its answer turned out to be a canary. May come more than once.
	fn on_decided(subject: Subject);
}

impl SubjectHandler for () {
	fn on_decided(_: Subject) {}
}
