//! Channels: the offer, the close, and what follows from it.

use crate::{
	bundle::Bundle,
	job::{seats, Price},
	settlement::{Bill, Closed, Finding},
	ChannelSettlements, Channels, Config, Error, Event, HoldReason, NextChannel, Pallet,
};
use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{
	Balance, BlockNumber, BundleId, ChannelEvent, ChannelId, ChannelSpec, ChannelState, CheckpointRegistry,
	Conduct, Engagement, JobEvent, OperatorRegistry, Settlement, Tally, MAX_ITEMS,
};
use noesis_support::{Lack, Wait};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchResult, ensure, traits::Get},
	frame_system,
	sp_runtime::{traits::Verify, Permill},
};
use scale_info::TypeInfo;

/// A channel.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Channel<AccountId> {
	/// Who pays.
	pub requester: AccountId,
	/// What was offered.
	pub spec: ChannelSpec<AccountId>,
	/// The surcharges of the time of the offer, and the least that turns cost together. Beyond that their price is the two
	/// sides' affair.
	pub price: Price,
	/// Where it stands.
	pub state: ChannelState,
	/// Block at whose end the state changes by itself, or at which it may be settled; the greatest number there is
	/// while a turn is disputed.
	pub due: BlockNumber,
	/// Last block at which it can be closed.
	pub expires: BlockNumber,
	/// The latest tally that was shown.
	pub tally: Option<Tally>,
}

