//! Graph nodes after the encoder: pooling, Dense modules, normalisation.

use super::{graph::Graph, proto::Attribute};
use candle_core::Device;
use nearsay_core::{
    candle::to_tensor,
    head::{Activation, Dense},
};
use nearsay_model::Pooling;

/// Replaces padding in max pooling, as in sentence-transformers.
const MASKED: f32 = -1e9;

/// Adds pooling: `hidden` `[batch, sequence, dim]`, `mask` `[batch, sequence]` in f32 → `[batch, dim]`.
pub(super) fn add_pooling(
    graph: &mut Graph<'_>,
    hidden: &str,
    mask: &str,
    pooling: Pooling,
) -> String {
    let last = graph.add_ints(&[2]);
    let column = graph.add_node("Unsqueeze", &[mask, &last], &[]);
    match pooling {
        Pooling::Mean => {
            let kept = graph.add_node("Mul", &[hidden, &column], &[]);
            let axis = graph.add_ints(&[1]);
            let dropped = [Attribute::int("keepdims", 0)];
            let sum = graph.add_node("ReduceSum", &[&kept, &axis], &dropped);
            let count = graph.add_node("ReduceSum", &[mask, &axis], &[]);
            // A text without tokens becomes the zero vector.
            let least = graph.add_float(1e-9);
            let count = graph.add_node("Max", &[&count, &least], &[]);
            graph.add_node("Div", &[&sum, &count], &[])
        }
        Pooling::Cls => {
            let first = graph.add_ints(&[0]);
            let axis = [Attribute::int("axis", 1)];
            let token = graph.add_node("Gather", &[hidden, &first], &axis);
            let axis = graph.add_ints(&[1]);
            graph.add_node("Squeeze", &[&token, &axis], &[])
        }
        Pooling::Max => {
            let [zero, masked] = [0.0, MASKED].map(|x| graph.add_float(x));
            let is_token = graph.add_node("Greater", &[&column, &zero], &[]);
            let kept = graph.add_node("Where", &[&is_token, hidden, &masked], &[]);
            let axis = [Attribute::ints("axes", &[1]), Attribute::int("keepdims", 0)];
            graph.add_node("ReduceMax", &[&kept], &axis)
        }
    }
}

/// Adds Dense modules and normalisation to unit length: `[batch, in]` → `[batch, out]`.
pub(super) fn add_head<'a>(graph: &mut Graph<'a>, pooled: String, layers: &'a [Dense]) -> String {
    let x = add_layers(graph, pooled, layers);
    let length = graph.add_node("ReduceL2", &[&x], &[Attribute::ints("axes", &[1])]);
    // The zero vector stays zero.
    let least = graph.add_float(1e-12);
    let length = graph.add_node("Max", &[&length, &least], &[]);
    graph.add_node("Div", &[&x, &length], &[])
}

fn add_layers<'a>(graph: &mut Graph<'a>, mut x: String, layers: &'a [Dense]) -> String {
    for (number, layer) in layers.iter().enumerate() {
        let (rows, columns) = (layer.weight.rows(), layer.weight.columns());
        let name = |part: &str| format!("dense.{number}.{part}");
        let weight = graph.add_weight(&name("weight"), &[rows, columns], || {
            to_tensor(&layer.weight, &Device::Cpu)
        });
        let bias = graph.add_weight(&name("bias"), &[rows], || {
            to_tensor(&layer.bias, &Device::Cpu)
        });
        let transposed = [Attribute::int("transB", 1)];
        x = graph.add_node("Gemm", &[&x, &weight, &bias], &transposed);
        x = match layer.activation {
            Activation::Identity => x,
            Activation::Relu => graph.add_node("Relu", &[&x], &[]),
            Activation::Tanh => graph.add_node("Tanh", &[&x], &[]),
            Activation::Gelu => graph.add_gelu(&x),
            Activation::Sigmoid => graph.add_node("Sigmoid", &[&x], &[]),
        };
    }
    x
}
