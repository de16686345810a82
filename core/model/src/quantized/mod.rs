//! Models with quantized weights, in one file.
//!
//! [`quantize`] makes the file from a sentence-transformers model, and [`QuantizedModel`] reads it: small files such
//! as `config.json` and `tokenizer.json`, and the tensors of a BERT transformer. Numbers are little-endian.
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | `NEARSAYQ` |
//! | 32 | SHA-256 of everything that follows |
//! | 4 | version, 1 |
//! | 4 | length of the header |
//! | | header, JSON: names and lengths of the files; names, formats and shapes of the tensors |
//! | | the files, then the tensors, in the order of the header, without gaps |
//!
//! | [`Format`] | tensor |
//! | --- | --- |
//! | `f32` | numbers |
//! | `int8` | an `f32` scale of each row, then a signed byte for each number: number = scale · byte |
//! | `int4` | blocks of 32 numbers: an `f16` scale and 16 bytes with numbers 0–15 in their low and 16–31 in their high halves: number = scale · (half − 8) |

mod build;
mod tensor;
#[cfg(test)]
mod tests;

pub use build::{quantize, quantize_int8, row_scale};
pub use tensor::{Format, QuantizedTensor};

use super::{BertConfig, ModelError, config::CONFIG, expected_tensors, to_hex};
use safetensors::{Dtype, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// First bytes of the file.
pub(super) const MAGIC: &[u8; 8] = b"NEARSAYQ";
const VERSION: u32 = 1;
/// Bytes before the header.
const PREFIX: usize = 48;
/// First byte that the hash covers.
const HASHED: usize = 40;
/// Size limit of the header in bytes.
const MAX_HEADER: usize = 1 << 20;

/// Name of the file in errors.
const FILE: &str = "the quantized model";

/// Contents of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    files: Vec<FileEntry>,
    tensors: Vec<TensorEntry>,
}

#[derive(Serialize, Deserialize)]
struct FileEntry {
    name: String,
    len: usize,
}

#[derive(Serialize, Deserialize)]
struct TensorEntry {
    name: String,
    format: Format,
    shape: Vec<usize>,
}

/// Position of a tensor in the file.
#[derive(Clone, Debug)]
struct Place {
    format: Format,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

/// A model with quantized weights, read without copying them.
#[derive(Clone)]
pub struct QuantizedModel {
    bytes: Cow<'static, [u8]>,
    files: BTreeMap<String, Range<usize>>,
    tensors: BTreeMap<String, Place>,
}

impl fmt::Debug for QuantizedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuantizedModel")
            .field("sha256", &self.sha256())
            .finish_non_exhaustive()
    }
}

fn invalid(reason: impl fmt::Display) -> ModelError {
    ModelError::invalid(FILE, reason)
}

impl QuantizedModel {
    /// Parses a file: verifies its hash, that the tensors are those of its `config.json`, and that all scales and
    /// numbers are finite.
    ///
    /// # Errors
    /// If one of the checks fails, or if the file has a newer version.
    pub fn parse(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, ModelError> {
        let bytes = bytes.into();
        let start = |range: Range<usize>| bytes.get(range).unwrap_or_default();
        if start(0..8) != MAGIC {
            return Err(invalid("it doesn't start like one"));
        }
        let (Some(version), Some(header)) =
            (start(40..44).first_chunk(), start(44..48).first_chunk())
        else {
            return Err(invalid("it is incomplete"));
        };
        if u32::from_le_bytes(*version) > VERSION {
            return Err(ModelError::unsupported(
                FILE,
                "it was made for a newer version of Nearsay; update Nearsay",
            ));
        }
        if Sha256::digest(&bytes[HASHED..]).as_slice() != &bytes[8..HASHED] {
            return Err(invalid("it is damaged: its hash is wrong"));
        }
        let header_len = u32::from_le_bytes(*header) as usize;
        let header_end = PREFIX + header_len.min(MAX_HEADER + 1);
        if header_len > MAX_HEADER || header_end > bytes.len() {
            return Err(invalid("its header is too long"));
        }
        let header: Header = serde_json::from_slice(&bytes[PREFIX..header_end])
            .map_err(|error| ModelError::malformed(FILE, error))?;
        let mut end = header_end;
        // Moves `end` behind the next part of the file.
        let mut next = |len: Option<usize>| {
            let from = end;
            end = len
                .and_then(|len| from.checked_add(len))
                .filter(|&end| end <= bytes.len())
                .ok_or_else(|| invalid("its header lists more than the file contains"))?;
            Ok::<_, ModelError>(from..end)
        };
        let (mut files, mut tensors) = (BTreeMap::new(), BTreeMap::new());
        for FileEntry { name, len } in header.files {
            if files.insert(name, next(Some(len))?).is_some() {
                return Err(invalid("it lists a file twice"));
            }
        }
        for TensorEntry {
            name,
            format,
            shape,
        } in header.tensors
        {
            let place = Place {
                format,
                bytes: next(format.len(&shape))?,
                shape,
            };
            if tensors.insert(name, place).is_some() {
                return Err(invalid("it lists a tensor twice"));
            }
        }
        if end != bytes.len() {
            return Err(invalid("it contains more than its header lists"));
        }
        let model = Self {
            bytes,
            files,
            tensors,
        };
        model.check_tensors()?;
        Ok(model)
    }

    /// Checks the tensors against the model's configuration.
    fn check_tensors(&self) -> Result<(), ModelError> {
        let config = self.file(CONFIG).ok_or_else(|| ModelError::Missing {
            file: CONFIG.into(),
        })?;
        for (name, shape) in expected_tensors(&BertConfig::from_json(config)?) {
            let Some(place) = self.tensors.get(&name) else {
                return Err(invalid(format_args!("tensor {name} is missing")));
            };
            if place.shape != shape {
                return Err(invalid(format_args!(
                    "{name} has shape {:?} instead of {shape:?}",
                    place.shape
                )));
            }
            if !self.view(place).is_finite() {
                return Err(invalid(format_args!(
                    "{name} contains a value that is not finite"
                )));
            }
        }
        Ok(())
    }

    /// Contents of a small file, for example `config.json`; `None` if there is no such file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|range| &self.bytes[range.clone()])
    }

    /// A tensor by its name in BERT models, for example `embeddings.word_embeddings.weight`; `None` if there is no
    /// such tensor.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<QuantizedTensor<'_>> {
        self.tensors.get(name).map(|place| self.view(place))
    }

    fn view(&self, place: &Place) -> QuantizedTensor<'_> {
        QuantizedTensor::new(
            place.format,
            place.shape.last().copied().unwrap_or(1),
            &self.bytes[place.bytes.clone()],
        )
    }

    /// SHA-256 of the contents, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        to_hex(&self.bytes[8..HASHED])
    }

    /// All tensors in `f32`, as a safetensors file.
    ///
    /// # Errors
    /// If the file can't be encoded.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ModelError> {
        let numbers: Vec<(&String, &Place, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, place)| {
                let numbers = self.view(place).to_f32();
                let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
                (name, place, bytes)
            })
            .collect();
        let views = numbers
            .iter()
            .map(|(name, place, bytes)| {
                let view = TensorView::new(Dtype::F32, place.shape.clone(), bytes)?;
                Ok((name.as_str(), view))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        views
            .and_then(|views| safetensors::serialize(views, None))
            .map_err(|error| ModelError::malformed(FILE, error))
    }
}
