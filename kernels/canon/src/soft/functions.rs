//! Exponential, logarithm, roots and gates. Every step is a rounded operation; none is left to a library.

use super::{Binary32, Real};

const LOG2_E: u32 = 0x3fb8_aa3b;
/// The upper part of ln 2 has nine bits, so that its product with a whole exponent is exact.
const LN2_HIGH: u32 = 0x3f31_8000;
const LN2_LOW: u32 = 0xb95e_8083;
/// `1.5 · 2^23`: adding it leaves a number rounded to an integer in the last bits.
const INTEGER: u32 = 0x4b40_0000;
/// -87 and 88: within, the power of two is a normal number and so is the result.
const EXP_LEAST: u32 = 0xc2ae_0000;
const EXP_MOST: u32 = 0x42b0_0000;
const HALF: u32 = 0x3f00_0000;
const INFINITY: u32 = 0x7f80_0000;
const NAN: u32 = 0x7fc0_0000;
const SIGN: u32 = 1 << 31;

/// From the highest power down, as in Cephes: `e^r ≈ 1 + r + r² · p(r)`.
const EXP: [u32; 6] = [0x3950_6967, 0x3ab7_43ce, 0x3c08_8908, 0x3d2a_a9c1, 0x3e2a_aaaa, 0x3f00_0000];
/// As in Cephes: `ln(1 + f) ≈ f - f²/2 + f³ · p(f)`.
const LN: [u32; 9] = [
	0x3d90_21bb,
	0xbdeb_d1b8,
	0x3def_251a,
	0xbdfe_5d4f,
	0x3e11_e9bf,
	0xbe2a_ae50,
	0x3e4c_ceac,
	0xbe7f_fffc,
	0x3eaa_aaaa,
];

/// Horner's scheme, highest power first.
#[inline(always)]
fn polynomial<T: Real, const N: usize>(coefficients: &[u32; N], x: T) -> T {
	let mut sum = T::from_bits(coefficients[0]);
	for &c in &coefficients[1..] {
		sum = sum * x + T::from_bits(c);
	}
	sum
}

/// `e^x`, within 1 ulp for `-87 <= x <= 88`; `+0` below and `+∞` above.
///
/// `n = round(x · log2 e)`, `r = (x - n · hi) - n · lo`, `((p(r) · r²) + r) + 1`, times `2^n` (exact).
#[inline(always)]
pub fn exp<T: Binary32>(x: T) -> T {
	let constant = T::from_bits;
	let shifted = x * constant(LOG2_E) + constant(INTEGER);
	let n = shifted - constant(INTEGER);
	let r = x - n * constant(LN2_HIGH) - n * constant(LN2_LOW);
	let mantissa = polynomial(&EXP, r) * (r * r) + r + T::ONE;
	// Of the integer in the last bits only nine remain: n + 127 in the exponent's place.
	let power = T::from_bits(shifted.to_bits().wrapping_add(127) << 23);
	let result = mantissa * power;
	if x < constant(EXP_LEAST) {
		T::ZERO
	} else if x > constant(EXP_MOST) {
		constant(INFINITY)
	} else {
		result
	}
}

/// The natural logarithm, within 1 ulp; `-∞` at zero, NaN below, `+∞` at `+∞`.
///
/// `x = m · 2^n` with `m` in `[√½, √2)`, `f = m - 1`,
/// `(f + ((p(f) · f · f² + n · lo) - f²/2)) + n · hi`.
#[inline(always)]
pub fn ln<T: Binary32>(x: T) -> T {
	let constant = T::from_bits;
	if x == T::ZERO {
		return constant(INFINITY | SIGN);
	}
	if x < T::ZERO {
		return constant(NAN);
	}
	if !x.is_finite() {
		// An infinity stays, a NaN becomes the one that F32 knows.
		return x + x;
	}
	/// Of the square root of one half.
	const ROOT: u32 = 0x3f35_04f3;
	const TWO_POW_23: u32 = 0x4b00_0000;
	// A subnormal is made normal first.
	let subnormal = x.to_bits() >> 23 == 0;
	let bits = if subnormal { (x * constant(TWO_POW_23)).to_bits() } else { x.to_bits() };
	let above = bits.wrapping_sub(ROOT) as i32;
	let exponent = (above >> 23) - if subnormal { 23 } else { 0 };
	let f = constant(((above & 0x7f_ffff) as u32) + ROOT) - T::ONE;
	let n = T::from_i32(exponent);
	let square = f * f;
	let tail = polynomial(&LN, f) * f * square + n * constant(LN2_LOW) - constant(HALF) * square;
	f + tail + n * constant(LN2_HIGH)
}

/// `1 / √x`, both operations correctly rounded; within 1.5 ulp.
#[inline(always)]
pub fn rsqrt<T: Real>(x: T) -> T {
	T::ONE / x.sqrt()
}

/// `1 / (1 + e^-x)`, through `e = e^-|x|` so that nothing overflows: `1 / (1 + e)`, or `e / (1 + e)` below zero.
#[inline(always)]
pub fn sigmoid<T: Real>(x: T) -> T {
	let e = (-x.abs()).exp();
	let numerator = if x < T::ZERO { e } else { T::ONE };
	numerator / (T::ONE + e)
}

/// `x · sigmoid(x)`, within 3 ulp.
#[inline(always)]
pub fn silu<T: Real>(x: T) -> T {
	x * sigmoid(x)
}

/// The derivative of [`silu`]: `s · (1 + x · t)` with `s = sigmoid(x)`, `t = sigmoid(-x)` (not `1 - s`, which has
/// no digits left where `x` is large); within 2^-22.
#[inline(always)]
pub fn silu_slope<T: Real>(x: T) -> T {
	sigmoid(x) * (T::ONE + x * sigmoid(-x))
}

