//! The tokens of a vocabulary and a table to find them by.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// What stands for a word that cannot be written in tokens.
pub(super) const UNKNOWN: &str = "[UNK]";

/// How tokens that go on with a word begin.
const CONTINUATION: &[u8] = b"##";

/// Slots hold a token's number in at most so many bits, which leaves eight to tell tokens apart.
const MAX_TOKENS: usize = (1 << 24) - 1;

/// The hash of no bytes (FNV-1a, 32 bits).
pub(super) const START: u32 = 0x811C_9DC5;

/// The hash of [`CONTINUATION`].
pub(super) const CONTINUED: u32 = hash_on(START, CONTINUATION);

/// The hash of bytes, given that of the bytes before them: `h ← (h ⊕ byte) · 16777619`.
///
/// Source: Fowler, Noll, Vo, FNV-1a.
pub(super) const fn hash_on(mut hash: u32, bytes: &[u8]) -> u32 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

/// Why a vocabulary cannot be used; lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VocabularyError {
    /// A line has no token.
    Blank {
        /// Which line.
        line: usize,
    },
    /// Two lines have the same token.
    Duplicate {
        /// The second of them.
        line: usize,
        /// The token.
        token: String,
    },
    /// There is no `[UNK]` for words that cannot be written in tokens.
    NoUnknown,
    /// There are more than 16,777,215 tokens, or 4 GiB of them.
    TooLarge,
}

impl fmt::Display for VocabularyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank { line } => write!(f, "line {line} of the vocabulary has no token"),
            Self::Duplicate { line, token } => {
                write!(f, "line {line} of the vocabulary repeats the token {token}")
            }
            Self::NoUnknown => write!(f, "the vocabulary has no token {UNKNOWN}"),
            Self::TooLarge => f.write_str("the vocabulary is larger than any of a BERT model"),
        }
    }
}

impl core::error::Error for VocabularyError {}

/// The tokens of a WordPiece model, in the order of their ids.
///
/// Takes the text of the tokens, 4 bytes a token for where each begins, and 8 to 16 for a hash table
/// with open addressing, at most half full.
#[derive(Clone)]
pub struct Vocabulary {
    /// Each token and a line feed.
    text: Cow<'static, str>,
    /// Where each token begins; last, where the next one would.
    starts: Vec<u32>,
    /// 0 for nothing, or a token's id plus 1 in the low `id_bits`, and bits of its hash above.
    slots: Vec<u32>,
    id_bits: u32,
    unknown: u32,
    longest: usize,
}

impl Vocabulary {
    /// Reads a `vocab.txt`: one token a line, in the order of ids from 0. White space at the end of
    /// a line is not part of it.
    ///
    /// # Errors
    /// When a line is blank or repeated, when there is no `[UNK]`, or the file is too large for any
    /// real vocabulary.
    pub fn parse(text: &str) -> Result<Self, VocabularyError> {
        let mut tokens = String::with_capacity(text.len() + 1);
        for line in text.lines() {
            tokens.push_str(line.trim_end());
            tokens.push('\n');
        }
        Self::index(tokens.into())
    }

    /// [`parse`](Self::parse) for a text that is part of the program: it is used where it is, when
    /// its lines end in single line feeds, the last one too.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_static(text: &'static str) -> Result<Self, VocabularyError> {
        let tidy = |line: &str| line.trim_end().len() + 1 == line.len();
        if text.split_inclusive('\n').all(tidy) {
            Self::index(text.into())
        } else {
            Self::parse(text)
        }
    }

    /// A vocabulary of tokens that each end in a line feed.
    fn index(text: Cow<'static, str>) -> Result<Self, VocabularyError> {
        let count = text.bytes().filter(|&byte| byte == b'\n').count();
        if count > MAX_TOKENS || u32::try_from(text.len()).is_err() {
            return Err(VocabularyError::TooLarge);
        }
        let mut vocabulary = Self {
            starts: Vec::with_capacity(count + 1),
            slots: vec![0; (2 * count).next_power_of_two().max(4)],
            id_bits: (count as u32 + 1).next_power_of_two().trailing_zeros(),
            unknown: 0,
            longest: 0,
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

    /// Takes in the next token of a text; false when it has it already.
    fn insert(&mut self, id: u32, token: &str, text: &str) -> bool {
        let hash = hash_on(START, token.as_bytes());
        let (mut slot, tag) = self.place(hash);
        while self.slots[slot] != 0 {
            if let Some(other) = self.tagged(slot, tag)
                && self.bytes(text, other) == token.as_bytes()
            {
                return false;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = tag | (id + 1);
        self.starts
            .push(self.starts[id as usize] + token.len() as u32 + 1);
        self.longest = self.longest.max(token.len());
        true
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no token, which [`parse`](Self::parse) does not allow.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The token of an id.
    #[must_use]
    pub fn token(&self, id: u32) -> Option<&str> {
        let start = *self.starts.get(id as usize)? as usize;
        let end = *self.starts.get(id as usize + 1)? as usize - 1;
        self.text.get(start..end)
    }

    /// The id of a token, written as in the vocabulary: `##` in front when it goes on with a word.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        let token = token.as_bytes();
        self.find(hash_on(START, token), false, token)
    }

    /// The id of `[UNK]`.
    pub(super) fn unknown(&self) -> u32 {
        self.unknown
    }

    /// The length of the longest token, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The id of the token with this hash that is `piece`, or `##` and `piece` when `continued`.
    pub(super) fn find(&self, hash: u32, continued: bool, piece: &[u8]) -> Option<u32> {
        let (mut slot, tag) = self.place(hash);
        while self.slots[slot] != 0 {
            if let Some(id) = self.tagged(slot, tag) {
                let token = self.bytes(&self.text, id);
                let same = if continued {
                    token.strip_prefix(CONTINUATION) == Some(piece)
                } else {
                    token == piece
                };
                if same {
                    return Some(id);
                }
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        None
    }

    /// Where to begin looking for a hash, and the bits of it that a slot holds: the highest bits of
    /// `hash · 2³²/φ` say where, the lowest are held.
    ///
    /// Source: Knuth, *The Art of Computer Programming* 3, 6.4 (multiplicative hashing).
    fn place(&self, hash: u32) -> (usize, u32) {
        let mixed = hash.wrapping_mul(0x9E37_79B1);
        let slot = mixed >> (32 - self.slots.len().trailing_zeros());
        (slot as usize, mixed << self.id_bits)
    }

    /// The id in a slot that is not empty, when it holds these bits of a hash.
    fn tagged(&self, slot: usize, tag: u32) -> Option<u32> {
        let ids = (1 << self.id_bits) - 1;
        let value = self.slots[slot];
        (value & !ids == tag).then_some((value & ids).wrapping_sub(1))
    }

    /// The bytes of a token.
    fn bytes<'a>(&self, text: &'a str, id: u32) -> &'a [u8] {
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
