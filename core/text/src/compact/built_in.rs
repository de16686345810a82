//! The compact English encoder, part of the program: it needs no download.

use super::{CompactError, StaticEncoder};

/// The encoder's file, written by `nearsay distill`; its model card lies beside it.
pub const FILE: &[u8] = include_bytes!("../../assets/encoder.bin");

/// Opens the encoder.
///
/// # Errors
/// Never, unless the program itself is damaged.
pub fn encoder() -> Result<StaticEncoder<'static>, CompactError> {
    StaticEncoder::from_bytes(FILE)
}
