//! A panel's record, and all that follows from it and the current block alone.

use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{BlockNumber, CheckpointId, Claim, ClaimHash, PanelOutcome, MAX_OPENINGS, MAX_PANEL};
use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// The numbers of a panel, as they stood when it opened.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Terms {
	/// Seats.
	pub size: u32,
	/// Equal verdicts that decide.
	pub quorum: u32,
	/// Leaves that a verdict opens.
	pub openings: u32,
	/// Blocks of a window.
	pub window: u32,
	/// Windows until it ends without a quorum.
	pub max_windows: u32,
	/// Validators that it is drawn from.
	pub validators: u32,
}

impl Terms {
	/// The same, with each number brought into its range.
	pub fn bounded(self) -> Self {
		let size = self.size.clamp(1, MAX_PANEL);
		let majority = (size / 2).saturating_add(1);
		Self {
			size,
			quorum: self.quorum.clamp(majority, size),
			openings: self.openings.clamp(1, MAX_OPENINGS),
			window: self.window.max(1),
			max_windows: self.max_windows.max(1),
			validators: self.validators,
		}
	}
}

/// A panel.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Panel<AccountId> {
	/// What the worker says the result is.
	pub claim: Claim,
	/// On which checkpoint.
	pub checkpoint: CheckpointId,
	/// The worker and the requester, who may not speak.
	pub excluded: [AccountId; 2],
	/// Block of the answer.
	pub opened: BlockNumber,
	/// The numbers that it goes by.
	pub terms: Terms,
	/// Window in which a claim first had a quorum.
	pub quorum_in: Option<u32>,
	/// Who spoke, and what they found.
	pub verdicts: BoundedVec<(AccountId, ClaimHash), ConstU32<MAX_PANEL>>,
}

impl<AccountId: PartialEq> Panel<AccountId> {
	/// The window that block `now` is in. Window 0 begins with the block after the answer.
	pub fn window_at(&self, now: BlockNumber) -> u32 {
		now.saturating_sub(self.opened).saturating_sub(1).checked_div(self.terms.window).unwrap_or(0)
	}

	/// First block after `window`.
	pub fn end_of(&self, window: u32) -> BlockNumber {
		let blocks = self.terms.window.saturating_mul(window.saturating_add(1));
		self.opened.saturating_add(1).saturating_add(blocks)
	}

	/// Whether every seat is taken.
	pub fn is_full(&self) -> bool {
		self.verdicts.len() as u32 >= self.terms.size
	}

	/// Whether nobody may speak any more at block `now`.
	pub fn is_over(&self, now: BlockNumber) -> bool {
		let window = self.window_at(now);
		self.is_full()
			|| window >= self.terms.max_windows
			|| self.quorum_in.is_some_and(|decided| decided < window)
	}

	/// First block at which it may be over, if nobody else speaks: the end of the current window, or now.
	pub fn due(&self, now: BlockNumber) -> BlockNumber {
		if self.is_over(now) {
			now
		} else {
			self.end_of(self.window_at(now))
		}
	}

	/// Whether `who` spoke.
	pub fn has_spoken(&self, who: &AccountId) -> bool {
		self.verdicts.iter().any(|(validator, _)| validator == who)
	}

	/// Verdicts that found `claim`.
	pub fn found(&self, claim: &ClaimHash) -> u32 {
		self.verdicts.iter().filter(|(_, hash)| hash == claim).count() as u32
	}

	/// Seats `who` at block `now`. Gives the verdict back when there is no seat.
	pub fn seat(
		&mut self,
		who: AccountId,
		claim: ClaimHash,
		now: BlockNumber,
	) -> Result<(), (AccountId, ClaimHash)> {
		if self.is_full() {
			return Err((who, claim));
		}
		self.verdicts.try_push((who, claim))?;
		if self.quorum_in.is_none() && self.found(&claim) >= self.terms.quorum {
			self.quorum_in = Some(self.window_at(now));
		}
		Ok(())
	}

	/// How it stands at block `now`.
	pub fn outcome(&self, now: BlockNumber) -> PanelOutcome {
		if self.is_over(now) {
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
		let other_quorum = || {
			let mut others = self.verdicts.iter().filter(|(_, hash)| *hash != worker);
			others.any(|(_, hash)| self.found(hash) >= self.terms.quorum)
		};
		if agree >= self.terms.quorum {
			PanelOutcome::Confirmed
		} else if other_quorum() {
			PanelOutcome::Rejected
		} else if agree > disagree {
			PanelOutcome::Confirmed
		} else {
			PanelOutcome::Lapsed
		}
	}
}
