//! A tiny Llama with the same weights in candle, on its CPU backend: the loss and all gradients agree.

use candle_core::{DType, Device, Result, Tensor, Var, D};
use noesis_canon32::{
	loss,
	model::{Config, Model, Weights},
	rope::Rotations,
	Backend,
};

const BATCH: usize = 2;
const TOKENS: usize = 70;

fn config(tied: bool) -> Config {
	Config {
		vocabulary: 96,
		hidden: 48,
		intermediate: 100,
		layers: 2,
		heads: 6,
		kv_heads: 2,
		head_dim: 8,
		rope_base: 10_000,
		epsilon_bits: 1e-5f32.to_bits(),
		tied,
	}
}

/// Numbers in `[-most, most)`.
fn numbers(seed: &mut u64, length: usize, most: f32) -> Vec<f32> {
	let mut next = || {
		*seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		((*seed >> 40) as f32 / 8_388_608.0 - 1.0) * most
	};
	(0..length).map(|_| next()).collect()
}

/// The decoder in candle's operations.
struct Candle {
	config: Config,
	/// In the order of [`Weights::tensors`].
	variables: Vec<Var>,
	cos: Tensor,
	sin: Tensor,
	mask: Tensor,
}

impl Candle {
	fn new(config: Config, weights: &Weights<f32>) -> Result<Self> {
		let device = Device::Cpu;
		let hidden = config.hidden;
		let variables = weights
			.tensors()
			.enumerate()
			.map(|(number, values)| {
				// Of the nine tensors of a layer only the last has another width.
				let down = number > 0 && number <= 9 * config.layers && number % 9 == 0;
				let output = number <= 9 * config.layers && number % 9 == 5;
				let width = if down {
					config.intermediate
				} else if output {
					config.heads * config.head_dim
				} else {
					hidden
				};
				match values.len() / width {
					1 => Var::from_slice(values, width, &device),
					rows => Var::from_slice(values, (rows, width), &device),
				}
			})
			.collect::<Result<_>>()?;
		let rotations = Rotations::<f32>::new(config.rope_base, config.head_dim, TOKENS);
		let (cos, sin): (Vec<f32>, Vec<f32>) = (0..TOKENS).flat_map(|t| rotations.at(t)).copied().unzip();
		let table = |values: Vec<f32>| Tensor::from_vec(values, (1, 1, TOKENS, config.head_dim / 2), &device);
		let (cos, sin) = (table(cos)?, table(sin)?);
		let mask = (0..TOKENS * TOKENS)
			.map(|i| if i % TOKENS > i / TOKENS { f32::NEG_INFINITY } else { 0.0 })
			.collect();
		let mask = Tensor::from_vec(mask, (1, 1, TOKENS, TOKENS), &device)?;
		Ok(Self { config, variables, cos, sin, mask })
	}

	fn norm(x: &Tensor, gain: &Tensor) -> Result<Tensor> {
		let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
		x.broadcast_div(&(mean + 1e-5)?.sqrt()?)?.broadcast_mul(gain)
	}

	fn linear(x: &Tensor, weights: &Tensor) -> Result<Tensor> {
		x.broadcast_matmul(&weights.t()?)
	}

	fn heads(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
		x.reshape((BATCH, TOKENS, heads, self.config.head_dim))?.transpose(1, 2)?.contiguous()
	}

	fn rope(&self, x: &Tensor) -> Result<Tensor> {
		let (batch, heads, tokens, width) = x.dims4()?;
		let pairs = x.reshape((batch, heads, tokens, width / 2, 2))?;
		let (a, b) = (pairs.narrow(4, 0, 1)?.squeeze(4)?, pairs.narrow(4, 1, 1)?.squeeze(4)?);
		let first = (a.broadcast_mul(&self.cos)? - b.broadcast_mul(&self.sin)?)?;
		let second = (a.broadcast_mul(&self.sin)? + b.broadcast_mul(&self.cos)?)?;
		Tensor::stack(&[first, second], 4)?.reshape((batch, heads, tokens, width))
	}

	/// Each key head as often as queries share it.
	fn repeat(&self, x: &Tensor) -> Result<Tensor> {
		let (batch, heads, tokens, width) = x.dims4()?;
		let group = self.config.heads / heads;
		x.unsqueeze(2)?.expand((batch, heads, group, tokens, width))?.reshape((
			batch,
			heads * group,
			tokens,
			width,
		))
	}

	fn softmax(x: &Tensor) -> Result<Tensor> {
		let e = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
		e.broadcast_div(&e.sum_keepdim(D::Minus1)?)
	}

	fn log_softmax(x: &Tensor) -> Result<Tensor> {
		let x = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?;
		x.broadcast_sub(&x.exp()?.sum_keepdim(D::Minus1)?.log()?)
	}

