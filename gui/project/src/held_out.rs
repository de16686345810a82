//! The split into questions to train with and held-out questions to test with.
//!
//! Single questions are held out rather than whole answers; `NOTES.md` says why.

use nearsay_faq::normalize;

use super::{Entry, hash::fnv1a};

/// One question in this many is held out.
const ONE_IN: u64 = 5;

/// Number of questions from which a training leaves out the held-out questions. A smaller project has too few of them for
/// a precise figure, so every question is asked once of a model that was trained without it.
pub const ENOUGH_TO_HOLD_OUT: usize = 500;

/// Whether a question is held out, regardless of its siblings. Depends on the text and the seed only, so
/// questions added later don't change it.
#[must_use]
pub fn is_held_out(question: &str, seed: u64) -> bool {
    let text = format!("{seed}\n{}", normalize(question));
    // The low bits of FNV are weak; mix them.
    let mut hash = fnv1a(text.as_bytes());
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash.is_multiple_of(ONE_IN)
}

/// Decides for the paraphrases from index `from` on whether they are held out.
pub fn assign_split(entry: &mut Entry, from: usize, seed: u64) {
    for paraphrase in entry.paraphrases.iter_mut().skip(from) {
        paraphrase.held_out = is_held_out(&paraphrase.text, seed);
    }
    ensure_training_question(entry);
}

/// Returns the first of several paraphrases to training if all are held out.
pub fn ensure_training_question(entry: &mut Entry) {
    if entry.paraphrases.len() > 1
        && entry.paraphrases.iter().all(|way| way.held_out)
        && let Some(first) = entry.paraphrases.first_mut()
    {
        first.held_out = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Paraphrase;

    #[test]
    fn is_held_out_picks_about_one_in_five_repeatably() {
        let held_out = |seed| {
            (0..5000)
                .filter(|n| is_held_out(&format!("What is number {n}?"), seed))
                .count()
        };
        for seed in [0, 1, 42] {
            assert!((850..1150).contains(&held_out(seed)), "{}", held_out(seed));
        }
        assert_eq!(held_out(3), held_out(3));
    }

    #[test]
    fn assign_split_leaves_a_question_to_train_with() {
        let paraphrases: Vec<Paraphrase> = (0..2000)
            .map(|n| format!("Way {n}"))
            .filter(|text| is_held_out(text, 1))
            .take(4)
            .map(|text| Paraphrase {
                text,
                ..Paraphrase::default()
            })
            .collect();
        let mut entry = Entry {
            paraphrases,
            ..Entry::default()
        };
        assign_split(&mut entry, 0, 1);
        let split: Vec<bool> = entry.paraphrases.iter().map(|way| way.held_out).collect();
        assert_eq!(split, [false, true, true, true]);
    }
}
