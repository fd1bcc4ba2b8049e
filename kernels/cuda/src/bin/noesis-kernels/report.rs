//! What ptxas says of the kernels that it compiled.

/// One kernel for one architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
	pub name: String,
	pub registers: u32,
	/// Static shared memory, bytes.
	pub shared: u32,
	/// Bytes that are stored to and loaded from local memory because registers ran out.
	pub spilled: u32,
	/// Bytes of local memory per thread.
	pub stack: u32,
	/// The assembler makes asynchronous products wait, or adds waits of its own.
	pub serialised: bool,
}

/// Reads the messages of `ptxas -v`.
pub fn parse(messages: &str) -> Vec<Kernel> {
	let mut kernels: Vec<Kernel> = Vec::new();
	// These come before all kernels, and name theirs at the end: "... in function 'name'".
	let remarks = messages.lines().filter(|line| line.contains("(C75"));
	let serialised: Vec<&str> = remarks.filter_map(|line| line.rsplit('\'').nth(1)).collect();
	// Properties are also told of device functions that were not inlined: they count for the kernel above them.
	for line in messages.lines() {
		if let Some(rest) = line.split("Compiling entry function '").nth(1) {
			let name = rest.split('\'').next().unwrap_or_default().to_owned();
			let serialised = serialised.contains(&name.as_str());
			kernels.push(Kernel { name, serialised, ..Kernel::default() });
		}
		let Some(kernel) = kernels.last_mut() else { continue };
		kernel.stack = kernel.stack.max(number_before(line, " bytes stack frame"));
		for words in [" bytes spill stores", " bytes spill loads"] {
			kernel.spilled = kernel.spilled.saturating_add(number_before(line, words));
		}
		kernel.registers = kernel.registers.max(number_before(line, " registers"));
		kernel.shared = kernel.shared.max(number_before(line, " bytes smem"));
	}
	kernels
}

/// The number that stands before the words, 0 without them.
fn number_before(line: &str, words: &str) -> u32 {
	line.split_once(words)
		.and_then(|(before, _)| before.rsplit([' ', ',']).next())
		.and_then(|number| number.parse().ok())
		.unwrap_or(0)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn messages_of_the_assembler_should_be_read() {
		let messages = "\
ptxas info    : (C7519) warpgroup.arrive is injected in around line 9 by compiler to allow use of registers in GMMA in function 'second'
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_80'
ptxas info    : Function properties for first
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 22 registers, used 1 barriers, 512 bytes smem, 380 bytes cmem[0]
ptxas info    : Compile time = 4.2 ms
ptxas info    : Compiling entry function 'second' for 'sm_80'
ptxas info    : Function properties for second
    24 bytes stack frame, 20 bytes spill stores, 28 bytes spill loads
ptxas info    : Used 255 registers, used 0 barriers, 24 bytes cumulative stack size, 380 bytes cmem[0]
";
		let first = Kernel { name: "first".into(), registers: 22, shared: 512, ..Kernel::default() };
		let second = Kernel {
			name: "second".into(),
			registers: 255,
			shared: 0,
			spilled: 48,
			stack: 24,
			serialised: true,
		};
		assert_eq!(parse(messages), [first, second]);
	}
}
