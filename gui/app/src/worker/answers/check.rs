//! Asking the questions kept aside, of the project without them.
//!
//! A question of which other wordings are left is asked of all answers and all wordings but those
//! kept aside: somebody says in new words what is asked in known ones. Of a question without other
//! wordings nothing is left but its answer; against the wordings of all other answers that would
//! stand no chance, which says nothing of daily use. So it is asked of the answers alone, as the
//! tutorial does.

use std::ops::ControlFlow;

use nearsay::servable::{self, Checked, Confidence, HeldOut, Outcome, Words};
use nearsay_core::matrix::Matrix;
use nearsay_search::{
    calibration::{AMONG, OWN_TEXT, standing},
    expansion::{Own, Rule},
    index::Index,
};

use super::{layout::Layout, moving::Moving};
use crate::state::{Check, UserError, Verdict};
use nearsay_project::Tally;

/// So many questions are asked before the thread looks up.
const PIECE: usize = 512;

/// A check under way.
pub(super) struct CheckRun {
    /// The texts that are questions kept aside, those with other wordings first.
    exam: Vec<u32>,
    /// How many of them have.
    reworded: usize,
    /// The texts that the others are not asked of: all wordings.
    wordings: Vec<u32>,
    verdicts: Vec<Verdict>,
    /// What came of each.
    outcomes: Vec<Outcome>,
    /// What would have come of each, were it known.
    known: Vec<Outcome>,
    /// What is being made for those asked next, and for whom.
    moving: Option<Moving>,
    /// What they are asked of where answers are moved, and whether these are those with other wordings.
    moved: Option<(bool, Index)>,
}

/// What the questions are asked of.
pub(super) struct Asked<'a> {
    /// All texts.
    pub(super) index: &'a Index,
    /// What words count for in it.
    pub(super) words: Option<Words>,
    /// The vectors of answers as the model makes them, where the index has them moved, and how.
    pub(super) plain: Option<(&'a Matrix, Rule)>,
}

impl CheckRun {
    pub(super) fn new(layout: &Layout) -> Self {
        let texts = || (0..).zip(layout.aside.iter().zip(&layout.wordings));
        let mut has_others = vec![false; layout.ids.len()];
        for (text, (aside, wording)) in texts() {
            let owner = layout.owners.get::<usize>(text as usize);
            if let Some(has) = owner.and_then(|owner| has_others.get_mut(*owner as usize)) {
                *has |= !aside && *wording > 0;
            }
        }
        let is_reworded = |text: &u32| {
            let owner = layout.owners.get(*text as usize);
            owner.and_then(|owner| has_others.get(*owner as usize)) == Some(&true)
        };
        let exam = texts().filter_map(|(text, (aside, _))| aside.then_some(text));
        let (mut exam, alone): (Vec<u32>, Vec<u32>) = exam.partition(is_reworded);
        let reworded = exam.len();
        exam.extend(alone);
        Self {
            exam,
            reworded,
            wordings: texts()
                .filter_map(|(text, (_, wording))| (*wording > 0).then_some(text))
                .collect(),
            verdicts: Vec::new(),
            outcomes: Vec::new(),
            known: Vec::new(),
            moving: None,
            moved: None,
        }
    }

    /// Moves some answers, the questions kept aside not being there; false when all are.
    ///
    /// Of questions whose answers have no others left, the own questions of all answers are left out.
    fn prepare(&mut self, layout: &Layout, asked: &Asked<'_>) -> Result<bool, UserError> {
        let Some((plain, rule)) = asked.plain else {
            return Ok(false);
        };
        let is_reworded = self.verdicts.len() < self.reworded;
        if self.exam.is_empty() || matches!(&self.moved, Some((of, _)) if *of == is_reworded) {
            return Ok(false);
        }
        if self.moving.is_none() {
            let mut vectors = asked.index.vectors().clone();
            let texts = layout.wordings.iter().enumerate();
            let answers = texts.filter(|(_, wording)| **wording == 0);
            for ((text, _), vector) in answers.zip(plain.iter_rows()) {
                vectors.row_mut(text).copy_from_slice(vector);
            }
            let own = match is_reworded {
                true => Own::Counts,
                false => Own::LeftOut,
            };
            self.moving = Some(Moving::new(layout, vectors, rule, own)?);
        }
        if let Some(moving) = &mut self.moving
            && moving.step(layout)?
        {
            return Ok(true);
        }
        if let Some(moving) = self.moving.take() {
            let index = moving.finish(layout, asked.words)?;
            self.moved = Some((is_reworded, index));
        }
        Ok(true)
    }

    /// Asks some questions; false when there are none left.
    pub(super) fn step(&mut self, layout: &Layout, asked: &Asked<'_>) -> Result<bool, UserError> {
        if self.prepare(layout, asked)? {
            return Ok(true);
        }
        let moved = self.moved.take();
        let index = moved.as_ref().map_or(asked.index, |(_, index)| index);
        let result = self.ask(layout, index);
        self.moved = moved;
        result
    }

