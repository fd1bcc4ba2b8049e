//! Amounts of DOT as people write them.

use noesis_primitives::Balance;

/// Planck of one DOT.
pub const UNIT: Balance = 10_000_000_000;
const DECIMALS: usize = 10;

/// Reads an amount of DOT, such as `12.5`.
pub fn parse_dot(text: &str) -> Result<Balance, String> {
	let bad = || "an amount of DOT is a number with at most 10 decimals, such as 12.5".to_owned();
	let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
	if fraction.len() > DECIMALS || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
		return Err(bad());
	}
	let whole: Balance = whole.parse().map_err(|_| bad())?;
	let fraction: Balance = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| bad())?;
	whole.checked_mul(UNIT).and_then(|planck| planck.checked_add(fraction)).ok_or_else(bad)
}

/// Writes an amount as DOT.
pub fn dot(planck: Balance) -> String {
	let fraction = format!("{:0DECIMALS$}", planck % UNIT);
	match fraction.trim_end_matches('0') {
		"" => format!("{} DOT", planck / UNIT),
		fraction => format!("{}.{fraction} DOT", planck / UNIT),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn dot_should_survive_text_when_it_is_exact() {
		assert_eq!(parse_dot("12.5"), Ok(125_000_000_000));
		assert_eq!(parse_dot("0.0000000001"), Ok(1));
		assert_eq!(dot(1), "0.0000000001 DOT");
		assert_eq!(dot(3 * UNIT), "3 DOT");
		for bad in ["", ".", "-1", "1.00000000001", "1.x", "1e5", "99999999999999999999999999999999999"] {
			assert!(parse_dot(bad).is_err(), "{bad}");
		}
	}
}
