//! Tests by behaviour.

#![allow(clippy::arithmetic_side_effects)]

mod agenda;
mod answers;
mod assignment;
mod attacks;
mod batches;
mod channels;
mod claims;
mod disputes;
mod fund;
mod liability;
mod queue;
mod schedules;
mod sealed;
mod settlement;
mod submission;
mod terms;
mod views;
