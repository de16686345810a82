//! Texts with the words of a question highlighted.

use egui::{TextFormat, Ui, text::LayoutJob};

use crate::theme;
use nearsay_project::stop_words::is_content_word;

/// `text` with the words it shares with `query` highlighted. Equal words are not necessarily why the model
/// chose the text.
pub(super) fn layout(
    ui: &Ui,
    text: &str,
    query: &str,
    style: egui::TextStyle,
    ink: egui::Color32,
    width: f32,
) -> LayoutJob {
    let palette = theme::palette(ui);
    let plain = TextFormat {
        font_id: style.resolve(ui.style()),
        color: ink,
        ..TextFormat::default()
    };
    let bright = TextFormat {
        background: palette.mark,
        ..plain.clone()
    };
    let asked: Vec<String> = words(query)
        .map(str::to_lowercase)
        .filter(|word| is_content_word(word))
        .collect();
    let mut job = LayoutJob::default();
    job.wrap.max_width = width;
    let mut rest = text;
    for word in words(text) {
        let Some(at) = rest.find(word) else { continue };
        let (before, from) = rest.split_at(at);
        let (word, after) = from.split_at(word.len());
        job.append(before, 0.0, plain.clone());
        let shared = asked.contains(&word.to_lowercase());
        job.append(
            word,
            0.0,
            if shared {
                bright.clone()
            } else {
                plain.clone()
            },
        );
        rest = after;
    }
    job.append(rest, 0.0, plain);
    job
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}
