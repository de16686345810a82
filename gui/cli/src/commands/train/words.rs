//! A run in words: what happens, on stderr, and what came of it.

use nearsay::train::{
    Event, PoolFigures, Report,
    report::{Findings, Hub, SourceChange},
};
use nearsay_message::{
    UserError,
    terminal::{Bar, print_line},
};

/// Events in words on stderr.
pub(super) struct Words {
    fetching: Bar,
    reading: Bar,
    learning: Bar,
    again: Bar,
    /// Epochs are told one by one where there is no bar, but not every one of hundreds.
    told: usize,
}

impl Words {
    pub(super) fn new() -> Self {
        Self {
            fetching: Bar::new("Getting the model", false),
            reading: Bar::new("Reading texts", false),
            learning: Bar::new("Learning", false),
            again: Bar::new("Learning once more, from all pairs, in hundredths", false),
            told: 0,
        }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Model { done, total, .. } => self.fetching.show(*done, *total),
            Event::Embed { done, total, eta_s } => {
                self.reading.show_left(*done as u64, *total as u64, *eta_s);
            }
            Event::Batch {
                epoch,
                epochs,
                eta_s,
                ..
            } => {
                self.learning
                    .show_left(*epoch as u64, *epochs as u64, Some(*eta_s));
            }
            Event::Epoch(epoch) => {
                self.learning
                    .show(epoch.epoch as u64 + 1, epoch.epochs as u64);
                let tenth = (epoch.epoch + 1) * 10 / epoch.epochs.max(1);
                if tenth > self.told || epoch.epoch == 0 {
                    self.told = tenth;
                    let val = epoch.val.map_or(String::new(), |val| {
                        format!(", kept aside rp@1 {:.4} rrk {:.4}", val.rp_1, val.rrk)
                    });
                    self.learning.line(&format!(
                        "epoch {}: loss {:.4}, training rp@1 {:.4} rrk {:.4}{val}",
                        epoch.epoch, epoch.loss, epoch.train.rp_1, epoch.train.rrk
                    ));
                }
            }
            Event::Refit { share, eta_s } => {
                let percent = (share * 100.0) as u64;
                self.again.show_left(percent, 100, Some(*eta_s));
            }
            Event::Note(note) => self.learning.line(&note.to_string()),
            _ => {}
        }
    }
}

/// What came of a run, on stdout.
pub(super) fn summary(report: &Report) -> Result<(), UserError> {
    print_line(&format!(
        "{} pairs learned in {:.1} s ({} rounds), texts read in {:.1} s",
        report.train_rows, report.train_s, report.epochs, report.embed_s
    ))?;
    if let (Some(before), Some(after)) = (&report.before, &report.after) {
        print_line(&format!(
            "{} questions kept aside, asked of {} answers:",
            after.questions, after.pool
        ))?;
        figures("before", before)?;
        figures("after ", after)?;
        if let (Some(weight), Some(without)) = (report.words, &report.without_words) {
            figures("  words left out", without)?;
            print_line(&format!(
                "Words count too, with a weight of {weight}: that won on questions not learned from."
            ))?;
        }
    }
    if let (Some(weight), Some(without)) = (report.expansion, &report.without_expansion) {
        figures("  answers as they are", without)?;
        print_line(&format!(
            "Answers are moved towards the questions of answers like them, with a weight of {weight}: that won \
             on questions not learned from."
        ))?;
    }
    findings(&report.findings)?;
    if report.kept_epoch.is_none() {
        print_line("Training did not help, so the model as it was is kept.")?;
    }
    print_line(&format!("Written to {}", report.dir))
}

fn figures(name: &str, figures: &PoolFigures) -> Result<(), UserError> {
    print_line(&format!(
        "  {name}  recall@1 {:.4}  recall@5 {:.4}  recall@10 {:.4}  mrr@10 {:.4}  ndcg@10 {:.4}",
        figures.recall_1, figures.recall_5, figures.recall_10, figures.mrr_10, figures.ndcg_10
    ))
}

/// What the owner could do about what was found.
fn findings(found: &Findings) -> Result<(), UserError> {
    if !found.sources.is_empty() {
        print_line("Right answers first, by source, before and after:")?;
    }
    for source in &found.sources {
        let SourceChange {
            source,
            questions,
            before,
            after,
        } = source;
        print_line(&format!("  {before} → {after} of {questions}  {source}"))?;
    }
    if !found.hubs.is_empty() {
        print_line(
            "Answers that come up for questions of others; split them, or say more plainly what they are \
             about:",
        )?;
    }
    for hub in &found.hubs {
        let Hub {
            row,
            answer,
            questions,
        } = hub;
        print_line(&format!(
            "  {questions} questions  line {row}: {}",
            start(answer)
        ))?;
    }
    if !found.twins.is_empty() {
        print_line(
            "Answers too alike to be told apart; make one of them, or say in each what sets it apart:",
        )?;
    }
    for twins in &found.twins {
        let ([a, b], [one, other]) = (twins.rows, &twins.answers);
        print_line(&format!("  line {a}: {}", start(one)))?;
        print_line(&format!("  line {b}: {}", start(other)))?;
    }
    Ok(())
}

/// The start of a text, enough to know it by.
fn start(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}
