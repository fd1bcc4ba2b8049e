//! What a capability must be.

use crate::{affiliation::name_of, Config, Error, Pallet};
use frame_support::ensure;
use noesis_primitives::{Capability, Role};
use polkadot_sdk::frame_support;

impl<T: Config> Pallet<T> {
	/// Whether `who` may offer this in this role.
	pub(crate) fn check_capability(
		who: &T::AccountId,
		role: Role,
		capability: &Capability,
	) -> Result<(), Error<T>> {
		ensure!(all_differ(&capability.checkpoints), Error::DuplicateCheckpoint);
		let endpoint = capability.endpoint.as_slice();
		let may_be_empty = role == Role::Validator;
		ensure!(is_url(endpoint) || (may_be_empty && endpoint.is_empty()), Error::BadEndpoint);
		if role == Role::Validator {
			ensure!(capability.draw_key != [0; 32], Error::NoDrawKey);
		}
		ensure!(capability.seal_key != Some([0; 32]), Error::NoSealKey);
		ensure!(capability.owner != Some(name_of(who)), Error::OwnsItself);
		Ok(())
	}
}

/// Whether no item occurs twice. Quadratic: for short lists.
pub(crate) fn all_differ<I: PartialEq>(items: &[I]) -> bool {
	let mut rest = items;
	while let Some((first, others)) = rest.split_first() {
		if others.contains(first) {
			return false;
		}
		rest = others;
	}
	true
}

fn is_url(endpoint: &[u8]) -> bool {
	let host = endpoint.strip_prefix(b"http://").or_else(|| endpoint.strip_prefix(b"https://"));
	host.is_some_and(|host| !host.is_empty() && host.iter().all(u8::is_ascii_graphic))
}