/// `x^n` by repeated squaring from the lowest bit of `n`: where a bit is set, the result is multiplied by the current
/// square.
pub fn power<T: Real>(x: T, n: u32) -> T {
	let (mut result, mut square) = (T::ONE, x);
	for bit in 0..u32::BITS - n.leading_zeros() {
		if n >> bit & 1 == 1 {
			result = result * square;
		}
		square = square * square;
	}
	result
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::soft::F32;

	const EXP_ULPS: f64 = 1.0;
	const LN_ULPS: f64 = 1.0;
	const RSQRT_ULPS: f64 = 1.5;
	const SILU_ULPS: f64 = 3.0;
	const SLOPE_EPSILONS: f64 = 2.0;

	/// The distance from the real value in units of the last place of the nearest binary32.
	fn ulps(value: f32, real: f64) -> f64 {
		let nearest = (real as f32).abs();
		let unit = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
		(f64::from(value) - real).abs() / unit
	}

	/// Every `step`-th pattern between two numbers of like sign, the nearer to zero first.
	fn sweep(from: f32, to: f32, step: usize) -> impl Iterator<Item = f32> {
		(from.to_bits()..=to.to_bits()).step_by(step).map(f32::from_bits)
	}

	/// The largest error of a function over a sweep; also that soft-float gives its bits.
	fn worst(
		values: impl Iterator<Item = f32>,
		hard: impl Fn(f32) -> f32,
		soft: impl Fn(F32) -> F32,
		real: impl Fn(f64) -> f64,
	) -> f64 {
		values.fold(0.0, |worst, x| {
			let value = hard(x);
			assert_eq!(soft(F32::from_bits(x.to_bits())).to_bits(), value.to_bits(), "at {x:e}");
			ulps(value, real(x.into())).max(worst)
		})
	}

	#[test]
	fn exp_should_stay_within_an_ulp_and_equal_soft_float() {
		let below = worst(sweep(-1e-30, -87.0, 509), exp, exp, f64::exp);
		let above = worst(sweep(1e-30, 88.0, 509), exp, exp, f64::exp);
		println!("exp: {below:.4} ulp below zero, {above:.4} above");
		assert!(below.max(above) < EXP_ULPS);
	}

	#[test]
	fn ln_should_stay_within_an_ulp_and_equal_soft_float() {
		let error = worst(sweep(f32::from_bits(1), f32::MAX, 1009), ln, ln, f64::ln);
		let near_one = worst(sweep(0.5, 2.0, 31), ln, ln, f64::ln);
		println!("ln: {error:.4} ulp, {near_one:.4} near one");
		assert!(error.max(near_one) < LN_ULPS);
	}

	#[test]
	fn gates_and_roots_should_stay_within_their_bounds_and_equal_soft_float() {
		let root = worst(sweep(f32::from_bits(1), f32::MAX, 1009), rsqrt, rsqrt, |x| 1.0 / x.sqrt());
		let mut gate = 0.0f64;
		let mut slope = 0.0f64;
		for (from, to) in [(-1e-30, -80.0), (1e-30, 80.0)] {
			gate = gate.max(worst(sweep(from, to, 1009), silu, silu, |x| x / (1.0 + (-x).exp())));
			// The slope has a zero near -1.278, so its error counts in units of one.
			for x in sweep(from, to, 1009) {
				let s = 1.0 / (1.0 + (-f64::from(x)).exp());
				let real = s * (1.0 + f64::from(x) * (1.0 - s));
				let value = silu_slope(x);
				assert_eq!(silu_slope(F32::from_bits(x.to_bits())).to_bits(), value.to_bits());
				slope = slope.max((f64::from(value) - real).abs() / f64::from(f32::EPSILON));
			}
		}
		println!("rsqrt: {root:.4} ulp; silu: {gate:.4} ulp; silu_slope: {slope:.4} epsilon");
		assert!(root < RSQRT_ULPS && gate < SILU_ULPS && slope < SLOPE_EPSILONS);
	}

	#[test]
	fn ends_should_be_zero_infinity_and_nan() {
		for (x, y) in [
			(-87.00001, 0.0),
			(f32::NEG_INFINITY, 0.0),
			(88.00001, f32::INFINITY),
			(f32::INFINITY, f32::INFINITY),
			(0.0, 1.0),
			(-0.0, 1.0),
		] {
			assert_eq!(exp(x).to_bits(), y.to_bits(), "exp {x}");
			assert_eq!(exp(F32::from_bits(x.to_bits())).to_bits(), y.to_bits(), "soft exp {x}");
		}
		assert!(exp(f32::NAN).is_nan() && exp(F32::from_bits(NAN)).is_nan());
		assert_eq!(ln(1.0f32).to_bits(), 0);
		assert_eq!(
			(ln(0.0f32), ln(-0.0f32), ln(f32::INFINITY)),
			(f32::NEG_INFINITY, f32::NEG_INFINITY, f32::INFINITY)
		);
		assert!(ln(-1.0f32).is_nan() && ln(f32::NAN).is_nan());
		assert_eq!((sigmoid(-1e30f32), sigmoid(1e30f32), silu(-1e30f32)), (0.0, 1.0, -0.0));
	}

	#[test]
	fn power_should_equal_repeated_products_when_they_are_exact() {
		assert_eq!(power(2.0f32, 0), 1.0);
		assert_eq!(power(2.0f32, 100), 2f32.powi(100));
		assert_eq!(power(-1.5f32, 5), -7.59375);
		assert_eq!(power(F32::from_i32(3), 14).to_bits(), 4_782_969f32.to_bits());
		assert_eq!(power(0.999f32, u32::MAX), 0.0);
	}
}
