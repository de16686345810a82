use super::vocabulary::{Vocabulary, VocabularyError};
use super::{MAX_WORD_CHARS, WordPiece};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use proptest::prelude::*;

const TOKENS: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nfee\n##s\nlib\n##rary\n##r\nri\n##a\n\
    a\n##b\n?\n!\n[\n]\n中\n한\nᄒ\n##ᅡ\n##ᆫ\ni\nß\nσ\n##σ\n\u{1D157}\n##\u{1D165}\n\
    ##\u{302E}\n";

fn tokenizer() -> WordPiece {
    WordPiece::new(Vocabulary::parse(TOKENS).unwrap())
}

/// Tokens of a text, joined by spaces.
fn tokens(text: &str) -> String {
    let words = tokenizer();
    let ids = words.ids(text);
    let tokens: Vec<&str> = ids
        .iter()
        .map(|&id| words.vocabulary().token(id).unwrap())
        .collect();
    tokens.join(" ")
}

#[test]
fn words_split_into_longest_tokens_from_left() {
    assert_eq!(tokens("The library fees?"), "the lib ##rary fee ##s ?");
    // `##r` matches, but no token continues with `y`.
    assert_eq!(tokens("library libry the"), "lib ##rary [UNK] the");
    assert_eq!(tokens(""), "");
    assert_eq!(tokens(" \t\r\n\u{3000}\u{2028}"), "");
}

#[test]
fn ids_ignore_accents_and_case() {
    assert_eq!(tokens("FÉE fe\u{301}\u{327}es Ría"), "fee fee ##s ri ##a");
    assert_eq!(tokens("ÀB \u{1DC4}a\u{5BF}b"), "a ##b a ##b");
    // No special treatment of the dot of İ and of a final sigma.
    assert_eq!(tokens("İ ΣΣ ẞ"), "i σ ##σ ß");
}

#[test]
fn control_characters_are_removed_without_splitting() {
    assert_eq!(tokens("t\u{0}h\u{200D}e\u{FFFD} f\u{AD}e\u{B}e"), "the fee");
}

#[test]
fn punctuation_and_ideographs_are_separate_words() {
    assert_eq!(tokens("fees?!the"), "fee ##s ? ! the");
    assert_eq!(tokens("a中a中\u{301}a"), "a 中 a 中 a");
    // The Greek question mark and compatibility ideographs are decomposed.
    assert_eq!(tokens("\u{37E}\u{F900}"), "[UNK] [UNK]");
}

#[test]
fn hangul_syllables_are_decomposed() {
    assert_eq!(tokens("한 하"), "ᄒ ##ᅡ ##ᆫ ᄒ ##ᅡ");
    assert_eq!(tokenizer().vocabulary().id("한"), Some(20));
}

#[test]
fn strip_accents_orders_remaining_marks() {
    // U+1D15E decomposes to U+1D157 and U+1D165. The class of U+1D165 is 216, that of U+302E is 224;
    // neither is an accent.
    assert_eq!(tokens("\u{1D15E}"), "\u{1D157} ##\u{1D165}");
    let ordered = "\u{1D157} ##\u{1D165} ##\u{302E}";
    assert_eq!(tokens("\u{1D157}\u{302E}\u{301}\u{1D165}"), ordered);
    assert_eq!(tokens("\u{1D157}\u{1D165}\u{302E}"), ordered);
    // Marks aren't reordered across U+34F, whose class is 0, or across a letter.
    let kept = "\u{1D157} ##\u{302E} ##\u{1D165}";
    assert_eq!(tokens("\u{1D157}\u{302E}\u{34F}\u{1D165}"), kept);
    assert_eq!(
        tokens("a\u{302E}a\u{1D165}"),
        "a ##\u{302E} ##a ##\u{1D165}"
    );
}

