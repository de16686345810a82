//! One fine-tuning step of all layers of MiniLM: forward, ranking loss over 32 pairs, backward, AdamW.

use crate::speed::{
    Bench, Failure, THREADS, print_warning,
    rounds::{Contestant, Cost, Rounds},
    table::{Goal, Table},
};
use candle_core::{Device, Var};
use nearsay_bert::{
    Precision,
    finetune::{AdamW, FineTuner, Products},
};
use nearsay_core::{
    candle::{to_matrix, to_tensor},
    loss::{MultipleNegativesRanking, PairLoss as _},
    matrix::Matrix,
    sample::PairTargets,
};
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;
use serde_json::json;

/// Pairs per step.
const PAIRS: usize = 32;
/// Steps per pass, each with other pairs.
const STEPS: usize = 4;

/// Ranking loss of embeddings, questions first, then their answers, and its gradient.
fn ranking(embeddings: &Matrix) -> Result<(f32, Matrix), Failure> {
    let pairs = embeddings.rows() / 2;
    let variable = Var::from_tensor(&to_tensor(embeddings, &Device::Cpu)?)?;
    let targets = PairTargets {
        scores: vec![1.0; pairs],
        subgroups: (0..pairs as u64).collect(),
    };
    let loss = MultipleNegativesRanking::default().forward(variable.as_tensor(), &targets)?;
    let gradients = loss.backward()?;
    let gradient = gradients
        .get(variable.as_tensor())
        .ok_or("the loss has no gradient")?;
    let value = loss.flatten_all()?.to_vec1::<f32>()?[0];
    Ok((value, to_matrix(gradient)?))
}

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let cloud = bench.data.cloud()?;
    let batches: Vec<[Vec<&str>; 2]> = cloud
        .train
        .chunks(PAIRS)
        .take(STEPS)
        .map(|rows| {
            let questions = rows.iter().map(|row| row.question.as_str());
            let answers = rows.iter().map(|row| row.answer.as_str());
            [questions.collect(), answers.collect()]
        })
        .collect();
    let batches = &batches;
    let shared = bench.data.share("batches.json", batches)?;
    // Tokenised in advance, as for the peer.
    let encoder = bench.data.encoder(Precision::F32)?;
    let ids = |texts: &[&str]| texts.iter().map(|text| encoder.token_ids(text)).collect();
    let tokens: Vec<Vec<Vec<u32>>> = batches
        .iter()
        .map(|sides| ids(&sides.concat()))
        .collect::<Result<_, _>>()?;
    let files = ModelFiles::open(&DiskStore, bench.data.model()?)?;
    for (products, name, theirs, goal) in [
        (Products::F32, "fp32", "PyTorch fp32", Goal::Thorough),
        (
            Products::Bf16,
            "bf16",
            "PyTorch bf16 autocast",
            Goal::ThoroughReduced,
        ),
    ] {
        if products.here() != products {
            print_warning("this processor has no bfloat16 products: ours computes in f32");
        }
        let mut tuner = FineTuner::load(&files, 0, products, THREADS)?;
        let mut pass = || {
            let (cost, ()) = Cost::measure(|| {
                tokens.iter().try_for_each(|texts| {
                    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
                    tuner.step(&texts, AdamW::default(), &mut ranking)?;
                    Ok(())
                })
            })?;
            Ok(cost.each(STEPS))
        };
        pass()?;
        let mut contestants = vec![Contestant::new("ours", pass)];
        let model = bench.data.model()?;
        let load = json!({ "precision": name, "model": model, "texts": shared });
        if let Some(peer) = bench.peers.start(theirs, "thorough.py", &load) {
            contestants.push(Contestant::peer(peer));
        }
        let rounds = Rounds::run(bench.passes, contestants)?;
        rounds.print("step", 1);
        if let Some(times) = rounds.times_faster("ours", theirs) {
            table.found(goal, times, format!("of {theirs}"));
        }
    }
    Ok(())
}
