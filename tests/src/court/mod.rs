//! The real runtime and the real engine in one process: a court before which operators answer, lie and dispute.
//!
//! A [`Court`] is the state of the network `development`, with a tiny random model registered. [`People`](Person) make
//! [`Work`] of jobs, honest or not, claim it, and play disputes about it by the rules of the worker's own
//! [`Player`](noesis_worker::disputes::Player); every call is dispatched as a signed extrinsic's would be. After every
//! call and every block the invariants of all our pallets are checked, and that no money was made or lost.

// A test may fail loudly, and its numbers are small.
#![allow(
	clippy::unwrap_used,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::arithmetic_side_effects,
	reason = "part of the tests"
)]

mod batch;
mod canary;
mod chain;
mod channel;
mod forgery;
mod game;
mod job;
mod model;
mod person;
mod sealed;
mod work;

pub use batch::Batch;
pub use canary::Canary;
pub use chain::{session, session_on, Attack, Court, Filed, Saved};
pub use channel::Turns;
pub use forgery::Forgery;
pub use game::{Party, Played};
pub use job::Ask;
pub use model::{models, Model, Models};
pub use person::Person;
pub use work::{claim_of, Work};

/// One DOT.
pub const UNIT: u128 = noesis_runtime::UNIT;
