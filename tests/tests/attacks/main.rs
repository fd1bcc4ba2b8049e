//! Attacks on the real runtime, each with what it brings who makes it.
//!
//! Every test prints `attack <name>: before .. after .. loss ..`, the sum of all that the attackers have.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "a test that panics has failed"
)]

mod answers;
mod batches;
mod disputes;
mod identity;
mod money;
mod operations;
mod schedules;
mod sealed;
mod validators;
