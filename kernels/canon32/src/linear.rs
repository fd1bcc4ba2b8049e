//! Linear layers without a bias: `y = x · Wᵀ`.

use crate::{
	finite::check,
	matrix::{products, Matrix},
	Backend, NotFinite, Real,
};

/// Sizes of a linear layer on a batch.
#[derive(Clone, Copy, Debug)]
pub struct LinearShape {
	/// Rows of `x` and `y`: tokens of all sequences.
	pub rows: usize,
	/// Columns of `x` and of the weights.
	pub inputs: usize,
	/// Columns of `y`, rows of the weights.
	pub outputs: usize,
}

impl LinearShape {
	fn x<'a, T: Real>(&self, values: &'a [T]) -> Matrix<'a, T> {
		Matrix::new(values, self.rows, self.inputs)
	}

	fn y<'a, T: Real>(&self, values: &'a [T]) -> Matrix<'a, T> {
		Matrix::new(values, self.rows, self.outputs)
	}

	fn weights<'a, T: Real>(&self, values: &'a [T]) -> Matrix<'a, T> {
		Matrix::new(values, self.outputs, self.inputs)
	}
}

/// `y[t][o] = Σ x[t][i] · w[o][i]`, a dot over the inputs.
pub fn forward<T: Real>(
	backend: Backend,
	shape: LinearShape,
	x: &[T],
	weights: &[T],
	y: &mut [T],
) -> Result<(), NotFinite> {
	products(backend, shape.x(x), shape.weights(weights), y);
	check("linear", y)
}

/// `dx[t][i] = Σ dy[t][o] · w[o][i]`, a dot over the outputs.
pub fn backward_input<T: Real>(
	backend: Backend,
	shape: LinearShape,
	dy: &[T],
	weights: &[T],
	dx: &mut [T],
) -> Result<(), NotFinite> {
	products(backend, shape.y(dy), shape.weights(weights).transposed(), dx);
	check("linear, gradient of the input", dx)
}

/// `dw[o][i] = Σ dy[t][o] · x[t][i]`, a dot over the rows.
pub fn backward_weights<T: Real>(
	backend: Backend,
	shape: LinearShape,
	dy: &[T],
	x: &[T],
	dw: &mut [T],
) -> Result<(), NotFinite> {
	products(backend, shape.y(dy).transposed(), shape.x(x).transposed(), dw);
	check("linear, gradient of the weights", dw)
}
