//! What several pallets do alike.
//!
//! - [`Agenda`]: what falls due when.
//! - [`pay_from_hold`]: payments out of what is held.
//! - [`Wait`] and [`Lack`]: when and how much, said by an error.

#![cfg_attr(not(feature = "std"), no_std)]

mod agenda;
mod error;
mod hold;

pub use agenda::{Agenda, Entries, AGENDA_PROBES, MAX_PER_BLOCK};
pub use error::{Lack, Wait};
pub use hold::pay_from_hold;
