//! What several pallets do alike.
//!
//! - [`Agenda`]: what falls due when.
//! - [`pay_from_hold`]: payments out of what is held.

#![cfg_attr(not(feature = "std"), no_std)]

mod agenda;
mod hold;

pub use agenda::{Agenda, Entries, AGENDA_PROBES, MAX_PER_BLOCK};
pub use hold::pay_from_hold;
