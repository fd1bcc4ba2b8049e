//! How disputes open.

use crate::{
	Config, Dispute, Disputes, Docket, Dockets, Due, Error, Event, Load, NextDispute, Pallet, Players,
	Standing, MAX_DOUBLINGS,
};
use noesis_primitives::{
	Accused, Balance, BlockNumber, CheckpointFacts, CheckpointRegistry, Claim, ContentHash, Disputable,
	DisputeId, DisputedSubject, Next, NotDisputable, OperatorRegistry, Panels, Payload, Phase, Rules,
	Subject, Vouchers, MAX_ARITY,
};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchResult, ensure, traits::Get},
	frame_system,
	sp_runtime::SaturatedConversion,
};

/// What of a claim is disputed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
	/// Its trace.
	Trace,
	/// Its output, by who agrees with the trace.
	Output,
}

/// Most moves that a move counts for.
const MAX_EFFORT: u32 = 1 << 16;

/// A claim that somebody accuses.
pub(crate) struct Case<AccountId> {
	pub accused: Accused<AccountId>,
	pub claim: Claim,
	/// The account that made it.
	pub defender: AccountId,
	pub disputed: DisputedSubject<AccountId>,
	pub facts: CheckpointFacts,
}

impl<AccountId> Case<AccountId> {
	/// How many moves a move counts for when one may take the model over so many units: who is asked for a move may have
	/// to compute the whole claim again, or all before a leaf of it.
	fn effort(&self, units_per_move: u64) -> u32 {
		let units = self.claim.usage.positions().saturating_mul(self.facts.units_per_token.into());
		let moves = units.div_ceil(units_per_move.max(1)).clamp(1, MAX_EFFORT.into());
		u32::try_from(moves).unwrap_or(MAX_EFFORT)
	}

