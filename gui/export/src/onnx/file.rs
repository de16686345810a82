//! Writes an ONNX file weight by weight, so that memory never holds a second copy of the model.
//!
//! Protobuf puts a message's length first and allows fields in any order. `prost` encodes the small fields of each
//! message; the large ones follow.

use super::{
    graph::{Graph, Weight},
    proto::{GraphParts, Model, OperatorSet, TensorParts, ValueInfo},
};
use prost::{Message as _, encode_length_delimiter, length_delimiter_len};
use std::io::{self, Write};

/// Operator set of 2022, the first with layer normalisation.
const OPSET: i64 = 17;
/// File format version for this operator set.
const IR_VERSION: i64 = 8;

/// Protobuf tags of length-delimited fields.
const GRAPH: u8 = tag_of(7);
const INITIALIZER: u8 = tag_of(5);
const RAW_DATA: u8 = tag_of(9);

const fn tag_of(number: u8) -> u8 {
    number << 3 | 2
}

/// A model ready to be written.
pub(super) struct OnnxFile<'a> {
    model: Vec<u8>,
    graph: Vec<u8>,
    weights: Vec<(Vec<u8>, Weight<'a>)>,
}

impl<'a> OnnxFile<'a> {
    pub(super) fn new(graph: Graph<'a>, inputs: Vec<ValueInfo>, outputs: Vec<ValueInfo>) -> Self {
        let model = Model {
            ir_version: IR_VERSION,
            producer_name: "nearsay".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            opset_import: vec![OperatorSet {
                domain: String::new(),
                version: OPSET,
            }],
        };
        let parts = GraphParts {
            node: graph.nodes,
            name: "encoder".into(),
            input: inputs,
            output: outputs,
        };
        let header_of = |weight: &Weight<'a>| TensorParts {
            dims: weight.shape.iter().map(|&n| n as i64).collect(),
            data_type: weight.kind.into(),
            name: weight.name.clone(),
        };
        let weights = graph.weights.into_iter();
        Self {
            model: model.encode_to_vec(),
            graph: parts.encode_to_vec(),
            weights: weights
                .map(|weight| (header_of(&weight).encode_to_vec(), weight))
                .collect(),
        }
    }

    /// Size of the file in bytes.
    pub(super) fn len(&self) -> usize {
        self.model.len() + delimited_len(self.graph_len())
    }

    fn graph_len(&self) -> usize {
        let weights = self.weights.iter();
        let weights = weights
            .map(|(header, weight)| delimited_len(header.len() + delimited_len(weight.len())));
        self.graph.len() + weights.sum::<usize>()
    }

    pub(super) fn write(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        out.write_all(&self.model)?;
        write_field_header(out, GRAPH, self.graph_len())?;
        out.write_all(&self.graph)?;
        for (header, weight) in &self.weights {
            write_field_header(out, INITIALIZER, header.len() + delimited_len(weight.len()))?;
            out.write_all(header)?;
            write_field_header(out, RAW_DATA, weight.len())?;
            let bytes = (weight.bytes)().map_err(io::Error::other)?;
            if bytes.len() != weight.len() {
                return Err(io::Error::other(format!(
                    "{} doesn't have the shape {:?}",
                    weight.name, weight.shape
                )));
            }
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}

impl Weight<'_> {
    /// Size of the data in bytes.
    fn len(&self) -> usize {
        let size = match self.kind {
            super::proto::DataType::Int64 => 8,
            _ => 4,
        };
        self.shape.iter().product::<usize>() * size
    }
}

/// Encoded length of a field with `len` bytes of content.
fn delimited_len(len: usize) -> usize {
    1 + length_delimiter_len(len) + len
}

/// Writes the tag and length of a field with `len` bytes of content.
fn write_field_header(out: &mut (dyn Write + Send), field: u8, len: usize) -> io::Result<()> {
    let mut head = vec![field];
    encode_length_delimiter(len, &mut head).map_err(io::Error::other)?;
    out.write_all(&head)
}
