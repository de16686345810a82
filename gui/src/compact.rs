//! The compact encoder, built into the program: it works at the first start, without a download.

use crate::trouble::Trouble;
use nearsay_core::compact::StaticEncoder;

/// The file of `assets/compact`, made by `nearsay distill`.
pub use nearsay_core::compact::ENGLISH as FILE;

/// The encoder.
///
/// # Errors
/// Never, unless the program itself is damaged.
pub fn encoder() -> Result<StaticEncoder<'static>, Trouble> {
    StaticEncoder::from_bytes(FILE).map_err(|error| {
        Trouble::new(
            format_args!("the encoder built into this program is damaged: {error}"),
            "Install Nearsay again.",
        )
    })
}
