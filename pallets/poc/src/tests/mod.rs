//! Tests by behaviour.

#![allow(clippy::arithmetic_side_effects)]

mod attacks;
mod outcomes;
mod schedules;
mod views;
