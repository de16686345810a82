//! Confidence in the answers that a search found.

use super::{AnswerIndex, Calibrator, Confidence, Level, Ranked, Rating, Source};
use nearsay_faq::normalize;
use nearsay_search::index::Hit;

/// Rates each hit for a question with this vector, `[hits]`. Probabilities and levels never increase along the list.
pub(super) fn rate(
    index: &AnswerIndex,
    question: &str,
    vector: &[f32],
    hits: &[Hit],
) -> Vec<Rating> {
    match &index.confidence.calibrator {
        Some(calibrator) => by_calibrator(index, calibrator, question, vector, hits),
        None => by_threshold(index, question, vector, hits),
    }
}

fn by_threshold(index: &AnswerIndex, question: &str, vector: &[f32], hits: &[Hit]) -> Vec<Rating> {
    let rule = &index.confidence;
    let standings = rule.standings(&index.index, vector, hits);
    let sureness = rule.sureness(&standings).into_iter();
    let rating = |(sureness, hit): (f32, &Hit)| {
        let probability = rule.probability(sureness);
        let level = if is_known(index, question, hit) {
            Level::Known
        } else if rule.is_sure(sureness) {
            Level::Sure
        } else {
            Level::Unsure
        };
        Rating {
            probability,
            level,
            sure: level >= Level::Sure,
        }
    };
    sureness.zip(hits).map(rating).collect()
}

fn by_calibrator(
    index: &AnswerIndex,
    calibrator: &Calibrator,
    question: &str,
    vector: &[f32],
    hits: &[Hit],
) -> Vec<Rating> {
    let own = index.index.own_meanings(vector, hits);
    let ranked = |(hit, own): (&Hit, f32)| Ranked {
        answer: hit.answer,
        text: hit.vector,
        score: hit.score,
        dense: hit.meaning,
        own,
    };
    let ranked: Vec<Ranked> = hits.iter().zip(own).map(ranked).collect();
    let source = Source {
        index: &index.index,
        words: index.index.words(),
        answers: &index.answers,
        spread: index.cosine_spread(),
    };
    let lowest = Rating {
        probability: None,
        level: Level::Unsure,
        sure: false,
    };
    // A score that isn't a number supports no answer.
    let Some(features) = source.features(question, &ranked) else {
        return vec![lowest; hits.len()];
    };
    let first = calibrator.probability(&features);
    let shares = source.shares(&ranked);
    let first_share = shares.first().copied().unwrap_or_default();
    let in_first_group = source.in_first_group(&ranked);
    let is_foreign = first >= Confidence::SURE && is_foreign(index, calibrator, question, hits);
    let mut highest = 1.0f32;
    let mut ratings = Vec::with_capacity(hits.len());
    for ((hit, share), in_group) in hits.iter().zip(shares).zip(in_first_group) {
        let is_known = is_known(index, question, hit);
        // If the first answer is wrong, the others are right in proportion to their shares.
        let rest = (1.0 - first) * share / (1.0 - first_share).max(f32::MIN_POSITIVE);
        let probability = match (is_known, in_group) {
            (true, _) => Confidence::KNOWN,
            (false, true) => first,
            (false, false) => rest,
        };
        highest = highest.min(probability.clamp(1e-6, Confidence::KNOWN));
        let level = match calibrator.level(highest) {
            _ if is_known => Level::Known,
            level if is_foreign => level.min(Level::Likely),
            level => level,
        };
        ratings.push(Rating {
            probability: Some(if is_foreign && !is_known {
                highest.min(BELOW_SURE)
            } else {
                highest
            }),
            level,
            sure: level >= Level::Sure,
        });
    }
    ratings
}

/// Largest probability of an answer in a language that the encoder doesn't know.
const BELOW_SURE: f32 = Confidence::SURE - 0.01;

/// Whether the question equals the paraphrase that matched.
fn is_known(index: &AnswerIndex, question: &str, hit: &Hit) -> bool {
    let paraphrase = index.answers.wording(hit.vector);
    paraphrase.is_some_and(|paraphrase| normalize(paraphrase) == normalize(question))
}

