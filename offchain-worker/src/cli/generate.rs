//! How text is generated, for every command that asks.

use clap::{Args, ValueEnum};
use noesis_primitives::{GenerateParams, InputFormat, JobKind};

/// How the prompt is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FormatArg {
	/// A message to the assistant.
	Chat,
	/// A text to be continued.
	Text,
	/// Token ids, divided by blanks or commas.
	Tokens,
}

impl From<FormatArg> for InputFormat {
	fn from(format: FormatArg) -> Self {
		match format {
			FormatArg::Chat => Self::Chat,
			FormatArg::Text => Self::Text,
			FormatArg::Tokens => Self::Tokens,
		}
	}
}

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

fn parse_temperature(text: &str) -> Result<f64, String> {
	let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
	if (0.0..=65.0).contains(&value) {
		Ok(value)
	} else {
		Err("a temperature is 0 to 65".to_owned())
	}
}

fn parse_top_p(text: &str) -> Result<f64, String> {
	let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
	if value > 0.0 && value <= 1.0 {
		Ok(value)
	} else {
		Err("a probability mass is above 0 and at most 1".to_owned())
	}
}
