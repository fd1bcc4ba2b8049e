//! The endpoint `POST /key/{job}`, which a worker serves beside its store.

use super::{desk::Casebook, KeyDesk, KeyRequest, Refusal, REQUEST_BYTES};
use crate::reception::Reception;
use axum::{
	body::{to_bytes, Body},
	extract::{Path, State},
	http::{header, StatusCode},
	response::{IntoResponse, Response},
	routing::post,
	Router,
};
use codec::Encode;
use noesis_primitives::JobId;
use std::time::Duration;

/// How long a request's body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The endpoint: takes a [`KeyRequest`], gives a [`KeyGrant`](super::KeyGrant) or says why not.
pub fn router<C: Casebook>(reception: Reception<KeyDesk<C>>) -> Router {
	Router::new().route("/key/{job}", post(grant::<C>)).with_state(reception)
}

async fn grant<C: Casebook>(
	State(reception): State<Reception<KeyDesk<C>>>,
	Path(job): Path<u64>,
	body: Body,
) -> Result<Response, Refusal> {
	let desk = reception.server().ok_or(Refusal::NotServing)?;
	let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, REQUEST_BYTES)).await;
	let body = body.map_err(|_| Refusal::Incomplete)?.map_err(|_| Refusal::Incomplete)?;
	let request = KeyRequest::from_bytes(&body).ok_or(Refusal::Malformed)?;
	let grant = desk.grant(JobId(job), &request).await?;
	Ok(([(header::CONTENT_TYPE, "application/octet-stream")], grant.encode()).into_response())
}

impl IntoResponse for Refusal {
	fn into_response(self) -> Response {
		let status = match self {
			Self::Malformed | Self::Incomplete | Self::BadKey => StatusCode::BAD_REQUEST,
			Self::BadSignature => StatusCode::UNAUTHORIZED,
			Self::NotDrawn => StatusCode::FORBIDDEN,
			Self::NoPanel | Self::NotSealed => StatusCode::NOT_FOUND,
			Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
			Self::Busy | Self::NotServing | Self::Unreadable => StatusCode::SERVICE_UNAVAILABLE,
		};
		(status, self.to_string()).into_response()
	}
}

#[cfg(test)]
pub(super) mod tests {
	use super::{
		super::desk::tests::{alice, asked, bob, book, Book, GENESIS, SEED},
		super::SealKey,
		*,
	};
	use std::sync::Arc;
	use tokio::net::TcpListener;

	/// Serves Alice's desk over `book`; gives its base URL.
	pub(crate) async fn serve(book: Book) -> String {
		let (reception, desk) = (Reception::default(), Arc::new(KeyDesk::new(alice(), GENESIS, book)));
		reception.open(&desk);
		let base = serve_router(router(reception)).await;
		// The worker holds its desk as long as it runs.
		tokio::spawn(async move {
			std::future::pending::<()>().await;
			drop(desk);
		});
		base
	}

	pub(crate) async fn serve_router(router: Router) -> String {
		let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
		let base = format!("http://{}", listener.local_addr().unwrap());
		tokio::spawn(async move { axum::serve(listener, router).await });
		base
	}

	async fn status(base: &str, path: &str, body: Vec<u8>) -> u16 {
		let client = reqwest::Client::new();
		client.post(format!("{base}{path}")).body(body).send().await.unwrap().status().as_u16()
	}

	#[tokio::test]
	async fn endpoint_should_answer_with_a_status_whatever_comes() {
		let base = serve(book().1).await;
		let reader = SealKey::random().unwrap().public();
		let request = super::super::KeyRequest::new(&bob(), &asked(), reader, bob().draw(&SEED).0).encode();
		assert_eq!(status(&base, "/key/7", request.clone()).await, 200);
		assert_eq!(status(&base, "/key/8", request.clone()).await, 401);
		assert_eq!(status(&base, "/key/-1", request.clone()).await, 400);
		assert_eq!(status(&base, "/key/7", Vec::new()).await, 400);
		assert_eq!(status(&base, "/key/7", vec![0; REQUEST_BYTES]).await, 400);
		assert_eq!(status(&base, "/key/7", vec![1; REQUEST_BYTES]).await, 401);
		assert_eq!(status(&base, "/key/7", request[..100].to_vec()).await, 400);
		assert_eq!(status(&base, "/key/7", vec![1; 5 << 20]).await, 400);
		let codes = [
			(Refusal::NotDrawn, 403),
			(Refusal::NoPanel, 404),
			(Refusal::NotSealed, 404),
			(Refusal::TooOften, 429),
			(Refusal::Busy, 503),
			(Refusal::NotServing, 503),
		];
		for (refusal, code) in codes {
			assert_eq!(refusal.into_response().status().as_u16(), code);
		}
		let shut = serve_router(router(Reception::<KeyDesk<Book>>::default())).await;
		assert_eq!(status(&shut, "/key/7", request).await, 503);
	}
}
