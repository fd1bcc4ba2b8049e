//! What the pallet promises, on a model that is small enough to compute in a test.

#![allow(clippy::arithmetic_side_effects)]

mod chaos;
mod docket;
mod evidence;
mod games;
mod input;
mod length;
mod model;
mod output;
mod players;
mod sealed;
mod silence;
mod text;
mod turns;
mod words;
