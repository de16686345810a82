//! The processor's own instructions: the only module of this crate with `unsafe` in it.
//!
//! Everything else computes through `gemm` and `pulp`, which choose vector instructions at run time.
//! `pulp` is safe; `gemm` takes raw pointers, so that its products of slices are here too. Those two
//! know neither the dot products of eight-bit integers (AVX-512 VNNI) nor those of bfloat16 (AVX-512
//! BF16), which are two to four times faster than any `f32` product can be. Each file of our own kernels
//! has one operation, in a plain version that runs everywhere and in the fast ones; which of them runs
//! is found out once, when the program runs. The plain version is what the others are tested against.
//!
//! The `unsafe` here is of two kinds, and each block says why it is sound: calling a function compiled
//! for instructions that were just found to be there, and reading or writing through a pointer into a
//! slice whose length was just checked.

pub mod gemm;
pub mod product;
pub mod scan;
