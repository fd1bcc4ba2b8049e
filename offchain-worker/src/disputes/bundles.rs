//! What the outsider looks at in batches and channels: every entry that is shown, and some of those that are not, where
//! it can have them. The results of a batch are public; the turns of a channel are in the books of its two sides.

use super::{Disputes, DisputesError};
use crate::{
	batch::{Inputs, Results},
	bundle::{examine, Entry, Examined, Parties},
	chain::{BlockRef, ChainError},
	channel::BookFile,
	service::Service,
	store::{Origin, Store},
	AccountId,
};
use codec::Encode;
use noesis_primitives::{
	BlockNumber, BundleId, BundleView, ChannelId, ChannelState, ChannelView, JobId, JobState, JobView,
};
use sp_crypto_hashing::blake2_256;
use std::{
	collections::{BTreeMap, BTreeSet},
	path::PathBuf,
	sync::Arc,
};
use tokio::task::JoinHandle;

/// Most bundles that are looked at in a block; the others have their turn in the next ones.
const LISTED: usize = 64;
/// Channels before the newest that are looked at when watching begins.
const BACK: u64 = 4096;
/// How often the results of a bundle are asked for.
const ATTEMPTS: u32 = 5;
/// Blocks between two attempts.
const PAUSE: BlockNumber = 5;
/// Blocks for which one dispute over an entry is thought to be enough.
const DISPUTED: BlockNumber = 100;
/// Bytes that the blobs of a folder of channels may take; nothing is added to them here.
const ROOM: u64 = 1 << 30;

/// What an outsider computes again of batches and channels.
#[derive(Clone, Debug)]
pub struct WatchOptions {
	/// Entries of a bundle that were not shown, at most.
	pub sample: u32,
	/// Folder of the channels whose turns are to be looked at: `--state` of `noesis channel`.
	pub channels: Option<PathBuf>,
}

impl Default for WatchOptions {
	fn default() -> Self {
		Self { sample: 8, channels: None }
	}
}

/// A bundle that has not ended.
#[derive(Debug, Default)]
struct Live {
	/// Shown entries that were looked at.
	seen: BTreeSet<u32>,
	/// How often its results were asked for.
	attempts: u32,
	/// They are not asked for before this block; never again, when there is none.
	again: Option<BlockNumber>,
	/// Until this block no other entry is disputed: one is enough to end the bundle.
	disputed: BlockNumber,
}

/// What there is of a bundle on chain.
enum Held {
	Batch(Box<JobView<AccountId>>),
	Channel(Box<ChannelView<AccountId>>),
}

type Task = JoinHandle<Result<Examined, DisputesError>>;

/// The bundles that an outsider looks at.
pub(super) struct Bundles {
	service: Arc<Service>,
	options: WatchOptions,
	/// The first channel that was not seen yet.
	next: Option<ChannelId>,
	/// Channels that are not closed.
	open: BTreeSet<ChannelId>,
	live: BTreeMap<BundleId, Live>,
	/// The bundle that was looked at last.
	last: Option<BundleId>,
	/// Examinations, and whether each is of entries that were not shown.
	tasks: Vec<(BundleId, bool, Task)>,
}

impl Bundles {
	pub(super) fn new(service: Arc<Service>, options: WatchOptions) -> Self {
		let (open, live) = (BTreeSet::new(), BTreeMap::new());
		Self { service, options, next: None, open, live, last: None, tasks: Vec::new() }
	}

	/// A batch was answered.
	pub(super) fn answered(&mut self, batch: JobId) {
		self.begin(BundleId::Batch(batch));
	}

	fn begin(&mut self, id: BundleId) {
		self.live.entry(id).or_insert_with(|| Live { again: Some(0), ..Live::default() });
	}

