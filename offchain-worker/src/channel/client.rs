//! The requester's side of a channel.

use super::{
	wire::REQUEST_OVERHEAD, Book, BookError, BookFile, CloseRequest, Objection, Pending, SignedTally, Terms,
	TurnAnswer, TurnRequest,
};
use crate::{
	keys::Keys,
	store::{Origin, Store, StoreError, MAX_BLOB},
};
use codec::{DecodeAll, Encode};
use noesis_primitives::{Balance, ChannelId, JobKind, Turn};
use std::{path::Path, time::Duration};

/// How long a turn may take: the worker computes it meanwhile, perhaps after those of others.
const TURN_TIMEOUT: Duration = Duration::from_secs(600);
/// How long anything else may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long the worker may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes that the requester's inputs and outputs may take on its disk.
const ROOM: u64 = 1 << 30;

/// Why a turn did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
	/// The book can't be kept.
	#[error(transparent)]
	Book(#[from] BookError),
	/// The blobs can't be kept.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The place is none that can be asked.
	#[error("the worker's endpoint `{0}` is no http:// URL: ask another worker")]
	Endpoint(String),
	/// The worker does not answer.
	#[error("{url}: {reason}. Ask again: what was begun is finished first")]
	Unreachable {
		/// What was asked.
		url: String,
		/// What happened.
		reason: String,
	},
	/// The worker says no.
	#[error("the worker refuses ({status}): {reason}")]
	Refused {
		/// The HTTP status.
		status: u16,
		/// What it says.
		reason: String,
	},
	/// The answer is not what belongs there.
	#[error("{0} gave something that is no answer: it runs another version of Noesis")]
	Malformed(String),
	/// The answer is not what was asked for.
	#[error(transparent)]
	Objection(#[from] Objection),
	/// It could cost more than there is.
	#[error("the turn may cost up to {most} planck, {room} are left for it: ask for less, or open a channel with more")]
	NoRoom {
		/// What it may cost.
		most: Balance,
		/// What is left.
		room: Balance,
	},
}

/// A turn that is paid for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answered {
	/// The turn.
	pub turn: Turn,
	/// Its result.
	pub output: Vec<u8>,
	/// What it cost.
	pub price: Balance,
}

/// A requester's hold on a channel. What was begun and not ended is finished first, whatever is asked.
pub struct Session {
	keys: Keys,
	base: String,
	client: reqwest::Client,
	file: BookFile,
	blobs: Store,
}

impl Session {
	/// Takes up the channel of `new` from the folder, or begins it. `base` is the worker's endpoint.
	pub fn open(dir: &Path, new: Book, keys: Keys, base: &str) -> Result<Self, ChannelError> {
		let is_url = reqwest::Url::parse(base).is_ok_and(|url| url.scheme() == "http" && url.has_host());
		if !is_url {
			return Err(ChannelError::Endpoint(base.to_owned()));
		}
		let client = reqwest::Client::builder()
			.redirect(reqwest::redirect::Policy::none())
			.connect_timeout(CONNECT_TIMEOUT)
			.build()
			.map_err(|error| unreachable(base, &error))?;
		let file = BookFile::open(dir, new)?;
		let blobs = Store::open(&dir.join("blobs"), ROOM)?;
		Ok(Self { keys, base: base.trim_end_matches('/').to_owned(), client, file, blobs })
	}

	/// What is known of the channel.
	pub fn book(&self) -> &Book {
		self.file.book()
	}

	/// The request that was begun and not ended, if there is one.
	pub fn pending(&self) -> Result<Option<(JobKind, Vec<u8>)>, ChannelError> {
		let Some(Pending { kind, input }) = self.book().pending else { return Ok(None) };
		let input = self.blobs.get(input)?.ok_or(StoreError::Damaged(input))?;
		Ok(Some((kind, input)))
	}

