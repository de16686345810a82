//! Which questions are kept aside for checking.
//!
//! The measure must be that of daily use: somebody asks for a known answer in words nobody wrote
//! down. So single wordings are kept aside, not whole answers: of an answer with several wordings at
//! least one is always learned from; of an answer with only one, that one may be kept aside, and then
//! nothing is learned about it. A wording's role depends on its text, the project's seed and its
//! siblings alone, so what is added later moves nobody.

use nearsay_faq::normalize;

use super::{Entry, hash::fnv1a};

/// Of so many questions one is kept aside.
const ONE_IN: u64 = 5;

/// Whether a question alone would be kept aside.
#[must_use]
pub fn is_aside(question: &str, seed: u64) -> bool {
    let text = format!("{seed}\n{}", normalize(question));
    // The low bits of FNV are weak; mix them.
    let mut hash = fnv1a(text.as_bytes());
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash.is_multiple_of(ONE_IN)
}

/// Gives the wordings from number `from` on their roles.
pub fn assign(entry: &mut Entry, from: usize, seed: u64) {
    for wording in entry.wordings.iter_mut().skip(from) {
        wording.check = is_aside(&wording.text, seed);
    }
    keep_one(entry);
}

/// Of several wordings at least one is learned from.
pub fn keep_one(entry: &mut Entry) {
    if entry.wordings.len() > 1
        && entry.wordings.iter().all(|wording| wording.check)
        && let Some(first) = entry.wordings.first_mut()
    {
        first.check = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wording;

    #[test]
    fn about_one_in_five_is_kept_aside_and_always_the_same() {
        let aside = |seed| {
            (0..5000)
                .filter(|n| is_aside(&format!("What is number {n}?"), seed))
                .count()
        };
        for seed in [0, 1, 42] {
            assert!((850..1150).contains(&aside(seed)), "{}", aside(seed));
        }
        assert_eq!(aside(3), aside(3));
    }

    #[test]
    fn something_is_always_learned_from() {
        let wordings: Vec<Wording> = (0..2000)
            .map(|n| format!("Way {n}"))
            .filter(|text| is_aside(text, 1))
            .take(4)
            .map(|text| Wording {
                text,
                ..Wording::default()
            })
            .collect();
        let mut entry = Entry {
            wordings,
            ..Entry::default()
        };
        assign(&mut entry, 0, 1);
        let roles: Vec<bool> = entry.wordings.iter().map(|wording| wording.check).collect();
        assert_eq!(roles, [false, true, true, true]);
    }
}