	/// Takes note of what was found, and has what is wrong disputed.
	pub(super) async fn reap(&mut self, now: BlockNumber, disputes: &mut Disputes) {
		let (done, running) = self.tasks.drain(..).partition(|(.., task)| task.is_finished());
		self.tasks = running;
		let done: Vec<(BundleId, bool, Task)> = done;
		for (bundle, sampled, task) in done {
			match task.await.map_err(DisputesError::from).and_then(|result| result) {
				Ok(Examined { right, skipped, wrong: None, condemned }) => {
					tracing::info!(?bundle, right, skipped, ?condemned, "entries examined");
				},
				Ok(Examined { wrong: Some(subject), .. }) => {
					let Some(live) = self.live.get_mut(&bundle).filter(|live| live.disputed <= now) else {
						tracing::warn!(?subject, "the entry is wrong, too");
						continue;
					};
					tracing::warn!(?subject, "the entry is wrong: disputing it");
					live.disputed = now.saturating_add(DISPUTED);
					disputes.challenge(subject);
				},
				Err(DisputesError::Gone) => {},
				Err(error) => {
					tracing::warn!(?bundle, %error, "entries not examined");
					let Some(live) = self.live.get_mut(&bundle).filter(|_| sampled) else { continue };
					live.attempts = live.attempts.saturating_add(1);
					live.again = (live.attempts < ATTEMPTS).then(|| now.saturating_add(PAUSE));
				},
			}
		}
	}

	/// Begins every examination that there is something for.
	pub(super) async fn step(&mut self, best: BlockRef, disputes: &Disputes) -> Result<(), ChainError> {
		self.look_for_channels(best).await?;
		for id in in_turn(self.live.keys().copied(), self.last, LISTED) {
			self.last = Some(id);
			let Some((held, parties)) = self.held(best, id).await? else {
				self.live.remove(&id);
				continue;
			};
			let mine = parties.worker == self.service.keys.account();
			if mine || !self.service.models.has(parties.checkpoint) {
				self.live.remove(&id);
				continue;
			}
			let Some(view) = self.service.chain.bundle(best.hash, id).await? else { continue };
			self.look_at_shown(best, id, &view, disputes).await?;
			self.look_at_others(best, id, (held, parties, view), disputes);
		}
		Ok(())
	}

	async fn look_for_channels(&mut self, best: BlockRef) -> Result<(), ChainError> {
		let newest = self.service.chain.next_channel(best.hash).await?;
		let from = self.next.unwrap_or(ChannelId(newest.0.saturating_sub(BACK)));
		self.open.extend((from.0..newest.0).map(ChannelId));
		self.next = Some(newest);
		let open: Vec<ChannelId> = self.open.iter().copied().collect();
		let states = self.service.chain.channel_states(best.hash, &open).await?;
		for (id, state) in open.into_iter().zip(states) {
			match state {
				Some(ChannelState::Offered | ChannelState::Open | ChannelState::Closing { .. }) => {},
				Some(ChannelState::Closed | ChannelState::Disputed) => {
					self.open.remove(&id);
					self.begin(BundleId::Channel(id));
				},
				_ => drop(self.open.remove(&id)),
			}
		}
		Ok(())
	}

	/// A bundle on chain, while it has not ended.
	async fn held(&self, best: BlockRef, id: BundleId) -> Result<Option<(Held, Parties)>, ChainError> {
		Ok(match id {
			BundleId::Batch(id) => self.service.chain.job(best.hash, id).await?.and_then(|view| {
				let (JobState::Answered { worker } | JobState::Disputed { worker }) = view.state else {
					return None;
				};
				let (requester, checkpoint) = (view.requester, view.spec.checkpoint);
				Some((Held::Batch(Box::new(view)), Parties { worker, requester, checkpoint }))
			}),
			BundleId::Channel(id) => self.service.chain.channel(best.hash, id).await?.and_then(|view| {
				let (ChannelState::Closed | ChannelState::Disputed) = view.state else { return None };
				let (worker, requester) = (view.spec.worker, view.requester);
				let checkpoint = view.spec.checkpoint;
				Some((Held::Channel(Box::new(view)), Parties { worker, requester, checkpoint }))
			}),
		})
	}

