//! Matrix products and vector scans with the processor's own instructions; the only crate of the workspace with
//! `unsafe` code.
//!
//! | module | operation |
//! | --- | --- |
//! | [`gemm`] | general `f32` matrix products over slices |
//! | [`product`] | products with a packed right-hand side: `f32`, bfloat16, eight-bit integers |
//! | [`scan`] | dot products of a query with many vectors of four or eight bits a number |
//!
//! Each operation has a portable version and faster ones. The version is chosen at run time by the features of the
//! processor, and tests compare every version with the portable one.
//!
//! Every `unsafe` block is of one of two kinds, and a comment says why it is sound: a call of a function compiled
//! for instructions that were just detected, or an access through a pointer into a slice whose length was just
//! checked.

pub mod gemm;
pub mod product;
pub mod scan;
