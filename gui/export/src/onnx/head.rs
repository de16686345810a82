//! What follows the encoder: pooling, the folded head's layers, and scaling to length 1.

use super::{graph::Graph, proto::Attribute};
use candle_core::Device;
use nearsay_core::{
    candle::to_tensor,
    head::{Activation, Dense},
};
use nearsay_model::Pooling;

/// What sentence-transformers puts in the place of tokens that only fill up, when it takes the largest.
const SMALLEST: f32 = -1e9;

/// `hidden` `[batch, sequence, dim]`, `mask` `[batch, sequence]` in floats → `[batch, dim]`.
pub(super) fn pool(graph: &mut Graph<'_>, hidden: &str, mask: &str, pooling: Pooling) -> String {
    let last = graph.ints(&[2]);
    let column = graph.node("Unsqueeze", &[mask, &last], &[]);
    match pooling {
        Pooling::Mean => {
            let kept = graph.node("Mul", &[hidden, &column], &[]);
            let axis = graph.ints(&[1]);
            let gone = [Attribute::int("keepdims", 0)];
            let sum = graph.node("ReduceSum", &[&kept, &axis], &gone);
            let count = graph.node("ReduceSum", &[mask, &axis], &[]);
            // A text without tokens is the zero vector.
            let least = graph.float(1e-9);
            let count = graph.node("Max", &[&count, &least], &[]);
            graph.node("Div", &[&sum, &count], &[])
        }
        Pooling::Cls => {
            let first = graph.ints(&[0]);
            let axis = [Attribute::int("axis", 1)];
            let token = graph.node("Gather", &[hidden, &first], &axis);
            let axis = graph.ints(&[1]);
            graph.node("Squeeze", &[&token, &axis], &[])
        }
        Pooling::Max => {
            let [zero, smallest] = [0.0, SMALLEST].map(|x| graph.float(x));
            let there = graph.node("Greater", &[&column, &zero], &[]);
            let kept = graph.node("Where", &[&there, hidden, &smallest], &[]);
            let axis = [Attribute::ints("axes", &[1]), Attribute::int("keepdims", 0)];
            graph.node("ReduceMax", &[&kept], &axis)
        }
    }
}

/// Pooled vectors through the layers and scaled to length 1: `[batch, in]` → `[batch, out]`.
pub(super) fn finish<'a>(graph: &mut Graph<'a>, pooled: String, layers: &'a [Dense]) -> String {
    let x = through(graph, pooled, layers);
    let length = graph.node("ReduceL2", &[&x], &[Attribute::ints("axes", &[1])]);
    // A row of zeros stays one.
    let least = graph.float(1e-12);
    let length = graph.node("Max", &[&length, &least], &[]);
    graph.node("Div", &[&x, &length], &[])
}

fn through<'a>(graph: &mut Graph<'a>, mut x: String, layers: &'a [Dense]) -> String {
    for (number, layer) in layers.iter().enumerate() {
        let (rows, columns) = (layer.weight.rows(), layer.weight.columns());
        let name = |part: &str| format!("dense.{number}.{part}");
        let weight = graph.weight(&name("weight"), &[rows, columns], || {
            to_tensor(&layer.weight, &Device::Cpu)
        });
        let bias = graph.weight(&name("bias"), &[rows], || {
            to_tensor(&layer.bias, &Device::Cpu)
        });
        let turned = [Attribute::int("transB", 1)];
        x = graph.node("Gemm", &[&x, &weight, &bias], &turned);
        x = match layer.activation {
            Activation::Identity => x,
            Activation::Relu => graph.node("Relu", &[&x], &[]),
            Activation::Tanh => graph.node("Tanh", &[&x], &[]),
            Activation::Gelu => graph.gelu(&x),
            Activation::Sigmoid => graph.node("Sigmoid", &[&x], &[]),
        };
    }
    x
}
