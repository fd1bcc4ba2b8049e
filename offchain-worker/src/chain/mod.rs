//! The chain as this process sees it: one connection that heals itself, reads at a block, and one submitter
//! per key.

mod call;
mod error;
mod heads;
mod reads;
mod submit;

pub use call::Call;
pub use error::{ChainError, SubmitError};
pub use heads::{BlockRef, Heads};
pub use reads::AccountBalance;
pub use submit::{calls, results, Event, ExtrinsicResult, Included, Submitter};

use std::{sync::Arc, time::Duration};
use subxt::{
	backend::LegacyBackend,
	config::{HashFor, RpcConfigFor},
	rpcs::{
		client::reconnecting_rpc_client::{ExponentialBackoff, RpcClient as Reconnecting},
		LegacyRpcMethods, RpcClient,
	},
	OnlineClient, PolkadotConfig,
};
use tokio::{sync::watch, task::AbortHandle};

type Config = PolkadotConfig;
type Rpc = LegacyRpcMethods<RpcConfigFor<Config>>;

/// Hash of a block.
pub type BlockHash = HashFor<Config>;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest pause between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// A connection to a node. Clones share it.
#[derive(Clone)]
pub struct Chain {
	inner: Arc<Inner>,
}

struct Inner {
	url: String,
	client: OnlineClient<Config>,
	rpc: Rpc,
	heads: watch::Receiver<Heads>,
	watcher: AbortHandle,
}

impl Drop for Inner {
	fn drop(&mut self) {
		self.watcher.abort();
	}
}

impl Chain {
	/// Connects, or says within `patience` why it can't. Once connected, lost connections are made again.
	pub async fn connect(url: &str, patience: Duration) -> Result<Self, ChainError> {
		let unreachable = |reason: String| ChainError::Unreachable { url: url.to_owned(), reason };
		let pauses = ExponentialBackoff::from_millis(2).factor(100).max_delay(MAX_PAUSE);
		let connecting = Reconnecting::builder()
			.retry_policy(pauses)
			.request_timeout(REQUEST_TIMEOUT)
			.build(url.to_owned());
		let connection = tokio::time::timeout(patience, connecting)
			.await
			.map_err(|_| unreachable(format!("nothing after {} s", patience.as_secs())))?
			.map_err(|error| unreachable(error.to_string()))?;
		let connection = RpcClient::new(connection);
		let rpc = Rpc::new(connection.clone());
		let backend = LegacyBackend::<Config>::builder().build(connection);
		let config = Config::builder().use_historic_types(false).build();
		let client = OnlineClient::from_backend_with_config(config, Arc::new(backend))
			.await
			.map_err(|error| unreachable(error.to_string()))?;
		let (heads, watcher) = heads::watch(url.to_owned(), rpc.clone()).await?;
		Ok(Self { inner: Arc::new(Inner { url: url.to_owned(), client, rpc, heads, watcher }) })
	}

	/// Where the node is.
	pub fn url(&self) -> &str {
		&self.inner.url
	}

	/// The newest blocks; follow them with [`watch::Receiver::changed`].
	pub fn heads(&self) -> watch::Receiver<Heads> {
		self.inner.heads.clone()
	}

	/// The newest block.
	pub fn best(&self) -> BlockRef {
		self.inner.heads.borrow().best
	}

	/// The newest block that stays.
	pub fn finalized(&self) -> BlockRef {
		self.inner.heads.borrow().finalized
	}

	/// Hash of the first block: the chain's identity.
	pub fn genesis(&self) -> BlockHash {
		self.inner.client.genesis_hash()
	}

	pub(crate) fn client(&self) -> &OnlineClient<Config> {
		&self.inner.client
	}

	pub(crate) fn rpc(&self) -> &Rpc {
		&self.inner.rpc
	}
}
