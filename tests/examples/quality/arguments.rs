//! What the command is given.

use super::{Failure, choices::Choice, encoder};
use nearsay::train::Recipe;
use std::{
    ffi::OsString,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// What is to be measured, and with what.
pub struct Arguments {
    /// The sets named; all when none is.
    pub sets: Vec<String>,
    pub recipes: Vec<Recipe>,
    pub encoders: Vec<String>,
    /// `3` is seeds 1 to 3, `2-3` those two.
    pub seeds: RangeInclusive<u64>,
    /// MiniLM, unless it is where Nearsay keeps it.
    pub model: Option<PathBuf>,
    /// The peers' Python environment.
    pub peers: PathBuf,
    /// Where the sets are that are not in the repository.
    pub shared: PathBuf,
    pub peer_minutes: f64,
    /// Choices to measure the worth of.
    pub without: Vec<Choice>,
    /// Pairs in the subsets of [`small`](super::small).
    pub sizes: Vec<usize>,
}

impl Arguments {
    /// Reads the command line; whether there are such sets is not looked at.
    pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, Failure> {
        let mut parsed = Self {
            sets: Vec::new(),
            recipes: Recipe::ALL.into(),
            encoders: encoder::ALL.map(str::to_owned).into(),
            seeds: 1..=3,
            model: None,
            peers: caches().join("nearsay-bench/python"),
            shared: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
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
                    parsed.seeds = seeds.ok_or("--seeds needs a number above 0, or two as 2-3")?;
                }
                "--model" => parsed.model = Some(value()?.into()),
                "--peers" => parsed.peers = value()?.into(),
                "--shared" => parsed.shared = value()?.into(),
                "--peer-minutes" => {
                    let minutes = value()?.to_string_lossy().parse().ok();
                    parsed.peer_minutes = minutes
                        .filter(|minutes: &f64| minutes.is_finite() && *minutes >= 0.0)
                        .ok_or("--peer-minutes needs a number from 0 on")?;
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

/// The parts of a value with commas in it.
fn list(value: &OsString) -> impl Iterator<Item = &str> {
    let value = value.to_str().unwrap_or_default();
    value.split(',').map(str::trim)
}

/// The seeds meant; none when these are none.
fn seeds(text: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = text.split_once('-').unwrap_or(("1", text));
    let seeds = first.parse().ok()?..=last.parse().ok()?;
    (*seeds.start() > 0 && !seeds.is_empty()).then_some(seeds)
}

fn unknown(argument: &str) -> String {
    format!(
        "“{argument}” is no option.\noptions: --recipes quick,thorough,quaterion, --encoders \
         minilm,compact, --seeds N|N-N, --model MINILM_DIR, --peers VENV_DIR, --shared DIR, \
         --peer-minutes N, --sizes 20,50,200, --without {}",
        Choice::ALL.map(Choice::name).join(",")
    )
}

/// Where this user's caches are.
fn caches() -> PathBuf {
    let given = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty());
    given.map_or_else(
        || std::env::home_dir().unwrap_or_default().join(".cache"),
        PathBuf::from,
    )
}
