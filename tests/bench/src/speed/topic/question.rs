//! One question of 20 tokens: encoding it, and encoding it and searching a large index.

use crate::speed::{
    Bench, Failure,
    data::made_up,
    rounds::{Contestant, Cost, Rounds, percentile, seconds},
    table::{Goal, Table},
};
use nearsay_bert::{Precision, SentenceEncoder};
use nearsay_core::matrix::Matrix;
use nearsay_search::index::Index;
use serde_json::json;
use std::{cell::RefCell, ops::ControlFlow, time::Instant};

/// Tokens of a question, including the two special ones.
const TOKENS: usize = 20;
/// Questions per pass.
const QUESTIONS: usize = 50;
const ANSWERS: [usize; 3] = [10_000, 100_000, 1_000_000];

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    let cloud = bench.data.cloud()?;
    let encoder = bench.data.encoder(Precision::F32)?;
    let mut questions = Vec::new();
    for row in cloud.val.iter().chain(&cloud.train) {
        if encoder.token_ids(&row.question)?.len() == TOKENS && questions.len() < QUESTIONS {
            questions.push(row.question.as_str());
        }
    }
    let shared = bench.data.share("questions.json", &questions)?;
    let each = |work: &mut dyn FnMut(&Matrix)| -> Result<Vec<f64>, Failure> {
        questions
            .iter()
            .map(|question| {
                let started = Instant::now();
                work(&one(&encoder, question)?);
                Ok(started.elapsed().as_secs_f64())
            })
            .collect()
    };
    each(&mut |_| {})?;

    // The cost of a pass is that of its median question; percentiles use all questions.
    let kept = &[RefCell::new(Vec::new()), RefCell::new(Vec::new())];
    let median = |mut seconds: Vec<f64>, kept: &RefCell<Vec<f64>>| {
        kept.borrow_mut().extend_from_slice(&seconds);
        Cost {
            wall: percentile(&mut seconds, 0.5),
            cpu: 0.0,
        }
    };
    let mut contestants = vec![Contestant::new("ours", || {
        Ok(median(each(&mut |_| {})?, &kept[0]))
    })];
    let load = json!({ "model": bench.data.model()?, "texts": shared });
    if let Some(mut peer) = bench
        .peers
        .start("sentence-transformers", "question.py", &load)
    {
        contestants.push(Contestant::new("sentence-transformers", move || {
            let reply = peer.ask(&json!({}))?;
            let seconds = reply["seconds"].as_array().ok_or("no seconds")?;
            let seconds = seconds.iter().filter_map(serde_json::Value::as_f64);
            Ok(median(seconds.collect(), &kept[1]))
        }));
    }
    let rounds = Rounds::run(bench.passes, contestants)?;
    rounds.print("question", 1);
    for (name, kept) in ["ours", "sentence-transformers"].iter().zip(kept) {
        if !kept.borrow().is_empty() {
            print(&format!("{name}, a question"), &mut kept.borrow_mut());
        }
    }
    if let Some(times) = rounds.times_faster("ours", "sentence-transformers") {
        table.found(Goal::Question, times, "of sentence-transformers, median");
    }

    for answers in ANSWERS {
        let (vectors, _) = made_up(answers, 0, encoder.settings().dims)?;
        let index = Index::new(vectors, (0..answers as u32).collect())?;
        let ask = || {
            each(&mut |vector| {
                assert_eq!(index.search(vector.row(0), 10).len(), 10);
            })
        };
        ask()?;
        let what = format!("ours, a question and its answers out of {answers}");
        print(&what, &mut ask()?);
    }
    Ok(())
}

fn one(encoder: &SentenceEncoder, question: &str) -> Result<Matrix, Failure> {
    Ok(encoder.encode_all(&[question], &mut |_, _| ControlFlow::Continue(()))?)
}

fn print(what: &str, latencies: &mut [f64]) {
    let (median, late) = (percentile(latencies, 0.5), percentile(latencies, 0.99));
    println!("{what}: p50 {}, p99 {}", seconds(median), seconds(late));
}
