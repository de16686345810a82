use super::By;
use super::*;
use nearsay_search::{
    calibration::{AMONG, OWN_TEXT},
    expansion::Own,
};
use nearsay_text::bm25::Bm25Index;
use proptest::prelude::*;

/// Builds an index from one list of vectors for each answer: its own vector, then those of its paraphrases. Each text is
/// its formatted vector.
fn index(answers: &[&[[f32; 2]]], scoring: Scoring) -> AnswerIndex {
    let text = |vector: &[f32; 2]| format!("{vector:?}");
    let known = answers.iter().map(|vectors| KnownAnswer {
        answer: text(&vectors[0]),
        questions: vectors[1..].iter().map(text).collect(),
        row: 0,
        source: None,
    });
    let set = Arc::new(AnswerSet::from_known(known.collect()));
    let rows: Vec<[f32; 2]> = answers.concat();
    let vectors = if rows.is_empty() {
        Matrix::zeros(0, 2)
    } else {
        Matrix::from_rows(&rows).unwrap()
    };
    AnswerIndex::build(set, vectors, scoring).unwrap()
}

fn new(vector: &[f32], right: u32) -> TestQuery<'_> {
    TestQuery {
        query: Query::New { text: "", vector },
        right: vec![right],
        pool: Pool::All,
    }
}

fn paraphrase(text: u32, right: u32, pool: Pool) -> TestQuery<'static> {
    TestQuery {
        query: Query::Paraphrase(text),
        right: vec![right],
        pool,
    }
}

fn ask(index: &AnswerIndex, question: TestQuery<'_>) -> QuestionOutcome {
    index.evaluate(&[question]).unwrap().outcomes.remove(0)
}

fn near(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
}

#[test]
fn evaluate_scores_an_answer_by_its_nearest_text_that_is_not_held_out() {
    let index = index(
        &[
            &[[1.0, 0.0], [0.6, 0.8]],
            &[[0.0, 1.0], [0.8, 0.6]],
            &[[-1.0, 0.0]],
        ],
        Scoring::default(),
    );
    let found = ask(&index, new(&[0.6, 0.8], 0));
    assert_eq!(found.rank, 1);
    assert!(found.is_right());
    let given = found.given.map(|hit| (hit.answer, hit.vector));
    assert_eq!(given, Some((0, 1)));
    assert_eq!(found.given, found.right);

    let found = ask(&index, paraphrase(1, 0, Pool::All));
    let (given, right) = (found.given.unwrap(), found.right.unwrap());
    assert_eq!((found.rank, given.answer, given.vector), (2, 1, 3));
    assert!((given.score - 0.96).abs() < 1e-6);
    assert_eq!((right.answer, right.vector), (0, 0));
    assert!((right.score - 0.6).abs() < 1e-6);
    let outcome = found.outcome();
    // The answer's own text is orthogonal to the question.
    assert!(!outcome.right);
    assert!((outcome.standing() - f32::midpoint(0.96, 0.8)).abs() < 1e-6);

    // With `Pool::Answers`, hits still have the text numbers of the whole index.
    let found = ask(&index, paraphrase(1, 0, Pool::Answers));
    let (given, right) = (found.given.unwrap(), found.right.unwrap());
    assert_eq!((given.answer, given.vector), (1, 2));
    assert_eq!((right.answer, right.vector), (0, 0));

    // The length of the question's vector doesn't matter.
    assert_eq!(ask(&index, new(&[6.0, 8.0], 2)).rank, 3);
}

