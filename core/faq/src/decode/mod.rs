//! Decoding: from bytes in any supported encoding to UTF-8.

mod encoding;
mod transcoder;

pub use encoding::Encoding;
pub(crate) use encoding::{could_be_windows_1252, decode_record, windows_1252_char};
pub(crate) use transcoder::Transcoder;
