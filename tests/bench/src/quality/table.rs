//! Table of a data set.

use super::{
    exam::Asked,
    figures::{Figures, Firsts, Spread, gain},
};

/// Results of a run.
#[derive(Debug)]
pub struct Run {
    pub shipped: Figures,
    /// Dense search alone; `None` if that is what the model ships.
    pub meaning: Option<Figures>,
    /// Weight of keyword scores.
    pub words: f32,
    /// Training time; `None` without training.
    pub seconds: Option<f64>,
    /// Questions with a right first answer after and before training; `None` for the base itself.
    pub firsts: Option<(Firsts, Firsts)>,
}

impl Run {
    /// Run without training.
    pub fn of(figures: Figures) -> Self {
        Self {
            shipped: figures,
            meaning: None,
            words: 0.0,
            seconds: None,
            firsts: None,
        }
    }

    /// Run that trained an encoder with these right first answers.
    pub fn trained(asked: Asked, before: &Firsts, words: f32, seconds: f64) -> Self {
        Self {
            shipped: asked.shipped,
            meaning: asked.meaning,
            words,
            seconds: Some(seconds),
            firsts: Some((asked.firsts, before.clone())),
        }
    }
}

/// Runs of the same kind.
struct Line {
    exam: String,
    who: String,
    runs: Vec<Run>,
}

/// The runs so far.
#[derive(Default)]
pub struct Table {
    lines: Vec<Line>,
}

impl Table {
    /// Adds a run.
    pub fn add(&mut self, exam: &str, who: &str, run: Run) {
        let same = |line: &&mut Line| line.exam == exam && line.who == who;
        match self.lines.iter_mut().find(same) {
            Some(line) => line.runs.push(run),
            None => self.lines.push(Line {
                exam: exam.into(),
                who: who.into(),
                runs: vec![run],
            }),
        }
    }

    /// Prints the table, exam by exam.
    pub fn print(&self) {
        println!(
            "\n| searched | model | accuracy@1 | gain over frozen | accuracy@5 | mrr@10 | dense: accuracy@1 | accuracy@5 \
             | mrr@10 | keyword weight | seconds | runs |"
        );
        println!("|{}", " --- |".repeat(12));
        let mut exams: Vec<&str> = Vec::new();
        for line in &self.lines {
            if !exams.contains(&&*line.exam) {
                exams.push(&line.exam);
            }
        }
        for exam in exams {
            let of_it = |line: &&Line| line.exam == exam;
            self.lines.iter().filter(of_it).for_each(Line::print);
        }
    }
}

impl Line {
    fn print(&self) {
        let Self { exam, who, runs } = self;
        let spread = |value: &dyn Fn(&Run) -> Option<f64>, digits: usize| {
            let spread = Spread::of(runs.iter().filter_map(value));
            spread.map_or_else(|| "–".into(), |spread| format!("{spread:.digits$}"))
        };
        let has_words = runs.iter().any(|run| run.meaning.is_some());
        let shipped = |part: fn(&Figures) -> f64| spread(&|run| Some(part(&run.shipped)), 3);
        let meaning = |part: fn(&Figures) -> f64| {
            let of = |run: &Run| has_words.then(|| part(&run.meaning.unwrap_or(run.shipped)));
            spread(&of, 3)
        };
        let firsts = runs.iter().filter_map(|run| run.firsts.as_ref());
        let firsts: Vec<_> = firsts.map(|(after, before)| (after, before)).collect();
        let gain = gain(&firsts).map_or_else(
            || "–".into(),
            |(mean, error)| format!("{mean:+.3} ± {error:.3}"),
        );
        let cells = [
            shipped(|figures| figures.recall_1),
            gain,
            shipped(|figures| figures.recall_5),
            shipped(|figures| figures.mrr_10),
            meaning(|figures| figures.recall_1),
            meaning(|figures| figures.recall_5),
            meaning(|figures| figures.mrr_10),
            spread(&|run| has_words.then(|| run.words.into()), 2),
            spread(&|run| run.seconds, 1),
            runs.len().to_string(),
        ];
        println!("| {exam} | {who} | {} |", cells.join(" | "));
    }
}
