//! What the `Exact` profile costs in quality: perplexity against 32-bit floats on the same text.
//!
//! A text is tokenised as a whole, without a begin token, and cut into windows of equal length; window `k` of `n`
//! begins at token `k · tokens / n`. Every token of a window but its first is predicted from those before it.

use crate::{
	engine::{Engine, EngineError},
	float::FloatModel,
};
use serde::Serialize;

/// What is measured on.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
	/// Number of windows.
	pub count: usize,
	/// Tokens of a window, up to the model's context.
	pub length: usize,
}

impl Default for Windows {
	fn default() -> Self {
		Self { count: 8, length: 256 }
	}
}

impl Windows {
	/// Cuts tokens; a window that would reach beyond the end is moved to it. None when there are too few tokens.
	pub fn cut<'a>(&self, tokens: &'a [u32]) -> Vec<&'a [u32]> {
		let Some(last) = tokens.len().checked_sub(self.length) else { return Vec::new() };
		(0..self.count)
			.map(|k| (k * tokens.len() / self.count).min(last))
			.map(|start| &tokens[start..start + self.length])
			.collect()
	}
}

/// Exact against float on one text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Perplexity {
	/// Tokens predicted.
	pub tokens: u64,
	/// Perplexity in 32-bit floats.
	pub f32: f64,
	/// Perplexity in the `Exact` profile.
	pub exact: f64,
	/// `exact / f32`.
	pub ratio: f64,
	/// Standard error of the mean difference per token, in natural logarithms.
	pub standard_error: f64,
	/// Share of tokens with the same likeliest prediction.
	pub top1: f64,
	/// Mean Kullback-Leibler divergence from float to exact.
	pub divergence: f64,
}

/// Logits (Q16) after every token of a window, row by row. Run it inside [`Engine::install`] for speed.
///
/// # Errors
/// [`EngineError::Device`], when the engine's device fails.
pub fn exact_logits(engine: &Engine, tokens: &[u32]) -> Result<Vec<i32>, EngineError> {
	let mut sequence = engine.start(tokens.len())?;
	let mut all = Vec::new();
	for batch in tokens.chunks(sequence.max_batch()) {
		sequence.forward(batch, None)?;
		sequence.compute_logits(batch.len())?;
		all.extend(sequence.logits()?);
	}
	Ok(all)
}

fn log_softmax(logits: impl Iterator<Item = f64> + Clone) -> (Vec<f64>, usize) {
	let (top, largest) =
		logits.clone().enumerate().fold((0, f64::MIN), |best, (i, l)| if l > best.1 { (i, l) } else { best });
	let sum = logits.clone().map(|l| (l - largest).exp()).sum::<f64>().ln() + largest;
	(logits.map(|l| l - sum).collect(), top)
}

/// Measures on the windows of a text; `progress` is called with the windows done and all.
pub fn perplexity(
	engine: &Engine,
	float: &FloatModel<'_>,
	text: &[u8],
	windows: Windows,
	progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Perplexity, EngineError> {
	let tokens = engine.tokenizer().encode(text);
	let vocabulary = engine.manifest().architecture.vocabulary as usize;
	let cut = windows.cut(&tokens);
	let (mut exact_sum, mut float_sum, mut square, mut same, mut divergence, mut n) =
		(0.0, 0.0, 0.0, 0u64, 0.0, 0u64);
	engine.install(|| -> Result<(), EngineError> {
		for (done, window) in cut.iter().enumerate() {
			let exact = exact_logits(engine, window)?;
			let float = float.logits(window);
			for (t, &target) in window.iter().enumerate().skip(1) {
				let row = (t - 1) * vocabulary..t * vocabulary;
				let (e, e_top) = log_softmax(exact[row.clone()].iter().map(|&l| f64::from(l) / 65_536.0));
				let (f, f_top) = log_softmax(float[row].iter().map(|&l| f64::from(l)));
				let difference = f[target as usize] - e[target as usize];
				exact_sum -= e[target as usize];
				float_sum -= f[target as usize];
				square += difference * difference;
				same += u64::from(e_top == f_top);
				divergence += f.iter().zip(&e).map(|(f, e)| f.exp() * (f - e)).sum::<f64>();
				n += 1;
			}
			progress(done + 1, cut.len());
		}
		Ok(())
	})?;
	let count = (n as f64).max(1.0);
	let mean = (exact_sum - float_sum) / count;
	Ok(Perplexity {
		tokens: n,
		f32: (float_sum / count).exp(),
		exact: (exact_sum / count).exp(),
		ratio: mean.exp(),
		standard_error: ((square / count - mean * mean).max(0.0) / count).sqrt(),
		top1: same as f64 / count,
		divergence: divergence / count,
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{checkpoint::Checkpoint, engine::EngineOptions, testing};

	#[test]
	fn windows_should_be_spread_and_stay_inside() {
		let tokens: Vec<u32> = (0..100).collect();
		let starts = |count, length| -> Vec<u32> {
			Windows { count, length }.cut(&tokens).iter().map(|w| w[0]).collect()
		};
		assert_eq!(starts(4, 10), [0, 25, 50, 75]);
		assert_eq!(starts(4, 40), [0, 25, 50, 60]);
		assert!(starts(4, 101).is_empty());
	}

	#[test]
	fn exact_should_be_near_float_when_the_model_is_random() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("random.noesis");
		testing::write_random_model(&path, 3).unwrap();
		let checkpoint = Checkpoint::open(&path).unwrap();
		let engine = Engine::new(&checkpoint, &EngineOptions::default()).unwrap();
		let float = FloatModel::new(&checkpoint, None).unwrap();
		let text = "It is a truth universally acknowledged, that numbers are not words. ".repeat(8);
		let windows = Windows { count: 3, length: 64 };
		let mut calls = 0;
		let result = perplexity(&engine, &float, text.as_bytes(), windows, &mut |_, _| calls += 1).unwrap();
		assert_eq!((result.tokens, calls), (3 * 63, 3));
		assert!((result.ratio - 1.0).abs() < 0.05, "{result:?}");
		assert!(result.divergence < 0.01 && result.top1 > 0.9, "{result:?}");
	}
}
