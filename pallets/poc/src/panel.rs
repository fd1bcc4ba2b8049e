//! A panel's record, and all that follows from it and the current block alone.

use crate::{Sample, Terms};
use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{BlockNumber, CheckpointId, Claim, ClaimHash, PanelOutcome, MAX_PANEL};
use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Verdicts that a panel can take in all, with those that are struck.
pub const MAX_SPEAKERS: u32 = 2 * MAX_PANEL;

/// A panel.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Panel<AccountId> {
	/// What the worker says the result is.
	pub claim: Claim,
	/// On which checkpoint.
	pub checkpoint: CheckpointId,
	/// Who answered.
	pub worker: AccountId,
	/// Who pays.
	pub requester: AccountId,
	/// Block of the answer.
	pub opened: BlockNumber,
	/// The numbers that it goes by.
	pub terms: Terms,
	/// Window in which a claim first had a quorum.
	pub quorum_in: Option<u32>,
	/// Block of the last verdict, or of the answer.
	pub spoke: BlockNumber,
	/// Who spoke, and what they found.
	pub verdicts: BoundedVec<(AccountId, ClaimHash), ConstU32<MAX_PANEL>>,
	/// Who was drawn and could not judge.
	pub abstained: BoundedVec<AccountId, ConstU32<MAX_PANEL>>,
	/// Whose verdict was found to be wrong.
	pub struck: BoundedVec<AccountId, ConstU32<MAX_SPEAKERS>>,
	/// The true claim, when the answer turned out to be a canary.
	pub canary: Option<ClaimHash>,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoSeat {
	/// Every seat is taken.
	Full,
	/// So many verdicts were struck that there is no room for another.
	Worn,
}

impl<AccountId: Clone + PartialEq> Panel<AccountId> {
	/// One that nobody has spoken on.
	pub fn new(
		claim: Claim,
		checkpoint: CheckpointId,
		[worker, requester]: [AccountId; 2],
		terms: Terms,
		now: BlockNumber,
	) -> Self {
		Self {
			claim,
			checkpoint,
			worker,
			requester,
			opened: now,
			terms,
			quorum_in: None,
			spoke: now,
			verdicts: BoundedVec::new(),
			abstained: BoundedVec::new(),
			struck: BoundedVec::new(),
			canary: None,
		}
	}

	/// The window that block `now` is in. Window 0 begins with the block after the answer.
	pub fn window_at(&self, now: BlockNumber) -> u32 {
		now.saturating_sub(self.opened).saturating_sub(1).checked_div(self.terms.window).unwrap_or(0)
	}

	/// First block after `window`.
	pub fn end_of(&self, window: u32) -> BlockNumber {
		let blocks = self.terms.window.saturating_mul(window.saturating_add(1));
		self.opened.saturating_add(1).saturating_add(blocks)
	}

	/// First block after the last window.
	pub fn ends(&self) -> BlockNumber {
		self.end_of(self.terms.max_windows.saturating_sub(1))
	}

	/// Whether every seat is taken.
	pub fn is_full(&self) -> bool {
		self.verdicts.len() as u32 >= self.terms.size
	}

	/// Whether nobody may speak any more at block `now`.
	pub fn is_over(&self, now: BlockNumber, sample: Sample) -> bool {
		let window = self.window_at(now);
		self.canary.is_some()
			|| sample == Sample::Waived
			|| self.is_full()
			|| window >= self.terms.max_windows
			|| self.quorum_in.is_some_and(|decided| decided < window)
	}

	/// First block at which it may be over, if nobody else speaks: now; the block in which it turns out whether the
	/// answer is audited; or the end of the current window.
	pub fn due(&self, now: BlockNumber, sample: Sample) -> BlockNumber {
		if self.is_over(now, sample) {
			now
		} else if sample == Sample::Unknown {
			now.max(self.opened).saturating_add(1)
		} else {
			self.end_of(self.window_at(now))
		}
	}

	/// Whether `who` is the worker or the requester.
	pub fn is_party(&self, who: &AccountId) -> bool {
		*who == self.worker || *who == self.requester
	}

	/// Whether `who` spoke, abstained, or had its verdict struck.
	pub fn has_spoken(&self, who: &AccountId) -> bool {
		self.claim_of(who).is_some() || self.abstained.contains(who) || self.struck.contains(who)
	}

	/// What `who` found, unless it was struck.
	pub fn claim_of(&self, who: &AccountId) -> Option<ClaimHash> {
		self.verdicts.iter().find(|(validator, _)| validator == who).map(|(_, hash)| *hash)
	}

	/// Verdicts that found `claim`.
	pub fn found(&self, claim: &ClaimHash) -> u32 {
		self.verdicts.iter().filter(|(_, hash)| hash == claim).count() as u32
	}

	/// A claim that has a quorum, of which there is at most one.
	pub fn quorum(&self) -> Option<ClaimHash> {
		let claims = self.verdicts.iter().map(|(_, hash)| *hash);
		claims.into_iter().find(|hash| self.found(hash) >= self.terms.quorum)
	}

	/// Seats `who` at block `now`.
	pub fn seat(&mut self, who: AccountId, claim: ClaimHash, now: BlockNumber) -> Result<(), NoSeat> {
		if self.is_full() {
			return Err(NoSeat::Full);
		}
		// Whoever is seated may be struck, and must be kept then.
		if self.verdicts.len().saturating_add(self.struck.len()) >= MAX_SPEAKERS as usize {
			return Err(NoSeat::Worn);
		}
		self.verdicts.try_push((who, claim)).map_err(|_| NoSeat::Full)?;
		self.spoke = now;
		if self.quorum_in.is_none() && self.found(&claim) >= self.terms.quorum {
			self.quorum_in = Some(self.window_at(now));
		}
		Ok(())
	}

	/// Takes the verdict of `who` out of the count and keeps it from speaking again. Whether there was one.
	pub fn strike(&mut self, who: &AccountId) -> bool {
		if self.claim_of(who).is_none() || self.struck.try_push(who.clone()).is_err() {
			return false;
		}
		self.verdicts.retain(|(validator, _)| validator != who);
		if self.quorum().is_none() {
			self.quorum_in = None;
		}
		true
	}

	/// How it stands at block `now`.
	pub fn outcome(&self, now: BlockNumber, sample: Sample) -> PanelOutcome {
		if self.canary.is_some() {
			PanelOutcome::Canary
		} else if sample == Sample::Waived {
			PanelOutcome::Waived
		} else if self.is_over(now, sample) {
			self.verdict()
		} else {
			PanelOutcome::Pending
		}
	}

	/// What its verdicts say, if no more come.
	pub fn verdict(&self) -> PanelOutcome {
		let worker = self.claim.hash();
		let agree = self.found(&worker);
		let disagree = (self.verdicts.len() as u32).saturating_sub(agree);
		match self.quorum() {
			Some(claim) if claim == worker => PanelOutcome::Confirmed,
			Some(_) => PanelOutcome::Rejected,
			None if self.is_full() || !self.terms.settles_for_a_majority() => PanelOutcome::Lapsed,
			None if agree > disagree => PanelOutcome::Confirmed,
			None => PanelOutcome::Lapsed,
		}
	}

	/// What was found at the end: the claim that the validators who were right have.
	pub fn settled(&self, outcome: PanelOutcome) -> Option<ClaimHash> {
		match outcome {
			PanelOutcome::Confirmed => Some(self.claim.hash()),
			PanelOutcome::Rejected => self.quorum(),
			PanelOutcome::Canary => self.canary,
			PanelOutcome::Pending | PanelOutcome::Lapsed | PanelOutcome::Waived => None,
		}
	}
}
