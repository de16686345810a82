use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Terms of a text in order, with `<` and `>` for the marks of a word's start and end.
fn terms(text: &str) -> Vec<String> {
    let mut extractor = TermExtractor::default();
    let mut terms = Vec::new();
    for word in super::terms::split_words(text) {
        extractor.for_each_term(word, &mut |letters, _| {
            let shown = letters.iter().map(|c| match c {
                '\u{2}' => '<',
                '\u{3}' => '>',
                c => *c,
            });
            terms.push(shown.collect());
        });
    }
    terms
}

#[test]
fn words_are_split_into_marked_4_grams() {
    assert_eq!(terms("Refund!"), ["<ref", "refu", "efun", "fund", "und>"]);
    assert_eq!(
        terms("of a B2"),
        ["<of>", "<a>", "<B2>".to_lowercase().as_str()]
    );
    assert_eq!(terms("its"), ["<its", "its>"]);
    assert_eq!(terms("x_y"), ["<x>", "<y>"]);
    assert!(terms(" … \u{301}!").is_empty());
}

#[test]
fn terms_ignore_case_and_diacritics_but_keep_other_marks() {
    assert_eq!(terms("CAFE\u{301}"), terms("café"));
    assert_eq!(terms("café"), terms("cafe"));
    assert_eq!(terms("Ёж"), terms("еж"));
    assert_eq!(terms("İzmir"), terms("izmir"));
    // Voiced kana, Devanagari vowels, Hangul syllables.
    assert_ne!(terms("がく"), terms("かく"));
    assert_eq!(terms("か\u{3099}く"), terms("がく"));
    assert_eq!(terms("हिन्दी"), ["<हिन", "हिन्", "िन्द", "न्दी", "्दी>"]);
    assert_eq!(terms("한국"), ["<한국>"]);
}

#[test]
fn unspaced_scripts_are_split_into_2_grams() {
    assert_eq!(terms("我想退款"), ["我想", "想退", "退款"]);
    assert_eq!(
        terms("iPhoneを買う"),
        ["<iph", "ipho", "phon", "hone", "one>", "を買", "買う"]
    );
    assert_eq!(terms("水"), ["水"]);
    // Thai vowels and tones are combining marks.
    assert_eq!(terms("น้ำ"), ["น้", "้ำ"]);
}

fn count_terms(text: &str) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for term in terms(text) {
        *counts.entry(term).or_default() += 1.0;
    }
    counts
}

/// Reference implementation: scores of all documents, without the excluded texts.
fn reference_scores(texts: &[&str], documents: &[u32], excluded: &[u32], query: &str) -> Vec<f64> {
    let last = documents.iter().max().copied().unwrap_or_default() as usize;
    let mut joined: Vec<Option<String>> = vec![None; last + 1];
    for ((text, document), number) in texts.iter().zip(documents).zip(0..) {
        if !excluded.contains(&number) {
            let joined = joined[*document as usize].get_or_insert_default();
            joined.push_str(&format!(" {text}"));
        }
    }
    let is_in = |i: &usize| joined[*i].is_some();
    let kept: Vec<usize> = (0..joined.len()).filter(is_in).collect();
    let joined = joined
        .iter()
        .map(|text| text.as_deref().unwrap_or_default());
    let all: Vec<_> = joined.map(count_terms).collect();
    let length = |i: usize| all[i].values().sum::<f64>();
    let n = kept.len() as f64;
    let mean = kept.iter().map(|&i| length(i)).sum::<f64>() / n;
    let idf = |term: &String| {
        let with = kept.iter().filter(|&&i| all[i].contains_key(term)).count() as f64;
        (1.0 + (n - with + 0.5) / (with + 0.5)).ln()
    };
    let query = count_terms(query);
    let max: f64 = query.iter().map(|(term, n)| n * idf(term) * 2.2).sum();
    let score = |i: usize| -> f64 {
        let terms = query.iter().filter(|_| is_in(&i));
        let part = |(term, n): (&String, &f64)| {
            let f = all[i].get(term).copied().unwrap_or_default();
            n * idf(term) * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * length(i) / mean))
        };
        terms.map(part).sum::<f64>() / max
    };
    (0..all.len()).map(score).collect()
}

