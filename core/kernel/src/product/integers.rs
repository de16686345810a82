//! Products of eight-bit integers, with the best instructions of the processor.

#[cfg(all(target_arch = "aarch64", not(miri)))]
use super::aarch64;
use super::{Output, Panels, Quad, check_lengths, detect, product_portable};
#[cfg(all(target_arch = "x86_64", not(miri)))]
use super::{avx2, x86};

/// Largest integer that the left-hand side of a product may contain.
///
/// Sums of two products with signed integers then fit 16 bits, as AVX2 needs, and the integers of both sides have a
/// signed representation, as ARM needs. All processors compute equal sums.
pub const MAX_LEFT: u8 = 127;

/// Instructions for products of eight-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instructions {
    /// `vpdpbusd` on 512 bits.
    Avx512Vnni,
    /// `vpdpbusd` on 256 bits.
    AvxVnni,
    /// `vpmaddubsw` and `vpmaddwd`.
    Avx2,
    /// `sdot`.
    ArmDot,
    /// Loops that the compiler vectorises.
    Portable,
}

impl Instructions {
    /// All instructions, the fastest first.
    const ALL: [Self; 5] = [
        Self::Avx512Vnni,
        Self::AvxVnni,
        Self::Avx2,
        Self::ArmDot,
        Self::Portable,
    ];

    /// Whether this processor has the instructions.
    pub(super) fn are_available(self) -> bool {
        match self {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx512Vnni => detect::avx512_vnni(),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::AvxVnni => detect::avx_vnni(),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx2 => detect::avx2(),
            #[cfg(all(target_arch = "aarch64", not(miri)))]
            Self::ArmDot => detect::dotprod(),
            Self::Portable => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// The fastest instructions of this processor.
    pub(super) fn best() -> Self {
        let available = Self::ALL.into_iter().find(|found| found.are_available());
        available.unwrap_or(Self::Portable)
    }

    /// All instructions of this processor.
    #[cfg(test)]
    pub(super) fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|found| found.are_available())
    }
}

/// Multiplies eight-bit integers. Sums can't overflow up to a depth of 16,000 words.
///
/// `left` is `[rows, depth]` in words and `result` is `[rows, columns]`, both row-major. No integer of `left` may be
/// greater than [`MAX_LEFT`]; the sums of larger ones differ between processors.
///
/// # Panics
/// If a length doesn't match the panels.
pub fn product_i8(left: &[Quad], right: &Panels<Quad>, output: Output<'_>, result: &mut [f32]) {
    product_i8_with(Instructions::best(), left, right, output, result);
}

/// [`product_i8`] with given instructions, or with portable code if this processor lacks them.
pub(super) fn product_i8_with(
    instructions: Instructions,
    left: &[Quad],
    right: &Panels<Quad>,
    output: Output<'_>,
    result: &mut [f32],
) {
    let rows = check_lengths(left.len(), right, output, result.len());
    if !instructions.are_available() {
        return product_portable(left, rows, right, output, result);
    }
    // SAFETY of the calls below: the instructions have just been detected, and `check_lengths` has checked all slices
    // against `rows`, as the kernels require.
    match instructions {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: see above.
        Instructions::Avx512Vnni => unsafe { x86::i8(left, rows, right, output, result) },
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: see above.
        Instructions::AvxVnni => unsafe { avx2::i8_vnni(left, rows, right, output, result) },
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: see above.
        Instructions::Avx2 => unsafe { avx2::i8_madd(left, rows, right, output, result) },
        #[cfg(all(target_arch = "aarch64", not(miri)))]
        // SAFETY: see above.
        Instructions::ArmDot => unsafe { aarch64::i8(left, rows, right, output, result) },
        _ => product_portable(left, rows, right, output, result),
    }
}
