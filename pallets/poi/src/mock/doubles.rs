//! Checkpoints, operators, panels and randomness that do as a test says.

use super::*;

/// A panel that does as it is told.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Told {
	pub claim: Claim,
	pub excluded: [AccountId; 2],
	pub verification: Verification,
	pub opened: BlockNumber,
	pub spoke: BlockNumber,
	pub outcome: PanelOutcome,
	pub verdicts: Vec<(AccountId, bool)>,
}

parameter_types! {
	pub storage Known: BTreeMap<CheckpointId, CheckpointFacts> = BTreeMap::from([(CHECKPOINT, FACTS)]);
	pub storage Faults: BTreeMap<AccountId, OperatorFault> = BTreeMap::new();
	pub storage Stake: Balance = STAKE;
	pub storage SealKeys: BTreeMap<AccountId, [u8; 32]> = BTreeMap::new();
	/// Validators of every checkpoint.
	pub storage Validators: u32 = noesis_primitives::MAX_PANEL;
	pub storage Exposed: BTreeMap<AccountId, Balance> = BTreeMap::new();
	pub storage Conducts: Vec<(AccountId, Conduct)> = vec![];
	pub storage Slashes: Vec<(AccountId, Fault, Option<AccountId>)> = vec![];
	pub storage Ratings: Vec<(AccountId, u8)> = vec![];
	pub storage Measured: Vec<(AccountId, u64, BlockNumber)> = vec![];
	pub storage Owners: BTreeMap<AccountId, AccountId> = BTreeMap::new();
	pub storage Issued: Vec<(AccountId, Receipt<AccountId>)> = vec![];
	pub storage Seeds: bool = true;
	/// Blocks, from the first up to without the second, that brought none, if it comes as the relay chain's does.
	pub storage Relay: Option<(BlockNumber, BlockNumber)> = None;
	pub storage Book: BTreeMap<Subject, Told> = BTreeMap::new();
	/// Chance of an audit of every panel, in parts per million.
	pub storage Audit: u32 = 1_000_000;
	pub storage BaseFee: Balance = 100;
	pub storage UnitPrice: Balance = 3;
	pub storage WorkerShare: Permill = Permill::from_percent(70);
	pub storage PanelShare: Permill = Permill::from_percent(20);
	pub storage OpenPeriod: u32 = 50;
	pub storage MaxDeadline: u32 = 30;
	pub storage KeepPeriod: u32 = 40;
	pub storage RankBlocks: u32 = 0;
	pub storage ChallengeWindow: u32 = 0;
	pub storage StandardPanel: u32 = 3;
	pub storage SeatSurcharge: Permill = Permill::from_percent(5);
	pub storage PrioritySurcharge: Permill = Permill::from_percent(25);
	pub storage PremiumSurcharge: Permill = Permill::from_percent(50);
	pub storage PriorityPromise: u32 = 4;
	pub storage PremiumPromise: u32 = 2;
	pub storage AuditedEntries: u32 = 2;
	pub storage ShowPeriod: u32 = 6;
	pub storage ShowDeposit: Balance = 20;
	pub storage ContestPeriod: u32 = 5;
	pub storage MaxLifetime: u32 = 200;
	pub const Pot: AccountId = POT;
	pub const PanelFund: AccountId = FUND;
}

pub const FACTS: CheckpointFacts = CheckpointFacts {
	active: true,
	profile: Profile::Exact,
	width: 130,
	layers: 2,
	context: 8192,
	units_per_token: 2,
};

pub struct Checkpoints;

impl CheckpointRegistry for Checkpoints {
	fn facts(id: CheckpointId) -> Option<CheckpointFacts> {
		Known::get().get(&id).copied()
	}

	fn group_root(_: CheckpointId, _: u32) -> Option<Root> {
		None
	}

	fn architecture(_: CheckpointId) -> Option<ContentHash> {
		None
	}

