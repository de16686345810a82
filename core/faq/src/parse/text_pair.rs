//! Parsing a text block into a question and an answer.

use super::labels::{
    Mark, TextStyle, ends_with_question_mark, parse_any_label, parse_heading, parse_label,
    split_inline_answer,
};
use super::{Record, Rejection, Value};
use crate::IssueKind;
use crate::text;

/// Question and answer of a text block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TextPair {
    question: Option<String>,
    answer: Option<String>,
}

impl TextPair {
    /// Parses a block of a text in the given style.
    ///
    /// # Errors
    /// [`Rejection`], when the block has several answers.
    pub(crate) fn parse(block: &str, style: TextStyle) -> Result<Self, Rejection> {
        match style {
            TextStyle::Labels => parse_labelled_block(block, parse_label),
            TextStyle::PointLabels => parse_labelled_block(block, parse_any_label),
            TextStyle::Headings => Ok(parse_headed_block(block)),
        }
    }

    /// Returns the texts as a record with the fields `question` and `answer`.
    pub(crate) fn to_record(&self) -> Record<'_> {
        let mut fields = Vec::new();
        for (name, text) in [("question", &self.question), ("answer", &self.answer)] {
            if let Some(text) = text {
                fields.push((name.to_owned(), Value::Text(text)));
            }
        }
        Record {
            fields,
            controls: 0,
        }
    }
}

fn parse_labelled_block(
    block: &str,
    parse_label: fn(&str) -> Option<(Mark, &str)>,
) -> Result<TextPair, Rejection> {
    let mut question: Vec<&str> = Vec::new();
    let mut answer: Vec<&str> = Vec::new();
    let (mut asked, mut answers) = (false, 0);
    for line in block.lines() {
        let text = match parse_label(line) {
            Some((Mark::Answer, text)) => {
                answers += 1;
                text
            }
            Some((Mark::Question(_), text)) => {
                asked = true;
                match split_inline_answer(text) {
                    Some((asked, told)) => {
                        answers += 1;
                        question.push(asked);
                        told
                    }
                    None => text,
                }
            }
            _ => line.trim_end(),
        };
        match answers {
            0 => question.push(text),
            _ => answer.push(text),
        }
    }
    while answer
        .last()
        .is_some_and(|line| text::is_blank(line) || text::is_separator(line))
    {
        answer.pop();
    }
    if answers > 1 {
        let excerpt = join_lines(&question).unwrap_or_default();
        let kind = IssueKind::ManyAnswers { count: answers };
        return Err(Rejection::new(kind, text::excerpt(&excerpt)));
    }
    // A first line with a question mark, and below it an answer without a label.
    if answers == 0
        && let Some((first, rest)) = question.split_first()
        && ends_with_question_mark(first)
    {
        return Ok(TextPair {
            question: Some((*first).to_owned()),
            answer: join_lines(rest),
        });
    }
    Ok(TextPair {
        question: join_lines(&question).filter(|_| asked),
        answer: join_lines(&answer),
    })
}

/// Joins lines and trims the result; `None` if nothing is left.
fn join_lines(lines: &[&str]) -> Option<String> {
    let text = lines.join("\n");
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn parse_headed_block(block: &str) -> TextPair {
    let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
    let question = parse_heading(first).map(|h| h.1.to_owned());
    let rest = rest.trim_matches('\n').trim_end();
    if rest.trim().is_empty() {
        return TextPair {
            question,
            answer: None,
        };
    }
    // Drop a redundant `A:` below the heading.
    let (line, more) = rest.split_once('\n').unwrap_or((rest, ""));
    let answer = match parse_label(line) {
        Some((Mark::Answer, text)) => format!("{text}\n{more}").trim().to_owned(),
        _ => rest.trim().to_owned(),
    };
    TextPair {
        question,
        answer: Some(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_splits_blocks_into_question_and_answer() {
        let pair = |question: &str, answer: &str| TextPair {
            question: Some(question.to_owned()).filter(|t| !t.is_empty()),
            answer: Some(answer.to_owned()).filter(|t| !t.is_empty()),
        };
        for (block, expected) in [
            ("Q: a?\nA: b\n\nc\n", pair("a?", "b\n\nc")),
            ("Q: a\n b?\nA:\nc", pair("a\n b?", "c")),
            ("Q: a?\nb", pair("a?", "b")),
            ("Q: a\nb", pair("a\nb", "")),
            ("A: b", pair("", "b")),
        ] {
            assert_eq!(
                TextPair::parse(block, TextStyle::Labels),
                Ok(expected),
                "{block}"
            );
        }
        assert!(TextPair::parse("Q: a?\nA: b\nA: c", TextStyle::Labels).is_err());
        for (block, expected) in [
            ("## a?\n\nb\n\nc\n", pair("a?", "b\n\nc")),
            ("**1. a?**\nA: b\nc", pair("a?", "b\nc")),
            ("1. **a?**\n   b", pair("a?", "b")),
            ("# a?\n", pair("a?", "")),
        ] {
            assert_eq!(
                TextPair::parse(block, TextStyle::Headings),
                Ok(expected),
                "{block}"
            );
        }
    }
}
