//! A graph while it is being built. As in ONNX, a value is known by its name.

use super::proto::{Attribute, DataType, Node};
use candle_core::{DType, Result, Tensor};

#[derive(Default)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node>,
    pub(super) weights: Vec<Weight<'a>>,
}

/// An initializer. Its numbers are made when they are written, so that a model is in memory once.
pub(super) struct Weight<'a> {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) kind: DataType,
    /// As little-endian bytes.
    pub(super) bytes: Box<dyn Fn() -> Result<Vec<u8>> + 'a>,
}

impl<'a> Graph<'a> {
    /// What an operator makes of its inputs.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[Attribute],
    ) -> String {
        let output = format!("{}_{}", operator.to_lowercase(), self.nodes.len());
        self.push(operator, inputs, attributes, &output);
        output
    }

    /// Gives a value the name by which it comes out.
    pub(super) fn output(&mut self, value: &str, name: &str) {
        self.push("Identity", &[value], &[], name);
    }

    fn push(&mut self, operator: &str, inputs: &[&str], attributes: &[Attribute], output: &str) {
        self.nodes.push(Node {
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            name: format!("/{output}"),
            op_type: operator.into(),
            attribute: attributes.into(),
        });
    }

    /// Learned numbers of this shape, written as 32-bit floats whatever they are stored in.
    pub(super) fn weight(
        &mut self,
        name: &str,
        shape: &[usize],
        make: impl Fn() -> Result<Tensor> + 'a,
    ) -> String {
        let bytes = move || {
            let numbers = make()?.to_dtype(DType::F32)?.flatten_all()?;
            let numbers = numbers.to_vec1::<f32>()?;
            Ok(numbers.iter().flat_map(|x| x.to_le_bytes()).collect())
        };
        self.initializer(name.into(), shape, DataType::Float, bytes)
    }

    /// One number.
    pub(super) fn float(&mut self, x: f32) -> String {
        let name = format!("constant_{}", self.weights.len());
        self.initializer(name, &[], DataType::Float, move || {
            Ok(x.to_le_bytes().to_vec())
        })
    }

    /// A list of whole numbers, such as axes.
    pub(super) fn ints(&mut self, list: &[i64]) -> String {
        let name = format!("constant_{}", self.weights.len());
        let bytes: Vec<u8> = list.iter().flat_map(|i| i.to_le_bytes()).collect();
        self.initializer(name, &[list.len()], DataType::Int64, move || {
            Ok(bytes.clone())
        })
    }

    fn initializer(
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

    /// `x·Φ(x)` with the normal distribution `Φ` itself.
    pub(super) fn gelu(&mut self, x: &str) -> String {
        let root = self.float(std::f32::consts::SQRT_2);
        let scaled = self.node("Div", &[x, &root], &[]);
        let erf = self.node("Erf", &[&scaled], &[]);
        self.half_of(x, &erf)
    }

    /// The same, approximated by `tanh`.
    pub(super) fn gelu_tanh(&mut self, x: &str) -> String {
        let square = self.node("Mul", &[x, x], &[]);
        let cube = self.node("Mul", &[&square, x], &[]);
        let [small, scale] =
            [0.044_715, (2.0 / std::f32::consts::PI).sqrt()].map(|x| self.float(x));
        let cube = self.node("Mul", &[&cube, &small], &[]);
        let inner = self.node("Add", &[x, &cube], &[]);
        let inner = self.node("Mul", &[&inner, &scale], &[]);
        let tanh = self.node("Tanh", &[&inner], &[]);
        self.half_of(x, &tanh)
    }

    /// `x·(1 + part)/2`.
    fn half_of(&mut self, x: &str, part: &str) -> String {
        let [one, half] = [1.0, 0.5].map(|x| self.float(x));
        let part = self.node("Add", &[part, &one], &[]);
        let product = self.node("Mul", &[x, &part], &[]);
        self.node("Mul", &[&product, &half], &[])
    }
}