#[test]
fn special_tokens_match_literally() {
    assert_eq!(tokens("the[MASK]fee"), "the [MASK] fee");
    assert_eq!(tokens("[[CLS][SEP]a]"), "[ [CLS] [SEP] a ]");
    assert_eq!(tokens("[mask][UNK"), "[ [UNK] ] [ [UNK]");
    // Marks aren't reordered across a special token.
    assert_eq!(tokens("a[PAD]\u{301}b"), "a [PAD] [UNK]");
    // [MASK] is ordinary text if the vocabulary doesn't contain it.
    let without = WordPiece::new(Vocabulary::parse("[UNK]\n[\n]\nmask\n").unwrap());
    assert_eq!(without.ids("[MASK]"), [1, 3, 2]);
}

#[test]
fn too_long_words_are_unknown() {
    let words = WordPiece::new(Vocabulary::parse("[UNK]\né\nb\n##b").unwrap());
    assert_eq!(words.ids(&"b".repeat(MAX_WORD_CHARS)).len(), MAX_WORD_CHARS);
    assert_eq!(words.ids(&"b".repeat(MAX_WORD_CHARS + 1)), [0]);
    assert_eq!(words.ids(&"ß".repeat(MAX_WORD_CHARS)), [0]);
}

#[test]
fn ids_into_appends() {
    let mut ids = alloc::vec![9];
    tokenizer().ids_into("a a", &mut ids);
    assert_eq!(ids, [9, 13, 13]);
}

#[test]
fn vocabulary_returns_tokens_and_ids() {
    let vocabulary = Vocabulary::parse(TOKENS).unwrap();
    assert_eq!(vocabulary.len(), TOKENS.lines().count());
    assert!(!vocabulary.is_empty());
    for (id, token) in TOKENS.lines().enumerate() {
        assert_eq!(vocabulary.token(id as u32), Some(token));
        assert_eq!(vocabulary.id(token), Some(id as u32));
    }
    assert_eq!(vocabulary.token(vocabulary.len() as u32), None);
    assert_eq!(vocabulary.token(u32::MAX), None);
    for token in ["", "##", "nothing", "a\n##b", "the\n"] {
        assert_eq!(vocabulary.id(token), None, "{token:?}");
    }
}

#[test]
fn parse_ignores_line_endings_and_trailing_white_space() {
    for text in [
        "[UNK]\r\na\r\n##b\r\n",
        "[UNK] \na\t\n##b",
        "[UNK]\na\n##b\n",
    ] {
        for vocabulary in [Vocabulary::parse(text), Vocabulary::parse_static(text)] {
            let vocabulary = vocabulary.unwrap();
            assert_eq!(vocabulary.len(), 3);
            assert_eq!(WordPiece::new(vocabulary).ids("ab"), [1, 2]);
        }
    }
}

#[test]
fn parse_rejects_invalid_vocabulary() {
    let error = |text: &'static str| {
        let error = Vocabulary::parse(text).unwrap_err();
        assert_eq!(Vocabulary::parse_static(text).unwrap_err(), error);
        error
    };
    assert_eq!(error(""), VocabularyError::NoUnknown);
    assert_eq!(error("a\nb\n"), VocabularyError::NoUnknown);
    assert_eq!(error("[UNK]\n\na\n"), VocabularyError::Blank { line: 2 });
    assert_eq!(
        error("[UNK]\na\nb\na \n").to_string(),
        "line 4 of the vocabulary repeats the token a"
    );
}

proptest! {
    #[test]
    fn vocabulary_finds_every_token(tokens in prop::collection::hash_set("[a-zé#]{1,9}", 0..300)) {
        let mut text = String::from("[UNK]");
        for token in &tokens {
            text.push('\n');
            text.push_str(token);
        }
        let vocabulary = Vocabulary::parse(&text).unwrap();
        prop_assert_eq!(vocabulary.len(), tokens.len() + 1);
        for (id, token) in text.lines().enumerate() {
            prop_assert_eq!(vocabulary.id(token), Some(id as u32));
        }
        prop_assert_eq!(vocabulary.id("absentabsent"), None);
    }

    #[test]
    fn ids_accept_any_text(text in any::<String>()) {
        let words = tokenizer();
        prop_assert!(words.ids(&text).iter().all(|&id| words.vocabulary().token(id).is_some()));
    }
}
