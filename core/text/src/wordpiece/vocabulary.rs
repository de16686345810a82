//! Vocabulary with a hash table from tokens to ids.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// Token for words without a split into tokens.
pub(super) const UNKNOWN: &str = "[UNK]";

/// Prefix of tokens that continue a word.
const CONTINUATION: &[u8] = b"##";

/// Maximum number of tokens. Slots store ids in at most 24 bits, which leaves 8 bits of the hash.
const MAX_TOKENS: usize = (1 << 24) - 1;

/// Hash of the empty string (FNV-1a, 32 bits).
pub(super) const EMPTY_HASH: u32 = 0x811C_9DC5;

/// Hash of [`CONTINUATION`].
pub(super) const CONTINUATION_HASH: u32 = extend_hash(EMPTY_HASH, CONTINUATION);

/// Extends the hash of a prefix by further bytes: `h ← (h ⊕ byte) · 16777619`.
///
/// Source: Fowler, Noll, Vo, FNV-1a.
pub(super) const fn extend_hash(mut hash: u32, bytes: &[u8]) -> u32 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

/// Error of an invalid vocabulary; line numbers start at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VocabularyError {
    /// A line is blank.
    Blank {
        /// Line number.
        line: usize,
    },
    /// Two lines have the same token.
    Duplicate {
        /// Line number of the repetition.
        line: usize,
        /// Repeated token.
        token: String,
    },
    /// The token `[UNK]` is missing.
    NoUnknown,
    /// The vocabulary has more than 16,777,215 tokens or 4 GiB.
    TooLarge,
}

impl fmt::Display for VocabularyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank { line } => write!(f, "line {line} of the vocabulary is blank"),
            Self::Duplicate { line, token } => {
                write!(f, "line {line} of the vocabulary repeats the token {token}")
            }
            Self::NoUnknown => write!(f, "the vocabulary has no {UNKNOWN} token"),
            Self::TooLarge => {
                f.write_str("the vocabulary has more than 16,777,215 tokens or 4 GiB")
            }
        }
    }
}

impl core::error::Error for VocabularyError {}

/// Tokens of a WordPiece model, in order of their ids.
///
/// Memory: the text of the tokens, 4 bytes per token for its offset, and 8 to 16 bytes per token for a
/// hash table with open addressing that is at most half full.
#[derive(Clone)]
pub struct Vocabulary {
    /// Tokens, each followed by a line feed.
    text: Cow<'static, str>,
    /// Start of each token in `text`, and the end of `text`.
    starts: Vec<u32>,
    /// Hash table: 0 for an empty slot, or a token id plus 1 in the low `id_bits` with hash bits above.
    slots: Vec<u32>,
    id_bits: u32,
    unknown: u32,
    max_token_bytes: usize,
}

impl Vocabulary {
    /// Parses a `vocab.txt`: one token per line, in order of ids from 0. Trailing white space is
    /// ignored.
    ///
    /// # Errors
    /// If a line is blank or repeated, `[UNK]` is missing, or the file is too large.
    pub fn parse(text: &str) -> Result<Self, VocabularyError> {
        let mut tokens = String::with_capacity(text.len() + 1);
        for line in text.lines() {
            tokens.push_str(line.trim_end());
            tokens.push('\n');
        }
        Self::build(tokens.into())
    }

