//! Gets blobs from other stores, and checks what comes.

use super::MAX_OWN_BLOB;
use noesis_primitives::{ContentHash, Locator, Payload, Root};
use std::{
	io::{self, Write},
	path::{Path, PathBuf},
	time::Duration,
};

/// How long one blob may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a store may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a blob can't be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
	/// The place is none that this process can ask.
	#[error("`{0}` is not the base URL of a store: it must start with http://")]
	BadLocator(String),
	/// No store was named.
	#[error("nobody says where blob {0} is")]
	Nowhere(ContentHash),
	/// The store does not answer, or says no.
	#[error("{url}: {reason}")]
	Unavailable {
		/// What was asked for.
		url: String,
		/// Why it did not come.
		reason: String,
	},
	/// The blob is longer than it may be.
	#[error("{url} has more than {limit} bytes")]
	TooLong {
		/// What was asked for.
		url: String,
		/// What is allowed.
		limit: usize,
	},
	/// Other bytes came than were asked for.
	#[error("{url} gave {found} instead: the store is broken or lies")]
	WrongContent {
		/// What was asked for.
		url: String,
		/// What came.
		found: String,
	},
	/// The file can't be written.
	#[error("{path}: {source}")]
	File {
		/// Which.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
}

/// Gets blobs from stores.
#[derive(Clone, Debug)]
pub struct Fetcher {
	client: reqwest::Client,
}

impl Fetcher {
	/// A fetcher that follows no redirects.
	pub fn new() -> Result<Self, FetchError> {
		let client = reqwest::Client::builder()
			.redirect(reqwest::redirect::Policy::none())
			.connect_timeout(CONNECT_TIMEOUT)
			.build()
			.map_err(|error| unavailable("HTTP client", error))?;
		Ok(Self { client })
	}

	/// The bytes of a payload: its own, or those that one of `places` or its locator has.
	pub async fn payload(&self, payload: &Payload, places: &[String]) -> Result<Vec<u8>, FetchError> {
		let (hash, len, locator) = match payload {
			Payload::Inline(bytes) => return Ok(bytes.to_vec()),
			Payload::Stored { hash, len, locator } => (*hash, *len as usize, locator),
		};
		let mut failure = FetchError::Nowhere(hash);
		let named = locator_text(locator);
		for place in std::iter::once(&named).chain(places).filter(|place| !place.is_empty()) {
			match self.blob(place, hash, len).await {
				Ok(bytes) => return Ok(bytes),
				Err(error) => failure = error,
			}
		}
		Err(failure)
	}

	/// The blob `hash`, which must have exactly `len` bytes, from the store at `base`.
	pub async fn blob(&self, base: &str, hash: ContentHash, len: usize) -> Result<Vec<u8>, FetchError> {
		let url = join(base, &format!("blob/{hash}"))?;
		if len > MAX_OWN_BLOB {
			return Err(FetchError::TooLong { url, limit: MAX_OWN_BLOB });
		}
		let request = self.client.get(&url).timeout(TIMEOUT);
		let mut response = accept(&url, request.send().await)?;
		let mut bytes = Vec::with_capacity(len);
		while let Some(chunk) = response.chunk().await.map_err(|error| unavailable(&url, error))? {
			if bytes.len().saturating_add(chunk.len()) > len {
				return Err(FetchError::TooLong { url, limit: len });
			}
			bytes.extend_from_slice(&chunk);
		}
		let found = ContentHash::of(&bytes);
		if found != hash || bytes.len() != len {
			return Err(FetchError::WrongContent { url, found: format!("{} bytes of {found}", bytes.len()) });
		}
		Ok(bytes)
	}

	/// Whether the store at `base` answers.
	pub async fn is_there(&self, base: &str) -> bool {
		let Ok(url) = join(base, "health") else { return false };
		let response = self.client.get(&url).timeout(CONNECT_TIMEOUT).send().await;
		response.is_ok_and(|response| response.status().is_success())
	}

	/// Gives a blob to the store at `base` to keep.
	pub async fn upload(&self, base: &str, bytes: &[u8]) -> Result<ContentHash, FetchError> {
		let url = join(base, "blob")?;
		let request = self.client.post(&url).timeout(TIMEOUT).body(bytes.to_vec());
		let response = accept(&url, request.send().await)?;
		let found = response.text().await.map_err(|error| unavailable(&url, error))?;
		let hash = ContentHash::of(bytes);
		if found.trim() != hash.to_string() {
			return Err(FetchError::WrongContent { url, found });
		}
		Ok(hash)
	}

	/// Writes the checkpoint file with that root, from the store at `base`, to `path`; `progress` hears how many
	/// bytes of how many there are. What the file holds is checked when it is opened.
	pub async fn checkpoint(
		&self,
		base: &str,
		weights: Root,
		path: &Path,
		mut progress: impl FnMut(u64, u64),
	) -> Result<(), FetchError> {
		let url = join(base, &format!("checkpoint/{weights}"))?;
		let mut response = accept(&url, self.client.get(&url).send().await)?;
		let total = response.content_length().unwrap_or(0);
		let file = |source| FetchError::File { path: path.into(), source };
		let unfinished = path.with_extension("part");
		let mut out = std::fs::File::create(&unfinished).map_err(file)?;
		let mut done = 0u64;
		while let Some(chunk) = response.chunk().await.map_err(|error| unavailable(&url, error))? {
			out.write_all(&chunk).map_err(file)?;
			done = done.saturating_add(chunk.len() as u64);
			progress(done, total);
		}
		std::fs::rename(&unfinished, path).map_err(file)
	}

	/// Opens the stream of a job's provisional output at the store at `base`.
	pub async fn stream(
		&self,
		base: &str,
		job: noesis_primitives::JobId,
	) -> Result<reqwest::Response, FetchError> {
		let url = join(base, &format!("stream/{job}"))?;
		accept(&url, self.client.get(&url).send().await)
	}
}

/// A locator as text; empty when it is none.
pub fn locator_text(locator: &Locator) -> String {
	String::from_utf8(locator.to_vec()).unwrap_or_default()
}

fn join(base: &str, path: &str) -> Result<String, FetchError> {
	let bad = || FetchError::BadLocator(base.to_owned());
	let parsed = reqwest::Url::parse(base).map_err(|_| bad())?;
	if parsed.scheme() != "http" || parsed.host().is_none() {
		return Err(bad());
	}
	Ok(format!("{}/{path}", base.trim_end_matches('/')))
}

fn unavailable(url: &str, reason: impl std::fmt::Display) -> FetchError {
	FetchError::Unavailable { url: url.to_owned(), reason: reason.to_string() }
}

fn accept(url: &str, answer: reqwest::Result<reqwest::Response>) -> Result<reqwest::Response, FetchError> {
	let response = answer.map_err(|error| {
		let source = std::error::Error::source(&error).map(ToString::to_string);
		unavailable(url, source.unwrap_or_else(|| error.to_string()))
	})?;
	match response.status() {
		status if status.is_success() => Ok(response),
		status => Err(unavailable(url, status)),
	}
}