	/// Asks for a turn, checks it, signs it. `approve` may compute it again before it is signed. A request that is
	/// pending must be asked again, and ends, before another can be made.
	pub async fn ask(
		&mut self,
		kind: JobKind,
		input: Vec<u8>,
		terms: &Terms,
		approve: impl FnOnce(&Turn) -> Result<(), Objection>,
	) -> Result<Answered, ChannelError> {
		self.deliver().await?;
		let (book, blobs) = (self.file.book(), &self.blobs);
		let (most, room) = (terms.most(&kind, input.len()), terms.room(book.next(), book.spent()));
		let (channel, index, spent) = (book.channel, book.next(), book.spent());
		let pending = Pending { kind, input: blobs.put(Origin::Own, &input)? };
		if most > room && book.pending != Some(pending) {
			return Err(ChannelError::NoRoom { most, room });
		}
		self.file.update(|book| book.pending = Some(pending))?;
		let genesis = self.book().genesis.0;
		let request = TurnRequest::new(&self.keys, &genesis, channel, index, kind, input);
		let limit = MAX_BLOB.saturating_add(REQUEST_OVERHEAD);
		let answered = self.post(channel, "turn", request.encode(), TURN_TIMEOUT, limit).await;
		let bytes = match answered {
			Ok(bytes) => bytes,
			Err(error) => {
				// The worker has not served it and will not: it must not be in the way of the next.
				if matches!(error, ChannelError::Refused { status: 400..=499, .. }) {
					self.file.update(|book| book.pending = None)?;
				}
				return Err(error);
			},
		};
		let answer = TurnAnswer::decode_all(&mut bytes.as_slice())
			.map_err(|_| ChannelError::Malformed(self.base.clone()))?;
		terms.check(self.book(), &request, &answer)?;
		approve(&answer.turn)?;

		let TurnAnswer { turn, output, tally } = answer;
		self.blobs.put(Origin::Own, &output)?;
		let own = SignedTally::new(&self.keys, &genesis, tally.tally);
		self.file.update(|book| {
			book.turns.push(turn);
			(book.by_worker, book.by_requester, book.pending) = (Some(tally), Some(own), None);
		})?;
		if let Err(error) = self.deliver().await {
			tracing::warn!(%error, "the worker has not got the signature yet; it gets it before the next turn");
		}
		Ok(Answered { turn, output, price: turn.spent.saturating_sub(spent) })
	}

	/// Gives the worker the signature on the latest tally, if it has not got it.
	pub async fn deliver(&mut self) -> Result<(), ChannelError> {
		let book = self.book();
		let Some(signed) = book.by_requester.filter(|signed| signed.tally.turns > book.delivered) else {
			return Ok(());
		};
		self.post(book.channel, "tally", signed.encode(), TIMEOUT, REQUEST_OVERHEAD).await?;
		self.file.update(|book| book.delivered = signed.tally.turns)?;
		Ok(())
	}

	/// Asks the worker to close the channel.
	pub async fn end(&mut self) -> Result<(), ChannelError> {
		self.deliver().await?;
		let channel = self.book().channel;
		let request = CloseRequest::new(&self.keys, &self.book().genesis.0, channel);
		self.post(channel, "close", request.encode(), TIMEOUT, REQUEST_OVERHEAD).await?;
		Ok(())
	}

	async fn post(
		&self,
		channel: ChannelId,
		what: &str,
		body: Vec<u8>,
		timeout: Duration,
		limit: usize,
	) -> Result<Vec<u8>, ChannelError> {
		let url = format!("{}/channel/{channel}/{what}", self.base);
		let response = self.client.post(&url).timeout(timeout).body(body).send().await;
		let mut response = response.map_err(|error| unreachable(&url, &error))?;
		let mut bytes = Vec::new();
		while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&url, &error))? {
			if bytes.len().saturating_add(chunk.len()) > limit {
				return Err(ChannelError::Malformed(url));
			}
			bytes.extend_from_slice(&chunk);
		}
		match response.status() {
			status if status.is_success() => Ok(bytes),
			status => Err(ChannelError::Refused {
				status: status.as_u16(),
				reason: String::from_utf8_lossy(&bytes).into_owned(),
			}),
		}
	}
}

