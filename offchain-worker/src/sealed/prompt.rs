//! The envelope of a sealed prompt.
//!
//! | bytes | what |
//! |---|---|
//! | 0..3 | `NSP` |
//! | 3 | version, 1 |
//! | 4..36 | ephemeral X25519 public key |
//! | 36..84 | the content key, wrapped for the worker (32 bytes and a tag) |
//! | 84.. | the prompt under a key that follows from the content key, and a tag of 16 bytes |
//!
//! The first 84 bytes are authenticated with the prompt. Whole tokens stay whole: the envelope is 100 bytes longer than the prompt.

use super::{
	aead::{self, TAG},
	secret::Secret,
	wrap::Wrapped,
	ContentKey, OpenError, SealError, SealKey, SealPublic,
};
use crate::{store::MAX_BLOB, AccountId};
use codec::{DecodeAll, Encode};
use noesis_primitives::{ContentHash, OutputSeal, PromptSeal, SEAL_OVERHEAD};

const MAGIC: &[u8; 4] = b"NSP\x01";
const PURPOSE: &[u8] = b"noesis:seal:worker:1";
const HEADER: usize = 84;

/// Bytes that an envelope has beyond its prompt's.
const OVERHEAD: usize = HEADER + TAG;
const _: () = assert!(OVERHEAD == SEAL_OVERHEAD as usize);

/// Where an envelope belongs. It opens nowhere else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Context {
	/// Hash of the chain's first block.
	pub genesis: [u8; 32],
	/// The account that submits the job.
	pub requester: AccountId,
}

impl Context {
	fn binding(&self) -> [u8; 64] {
		let mut binding = [0; 64];
		let (genesis, requester) = binding.split_at_mut(32);
		genesis.copy_from_slice(&self.genesis);
		requester.copy_from_slice(&self.requester.0);
		binding
	}
}

/// A sealed prompt, as it goes into a job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
	/// The job's input.
	pub bytes: Vec<u8>,
	/// What the job commits to.
	pub commitment: ContentHash,
}

/// Seals `prompt` for the worker whose seal key is `worker`. The requester opens it again with its own seal key
/// ([`OpenedJob::recover`]).
pub fn seal_prompt(
	own: &SealKey,
	worker: &SealPublic,
	context: &Context,
	prompt: &[u8],
) -> Result<Envelope, SealError> {
	let limit = MAX_BLOB.saturating_sub(OVERHEAD);
	match prompt.len() {
		0 => return Err(SealError::Empty),
		len if len > limit => return Err(SealError::TooLong { len, limit }),
		_ => {},
	}
	let ephemeral = SealKey::random()?;
	let key = own.content_key(&ephemeral.public());
	let wrapped = Wrapped::new(&key, &ephemeral, worker, PURPOSE, &context.binding())?;
	let mut bytes = MAGIC.to_vec();
	wrapped.encode_to(&mut bytes);
	let sealed = aead::encrypt(&prompt_key(&key), &bytes, prompt);
	bytes.extend_from_slice(&sealed);
	Ok(Envelope { bytes, commitment: seals(&key, prompt).output.commitment() })
}

fn prompt_key(key: &ContentKey) -> Secret {
	key.child(&[b"noesis:seal:prompt:1"])
}

fn seals(key: &ContentKey, prompt: &[u8]) -> Seals {
	let mut output =
		OutputSeal { secret: *key.child(&[b"noesis:seal:output:1"]), prompt: ContentHash::default() };
	let seal = PromptSeal { salt: *key.child(&[b"noesis:seal:salt:1"]), output: output.digest() };
	output.prompt = seal.digest(prompt);
	Seals { prompt: seal, output }
}

