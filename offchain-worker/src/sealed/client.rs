//! The validator's side of an audit: gets the content key from the worker, and opens the job with it.

use super::{Asked, KeyGrant, KeyRequest, OpenError, OpenedJob, SealError, SealKey, GRANT_BYTES};
use crate::keys::Keys;
use codec::Encode;
use noesis_primitives::{ContentHash, Draw};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a worker is asked.
const ATTEMPTS: u32 = 5;
/// Time between two questions: the worker may be a block behind.
const PAUSE: Duration = Duration::from_secs(4);
/// Most bytes of a refusal that are read.
const MAX_REASON: usize = 512;

/// Why a sealed job can't be checked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
	/// There is no HTTP client.
	#[error("HTTP client: {0}")]
	Client(reqwest::Error),
	/// No key for the answer could be made.
	#[error(transparent)]
	Seal(#[from] SealError),
	/// The worker does not hand out the content key, or another one: the job's data are withheld. No verdict is given
	/// on what nobody can check, and without verdicts the worker is not paid.
	#[error("the worker withholds the content key ({url}): {reason}")]
	Withheld {
		/// Where it was asked for.
		url: String,
		/// What came instead.
		reason: String,
	},
	/// The worker's key is right, and the job can't be checked with it.
	#[error(transparent)]
	Requester(OpenError),
}

/// A sealed job on whose panel a validator was drawn.
#[derive(Clone, Copy)]
pub struct Audit<'a> {
	/// The validator's keys.
	pub keys: &'a Keys,
	/// What is asked of whom.
	pub asked: Asked,
	/// Base URL of the worker's store.
	pub endpoint: &'a str,
	/// The validator's draw on the panel.
	pub draw: &'a Draw,
	/// What the job commits to.
	pub committed: ContentHash,
	/// The job's input.
	pub input: &'a [u8],
}

/// Asks workers for content keys.
#[derive(Clone, Debug)]
pub struct KeyClient {
	client: reqwest::Client,
	attempts: u32,
	pause: Duration,
}

impl KeyClient {
	/// A client that follows no redirects.
	pub fn new() -> Result<Self, KeyError> {
		let client = reqwest::Client::builder()
			.redirect(reqwest::redirect::Policy::none())
			.connect_timeout(CONNECT_TIMEOUT)
			.timeout(TIMEOUT)
			.build()
			.map_err(KeyError::Client)?;
		Ok(Self { client, attempts: ATTEMPTS, pause: PAUSE })
	}

	/// The same client, which asks at most `attempts` times, with a `pause` between.
	pub fn with_patience(self, attempts: u32, pause: Duration) -> Self {
		Self { attempts, pause, ..self }
	}

	/// Gets the content key of a job from its worker, and opens the job.
	pub async fn open(&self, audit: &Audit<'_>) -> Result<OpenedJob, KeyError> {
		let url = format!("{}/key/{}", audit.endpoint.trim_end_matches('/'), audit.asked.job);
		let withheld = |reason: String| KeyError::Withheld { url: url.clone(), reason };
		let is_http =
			reqwest::Url::parse(audit.endpoint).is_ok_and(|url| url.scheme() == "http" && url.has_host());
		if !is_http {
			return Err(withheld(format!("`{}` is not the base URL of a store", audit.endpoint)));
		}
		let reader = SealKey::random()?;
		let request = KeyRequest::new(audit.keys, &audit.asked, reader.public(), audit.draw.clone());
		let body = request.encode();
		let mut failure = String::from("it was not asked");
		for attempt in 0..self.attempts {
			if attempt > 0 {
				tokio::time::sleep(self.pause).await;
			}
			let bytes = match self.post(&url, &body).await {
				Ok(bytes) => bytes,
				Err(reason) => {
					failure = reason;
					continue;
				},
			};
			// What the worker has not signed may come from anybody on the way.
			let grant = KeyGrant::from_bytes(&bytes).filter(|grant| grant.is_signed(&audit.asked, &request));
			let Some(grant) = grant else {
				failure = "the answer is no grant that the worker signed".into();
				continue;
			};
			let key = grant
				.open(&audit.asked, &request, &reader)
				.ok_or_else(|| withheld("the worker signed a grant that does not open".into()))?;
			return OpenedJob::open_with(key, audit.committed, audit.input).map_err(|error| match error {
				OpenError::WrongKey => withheld("the worker signed a grant of another key".into()),
				error => KeyError::Requester(error),
			});
		}
		Err(withheld(failure))
	}

