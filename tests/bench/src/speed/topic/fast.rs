//! The texts of `encode`, at reduced precision.

use super::encode::{TEXTS, encode, peers};
use crate::speed::{
    Bench, Failure, print_warning,
    rounds::{Contestant, Rounds},
    table::{Goal, Table},
};
use nearsay_bert::Precision;

const ENGINES: [(&str, &str); 3] = [
    ("onnx fp32", "ONNX Runtime fp32"),
    ("onnx int8", "ONNX Runtime int8"),
    ("bf16", "PyTorch bf16"),
];

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let cloud = bench.data.cloud()?;
    let texts = cloud.some_texts(TEXTS);
    let shared = bench.data.share("texts.json", &texts)?;
    let fast = bench.data.encoder(Precision::Fast)?;
    if fast.precision() != Precision::Fast {
        print_warning("this processor has no eight-bit products: ours computes in f32");
    }
    let full = bench.data.encoder(Precision::F32)?;
    encode(&fast, &texts)?;
    encode(&full, &texts)?;

    let mut contestants = vec![
        Contestant::new("ours fast", || encode(&fast, &texts)),
        Contestant::new("ours f32", || encode(&full, &texts)),
    ];
    contestants.extend(peers(bench, &shared, &ENGINES)?);
    let rounds = Rounds::run(bench.passes, contestants)?;
    rounds.print("text", TEXTS);
    if let Some(best) = rounds.best(&ENGINES.map(|(_, name)| name))
        && let Some(times) = rounds.times_faster("ours fast", best)
    {
        table.found(Goal::Fast, times, format!("of {best}"));
    }
    Ok(())
}
