//! How a validator asks for a content key, and how the worker grants it.
//!
//! | request, 225 bytes | | grant, 145 bytes | |
//! |---|---|---|---|
//! | 0 | version, 1 | 0 | version, 1 |
//! | 1..33 | the validator's account | 1..33 | ephemeral X25519 public key |
//! | 33..65 | an X25519 public key, made for this | 33..81 | the content key, wrapped for the validator's key |
//! | 65..161 | the draw: pre-output and proof | 81..145 | signature by the worker's account |
//! | 161..225 | signature by the validator's account | | |
//!
//! Both signatures are over BLAKE2b-256 of a label, the chain's genesis hash, the job, both accounts and the message. A
//! request that somebody overheard therefore gets nothing but the same key wrapped for the same validator, and is noise
//! for another job, worker or chain.

use super::{wrap::Wrapped, ContentKey, SealError, SealKey, SealPublic};
use crate::{keys::Keys, AccountId};
use codec::{Decode, DecodeAll, Encode};
use noesis_primitives::{Draw, JobId};
use sp_core::{sr25519, Pair};
use sp_crypto_hashing::blake2_256;

/// Length of a request.
pub const REQUEST_BYTES: usize = 225;
/// Length of a grant.
pub const GRANT_BYTES: usize = 145;

const VERSION: u8 = 1;
const REQUEST_LABEL: &[u8; 21] = b"noesis:seal:request:1";
const GRANT_LABEL: &[u8; 19] = b"noesis:seal:grant:1";
const PURPOSE: &[u8] = b"noesis:seal:panel:1";

/// What is asked: whose key for which job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Asked {
	/// Hash of the chain's first block.
	pub genesis: [u8; 32],
	/// The sealed job.
	pub job: JobId,
	/// The worker that answered it.
	pub worker: AccountId,
}

impl Asked {
	fn binding(&self, validator: &AccountId) -> Vec<u8> {
		(self.genesis, self.job, self.worker.0, validator.0).encode()
	}
}

fn signed(label: &[u8], binding: &[u8], message: &[u8]) -> [u8; 32] {
	blake2_256(&[label, binding, message].concat())
}

fn verify(who: &AccountId, message: &[u8; 32], signature: &[u8; 64]) -> bool {
	let (signature, public) = (sr25519::Signature::from_raw(*signature), sr25519::Public::from_raw(who.0));
	sr25519::Pair::verify(&signature, message, &public)
}

/// A validator asks for the content key of a job on whose panel it was drawn.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct KeyRequest {
	version: u8,
	/// The validator.
	pub validator: [u8; 32],
	/// The key that the content key is wrapped for.
	pub reader: SealPublic,
	/// Shows that the validator was drawn.
	pub draw: Draw,
	signature: [u8; 64],
}

impl KeyRequest {
	/// A signed request for the content key, to be wrapped for `reader`.
	pub fn new(keys: &Keys, asked: &Asked, reader: SealPublic, draw: Draw) -> Self {
		let validator = keys.account();
		let mut request = Self { version: VERSION, validator: validator.0, reader, draw, signature: [0; 64] };
		request.signature = keys.sign_message(&request.message(asked));
		request
	}

	fn message(&self, asked: &Asked) -> [u8; 32] {
		let binding = asked.binding(&self.account());
		signed(REQUEST_LABEL, &binding, &(self.version, self.reader, &self.draw).encode())
	}

	/// The validator.
	pub fn account(&self) -> AccountId {
		AccountId::from(self.validator)
	}

	/// Whether the validator signed this request for exactly this.
	pub fn is_signed(&self, asked: &Asked) -> bool {
		verify(&self.account(), &self.message(asked), &self.signature)
	}

	/// From its bytes; `None` when they are no request of this version.
	pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
		Self::decode_all(&mut &*bytes).ok().filter(|request| request.version == VERSION)
	}
}

/// The worker's answer: the content key, for the validator alone.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct KeyGrant {
	version: u8,
	wrapped: Wrapped,
	signature: [u8; 64],
}

impl KeyGrant {
	/// A signed grant of `key` to who sent `request`.
	pub fn new(
		keys: &Keys,
		asked: &Asked,
		request: &KeyRequest,
		key: &ContentKey,
	) -> Result<Self, SealError> {
		let binding = asked.binding(&request.account());
		let wrapped = Wrapped::new(key, &SealKey::random()?, &request.reader, PURPOSE, &binding)?;
		let mut grant = Self { version: VERSION, wrapped, signature: [0; 64] };
		grant.signature = keys.sign_message(&grant.message(asked, request));
		Ok(grant)
	}

	fn message(&self, asked: &Asked, request: &KeyRequest) -> [u8; 32] {
		let binding = asked.binding(&request.account());
		signed(GRANT_LABEL, &binding, &(self.version, request.reader, self.wrapped).encode())
	}

	/// Whether the worker signed this grant in answer to exactly this.
	pub fn is_signed(&self, asked: &Asked, request: &KeyRequest) -> bool {
		verify(&asked.worker, &self.message(asked, request), &self.signature)
	}

