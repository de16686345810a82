//! Exact top 10 of synthetic vectors, one query at a time.

use crate::speed::{
    Bench, Failure,
    data::made_up,
    machine::read_bandwidth,
    rounds::{Contestant, Cost, Rounds},
    table::{Goal, Table},
};
use nearsay_core::matrix::Matrix;
use nearsay_search::index::Index;
use serde_json::{Value, json};

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const DIM: usize = 384;
const K: usize = 10;
/// Queries per pass.
const QUERIES: usize = 20;
const ENGINES: [&str; 2] = ["numpy", "faiss"];

/// Nearsay's fastest exact search.
struct Ours(Index);

impl Ours {
    fn new(vectors: Matrix) -> Result<Self, Failure> {
        let owners = (0..vectors.rows() as u32).collect();
        Ok(Self(Index::new(vectors, owners)?))
    }

    fn search(&self, query: &[f32]) -> Vec<u32> {
        let hits = self.0.search(query, K);
        hits.iter().map(|hit| hit.answer).collect()
    }
}

pub fn run(bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    for size in SIZES {
        of_size(size, bench, table)?;
    }
    Ok(())
}

fn of_size(size: usize, bench: &Bench, table: &mut Table) -> Result<(), Failure> {
    println!("{size} vectors:");
    let (vectors, queries) = made_up(size, QUERIES, DIM)?;
    let load = json!({
        "vectors": bench.data.share_vectors("vectors.f32", &vectors)?,
        "queries": bench.data.share_vectors("queries.f32", &queries)?,
        "dim": DIM,
        "k": K,
    });
    let nearest = Nearest::find(&vectors, &queries);
    let bytes = size_of_val(vectors.data()) as f64;
    let bandwidth = read_bandwidth(vectors.data());

    let mut peers = Vec::new();
    for engine in ENGINES {
        let mut load = load.clone();
        load["engine"] = engine.into();
        if let Some(mut peer) = bench.peers.start(engine, "search.py", &load) {
            let reply = peer.ask(&json!({ "hits": true }))?;
            println!("{engine}: recall@{K} {:.4}", nearest.recall(&hits(&reply)));
            peers.push(peer);
        }
    }
    let ours = Ours::new(vectors)?;
    let ask = || -> Vec<Vec<u32>> {
        let found = queries.iter_rows().map(|query| ours.search(query));
        found.collect()
    };
    let recall = nearest.recall(&ask());
    println!("ours: recall@{K} {recall:.4}");

    let mut contestants = vec![Contestant::new("ours", || {
        let (cost, _) = Cost::measure(|| Ok(std::hint::black_box(ask())))?;
        Ok(cost.each(QUERIES))
    })];
    contestants.extend(peers.into_iter().map(Contestant::peer));
    let rounds = Rounds::run(bench.passes, contestants)?;
    rounds.print("query", 1);
    let ours = rounds.median(0).middle;
    println!(
        "ours went through {:.1} GB of f32 a second; two threads read {bandwidth:.1} GB/s of this \
         memory, {} ms for all of it",
        bytes / 1e9 / ours,
        (bytes / 1e6 / bandwidth).round(),
    );
    if size == SIZES[2]
        && let Some(best) = rounds.best(&ENGINES)
        && let Some(times) = rounds.times_faster("ours", best)
    {
        let scan = bytes / 1e9 / bandwidth / ours;
        let note = format!(
            "of {best}; recall {recall:.4}; {scan:.2} × as fast as memory gives the f32 vectors"
        );
        table.found_if(recall >= 1.0, Goal::Search, times, note);
    }
    Ok(())
}

fn hits(reply: &Value) -> Vec<Vec<u32>> {
    let numbers = |list: &Value| {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(Value::as_u64).map(|n| n as u32).collect()
    };
    let lists = reply["hits"].as_array().into_iter().flatten();
    lists.map(numbers).collect()
}

/// Expected results: each query's scores in double precision, and the lowest score of its top 10.
struct Nearest {
    least: Vec<f64>,
    scores: Vec<Vec<f64>>,
}

impl Nearest {
    fn find(vectors: &Matrix, queries: &Matrix) -> Self {
        let exact = |query: &[f32]| -> Vec<f64> {
            let terms = |row: &[f32]| {
                let products = row.iter().zip(query);
                products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            vectors.iter_rows().map(terms).collect()
        };
        let scores: Vec<Vec<f64>> = queries.iter_rows().map(exact).collect();
        let least = scores.iter().map(|scores| {
            let mut scores = scores.clone();
            let k = K.min(scores.len()) - 1;
            *scores.select_nth_unstable_by(k, |a, b| b.total_cmp(a)).1
        });
        Self {
            least: least.collect(),
            scores,
        }
    }

    /// Fraction of the top 10 that was found. Vectors whose score equals the last one up to single
    /// precision count as found.
    fn recall(&self, found: &[Vec<u32>]) -> f64 {
        let right: usize = found
            .iter()
            .zip(self.scores.iter().zip(&self.least))
            .map(|(found, (scores, least))| {
                let near = |&&hit: &&u32| {
                    let score = scores.get(hit as usize);
                    score.is_some_and(|score| *score >= least - 1e-6)
                };
                found.iter().filter(near).count()
            })
            .sum();
        right as f64 / (K * self.least.len()) as f64
    }
}
