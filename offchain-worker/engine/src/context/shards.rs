//! The coordinator's end of the conversation: attention over a context that several shards keep.
//!
//! Two rounds per question (see [`noesis_canon::shard`]): greatest scores, then exact sums under them. The result is
//! that of the undivided context bit for bit. Everything that can be checked without the keys is: sizes, the number of
//! keys that each row counted, the ranges of sums, that who has the greatest score has counted it, and that a shard's
//! commitment covers what it sent. A shard that lies within those bounds is found by whoever checks its statements
//! ([`Evidence`]) against its keys.

use super::{
	commitment::{self, Statement},
	shard::{Refusal, LARGEST_SCORE, MAX_TOKENS},
	stream::Sums,
	wire::{receive, send, Channel, Request, Response, WireError},
	Positions, Shape, Split,
};
use noesis_canon::shard::{Partial, PartialError, RowMaximum};
use noesis_primitives::Root;

/// Bytes of keys and values of one message.
const APPEND_BYTES: usize = 4 << 20;
/// Weight of a key with the greatest score.
const WHOLE: u32 = 65_535;

/// Why attention over shards fails. `shard` is its number in the split.
#[derive(Debug, thiserror::Error)]
pub enum ShardsError {
	/// There are not as many connections as parts of the split.
	#[error("{connections} connections for a split of {parts} parts")]
	Connections {
		/// Parts of the split.
		parts: usize,
		/// Connections.
		connections: usize,
	},
	/// The question or the keys are refused before they are sent.
	#[error("refused before it was sent: {0}")]
	Request(Refusal),
	/// An earlier error left the conversation in the middle: connect again.
	#[error("an earlier error broke the conversation off; connect to the shards again")]
	Broken,
	/// A message did not come or go.
	#[error("shard {shard}: {source}")]
	Wire {
		/// The shard.
		shard: usize,
		/// What happened.
		source: WireError,
	},
	/// A shard refuses.
	#[error("shard {shard} refuses: {refusal}")]
	Refused {
		/// The shard.
		shard: usize,
		/// Why.
		refusal: Refusal,
	},
	/// A shard answers another question.
	#[error("shard {shard} answers something that was not asked")]
	Unexpected {
		/// The shard.
		shard: usize,
	},
	/// A shard has other positions than the split and the other shards make it have.
	#[error("shard {shard} has {held} positions of layer {layer} where it should have {expected}")]
	Held {
		/// The shard.
		shard: usize,
		/// The layer.
		layer: usize,
		/// What it has.
		held: u32,
		/// What it should have.
		expected: u32,
	},
	/// An answer is not of the size that was asked for.
	#[error("shard {shard} answers with {found} numbers where {expected} were asked for")]
	Size {
		/// The shard.
		shard: usize,
		/// Its numbers.
		found: usize,
		/// Those of an honest answer.
		expected: usize,
	},
	/// A greatest score is missing, or is there without keys, or is impossibly large.
	#[error("shard {shard} has an impossible greatest score in row {row}")]
	Maximum {
		/// The shard.
		shard: usize,
		/// The row.
		row: usize,
	},
	/// A row counted another number of keys than the shard has for it.
	#[error("shard {shard} counted {found} keys in row {row} where it has {expected}")]
	Keys {
		/// The shard.
		shard: usize,
		/// The row.
		row: usize,
		/// Counted.
		found: u32,
		/// There.
		expected: u32,
	},
	/// Sums that can't be.
	#[error("shard {shard}, row {row}: {source}")]
	Sums {
		/// The shard.
		shard: usize,
		/// The row.
		row: usize,
		/// Why they can't.
		source: PartialError,
	},
	/// A commitment is not to what was sent.
	#[error("shard {shard} commits to something else than it sent")]
	Commitment {
		/// The shard.
		shard: usize,
	},
}

/// What a shard said in answer to a question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
	/// The shard's positions.
	pub positions: Positions,
	/// Its sums.
	pub sums: Sums,
	/// What it is held to.
	pub commitment: Root,
}

/// Everything that makes an answer checkable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
	/// Hash of the question.
	pub question: Root,
	/// By row: greatest scores over all shards.
	pub maxima: Vec<i64>,
	/// By shard.
	pub parts: Vec<Part>,
}

