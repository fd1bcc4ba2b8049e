//! Computing entries of a bundle again, and showing what is wrong.

use super::Entry;
use crate::{
	chain::{Chain, SubmitError, Submitter},
	disputes::{DisputesError, Examiner},
};
use noesis_primitives::{BundleId, Subject};

/// Blocks that the chain has to draw by itself before a wrong entry is shown anyway.
const PATIENCE: u32 = 10;
/// Blocks after which it is given up to show one.
const GIVEN_UP: u32 = 50;

/// What came of an examination.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Examined {
	/// Entries that are right.
	pub right: u32,
	/// Entries that could not be computed here.
	pub skipped: u32,
	/// The one that is wrong and stands on chain now, to be disputed. One wrong entry loses the whole bundle, so nobody
	/// looks further.
	pub wrong: Option<Subject>,
	/// The one that could not be true, and ended the bundle by being shown.
	pub condemned: Option<Subject>,
}

/// Computes `entries` again, one after the other, until one is wrong, and shows that.
pub async fn examine(
	examiner: Examiner,
	chain: Chain,
	submitter: Submitter,
	entries: Vec<Entry>,
) -> Result<Examined, DisputesError> {
	let mut found = Examined::default();
	for entry in entries {
		let subject = entry.subject;
		let right = match entry.fault {
			Some(fault) => {
				tracing::warn!(?subject, fault, "the entry can't be true");
				false
			},
			None => match examiner.is_right(subject, &entry.work).await {
				Ok(right) => right,
				Err(error) => {
					tracing::warn!(?subject, %error, "not examined");
					found.skipped = found.skipped.saturating_add(1);
					continue;
				},
			},
		};
		if right {
			found.right = found.right.saturating_add(1);
			continue;
		}
		let faulty = entry.fault.is_some();
		show(&chain, &submitter, entry).await?;
		match faulty {
			true => found.condemned = Some(subject),
			false => found.wrong = Some(subject),
		}
		break;
	}
	Ok(found)
}

/// Shows an entry, unless it stands on chain. Before the draw nothing can be shown.
async fn show(chain: &Chain, submitter: &Submitter, entry: Entry) -> Result<(), DisputesError> {
	let (Some(call), Some((bundle, index))) = (entry.show, BundleId::of(entry.subject)) else {
		return Ok(());
	};
	let mut heads = chain.heads();
	let first = chain.best().number;
	loop {
		let best = heads.borrow_and_update().best;
		let view = chain.bundle(best.hash, bundle).await?.ok_or(DisputesError::Gone)?;
		if view.shown.contains(&index) {
			return Ok(());
		}
		// The chain draws by itself, or else when something is shown.
		let waited = best.number.saturating_sub(first);
		if view.audits.is_some() || waited >= PATIENCE {
			match submitter.submit(call.clone()).await {
				Ok(_) => {
					tracing::warn!(subject = ?entry.subject, "the entry is wrong: shown");
					return Ok(());
				},
				Err(SubmitError::Failed { error, .. }) if error.ends_with("AlreadyShown") => return Ok(()),
				Err(SubmitError::Failed { error, .. }) if error.ends_with("NoBundle") => {
					return Err(DisputesError::Gone)
				},
				Err(error) if error.is_verdict() && !error.to_string().contains("NotDrawn") => {
					return Err(error.into())
				},
				Err(error) if waited >= GIVEN_UP => return Err(error.into()),
				Err(error) => tracing::warn!(subject = ?entry.subject, %error, "not shown yet"),
			}
		}
		heads.changed().await.map_err(|_| DisputesError::Gone)?;
	}
}
