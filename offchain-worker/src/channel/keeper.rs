//! The worker's side of channels on chain: at every block, the next step of each.

use super::{
	closing_from,
	decide::{decide, Standing, Step},
	Counter, Market, Terms,
};
use crate::{
	chain::{BlockHash, BlockRef, Call, Chain, ChainError},
	service::Service,
	steps::Steps,
	AccountId,
};
use noesis_primitives::{
	BlockNumber, BundleId, ChannelId, ChannelState, ChannelView, CheckpointId, GenerateParams, InputFormat,
	JobKind, JobSpec, Lane, Payload, Quote, QuoteError, Tier, Verification,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Channels before the newest that are looked at when a worker starts.
const BACK: u64 = 256;
/// How long the next block may be in coming.
const NEXT_BLOCK: Duration = Duration::from_secs(12);

/// The chain, asked at its newest block.
#[derive(Clone)]
pub struct ChainMarket {
	/// The connection.
	pub chain: Chain,
}

impl ChainMarket {
	async fn quote(
		&self,
		at: BlockHash,
		checkpoint: CheckpointId,
		kind: JobKind,
		bytes: usize,
		verification: Verification,
	) -> Result<Result<Quote, QuoteError>, ChainError> {
		let len = u32::try_from(bytes).unwrap_or(u32::MAX);
		let input = Payload::Stored { hash: Default::default(), len, locator: Default::default() };
		let (worker, deadline, lane, tier) = (None, 1, Lane::Dot, Tier::Standard);
		let sealed = None;
		let spec = JobSpec { checkpoint, kind, input, worker, deadline, lane, tier, verification, sealed };
		self.chain.quote(at, &spec).await
	}

	/// The terms of a channel's turns, if the chain would take such a turn; else why not.
	pub async fn terms(
		&self,
		view: &ChannelView<AccountId>,
		kind: &JobKind,
		bytes: usize,
	) -> Result<Result<Terms, QuoteError>, ChainError> {
		let (at, checkpoint) = (self.chain.best().hash, view.spec.checkpoint);
		let plain = Verification::Sampled;
		// One token read, one and two produced.
		let few = |tokens| JobKind::Generate(GenerateParams::greedy(InputFormat::Tokens, tokens));
		let checked = view.spec.verification;
		let quotes = tokio::try_join!(
			self.quote(at, checkpoint, *kind, bytes, plain),
			self.quote(at, checkpoint, few(1), 4, plain),
			self.quote(at, checkpoint, few(2), 4, plain),
			self.quote(at, checkpoint, few(1), 4, checked),
		)?;
		let terms = || {
			let (_, two, three, checked) = (quotes.0?, quotes.1?.fee, quotes.2?.fee, quotes.3?.fee);
			Ok(Terms::new(&view.spec, two, three, checked))
		};
		Ok(terms())
	}
}

impl Market for ChainMarket {
	async fn channel(&self, id: ChannelId) -> Result<Option<ChannelView<AccountId>>, ChainError> {
		let mut heads = self.chain.heads();
		let best = heads.borrow_and_update().best;
		let view = self.chain.channel(best.hash, id).await?;
		if view.as_ref().is_none_or(|view| view.state != ChannelState::Offered) {
			return Ok(view);
		}
		// The requester's node may be a block ahead.
		let ahead = heads.wait_for(|now| now.best.number > best.number);
		let _ = tokio::time::timeout(NEXT_BLOCK, ahead).await;
		self.chain.channel(self.chain.best().hash, id).await
	}

	async fn terms(
		&self,
		view: &ChannelView<AccountId>,
		kind: &JobKind,
		bytes: usize,
	) -> Result<Result<Terms, String>, ChainError> {
		let terms = ChainMarket::terms(self, view, kind, bytes).await?;
		Ok(terms.map_err(|error| crate::commands::quote_error(&error)))
	}

	fn is_late(&self, view: &ChannelView<AccountId>) -> bool {
		self.chain.best().number >= closing_from(view)
	}
}

/// The channels of a worker.
pub struct Keeper {
	service: Arc<Service>,
	counter: Arc<Counter<ChainMarket>>,
	/// The first channel that was not looked at yet.
	next: Option<ChannelId>,
	/// Channels that may need a step.
	watched: BTreeSet<ChannelId>,
	steps: Steps<ChannelId>,
}

impl Keeper {
	/// Looks after `service`'s channels, whose turns `counter` serves.
	pub fn new(service: Arc<Service>, counter: Arc<Counter<ChainMarket>>) -> Self {
		let watched = counter.known().into_iter().collect();
		Self { service, counter, next: None, watched, steps: Steps::new("channel") }
	}

	/// Takes note of the steps that were made.
	pub fn reap(&mut self, now: BlockNumber) {
		self.steps.reap(now);
	}

	/// Does the next step of every channel that waits for one.
	pub async fn step(&mut self, best: BlockRef) -> Result<(), ChainError> {
		let chain = self.service.chain.clone();
		let newest = chain.next_channel(best.hash).await?;
		let from = self.next.unwrap_or(ChannelId(newest.0.saturating_sub(BACK)));
		self.watched.extend((from.0..newest.0).map(ChannelId));
		self.next = Some(newest);
		let ready: Vec<ChannelId> =
			self.watched.iter().filter(|id| self.steps.is_ready(id)).copied().collect();
		for id in ready {
			let view = chain.channel(best.hash, id).await?;
			let mine = |view: &ChannelView<AccountId>| view.spec.worker == self.service.keys.account();
			match view.filter(|view| mine(view) && !view.state.is_terminal()) {
				Some(view) => self.look(best, view).await?,
				None => {
					self.watched.remove(&id);
					self.counter.forget(id);
				},
			}
		}
		Ok(())
	}

	async fn look(&mut self, best: BlockRef, view: ChannelView<AccountId>) -> Result<(), ChainError> {
		let chain = &self.service.chain;
		let bundle = match view.state {
			ChannelState::Closed => chain.bundle(best.hash, BundleId::Channel(view.id)).await?,
			_ => None,
		};
		let servable = view.state == ChannelState::Offered && self.is_servable(best, &view).await?;
		if view.state == ChannelState::Offered && !servable {
			let escrow = crate::cli::dot(view.spec.escrow);
			tracing::info!(channel = %view.id, escrow, "not accepted: the model is not here, or the stake is too small");
			self.steps.leave(view.id, best.number);
			return Ok(());
		}
		// A turn is being computed: there is time at the next block.
		let book = self.counter.book(&view);
		let Ok(book) = tokio::time::timeout(std::time::Duration::from_millis(50), book).await else {
			return Ok(());
		};
		let book = match book {
			Ok(book) => book,
			Err(error) => {
				tracing::error!(channel = %view.id, %error, "the channel can't be served");
				self.steps.leave(view.id, best.number);
				return Ok(());
			},
		};
		let standing =
			Standing { view: &view, bundle: bundle.as_ref(), book: book.book(), servable, now: best.number };
		let step = decide(standing);
		drop(book);
		let Some(step) = step else { return Ok(()) };
		let (what, call) = match step {
			Step::Accept => ("accepted", Call::accept_channel(view.id)),
			Step::Close(tally, signature) => ("closed", Call::close_channel(&tally, signature)),
			Step::Contest(tally, signature) => ("contested", Call::contest_close(&tally, signature)),
			Step::Show(turn, path) => ("turn shown", Call::present_turn(&turn, &path)),
			Step::Settle => ("settled", Call::settle_channel(view.id)),
		};
		self.steps.take(view.id, what, self.service.submitter.clone(), call);
		Ok(())
	}

	async fn is_servable(&self, best: BlockRef, view: &ChannelView<AccountId>) -> Result<bool, ChainError> {
		if !self.service.models.has(view.spec.checkpoint) {
			return Ok(false);
		}
		let operator = self.service.chain.operator(best.hash, self.service.keys.account()).await?;
		Ok(operator.is_some_and(|operator| operator.free_exposure >= view.spec.escrow))
	}
}
