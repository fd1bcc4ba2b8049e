//! What each kind of player does in a block.

mod dispute;
mod validate;

pub use dispute::{choose, defend, Play};
pub use validate::{draw, openings, Drawn};
