//! Commitments to many results: a few entries are drawn for panels once the root is fixed, and whoever holds the
//! entries shows them by their paths. Used by batches and channels alike.

use crate::{
	job::is_input_plausible,
	pricing::is_well_formed,
	settlement::{Closed, Finding},
	Bundles, Config, Entries, Error, Event, HoldReason, Pallet, Vouched,
};
use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{
	audited_entries, Balance, BlockNumber, BlockRandomness, BundleId, ChannelState, CheckpointFacts,
	CheckpointId, CheckpointRegistry, Claim, ContentHash, Fault, JobEvent, JobKind, JobState,
	OperatorRegistry, PanelOutcome, Panels, RefundReason, Root, Verification, Vouchers, MAX_AUDITS,
};
use noesis_support::Wait;
use polkadot_sdk::{
	frame_support::{
		dispatch::DispatchResult,
		ensure,
		traits::{fungible::MutateHold, tokens::Precision, ConstU32, Get},
		BoundedVec,
	},
	sp_runtime::{DispatchError, Permill, Saturating},
};
use scale_info::TypeInfo;

/// Blocks after which the randomness of a block won't come any more, or was forgotten, if it is not there.
const SEED_PATIENCE: BlockNumber = 200;
/// Blocks for which a bundle waits for randomness at all, as long as somebody looks at it.
const SEED_LIMIT: BlockNumber = 1_000;
/// Entries that are forgotten at a time.
pub const MAX_FORGET: u32 = 8;

/// A commitment to many results.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Bundle<AccountId> {
	/// Root over the entries.
	pub root: Root,
	/// Number of entries.
	pub count: u32,
	/// The model version.
	pub checkpoint: CheckpointId,
	/// Whose results these are.
	pub worker: AccountId,
	/// Who pays for them.
	pub requester: AccountId,
	/// How the drawn entries are checked.
	pub verification: Verification,
	/// Block after which the randomness comes that the entries are drawn by: that at which the root was fixed, or a later
	/// one where it did not come.
	pub fixed: BlockNumber,
	/// Block at which it was fixed, or the last dispute over an entry was withstood.
	pub fresh: BlockNumber,
	/// Last block for showing the drawn entries; meaningless before the draw.
	pub show_until: BlockNumber,
	/// Entries that are drawn for a panel, once they are.
	pub audits: Option<BoundedVec<u32, ConstU32<MAX_AUDITS>>>,
	/// Shown entries that are disputed now.
	pub disputed: u32,
}

impl<AccountId> Bundle<AccountId> {
	/// A bundle that is to be fixed.
	pub fn new(
		root: Root,
		count: u32,
		checkpoint: CheckpointId,
		worker: AccountId,
		requester: AccountId,
		verification: Verification,
	) -> Self {
		let (fixed, fresh, show_until, audits, disputed) = (0, 0, 0, None, 0);
		Self {
			root,
			count,
			checkpoint,
			worker,
			requester,
			verification,
			fixed,
			fresh,
			show_until,
			audits,
			disputed,
		}
	}

	/// Whether entry `index` is drawn for a panel.
	pub fn is_audited(&self, index: u32) -> bool {
		self.audits.as_ref().is_some_and(|audits| audits.contains(&index))
	}

	/// Whether block `fixed` has no randomness and won't have any, if it is not there at block `now`.
	fn is_forgotten(&self, now: BlockNumber) -> bool {
		now > self.fixed.saturating_add(SEED_PATIENCE)
	}

	/// Whether its entries are not drawn at block `now` and never will be: it waited anew at least once, and for long.
	fn is_given_up(&self, now: BlockNumber) -> bool {
		let waited = self.fixed > self.fresh && now > self.fresh.saturating_add(SEED_LIMIT);
		self.audits.is_none() && waited && self.is_forgotten(now)
	}
}

/// Whether a shown entry is disputed.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum EntryState {
	/// It is not.
	Shown,
	/// It is.
	Disputed,
}

/// An entry that was shown.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Entry<AccountId> {
	/// What was computed.
	pub kind: JobKind,
	/// Hash of the input's bytes.
	pub input: ContentHash,
	/// Number of these.
	pub input_bytes: u32,
	/// Bytes of the output.
	pub output_bytes: u32,
	/// What the worker says the result is.
	pub claim: Claim,
	/// Whether it is disputed.
	pub state: EntryState,
	/// Who showed it without its being drawn, and what is held for that.
	pub deposit: Option<(AccountId, Balance)>,
}

