//! Prints the progress of a training run on stderr, and its result on stdout.

use crate::terminal::{Bar, print_line};
use nearsay::train::{
    Event, PoolFigures, Report,
    report::{
        ComparedWith, Comparison, Difference, Findings, OverRetrievedAnswer, Protocol, TopicChange,
    },
};
use nearsay_message::UserError;

/// Prints events on stderr.
pub(super) struct ProgressPrinter {
    download: Bar,
    encoding: Bar,
    training: Bar,
    refit: Bar,
    /// Tenth of the run that was last reported; a run can have hundreds of epochs.
    last_tenth: usize,
}

impl ProgressPrinter {
    pub(super) fn new() -> Self {
        Self {
            download: Bar::new("Downloading the model", false),
            encoding: Bar::new("Encoding texts", false),
            training: Bar::new("Training", false),
            refit: Bar::new("Measuring and refitting on all data, percent", false),
            last_tenth: 0,
        }
    }

    pub(super) fn print(&mut self, event: &Event) {
        match event {
            Event::Model { done, total, .. } => self.download.show(*done, *total),
            Event::Embed { done, total, eta_s } => {
                self.encoding
                    .show_with_eta(*done as u64, *total as u64, *eta_s);
            }
            Event::Batch {
                epoch,
                epochs,
                eta_s,
                ..
            } => {
                self.training
                    .show_with_eta(*epoch as u64, *epochs as u64, Some(*eta_s));
            }
            Event::Epoch(epoch) => {
                self.training
                    .show(epoch.epoch as u64 + 1, epoch.epochs as u64);
                let tenth = (epoch.epoch + 1) * 10 / epoch.epochs.max(1);
                if tenth > self.last_tenth || epoch.epoch == 0 {
                    self.last_tenth = tenth;
                    let val = epoch.val.map_or(String::new(), |val| {
                        format!(", validation rp@1 {:.4} rrk {:.4}", val.rp_1, val.rrk)
                    });
                    self.training.line(&format!(
                        "epoch {}: loss {:.4}, training rp@1 {:.4} rrk {:.4}{val}",
                        epoch.epoch, epoch.loss, epoch.train.rp_1, epoch.train.rrk
                    ));
                }
            }
            Event::Refit { share, eta_s } => {
                let percent = (share * 100.0) as u64;
                self.refit.show_with_eta(percent, 100, Some(*eta_s));
            }
            Event::Note(note) => self.training.line(&note.to_string()),
            _ => {}
        }
    }
}

/// Prints the result of a run on stdout.
pub(super) fn print_summary(report: &Report) -> Result<(), UserError> {
    print_line(&format!(
        "Trained on {} pairs in {:.1} s ({} epochs), encoded texts in {:.1} s",
        report.train_rows, report.train_s, report.epochs, report.embed_s
    ))?;
    for (name, comparison) in [
        ("Known answers, asked in new words", &report.known_answers),
        ("New answers", &report.new_answers),
    ] {
        if let Some(comparison) = comparison {
            print_comparison(name, comparison, report.compared_with)?;
        }
    }
    if let Some(protocol) = report.protocol {
        print_line(describe_protocol(protocol))?;
    }
    if let Some(difference) = report.difference {
        print_line(describe_difference(difference))?;
    }
    if let (Some(weight), Some(without)) = (report.words, &report.without_words) {
        print_line(&format!(
            "Hybrid search uses a keyword weight of {weight}. New answers:"
        ))?;
        print_figures("without keyword search", without)?;
    }
    if let (Some(weight), Some(without)) = (report.expansion, &report.without_expansion) {
        print_line(&format!(
            "Document expansion shifts answer vectors towards their neighbours' questions with a weight of {weight}. \
             New answers:"
        ))?;
        print_figures("without document expansion", without)?;
    }
    print_findings(&report.findings)?;
    if report.kept_epoch.is_none() {
        print_line(
            "No epoch improved on the base encoder, so the model uses the base encoder without a trained head.",
        )?;
    }
    print_line(&format!("Written to {}", report.dir))
}

fn print_comparison(
    name: &str,
    comparison: &Comparison,
    compared_with: ComparedWith,
) -> Result<(), UserError> {
    let Comparison { before, after, .. } = comparison;
    print_line(&format!(
        "{name}: {} questions, {} answers",
        after.questions, after.pool
    ))?;
    let name = match compared_with {
        ComparedWith::BaseEncoder => "before training",
        ComparedWith::BuiltIn => "built-in encoder",
        ComparedWith::Previous => "previous model",
    };
    print_figures(name, before)?;
    print_figures("after training", after)
}

/// Explains how the figures were measured.
fn describe_protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::CrossValidation { folds: 1 } => {
            "The model that was asked these questions was trained without them."
        }
        Protocol::CrossValidation { .. } => {
            "Every question was asked once of a model trained without it; the final model is trained on everything."
        }
        Protocol::HeldOut => "The model is not trained on these questions.",
    }
}

fn describe_difference(difference: Difference) -> &'static str {
    match difference {
        Difference::Better => "Better than before by a paired test.",
        Difference::Worse => "Worse than before by a paired test.",
        Difference::NotMeasurable => "No measurable difference from before.",
    }
}

fn print_figures(name: &str, figures: &PoolFigures) -> Result<(), UserError> {
    print_line(&format!(
        "  {name:<26}  accuracy@1 {:.4}  accuracy@5 {:.4}  accuracy@10 {:.4}  mrr@10 {:.4}  ndcg@10 {:.4}",
        figures.recall_1, figures.recall_5, figures.recall_10, figures.mrr_10, figures.ndcg_10
    ))
}

/// Prints findings with suggestions for the FAQ's author.
fn print_findings(found: &Findings) -> Result<(), UserError> {
    if !found.topics.is_empty() {
        print_line("Questions with the right answer first, by topic, before and after training:")?;
    }
    for change in &found.topics {
        let TopicChange {
            topic,
            questions,
            before,
            after,
        } = change;
        print_line(&format!("  {before} → {after} of {questions}  {topic}"))?;
    }
    if !found.over_retrieved.is_empty() {
        print_line(
            "Answers retrieved for questions of other answers (split them, or state more clearly what they are \
             about):",
        )?;
    }
    for found in &found.over_retrieved {
        let OverRetrievedAnswer {
            row,
            answer,
            questions,
        } = found;
        print_line(&format!(
            "  {questions} questions  line {row}: {}",
            shorten(answer)
        ))?;
    }
    if !found.confused.is_empty() {
        print_line(
            "Answers too similar to distinguish (merge them, or state in each how it differs):",
        )?;
    }
    for pair in &found.confused {
        let ([a, b], [one, other]) = (pair.rows, &pair.answers);
        print_line(&format!("  line {a}: {}", shorten(one)))?;
        print_line(&format!("  line {b}: {}", shorten(other)))?;
    }
    Ok(())
}

/// Shortens a text to 80 characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}
