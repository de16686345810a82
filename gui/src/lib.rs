//! Nearsay.

pub mod obtain;
