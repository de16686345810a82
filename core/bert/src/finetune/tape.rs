//! Forward and backward passes of some texts through the transformer.

use super::attention::{AttentionBackward, Scratch};
use super::gradients::Gradients;
use super::passes::{ColumnSums, Gelu, GeluBackward, Norm, NormBackward};
use super::product::{Layer, Packed, Rounded};
use super::weights::{
    BETA, DOWN, DOWN_BETA, DOWN_BIAS, DOWN_GAMMA, GAMMA, LISTS_PER_LAYER, OUT, OUT_BETA, OUT_BIAS,
    OUT_GAMMA, POSITIONS, QKV, QKV_BIAS, TOKENS, TYPES, UP, UP_BIAS, list_index,
};
use crate::kernels::{self, Attention};
use nearsay_core::matrix::ShapeError;

/// Weights and shape of a transformer.
#[derive(Clone, Copy)]
pub(super) struct Transformer<'a> {
    /// In the order of [`weights`](super::weights).
    pub(super) lists: &'a [Vec<f32>],
    /// [`QKV`], [`OUT`], [`UP`] and [`DOWN`] of each layer.
    pub(super) packed: &'a [[Packed; 4]],
    pub(super) hidden: usize,
    pub(super) wide: usize,
    pub(super) heads: usize,
    pub(super) eps: f32,
    /// First layer that is trained; with 0 the embeddings are trained too.
    pub(super) first: usize,
}

impl Transformer<'_> {
    fn list(&self, layer: usize, list: usize) -> &[f32] {
        &self.lists[list_index(layer, list)]
    }

    fn linear(&self, layer: usize, list: usize) -> Layer<'_> {
        let (number, inner) = match list {
            QKV => (0, self.hidden),
            OUT => (1, self.hidden),
            UP => (2, self.hidden),
            _ => (3, self.wide),
        };
        Layer {
            weights: self.list(layer, list),
            packed: &self.packed[layer][number],
            inner,
        }
    }
}

/// Intermediate results of a layer that its backward pass needs.
#[derive(Default)]
struct Kept {
    /// Input of the layer, `[tokens, hidden]`.
    x: Vec<f32>,
    /// Queries, keys and values without bias, `[tokens, 3 · hidden]`.
    qkv: Vec<f32>,
    /// Output of the attention, `[tokens, hidden]`.
    context: Vec<f32>,
    /// x̂ of the first normalisation, `[tokens, hidden]`.
    out: Vec<f32>,
    out_scales: Vec<f32>,
    /// Input of the feed-forward block, `[tokens, hidden]`.
    y: Vec<f32>,
    /// Input of GELU, `[tokens, wide]`.
    u: Vec<f32>,
    /// Output of GELU, `[tokens, wide]`.
    g: Vec<f32>,
    /// x̂ of the second normalisation, `[tokens, hidden]`.
    down: Vec<f32>,
    down_scales: Vec<f32>,
}

/// Memory for the forward and backward pass of some texts, reused for the next texts.
///
/// It takes about 30 kB per token and layer for a hidden size of 384.
#[derive(Default)]
pub(super) struct Tape {
    /// x̂ of the normalisation of the embeddings, `[tokens, hidden]`.
    embedded: Vec<f32>,
    embedded_scales: Vec<f32>,
    layers: Vec<Kept>,
    /// Output of the last layer, `[tokens, hidden]`.
    last: Vec<f32>,
    rounded: Rounded,
    forward_scratch: kernels::Scratch,
    backward_scratch: Scratch,
    d: Vec<f32>,
    d_y: Vec<f32>,
    d_wide: Vec<f32>,
    d_qkv: Vec<f32>,
}

