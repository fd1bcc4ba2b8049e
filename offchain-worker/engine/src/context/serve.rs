//! The shard's end of the conversation.

use super::{
	commitment,
	shard::{Asked, Refusal, Shard},
	wire::{receive, send, Channel, Request, Response, WireError},
	Positions, Shape,
};
use crate::kernels::Backend;
use noesis_primitives::Root;

/// How a shard serves.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
	/// Vector unit; must be available.
	pub backend: Backend,
	/// Most bytes of keys and values that it takes on.
	pub memory: u64,
}

/// Answers one coordinator until it goes away. `shard` is what is kept already, if anything, and afterwards what is
/// kept then: a coordinator that comes back finds it. Uses the current rayon threads.
///
/// A question that can't be answered gets a refusal and the conversation goes on. Ends with an error when the
/// connection breaks, when the coordinator is silent for longer than the channel allows, and when a message can't be
/// read (the coordinator is told).
pub fn serve<C: Channel>(
	channel: &mut C,
	shard: &mut Option<Shard>,
	options: &ServeOptions,
) -> Result<(), WireError> {
	let mut session = Session { shard, options, is_greeted: false, asked: None };
	loop {
		channel.restart_clock();
		let request = match receive(channel) {
			Ok(Some((request, _))) => request,
			Ok(None) => return Ok(()),
			Err(error) => {
				let refusal = match error {
					WireError::Version { .. } => Refusal::Version,
					_ => Refusal::Malformed,
				};
				// The first error counts, whether this arrives or not.
				channel.restart_clock();
				let _ = send(channel, &Response::Refused(refusal));
				return Err(error);
			},
		};
		let response = session.answer(request).unwrap_or_else(Response::Refused);
		channel.restart_clock();
		send(channel, &response)?;
	}
}

struct Session<'a> {
	shard: &'a mut Option<Shard>,
	options: &'a ServeOptions,
	is_greeted: bool,
	/// The question whose second half may follow.
	asked: Option<Asked>,
}

impl Session<'_> {
	/// A shard that has nothing yet, if there is memory for all that it is to keep.
	fn start(&self, context: Root, shape: Shape, positions: Positions) -> Result<Shard, Refusal> {
		let given = self.options.memory;
		// Before anything is allocated.
		if shape.is_valid() && positions.is_valid() && shape.bytes(positions.count) > given {
			return Err(Refusal::Memory { needed: shape.bytes(positions.count), given });
		}
		Shard::new(context, shape, positions)
	}

	fn answer(&mut self, request: Request) -> Result<Response, Refusal> {
		if let Request::Hello { context, shape, positions } = request {
			let shard = match self.shard.take() {
				Some(shard) => self.shard.insert(shard),
				None => self.shard.insert(self.start(context, shape, positions)?),
			};
			if shard.shape() != shape {
				return Err(Refusal::Shape);
			}
			if shard.positions() != positions {
				return Err(Refusal::Positions);
			}
			if shard.context() != context {
				return Err(Refusal::Context);
			}
			self.is_greeted = true;
			return Ok(Response::Welcome { held: shard.held().to_vec() });
		}
		let Some(shard) = self.shard.as_mut().filter(|_| self.is_greeted) else {
			return Err(Refusal::Order);
		};
		match request {
			Request::Hello { .. } => Err(Refusal::Order),
			Request::Append { layer, keys, values } => {
				// Keys that come between the rounds would belong to neither.
				self.asked = None;
				Ok(Response::Appended { held: shard.append(layer as usize, &keys, &values)? })
			},
			Request::Maxima { layer, first, queries } => {
				self.asked = None;
				let asked = shard.maxima(self.options.backend, layer as usize, first as usize, queries)?;
				let maxima = asked.maxima.iter().map(|m| m.0).collect();
				self.asked = Some(asked);
				Ok(Response::Maxima { maxima })
			},
			Request::Partials { maxima } => {
				let asked = self.asked.take().ok_or(Refusal::Order)?;
				let sums = shard.partials(self.options.backend, &asked, &maxima)?;
				let question = commitment::question(
					shard.context(),
					shard.shape(),
					asked.layer,
					asked.first,
					&asked.queries,
				);
				let commitment = commitment::commit(question, shard.positions(), &maxima, &sums);
				Ok(Response::Partials { sums, commitment })
			},
		}
	}
}
