//! One task per key owns its nonce: it signs, sends, follows every extrinsic into a block and says how it
//! ended. It looks for extrinsics in the blocks themselves, so that a lost connection loses nothing.

use super::{BlockRef, Call, Chain, ChainError, SubmitError};
use crate::{
	cli::{dot, UNIT},
	keys::Keys,
};
use codec::Decode;
use noesis_primitives::{Balance, BlockNumber};
use sp_crypto_hashing::blake2_256;
use std::collections::VecDeque;
use subxt::{
	config::DefaultExtrinsicParamsBuilder, error::DispatchError, events::Phase, OnlineClientAtBlock,
};
use tokio::sync::{mpsc, oneshot};

/// Blocks that an extrinsic is valid for.
const MORTALITY: u32 = 64;
/// Blocks after which one that is in no block is sent again, in case the pool lost it.
const RESEND: u32 = 8;
/// Blocks that are looked into after a node has said that an extrinsic's nonce is used up, before it is believed that another
/// extrinsic took it.
const CERTAIN: u32 = 4;
/// Blocks below the best one that are looked at again, in case a fork replaced them.
const FORK_DEPTH: u32 = 4;
/// Calls that wait for the submitter before callers do.
const QUEUE: usize = 64;

/// How often an extrinsic is signed again for a pool that lags behind its node.
const PATIENCE: u32 = 20;
/// Time between two such attempts.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);

/// An event of an extrinsic.
#[derive(Clone, Debug)]
pub struct Event {
	/// The pallet.
	pub pallet: String,
	/// The event.
	pub name: String,
	/// SCALE bytes of its fields.
	pub fields: Vec<u8>,
}

impl Event {
	/// The event's first field, or first fields as a tuple.
	pub fn decode<T: Decode>(&self) -> Option<T> {
		T::decode(&mut self.fields.as_slice()).ok()
	}
}

/// An extrinsic that had its effect.
#[derive(Clone, Debug)]
pub struct Included {
	/// The block it is in.
	pub block: BlockRef,
	/// What it emitted.
	pub events: Vec<Event>,
	/// What its inclusion cost the signer.
	pub fee: Balance,
}

impl Included {
	/// The first event of that name.
	pub fn event(&self, pallet: &str, name: &str) -> Option<&Event> {
		self.events.iter().find(|event| event.pallet == pallet && event.name == name)
	}
}

type Outcome = Result<Included, SubmitError>;

struct Request {
	call: Call,
	reply: oneshot::Sender<Outcome>,
}

/// Hands calls to the task that owns the key's nonce. Clones share it.
#[derive(Clone)]
pub struct Submitter {
	requests: mpsc::Sender<Request>,
}

impl Submitter {
	/// Starts the task. It ends when the last clone is dropped and nothing is under way.
	pub fn start(chain: Chain, keys: Keys) -> Self {
		let (requests, queue) = mpsc::channel(QUEUE);
		tokio::spawn(Task { chain, keys, pending: VecDeque::new(), nonce: None, scanned: 0 }.run(queue));
		Self { requests }
	}

	/// Signs and sends `call`; returns when it is in a block, or can't be.
	pub async fn submit(&self, call: Call) -> Outcome {
		let (reply, outcome) = oneshot::channel();
		self.requests.send(Request { call, reply }).await.map_err(|_| SubmitError::Closed)?;
		outcome.await.map_err(|_| SubmitError::Closed)?
	}
}

struct Pending {
	call: String,
	bytes: Vec<u8>,
	hash: [u8; 32],
	born: BlockNumber,
	sent: BlockNumber,
	/// The best block known when the node said that its nonce is used up.
	outdated: Option<BlockNumber>,
	reply: oneshot::Sender<Outcome>,
}

struct Task {
	chain: Chain,
	keys: Keys,
	pending: VecDeque<Pending>,
	/// The next nonce, while extrinsics are under way; asked for otherwise.
	nonce: Option<u64>,
	/// Blocks up to this one were looked at.
	scanned: BlockNumber,
}

