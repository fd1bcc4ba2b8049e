//! The draw: schnorrkel's VRF over a panel's seed.

use codec::Decode;
use noesis_primitives::{draw_message, Draw, DRAW_CONTEXT, DRAW_LABEL};
use polkadot_sdk::sp_core::{
	crypto::VrfPublic,
	sr25519::{
		vrf::{VrfInput, VrfPreOutput, VrfProof, VrfSignature},
		Public,
	},
};

/// What the VRF is evaluated on: a transcript labelled [`DRAW_LABEL`] that holds [`draw_message`] under the same
/// label.
pub fn draw_input(seed: &[u8; 32]) -> VrfInput {
	VrfInput::new(DRAW_LABEL, &[(DRAW_LABEL, &draw_message(seed))])
}

/// The number that `draw` gives to the holder of `key`: the eight output bytes under [`DRAW_CONTEXT`], little
/// endian. `None` when the proof does not hold.
pub(crate) fn draw_output(draw: &Draw, key: [u8; 32], seed: &[u8; 32]) -> Option<u64> {
	let signature = VrfSignature {
		pre_output: VrfPreOutput::decode(&mut draw.pre_output.as_slice()).ok()?,
		proof: VrfProof::decode(&mut draw.proof.as_slice()).ok()?,
	};
	let (key, input) = (Public::from_raw(key), draw_input(seed));
	if !key.vrf_verify(&input.clone().into_sign_data(), &signature) {
		return None;
	}
	key.make_bytes(DRAW_CONTEXT, &input, &signature.pre_output).ok().map(u64::from_le_bytes)
}