#[test]
fn evaluate_counts_ties_against_the_right_answer() {
    let index = index(
        &[&[[1.0, 0.0]], &[[1.0, 0.0]], &[[0.0, 1.0]]],
        Scoring::default(),
    );
    for (right, given) in [(0, 1), (1, 0)] {
        let found = ask(&index, new(&[1.0, 0.0], right));
        assert_eq!(found.rank, 2);
        assert_eq!(found.given.map(|hit| hit.answer), Some(given));
    }
    // Either of two right answers counts, and neither lowers the rank of the other.
    let either = TestQuery {
        right: vec![0, 1],
        ..new(&[1.0, 0.0], 0)
    };
    let evaluation = index.evaluate(&[either]).unwrap();
    assert_eq!(evaluation.outcomes[0].rank, 1);
    let figures = evaluation.figures.unwrap();
    assert_eq!((figures.recall_1, figures.ndcg_10), (1.0, 1.0));
}

#[test]
fn evaluate_never_finds_missing_answers_or_vectors_of_nan() {
    let index = index(
        &[&[[1.0, 0.0]], &[[0.0, 1.0]], &[[1.0, 1.0]]],
        Scoring::default(),
    );
    let gone = ask(&index, new(&[1.0, 0.0], 9));
    assert_eq!((gone.rank, gone.right), (4, None));
    assert_eq!(gone.given.map(|hit| hit.answer), Some(0));
    assert!(!gone.is_right());

    let nan = ask(&index, new(&[f32::NAN, 0.0], 0));
    assert_eq!((nan.given, nan.right), (None, None));
    let outcome = nan.outcome();
    assert!(nan.rank > 1 && outcome.standing().is_nan() && !outcome.right);

    let empty = self::index(&[], Scoring::default());
    let found = ask(&empty, new(&[1.0, 0.0], 0));
    assert_eq!((found.rank, found.given), (2, None));
    let none = index.evaluate(&[]).unwrap();
    assert_eq!((none.figures, none.confidence), (None, Confidence::USUAL));
}

#[test]
fn evaluate_rejects_vectors_of_another_length() {
    let index = index(&[&[[1.0, 0.0]]], Scoring::default());
    assert!(index.evaluate(&[new(&[1.0], 0)]).is_err());
}

#[test]
fn run_reports_progress_and_can_finish_early() {
    let index = index(&[&[[1.0, 0.0], [0.9, 0.1]]], Scoring::default());
    let mut questions = vec![new(&[1.0, 0.0], 0); 600];
    questions.push(paraphrase(1, 0, Pool::Answers));
    let mut run = EvaluationRun::new(&index, questions);
    let mut done = vec![run.progress()];
    while run.step(&index).unwrap() {
        done.push(run.progress());
    }
    assert!(done.is_sorted());
    assert_eq!(done[1..3], [(0, 601), (512, 601)]);
    assert_eq!(run.progress(), (601, 601));
    assert_eq!(run.finish(&index).outcomes.len(), 601);
}

/// Twenty answers with two questions each, in a plane.
fn circle(scoring: Scoring) -> AnswerIndex {
    let at = |angle: f32| [angle.cos(), angle.sin()];
    let answers: Vec<Vec<[f32; 2]>> = (0..20)
        .map(|i| {
            let angle = 0.3 * i as f32;
            vec![at(angle), at(angle + 0.05), at(angle + 0.4)]
        })
        .collect();
    let answers: Vec<&[[f32; 2]]> = answers.iter().map(Vec::as_slice).collect();
    index(&answers, scoring)
}

fn alike() -> Scoring {
    Scoring {
        expansion: Some(Rule::ALIKE),
        ..Scoring::default()
    }
}

/// Vectors of an index whose answers are expanded by the questions that aren't `held_out`.
fn expanded(index: &AnswerIndex, held_out: &[u32], own: Own) -> Matrix {
    let mut kinds = index.answers().kinds();
    for &text in held_out {
        kinds[text as usize] = Kind::KeptAside;
    }
    let texts = Texts {
        vectors: &index.raw_vectors(),
        owners: index.index().owners(),
        kinds: &kinds,
    };
    texts.expanded(Rule::ALIKE, own).unwrap()
}

