//! What is wrong in a rehearsal: one number, everything after it consistent; or the output, beside the right trace.

use noesis_canon::{
	graph::{Format, Layout, Operation, Program, ROWS},
	round::add_residual,
};

/// A value of the residual that is computed wrongly: as if the last linear layer had come to another result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
	/// The position.
	pub position: u32,
	/// The layer that it comes out of.
	pub layer: u32,
	/// The place in the residual.
	pub index: u32,
	/// What is added.
	pub change: i32,
}

impl Fault {
	/// Applies it to the residual after `layer` of the positions from `first` on.
	pub(crate) fn apply(&self, layer: usize, first: usize, width: usize, residual: &mut [i32]) {
		if layer != self.layer as usize || self.index as usize >= width {
			return;
		}
		let Some(position) = (self.position as usize).checked_sub(first) else { return };
		if let Some(value) = residual.get_mut(position * width + self.index as usize) {
			*value = add_residual(*value, self.change);
		}
	}

	/// The same in a program, if it is there that the value is computed.
	pub fn in_program(&self, program: &Program, layout: &Layout) -> Option<Alteration> {
		if *program != (Program::Layer { layer: self.layer, position: self.position }) {
			return None;
		}
		let rows = layout.stages().iter().rfind(|stage| stage.operation == Operation::Branch)?;
		let (leaf, value) = (self.index / ROWS, self.index % ROWS);
		(leaf < rows.count).then(|| Alteration { leaf: rows.first + leaf, value, change: self.change.into() })
	}
}

/// What a party lies about, in a rehearsal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lie {
	/// One value of the residual, and all that follows from it.
	Value(Fault),
	/// The output: other bytes than those of the trace's tokens.
	Output,
}

impl Lie {
	/// What is computed wrongly, if anything is.
	pub fn fault(self) -> Option<Fault> {
		match self {
			Self::Value(fault) => Some(fault),
			Self::Output => None,
		}
	}

	/// Makes another output of the right one, if that is the lie: its last byte is changed, or there is one.
	pub fn tell(self, output: &mut Vec<u8>) {
		match (self, output.last_mut()) {
			(Self::Value(_), _) => {},
			(Self::Output, Some(last)) => *last ^= 1,
			(Self::Output, None) => output.push(b'?'),
		}
	}
}

/// A number of one fine leaf that is changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Alteration {
	/// The leaf.
	pub leaf: u32,
	/// Which of its numbers, the header's first.
	pub value: u32,
	/// What is added; the result saturates.
	pub change: i64,
}

impl Alteration {
	/// Changes the bytes of the leaf; whether there is such a number.
	pub(crate) fn apply(&self, format: &Format, bytes: &mut [u8]) -> bool {
		let (at, width) = match self.value.checked_sub(format.header) {
			None => (8 * self.value, 8),
			Some(body) if body < format.count => (8 * format.header + body * format.width, format.width),
			Some(_) => return false,
		};
		let Some(number) = bytes.get_mut(at as usize..(at + width) as usize) else { return false };
		match number {
			[a, b] => {
				let changed = i64::from(i16::from_le_bytes([*a, *b])) + self.change;
				let most = i64::from(i16::MAX);
				number.copy_from_slice(&(changed.clamp(-most, most) as i16).to_le_bytes());
			},
			[a, b, c, d] => {
				let change = self.change.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
				let changed = add_residual(i32::from_le_bytes([*a, *b, *c, *d]), change);
				number.copy_from_slice(&changed.to_le_bytes());
			},
			_ => {
				let mut word = [0; 8];
				word.copy_from_slice(number);
				let changed = i64::from_le_bytes(word).saturating_add(self.change);
				number.copy_from_slice(&changed.to_le_bytes());
			},
		}
		true
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	proptest! {
		#[test]
		fn an_output_should_be_another_when_it_is_lied_about(output in prop::collection::vec(any::<u8>(), 0..20)) {
			let mut told = output.clone();
			Lie::Output.tell(&mut told);
			prop_assert_ne!(&told, &output);
			let fault = Fault { position: 0, layer: 0, index: 0, change: 1 };
			let mut told = output.clone();
			Lie::Value(fault).tell(&mut told);
			prop_assert_eq!(told, output);
			prop_assert_eq!((Lie::Value(fault).fault(), Lie::Output.fault()), (Some(fault), None));
		}
	}
}
