//! What worker and validator have in common: a connection, a key, models, a store that is served.

use crate::{
	canary::{self, Accomplice},
	chain::{BlockRef, Chain, ChainError, Submitter},
	channel::{self, ChainMarket, Counter},
	keys::Keys,
	live::Live,
	models::{ModelError, Models},
	operator::{self, OperatorError, Profile},
	reception::Reception,
	sealed::{self, ChainBook, KeyDesk, Reader},
	store::{serve, FetchError, Fetcher, Served, Store, StoreError, StoreServer},
};
use noesis_engine::EngineOptions;
use noesis_primitives::{BlockNumber, Payload};
use std::{future::Future, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// How long a service waits for a node before it says so and waits again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Blocks between two looks at whether files have been registered meanwhile.
const REVIEW: BlockNumber = 10;

/// Why a service can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
	/// A checkpoint file is not usable.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// The store is not usable.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The address is taken or not ours.
	#[error("can't listen at {address}: {source}")]
	Listen {
		/// Where.
		address: SocketAddr,
		/// Why.
		source: io::Error,
	},
	/// No HTTP.
	#[error(transparent)]
	Fetch(#[from] FetchError),
	/// The chain could not be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The account can't take part.
	#[error(transparent)]
	Operator(#[from] OperatorError),
}

/// How a service is set up.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
	/// The node.
	pub url: String,
	/// Checkpoint files.
	pub checkpoints: Vec<PathBuf>,
	/// How they run.
	pub engine: EngineOptions,
	/// Folder of the store.
	pub store: PathBuf,
	/// Bytes that each kind of blob may take in it.
	pub room: u64,
	/// Where the store is served; a validator may serve none.
	pub listen: Option<SocketAddr>,
	/// What the operator says of itself.
	pub profile: Profile,
}

/// A running service.
pub struct Service {
	/// The connection.
	pub chain: Chain,
	/// The key.
	pub keys: Keys,
	/// The key's submitter.
	pub submitter: Submitter,
	/// The models.
	pub models: Arc<Models>,
	/// The blobs.
	pub store: Arc<Store>,
	/// Output in the making.
	pub live: Live,
	/// Gets blobs of others.
	pub fetcher: Fetcher,
	/// What the operator says of itself.
	pub profile: Profile,
	/// Where requesters ask for the turns of channels.
	pub channels: Reception<Counter<ChainMarket>>,
	/// Where validators ask for the keys of sealed jobs.
	pub key_desk: Reception<KeyDesk<ChainBook>>,
	/// Where proposers of canaries arrange them.
	pub canaries: Reception<Accomplice>,
	/// Opens the sealed jobs that this key may read.
	pub reader: Reader,
	_served: Option<Served>,
}

impl Service {
	/// Loads the models, serves the store, connects, and comes in as an operator. Waits for the node as long as
	/// it takes.
	pub async fn start(keys: Keys, options: ServiceOptions) -> Result<Self, ServiceError> {
		let ServiceOptions { url, checkpoints, engine, store, room, listen, profile } = options;
		profile.locator()?;
		let models = tokio::task::block_in_place(|| Models::open(&checkpoints, &engine))?;
		for model in models.all() {
			let manifest = model.engine.manifest();
			tracing::info!(
				name = manifest.name, weights = %manifest.weights_root, backend = model.engine.backend().name(),
				device = model.engine.device_model().map(|model| model.device_name()),
				threads = model.engine.threads(), "model loaded"
			);
		}
		let (models, store, live) = (Arc::new(models), Arc::new(Store::open(&store, room)?), Live::default());
		let (channels, key_desk, canaries) =
			(Reception::default(), Reception::default(), Reception::default());
		let served = match listen {
			None => None,
			Some(address) => {
				let server = StoreServer {
					store: store.clone(),
					live: live.clone(),
					checkpoints: Arc::new(models.files()),
				};
				let more = channel::router(channels.clone())
					.merge(sealed::router(key_desk.clone()))
					.merge(canary::router(canaries.clone()));
				let served = serve(server, more, address)
					.await
					.map_err(|source| ServiceError::Listen { address, source })?;
				tracing::info!(address = %served.address, endpoint = profile.endpoint, "store is served");
				Some(served)
			},
		};
		let chain = persist("connecting", || Chain::connect(&url, PATIENCE), |_| true).await?;
		let submitter = Submitter::start(chain.clone(), keys.clone());
		let reader = Reader::new(keys.clone(), chain.genesis().0).keeping(store.folder());
		let service = Self {
			chain,
			keys,
			submitter,
			models,
			store,
			live,
			fetcher: Fetcher::new()?,
			profile,
			channels,
			key_desk,
			canaries,
			reader,
			_served: served,
		};
		let is_passing = |error: &OperatorError| matches!(error, OperatorError::Chain(_));
		let enrol = || {
			operator::enrol(
				&service.chain,
				&service.submitter,
				&service.keys,
				&service.profile,
				&service.models,
			)
		};
		let ids = persist("registering", enrol, is_passing).await?;
		tracing::info!(account = %service.keys.account(), checkpoints = ?ids, "ready");
		service.warn_of_unknown();
		Ok(service)
	}

	fn warn_of_unknown(&self) {
		for model in self.models.unknown() {
			tracing::warn!(
				file = %model.path.display(),
				"not registered on this chain: run `noesis checkpoint register --file` on it; looking again"
			);
		}
	}

	/// Looks now and then whether files have been registered meanwhile, or something else about the operator has
	/// to be brought up to date.
	async fn review(&self, now: BlockNumber, last: &mut BlockNumber) {
		if now < last.saturating_add(REVIEW) {
			return;
		}
		*last = now;
		let result =
			operator::enrol(&self.chain, &self.submitter, &self.keys, &self.profile, &self.models).await;
		if let Err(error) = result {
			tracing::warn!(%error, "the registration could not be looked at");
		}
	}

	/// A payload's bytes, from this store, from where it says, or from one of `places`. They are kept here, so that
	/// others can have them from us.
	pub(crate) async fn payload(&self, payload: &Payload, places: &[String]) -> Result<Vec<u8>, FetchError> {
		if let Payload::Stored { hash, len, .. } = payload {
			match self.store.get(*hash) {
				Ok(Some(bytes)) if bytes.len() == *len as usize => return Ok(bytes),
				Ok(_) => {},
				Err(error) => tracing::warn!(%error, "own store"),
			}
		}
		let bytes = self.fetcher.payload(payload, places).await?;
		if matches!(payload, Payload::Stored { .. }) {
			if let Err(error) = self.store.put(crate::store::Origin::Own, &bytes) {
				tracing::warn!(%error, "own store");
			}
		}
		Ok(bytes)
	}
}

/// What a service does at every block.
pub(crate) trait EveryBlock: Send {
	/// Takes note of what has ended since the last block.
	fn reap(&mut self, now: BlockNumber) -> impl Future<Output = ()> + Send;
	/// Reads the block and begins what it asks for.
	fn step(&mut self, best: BlockRef) -> impl Future<Output = Result<(), ChainError>> + Send;
}

/// Shows every new best block to `role`, until the connection is given up. Blocks that came while it was busy are
/// passed over: the newest says all.
pub(crate) async fn follow(service: &Service, mut role: impl EveryBlock) {
	let mut heads = service.chain.heads();
	let mut reviewed = service.chain.best().number;
	loop {
		let best = heads.borrow_and_update().best;
		role.reap(best.number).await;
		if let Err(error) = role.step(best).await {
			tracing::warn!(block = best.number, %error, "this block is skipped");
		}
		service.review(best.number, &mut reviewed).await;
		if heads.changed().await.is_err() {
			return;
		}
	}
}

/// Tries until it works or fails for good, with growing pauses.
async fn persist<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
	what: &str,
	mut attempt: impl FnMut() -> F,
	is_passing: impl Fn(&E) -> bool,
) -> Result<T, E> {
	let mut pause = Duration::from_secs(1);
	loop {
		match attempt().await {
			Err(error) if is_passing(&error) => {
				tracing::warn!(%error, "{what}: trying again in {} s", pause.as_secs());
				tokio::time::sleep(pause).await;
				pause = (pause * 2).min(Duration::from_secs(30));
			},
			result => return result,
		}
	}
}
