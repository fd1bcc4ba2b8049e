//! The worker's side of a channel's turns: what it serves to whom, and what it refuses.

use super::{
	Book, BookError, BookFile, CloseRequest, Ending, Refusal, SignedTally, Terms, TurnAnswer, TurnRequest,
};
use crate::{
	chain::ChainError,
	executor::{Executor, Finding, Task},
	keys::Keys,
	store::{Origin, Store, StoreError},
	AccountId,
};
use noesis_primitives::{Balance, ChannelId, ChannelState, ChannelView, JobKind, Tally, Turn, MAX_ITEMS};
use std::{
	collections::HashMap,
	future::Future,
	path::PathBuf,
	sync::{Arc, PoisonError},
};
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};

/// What the worker must know of the chain to serve a turn.
pub trait Market: Send + Sync + 'static {
	/// A channel as it stands.
	fn channel(
		&self,
		id: ChannelId,
	) -> impl Future<Output = Result<Option<ChannelView<AccountId>>, ChainError>> + Send;

	/// The terms of a channel's turns, if the chain would take such a turn; else why not.
	fn terms(
		&self,
		view: &ChannelView<AccountId>,
		kind: &JobKind,
		bytes: usize,
	) -> impl Future<Output = Result<Result<Terms, String>, ChainError>> + Send;

	/// Whether it is late in the channel's life.
	fn is_late(&self, view: &ChannelView<AccountId>) -> bool;
}

type Shelf = HashMap<ChannelId, Arc<Mutex<BookFile>>>;

/// Where a worker serves turns.
pub struct Counter<M> {
	market: M,
	keys: Keys,
	genesis: [u8; 32],
	store: Arc<Store>,
	executor: Arc<dyn Executor>,
	/// Lets one job or turn be computed at a time.
	turn: Arc<Semaphore>,
	dir: PathBuf,
	books: std::sync::Mutex<Shelf>,
}

impl<M: Market> Counter<M> {
	/// A counter of `keys` on the chain with that genesis block, with its books beside the blobs.
	pub fn new(
		market: M,
		keys: Keys,
		genesis: [u8; 32],
		store: Arc<Store>,
		executor: Arc<dyn Executor>,
		turn: Arc<Semaphore>,
	) -> Self {
		let dir = store.folder().join("channels");
		Self { market, keys, genesis, store, executor, turn, dir, books: Default::default() }
	}

	/// Channels that there are books of from before.
	pub fn known(&self) -> Vec<ChannelId> {
		BookFile::list(&self.dir)
	}

	/// The book of a channel, which is nobody else's until it is dropped.
	pub async fn book(&self, view: &ChannelView<AccountId>) -> Result<OwnedMutexGuard<BookFile>, BookError> {
		let known = self.books.lock().unwrap_or_else(PoisonError::into_inner).get(&view.id).cloned();
		let book = match known {
			Some(book) => book,
			None => self.open(view)?,
		};
		Ok(book.lock_owned().await)
	}

	fn open(&self, view: &ChannelView<AccountId>) -> Result<Arc<Mutex<BookFile>>, BookError> {
		let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some(book) = books.get(&view.id) {
			return Ok(book.clone());
		}
		let new = Book::new(self.genesis, view.id, view.requester, view.spec.worker);
		let book = Arc::new(Mutex::new(BookFile::open(&self.dir, new)?));
		books.insert(view.id, book.clone());
		Ok(book)
	}

	/// Puts a book away: the channel has ended.
	pub fn forget(&self, channel: ChannelId) {
		self.books.lock().unwrap_or_else(PoisonError::into_inner).remove(&channel);
	}

	async fn view(&self, id: ChannelId) -> Result<ChannelView<AccountId>, Refusal> {
		let view = self.market.channel(id).await?;
		view.filter(|view| view.spec.worker == self.keys.account()).ok_or(Refusal::NoChannel(id))
	}

