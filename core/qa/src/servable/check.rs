use super::Outcome;
use candle_core::{Device, Tensor};
use nearsay_bert::EncodeError;
use nearsay_core::{candle::to_tensor, matrix::Matrix};
use nearsay_search::{
    calibration::{AMONG, OWN_TEXT, standing},
    index::{self, Hit, Index, Words},
};
use rayon::prelude::*;
use std::ops::ControlFlow;

/// Scores held at once: 64 MiB. More questions are asked in blocks.
const SCORES: usize = 1 << 24;
/// Questions of a block at most.
const BLOCK: usize = 1_024;
/// How far a score of the block product may be from the one that is served; rounding is a tenth of it.
const NEAR: f32 = 1e-5;

/// A question whose answer is known, kept aside to check a model.
#[derive(Clone, Copy, Debug)]
pub struct HeldOut<'a> {
    /// Its vector, `[dim]`, as of [`TextModel::encode`](super::TextModel::encode).
    pub vector: &'a [f32],
    /// Its text, for the words of the index; it may be empty when that has none.
    pub question: &'a str,
    /// Number of the right answer.
    pub right: u32,
}

/// What a model makes of a question kept aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Rank of the right answer among all answers, from 1. Ties count against us: an answer with the
    /// same score stands before the right one. One that is not found is last, and never first.
    pub rank: usize,
    /// The answer given, as [`Index::ask`] gives it first; none when there is nothing to find.
    pub given: Option<Hit>,
    /// The right answer with its score and nearest text; none when none of its texts is searched,
    /// or the question's vector is not made of numbers.
    pub right: Option<Hit>,
    /// The [`standing`]s, with [`OWN_TEXT`], of the answers of the best scores, best scores first, at most
    /// [`AMONG`]; up to rounding.
    pub standings: Vec<f32>,
}

impl Checked {
    /// Whether the answer given is the right one. At a tie it may be so with a rank beyond 1.
    #[must_use]
    pub fn is_right(&self) -> bool {
        match (self.given, self.right) {
            (Some(given), Some(right)) => given.answer == right.answer,
            _ => false,
        }
    }

    /// As a [`Confidence`](super::Confidence) is measured by it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome {
            standings: self.standings.clone(),
            right: self.is_right(),
        }
    }
}

