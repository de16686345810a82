//! All weights of a BERT network, as lists of numbers in one order.

use super::super::ragged::numbers;
use candle_core::Result;
use candle_nn::VarBuilder;
use nearsay_model::BertConfig;

/// What the lists before the layers hold.
pub(super) const WORDS: usize = 0;
pub(super) const PLACES: usize = 1;
pub(super) const TYPES: usize = 2;
pub(super) const GAMMA: usize = 3;
pub(super) const BETA: usize = 4;
/// How many they are.
pub(super) const BEFORE: usize = 5;
/// Lists a layer.
pub(super) const LAYER: usize = 12;

/// What the lists of a layer hold, in order.
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

/// Place of a list of a layer.
pub(super) fn place(layer: usize, list: usize) -> usize {
    BEFORE + layer * LAYER + list
}

/// Whether a list is a matrix, and so one that weight decay is for.
pub(super) fn is_matrix(list: usize) -> bool {
    match list {
        WORDS | PLACES | TYPES => true,
        GAMMA | BETA => false,
        _ => matches!((list - BEFORE) % LAYER, QKV | OUT | UP | DOWN),
    }
}

/// The lists of a network in the order above.
///
/// Queries, keys and values are one matrix, `[3 · hidden, hidden]`.
pub(super) fn load(config: &BertConfig, builder: &VarBuilder<'_>) -> Result<Vec<Vec<f32>>> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let embeddings = builder.pp("embeddings");
    let table = |name: &str, rows: usize| numbers(&embeddings, (rows, hidden), name);
    let norm = embeddings.pp("LayerNorm");
    let mut lists = vec![
        table("word_embeddings.weight", config.vocab_size)?,
        table("position_embeddings.weight", config.max_positions)?,
        table("token_type_embeddings.weight", config.type_vocab_size)?,
        numbers(&norm, hidden, "weight")?,
        numbers(&norm, hidden, "bias")?,
    ];
    for number in 0..config.layers {
        let layer = builder.pp(format!("encoder.layer.{number}"));
        let (mut qkv, mut qkv_bias) = (Vec::new(), Vec::new());
        for name in ["query", "key", "value"] {
            let linear = layer.pp("attention.self").pp(name);
            qkv.extend(numbers(&linear, (hidden, hidden), "weight")?);
            qkv_bias.extend(numbers(&linear, hidden, "bias")?);
        }
        lists.extend([qkv, qkv_bias]);
        let mut block = |linear: &str, norm: Option<&str>, out: usize, inner: usize| {
            let linear = layer.pp(linear);
            lists.push(numbers(&linear, (out, inner), "weight")?);
            lists.push(numbers(&linear, out, "bias")?);
            if let Some(norm) = norm {
                let norm = layer.pp(norm);
                lists.push(numbers(&norm, out, "weight")?);
                lists.push(numbers(&norm, out, "bias")?);
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

/// The lists as the tensors of a safetensors file of the BERT family: name, shape, numbers.
pub(super) fn tensors<'a>(
    config: &BertConfig,
    lists: &'a [Vec<f32>],
) -> Vec<(String, Vec<usize>, &'a [f32])> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let mut all = Vec::new();
    let mut put = |name: String, shape: &[usize], numbers: &'a [f32]| {
        all.push((name, shape.to_vec(), numbers));
    };
    for (list, name) in [(WORDS, "word"), (PLACES, "position"), (TYPES, "token_type")] {
        let rows = lists[list].len() / hidden;
        put(
            format!("embeddings.{name}_embeddings.weight"),
            &[rows, hidden],
            &lists[list],
        );
    }
    put(
        "embeddings.LayerNorm.weight".into(),
        &[hidden],
        &lists[GAMMA],
    );
    put("embeddings.LayerNorm.bias".into(), &[hidden], &lists[BETA]);
    for number in 0..config.layers {
        let list = |which| &lists[place(number, which)][..];
        let layer = format!("encoder.layer.{number}");
        for (part, name) in ["query", "key", "value"].into_iter().enumerate() {
            let name = format!("{layer}.attention.self.{name}");
            let square = hidden * hidden;
            let weights = &list(QKV)[part * square..(part + 1) * square];
            put(format!("{name}.weight"), &[hidden, hidden], weights);
            let bias = &list(QKV_BIAS)[part * hidden..(part + 1) * hidden];
            put(format!("{name}.bias"), &[hidden], bias);
        }
        for (name, weights, out, inner) in [
            ("attention.output.dense", OUT, hidden, hidden),
            ("intermediate.dense", UP, wide, hidden),
            ("output.dense", DOWN, hidden, wide),
        ] {
            put(
                format!("{layer}.{name}.weight"),
                &[out, inner],
                list(weights),
            );
            put(format!("{layer}.{name}.bias"), &[out], list(weights + 1));
        }
        for (name, gamma) in [("attention.output", OUT_GAMMA), ("output", DOWN_GAMMA)] {
            put(
                format!("{layer}.{name}.LayerNorm.weight"),
                &[hidden],
                list(gamma),
            );
            put(
                format!("{layer}.{name}.LayerNorm.bias"),
                &[hidden],
                list(gamma + 1),
            );
        }
    }
    all
}
