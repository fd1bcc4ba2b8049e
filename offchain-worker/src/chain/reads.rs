//! Reads: the runtime API `NoesisApi` and balances, each at a block.

use super::{BlockHash, BlockRef, Chain, ChainError};
use crate::{store::locator_text, AccountId};
use codec::{Decode, DecodeAll, Encode};
use noesis_primitives::{
	Balance, BatchSpec, BlockNumber, BundleId, BundleView, CanaryView, ChannelId, ChannelState, ChannelView,
	CheckpointId, CheckpointView, DisputeId, DisputeView, DisputedSubject, JobId, JobSpec, JobState, JobView,
	OperatorView, OutputSeal, PanelView, PanelWindows, Quote, QuoteError, Subject, TimelineEntry, MAX_LISTED,
};
use sp_crypto_hashing::{blake2_128, twox_128, twox_64};

/// Most checkpoints in one answer.
const PAGE: u32 = 64;

/// What an account has, in planck.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct AccountBalance {
	/// What it may spend.
	pub free: Balance,
	/// What is held from it.
	pub held: Balance,
}

impl AccountBalance {
	/// All it has.
	pub fn total(&self) -> Balance {
		self.free.saturating_add(self.held)
	}
}

impl Chain {
	async fn api<R: Decode>(&self, at: BlockHash, method: &str, args: impl Encode) -> Result<R, ChainError> {
		let name = format!("NoesisApi_{method}");
		let bytes = self.rpc().state_call(&name, Some(&args.encode()), Some(at)).await.map_err(|error| {
			let reason = error.to_string();
			if reason.contains("is not found") {
				ChainError::Unknown(format!("runtime API {name}"))
			} else {
				ChainError::rpc(&name, reason)
			}
		})?;
		R::decode_all(&mut bytes.as_slice()).map_err(|error| ChainError::shape(name, error))
	}

	/// A job as it stands.
	pub async fn job(&self, at: BlockHash, job: JobId) -> Result<Option<JobView<AccountId>>, ChainError> {
		self.api(at, "job", job).await
	}

	/// Every move that a job made.
	pub async fn timeline(
		&self,
		at: BlockHash,
		job: JobId,
	) -> Result<Vec<TimelineEntry<AccountId>>, ChainError> {
		self.api(at, "timeline", job).await
	}

	/// The number that the next job will have.
	pub async fn next_job(&self, at: BlockHash) -> Result<JobId, ChainError> {
		self.api(at, "next_job", ()).await
	}

	/// Where jobs stand, in the order of the numbers; none where one was never submitted or is pruned.
	pub async fn job_states(
		&self,
		at: BlockHash,
		ids: &[JobId],
	) -> Result<Vec<Option<JobState<AccountId>>>, ChainError> {
		self.states(at, "job_states", ids).await
	}

	/// Where channels stand, in the order of the numbers; none where there was never one or it is pruned.
	pub async fn channel_states(
		&self,
		at: BlockHash,
		ids: &[ChannelId],
	) -> Result<Vec<Option<ChannelState>>, ChainError> {
		self.states(at, "channel_states", ids).await
	}

	/// What a runtime API that takes a list of at most [`MAX_LISTED`] says of each of `ids`.
	async fn states<I: Encode, S: Decode>(
		&self,
		at: BlockHash,
		method: &str,
		ids: &[I],
	) -> Result<Vec<Option<S>>, ChainError> {
		let mut all = Vec::with_capacity(ids.len());
		for page in ids.chunks(MAX_LISTED as usize) {
			let states: Vec<Option<S>> = self.api(at, method, page).await?;
			if states.len() != page.len() {
				return Err(ChainError::shape(method, format!("{} states of {}", states.len(), page.len())));
			}
			all.extend(states);
		}
		Ok(all)
	}

	/// At most `limit` jobs that `worker` may claim, the directed ones first.
	pub async fn open_jobs(
		&self,
		at: BlockHash,
		worker: AccountId,
		limit: u32,
	) -> Result<Vec<JobId>, ChainError> {
		self.api(at, "open_jobs", (worker, limit)).await
	}

	/// Open jobs that name `worker`.
	pub async fn directed_jobs(&self, at: BlockHash, worker: AccountId) -> Result<Vec<JobId>, ChainError> {
		self.api(at, "directed_jobs", worker).await
	}