fn unreachable(url: &str, error: &reqwest::Error) -> ChannelError {
	let source = std::error::Error::source(error).map(ToString::to_string);
	ChannelError::Unreachable { url: url.to_owned(), reason: source.unwrap_or_else(|| error.to_string()) }
}

#[cfg(test)]
mod tests {
	use super::{
		super::{
			book::tests::{alice, bob, GENESIS},
			counter::tests::{counter, kind, Backwards, Fair},
			router, Counter,
		},
		*,
	};
	use crate::reception::Reception;
	use std::sync::{atomic::Ordering, Arc};
	use tokio::{net::TcpListener, task::JoinHandle};

	struct Town {
		fair: Fair,
		executor: Arc<Backwards>,
		counter: Arc<Counter<Fair>>,
		base: String,
		server: JoinHandle<()>,
	}

	/// Bob serves Alice's channel over HTTP.
	async fn town(dir: &Path) -> Town {
		let (fair, executor) = (Fair::new(1_000_000), Arc::new(Backwards::default()));
		let counter = Arc::new(counter(dir, &fair, executor.clone()));
		let reception = Reception::default();
		reception.open(&counter);
		let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
		let base = format!("http://{}", listener.local_addr().unwrap());
		let server = tokio::spawn(async move {
			axum::serve(listener, router(reception)).await.unwrap();
		});
		Town { fair, executor, counter, base, server }
	}

	fn session(dir: &Path, town: &Town) -> Session {
		let new = Book::new(GENESIS, ChannelId(3), alice().account(), bob().account());
		Session::open(dir, new, alice(), &town.base).unwrap()
	}

	#[tokio::test]
	async fn eight_turns_should_leave_both_sides_with_the_same_tally() {
		let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
		let town = town(theirs.path()).await;
		let mut session = session(ours.path(), &town);
		for index in 0..8u32 {
			let input = format!("question {index}").into_bytes();
			let answered = session.ask(kind(), input.clone(), &town.fair.terms(), |_| Ok(())).await.unwrap();
			assert_eq!(answered.output, input.into_iter().rev().collect::<Vec<u8>>());
			assert_eq!((answered.turn.index, answered.price), (index, 30));
		}
		let view = town.fair.view.lock().unwrap().clone();
		let kept = town.counter.book(&view).await.unwrap().book().clone();
		let book = session.book();
		assert_eq!((book.next(), book.spent(), book.delivered), (8, 240, 8));
		assert_eq!(kept.turns, book.turns);
		assert_eq!(kept.by_requester, book.by_requester);
		let tally = book.by_worker.unwrap();
		assert!(tally.is_of(&bob().account(), &GENESIS) && tally.tally == book.tally());
		session.end().await.unwrap();
		let refused = session.ask(kind(), b"more".to_vec(), &town.fair.terms(), |_| Ok(())).await;
		assert!(matches!(refused, Err(ChannelError::Refused { status: 410, .. })), "{refused:?}");
		assert_eq!(session.pending().unwrap(), None);
	}

	#[tokio::test]
	async fn turn_should_cost_once_when_its_answer_was_lost() {
		let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
		let town = town(theirs.path()).await;
		let mut session = session(ours.path(), &town);
		// The requester dies between the answer and its signature.
		let lost = session.ask(kind(), b"abc".to_vec(), &town.fair.terms(), |_| Err(Objection::Wrong)).await;
		assert!(matches!(lost, Err(ChannelError::Objection(Objection::Wrong))));
		drop(session);
		let mut session = self::session(ours.path(), &town);
		let (again, input) = session.pending().unwrap().unwrap();
		assert_eq!((again, input.as_slice()), (kind(), &b"abc"[..]));
		let answered = session.ask(again, input, &town.fair.terms(), |_| Ok(())).await.unwrap();
		assert_eq!(answered.output, b"cba");
		assert_eq!(town.executor.0.load(Ordering::Relaxed), 1);
		assert_eq!((session.book().spent(), session.pending().unwrap()), (30, None));
	}