	fn layer(&self, weights: &[Var], x: &Tensor) -> Result<Tensor> {
		let config = &self.config;
		let normed = Self::norm(x, &weights[0])?;
		let q = self.rope(&self.heads(&Self::linear(&normed, &weights[1])?, config.heads)?)?;
		let k =
			self.repeat(&self.rope(&self.heads(&Self::linear(&normed, &weights[2])?, config.kv_heads)?)?)?;
		let v = self.repeat(&self.heads(&Self::linear(&normed, &weights[3])?, config.kv_heads)?)?;
		let scores = (q.matmul(&k.t()?)? / (config.head_dim as f64).sqrt())?.broadcast_add(&self.mask)?;
		let attended = Self::softmax(&scores)?.matmul(&v)?.transpose(1, 2)?.reshape((BATCH, TOKENS, ()))?;
		let x = (x + Self::linear(&attended, &weights[4])?)?;
		let normed = Self::norm(&x, &weights[5])?;
		let gate = Self::linear(&normed, &weights[6])?.silu()?;
		x + Self::linear(&(gate * Self::linear(&normed, &weights[7])?)?, &weights[8])?
	}

	fn logits(&self, tokens: &[u32]) -> Result<Tensor> {
		let layers = self.config.layers;
		let embedding = &self.variables[0];
		let tokens = Tensor::from_slice(tokens, BATCH * TOKENS, &Device::Cpu)?;
		let mut x = embedding.index_select(&tokens, 0)?.reshape((BATCH, TOKENS, ()))?;
		for weights in self.variables[1..=9 * layers].chunks(9) {
			x = self.layer(weights, &x)?;
		}
		let x = Self::norm(&x, &self.variables[1 + 9 * layers])?;
		let head = if self.config.tied { embedding } else { &self.variables[2 + 9 * layers] };
		Self::linear(&x, head)?.reshape((BATCH * TOKENS, ()))
	}
}

/// Both losses agree, and every tensor's gradient relative to its largest element.
fn compare(ours: (f32, Weights<f32>), candle: &Candle, theirs: Tensor) -> Result<()> {
	let loss = theirs.to_scalar::<f32>()?;
	assert!((ours.0 - loss).abs() < 1e-4 * loss, "loss {} {loss}", ours.0);
	let gradients = theirs.backward()?;
	for (number, (variable, ours)) in candle.variables.iter().zip(ours.1.tensors()).enumerate() {
		let theirs =
			gradients.get(variable).expect("every tensor has one").flatten_all()?.to_vec1::<f32>()?;
		let scale = theirs.iter().fold(0.0f32, |m, x| m.max(x.abs()));
		assert!(scale > 0.0);
		for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
			assert!((a - b).abs() < 1e-4 * scale, "tensor {number}, {i}: {a} {b}, largest {scale}");
		}
	}
	Ok(())
}

#[test]
fn loss_and_gradients_should_agree_with_candle() -> Result<()> {
	for tied in [true, false] {
		let config = config(tied);
		let mut seed = 1;
		let weights = Weights::build(&config, |length| {
			let gain = if length == config.hidden { 1.0 } else { 0.0 };
			numbers(&mut seed, length, 0.25).into_iter().map(|x| x + gain).collect()
		});
		let tokens: Vec<u32> = (0..(BATCH * TOKENS) as u32).map(|i| i * i % 96).collect();
		let targets: Vec<u32> = (0..(BATCH * TOKENS) as u32).map(|i| (i * 7 + 3) % 96).collect();
		let teacher = numbers(&mut seed, targets.len() * config.vocabulary, 3.0);
		let model = Model::new(Backend::best(), config.clone(), BATCH, TOKENS);
		let tape = model.forward(&weights, &tokens).unwrap();
		let mut dlogits = vec![0.0; tape.logits.len()];
		let candle = Candle::new(config.clone(), &weights)?;

		let ours = loss::cross_entropy(Backend::best(), 96, &tape.logits, &targets, &mut dlogits).unwrap();
		let gradient = model.backward(&weights, &tape, &dlogits).unwrap();
		let targets = Tensor::from_slice(&targets, (targets.len(), 1), &Device::Cpu)?;
		let theirs = Candle::log_softmax(&candle.logits(&tokens)?)?.gather(&targets, 1)?.mean_all()?.neg()?;
		compare((ours, gradient), &candle, theirs)?;

		let ours =
			loss::distillation(Backend::best(), 96, &tape.logits, &teacher, 2.0, &mut dlogits).unwrap();
		let gradient = model.backward(&weights, &tape, &dlogits).unwrap();
		let teacher =
			(Tensor::from_vec(teacher, (BATCH * TOKENS, 96), &Device::Cpu)?.to_dtype(DType::F32)? / 2.0)?;
		let ln_q = Candle::log_softmax(&(candle.logits(&tokens)? / 2.0)?)?;
		let divergence = (Candle::softmax(&teacher)? * (Candle::log_softmax(&teacher)? - ln_q)?)?;
		let theirs = (divergence.sum(D::Minus1)?.mean_all()? * 4.0)?;
		compare((ours, gradient), &candle, theirs)?;
	}
	Ok(())
}
