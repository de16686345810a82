//! Page export: one HTML file that answers questions without a server or network.
//!
//! The page contains the answers and paraphrases, the static embeddings ([`table`]) and a JavaScript port of the
//! search: `wordpiece.js`, `encoder.js`, `lexical.js`, `confidence.js` and `search.js`, which Node runs in tests, plus `data.js` and
//! `view.js`. The page computes the text vectors when it opens. It stores only expanded answer vectors
//! ([`expanded`]), because expansion takes too long in a browser.
//!
//! User text is stored in a JSON block in which no tag can end, and displayed as text. The Content-Security-Policy
//! lists the hashes of the page's scripts and style; no other script can run, and no request can be sent.

mod expanded;
mod table;

use super::ExportError;
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use nearsay::answer_index::{Calibrator, Confidence, Languages};
use nearsay::servable::{By, KnownAnswer, Servable};
use nearsay_core::head::{Activation, Dense};
use nearsay_search::{
    calibration::{AMONG, SCALE},
    prototype,
};
use nearsay_store::{DiskStore, Store as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::path::Path;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const VIEW: &str = include_str!("view.js");
/// The search scripts; later ones use earlier ones.
const SEARCH: [&str; 6] = [
    include_str!("wordpiece.js"),
    include_str!("encoder.js"),
    include_str!("lexical.js"),
    include_str!("confidence.js"),
    include_str!("search.js"),
    include_str!("data.js"),
];

/// The searchable answers. Numbers are f64, so that JavaScript reads the same values.
#[derive(Serialize)]
struct Faq<'a> {
    answers: Vec<Answer<'a>>,
    /// Weight of the keyword score; 0 disables keyword search.
    words: f64,
    /// Whether BM25 documents are answers with their paraphrases, rather than single texts.
    by_answer: bool,
    /// Whether texts that say nearly the same as the question score higher.
    near: bool,
    /// Least confidence of an answer shown without a warning.
    threshold: f64,
    /// Weight of the answer's own text in its confidence.
    own_text: f64,
    /// Abstain score in the softmax; null if the confidence is the score itself.
    no_answer: Option<f64>,
    /// Number of answers in the softmax.
    among: usize,
    /// Inverse temperature of the softmax.
    scale: f64,
    /// Calibrator of the probability; null in models of earlier versions.
    calibrator: Option<PageCalibrator>,
    /// Mean and standard deviation of the cosines between texts of different answers.
    spread: [f64; 2],
    /// Lowest probability of a sure answer.
    sure: f64,
    /// Probability of the answer to a known question.
    known: f64,
    /// Expanded answer vectors; absent if the page computes the vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    expanded: Option<String>,
    /// Prior and sharpness of prototype scoring; absent if questions are compared with the nearest paraphrase alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    prototype: Option<[f64; 2]>,
    /// Maximum number of paraphrases in a mean with a sharpness.
    most: usize,
}

/// Calibrator of the probability.
#[derive(Serialize)]
struct PageCalibrator {
    weights: Vec<f64>,
    slope: f64,
    offset: f64,
    questions: usize,
    /// Lowest probability of an answer that is given.
    abstain: f64,
    /// Whether the encoder knows English only.
    english: bool,
}

impl PageCalibrator {
    fn of(calibrator: &Calibrator) -> Self {
        Self {
            weights: calibrator.weights.iter().map(|&w| f64::from(w)).collect(),
            slope: calibrator.slope.into(),
            offset: calibrator.offset.into(),
            questions: calibrator.questions,
            abstain: calibrator.abstain.into(),
            english: calibrator.languages == Languages::English,
        }
    }
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

/// The encoder without the rows of its embedding table.
#[derive(Serialize)]
struct Model<'a> {
    dim: usize,
    tokens: Vec<&'a str>,
    layers: Vec<Layer>,
}

/// A linear layer; weights are little-endian f32 in base64.
#[derive(Serialize)]
struct Layer {
    weight: String,
    bias: String,
}

pub(super) fn write(model: &Servable, file: &Path, title: &str) -> Result<(), ExportError> {
    let page = render(model, title)?;
    Ok(DiskStore.write_atomic(file, page.as_bytes())?)
}

