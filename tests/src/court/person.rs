//! Who takes part.

use noesis_primitives::{draw_message, Draw, DRAW_LABEL};
use noesis_runtime::{AccountId, Signature};
use noesis_worker::keys::Keys;
use sp_core::{
	crypto::VrfSecret,
	sr25519::{
		self,
		vrf::{VrfInput, VrfSignature},
	},
	Pair,
};
use std::{
	collections::BTreeMap,
	sync::{LazyLock, Mutex},
};

/// Everybody who has taken part: keys take longer to derive than to use.
static EVERYBODY: LazyLock<Mutex<BTreeMap<String, Person>>> = LazyLock::new(Mutex::default);

/// An account with its keys.
#[derive(Clone)]
pub struct Person {
	/// Its name.
	pub name: String,
	/// Its account.
	pub account: AccountId,
	key: sr25519::Pair,
	draw: sr25519::Pair,
	keys: Keys,
}

impl std::fmt::Debug for Person {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str(&self.name)
	}
}

impl Person {
	/// The person of this name; the same name is always the same person.
	pub fn named(name: &str) -> Self {
		let known = EVERYBODY.lock().unwrap().get(name).cloned();
		known.unwrap_or_else(|| {
			let person = Self::derive(name);
			EVERYBODY.lock().unwrap().insert(name.into(), person.clone());
			person
		})
	}

	fn derive(name: &str) -> Self {
		let pair = |path: String| sr25519::Pair::from_string(&path, None).unwrap();
		let (key, draw) = (pair(format!("//{name}")), pair(format!("//{name}//draw")));
		let keys = Keys::from_suri(&format!("//{name}")).unwrap();
		Self { name: name.into(), account: AccountId::new(key.public().0), key, draw, keys }
	}

	/// Its keys, as the worker's software has them.
	pub fn keys(&self) -> Keys {
		self.keys.clone()
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