	/// Serves a turn. The last one is served again as it was, as long as it is not signed: its answer may have been
	/// lost.
	pub async fn serve(&self, request: TurnRequest) -> Result<TurnAnswer, Refusal> {
		let view = self.view(request.channel).await?;
		if !request.is_of(&view.requester, &self.genesis) {
			return Err(Refusal::BadSignature);
		}
		if view.state != ChannelState::Open {
			return Err(Refusal::NotOpen(view.state));
		}
		let mut file = self.book(&view).await?;
		let book = file.book();
		let (index, next, signed) = (request.index, book.next(), book.signed());
		if let Some(last) = book.turns.last().filter(|turn| signed < next && request.is_answered_by(turn)) {
			return self.answer(*last, book.tally());
		}
		if index < next {
			return Err(Refusal::Served { index, next });
		}
		if index > next {
			return Err(Refusal::TooFar { index, next });
		}
		if signed < next {
			return Err(Refusal::Unsigned { turns: next, signed });
		}
		if book.ending.is_some() || self.market.is_late(&view) {
			return Err(Refusal::Ending);
		}
		if next >= MAX_ITEMS {
			return Err(Refusal::Full);
		}
		let terms = self.market.terms(&view, &request.kind, request.input.len()).await?;
		let mut terms = terms.map_err(Refusal::Unfit)?;
		terms.spendable = book.spendable.unwrap_or(Balance::MAX).min(terms.spendable);
		let (most, room) = (terms.most(&request.kind, request.input.len()), terms.room(next, book.spent()));
		if most > room {
			return Err(Refusal::NoRoom { most, room });
		}

		let input = self.store.put(Origin::Own, &request.input)?;
		let finding = self.compute(&view, &request).await?;
		self.store.put(Origin::Own, &finding.output)?;
		let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
		let turn = Turn {
			channel: request.channel,
			index,
			kind: request.kind,
			input,
			input_bytes: length(&request.input),
			output_bytes: length(&finding.output),
			claim: finding.claim,
			spent: file.book().spent().saturating_add(terms.price(finding.claim.usage).min(room)),
		};
		let spent_up =
			next.saturating_add(1) >= MAX_ITEMS || terms.is_spent_up(next.saturating_add(1), turn.spent);
		file.update(|book| {
			book.turns.push(turn);
			book.spendable = Some(terms.spendable);
			if spent_up {
				book.ending = Some(Ending::SpentUp);
			}
		})?;
		tracing::info!(
			channel = %request.channel, index, tokens = finding.claim.usage.output_tokens, spent = turn.spent,
			"turn served"
		);
		self.answer(turn, file.book().tally())
	}

	fn answer(&self, turn: Turn, tally: Tally) -> Result<TurnAnswer, Refusal> {
		let output = self.store.get(turn.claim.output)?.ok_or(StoreError::Damaged(turn.claim.output))?;
		Ok(TurnAnswer { turn, output, tally: SignedTally::new(&self.keys, &self.genesis, tally) })
	}

	async fn compute(
		&self,
		view: &ChannelView<AccountId>,
		request: &TurnRequest,
	) -> Result<Finding, Refusal> {
		let Ok(_turn) = self.turn.clone().acquire_owned().await else { return Err(Refusal::NotServing) };
		let (executor, checkpoint) = (self.executor.clone(), view.spec.checkpoint);
		let (kind, input) = (request.kind, request.input.clone());
		let finding = tokio::task::spawn_blocking(move || {
			let on_output = &mut |_: &[u8]| true;
			executor.execute(Task {
				checkpoint,
				kind: &kind,
				input: &input,
				draft: None,
				open: &[],
				on_output,
			})
		});
		Ok(finding.await.map_err(|_| Refusal::Broken)??)
	}

	/// Takes the requester's signature on the turns that were served.
	pub async fn take(&self, signed: SignedTally) -> Result<(), Refusal> {
		let view = self.view(signed.tally.channel).await?;
		if !signed.is_of(&view.requester, &self.genesis) {
			return Err(Refusal::BadSignature);
		}
		let mut file = self.book(&view).await?;
		if signed.tally != file.book().tally() {
			return Err(Refusal::OtherTally(file.book().next()));
		}
		file.update(|book| book.by_requester = Some(signed))?;
		Ok(())
	}

	/// Takes the requester's word that no more turns will come. The channel is closed at the next block.
	pub async fn end(&self, request: CloseRequest) -> Result<(), Refusal> {
		let view = self.view(request.channel).await?;
		if !request.is_of(&view.requester, &self.genesis) {
			return Err(Refusal::BadSignature);
		}
		self.book(&view).await?.update(|book| book.ending = Some(Ending::Asked))?;
		Ok(())
	}
}

#[cfg(test)]
pub(super) mod tests {
	use super::{
		super::{
			book::tests::{alice, bob, GENESIS},
			terms::tests::spec,
		},
		*,
	};
	use crate::executor::ExecuteError;
	use noesis_primitives::{Claim, ContentHash, GenerateParams, InputFormat, Root, Usage};
	use std::sync::atomic::{AtomicU32, Ordering};

	/// A chain with one channel from Alice to Bob.
	#[derive(Clone)]
	pub(crate) struct Fair {
		pub(crate) view: Arc<std::sync::Mutex<ChannelView<AccountId>>>,
	}