impl Evidence {
	/// What all shards said about row `row`, in the order of the split: the leaves of its sum tree. Empty when there is
	/// no such row.
	pub fn statements(&self, row: usize) -> Vec<Statement<&[i64]>> {
		let Some(&maximum) = self.maxima.get(row) else { return Vec::new() };
		let (question, row) = (self.question, row as u32);
		let parts = self.parts.iter().map(|part| (part.positions, part.sums.row(row as usize)));
		parts.map(|(positions, partial)| Statement { question, row, positions, maximum, partial }).collect()
	}
}

/// Attention's output and what shows that it is right.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attended {
	/// Q16, by token and head.
	pub values: Vec<i32>,
	/// For whoever wants to check.
	pub evidence: Evidence,
}

/// Bytes that went over connections, headers included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
	/// To shards.
	pub sent: u64,
	/// From shards.
	pub received: u64,
}

#[derive(Debug)]
struct Link<C> {
	channel: C,
	/// Positions that are there, by layer.
	held: Vec<u32>,
}

/// Asks shards. After an error other than [`ShardsError::Request`] every call fails with [`ShardsError::Broken`].
#[derive(Debug)]
pub struct Coordinator<C> {
	context: Root,
	shape: Shape,
	split: Split,
	links: Vec<Link<C>>,
	traffic: Traffic,
	is_broken: bool,
}

impl<C: Channel> Coordinator<C> {
	/// Greets the shards of a context: `channels` in the order of `split`. Shards that keep some of the context already
	/// (see [`super::serve`]) go on with it.
	pub fn connect(context: Root, shape: Shape, split: Split, channels: Vec<C>) -> Result<Self, ShardsError> {
		let (parts, connections) = (split.parts().len(), channels.len());
		if parts != connections {
			return Err(ShardsError::Connections { parts, connections });
		}
		if !shape.is_valid() {
			return Err(ShardsError::Request(Refusal::Shape));
		}
		let links = channels.into_iter().map(|channel| Link { channel, held: Vec::new() }).collect();
		let mut coordinator =
			Self { context, shape, split, links, traffic: Traffic::default(), is_broken: false };
		let positions = coordinator.split.parts().to_vec();
		let greet = |shard: usize| Some(Request::Hello { context, shape, positions: positions[shard] });
		let answers = coordinator.exchange(greet, |shard, response| match response {
			Response::Welcome { held } => Ok(held),
			_ => Err(ShardsError::Unexpected { shard }),
		})?;
		for (shard, held) in answers {
			let (found, expected) = (held.len(), shape.layers as usize);
			if found != expected {
				return Err(ShardsError::Size { shard, found, expected });
			}
			coordinator.links[shard].held = held;
		}
		for layer in 0..shape.layers as usize {
			let count: u64 = coordinator.links.iter().map(|link| u64::from(link.held[layer])).sum();
			for (shard, link) in coordinator.links.iter().enumerate() {
				let part = coordinator.split.parts()[shard];
				let expected = count.checked_sub(1).map_or(0, |last| part.up_to(last as usize)) as u32;
				let held = link.held[layer];
				if held != expected {
					return Err(ShardsError::Held { shard, layer, held, expected });
				}
			}
		}
		Ok(coordinator)
	}

	/// Positions that are there in `layer`, over all shards; 0 when there is no such layer.
	pub fn held(&self, layer: usize) -> usize {
		self.links.iter().filter_map(|link| link.held.get(layer)).map(|&held| held as usize).sum()
	}

	/// Bytes so far.
	pub fn traffic(&self) -> Traffic {
		self.traffic
	}

	/// Sends every shard its request, if any (`request` is asked shard by shard), then takes the answers through `read`.
	/// All shards work at the same time.
	fn exchange<T>(
		&mut self,
		mut request: impl FnMut(usize) -> Option<Request>,
		read: impl Fn(usize, Response) -> Result<T, ShardsError>,
	) -> Result<Vec<(usize, T)>, ShardsError> {
		if std::mem::replace(&mut self.is_broken, true) {
			return Err(ShardsError::Broken);
		}
		let mut asked = Vec::with_capacity(self.links.len());
		for (shard, link) in self.links.iter_mut().enumerate() {
			let Some(request) = request(shard) else { continue };
			link.channel.restart_clock();
			let sent = send(&mut link.channel, &request);
			self.traffic.sent += sent.map_err(|source| ShardsError::Wire { shard, source })? as u64;
			asked.push(shard);
		}
		for &shard in &asked {
			self.links[shard].channel.restart_clock();
		}
		let mut answers = Vec::with_capacity(asked.len());
		for shard in asked {
			let received = receive(&mut self.links[shard].channel);
			let received = received.and_then(|message| message.ok_or(WireError::Closed));
			let (response, bytes) = received.map_err(|source| ShardsError::Wire { shard, source })?;
			self.traffic.received += bytes as u64;
			if let Response::Refused(refusal) = response {
				return Err(ShardsError::Refused { shard, refusal });
			}
			answers.push((shard, read(shard, response)?));
		}
		self.is_broken = false;
		Ok(answers)
	}

