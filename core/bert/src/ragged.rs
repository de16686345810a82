//! The transformer on the CPU, without padding: the tokens of a batch are the rows of one matrix.
//!
//! Linear layers process the whole matrix, attention processes one text at a time, and the operations between them
//! are [`kernels`](super::kernels). All memory is in [`Buffers`], which are reused from batch to batch.

use super::EncodeError;
use super::kernels::{AddNorm, Attention, BiasGelu, LANES, Scratch, TILE};
use super::linear::{Codes, Linear, Precision};
use super::source::{TokenEmbeddings, WeightSource};
use candle_core::Result;
use nearsay_model::{Activation, BertConfig, Pooling};

/// Rows that pass a feed-forward block together, so that its wide intermediate result stays in the cache.
const BLOCK: usize = 96;

/// Whether the kernels support the shape of a transformer.
pub(super) fn fits(config: &BertConfig) -> bool {
    config.activation == Activation::Gelu
        && config.hidden_size.is_multiple_of(LANES)
        && config.intermediate_size.is_multiple_of(LANES)
        && (config.hidden_size / config.heads).is_multiple_of(TILE)
}

/// A BERT transformer with pooling.
pub(super) struct Ragged {
    tokens: TokenEmbeddings,
    /// Sums of the position embeddings and the first token-type embedding, `[positions, hidden]`.
    positions: Vec<f32>,
    /// The bias of the first normalisation, which has none.
    zero_bias: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    pooling: Pooling,
    heads: usize,
    hidden: usize,
    wide: usize,
}

struct Layer {
    /// Queries, keys and values, `[3 · hidden, hidden]`.
    qkv: Linear,
    qkv_bias: Vec<f32>,
    out: Linear,
    out_bias: Vec<f32>,
    out_norm: Norm,
    up: Linear,
    up_bias: Vec<f32>,
    down: Linear,
    down_bias: Vec<f32>,
    down_norm: Norm,
}

/// Parameters of a layer normalisation.
struct Norm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
    eps: f32,
}

impl Norm {
    fn load(source: &WeightSource<'_>, name: &str, size: usize, eps: f64) -> Result<Self> {
        Ok(Self {
            gamma: source.numbers(&format!("{name}.weight"), size)?,
            beta: source.numbers(&format!("{name}.bias"), size)?,
            eps: eps as f32,
        })
    }

    /// x ← norm(x + bias + residual).
    fn add_and_normalize(&self, x: &mut [f32], residual: &[f32], bias: &[f32]) {
        AddNorm {
            x,
            residual,
            bias,
            gamma: &self.gamma,
            beta: &self.beta,
            eps: self.eps,
        }
        .run();
    }
}

/// Memory of a batch, reused for the next one.
#[derive(Default)]
pub(super) struct Buffers {
    /// `[tokens, hidden]`
    x: Vec<f32>,
    /// `[tokens, hidden]`
    y: Vec<f32>,
    /// `[tokens, hidden]`
    context: Vec<f32>,
    /// `[tokens, 3 · hidden]`
    qkv: Vec<f32>,
    /// `[BLOCK, wide]`
    middle: Vec<f32>,
    codes: Codes,
    scratch: Scratch,
}

impl Ragged {
    /// Loads validated weights of a transformer that [`fits`].
    pub(super) fn load(
        config: &BertConfig,
        source: &WeightSource<'_>,
        pooling: Pooling,
        precision: Precision,
    ) -> Result<Self> {
        let (hidden, wide, eps) = (
            config.hidden_size,
            config.intermediate_size,
            config.layer_norm_eps,
        );
        let types = source.numbers(
            "embeddings.token_type_embeddings.weight",
            (config.type_vocab_size, hidden),
        )?;
        let mut positions = source.numbers(
            "embeddings.position_embeddings.weight",
            (config.max_positions, hidden),
        )?;
        for position in positions.chunks_exact_mut(hidden) {
            position
                .iter_mut()
                .zip(&types)
                .for_each(|(x, type_x)| *x += type_x);
        }
        let layers = (0..config.layers).map(|number| {
            let layer = format!("encoder.layer.{number}");
            let linear = |names: &[&str], out: usize, inner: usize| {
                let names: Vec<_> = names.iter().map(|name| format!("{layer}.{name}")).collect();
                let mut bias = Vec::with_capacity(names.len() * out);
                for name in &names {
                    bias.extend(source.numbers(&format!("{name}.bias"), out)?);
                }
                let weights = source.linear(&names, (out, inner), precision)?;
                Ok::<_, candle_core::Error>((weights, bias))
            };
            let (qkv, qkv_bias) = linear(
                &[
                    "attention.self.query",
                    "attention.self.key",
                    "attention.self.value",
                ],
                hidden,
                hidden,
            )?;
            let (out, out_bias) = linear(&["attention.output.dense"], hidden, hidden)?;
            let (up, up_bias) = linear(&["intermediate.dense"], wide, hidden)?;
            let (down, down_bias) = linear(&["output.dense"], hidden, wide)?;
            let norm =
                |name: &str| Norm::load(source, &format!("{layer}.{name}.LayerNorm"), hidden, eps);
            Ok(Layer {
                qkv,
                qkv_bias,
                out,
                out_bias,
                out_norm: norm("attention.output")?,
                up,
                up_bias,
                down,
                down_bias,
                down_norm: norm("output")?,
            })
        });
        Ok(Self {
            tokens: source.token_embeddings(config.vocab_size, hidden)?,
            positions,
            zero_bias: vec![0.0; hidden],
            norm: Norm::load(source, "embeddings.LayerNorm", hidden, eps)?,
            layers: layers.collect::<Result<_>>()?,
            pooling,
            heads: config.heads,
            hidden,
            wide,
        })
    }

