use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The terms of a text, in order, as written in the documentation.
fn terms(text: &str) -> Vec<String> {
    let mut cutter = Cutter::default();
    let mut terms = Vec::new();
    for word in super::terms::words(text) {
        cutter.cut(word, &mut |letters, _| {
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
fn words_are_cut_into_windows_of_four_with_their_ends_marked() {
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
fn case_and_accents_do_not_matter_but_marks_that_are_letters_do() {
    assert_eq!(terms("CAFE\u{301}"), terms("café"));
    assert_eq!(terms("café"), terms("cafe"));
    assert_eq!(terms("Ёж"), terms("еж"));
    assert_eq!(terms("İzmir"), terms("izmir"));
    // Voicing of kana, vowels of Devanagari, syllables of Hangul.
    assert_ne!(terms("がく"), terms("かく"));
    assert_eq!(terms("か\u{3099}く"), terms("がく"));
    assert_eq!(terms("हिन्दी"), ["<हिन", "हिन्", "िन्द", "न्दी", "्दी>"]);
    assert_eq!(terms("한국"), ["<한국>"]);
}

#[test]
fn scripts_without_spaces_are_cut_into_pairs() {
    assert_eq!(terms("我想退款"), ["我想", "想退", "退款"]);
    assert_eq!(
        terms("iPhoneを買う"),
        ["<iph", "ipho", "phon", "hone", "one>", "を買", "買う"]
    );
    assert_eq!(terms("水"), ["水"]);
    // Its vowels and tones are marks.
    assert_eq!(terms("น้ำ"), ["น้", "้ำ"]);
}

/// BM25 as the formula says it, of all documents by their texts that are not left out.
fn plain(texts: &[&str], documents: &[u32], out: &[u32], query: &str) -> Vec<f64> {
    let count = |text: &str| {
        let mut counts: BTreeMap<String, f64> = BTreeMap::new();
        for term in terms(text) {
            *counts.entry(term).or_default() += 1.0;
        }
        counts
    };
    let last = documents.iter().max().copied().unwrap_or_default() as usize;
    let mut joined: Vec<Option<String>> = vec![None; last + 1];
    for ((text, document), number) in texts.iter().zip(documents).zip(0..) {
        if !out.contains(&number) {
            let joined = joined[*document as usize].get_or_insert_default();
            joined.push_str(&format!(" {text}"));
        }
    }
    let is_in = |i: &usize| joined[*i].is_some();
    let kept: Vec<usize> = (0..joined.len()).filter(is_in).collect();
    let joined = joined
        .iter()
        .map(|text| text.as_deref().unwrap_or_default());
    let all: Vec<_> = joined.map(count).collect();
    let length = |i: usize| all[i].values().sum::<f64>();
    let n = kept.len() as f64;
    let mean = kept.iter().map(|&i| length(i)).sum::<f64>() / n;
    let idf = |term: &String| {
        let with = kept.iter().filter(|&&i| all[i].contains_key(term)).count() as f64;
        (1.0 + (n - with + 0.5) / (with + 0.5)).ln()
    };
    let query = count(query);
    let most: f64 = query.iter().map(|(term, n)| n * idf(term) * 2.2).sum();
    let score = |i: usize| -> f64 {
        let terms = query.iter().filter(|_| is_in(&i));
        let part = |(term, n): (&String, &f64)| {
            let f = all[i].get(term).copied().unwrap_or_default();
            n * idf(term) * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * length(i) / mean))
        };
        terms.map(part).sum::<f64>() / most
    };
    (0..all.len()).map(score).collect()
}

proptest! {
    #[test]
    fn scores_are_those_of_the_formula_and_below_one(
        texts in prop::collection::vec("[ab退款é]{0,5}( [ab]{1,6}){0,4}", 1..12),
        query in "[abc退款]{1,5}( [ab]{1,6}){0,3}",
        out in prop::collection::vec(0u32..14, 0..5),
        documents in prop::collection::vec(0u32..6, 12),
        alone in any::<bool>(),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let documents: Vec<u32> = match alone {
            true => (0..texts.len() as u32).collect(),
            false => documents[..texts.len()].to_vec(),
        };
        let words = match alone {
            true => Lexical::new(&texts),
            false => Lexical::grouped(&texts, &documents).unwrap(),
        };
        prop_assert_eq!(words.documents(), &documents);
        let rest = words.without(&out);
        for (words, out) in [(&words, &[][..]), (&rest, &out)] {
            let scores = words.scores(&query);
            let expected = plain(&texts, &documents, out, &query);
            prop_assert_eq!(scores.len(), expected.len());
            for (score, document) in scores.iter().zip(0..) {
                prop_assert_eq!(score.to_bits(), words.score(&query, document).to_bits());
            }
            for (found, expected) in scores.iter().zip(expected) {
                prop_assert!((0.0..1.0).contains(found), "{}", found);
                let near = expected.is_nan() || (f64::from(*found) - expected).abs() < 1e-6;
                prop_assert!(near, "{} {}", found, expected);
            }
        }
    }

    /// To the last bit, so that checking and asking agree.
    #[test]
    fn leaving_out_is_as_never_having_read(
        texts in prop::collection::vec("[ab]{1,6}( [ab]{1,6}){0,4}", 2..12),
        query in "[ab]{1,5}( [abc]{1,6}){0,3}",
        out in prop::collection::btree_set(0u32..12, 1..5),
        documents in prop::collection::vec(0u32..6, 12),
    ) {
        let is_in = |i: &usize| !out.contains(&(*i as u32));
        let kept: Vec<usize> = (0..texts.len()).filter(is_in).collect();
        let rest: Vec<&String> = kept.iter().map(|&i| &texts[i]).collect();
        let left: Vec<u32> = kept.iter().map(|&i| documents[i]).collect();
        let out: Vec<u32> = out.iter().copied().collect();
        let words = Lexical::grouped(&texts, &documents[..texts.len()]).unwrap();
        let found = words.without(&out[..1]).without(&out).scores(&query);
        let expected = Lexical::grouped(&rest, &left).unwrap().scores(&query);
        for (document, score) in found.iter().enumerate() {
            let expected = expected.get(document).copied().unwrap_or_default();
            prop_assert_eq!(score.to_bits(), expected.to_bits());
        }
    }
}

#[test]
fn more_than_255_of_a_term_are_as_255() {
    let (much, more) = ("ab ".repeat(255), "ab ".repeat(300));
    let words = Lexical::new(&[much.as_str(), more.as_str(), "c"]);
    let scores = words.scores("ab");
    assert!(scores[0] > scores[1], "only its length tells: {scores:?}");
    assert!(scores[1] > 0.9 && scores[0] < 1.0);
    assert_eq!(
        words.scores("ab ab"),
        scores,
        "how often a lone term is asked for does not matter"
    );
}

#[test]
fn without_texts_or_words_all_scores_are_zero() {
    let none = Lexical::new::<&str>(&[]);
    assert!(none.documents().is_empty() && none.scores("a").is_empty());
    assert!(none.shared("a", 0).is_empty());
    assert!(Lexical::grouped(&["a", "b"], &[0]).is_err());
    let words = Lexical::new(&["", "a"]);
    assert_eq!(words.documents(), [0, 1]);
    assert_eq!(words.scores("?!"), [0.0, 0.0]);
    assert_eq!(words.score("a", 2), 0.0);
    assert_eq!(words.without(&[0, 1, 7]).scores("a"), [0.0, 0.0]);
}

#[test]
fn shared_words_are_whole_and_the_rarest_come_first() {
    let texts = [
        "The refund of an invoice is made within the week; the refunds of others too.",
        "The card is made of paper.",
        "The book is made of paper.",
        "The shelf is made of wood.",
    ];
    let words = Lexical::new(&texts);
    let question = "Is the Invoice refunded, refund the invoice of paper?";
    assert_eq!(words.shared(question, 0), ["Invoice", "refunded", "refund"]);
    assert_eq!(words.shared(question, 1), ["paper"]);
    assert_eq!(
        words.shared("of what is the wine made", 3),
        ["of", "is", "the", "made"]
    );
    assert!(words.shared(question, 4).is_empty());
    // Neither half a word, nor more than four.
    assert_eq!(words.shared("papers", 1), ["papers"]);
    assert!(words.shared("waper", 1).is_empty());
    assert_eq!(
        words.shared("invoice refund within week others", 0).len(),
        4
    );
}

#[test]
fn where_no_spaces_are_what_is_shared_of_a_run_is_told() {
    let words = Lexical::new(&["如何申请退款？", "停车免费"]);
    assert_eq!(words.shared("我想退款申请书", 0), ["退款", "申请"]);
    assert_eq!(words.shared("怎么停车免费吗", 1), ["停车免费"]);
}

#[test]
fn a_document_is_found_by_the_words_of_all_its_texts() {
    let texts = [
        "Fees are waived.",
        "How do I pay?",
        "I lost it.",
        "The card is free.",
        "Hm.",
    ];
    let words = Lexical::grouped(&texts, &[0, 1, 0, 1, 2]).unwrap();
    let scores = words.scores("fees for a lost card");
    assert_eq!(scores.len(), 3);
    assert!(
        scores[0] > scores[1] && scores[1] > 0.0 && scores[2] == 0.0,
        "{scores:?}"
    );
    assert_eq!(words.shared("fees for a lost card", 0), ["fees", "lost"]);
    assert_eq!(
        words.without(&[2]).shared("fees for a lost card", 0),
        ["fees"]
    );
}

#[test]
fn it_says_what_it_takes() {
    let words = Lexical::new(&["ab ab", "ab cd"]);
    // Two terms, three postings, two texts.
    assert_eq!(
        words.bytes(),
        2 * 8 + 3 * size_of::<usize>() + 3 * 5 + 2 * 12 + 2 * 4
    );
}