	/// Jobs that `worker` has claimed and that are not over.
	pub async fn active_jobs(&self, at: BlockHash, worker: AccountId) -> Result<Vec<JobId>, ChainError> {
		self.api(at, "active_jobs", worker).await
	}

	/// First block at which `worker` may claim `job`.
	pub async fn claimable_at(
		&self,
		at: BlockHash,
		job: JobId,
		worker: AccountId,
	) -> Result<Option<BlockNumber>, ChainError> {
		self.api(at, "claimable_at", (job, worker)).await
	}

	/// A checkpoint.
	pub async fn checkpoint(
		&self,
		at: BlockHash,
		id: CheckpointId,
	) -> Result<Option<CheckpointView<AccountId>>, ChainError> {
		self.api(at, "checkpoint", id).await
	}

	/// All checkpoints, oldest first.
	pub async fn checkpoints(&self, at: BlockHash) -> Result<Vec<CheckpointView<AccountId>>, ChainError> {
		let mut all: Vec<CheckpointView<AccountId>> = Vec::new();
		loop {
			let from = CheckpointId(all.last().map_or(0, |last| last.id.0.saturating_add(1)));
			let page: Vec<CheckpointView<AccountId>> = self.api(at, "checkpoints", (from, PAGE)).await?;
			if page.is_empty() {
				return Ok(all);
			}
			all.extend(page);
		}
	}

	/// Number of active validators that offer a checkpoint.
	pub async fn validators(&self, at: BlockHash, id: CheckpointId) -> Result<u32, ChainError> {
		let (id, what) = (id.encode(), "the number of a checkpoint's validators");
		let key = [&twox_128(b"Operators")[..], &twox_128(b"ValidatorsFor"), &blake2_128(&id), &id].concat();
		let bytes = self.rpc().state_get_storage(&key, Some(at)).await;
		let Some(bytes) = bytes.map_err(|error| ChainError::rpc(what, error))? else { return Ok(0) };
		u32::decode_all(&mut bytes.as_slice()).map_err(|error| ChainError::shape(what, error))
	}

	/// What a job may cost.
	pub async fn quote(
		&self,
		at: BlockHash,
		spec: &JobSpec<AccountId>,
	) -> Result<Result<Quote, QuoteError>, ChainError> {
		self.api(at, "quote", (spec,)).await
	}

	/// What a batch may cost.
	pub async fn quote_batch(
		&self,
		at: BlockHash,
		spec: &BatchSpec<AccountId>,
	) -> Result<Result<Quote, QuoteError>, ChainError> {
		self.api(at, "quote_batch", (spec,)).await
	}

	/// An operator.
	pub async fn operator(&self, at: BlockHash, who: AccountId) -> Result<Option<OperatorView>, ChainError> {
		self.api(at, "operator", who).await
	}

	/// Where an operator's store is now, if it has one.
	pub async fn endpoint(&self, who: AccountId) -> Result<Option<String>, ChainError> {
		let operator = self.operator(self.best().hash, who).await?;
		let endpoint = operator.map(|view| locator_text(&view.record.capability.endpoint));
		Ok(endpoint.filter(|endpoint| !endpoint.is_empty()))
	}

	/// The panel over a subject, while it is open.
	pub async fn panel(
		&self,
		at: BlockHash,
		subject: Subject,
	) -> Result<Option<PanelView<AccountId>>, ChainError> {
		self.api(at, "panel", subject).await
	}

	/// At most `limit` active workers that offer a checkpoint and take sealed jobs.
	pub async fn sealed_workers(
		&self,
		at: BlockHash,
		checkpoint: CheckpointId,
		limit: u32,
	) -> Result<Vec<AccountId>, ChainError> {
		self.api(at, "sealed_workers", (checkpoint, limit)).await
	}

	/// At most `limit` open panels.
	pub async fn open_panels(
		&self,
		at: BlockHash,
		limit: u32,
	) -> Result<Vec<PanelView<AccountId>>, ChainError> {
		self.api(at, "open_panels", limit).await
	}

