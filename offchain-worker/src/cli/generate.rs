//! How text is generated, for every command that asks more than one question by the same rules.

use super::{parse_temperature, parse_top_p, FormatArg};
use clap::Args;
use noesis_primitives::{GenerateParams, JobKind};

/// How text is generated.
#[derive(Args, Clone, Debug)]
pub struct GenerateArgs {
	/// Most tokens to generate for each prompt.
	#[arg(long, default_value_t = 128)]
	pub tokens: u32,
	/// 0 takes the likeliest token; up to 65.
	#[arg(long, default_value_t = 0.0, value_parser = parse_temperature)]
	pub temperature: f64,
	/// Probability mass that is sampled from, up to 1.
	#[arg(long, default_value_t = 1.0, value_parser = parse_top_p)]
	pub top_p: f64,
	/// Seed of the sampler: the same seed gives the same answer.
	#[arg(long, default_value_t = 0)]
	pub seed: u64,
	/// How the prompts are read.
	#[arg(long, value_enum, default_value_t = FormatArg::Chat)]
	pub format: FormatArg,
}

impl GenerateArgs {
	/// What to compute.
	pub fn kind(&self) -> JobKind {
		JobKind::Generate(GenerateParams {
			format: self.format.into(),
			max_tokens: self.tokens,
			temperature: (self.temperature * 1000.0).round() as u16,
			top_p: ((self.top_p * 65535.0).round() as u16).max(1),
			seed: self.seed,
		})
	}
}
