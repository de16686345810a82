//! WordPiece against the `tokenizers` crate, with the vocabulary of MiniLM.

use nearsay_tests::{golden, needs, test_file, unicode_tables};
use nearsay_text::wordpiece::{MAX_WORD_CHARS, Vocabulary, WordPiece};
use proptest::prelude::*;
use std::sync::LazyLock;
use std::thread;
use tokenizers::Tokenizer;

/// Both tokenizers.
struct Pair {
    theirs: Tokenizer,
    ours: WordPiece,
}

static PAIR: LazyLock<Pair> = LazyLock::new(|| {
    let folder = needs::minilm();
    let mut theirs = Tokenizer::from_file(folder.join("tokenizer.json")).unwrap();
    theirs.with_padding(None);
    theirs.with_truncation(None).unwrap();
    let vocabulary = std::fs::read_to_string(folder.join("vocab.txt")).unwrap();
    let ours = WordPiece::new(Vocabulary::parse(&vocabulary).unwrap());
    Pair { theirs, ours }
});

/// Asserts that both tokenizers give the same ids.
#[track_caller]
fn assert_same(text: &str) {
    let theirs = PAIR.theirs.encode_fast(text, false).unwrap();
    assert_eq!(
        PAIR.ours.ids(text),
        theirs.get_ids(),
        "{text:?} ({})",
        text.escape_unicode()
    );
}

/// Calls `test` with the halves of `0..count`, on two threads.
fn test_halves(count: u32, test: impl Fn(std::ops::Range<u32>) + Sync) {
    LazyLock::force(&PAIR);
    thread::scope(|scope| {
        scope.spawn(|| test(0..count / 2));
        test(count / 2..count);
    });
}

#[test]
#[ignore = "needs MiniLM"]
fn ids_match_tokenizers_for_every_character() {
    test_halves(u32::from(char::MAX) + 1, |numbers| {
        for c in numbers.filter_map(char::from_u32) {
            assert_same(&format!("a{c}b {c}"));
        }
    });
}

#[test]
fn ids_match_tokenizers_for_every_pair_of_kept_mark_and_mark() {
    use unicode_categories::UnicodeCategories as _;
    use unicode_normalization_alignments::char::canonical_combining_class;
    let marks: Vec<char> = ('\0'..=char::MAX)
        .filter(|c| canonical_combining_class(*c) > 0)
        .collect();
    let kept: Vec<char> = marks
        .iter()
        .copied()
        .filter(|c| !c.is_mark_nonspacing())
        .collect();
    assert!(kept.len() > 50 && marks.len() > 500);
    // MiniLM's vocabulary has none of these marks, so its ids wouldn't show their order.
    let mut vocabulary = String::from("[UNK]\na\n");
    for mark in &kept {
        vocabulary.push_str(&format!("##{mark}\n"));
    }
    let ours = WordPiece::new(Vocabulary::parse(&vocabulary).unwrap());
    let by_id: serde_json::Map<_, _> = vocabulary
        .lines()
        .zip(0..)
        .map(|(token, id)| (token.to_owned(), id.into()))
        .collect();
    let theirs = serde_json::json!({
        "version": "1.0",
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": true,
            "strip_accents": null,
            "lowercase": true,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": MAX_WORD_CHARS,
            "vocab": by_id,
        },
    });
    let theirs = Tokenizer::from_bytes(theirs.to_string()).unwrap();
    let mut moved = 0;
    for &a in &kept {
        for &b in &marks {
            for between in ["", "\u{301}", "\u{34F}"] {
                let text = format!("a{a}{between}{b}{a}");
                let ids = ours.ids(&text);
                let expected = theirs.encode_fast(text.as_str(), false).unwrap();
                assert_eq!(ids, expected.get_ids(), "{}", text.escape_unicode());
                moved += u32::from(ids.len() == 4 && ids[1] == ids[2]);
            }
        }
    }
    assert!(moved > 1000, "only {moved} pairs were reordered");
}

#[test]
#[ignore = "needs MiniLM"]
fn ids_match_golden_texts() {
    let value = golden("texts.json");
    let texts = value["texts"].as_array().unwrap();
    assert_eq!(texts.len(), 32);
    for text in texts {
        let expected: Vec<u32> = serde_json::from_value(text["ids_st_max256"].clone()).unwrap();
        let text = text["text"].as_str().unwrap();
        let id = |token| PAIR.ours.vocabulary().id(token).unwrap();
        let mut ids = vec![id("[CLS]")];
        PAIR.ours.ids_into(text, &mut ids);
        ids.truncate(255);
        ids.push(id("[SEP]"));
        assert_eq!(ids, expected, "{text:?}");
    }
}

#[test]
#[ignore = "needs MiniLM"]
fn vocabulary_matches_tokenizers() {
    let vocabulary = PAIR.ours.vocabulary();
    assert_eq!(vocabulary.len(), PAIR.theirs.get_vocab_size(true));
    for id in 0..vocabulary.len() as u32 {
        let token = PAIR.theirs.id_to_token(id).unwrap();
        assert_eq!(vocabulary.token(id), Some(&token[..]));
        assert_eq!(vocabulary.id(&token), Some(id));
    }
}

#[test]
#[ignore = "needs MiniLM"]
fn ids_match_tokenizers_for_100_000_generated_texts() {
    test_halves(100_000, |seeds| {
        for seed in seeds {
            assert_same(&varied(&mut fastrand::Rng::with_seed(seed.into())));
        }
    });
}

