//! The worker's side of an audit: who gets the content key of a sealed job.

use super::{limit::Limit, request::Asked, ContentKey, KeyGrant, KeyRequest, SealError};
use crate::{keys::Keys, AccountId};
use codec::Decode;
use noesis_primitives::{
	draw_message, draw_number, is_drawn, BlockNumber, Draw, JobId, DRAW_CONTEXT, DRAW_LABEL,
};
use sp_core::{
	crypto::VrfPublic,
	sr25519::{
		self,
		vrf::{VrfPreOutput, VrfProof, VrfSignData, VrfSignature, VrfTranscript},
	},
};
use std::{
	future::Future,
	time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Requests of one account that are heard in a [`PERIOD`].
const REQUESTS: u32 = 8;
const PERIOD: Duration = Duration::from_secs(60);
/// Accounts whose requests are counted.
const ACCOUNTS: usize = 1024;
/// Requests that read the chain at a time.
const READERS: usize = 16;

/// What a panel is drawn by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpenPanel {
	/// Its seed.
	pub seed: [u8; 32],
	/// Expected size.
	pub size: u32,
	/// Validators it is drawn from.
	pub validators: u32,
	/// Window of the current block, from 0.
	pub window: u32,
	/// Block of the answer. Validators that came later have no seat.
	pub opened: BlockNumber,
}

/// The key that a validator draws with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DrawKey {
	/// sr25519 public key.
	pub public: [u8; 32],
	/// Block since which it stands.
	pub since: BlockNumber,
}

/// What can't be read now, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// What the worker knows of its sealed jobs, read from the chain at its best block.
pub trait Casebook: Send + Sync + 'static {
	/// The open panel on this worker's answer to `job`; `None` when there is none, or its seed is not yet known.
	fn panel(&self, job: JobId) -> impl Future<Output = Result<Option<OpenPanel>, Unreadable>> + Send;

	/// The draw key of `who`; `None` when it is no active validator that offers the checkpoint of `job`.
	fn draw_key(
		&self,
		who: AccountId,
		job: JobId,
	) -> impl Future<Output = Result<Option<DrawKey>, Unreadable>> + Send;

	/// The content key of `job`, unwrapped from its input; `None` when the job is not sealed.
	fn content_key(&self, job: JobId) -> impl Future<Output = Result<Option<ContentKey>, Unreadable>> + Send;
}

/// Why a content key is not handed out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
	/// The bytes are no request.
	#[error("this is no key request of version 1: it has 225 bytes, the first of which is 1")]
	Malformed,
	/// The body is too long or did not come in time.
	#[error("the request did not arrive whole: it has 225 bytes and 10 seconds to come")]
	Incomplete,
	/// Somebody else signed it, or for something else.
	#[error("the signature is not the validator's over this job, this worker and this chain")]
	BadSignature,
	/// The account asks too often.
	#[error("asked too often: at most 8 times a minute")]
	TooOften,
	/// Too many ask at a time.
	#[error("too many ask at once: try again")]
	Busy,
	/// No panel checks this worker's answer to the job now.
	#[error("no panel is open on this worker's answer to this job; right after an answer, try again a block later")]
	NoPanel,
	/// The account has no seat on this panel.
	#[error("not drawn on this panel: no validator of its checkpoint since before the answer, or outside the window")]
	NotDrawn,
	/// The job is not sealed.
	#[error("this job is not sealed: its input is there for everybody")]
	NotSealed,
	/// The worker can't read what it has to.
	#[error("the worker can't read the chain or the job's input now: try again")]
	Unreadable,
	/// Nobody hands out keys here: a validator's store, or a worker that is starting.
	#[error(
		"no content keys are handed out here: ask the job's worker, and try again if it has just started"
	)]
	NotServing,
	/// The key that the content key should be wrapped for is none.
	#[error("the request names a key that nothing can be wrapped for: make a new one")]
	BadKey,
}

/// Hands out content keys: to validators that are drawn on an open panel, to nobody else.
pub struct KeyDesk<C> {
	keys: Keys,
	genesis: [u8; 32],
	casebook: C,
	limit: Limit,
	readers: Semaphore,
}

impl<C: Casebook> KeyDesk<C> {
	/// The desk of the worker with `keys` on the chain whose first block is `genesis`.
	pub fn new(keys: Keys, genesis: [u8; 32], casebook: C) -> Self {
		let limit = Limit::new(REQUESTS, PERIOD, ACCOUNTS);
		Self { keys, genesis, casebook, limit, readers: Semaphore::new(READERS) }
	}

