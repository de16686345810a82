//! Outcomes of single test questions, as JSON lines.

use nearsay_search::calibration::Silence;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What a test question measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A known answer asked for in new words: the index has other paraphrases of the question.
    KnownAnswers,
    /// A new answer: the index has the answer without its questions.
    NewAnswers,
}

/// Outcome of a test question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestOutcome {
    /// The task.
    pub task: Task,
    /// The question.
    pub question: String,
    /// The right answer.
    pub answer: String,
    /// Rank of the best right answer, from 1.
    pub rank: usize,
    /// The answer given; `None` if there are no answers.
    pub given: Option<String>,
    /// Score of the answer given.
    pub score: f32,
    /// Probability that the answer given is right; `None` if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f32>,
    /// Rank by the model that the trained model is compared with; `None` if that model wasn't asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_before: Option<usize>,
}

impl TestOutcome {
    /// Whether the answer given is right.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.rank == 1
    }

    /// Every question once: as one about a known answer if it was asked as one, otherwise as one about a new answer.
    #[must_use]
    pub fn once(outcomes: &[Self]) -> Vec<&Self> {
        let key = |outcome: &'_ Self| (outcome.question.clone(), outcome.answer.clone());
        let is_known = |outcome: &&Self| outcome.task == Task::KnownAnswers;
        let known: HashSet<_> = outcomes.iter().filter(is_known).map(key).collect();
        let is_first = |outcome: &&Self| is_known(outcome) || !known.contains(&key(outcome));
        outcomes.iter().filter(is_first).collect()
    }

    /// Risk–coverage curve of outcomes: errors and coverage of answering only above a probability threshold. `None` if
    /// probabilities weren't measured.
    #[must_use]
    pub fn risk_coverage(outcomes: &[&Self]) -> Option<Silence> {
        let pair = |outcome: &&Self| Some((outcome.probability?, outcome.is_right()));
        let pairs: Vec<(f32, bool)> = outcomes.iter().filter_map(pair).collect();
        (!pairs.is_empty()).then(|| Silence::of(&pairs))
    }

    /// Writes outcomes as JSON lines.
    ///
    /// # Errors
    /// When an outcome cannot be written as JSON, which is a bug.
    pub fn to_json_lines(outcomes: &[Self]) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = Vec::new();
        for outcome in outcomes {
            serde_json::to_writer(&mut bytes, outcome)?;
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    /// Reads outcomes from JSON lines.
    ///
    /// # Errors
    /// For the first line that isn't an outcome.
    pub fn from_json_lines(bytes: &[u8]) -> Result<Vec<Self>, serde_json::Error> {
        let lines = bytes.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.trim_ascii().is_empty());
        lines.map(serde_json::from_slice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines_round_trip() {
        let one = TestOutcome {
            task: Task::KnownAnswers,
            question: "When do\nyou open?".into(),
            answer: "At nine.".into(),
            rank: 2,
            given: Some("Never.".into()),
            score: 0.5,
            probability: Some(0.25),
            rank_before: None,
        };
        let other = TestOutcome {
            task: Task::NewAnswers,
            rank: 1,
            probability: None,
            rank_before: Some(3),
            ..one.clone()
        };
        let both = [one, other];
        assert_eq!(TestOutcome::once(&both), [&both[0]]);
        assert_eq!(TestOutcome::once(&both[1..]), [&both[1]]);
        let curve = TestOutcome::risk_coverage(&[&both[0], &both[1]]).unwrap();
        let at = curve.at(0.2);
        assert_eq!((at.answered, at.wrong), (1, 1));
        assert!(TestOutcome::risk_coverage(&[&both[1]]).is_none());
        let bytes = TestOutcome::to_json_lines(&both).unwrap();
        assert!(bytes.starts_with(br#"{"task":"known_answers","question":"When do\nyou open?""#));
        assert_eq!(TestOutcome::from_json_lines(&bytes).unwrap(), both);
        assert_eq!(TestOutcome::from_json_lines(b"\n").unwrap(), []);
        assert!(TestOutcome::from_json_lines(b"{}").is_err());
    }
}
