//! Keyword search alone, for orientation.

use crate::speed::{
    Bench, Failure,
    rounds::{Cost, seconds},
    table::Table,
};
use nearsay::{servable::AnswerSet, train::data::answer_groups};
use nearsay_faq::Row;
use serde_json::json;
use std::collections::HashMap;

pub fn run(bench: &Bench, _table: &mut Table) -> Result<(), Failure> {
    let cloud = bench.data.cloud()?;
    let questions: Vec<&str> = cloud.val.iter().map(|row| row.question.as_str()).collect();
    let questions = bench.data.share("questions.json", &questions)?;
    for (what, pool) in [
        ("the validation answers", cloud.val.clone()),
        ("all answers", cloud.rows()),
    ] {
        let (answers, right) = exam(&cloud.val, &pool);
        let load = json!({
            "questions": questions,
            "answers": bench.data.share("answers.json", &answers)?,
            "right": bench.data.share("right.json", &right)?,
        });
        let Some(mut peer) = bench.peers.start("bm25s", "bm25.py", &load) else {
            return Ok(());
        };
        let reply = peer.ask(&json!({}))?;
        println!(
            "bm25s, {} questions among {what} ({}): accuracy@1 {:.4}, {} per question",
            right.len(),
            answers.len(),
            reply["recall@1"].as_f64().unwrap_or(f64::NAN),
            seconds(Cost::of(&reply)?.wall),
        );
    }
    Ok(())
}

/// Distinct answers of a pool, and the right one for each question.
fn exam(questions: &[Row], pool: &[Row]) -> (Vec<String>, Vec<usize>) {
    let set = AnswerSet::of(pool);
    let answers: Vec<String> = set.iter().map(|answer| answer.answer.clone()).collect();
    let all = answers.iter().map(String::as_str);
    let groups = answer_groups(all.chain(questions.iter().map(|row| row.answer.as_str())));
    let (pool, questions) = groups.split_at(answers.len());
    let place: HashMap<u64, usize> = pool.iter().copied().zip(0..).collect();
    let right = questions.iter().map(|group| place[group]).collect();
    (answers, right)
}
