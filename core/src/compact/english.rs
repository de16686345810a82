use super::{CompactError, StaticEncoder};

/// The file of the built-in English encoder, in the format of [`CompactFile`](super::CompactFile).
///
/// Made by `nearsay distill` from `all-MiniLM-L6-v2`; its card lies beside it in the assets.
pub static ENGLISH: &[u8] = include_bytes!("../../../assets/compact/encoder.bin");

impl StaticEncoder<'static> {
    /// The built-in English encoder.
    ///
    /// # Errors
    /// When the program file is damaged.
    pub fn english() -> Result<Self, CompactError> {
        Self::from_bytes(ENGLISH)
    }
}
