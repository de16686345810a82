//! Alternating measurements (A B A B), their medians, and ratios with their spread.

use crate::{Failure, peer::Peer};
use serde_json::Value;
use std::{
    fmt,
    time::{Duration, Instant},
};

/// Rest before each pass, so that busy-waiting threads of the last one have gone to sleep.
const REST: Duration = Duration::from_millis(100);

/// Cost of a pass in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Wall time.
    pub wall: f64,
    /// Processor time of all threads; 0 if unknown.
    pub cpu: f64,
}

impl Cost {
    /// Measures work in this process.
    pub fn measure<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<(Self, T), Failure> {
        let start = Stamp::now();
        let done = work()?;
        Ok((start.elapsed(), done))
    }

    /// Cost in a worker's reply.
    pub fn of(reply: &Value) -> Result<Self, Failure> {
        let wall = reply["wall"].as_f64();
        Ok(Self {
            wall: wall.ok_or_else(|| format!("no time in {reply}"))?,
            cpu: reply["cpu"].as_f64().unwrap_or_default(),
        })
    }

    /// Cost per part of `n` equal parts.
    pub fn each(self, n: usize) -> Self {
        let n = n.max(1) as f64;
        Self {
            wall: self.wall / n,
            cpu: self.cpu / n,
        }
    }
}

/// Wall and processor time at one moment.
#[derive(Clone, Copy)]
pub struct Stamp {
    wall: Instant,
    cpu: f64,
}

impl Stamp {
    /// The current time.
    pub fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: processor_seconds().unwrap_or_default(),
        }
    }

    /// Cost from this moment to now.
    pub fn elapsed(self) -> Cost {
        Self::now().since(self)
    }

    /// Cost from `start` to this moment.
    pub fn since(self, start: Self) -> Cost {
        Cost {
            wall: (self.wall - start.wall).as_secs_f64(),
            cpu: self.cpu - start.cpu,
        }
    }
}

/// Processor time of this process in seconds, to a hundredth (Linux).
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may contain anything; what follows it are numbers.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

type Pass<'a> = Box<dyn FnMut() -> Result<Cost, Failure> + 'a>;

/// A program whose passes are measured.
pub struct Contestant<'a> {
    name: String,
    pass: Pass<'a>,
}

impl<'a> Contestant<'a> {
    /// Contestant that runs in this process.
    pub fn new(name: &str, pass: impl FnMut() -> Result<Cost, Failure> + 'a) -> Self {
        Self {
            name: name.into(),
            pass: Box::new(pass),
        }
    }

    /// Contestant that runs in a worker.
    pub fn peer(mut peer: Peer) -> Self {
        let name = peer.name.clone();
        Self::new(&name, move || peer.pass())
    }
}

/// Costs of all contestants, round by round.
pub struct Rounds {
    names: Vec<String>,
    /// `costs[who][round]`.
    costs: Vec<Vec<Cost>>,
}

impl Rounds {
    /// Measures the contestants in turn.
    pub fn run(passes: usize, mut contestants: Vec<Contestant<'_>>) -> Result<Self, Failure> {
        let mut costs = vec![Vec::with_capacity(passes); contestants.len()];
        for _ in 0..passes {
            for (contestant, costs) in contestants.iter_mut().zip(&mut costs) {
                std::thread::sleep(REST);
                costs.push((contestant.pass)()?);
            }
        }
        let names = contestants.into_iter().map(|one| one.name).collect();
        Ok(Self { names, costs })
    }

    fn walls(&self, who: usize) -> Vec<f64> {
        self.costs[who].iter().map(|cost| cost.wall).collect()
    }

    /// Median wall time of a contestant.
    pub fn median(&self, who: usize) -> Spread {
        Spread::of(self.walls(who))
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Speed-up of a contestant over another; `None` if one of them did not run.
    pub fn times_faster(&self, name: &str, than: &str) -> Option<Spread> {
        let (ours, theirs) = (self.number(name)?, self.number(than)?);
        let each = self.costs[ours]
            .iter()
            .zip(&self.costs[theirs])
            .map(|(ours, theirs)| theirs.wall / ours.wall)
            .collect();
        Some(Spread {
            middle: self.median(theirs).middle / self.median(ours).middle,
            ..Spread::of(each)
        })
    }

    /// The fastest of these contestants that ran.
    pub fn best<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        let here = names.iter().filter_map(|&name| {
            let median = self.median(self.number(name)?).middle;
            Some((name, median))
        });
        here.min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(name, _)| name)
    }

    /// Prints the time of each contestant for one of `units` in a pass, and the speed-up of the first.
    pub fn print(&self, unit: &str, units: usize) {
        for (who, name) in self.names.iter().enumerate() {
            let median = self.median(who);
            let cpu = Spread::of(self.costs[who].iter().map(|cost| cost.cpu).collect()).middle;
            let units = units.max(1) as f64;
            let mut line = format!(
                "{name}: {} per {unit} ({} to {})",
                seconds(median.middle / units),
                seconds(median.least / units),
                seconds(median.most / units),
            );
            if cpu > 0.0 {
                line += &format!(", processor {}", seconds(cpu / units));
            }
            if units > 1.0 {
                line += &format!(", {:.0} a second", units / median.middle);
            }
            if let Some(times) = self.times_faster(&self.names[0], name).filter(|_| who > 0) {
                line += &format!("; {} is {times} × as fast", self.names[0]);
            }
            println!("{line}");
        }
    }
}

/// A median with the smallest and the largest value.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub middle: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// Spread of values; NaN if there are none.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let n = values.len();
        Self {
            middle: (at(n.saturating_sub(1) / 2) + at(n / 2)) / 2.0,
            least: at(0),
            most: at(n.saturating_sub(1)),
        }
    }

    /// Spread of a single value.
    pub fn only(value: f64) -> Self {
        Self::of(vec![value])
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            middle,
            least,
            most,
        } = self;
        write!(f, "{middle:.2} ({least:.2}–{most:.2})")
    }
}

/// Formats a time with a suitable unit.
pub fn seconds(seconds: f64) -> String {
    match seconds.abs() {
        s if s >= 1.0 => format!("{seconds:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{:.1} µs", seconds * 1e6),
    }
}

/// Quantile of values.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share) as usize;
    let last = values.len().saturating_sub(1);
    values.get(place.min(last)).copied().unwrap_or(f64::NAN)
}
