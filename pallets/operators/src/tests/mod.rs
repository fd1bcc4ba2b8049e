//! What the pallet promises, by behaviour.

mod exclusion;
mod leaving;
mod registration;
mod registry;
mod schedules;
