//! Measuring by turns: A B A B, medians, ratios with their spread.

use super::{Failure, peer::Peer};
use serde_json::Value;
use std::{
    fmt,
    time::{Duration, Instant},
};

/// Rest before each turn, so that threads which wait busily for more have given up.
const REST: Duration = Duration::from_millis(100);

/// What a pass cost, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// By the clock.
    pub wall: f64,
    /// Of the processor, all threads together; nothing where that is not told.
    pub cpu: f64,
}

impl Cost {
    /// That of doing something in this process.
    pub fn measure<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<(Self, T), Failure> {
        let start = Stamp::now();
        let done = work()?;
        Ok((start.elapsed(), done))
    }

    /// As a worker answers it.
    pub fn of(reply: &Value) -> Result<Self, Failure> {
        let wall = reply["wall"].as_f64();
        Ok(Self {
            wall: wall.ok_or_else(|| format!("no time in {reply}"))?,
            cpu: reply["cpu"].as_f64().unwrap_or_default(),
        })
    }

    /// The cost of each of `n` equal parts.
    pub fn each(self, n: usize) -> Self {
        let n = n.max(1) as f64;
        Self {
            wall: self.wall / n,
            cpu: self.cpu / n,
        }
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy)]
pub struct Stamp {
    wall: Instant,
    cpu: f64,
}

impl Stamp {
    /// This moment.
    pub fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: processor_seconds().unwrap_or_default(),
        }
    }

    /// From then to now.
    pub fn elapsed(self) -> Cost {
        Self::now().since(self)
    }

    /// From another moment to this one.
    pub fn since(self, start: Self) -> Cost {
        Cost {
            wall: (self.wall - start.wall).as_secs_f64(),
            cpu: self.cpu - start.cpu,
        }
    }
}

/// Processor time of this process, to a hundredth of a second (Linux).
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may contain anything; what follows it are numbers.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

type Pass<'a> = Box<dyn FnMut() -> Result<Cost, Failure> + 'a>;

/// Somebody who does the same work again and again.
pub struct Contestant<'a> {
    name: String,
    pass: Pass<'a>,
}

impl<'a> Contestant<'a> {
    /// Somebody in this process.
    pub fn new(name: &str, pass: impl FnMut() -> Result<Cost, Failure> + 'a) -> Self {
        Self {
            name: name.into(),
            pass: Box::new(pass),
        }
    }

    /// A worker.
    pub fn peer(mut peer: Peer) -> Self {
        let name = peer.name.clone();
        Self::new(&name, move || peer.pass())
    }
}

/// What everybody's passes cost, round by round.
pub struct Rounds {
    names: Vec<String>,
    /// `costs[who][round]`.
    costs: Vec<Vec<Cost>>,
}

impl Rounds {
    /// Has everybody take turns.
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

    /// Somebody's median time by the clock.
    pub fn median(&self, who: usize) -> Spread {
        Spread::of(self.walls(who))
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// How many times less one took than another; `None` when one of them did not take part.
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

    /// The quickest of those named that took part.
    pub fn best<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        let here = names.iter().filter_map(|&name| {
            let median = self.median(self.number(name)?).middle;
            Some((name, median))
        });
        here.min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(name, _)| name)
    }

    /// Prints everybody's time for one of `units` in a pass, and how much faster the first one is.
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

/// A median with the least and the most.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub middle: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// That of some values; of none it is no number.
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

    /// A single value.
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

/// A time in the unit that suits it.
pub fn seconds(seconds: f64) -> String {
    match seconds.abs() {
        s if s >= 1.0 => format!("{seconds:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{:.1} µs", seconds * 1e6),
    }
}

/// The value below which a share of the values lies.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share) as usize;
    let last = values.len().saturating_sub(1);
    values.get(place.min(last)).copied().unwrap_or(f64::NAN)
}
