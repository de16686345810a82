//! Value of those choices of the recipes that no validation split can make: evaluates a model with and
//! without each of them, question by question, for each set and for all sets together.

use super::{
    exam::Asked,
    figures::{Firsts, gain},
};
use nearsay::{
    servable::{By, Manifest, Words},
    train::Settings,
};
use nearsay_search::expansion::Towards;
use std::{collections::BTreeMap, str::FromStr};

/// Choice of a recipe that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// Training a head or a transformer; without, only hybrid search and document expansion remain.
    Learning,
    /// Shrinkage: with fewer pairs, a head keeps less of its trained change.
    Shrinkage,
    /// Document expansion with an answer's own questions, where those of its neighbors don't help.
    OwnQuestions,
    /// Keyword scores per answer, over all its paraphrases, instead of per text.
    WordsByAnswer,
}

impl Choice {
    pub const ALL: [Self; 4] = [
        Self::Learning,
        Self::Shrinkage,
        Self::OwnQuestions,
        Self::WordsByAnswer,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Shrinkage => "shrinkage",
            Self::OwnQuestions => "own-questions",
            Self::WordsByAnswer => "words-by-answer",
        }
    }

    /// Settings without the choice, given those that train nothing; `None` if the choice doesn't affect
    /// training.
    pub fn left_out_of(self, settings: &Settings, untrained: Settings) -> Option<Settings> {
        let without = match self {
            Self::Learning => untrained,
            Self::Shrinkage => {
                let mut settings = settings.clone();
                settings.shrinkage = 0.0;
                settings
            }
            Self::OwnQuestions | Self::WordsByAnswer => return None,
        };
        (without != *settings).then_some(without)
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|choice| choice.name() == name);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("there is no choice “{name}” to leave out; choose from {all}")
        })
    }
}

/// Ranking settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    pub words: Words,
    /// Whether answers are expanded.
    pub moved: bool,
}

impl Ranking {
    /// Settings of the model.
    pub fn of(manifest: &Manifest) -> Self {
        let none = Words {
            weight: 0.0,
            by: By::Text,
            near: false,
        };
        Self {
            words: manifest.words.unwrap_or(none),
            moved: manifest.expansion.is_some(),
        }
    }

    /// Settings without a choice; unchanged if the choice doesn't affect ranking.
    pub fn without(choice: Choice, manifest: &Manifest) -> Self {
        let mut ranking = Self::of(manifest);
        match choice {
            Choice::OwnQuestions => {
                let own = manifest.expansion.map(|rule| rule.towards) == Some(Towards::Own);
                ranking.moved &= !own;
            }
            Choice::WordsByAnswer => ranking.words.by = By::Text,
            Choice::Learning | Choice::Shrinkage => {}
        }
        ranking
    }
}

/// Questions with a right first answer, with a choice and without.
struct Pair {
    with: Firsts,
    without: Firsts,
}

/// Runs with and without choices, by model and choice.
#[derive(Default)]
pub struct Worth {
    pairs: BTreeMap<(String, Choice), Vec<Pair>>,
}

impl Worth {
    /// Adds an exam with and without a choice; both are equal if the choice doesn't matter.
    pub fn add(&mut self, exam: &str, who: &str, choice: Choice, with: &Asked, without: &Asked) {
        let of_exam = |firsts: &Firsts| -> Firsts {
            let named =
                |(question, first): (&String, &bool)| (format!("{exam}: {question}"), *first);
            firsts.iter().map(named).collect()
        };
        let pair = Pair {
            with: of_exam(&with.firsts),
            without: of_exam(&without.firsts),
        };
        self.pairs
            .entry((who.into(), choice))
            .or_default()
            .push(pair);
    }

    /// Adds the runs of another collection.
    pub fn extend(&mut self, other: Self) {
        for (key, pairs) in other.pairs {
            self.pairs.entry(key).or_default().extend(pairs);
        }
    }

    /// Prints the gain in accuracy@1 of each choice over the questions, each with the mean of its runs.
    pub fn print(&self) {
        if self.pairs.is_empty() {
            return;
        }
        println!("\n| model | choice | gain in accuracy@1 over leaving it out | runs |");
        println!("|{}", " --- |".repeat(4));
        for ((who, choice), pairs) in &self.pairs {
            let runs: Vec<_> = pairs
                .iter()
                .map(|pair| (&pair.with, &pair.without))
                .collect();
            let gain = gain(&runs).map_or_else(
                || "–".into(),
                |(mean, error)| format!("{mean:+.3} ± {error:.3}"),
            );
            println!("| {who} | {} | {gain} | {} |", choice.name(), pairs.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay::train::Recipe;

    #[test]
    fn choice_is_left_out_where_it_matters() {
        let [quick, thorough] = [Recipe::Quick, Recipe::Thorough].map(|of| Settings::of(of, 8));
        let untrained = || {
            let mut settings = quick.clone();
            settings.shrinkage = 1e9;
            settings
        };
        let without = |choice: Choice, of: &Settings| choice.left_out_of(of, untrained());
        assert_eq!(without(Choice::Shrinkage, &quick).unwrap().shrinkage, 0.0);
        assert_eq!(without(Choice::Shrinkage, &thorough), None);
        assert_eq!(without(Choice::OwnQuestions, &quick), None);
        assert_eq!(without(Choice::Learning, &thorough), Some(untrained()));
        for choice in Choice::ALL {
            assert_eq!(choice.name().parse(), Ok(choice));
        }
        assert!("own".parse::<Choice>().is_err());
    }
}