	/// All panels on which `validator` may speak if it is drawn.
	pub async fn panels_for(
		&self,
		at: BlockHash,
		validator: &AccountId,
	) -> Result<Vec<PanelView<AccountId>>, ChainError> {
		let mut all: Vec<PanelView<AccountId>> = Vec::new();
		loop {
			let after = all.last().map(|panel| panel.subject);
			let page: Vec<PanelView<AccountId>> =
				self.api(at, "panels_for", (validator, after, MAX_LISTED)).await?;
			let is_last = page.len() < MAX_LISTED as usize;
			all.extend(page);
			if is_last {
				return Ok(all);
			}
		}
	}

	/// At most `limit` open disputes that an account plays in, the most urgent of its own moves first.
	pub async fn disputes_of(
		&self,
		at: BlockHash,
		who: AccountId,
		limit: u32,
	) -> Result<Vec<DisputeView<AccountId>>, ChainError> {
		self.api(at, "disputes_of", (who, limit)).await
	}

	/// An open dispute.
	pub async fn dispute(
		&self,
		at: BlockHash,
		id: DisputeId,
	) -> Result<Option<DisputeView<AccountId>>, ChainError> {
		self.api(at, "dispute", id).await
	}

	/// The open disputes over a subject.
	pub async fn disputes_over(&self, at: BlockHash, subject: Subject) -> Result<Vec<DisputeId>, ChainError> {
		let (subject, what) = (subject.encode(), "the disputes over a subject");
		let key = [&twox_128(b"Dispute")[..], &twox_128(b"Dockets"), &twox_64(&subject), &subject].concat();
		let bytes = self.rpc().state_get_storage(&key, Some(at)).await;
		let Some(bytes) = bytes.map_err(|error| ChainError::rpc(what, error))? else { return Ok(Vec::new()) };
		// The docket begins with them.
		Vec::decode(&mut bytes.as_slice()).map_err(|error| ChainError::shape(what, error))
	}

	/// The output that was shown in an open dispute and is to be compared; of a sealed job, without its seal.
	pub async fn shown_output(&self, at: BlockHash, id: DisputeId) -> Result<Option<Vec<u8>>, ChainError> {
		let (id, what) = (id.encode(), "an output that was shown");
		let key = [&twox_128(b"Dispute")[..], &twox_128(b"ShownOutputs"), &twox_64(&id), &id].concat();
		let bytes = self.rpc().state_get_storage(&key, Some(at)).await;
		let Some(bytes) = bytes.map_err(|error| ChainError::rpc(what, error))? else { return Ok(None) };
		let shown = <(Vec<u8>, Option<OutputSeal>)>::decode_all(&mut bytes.as_slice());
		shown.map(|(bytes, _)| Some(bytes)).map_err(|error| ChainError::shape(what, error))
	}

	/// What is disputed, or can be: a subject with a claim.
	pub async fn disputed(
		&self,
		at: BlockHash,
		subject: Subject,
	) -> Result<Option<DisputedSubject<AccountId>>, ChainError> {
		self.api(at, "disputed", subject).await
	}

	/// A channel as it stands.
	pub async fn channel(
		&self,
		at: BlockHash,
		id: ChannelId,
	) -> Result<Option<ChannelView<AccountId>>, ChainError> {
		self.api(at, "channel", id).await
	}

	/// The results of a batch or channel as they stand, once they are committed.
	pub async fn bundle(&self, at: BlockHash, id: BundleId) -> Result<Option<BundleView>, ChainError> {
		self.api(at, "bundle", id).await
	}

	/// A canary that is not revealed yet.
	pub async fn canary(
		&self,
		at: BlockHash,
		proposer: AccountId,
		commitment: [u8; 32],
	) -> Result<Option<CanaryView>, ChainError> {
		self.api(at, "canary", (proposer, commitment)).await
	}

	/// When the panel over a subject is open; `None` when there is none.
	pub async fn windows(&self, at: BlockHash, subject: Subject) -> Result<Option<PanelWindows>, ChainError> {
		self.api(at, "windows", subject).await
	}

	/// The number that the next channel will have.
	pub async fn next_channel(&self, at: BlockHash) -> Result<ChannelId, ChainError> {
		let key = [twox_128(b"Poi"), twox_128(b"NextChannel")].concat();
		let bytes = self
			.rpc()
			.state_get_storage(&key, Some(at))
			.await
			.map_err(|error| ChainError::rpc("the number of channels", error))?;
		bytes.map_or(Ok(ChannelId(0)), |bytes| {
			ChannelId::decode_all(&mut bytes.as_slice())
				.map_err(|error| ChainError::shape("the number of channels", error))
		})
	}

