//! Showing single turns and items out of what was committed to.

use crate::{
	bundle::{Entry, EntryState},
	disputes::OverturnWeight,
	pricing::is_well_formed,
	Bundles, Config, Error, Pallet, WeightInfo,
};
use noesis_primitives::{merkle, BundleId, ChannelId, Item, ItemInput, JobId, Root, Turn, MAX_PATH};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{ConstU32, Get},
		weights::Weight,
		BoundedVec,
	},
	sp_runtime::DispatchError,
};

/// Siblings from a leaf upwards.
pub type Path = BoundedVec<merkle::Node, ConstU32<MAX_PATH>>;

impl<T: Config> Pallet<T> {
	/// Shows turn `index` of a closed channel. Whether that ended it.
	pub(crate) fn show_turn(
		who: T::AccountId,
		channel: ChannelId,
		index: u32,
		turn: Turn,
		path: Path,
	) -> Result<bool, DispatchError> {
		let id = BundleId::Channel(channel);
		let (root, count) = Self::committed(id)?;
		ensure!(merkle::verify(&root.0, count, index, turn.leaf(), &path), Error::<T>::BadPath);
		// Both sides signed the tree: a turn of elsewhere in it is no turn.
		let sound = turn.channel == channel && turn.index == index;
		let Turn { kind, input, input_bytes, output_bytes, claim, .. } = turn;
		let (state, deposit) = (EntryState::Shown, None);
		let entry = Entry { kind, input, input_bytes, output_bytes, claim, state, deposit };
		Self::show_entry(who, id, index, entry, sound)
	}

	/// Shows item `index` of an answered batch, with the item before it, if there is one, and the input that was asked
	/// at that place. Whether that ended the batch.
	pub(crate) fn show_item(
		who: T::AccountId,
		batch: JobId,
		index: u32,
		(item, path): (Item, Path),
		before: Option<(Item, Path)>,
		(asked, asked_path): (ItemInput, Path),
	) -> Result<bool, DispatchError> {
		let id = BundleId::Batch(batch);
		let (root, count) = Self::committed(id)?;
		let job = Self::job(batch)?;
		let inputs = job.batch.ok_or(Error::<T>::NoBundle)?;
		let is_in =
			|index, item: &Item, path: &Path| merkle::verify(&root.0, count, index, item.leaf(), path);
		ensure!(is_in(index, &item, &path), Error::<T>::BadPath);
		let follows = match (index.checked_sub(1), &before) {
			(Some(last), Some((item, path))) => is_in(last, item, path),
			(None, None) => true,
			_ => false,
		};
		ensure!(follows, Error::<T>::BadPath);
		let is_asked = merkle::verify(&inputs.root.0, inputs.count, index, asked.leaf(), &asked_path);
		ensure!(is_asked, Error::<T>::BadPath);
		// The requester made that tree: what is wrong with it is not the worker's fault.
		let in_order = asked.index == index && asked.len <= inputs.longest;
		ensure!(in_order && is_well_formed(&job.kind, asked.len), Error::<T>::BadInput);
		let is_last = index.checked_add(1) == Some(count);
		let sound = item.input == asked
			&& item.continues(before.as_ref().map(|(item, _)| item))
			&& (!is_last || job.claim.is_some_and(|claim| claim.usage == item.total));
		let Item { input: ItemInput { hash: input, len: input_bytes, .. }, output_bytes, claim, .. } = item;
		let (kind, state, deposit) = (job.kind, EntryState::Shown, None);
		let entry = Entry { kind, input, input_bytes, output_bytes, claim, state, deposit };
		Self::show_entry(who, id, index, entry, sound)
	}

	/// What showing an entry weighs that itself takes `shown`: with the draw, and with the end of the bundle if it `ended`.
	pub(crate) fn weight_of_showing(shown: Weight, ended: bool) -> Weight {
		let shown = T::WeightInfo::draw().saturating_add(shown);
		if ended {
			shown.saturating_add(OverturnWeight::<T>::get())
		} else {
			shown
		}
	}

	fn committed(id: BundleId) -> Result<(Root, u32), Error<T>> {
		let bundle = Bundles::<T>::get(id).ok_or(Error::<T>::NoBundle)?;
		Ok((bundle.root, bundle.count))
	}
}
