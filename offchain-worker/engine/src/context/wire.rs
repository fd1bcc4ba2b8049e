//! What coordinator and shards say to each other, and how it looks on a stream.
//!
//! A message is four bytes `n s h` and [`VERSION`], its length as `u32` (little endian, at most [`MAX_MESSAGE`]), and
//! that many bytes of SCALE. The coordinator asks, the shard answers each question once, in order. Streams are neither
//! encrypted nor authenticated: run shards where nobody else can reach them, or through a tunnel.

use super::{shard::Refusal, stream::Sums, Positions, Shape};
use codec::{Decode, DecodeWithMemLimit, DecodeWithMemTracking, Encode};
use noesis_primitives::Root;
use std::{
	io::{self, Read, Write},
	net::{TcpStream, ToSocketAddrs},
	time::{Duration, Instant},
};

/// Version of the protocol.
pub const VERSION: u8 = 1;
/// Most bytes of a message, its header aside.
pub const MAX_MESSAGE: usize = 32 << 20;
/// Most bytes that a message takes once it is read: some encodings are shorter than what they say.
pub const MAX_MEMORY: usize = 2 * MAX_MESSAGE;
/// What every message begins with, the version aside.
const MAGIC: [u8; 3] = *b"nsh";
/// Bytes before a message's body.
pub const HEADER: usize = 8;

/// What a coordinator asks.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, PartialEq)]
pub enum Request {
	/// The first message: what is to be kept. A shard that keeps a context already says whether it is the same.
	Hello {
		/// Name of the context.
		context: Root,
		/// Sizes.
		shape: Shape,
		/// The shard's positions.
		positions: Positions,
	},
	/// Keys and values of the shard's next positions in a layer; see [`super::Shard::append`].
	Append {
		/// The layer.
		layer: u32,
		/// By position and head.
		keys: Vec<i16>,
		/// By position and head.
		values: Vec<i16>,
	},
	/// First round; see [`super::Shard::maxima`].
	Maxima {
		/// The layer.
		layer: u32,
		/// Position of the first token.
		first: u32,
		/// By token and head.
		queries: Vec<i16>,
	},
	/// Second round of the question that was asked last; see [`super::Shard::partials`].
	Partials {
		/// By token and head: greatest scores among all shards.
		maxima: Vec<i64>,
	},
}

/// What a shard answers.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, PartialEq)]
pub enum Response {
	/// To a hello: positions that are there already, by layer.
	Welcome {
		/// By layer.
		held: Vec<u32>,
	},
	/// Positions that are there now in the layer.
	Appended {
		/// How many.
		held: u32,
	},
	/// Greatest scores among the shard's keys, by token and head; nothing where a row sees none of them.
	Maxima {
		/// By token and head.
		maxima: Vec<Option<i64>>,
	},
	/// Exact sums over the shard's keys.
	Partials {
		/// By token and head.
		sums: Sums,
		/// What the shard is held to: see [`super::commitment`].
		commitment: Root,
	},
	/// No.
	Refused(Refusal),
}

/// Why a message did not come or go.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
	/// The other side took too long.
	#[error("no whole message in time")]
	Timeout,
	/// The other side went away.
	#[error("the connection was closed")]
	Closed,
	/// The connection broke.
	#[error("the connection broke: {0}")]
	Io(io::Error),
	/// The bytes are not of this protocol.
	#[error("the bytes are not a message of this protocol")]
	Foreign,
	/// The other side speaks another version.
	#[error("version {VERSION} is spoken here, the other side speaks {theirs}")]
	Version {
		/// What it speaks.
		theirs: u8,
	},
	/// The message is too large.
	#[error("a message of {size} bytes; at most {MAX_MESSAGE} are allowed")]
	TooLarge {
		/// Its length.
		size: usize,
	},
	/// The message's bytes mean nothing.
	#[error("the message can't be read: {0}")]
	Malformed(codec::Error),
}

