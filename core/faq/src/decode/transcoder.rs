//! Conversion of a stream to UTF-8.

use super::Encoding;
use std::io::{self, BufRead, Read};

/// Reader that converts a stream to UTF-8.
///
/// Undecodable input becomes bytes that aren't valid UTF-8, so that later stages report its line
/// the same way as in a UTF-8 file.
pub(crate) struct Transcoder<R> {
    inner: R,
    encoding: Encoding,
    /// First byte of a UTF-16 unit whose second byte is in the next chunk.
    odd: Option<u8>,
    /// High surrogate that waits for its low surrogate.
    high: Option<u16>,
    /// Decoder of an encoding before Unicode.
    old: Option<encoding_rs::Decoder>,
    /// First bytes of a UTF-32 unit whose last byte is in the next chunk.
    partial: Vec<u8>,
    out: Vec<u8>,
    /// Bytes of `out` already read.
    position: usize,
}

impl<R: BufRead> Transcoder<R> {
    pub(crate) fn new(inner: R, encoding: Encoding) -> Self {
        Self {
            inner,
            encoding,
            odd: None,
            high: None,
            old: encoding.old_decoder(),
            partial: Vec::new(),
            out: Vec::new(),
            position: 0,
        }
    }

    /// Decodes the next chunk into `out`, which stays empty only at the end of the stream.
    fn refill(&mut self) -> io::Result<()> {
        /// Maximum chunk size: a reader over memory returns its whole content as one chunk.
        const CHUNK: usize = 1 << 16;
        self.out.clear();
        self.position = 0;
        while self.out.is_empty() {
            let chunk = match self.inner.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let chunk = chunk.get(..CHUNK).unwrap_or(chunk);
            let length = chunk.len();
            if length == 0 {
                if let Some(high) = self.high.take() {
                    push_surrogate(&mut self.out, high);
                }
                if self.odd.take().is_some() || !self.partial.is_empty() {
                    self.partial.clear();
                    self.out.push(0xff);
                }
                if let Some(mut decoder) = self.old.take() {
                    push_decoded(&mut self.out, &mut decoder, &[], true);
                }
                return Ok(());
            }
            if let Some(decoder) = &mut self.old {
                push_decoded(&mut self.out, decoder, chunk, false);
                self.inner.consume(length);
                continue;
            }
            for &byte in chunk {
                let unit = match (self.encoding, self.odd.take()) {
                    (Encoding::Utf8, _) => {
                        self.out.push(byte);
                        continue;
                    }
                    (Encoding::Utf32Le | Encoding::Utf32Be, _) => {
                        self.partial.push(byte);
                        if let [a, b, c, d] = self.partial[..] {
                            let unit = if self.encoding == Encoding::Utf32Le {
                                u32::from_le_bytes([a, b, c, d])
                            } else {
                                u32::from_be_bytes([a, b, c, d])
                            };
                            self.partial.clear();
                            match char::from_u32(unit) {
                                Some(c) => push_char(&mut self.out, c),
                                None => self.out.push(0xff),
                            }
                        }
                        continue;
                    }
                    (_, None) => {
                        self.odd = Some(byte);
                        continue;
                    }
                    (Encoding::Utf16Be, Some(first)) => u16::from_be_bytes([first, byte]),
                    (_, Some(first)) => u16::from_le_bytes([first, byte]),
                };
                push_unit(&mut self.out, &mut self.high, unit);
            }
            self.inner.consume(length);
        }
        Ok(())
    }
}

/// Decodes bytes of an old encoding; undecodable ones become replacement characters.
fn push_decoded(out: &mut Vec<u8>, decoder: &mut encoding_rs::Decoder, bytes: &[u8], last: bool) {
    let Some(room) = decoder.max_utf8_buffer_length(bytes.len()) else {
        return;
    };
    let from = out.len();
    out.resize(from + room, 0);
    let buffer = out.get_mut(from..).unwrap_or_default();
    let (_, _, written, _) = decoder.decode_to_utf8(bytes, buffer, last);
    out.truncate(from + written);
}

fn push_unit(out: &mut Vec<u8>, high: &mut Option<u16>, unit: u16) {
    if let Some(first) = high.take() {
        if let Some(Ok(c)) = char::decode_utf16([first, unit]).next() {
            push_char(out, c);
            return;
        }
        push_surrogate(out, first);
    }
    match char::from_u32(u32::from(unit)) {
        Some(c) => push_char(out, c),
        None if unit < 0xdc00 => *high = Some(unit),
        None => push_surrogate(out, unit),
    }
}

fn push_char(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Appends a lone surrogate in the three-byte form that UTF-8 forbids.
fn push_surrogate(out: &mut Vec<u8>, unit: u16) {
    let [high, low] = unit.to_be_bytes();
    out.extend_from_slice(&[
        0xe0 | high >> 4,
        0x80 | (high & 0xf) << 2 | low >> 6,
        0x80 | low & 0x3f,
    ]);
}

impl<R: BufRead> Read for Transcoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.out.len() {
            self.refill()?;
        }
        let mut rest = self.out.get(self.position..).unwrap_or_default();
        let length = rest.read(into)?;
        self.position += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn decode(bytes: &[u8], encoding: Encoding, chunk: usize) -> Vec<u8> {
        let mut out = Vec::new();
        Transcoder::new(BufReader::with_capacity(chunk, bytes), encoding)
            .read_to_end(&mut out)
            .unwrap();
        out
    }

    #[test]
    fn transcoder_decodes_windows_1252_punctuation() {
        assert_eq!(
            decode(b"\x93caf\xe9\x94 5 \x80", Encoding::Windows1252, 3),
            "“café” 5 €".as_bytes()
        );
    }

    #[test]
    fn transcoder_turns_lone_surrogates_into_invalid_utf8() {
        for bytes in [
            &b"a\0\x3d\xd8b\0"[..],
            b"a\0\0\xdeb\0",
            b"a\0\x3d\xd8",
            b"a\0b",
        ] {
            let out = decode(bytes, Encoding::Utf16Le, 8);
            assert!(out.starts_with(b"a"));
            assert!(core::str::from_utf8(&out).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn transcoder_round_trips_utf16(text in any::<String>(), chunk in 1usize..9) {
            let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            prop_assert_eq!(decode(&le, Encoding::Utf16Le, chunk), text.as_bytes());
            prop_assert_eq!(decode(&be, Encoding::Utf16Be, chunk), text.as_bytes());
        }
    }
}
