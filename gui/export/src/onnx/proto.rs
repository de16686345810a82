//! The ONNX protobuf messages that a model needs, with ONNX's field names and numbers.
//!
//! Fields are `optional` where ONNX distinguishes zero from absent. Source: `onnx/onnx.proto` of ONNX 1.12 (IR
//! version 8).

use prost::Message;

/// `ModelProto`; its graph is field 7, written by [`file`](super::file).
#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(int64, tag = "1")]
    pub(super) ir_version: i64,
    #[prost(string, tag = "2")]
    pub(super) producer_name: String,
    #[prost(string, tag = "3")]
    pub(super) producer_version: String,
    #[prost(message, repeated, tag = "8")]
    pub(super) opset_import: Vec<OperatorSet>,
}

/// `OperatorSetIdProto`; an empty domain is the default one.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSet {
    #[prost(string, tag = "1")]
    pub(super) domain: String,
    #[prost(int64, tag = "2")]
    pub(super) version: i64,
}

/// `GraphProto`; its initializers are field 5, written by [`file`](super::file).
#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphParts {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "11")]
    pub(super) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(super) output: Vec<ValueInfo>,
}

/// `NodeProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<Attribute>,
}

/// `AttributeProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, optional, tag = "2")]
    f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    i: Option<i64>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    r#type: i32,
}

impl Attribute {
    pub(super) fn float(name: &str, f: f32) -> Self {
        Self {
            name: name.into(),
            f: Some(f),
            r#type: 1,
            ..Self::default()
        }
    }

    pub(super) fn int(name: &str, i: i64) -> Self {
        Self {
            name: name.into(),
            i: Some(i),
            r#type: 2,
            ..Self::default()
        }
    }

    pub(super) fn ints(name: &str, ints: &[i64]) -> Self {
        Self {
            name: name.into(),
            ints: ints.into(),
            r#type: 7,
            ..Self::default()
        }
    }
}

/// `TensorProto`; its data is field 9, written by [`file`](super::file).
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorParts {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(enumeration = "DataType", tag = "2")]
    pub(super) data_type: i32,
    #[prost(string, tag = "8")]
    pub(super) name: String,
}

/// `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(super) enum DataType {
    Undefined = 0,
    Float = 1,
    Int64 = 7,
}

/// `ValueInfoProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    r#type: Option<Type>,
}

/// `TypeProto`, of a tensor.
#[derive(Clone, PartialEq, Message)]
struct Type {
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorType>,
}

/// `TypeProto.Tensor`.
#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(enumeration = "DataType", tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

/// `TensorShapeProto.Dimension`.
#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(oneof = "Dim", tags = "1, 2")]
    value: Option<Dim>,
}

/// The size of a dimension: fixed, or a named variable.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub(super) enum Dim {
    #[prost(int64, tag = "1")]
    Value(i64),
    #[prost(string, tag = "2")]
    Param(String),
}

impl ValueInfo {
    /// An input or output tensor.
    pub(super) fn tensor(name: &str, kind: DataType, shape: impl IntoIterator<Item = Dim>) -> Self {
        let dimension = |value| Dimension { value: Some(value) };
        Self {
            name: name.into(),
            r#type: Some(Type {
                tensor_type: Some(TensorType {
                    elem_type: kind.into(),
                    shape: Some(Shape {
                        dim: shape.into_iter().map(dimension).collect(),
                    }),
                }),
            }),
        }
    }
}
