//! The HTTP side of a store: blobs by hash, checkpoint files by root, provisional output as it comes.

use super::{Origin, Store, StoreError, MAX_BLOB};
use crate::live::Live;
use axum::{
	body::{Body, Bytes},
	extract::{DefaultBodyLimit, Path, State},
	http::{header, StatusCode},
	response::{
		sse::{Event, KeepAlive, Sse},
		IntoResponse, Response,
	},
	routing::{get, post},
	Json, Router,
};
use futures::stream;
use noesis_primitives::{ContentHash, JobId, Root};
use std::{collections::HashMap, convert::Infallible, io, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{io::AsyncReadExt, net::TcpListener, task::JoinHandle};

/// Bytes of a checkpoint file that are read at a time.
const CHUNK: usize = 1 << 16;

/// What a store serves.
#[derive(Clone)]
pub struct StoreServer {
	/// The blobs.
	pub store: Arc<Store>,
	/// Output in the making.
	pub live: Live,
	/// Checkpoint files by weights root.
	pub checkpoints: Arc<HashMap<Root, PathBuf>>,
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Served {
	/// Where it listens.
	pub address: SocketAddr,
	task: JoinHandle<()>,
}

impl Drop for Served {
	fn drop(&mut self) {
		self.task.abort();
	}
}

/// Serves `server`, and `more` beside it, at `address`; port 0 takes a free one.
pub async fn serve(server: StoreServer, more: Router, address: SocketAddr) -> io::Result<Served> {
	let listener = TcpListener::bind(address).await?;
	let address = listener.local_addr()?;
	let task = tokio::spawn(async move {
		if let Err(error) = axum::serve(listener, router(server).merge(more)).await {
			tracing::error!(%error, "the store has stopped serving");
		}
	});
	Ok(Served { address, task })
}

fn router(server: StoreServer) -> Router {
	Router::new()
		.route("/health", get(|| async { Json(serde_json::json!({ "ok": true })) }))
		.route("/blob", post(put_blob).layer(DefaultBodyLimit::max(MAX_BLOB)))
		.route("/blob/{hash}", get(get_blob))
		.route("/checkpoint/{root}", get(get_checkpoint))
		.route("/stream/{job}", get(stream_job))
		.with_state(server)
}

impl IntoResponse for StoreError {
	fn into_response(self) -> Response {
		let status = match self {
			Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
			Self::Damaged(_) => StatusCode::NOT_FOUND,
			Self::Disk { .. } => {
				tracing::error!(error = %self, "the store failed");
				StatusCode::INTERNAL_SERVER_ERROR
			},
		};
		(status, status.canonical_reason().unwrap_or_default()).into_response()
	}
}

/// Runs what waits for the disk where waiting harms nobody.
async fn on_disk<R: Send + 'static>(
	f: impl FnOnce() -> Result<R, StoreError> + Send + 'static,
) -> Result<R, Response> {
	match tokio::task::spawn_blocking(f).await {
		Ok(result) => result.map_err(IntoResponse::into_response),
		Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
	}
}

async fn put_blob(State(server): State<StoreServer>, bytes: Bytes) -> Result<String, Response> {
	let hash = on_disk(move || server.store.put(Origin::Guest, &bytes)).await?;
	Ok(hash.to_string())
}

async fn get_blob(
	State(server): State<StoreServer>,
	Path(hash): Path<String>,
) -> Result<impl IntoResponse, Response> {
	let bad = |reason: &'static str| (StatusCode::BAD_REQUEST, reason).into_response();
	let hash: ContentHash = hash.parse().map_err(bad)?;
	let bytes = on_disk(move || server.store.get(hash)).await?;
	let bytes = bytes.ok_or_else(|| (StatusCode::NOT_FOUND, "no such blob here").into_response())?;
	Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes))
}

async fn get_checkpoint(
	State(server): State<StoreServer>,
	Path(root): Path<String>,
) -> Result<Response, (StatusCode, String)> {
	let missing = || (StatusCode::NOT_FOUND, "no such checkpoint here".to_owned());
	let root: Root = root.parse().map_err(|error: &str| (StatusCode::BAD_REQUEST, error.to_owned()))?;
	let path = server.checkpoints.get(&root).ok_or_else(missing)?;
	let file = tokio::fs::File::open(path).await.map_err(|_| missing())?;
	let len = file.metadata().await.map_err(|_| missing())?.len();
	let chunks = stream::try_unfold(file, |mut file| async move {
		let mut chunk = vec![0; CHUNK];
		let read = file.read(&mut chunk).await?;
		chunk.truncate(read);
		Ok::<_, io::Error>((read > 0).then_some((chunk, file)))
	});
	let headers = [(header::CONTENT_LENGTH, len.to_string())];
	Ok((headers, Body::from_stream(chunks)).into_response())
}

