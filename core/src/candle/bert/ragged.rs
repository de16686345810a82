//! The network on the processor: the tokens of a batch one below the other, without any filling up.
//!
//! Linear layers see one tall matrix, attention goes text by text, and what lies between is done in
//! one pass each ([`kernels`](super::kernels)). The products are candle's, so its weights and gemm's
//! kernels serve here too; nothing here has a gradient.

use super::EncodeError;
use super::kernels::{AddNorm, Attention, BiasGelu, LANES, Scratch, TILE};
use crate::model::{Activation, BertConfig, Pooling};
use candle_core::{
    CpuStorage, CustomOp1, Device, InplaceOp2, InplaceOp3, Layout, Result, Shape, Tensor, bail,
};
use candle_nn::VarBuilder;

/// Whether a network has the shape the kernels are made for.
pub(super) fn fits(config: &BertConfig) -> bool {
    config.activation == Activation::Gelu
        && config.hidden_size.is_multiple_of(LANES)
        && config.intermediate_size.is_multiple_of(LANES)
        && (config.hidden_size / config.heads).is_multiple_of(TILE)
}

/// A BERT network and the pooling behind it.
pub(super) struct Ragged {
    /// `[vocab, hidden]`
    words: Tensor,
    /// Position and the first token type together, `[positions, hidden]`.
    places: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    pooling: Pooling,
    heads: usize,
    hidden: usize,
}

struct Layer {
    /// `[hidden, 3 · hidden]`, transposed view
    qkv: Tensor,
    qkv_bias: Vec<f32>,
    out: Tensor,
    out_norm: Norm,
    up: Tensor,
    up_bias: Tensor,
    down: Tensor,
    down_norm: Norm,
}

/// Bias of the linear layer before, gamma and beta: `[3, hidden]`.
struct Norm {
    weights: Tensor,
    eps: f32,
}

impl Norm {
    fn load(norm: &VarBuilder<'_>, bias: Tensor, eps: f64) -> Result<Self> {
        let size = bias.elem_count();
        let weights = Tensor::stack(
            &[bias, norm.get(size, "weight")?, norm.get(size, "bias")?],
            0,
        )?;
        Ok(Self {
            weights,
            eps: eps as f32,
        })
    }
}

impl Ragged {
    /// From checked weights; only for networks that [`fits`].
    pub(super) fn load(
        config: &BertConfig,
        builder: &VarBuilder<'_>,
        pooling: Pooling,
    ) -> Result<Self> {
        let (hidden, wide, eps) = (
            config.hidden_size,
            config.intermediate_size,
            config.layer_norm_eps,
        );
        let embeddings = builder.pp("embeddings");
        let types = embeddings.get(
            (config.type_vocab_size, hidden),
            "token_type_embeddings.weight",
        )?;
        let places = embeddings
            .get((config.max_positions, hidden), "position_embeddings.weight")?
            .broadcast_add(&types.narrow(0, 0, 1)?)?;
        let no_bias = Tensor::zeros(hidden, candle_core::DType::F32, &Device::Cpu)?;
        let layers = (0..config.layers).map(|number| {
            let layer = builder.pp(format!("encoder.layer.{number}"));
            let linear = |name: &str, out: usize, inner: usize| {
                let linear = layer.pp(name);
                Ok::<_, candle_core::Error>((
                    linear.get((out, inner), "weight")?,
                    linear.get(out, "bias")?,
                ))
            };
            let (q, q_bias) = linear("attention.self.query", hidden, hidden)?;
            let (k, k_bias) = linear("attention.self.key", hidden, hidden)?;
            let (v, v_bias) = linear("attention.self.value", hidden, hidden)?;
            let (out, out_bias) = linear("attention.output.dense", hidden, hidden)?;
            let (up, up_bias) = linear("intermediate.dense", wide, hidden)?;
            let (down, down_bias) = linear("output.dense", hidden, wide)?;
            Ok(Layer {
                qkv: Tensor::cat(&[q, k, v], 0)?.t()?,
                qkv_bias: Tensor::cat(&[q_bias, k_bias, v_bias], 0)?.to_vec1()?,
                out: out.t()?,
                out_norm: Norm::load(&layer.pp("attention.output.LayerNorm"), out_bias, eps)?,
                up: up.t()?,
                up_bias,
                down: down.t()?,
                down_norm: Norm::load(&layer.pp("output.LayerNorm"), down_bias, eps)?,
            })
        });
        Ok(Self {
            words: embeddings.get((config.vocab_size, hidden), "word_embeddings.weight")?,
            places,
            norm: Norm::load(&embeddings.pp("LayerNorm"), no_bias, eps)?,
            layers: layers.collect::<Result<_>>()?,
            pooling,
            heads: config.heads,
            hidden,
        })
    }