	#[tokio::test]
	async fn signature_should_reach_the_worker_later_when_it_was_away() {
		let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
		let mut town = town(theirs.path()).await;
		let mut session = session(ours.path(), &town);
		session.ask(kind(), b"abc".to_vec(), &town.fair.terms(), |_| Ok(())).await.unwrap();
		// As if the process had died before the worker had it.
		session.file.update(|book| book.delivered = 0).unwrap();
		drop(session);
		let mut session = self::session(ours.path(), &town);
		session.ask(kind(), b"abcd".to_vec(), &town.fair.terms(), |_| Ok(())).await.unwrap();
		assert_eq!(session.book().delivered, 2);

		town.server.abort();
		let _ = (&mut town.server).await;
		drop(session);
		let mut session = self::session(ours.path(), &town);
		let unreachable = session.ask(kind(), b"x".to_vec(), &town.fair.terms(), |_| Ok(())).await;
		assert!(matches!(unreachable, Err(ChannelError::Unreachable { .. })), "{unreachable:?}");
		assert!(session.pending().unwrap().is_some());
		assert_eq!(session.book().by_worker.unwrap().tally, session.book().tally());
	}

	#[tokio::test]
	async fn nothing_should_be_asked_that_the_channel_can_not_pay() {
		let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
		let town = town(theirs.path()).await;
		let mut session = session(ours.path(), &town);
		let poor = Terms { spendable: 100, ..town.fair.terms() };
		let refused = session.ask(kind(), vec![b'a'; 100], &poor, |_| Ok(())).await;
		assert!(matches!(refused, Err(ChannelError::NoRoom { most: 3020, room: 100 })), "{refused:?}");
		assert_eq!(session.pending().unwrap(), None);
		assert_eq!(town.executor.0.load(Ordering::Relaxed), 0);
		let cheap = Terms { per_token: 9, ..town.fair.terms() };
		let objected = session.ask(kind(), b"a".to_vec(), &cheap, |_| Ok(())).await;
		assert!(matches!(objected, Err(ChannelError::Objection(Objection::TooDear { .. }))), "{objected:?}");
		assert_eq!((session.book().next(), session.book().by_requester), (0, None));
	}

	#[tokio::test]
	async fn endpoint_should_answer_with_a_status_whatever_comes() {
		let theirs = tempfile::tempdir().unwrap();
		let town = town(theirs.path()).await;
		let client = reqwest::Client::new();
		let status = |path: &str, body: Vec<u8>| {
			let request = client.post(format!("{}{path}", town.base)).body(body);
			async move { request.send().await.unwrap().status().as_u16() }
		};
		for what in ["turn", "tally", "close"] {
			assert_eq!(status(&format!("/channel/3/{what}"), Vec::new()).await, 400);
			assert_eq!(status(&format!("/channel/3/{what}"), vec![7; 300]).await, 400);
			assert_eq!(status(&format!("/channel/x/{what}"), vec![7; 300]).await, 400);
			assert_eq!(status(&format!("/channel/3/{what}"), vec![0; MAX_BLOB + 4096]).await, 400);
		}
		let close = CloseRequest::new(&alice(), &GENESIS, ChannelId(3)).encode();
		assert_eq!(status("/channel/4/close", close.clone()).await, 400);
		assert_eq!(status("/channel/3/close", close.clone()).await, 204);
		let stranger = CloseRequest::new(&bob(), &GENESIS, ChannelId(3)).encode();
		assert_eq!(status("/channel/3/close", stranger).await, 401);
		drop(town.counter);
		assert_eq!(status("/channel/3/close", close).await, 503);
	}
}