fn parse(envelope: &[u8]) -> Result<(Wrapped, &[u8], &[u8]), OpenError> {
	if envelope.len() <= OVERHEAD {
		return Err(OpenError::Malformed("an envelope has more than 100 bytes"));
	}
	if envelope.len() > MAX_BLOB {
		return Err(OpenError::Malformed("an envelope has at most 1 MiB"));
	}
	let short = OpenError::Malformed("an envelope has 84 bytes before its prompt");
	let (header, sealed) = envelope.split_at_checked(HEADER).ok_or(short)?;
	let wrapped = header
		.strip_prefix(MAGIC)
		.ok_or(OpenError::Malformed("the input is no envelope of version 1: it starts with other bytes"))?;
	let wrapped = Wrapped::decode_all(&mut &*wrapped).map_err(|_| short)?;
	Ok((wrapped, header, sealed))
}

/// What a dispute over a sealed job may have to show beside its prompt and beside its output.
#[derive(Clone, Copy, Debug)]
pub struct Seals {
	/// Beside the prompt.
	pub prompt: PromptSeal,
	/// Beside the output.
	pub output: OutputSeal,
}

/// A sealed job that was opened.
#[derive(Clone, Debug)]
pub struct OpenedJob {
	pub(super) key: ContentKey,
	prompt: Vec<u8>,
}

impl OpenedJob {
	/// Opens the input of a job with the named worker's seal key.
	pub fn open(
		seal: &SealKey,
		context: &Context,
		committed: ContentHash,
		input: &[u8],
	) -> Result<Self, OpenError> {
		let (wrapped, ..) = parse(input)?;
		let key = wrapped.open(seal, PURPOSE, &context.binding()).ok_or(OpenError::NotForUs)?;
		Self::open_with(key, committed, input)
	}

	/// Opens the input of a job with the seal key of its requester, which sealed it.
	pub fn recover(own: &SealKey, committed: ContentHash, input: &[u8]) -> Result<Self, OpenError> {
		let (wrapped, ..) = parse(input)?;
		Self::open_with(own.content_key(&wrapped.ephemeral), committed, input)
	}

	/// Opens the input of a job with its content key.
	pub fn open_with(key: ContentKey, committed: ContentHash, input: &[u8]) -> Result<Self, OpenError> {
		let (_, header, sealed) = parse(input)?;
		let prompt = aead::decrypt(&prompt_key(&key), header, sealed).ok_or(OpenError::WrongKey)?;
		if seals(&key, &prompt).output.commitment() != committed {
			return Err(OpenError::Commitment);
		}
		Ok(Self { key, prompt })
	}

	/// The prompt.
	pub fn prompt(&self) -> &[u8] {
		&self.prompt
	}

	/// The content key.
	pub fn content_key(&self) -> &ContentKey {
		&self.key
	}

