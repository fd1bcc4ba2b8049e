//! What an accomplice serves beside its store.
//!
//! | | body | answer |
//! |---|---|---|
//! | `POST /canary` | [`Arrangement`] | nothing |
//! | `GET /openings/{job}/{positions}` | | leaves of an answer's trace, at positions divided by commas |
//!
//! Bodies are SCALE; what is refused is answered with a status and a text that says why.

use super::{Accomplice, Arrangement, Refusal};
use crate::reception::Reception;
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

/// Longest body.
const LIMIT: usize = 1024;

/// The endpoints.
pub fn router(reception: Reception<Accomplice>) -> Router {
	Router::new()
		.route("/canary", post(arrange).layer(DefaultBodyLimit::max(LIMIT)))
		.route("/openings/{job}/{positions}", get(openings))
		.with_state(reception)
}

async fn arrange(State(reception): State<Reception<Accomplice>>, body: Bytes) -> Result<StatusCode, Refusal> {
	let accomplice = reception.server().ok_or(Refusal::NotServing)?;
	let arrangement = Arrangement::decode_all(&mut &body[..]).map_err(|_| Refusal::Malformed)?;
	let taken = tokio::task::spawn_blocking(move || accomplice.take(arrangement));
	taken.await.map_err(|_| Refusal::Failed)??;
	Ok(StatusCode::NO_CONTENT)
}

async fn openings(
	State(reception): State<Reception<Accomplice>>,
	Path((job, positions)): Path<(u64, String)>,
) -> Result<Response, Refusal> {
	let accomplice = reception.server().ok_or(Refusal::NotServing)?;
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
