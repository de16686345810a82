use super::*;
use alloc::vec;
use proptest::prelude::*;

#[test]
fn answer_scores_as_its_nearest_vector() {
    let vectors = Matrix::from_rows(&[[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]).unwrap();
    let index = Index::new(vectors, vec![0, 1, 0]).unwrap();
    let hits = index.search(&[1.0, 1.1], 5);
    assert_eq!(
        hits.iter().map(|hit| hit.answer).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(hits[0].vector, 2);
    assert!((hits[0].score - 1.0).abs() < 2e-3);
}

#[test]
fn equal_scores_are_ordered_by_answer() {
    let vectors = Matrix::from_rows(&[[1.0], [1.0], [1.0], [-1.0]]).unwrap();
    let index = Index::new(vectors, vec![0, 1, 2, 3]).unwrap();
    let found: Vec<u32> = index
        .search(&[2.0], 2)
        .iter()
        .map(|hit| hit.answer)
        .collect();
    assert_eq!(found, [0, 1]);
    assert!(index.search(&[1.0], 0).is_empty());
}

#[test]
fn empty_index_finds_nothing() {
    let index = Index::new(Matrix::default(), vec![]).unwrap();
    assert!(index.search(&[1.0], 3).is_empty());
    assert!(Index::new(Matrix::default(), vec![1]).is_err());
}

proptest! {
    #[test]
    fn search_matches_sorted_scores(
        data in prop::collection::vec(-1.0f32..1.0, 40 * 3),
        query in prop::collection::vec(-1.0f32..1.0, 3),
        k in 1usize..50,
    ) {
        let index = Index::new(Matrix::new(40, 3, data).unwrap(), (0..40).collect()).unwrap();
        let mut all = index.scores(&query);
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        let found = index.search(&query, k);
        prop_assert_eq!(found.len(), k.min(40));
        for (a, b) in found.iter().zip(&all) {
            prop_assert_eq!(a.score, b.score);
        }
    }

    #[test]
    fn codes_match_plain_scan_exactly(
        seed in any::<u64>(),
        rows in 512usize..1_500,
        dim in 1usize..300,
        spread in 0.0f32..1.0,
        answers in 1u32..2_000,
        k in 1usize..40,
        // Vectors that are repeated, zero, tiny, huge, NaN or infinite.
        odd in prop::collection::vec((0usize..512, 0usize..512, 0u8..7), 0..20),
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        // A narrow cluster, so that bounds must separate small differences.
        let middle: Vec<f32> = (0..dim).map(|_| random.f32() - 0.5).collect();
        let mut near = |spread: f32| -> Vec<f32> {
            let of = |x: &f32| x + spread * (random.f32() - 0.5);
            middle.iter().map(of).collect()
        };
        let mut data: Vec<f32> = (0..rows).flat_map(|_| near(spread)).collect();
        for (from, to, kind) in odd {
            let row = data[from * dim..(from + 1) * dim].to_vec();
            let place = &mut data[to * dim..(to + 1) * dim];
            match kind {
                0 => place.fill(0.0),
                1 => place[0] = f32::NAN,
                2 => place[dim - 1] = f32::INFINITY,
                3 => place.iter_mut().for_each(|x| *x *= 1e-25),
                4 => place.iter_mut().for_each(|x| *x *= 1e30),
                _ => place.copy_from_slice(&row),
            }
        }
        let query = near(spread);
        let owners = (0..rows).map(|_| random.u32(0..answers)).collect();
        let index = Index::new(Matrix::new(rows, dim, data).unwrap(), owners).unwrap();
        let expected = index.plain_search(&unit(&query), none, k);
        prop_assert!(expected.iter().all(|hit| hit.words == 0.0 && hit.meaning == hit.score));
        #[cfg(feature = "std")]
        {
            let by_codes = index.codes.as_ref().unwrap().search(&index, &unit(&query), none, k);
            prop_assert_eq!(bits(&by_codes.unwrap()), bits(&expected));
        }
        prop_assert_eq!(bits(&index.search(&query, k)), bits(&expected));
    }
}

#[cfg(feature = "std")]
mod with_words {
    use super::*;
    use nearsay_text::bm25::Bm25Index;

    /// Generates a text from sixteen words whose frequency falls with their number.
    fn text(random: &mut fastrand::Rng) -> String {
        let words = 1 + random.usize(0..6);
        let word = |_| format!("word{}", (16.0 * random.f32().powi(3)) as u32);
        (0..words).map(word).collect::<Vec<_>>().join(" ")
    }

    /// Reference implementation: scores every text and sorts the best text of each answer.
    fn brute(index: &Index, words: &impl Fn(usize) -> f32, query: &[f32], k: usize) -> Vec<Hit> {
        let unit = unit(query);
        let mut best: Vec<Option<Hit>> = vec![None; index.answers()];
        for (text, &answer) in index.owners().iter().enumerate() {
            let meaning = dot(index.vectors().row(text), &unit) + 0.0;
            let hit = Hit {
                answer,
                score: meaning + words(text),
                vector: text as u32,
                meaning,
                words: words(text),
            };
            let best = &mut best[answer as usize];
            if best.is_none_or(|best| hit.score > best.score) {
                *best = Some(hit);
            }
        }
        let mut hits: Vec<Hit> = best.into_iter().flatten().collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.answer.cmp(&b.answer)));
        hits.truncate(k);
        hits
    }

    proptest! {
        #[test]
        fn ask_matches_brute_force_exactly(
            seed in any::<u64>(),
            rows in prop_oneof![1usize..40, 512usize..1_500],
            dim in 1usize..140,
            spread in 0.0f32..1.0,
            answers in 1u32..2_000,
            k in 1usize..40,
            weight in prop_oneof![Just(0.0f32), 0.01f32..4.0],
            by_answer in any::<bool>(),
        ) {
            let mut random = fastrand::Rng::with_seed(seed);
            let middle: Vec<f32> = (0..dim).map(|_| random.f32() - 0.5).collect();
            let near = |random: &mut fastrand::Rng| -> Vec<f32> {
                middle.iter().map(|x| x + spread * (random.f32() - 0.5)).collect()
            };
            let data = (0..rows).flat_map(|_| near(&mut random)).collect();
            let query = near(&mut random);
            let owners: Vec<u32> = (0..rows).map(|_| random.u32(0..answers)).collect();
            let texts: Vec<String> = (0..rows).map(|_| text(&mut random)).collect();
            let question = text(&mut random);
            let lexical = if by_answer { Bm25Index::grouped(&texts, &owners).unwrap() } else { Bm25Index::new(&texts) };
            let (documents, scores) = (lexical.documents().to_vec(), lexical.scores(&question));
            let words = |text: usize| weight * scores[documents[text] as usize];
            let plain = Index::new(Matrix::new(rows, dim, data).unwrap(), owners).unwrap();
            let index = plain.clone().with_words(lexical, weight).unwrap();

            let expected = brute(&index, &words, &query, k);
            prop_assert_eq!(&index.ask(&question, &query, k), &expected);
            let mut all = index.ask_scores(&question, &query);
            all.retain(|hit| hit.score > f32::NEG_INFINITY);
            all.sort_by(nearer);
            all.truncate(k);
            prop_assert_eq!(&all, &expected);
            // Dense search ignores the keyword index.
            let by_vectors = plain.search(&query, k);
            prop_assert_eq!(bits(&index.search(&query, k)), bits(&by_vectors));
            prop_assert_eq!(bits(&plain.ask(&question, &query, k)), bits(&by_vectors));
            if weight == 0.0 {
                prop_assert_eq!(bits(&index.ask(&question, &query, k)), bits(&by_vectors));
            }
        }
    }

    #[test]
    fn ask_adds_document_keyword_score_to_best_text() {
        let vectors = Matrix::from_rows(&[[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]).unwrap();
        let index = Index::new(vectors, vec![0, 0, 1]).unwrap();
        let texts = ["By post.", "How do I return it?", "Error E1742 is a jam."];
        let words = Bm25Index::grouped(&texts, index.owners()).unwrap();
        let index = index.with_words(words, 1.0).unwrap();
        assert_eq!(index.words_weight(), 1.0);
        let found = index.ask("return", &[1.0, 0.0], 2);
        assert_eq!((found[0].answer, found[0].vector), (0, 0));
        assert!(
            (found[0].meaning - 1.0).abs() < 1e-6 && found[0].words > 0.2,
            "{found:?}"
        );
        // "return" stands in another text of the answer.
        assert_eq!(index.shared_words("return", 0), ["return"]);
        let found = index.ask("E1742", &[0.7, 0.7], 2);
        assert_eq!(found[0].answer, 1);
        assert_eq!(found[0].words, index.words_of("E1742", 2));
        assert_eq!(index.search(&[0.7, 0.7], 2)[0].vector, 1);
    }

    #[test]
    fn with_words_needs_one_text_per_vector_and_a_positive_weight() {
        let index = Index::new(Matrix::zeros(2, 1), vec![0, 1]).unwrap();
        let words = Bm25Index::new(&["a", "b"]);
        let together = Bm25Index::grouped(&["a", "b"], &[0, 0]).unwrap();
        for wrong in [Bm25Index::new(&["a"]), together] {
            assert!(index.clone().with_words(wrong, 1.0).is_err());
        }
        for weight in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let index = index.clone().with_words(words.clone(), weight).unwrap();
            assert_eq!((index.words_weight(), index.words_of("a", 0)), (0.0, 0.0));
            assert!(index.shared_words("a", 0).is_empty());
        }
        let bytes = index.bytes();
        let with = index.with_words(words.clone(), 1.0).unwrap();
        assert_eq!(with.bytes(), bytes + words.bytes());
    }
}