impl Tape {
    /// Forward pass: writes the mean of each text's token vectors to `pooled`, `[texts, hidden]`.
    pub(super) fn forward(
        &mut self,
        transformer: Transformer<'_>,
        texts: &[&[u32]],
        pooled: &mut [f32],
    ) -> Result<(), ShapeError> {
        let hidden = transformer.hidden;
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let lists = transformer.lists;
        self.layers
            .resize_with(transformer.packed.len(), Kept::default);
        let Self {
            embedded,
            embedded_scales,
            layers,
            last,
            rounded,
            forward_scratch: scratch,
            d: residual,
            ..
        } = self;
        embedded.clear();
        residual.clear();
        for text in texts {
            for &id in *text {
                embedded.extend_from_slice(&lists[TOKENS][id as usize * hidden..][..hidden]);
            }
            residual.extend_from_slice(&lists[POSITIONS][..text.len() * hidden]);
        }
        last.resize(tokens * hidden, 0.0);
        embedded_scales.resize(tokens, 0.0);
        Norm {
            x: embedded,
            residual,
            bias: &lists[TYPES][..hidden],
            gamma: &lists[GAMMA],
            beta: &lists[BETA],
            eps: transformer.eps,
            y: last,
            scales: embedded_scales,
        }
        .run();
        for (number, kept) in layers.iter_mut().enumerate() {
            let list = |which| transformer.list(number, which);
            std::mem::swap(&mut kept.x, last);
            last.resize(tokens * hidden, 0.0);
            for (buffer, width) in [
                (&mut kept.qkv, 3 * hidden),
                (&mut kept.context, hidden),
                (&mut kept.out, hidden),
                (&mut kept.out_scales, 1),
                (&mut kept.y, hidden),
                (&mut kept.u, transformer.wide),
                (&mut kept.g, transformer.wide),
                (&mut kept.down, hidden),
                (&mut kept.down_scales, 1),
            ] {
                buffer.resize(tokens * width, 0.0);
            }
            transformer
                .linear(number, QKV)
                .forward(&kept.x, &mut kept.qkv, rounded)?;
            let mut start = 0;
            for text in texts {
                let end = start + text.len();
                Attention {
                    qkv: &kept.qkv[start * 3 * hidden..end * 3 * hidden],
                    bias: list(QKV_BIAS),
                    out: &mut kept.context[start * hidden..end * hidden],
                    heads: transformer.heads,
                    dim: hidden / transformer.heads,
                    scratch,
                }
                .run();
                start = end;
            }
            transformer
                .linear(number, OUT)
                .forward(&kept.context, &mut kept.out, rounded)?;
            Norm {
                x: &mut kept.out,
                residual: &kept.x,
                bias: list(OUT_BIAS),
                gamma: list(OUT_GAMMA),
                beta: list(OUT_BETA),
                eps: transformer.eps,
                y: &mut kept.y,
                scales: &mut kept.out_scales,
            }
            .run();
            transformer
                .linear(number, UP)
                .forward(&kept.y, &mut kept.u, rounded)?;
            Gelu {
                u: &mut kept.u,
                bias: list(UP_BIAS),
                g: &mut kept.g,
            }
            .run();
            transformer
                .linear(number, DOWN)
                .forward(&kept.g, &mut kept.down, rounded)?;
            Norm {
                x: &mut kept.down,
                residual: &kept.y,
                bias: list(DOWN_BIAS),
                gamma: list(DOWN_GAMMA),
                beta: list(DOWN_BETA),
                eps: transformer.eps,
                y: last,
                scales: &mut kept.down_scales,
            }
            .run();
        }
        pooled.fill(0.0);
        let mut rows = last.chunks_exact(hidden);
        for (text, pooled) in texts.iter().zip(pooled.chunks_exact_mut(hidden)) {
            for row in rows.by_ref().take(text.len()) {
                pooled.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            let count = text.len() as f32;
            pooled.iter_mut().for_each(|sum| *sum /= count);
        }
        Ok(())
    }

    /// Backward pass of the texts of the last [`forward`](Self::forward): adds to the gradients of the weights, given
    /// the gradient of the pooled vectors, `[texts, hidden]`.
    pub(super) fn backward(
        &mut self,
        transformer: Transformer<'_>,
        texts: &[&[u32]],
        d_pooled: &[f32],
        gradients: &mut Gradients,
    ) -> Result<(), ShapeError> {
        let (hidden, wide) = (transformer.hidden, transformer.wide);
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let Self {
            embedded,
            embedded_scales,
            layers,
            rounded,
            backward_scratch: scratch,
            d,
            d_y,
            d_wide,
            d_qkv,
            ..
        } = self;
        d.clear();
        for (text, d_pooled) in texts.iter().zip(d_pooled.chunks_exact(hidden)) {
            let count = text.len() as f32;
            for _ in 0..text.len() {
                d.extend(d_pooled.iter().map(|x| x / count));
            }
        }
        d_y.resize(tokens * hidden, 0.0);
        d_wide.resize(tokens * wide, 0.0);
        d_qkv.resize(tokens * 3 * hidden, 0.0);
        for (number, kept) in layers.iter().enumerate().skip(transformer.first).rev() {
            let start = list_index(number, 0);
            let lists = &mut gradients.lists[start..start + LISTS_PER_LAYER];
            let list = |which| transformer.list(number, which);
            normalize_backward(
                lists,
                [DOWN_GAMMA, DOWN_BETA, DOWN_BIAS],
                d,
                &kept.down,
                &kept.down_scales,
                list(DOWN_GAMMA),
            );
            let down = transformer.linear(number, DOWN);
            down.backward_weights(d, &kept.g, &mut lists[DOWN], rounded)?;
            down.backward(d, d_wide, false, rounded)?;
            GeluBackward {
                d: d_wide,
                u: &kept.u,
                d_bias: &mut lists[UP_BIAS],
            }
            .run();
            let up = transformer.linear(number, UP);
            up.backward_weights(d_wide, &kept.y, &mut lists[UP], rounded)?;
            up.backward(d_wide, d, true, rounded)?;
            normalize_backward(
                lists,
                [OUT_GAMMA, OUT_BETA, OUT_BIAS],
                d,
                &kept.out,
                &kept.out_scales,
                list(OUT_GAMMA),
            );
            let out = transformer.linear(number, OUT);
            out.backward_weights(d, &kept.context, &mut lists[OUT], rounded)?;
            out.backward(d, d_y, false, rounded)?;
            let mut start = 0;
            for text in texts {
                let end = start + text.len();
                let wide = start * 3 * hidden..end * 3 * hidden;
                AttentionBackward {
                    qkv: &kept.qkv[wide.clone()],
                    bias: list(QKV_BIAS),
                    d_out: &d_y[start * hidden..end * hidden],
                    d_qkv: &mut d_qkv[wide],
                    heads: transformer.heads,
                    dim: hidden / transformer.heads,
                    scratch,
                }
                .run();
                start = end;
            }
            ColumnSums {
                x: d_qkv,
                sums: &mut lists[QKV_BIAS],
            }
            .run();
            let qkv = transformer.linear(number, QKV);
            qkv.backward_weights(d_qkv, &kept.x, &mut lists[QKV], rounded)?;
            if number > transformer.first || transformer.first == 0 {
                qkv.backward(d_qkv, d, true, rounded)?;
            }
        }
        if transformer.first == 0 {
            // The token-type embedding takes the place of the bias.
            let mut d_type = vec![0.0; hidden];
            let [gamma, beta] = &mut gradients.lists[GAMMA..=BETA] else {
                return Ok(());
            };
            NormBackward {
                d,
                x: embedded,
                scales: embedded_scales,
                gamma: &transformer.lists[GAMMA],
                d_gamma: gamma,
                d_beta: beta,
                d_bias: &mut d_type,
            }
            .run();
            let d_types = gradients.lists[TYPES].iter_mut();
            d_types.zip(d_type).for_each(|(sum, d)| *sum += d);
            let mut rows = d.chunks_exact(hidden);
            for text in texts {
                gradients.token_ids.extend_from_slice(text);
                let positions = gradients.lists[POSITIONS].chunks_exact_mut(hidden);
                for (position, row) in positions.zip(rows.by_ref().take(text.len())) {
                    position.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
                }
            }
            gradients.token_rows.extend_from_slice(d);
        }
        Ok(())
    }
}

/// Backward pass of a normalisation whose parameters have these positions in the lists of a layer.
fn normalize_backward(
    lists: &mut [Vec<f32>],
    [gamma, beta, bias]: [usize; 3],
    d: &mut [f32],
    x: &[f32],
    scales: &[f32],
    weights: &[f32],
) {
    let mut take = |list: usize| std::mem::take(&mut lists[list]);
    let (mut d_gamma, mut d_beta, mut d_bias) = (take(gamma), take(beta), take(bias));
    NormBackward {
        d,
        x,
        scales,
        gamma: weights,
        d_gamma: &mut d_gamma,
        d_beta: &mut d_beta,
        d_bias: &mut d_bias,
    }
    .run();
    lists[gamma] = d_gamma;
    lists[beta] = d_beta;
    lists[bias] = d_bias;
}
