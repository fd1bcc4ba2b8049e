//! Accounts that belong to one operator.
//!
//! An operator with several machines gives each an account and a key of its own, and says whose they are: the
//! machine's account names its owner in its capability, and the owner confirms it. Only both together count, so
//! that nobody can be tied to accounts it does not know.

use crate::{Config, Error, Event, Operators, Owners, Pallet};
use codec::Encode;
use frame_support::{ensure, pallet_prelude::DispatchResult};
use noesis_primitives::Capability;
use polkadot_sdk::{frame_support, sp_io::hashing::blake2_256};

/// The bytes that name an account in a capability: its encoding with zeros behind, or the hash of one that is longer.
pub(crate) fn name_of<AccountId: Encode>(who: &AccountId) -> [u8; 32] {
	who.using_encoded(|bytes| {
		let mut name = [0; 32];
		match name.get_mut(..bytes.len()) {
			Some(front) => front.copy_from_slice(bytes),
			None => name = blake2_256(bytes),
		}
		name
	})
}

impl<T: Config> Pallet<T> {
	/// The owner of an account, as both of them say.
	pub fn owner_of(who: &T::AccountId) -> Option<T::AccountId> {
		Owners::<T>::get(who)
	}

	/// Whether both are the same, one owns the other, or both have the same owner.
	pub(crate) fn belong_together(a: &T::AccountId, b: &T::AccountId) -> bool {
		if a == b {
			return true;
		}
		match (Owners::<T>::get(a), Owners::<T>::get(b)) {
			(None, None) => false,
			(Some(of_a), None) => of_a == *b,
			(None, Some(of_b)) => of_b == *a,
			(Some(of_a), Some(of_b)) => of_a == of_b || of_a == *b || of_b == *a,
		}
	}

	pub(crate) fn do_authorise(owner: T::AccountId, device: T::AccountId, belongs: bool) -> DispatchResult {
		if belongs {
			let record = Operators::<T>::get(&device).ok_or(Error::<T>::NotRegistered)?;
			ensure!(record.capability.owner == Some(name_of(&owner)), Error::<T>::NotNamed);
			Owners::<T>::insert(&device, &owner);
			Self::deposit_event(Event::Authorised { owner, device });
		} else {
			ensure!(Owners::<T>::get(&device).as_ref() == Some(&owner), Error::<T>::NotOwner);
			Owners::<T>::remove(&device);
			Self::deposit_event(Event::Revoked { owner, device });
		}
		Ok(())
	}

	/// Forgets who owns an account that names somebody else from now on, or nobody.
	pub(crate) fn forget_owner(who: &T::AccountId, old: Option<&Capability>, new: Option<&Capability>) {
		let named = |capability: Option<&Capability>| capability.and_then(|capability| capability.owner);
		if named(old).is_some() && named(old) != named(new) {
			Owners::<T>::remove(who);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn names_should_differ_when_accounts_do() {
		assert_eq!(name_of(&[7u8; 32]), [7; 32]);
		assert_eq!(name_of(&1u64)[..9], [1, 0, 0, 0, 0, 0, 0, 0, 0]);
		assert_ne!(name_of(&[7u8; 33]), name_of(&[7u8; 34]));
	}
}
