//! The 32-bit words that products are made of.

use super::{detect, integers::Instructions};

/// 32 bits of a row or a column: one number, or several that one instruction multiplies pairwise and sums.
pub trait Word: Copy + Default + Send + Sync + 'static {
    /// Numbers in a word.
    const NUMBERS: usize;
    /// Type of a sum of products.
    type Sum: Copy + Default + std::ops::AddAssign;
    /// Whether this processor has the instruction for these words.
    fn is_accelerated() -> bool;
    /// Sum of the pairwise products of the numbers of two words, as the instruction computes it.
    fn dot(left: Self, right: Self) -> Self::Sum;
}

impl Word for f32 {
    const NUMBERS: usize = 1;
    type Sum = f32;

    fn is_accelerated() -> bool {
        detect::avx512f()
    }

    fn dot(left: Self, right: Self) -> f32 {
        left * right
    }
}

/// Two bfloat16 numbers, each the upper half of an `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(4))]
pub struct Pair(pub [u16; 2]);

impl Word for Pair {
    const NUMBERS: usize = 2;
    type Sum = f32;

    fn is_accelerated() -> bool {
        detect::bf16()
    }

    fn dot(left: Self, right: Self) -> f32 {
        let product = |n: usize| from_bf16(left.0[n]) * from_bf16(right.0[n]);
        product(0) + product(1)
    }
}

/// Rounds a number to the nearest bfloat16, ties to even. The result for NaN is unspecified.
#[inline]
pub fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// Widens a bfloat16 to `f32`.
#[inline]
pub(super) fn from_bf16(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}

/// Four eight-bit integers: unsigned in the left-hand side, signed in the right-hand side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(4))]
pub struct Quad(pub [u8; 4]);

impl Word for Quad {
    const NUMBERS: usize = 4;
    type Sum = i32;

    fn is_accelerated() -> bool {
        Instructions::best() != Instructions::Portable
    }

    fn dot(left: Self, right: Self) -> i32 {
        let product = |n: usize| i32::from(left.0[n]) * i32::from(right.0[n].cast_signed());
        product(0) + product(1) + product(2) + product(3)
    }
}
