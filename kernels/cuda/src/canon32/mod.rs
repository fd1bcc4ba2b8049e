//! The `Canon32` profile on a device: the bits of `noesis_canon32`, operation by operation.
//!
//! Every method of [`Canon32`] queues one operation on arrays that the caller holds, in the layout of `noesis_canon32`.
//! Each output is searched for infinities and NaNs by the device itself: [`Canon32::not_finite`] asks what was found.

mod attention;
mod inputs;

use crate::{Arg, Buffer, Device, DeviceError, Launch};
use noesis_canon32::{
	linear::LinearShape,
	optimiser::{AdamW, NORM_CHUNK},
	row_sum,
};
use std::sync::Arc;

pub use attention::{Forward, Softmax};
pub use inputs::{Targets, Tokens, Turns};

/// Outputs of a block of `canon32_linear.cu`: rows, columns.
const PRODUCT_TILE: [usize; 2] = [128, 64];
const PRODUCT_BLOCK: u32 = 128;
const PRODUCT_SHARED: u32 = (132 + 68) * 16 * 4;
/// Threads of a block of `canon32_rows.cu`, and rows that it takes.
const ROW_BLOCK: usize = 128;
const ROWS: usize = ROW_BLOCK / 32;
/// Threads of a block of `canon32_elements.cu` and `canon32_attention.cu`.
const BLOCK: usize = 256;

/// What can put out a number that is not finite; counters are by its number.
#[derive(Clone, Copy)]
enum Operation {
	Linear,
	Embedding,
	Norm,
	NormGradient,
	Rope,
	Attention,
	AttentionGradient,
	Gate,
	Loss,
	Optimiser,
}

impl Operation {
	/// All of them, named as by `noesis_canon32::NotFinite`.
	const NAMES: [(Self, &'static str); 10] = [
		(Self::Linear, "linear"),
		(Self::Embedding, "embedding, gradient of the table"),
		(Self::Norm, "norm"),
		(Self::NormGradient, "norm, gradient"),
		(Self::Rope, "rope"),
		(Self::Attention, "attention"),
		(Self::AttentionGradient, "attention, gradient"),
		(Self::Gate, "gate"),
		(Self::Loss, "loss"),
		(Self::Optimiser, "optimiser"),
	];
}

/// A device on which the profile's operations run.
pub struct Canon32 {
	device: Arc<dyn Device>,
	/// By [`Operation`]: how many numbers were not finite.
	found: Buffer<u32>,
}

/// Which way [`Canon32::rope`] turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
	/// Queries and keys.
	Forward,
	/// Their gradients.
	Backward,
}

/// A side of a product: rows and columns, and whether it is read as its transpose.
#[derive(Clone, Copy)]
struct Side<'a> {
	values: &'a Buffer<f32>,
	rows: usize,
	columns: usize,
	transposed: bool,
}

impl<'a> Side<'a> {
	fn new(what: &str, values: &'a Buffer<f32>, rows: usize, columns: usize) -> Result<Self, DeviceError> {
		is(what, values, rows * columns)?;
		Ok(Self { values, rows, columns, transposed: false })
	}

	fn transposed(self) -> Self {
		Self { transposed: !self.transposed, ..self }
	}

	/// Lines and depth of the product.
	fn size(self) -> [usize; 2] {
		if self.transposed {
			[self.columns, self.rows]
		} else {
			[self.rows, self.columns]
		}
	}

	/// Distances of two lines and of two depths.
	fn steps(self) -> [Arg; 2] {
		let (along, across) = (Arg::I64(1), Arg::I64(self.columns as i64));
		if self.transposed {
			[along, across]
		} else {
			[across, along]
		}
	}
}

/// Refuses an array of another length.
fn is(what: &str, buffer: &Buffer<f32>, length: usize) -> Result<(), DeviceError> {
	if buffer.len() == length {
		return Ok(());
	}
	Err(DeviceError::Shape(format!("{what}: an array of {} values where {length} are due", buffer.len())))
}

fn all_are(what: &str, buffers: &[&Buffer<f32>], length: usize) -> Result<(), DeviceError> {
	buffers.iter().try_for_each(|buffer| is(what, buffer, length))
}

fn int(x: usize) -> Arg {
	Arg::I32(x as i32)
}

fn long(x: usize) -> Arg {
	Arg::I64(x as i64)
}

/// A thread per element.
fn by_element(length: usize) -> Launch {
	Launch { grid: [length.div_ceil(BLOCK) as u32, 1, 1], block: [BLOCK as u32, 1, 1], shared: 0 }
}

/// A warp per row.
fn by_row(rows: usize) -> Launch {
	Launch { grid: [rows.div_ceil(ROWS) as u32, 1, 1], block: [ROW_BLOCK as u32, 1, 1], shared: 0 }
}

