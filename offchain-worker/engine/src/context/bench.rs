//! How long attention over a long context takes, on one machine and split over shards, and what it moves.

use super::{serve, Coordinator, Positions, Refusal, ServeOptions, Shape, Shard, ShardsError, Split, Tcp};
use crate::{kernels::Backend, testing::numbers};
use noesis_primitives::Root;
use serde::Serialize;
use std::{
	fs, io,
	net::{Ipv4Addr, TcpListener},
	thread,
	time::{Duration, Instant},
};

/// What is measured.
#[derive(Clone, Debug)]
pub struct ContextOptions {
	/// Positions of the context, `1..=65536`.
	pub keys: usize,
	/// Tokens of a block, `1..=128`.
	pub block: usize,
	/// Query heads.
	pub heads: u32,
	/// Key-value heads, a divisor of the query heads.
	pub kv_heads: u32,
	/// Numbers per head.
	pub head_dim: u32,
	/// Numbers of shards to split over.
	pub shards: Vec<usize>,
	/// How often single tokens are measured; the median counts. Blocks are measured once.
	pub repeats: usize,
	/// Vector unit; must be available.
	pub backend: Backend,
	/// Longest wait for a shard.
	pub limit: Duration,
}

impl Default for ContextOptions {
	/// One layer of SmolLM2-135M over 65,536 positions.
	fn default() -> Self {
		Self {
			keys: 65_536,
			block: 128,
			heads: 9,
			kv_heads: 3,
			head_dim: 64,
			shards: vec![1, 2, 4, 8],
			repeats: 5,
			backend: Backend::best(),
			limit: Duration::from_secs(120),
		}
	}
}

/// What came out: one layer, all heads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContextBench {
	/// Positions of the context.
	pub keys: usize,
	/// Tokens of a block.
	pub block: usize,
	/// Query heads.
	pub heads: u32,
	/// Key-value heads.
	pub kv_heads: u32,
	/// Numbers per head.
	pub head_dim: u32,
	/// Threads.
	pub threads: usize,
	/// Vector unit.
	pub backend: Backend,
	/// Bytes of keys and values: what a node that gathers them receives.
	pub kv_bytes: u64,
	/// One token over the undivided context, milliseconds.
	pub token_ms: f64,
	/// A block over the undivided context, milliseconds.
	pub block_ms: f64,
	/// Bytes by which memory grew at most while the block was computed, output included; nothing where the system does
	/// not say.
	pub block_peak_bytes: Option<u64>,
	/// Split over shards.
	pub splits: Vec<SplitBench>,
}