/// No bound holds for these queries, so the search falls back to the plain scan.
#[test]
fn odd_queries_match_plain_scan() {
    let mut random = fastrand::Rng::with_seed(3);
    let vectors = Matrix::from_fn(600, 5, |_, _| random.f32() - 0.5);
    let index = Index::new(vectors, (0..600).collect()).unwrap();
    for query in [
        &[0.0; 5][..],
        &[f32::NAN; 5],
        &[1.0, f32::INFINITY, 0.0, 0.0, 0.0],
        &[1e-30; 5],
        &[1.0, -2.0],
        &[1.0, -2.0, 3.0, 4.0, 5.0, 6.0],
        &[],
    ] {
        let expected = index.plain_search(&unit(query), none, 7);
        assert_eq!(bits(&index.search(query, 7)), bits(&expected), "{query:?}");
    }
    assert_eq!(index.search(&[1.0; 5], 1_000).len(), 600);
}

/// Large enough for several threads; the vectors of each answer are spread over them.
#[test]
#[cfg_attr(miri, ignore = "too slow under Miri")]
fn multi_threaded_search_matches_plain_scan() {
    let mut random = fastrand::Rng::with_seed(4);
    let (rows, dim) = (70_000, 128);
    let vectors = Matrix::from_fn(rows, dim, |_, _| random.f32() - 0.5);
    let owners = (0..rows as u32).map(|row| row % 9_001).collect();
    let index = Index::new(vectors, owners).unwrap();
    for row in [0, 8_191, 35_000, 69_999] {
        let query = index.vectors().row(row);
        let expected = index.plain_search(&unit(query), none, 10);
        assert_eq!(bits(&index.search(query, 10)), bits(&expected));
    }
    assert_eq!(index.bytes(), rows * (4 * dim + 4 + dim + 12) + 4 * 9_001);
}

/// Bit patterns of the scores, which make NaN comparable.
fn bits(hits: &[Hit]) -> Vec<(u32, u32, u32)> {
    let bits = |hit: &Hit| (hit.answer, hit.score.to_bits(), hit.vector);
    hits.iter().map(bits).collect()
}