impl From<io::Error> for WireError {
	fn from(error: io::Error) -> Self {
		use io::ErrorKind::*;
		match error.kind() {
			TimedOut | WouldBlock => Self::Timeout,
			UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe => Self::Closed,
			_ => Self::Io(error),
		}
	}
}

/// A stream that messages go over.
pub trait Channel: Read + Write {
	/// The time that the other side has begins now. Streams without a limit do nothing.
	fn restart_clock(&mut self) {}
}

/// A TCP connection on which everything between two starts of the clock must happen within a limit, so that neither
/// silence nor a trickle of bytes can hold anyone up.
#[derive(Debug)]
pub struct Tcp {
	stream: TcpStream,
	limit: Duration,
	deadline: Instant,
}

impl Tcp {
	/// Takes a connection; the clock starts now.
	pub fn new(stream: TcpStream, limit: Duration) -> io::Result<Self> {
		stream.set_nodelay(true)?;
		Ok(Self { stream, limit, deadline: Instant::now() + limit })
	}

	/// Connects within `limit`, to the first address that answers.
	pub fn connect(address: impl ToSocketAddrs, limit: Duration) -> io::Result<Self> {
		let mut error = io::Error::new(io::ErrorKind::InvalidInput, "no address");
		for address in address.to_socket_addrs()? {
			match TcpStream::connect_timeout(&address, limit) {
				Ok(stream) => return Self::new(stream, limit),
				Err(e) => error = e,
			}
		}
		Err(error)
	}

	fn left(&self) -> io::Result<Duration> {
		match self.deadline.saturating_duration_since(Instant::now()) {
			Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
			left => Ok(left),
		}
	}
}

impl Channel for Tcp {
	fn restart_clock(&mut self) {
		self.deadline = Instant::now() + self.limit;
	}
}

impl Read for Tcp {
	fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
		self.stream.set_read_timeout(Some(self.left()?))?;
		self.stream.read(buffer)
	}
}

impl Write for Tcp {
	fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
		self.stream.set_write_timeout(Some(self.left()?))?;
		self.stream.write(buffer)
	}

	fn flush(&mut self) -> io::Result<()> {
		self.stream.flush()
	}
}

/// Sends a message; returns its bytes.
pub fn send(channel: &mut impl Write, message: &impl Encode) -> Result<usize, WireError> {
	let mut bytes = vec![0; HEADER];
	message.encode_to(&mut bytes);
	let size = bytes.len() - HEADER;
	if size > MAX_MESSAGE {
		return Err(WireError::TooLarge { size });
	}
	bytes[..3].copy_from_slice(&MAGIC);
	bytes[3] = VERSION;
	bytes[4..HEADER].copy_from_slice(&(size as u32).to_le_bytes());
	channel.write_all(&bytes)?;
	channel.flush()?;
	Ok(bytes.len())
}

