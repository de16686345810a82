//! Some texts' way through the network, forwards and back.

use super::super::kernels::{self, Attention};
use super::attention::{AttentionBack, Scratch};
use super::passes::{ColumnSums, Gelu, GeluBack, Norm, NormBack};
use super::product::{Layer, Packed, Rounded};
use super::weights::{
    BETA, DOWN, DOWN_BETA, DOWN_BIAS, DOWN_GAMMA, GAMMA, OUT, OUT_BETA, OUT_BIAS, OUT_GAMMA,
    PLACES, QKV, QKV_BIAS, TYPES, UP, UP_BIAS, WORDS, place,
};
use nearsay_core::matrix::ShapeError;

/// A network as the ways see it.
#[derive(Clone, Copy)]
pub(super) struct Network<'a> {
    /// As [`weights`](super::weights) orders them.
    pub(super) lists: &'a [Vec<f32>],
    /// Of each layer: [`QKV`], [`OUT`], [`UP`], [`DOWN`].
    pub(super) packed: &'a [[Packed; 4]],
    pub(super) hidden: usize,
    pub(super) wide: usize,
    pub(super) heads: usize,
    pub(super) eps: f32,
    /// Layers below this one, and the embeddings unless it is 0, stay as they are.
    pub(super) first: usize,
}