	/// Examines entries that were shown since the last look.
	async fn look_at_shown(
		&mut self,
		best: BlockRef,
		id: BundleId,
		view: &BundleView,
		disputes: &Disputes,
	) -> Result<(), ChainError> {
		let Some(live) = self.live.get_mut(&id).filter(|live| live.disputed <= best.number) else {
			return Ok(());
		};
		let new: Vec<u32> = view.shown.iter().copied().filter(|index| !live.seen.contains(index)).collect();
		let mut entries = Vec::new();
		for index in new {
			let subject = id.subject(index);
			if let Some(work) = self.service.chain.disputed(best.hash, subject).await? {
				live.seen.insert(index);
				entries.push(Entry { subject, work, show: None, fault: None });
			}
		}
		if !entries.is_empty() {
			let (chain, submitter) = (self.service.chain.clone(), self.service.submitter.clone());
			let task = tokio::spawn(examine(disputes.examiner(), chain, submitter, entries));
			self.tasks.push((id, false, task));
		}
		Ok(())
	}

	/// Examines some of the entries that were not shown, once, if they can be had.
	fn look_at_others(
		&mut self,
		best: BlockRef,
		id: BundleId,
		(held, parties, view): (Held, Parties, BundleView),
		disputes: &Disputes,
	) {
		let Some(live) = self.live.get_mut(&id) else { return };
		let due = live.again.is_some_and(|again| again <= best.number);
		if !due || self.options.sample == 0 {
			return;
		}
		live.again = None;
		let (service, options, examiner) = (self.service.clone(), self.options.clone(), disputes.examiner());
		let task = tokio::spawn(async move {
			let entries = match held {
				Held::Batch(job) => items(&service, &job, &parties, &view, options.sample).await?,
				Held::Channel(channel) => turns(&service, &channel, &parties, &view, &options)?,
			};
			examine(examiner, service.chain.clone(), service.submitter.clone(), entries).await
		});
		self.tasks.push((id, true, task));
	}
}

/// Up to `most` of ascending `keys`: those after `last`, then from the first on.
fn in_turn<K: Copy + Ord>(keys: impl Iterator<Item = K>, last: Option<K>, most: usize) -> Vec<K> {
	let (later, earlier): (Vec<K>, Vec<K>) = keys.partition(|key| Some(*key) > last);
	later.into_iter().chain(earlier).take(most).collect()
}

/// Some items of a batch that were not shown, with their blobs put into the store here; those that can't be true before
/// all others.
async fn items(
	service: &Service,
	view: &JobView<AccountId>,
	parties: &Parties,
	bundle: &BundleView,
	wanted: u32,
) -> Result<Vec<Entry>, DisputesError> {
	let (Some(known), Some(claim), Some(output)) = (view.batch, view.claim, &view.output) else {
		return Err(DisputesError::Gone);
	};
	let store = service.chain.endpoint(parties.worker).await?;
	let list = service.payload(&view.spec.input, store.as_slice()).await?;
	let blob = service.payload(output, store.as_slice()).await?;
	let unreadable = |error: &dyn std::fmt::Display| DisputesError::Unreadable(error.to_string());
	let inputs = Inputs::read(&list, &known).map_err(|error| unreadable(&error))?;
	let results = Results::read(&blob, &claim).map_err(|error| unreadable(&error))?;

	let entry = |index| results.entry(view.id, parties, view.spec.kind, &inputs, &claim, index);
	let faulty = (0..known.count).find(|index| results.fault(*index, &inputs, &claim).is_some());
	if let Some(entry) = faulty.and_then(entry) {
		return Ok(vec![entry]);
	}
	let mut entries = Vec::new();
	for index in pick(service, bundle, wanted) {
		let text = inputs.texts().get(index as usize);
		let output = results.entries().get(index as usize).map(|(_, output)| output);
		for blob in text.into_iter().chain(output) {
			service.store.put(Origin::Own, blob).map_err(|error| unreadable(&error))?;
		}
		entries.extend(entry(index));
	}
	Ok(entries)
}

