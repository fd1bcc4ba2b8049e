//! Tests by behaviour.

#![allow(clippy::arithmetic_side_effects)]

mod agenda;
mod answers;
mod assignment;
mod queue;
mod schedules;
mod settlement;
mod submission;
mod views;