fn render(model: &Servable, title: &str) -> Result<String, ExportError> {
    let Some(encoder) = model.model().table() else {
        return Err(ExportError::TransformerOnPage {
            encoder: model.manifest().encoder.clone(),
        });
    };
    let vocabulary = encoder.tokenizer().vocabulary();
    let ids = 0..vocabulary.len() as u32;
    let encoder_data = Model {
        dim: encoder.dim(),
        tokens: ids.filter_map(|id| vocabulary.token(id)).collect(),
        layers: model
            .model()
            .layers()
            .map(encode_layer)
            .collect::<Result<_, _>>()?,
    };
    let packed = table::pack(&encoder.embeddings().to_matrix());
    let search = normalize_line_ends(&SEARCH.join("\n"));
    let (view, style) = (normalize_line_ends(VIEW), normalize_line_ends(STYLE));
    let content = |name: &str| match name {
        "title" => Ok(escape_html(title)),
        "version" => Ok(env!("CARGO_PKG_VERSION").to_owned()),
        "csp" => Ok(content_security_policy(&[&search, &view], &style)),
        "style" => Ok(style.clone()),
        "faq" => encode_json(&faq_of(model)),
        "model" => encode_json(&encoder_data),
        "scales" => Ok(BASE64.encode(&packed.scales)),
        "wide" => Ok(BASE64.encode(&packed.wide)),
        "narrow-rows" => Ok(BASE64.encode(&packed.narrow_rows)),
        "wide-rows" => Ok(BASE64.encode(&packed.wide_rows)),
        "search" => Ok(search.clone()),
        "view" => Ok(view.clone()),
        other => Err(template_error(format_args!("unknown placeholder {other}"))),
    };
    fill_template(PAGE, content)
}

fn faq_of(model: &Servable) -> Faq<'_> {
    let manifest = model.manifest();
    let calibrator = model.answer_index().confidence().calibrator.as_ref();
    let spread = model.answer_index().cosine_spread();
    Faq {
        answers: model.answers().iter().map(Answer::of).collect(),
        words: model.index().words_weight().into(),
        by_answer: manifest.words.is_some_and(|words| words.by == By::Answer),
        near: manifest.words.is_some_and(|words| words.near),
        threshold: manifest.confidence.threshold.sureness.into(),
        own_text: manifest.confidence.own_text.into(),
        no_answer: manifest.confidence.no_answer.map(f64::from),
        among: AMONG,
        scale: SCALE.into(),
        calibrator: calibrator.map(PageCalibrator::of),
        spread: [spread.mean.into(), spread.deviation.into()],
        sure: Confidence::SURE.into(),
        known: Confidence::KNOWN.into(),
        most: prototype::MOST,
        expanded: manifest.expansion.map(|_| expanded::encode_vectors(model)),
        prototype: manifest
            .prototype
            .map(|prototype| [prototype.prior.into(), prototype.sharpness.into()]),
    }
}

fn encode_layer(dense: &Dense) -> Result<Layer, ExportError> {
    if dense.activation != Activation::Identity {
        return Err(ExportError::ActivationOnPage {
            activation: dense.activation,
        });
    }
    Ok(Layer {
        weight: BASE64.encode(dense.weight.to_le_bytes()),
        bias: BASE64.encode(dense.bias.to_le_bytes()),
    })
}

/// Replaces each `{{name}}` with its content, which is not searched for placeholders.
fn fill_template(
    template: &str,
    content: impl Fn(&str) -> Result<String, ExportError>,
) -> Result<String, ExportError> {
    let mut parts = template.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part
            .split_once("}}")
            .ok_or_else(|| template_error("unterminated placeholder"))?;
        page += &content(name)?;
        page += rest;
    }
    Ok(page)
}

/// Allows these scripts and this style only, and no requests.
fn content_security_policy(scripts: &[&str], style: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)));
    let scripts: Vec<String> = scripts.iter().map(|script| hash(script)).collect();
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        scripts.join(" "),
        hash(style)
    )
}

/// Encodes JSON in which no HTML tag and no JavaScript line can begin or end.
fn encode_json(value: &impl Serialize) -> Result<String, ExportError> {
    let text = serde_json::to_string(value).map_err(template_error)?;
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        // These characters occur in strings only.
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                safe += &format!("\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    Ok(safe)
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Replaces CRLF by LF, as browsers do before they hash an element.
fn normalize_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn template_error(reason: impl std::fmt::Display) -> ExportError {
    ExportError::PageTemplate {
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests;
