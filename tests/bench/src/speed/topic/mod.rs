//! One module per topic.

mod bm25;
mod candle;
mod encode;
mod fast;
mod head;
mod import;
pub mod memory;
mod question;
mod quick;
mod search;
mod start;
mod thorough;
mod window;

use super::{Bench, Failure, table::Table};

/// Measurement that can run by itself.
pub struct Topic {
    pub name: &'static str,
    pub run: fn(&Bench, &mut Table) -> Result<(), Failure>,
}

/// All topics, in order.
pub const ALL: [Topic; 12] = [
    topic("encode", encode::run),
    topic("fast", fast::run),
    topic("question", question::run),
    topic("head", head::run),
    topic("quick", quick::run),
    topic("thorough", thorough::run),
    topic("search", search::run),
    topic("bm25", bm25::run),
    topic("import", import::run),
    topic("start", start::run),
    topic("window", window::run),
    topic("memory", memory::run),
];

const fn topic(name: &'static str, run: fn(&Bench, &mut Table) -> Result<(), Failure>) -> Topic {
    Topic { name, run }
}