	/// Grants a request for the content key of `job`, or says why not. What costs nothing is looked at first: the
	/// chain is read for signed requests only, a bounded number at a time.
	pub async fn grant(&self, job: JobId, request: &KeyRequest) -> Result<KeyGrant, Refusal> {
		let asked = Asked { genesis: self.genesis, job, worker: self.keys.account() };
		if !request.is_signed(&asked) {
			return Err(Refusal::BadSignature);
		}
		let validator = request.account();
		if !self.limit.admits(&validator, Instant::now()) {
			return Err(Refusal::TooOften);
		}
		let _reader = self.readers.try_acquire().map_err(|_| Refusal::Busy)?;
		let unreadable = |error| {
			tracing::warn!(%job, %validator, %error, "a key request could not be judged");
			Refusal::Unreadable
		};
		let panel = self.casebook.panel(job).await.map_err(unreadable)?.ok_or(Refusal::NoPanel)?;
		let key = self.casebook.draw_key(validator, job).await.map_err(unreadable)?;
		let has_seat = key.filter(|key| key.since < panel.opened).is_some_and(|key| {
			let output = verify_draw(&key.public, &panel.seed, &request.draw);
			output.is_some_and(|output| {
				let number = draw_number(output, &validator.0);
				is_drawn(number, panel.size, panel.validators, panel.window)
			})
		});
		if !has_seat {
			return Err(Refusal::NotDrawn);
		}
		let key = self.casebook.content_key(job).await.map_err(unreadable)?.ok_or(Refusal::NotSealed)?;
		let grant = KeyGrant::new(&self.keys, &asked, request, &key).map_err(|error| match error {
			SealError::WeakKey => Refusal::BadKey,
			error => unreadable(Unreadable(error.to_string())),
		})?;
		tracing::info!(%job, %validator, "content key handed out");
		Ok(grant)
	}
}

/// The first eight output bytes of a draw on a panel's seed; `None` when it was not made with that key.
fn verify_draw(key: &[u8; 32], seed: &[u8; 32], draw: &Draw) -> Option<u64> {
	let message = draw_message(seed);
	let transcript = VrfTranscript::new(DRAW_LABEL, &[(DRAW_LABEL, &message)]);
	let signature = VrfSignature {
		pre_output: VrfPreOutput::decode(&mut &draw.pre_output[..]).ok()?,
		proof: VrfProof::decode(&mut &draw.proof[..]).ok()?,
	};
	let public = sr25519::Public::from_raw(*key);
	let output = public.make_bytes(DRAW_CONTEXT, &transcript, &signature.pre_output).ok()?;
	public.vrf_verify(&VrfSignData::new(transcript), &signature).then(|| u64::from_le_bytes(output))
}

#[cfg(test)]
pub(super) mod tests {
	use super::{
		super::{seal_prompt, Context, Envelope, OpenedJob, SealKey},
		*,
	};
	use std::sync::Mutex;

	pub(crate) const JOB: JobId = JobId(7);
	pub(crate) const GENESIS: [u8; 32] = [1; 32];
	pub(crate) const SEED: [u8; 32] = [5; 32];

	/// A chain with one panel, on the answer of Alice to a sealed job, of which Bob is the only validator.
	pub(crate) struct Book {
		pub panel: Mutex<Option<OpenPanel>>,
		pub bob: Mutex<DrawKey>,
		pub key: Option<ContentKey>,
		pub down: bool,
	}

	impl Casebook for Book {
		async fn panel(&self, job: JobId) -> Result<Option<OpenPanel>, Unreadable> {
			match self.down {
				true => Err(Unreadable("no node".into())),
				false => Ok(self.panel.lock().unwrap().filter(|_| job == JOB)),
			}
		}

		async fn draw_key(&self, who: AccountId, _: JobId) -> Result<Option<DrawKey>, Unreadable> {
			let bob = *self.bob.lock().unwrap();
			Ok((who == Keys::from_suri("//Bob").unwrap().account()).then_some(bob))
		}

		async fn content_key(&self, _: JobId) -> Result<Option<ContentKey>, Unreadable> {
			Ok(self.key.clone())
		}
	}

	pub(crate) fn alice() -> Keys {
		Keys::from_suri("//Alice").unwrap()
	}

	pub(crate) fn bob() -> Keys {
		Keys::from_suri("//Bob").unwrap()
	}

	pub(crate) fn asked() -> Asked {
		Asked { genesis: GENESIS, job: JOB, worker: alice().account() }
	}

