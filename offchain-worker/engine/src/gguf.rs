//! Reads GGUF v3 files, as far as Llama-type models with Q4_1, Q8_0 and F32 tensors need.
//!
//! Nothing in a file is trusted: every count is checked against the bytes that are left before anything is
//! allocated, every tensor against the end of the file.

use std::collections::BTreeMap;

/// What is wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GgufError {
	/// It starts with other bytes than `GGUF`.
	#[error("not a GGUF file: it starts with {0:02x?}, not with `GGUF`")]
	Magic([u8; 4]),
	/// Another version than 3.
	#[error("GGUF version {0} is not supported; convert the file to version 3")]
	Version(u32),
	/// It ends too early.
	#[error("the file ends at byte {offset}, inside {what}: is the download complete?")]
	Truncated {
		/// What was being read.
		what: &'static str,
		/// Where the file ends.
		offset: usize,
	},
	/// A count that the file's length can't hold.
	#[error("the file claims {count} {what}, more than its length can hold")]
	Count {
		/// What is counted.
		what: &'static str,
		/// The claim.
		count: u64,
	},
	/// A text that is not UTF-8.
	#[error("{0} is not UTF-8")]
	Text(&'static str),
	/// A metadata type that GGUF does not define or that no model needs.
	#[error("metadata `{key}` has the unsupported type {kind}")]
	ValueType {
		/// The key.
		key: String,
		/// The type's number.
		kind: u32,
	},
	/// A key or tensor twice.
	#[error("`{0}` appears twice")]
	Duplicate(String),
	/// A metadata key that is needed is not there.
	#[error("metadata `{0}` is missing")]
	MissingKey(String),
	/// A metadata value of another type or range than needed.
	#[error("metadata `{key}` should be {expected}")]
	WrongValue {
		/// The key.
		key: String,
		/// What it should be.
		expected: &'static str,
	},
	/// A tensor that is needed is not there.
	#[error("tensor `{0}` is missing")]
	MissingTensor(String),
	/// A tensor type other than F32, Q4_1 and Q8_0.
	#[error("tensor `{name}` has the unsupported type {kind}; F32, Q4_1 and Q8_0 are supported")]
	TensorType {
		/// The tensor.
		name: String,
		/// The type's number.
		kind: u32,
	},
	/// A tensor whose shape is not what the metadata says.
	#[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
	Shape {
		/// The tensor.
		name: String,
		/// Its shape.
		found: Vec<u64>,
		/// The shape it should have.
		expected: Vec<u64>,
	},
	/// A tensor that reaches beyond the end of the file.
	#[error("tensor `{0}` reaches beyond the end of the file: is the download complete?")]
	TensorRange(String),
}

/// A metadata value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
	/// Any integer type and booleans.
	Integer(i128),
	/// The bits of a 32-bit float.
	F32(u32),
	/// The bits of a 64-bit float.
	F64(u64),
	/// Text.
	Text(&'a str),
	/// A list of texts.
	Texts(Vec<&'a str>),
	/// A list of integers.
	Integers(Vec<i64>),
	/// A list of anything else; its elements are skipped.
	Other,
}

/// How a tensor is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TensorKind {
	/// IEEE binary32, little endian.
	F32,
	/// Groups of 32: f16 scale, f16 minimum, 16 bytes of 4-bit codes.
	Q4_1,
	/// Groups of 32: f16 scale, 32 signed bytes.
	Q8_0,
}

impl TensorKind {
	/// Values and bytes of a block.
	pub const fn block(self) -> (u64, u64) {
		match self {
			Self::F32 => (1, 4),
			Self::Q4_1 => (32, 20),
			Self::Q8_0 => (32, 34),
		}
	}
}

/// A tensor.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
	/// Its name.
	pub name: &'a str,
	/// Values per dimension, the innermost first.
	pub shape: Vec<u64>,
	/// How it is stored.
	pub kind: TensorKind,
	/// Its bytes.
	pub data: &'a [u8],
}

/// A parsed file.
#[derive(Debug)]
pub struct Gguf<'a> {
	metadata: BTreeMap<&'a str, Value<'a>>,
	tensors: BTreeMap<&'a str, Result<Tensor<'a>, GgufError>>,
}

struct Cursor<'a> {
	bytes: &'a [u8],
	at: usize,
}

impl<'a> Cursor<'a> {
	fn left(&self) -> usize {
		self.bytes.len() - self.at
	}

	fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], GgufError> {
		let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len());
		let end = end.ok_or(GgufError::Truncated { what, offset: self.bytes.len() })?;
		let slice = &self.bytes[self.at..end];
		self.at = end;
		Ok(slice)
	}

	fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], GgufError> {
		let mut out = [0; N];
		out.copy_from_slice(self.take(N, what)?);
		Ok(out)
	}

	fn u32(&mut self, what: &'static str) -> Result<u32, GgufError> {
		self.array(what).map(u32::from_le_bytes)
	}

	fn u64(&mut self, what: &'static str) -> Result<u64, GgufError> {
		self.array(what).map(u64::from_le_bytes)
	}

	/// A count of things that take at least `least` bytes each.
	fn count(&mut self, least: usize, what: &'static str) -> Result<usize, GgufError> {
		let count = self.u64(what)?;
		let fits = usize::try_from(count).ok().filter(|&n| n <= self.left() / least);
		fits.ok_or(GgufError::Count { what, count })
	}

	fn text(&mut self, what: &'static str) -> Result<&'a str, GgufError> {
		let length = self.count(1, what)?;
		std::str::from_utf8(self.take(length, what)?).map_err(|_| GgufError::Text(what))
	}

	fn integer(&mut self, kind: u32) -> Result<Option<i128>, GgufError> {
		const WHAT: &str = "a metadata value";
		Ok(Some(match kind {
			0 => u8::from_le_bytes(self.array(WHAT)?).into(),
			1 => i8::from_le_bytes(self.array(WHAT)?).into(),
			2 => u16::from_le_bytes(self.array(WHAT)?).into(),
			3 => i16::from_le_bytes(self.array(WHAT)?).into(),
			4 => u32::from_le_bytes(self.array(WHAT)?).into(),
			5 => i32::from_le_bytes(self.array(WHAT)?).into(),
			7 => i128::from(u8::from_le_bytes(self.array(WHAT)?) != 0),
			10 => u64::from_le_bytes(self.array(WHAT)?).into(),
			11 => i64::from_le_bytes(self.array(WHAT)?).into(),
			_ => return Ok(None),
		}))
	}

	fn value(&mut self, key: &str) -> Result<Value<'a>, GgufError> {
		const WHAT: &str = "a metadata value";
		let kind = self.u32(WHAT)?;
		if let Some(integer) = self.integer(kind)? {
			return Ok(Value::Integer(integer));
		}
		match kind {
			6 => Ok(Value::F32(self.u32(WHAT)?)),
			8 => Ok(Value::Text(self.text(WHAT)?)),
			9 => self.list(key),
			12 => Ok(Value::F64(self.u64(WHAT)?)),
			_ => Err(GgufError::ValueType { key: key.into(), kind }),
		}
	}

	fn list(&mut self, key: &str) -> Result<Value<'a>, GgufError> {
		const WHAT: &str = "metadata list elements";
		let kind = self.u32(WHAT)?;
		let size = match kind {
			0 | 1 | 7 => 1,
			2 | 3 => 2,
			4..=6 => 4,
			8 | 10..=12 => 8,
			_ => return Err(GgufError::ValueType { key: key.into(), kind }),
		};
		let count = self.count(size, WHAT)?;
		match kind {
			8 => (0..count).map(|_| self.text(WHAT)).collect::<Result<_, _>>().map(Value::Texts),
			6 | 12 => self.take(count * size, WHAT).map(|_| Value::Other),
			_ => {
				let mut integers = Vec::with_capacity(count);
				for _ in 0..count {
					let value = self.integer(kind)?.and_then(|v| i64::try_from(v).ok());
					integers.push(value.ok_or_else(|| GgufError::ValueType { key: key.into(), kind })?);
				}
				Ok(Value::Integers(integers))
			},
		}
	}
}

impl<'a> Gguf<'a> {
	/// Parses a whole file. Tensors of an unsupported type are an error only when asked for.
	pub fn parse(bytes: &'a [u8]) -> Result<Self, GgufError> {
		let mut cursor = Cursor { bytes, at: 0 };
		let magic = cursor.array("the header")?;
		if magic != *b"GGUF" {
			return Err(GgufError::Magic(magic));
		}
		let version = cursor.u32("the header")?;
		if version != 3 {
			return Err(GgufError::Version(version));
		}
		// The smallest entries: a tensor without dimensions, a key with a byte.
		let tensor_count = cursor.count(24, "tensors")?;
		let key_count = cursor.count(13, "metadata keys")?;
		let mut metadata = BTreeMap::new();
		for _ in 0..key_count {
			let key = cursor.text("a metadata key")?;
			let value = cursor.value(key)?;
			if metadata.insert(key, value).is_some() {
				return Err(GgufError::Duplicate(key.into()));
			}
		}
		let mut headers = Vec::new();
		for _ in 0..tensor_count {
			headers.push(tensor_header(&mut cursor)?);
		}
		let alignment = match metadata.get("general.alignment") {
			None => 32,
			Some(Value::Integer(a)) if (1..=65_536).contains(a) && (a & (a - 1)) == 0 => *a as usize,
			Some(_) => {
				let key = "general.alignment".into();
				return Err(GgufError::WrongValue { key, expected: "a power of two up to 65536" });
			},
		};
		let start = cursor.at.next_multiple_of(alignment);
		let mut tensors = BTreeMap::new();
		for header in headers {
			let name = header.name;
			if tensors.insert(name, header.resolve(bytes, start)).is_some() {
				return Err(GgufError::Duplicate(name.into()));
			}
		}
		Ok(Self { metadata, tensors })
	}

