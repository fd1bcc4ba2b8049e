//! What falls due when: a list for each block, and a cursor over the blocks.
//!
//! A block's list is served in the weight that there is for it; what is left waits for the next time. An entry is only a
//! reminder: what it reminds of says itself when it is due.

use codec::FullCodec;
use core::marker::PhantomData;
use noesis_primitives::BlockNumber;
use polkadot_sdk::{
	frame_support::{
		ensure,
		pallet_prelude::ConstU32,
		storage::{StorageMap, StorageValue, TryAppendMap},
		weights::{Weight, WeightMeter},
		BoundedVec,
	},
	sp_runtime::TryRuntimeError,
};

/// Most entries of a block.
pub const MAX_PER_BLOCK: u32 = 256;
/// Blocks that are tried for a place.
pub const AGENDA_PROBES: BlockNumber = 4;

/// The entries of a block.
pub type Entries<Entry> = BoundedVec<Entry, ConstU32<MAX_PER_BLOCK>>;

/// An agenda that is kept in two storage items of a pallet: `Lists`, the entries by block, and `Cursor`, the first block
/// that is not served yet; there is none before the first entry.
pub struct Agenda<Entry, Lists, Cursor>(PhantomData<(Entry, Lists, Cursor)>);

impl<Entry, Lists, Cursor> Agenda<Entry, Lists, Cursor>
where
	Entry: FullCodec + PartialEq,
	Lists: StorageMap<BlockNumber, Entries<Entry>, Query = Entries<Entry>>
		+ TryAppendMap<BlockNumber, Entries<Entry>, Entry>,
	Cursor: StorageValue<BlockNumber, Query = Option<BlockNumber>>,
{
	/// Enters `what` at block `at`, or soon after if that is full. `None` when all are.
	pub fn schedule(what: &Entry, at: BlockNumber, now: BlockNumber) -> Option<()> {
		if !Cursor::exists() {
			Cursor::put(now);
		}
		(0..AGENDA_PROBES).find_map(|probe| Lists::try_append(at.saturating_add(probe), what).ok())
	}

	/// Serves entries of blocks up to `last`, each block for the weight `block`. `takes` takes the weight of an entry from
	/// the meter; where it says no, that entry and all after it wait.
	pub fn serve(
		meter: &mut WeightMeter,
		block: Weight,
		last: BlockNumber,
		mut takes: impl FnMut(&mut WeightMeter, &Entry) -> bool,
		mut serve: impl FnMut(Entry),
	) {
		if !meter.can_consume(block) {
			return;
		}
		let Some(first) = Cursor::get() else { return };
		let mut at = first;
		while at <= last && meter.try_consume(block).is_ok() {
			let mut entries = Lists::take(at).into_iter();
			while entries.as_slice().first().is_some_and(|entry| takes(meter, entry)) {
				entries.next().into_iter().for_each(&mut serve);
			}
			if entries.len() > 0 {
				Lists::insert(at, Entries::truncate_from(entries.collect()));
				break;
			}
			at = at.saturating_add(1);
		}
		if at != first {
			Cursor::put(at);
		}
	}

	/// Checks that `what`, which is due at block `at` and not yet, is entered, unless there was no place.
	pub fn check(what: &Entry, at: BlockNumber) -> Result<(), TryRuntimeError> {
		ensure!(Cursor::get().is_some_and(|cursor| cursor <= at), "the agenda is ahead of what is due");
		let mut around = (0..AGENDA_PROBES).map(|probe| Lists::get(at.saturating_add(probe)));
		let full = around.clone().all(|entries| entries.is_full());
		ensure!(full || around.any(|entries| entries.contains(what)), "what is due is not in the agenda");
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]

	use super::*;
	use polkadot_sdk::{
		frame_support::{pallet_prelude::ValueQuery, storage_alias, Twox64Concat},
		sp_io::TestExternalities,
	};
	use proptest::prelude::*;

	#[storage_alias]
	type Lists = StorageMap<Test, Twox64Concat, BlockNumber, Entries<u32>, ValueQuery>;
	#[storage_alias]
	type Cursor = StorageValue<Test, BlockNumber>;
	type Due = Agenda<u32, Lists, Cursor>;

	const EACH: Weight = Weight::from_parts(10, 0);

	/// Serves up to `last` with weight for `blocks` blocks and entries, and returns what was served.
	fn serve(last: BlockNumber, weight: u64) -> Vec<u32> {
		let mut served = Vec::new();
		let mut meter = WeightMeter::with_limit(Weight::from_parts(weight, 0));
		let takes = |meter: &mut WeightMeter, _: &u32| meter.try_consume(EACH).is_ok();
		Due::serve(&mut meter, Weight::from_parts(1, 0), last, takes, |entry| served.push(entry));
		served
	}

	proptest! {
		#[test]
		fn every_entry_should_be_served_once_and_never_early(
			entries in prop::collection::vec((1u32..40, 0u32..60), 0..300),
			rounds in prop::collection::vec((1u32..20, 0u64..200), 1..20),
		) {
			TestExternalities::default().execute_with(|| {
				let mut at = std::collections::HashMap::new();
				for (index, (_, block)) in entries.iter().enumerate() {
					let index = index as u32;
					Due::schedule(&index, *block, 0).unwrap();
					at.insert(index, *block);
					Due::check(&index, *block).unwrap();
				}
				let (mut now, mut served) = (0, Vec::new());
				for (blocks, weight) in rounds {
					now += blocks;
					for entry in serve(now, weight) {
						assert!(at[&entry] <= now);
						served.push(entry);
					}
				}
				served.extend(serve(100, u64::MAX));
				served.sort_unstable();
				assert_eq!(served, (0..entries.len() as u32).collect::<Vec<_>>());
				assert_eq!(Lists::iter().count(), 0);
			});
		}
	}

	#[test]
	fn an_entry_should_go_to_the_next_block_when_one_is_full_and_nowhere_when_all_are() {
		TestExternalities::default().execute_with(|| {
			(0..MAX_PER_BLOCK).for_each(|entry| Due::schedule(&entry, 5, 0).unwrap());
			Due::schedule(&1000, 5, 0).unwrap();
			assert_eq!(Lists::get(6).into_inner(), vec![1000]);
			Due::check(&1000, 5).unwrap();
			assert!(Due::check(&2000, 5).is_err());
			(MAX_PER_BLOCK + 1..MAX_PER_BLOCK * AGENDA_PROBES)
				.for_each(|entry| Due::schedule(&entry, 5, 0).unwrap());
			assert_eq!(Due::schedule(&2000, 5, 0), None);
			Due::check(&2000, 5).unwrap();
		});
	}

	#[test]
	fn nothing_should_be_read_when_there_is_no_weight() {
		TestExternalities::default().execute_with(|| {
			Due::schedule(&7, 3, 2).unwrap();
			assert_eq!(serve(9, 0), Vec::<u32>::new());
			assert_eq!((serve(9, 5), Cursor::get()), (vec![], Some(3)));
			assert_eq!((serve(9, 100), Cursor::get()), (vec![7], Some(10)));
		});
	}
}