	/// The body of a grant, or why there is none.
	async fn post(&self, url: &str, body: &[u8]) -> Result<Vec<u8>, String> {
		let broken = |error: reqwest::Error| {
			let source = std::error::Error::source(&error).map(ToString::to_string);
			source.unwrap_or_else(|| error.to_string())
		};
		let mut response = self.client.post(url).body(body.to_vec()).send().await.map_err(broken)?;
		let status = response.status();
		let limit = if status.is_success() { GRANT_BYTES } else { MAX_REASON };
		let mut bytes = Vec::new();
		while let Some(chunk) = response.chunk().await.map_err(broken)? {
			bytes.extend_from_slice(&chunk);
			if bytes.len() > limit {
				break;
			}
		}
		match status.is_success() {
			true => Ok(bytes),
			false => {
				bytes.truncate(limit);
				Err(format!("{status}: {}", String::from_utf8_lossy(&bytes).escape_debug()))
			},
		}
	}
}

#[cfg(test)]
mod tests {
	use super::{
		super::{
			desk::tests::{alice, asked, bob, book, Book, SEED},
			server::tests::{serve, serve_router},
			ContentKey,
		},
		*,
	};
	use axum::{body::Bytes, routing::post, Router};

	async fn audit(endpoint: &str, committed: ContentHash, input: &[u8]) -> Result<OpenedJob, KeyError> {
		let (keys, (draw, _)) = (bob(), bob().draw(&SEED));
		let audit = Audit { keys: &keys, asked: asked(), endpoint, draw: &draw, committed, input };
		KeyClient::new().unwrap().with_patience(2, Duration::from_millis(5)).open(&audit).await
	}

	fn reason(result: Result<OpenedJob, KeyError>) -> String {
		match result {
			Err(KeyError::Withheld { reason, .. }) => reason,
			other => panic!("expected withheld data, not {other:?}"),
		}
	}

	#[tokio::test]
	async fn job_should_open_when_the_worker_is_honest() {
		let (envelope, book) = book();
		let base = serve(book).await;
		let opened = audit(&base, envelope.commitment, &envelope.bytes).await.unwrap();
		assert_eq!(opened.prompt(), b"the prompt");
		let with_slash = format!("{base}/");
		assert!(audit(&with_slash, envelope.commitment, &envelope.bytes).await.is_ok());
	}

	#[tokio::test]
	async fn requester_should_be_named_when_the_commitment_is_wrong() {
		let (envelope, book) = book();
		let base = serve(book).await;
		let result = audit(&base, ContentHash([0; 32]), &envelope.bytes).await;
		assert!(matches!(result, Err(KeyError::Requester(OpenError::Commitment))), "{result:?}");
	}

	#[tokio::test]
	async fn data_should_be_withheld_when_the_worker_refuses_or_is_away() {
		let (envelope, shut) = book();
		*shut.panel.lock().unwrap() = None;
		let base = serve(shut).await;
		let result = audit(&base, envelope.commitment, &envelope.bytes).await;
		assert!(reason(result).contains("no panel is open"));
		for endpoint in ["http://127.0.0.1:1", "file:///etc", ""] {
			reason(audit(endpoint, envelope.commitment, &envelope.bytes).await);
		}
	}

	#[tokio::test]
	async fn data_should_be_withheld_when_the_worker_grants_another_key() {
		let (envelope, book) = book();
		let liar = serve(Book { key: Some(ContentKey::from_bytes([3; 32])), ..book }).await;
		let result = audit(&liar, envelope.commitment, &envelope.bytes).await;
		assert!(reason(result).contains("another key"));
	}

	#[tokio::test]
	async fn grant_should_be_refused_when_somebody_else_signed_it() {
		let (envelope, book) = book();
		let key = book.key.unwrap();
		let between = move |body: Bytes| async move {
			let request = KeyRequest::from_bytes(&body).unwrap();
			KeyGrant::new(&bob(), &asked(), &request, &key).unwrap().encode()
		};
		let base = serve_router(Router::new().route("/key/{job}", post(between))).await;
		let result = audit(&base, envelope.commitment, &envelope.bytes).await;
		assert!(reason(result).contains("no grant that the worker signed"));
		assert_ne!(alice().account(), bob().account());
		let endless = Router::new().route("/key/{job}", post(|| async { vec![1u8; 1 << 20] }));
		let base = serve_router(endless).await;
		reason(audit(&base, envelope.commitment, &envelope.bytes).await);
	}
}
