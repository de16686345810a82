//! Tests of prototypes in an index.

use super::*;
use nearsay_search::index::normalize;

const ANSWERS: usize = 12;
const DIM: usize = 24;

/// Answers of `paraphrases` each, whose vectors lie around a centre of their own with noise of this size.
fn noisy(paraphrases: usize, noise: f32, scoring: Scoring) -> AnswerIndex {
    let mut random = fastrand::Rng::with_seed(5);
    let mut rows = Vec::new();
    let known = (0..ANSWERS).map(|answer| {
        let centre: Vec<f32> = (0..DIM).map(|_| random.f32() - 0.5).collect();
        let mut questions = Vec::new();
        for text in 0..=paraphrases {
            let vector = centre.iter().map(|x| x + noise * (random.f32() - 0.5));
            let mut vector: Vec<f32> = vector.collect();
            normalize(&mut vector);
            rows.push(vector);
            if text > 0 {
                questions.push(format!("question {answer} {text}"));
            }
        }
        KnownAnswer {
            answer: format!("answer {answer}"),
            questions,
            row: 0,
            source: None,
        }
    });
    let answers = Arc::new(AnswerSet::from_known(known.collect()));
    let vectors = Matrix::from_rows(&rows).unwrap();
    AnswerIndex::build(answers, vectors, scoring).unwrap()
}

fn with(prior: f32) -> Scoring {
    Scoring {
        hybrid: Some(Words::by_answer(0.1)),
        expansion: Some(Rule::OWN),
        prototype: Some(Prototype {
            prior,
            sharpness: 0.0,
        }),
    }
}

/// Every paraphrase of an answer, asked while it is held out with the same one of all other answers.
fn right_answers(index: &AnswerIndex, prototype: Option<Prototype>) -> usize {
    let scoring = Scoring {
        prototype,
        ..Scoring::default()
    };
    let paraphrases = index.answers().get(0).unwrap().questions.len() as u32;
    let asked = (1..=paraphrases).flat_map(|paraphrase| {
        let queries = (0..ANSWERS as u32).map(|answer| TestQuery {
            query: Query::Paraphrase(answer * (1 + paraphrases) + paraphrase),
            right: vec![answer],
            pool: Pool::All,
        });
        let queries: Vec<TestQuery<'_>> = queries.collect();
        index.evaluate_with(&queries, scoring).unwrap().outcomes
    });
    asked.filter(QuestionOutcome::is_right).count()
}

#[test]
fn mean_of_noisy_paraphrases_beats_nearest() {
    let index = noisy(8, 2.5, Scoring::default());
    let nearest = right_answers(&index, None);
    let mean = right_answers(&index, Some(Prototype::USUAL));
    assert!(mean > nearest + ANSWERS / 2, "{mean} {nearest}");
}

#[test]
fn held_out_paraphrases_are_part_of_no_prototype() {
    let index = noisy(3, 1.0, with(2.0));
    let asked = [1u32, 5];
    let questions = asked.map(|text| TestQuery {
        query: Query::Paraphrase(text),
        right: vec![index.answers().place(text).unwrap().0],
        pool: Pool::All,
    });
    let found = index.evaluate(&questions).unwrap().outcomes;
    // An index that never had these paraphrases.
    let mut known: Vec<KnownAnswer> = index.answers().iter().cloned().collect();
    known[0].questions.remove(0);
    known[1].questions.remove(0);
    let raw = index.raw_vectors();
    let rows = (0..raw.rows()).filter(|&text| !asked.contains(&(text as u32)));
    let rows: Vec<&[f32]> = rows.map(|text| raw.row(text)).collect();
    let vectors = Matrix::from_rows(&rows).unwrap();
    let without = AnswerSet::from_known(known).into();
    let without = AnswerIndex::build(without, vectors, with(2.0)).unwrap();
    for (text, found) in asked.into_iter().zip(found) {
        let name = index.answers().text(text as usize).unwrap();
        let first = without.search(name, raw.row(text as usize), 1)[0];
        let given = found.given.unwrap();
        assert_eq!(first.number, given.answer);
        assert!((first.score - given.score).abs() < 1e-5);
    }
}

#[test]
fn update_keeps_raw_vectors_and_moves_all_again() {
    let index = noisy(3, 1.0, with(2.0));
    let raw = index.raw_vectors().into_owned();
    assert_ne!(&raw, index.index().vectors());
    let never = |_: &[&str]| -> Result<Matrix, ShapeError> { panic!("all texts are known") };
    let same = index
        .update_with(Arc::clone(index.answers()), &mut { never })
        .unwrap();
    assert_eq!(same.index().vectors(), index.index().vectors());
    assert_eq!(*same.raw_vectors(), raw);
    // Without one of its paraphrases, an answer has another prototype; other answers keep theirs.
    let mut known: Vec<KnownAnswer> = index.answers().iter().cloned().collect();
    known[0].questions.pop();
    let edited = AnswerSet::from_known(known).into();
    let edited = index.update_with(edited, &mut { never }).unwrap();
    let (vectors, former) = (edited.index().vectors(), index.index().vectors());
    assert_ne!(vectors.row(1), former.row(1));
    assert_eq!(vectors.row(4), former.row(5));
    let (owners, mut kinds) = (index.answers().owners(), index.answers().kinds());
    kinds[3] = Kind::KeptAside;
    let mut expected = raw.clone();
    Prototype::USUAL
        .apply(&mut expected, &owners, &kinds)
        .unwrap();
    assert_eq!(vectors.row(1), expected.row(1));
    let texts = Texts {
        vectors: &raw,
        owners: &owners,
        kinds: &kinds,
    };
    Expansion::of(Rule::OWN, &texts)
        .and_then(|own| own.apply_to(&[0], &owners, &mut expected, Own::Counts))
        .unwrap();
    assert_eq!(vectors.row(0), expected.row(0));
}