	impl Fair {
		pub(crate) fn new(escrow: Balance) -> Self {
			let view = ChannelView {
				id: ChannelId(3),
				requester: alice().account(),
				spec: spec(escrow, escrow),
				state: ChannelState::Open,
				due: 100,
				expires: 100,
				tally: None,
				settlement: None,
			};
			Self { view: Arc::new(std::sync::Mutex::new(view)) }
		}

		pub(crate) fn terms(&self) -> Terms {
			Terms::new(&self.view.lock().unwrap().spec, 20, 30, 20)
		}
	}

	impl Market for Fair {
		async fn channel(&self, id: ChannelId) -> Result<Option<ChannelView<AccountId>>, ChainError> {
			Ok(Some(self.view.lock().unwrap().clone()).filter(|view| view.id == id))
		}

		async fn terms(
			&self,
			view: &ChannelView<AccountId>,
			_: &JobKind,
			bytes: usize,
		) -> Result<Result<Terms, String>, ChainError> {
			Ok(if bytes == 0 { Err("empty".to_owned()) } else { Ok(Terms::new(&view.spec, 20, 30, 20)) })
		}

		fn is_late(&self, _: &ChannelView<AccountId>) -> bool {
			false
		}
	}

	/// Says everything backwards, and counts how often.
	#[derive(Default)]
	pub(crate) struct Backwards(pub(crate) AtomicU32);

	impl Executor for Backwards {
		fn execute(&self, task: Task<'_>) -> Result<Finding, ExecuteError> {
			self.0.fetch_add(1, Ordering::Relaxed);
			let output: Vec<u8> = task.input.iter().rev().copied().collect();
			let usage = Usage { input_tokens: 1, output_tokens: 2 };
			let claim = Claim { root: Root([1; 32]), leaves: 1, output: ContentHash::of(&output), usage };
			Ok(Finding { output, claim, openings: Vec::new() })
		}
	}

