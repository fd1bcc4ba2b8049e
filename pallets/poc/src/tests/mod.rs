//! Tests by behaviour.

#![allow(clippy::arithmetic_side_effects)]

mod attacks;
mod canaries;
mod draws;
mod outcomes;
mod randomness;
mod sampling;
mod schedules;
mod seats;
mod security;
mod views;