impl Canon32 {
	/// The profile on a device.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>) -> Result<Self, DeviceError> {
		Ok(Self { device: device.clone(), found: Buffer::zeros(device, Operation::NAMES.len())? })
	}

	/// The first kind of operation, if any, that has put out an infinity or a NaN since this was made. Waits for all
	/// queued work. A job that asks before it gives its result and finds one has failed.
	///
	/// # Errors
	/// What the device reports.
	pub fn not_finite(&self) -> Result<Option<&'static str>, DeviceError> {
		let found = self.found.download()?;
		Ok(Operation::NAMES
			.into_iter()
			.find(|(operation, _)| found[*operation as usize] > 0)
			.map(|(_, name)| name))
	}

	/// `y = x · Wᵀ`: [`noesis_canon32::linear::forward`].
	///
	/// # Errors
	/// [`DeviceError::Shape`] if an array has another length, or what the device reports; so for every operation.
	pub fn linear(
		&self,
		shape: LinearShape,
		x: &Buffer<f32>,
		weights: &Buffer<f32>,
		y: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		let x = Side::new("a linear layer's input", x, shape.rows, shape.inputs)?;
		let weights = Side::new("a linear layer's weights", weights, shape.outputs, shape.inputs)?;
		self.products(x, weights, y)
	}

	/// [`noesis_canon32::linear::backward_input`].
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn linear_backward_input(
		&self,
		shape: LinearShape,
		dy: &Buffer<f32>,
		weights: &Buffer<f32>,
		dx: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		let dy = Side::new("a linear layer's slopes", dy, shape.rows, shape.outputs)?;
		let weights = Side::new("a linear layer's weights", weights, shape.outputs, shape.inputs)?;
		self.products(dy, weights.transposed(), dx)
	}

	/// [`noesis_canon32::linear::backward_weights`].
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn linear_backward_weights(
		&self,
		shape: LinearShape,
		dy: &Buffer<f32>,
		x: &Buffer<f32>,
		dw: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		let dy = Side::new("a linear layer's slopes", dy, shape.rows, shape.outputs)?;
		let x = Side::new("a linear layer's input", x, shape.rows, shape.inputs)?;
		self.products(dy.transposed(), x.transposed(), dw)
	}

	/// [`noesis_canon32::matrix::products`].
	fn products(&self, left: Side<'_>, right: Side<'_>, out: &Buffer<f32>) -> Result<(), DeviceError> {
		let ([rows, depth], [columns, _]) = (left.size(), right.size());
		is("a product", out, rows * columns)?;
		let grid = [columns.div_ceil(PRODUCT_TILE[1]) as u32, rows.div_ceil(PRODUCT_TILE[0]) as u32, 1];
		let launch = Launch { grid, block: [PRODUCT_BLOCK, 1, 1], shared: PRODUCT_SHARED };
		let ([a, b], [c, d]) = (left.steps(), right.steps());
		let sides = [out.arg(), left.values.arg(), right.values.arg()];
		let args = [&sides[..], &[int(rows), int(columns), int(depth), a, b, c, d]].concat();
		self.queue("canon32_products", launch, &args)?;
		self.watch(Operation::Linear, &[out])
	}

	/// [`noesis_canon32::embedding::forward`]; `table` is `[vocabulary, width]`.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn embedding(
		&self,
		width: usize,
		tokens: &Tokens,
		table: &Buffer<f32>,
		x: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		is("an embedding's table", table, tokens.vocabulary * width)?;
		is("an embedding's output", x, tokens.ids.len() * width)?;
		let args = [x.arg(), table.arg(), tokens.ids.arg(), long(x.len()), int(width)];
		self.queue("canon32_embedding", by_element(x.len()), &args)
	}

	/// [`noesis_canon32::embedding::backward`]: adds to `table_gradient`.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn embedding_backward(
		&self,
		width: usize,
		tokens: &Tokens,
		dx: &Buffer<f32>,
		table_gradient: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		is("an embedding's gradient", table_gradient, tokens.vocabulary * width)?;
		is("an embedding's slopes", dx, tokens.ids.len() * width)?;
		let length = (tokens.starts.len() - 1) * width;
		let sorted = [tokens.ids.arg(), tokens.order.arg(), tokens.starts.arg()];
		let args = [&[table_gradient.arg(), dx.arg()][..], &sorted, &[long(length), int(width)]].concat();
		self.queue("canon32_embedding_backward", by_element(length), &args)?;
		self.watch(Operation::Embedding, &[table_gradient])
	}

	/// [`noesis_canon32::norm::forward`].
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn norm(
		&self,
		x: &Buffer<f32>,
		gain: &Buffer<f32>,
		epsilon: f32,
		y: &Buffer<f32>,
		inverse: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		let (rows, width) = (inverse.len(), gain.len());
		all_are("a norm", &[x, y], rows * width)?;
		let args = [y.arg(), inverse.arg(), x.arg(), gain.arg(), Arg::F32(epsilon), int(rows), int(width)];
		self.queue("canon32_norm", by_row(rows), &args)?;
		self.watch(Operation::Norm, &[y])
	}

	/// [`noesis_canon32::norm::backward`].
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn norm_backward(
		&self,
		x: &Buffer<f32>,
		gain: &Buffer<f32>,
		inverse: &Buffer<f32>,
		dy: &Buffer<f32>,
		dx: &Buffer<f32>,
		dgain: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		let (rows, width) = (inverse.len(), gain.len());
		all_are("a norm", &[x, dy, dx], rows * width)?;
		is("a gain's gradient", dgain, width)?;
		let size = [int(rows), int(width)];
		let args = [&[dx.arg(), x.arg(), gain.arg(), inverse.arg(), dy.arg()][..], &size].concat();
		self.queue("canon32_norm_backward", by_row(rows), &args)?;
		let launch = Launch {
			grid: [width.div_ceil(ROW_BLOCK) as u32, 1, 1],
			block: [ROW_BLOCK as u32, 1, 1],
			shared: 0,
		};
		let args = [&[dgain.arg(), x.arg(), inverse.arg(), dy.arg()][..], &size].concat();
		self.queue("canon32_gain_backward", launch, &args)?;
		self.watch(Operation::NormGradient, &[dx, dgain])
	}

	/// [`noesis_canon32::rope::forward`] or [`noesis_canon32::rope::backward`], in place, for sequences as long as the
	/// table.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn rope(&self, turns: &Turns, direction: Direction, x: &Buffer<f32>) -> Result<(), DeviceError> {
		if !x.len().is_multiple_of((turns.tokens * turns.pairs * 2).max(1)) {
			return Err(DeviceError::Shape(format!("{} values are no whole sequences to turn", x.len())));
		}
		let pairs = x.len() / 2;
		let backward = Arg::I32((direction == Direction::Backward).into());
		let args = [x.arg(), turns.values.arg(), long(pairs), int(turns.tokens), int(turns.pairs), backward];
		self.queue("canon32_rope", by_element(pairs), &args)?;
		self.watch(Operation::Rope, &[x])
	}

	/// `[…, a, b, width]` to `[…, b, a, width]`: [`noesis_canon32::heads::split`] with `a` tokens and `b` heads,
	/// [`noesis_canon32::heads::merge`] with `a` heads and `b` tokens.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn exchange(
		&self,
		a: usize,
		b: usize,
		width: usize,
		x: &Buffer<f32>,
		out: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		is("an exchange", out, x.len())?;
		if !x.len().is_multiple_of((a * b * width).max(1)) {
			return Err(DeviceError::Shape(format!("{} values are no whole sequences to exchange", x.len())));
		}
		let args = [out.arg(), x.arg(), long(x.len()), int(a), int(b), int(width)];
		self.queue("canon32_exchange", by_element(x.len()), &args)
	}

	/// [`noesis_canon32::gate::forward`].
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn gate(&self, gate: &Buffer<f32>, up: &Buffer<f32>, out: &Buffer<f32>) -> Result<(), DeviceError> {
		all_are("a gate", &[up, out], gate.len())?;
		let args = [out.arg(), gate.arg(), up.arg(), long(gate.len())];
		self.queue("canon32_gate", by_element(gate.len()), &args)?;
		self.watch(Operation::Gate, &[out])
	}

	/// [`noesis_canon32::gate::backward`].
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn gate_backward(
		&self,
		gate: &Buffer<f32>,
		up: &Buffer<f32>,
		d: &Buffer<f32>,
		dgate: &Buffer<f32>,
		dup: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		all_are("a gate", &[up, d, dgate, dup], gate.len())?;
		let args = [dgate.arg(), dup.arg(), gate.arg(), up.arg(), d.arg(), long(gate.len())];
		self.queue("canon32_gate_backward", by_element(gate.len()), &args)?;
		self.watch(Operation::Gate, &[dgate, dup])
	}

	/// `x += change`: [`noesis_canon32::gate::add`].
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn add(&self, x: &Buffer<f32>, change: &Buffer<f32>) -> Result<(), DeviceError> {
		is("a sum", change, x.len())?;
		self.queue("canon32_add", by_element(x.len()), &[x.arg(), change.arg(), long(x.len())])?;
		self.watch(Operation::Gate, &[x])
	}

	/// [`noesis_canon32::loss::cross_entropy`]; waits for the loss.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn cross_entropy(
		&self,
		logits: &Buffer<f32>,
		targets: &Targets,
		gradient: &Buffer<f32>,
	) -> Result<f32, DeviceError> {
		let (rows, width) = (targets.ids.len(), targets.vocabulary);
		all_are("a loss", &[logits, gradient], rows * width)?;
		let losses = Buffer::uninitialised(&self.device, rows)?;
		let weight = Arg::F32(1.0 / targets.counted as f32);
		let args =
			[losses.arg(), gradient.arg(), logits.arg(), targets.ids.arg(), weight, int(rows), int(width)];
		self.queue("canon32_cross_entropy", by_row(rows), &args)?;
		self.mean(&losses, targets.counted, gradient)
	}

	/// [`noesis_canon32::loss::distillation`]; waits for the loss.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn distillation(
		&self,
		vocabulary: usize,
		student: &Buffer<f32>,
		teacher: &Buffer<f32>,
		temperature: f32,
		gradient: &Buffer<f32>,
	) -> Result<f32, DeviceError> {
		let rows = student.len() / vocabulary.max(1);
		all_are("a loss", &[student, teacher, gradient], rows * vocabulary)?;
		let losses = Buffer::uninitialised(&self.device, rows)?;
		let scratch = Buffer::<f32>::uninitialised(&self.device, student.len())?;
		let outputs = [losses.arg(), gradient.arg(), scratch.arg()];
		let numbers = [Arg::F32(temperature), Arg::F32(1.0 / rows as f32), int(rows), int(vocabulary)];
		let args = [&outputs[..], &[student.arg(), teacher.arg()], &numbers].concat();
		self.queue("canon32_distillation", by_row(rows), &args)?;
		self.mean(&losses, rows, gradient)
	}

	/// The rows' losses over their number; few enough for the host.
	fn mean(&self, losses: &Buffer<f32>, counted: usize, gradient: &Buffer<f32>) -> Result<f32, DeviceError> {
		self.watch(Operation::Loss, &[losses, gradient])?;
		let losses = losses.download()?;
		Ok(row_sum(losses.len(), |row| losses[row]) / counted as f32)
	}

	/// [`noesis_canon32::optimiser::square_sum`]; waits for it. It may be infinite: the caller looks.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn square_sum<'a>(
		&self,
		gradients: impl IntoIterator<Item = &'a Buffer<f32>>,
	) -> Result<f32, DeviceError> {
		let mut pieces = Vec::new();
		for gradient in gradients {
			let chunks = gradient.len().div_ceil(NORM_CHUNK);
			let sums = Buffer::<f32>::uninitialised(&self.device, chunks)?;
			let args = [sums.arg(), gradient.arg(), long(gradient.len()), int(chunks)];
			self.queue("canon32_squares", by_element(chunks * 32), &args)?;
			pieces.push(sums);
		}
		let pieces = pieces.iter().map(Buffer::download).collect::<Result<Vec<_>, _>>()?.concat();
		Ok(row_sum(pieces.len(), |i| pieces[i]))
	}

	/// [`noesis_canon32::optimiser::step`].
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn step(
		&self,
		step: &AdamW<f32>,
		weights: &Buffer<f32>,
		gradient: &Buffer<f32>,
		first: &Buffer<f32>,
		second: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		all_are("an optimiser", &[gradient, first, second], weights.len())?;
		let AdamW { rate, beta1, beta2, epsilon, decay, correction1, correction2, clip } = *step;
		let numbers = [rate, beta1, beta2, epsilon, decay, correction1, correction2, clip].map(Arg::F32);
		let arrays = [weights.arg(), first.arg(), second.arg(), gradient.arg(), long(weights.len())];
		self.queue("canon32_adamw", by_element(weights.len()), &[&arrays[..], &numbers].concat())?;
		self.watch(Operation::Optimiser, &[weights, first, second])
	}

	/// Has the device count what is not finite.
	fn watch(&self, operation: Operation, outputs: &[&Buffer<f32>]) -> Result<(), DeviceError> {
		outputs.iter().try_for_each(|output| {
			let args = [self.found.arg_at(operation as usize), output.arg(), long(output.len())];
			self.queue("canon32_count_not_finite", by_element(output.len()), &args)
		})
	}

	/// Launches a kernel, unless there is nothing to do.
	fn queue(&self, kernel: &str, launch: Launch, args: &[Arg]) -> Result<(), DeviceError> {
		if launch.grid.contains(&0) {
			return Ok(());
		}
		// SAFETY: every caller lists the kernel's own parameters and has checked its arrays against the sizes among them.
		unsafe { self.device.launch(kernel, launch, args) }
	}
}