impl<AccountId> Entry<AccountId> {
	/// Whether the claim can be one about this input at all.
	fn is_sound(&self, facts: &CheckpointFacts) -> bool {
		let usage = self.claim.usage;
		// As a job: what is longer would be cut, and nobody could show it in a dispute.
		let most = self.kind.max_input_tokens(self.input_bytes).saturating_add(self.kind.max_output_tokens());
		is_well_formed(&self.kind, self.input_bytes)
			&& most <= facts.context
			&& is_input_plausible(&self.kind, self.input_bytes, 1, false, usage.input_tokens)
			&& (1..=self.kind.max_output_tokens()).contains(&usage.output_tokens)
			&& usage.tokens() <= facts.context.into()
			&& facts.trace_leaves(usage.positions()) == Some(self.claim.leaves)
	}
}

impl<T: Config> Pallet<T> {
	/// Fixes a bundle from this block on.
	pub(crate) fn fix_bundle(id: BundleId, bundle: Bundle<T::AccountId>) {
		let now = Self::now();
		Bundles::<T>::insert(id, Bundle { fixed: now, fresh: now, show_until: now, ..bundle });
	}

	/// Draws the entries for panels, if that has not happened and can. Where the randomness for it did not come, or was
	/// forgotten before anybody looked, that after this block is waited for instead, but not for ever. Whether anything
	/// changed.
	pub(crate) fn draw_audits(id: BundleId) -> bool {
		let undrawn = Bundles::<T>::get(id).filter(|bundle| bundle.audits.is_none());
		let Some(mut bundle) = undrawn else { return false };
		let now = Self::now();
		match T::Randomness::after(bundle.fixed) {
			Some(seed) => {
				let most = T::AuditedEntries::get().max(1);
				let audits = audited_entries(id, &bundle.root, bundle.count, most, &seed);
				let show_until = now.saturating_add(T::ShowPeriod::get().max(1));
				bundle.show_until = show_until;
				bundle.audits = Some(BoundedVec::truncate_from(audits.clone()));
				Self::deposit_event(Event::Drawn { bundle: id, entries: audits, show_until });
			},
			None if bundle.is_forgotten(now) && !bundle.is_given_up(now) => bundle.fixed = now,
			None => return false,
		}
		Bundles::<T>::insert(id, bundle);
		true
	}

	/// The same before a bundle is settled. What changed has to last, and the bundle can't be settled yet: it gets a new
	/// date.
	pub(crate) fn draw_before_settling(id: BundleId) -> bool {
		let changed = Self::draw_audits(id);
		if changed {
			Self::reconsider(id, Self::now().saturating_add(1));
		}
		changed
	}

	/// Takes in an entry that `who` shows. `sound` says whether what it states of itself is true. Whether that ended the
	/// bundle.
	pub(crate) fn show_entry(
		who: T::AccountId,
		id: BundleId,
		index: u32,
		mut entry: Entry<T::AccountId>,
		sound: bool,
	) -> Result<bool, DispatchError> {
		ensure!(Self::is_bundle_live(id), Error::<T>::NoBundle);
		Self::draw_audits(id);
		let bundle = Bundles::<T>::get(id).ok_or(Error::<T>::NoBundle)?;
		ensure!(bundle.audits.is_some(), Error::<T>::NotDrawn);
		ensure!(!Entries::<T>::contains_key(id, index), Error::<T>::AlreadyShown);
		let facts = T::Checkpoints::facts(bundle.checkpoint).ok_or(Error::<T>::UnknownCheckpoint)?;
		if !(sound && entry.is_sound(&facts)) {
			return Self::condemn(id, index, &who, &bundle).map(|()| true);
		}
		let subject = id.subject(index);
		if bundle.is_audited(index) {
			ensure!(Self::now() <= bundle.show_until, Error::<T>::Overdue);
			let Bundle { checkpoint, worker, requester, verification, .. } = bundle;
			T::Panels::open(subject, entry.claim, checkpoint, worker, requester, verification)
				.map_err(|_| Error::<T>::PanelExists)?;
		} else {
			let deposit = T::ShowDeposit::get();
			Self::hold(HoldReason::ShownEntry, &who, deposit)?;
			entry.deposit = Some((who, deposit));
		}
		let claim = entry.claim;
		Entries::<T>::insert(id, index, entry);
		Self::deposit_event(Event::Shown { subject, claim });
		Ok(false)
	}