	/// Where a dispute begins in which the output is demanded, if there is something to demand.
	fn demanded<T>(&self) -> Result<Phase, Error<T>> {
		// What is on the chain of a sealed job may be no sealed output, whoever has its keys.
		if let (None, Payload::Inline(bytes)) = (self.disputed.sealed, &self.disputed.output) {
			ensure!(ContentHash::of(bytes) != self.claim.output, Error::<T>::OutputKnown);
		}
		Ok(Phase::Output)
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// The bond of a dispute that opens now.
	pub fn bond_for(subject: Subject) -> Balance {
		let lost = Dockets::<T>::get(subject).map_or(0, |docket| docket.upheld);
		Self::bond_after(lost)
	}

	fn bond_after(lost: u32) -> Balance {
		T::Bond::get().saturating_mul(1 << lost.min(MAX_DOUBLINGS))
	}

	/// The disputes of a subject. Where it ended together with another one that was overturned, who vouched for it answers
	/// for it likewise.
	pub(crate) fn docket(subject: Subject) -> Docket<T::AccountId> {
		let mut docket = Dockets::<T>::get(subject).unwrap_or_default();
		if !docket.open.is_empty() || docket.standing != Standing::Stands {
			return docket;
		}
		if let Some((Vouchers { ended, validators }, disputed)) =
			T::Subjects::vouchers(subject).zip(T::Subjects::disputed(subject))
		{
			docket.standing = Standing::Overturned { claim: disputed.claim, liable: validators };
			docket.until = ended.saturating_add(T::LiabilityPeriod::get().max(1));
		}
		docket
	}

	/// Levels that a move descends.
	fn levels_per_move() -> u8 {
		T::Arity::get().clamp(2, MAX_ARITY).ilog2() as u8
	}

	/// The claim that `accuser` accuses, if it was made and somebody answers for it.
	pub(crate) fn case(
		accuser: &T::AccountId,
		docket: &Docket<T::AccountId>,
		subject: Subject,
		accused: Accused<T::AccountId>,
		claim: Claim,
	) -> Result<Case<T::AccountId>, Error<T>> {
		let disputed = T::Subjects::disputed(subject).ok_or(Error::<T>::UnknownSubject)?;
		let defender = match (&accused, &docket.standing) {
			(Accused::Worker, Standing::Stands) => {
				ensure!(disputed.claim == claim, Error::<T>::WrongClaim);
				disputed.worker.clone()
			},
			(Accused::Worker, Standing::Overturned { .. }) => return Err(Error::<T>::Settled),
			(Accused::Validator(who), Standing::Stands) => {
				let found = T::Panels::claim_of(subject, who).ok_or(Error::<T>::WrongClaim)?;
				ensure!(found == claim.hash(), Error::<T>::WrongClaim);
				who.clone()
			},
			(Accused::Validator(who), Standing::Overturned { claim: overturned, liable }) => {
				ensure!(Self::now() <= docket.until, Error::<T>::Settled);
				ensure!(*overturned == claim && liable.contains(who), Error::<T>::WrongClaim);
				who.clone()
			},
		};
		ensure!(defender != *accuser, Error::<T>::OwnClaim);
		let facts = T::Checkpoints::facts(disputed.checkpoint).ok_or(Error::<T>::UnknownCheckpoint)?;
		Ok(Case { accused, claim, defender, disputed, facts })
	}

	/// Whether `who` may have something of a job shown. Of a sealed one not everybody, or a bond would buy a look at it; but
	/// every validator, which has a stake to lose, drawn or not: else nobody could look where requester, worker and panel
	/// are the same.
	fn may_uncover(who: &T::AccountId, disputed: &DisputedSubject<T::AccountId>) -> bool {
		let validates = || T::Operators::ensure_validator(who, disputed.checkpoint, Self::now()).is_ok();
		disputed.sealed.is_none() || *who == disputed.requester || *who == disputed.worker || validates()
	}

	/// Opens a dispute.
	pub(crate) fn open(
		challenger: T::AccountId,
		subject: Subject,
		accused: Accused<T::AccountId>,
		claim: Claim,
		way: Way,
	) -> DispatchResult {
		let mut docket = Self::docket(subject);
		let case = Self::case(&challenger, &docket, subject, accused, claim)?;
		ensure!(Self::may_uncover(&challenger, &case.disputed), Error::<T>::Sealed);
		let open = docket.open.iter().filter_map(Disputes::<T>::get);
		for other in open.filter(|open| open.accused == case.accused) {
			ensure!(other.challenger != challenger, Error::<T>::AlreadyDisputed);
			let demands = matches!(other.phase, Phase::Output | Phase::Compare);
			ensure!(way != Way::Output || !demands, Error::<T>::OutputDemanded);
		}
		ensure!(!case.contradicts_itself(), Error::<T>::Contradiction);
		ensure!(
			T::Checkpoints::architecture(case.disputed.checkpoint).is_some(),
			Error::<T>::UnknownCheckpoint
		);
		let shape = case.facts.trace_shape(claim.usage.positions()).ok_or(Error::<T>::Contradiction)?;
		let rules = Rules { claim, kind: case.disputed.kind, shape, levels: Self::levels_per_move() };
		let begin = match way {
			Way::Trace => rules.begin(),
			Way::Output => Next::Phase(case.demanded::<T>()?),
		};
		let Next::Phase(phase) = begin else { return Err(Error::<T>::Contradiction.into()) };

		let bond = Self::bond_after(docket.upheld);
		Self::hold(&challenger, bond)?;
		if docket.open.is_empty() && matches!(docket.standing, Standing::Stands) {
			T::Subjects::suspend(subject).map_err(Error::<T>::from)?;
		}
		let id = NextDispute::<T>::get();
		NextDispute::<T>::put(DisputeId(id.0.saturating_add(1)));
		docket.open.try_push(id).map_err(|_| Error::<T>::DocketFull)?;
		let effort = case.effort(T::UnitsPerMove::get());
		for player in [&challenger, &case.defender] {
			Players::<T>::insert(player, id, ());
			Load::<T>::mutate(player, |load| *load = load.saturating_add(effort));
		}
		let mut dispute = Dispute {
			subject,
			accused: case.accused,
			defender: case.defender,
			challenger,
			bond,
			checkpoint: case.disputed.checkpoint,
			input: case.disputed.input_mark(),
			rules,
			effort,
			opened: Self::now(),
			due: Self::now(),
			phase,
		};
		dispute.due = Self::next_due(dispute.mover());
		Self::schedule(Due::Move(id), dispute.due)?;
		Self::deposit_event(Event::Challenged {
			dispute: id,
			subject,
			accused: dispute.accused.clone(),
			defender: dispute.defender.clone(),
			challenger: dispute.challenger.clone(),
			bond,
			stage: dispute.phase.stage(),
			due: dispute.due,
		});
		Dockets::<T>::insert(subject, docket);
		Disputes::<T>::insert(id, dispute);
		Ok(())
	}

	/// Last block of a move that `who` has to make next. All the moves that it can be asked for by then fit into its windows:
	/// it plays one of each dispute at a time, and a move over a long claim counts for many.
	pub(crate) fn next_due(who: &T::AccountId) -> BlockNumber {
		let windows = Load::<T>::get(who).div_ceil(T::MovesPerWindow::get().max(1));
		let windows = windows.min(T::MaxWindows::get()).max(1);
		Self::now().saturating_add(T::ResponseWindow::get().max(1).saturating_mul(windows))
	}
}

impl<T> From<NotDisputable> for Error<T> {
	fn from(why: NotDisputable) -> Self {
		match why {
			NotDisputable::Unknown => Self::UnknownSubject,
			NotDisputable::NotAnswered => Self::NotAnswered,
			NotDisputable::Settled => Self::Settled,
		}
	}
}