    /// Token ids of `n` texts, none of them empty → their pooled vectors, `[n, hidden]` row by row.
    pub(super) fn forward(&self, ids: &[Vec<u32>]) -> std::result::Result<Vec<f32>, EncodeError> {
        let lengths: Vec<usize> = ids.iter().map(Vec::len).collect();
        let tokens = ids.concat();
        let places: Vec<u32> = lengths
            .iter()
            .flat_map(|length| 0..*length as u32)
            .collect();
        let index = |list: Vec<u32>| {
            let count = list.len();
            Tensor::from_vec(list, count, &Device::Cpu)
        };
        let mut x = self.words.index_select(&index(tokens)?, 0)?; // [tokens, hidden]
        x.inplace_op3(
            &self.places.index_select(&index(places)?, 0)?,
            &self.norm.weights,
            &self.norm,
        )?;
        for layer in &self.layers {
            let attention = AttendOp {
                lengths: &lengths,
                bias: &layer.qkv_bias,
                heads: self.heads,
                hidden: self.hidden,
            };
            let context = x.matmul(&layer.qkv)?.apply_op1_no_bwd(&attention)?;
            let y = context.matmul(&layer.out)?;
            y.inplace_op3(&x, &layer.out_norm.weights, &layer.out_norm)?;
            let up = y.matmul(&layer.up)?;
            up.inplace_op2(&layer.up_bias, &GeluOp)?;
            x = up.matmul(&layer.down)?;
            x.inplace_op3(&y, &layer.down_norm.weights, &layer.down_norm)?;
        }
        Ok(self.pool(&x.flatten_all()?.to_vec1()?, &lengths))
    }

    fn pool(&self, tokens: &[f32], lengths: &[usize]) -> Vec<f32> {
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
                    vector.iter_mut().for_each(|sum| *sum /= *length as f32);
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

/// The values of a tensor that lies in memory row by row.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((from, to))) => Ok(&values[from..to]),
        _ => bail!("not F32 row by row"),
    }
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((from, to))) => Ok(&mut values[from..to]),
        _ => bail!("not F32 row by row"),
    }
}

/// `[tokens, wide]` in place, with the bias `[wide]`.
struct GeluOp;

impl InplaceOp2 for GeluOp {
    fn name(&self) -> &'static str {
        "bias-gelu"
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<()> {
        BiasGelu {
            x: values_mut(x, layout)?,
            bias: values(bias, bias_layout)?,
        }
        .run();
        Ok(())
    }
}

/// `[tokens, hidden]` in place, with the residual of the same shape and [`Norm::weights`].
impl InplaceOp3 for Norm {
    fn name(&self) -> &'static str {
        "add-layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
    ) -> Result<()> {
        let weights = values(weights, weights_layout)?;
        let (bias, rest) = weights.split_at(weights.len() / 3);
        let (gamma, beta) = rest.split_at(bias.len());
        AddNorm {
            x: values_mut(x, layout)?,
            residual: values(residual, residual_layout)?,
            bias,
            gamma,
            beta,
            eps: self.eps,
        }
        .run();
        Ok(())
    }
}

/// `[tokens, 3 · hidden]` → `[tokens, hidden]`, each text for itself.
struct AttendOp<'a> {
    lengths: &'a [usize],
    bias: &'a [f32],
    heads: usize,
    hidden: usize,
}

impl CustomOp1 for AttendOp<'_> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut qkv = values(storage, layout)?;
        let tokens = qkv.len() / (3 * self.hidden);
        let mut out = vec![0f32; tokens * self.hidden];
        let mut scratch = Scratch::default();
        let mut rest = &mut out[..];
        for length in self.lengths {
            let (text, after) = qkv.split_at(length * 3 * self.hidden);
            let (text_out, after_out) = rest.split_at_mut(length * self.hidden);
            Attention {
                qkv: text,
                bias: self.bias,
                out: text_out,
                heads: self.heads,
                dim: self.hidden / self.heads,
                scratch: &mut scratch,
            }
            .run();
            (qkv, rest) = (after, after_out);
        }
        Ok((CpuStorage::F32(out), Shape::from((tokens, self.hidden))))
    }
}
