//! Goals, and whether they are reached.

use crate::rounds::Spread;
use std::collections::BTreeMap;

/// A goal, which is a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    Encode,
    Fast,
    Question,
    HeadQuaterion,
    HeadTorch,
    Quick,
    Thorough,
    ThoroughReduced,
    Search,
    Window,
    FirstAnswer,
    Memory,
}

/// Limit of a goal.
enum Asked {
    /// At least this many times better than the peer.
    Times(f64),
    /// At most this many seconds.
    Seconds(f64),
}

impl Goal {
    const ALL: [Self; 12] = [
        Self::Encode,
        Self::Fast,
        Self::Question,
        Self::HeadQuaterion,
        Self::HeadTorch,
        Self::Quick,
        Self::Thorough,
        Self::ThoroughReduced,
        Self::Search,
        Self::Window,
        Self::FirstAnswer,
        Self::Memory,
    ];

    fn what(self) -> &'static str {
        match self {
            Self::Encode => "encode, f32, against the better of PyTorch and ONNX Runtime fp32",
            Self::Fast => {
                "encode, “fast”, against the best of ONNX Runtime fp32, int8 and PyTorch bf16"
            }
            Self::Question => "one question of 20 tokens, against sentence-transformers",
            Self::HeadQuaterion => "epoch of `quaterion` with metrics, against Quaterion",
            Self::HeadTorch => "the same, against plain PyTorch without metrics",
            Self::Quick => "`quick` until beyond the tutorial's last figures",
            Self::Thorough => "thorough step, fp32, against PyTorch fp32",
            Self::ThoroughReduced => "thorough step, reduced, against PyTorch bf16",
            Self::Search => "exact top 10 of 1,000,000, against a flat f32 scan, recall 1",
            Self::Window => "start to window, with MiniLM",
            Self::FirstAnswer => "start to first answer by terminal, with MiniLM",
            Self::Memory => "peak memory of embedding the cloud FAQ, PyTorch's over ours",
        }
    }

    fn asked(self) -> Asked {
        match self {
            Self::Encode => Asked::Times(1.4),
            Self::Fast | Self::HeadTorch | Self::Thorough | Self::ThoroughReduced => {
                Asked::Times(1.2)
            }
            Self::Question | Self::Memory => Asked::Times(2.0),
            Self::HeadQuaterion => Asked::Times(4.0),
            Self::Search => Asked::Times(3.0),
            Self::Quick => Asked::Seconds(10.0),
            Self::Window => Asked::Seconds(1.0),
            Self::FirstAnswer => Asked::Seconds(0.5),
        }
    }
}

struct Found {
    value: Spread,
    note: String,
    /// Whether the goal's other condition holds.
    sound: bool,
}

/// Rows measured so far.
#[derive(Default)]
pub struct Table {
    found: BTreeMap<Goal, Found>,
}

impl Table {
    /// Adds a goal's figure with a note on its conditions.
    pub fn found(&mut self, goal: Goal, value: Spread, note: impl Into<String>) {
        self.found_if(true, goal, value, note);
    }

    /// Like [`found`](Self::found), with another condition that must hold.
    pub fn found_if(&mut self, sound: bool, goal: Goal, value: Spread, note: impl Into<String>) {
        let note = note.into();
        self.found.insert(goal, Found { value, note, sound });
    }

    /// Prints the table.
    pub fn print(&self) {
        println!("\n| figure | goal | measured | | |");
        println!("| --- | --- | --- | --- | --- |");
        for goal in Goal::ALL {
            let asked = match goal.asked() {
                Asked::Times(least) => format!("≥ {least} ×"),
                Asked::Seconds(most) => format!("≤ {most} s"),
            };
            let what = goal.what();
            let Some(Found { value, note, sound }) = self.found.get(&goal) else {
                println!("| {what} | {asked} | – | not run | |");
                continue;
            };
            let (unit, reached) = match goal.asked() {
                Asked::Times(least) => ("×", value.middle >= least),
                Asked::Seconds(most) => ("s", value.middle <= most),
            };
            let verdict = match reached && *sound {
                true => "pass",
                false => "**fail**",
            };
            println!("| {what} | {asked} | {value} {unit} | {note} | {verdict} |");
        }
    }
}
