//! Attacks on the real runtime, each with what it brings who makes it.
//!
//! Every test prints `attack <name>: before .. after .. loss ..`, the sum of all that the attackers have.

mod answers;
mod disputes;
mod identity;
mod money;
mod operations;
mod schedules;
mod validators;
