//! What the calls of `pallet_xcm` weigh.
//!
//! They can't be measured here without chains to send to. So these are figures on the safe side: reads, writes and proof at
//! least as in the measured weights of `westend-runtime` 40.0.0, `rococo-runtime` 39.0.0 and Asset Hub Westend
//! (`asset-hub-westend` in polkadot-sdk), whichever has more, and four times their time or more.

use frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// Weights on a chain with the database costs of `T`.
pub struct SafeWeight<T>(core::marker::PhantomData<T>);

impl<T: frame_system::Config> SafeWeight<T> {
	/// So many microseconds besides the database's, and so many bytes of proof.
	fn of(micros: u64, proof: u64, reads: u64, writes: u64) -> Weight {
		Weight::from_parts(micros.saturating_mul(1_000_000), proof)
			.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
	}

	/// So many picoseconds for each of `n` bytes, and what the shortest message takes.
	fn by_byte(picos: u64, n: u32) -> Weight {
		Weight::from_parts(picos, 0).saturating_mul(n.into()).saturating_add(Self::of(35, 0, 0, 0))
	}
}

impl<T: frame_system::Config> pallet_xcm::WeightInfo for SafeWeight<T> {
	fn send() -> Weight {
		Self::of(220, 4_000, 7, 3)
	}

	fn teleport_assets() -> Weight {
		Self::of(600, 4_000, 9, 4)
	}

	fn reserve_transfer_assets() -> Weight {
		Self::of(600, 7_000, 10, 5)
	}

	fn transfer_assets() -> Weight {
		Self::of(800, 7_000, 14, 7)
	}

	fn execute() -> Weight {
		Self::of(60, 2_000, 1, 0)
	}

	fn force_xcm_version() -> Weight {
		Self::of(40, 0, 0, 1)
	}

	fn force_default_xcm_version() -> Weight {
		Self::of(15, 0, 0, 1)
	}

	fn force_subscribe_version_notify() -> Weight {
		Self::of(240, 4_000, 9, 6)
	}

	fn force_unsubscribe_version_notify() -> Weight {
		Self::of(260, 4_000, 7, 5)
	}

	fn force_suspension() -> Weight {
		Self::of(15, 0, 0, 1)
	}

	fn migrate_supported_version() -> Weight {
		Self::of(120, 16_100, 6, 2)
	}

	fn migrate_version_notifiers() -> Weight {
		Self::of(120, 16_100, 6, 2)
	}

	fn already_notified_target() -> Weight {
		Self::of(120, 18_500, 7, 0)
	}

	fn notify_current_targets() -> Weight {
		Self::of(160, 6_200, 8, 3)
	}

	fn notify_target_migration_fail() -> Weight {
		Self::of(80, 13_600, 5, 0)
	}

	fn migrate_version_notify_targets() -> Weight {
		Self::of(120, 16_100, 6, 2)
	}

	fn migrate_and_notify_old_targets() -> Weight {
		Self::of(200, 16_100, 12, 4)
	}

	fn new_query() -> Weight {
		Self::of(25, 2_000, 1, 2)
	}

	fn take_response() -> Weight {
		Self::of(140, 11_300, 1, 1)
	}

	fn claim_assets(n: u32) -> Weight {
		let each = Self::of(200, 3_700, 3, 3);
		Self::of(200, 4_000, 2, 1).saturating_add(each.saturating_mul(n.into()))
	}

	fn add_authorized_alias() -> Weight {
		Self::of(120, 4_000, 2, 2)
	}

	fn remove_authorized_alias() -> Weight {
		Self::of(120, 4_000, 2, 2)
	}

	fn weigh_message(n: u32) -> Weight {
		Self::by_byte(400_000, n)
	}

	fn decode_xcm(n: u32) -> Weight {
		Self::by_byte(20_000, n)
	}
}
