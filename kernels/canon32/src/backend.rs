//! Which instructions the loops are compiled to.

/// Which instructions the loops are compiled to. All give the same bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Backend {
	/// The target's baseline, everywhere.
	Scalar,
	/// x86-64 with AVX2.
	Avx2,
}

impl Backend {
	/// Whether this machine can run it.
	pub fn is_available(self) -> bool {
		match self {
			Self::Scalar => true,
			#[cfg(target_arch = "x86_64")]
			Self::Avx2 => std::is_x86_feature_detected!("avx2"),
			#[cfg(not(target_arch = "x86_64"))]
			Self::Avx2 => false,
		}
	}

	/// The fastest that this machine can run.
	pub fn best() -> Self {
		if Self::Avx2.is_available() {
			Self::Avx2
		} else {
			Self::Scalar
		}
	}
}

/// Compiles a loop once for each [`Backend`] and gives a function that chooses by its first argument.
///
/// A macro because neither generics nor closures can pass a target feature on: the body has to be inlined into a
/// function that has it. There is no second source: what a vector unit runs is the scalar loop, whose operations the
/// compiler may place side by side but neither fuse nor reorder.
macro_rules! vectorised {
	(
		$(#[$meta:meta])*
		$visibility:vis fn $name:ident<T: Real>($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
	) => {
		$(#[$meta])*
		$visibility fn $name<T: Real>(backend: $crate::Backend, $($argument: $type),*) $(-> $result)? {
			#[inline(always)]
			fn body<T: Real>($($argument: $type),*) $(-> $result)? $body

			#[cfg(target_arch = "x86_64")]
			#[target_feature(enable = "avx2")]
			fn avx2<T: Real>($($argument: $type),*) $(-> $result)? {
				body($($argument),*)
			}

			match backend {
				#[cfg(target_arch = "x86_64")]
				$crate::Backend::Avx2 => {
					assert!(backend.is_available(), "this machine has no AVX2");
					// SAFETY: just checked.
					unsafe { avx2($($argument),*) }
				},
				_ => body($($argument),*),
			}
		}
	};
}
pub(crate) use vectorised;
