//! Encoding 2,000 texts of the cloud FAQ at full precision, questions and answers mixed.

use super::candle::CandleBert;
use crate::speed::{
    Bench, Failure,
    rounds::{Contestant, Cost, Rounds},
    table::{Goal, Table},
};
use nearsay_bert::{Precision, SentenceEncoder};
use serde_json::{Value, json};
use std::{ops::ControlFlow, path::Path};

pub const TEXTS: usize = 2_000;

/// Engines of encode.py that compute in full precision, and their names in the table.
const FULL: [(&str, &str); 2] = [
    ("sentence-transformers", "PyTorch fp32"),
    ("onnx fp32", "ONNX Runtime fp32"),
];

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let cloud = bench.data.cloud()?;
    let texts = cloud.some_texts(TEXTS);
    let shared = bench.data.share("texts.json", &texts)?;
    let encoder = bench.data.encoder(Precision::F32)?;
    let candle = CandleBert::load(bench.data.model()?)?;
    // The first pass of each contestant is a warm-up.
    encode(&encoder, &texts)?;
    candle.encode(&texts)?;

    let mut contestants = vec![Contestant::new("ours", || encode(&encoder, &texts))];
    contestants.extend(peers(bench, &shared, &FULL)?);
    contestants.push(Contestant::new("candle-transformers", || {
        Ok(Cost::measure(|| candle.encode(&texts))?.0)
    }));
    let rounds = Rounds::run(bench.passes, contestants)?;
    rounds.print("text", TEXTS);
    if let Some(best) = rounds.best(&FULL.map(|(_, name)| name))
        && let Some(times) = rounds.times_faster("ours", best)
    {
        table.found(Goal::Encode, times, format!("of {best}"));
    }
    Ok(())
}

/// Runs one pass of Nearsay.
pub fn encode(encoder: &SentenceEncoder, texts: &[&str]) -> Result<Cost, Failure> {
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let (cost, rows) = Cost::measure(|| Ok(encoder.encode_all(texts, go_on)?))?;
    assert_eq!(rows.rows(), texts.len());
    Ok(cost)
}

/// Installed engines of encode.py, as contestants over the texts of a file.
pub fn peers<'a>(
    bench: &Bench,
    texts: &Path,
    engines: &[(&str, &str)],
) -> Result<Vec<Contestant<'a>>, Failure> {
    let model = bench.data.model()?;
    let load = |engine: &str| -> Value {
        json!({ "engine": engine, "model": model, "onnx": bench.peers.onnx(), "texts": texts })
    };
    let start =
        |&(engine, name): &(&str, &str)| bench.peers.start(name, "encode.py", &load(engine));
    Ok(engines
        .iter()
        .filter_map(start)
        .map(Contestant::peer)
        .collect())
}