	/// Gives the shards keys and values of the next positions of `layer`: by position, then key-value head, `head_dim`
	/// numbers each, Q9.
	pub fn append(&mut self, layer: usize, keys: &[i16], values: &[i16]) -> Result<(), ShardsError> {
		let width = self.shape.kv_width();
		let first = self.held(layer);
		if layer >= self.shape.layers as usize {
			return Err(ShardsError::Request(Refusal::Layer));
		}
		let room = (self.split.count() - first) * width;
		if keys.len() != values.len() || !keys.len().is_multiple_of(width) || keys.len() > room {
			return Err(ShardsError::Request(Refusal::Size));
		}
		if keys.iter().chain(values).any(|&n| n == i16::MIN) {
			return Err(ShardsError::Request(Refusal::Number));
		}
		let step = (APPEND_BYTES / (4 * width)).max(1);
		let pieces = keys.chunks(step * width).zip(values.chunks(step * width));
		for (i, (keys, values)) in pieces.enumerate() {
			let mut own = vec![(Vec::new(), Vec::new()); self.links.len()];
			let positions = keys.chunks_exact(width).zip(values.chunks_exact(width));
			for (position, (key, value)) in (first + i * step..).zip(positions) {
				if let Some(owner) = self.split.owner(position) {
					own[owner].0.extend_from_slice(key);
					own[owner].1.extend_from_slice(value);
				}
			}
			self.append_piece(layer, own)?;
		}
		Ok(())
	}

	/// `own`: every shard's part of a piece.
	fn append_piece(&mut self, layer: usize, own: Vec<(Vec<i16>, Vec<i16>)>) -> Result<(), ShardsError> {
		let width = self.shape.kv_width();
		let added: Vec<u32> = own.iter().map(|(keys, _)| (keys.len() / width) as u32).collect();
		let mut own = own.into_iter();
		let request = |_| {
			let (keys, values) = own.next().filter(|(keys, _)| !keys.is_empty())?;
			Some(Request::Append { layer: layer as u32, keys, values })
		};
		let answers = self.exchange(request, |shard, response| match response {
			Response::Appended { held } => Ok(held),
			_ => Err(ShardsError::Unexpected { shard }),
		})?;
		for (shard, held) in answers {
			let expected = self.links[shard].held[layer] + added[shard];
			if held != expected {
				self.is_broken = true;
				return Err(ShardsError::Held { shard, layer, held, expected });
			}
			self.links[shard].held[layer] = held;
		}
		Ok(())
	}

	/// Attention of consecutive tokens (at most [`MAX_TOKENS`]) from position `first` on over all positions that they
	/// see; those must be there. `queries`: by token and head, Q9.
	pub fn attend(&mut self, layer: usize, first: usize, queries: &[i16]) -> Result<Attended, ShardsError> {
		if layer >= self.shape.layers as usize {
			return Err(ShardsError::Request(Refusal::Layer));
		}
		self.shape.check_queries(first, queries, MAX_TOKENS).map_err(ShardsError::Request)?;
		let held = self.held(layer);
		if first + queries.len() / self.shape.query_width() > held {
			return Err(ShardsError::Request(Refusal::Missing { held: held as u32 }));
		}
		let answered = self.rounds(layer, first, queries);
		// What a shard said can't be unsaid, so nothing follows a wrong answer.
		self.is_broken |= answered.is_err();
		answered
	}

