//! Sealed jobs: prompt and answer that only those read who compute or check them.
//!
//! A job that names its worker may be sealed: its input is an envelope ([`seal_prompt`]), its output a sealed answer
//! ([`OpenedJob::seal_answer`]), and chain and stores see nothing else. One [`ContentKey`] opens both. Three know it:
//! the requester, who makes it; the worker, for whom the envelope wraps it; and each validator that is drawn on the
//! job's panel, to whom the worker hands it out ([`KeyDesk`], [`KeyClient`]).
//!
//! **Primitives.** X25519 agrees on a secret, HKDF-SHA256 makes keys of it, ChaCha20-Poly1305 encrypts; outputs, which the chain may have to hold
//! against what was claimed, are sealed as `noesis_primitives::OutputSeal` says. Every key encrypts one message, so the nonce is zero everywhere.
//!
//! **Binding.** An envelope opens for one chain, one requester and one worker: put into somebody else's job it is
//! noise, so nobody can have a stranger's prompt audited by a panel of his own. A sealed answer opens for one subject.
//!
//! **Commitment.** The encryption does not commit to its key: with effort one ciphertext opens to two plaintexts under
//! two keys. So the job carries a [commitment](noesis_primitives::seal_commitment), which has one plaintext and one secret
//! for its output, and whoever opens a prompt checks it.
//!
//! What this hides and what it does not is in `docs/privacy.md`.

mod aead;
mod answer;
mod casebook;
mod client;
mod desk;
mod error;
mod keyring;
mod limit;
mod prompt;
mod reader;
mod request;
mod secret;
mod server;
#[cfg(test)]
mod vectors;
mod wrap;

pub use casebook::ChainBook;
pub use client::{Audit, KeyClient, KeyError};
pub use desk::{Casebook, DrawKey, KeyDesk, OpenPanel, Refusal, Unreadable};
pub use error::{OpenError, SealError};
pub use keyring::{Keyring, KeyringError};
pub use prompt::{seal_prompt, Context, Envelope, OpenedJob, Seals};
pub use reader::{ReadError, Reader, SealedJob};
pub use request::{Asked, KeyGrant, KeyRequest, GRANT_BYTES, REQUEST_BYTES};
pub use secret::{ContentKey, SealKey, SealPublic};
pub use server::router;
