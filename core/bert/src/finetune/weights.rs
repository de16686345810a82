//! All weights of a BERT transformer, as lists of numbers in a fixed order.
//!
//! Token, position and token-type embeddings, gamma and beta of their normalisation, then the lists of each layer.

use crate::source::read_tensor;
use candle_core::Result;
use candle_nn::VarBuilder;
use nearsay_model::BertConfig;

/// Positions of the embeddings in the lists.
pub(super) const TOKENS: usize = 0;
pub(super) const POSITIONS: usize = 1;
pub(super) const TYPES: usize = 2;
pub(super) const GAMMA: usize = 3;
pub(super) const BETA: usize = 4;
/// Number of lists before those of the first layer.
pub(super) const FIRST_LAYER: usize = 5;
pub(super) const LISTS_PER_LAYER: usize = 12;

/// Positions within the lists of a layer.
pub(super) const QKV: usize = 0;
pub(super) const QKV_BIAS: usize = 1;
pub(super) const OUT: usize = 2;
pub(super) const OUT_BIAS: usize = 3;
pub(super) const OUT_GAMMA: usize = 4;
pub(super) const OUT_BETA: usize = 5;
pub(super) const UP: usize = 6;
pub(super) const UP_BIAS: usize = 7;
pub(super) const DOWN: usize = 8;
pub(super) const DOWN_BIAS: usize = 9;
pub(super) const DOWN_GAMMA: usize = 10;
pub(super) const DOWN_BETA: usize = 11;

/// Position of a layer's list among all lists.
pub(super) fn list_index(layer: usize, list: usize) -> usize {
    FIRST_LAYER + layer * LISTS_PER_LAYER + list
}

/// Whether a list is a matrix, to which weight decay applies.
pub(super) fn is_matrix(list: usize) -> bool {
    match list {
        TOKENS | POSITIONS | TYPES => true,
        GAMMA | BETA => false,
        _ => matches!(
            (list - FIRST_LAYER) % LISTS_PER_LAYER,
            QKV | OUT | UP | DOWN
        ),
    }
}

/// Loads all lists. Queries, keys and values are combined into one matrix, `[3 · hidden, hidden]`.
pub(super) fn load(config: &BertConfig, builder: &VarBuilder<'_>) -> Result<Vec<Vec<f32>>> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let embeddings = builder.pp("embeddings");
    let table = |name: &str, rows: usize| read_tensor(&embeddings, (rows, hidden), name);
    let norm = embeddings.pp("LayerNorm");
    let mut lists = vec![
        table("word_embeddings.weight", config.vocab_size)?,
        table("position_embeddings.weight", config.max_positions)?,
        table("token_type_embeddings.weight", config.type_vocab_size)?,
        read_tensor(&norm, hidden, "weight")?,
        read_tensor(&norm, hidden, "bias")?,
    ];
    for number in 0..config.layers {
        let layer = builder.pp(format!("encoder.layer.{number}"));
        let (mut qkv, mut qkv_bias) = (Vec::new(), Vec::new());
        for name in ["query", "key", "value"] {
            let linear = layer.pp("attention.self").pp(name);
            qkv.extend(read_tensor(&linear, (hidden, hidden), "weight")?);
            qkv_bias.extend(read_tensor(&linear, hidden, "bias")?);
        }
        lists.extend([qkv, qkv_bias]);
        let mut block = |linear: &str, norm: Option<&str>, out: usize, inner: usize| {
            let linear = layer.pp(linear);
            lists.push(read_tensor(&linear, (out, inner), "weight")?);
            lists.push(read_tensor(&linear, out, "bias")?);
            if let Some(norm) = norm {
                let norm = layer.pp(norm);
                lists.push(read_tensor(&norm, out, "weight")?);
                lists.push(read_tensor(&norm, out, "bias")?);
            }
            Ok::<_, candle_core::Error>(())
        };
        block(
            "attention.output.dense",
            Some("attention.output.LayerNorm"),
            hidden,
            hidden,
        )?;
        block("intermediate.dense", None, wide, hidden)?;
        block("output.dense", Some("output.LayerNorm"), hidden, wide)?;
    }
    Ok(lists)
}

/// Names, shapes and numbers of the lists as tensors of a BERT model.
pub(super) fn to_tensors<'a>(
    config: &BertConfig,
    lists: &'a [Vec<f32>],
) -> Vec<(String, Vec<usize>, &'a [f32])> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let mut all = Vec::new();
    let mut push = |name: String, shape: &[usize], numbers: &'a [f32]| {
        all.push((name, shape.to_vec(), numbers));
    };
    for (list, name) in [
        (TOKENS, "word"),
        (POSITIONS, "position"),
        (TYPES, "token_type"),
    ] {
        let rows = lists[list].len() / hidden;
        push(
            format!("embeddings.{name}_embeddings.weight"),
            &[rows, hidden],
            &lists[list],
        );
    }
    push(
        "embeddings.LayerNorm.weight".into(),
        &[hidden],
        &lists[GAMMA],
    );
    push("embeddings.LayerNorm.bias".into(), &[hidden], &lists[BETA]);
    for number in 0..config.layers {
        let list = |which| &lists[list_index(number, which)][..];
        let layer = format!("encoder.layer.{number}");
        for (part, name) in ["query", "key", "value"].into_iter().enumerate() {
            let name = format!("{layer}.attention.self.{name}");
            let square = hidden * hidden;
            let weights = &list(QKV)[part * square..(part + 1) * square];
            push(format!("{name}.weight"), &[hidden, hidden], weights);
            let bias = &list(QKV_BIAS)[part * hidden..(part + 1) * hidden];
            push(format!("{name}.bias"), &[hidden], bias);
        }
        for (name, weights, out, inner) in [
            ("attention.output.dense", OUT, hidden, hidden),
            ("intermediate.dense", UP, wide, hidden),
            ("output.dense", DOWN, hidden, wide),
        ] {
            push(
                format!("{layer}.{name}.weight"),
                &[out, inner],
                list(weights),
            );
            push(format!("{layer}.{name}.bias"), &[out], list(weights + 1));
        }
        for (name, gamma) in [("attention.output", OUT_GAMMA), ("output", DOWN_GAMMA)] {
            push(
                format!("{layer}.{name}.LayerNorm.weight"),
                &[hidden],
                list(gamma),
            );
            push(
                format!("{layer}.{name}.LayerNorm.bias"),
                &[hidden],
                list(gamma + 1),
            );
        }
    }
    all
}
