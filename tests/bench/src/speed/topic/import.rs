//! Reading 100,000 rows of an FAQ, as JSON lines and as CSV. Nearsay validates every text and finds
//! duplicates; Python's modules only parse.

use crate::speed::{
    Bench, Failure,
    data::rows,
    rounds::{Contestant, Cost, Rounds},
    table::Table,
};
use nearsay_faq::Row;
use nearsay_store::{DiskStore, Store as _};
use nearsay_tests::sample_file;
use serde_json::json;
use std::fmt::Write as _;

const LINES: usize = 100_000;

pub fn run(bench: &Bench, _table: &mut Table) -> Result<(), Failure> {
    let sample = rows(&sample_file("library_faq.jsonl"))?;
    for (format, content) in [("jsonl", jsonl(&sample)?), ("csv", csv(&sample)?)] {
        let file = bench.data.path(&format!("faq.{format}"));
        DiskStore.write_atomic(&file, content.as_bytes())?;
        println!("{format}, {:.0} MB:", content.len() as f64 / 1e6);
        let read = || {
            let (cost, rows) = Cost::measure(|| rows(&file))?;
            assert_eq!(rows.len(), LINES);
            Ok(cost)
        };
        read()?;
        let mut contestants = vec![Contestant::new("ours", read)];
        let load = json!({ "format": format, "file": file });
        let peer = bench.peers.start("Python", "read_faq.py", &load);
        contestants.extend(peer.map(Contestant::peer));
        Rounds::run(bench.passes, contestants)?.print("line", LINES);
    }
    Ok(())
}

/// Rows of the sample, repeated and numbered so that no two are equal.
fn numbered(sample: &[Row]) -> impl Iterator<Item = (String, String)> {
    let rows = sample.iter().cycle().take(LINES).enumerate();
    rows.map(|(number, row)| {
        let text = |text: &str| format!("{text} ({number})");
        (text(&row.question), text(&row.answer))
    })
}

fn jsonl(sample: &[Row]) -> Result<String, Failure> {
    let mut content = String::new();
    for (question, answer) in numbered(sample) {
        writeln!(
            content,
            "{}",
            json!({ "question": question, "answer": answer })
        )?;
    }
    Ok(content)
}

fn csv(sample: &[Row]) -> Result<String, Failure> {
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut content = String::from("question,answer\n");
    for (question, answer) in numbered(sample) {
        writeln!(content, "{},{}", cell(&question), cell(&answer))?;
    }
    Ok(content)
}