    /// Like [`parse`](Self::parse) for a static text. The text isn't copied if every line, including
    /// the last, ends in a single line feed without other trailing white space.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_static(text: &'static str) -> Result<Self, VocabularyError> {
        let normalised = text
            .split_inclusive('\n')
            .all(|line| line.trim_end().len() + 1 == line.len());
        if normalised {
            Self::build(text.into())
        } else {
            Self::parse(text)
        }
    }

    /// Builds the vocabulary from tokens that each end in a line feed.
    fn build(text: Cow<'static, str>) -> Result<Self, VocabularyError> {
        let count = text.bytes().filter(|&byte| byte == b'\n').count();
        if count > MAX_TOKENS || u32::try_from(text.len()).is_err() {
            return Err(VocabularyError::TooLarge);
        }
        let mut vocabulary = Self {
            starts: Vec::with_capacity(count + 1),
            slots: vec![0; (2 * count).next_power_of_two().max(4)],
            id_bits: (count as u32 + 1).next_power_of_two().trailing_zeros(),
            unknown: 0,
            max_token_bytes: 0,
            text: Cow::Borrowed(""),
        };
        vocabulary.starts.push(0);
        for (id, line) in text.split_inclusive('\n').enumerate() {
            let token = &line[..line.len() - 1];
            if token.is_empty() {
                return Err(VocabularyError::Blank { line: id + 1 });
            }
            if !vocabulary.insert(id as u32, token, &text) {
                return Err(VocabularyError::Duplicate {
                    line: id + 1,
                    token: token.into(),
                });
            }
        }
        vocabulary.text = text;
        vocabulary.unknown = vocabulary.id(UNKNOWN).ok_or(VocabularyError::NoUnknown)?;
        Ok(vocabulary)
    }

    /// Inserts the next token of `text`; returns false if it is a repetition.
    fn insert(&mut self, id: u32, token: &str, text: &str) -> bool {
        let hash = extend_hash(EMPTY_HASH, token.as_bytes());
        let (mut slot, tag) = self.slot_and_tag(hash);
        while self.slots[slot] != 0 {
            if let Some(other) = self.id_with_tag(slot, tag)
                && self.token_bytes(text, other) == token.as_bytes()
            {
                return false;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = tag | (id + 1);
        self.starts
            .push(self.starts[id as usize] + token.len() as u32 + 1);
        self.max_token_bytes = self.max_token_bytes.max(token.len());
        true
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether the vocabulary has no tokens; always false, because it has `[UNK]`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Token of an id.
    #[must_use]
    pub fn token(&self, id: u32) -> Option<&str> {
        let start = *self.starts.get(id as usize)? as usize;
        let end = *self.starts.get(id as usize + 1)? as usize - 1;
        self.text.get(start..end)
    }

    /// Id of a token, in the spelling of the vocabulary, with `##` for continuations.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        let token = token.as_bytes();
        self.find(extend_hash(EMPTY_HASH, token), false, token)
    }

    /// Id of `[UNK]`.
    pub(super) fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Length of the longest token, in bytes.
    pub(super) fn max_token_bytes(&self) -> usize {
        self.max_token_bytes
    }

    /// Finds the token with this hash that equals `piece`, or `##` and `piece` if `continued`.
    pub(super) fn find(&self, hash: u32, continued: bool, piece: &[u8]) -> Option<u32> {
        let (mut slot, tag) = self.slot_and_tag(hash);
        while self.slots[slot] != 0 {
            if let Some(id) = self.id_with_tag(slot, tag) {
                let token = self.token_bytes(&self.text, id);
                let matches = if continued {
                    token.strip_prefix(CONTINUATION) == Some(piece)
                } else {
                    token == piece
                };
                if matches {
                    return Some(id);
                }
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        None
    }

    /// First slot of a hash, and the hash bits stored in slots: the highest and the lowest bits of
    /// `hash · 2³²/φ`.
    ///
    /// Source: Knuth, *The Art of Computer Programming* 3, 6.4 (multiplicative hashing).
    fn slot_and_tag(&self, hash: u32) -> (usize, u32) {
        let mixed = hash.wrapping_mul(0x9E37_79B1);
        let slot = mixed >> (32 - self.slots.len().trailing_zeros());
        (slot as usize, mixed << self.id_bits)
    }

    /// Id in a non-empty slot if its hash bits equal `tag`.
    fn id_with_tag(&self, slot: usize, tag: u32) -> Option<u32> {
        let ids = (1 << self.id_bits) - 1;
        let value = self.slots[slot];
        (value & !ids == tag).then_some((value & ids).wrapping_sub(1))
    }

    /// Bytes of a token.
    fn token_bytes<'a>(&self, text: &'a str, id: u32) -> &'a [u8] {
        let start = self.starts[id as usize] as usize;
        let end = self.starts[id as usize + 1] as usize - 1;
        &text.as_bytes()[start..end]
    }
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary")
            .field("tokens", &self.len())
            .finish_non_exhaustive()
    }
}