impl Task {
	async fn run(mut self, mut queue: mpsc::Receiver<Request>) {
		let mut heads = self.chain.heads();
		let mut open = true;
		while open || !self.pending.is_empty() {
			tokio::select! {
				request = queue.recv(), if open => match request {
					Some(request) => self.send(request).await,
					None => open = false,
				},
				changed = heads.changed() => {
					if changed.is_err() {
						return;
					}
					self.follow().await;
				},
			}
		}
	}

	async fn send(&mut self, Request { call, reply }: Request) {
		match self.sign_and_send(&call).await {
			Ok((bytes, born)) => {
				tracing::debug!(%call, "sent");
				let hash = blake2_256(&bytes);
				self.pending.push_back(Pending {
					call: call.to_string(),
					bytes,
					hash,
					born,
					sent: born,
					outdated: None,
					reply,
				});
			},
			Err(error) => {
				self.nonce = None;
				let _ = reply.send(Err(error));
			},
		}
	}

	async fn sign_and_send(&mut self, call: &Call) -> Result<(Vec<u8>, BlockNumber), SubmitError> {
		let mut attempts = 0;
		loop {
			let nonce = match self.nonce.filter(|_| !self.pending.is_empty()) {
				Some(nonce) => nonce,
				None => self
					.chain
					.rpc()
					.system_account_next_index(&self.keys.account())
					.await
					.map_err(|error| ChainError::rpc("the account's nonce", error))?,
			};
			let best = self.chain.best();
			let bytes = self.sign(call, nonce, best).await?;
			match self.chain.rpc().author_submit_extrinsic(&bytes).await {
				Ok(_) => {},
				Err(subxt::rpcs::Error::User(error)) if is_known(error.code) => {},
				// Another process signed with this key since the nonce was taken, or a busy node told an old one.
				Err(subxt::rpcs::Error::User(error)) if is_stale(&error) && attempts < PATIENCE => {
					if attempts > 0 {
						tokio::time::sleep(PAUSE).await;
					}
					attempts = attempts.saturating_add(1);
					self.nonce = None;
					continue;
				},
				// The pool of a busy node has not seen the block yet that the extrinsic was signed on.
				Err(subxt::rpcs::Error::User(error)) if is_too_new(&error) && attempts < PATIENCE => {
					attempts = attempts.saturating_add(1);
					tokio::time::sleep(PAUSE).await;
					continue;
				},
				Err(subxt::rpcs::Error::User(error)) => {
					return Err(SubmitError::Refused { call: call.to_string(), reason: reason(&error) });
				},
				// Nobody knows whether it arrived. The blocks will tell, and it is sent again if they don't.
				Err(error) => tracing::warn!(%call, %error, "connection lost while sending; following on"),
			}
			self.nonce = Some(nonce.saturating_add(1));
			if self.pending.is_empty() {
				self.scanned = best.number;
			}
			return Ok((bytes, best.number));
		}
	}

	async fn sign(&self, call: &Call, nonce: u64, best: BlockRef) -> Result<Vec<u8>, ChainError> {
		let at = at(&self.chain, best).await?;
		call.check(at.metadata_ref())?;
		let params = DefaultExtrinsicParamsBuilder::new()
			.nonce(nonce)
			.mortal_from_unchecked(MORTALITY.into(), best.number.into(), best.hash)
			.build();
		let tx = at.tx();
		let mut signable = tx
			.create_signable_offline(call, params)
			.map_err(|error| ChainError::shape(format!("the envelope of {call}"), error))?;
		let signed = signable
			.sign(&self.keys)
			.map_err(|error| ChainError::shape(format!("the signature of {call}"), error))?;
		Ok(signed.into_encoded())
	}

