//! A model as the bytes of an ONNX file, written weight by weight.
//!
//! Protobuf says a message's length before it, and parts of a message may come in any order: so each message
//! is written as far as `prost` does it, and what is too large to be held twice comes behind.

use super::{
    graph::{Graph, Weight},
    proto::{GraphParts, Model, OperatorSet, TensorParts, ValueInfo},
};
use prost::{Message as _, encode_length_delimiter, length_delimiter_len};
use std::io::{self, Write};

/// Operators since 2022, with layer normalisation as one of them.
const OPSET: i64 = 17;
/// The version of the file format that goes with them.
const IR_VERSION: i64 = 8;

/// Fields that are bytes or messages, as protobuf writes them: number and kind in one byte.
const GRAPH: u8 = field(7);
const INITIALIZER: u8 = field(5);
const RAW_DATA: u8 = field(9);

const fn field(number: u8) -> u8 {
    number << 3 | 2
}

/// A model, ready to be written.
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
        let about = |weight: &Weight<'a>| TensorParts {
            dims: weight.shape.iter().map(|&n| n as i64).collect(),
            data_type: weight.kind.into(),
            name: weight.name.clone(),
        };
        let weights = graph.weights.into_iter();
        Self {
            model: model.encode_to_vec(),
            graph: parts.encode_to_vec(),
            weights: weights
                .map(|weight| (about(&weight).encode_to_vec(), weight))
                .collect(),
        }
    }

    /// Bytes it will take.
    pub(super) fn len(&self) -> usize {
        self.model.len() + inside(self.graph_len())
    }

    fn graph_len(&self) -> usize {
        let weights = self.weights.iter();
        let weights = weights.map(|(about, weight)| inside(about.len() + inside(weight.len())));
        self.graph.len() + weights.sum::<usize>()
    }

    pub(super) fn write(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        out.write_all(&self.model)?;
        begin(out, GRAPH, self.graph_len())?;
        out.write_all(&self.graph)?;
        for (about, weight) in &self.weights {
            begin(out, INITIALIZER, about.len() + inside(weight.len()))?;
            out.write_all(about)?;
            begin(out, RAW_DATA, weight.len())?;
            let bytes = (weight.bytes)().map_err(io::Error::other)?;
            if bytes.len() != weight.len() {
                let why = format!("{} has not the shape {:?}", weight.name, weight.shape);
                return Err(io::Error::other(why));
            }
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}

impl Weight<'_> {
    /// Bytes of its numbers.
    fn len(&self) -> usize {
        let size = match self.kind {
            super::proto::DataType::Int64 => 8,
            _ => 4,
        };
        self.shape.iter().product::<usize>() * size
    }
}

/// Length of a field with this many bytes in it.
fn inside(len: usize) -> usize {
    1 + length_delimiter_len(len) + len
}

/// The beginning of a field with this many bytes in it.
fn begin(out: &mut (dyn Write + Send), field: u8, len: usize) -> io::Result<()> {
    let mut head = vec![field];
    encode_length_delimiter(len, &mut head).map_err(io::Error::other)?;
    out.write_all(&head)
}
