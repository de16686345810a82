//! One HTML file that answers by itself: no server, no network, also from a disk.
//!
//! It holds the answers with their wordings, the encoder's table ([`table`]) and the search in plain
//! JavaScript, a port of what core does to ask: `wordpiece.js`, `encoder.js`, `lexical.js` and `search.js`
//! (which Node runs in tests), and `data.js` and `view.js` around them. Vectors of the texts are not in it:
//! the page makes them when it opens. That takes a moment (see `export`), but keeps them exact, and the page
//! smaller by a kilobyte a text. Only answers that were moved towards others' questions bring theirs
//! ([`moved`]), since moving them takes too long in a browser.
//!
//! Text of others is data: it is in a block of JSON in which no tag can end, and is shown as text. The page's
//! Content-Security-Policy names the hashes of its scripts and style; nothing else can run or be fetched.

mod moved;
mod table;

use super::UserError;
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use nearsay::servable::{By, KnownAnswer, Servable};
use nearsay_core::head::{Activation, Dense};
use nearsay_search::calibration::{AMONG, SCALE};
use nearsay_store::{DiskStore, Store as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::path::Path;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const VIEW: &str = include_str!("view.js");
/// The search, in the order of their use.
const SEARCH: [&str; 5] = [
    include_str!("wordpiece.js"),
    include_str!("encoder.js"),
    include_str!("lexical.js"),
    include_str!("search.js"),
    include_str!("data.js"),
];

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Heading of the page
    #[arg(
        long,
        default_value = "Frequently asked questions",
        value_name = "TEXT"
    )]
    title: String,
}

/// What is asked, as the page has it. Numbers are widened, so that JavaScript reads the same ones.
#[derive(Serialize)]
struct Faq<'a> {
    answers: Vec<Answer<'a>>,
    /// What words count for; 0 for nothing.
    words: f64,
    /// Whether they are compared by answer, not by text.
    by_answer: bool,
    /// From which sureness on an answer is given without a warning.
    threshold: f64,
    /// How much an answer's own text counts for how sure it is.
    own_text: f64,
    /// The score of no answer among those that share; null where the sureness is the score.
    no_answer: Option<f64>,
    /// How many answers share, and what their scores are multiplied by.
    among: usize,
    scale: f64,
    /// The vectors of answers; none where the page makes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    answer: &'a str,
    questions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn of(known: &'a KnownAnswer) -> Self {
        Self {
            answer: &known.answer,
            questions: &known.questions,
            source: known.source.as_deref(),
        }
    }
}

/// The encoder, but for its rows.
#[derive(Serialize)]
struct Model<'a> {
    dim: usize,
    tokens: Vec<&'a str>,
    layers: Vec<Layer>,
}

/// A linear layer; numbers as base64 of little-endian f32.
#[derive(Serialize)]
struct Layer {
    weight: String,
    bias: String,
}

/// Writes the page of a folder.
pub(super) fn write(model: &Servable, file: &Path, options: &Options) -> Result<(), UserError> {
    let page = page(model, options)?;
    Ok(DiskStore.write_atomic(file, page.as_bytes())?)
}

fn page(model: &Servable, options: &Options) -> Result<String, UserError> {
    let Some(encoder) = model.model().table() else {
        return Err(UserError::new(
            format_args!(
                "this folder's encoder is a network ({}), which is too large and slow for a page",
                model.manifest().encoder
            ),
            "Train one that fits with “nearsay train FILE --encoder compact --out DIR”, and export \
             that folder.",
        ));
    };
    let vocabulary = encoder.tokenizer().vocabulary();
    let ids = 0..vocabulary.len() as u32;
    let described = Model {
        dim: encoder.dim(),
        tokens: ids.filter_map(|id| vocabulary.token(id)).collect(),
        layers: model
            .model()
            .layers()
            .map(layer)
            .collect::<Result<_, _>>()?,
    };
    let packed = table::pack(&encoder.embeddings().to_matrix());
    let search = unix(&SEARCH.join("\n"));
    let (view, style) = (unix(VIEW), unix(STYLE));
    let content = |name: &str| match name {
        "title" => Ok(escape(&options.title)),
        "version" => Ok(env!("CARGO_PKG_VERSION").to_owned()),
        "csp" => Ok(policy(&[&search, &view], &style)),
        "style" => Ok(style.clone()),
        "faq" => json(&faq(model)),
        "model" => json(&described),
        "scales" => Ok(BASE64.encode(&packed.scales)),
        "wide" => Ok(BASE64.encode(&packed.wide)),
        "narrow-rows" => Ok(BASE64.encode(&packed.narrow_rows)),
        "wide-rows" => Ok(BASE64.encode(&packed.wide_rows)),
        "search" => Ok(search.clone()),
        "view" => Ok(view.clone()),
        other => Err(broken(format_args!("the page has no {other}"))),
    };
    fill(PAGE, content)
}

fn faq(model: &Servable) -> Faq<'_> {
    let manifest = model.manifest();
    Faq {
        answers: model.answers().iter().map(Answer::of).collect(),
        words: model.index().words_weight().into(),
        by_answer: manifest.words.is_some_and(|words| words.by == By::Answer),
        threshold: manifest.confidence.threshold.sureness.into(),
        own_text: manifest.confidence.own_text.into(),
        no_answer: manifest.confidence.no_answer.map(f64::from),
        among: AMONG,
        scale: SCALE.into(),
        moved: manifest.expansion.map(|_| moved::of(model)),
    }
}

fn layer(dense: &Dense) -> Result<Layer, UserError> {
    if dense.activation != Activation::Identity {
        return Err(UserError::new(
            format_args!(
                "this folder's trained layer ends in “{}”, which a page does not compute",
                dense.activation
            ),
            "Train with the recipe quick, and export that folder.",
        ));
    }
    Ok(Layer {
        weight: BASE64.encode(dense.weight.to_le_bytes()),
        bias: BASE64.encode(dense.bias.to_le_bytes()),
    })
}

/// Puts content in place of each `{{name}}`; what is put in is not looked at again.
fn fill(
    template: &str,
    content: impl Fn(&str) -> Result<String, UserError>,
) -> Result<String, UserError> {
    let mut parts = template.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part
            .split_once("}}")
            .ok_or_else(|| broken("a name of the page's template does not end"))?;
        page += &content(name)?;
        page += rest;
    }
    Ok(page)
}

/// The only scripts and style that may run, and nothing to be fetched or sent.
fn policy(scripts: &[&str], style: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)));
    let scripts: Vec<String> = scripts.iter().map(|script| hash(script)).collect();
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        scripts.join(" "),
        hash(style)
    )
}

/// JSON in which no tag can begin or end, and no line of JavaScript.
fn json(value: &impl Serialize) -> Result<String, UserError> {
    let text = serde_json::to_string(value).map_err(broken)?;
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        // Outside of strings JSON has none of these.
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                safe += &format!("\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    Ok(safe)
}

/// Text in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// With the line ends that a browser sees, and hashes.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn broken(why: impl std::fmt::Display) -> UserError {
    UserError::new(
        format_args!("the page cannot be put together ({why})"),
        "This is a mistake in Nearsay; please report it.",
    )
}

#[cfg(test)]
mod tests;