	/// The content key, with the secret half of the key that the request names.
	pub fn open(&self, asked: &Asked, request: &KeyRequest, reader: &SealKey) -> Option<ContentKey> {
		self.wrapped.open(reader, PURPOSE, &asked.binding(&request.account()))
	}

	/// From its bytes; `None` when they are no grant of this version.
	pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
		Self::decode_all(&mut &*bytes).ok().filter(|grant| grant.version == VERSION)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn setting() -> (Keys, Keys, Asked, SealKey, KeyRequest) {
		let (worker, validator) = (Keys::from_suri("//Alice").unwrap(), Keys::from_suri("//Bob").unwrap());
		let asked = Asked { genesis: [1; 32], job: JobId(7), worker: worker.account() };
		let reader = SealKey::random().unwrap();
		let request = KeyRequest::new(&validator, &asked, reader.public(), validator.draw(&[5; 32]).0);
		(worker, validator, asked, reader, request)
	}

	#[test]
	fn content_key_should_arrive_when_asked_for() {
		let (worker, _, asked, reader, request) = setting();
		let bytes = request.encode();
		assert_eq!(bytes.len(), REQUEST_BYTES);
		let received = KeyRequest::from_bytes(&bytes).unwrap();
		assert_eq!(received, request);
		assert!(received.is_signed(&asked));

		let key = ContentKey::from_bytes([9; 32]);
		let bytes = KeyGrant::new(&worker, &asked, &received, &key).unwrap().encode();
		assert_eq!(bytes.len(), GRANT_BYTES);
		let grant = KeyGrant::from_bytes(&bytes).unwrap();
		assert!(grant.is_signed(&asked, &request));
		assert_eq!(grant.open(&asked, &request, &reader).unwrap().bytes(), key.bytes());
		assert!(grant.open(&asked, &request, &SealKey::random().unwrap()).is_none());
	}

	#[test]
	fn request_should_be_noise_when_it_is_replayed_elsewhere() {
		let (_, validator, asked, _, request) = setting();
		assert!(!request.is_signed(&Asked { job: JobId(8), ..asked }));
		assert!(!request.is_signed(&Asked { genesis: [2; 32], ..asked }));
		assert!(!request.is_signed(&Asked { worker: validator.account(), ..asked }));
	}

	#[test]
	fn grant_should_be_noise_when_it_answers_something_else() {
		let (worker, validator, asked, reader, request) = setting();
		let key = ContentKey::from_bytes([9; 32]);
		let grant = KeyGrant::new(&worker, &asked, &request, &key).unwrap();
		for other in [
			Asked { job: JobId(8), ..asked },
			Asked { genesis: [2; 32], ..asked },
			Asked { worker: validator.account(), ..asked },
		] {
			assert!(!grant.is_signed(&other, &request));
			assert!(grant.open(&other, &request, &reader).is_none());
		}
		let again = KeyRequest::new(&validator, &asked, SealKey::random().unwrap().public(), request.draw);
		assert!(!grant.is_signed(&asked, &again));
		let forged = KeyGrant::new(&validator, &asked, &again, &key).unwrap();
		assert!(!forged.is_signed(&asked, &again));
	}

	#[test]
	fn grant_should_fail_when_the_reader_is_a_weak_key() {
		let (worker, validator, asked, _, request) = setting();
		let weak = KeyRequest::new(&validator, &asked, SealPublic([0; 32]), request.draw);
		let result = KeyGrant::new(&worker, &asked, &weak, &ContentKey::from_bytes([9; 32]));
		assert_eq!(result, Err(SealError::WeakKey));
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(64))]

		#[test]
		fn messages_should_be_refused_when_any_byte_changed(
			at in any::<prop::sample::Index>(),
			change in 1u8..,
		) {
			let (worker, _, asked, _, request) = setting();
			let grant = KeyGrant::new(&worker, &asked, &request, &ContentKey::from_bytes([9; 32])).unwrap();
			let mut bytes = request.encode();
			let i = at.index(bytes.len());
			bytes[i] ^= change;
			prop_assert!(!KeyRequest::from_bytes(&bytes).is_some_and(|request| request.is_signed(&asked)));
			let mut bytes = grant.encode();
			let i = at.index(bytes.len());
			bytes[i] ^= change;
			prop_assert!(!KeyGrant::from_bytes(&bytes).is_some_and(|grant| grant.is_signed(&asked, &request)));
		}

		#[test]
		fn bytes_should_give_nothing_when_they_are_random(
			random in prop::collection::vec(any::<u8>(), 0..300),
			full in prop::collection::vec(any::<u8>(), REQUEST_BYTES - 1),
		) {
			let (_, _, asked, reader, request) = setting();
			let full = [&[VERSION][..], &full].concat();
			for bytes in [&random, &full] {
				prop_assert!(!KeyRequest::from_bytes(bytes).is_some_and(|request| request.is_signed(&asked)));
			}
			for bytes in [&random[..], &full[..GRANT_BYTES]] {
				let Some(grant) = KeyGrant::from_bytes(bytes) else { continue };
				prop_assert!(!grant.is_signed(&asked, &request));
				prop_assert!(grant.open(&asked, &request, &reader).is_none());
			}
		}
	}
}
