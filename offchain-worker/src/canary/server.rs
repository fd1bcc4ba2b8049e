//! What an accomplice serves beside its store.
//!
//! | | body | answer |
//! |---|---|---|
//! | `POST /canary` | [`Arrangement`] | nothing |
//! | `GET /openings/{job}/{positions}` | | leaves of an answer's trace, at positions divided by commas |
//!
//! Bodies are SCALE; what is refused is answered with a status and a text that says why.

use super::{Accomplice, Arrangement, Refusal};
use axum::{
	body::Bytes,
	extract::{DefaultBodyLimit, Path, State},
	http::{header, StatusCode},
	response::{IntoResponse, Response},
	routing::{get, post},
	Router,
};
use codec::{DecodeAll, Encode};
use noesis_primitives::JobId;
use std::sync::{Arc, OnceLock, Weak};

/// Longest body.
const LIMIT: usize = 1024;

/// Stands for the accomplice before there is one.
#[derive(Clone, Default)]
pub struct Desk {
	accomplice: Arc<OnceLock<Weak<Accomplice>>>,
}

impl Desk {
	/// Serves for `accomplice` from now on, as long as somebody holds it. The first counts.
	pub fn open(&self, accomplice: &Arc<Accomplice>) {
		let _ = self.accomplice.set(Arc::downgrade(accomplice));
	}

	fn accomplice(&self) -> Result<Arc<Accomplice>, Refusal> {
		self.accomplice.get().and_then(Weak::upgrade).ok_or(Refusal::NotServing)
	}
}

/// The endpoints.
pub fn router(desk: Desk) -> Router {
	Router::new()
		.route("/canary", post(arrange).layer(DefaultBodyLimit::max(LIMIT)))
		.route("/openings/{job}/{positions}", get(openings))
		.with_state(desk)
}

async fn arrange(State(desk): State<Desk>, body: Bytes) -> Result<StatusCode, Refusal> {
	let accomplice = desk.accomplice()?;
	let arrangement = Arrangement::decode_all(&mut &body[..]).map_err(|_| Refusal::Malformed)?;
	let taken = tokio::task::spawn_blocking(move || accomplice.take(arrangement));
	taken.await.map_err(|_| Refusal::Failed)??;
	Ok(StatusCode::NO_CONTENT)
}

async fn openings(
	State(desk): State<Desk>,
	Path((job, positions)): Path<(u64, String)>,
) -> Result<Response, Refusal> {
	let accomplice = desk.accomplice()?;
	let positions: Result<Vec<u32>, _> = positions.split(',').map(str::parse).collect();
	let positions = positions.map_err(|_| Refusal::TooMany)?;
	let openings = accomplice.openings(JobId(job), positions).await?;
	Ok(([(header::CONTENT_TYPE, "application/octet-stream")], openings.encode()).into_response())
}

impl IntoResponse for Refusal {
	fn into_response(self) -> Response {
		let status = match self {
			Self::Malformed | Self::TooMany => StatusCode::BAD_REQUEST,
			Self::BadSignature => StatusCode::UNAUTHORIZED,
			Self::Stranger | Self::OtherWorker => StatusCode::FORBIDDEN,
			Self::NoAnswer => StatusCode::NOT_FOUND,
			Self::Unfit => StatusCode::UNPROCESSABLE_ENTITY,
			Self::NotServing => StatusCode::SERVICE_UNAVAILABLE,
			Self::Disk(_) | Self::Failed => {
				tracing::error!(error = %self, "an arrangement failed");
				StatusCode::INTERNAL_SERVER_ERROR
			},
		};
		(status, self.to_string()).into_response()
	}
}
