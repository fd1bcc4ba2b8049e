//! Keys: where they come from, how they sign, how a validator draws with them.

use crate::{sealed::SealKey, AccountId};
use noesis_primitives::{draw_message, draw_number, Draw, DRAW_CONTEXT, DRAW_LABEL};
use serde::{Deserialize, Serialize};
use sp_core::{
	crypto::{DeriveJunction, VrfSecret},
	sr25519::{
		self,
		vrf::{VrfSignData, VrfTranscript},
	},
	Pair,
};
use std::{
	fs, io,
	path::{Path, PathBuf},
};
use subxt::{tx::Signer, utils::MultiSignature, PolkadotConfig};
use zeroize::Zeroizing;

/// Junction under which a validator's draw key is derived from its account's key.
const DRAW_JUNCTION: &str = "noesis-draw";
/// Junction under which the key that others seal for is derived from an account's key.
const SEAL_JUNCTION: &str = "noesis-seal";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
	/// No source was given.
	#[error("no key: pass --key <SURI or phrase>, --key-file <FILE>, or set NOESIS_KEY")]
	Missing,
	/// The text is not a secret.
	#[error("the key is neither a seed phrase, a 0x seed nor a SURI such as //Alice: {0}")]
	Malformed(String),
	/// The file can't be read or written.
	#[error("key file {path}: {source}")]
	File {
		/// Which.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// The file holds something else.
	#[error("key file {path} is not a file that `noesis keys new --out` wrote: {reason}")]
	Content {
		/// Which.
		path: PathBuf,
		/// Why.
		reason: String,
	},
	/// Others may read the file.
	#[error("others can read the key file {path} (mode {mode:o}): run `chmod 600` on it first")]
	Exposed {
		/// Which.
		path: PathBuf,
		/// Its permission bits.
		mode: u32,
	},
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
	suri: String,
}

/// The key of one account.
#[derive(Clone)]
pub struct Keys {
	account: sr25519::Pair,
	draw: sr25519::Pair,
	seal: SealKey,
}

impl Keys {
	/// From a seed phrase, a hexadecimal seed, or a SURI such as `//Alice`.
	pub fn from_suri(suri: &str) -> Result<Self, KeyError> {
		let account = sr25519::Pair::from_string(suri.trim(), None)
			.map_err(|error| KeyError::Malformed(format!("{error:?}")))?;
		let child = |junction: &str| {
			account
				.derive(std::iter::once(DeriveJunction::hard(junction)), None)
				.map(|(child, _)| child)
				.map_err(|error| KeyError::Malformed(format!("{error:?}")))
		};
		let draw = child(DRAW_JUNCTION)?;
		let seal = SealKey::derive(&Zeroizing::new(child(SEAL_JUNCTION)?.to_raw_vec()));
		Ok(Self { account, draw, seal })
	}

	/// From a key file.
	pub fn from_file(path: &Path) -> Result<Self, KeyError> {
		let file = |source| KeyError::File { path: path.into(), source };
		#[cfg(unix)]
		{
			use std::os::unix::fs::PermissionsExt;
			let mode = fs::metadata(path).map_err(file)?.permissions().mode() & 0o777;
			if mode & 0o077 != 0 {
				return Err(KeyError::Exposed { path: path.into(), mode });
			}
		}
		let text = fs::read_to_string(path).map_err(file)?;
		let content: KeyFile = serde_json::from_str(&text)
			.map_err(|error| KeyError::Content { path: path.into(), reason: error.to_string() })?;
		Self::from_suri(&content.suri)
	}

	/// A new random key and its seed phrase.
	pub fn generate() -> Result<(Self, String), KeyError> {
		let (_, phrase, _) = sr25519::Pair::generate_with_phrase(None);
		Ok((Self::from_suri(&phrase)?, phrase))
	}

	/// Writes `suri` into a new file that only its owner can read.
	pub fn write_file(path: &Path, suri: &str) -> Result<(), KeyError> {
		use io::Write;
		let file = |source| KeyError::File { path: path.into(), source };
		let mut options = fs::OpenOptions::new();
		options.write(true).create_new(true);
		#[cfg(unix)]
		std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
		let text = serde_json::json!({ "suri": suri }).to_string();
		options.open(path).and_then(|mut out| out.write_all(text.as_bytes())).map_err(file)
	}