/// Receives a message and its bytes; nothing when the other side went away between messages.
pub fn receive<T: DecodeWithMemTracking>(channel: &mut impl Read) -> Result<Option<(T, usize)>, WireError> {
	let mut header = [0; HEADER];
	let mut filled = 0;
	while filled < HEADER {
		match channel.read(&mut header[filled..]) {
			Ok(0) if filled == 0 => return Ok(None),
			Ok(0) => return Err(WireError::Closed),
			Ok(n) => filled += n,
			Err(e) if e.kind() == io::ErrorKind::Interrupted => {},
			Err(e) => return Err(e.into()),
		}
		// As soon as it is known: a foreign speaker may wait for an answer after a few bytes.
		let known = filled.min(MAGIC.len());
		if header[..known] != MAGIC[..known] {
			return Err(WireError::Foreign);
		}
	}
	let [_, _, _, theirs, length @ ..] = header;
	if theirs != VERSION {
		return Err(WireError::Version { theirs });
	}
	let size = u32::from_le_bytes(length) as usize;
	if size > MAX_MESSAGE {
		return Err(WireError::TooLarge { size });
	}
	// Grows with what comes, not with what is announced.
	let mut body = Vec::new();
	channel.take(size as u64).read_to_end(&mut body)?;
	if body.len() < size {
		return Err(WireError::Closed);
	}
	let mut rest = body.as_slice();
	let message = T::decode_with_mem_limit(&mut rest, MAX_MEMORY).map_err(WireError::Malformed)?;
	if !rest.is_empty() {
		return Err(WireError::Malformed("bytes follow the message".into()));
	}
	Ok(Some((message, HEADER + size)))
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn received(bytes: &[u8]) -> Result<Option<(Request, usize)>, WireError> {
		receive(&mut &*bytes)
	}

	fn sent(message: &impl Encode) -> Vec<u8> {
		let mut bytes = Vec::new();
		assert_eq!(send(&mut bytes, message).unwrap(), bytes.len());
		bytes
	}

	#[test]
	fn a_message_should_arrive_as_it_was_sent() {
		let message = Request::Append { layer: 3, keys: vec![-5, 7], values: vec![32_767, -32_767] };
		let bytes = sent(&message);
		assert_eq!(&bytes[..4], b"nsh\x01");
		assert_eq!(received(&bytes).unwrap(), Some((message, bytes.len())));
		assert_eq!(received(&[]).unwrap(), None);
	}

	#[test]
	fn a_message_should_be_refused_when_it_is_not_one() {
		let good = sent(&Request::Partials { maxima: vec![1, 2, 3] });
		for cut in 1..good.len() {
			assert!(matches!(received(&good[..cut]), Err(WireError::Closed)), "{cut}");
		}
		assert!(matches!(received(b"GET / HTTP/1.1\r\n"), Err(WireError::Foreign)));
		assert!(matches!(received(b"n"), Err(WireError::Closed)));
		let mut other = good.clone();
		other[3] = 9;
		assert!(matches!(received(&other), Err(WireError::Version { theirs: 9 })));
		let mut large = good.clone();
		large[4..8].copy_from_slice(&(MAX_MESSAGE as u32 + 1).to_le_bytes());
		assert!(matches!(received(&large), Err(WireError::TooLarge { size }) if size == MAX_MESSAGE + 1));
		// A vector that claims more than its message has, an unknown message, bytes too many.
		let framed = |body: &[u8]| {
			let mut bytes = good[..4].to_vec();
			bytes.extend((body.len() as u32).to_le_bytes());
			bytes.extend_from_slice(body);
			bytes
		};
		for body in [&[3, 0xfe, 0xff, 0xff, 0xff][..], &[99], &[], &[3, 0, 0]] {
			assert!(matches!(received(&framed(body)), Err(WireError::Malformed(_))), "{body:?}");
		}
	}

	#[test]
	fn a_message_should_be_refused_when_it_would_swell_in_memory() {
		// A byte each, and sixteen once they are read.
		let sent = |count: usize| sent(&Response::Maxima { maxima: vec![None; count] });
		assert!(receive::<Response>(&mut &sent(MAX_MEMORY / 16 - 1)[..]).is_ok());
		let swelling = receive::<Response>(&mut &sent(MAX_MEMORY / 16 + 1)[..]);
		assert!(matches!(swelling, Err(WireError::Malformed(_))));
	}

	#[test]
	fn a_message_should_not_go_out_when_it_is_too_large() {
		let message = Request::Partials { maxima: vec![0; MAX_MESSAGE / 8 + 1] };
		let mut bytes = Vec::new();
		assert!(matches!(send(&mut bytes, &message), Err(WireError::TooLarge { .. })));
		assert!(bytes.is_empty());
	}

	proptest! {
		#[test]
		fn any_bytes_should_be_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..300), is_framed in any::<bool>()) {
			if is_framed && bytes.len() >= HEADER {
				let size = (bytes.len() - HEADER) as u32;
				bytes[..4].copy_from_slice(b"nsh\x01");
				bytes[4..8].copy_from_slice(&size.to_le_bytes());
			}
			// What is read goes out as the same bytes.
			if let Ok(Some((message, size))) = received(&bytes) {
				prop_assert_eq!(sent(&message), &bytes[..size]);
			}
		}
	}
}