	/// Ends a bundle of which an entry can't be true: the worker put its name to it.
	pub(crate) fn condemn(
		id: BundleId,
		index: u32,
		who: &T::AccountId,
		bundle: &Bundle<T::AccountId>,
	) -> DispatchResult {
		let reward = Some(who).filter(|who| !T::Operators::same_operator(who, &bundle.worker));
		T::Operators::slash(&bundle.worker, Fault::WrongAnswer, reward);
		Self::deposit_event(Event::Malformed { subject: id.subject(index), by: who.clone() });
		Self::overturn_bundle(id)
	}

	/// First block at which a bundle may be settled, or looked at again, if nobody does anything.
	pub(crate) fn bundle_due(id: BundleId) -> BlockNumber {
		let Some(bundle) = Bundles::<T>::get(id) else { return Self::now() };
		let Some(audits) = &bundle.audits else { return bundle.fixed.saturating_add(1) };
		let mut due = Self::bundle_window_end(id, &bundle);
		for index in audits {
			let until = match Entries::<T>::contains_key(id, index) {
				true => T::Panels::due(id.subject(*index)).unwrap_or_default(),
				false => bundle.show_until.saturating_add(1),
			};
			due = due.max(until);
		}
		due
	}

	/// First block at which no entry can be disputed any more, if nobody else speaks.
	fn bundle_window_end(id: BundleId, bundle: &Bundle<T::AccountId>) -> BlockNumber {
		let audits = bundle.audits.iter().flatten();
		let spoke = audits.filter_map(|index| T::Panels::last_spoke(id.subject(*index))).max();
		bundle.fresh.max(spoke.unwrap_or_default()).saturating_add(T::ChallengeWindow::get())
	}

	/// Whether a bundle can be settled now.
	pub(crate) fn is_bundle_ripe(id: BundleId) -> bool {
		Bundles::<T>::get(id).is_none_or(|bundle| Self::find(id, &bundle).is_ok())
	}

	/// What the panels found of a bundle, if they and the window are over.
	fn find(id: BundleId, bundle: &Bundle<T::AccountId>) -> Result<Finding, Error<T>> {
		let now = Self::now();
		let Some(audits) = &bundle.audits else {
			ensure!(bundle.is_given_up(now), Error::<T>::NotDrawn);
			return Ok(Finding::Unverified);
		};
		let mut finding = Finding::Confirmed;
		for index in audits {
			if !Entries::<T>::contains_key(id, index) {
				let opens_in = Wait::until(bundle.show_until.saturating_add(1), now);
				ensure!(now > bundle.show_until, Error::<T>::PanelPending { opens_in });
				finding = finding.max(Finding::Withheld);
				continue;
			}
			let subject = id.subject(*index);
			Self::ensure_panel_over(subject)?;
			finding = finding.max(T::Panels::outcome(subject).into());
		}
		let end = Self::bundle_window_end(id, bundle);
		ensure!(now >= end, Error::<T>::WindowOpen { opens_in: Wait::until(end, now) });
		Ok(finding)
	}

	/// Ends the panels over a bundle that is ripe.
	pub(crate) fn close_bundle(id: BundleId) -> Result<Closed<T::AccountId>, Error<T>> {
		let Some(bundle) = Bundles::<T>::get(id) else {
			return Ok(Closed::unheard(Finding::Unverified));
		};
		let finding = Self::find(id, &bundle)?;
		let mut closed = Closed::unheard(finding);
		let mut unasked = Permill::one();
		for index in bundle.audits.iter().flatten() {
			// A withheld entry has no panel; those of the others do not outlive the bundle.
			let Some(close) = T::Panels::close(id.subject(*index)) else { continue };
			closed.spoke = closed.spoke.max(close.verdicts.len() as u32);
			let audit = Permill::from_parts(close.audit);
			unasked = unasked.saturating_mul(Permill::one().saturating_sub(audit));
			for verdict in close.verdicts {
				let _ = closed.verdicts.try_push(verdict);
			}
		}
		closed.audit = Permill::one().saturating_sub(unasked);
		Ok(closed)
	}