	/// The account.
	pub fn account(&self) -> AccountId {
		AccountId::from(self.account.public().0)
	}

	/// Public part of the draw key.
	pub fn draw_key(&self) -> [u8; 32] {
		self.draw.public().0
	}

	/// The key that others seal prompts for; its public half stands in the operator's capability.
	pub fn seal(&self) -> &SealKey {
		&self.seal
	}

	/// The account's signature over `message`, which must not be what somebody else chose.
	pub(crate) fn sign_message(&self, message: &[u8; 32]) -> [u8; 64] {
		self.account.sign(message).0
	}

	/// The account's signature over bytes that begin with what they are for, so that they are no extrinsic.
	pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
		self.account.sign(bytes).0
	}

	/// Draws on a panel's seed: the proof, and the number that decides (see [`draw_number`]).
	pub fn draw(&self, seed: &[u8; 32]) -> (Draw, u64) {
		let message = draw_message(seed);
		let transcript = VrfTranscript::new(DRAW_LABEL, &[(DRAW_LABEL, &message)]);
		let output: [u8; 8] = self.draw.make_bytes(DRAW_CONTEXT, &transcript);
		let signature = self.draw.vrf_sign(&VrfSignData::new(transcript));
		let draw =
			Draw { pre_output: signature.pre_output.0.to_bytes(), proof: signature.proof.0.to_bytes() };
		(draw, draw_number(u64::from_le_bytes(output), &self.account().0))
	}
}

impl Signer<PolkadotConfig> for Keys {
	fn account_id(&self) -> AccountId {
		self.account()
	}

	fn sign(&self, payload: &[u8]) -> MultiSignature {
		MultiSignature::Sr25519(self.account.sign(payload).0)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::{
		crypto::VrfPublic,
		sr25519::vrf::{VrfPreOutput, VrfProof, VrfSignature},
	};

	#[test]
	fn draw_should_verify_when_checked_with_the_public_key() {
		use codec::Decode;
		let keys = Keys::from_suri("//Alice").unwrap();
		let (draw, number) = keys.draw(&[7; 32]);
		assert_eq!(keys.draw(&[7; 32]).1, number);
		assert_ne!(keys.draw(&[8; 32]).1, number);

		let message = draw_message(&[7; 32]);
		let transcript = VrfTranscript::new(DRAW_LABEL, &[(DRAW_LABEL, &message)]);
		let signature = VrfSignature {
			pre_output: VrfPreOutput::decode(&mut &draw.pre_output[..]).unwrap(),
			proof: VrfProof::decode(&mut &draw.proof[..]).unwrap(),
		};
		let public = sr25519::Public::from_raw(keys.draw_key());
		let bytes: [u8; 8] = public.make_bytes(DRAW_CONTEXT, &transcript, &signature.pre_output).unwrap();
		assert!(public.vrf_verify(&VrfSignData::new(transcript), &signature));
		assert_eq!(draw_number(u64::from_le_bytes(bytes), &keys.account().0), number);
	}

	#[test]
	fn seal_key_should_be_the_same_when_derived_again() {
		let alice = Keys::from_suri("//Alice").unwrap();
		assert_eq!(alice.seal().public(), Keys::from_suri("//Alice").unwrap().seal().public());
		assert_ne!(alice.seal().public(), Keys::from_suri("//Bob").unwrap().seal().public());
		assert_ne!(alice.seal().public().0, alice.draw_key());
	}

	#[test]
	fn alice_should_be_the_account_that_everybody_knows() {
		let alice = Keys::from_suri("//Alice").unwrap().account();
		assert_eq!(alice.to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
		assert!(matches!(Keys::from_suri("not a phrase"), Err(KeyError::Malformed(_))));
	}

	#[test]
	fn key_file_should_be_private_when_written() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("key.json");
		let (keys, phrase) = Keys::generate().unwrap();
		Keys::write_file(&path, &phrase).unwrap();
		assert_eq!(Keys::from_file(&path).unwrap().account(), keys.account());
		assert!(matches!(Keys::write_file(&path, &phrase), Err(KeyError::File { .. })));
		#[cfg(unix)]
		{
			use std::os::unix::fs::PermissionsExt;
			fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
			assert!(matches!(Keys::from_file(&path), Err(KeyError::Exposed { mode: 0o644, .. })));
		}
	}
}