	fn tokenizer(_: CheckpointId) -> Option<ContentHash> {
		None
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(facts: CheckpointFacts) -> CheckpointId {
		change(Known::get, Known::set, |known| known.extend([(CHECKPOINT, facts)]));
		CHECKPOINT
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_model_for_benchmark(
		_: &noesis_primitives::Architecture,
		_: ContentHash,
		_: Vec<Root>,
	) -> CheckpointId {
		CHECKPOINT
	}
}

/// Randomness of the block before, unless a test takes it away; or as `pallet-beacon` gives it on a chain with a relay
/// block for each of its own: of the first block that is five later or more, of 32, and kept for 512 blocks.
pub struct Randomness;

impl BlockRandomness for Randomness {
	fn after(block: BlockNumber) -> Option<[u8; 32]> {
		let now = System::block_number();
		let known = match Relay::get() {
			None => block < now,
			Some((from, to)) => {
				let brings = |at: BlockNumber| !(from..to).contains(&at);
				now < block + 512 && (block + 5..=now.min(block + 32)).any(brings)
			},
		};
		(Seeds::get() && known).then(|| block.using_encoded(sp_io::hashing::blake2_256))
	}
}

/// Keeps the receipts.
pub struct Archive;

impl Receipts<AccountId> for Archive {
	fn issue(owner: &AccountId, receipt: &Receipt<AccountId>) {
		change(Issued::get, Issued::set, |issued| issued.push((*owner, receipt.clone())));
	}
}

pub struct Operators;

impl OperatorRegistry<AccountId> for Operators {
	fn ensure_worker(who: &AccountId, _: CheckpointId) -> Result<(), OperatorFault> {
		Faults::get().get(who).map_or(Ok(()), |fault| Err(*fault))
	}

	fn ensure_validator(_: &AccountId, _: CheckpointId, _: BlockNumber) -> Result<[u8; 32], OperatorFault> {
		Err(OperatorFault::WrongRole)
	}

	fn seal_key(who: &AccountId) -> Option<[u8; 32]> {
		SealKeys::get().get(who).copied()
	}

	fn validators(_: CheckpointId) -> u32 {
		Validators::get()
	}

	fn expose(who: &AccountId, price: Balance) -> Result<(), OperatorFault> {
		let exposed = Exposed::get().get(who).copied().unwrap_or_default() + price;
		if exposed > Stake::get() {
			return Err(OperatorFault::OverExposed { by: exposed - Stake::get() });
		}
		change(Exposed::get, Exposed::set, |book| *book.entry(*who).or_default() = exposed);
		Ok(())
	}

	fn relieve(who: &AccountId, price: Balance) {
		change(Exposed::get, Exposed::set, |book| *book.get_mut(who).unwrap() -= price);
	}

	fn note(who: &AccountId, conduct: Conduct) {
		change(Conducts::get, Conducts::set, |noted| noted.push((*who, conduct)));
	}

	fn slash(who: &AccountId, fault: Fault, reward: Option<&AccountId>) -> Slashed {
		change(Slashes::get, Slashes::set, |slashes| slashes.push((*who, fault, reward.copied())));
		Slashed::default()
	}

	fn reputation(_: &AccountId) -> Reputation {
		Reputation::default()
	}

	fn same_operator(a: &AccountId, b: &AccountId) -> bool {
		let owner = |who: &AccountId| Owners::get().get(who).copied().unwrap_or(*who);
		owner(a) == owner(b)
	}

	fn rate(who: &AccountId, stars: u8) {
		change(Ratings::get, Ratings::set, |ratings| ratings.push((*who, stars)));
	}

	fn measured(who: &AccountId, tokens: u64, blocks: BlockNumber) {
		change(Measured::get, Measured::set, |measured| measured.push((*who, tokens, blocks)));
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(who: &AccountId, _: noesis_primitives::Role, _: CheckpointId, _: [u8; 32]) {
		Stake::set(&Balance::MAX);
		change(SealKeys::get, SealKeys::set, |keys| drop(keys.insert(*who, [1; 32])));
	}
}

pub struct ToldPanels;

impl Panels<AccountId> for ToldPanels {
	fn open(
		subject: Subject,
		claim: Claim,
		_: CheckpointId,
		worker: AccountId,
		requester: AccountId,
		verification: Verification,
	) -> Result<(), PanelExists> {
		if Book::get().contains_key(&subject) {
			return Err(PanelExists);
		}
		let opened = System::block_number();
		let (outcome, verdicts, excluded) = (PanelOutcome::Pending, vec![], [worker, requester]);
		let told = Told { claim, excluded, verification, opened, spoke: opened, outcome, verdicts };
		change(Book::get, Book::set, |book| book.extend([(subject, told)]));
		Ok(())
	}

	fn outcome(subject: Subject) -> PanelOutcome {
		Book::get().get(&subject).map_or(PanelOutcome::Pending, |told| told.outcome)
	}

	fn due(subject: Subject) -> Option<BlockNumber> {
		let told = Book::get().get(&subject)?.clone();
		let now = System::block_number();
		let ended = now.saturating_sub(told.opened + 1) / PANEL_WINDOW;
		let end = told.opened + 1 + (ended + 1) * PANEL_WINDOW;
		Some(if told.outcome == PanelOutcome::Pending { end } else { now })
	}

	fn last_spoke(subject: Subject) -> Option<BlockNumber> {
		Book::get().get(&subject).map(|told| told.spoke)
	}

	fn claim_of(_: Subject, _: &AccountId) -> Option<ClaimHash> {
		None
	}

	fn strike(subject: Subject, validator: &AccountId) {
		change(Book::get, Book::set, |book| {
			let told = book.get_mut(&subject).expect("the subject is answered");
			told.verdicts.retain(|(who, _)| who != validator);
		});
	}

	fn dissolve(subject: Subject) -> Verdicts<AccountId> {
		let verdicts = Book::get().get(&subject).map(|told| told.verdicts.clone()).unwrap_or_default();
		change(Book::get, Book::set, |book| drop(book.remove(&subject)));
		verdicts.try_into().unwrap()
	}

	fn close(subject: Subject) -> Option<PanelClose<AccountId>> {
		let Told { outcome, verdicts, .. } = Book::get().get(&subject)?.clone();
		if outcome == PanelOutcome::Pending {
			return None;
		}
		change(Book::get, Book::set, |book| drop(book.remove(&subject)));
		Some(PanelClose { outcome, audit: Audit::get(), verdicts: verdicts.try_into().unwrap() })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark(subject: Subject, agree: bool) {
		use frame_benchmarking::account;
		let verdicts = (0..noesis_primitives::MAX_PANEL).map(|i| (account("validator", i, 0), agree));
		let outcome = if agree { PanelOutcome::Confirmed } else { PanelOutcome::Rejected };
		tell(subject, outcome, verdicts.collect());
	}
}