	fn rounds(&mut self, layer: usize, first: usize, queries: &[i16]) -> Result<Attended, ShardsError> {
		let own = self.first_round(layer, first, queries)?;
		let rows = own.first().map_or(0, Vec::len);
		let maximum = |row: usize| own.iter().fold(RowMaximum::NONE, |m, own| m.merge(own[row]));
		// Every row sees its own position at least.
		let maxima: Vec<i64> = (0..rows).map(|row| maximum(row).0.unwrap_or(0)).collect();
		let question = commitment::question(self.context, self.shape, layer, first, queries);
		let parts = self.second_round(question, first, &own, &maxima)?;

		let dim = self.shape.head_dim as usize;
		let mut values = vec![0; queries.len()];
		for (row, out) in values.chunks_exact_mut(dim).enumerate() {
			let mut sum = Partial { keys: 0, denominator: 0, numerators: vec![0; dim] };
			for (shard, part) in parts.iter().enumerate() {
				let merged = sum.merge(&part.sums.row(row));
				merged.map_err(|source| ShardsError::Sums { shard, row, source })?;
			}
			// Can't fail: some shard has the maximum and was seen to count it.
			sum.finish(out).map_err(|source| ShardsError::Sums { shard: 0, row, source })?;
		}
		Ok(Attended { values, evidence: Evidence { question, maxima, parts } })
	}

	/// Number of keys that row `row` of a question from position `first` on sees on `shard`.
	fn seen(&self, shard: usize, first: usize, row: usize) -> u32 {
		self.split.parts()[shard].up_to(first + row / self.shape.heads as usize) as u32
	}

	/// Greatest scores by shard and row.
	fn first_round(
		&mut self,
		layer: usize,
		first: usize,
		queries: &[i16],
	) -> Result<Vec<Vec<RowMaximum>>, ShardsError> {
		let ask =
			|_| Some(Request::Maxima { layer: layer as u32, first: first as u32, queries: queries.to_vec() });
		let answers = self.exchange(ask, |shard, response| match response {
			Response::Maxima { maxima } => Ok(maxima),
			_ => Err(ShardsError::Unexpected { shard }),
		})?;
		let mut own = Vec::with_capacity(answers.len());
		for (shard, maxima) in answers {
			let (found, expected) = (maxima.len(), queries.len() / self.shape.head_dim as usize);
			if found != expected {
				return Err(ShardsError::Size { shard, found, expected });
			}
			for (row, &maximum) in maxima.iter().enumerate() {
				let is_possible = maximum.is_none_or(|m| m.unsigned_abs() <= LARGEST_SCORE as u64);
				if !is_possible || maximum.is_some() != (self.seen(shard, first, row) > 0) {
					return Err(ShardsError::Maximum { shard, row });
				}
			}
			own.push(maxima.into_iter().map(RowMaximum).collect());
		}
		Ok(own)
	}

	/// Sums by shard, as far checked as can be without the keys.
	fn second_round(
		&mut self,
		question: Root,
		first: usize,
		own: &[Vec<RowMaximum>],
		maxima: &[i64],
	) -> Result<Vec<Part>, ShardsError> {
		let answers = self.exchange(
			|_| Some(Request::Partials { maxima: maxima.to_vec() }),
			|shard, response| match response {
				Response::Partials { sums, commitment } => Ok((sums, commitment)),
				_ => Err(ShardsError::Unexpected { shard }),
			},
		)?;
		let mut parts = Vec::with_capacity(answers.len());
		for (shard, (sums, commitment)) in answers {
			let width = self.shape.head_dim as usize;
			let sizes = [sums.keys.len(), sums.denominators.len(), sums.numerators.len()];
			let expected = [maxima.len(), maxima.len(), maxima.len() * width];
			if let Some((&found, &expected)) = sizes.iter().zip(&expected).find(|(found, e)| found != e) {
				return Err(ShardsError::Size { shard, found, expected });
			}
			for (row, partial) in sums.rows().enumerate() {
				let (found, expected) = (partial.keys, self.seen(shard, first, row));
				if found != expected {
					return Err(ShardsError::Keys { shard, row, found, expected });
				}
				let has_maximum = own[shard][row].0 == Some(maxima[row]);
				let check = match partial.check() {
					Ok(()) if has_maximum && partial.denominator < WHOLE => Err(PartialError::NoMaximum),
					other => other,
				};
				check.map_err(|source| ShardsError::Sums { shard, row, source })?;
			}
			let positions = self.split.parts()[shard];
			if commitment::commit(question, positions, maxima, &sums) != commitment {
				return Err(ShardsError::Commitment { shard });
			}
			parts.push(Part { positions, sums, commitment });
		}
		Ok(parts)
	}
}