    /// Encodes token ids: `n` lists, none empty → pooled vectors, `[n, hidden]`, row-major.
    pub(super) fn forward(
        &self,
        ids: &[Vec<u32>],
        buffers: &mut Buffers,
    ) -> std::result::Result<Vec<f32>, EncodeError> {
        let hidden = self.hidden;
        let tokens: usize = ids.iter().map(Vec::len).sum();
        let Buffers {
            x,
            y,
            context,
            qkv,
            middle,
            codes,
            scratch,
        } = buffers;
        x.clear();
        y.clear();
        for text in ids {
            self.tokens.append_rows(text, hidden, x);
            y.extend_from_slice(&self.positions[..text.len() * hidden]);
        }
        self.norm.add_and_normalize(x, y, &self.zero_bias);
        context.resize(tokens * hidden, 0.0);
        qkv.resize(tokens * 3 * hidden, 0.0);
        middle.resize(BLOCK.min(tokens) * self.wide, 0.0);
        for layer in &self.layers {
            layer.qkv.forward(x, codes, qkv)?;
            let mut start = 0;
            for text in ids {
                let end = start + text.len();
                Attention {
                    qkv: &qkv[start * 3 * hidden..end * 3 * hidden],
                    bias: &layer.qkv_bias,
                    out: &mut context[start * hidden..end * hidden],
                    heads: self.heads,
                    dim: hidden / self.heads,
                    scratch,
                }
                .run();
                start = end;
            }
            layer.out.forward(context, codes, y)?;
            layer.out_norm.add_and_normalize(y, x, &layer.out_bias);
            let blocks = y.chunks(BLOCK * hidden).zip(x.chunks_mut(BLOCK * hidden));
            for (y, x) in blocks {
                let middle = &mut middle[..y.len() / hidden * self.wide];
                layer.up.forward(y, codes, middle)?;
                BiasGelu {
                    x: middle,
                    bias: &layer.up_bias,
                }
                .run();
                layer.down.forward(middle, codes, x)?;
                layer.down_norm.add_and_normalize(x, y, &layer.down_bias);
            }
        }
        Ok(self.pool(x, ids.iter().map(Vec::len)))
    }

    /// Pools the token vectors of texts of these lengths.
    fn pool(&self, tokens: &[f32], lengths: impl ExactSizeIterator<Item = usize>) -> Vec<f32> {
        let mut rest = tokens;
        let mut pooled = Vec::with_capacity(lengths.len() * self.hidden);
        for length in lengths {
            let (text, after) = rest.split_at(length * self.hidden);
            rest = after;
            let mut rows = text.chunks_exact(self.hidden);
            let mut vector = rows.next().unwrap_or_default().to_vec();
            match self.pooling {
                Pooling::Cls => {}
                Pooling::Mean => {
                    for row in rows {
                        vector.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
                    }
                    vector.iter_mut().for_each(|sum| *sum /= length as f32);
                }
                Pooling::Max => {
                    for row in rows {
                        vector
                            .iter_mut()
                            .zip(row)
                            .for_each(|(max, x)| *max = max.max(*x));
                    }
                }
            }
            pooled.extend_from_slice(&vector);
        }
        pooled
    }
}