/// A text assembled from pieces that tokenizers often get wrong.
fn varied(random: &mut fastrand::Rng) -> String {
    const WORDS: &[&str] = &[
        "library",
        "Renewing",
        "FÉES",
        "cafe\u{301}",
        "Ångström",
        "n\u{303}",
        "unaffable",
        "don't",
        "e-mail",
        "U.S.A.",
        "3.50€",
        "ΣΊΣΥΦΟΣ",
        "İstanbul",
        "straße",
        "ﬁne",
        "ẞ",
        "ǅ",
        "٣٤",
        "Ⅷ",
        "привет",
        "Ёлка",
        "שָׁלוֹם",
        "مُحَمَّد",
        "हिन्दी",
        "ไทย",
        "한국어",
        "日本語",
        "カタカナ",
        "ﾊﾝｶｸ",
        "𝒽𝑒𝓁𝓁𝑜",
        "👩‍👩‍👧‍👦",
        "❤️",
        "🇫🇷",
        "[CLS]",
        "[SEP]",
        "[PAD]",
        "[UNK]",
        "[MASK]",
        "[mask]",
        "[MASK",
        "##ing",
        "\u{200F}",
        "\u{FEFF}",
        "\u{FFFD}",
        "\0",
        "\u{1D15E}",
        "\u{F73}",
        "\u{302E}",
        "\u{1D165}",
        "\u{34F}",
        "\u{E000}",
        "\u{F8FF}",
        "\u{10FFFF}",
    ];
    const BLOCKS: &[std::ops::RangeInclusive<char>] = &[
        ' '..='~',
        'a'..='z',
        'A'..='Z',
        '!'..='/',
        '\0'..='\u{1F}',
        '\u{80}'..='\u{24F}',
        '\u{300}'..='\u{36F}',
        '\u{370}'..='\u{52F}',
        '\u{591}'..='\u{6FF}',
        '\u{900}'..='\u{DFF}',
        '\u{E00}'..='\u{FFF}',
        '\u{1100}'..='\u{11FF}',
        '\u{1AB0}'..='\u{1AFF}',
        '\u{1B00}'..='\u{1BFF}',
        '\u{1DC0}'..='\u{1FFF}',
        '\u{2000}'..='\u{20FF}',
        '\u{2100}'..='\u{2BFF}',
        '\u{3000}'..='\u{30FF}',
        '\u{4E00}'..='\u{9FFF}',
        '\u{AC00}'..='\u{D7A3}',
        '\u{F900}'..='\u{FFFF}',
        '\u{10000}'..='\u{11FFF}',
        '\u{1D100}'..='\u{1D1FF}',
        '\u{1E000}'..='\u{1E95F}',
        '\u{1F300}'..='\u{1FAFF}',
        '\u{20000}'..='\u{2FFFF}',
        '\0'..='\u{FFFF}',
        '\0'..=char::MAX,
    ];
    const SPACES: &[&str] = &[
        "", "", "", " ", " ", " ", "  ", "\t", "\r\n", "\u{A0}", "\u{2009}", "\u{2028}",
        "\u{3000}", "\u{B}", "\u{85}", "\u{1680}", "\u{200B}",
    ];
    let mut text = String::new();
    for _ in 0..random.usize(1..30) {
        match random.u32(0..20) {
            0..8 => text.push_str(WORDS[random.usize(..WORDS.len())]),
            8..10 => {
                let id = random.u32(..PAIR.ours.vocabulary().len() as u32);
                let token = PAIR.ours.vocabulary().token(id).unwrap();
                for c in token.trim_start_matches("##").chars() {
                    match random.u32(0..4) {
                        0 => text.extend(c.to_uppercase()),
                        _ => text.push(c),
                    }
                }
            }
            10 => {
                let length = random.usize(MAX_WORD_CHARS - 2..MAX_WORD_CHARS + 3);
                let c = ["a", "B", "é", "e\u{301}", "ж", "한", "𝒽"][random.usize(..7)];
                text.push_str(&c.repeat(length));
            }
            11 => text.push_str(&"!?…".repeat(random.usize(1..4))),
            _ => {
                let block = BLOCKS[random.usize(..BLOCKS.len())].clone();
                for _ in 0..random.usize(1..8) {
                    text.push(random.char(block.clone()));
                }
            }
        }
        text.push_str(SPACES[random.usize(..SPACES.len())]);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    #[ignore = "needs MiniLM"]
    fn ids_match_tokenizers_for_any_text(text in any::<String>()) {
        assert_same(&text);
    }

    #[test]
    #[ignore = "needs MiniLM"]
    fn ids_match_tokenizers_for_text_of_traps(
        text in "[aZé\u{301}\u{327}\u{34F}\u{302E}\u{1D165}\u{1DFB}\u{1B44}\u{F73} \0\u{AD}中\u{F900}한\\[\\]MASK#]{0,40}",
    ) {
        assert_same(&text);
    }
}

#[test]
fn committed_unicode_tables_match_generator() {
    let path = test_file("../core/text/src/wordpiece/tables.rs");
    let written = std::fs::read_to_string(path).unwrap();
    // Line by line, for a short message.
    let tables = unicode_tables::tables();
    for (number, (written, made)) in written.lines().zip(tables.lines()).enumerate() {
        assert_eq!(written, made, "line {}", number + 1);
    }
    assert_eq!(written, tables);
}
