//! How often one account is heard.

use crate::AccountId;
use std::{
	collections::HashMap,
	sync::Mutex,
	time::{Duration, Instant},
};

/// Counts the requests of each account over a period. Remembers a bounded number of accounts: when there are more, the
/// one that was first heard longest ago is forgotten.
#[derive(Debug)]
pub(super) struct Limit {
	requests: u32,
	period: Duration,
	accounts: usize,
	heard: Mutex<HashMap<[u8; 32], (Instant, u32)>>,
}

impl Limit {
	/// At most `requests` in `period`; at most `accounts` are remembered.
	pub fn new(requests: u32, period: Duration, accounts: usize) -> Self {
		Self { requests, period, accounts, heard: Mutex::default() }
	}

	/// Whether a request of `who` is heard `now`.
	pub fn admits(&self, who: &AccountId, now: Instant) -> bool {
		let mut heard = self.heard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
		if !heard.contains_key(&who.0) && heard.len() >= self.accounts {
			heard.retain(|_, (since, _)| now.saturating_duration_since(*since) < self.period);
			while heard.len() >= self.accounts {
				let oldest = heard.iter().min_by_key(|(_, (since, _))| *since).map(|(who, _)| *who);
				let Some(oldest) = oldest else { break };
				heard.remove(&oldest);
			}
		}
		let (since, count) = heard.entry(who.0).or_insert((now, 0));
		if now.saturating_duration_since(*since) >= self.period {
			(*since, *count) = (now, 0);
		}
		*count = count.saturating_add(1);
		*count <= self.requests
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn account_should_be_heard_again_when_the_period_is_over() {
		let limit = Limit::new(2, Duration::from_secs(60), 2);
		let (alice, bob, carol) =
			(AccountId::from([1; 32]), AccountId::from([2; 32]), AccountId::from([3; 32]));
		let start = Instant::now();
		assert!(limit.admits(&alice, start));
		assert!(limit.admits(&alice, start));
		assert!(!limit.admits(&alice, start + Duration::from_secs(59)));
		assert!(limit.admits(&bob, start + Duration::from_secs(1)));
		assert!(limit.admits(&alice, start + Duration::from_secs(60)));
		// The third account pushes out the one that was first heard longest ago.
		assert!(limit.admits(&carol, start + Duration::from_secs(60)));
		let heard = limit.heard.lock().unwrap();
		assert!(heard.len() == 2 && !heard.contains_key(&bob.0));
	}
}
