//! Data files: values nested in any way, in which the questions and answers are looked for.

mod fields;
mod json;
mod loose_code;
mod loose_json;
mod loose_text;
mod script;
mod shapes;
#[cfg(feature = "toml")]
mod toml;
mod tree;
mod walk;
#[cfg(feature = "xml")]
mod xml;
#[cfg(feature = "yaml")]
mod yaml;

pub(super) use json::NESTED_JSON;
pub(super) use script::SCRIPT;
#[cfg(feature = "toml")]
pub(super) use toml::TOML;
#[cfg(feature = "xml")]
pub(super) use xml::XML;
#[cfg(feature = "yaml")]
pub(super) use yaml::{YAML, read_front_matter};

/// Where questions and answers are looked for in data files.
const LOOKED_FOR: &str = "Give each entry a question and an answer, such as \
                          {\"question\": \"…\", \"answer\": \"…\"}, or choose the columns.";

/// Counts the lines of a text.
fn count_lines(text: &str) -> u64 {
    text.lines().count() as u64
}

/// Line of an offset, counted from 1. Offsets must not decrease from one call to the next.
struct LineCounter<'t> {
    text: &'t str,
    at: usize,
    line: u64,
}

impl<'t> LineCounter<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    fn line_of(&mut self, offset: usize) -> u64 {
        let passed = self
            .text
            .as_bytes()
            .get(self.at..offset)
            .unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = self.at.max(offset);
        self.line
    }
}