/// Server-sent events: `text` with `{"text": …}` for what is new, `done` at the end.
async fn stream_job(
	State(server): State<StoreServer>,
	Path(job): Path<u64>,
) -> Result<impl IntoResponse, (StatusCode, &'static str)> {
	let partial = server.live.follow(JobId(job)).ok_or((StatusCode::NOT_FOUND, "not computed here now"))?;
	let events = stream::unfold(Some((partial, 0usize)), |state| async move {
		let (mut partial, sent) = state?;
		loop {
			let (text, done) = {
				let now = partial.borrow_and_update();
				(whole_text(now.bytes.get(sent..).unwrap_or_default(), now.done), now.done)
			};
			if !text.is_empty() {
				let sent = sent.saturating_add(text.len());
				let data = serde_json::json!({ "text": String::from_utf8_lossy(&text) }).to_string();
				return Some((
					Ok::<_, Infallible>(Event::default().event("text").data(data)),
					Some((partial, sent)),
				));
			}
			if done || partial.changed().await.is_err() {
				return Some((Ok(Event::default().event("done").data("{}")), None));
			}
		}
	});
	Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// The part of `bytes` that ends at a character's end; all of it when no more will come.
fn whole_text(bytes: &[u8], done: bool) -> Vec<u8> {
	let end = match std::str::from_utf8(bytes) {
		Err(error) if !done && error.error_len().is_none() => error.valid_up_to(),
		_ => bytes.len(),
	};
	bytes.get(..end).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::store::{FetchError, Fetcher};
	use noesis_primitives::Payload;

	async fn server(dir: &std::path::Path) -> (Served, Live, String) {
		let store = Arc::new(Store::open(dir, 10 << 20).unwrap());
		let live = Live::default();
		let server = StoreServer { store, live: live.clone(), checkpoints: Default::default() };
		let served = serve(server, Router::new(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
		let base = format!("http://{}", served.address);
		(served, live, base)
	}

	#[tokio::test]
	async fn blob_should_be_checked_when_it_moves() {
		let dir = tempfile::tempdir().unwrap();
		let (_served, _, base) = server(dir.path()).await;
		let fetcher = Fetcher::new().unwrap();
		assert!(fetcher.is_there(&base).await);
		assert!(!fetcher.is_there("http://127.0.0.1:1").await && !fetcher.is_there("").await);
		let hash = fetcher.upload(&base, b"some input").await.unwrap();
		assert_eq!(fetcher.blob(&base, hash, 10).await.unwrap(), b"some input");
		assert!(matches!(fetcher.blob(&base, hash, 9).await, Err(FetchError::TooLong { .. })));
		assert!(matches!(fetcher.blob(&base, hash, 11).await, Err(FetchError::WrongContent { .. })));
		let other = ContentHash::of(b"x");
		assert!(matches!(fetcher.blob(&base, other, 1).await, Err(FetchError::Unavailable { .. })));
		assert!(matches!(fetcher.blob("file:///etc", other, 1).await, Err(FetchError::BadLocator(_))));
		assert!(matches!(
			fetcher.upload(&base, &vec![0; MAX_BLOB + 1]).await,
			Err(FetchError::Unavailable { .. })
		));

		let locator = base.clone().into_bytes().try_into().unwrap();
		let payload = Payload::Stored { hash, len: 10, locator };
		assert_eq!(fetcher.payload(&payload, &[]).await.unwrap(), b"some input");
		let nowhere = Payload::Stored { hash, len: 10, locator: Default::default() };
		assert!(matches!(fetcher.payload(&nowhere, &[]).await, Err(FetchError::Nowhere(_))));
		assert_eq!(fetcher.payload(&nowhere, &[base]).await.unwrap(), b"some input");
	}

	#[tokio::test]
	async fn wrong_bytes_should_be_refused_when_a_store_lies() {
		let lie = Router::new().route("/blob/{hash}", get(|| async { "not what you wanted" }));
		let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
		let base = format!("http://{}", listener.local_addr().unwrap());
		tokio::spawn(async move { axum::serve(listener, lie).await });
		let fetcher = Fetcher::new().unwrap();
		let result = fetcher.blob(&base, ContentHash::of(b"truth"), 100).await;
		assert!(matches!(result, Err(FetchError::WrongContent { .. })));
	}

	#[tokio::test]
	async fn stream_should_carry_everything_when_joined_late() {
		let dir = tempfile::tempdir().unwrap();
		let (_served, live, base) = server(dir.path()).await;
		let fetcher = Fetcher::new().unwrap();
		assert!(fetcher.stream(&base, JobId(3)).await.is_err());
		live.begin(JobId(3));
		live.push(JobId(3), "caf\u{e9}".as_bytes().get(..4).unwrap());
		let response = fetcher.stream(&base, JobId(3)).await.unwrap();
		live.push(JobId(3), &[0xa9]);
		live.end(JobId(3));
		let text = response.text().await.unwrap();
		assert!(text.contains("event: done"), "{text}");
		let parts: String = text
			.lines()
			.filter_map(|line| line.strip_prefix("data: "))
			.filter_map(|data| {
				serde_json::from_str::<serde_json::Value>(data).ok()?["text"].as_str().map(str::to_owned)
			})
			.collect();
		assert_eq!(parts, "caf\u{e9}");
	}
}