	/// A metadata value, if there is one under `key`.
	pub fn get(&self, key: &str) -> Option<&Value<'a>> {
		self.metadata.get(key)
	}

	fn need(&self, key: &str) -> Result<&Value<'a>, GgufError> {
		self.get(key).ok_or_else(|| GgufError::MissingKey(key.into()))
	}

	/// An integer in `range` under `key`.
	pub fn integer(&self, key: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, GgufError> {
		match self.need(key)? {
			Value::Integer(v) => u32::try_from(*v).ok().filter(|v| range.contains(v)),
			_ => None,
		}
		.ok_or_else(|| GgufError::WrongValue {
			key: key.into(),
			expected: "an integer in the supported range",
		})
	}

	/// The bits of a 32-bit float under `key`.
	pub fn f32_bits(&self, key: &str) -> Result<u32, GgufError> {
		match self.need(key)? {
			Value::F32(bits) => Ok(*bits),
			_ => Err(GgufError::WrongValue { key: key.into(), expected: "a 32-bit float" }),
		}
	}

	/// The text under `key`.
	pub fn text(&self, key: &str) -> Result<&'a str, GgufError> {
		match self.need(key)? {
			Value::Text(text) => Ok(text),
			_ => Err(GgufError::WrongValue { key: key.into(), expected: "a text" }),
		}
	}

	/// The list of texts under `key`.
	pub fn texts(&self, key: &str) -> Result<&[&'a str], GgufError> {
		match self.need(key)? {
			Value::Texts(texts) => Ok(texts),
			_ => Err(GgufError::WrongValue { key: key.into(), expected: "a list of texts" }),
		}
	}

	/// The list of integers under `key`.
	pub fn integers(&self, key: &str) -> Result<&[i64], GgufError> {
		match self.need(key)? {
			Value::Integers(integers) => Ok(integers),
			_ => Err(GgufError::WrongValue { key: key.into(), expected: "a list of integers" }),
		}
	}

	/// Whether there is a tensor `name`.
	pub fn has_tensor(&self, name: &str) -> bool {
		self.tensors.contains_key(name)
	}

	/// The tensor `name`, which must have `shape` (innermost first).
	pub fn tensor(&self, name: &str, shape: &[u64]) -> Result<&Tensor<'a>, GgufError> {
		let tensor = self.tensors.get(name).ok_or_else(|| GgufError::MissingTensor(name.into()))?;
		let tensor = tensor.as_ref().map_err(Clone::clone)?;
		if tensor.shape != shape {
			return Err(GgufError::Shape {
				name: name.into(),
				found: tensor.shape.clone(),
				expected: shape.to_vec(),
			});
		}
		Ok(tensor)
	}
}

struct TensorHeader<'a> {
	name: &'a str,
	shape: Vec<u64>,
	kind: u32,
	offset: u64,
}

fn tensor_header<'a>(cursor: &mut Cursor<'a>) -> Result<TensorHeader<'a>, GgufError> {
	const WHAT: &str = "a tensor header";
	let name = cursor.text(WHAT)?;
	let dimensions = cursor.u32(WHAT)?;
	if dimensions > 4 {
		return Err(GgufError::Count { what: "dimensions of a tensor", count: dimensions.into() });
	}
	let shape = (0..dimensions).map(|_| cursor.u64(WHAT)).collect::<Result<_, _>>()?;
	Ok(TensorHeader { name, shape, kind: cursor.u32(WHAT)?, offset: cursor.u64(WHAT)? })
}

impl<'a> TensorHeader<'a> {
	fn resolve(self, bytes: &'a [u8], start: usize) -> Result<Tensor<'a>, GgufError> {
		let kind = match self.kind {
			0 => TensorKind::F32,
			3 => TensorKind::Q4_1,
			8 => TensorKind::Q8_0,
			kind => return Err(GgufError::TensorType { name: self.name.into(), kind }),
		};
		let (values, size) = kind.block();
		let range = || GgufError::TensorRange(self.name.into());
		let count = self.shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d)).ok_or_else(range)?;
		if self.shape.first().is_some_and(|row| row % values != 0) {
			let mut expected = self.shape.clone();
			expected[0] = expected[0].next_multiple_of(values);
			return Err(GgufError::Shape { name: self.name.into(), found: self.shape, expected });
		}
		let length = (count / values).checked_mul(size).and_then(|n| usize::try_from(n).ok());
		let from = usize::try_from(self.offset).ok().and_then(|o| o.checked_add(start));
		let data = from
			.zip(length)
			.and_then(|(from, length)| bytes.get(from..from.checked_add(length)?))
			.ok_or_else(range)?;
		Ok(Tensor { name: self.name, shape: self.shape, kind, data })
	}
}
