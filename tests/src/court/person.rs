//! Who takes part.

use noesis_primitives::{draw_message, Draw, DRAW_LABEL};
use noesis_runtime::{AccountId, Signature};
use sp_core::{
	crypto::VrfSecret,
	sr25519::{
		self,
		vrf::{VrfInput, VrfSignature},
	},
	Pair,
};

/// An account with its keys.
#[derive(Clone)]
pub struct Person {
	/// Its name.
	pub name: String,
	/// Its account.
	pub account: AccountId,
	key: sr25519::Pair,
	draw: sr25519::Pair,
}

impl std::fmt::Debug for Person {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str(&self.name)
	}
}

impl Person {
	/// The person of this name; the same name is always the same person.
	pub fn named(name: &str) -> Self {
		let pair = |path: String| sr25519::Pair::from_string(&path, None).unwrap();
		let (key, draw) = (pair(format!("//{name}")), pair(format!("//{name}//draw")));
		Self { name: name.into(), account: AccountId::new(key.public().0), key, draw }
	}

	/// The key that it draws with.
	pub fn draw_key(&self) -> [u8; 32] {
		self.draw.public().0
	}

	/// Its draw on a panel's seed.
	pub fn draw(&self, seed: &[u8; 32]) -> Draw {
		let input = VrfInput::new(DRAW_LABEL, &[(DRAW_LABEL, &draw_message(seed))]);
		let signature: VrfSignature = self.draw.vrf_sign(&input.into_sign_data());
		let encoded = codec::Encode::encode(&signature);
		Draw { pre_output: encoded[..32].try_into().unwrap(), proof: encoded[32..].try_into().unwrap() }
	}

	/// Its signature.
	pub fn sign(&self, message: &[u8]) -> Signature {
		Signature::Sr25519(self.key.sign(message))
	}
}