/// Asks an index questions whose answers are known, one [`Checked`] each, in order.
///
/// `without` are numbers of texts that are not searched, in any order: those of all the questions
/// kept aside, where they are wordings of the index themselves. An answer scores as the nearest of
/// its other texts does. Scores are exactly those of [`Index::ask`] where these texts never were: a block
/// product finds what is near enough to matter, and that is computed anew as it is served; words are
/// weighed by the other texts alone. All cores are used.
///
/// `on_progress` gets the questions done and their number, and may stop the work.
///
/// # Errors
/// [`EncodeError::Cancelled`] when stopped; else when a vector has another length than the index's.
pub fn check(
    index: &Index,
    without: &[u32],
    exam: &[HeldOut<'_>],
    on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Checked>, EncodeError> {
    let (vectors, dim) = (index.vectors().rows(), index.dim());
    let mut checked = Vec::with_capacity(exam.len());
    let mut searched = vec![true; vectors];
    for &vector in without {
        if let Some(searched) = searched.get_mut(vector as usize) {
            *searched = false;
        }
    }
    let mut own = vec![None; index.answers()];
    for (text, &owner) in index.owners().iter().enumerate().rev() {
        if searched[text] {
            own[owner as usize] = Some(text);
        }
    }
    let scan = Scan {
        index,
        searched,
        own,
        words: index.words_without(without),
    };
    let pool = to_tensor(index.vectors(), &Device::Cpu)?.t()?;
    for block in exam.chunks((SCORES / vectors.max(1)).clamp(1, BLOCK)) {
        if on_progress(checked.len(), exam.len()).is_break() {
            return Err(EncodeError::Cancelled);
        }
        let mut questions: Vec<f32> = Vec::with_capacity(block.len() * dim);
        for held_out in block {
            let start = questions.len();
            questions.extend_from_slice(held_out.vector);
            index::normalize(&mut questions[start..]);
        }
        let questions = Matrix::new(block.len(), dim, questions)?;
        let mut scores = products(&questions, &pool)?;
        let rows = scores.par_chunks_exact_mut(vectors.max(1));
        let asked = block.par_iter().enumerate().zip_eq(rows);
        let found =
            asked.map(|((i, held_out), scores)| scan.one(questions.row(i), held_out, scores));
        checked.par_extend(found);
    }
    // Too late to stop.
    let _ = on_progress(checked.len(), exam.len());
    Ok(checked)
}

/// `[n, d]` questions by a `[d, m]` pool, row by row; a pool without columns gives one zero a row, so
/// that there is a row for each question.
fn products(questions: &Matrix, pool: &Tensor) -> Result<Vec<f32>, EncodeError> {
    if pool.elem_count() == 0 || questions.rows() == 0 {
        return Ok(vec![0.0; questions.rows() * pool.dim(1)?.max(1)]);
    }
    let questions = to_tensor(questions, &Device::Cpu)?;
    Ok(questions.matmul(pool)?.flatten_all()?.to_vec1()?)
}

/// What a question is asked of.
struct Scan<'a> {
    index: &'a Index,
    /// For every text whether it is searched.
    searched: Vec<bool>,
    /// The first text of each answer that is.
    own: Vec<Option<usize>>,
    /// The words of those that are.
    words: Option<Words>,
}

impl Scan<'_> {
    /// Asks one question; `scores` are its products with every vector, nearly.
    fn one(&self, question: &[f32], held_out: &HeldOut<'_>, scores: &mut [f32]) -> Checked {
        let (owners, right) = (self.index.owners(), held_out.right);
        let words = self.words.as_ref();
        let words = words.map(|words| words.scores(held_out.question));
        let words = |text: usize| words.as_ref().map_or(0.0, |words| words.of(text));
        // As it is served.
        let exact = |text: usize| self.index.hit(text, question, words(text));
        for (text, score) in scores.iter_mut().enumerate() {
            *score += words(text);
        }
        let (mut best, mut best_right) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        for ((score, &searched), &owner) in scores.iter().zip(&self.searched).zip(owners) {
            if searched && *score > best {
                best = *score;
            }
            if searched && *score > best_right && owner == right {
                best_right = *score;
            }
        }
        // Only here could rounding change who stands before whom.
        for (number, score) in scores.iter_mut().take(owners.len()).enumerate() {
            let near = |to: f32| (*score - to).abs() <= NEAR;
            if near(best) || near(best_right) {
                *score = exact(number).score;
            }
        }
        // Of each answer its best text and that text's score.
        let mut texts: Vec<Option<(usize, f32)>> = vec![None; self.index.answers()];
        for (number, (&answer, &score)) in owners.iter().zip(&*scores).enumerate() {
            let text = &mut texts[answer as usize];
            if self.searched[number] && text.is_none_or(|(_, best)| score > best || best.is_nan()) {
                *text = Some((number, score));
            }
        }
        let of_right = texts.get(right as usize).copied().flatten();
        let limit = of_right.map_or(f32::NEG_INFINITY, |(_, score)| score);
        #[allow(clippy::neg_cmp_op_on_partial_ord)] // NaN must count
        let before = (0..)
            .zip(&texts)
            .filter(|(answer, text)| {
                *answer != right && text.is_some_and(|(_, score)| !(score < limit))
            })
            .count();
        let numbers = || texts.iter().flatten().filter(|(_, score)| !score.is_nan());
        let given = numbers().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let right = of_right.filter(|(_, score)| !score.is_nan());
        let mut near: Vec<(usize, f32)> = numbers().copied().collect();
        // Equal ones stay in the order of answers.
        let best_first = |a: &(usize, f32), b: &(usize, f32)| {
            b.1.total_cmp(&a.1).then(owners[a.0].cmp(&owners[b.0]))
        };
        if near.len() > AMONG {
            near.select_nth_unstable_by(AMONG - 1, best_first);
            near.truncate(AMONG);
        }
        near.sort_unstable_by(best_first);
        let standing = |&(text, score): &(usize, f32)| {
            let words_of = words(text);
            let meaning = score - words_of;
            let own = self.own[owners[text] as usize].filter(|&own| own != text);
            let own = own.map_or(meaning, |own| scores[own] - words(own));
            standing(meaning, own, words_of, OWN_TEXT)
        };
        let standings = near.iter().map(standing).collect();
        Checked {
            rank: match right {
                Some(_) => before + 1,
                None => before.max(1) + 1,
            },
            given: given.map(|(text, _)| exact(*text)),
            right: right.map(|(text, _)| exact(text)),
            standings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servable::Confidence;
    use nearsay_text::bm25::Bm25Index;
    use proptest::prelude::*;

    fn index(rows: &[[f32; 2]], owners: &[u32]) -> Index {
        Index::new(Matrix::from_rows(rows).unwrap(), owners.to_vec()).unwrap()
    }

    fn ask(index: &Index, without: &[u32], vector: &[f32], right: u32) -> Checked {
        let exam = [HeldOut {
            vector,
            question: "",
            right,
        }];
        let go_on = &mut |_, _| ControlFlow::Continue(());
        check(index, without, &exam, go_on).unwrap().remove(0)
    }

    #[test]
    fn an_answer_scores_as_the_nearest_of_its_vectors_that_are_left() {
        // Answer 0: its own and a wording; answer 1: the same; answer 2: only its own.
        let index = index(
            &[[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.8, 0.6], [-1.0, 0.0]],
            &[0, 0, 1, 1, 2],
        );
        let found = ask(&index, &[], &[0.6, 0.8], 0);
        assert_eq!(found.rank, 1);
        assert!(found.is_right());
        assert_eq!(
            found.given.map(|hit| (hit.answer, hit.vector)),
            Some((0, 1))
        );
        assert_eq!(found.given, found.right);

        let found = ask(&index, &[1], &[0.6, 0.8], 0);
        let (given, right) = (found.given.unwrap(), found.right.unwrap());
        assert_eq!((found.rank, given.answer, given.vector), (2, 1, 3));
        assert!((given.score - 0.96).abs() < 1e-6);
        assert_eq!((right.answer, right.vector), (0, 0));
        assert!((right.score - 0.6).abs() < 1e-6);
        let outcome = found.outcome();
        // Its own text is at right angles to the question.
        assert!(!outcome.right);
        assert!((outcome.standing() - (0.96 + 0.8) / 2.0).abs() < 1e-6);

        // Length does not matter, nor does a number that is no vector.
        assert_eq!(ask(&index, &[1, 77], &[6.0, 8.0], 2).rank, 3);
    }

    #[test]
    fn ties_count_against_us() {
        let index = index(&[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], &[0, 1, 2]);
        let first = ask(&index, &[], &[1.0, 0.0], 0);
        assert_eq!(first.rank, 2);
        assert!(first.is_right(), "search gives the first of equals");
        let second = ask(&index, &[], &[1.0, 0.0], 1);
        assert_eq!(second.rank, 2);
        assert!(!second.is_right());
    }

    #[test]
    fn what_is_missing_or_no_number_never_looks_good() {
        let index = index(&[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], &[0, 1, 2]);
        let gone = ask(&index, &[0], &[1.0, 0.0], 0);
        assert_eq!((gone.rank, gone.right), (3, None));
        assert_eq!(gone.given.map(|hit| hit.answer), Some(2));
        assert!(!gone.is_right());
        assert_eq!(ask(&index, &[], &[1.0, 0.0], 9).rank, 4);

        let nan = ask(&index, &[], &[f32::NAN, 0.0], 0);
        assert_eq!((nan.rank, nan.given, nan.right), (3, None, None));
        let outcome = nan.outcome();
        assert!(outcome.standing().is_nan() && !outcome.right);

        let nothing = ask(&index, &[0, 1, 2], &[1.0, 0.0], 0);
        assert_eq!((nothing.rank, nothing.given), (2, None));
        assert!(!nothing.is_right());
        let empty = Index::new(Matrix::zeros(0, 2), vec![]).unwrap();
        let found = ask(&empty, &[], &[1.0, 0.0], 0);
        assert_eq!((found.rank, found.given), (2, None));
    }

    #[test]
    fn it_can_be_stopped_and_says_how_far_it_is() {
        let index = index(&[[1.0, 0.0]], &[0]);
        let exam = vec![
            HeldOut {
                vector: &[1.0, 0.0],
                question: "",
                right: 0,
            };
            BLOCK + 1
        ];
        let mut told = Vec::new();
        let found = check(&index, &[], &exam, &mut |done, total| {
            told.push((done, total));
            ControlFlow::Continue(())
        });
        assert_eq!(found.unwrap().len(), BLOCK + 1);
        assert_eq!(told, [0, BLOCK, BLOCK + 1].map(|done| (done, BLOCK + 1)));
        let stopped = check(&index, &[], &exam, &mut |_, _| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(EncodeError::Cancelled)));
    }

    #[test]
    fn vectors_of_another_length_are_refused() {
        let index = index(&[[1.0, 0.0]], &[0]);
        let exam = [HeldOut {
            vector: &[1.0],
            question: "",
            right: 0,
        }];
        assert!(check(&index, &[], &exam, &mut |_, _| ControlFlow::Continue(())).is_err());
    }

    proptest! {
        /// On an index made without the texts left out, with equal vectors among the others, with words and
        /// without.
        #[test]
        fn it_agrees_with_search(
            data in prop::collection::vec(-1.0f32..1.0, 30 * 19),
            copies in prop::collection::vec((0usize..30, 0usize..30), 12),
            owners in prop::collection::vec(0u32..12, 30),
            out in prop::collection::btree_set(0u32..30, 0..12),
            right in 0u32..12,
            texts in prop::collection::vec("[ab]{1,4}( [ab]{1,4}){0,2}", 30),
            weight in prop_oneof![Just(0.0f32), 0.05f32..2.0],
            by_answer in any::<bool>(),
        ) {
            let dim = 19;
            let mut vectors = Matrix::new(30, dim, data).unwrap();
            for (from, to) in copies {
                let row = vectors.row(from).to_vec();
                vectors.row_mut(to).copy_from_slice(&row);
            }
            let kept: Vec<usize> = (0..30).filter(|&i| !out.contains(&(i as u32))).collect();
            let rows: Vec<&[f32]> = kept.iter().map(|&i| vectors.row(i)).collect();
            let rest = Index::new(
                Matrix::from_rows(&rows).unwrap(),
                kept.iter().map(|&i| owners[i]).collect(),
            ).unwrap();
            let left: Vec<&String> = kept.iter().map(|&i| &texts[i]).collect();
            let words = match by_answer {
                true => Bm25Index::grouped(&left, rest.owners()).unwrap(),
                false => Bm25Index::new(&left),
            };
            let rest = rest.with_words(words, weight).unwrap();
            let index = Index::new(vectors.clone(), owners.clone()).unwrap();
            let words = match by_answer {
                true => Bm25Index::grouped(&texts, &owners).unwrap(),
                false => Bm25Index::new(&texts),
            };
            let index = index.with_words(words, weight).unwrap();
            let without: Vec<u32> = out.iter().copied().collect();
            let exam: Vec<HeldOut> = vectors
                .iter_rows()
                .zip(&texts)
                .map(|(vector, question)| HeldOut { vector, question, right })
                .collect();
            let found = check(&index, &without, &exam, &mut |_, _| ControlFlow::Continue(()));
            for (found, held_out) in found.unwrap().iter().zip(&exam) {
                let hits = rest.ask(held_out.question, held_out.vector, usize::MAX);
                let told = |hit: Hit| (hit.answer, hit.score, hit.words, hit.vector);
                let same = |hit: &Hit| {
                    (hit.answer, hit.score, hit.words, kept[hit.vector as usize] as u32)
                };
                prop_assert_eq!(
                    found.given.map(told),
                    hits.first().map(same)
                );
                let of_right = hits.iter().find(|hit| hit.answer == right);
                prop_assert_eq!(
                    found.right.map(told),
                    of_right.map(same)
                );
                let limit = of_right.map_or(f32::NEG_INFINITY, |hit| hit.score);
                let before = hits.iter().filter(|hit| hit.answer != right && hit.score >= limit);
                let before = before.count().max(usize::from(of_right.is_none()));
                prop_assert_eq!(found.rank, before + 1);
                let rule = Confidence { own_text: OWN_TEXT, ..Confidence::USUAL };
                let nearest = &hits[..hits.len().min(AMONG)];
                let mut served = rule.standings(&rest, held_out.vector, nearest);
                let mut standings = found.standings.clone();
                let near = |a: &[f32], b: &[f32]| {
                    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
                };
                prop_assert!(near(&standings[..1.min(standings.len())], &served[..1.min(served.len())]));
                // Of nearly equal scores either may come first.
                standings.sort_by(f32::total_cmp);
                served.sort_by(f32::total_cmp);
                prop_assert!(near(&standings, &served));
            }
        }
    }
}
