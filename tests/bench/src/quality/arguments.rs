//! Command line of the `quality` benchmark.

use super::{Failure, choices::Choice, encoder};
use crate::cache_dir;
use nearsay::train::Recipe;
use std::{ffi::OsString, ops::RangeInclusive, path::PathBuf};

/// Data sets to measure, and their resources.
#[derive(Clone)]
pub struct Arguments {
    /// Named sets; empty for all.
    pub sets: Vec<String>,
    pub recipes: Vec<Recipe>,
    pub encoders: Vec<String>,
    /// `3` means seeds 1 to 3, `2-3` means 2 and 3.
    pub seeds: RangeInclusive<u64>,
    /// MiniLM directory; `None` uses the copy in Nearsay's data directory.
    pub model: Option<PathBuf>,
    /// Python environment of the peers.
    pub peers: PathBuf,
    /// Directory of the data sets that are not in this repository.
    pub data: Option<PathBuf>,
    pub peer_minutes: f64,
    /// Choices to evaluate.
    pub without: Vec<Choice>,
    /// Pairs in the subsets of [`small`](super::small).
    pub sizes: Vec<usize>,
}

impl Arguments {
    /// Parses the command line, without checking that the sets exist.
    pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, Failure> {
        let mut parsed = Self {
            sets: Vec::new(),
            recipes: Recipe::ALL.into(),
            encoders: encoder::ALL.map(str::to_owned).into(),
            seeds: 1..=3,
            model: None,
            peers: cache_dir().join("nearsay-bench/python"),
            data: nearsay_tests::test_data_dir(),
            peer_minutes: 20.0,
            without: Vec::new(),
            sizes: vec![20, 50, 200],
        };
        while let Some(argument) = arguments.next() {
            let name = argument.to_string_lossy().into_owned();
            let mut value = || {
                let missing = || format!("{name} needs a value");
                arguments.next().ok_or_else(missing)
            };
            match &*name {
                "--recipes" => {
                    parsed.recipes = list(&value()?).map(str::parse).collect::<Result<_, _>>()?;
                }
                "--encoders" => parsed.encoders = list(&value()?).map(str::to_owned).collect(),
                "--seeds" => {
                    let seeds = seeds(&value()?.to_string_lossy());
                    parsed.seeds =
                        seeds.ok_or("--seeds needs a positive number or a range such as 2-3")?;
                }
                "--model" => parsed.model = Some(value()?.into()),
                "--peers" => parsed.peers = value()?.into(),
                "--data" => parsed.data = Some(value()?.into()),
                "--peer-minutes" => {
                    let minutes = value()?.to_string_lossy().parse().ok();
                    parsed.peer_minutes = minutes
                        .filter(|minutes: &f64| minutes.is_finite() && *minutes >= 0.0)
                        .ok_or("--peer-minutes needs a non-negative number")?;
                }
                "--without" => {
                    parsed.without = list(&value()?).map(str::parse).collect::<Result<_, _>>()?;
                }
                "--sizes" => {
                    let sizes = list(&value()?).map(str::parse).collect::<Result<_, _>>();
                    parsed.sizes = sizes.map_err(|_| "--sizes needs numbers of pairs")?;
                }
                option if option.starts_with('-') => return Err(unknown(option).into()),
                _ => parsed.sets.push(name),
            }
        }
        Ok(parsed)
    }
}

/// Items of a comma-separated list.
fn list(value: &OsString) -> impl Iterator<Item = &str> {
    let value = value.to_str().unwrap_or_default();
    value.split(',').map(str::trim)
}

/// Parses a range of seeds; `None` if it is invalid.
fn seeds(text: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = text.split_once('-').unwrap_or(("1", text));
    let seeds = first.parse().ok()?..=last.parse().ok()?;
    (*seeds.start() > 0 && !seeds.is_empty()).then_some(seeds)
}

fn unknown(argument: &str) -> String {
    format!(
        "unknown option “{argument}”\noptions: --recipes quick,thorough,quaterion, --encoders \
         minilm,compact, --seeds N|N-N, --model MINILM_DIR, --peers VENV_DIR, --data DIR, \
         --peer-minutes N, --sizes 20,50,200, --without {}",
        Choice::ALL.map(Choice::name).join(",")
    )
}