	/// What is shown beside the prompt, or beside the output, when a dispute has to show it.
	pub fn seals(&self) -> Seals {
		seals(&self.key, &self.prompt)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn context() -> Context {
		Context { genesis: [1; 32], requester: AccountId::from([2; 32]) }
	}

	fn sealed(prompt: &[u8]) -> (SealKey, SealKey, Envelope) {
		let (requester, worker) = (SealKey::random().unwrap(), SealKey::random().unwrap());
		let envelope = seal_prompt(&requester, &worker.public(), &context(), prompt).unwrap();
		(requester, worker, envelope)
	}

	#[test]
	fn prompt_should_open_when_worker_requester_or_content_key_is_right() {
		let (requester, worker, Envelope { bytes, commitment: committed }) = sealed(b"what is love?");
		assert_eq!(bytes.len(), 13 + OVERHEAD);
		assert_eq!(OVERHEAD % 4, 0);
		let opened = OpenedJob::open(&worker, &context(), committed, &bytes).unwrap();
		assert_eq!(opened.prompt(), b"what is love?");
		assert_eq!(opened.seals().prompt.commitment(opened.prompt()), committed);
		assert_eq!(opened.seals().output.commitment(), committed);
		let again = OpenedJob::recover(&requester, committed, &bytes).unwrap();
		assert_eq!(again.content_key().bytes(), opened.content_key().bytes());
		let granted = OpenedJob::open_with(opened.content_key().clone(), committed, &bytes).unwrap();
		assert_eq!(granted.prompt(), b"what is love?");
	}

	#[test]
	fn prompt_should_stay_shut_when_worker_requester_or_chain_is_another() {
		let (_, worker, Envelope { bytes, commitment }) = sealed(b"prompt");
		let open = |seal: &SealKey, context| OpenedJob::open(seal, &context, commitment, &bytes).unwrap_err();
		assert_eq!(open(&SealKey::random().unwrap(), context()), OpenError::NotForUs);
		assert_eq!(open(&worker, Context { genesis: [0; 32], ..context() }), OpenError::NotForUs);
		let thief = AccountId::from([3; 32]);
		assert_eq!(open(&worker, Context { requester: thief, ..context() }), OpenError::NotForUs);
		assert_eq!(OpenedJob::recover(&worker, commitment, &bytes).unwrap_err(), OpenError::WrongKey);
	}

	#[test]
	fn prompt_should_be_refused_when_the_job_commits_to_another() {
		let (_, worker, Envelope { bytes, .. }) = sealed(b"prompt");
		let error = OpenedJob::open(&worker, &context(), ContentHash([0; 32]), &bytes).unwrap_err();
		assert_eq!(error, OpenError::Commitment);
		assert!(error.is_requesters_fault());
	}

	#[test]
	fn envelopes_should_differ_when_the_prompt_is_the_same() {
		let (requester, worker) = (SealKey::random().unwrap(), SealKey::random().unwrap());
		let seal = || seal_prompt(&requester, &worker.public(), &context(), b"same").unwrap();
		let (a, b) = (seal(), seal());
		assert_ne!(a.bytes[OVERHEAD - TAG..], b.bytes[OVERHEAD - TAG..]);
		assert_ne!(a.commitment, b.commitment);
	}

	#[test]
	fn prompt_should_not_be_sealed_when_it_is_empty_or_too_long_or_the_key_is_none() {
		let own = SealKey::random().unwrap();
		let seal = |worker, prompt: &[u8]| seal_prompt(&own, &worker, &context(), prompt).unwrap_err();
		assert_eq!(seal(own.public(), b""), SealError::Empty);
		assert!(matches!(seal(own.public(), &vec![0; MAX_BLOB]), SealError::TooLong { .. }));
		assert_eq!(seal(SealPublic([0; 32]), b"prompt"), SealError::WeakKey);
		let longest = vec![7; MAX_BLOB - OVERHEAD];
		assert_eq!(seal_prompt(&own, &own.public(), &context(), &longest).unwrap().bytes.len(), MAX_BLOB);
	}

	proptest! {
		#[test]
		fn prompt_should_stay_shut_when_any_byte_changed(
			prompt in prop::collection::vec(any::<u8>(), 1..200),
			at in any::<prop::sample::Index>(),
			change in 1u8..,
		) {
			let (requester, worker, Envelope { mut bytes, commitment }) = sealed(&prompt);
			let opened = OpenedJob::open(&worker, &context(), commitment, &bytes).unwrap();
			prop_assert_eq!(opened.prompt(), &prompt[..]);
			let at = at.index(bytes.len());
			bytes[at] ^= change;
			prop_assert!(OpenedJob::open(&worker, &context(), commitment, &bytes).is_err());
			prop_assert!(OpenedJob::recover(&requester, commitment, &bytes).is_err());
			prop_assert!(OpenedJob::open_with(opened.content_key().clone(), commitment, &bytes).is_err());
		}

		#[test]
		fn bytes_should_give_an_error_when_they_are_truncated_or_random(
			random in prop::collection::vec(any::<u8>(), 0..300),
			cut in any::<prop::sample::Index>(),
		) {
			let (_, worker, Envelope { bytes, commitment }) = sealed(b"a prompt to cut");
			let short = &bytes[..cut.index(bytes.len())];
			prop_assert!(OpenedJob::open(&worker, &context(), commitment, short).is_err());
			prop_assert!(OpenedJob::open(&worker, &context(), commitment, &random).is_err());
			let magic = [&MAGIC[..], &random].concat();
			prop_assert!(OpenedJob::open(&worker, &context(), commitment, &magic).is_err());
		}
	}
}