	/// What the extrinsics and hooks of a block weighed: picoseconds, and bytes of its proof.
	pub async fn block_weight(&self, at: BlockHash) -> Result<(u64, u64), ChainError> {
		let bytes = self.stored(at, "System", "BlockWeight").await?;
		// Normal, operational and mandatory extrinsics, each two compact numbers.
		type Weight = (codec::Compact<u64>, codec::Compact<u64>);
		let classes = <[Weight; 3]>::decode_all(&mut bytes.as_slice())
			.map_err(|error| ChainError::shape("a block's weight", error))?;
		let sum = |part: fn(&Weight) -> u64| classes.iter().map(part).fold(0u64, u64::saturating_add);
		Ok((sum(|weight| weight.0 .0), sum(|weight| weight.1 .0)))
	}

	/// All planck that there are.
	pub async fn total_issuance(&self, at: BlockHash) -> Result<Balance, ChainError> {
		let bytes = self.stored(at, "Balances", "TotalIssuance").await?;
		Balance::decode_all(&mut bytes.as_slice()).map_err(|error| ChainError::shape("the issuance", error))
	}

	/// The bytes of a value that stands by itself.
	async fn stored(&self, at: BlockHash, pallet: &str, item: &str) -> Result<Vec<u8>, ChainError> {
		let key = [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat();
		let what = format!("{pallet}.{item}");
		let bytes = self.rpc().state_get_storage(&key, Some(at)).await;
		bytes
			.map_err(|error| ChainError::rpc(&what, error))?
			.ok_or_else(|| ChainError::shape(&what, "nothing is stored there"))
	}

	/// What an account has; nothing when there is no such account.
	pub async fn balance(&self, at: BlockHash, who: AccountId) -> Result<AccountBalance, ChainError> {
		let encoded = who.encode();
		let key = [&twox_128(b"System")[..], &twox_128(b"Account"), &blake2_128(&encoded), &encoded].concat();
		let bytes = self
			.rpc()
			.state_get_storage(&key, Some(at))
			.await
			.map_err(|error| ChainError::rpc("a balance", error))?;
		let Some(bytes) = bytes else { return Ok(AccountBalance::default()) };
		// nonce, consumers, providers, sufficients; free, reserved, frozen, flags
		type Account = ((u32, u32, u32, u32), (u128, u128, u128, u128));
		let (_, (free, held, ..)) = Account::decode_all(&mut bytes.as_slice())
			.map_err(|error| ChainError::shape("an account", error))?;
		Ok(AccountBalance { free, held })
	}

	/// The block of that number on the best chain.
	pub async fn block_at(&self, number: BlockNumber) -> Result<BlockRef, ChainError> {
		let hash = self
			.rpc()
			.chain_get_block_hash(Some(number.into()))
			.await
			.map_err(|error| ChainError::rpc("a block's hash", error))?
			.ok_or_else(|| ChainError::NoBlock(number.to_string()))?;
		Ok(BlockRef { number, hash })
	}

	/// The extrinsics of a block.
	pub async fn extrinsics(&self, at: BlockHash) -> Result<Vec<Vec<u8>>, ChainError> {
		let block = self
			.rpc()
			.chain_get_block(Some(at))
			.await
			.map_err(|error| ChainError::rpc("a block", error))?
			.ok_or_else(|| ChainError::NoBlock(format!("{at:?}")))?;
		Ok(block.block.extrinsics.into_iter().map(|bytes| bytes.0).collect())
	}

	/// The name of the chain and its token's symbol and decimals.
	pub async fn properties(&self) -> Result<(String, String, u32), ChainError> {
		let name =
			self.rpc().system_chain().await.map_err(|error| ChainError::rpc("the chain's name", error))?;
		let properties = self
			.rpc()
			.system_properties()
			.await
			.map_err(|error| ChainError::rpc("the chain's properties", error))?;
		let symbol = properties.get("tokenSymbol").and_then(|v| v.as_str()).unwrap_or("DOT").to_owned();
		let decimals = properties.get("tokenDecimals").and_then(|v| v.as_u64()).unwrap_or(10);
		Ok((name, symbol, u32::try_from(decimals).unwrap_or(10)))
	}
}