/// A context split over shards, striped; the result was that of the undivided one bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitBench {
	/// Number of shards.
	pub shards: usize,
	/// Sending all keys and values once, milliseconds: as long as gathering them takes the other way round.
	pub load_ms: f64,
	/// Bytes of that, headers included.
	pub load_bytes: u64,
	/// One token, both rounds, milliseconds.
	pub token_ms: f64,
	/// Bytes of that, both ways.
	pub token_bytes: u64,
	/// A block, both rounds, milliseconds.
	pub block_ms: f64,
	/// Bytes of that, both ways.
	pub block_bytes: u64,
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum ContextBenchError {
	/// A shard can't be started.
	#[error("a shard can't be started: {0}")]
	Start(#[from] io::Error),
	/// The options are out of range.
	#[error("the sizes are out of range: {0}")]
	Options(#[from] Refusal),
	/// The shards do not answer as they should.
	#[error(transparent)]
	Shards(#[from] ShardsError),
	/// The split result is not the undivided one.
	#[error("over {shards} shards the result is another one: this is a fault in the program or in a shard")]
	Different {
		/// Number of shards.
		shards: usize,
	},
}

/// Starts a shard in a thread of this process and connects to it over loopback. For [`context`]; a caller that wants
/// processes of their own passes a function that starts those.
pub fn shard_in_thread(backend: Backend, limit: Duration) -> io::Result<Tcp> {
	let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
	let address = listener.local_addr()?;
	thread::Builder::new().name("shard".into()).spawn(move || {
		// Whatever goes wrong here, the coordinator sees it as its own error.
		let serving = listener.accept().and_then(|(stream, _)| Tcp::new(stream, limit));
		if let Ok(mut channel) = serving {
			let _ = serve(&mut channel, &mut None, &ServeOptions { backend, memory: u64::MAX });
		}
	})?;
	Tcp::connect(address, limit)
}

/// Measures one layer's attention over a context of random keys that all weigh something (the slowest case). `start`
/// connects to a new shard without a context; see [`shard_in_thread`]. Runs on the current rayon threads.
pub fn context(
	options: &ContextOptions,
	start: &mut dyn FnMut() -> io::Result<Tcp>,
) -> Result<ContextBench, ContextBenchError> {
	let ContextOptions { keys, block, heads, kv_heads, head_dim, backend, .. } = *options;
	let shape = Shape { layers: 1, heads, kv_heads, head_dim };
	if !shape.is_valid() {
		return Err(Refusal::Shape.into());
	}
	if block == 0 || block > keys || u32::try_from(keys).is_err() {
		return Err(Refusal::Size.into());
	}
	let positions = Positions { first: 0, stride: 1, count: keys as u32 };
	let mut whole = Shard::new(Root::default(), shape, positions)?;
	let width = shape.kv_width();
	let (all_keys, all_values) = (numbers(1, keys * width, 9), numbers(2, keys * width, 10));
	whole.append(0, &all_keys, &all_values)?;
	let queries = numbers(3, block * shape.query_width(), 9);
	let token = &queries[..shape.query_width()];
	let (first, last) = (keys - block, keys - 1);

	let (token_ms, expected_token) = median(options.repeats, || whole.attend(backend, 0, last, token))?;
	let (block_peak_bytes, measured) =
		peak_growth(|| median(1, || whole.attend(backend, 0, first, &queries)));
	let (block_ms, expected_block) = measured?;

	let mut splits = Vec::new();
	for &shards in &options.shards {
		let channels = (0..shards).map(|_| start()).collect::<io::Result<Vec<_>>>()?;
		let mut coordinator =
			Coordinator::connect(Root::default(), shape, Split::striped(keys, shards), channels)?;
		let (load_bytes, (load_ms, ())) =
			traffic(&mut coordinator, |c| median(1, || c.append(0, &all_keys, &all_values)))?;
		// A first question, so that buffers and caches are as they are later.
		coordinator.attend(0, last, token)?;
		let repeats = options.repeats.max(1);
		let (token_bytes, (token_ms, found_token)) =
			traffic(&mut coordinator, |c| median(repeats, || c.attend(0, last, token)))?;
		let (block_bytes, (block_ms, found_block)) =
			traffic(&mut coordinator, |c| median(1, || c.attend(0, first, &queries)))?;
		if found_token.values != expected_token || found_block.values != expected_block {
			return Err(ContextBenchError::Different { shards });
		}
		let token_bytes = token_bytes / repeats as u64;
		splits.push(SplitBench { shards, load_ms, load_bytes, token_ms, token_bytes, block_ms, block_bytes });
	}
	Ok(ContextBench {
		keys,
		block,
		heads,
		kv_heads,
		head_dim,
		threads: rayon::current_num_threads(),
		backend,
		kv_bytes: shape.bytes(keys as u32),
		token_ms,
		block_ms,
		block_peak_bytes,
		splits,
	})
}

/// Median time in milliseconds and the last result.
fn median<T, E>(repeats: usize, mut f: impl FnMut() -> Result<T, E>) -> Result<(f64, T), E> {
	let mut times = Vec::new();
	loop {
		let start = Instant::now();
		let result = f()?;
		times.push(start.elapsed().as_secs_f64() * 1000.0);
		if times.len() >= repeats {
			times.sort_by(f64::total_cmp);
			return Ok((times[times.len() / 2], result));
		}
	}
}

/// Bytes that `f` moves, both ways, and its result.
fn traffic<T, E>(
	coordinator: &mut Coordinator<Tcp>,
	f: impl FnOnce(&mut Coordinator<Tcp>) -> Result<T, E>,
) -> Result<(u64, T), E> {
	let before = coordinator.traffic();
	let result = f(coordinator)?;
	let after = coordinator.traffic();
	Ok((after.sent - before.sent + after.received - before.received, result))
}

/// By how many bytes the process grew at most while `f` ran.
fn peak_growth<T>(f: impl FnOnce() -> T) -> (Option<u64>, T) {
	// Sets the peak back to what there is now (Linux).
	let is_reset = fs::write("/proc/self/clear_refs", "5").is_ok();
	let before = is_reset.then(|| memory("VmRSS:")).flatten();
	let result = f();
	let growth = before.and_then(|before| Some(memory("VmHWM:")?.saturating_sub(before)));
	(growth, result)
}

/// A field of the process's status, in bytes.
fn memory(field: &str) -> Option<u64> {
	let status = fs::read_to_string("/proc/self/status").ok()?;
	let line = status.lines().find_map(|line| line.strip_prefix(field))?;
	let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
	Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn bench_should_measure_a_small_context() {
		let options =
			ContextOptions { keys: 700, block: 5, shards: vec![1, 3], repeats: 2, ..Default::default() };
		let limit = options.limit;
		let result = context(&options, &mut || shard_in_thread(options.backend, limit)).unwrap();
		assert_eq!(result.kv_bytes, 700 * 3 * 64 * 4);
		assert_eq!(result.splits.iter().map(|s| s.shards).collect::<Vec<_>>(), [1, 3]);
		for split in &result.splits {
			// All keys and values, and some headers per shard.
			assert!((result.kv_bytes..result.kv_bytes + 400).contains(&split.load_bytes), "{split:?}");
			// Per shard and row: query, maximum back and forth, sums.
			let rows = 9 * split.shards as u64;
			assert!((rows * (128 + 9 + 8 + 520)..rows * 700 + 900).contains(&split.token_bytes), "{split:?}");
			assert!(split.block_bytes > 4 * split.token_bytes && split.block_ms > 0.0, "{split:?}");
		}
	}

	#[test]
	fn bench_should_refuse_impossible_sizes() {
		let refused = |options: ContextOptions| {
			let result = context(&options, &mut || Err(io::ErrorKind::Other.into()));
			matches!(result, Err(ContextBenchError::Options(_)))
		};
		let options = ContextOptions { keys: 10, block: 5, ..Default::default() };
		assert!(refused(ContextOptions { block: 11, ..options.clone() }));
		assert!(refused(ContextOptions { keys: 65_537, ..options.clone() }));
		assert!(refused(ContextOptions { kv_heads: 2, ..options.clone() }));
		let result = context(&options, &mut || Err(io::ErrorKind::Other.into()));
		assert!(matches!(result, Err(ContextBenchError::Start(_))));
	}

	#[test]
	fn peak_should_see_what_is_touched() {
		let (growth, _) = peak_growth(|| std::hint::black_box(vec![1u8; 64 << 20]));
		if let Some(growth) = growth {
			assert!(growth >= 60 << 20, "{growth}");
		}
	}
}