	/// Ends the panels of a bundle that was overturned, whatever they found. Who vouched for another entry than the one
	/// that was found to be wrong answers for it all the same.
	fn dissolve_panels(id: BundleId) {
		let audits = Bundles::<T>::get(id).and_then(|bundle| bundle.audits).unwrap_or_default();
		for index in audits {
			let subject = id.subject(index);
			if T::Panels::due(subject).is_none() {
				continue;
			}
			let is_canary = T::Panels::outcome(subject) == PanelOutcome::Canary;
			let spoke = T::Panels::dissolve(subject);
			let vouched: alloc::vec::Vec<_> =
				spoke.into_iter().filter_map(|(who, agrees)| agrees.then_some(who)).collect();
			if !is_canary && !vouched.is_empty() {
				let validators = BoundedVec::truncate_from(vouched);
				Vouched::<T>::insert(id, index, Vouchers { ended: Self::now(), validators });
			}
		}
	}

	/// Whether a bundle ended because an entry was found to be wrong.
	pub(crate) fn is_bundle_overturned(id: BundleId) -> bool {
		match id {
			BundleId::Batch(job) => Self::job(job)
				.is_ok_and(|job| job.state == JobState::Refunded { reason: RefundReason::Overturned }),
			BundleId::Channel(id) => Self::channel(id).is_ok_and(|channel| {
				channel.state == ChannelState::Refunded { reason: RefundReason::Overturned }
			}),
		}
	}

	/// Whether a bundle has not ended.
	pub(crate) fn is_bundle_live(id: BundleId) -> bool {
		match id {
			BundleId::Batch(job) => Self::job(job)
				.is_ok_and(|job| matches!(job.state, JobState::Answered { .. } | JobState::Disputed { .. })),
			BundleId::Channel(channel) => Self::is_channel_closed(channel),
		}
	}

	/// The first of the open disputes over entries begins.
	pub(crate) fn challenge_bundle(id: BundleId) -> DispatchResult {
		Self::advance_bundle(id, JobEvent::Challenge)
	}

	/// The last of them ended, and the entry stands.
	pub(crate) fn uphold_bundle(id: BundleId) -> DispatchResult {
		Self::advance_bundle(id, JobEvent::Uphold)
	}

	/// An entry was found to be wrong: the bundle ends.
	pub(crate) fn overturn_bundle(id: BundleId) -> DispatchResult {
		Self::dissolve_panels(id);
		Self::advance_bundle(id, JobEvent::Overturn)
	}

	fn advance_bundle(id: BundleId, event: JobEvent<T::AccountId>) -> DispatchResult {
		match id {
			BundleId::Batch(id) => Self::advance(id, &mut Self::job(id)?, event),
			BundleId::Channel(id) => Self::advance_closed_channel(id, event),
		}
	}

	/// Has a bundle looked at again when it may be settled, but not before `earliest`.
	pub(crate) fn reconsider(id: BundleId, earliest: BlockNumber) {
		let due = Self::bundle_due(id).max(earliest);
		let stands = match id {
			BundleId::Batch(job) => crate::Jobs::<T>::mutate_extant(job, |job| {
				let answered = matches!(job.state, JobState::Answered { .. });
				if answered {
					job.due = due;
				}
				answered
			}),
			BundleId::Channel(channel) => Self::postpone_channel(channel, due),
		};
		if stands {
			let _ = Self::schedule(noesis_primitives::Engagement::Bundle(id), due);
		}
	}

	/// Forgets a bundle that ended, and gives the deposits back: some entries at a time. Whether all are gone.
	pub(crate) fn forget_bundle(id: BundleId) -> bool {
		let reason = HoldReason::ShownEntry.into();
		let some: alloc::vec::Vec<_> = Entries::<T>::iter_prefix(id).take(MAX_FORGET as usize).collect();
		let all = (some.len() as u32) < MAX_FORGET;
		for (index, entry) in some {
			if let Some((who, deposit)) = entry.deposit {
				let _ = T::Currency::release(&reason, &who, deposit, Precision::BestEffort);
			}
			Entries::<T>::remove(id, index);
		}
		if all {
			for index in Bundles::<T>::take(id).and_then(|bundle| bundle.audits).into_iter().flatten() {
				Vouched::<T>::remove(id, index);
			}
		}
		all
	}
}