    fn ask(&mut self, layout: &Layout, index: &Index) -> Result<bool, UserError> {
        let begun = self.verdicts.len();
        let (until, without) = match begun < self.reworded {
            true => (self.reworded, &self.exam),
            false => (self.exam.len(), &self.wordings),
        };
        let end = (begun + PIECE).min(until);
        let now = self.exam.get(begun..end).unwrap_or_default();
        let texts = layout.texts();
        let at = |text: u32| texts.get(text as usize).copied().unwrap_or_default();
        let exam: Vec<HeldOut<'_>> = now
            .iter()
            .filter_map(|text| {
                Some(HeldOut {
                    vector: index.vectors().row(*text as usize),
                    question: at(*text),
                    right: *layout.owners.get(*text as usize)?,
                })
            })
            .collect();
        let mut go_on = |_, _| ControlFlow::Continue(());
        let found = servable::check(index, without, &exam, &mut go_on)?;
        for (text, checked) in now.iter().zip(found) {
            self.known
                .push(were_it_known(&checked, index, *text, at(*text)));
            let given = checked.given.and_then(|hit| layout.entry(hit.answer));
            let row = layout.row(*text).unwrap_or_default();
            let wording = layout.entries.get(&row.entry);
            let wording = wording.and_then(|entry| entry.paraphrases.get(row.paraphrase as usize));
            let right_too =
                |given| wording.is_some_and(|wording| wording.also_right.contains(&given));
            let verdict = Verdict {
                row,
                given,
                score: checked.given.map_or(0.0, |hit| hit.score),
                rank: match given.is_some_and(right_too) {
                    true => 1,
                    false => u32::try_from(checked.rank).unwrap_or(u32::MAX),
                },
                confidence: None, // known when all were asked
            };
            self.outcomes.push(Outcome {
                standings: checked.standings,
                right: verdict.is_right(),
            });
            self.verdicts.push(verdict);
        }
        // A question that could not be asked must not be asked for ever.
        Ok(self.verdicts.len() == end && end < self.exam.len())
    }

    pub(super) fn finish(mut self) -> Check {
        let enough = self.verdicts.len() >= Tally::ENOUGH as usize;
        let confidence = enough.then(|| {
            let measured = Confidence::measured(&self.outcomes);
            // A question that is a known wording, asked again, is right, and as near as can be: so much
            // is known that no question kept aside can tell.
            let all: Vec<Outcome> = self.outcomes.iter().chain(&self.known).cloned().collect();
            Confidence {
                calibration: measured.calibrated(&all),
                ..measured
            }
        });
        for (verdict, outcome) in self.verdicts.iter_mut().zip(&self.outcomes) {
            let chance = |rule: &Confidence| rule.probability(rule.sureness_of(outcome));
            verdict.confidence = confidence.as_ref().and_then(chance);
        }
        self.verdicts.sort_by_key(|verdict| verdict.row);
        Check {
            risk_coverage: consequences(&self.verdicts),
            verdicts: self.verdicts,
            calibration: confidence,
        }
    }
}

/// What would have come of a question that is a text of an index, had it been a known wording of its answer.
fn were_it_known(checked: &Checked, index: &Index, text: u32, question: &str) -> Outcome {
    let words = index.words_of(question, text);
    let of_answer = checked
        .right
        .map(|right| index.own_meanings(index.vectors().row(text as usize), &[right]));
    let own = of_answer
        .and_then(|own| own.first().copied())
        .unwrap_or(1.0);
    let first = standing(1.0, own, words, OWN_TEXT);
    let right = checked.rank - 1;
    let others = checked.standings.iter().enumerate();
    let others = others
        .filter(|(place, _)| *place != right)
        .map(|(_, of)| *of);
    Outcome {
        standings: [first].into_iter().chain(others).take(AMONG).collect(),
        right: true,
    }
}

/// For each least chance in hundredths: of 100 questions so many are answered, and of 100 answered
/// so many wrongly; none when the chances are not known.
fn consequences(verdicts: &[Verdict]) -> Vec<(f32, f32)> {
    let chances: Vec<(f32, bool)> = verdicts
        .iter()
        .filter_map(|verdict| Some((verdict.confidence?, verdict.is_right())))
        .collect();
    if chances.is_empty() {
        return Vec::new();
    }
    (0..=100_u8)
        .map(|least| {
            let given = chances
                .iter()
                .filter(|(chance, _)| *chance >= f32::from(least) / 100.0);
            let (mut answered, mut wrong) = (0.0_f32, 0.0_f32);
            for (_, right) in given {
                answered += 1.0;
                wrong += f32::from(u8::from(!right));
            }
            (
                100.0 * answered / chances.len().max(1) as f32,
                100.0 * wrong / answered.max(1.0),
            )
        })
        .collect()
}
