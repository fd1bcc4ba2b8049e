//! Channels: many turns for one escrow, without the chain in between.
//!
//! A requester offers a worker a channel, the worker accepts. From then on the two speak HTTP: the requester signs what
//! it asks ([`TurnRequest`]), the worker computes it and signs the [`Tally`](noesis_primitives::Tally) that follows
//! ([`TurnAnswer`]), the requester checks that and signs it too ([`SignedTally`]). The worker serves no turn before it
//! has the requester's signature on all turns before, so it risks one turn at most. The requester risks nothing: a turn
//! that it does not sign costs it nothing.
//!
//! Both keep a [`Book`] in a file that is written before anything is sent. [`Session`] is the requester's side,
//! [`Counter`] the worker's, [`Keeper`] what the worker does on chain: accept, close, contest, show.
//!
//! `docs/channels.md` has the protocol and its limits.

mod book;
mod client;
mod counter;
mod decide;
mod keeper;
mod refusal;
mod server;
mod sign;
mod terms;
mod wire;

pub use book::{folder, Book, BookError, BookFile, Ending, Pending};
pub use client::{Answered, ChannelError, Session};
pub use counter::{Counter, Market};
pub use decide::{closing_from, decide, Standing, Step};
pub use keeper::{ChainMarket, Keeper};
pub use refusal::Refusal;
pub use server::router;
pub use sign::Signature;
pub use terms::{Objection, Terms};
pub use wire::{CloseRequest, SignedTally, TurnAnswer, TurnRequest};