impl Network<'_> {
    fn list(&self, layer: usize, list: usize) -> &[f32] {
        &self.lists[place(layer, list)]
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

/// What the way back needs of a layer, `tokens` rows each.
#[derive(Default)]
struct Kept {
    /// The layer's input, `[tokens, hidden]`.
    x: Vec<f32>,
    /// Without bias, `[tokens, 3 · hidden]`.
    qkv: Vec<f32>,
    context: Vec<f32>,
    /// Normalised, before gamma and beta.
    out: Vec<f32>,
    out_scales: Vec<f32>,
    /// The feed-forward block's input.
    y: Vec<f32>,
    /// `[tokens, wide]`: before and after gelu.
    u: Vec<f32>,
    g: Vec<f32>,
    down: Vec<f32>,
    down_scales: Vec<f32>,
}

/// Memory for the way of some texts there and back, about 30 kB a token and layer for a hidden size of
/// 384; kept for the next.
#[derive(Default)]
pub(super) struct Tape {
    embedded: Vec<f32>,
    embedded_scales: Vec<f32>,
    layers: Vec<Kept>,
    /// The last layer's output.
    last: Vec<f32>,
    rounded: Rounded,
    forward: kernels::Scratch,
    back: Scratch,
    d: Vec<f32>,
    d_y: Vec<f32>,
    d_wide: Vec<f32>,
    d_qkv: Vec<f32>,
}

/// Gradients, as [`weights`](super::weights) orders the lists; those of the words are of the tokens of
/// the texts one by one.
pub(super) struct Gradients {
    pub(super) lists: Vec<Vec<f32>>,
    /// Token by token: its id, and the gradient of its word's row.
    pub(super) tokens: Vec<u32>,
    pub(super) words: Vec<f32>,
}

impl Gradients {
    /// Zeros.
    pub(super) fn new(lists: &[Vec<f32>], first: usize) -> Self {
        let learned = |list: usize| match first {
            0 => list != WORDS,
            _ => list >= place(first, 0),
        };
        let sizes = lists.iter().enumerate();
        let zeros = sizes.map(|(list, numbers)| match learned(list) {
            true => vec![0.0; numbers.len()],
            false => Vec::new(),
        });
        Self {
            lists: zeros.collect(),
            tokens: Vec::new(),
            words: Vec::new(),
        }
    }

    /// Zeros again.
    pub(super) fn clear(&mut self) {
        for list in &mut self.lists {
            list.fill(0.0);
        }
        self.tokens.clear();
        self.words.clear();
    }
}

impl Tape {
    /// The texts' token vectors after the last layer averaged, `[texts, hidden]`, into `pooled`.
    pub(super) fn forward(
        &mut self,
        network: Network<'_>,
        texts: &[&[u32]],
        pooled: &mut [f32],
    ) -> Result<(), ShapeError> {
        let hidden = network.hidden;
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let lists = network.lists;
        self.layers.resize_with(network.packed.len(), Kept::default);
        let Self {
            embedded,
            embedded_scales,
            layers,
            last,
            rounded,
            forward: scratch,
            d: residual,
            ..
        } = self;
        embedded.clear();
        residual.clear();
        for text in texts {
            for &id in *text {
                embedded.extend_from_slice(&lists[WORDS][id as usize * hidden..][..hidden]);
            }
            residual.extend_from_slice(&lists[PLACES][..text.len() * hidden]);
        }
        last.resize(tokens * hidden, 0.0);
        embedded_scales.resize(tokens, 0.0);
        Norm {
            x: embedded,
            residual,
            bias: &lists[TYPES][..hidden],
            gamma: &lists[GAMMA],
            beta: &lists[BETA],
            eps: network.eps,
            y: last,
            scales: embedded_scales,
        }
        .run();
        for (number, kept) in layers.iter_mut().enumerate() {
            let list = |which| network.list(number, which);
            std::mem::swap(&mut kept.x, last);
            last.resize(tokens * hidden, 0.0);
            for (buffer, width) in [
                (&mut kept.qkv, 3 * hidden),
                (&mut kept.context, hidden),
                (&mut kept.out, hidden),
                (&mut kept.out_scales, 1),
                (&mut kept.y, hidden),
                (&mut kept.u, network.wide),
                (&mut kept.g, network.wide),
                (&mut kept.down, hidden),
                (&mut kept.down_scales, 1),
            ] {
                buffer.resize(tokens * width, 0.0);
            }
            network
                .linear(number, QKV)
                .forward(&kept.x, &mut kept.qkv, rounded)?;
            let mut start = 0;
            for text in texts {
                let end = start + text.len();
                Attention {
                    qkv: &kept.qkv[start * 3 * hidden..end * 3 * hidden],
                    bias: list(QKV_BIAS),
                    out: &mut kept.context[start * hidden..end * hidden],
                    heads: network.heads,
                    dim: hidden / network.heads,
                    scratch,
                }
                .run();
                start = end;
            }
            network
                .linear(number, OUT)
                .forward(&kept.context, &mut kept.out, rounded)?;
            Norm {
                x: &mut kept.out,
                residual: &kept.x,
                bias: list(OUT_BIAS),
                gamma: list(OUT_GAMMA),
                beta: list(OUT_BETA),
                eps: network.eps,
                y: &mut kept.y,
                scales: &mut kept.out_scales,
            }
            .run();
            network
                .linear(number, UP)
                .forward(&kept.y, &mut kept.u, rounded)?;
            Gelu {
                u: &mut kept.u,
                bias: list(UP_BIAS),
                g: &mut kept.g,
            }
            .run();
            network
                .linear(number, DOWN)
                .forward(&kept.g, &mut kept.down, rounded)?;
            Norm {
                x: &mut kept.down,
                residual: &kept.y,
                bias: list(DOWN_BIAS),
                gamma: list(DOWN_GAMMA),
                beta: list(DOWN_BETA),
                eps: network.eps,
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

    /// The way back of the texts that last went [`forward`](Self::forward): adds to the gradients what
    /// the gradient of their averages, `[texts, hidden]`, brings.
    pub(super) fn back(
        &mut self,
        network: Network<'_>,
        texts: &[&[u32]],
        d_pooled: &[f32],
        gradients: &mut Gradients,
    ) -> Result<(), ShapeError> {
        let (hidden, wide) = (network.hidden, network.wide);
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let Self {
            embedded,
            embedded_scales,
            layers,
            rounded,
            back: scratch,
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
        for (number, kept) in layers.iter().enumerate().skip(network.first).rev() {
            let start = place(number, 0);
            let lists = &mut gradients.lists[start..start + super::weights::LAYER];
            let list = |which| network.list(number, which);
            norm_back(
                lists,
                [DOWN_GAMMA, DOWN_BETA, DOWN_BIAS],
                d,
                &kept.down,
                &kept.down_scales,
                list(DOWN_GAMMA),
            );
            let down = network.linear(number, DOWN);
            down.back_weights(d, &kept.g, &mut lists[DOWN], rounded)?;
            down.back(d, d_wide, false, rounded)?;
            GeluBack {
                d: d_wide,
                u: &kept.u,
                d_bias: &mut lists[UP_BIAS],
            }
            .run();
            let up = network.linear(number, UP);
            up.back_weights(d_wide, &kept.y, &mut lists[UP], rounded)?;
            up.back(d_wide, d, true, rounded)?;
            norm_back(
                lists,
                [OUT_GAMMA, OUT_BETA, OUT_BIAS],
                d,
                &kept.out,
                &kept.out_scales,
                list(OUT_GAMMA),
            );
            let out = network.linear(number, OUT);
            out.back_weights(d, &kept.context, &mut lists[OUT], rounded)?;
            out.back(d, d_y, false, rounded)?;
            let mut start = 0;
            for text in texts {
                let end = start + text.len();
                let wide = start * 3 * hidden..end * 3 * hidden;
                AttentionBack {
                    qkv: &kept.qkv[wide.clone()],
                    bias: list(QKV_BIAS),
                    d_out: &d_y[start * hidden..end * hidden],
                    d_qkv: &mut d_qkv[wide],
                    heads: network.heads,
                    dim: hidden / network.heads,
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
            let qkv = network.linear(number, QKV);
            qkv.back_weights(d_qkv, &kept.x, &mut lists[QKV], rounded)?;
            if number > network.first || network.first == 0 {
                qkv.back(d_qkv, d, true, rounded)?;
            }
        }
        if network.first == 0 {
            let mut types = vec![0.0; hidden];
            let [gamma, beta] = &mut gradients.lists[GAMMA..=BETA] else {
                return Ok(());
            };
            NormBack {
                d,
                x: embedded,
                scales: embedded_scales,
                gamma: &network.lists[GAMMA],
                d_gamma: gamma,
                d_beta: beta,
                d_bias: &mut types,
            }
            .run();
            let d_types = gradients.lists[TYPES].iter_mut();
            d_types.zip(types).for_each(|(sum, d)| *sum += d);
            let mut rows = d.chunks_exact(hidden);
            for text in texts {
                gradients.tokens.extend_from_slice(text);
                let places = gradients.lists[PLACES].chunks_exact_mut(hidden);
                for (place, row) in places.zip(rows.by_ref().take(text.len())) {
                    place.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
                }
            }
            gradients.words.extend_from_slice(d);
        }
        Ok(())
    }
}

/// The way back through a normalisation whose lists of a layer are these.
fn norm_back(
    lists: &mut [Vec<f32>],
    [gamma, beta, bias]: [usize; 3],
    d: &mut [f32],
    x: &[f32],
    scales: &[f32],
    weights: &[f32],
) {
    let mut take = |list: usize| std::mem::take(&mut lists[list]);
    let (mut d_gamma, mut d_beta, mut d_bias) = (take(gamma), take(beta), take(bias));
    NormBack {
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
