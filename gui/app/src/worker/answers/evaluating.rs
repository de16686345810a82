//! Evaluation of a model that has no test results of its own: an untrained one, or one of an earlier version of the
//! program.

use std::collections::VecDeque;

use nearsay::answer_index::{AnswerIndex, Evaluation, EvaluationRun};

use super::{inside, layout::Layout};
use crate::state::{Check, UserError};

/// An evaluation in steps, fold by fold.
pub(super) struct Evaluating {
    /// Texts of the folds that are still to be asked.
    left: VecDeque<Vec<u32>>,
    run: Option<EvaluationRun<'static>>,
    /// Texts asked so far, in the order of the outcomes.
    asked: Vec<u32>,
    done: Vec<Evaluation>,
}

impl Evaluating {
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            left: layout.folds().into(),
            run: None,
            asked: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Does the next piece of work; returns whether any is left.
    pub(super) fn step(&mut self, layout: &Layout, index: &AnswerIndex) -> Result<bool, UserError> {
        if self.run.is_none()
            && let Some(fold) = self.left.pop_front()
        {
            let questions = layout.test_questions(&fold);
            self.asked.extend(fold);
            self.run = Some(EvaluationRun::new(index, questions).with_known_questions());
        }
        let Some(run) = &mut self.run else {
            return Ok(false);
        };
        if run.step(index).map_err(inside)? {
            return Ok(true);
        }
        self.done
            .extend(self.run.take().map(|run| run.finish(index)));
        Ok(!self.left.is_empty())
    }

    /// The evaluation of all questions asked.
    pub(super) fn finish(self, layout: &Layout, index: &AnswerIndex) -> Check {
        layout.check(&self.asked, Evaluation::join(self.done, index))
    }
}
