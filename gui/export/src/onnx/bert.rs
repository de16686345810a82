//! BERT's network: token ids in, a vector for each token out.
//!
//! Source: Devlin et al., “BERT: Pre-training of Deep Bidirectional Transformers”, 2018; the operators in the
//! order in which ONNX Runtime knows to join them.

use super::{graph::Graph, proto::Attribute};
use candle_core::{Device, Result, safetensors::SliceSafetensors};
use nearsay_model::{Activation, BertConfig};

/// Added to the attention of tokens that only fill up: e to the power of it is 0.
const NEVER: f32 = -1e9;

/// The network's weights and how they lie in their file.
#[derive(Clone, Copy)]
pub(super) struct Bert<'a> {
    pub(super) config: &'a BertConfig,
    pub(super) file: &'a SliceSafetensors<'a>,
    /// Stands before all names in the file.
    pub(super) prefix: &'a str,
}

impl<'a> Bert<'a> {
    /// `ids` `[batch, sequence]`, `mask` the same in floats → `[batch, sequence, hidden_size]`.
    pub(super) fn hidden(self, graph: &mut Graph<'a>, ids: &str, mask: &str) -> Result<String> {
        let mut x = self.embeddings(graph, ids)?;
        let bias = mask_bias(graph, mask);
        for layer in 0..self.config.layers {
            let name = |part: &str| format!("encoder.layer.{layer}.{part}");
            let attention = self.attention(graph, &x, &bias, &name("attention"))?;
            let inner = self.linear(graph, &attention, &name("intermediate.dense"))?;
            let inner = match self.config.activation {
                Activation::Gelu => graph.gelu(&inner),
                Activation::GeluTanh => graph.gelu_tanh(&inner),
                Activation::Relu => graph.node("Relu", &[&inner], &[]),
            };
            let outer = self.linear(graph, &inner, &name("output.dense"))?;
            x = self.add_and_norm(graph, &outer, &attention, &name("output.LayerNorm"))?;
        }
        Ok(x)
    }

    /// What a token and its place mean.
    fn embeddings(self, graph: &mut Graph<'a>, ids: &str) -> Result<String> {
        let words = self.weight(graph, "embeddings.word_embeddings.weight")?;
        let places = self.weight(graph, "embeddings.position_embeddings.weight")?;
        let kind = self.first_type(graph)?;
        let words = graph.node("Gather", &[&words, ids], &[]);
        let only = [Attribute::int("start", 1), Attribute::int("end", 2)];
        let length = graph.node("Shape", &[ids], &only);
        let zero = graph.ints(&[0]);
        let places = graph.node("Slice", &[&places, &zero, &length, &zero], &[]);
        let around = graph.node("Add", &[&places, &kind], &[]);
        self.add_and_norm(graph, &words, &around, "embeddings.LayerNorm")
    }

    fn attention(self, graph: &mut Graph<'a>, x: &str, bias: &str, name: &str) -> Result<String> {
        let config = self.config;
        let dim = config.hidden_size / config.heads;
        let split = graph.ints(&[0, 0, config.heads as i64, dim as i64]);
        let mut part = |part: &str, order: &[i64]| -> Result<String> {
            let y = self.linear(graph, x, &format!("{name}.self.{part}"))?;
            let y = graph.node("Reshape", &[&y, &split], &[]);
            Ok(graph.node("Transpose", &[&y], &[Attribute::ints("perm", order)]))
        };
        let query = part("query", &[0, 2, 1, 3])?;
        // Already turned over for the product.
        let key = part("key", &[0, 2, 3, 1])?;
        let value = part("value", &[0, 2, 1, 3])?;
        let scores = graph.node("MatMul", &[&query, &key], &[]);
        let scale = graph.float((dim as f32).sqrt());
        let scores = graph.node("Div", &[&scores, &scale], &[]);
        let scores = graph.node("Add", &[&scores, bias], &[]);
        let shares = graph.node("Softmax", &[&scores], &[Attribute::int("axis", -1)]);
        let context = graph.node("MatMul", &[&shares, &value], &[]);
        let order = Attribute::ints("perm", &[0, 2, 1, 3]);
        let context = graph.node("Transpose", &[&context], &[order]);
        let joined = graph.ints(&[0, 0, config.hidden_size as i64]);
        let context = graph.node("Reshape", &[&context, &joined], &[]);
        let context = self.linear(graph, &context, &format!("{name}.output.dense"))?;
        self.add_and_norm(graph, &context, x, &format!("{name}.output.LayerNorm"))
    }

    /// `x·Wᵀ + b`.
    fn linear(self, graph: &mut Graph<'a>, x: &str, name: &str) -> Result<String> {
        let weight = self.turned(graph, &format!("{name}.weight"))?;
        let bias = self.weight(graph, &format!("{name}.bias"))?;
        let product = graph.node("MatMul", &[x, &weight], &[]);
        Ok(graph.node("Add", &[&product, &bias], &[]))
    }

    fn add_and_norm(self, graph: &mut Graph<'a>, x: &str, y: &str, name: &str) -> Result<String> {
        let sum = graph.node("Add", &[x, y], &[]);
        let scale = self.weight(graph, &format!("{name}.weight"))?;
        let bias = self.weight(graph, &format!("{name}.bias"))?;
        let settings = [
            Attribute::int("axis", -1),
            Attribute::float("epsilon", self.config.layer_norm_eps as f32),
        ];
        Ok(graph.node("LayerNormalization", &[&sum, &scale, &bias], &settings))
    }

    /// Weights as they are stored.
    fn weight(self, graph: &mut Graph<'a>, name: &str) -> Result<String> {
        let stored = format!("{}{name}", self.prefix);
        let shape = self.file.get(&stored)?.shape().to_vec();
        let load = move || self.file.load(&stored, &Device::Cpu);
        Ok(graph.weight(name, &shape, load))
    }

    /// A matrix with its rows as columns: `x·Wᵀ` is a product with that.
    fn turned(self, graph: &mut Graph<'a>, name: &str) -> Result<String> {
        let stored = format!("{}{name}", self.prefix);
        let mut shape = self.file.get(&stored)?.shape().to_vec();
        shape.reverse();
        let load = move || self.file.load(&stored, &Device::Cpu)?.t();
        Ok(graph.weight(name, &shape, load))
    }

    /// The row of the first token type, the one that every single text has.
    fn first_type(self, graph: &mut Graph<'a>) -> Result<String> {
        let name = "embeddings.token_type_embeddings.weight";
        let stored = format!("{}{name}", self.prefix);
        let shape = self.file.get(&stored)?.shape().to_vec();
        let load = move || self.file.load(&stored, &Device::Cpu)?.get(0);
        Ok(graph.weight(name, shape.get(1..).unwrap_or_default(), load))
    }
}

/// 0 for each token, [`NEVER`] for each that fills up: `[batch, 1, 1, sequence]`.
fn mask_bias(graph: &mut Graph<'_>, mask: &str) -> String {
    let [one, never] = [1.0, NEVER].map(|x| graph.float(x));
    let filling = graph.node("Sub", &[&one, mask], &[]);
    let bias = graph.node("Mul", &[&filling, &never], &[]);
    let axes = graph.ints(&[1, 2]);
    graph.node("Unsqueeze", &[&bias, &axes], &[])
}