proptest! {
    #[test]
    fn scores_agree_with_formula_and_are_below_one(
        texts in prop::collection::vec("[ab退款é]{0,5}( [ab]{1,6}){0,4}", 1..12),
        query in "[abc退款]{1,5}( [ab]{1,6}){0,3}",
        excluded in prop::collection::vec(0u32..14, 0..5),
        documents in prop::collection::vec(0u32..6, 12),
        grouped in any::<bool>(),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (index, documents) = if grouped {
            let documents = documents[..texts.len()].to_vec();
            (Bm25Index::grouped(&texts, &documents).unwrap(), documents)
        } else {
            (Bm25Index::new(&texts), (0..texts.len() as u32).collect())
        };
        prop_assert_eq!(index.documents(), &documents);
        let rest = index.without(&excluded);
        for (index, excluded) in [(&index, &[][..]), (&rest, &excluded)] {
            let scores = index.scores(&query);
            let expected = reference_scores(&texts, &documents, excluded, &query);
            prop_assert_eq!(scores.len(), expected.len());
            for (score, document) in scores.iter().zip(0..) {
                prop_assert_eq!(score.to_bits(), index.score(&query, document).to_bits());
            }
            for (found, expected) in scores.iter().zip(expected) {
                prop_assert!((0.0..1.0).contains(found), "{}", found);
                let near = expected.is_nan() || (f64::from(*found) - expected).abs() < 1e-6;
                prop_assert!(near, "{} {}", found, expected);
            }
        }
    }

    /// Equal to the last bit, so that evaluation and serving agree.
    #[test]
    fn without_scores_like_index_of_remaining_texts(
        texts in prop::collection::vec("[ab]{1,6}( [ab]{1,6}){0,4}", 2..12),
        query in "[ab]{1,5}( [abc]{1,6}){0,3}",
        excluded in prop::collection::btree_set(0u32..12, 1..5),
        documents in prop::collection::vec(0u32..6, 12),
    ) {
        let kept: Vec<usize> = (0..texts.len())
            .filter(|&i| !excluded.contains(&(i as u32)))
            .collect();
        let kept_texts: Vec<&String> = kept.iter().map(|&i| &texts[i]).collect();
        let kept_documents: Vec<u32> = kept.iter().map(|&i| documents[i]).collect();
        let excluded: Vec<u32> = excluded.iter().copied().collect();
        let index = Bm25Index::grouped(&texts, &documents[..texts.len()]).unwrap();
        let found = index.without(&excluded[..1]).without(&excluded).scores(&query);
        let expected = Bm25Index::grouped(&kept_texts, &kept_documents).unwrap().scores(&query);
        for (document, score) in found.iter().enumerate() {
            let expected = expected.get(document).copied().unwrap_or_default();
            prop_assert_eq!(score.to_bits(), expected.to_bits());
        }
    }
}

#[test]
fn term_frequencies_are_capped_at_255() {
    let (capped, longer) = ("ab ".repeat(255), "ab ".repeat(300));
    let index = Bm25Index::new(&[capped.as_str(), longer.as_str(), "c"]);
    let scores = index.scores("ab");
    assert!(scores[0] > scores[1], "only lengths differ: {scores:?}");
    assert!(scores[1] > 0.9 && scores[0] < 1.0);
    assert_eq!(
        index.scores("ab ab"),
        scores,
        "repeating the only term of a query changes nothing"
    );
}

#[test]
fn empty_index_and_empty_query_score_zero() {
    let empty = Bm25Index::new::<&str>(&[]);
    assert!(empty.documents().is_empty() && empty.scores("a").is_empty());
    assert!(empty.shared_words("a", 0).is_empty());
    assert!(Bm25Index::grouped(&["a", "b"], &[0]).is_err());
    let index = Bm25Index::new(&["", "a"]);
    assert_eq!(index.documents(), [0, 1]);
    assert_eq!(index.scores("?!"), [0.0, 0.0]);
    assert_eq!(index.score("a", 2), 0.0);
    assert_eq!(index.without(&[0, 1, 7]).scores("a"), [0.0, 0.0]);
}

#[test]
fn shared_words_are_whole_words_by_rarity() {
    let texts = [
        "The refund of an invoice is made within the week; the refunds of others too.",
        "The card is made of paper.",
        "The book is made of paper.",
        "The shelf is made of wood.",
    ];
    let index = Bm25Index::new(&texts);
    let question = "Is the Invoice refunded, refund the invoice of paper?";
    assert_eq!(
        index.shared_words(question, 0),
        ["Invoice", "refunded", "refund"]
    );
    assert_eq!(index.shared_words(question, 1), ["paper"]);
    assert_eq!(
        index.shared_words("of what is the wine made", 3),
        ["of", "is", "the", "made"]
    );
    assert!(index.shared_words(question, 4).is_empty());
    // A word needs more than half of its terms, and four words are the maximum.
    assert_eq!(index.shared_words("papers", 1), ["papers"]);
    assert!(index.shared_words("waper", 1).is_empty());
    assert_eq!(
        index
            .shared_words("invoice refund within week others", 0)
            .len(),
        4
    );
}

#[test]
fn shared_words_of_unspaced_script_are_shared_runs() {
    let index = Bm25Index::new(&["如何申请退款？", "停车免费"]);
    assert_eq!(index.shared_words("我想退款申请书", 0), ["退款", "申请"]);
    assert_eq!(index.shared_words("怎么停车免费吗", 1), ["停车免费"]);
}

#[test]
fn grouped_documents_match_words_of_all_texts() {
    let texts = [
        "Fees are waived.",
        "How do I pay?",
        "I lost it.",
        "The card is free.",
        "Hm.",
    ];
    let index = Bm25Index::grouped(&texts, &[0, 1, 0, 1, 2]).unwrap();
    let scores = index.scores("fees for a lost card");
    assert_eq!(scores.len(), 3);
    assert!(
        scores[0] > scores[1] && scores[1] > 0.0 && scores[2] == 0.0,
        "{scores:?}"
    );
    assert_eq!(
        index.shared_words("fees for a lost card", 0),
        ["fees", "lost"]
    );
    assert_eq!(
        index.without(&[2]).shared_words("fees for a lost card", 0),
        ["fees"]
    );
}

#[test]
fn bytes_counts_memory() {
    let index = Bm25Index::new(&["ab ab", "ab cd"]);
    // 2 terms, 3 postings, 2 texts.
    assert_eq!(
        index.bytes(),
        2 * 8 + 3 * size_of::<usize>() + 3 * 5 + 2 * 16 + 2 * 4
    );
}
