//! What a validator shows with its verdict: that it was drawn, and that it has the trace.

use crate::{chain::AccountId, model::Trace};
use codec::Encode;
use noesis_primitives::{draw_number, opening_positions, Draw, Opening, DRAW_CONTEXT, MAX_OPENINGS};
use polkadot_sdk::{
	frame_support::{traits::ConstU32, BoundedVec},
	sp_core::{crypto::VrfSecret, sr25519::Pair},
};

/// A validator's draw on a panel.
pub struct Drawn {
	/// What decides in which window it may speak.
	pub number: u64,
	/// The proof.
	pub draw: Draw,
}

/// Draws for `who` with `key` on the panel of this seed.
pub fn draw(who: &AccountId, key: &Pair, seed: &[u8; 32]) -> Option<Drawn> {
	let input = pallet_poc::draw_input(seed);
	let output = u64::from_le_bytes(key.make_bytes(DRAW_CONTEXT, &input));
	let signature = key.vrf_sign(&input.into());
	Some(Drawn {
		number: draw_number(output, &who.encode()),
		draw: Draw {
			pre_output: signature.pre_output.encode().try_into().ok()?,
			proof: signature.proof.encode().try_into().ok()?,
		},
	})
}

/// The leaves of `trace` that `validator` has to open.
pub fn openings(
	trace: &Trace,
	validator: &[u8],
	seed: &[u8; 32],
	count: u32,
) -> Option<BoundedVec<Opening, ConstU32<MAX_OPENINGS>>> {
	let positions = opening_positions(&trace.claim, validator, seed, count);
	let openings: Option<Vec<Opening>> = positions.into_iter().map(|index| trace.open(index)).collect();
	openings?.try_into().ok()
}
