//! Accounts for every planck: what accounts have, and what extrinsics cost them.

use crate::Outcome;
use noesis_primitives::Balance;
use noesis_worker::{
	chain::{results, Chain},
	AccountId,
};
use std::collections::BTreeMap;

/// What accounts had at a block.
#[derive(Clone, Debug)]
pub struct Ledger {
	block: u32,
	totals: BTreeMap<AccountId, Balance>,
}

impl Ledger {
	/// What `accounts` have at the newest finalized block, held or not.
	pub async fn of(chain: &Chain, accounts: &[AccountId]) -> Outcome<Self> {
		let at = chain.finalized();
		let mut totals = BTreeMap::new();
		for account in accounts {
			totals.insert(*account, chain.balance(at.hash, *account).await?.total());
		}
		Ok(Self { block: at.number, totals })
	}

	/// What each account has more or less since then than the fees of its extrinsics explain.
	pub async fn unexplained(&self, chain: &Chain) -> Outcome<BTreeMap<AccountId, i128>> {
		let accounts: Vec<AccountId> = self.totals.keys().copied().collect();
		let now = Self::of(chain, &accounts).await?;
		let mut rest = BTreeMap::new();
		for (account, before) in &self.totals {
			let after = now.totals.get(account).copied().unwrap_or_default();
			rest.insert(*account, i128::try_from(after)?.saturating_sub(i128::try_from(*before)?));
		}
		for number in self.block.saturating_add(1)..=now.block {
			let block = chain.block_at(number).await?;
			for result in results(chain, block).await? {
				if let Some((who, fee)) = result.fee {
					if let Some(rest) = rest.get_mut(&who) {
						*rest = rest.saturating_add(i128::try_from(fee)?);
					}
				}
			}
		}
		Ok(rest)
	}
}

/// The account that gets the pot's share of every job.
pub fn pot_account() -> AccountId {
	let mut bytes = [0; 32];
	for (byte, value) in bytes.iter_mut().zip(b"modlnoesis/p") {
		*byte = *value;
	}
	AccountId::from(bytes)
}
