//! What the pallet promises, by behaviour.

mod affiliation;
mod appeals;
mod exclusion;
mod exposure;
mod leaving;
mod presence;
mod registration;
mod registry;
mod reputation;
mod schedules;
mod slashing;