/// Some turns of a channel that were not shown, out of the book of one of its sides; none without a book.
fn turns(
	service: &Service,
	view: &ChannelView<AccountId>,
	parties: &Parties,
	bundle: &BundleView,
	options: &WatchOptions,
) -> Result<Vec<Entry>, DisputesError> {
	let (Some(folder), Some(tally)) = (&options.channels, view.tally) else { return Ok(Vec::new()) };
	let folder = crate::channel::folder(folder, &service.chain.genesis().0);
	let unreadable = |error: &dyn std::fmt::Display| DisputesError::Unreadable(error.to_string());
	let book = BookFile::peek(&folder, view.id).map_err(|error| unreadable(&error))?;
	let Some(book) = book else { return Ok(Vec::new()) };
	let blobs = Store::open(&folder.join("blobs"), ROOM).map_err(|error| unreadable(&error))?;
	let mut entries = Vec::new();
	for index in pick(service, bundle, options.sample) {
		let Some((turn, path)) = book.show(&tally, index) else { continue };
		for hash in [turn.input, turn.claim.output] {
			if let Some(blob) = blobs.get(hash).map_err(|error| unreadable(&error))? {
				service.store.put(Origin::Own, &blob).map_err(|error| unreadable(&error))?;
			}
		}
		entries.push(Entry {
			subject: BundleId::Channel(view.id).subject(index),
			work: parties.work(turn.kind, (turn.input, turn.input_bytes), turn.output_bytes, turn.claim),
			show: Some(crate::chain::Call::present_turn(&turn, &path)),
			fault: None,
		});
	}
	Ok(entries)
}

/// Some entries of a bundle that were not shown. Which they are follows from a key of this process that nobody else has.
fn pick(service: &Service, bundle: &BundleView, wanted: u32) -> Vec<u32> {
	let (_, secret) = service.keys.draw(&bundle.root.0);
	choose(bundle, wanted, secret)
}

fn choose(bundle: &BundleView, wanted: u32, secret: u64) -> Vec<u32> {
	let rank = |index: &u32| (b"noesis:watch", secret, bundle.root, index).using_encoded(blake2_256);
	let mut hidden: Vec<u32> = (0..bundle.count).filter(|index| !bundle.shown.contains(index)).collect();
	hidden.sort_by_key(rank);
	hidden.truncate(wanted as usize);
	hidden
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_primitives::Root;

	#[test]
	fn everything_should_have_its_turn_whatever_stays_or_goes() {
		let keys = [1, 3, 5, 7, 9];
		assert_eq!(in_turn(keys.into_iter(), None, 2), vec![1, 3]);
		assert_eq!(in_turn(keys.into_iter(), Some(3), 2), vec![5, 7]);
		assert_eq!(in_turn(keys.into_iter(), Some(7), 3), vec![9, 1, 3]);
		assert_eq!(in_turn(keys.into_iter(), Some(8), 99), vec![9, 1, 3, 5, 7]);
		assert!(in_turn(std::iter::empty(), Some(8), 2).is_empty());
	}

	#[test]
	fn hidden_entries_should_be_picked_in_an_order_that_only_the_secret_tells() {
		let shown = vec![2, 5];
		let bundle =
			BundleView { root: Root([1; 32]), count: 40, fixed: 1, audits: None, shown, show_until: 9 };
		let (mine, theirs) = (choose(&bundle, 8, 1), choose(&bundle, 8, 2));
		assert_eq!(mine, choose(&bundle, 8, 1));
		assert_ne!(mine, theirs);
		let all: BTreeSet<u32> = choose(&bundle, 100, 1).into_iter().collect();
		assert_eq!(all, (0..40).filter(|index| ![2, 5].contains(index)).collect());
		let different: BTreeSet<&u32> = mine.iter().collect();
		assert_eq!(different.len(), 8);
	}
}
