//! What a worker serves of channels beside its store.
//!
//! | | body | answer |
//! |---|---|---|
//! | `POST /channel/{id}/turn` | [`TurnRequest`] | [`TurnAnswer`](super::TurnAnswer) |
//! | `POST /channel/{id}/tally` | [`SignedTally`] of the requester | nothing |
//! | `POST /channel/{id}/close` | [`CloseRequest`] | nothing |
//!
//! Bodies are SCALE; what is refused is answered with a status and a text that says why.

use super::{wire::REQUEST_OVERHEAD, CloseRequest, Counter, Market, Refusal, SignedTally, TurnRequest};
use crate::{reception::Reception, store::MAX_BLOB};
use axum::{
	body::{to_bytes, Body},
	extract::{Path, State},
	http::{header, StatusCode},
	response::{IntoResponse, Response},
	routing::post,
	Router,
};
use codec::{DecodeAll, Encode};
use noesis_primitives::ChannelId;
use std::{future::Future, time::Duration};

/// How long a request's body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The endpoints.
pub fn router<M: Market>(reception: Reception<Counter<M>>) -> Router {
	Router::new()
		.route("/channel/{id}/turn", post(turn::<M>))
		.route("/channel/{id}/tally", post(tally::<M>))
		.route("/channel/{id}/close", post(close::<M>))
		.with_state(reception)
}

async fn turn<M: Market>(
	State(reception): State<Reception<Counter<M>>>,
	Path(id): Path<u64>,
	body: Body,
) -> Result<Response, Refusal> {
	let counter = reception.server().ok_or(Refusal::NotServing)?;
	let request: TurnRequest = read(body, MAX_BLOB.saturating_add(REQUEST_OVERHEAD)).await?;
	at(id, request.channel)?;
	let answer = through(async move { counter.serve(request).await }).await?;
	Ok(([(header::CONTENT_TYPE, "application/octet-stream")], answer.encode()).into_response())
}

async fn tally<M: Market>(
	State(reception): State<Reception<Counter<M>>>,
	Path(id): Path<u64>,
	body: Body,
) -> Result<StatusCode, Refusal> {
	let counter = reception.server().ok_or(Refusal::NotServing)?;
	let signed: SignedTally = read(body, REQUEST_OVERHEAD).await?;
	at(id, signed.tally.channel)?;
	through(async move { counter.take(signed).await }).await?;
	Ok(StatusCode::NO_CONTENT)
}

async fn close<M: Market>(
	State(reception): State<Reception<Counter<M>>>,
	Path(id): Path<u64>,
	body: Body,
) -> Result<StatusCode, Refusal> {
	let counter = reception.server().ok_or(Refusal::NotServing)?;
	let request: CloseRequest = read(body, REQUEST_OVERHEAD).await?;
	at(id, request.channel)?;
	through(async move { counter.end(request).await }).await?;
	Ok(StatusCode::NO_CONTENT)
}

async fn read<T: DecodeAll>(body: Body, limit: usize) -> Result<T, Refusal> {
	let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, limit)).await;
	let body = body.map_err(|_| Refusal::Incomplete)?.map_err(|_| Refusal::Incomplete)?;
	T::decode_all(&mut &body[..]).map_err(|_| Refusal::Malformed)
}

fn at(path: u64, channel: ChannelId) -> Result<(), Refusal> {
	match ChannelId(path) == channel {
		true => Ok(()),
		false => Err(Refusal::Malformed),
	}
}

/// Does it to the end, even if the one who asked hangs up: what is computed must be in the book.
async fn through<T: Send + 'static>(
	work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
	tokio::spawn(work).await.map_err(|_| Refusal::Broken)?
}

impl IntoResponse for Refusal {
	fn into_response(self) -> Response {
		let status = match self {
			Self::Malformed | Self::Incomplete => StatusCode::BAD_REQUEST,
			Self::BadSignature => StatusCode::UNAUTHORIZED,
			Self::NoRoom { .. } => StatusCode::PAYMENT_REQUIRED,
			Self::NoChannel(_) => StatusCode::NOT_FOUND,
			Self::NotOpen(_)
			| Self::Served { .. }
			| Self::TooFar { .. }
			| Self::Unsigned { .. }
			| Self::OtherTally(_) => StatusCode::CONFLICT,
			Self::Ending | Self::Full => StatusCode::GONE,
			Self::Unfit(_) => StatusCode::UNPROCESSABLE_ENTITY,
			Self::NotServing | Self::Chain(_) => StatusCode::SERVICE_UNAVAILABLE,
			Self::Book(_) | Self::Store(_) | Self::Execute(_) | Self::Broken => {
				tracing::error!(error = %self, "a turn failed");
				StatusCode::INTERNAL_SERVER_ERROR
			},
		};
		(status, self.to_string()).into_response()
	}
}