#[test]
fn test_questions_do_not_expand_answers_while_they_are_asked() {
    let index = circle(alike());
    let held_out: Vec<u32> = (0..20).map(|answer| 3 * answer + 2).collect();
    for (pool, own) in [(Pool::All, Own::Counts), (Pool::Answers, Own::LeftOut)] {
        let questions = held_out
            .iter()
            .map(|&text| paraphrase(text, text / 3, pool));
        let questions: Vec<_> = questions.collect();
        let found = index.evaluate(&questions).unwrap();
        let expected = expanded(&index, &held_out, own);
        let served = index.index().vectors();
        let mut differs = false;
        for (outcome, &text) in found.outcomes.iter().zip(&held_out) {
            let right = outcome.right.unwrap();
            let question = index.index().vectors().row(text as usize);
            let score = |vectors: &Matrix| {
                nearsay_core::matrix::dot(vectors.row(right.vector as usize), question)
            };
            assert!((right.score - score(&expected)).abs() < 1e-5, "{pool:?}");
            differs |= (right.score - score(served)).abs() > 1e-4;
        }
        assert!(differs || pool == Pool::All, "{pool:?}");
    }
}

#[test]
fn update_embeds_only_new_texts_and_keeps_expanded_vectors() {
    let index = circle(alike());
    let mut answers: Vec<KnownAnswer> = index.answers().iter().cloned().collect();
    answers.swap(0, 5);
    answers[7].questions.reverse();
    answers.remove(12);
    answers[3].questions.push("one more".into());
    answers.push(KnownAnswer {
        answer: "a new answer".into(),
        questions: vec![answers[1].questions[0].clone()],
        row: 0,
        source: None,
    });
    let set = Arc::new(AnswerSet::from_known(answers));
    let mut embedded = Vec::new();
    let updated = index
        .update_with(Arc::clone(&set), &mut |texts: &[&str]| {
            embedded.extend(texts.iter().map(|text| (*text).to_owned()));
            Matrix::from_rows(&vec![[0.6f32, 0.8]; texts.len()])
        })
        .unwrap();
    assert_eq!(embedded, ["one more", "a new answer"]);
    // An index built from scratch has equal vectors before expansion.
    let whole = AnswerIndex::build(
        Arc::clone(&set),
        updated.raw_vectors().into_owned(),
        alike(),
    )
    .unwrap();
    assert_eq!(whole.unexpanded(), updated.unexpanded());
    let fresh = expanded(&updated, &[], Own::Counts);
    let (former, starts) = (index.index().vectors(), set.starts());
    let vectors = updated.index().vectors();
    for (number, &text) in starts.iter().enumerate() {
        let before = index.answers().iter();
        let mut before = before.zip(index.answers().starts());
        let answer = &set.get(number as u32).unwrap().answer;
        let before = before.find(|(known, _)| known.answer == *answer);
        match before.filter(|_| number != 3) {
            Some((_, row)) => assert_eq!(vectors.row(text), former.row(row), "{number}"),
            None => assert!(near(vectors.row(text), fresh.row(text)), "{number}"),
        }
    }
    assert!(!near(vectors.row(starts[3]), former.row(9)));
}

#[test]
fn new_question_expands_its_own_answer_only() {
    let own = Scoring {
        expansion: Some(Rule::OWN),
        ..Scoring::default()
    };
    let index = circle(own);
    let mut answers: Vec<KnownAnswer> = index.answers().iter().cloned().collect();
    answers[4].questions.push("one more".into());
    let set = Arc::new(AnswerSet::from_known(answers));
    let mut embed = |_: &[&str]| Matrix::from_rows(&[[0.6f32, 0.8]]);
    let updated = index.update_with(Arc::clone(&set), &mut embed).unwrap();
    let raw = updated.raw_vectors().into_owned();
    let whole = AnswerIndex::build(set, raw, own).unwrap();
    let (updated, whole) = (updated.index().vectors(), whole.index().vectors());
    assert!(
        updated
            .iter_rows()
            .zip(whole.iter_rows())
            .all(|(a, b)| near(a, b))
    );
    assert!(!near(updated.row(12), index.index().vectors().row(12)));
}

