//! The graph of a BERT transformer: token ids in, token embeddings out.
//!
//! Operators are in the order that ONNX Runtime's fusions recognise. Source: Devlin et al., “BERT: Pre-training of Deep
//! Bidirectional Transformers”, 2018.

use super::{graph::Graph, proto::Attribute};
use candle_core::{Device, Result, safetensors::SliceSafetensors};
use nearsay_model::{Activation, BertConfig};

/// Added to the attention scores of padding; its exponential is 0 in f32.
const MASKED: f32 = -1e9;

/// A transformer's configuration and weights.
#[derive(Clone, Copy)]
pub(super) struct Bert<'a> {
    pub(super) config: &'a BertConfig,
    pub(super) file: &'a SliceSafetensors<'a>,
    /// Prefix of the tensor names in the file.
    pub(super) prefix: &'a str,
}

impl<'a> Bert<'a> {
    /// Adds the transformer: `ids` `[batch, sequence]`, `mask` `[batch, sequence]` in f32 →
    /// `[batch, sequence, hidden_size]`.
    pub(super) fn add_transformer(
        self,
        graph: &mut Graph<'a>,
        ids: &str,
        mask: &str,
    ) -> Result<String> {
        let mut x = self.add_embeddings(graph, ids)?;
        let bias = add_mask_bias(graph, mask);
        for layer in 0..self.config.layers {
            let name = |part: &str| format!("encoder.layer.{layer}.{part}");
            let attention = self.add_attention(graph, &x, &bias, &name("attention"))?;
            let inner = self.add_linear(graph, &attention, &name("intermediate.dense"))?;
            let inner = match self.config.activation {
                Activation::Gelu => graph.add_gelu(&inner),
                Activation::GeluTanh => graph.add_gelu_tanh(&inner),
                Activation::Relu => graph.add_node("Relu", &[&inner], &[]),
            };
            let outer = self.add_linear(graph, &inner, &name("output.dense"))?;
            x = self.add_and_norm(graph, &outer, &attention, &name("output.LayerNorm"))?;
        }
        Ok(x)
    }

    /// Adds the sum of token, position and type embeddings.
    fn add_embeddings(self, graph: &mut Graph<'a>, ids: &str) -> Result<String> {
        let words = self.add_weight(graph, "embeddings.word_embeddings.weight")?;
        let positions = self.add_weight(graph, "embeddings.position_embeddings.weight")?;
        let token_type = self.add_token_type(graph)?;
        let words = graph.add_node("Gather", &[&words, ids], &[]);
        let range = [Attribute::int("start", 1), Attribute::int("end", 2)];
        let length = graph.add_node("Shape", &[ids], &range);
        let zero = graph.add_ints(&[0]);
        let positions = graph.add_node("Slice", &[&positions, &zero, &length, &zero], &[]);
        let offset = graph.add_node("Add", &[&positions, &token_type], &[]);
        self.add_and_norm(graph, &words, &offset, "embeddings.LayerNorm")
    }

    fn add_attention(
        self,
        graph: &mut Graph<'a>,
        x: &str,
        bias: &str,
        name: &str,
    ) -> Result<String> {
        let config = self.config;
        let dim = config.hidden_size / config.heads;
        let split = graph.add_ints(&[0, 0, config.heads as i64, dim as i64]);
        let mut part = |part: &str, order: &[i64]| -> Result<String> {
            let y = self.add_linear(graph, x, &format!("{name}.self.{part}"))?;
            let y = graph.add_node("Reshape", &[&y, &split], &[]);
            Ok(graph.add_node("Transpose", &[&y], &[Attribute::ints("perm", order)]))
        };
        let query = part("query", &[0, 2, 1, 3])?;
        // Transposed for the product.
        let key = part("key", &[0, 2, 3, 1])?;
        let value = part("value", &[0, 2, 1, 3])?;
        let scores = graph.add_node("MatMul", &[&query, &key], &[]);
        let scale = graph.add_float((dim as f32).sqrt());
        let scores = graph.add_node("Div", &[&scores, &scale], &[]);
        let scores = graph.add_node("Add", &[&scores, bias], &[]);
        let weights = graph.add_node("Softmax", &[&scores], &[Attribute::int("axis", -1)]);
        let context = graph.add_node("MatMul", &[&weights, &value], &[]);
        let order = Attribute::ints("perm", &[0, 2, 1, 3]);
        let context = graph.add_node("Transpose", &[&context], &[order]);
        let joined = graph.add_ints(&[0, 0, config.hidden_size as i64]);
        let context = graph.add_node("Reshape", &[&context, &joined], &[]);
        let context = self.add_linear(graph, &context, &format!("{name}.output.dense"))?;
        self.add_and_norm(graph, &context, x, &format!("{name}.output.LayerNorm"))
    }

    /// Adds `x·Wᵀ + b`.
    fn add_linear(self, graph: &mut Graph<'a>, x: &str, name: &str) -> Result<String> {
        let weight = self.add_transposed_weight(graph, &format!("{name}.weight"))?;
        let bias = self.add_weight(graph, &format!("{name}.bias"))?;
        let product = graph.add_node("MatMul", &[x, &weight], &[]);
        Ok(graph.add_node("Add", &[&product, &bias], &[]))
    }

    fn add_and_norm(self, graph: &mut Graph<'a>, x: &str, y: &str, name: &str) -> Result<String> {
        let sum = graph.add_node("Add", &[x, y], &[]);
        let scale = self.add_weight(graph, &format!("{name}.weight"))?;
        let bias = self.add_weight(graph, &format!("{name}.bias"))?;
        let settings = [
            Attribute::int("axis", -1),
            Attribute::float("epsilon", self.config.layer_norm_eps as f32),
        ];
        Ok(graph.add_node("LayerNormalization", &[&sum, &scale, &bias], &settings))
    }

    fn add_weight(self, graph: &mut Graph<'a>, name: &str) -> Result<String> {
        let stored = format!("{}{name}", self.prefix);
        let shape = self.file.get(&stored)?.shape().to_vec();
        let load = move || self.file.load(&stored, &Device::Cpu);
        Ok(graph.add_weight(name, &shape, load))
    }

    fn add_transposed_weight(self, graph: &mut Graph<'a>, name: &str) -> Result<String> {
        let stored = format!("{}{name}", self.prefix);
        let mut shape = self.file.get(&stored)?.shape().to_vec();
        shape.reverse();
        let load = move || self.file.load(&stored, &Device::Cpu)?.t();
        Ok(graph.add_weight(name, &shape, load))
    }

    /// Adds the embedding of the first token type, which all tokens of a single text have.
    fn add_token_type(self, graph: &mut Graph<'a>) -> Result<String> {
        let name = "embeddings.token_type_embeddings.weight";
        let stored = format!("{}{name}", self.prefix);
        let shape = self.file.get(&stored)?.shape().to_vec();
        let load = move || self.file.load(&stored, &Device::Cpu)?.get(0);
        Ok(graph.add_weight(name, shape.get(1..).unwrap_or_default(), load))
    }
}

/// Adds 0 for each token and [`MASKED`] for padding: `[batch, 1, 1, sequence]`.
fn add_mask_bias(graph: &mut Graph<'_>, mask: &str) -> String {
    let [one, masked] = [1.0, MASKED].map(|x| graph.add_float(x));
    let padding = graph.add_node("Sub", &[&one, mask], &[]);
    let bias = graph.add_node("Mul", &[&padding, &masked], &[]);
    let axes = graph.add_ints(&[1, 2]);
    graph.add_node("Unsqueeze", &[&bias, &axes], &[])
}