	/// A prompt that Charlie sealed for Alice, and what Alice knows of it.
	pub(crate) fn book() -> (Envelope, Book) {
		let charlie = Keys::from_suri("//Charlie").unwrap();
		let context = Context { genesis: GENESIS, requester: charlie.account() };
		let envelope =
			seal_prompt(charlie.seal(), &alice().seal().public(), &context, b"the prompt").unwrap();
		let opened = OpenedJob::open(alice().seal(), &context, envelope.commitment, &envelope.bytes).unwrap();
		let panel = OpenPanel { seed: SEED, size: 1, validators: 1, window: 0, opened: 10 };
		let book = Book {
			panel: Mutex::new(Some(panel)),
			bob: Mutex::new(DrawKey { public: bob().draw_key(), since: 9 }),
			key: Some(opened.content_key().clone()),
			down: false,
		};
		(envelope, book)
	}

	fn request(keys: &Keys) -> (SealKey, KeyRequest) {
		let reader = SealKey::random().unwrap();
		let request = KeyRequest::new(keys, &asked(), reader.public(), keys.draw(&SEED).0);
		(reader, request)
	}

	async fn ask(book: Book, request: &KeyRequest) -> Result<KeyGrant, Refusal> {
		KeyDesk::new(alice(), GENESIS, book).grant(JOB, request).await
	}

	#[tokio::test]
	async fn key_should_be_handed_out_when_the_validator_is_drawn() {
		let (envelope, book) = book();
		let (reader, request) = request(&bob());
		let grant = ask(book, &request).await.unwrap();
		assert!(grant.is_signed(&asked(), &request));
		let key = grant.open(&asked(), &request, &reader).unwrap();
		let opened = OpenedJob::open_with(key, envelope.commitment, &envelope.bytes).unwrap();
		assert_eq!(opened.prompt(), b"the prompt");
	}

	#[tokio::test]
	async fn key_should_be_refused_when_the_account_has_no_seat() {
		let charlie = Keys::from_suri("//Charlie").unwrap();
		let refused = |request: KeyRequest, change: fn(&Book)| async move {
			let (_, book) = book();
			change(&book);
			ask(book, &request).await.unwrap_err()
		};
		let bobs = || request(&bob()).1;
		assert_eq!(refused(request(&charlie).1, |_| {}).await, Refusal::NotDrawn);
		let borrowed = KeyRequest::new(&bob(), &asked(), bobs().reader, charlie.draw(&SEED).0);
		assert_eq!(refused(borrowed, |_| {}).await, Refusal::NotDrawn);
		let stale = KeyRequest::new(&bob(), &asked(), bobs().reader, bob().draw(&[6; 32]).0);
		assert_eq!(refused(stale, |_| {}).await, Refusal::NotDrawn);
		let crowded = |book: &Book| {
			let mut panel = book.panel.lock().unwrap();
			*panel = panel.map(|panel| OpenPanel { validators: u32::MAX, ..panel });
		};
		assert_eq!(refused(bobs(), crowded).await, Refusal::NotDrawn);
		assert_eq!(refused(bobs(), |book| book.bob.lock().unwrap().since = 10).await, Refusal::NotDrawn);
		assert_eq!(refused(bobs(), |book| *book.panel.lock().unwrap() = None).await, Refusal::NoPanel);
	}

	#[tokio::test]
	async fn key_should_be_refused_when_the_request_or_the_worker_is_not_in_order() {
		let (_, request) = request(&bob());
		let elsewhere = KeyDesk::new(alice(), [2; 32], book().1);
		assert_eq!(elsewhere.grant(JOB, &request).await, Err(Refusal::BadSignature));
		let desk = KeyDesk::new(alice(), GENESIS, book().1);
		assert_eq!(desk.grant(JobId(8), &request).await, Err(Refusal::BadSignature));
		assert_eq!(ask(Book { down: true, ..book().1 }, &request).await, Err(Refusal::Unreadable));
		assert_eq!(ask(Book { key: None, ..book().1 }, &request).await, Err(Refusal::NotSealed));
		let weak = KeyRequest::new(&bob(), &asked(), super::super::SealPublic([0; 32]), request.draw);
		assert_eq!(ask(book().1, &weak).await, Err(Refusal::BadKey));
	}

	#[tokio::test]
	async fn key_should_be_refused_when_too_many_ask_at_once() {
		let (_, request) = request(&bob());
		let desk = KeyDesk::new(alice(), GENESIS, book().1);
		let others = desk.readers.try_acquire_many(READERS as u32).unwrap();
		assert_eq!(desk.grant(JOB, &request).await, Err(Refusal::Busy));
		drop(others);
		assert!(desk.grant(JOB, &request).await.is_ok());
	}

	#[tokio::test]
	async fn key_should_be_refused_when_the_validator_asks_too_often() {
		let (_, request) = request(&bob());
		let desk = KeyDesk::new(alice(), GENESIS, book().1);
		for _ in 0..REQUESTS {
			assert!(desk.grant(JOB, &request).await.is_ok());
		}
		assert_eq!(desk.grant(JOB, &request).await, Err(Refusal::TooOften));
	}
}
