//! The off-chain side of Noesis: worker, validator and client commands.
//!
//! Everything that acts on the chain is driven by its state, never by remembered events: at each new block the
//! loops of [`worker`] and [`validator`] read what stands and do the next step. A restart, a lost connection or
//! a fork therefore needs no replay.
//!
//! [`chain`] reads and submits; [`store`] moves blobs; [`executor`] computes. The one thing that a test
//! replaces is the [`executor::Executor`].

// Heights, lengths and durations of this crate are far from their types' limits; money is never computed here.
#![allow(clippy::arithmetic_side_effects)]

pub mod batch;
pub mod bundle;
pub mod canary;
pub mod chain;
pub mod channel;
mod choice;
pub mod cli;
pub mod commands;
pub mod disputes;
pub mod executor;
pub mod keys;
pub mod live;
pub mod models;
pub mod operator;
pub mod reception;
pub mod sealed;
pub mod service;
mod steps;
pub mod store;
pub mod validator;
pub mod worker;

/// An account of the chain.
pub type AccountId = subxt::utils::AccountId32;
