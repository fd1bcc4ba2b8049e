//! Runs models in the `Exact` profile: import, tokenizer, forward pass, sampler, trace.
//!
//! An [`Engine`] opens a [`checkpoint`] file and runs jobs on it. A job is a total, pure function: every input has one
//! result, down to the hash of every slice of every layer, whatever the batch size, the number of threads or the
//! vector unit.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use noesis_engine::{Engine, EngineOptions, RunOptions};
//! use noesis_primitives::{GenerateParams, InputFormat, JobKind};
//!
//! let engine = Engine::open("model.noesis".as_ref(), &EngineOptions::default())?;
//! let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 64));
//! let execution = engine.run(&kind, b"What is the capital of France?", RunOptions::default())?;
//! println!("{} {}", String::from_utf8_lossy(&execution.output), execution.root());
//! # Ok(())
//! # }
//! ```
//!
//! Rooms: [`gguf`] and [`import`] bring models in; [`checkpoint`] is our file; [`tokenizer`] and [`template`] turn
//! bytes into tokens; [`matrix`], [`kernels`], [`cache`], [`model`] compute on the CPU, [`device_model`] on a GPU,
//! [`sequence`] either way; [`context`] is attention over long contexts, on one machine or split over several;
//! [`generate`] is the job, [`trace`] its leaves, [`dispute`] what is shown of them when somebody does not agree;
//! [`perplexity`], [`float`] and [`mod@bench`] measure; [`testing`] makes small models.

// Indices and sums stay within lengths that are checked when a file is opened.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod bench;
pub mod cache;
pub mod checkpoint;
pub mod context;
pub mod device_model;
pub mod dispute;
mod engine;
pub mod float;
pub mod generate;
pub mod gguf;
pub mod import;
pub mod kernels;
pub mod matrix;
pub mod model;
pub mod perplexity;
mod plant;
pub mod sequence;
pub mod template;
pub mod testing;
pub mod tokenizer;
pub mod trace;

pub use checkpoint::{Architecture, Checkpoint, CheckpointError, Manifest, Shapes};
pub use engine::{Engine, EngineError, EngineOptions, Execution, OnToken, RunOptions, TokenEvent};
pub use import::{import_gguf, ImportError, Progress};
pub use kernels::Backend;
pub use plant::Plant;
