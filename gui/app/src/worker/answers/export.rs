//! Writing the model and what it answers with to a folder, and asking that folder again.

use std::path::Path;

use candle_core::Device;
use nearsay::servable::{
    self, AnswerSet, Confidence, Data, Export, ExportEncoder, KnownAnswer, Manifest, Reissue,
    Servable, TextModel, Threshold, Words,
};
use nearsay_core::{
    head::Folded,
    matrix::{Matrix, dot},
};
use nearsay_store::{DiskStore, Store as _};

use super::{AnswersEvent, Room, bench::Body};
use crate::{
    state::{Exported, ExportedFile, Side, UserError},
    text,
};

/// So many questions are asked again of what was exported.
const ASKED: usize = 20;

impl Room {
    pub(super) fn export(&mut self, wanted: &super::ExportWanted) {
        let result = self.write(wanted);
        self.say(AnswersEvent::Exported(Box::new(result)));
    }

    fn write(&mut self, wanted: &super::ExportWanted) -> Result<Exported, UserError> {
        let layout = std::mem::take(&mut self.layout);
        let result = self.write_as(wanted, &layout);
        self.layout = layout;
        result
    }

    fn write_as(
        &mut self,
        wanted: &super::ExportWanted,
        layout: &super::Layout,
    ) -> Result<Exported, UserError> {
        let data_dir = self.data_dir.clone();
        let Some((bench, _)) = self.bench(Side::After) else {
            return Err(text::error::asking_ended());
        };
        let (Some((_, index)), true) = (&bench.index, bench.can_answer(layout)) else {
            return Err(text::error::not_ready());
        };
        let words = index.words_weight();
        let confidence = confidence(bench.confidence.as_ref(), words, wanted.silence);
        let answers = AnswerSet::from_known(
            layout
                .entries
                .values()
                .zip(1..)
                .map(|(entry, row)| KnownAnswer {
                    answer: entry.answer.clone(),
                    questions: entry
                        .paraphrases
                        .iter()
                        .map(|way| way.text.clone())
                        .collect(),
                    row,
                    source: entry.source.clone(),
                })
                .collect(),
        );
        if let Some(parent) = wanted.to.parent() {
            DiskStore.create_dir_all(parent)?;
        }
        match bench.body() {
            Body::Trained(_, from, _) => Reissue {
                from,
                data: wanted.with_data.then_some(Data {
                    answers: &answers,
                    vectors: index.vectors(),
                    plain: bench.plain.as_ref(),
                }),
                confidence: &confidence,
                words: bench.words,
                expansion: bench.expansion,
            }
            .write(&DiskStore, &wanted.to)?,
            // The model that grew from it could not be used, which was said.
            Body::Network(..) => return Err(text::error::own_model()),
            Body::Compact(_) => {
                let first = match wanted.with_data {
                    true => wanted.to.clone(),
                    // Where it goes nothing of the data may stand, not even for a moment.
                    false => data_dir.join("exporting"),
                };
                untrained(&answers, index.vectors(), &confidence, bench.words, &first)?;
                if !wanted.with_data {
                    let model_only = Reissue {
                        from: &first,
                        data: None,
                        confidence: &confidence,
                        words: bench.words,
                        expansion: None,
                    };
                    let written = model_only.write(&DiskStore, &wanted.to);
                    servable::remove(&DiskStore, &first)?;
                    written?;
                }
            }
        }
        let mut done = Exported {
            files: files(&wanted.to)?,
            dir: wanted.to.clone(),
            with_data: wanted.with_data,
            ..Exported::default()
        };
        // Asked again as whoever serves it will: questions kept aside first, then others.
        let texts = layout.texts();
        let is_question = |at: &usize| layout.wordings.get(*at).is_some_and(|way| *way > 0);
        let is_aside = |at: &usize| layout.aside.get(*at).copied().unwrap_or(false);
        let mut questions: Vec<usize> = (0..texts.len()).filter(is_question).collect();
        questions.sort_by_key(|at| !is_aside(at));
        let step = (questions.len() / ASKED).max(1);
        let questions = questions.iter().step_by(step).take(ASKED);
        if wanted.with_data {
            let folder = Servable::open(&DiskStore, &wanted.to, &Device::Cpu)?;
            for at in questions {
                let vector = index.vectors().row(*at);
                let text = texts.get(*at).copied().unwrap_or_default();
                let here = index.ask(text, vector, 1).first().map(|hit| hit.answer);
                let here = here.and_then(|place| layout.entries.get(&layout.entry(place)?));
                let there = folder.ask(text, 1)?;
                let there = there.first().map(|found| found.answer.answer.as_str());
                done.asked += 1;
                done.same += usize::from(there == here.map(|entry| entry.answer.as_str()));
            }
        } else {
            let folder = TextModel::open(&DiskStore, &wanted.to, &Device::Cpu)?;
            for at in questions {
                let text = texts.get(*at).copied().unwrap_or_default();
                let vector = folder.encode(&[text])?;
                let near = dot(vector.row(0), index.vectors().row(*at));
                done.asked += 1;
                done.same += usize::from(near > 0.9999);
            }
        }
        Ok(done)
    }
}

/// What was measured, silent below this chance in hundredths.
fn confidence(measured: Option<&Confidence>, words: f32, silence: u8) -> Confidence {
    let Some(measured) = measured else {
        return Confidence::USUAL;
    };
    let Some(calibration) = &measured.calibration else {
        return measured.clone();
    };
    // Where nothing is sure enough, nothing is: shares end at 1, cosines too, what words add at their weight.
    let never = 1.5 + words;
    let sureness = calibration.score_for(f32::from(silence) / 100.0);
    Confidence {
        threshold: Threshold {
            sureness: sureness.unwrap_or(never).max(-1.0),
            ..measured.threshold
        },
        ..measured.clone()
    }
}

/// The built-in encoder as it came.
fn untrained(
    answers: &AnswerSet,
    vectors: &Matrix,
    confidence: &Confidence,
    words: Option<Words>,
    to: &Path,
) -> Result<(), UserError> {
    let encoder = nearsay_text::compact::built_in::encoder()?;
    Export {
        encoder: ExportEncoder::Static {
            words: encoder.tokenizer(),
            table: encoder.embeddings().clone(),
        },
        encoder_name: "compact",
        head: &Folded::Identity,
        answers,
        vectors,
        confidence,
        words,
        expansion: None,
        report: serde_json::Value::Null,
    }
    .write(&DiskStore, to)?;
    Ok(())
}

/// The files of the exported model with their lengths, by name. Others that lie there are not part of it.
fn files(dir: &Path) -> Result<Vec<ExportedFile>, UserError> {
    let manifest = Manifest::read(&DiskStore, dir)?;
    let own = DiskStore.metadata(&dir.join(MANIFEST))?.len;
    let files = manifest.files.iter();
    let mut found: Vec<ExportedFile> = files
        .map(|(name, entry)| (name.as_str(), entry.bytes))
        .chain([(MANIFEST, own)])
        .map(|(name, bytes)| ExportedFile {
            name: name.to_owned(),
            bytes: Some(bytes),
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The manifest's own name.
const MANIFEST: &str = "nearsay.json";