/// Whether the question or the best answer is in a language that the encoder doesn't know.
fn is_foreign(index: &AnswerIndex, calibrator: &Calibrator, question: &str, hits: &[Hit]) -> bool {
    let first = hits.first().and_then(|hit| index.answers.get(hit.answer));
    let answer = first.map_or("", |first| &first.answer);
    calibrator.languages.lacks(question) || calibrator.languages.lacks(answer)
}

#[cfg(test)]
mod tests {
    use super::super::{AnswerSet, Calibrator, KnownAnswer, Scoring, Words};
    use super::*;
    use nearsay_core::matrix::Matrix;
    use std::sync::Arc;

    /// Three answers in three directions, each with one paraphrase. The calibrator was adapted to many questions.
    fn index(questions: [&str; 3]) -> AnswerIndex {
        let known = |question: &&str| KnownAnswer {
            answer: format!("This is the answer to the question of the {question}."),
            questions: vec![(*question).into()],
            row: 0,
            source: None,
        };
        let answers = AnswerSet::from_known(questions.iter().map(known).collect());
        let row = |text: usize| {
            let mut row = [0.1f32; 4];
            row[text / 2] = 1.0;
            row[3] = 0.2 * (text % 2) as f32;
            row
        };
        let rows: Vec<[f32; 4]> = (0..6).map(row).collect();
        let scoring = Scoring {
            hybrid: Some(Words::by_answer(0.3)),
            ..Scoring::default()
        };
        let vectors = Matrix::from_rows(&rows).unwrap();
        let index = AnswerIndex::build(Arc::new(answers), vectors, scoring).unwrap();
        index.with_confidence(Confidence {
            calibrator: Some(Calibrator {
                questions: 1000,
                offset: 3.0,
                ..Calibrator::UNIVERSAL
            }),
            ..Confidence::USUAL
        })
    }

    const NEAR_FIRST: [f32; 4] = [1.0, 0.15, 0.05, 0.2];

    #[test]
    fn known_question_is_known() {
        let index = index(["When do you open?", "Parking?", "Wi-Fi?"]);
        let found = index.search("  when do you OPEN? ", &NEAR_FIRST, 3);
        assert_eq!((found[0].level, found[0].sure), (Level::Known, true));
        assert_eq!(found[0].probability, Some(Confidence::KNOWN));
        assert!(found[1].level < Level::Known);
        // Without a calibrator, the level is the same.
        let former = index.with_confidence(Confidence::USUAL);
        let found = former.search("When do you open?", &NEAR_FIRST, 1);
        assert_eq!((found[0].level, found[0].probability), (Level::Known, None));
    }

    #[test]
    fn ratings_never_increase_and_do_not_depend_on_k() {
        let index = index(["When do you open?", "Parking?", "Wi-Fi?"]);
        let question = "When do you open the doors?";
        let all = index.search(question, &NEAR_FIRST, 3);
        let chances: Vec<f32> = all.iter().filter_map(|hit| hit.probability).collect();
        assert_eq!(chances.len(), 3);
        assert!(chances.is_sorted_by(|a, b| a >= b), "{chances:?}");
        assert!(all.is_sorted_by(|a, b| a.level >= b.level));
        let alone = index.search(question, &NEAR_FIRST, 1);
        assert_eq!(
            (alone[0].probability, alone[0].level),
            (all[0].probability, all[0].level)
        );
    }

    #[test]
    fn foreign_question_is_never_sure() {
        let questions = ["When do you open?", "Parking?", "Wi-Fi?"];
        let index = index(questions);
        let sure = index.search("When do you open today?", &NEAR_FIRST, 1);
        assert_eq!(sure[0].level, Level::Sure);
        let foreign = "Wann öffnen Sie heute und wie lange haben Sie geöffnet?";
        let found = index.search(foreign, &NEAR_FIRST, 1);
        assert!(found[0].level < Level::Sure && !found[0].sure);
        assert!(found[0].probability.unwrap() < Confidence::SURE);
    }

    #[test]
    fn vectors_with_nan_are_unsure() {
        let index = index(["When do you open?", "Parking?", "Wi-Fi?"]);
        for hit in index.search("When?", &[f32::NAN; 4], 3) {
            assert_eq!((hit.level, hit.probability), (Level::Unsure, None));
        }
    }
}