#[test]
fn update_in_pieces_finishes_after_all_texts() {
    let index = AnswerIndex::empty(2, Scoring::default());
    let whole = circle(Scoring::default());
    let mut update = index.update(Arc::clone(whole.answers())).unwrap();
    let rows = whole.raw_vectors().into_owned();
    let mut next = rows.iter_rows();
    while !update.next(7).is_empty() {
        let rows: Vec<&[f32]> = next.by_ref().take(update.next(7).len()).collect();
        update.push(Matrix::from_rows(&rows).unwrap()).unwrap();
    }
    assert_eq!(update.progress(), (60, 60));
    assert!(update.push(Matrix::zeros(1, 2)).is_err(), "one too many");
    let found = update.finish(&index).unwrap();
    assert_eq!(found.index().vectors(), whole.index().vectors());
    let begun = index.update(Arc::clone(whole.answers())).unwrap();
    assert!(begun.finish(&index).is_err(), "texts are missing");
}

#[test]
fn pool_excludes_own_and_asked_questions_from_expansion() {
    let index = circle(alike());
    let answers: Vec<KnownAnswer> = index.answers().iter().take(2).cloned().collect();
    let alone = answers.into_iter().map(|answer| KnownAnswer {
        questions: Vec::new(),
        ..answer
    });
    let vectors = index.unexpanded().unwrap();
    let vectors = Matrix::from_rows(&[vectors.row(0), vectors.row(1)]).unwrap();
    let asked = index.answers().wording(4).unwrap().to_owned();
    let without = |question: &str| question == asked;
    let pool = index.pool(alone.collect(), vectors, &without).unwrap();
    let expected = expanded(&index, &[4], Own::LeftOut);
    assert!(near(pool.index().vectors().row(0), expected.row(0)));
    assert!(near(pool.index().vectors().row(1), expected.row(3)));
    assert_eq!(pool.scoring().expansion, None);
}

#[test]
fn test_queries_choose_pool_and_skip_unknown_answers() {
    let known = |answer: &str, questions: &[&str]| KnownAnswer {
        answer: answer.into(),
        questions: questions.iter().map(|&question| question.into()).collect(),
        row: 0,
        source: None,
    };
    let set = AnswerSet::from_known(vec![known("No.", &["a", "b"]), known("Yes.", &["c"])]);
    let vectors = Matrix::zeros(4, 2);
    let asked = [
        ("a", " no."),
        ("c", "Yes."),
        ("new", "Yes."),
        ("a", "Maybe."),
    ];
    let found = set.test_queries(&asked, Some(&vectors));
    let told = |query: &TestQuery<'_>| {
        let text = match query.query {
            Query::Paraphrase(text) => Some(text),
            Query::New { .. } => None,
        };
        (text, query.right[0], query.pool)
    };
    let told: Vec<_> = found.iter().map(told).collect();
    let expected = [
        (Some(1), 0, Pool::All),
        (Some(4), 1, Pool::Answers),
        (None, 1, Pool::Answers),
    ];
    assert_eq!(told, expected);
    assert_eq!(set.test_queries(&asked, None).len(), 2);
}

#[test]
fn known_questions_count_in_calibration_only() {
    let index = circle(Scoring::default());
    // The second question of each answer is nearer to the next answer.
    let questions: Vec<_> = (0..20)
        .flat_map(|answer| [1, 2].map(|i| paraphrase(3 * answer + i, answer, Pool::Answers)))
        .collect();
    let measure = |known: bool| {
        let mut run = EvaluationRun::new(&index, questions.clone());
        if known {
            run = run.with_known_questions();
        }
        while run.step(&index).unwrap() {}
        run.finish(&index).confidence
    };
    let (alone, known) = (measure(false), measure(true));
    assert_eq!(alone.threshold, known.threshold);
    let questions = |rule: &Confidence| rule.calibration.as_ref().unwrap().questions();
    assert_eq!((questions(&alone), questions(&known)), (40, 80));
}

