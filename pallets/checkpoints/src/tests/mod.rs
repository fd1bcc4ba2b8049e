//! What the pallet promises, by behaviour.

mod deposits;
mod life;
mod registration;
mod schedules;
