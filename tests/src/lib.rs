//! Helpers of the tests over everything: [`court`] runs the real runtime and engine in this process, for attacks; the
//! rest runs real processes of the real binaries, on ports and folders of their own.
//!
//! A [`Stage`] is a development chain with a registered random model, a worker and three validators. The end-to-end tests
//! in `e2e/` have a [`SharedStage`] per file and take turns on it.

pub mod court;
mod ledger;
mod process;
mod proxy;
mod stage;

pub use ledger::{pot_account, Ledger};
pub use process::{binary, free_port, node_binary, Process};
pub use proxy::Proxy;
pub use stage::{account, job_until, number, until, Actor, SharedStage, Stage, StageOptions, PATIENCE};

/// What a test gives back.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