	/// Looks into the blocks since the last time, gives up what is no longer valid, sends again what may be
	/// lost.
	async fn follow(&mut self) {
		if self.pending.is_empty() {
			return;
		}
		let best = self.chain.best();
		let from = self.scanned.min(best.number).saturating_sub(FORK_DEPTH).saturating_add(1);
		for number in from..=best.number {
			if let Err(error) = self.look_into(number).await {
				tracing::warn!(number, %error, "a block could not be read; it is tried again");
				return;
			}
			self.scanned = number;
			if self.pending.is_empty() {
				return;
			}
		}
		while let Some(old) = self.pending.front().filter(|p| best.number > p.born.saturating_add(MORTALITY))
		{
			let call = old.call.clone();
			if let Some(old) = self.pending.pop_front() {
				let _ = old.reply.send(Err(SubmitError::Expired { call, blocks: MORTALITY }));
			}
			self.nonce = None;
		}
		for mut waiting in std::mem::take(&mut self.pending) {
			if waiting.outdated.is_some_and(|known| best.number >= known.saturating_add(CERTAIN)) {
				self.nonce = None;
				let reason = "another extrinsic of this key took its nonce".to_owned();
				let _ = waiting.reply.send(Err(SubmitError::Refused { call: waiting.call, reason }));
				continue;
			}
			if waiting.outdated.is_none() && best.number >= waiting.sent.saturating_add(RESEND) {
				waiting.sent = best.number;
				let sent = self.chain.rpc().author_submit_extrinsic(&waiting.bytes).await;
				// Its nonce is used up. It may be in a block that the node has and that was not looked into yet.
				if matches!(sent, Err(subxt::rpcs::Error::User(error)) if is_stale(&error)) {
					waiting.outdated = Some(best.number);
				}
			}
			self.pending.push_back(waiting);
		}
	}

	async fn look_into(&mut self, number: BlockNumber) -> Result<(), ChainError> {
		let block = self.chain.block_at(number).await?;
		let extrinsics = self.chain.extrinsics(block.hash).await?;
		let hashes: Vec<[u8; 32]> = extrinsics.iter().map(|bytes| blake2_256(bytes)).collect();
		if !self.pending.iter().any(|p| hashes.contains(&p.hash)) {
			return Ok(());
		}
		let results = results(&self.chain, block).await?;
		let mut rest = VecDeque::new();
		for pending in self.pending.drain(..) {
			let Some(index) = hashes.iter().position(|hash| *hash == pending.hash) else {
				rest.push_back(pending);
				continue;
			};
			let outcome = match results.get(index) {
				Some(result) => result.outcome(block, &pending.call),
				None => Err(ChainError::NoBlock(format!("events of extrinsic {index} in {number}")).into()),
			};
			let _ = pending.reply.send(outcome);
		}
		self.pending = rest;
		Ok(())
	}
}

/// The pool has these very bytes already.
fn is_known(code: i32) -> bool {
	code == 1013
}

fn reason(error: &subxt::rpcs::UserError) -> String {
	let data = error.data.as_ref().map(|data| data.get().trim_matches('"').to_owned());
	match data {
		Some(data) => format!("{}: {data}", error.message),
		None => error.message.clone(),
	}
}

/// Whether the pool does not know the block yet that an extrinsic was signed on.
fn is_too_new(error: &subxt::rpcs::UserError) -> bool {
	reason(error).contains("ancient birth block")
}

fn is_stale(error: &subxt::rpcs::UserError) -> bool {
	error.code == 1014 || reason(error).to_lowercase().contains("outdated") || reason(error).contains("Stale")
}

async fn at(chain: &Chain, block: BlockRef) -> Result<OnlineClientAtBlock<super::Config>, ChainError> {
	chain
		.client()
		.at_block_hash_and_number(block.hash, block.number.into())
		.await
		.map_err(|error| ChainError::rpc(format!("block {}", block.number), error))
}

/// What one extrinsic of a block did.
#[derive(Clone, Debug, Default)]
pub struct ExtrinsicResult {
	/// What it emitted.
	pub events: Vec<Event>,
	/// Who paid how much for its inclusion.
	pub fee: Option<(crate::AccountId, Balance)>,
	/// `Pallet::Error` and its explanation, if it failed.
	pub failure: Option<(String, String)>,
}

impl ExtrinsicResult {
	fn outcome(&self, block: BlockRef, call: &str) -> Outcome {
		match &self.failure {
			Some((error, explanation)) => Err(SubmitError::Failed {
				call: call.to_owned(),
				error: error.clone(),
				explanation: explanation.clone(),
			}),
			None => {
				let fee = self.fee.map_or(0, |(_, fee)| fee);
				Ok(Included { block, events: self.events.clone(), fee })
			},
		}
	}
}