impl<AccountId> Channel<AccountId> {
	/// What a tally costs when `spoke` validators spoke on each drawn turn.
	fn bill(&self, tally: &Tally, spoke: u32) -> crate::job::Cost {
		let shared = tally.spent.max(self.price.base);
		crate::job::Cost { shared, panel: self.price.panel_surcharge(shared, spoke) }
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn channel(id: ChannelId) -> Result<Channel<T::AccountId>, Error<T>> {
		Channels::<T>::get(id).ok_or(Error::<T>::NoChannel)
	}

	/// Offers a channel to a worker.
	pub(crate) fn offer_channel(requester: T::AccountId, spec: ChannelSpec<T::AccountId>) -> DispatchResult {
		let facts = T::Checkpoints::facts(spec.checkpoint).ok_or(Error::<T>::UnknownCheckpoint)?;
		ensure!(facts.active, Error::<T>::CheckpointDeprecated);
		let well_formed = spec.verification.is_valid()
			&& (1..=spec.escrow).contains(&spec.cap)
			&& (1..=T::MaxLifetime::get()).contains(&spec.lifetime)
			&& spec.worker != requester;
		ensure!(well_formed, Error::<T>::BadParameters);
		let price = Price { tier: Permill::zero(), ..Self::price(Self::base(MAX_ITEMS), 0, spec.tier) };
		let least = price.cost(0, Permill::zero(), seats(spec.verification)).total();
		let short_by = Lack::of(least, spec.escrow);
		ensure!(spec.escrow >= least, Error::<T>::EscrowTooSmall { short_by });
		Self::ensure_validators(spec.checkpoint, spec.verification).map_err(Error::<T>::from)?;
		Self::hold(HoldReason::ChannelEscrow, &requester, spec.escrow)?;
		let id = NextChannel::<T>::get();
		NextChannel::<T>::put(ChannelId(id.0.saturating_add(1)));
		let expires = Self::now().saturating_add(spec.lifetime);
		Self::schedule(Engagement::Bundle(BundleId::Channel(id)), expires)?;
		Self::deposit_event(Event::ChannelOffered {
			channel: id,
			requester: requester.clone(),
			worker: spec.worker.clone(),
			escrow: spec.escrow,
			expires,
		});
		let (state, due, tally) = (ChannelState::Offered, expires, None);
		Channels::<T>::insert(id, Channel { requester, spec, price, state, due, expires, tally });
		Ok(())
	}

	/// Takes the offer of a channel.
	pub(crate) fn take_channel(worker: &T::AccountId, id: ChannelId) -> DispatchResult {
		let mut channel = Self::channel(id)?;
		ensure!(channel.spec.worker == *worker, Error::<T>::NotNamed);
		ensure!(channel.state == ChannelState::Offered, Error::<T>::WrongState);
		ensure!(Self::now() <= channel.expires, Error::<T>::Overdue);
		T::Operators::ensure_worker(worker, channel.spec.checkpoint).map_err(Error::<T>::from)?;
		T::Operators::expose(worker, channel.spec.escrow).map_err(Error::<T>::from)?;
		Self::advance_channel(id, &mut channel, ChannelEvent::Accept)
	}

	/// Closes a channel by the other side's signature, or takes an offer back.
	pub(crate) fn take_close(
		who: T::AccountId,
		tally: Tally,
		signature: Option<T::Signature>,
	) -> DispatchResult {
		let id = tally.channel;
		let mut channel = Self::channel(id)?;
		let by_requester = channel.requester == who;
		ensure!(by_requester || channel.spec.worker == who, Error::<T>::NotParty);
		if channel.state == ChannelState::Offered {
			ensure!(by_requester, Error::<T>::WrongState);
			return Self::advance_channel(id, &mut channel, ChannelEvent::Cancel);
		}
		ensure!(channel.state == ChannelState::Open, Error::<T>::WrongState);
		ensure!(Self::now() <= channel.expires, Error::<T>::Overdue);
		let other = if by_requester { &channel.spec.worker } else { &channel.requester };
		// Before the first turn there is nothing to sign. A worker that served nothing gives everything up.
		if tally != Tally::empty(id) {
			Self::ensure_signed_by(&tally, signature.as_ref(), other)?;
		}
		Self::ensure_within(&channel, &tally)?;
		channel.tally = Some(tally);
		if by_requester {
			let until = Self::now().saturating_add(T::ContestPeriod::get().max(1));
			return Self::advance_channel(id, &mut channel, ChannelEvent::Propose { until });
		}
		Self::fix_channel(id, &mut channel)
	}

	/// Answers a requester's close with a later tally that the requester signed, and closes by that.
	pub(crate) fn take_contest(who: T::AccountId, tally: Tally, signature: T::Signature) -> DispatchResult {
		let id = tally.channel;
		let mut channel = Self::channel(id)?;
		ensure!(channel.spec.worker == who, Error::<T>::NotParty);
		let ChannelState::Closing { until } = channel.state else {
			return Err(Error::<T>::WrongState.into());
		};
		ensure!(Self::now() <= until, Error::<T>::Overdue);
		let shown = channel.tally.map_or(0, |tally| tally.turns);
		ensure!(tally.turns > shown, Error::<T>::NotLater);
		Self::ensure_signed_by(&tally, Some(&signature), &channel.requester)?;
		Self::ensure_within(&channel, &tally)?;
		channel.tally = Some(tally);
		Self::fix_channel(id, &mut channel)
	}

	/// Whether `who` signed the tally on this chain; the bytes may be wrapped as browser wallets do.
	fn ensure_signed_by(
		tally: &Tally,
		signature: Option<&T::Signature>,
		who: &T::AccountId,
	) -> Result<(), Error<T>> {
		let signature = signature.ok_or(Error::<T>::BadSignature)?;
		let message = tally.message(&Self::genesis());
		let wrapped = || [&b"<Bytes>"[..], &message[..], &b"</Bytes>"[..]].concat();
		let signed = signature.verify(&message[..], who) || signature.verify(&wrapped()[..], who);
		ensure!(signed, Error::<T>::BadSignature);
		Ok(())
	}

	/// The hash of the genesis block, under every signature of a channel.
	pub fn genesis() -> [u8; 32] {
		let hash = frame_system::Pallet::<T>::block_hash(
			frame_system::pallet_prelude::BlockNumberFor::<T>::from(0u32),
		);
		let mut bytes = [0; 32];
		bytes.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
		bytes
	}

	fn ensure_within(channel: &Channel<T::AccountId>, tally: &Tally) -> Result<(), Error<T>> {
		let empty = *tally == Tally::empty(tally.channel);
		ensure!(empty || (1..=MAX_ITEMS).contains(&tally.turns), Error::<T>::BadTally);
		let cap = channel.spec.cap.saturating_mul(tally.turns.into());
		ensure!(tally.spent <= cap, Error::<T>::OverCap);
		let most = channel.bill(tally, seats(channel.spec.verification)).total();
		ensure!(most <= channel.spec.escrow, Error::<T>::OverCap);
		Ok(())
	}

	/// Fixes the tally of a channel: from now on its turns are drawn, shown and disputed.
	fn fix_channel(id: ChannelId, channel: &mut Channel<T::AccountId>) -> DispatchResult {
		let Some(tally) = channel.tally.filter(|tally| tally.turns > 0) else {
			return Self::advance_channel(id, channel, ChannelEvent::Void);
		};
		Self::fix_bundle(
			BundleId::Channel(id),
			Bundle::new(
				tally.root,
				tally.turns,
				channel.spec.checkpoint,
				channel.spec.worker.clone(),
				channel.requester.clone(),
				channel.spec.verification,
			),
		);
		Self::advance_channel(id, channel, ChannelEvent::Fix)
	}

	/// Pays a closed channel by the word of the panels over its turns. One of which nothing was drawn yet is only drawn
	/// from.
	pub(crate) fn settle_turns(id: ChannelId) -> DispatchResult {
		let mut channel = Self::channel(id)?;
		match channel.state {
			ChannelState::Closed => {},
			ChannelState::Disputed => return Err(Error::<T>::Disputed.into()),
			_ => return Err(Error::<T>::NotAnswered.into()),
		}
		let bundle = BundleId::Channel(id);
		if Self::draw_before_settling(bundle) {
			return Ok(());
		}
		let closed = Self::close_bundle(bundle)?;
		let event = match closed.finding {
			Finding::Confirmed => ChannelEvent::Confirm,
			Finding::Unverified => ChannelEvent::Lapse,
			Finding::Rejected => ChannelEvent::Reject,
			Finding::Canary => ChannelEvent::Unmask,
			Finding::Withheld => ChannelEvent::Withhold,
		};
		Self::advance_channel_with(id, &mut channel, event, closed)
	}

	/// Moves a channel on that was due at block `last` or before, and is not to be settled.
	pub(crate) fn move_channel_on(id: ChannelId, last: BlockNumber) -> DispatchResult {
		let mut channel = Self::channel(id)?;
		match channel.state {
			ChannelState::Disputed => Err(Error::<T>::Disputed.into()),
			_ if channel.due > last => {
				Err(Error::<T>::NotDue { opens_in: Wait::until(channel.due, last) }.into())
			},
			ChannelState::Offered | ChannelState::Open => {
				Self::advance_channel(id, &mut channel, ChannelEvent::Expire)
			},
			ChannelState::Closing { .. } => Self::fix_channel(id, &mut channel),
			ChannelState::Closed => Err(Error::<T>::WrongState.into()),
			ChannelState::Paid | ChannelState::Refunded { .. } => {
				Self::prune_channel(id, channel);
				Ok(())
			},
		}
	}

	/// Does what is due for a channel at the end of block `last`.
	pub(crate) fn serve_channel(id: ChannelId, last: BlockNumber) -> DispatchResult {
		let Ok(mut channel) = Self::channel(id) else { return Ok(()) };
		if channel.due > last {
			return Ok(());
		}
		if channel.state != ChannelState::Closed {
			return Self::move_channel_on(id, last);
		}
		let bundle = BundleId::Channel(id);
		Self::draw_audits(bundle);
		if Self::is_bundle_ripe(bundle) {
			return Self::settle_turns(id);
		}
		channel.due = Self::bundle_due(bundle).max(Self::now().saturating_add(1));
		let _ = Self::schedule(Engagement::Bundle(bundle), channel.due);
		Channels::<T>::insert(id, channel);
		Ok(())
	}

	pub(crate) fn is_channel_closed(id: ChannelId) -> bool {
		Self::channel(id)
			.is_ok_and(|channel| matches!(channel.state, ChannelState::Closed | ChannelState::Disputed))
	}

	/// Sets when a closed channel is looked at. Whether it is closed.
	pub(crate) fn postpone_channel(id: ChannelId, due: BlockNumber) -> bool {
		Channels::<T>::mutate_extant(id, |channel| {
			let closed = channel.state == ChannelState::Closed;
			if closed {
				channel.due = due;
			}
			closed
		})
	}

	/// Moves a channel as a dispute over one of its turns says.
	pub(crate) fn advance_closed_channel(id: ChannelId, event: JobEvent<T::AccountId>) -> DispatchResult {
		let event = match event {
			JobEvent::Challenge => ChannelEvent::Challenge,
			JobEvent::Uphold => ChannelEvent::Uphold,
			JobEvent::Overturn => ChannelEvent::Overturn,
			_ => return Err(Error::<T>::WrongState.into()),
		};
		Self::advance_channel(id, &mut Self::channel(id)?, event)
	}

	fn advance_channel(
		id: ChannelId,
		channel: &mut Channel<T::AccountId>,
		event: ChannelEvent,
	) -> DispatchResult {
		Self::advance_channel_with(id, channel, event, Closed::unheard(Finding::Unverified))
	}

	/// Moves a channel. The only place where its state changes.
	fn advance_channel_with(
		id: ChannelId,
		channel: &mut Channel<T::AccountId>,
		event: ChannelEvent,
		closed: Closed<T::AccountId>,
	) -> DispatchResult {
		let at = Self::now();
		let to = channel.state.transition(event).map_err(|_| Error::<T>::WrongState)?;
		let from = core::mem::replace(&mut channel.state, to);
		let mut settlement = None;
		channel.due = match to {
			ChannelState::Offered | ChannelState::Open => channel.expires,
			ChannelState::Closing { until } => until,
			ChannelState::Closed => Self::bundle_due(BundleId::Channel(id)).max(at.saturating_add(1)),
			ChannelState::Disputed => BlockNumber::MAX,
			ChannelState::Paid | ChannelState::Refunded { .. } => {
				if from != ChannelState::Offered {
					T::Operators::relieve(&channel.spec.worker, channel.spec.escrow);
				}
				settlement = Some(Self::spend_channel(id, channel, closed)?);
				at.saturating_add(T::KeepPeriod::get().max(1))
			},
		};
		if let Some(conduct) = conduct(event) {
			T::Operators::note(&channel.spec.worker, conduct);
		}
		let is_listed = from == ChannelState::Offered && !to.is_terminal();
		if to != ChannelState::Disputed && !is_listed {
			let _ = Self::schedule(Engagement::Bundle(BundleId::Channel(id)), channel.due);
		}
		Self::deposit_event(Event::ChannelMoved { channel: id, from, to, at });
		if let Some(Settlement { worker, per_validator, pot, saved, bonus, refund, .. }) = settlement {
			let worker_paid = worker;
			Self::deposit_event(Event::ChannelSettled {
				channel: id,
				worker_paid,
				per_validator,
				pot,
				saved,
				bonus,
				refund,
			});
		}
		Channels::<T>::insert(id, channel);
		Ok(())
	}

	fn spend_channel(
		id: ChannelId,
		channel: &Channel<T::AccountId>,
		closed: Closed<T::AccountId>,
	) -> Result<Settlement<T::AccountId>, polkadot_sdk::sp_runtime::DispatchError> {
		let cost = channel.tally.filter(|_| channel.state == ChannelState::Paid);
		let due = cost.map(|tally| (&channel.spec.worker, channel.bill(&tally, closed.spoke)));
		let (requester, escrow) = (&channel.requester, channel.spec.escrow);
		let (reason, audit) = (HoldReason::ChannelEscrow, closed.audit);
		let bill = Bill { requester, reason, escrow, audit, due };
		let settlement = Self::spend(bill, closed.verdicts)?;
		ChannelSettlements::<T>::insert(id, &settlement);
		Ok(settlement)
	}

	/// Forgets a channel; of one with many shown turns, as many as can be forgotten at a time.
	fn prune_channel(id: ChannelId, mut channel: Channel<T::AccountId>) {
		let bundle = BundleId::Channel(id);
		if !Self::forget_bundle(bundle) {
			channel.due = Self::now().saturating_add(1);
			let _ = Self::schedule(Engagement::Bundle(bundle), channel.due);
			Channels::<T>::insert(id, channel);
			return;
		}
		Channels::<T>::remove(id);
		ChannelSettlements::<T>::remove(id);
		Self::deposit_event(Event::ChannelPruned { channel: id });
	}

	/// What of a channel the worker would be paid, and the requester have back, if its turns stand.
	pub(crate) fn prospects_of(channel: &Channel<T::AccountId>) -> (Balance, Balance) {
		let spent = channel.tally.map_or(0, |tally| channel.bill(&tally, 0).shared);
		(T::WorkerShare::get().mul_floor(spent), channel.spec.escrow.saturating_sub(spent))
	}
}

/// How the worker behaved that an event is about, if it says anything of it.
fn conduct(event: ChannelEvent) -> Option<Conduct> {
	match event {
		ChannelEvent::Confirm => Some(Conduct::Served),
		ChannelEvent::Withhold => Some(Conduct::Missed),
		ChannelEvent::Reject => Some(Conduct::Rejected),
		_ => None,
	}
}
