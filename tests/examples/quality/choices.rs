//! What each of the recipes' own choices is worth that no slice of an FAQ could make: a run is asked with it and
//! without it, question by question, of one set and of all together.

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

/// A choice that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// That a head or a network learns; without, words and own questions are all there is.
    Learning,
    /// That a head keeps the less of what it learned, the fewer the pairs.
    Shrinkage,
    /// That answers are moved towards their own questions where those of others do not help.
    OwnQuestions,
    /// That words count by answer, all its wordings together, rather than by text.
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

    /// What is to be learned by without it, given what the untrained encoder is ranked by alone; none where
    /// that makes no difference to learning.
    pub fn left_out_of(self, settings: &Settings, untrained: Settings) -> Option<Settings> {
        let without = match self {
            Self::Learning => untrained,
            Self::Shrinkage => Settings {
                shrink: 0.0,
                ..settings.clone()
            },
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

/// How a folder is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    pub words: Words,
    /// Whether its answers are moved.
    pub moved: bool,
}

impl Ranking {
    /// As the folder says.
    pub fn of(manifest: &Manifest) -> Self {
        let none = Words {
            weight: 0.0,
            by: By::Text,
        };
        Self {
            words: manifest.words.unwrap_or(none),
            moved: manifest.expansion.is_some(),
        }
    }

    /// The same without a choice; as it is where that makes no difference to asking.
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

/// Which questions found a right answer first with a choice, and which without.
struct Pair {
    with: Firsts,
    without: Firsts,
}

/// Runs with and without choices, by the model and the choice.
#[derive(Default)]
pub struct Worth {
    pairs: BTreeMap<(String, Choice), Vec<Pair>>,
}

impl Worth {
    /// Takes in an exam asked both ways; where a choice makes no difference both are the same.
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

    /// Takes in all that another one has.
    pub fn extend(&mut self, other: Self) {
        for (key, pairs) in other.pairs {
            self.pairs.entry(key).or_default().extend(pairs);
        }
    }

    /// Prints what each choice gains in recall@1, over the questions, each counting by the mean of its runs.
    pub fn print(&self) {
        if self.pairs.is_empty() {
            return;
        }
        println!("\n| model | choice | gain in recall@1 over leaving it out | runs |");
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
    fn a_choice_is_left_out_where_it_makes_a_difference() {
        let [quick, thorough] = [Recipe::Quick, Recipe::Thorough].map(|of| Settings::of(of, 8));
        let untrained = || Settings {
            shrink: 1e9,
            ..quick.clone()
        };
        let without = |choice: Choice, of: &Settings| choice.left_out_of(of, untrained());
        assert_eq!(without(Choice::Shrinkage, &quick).unwrap().shrink, 0.0);
        assert_eq!(without(Choice::Shrinkage, &thorough), None);
        assert_eq!(without(Choice::OwnQuestions, &quick), None);
        assert_eq!(without(Choice::Learning, &thorough), Some(untrained()));
        for choice in Choice::ALL {
            assert_eq!(choice.name().parse(), Ok(choice));
        }
        assert!("own".parse::<Choice>().is_err());
    }
}