/// What every extrinsic of a block did, in their order.
pub async fn results(chain: &Chain, block: BlockRef) -> Result<Vec<ExtrinsicResult>, ChainError> {
	let at = at(chain, block).await?;
	let what = || format!("the events of block {}", block.number);
	let events = at.events().fetch().await.map_err(|error| ChainError::rpc(what(), error))?;
	let mut results: Vec<ExtrinsicResult> = Vec::new();
	for event in events.iter() {
		let event = event.map_err(|error| ChainError::shape(what(), error))?;
		let Phase::ApplyExtrinsic(index) = event.phase() else { continue };
		let index = index as usize;
		if results.len() <= index {
			results.resize_with(index.saturating_add(1), Default::default);
		}
		let Some(result) = results.get_mut(index) else { continue };
		match (event.pallet_name(), event.event_name()) {
			("System", "ExtrinsicFailed") => {
				let error = DispatchError::decode_from(event.field_bytes(), at.metadata());
				result.failure = Some(match error {
					Ok(error) => explain(&error),
					Err(error) => ("unknown".to_owned(), error.to_string()),
				});
			},
			("TransactionPayment", "TransactionFeePaid") => {
				let paid = <(crate::AccountId, Balance, Balance)>::decode(&mut event.field_bytes());
				result.fee = paid.ok().map(|(who, fee, _)| (who, fee));
			},
			_ => {},
		}
		result.events.push(Event {
			pallet: event.pallet_name().to_owned(),
			name: event.event_name().to_owned(),
			fields: event.field_bytes().to_vec(),
		});
	}
	Ok(results)
}

/// Name and length in bytes of every extrinsic of a block, in their order.
pub async fn calls(chain: &Chain, block: BlockRef) -> Result<Vec<(String, usize)>, ChainError> {
	let at = at(chain, block).await?;
	let what = || format!("the extrinsics of block {}", block.number);
	let extrinsics = at.extrinsics().fetch().await.map_err(|error| ChainError::rpc(what(), error))?;
	let name = |extrinsic: Result<subxt::extrinsics::Extrinsic<'_, _, _>, _>| {
		let extrinsic = extrinsic.map_err(|error| ChainError::shape(what(), error))?;
		let name = format!("{}.{}", extrinsic.pallet_name(), extrinsic.call_name());
		Ok((name, extrinsic.bytes().len()))
	};
	extrinsics.iter().map(name).collect()
}

/// Name and meaning of an error, with the number that it carries.
fn explain(error: &DispatchError) -> (String, String) {
	if let DispatchError::Module(module) = error {
		if let Ok(details) = module.details() {
			let name = format!("{}::{}", details.pallet.name(), details.variant.name);
			let field = details.variant.fields.first().and_then(|field| field.name.as_deref());
			let figure = field.and_then(|field| figure(field, module.bytes())).unwrap_or_default();
			return (name, format!("{}{figure}", details.variant.docs.join(" ").trim()));
		}
	}
	(format!("{error:?}"), error.to_string())
}

/// The number in the last three bytes of an error: blocks, or thousandths of a DOT.
fn figure(field: &str, [.., low, middle, high]: [u8; 5]) -> Option<String> {
	let number = u32::from_le_bytes([low, middle, high, 0]);
	let more = if number == 0xFF_FFFF { " or more" } else { "" };
	match field {
		"opens_in" => Some(format!(" (blocks to wait: {number}{more})")),
		"short_by" => {
			let planck = Balance::from(number).saturating_mul(UNIT / 1000);
			Some(format!(" (missing: {}{more})", dot(planck)))
		},
		_ => None,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn figure_should_say_when_or_how_much_when_an_error_carries_it() {
		let of = |field, low, middle, high| figure(field, [9, 9, low, middle, high]);
		assert_eq!(of("opens_in", 1, 1, 0).as_deref(), Some(" (blocks to wait: 257)"));
		assert_eq!(of("opens_in", 255, 255, 255).as_deref(), Some(" (blocks to wait: 16777215 or more)"));
		assert_eq!(of("short_by", 220, 5, 0).as_deref(), Some(" (missing: 1.5 DOT)"));
		assert_eq!(of("another", 1, 0, 0), None);
	}
}
