//! The newest blocks. They are asked for, not subscribed to: a subscription that dies without a word would
//! stop everything, a question that gets no answer is asked again.

use super::{BlockHash, ChainError, Rpc};
use std::time::Duration;
use tokio::{
	sync::watch,
	task::AbortHandle,
	time::{sleep, timeout, Instant},
};

/// Pause between two questions.
const PERIOD: Duration = Duration::from_millis(200);
/// Silence after which a warning is due.
const PATIENCE: Duration = Duration::from_secs(10);

/// A block by number and hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockRef {
	/// Its height.
	pub number: u32,
	/// Its hash.
	pub hash: BlockHash,
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Heads {
	/// The newest block.
	pub best: BlockRef,
	/// The newest block that stays.
	pub finalized: BlockRef,
}

/// Follows the chain until nobody listens or the handle is aborted.
pub(super) async fn watch(
	url: String,
	rpc: Rpc,
) -> Result<(watch::Receiver<Heads>, AbortHandle), ChainError> {
	let first = ask(&rpc, None).await?;
	let (sender, receiver) = watch::channel(first);
	let task = tokio::spawn(async move {
		let (mut last, mut answered, mut warned) = (first, Instant::now(), false);
		loop {
			sleep(PERIOD).await;
			let failure = match timeout(PATIENCE, ask(&rpc, Some(last))).await {
				Ok(Ok(heads)) => {
					if warned {
						tracing::info!(%url, "the node answers again");
					}
					(answered, warned) = (Instant::now(), false);
					if heads != last {
						last = heads;
						if sender.send(heads).is_err() {
							return;
						}
					}
					continue;
				},
				Ok(Err(error)) => error.to_string(),
				Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
			};
			if !warned || answered.elapsed() > PATIENCE {
				tracing::warn!(%url, %failure, "the node does not answer; trying on");
				(answered, warned) = (Instant::now(), true);
			}
		}
	});
	Ok((receiver, task.abort_handle()))
}

async fn ask(rpc: &Rpc, last: Option<Heads>) -> Result<Heads, ChainError> {
	let best = rpc
		.chain_get_block_hash(None)
		.await
		.map_err(|error| ChainError::rpc("the best block's hash", error))?
		.ok_or_else(|| ChainError::NoBlock("best".into()))?;
	let finalized = rpc
		.chain_get_finalized_head()
		.await
		.map_err(|error| ChainError::rpc("the finalized block's hash", error))?;
	Ok(Heads {
		best: resolve(rpc, best, last.map(|heads| heads.best)).await?,
		finalized: resolve(rpc, finalized, last.map(|heads| heads.finalized)).await?,
	})
}

async fn resolve(rpc: &Rpc, hash: BlockHash, known: Option<BlockRef>) -> Result<BlockRef, ChainError> {
	if let Some(known) = known.filter(|known| known.hash == hash) {
		return Ok(known);
	}
	let header = rpc
		.chain_get_header(Some(hash))
		.await
		.map_err(|error| ChainError::rpc("a header", error))?
		.ok_or_else(|| ChainError::NoBlock(format!("{hash:?}")))?;
	let number = u32::try_from(header.number).map_err(|error| ChainError::shape("a header", error))?;
	Ok(BlockRef { number, hash })
}