	pub(crate) fn kind() -> JobKind {
		JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 2))
	}

	fn request(index: u32, input: &str) -> TurnRequest {
		TurnRequest::new(&alice(), &GENESIS, ChannelId(3), index, kind(), input.as_bytes().to_vec())
	}

	pub(crate) fn counter(dir: &std::path::Path, fair: &Fair, executor: Arc<Backwards>) -> Counter<Fair> {
		let store = Arc::new(Store::open(dir, 1 << 20).unwrap());
		Counter::new(fair.clone(), bob(), GENESIS, store, executor, Arc::new(Semaphore::new(1)))
	}

	fn signed(answer: &TurnAnswer) -> SignedTally {
		SignedTally::new(&alice(), &GENESIS, answer.tally.tally)
	}

	#[tokio::test]
	async fn turn_should_be_served_only_when_all_before_it_are_signed() {
		let dir = tempfile::tempdir().unwrap();
		let (fair, executor) = (Fair::new(100_000), Arc::new(Backwards::default()));
		let counter = counter(dir.path(), &fair, executor.clone());
		let first = counter.serve(request(0, "abc")).await.unwrap();
		assert_eq!((first.output.as_slice(), first.turn.spent), (&b"cba"[..], 30));
		assert!(first.tally.is_of(&bob().account(), &GENESIS));

		// An answer that got lost is given again, not computed again; another question in its place is refused.
		let again = counter.serve(request(0, "abc")).await.unwrap();
		assert_eq!(
			(again.turn, again.output, again.tally.tally),
			(first.turn, first.output.clone(), first.tally.tally)
		);
		assert_eq!(executor.0.load(Ordering::Relaxed), 1);
		assert!(matches!(counter.serve(request(0, "abd")).await, Err(Refusal::Served { next: 1, .. })));
		assert!(matches!(
			counter.serve(request(1, "x")).await,
			Err(Refusal::Unsigned { turns: 1, signed: 0 })
		));

		let worthless = SignedTally::new(&bob(), &GENESIS, first.tally.tally);
		assert!(matches!(counter.take(worthless).await, Err(Refusal::BadSignature)));
		let stale = SignedTally::new(&alice(), &GENESIS, Tally::empty(ChannelId(3)));
		assert!(matches!(counter.take(stale).await, Err(Refusal::OtherTally(1))));
		counter.take(signed(&first)).await.unwrap();
		counter.take(signed(&first)).await.unwrap();

		// A replay of a turn that is paid for.
		let replayed = counter.serve(request(0, "abc")).await;
		assert!(matches!(replayed, Err(Refusal::Served { index: 0, next: 1 })), "{replayed:?}");
		assert!(matches!(counter.serve(request(2, "x")).await, Err(Refusal::TooFar { .. })));
		let second = counter.serve(request(1, "xy")).await.unwrap();
		assert_eq!((second.turn.index, second.turn.spent, second.tally.tally.turns), (1, 60, 2));
	}

	#[tokio::test]
	async fn request_should_be_refused_when_it_is_foreign() {
		let dir = tempfile::tempdir().unwrap();
		let fair = Fair::new(100_000);
		let counter = counter(dir.path(), &fair, Default::default());
		let of = |keys: &Keys, genesis, channel| {
			TurnRequest::new(keys, genesis, ChannelId(channel), 0, kind(), b"abc".to_vec())
		};
		assert!(matches!(counter.serve(of(&bob(), &GENESIS, 3)).await, Err(Refusal::BadSignature)));
		assert!(matches!(counter.serve(of(&alice(), &[0; 32], 3)).await, Err(Refusal::BadSignature)));
		assert!(matches!(counter.serve(of(&alice(), &GENESIS, 4)).await, Err(Refusal::NoChannel(_))));
		let mut moved = of(&alice(), &GENESIS, 4);
		moved.channel = ChannelId(3);
		assert!(matches!(counter.serve(moved).await, Err(Refusal::BadSignature)));
		assert!(matches!(counter.serve(request(0, "")).await, Err(Refusal::Unfit(_))));
		fair.view.lock().unwrap().state = ChannelState::Offered;
		assert!(matches!(counter.serve(request(0, "a")).await, Err(Refusal::NotOpen(_))));
		fair.view.lock().unwrap().spec.worker = alice().account();
		assert!(matches!(counter.serve(request(0, "a")).await, Err(Refusal::NoChannel(_))));
	}

	#[tokio::test]
	async fn worker_should_go_on_where_it_was_when_it_starts_again() {
		let dir = tempfile::tempdir().unwrap();
		let (fair, executor) = (Fair::new(100_000), Arc::new(Backwards::default()));
		let first = counter(dir.path(), &fair, executor.clone()).serve(request(0, "abc")).await.unwrap();
		let again = counter(dir.path(), &fair, executor.clone());
		assert_eq!(again.known(), [ChannelId(3)]);
		assert_eq!(again.serve(request(0, "abc")).await.unwrap().tally.tally, first.tally.tally);
		again.take(signed(&first)).await.unwrap();
		drop(again);
		let again = counter(dir.path(), &fair, executor.clone());
		again.serve(request(1, "d")).await.unwrap();
		assert_eq!(executor.0.load(Ordering::Relaxed), 2);
	}

	#[tokio::test]
	async fn worker_should_spend_no_more_than_it_reckoned_with_at_first() {
		let dir = tempfile::tempdir().unwrap();
		let fair = Fair::new(100_000);
		let counter = counter(dir.path(), &fair, Default::default());
		fair.view.lock().unwrap().spec.escrow = 120;
		let first = counter.serve(request(0, "ab")).await.unwrap();
		counter.take(signed(&first)).await.unwrap();
		// As if the surcharges had fallen since: what fits today may not fit at the close.
		fair.view.lock().unwrap().spec.escrow = 100_000;
		let refused = counter.serve(request(1, "abcdef")).await;
		assert!(matches!(refused, Err(Refusal::NoRoom { most: 200, room: 90 })), "{refused:?}");
	}

	#[tokio::test]
	async fn channel_should_end_when_its_escrow_is_spent_or_the_requester_says_so() {
		let dir = tempfile::tempdir().unwrap();
		// "ab" may take 6 tokens and make 2, at 10 each; it takes 3 in all.
		let fair = Fair::new(99);
		let counter = counter(dir.path(), &fair, Default::default());
		let refused = counter.serve(request(0, "abcdef")).await;
		assert!(matches!(refused, Err(Refusal::NoRoom { most: 200, room: 99 })), "{refused:?}");
		let first = counter.serve(request(0, "ab")).await.unwrap();
		counter.take(signed(&first)).await.unwrap();
		let second = counter.serve(request(1, "a")).await.unwrap();
		counter.take(signed(&second)).await.unwrap();
		let view = fair.view.lock().unwrap().clone();
		assert_eq!(counter.book(&view).await.unwrap().book().ending, Some(Ending::SpentUp));
		assert!(matches!(counter.serve(request(2, "a")).await, Err(Refusal::Ending)));

		let end = |keys: &Keys| CloseRequest::new(keys, &GENESIS, ChannelId(3));
		assert!(matches!(counter.end(end(&bob())).await, Err(Refusal::BadSignature)));
		counter.end(end(&alice())).await.unwrap();
		assert_eq!(counter.book(&view).await.unwrap().book().ending, Some(Ending::Asked));
	}
}
