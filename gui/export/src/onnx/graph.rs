//! A graph under construction. Values are referred to by name, as in ONNX.

use super::proto::{Attribute, DataType, Node};
use candle_core::{DType, Result, Tensor};

#[derive(Default)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node>,
    pub(super) weights: Vec<Weight<'a>>,
}

/// An initializer. The data is loaded when the file is written, so that memory holds one copy of the model.
pub(super) struct Weight<'a> {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) kind: DataType,
    /// Loads the data, little-endian.
    pub(super) bytes: Box<dyn Fn() -> Result<Vec<u8>> + 'a>,
}

impl<'a> Graph<'a> {
    /// Adds an operator and returns the name of its output.
    pub(super) fn add_node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[Attribute],
    ) -> String {
        let output = format!("{}_{}", operator.to_lowercase(), self.nodes.len());
        self.push_node(operator, inputs, attributes, &output);
        output
    }

    /// Makes a value an output of the graph, with this name.
    pub(super) fn set_output(&mut self, value: &str, name: &str) {
        self.push_node("Identity", &[value], &[], name);
    }

    fn push_node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[Attribute],
        output: &str,
    ) {
        self.nodes.push(Node {
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            name: format!("/{output}"),
            op_type: operator.into(),
            attribute: attributes.into(),
        });
    }

    /// Adds trained weights, converted to f32.
    pub(super) fn add_weight(
        &mut self,
        name: &str,
        shape: &[usize],
        load: impl Fn() -> Result<Tensor> + 'a,
    ) -> String {
        let bytes = move || {
            let numbers = load()?.to_dtype(DType::F32)?.flatten_all()?;
            let numbers = numbers.to_vec1::<f32>()?;
            Ok(numbers.iter().flat_map(|x| x.to_le_bytes()).collect())
        };
        self.add_initializer(name.into(), shape, DataType::Float, bytes)
    }

    /// Adds a scalar constant.
    pub(super) fn add_float(&mut self, x: f32) -> String {
        let name = format!("constant_{}", self.weights.len());
        self.add_initializer(name, &[], DataType::Float, move || {
            Ok(x.to_le_bytes().to_vec())
        })
    }

    /// Adds a constant list of integers, such as axes.
    pub(super) fn add_ints(&mut self, list: &[i64]) -> String {
        let name = format!("constant_{}", self.weights.len());
        let bytes: Vec<u8> = list.iter().flat_map(|i| i.to_le_bytes()).collect();
        self.add_initializer(name, &[list.len()], DataType::Int64, move || {
            Ok(bytes.clone())
        })
    }

    fn add_initializer(
        &mut self,
        name: String,
        shape: &[usize],
        kind: DataType,
        bytes: impl Fn() -> Result<Vec<u8>> + 'a,
    ) -> String {
        self.weights.push(Weight {
            name: name.clone(),
            shape: shape.into(),
            kind,
            bytes: Box::new(bytes),
        });
        name
    }

    /// Adds GELU: `x·Φ(x)`, with `Φ` the normal distribution.
    pub(super) fn add_gelu(&mut self, x: &str) -> String {
        let root = self.add_float(std::f32::consts::SQRT_2);
        let scaled = self.add_node("Div", &[x, &root], &[]);
        let erf = self.add_node("Erf", &[&scaled], &[]);
        self.add_half_of(x, &erf)
    }

    /// Adds the tanh approximation of GELU.
    pub(super) fn add_gelu_tanh(&mut self, x: &str) -> String {
        let square = self.add_node("Mul", &[x, x], &[]);
        let cube = self.add_node("Mul", &[&square, x], &[]);
        let [small, scale] =
            [0.044_715, (2.0 / std::f32::consts::PI).sqrt()].map(|x| self.add_float(x));
        let cube = self.add_node("Mul", &[&cube, &small], &[]);
        let inner = self.add_node("Add", &[x, &cube], &[]);
        let inner = self.add_node("Mul", &[&inner, &scale], &[]);
        let tanh = self.add_node("Tanh", &[&inner], &[]);
        self.add_half_of(x, &tanh)
    }

    /// Adds `x·(1 + part)/2`.
    fn add_half_of(&mut self, x: &str, part: &str) -> String {
        let [one, half] = [1.0, 0.5].map(|x| self.add_float(x));
        let part = self.add_node("Add", &[part, &one], &[]);
        let product = self.add_node("Mul", &[x, &part], &[]);
        self.add_node("Mul", &[&product, &half], &[])
    }
}