#[test]
fn confused_pairs_are_similar_or_mutual() {
    let similarity = |a: u32, b: u32| if (a, b) == (3, 4) { 0.9 } else { 0.1 };
    let pair = |answers, similarity, questions| ConfusedPair {
        answers,
        similarity,
        questions,
    };
    // 1 and 7 in both directions, 2 for 5 in one, 3 and 4 in one but similar.
    let wrong = [(1, 7), (7, 1), (1, 7), (2, 5), (2, 5), (2, 5), (4, 3)];
    let found = findings::confused_pairs(&wrong, &similarity);
    assert_eq!(found, [pair([1, 7], 0.1, 3), pair([3, 4], 0.9, 1)]);
    let over = OverRetrieved {
        answer: 2,
        questions: 3,
    };
    assert_eq!(findings::over_retrieved(&wrong), [over]);
    assert!(findings::confused_pairs(&[], &similarity).is_empty());
}

#[test]
fn topic_changes_are_sorted_by_loss() {
    let mut asked = vec![("Rooms", true, true); 9];
    asked.extend([("Rooms", true, false); 3]);
    asked.extend([("Cards", false, true); 11]);
    asked.push(("Cards", false, false));
    asked.extend([("Few", false, true); 9]);
    asked.extend([("Same", true, true); 30]);
    let topic = |topic: &str, before, after| TopicChange {
        topic: topic.into(),
        questions: 12,
        before,
        after,
    };
    let found = TopicChange::of(asked);
    assert_eq!(found, [topic("Rooms", 12, 9), topic("Cards", 0, 11)]);
}

#[test]
fn evaluation_reports_confused_pairs_and_over_retrieved_answers() {
    let index = circle(Scoring::default());
    // One question of each of answers 0 to 3, all with the vector of answer 3.
    let at = index.unexpanded().is_none().then(|| index.raw_vectors());
    let vector = at.unwrap().row(9).to_vec();
    let mut questions: Vec<_> = (0..3).map(|right| new(&vector, right)).collect();
    questions.push(new(&vector, 3));
    let found = index.evaluate(&questions).unwrap();
    let over = OverRetrieved {
        answer: 3,
        questions: 3,
    };
    assert_eq!(found.over_retrieved, [over]);
    // Neighbouring answers on the circle are similar.
    assert_eq!(found.confused[0].answers, [2, 3]);
    assert!(found.confused.iter().all(|pair| pair.similarity >= 0.85));
    let figures = found.figures.unwrap();
    assert_eq!((figures.questions, figures.pool), (4, 20));
    assert_eq!(figures.recall_1, 0.25);
    // Four questions don't measure a confidence; the universal calibrator rates the answers.
    assert!(found.risk_coverage().is_some());
}

proptest! {
    /// Compares with a search in an index without the held-out texts. Some vectors are equal; with and without keyword
    /// scores.
    #[test]
    fn evaluate_agrees_with_search(
        data in prop::collection::vec(-1.0f32..1.0, 30 * 19),
        copies in prop::collection::vec((0usize..30, 0usize..30), 12),
        questions in prop::collection::vec(0usize..4, 12),
        out in prop::collection::btree_set(0u32..30, 1..12),
        right in 0u32..12,
        texts in prop::collection::vec("[ab]{1,4}( [ab]{1,4}){0,2}", 30),
        weight in prop_oneof![Just(0.0f32), 0.05f32..2.0],
        by in prop_oneof![Just(By::Text), Just(By::Answer)],
        near_texts in any::<bool>(),
    ) {
        let dim = 19;
        let mut vectors = Matrix::new(30, dim, data).unwrap();
        for (from, to) in copies {
            let row = vectors.row(from).to_vec();
            vectors.row_mut(to).copy_from_slice(&row);
        }
        let mut known = Vec::new();
        let mut texts = texts.into_iter();
        for count in questions {
            let Some(answer) = texts.next() else { break };
            known.push(KnownAnswer {
                answer,
                questions: texts.by_ref().take(count).collect(),
                row: 0,
                source: None,
            });
        }
        let set = Arc::new(AnswerSet::from_known(known));
        let rows: Vec<&[f32]> = vectors.iter_rows().take(set.texts_len()).collect();
        let vectors = Matrix::from_rows(&rows).unwrap();
        let words = Words { weight, by, near: near_texts };
        let scoring = Scoring { hybrid: Some(words), ..Scoring::default() };
        let index = AnswerIndex::build(Arc::clone(&set), vectors.clone(), scoring).unwrap();
        let out: Vec<u32> = out.into_iter().filter(|&text| set.wording(text).is_some()).collect();
        // Equal questions of other answers are held out, too.
        let same = set.same_questions(&out);
        let is_out = |text: u32| out.contains(&text) || same.contains(&text);
        let kept: Vec<usize> =
            (0..set.texts_len()).filter(|&i| !is_out(i as u32)).collect();
        let (names, owners) = (set.texts(), set.owners());
        let rows: Vec<&[f32]> = kept.iter().map(|&i| vectors.row(i)).collect();
        let rest = Index::new(
            Matrix::from_rows(&rows).unwrap(),
            kept.iter().map(|&i| owners[i]).collect(),
        ).unwrap();
        let left: Vec<&str> = kept.iter().map(|&i| names[i]).collect();
        let lexical = match by {
            By::Answer => Bm25Index::grouped(&left, rest.owners()).unwrap(),
            By::Text => Bm25Index::new(&left),
        };
        let rest = words.attach(lexical, rest).unwrap();
        let exam: Vec<TestQuery> =
            out.iter().map(|&text| paraphrase(text, right, Pool::All)).collect();
        let found = index.evaluate(&exam).unwrap();
        for (found, &text) in found.outcomes.iter().zip(&out) {
            let vector = index.index().vectors().row(text as usize);
            let mut hits = rest.ask(names[text as usize], vector, usize::MAX);
            let rule = Confidence { own_text: OWN_TEXT, ..Confidence::USUAL };
            let nearest = &hits[..hits.len().min(AMONG)];
            let mut served = rule.standings(&rest, vector, nearest);
            // A wrong answer of equal score ranks before the right one.
            hits.sort_by(|a, b| {
                b.score.total_cmp(&a.score).then((a.answer == right).cmp(&(b.answer == right)))
            });
            let told = |hit: Hit| (hit.answer, hit.score, hit.words, hit.vector);
            let same = |hit: &Hit| {
                (hit.answer, hit.score, hit.words, kept[hit.vector as usize] as u32)
            };
            prop_assert_eq!(found.given.map(told), hits.first().map(same));
            let of_right = hits.iter().find(|hit| hit.answer == right);
            prop_assert_eq!(found.right.map(told), of_right.map(same));
            let limit = of_right.map_or(f32::NEG_INFINITY, |hit| hit.score);
            let before = hits.iter().filter(|hit| hit.answer != right && hit.score >= limit);
            let before = before.count().max(usize::from(of_right.is_none()));
            prop_assert_eq!(found.rank, before + 1);
            let mut standings = found.standings.clone();
            let first = |list: &[f32]| list[..1.min(list.len())].to_vec();
            prop_assert!(near(&first(&standings), &first(&served)));
            // Nearly equal scores may come in either order.
            standings.sort_by(f32::total_cmp);
            served.sort_by(f32::total_cmp);
            prop_assert!(near(&standings, &served));
        }
    }
}
