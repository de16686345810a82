//! Exports a model directory and verifies it with sample questions.

use std::path::Path;

use candle_core::Device;
use nearsay::{
    answer_index::{AnswerIndex, Scoring},
    servable::{
        self, Confidence, Data, Export, ExportEncoder, Manifest, Reissue, Servable, TextModel,
        Threshold,
    },
};
use nearsay_core::{head::Folded, matrix::dot};
use nearsay_store::{DiskStore, Store as _};

use super::{AnswersEvent, Room, bench::Body};
use crate::{
    state::{Exported, ExportedFile, Side, UserError},
    text,
};

/// Number of sample questions that verify an export.
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
        if !bench.can_answer(layout) {
            return Err(text::error::not_ready());
        }
        let index = bench.index.index();
        let Scoring {
            hybrid,
            expansion,
            prototype,
        } = bench.index.scoring();
        let measured = bench.index.confidence();
        let confidence = confidence(measured, index.words_weight(), wanted.silence);
        if let Some(parent) = wanted.to.parent() {
            DiskStore.create_dir_all(parent)?;
        }
        match bench.body() {
            Body::Trained(_, from, _) => Reissue {
                from,
                data: wanted.with_data.then(|| Data::from(&bench.index)),
                confidence: &confidence,
                words: hybrid,
                expansion,
                prototype,
            }
            .write(&DiskStore, &wanted.to)?,
            // The trained model failed, and `NoModel` has reported it.
            Body::Network(..) => return Err(text::error::own_model()),
            Body::Compact(_) => {
                let first = if wanted.with_data {
                    wanted.to.clone()
                } else {
                    data_dir.join("exporting")
                };
                untrained(&bench.index, &confidence, &first)?;
                if !wanted.with_data {
                    let model_only = Reissue {
                        from: &first,
                        data: None,
                        confidence: &confidence,
                        words: hybrid,
                        expansion: None,
                        prototype: None,
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
        // Questions are asked by their own vectors; those of the index may be moved towards prototypes.
        let vectors = bench.index.raw_vectors();
        // Sample test questions first, and open the export like a server does.
        let answers = &layout.answers;
        let texts = answers.texts();
        let is_question = |at: &usize| answers.wording(*at as u32).is_some();
        let is_aside = |at: &usize| layout.tests.binary_search(&(*at as u32)).is_ok();
        let mut questions: Vec<usize> = (0..texts.len()).filter(is_question).collect();
        questions.sort_by_key(|at| !is_aside(at));
        let step = (questions.len() / ASKED).max(1);
        let questions = questions.iter().step_by(step).take(ASKED);
        if wanted.with_data {
            let folder = Servable::open(&DiskStore, &wanted.to, &Device::Cpu)?;
            for at in questions {
                let vector = vectors.row(*at);
                let text = texts.get(*at).copied().unwrap_or_default();
                let here = index.ask(text, vector, 1).first().map(|hit| hit.answer);
                let here = here.and_then(|answer| answers.get(answer));
                let there = folder.ask(text, 1)?;
                let there = there.first().map(|found| found.answer.answer.as_str());
                done.asked += 1;
                done.same += usize::from(there == here.map(|known| known.answer.as_str()));
            }
        } else {
            let folder = TextModel::open(&DiskStore, &wanted.to, &Device::Cpu)?;
            for at in questions {
                let text = texts.get(*at).copied().unwrap_or_default();
                let vector = folder.encode(&[text])?;
                let near = dot(vector.row(0), vectors.row(*at));
                done.asked += 1;
                done.same += usize::from(near > 0.9999);
            }
        }
        Ok(done)
    }
}

/// Returns the measured settings, abstaining below the probability `silence`, in percent.
fn confidence(measured: &Confidence, words: f32, silence: u8) -> Confidence {
    let mut rule = measured.clone();
    if let Some(calibrator) = &mut rule.calibrator {
        calibrator.abstain = f32::from(silence) / 100.0;
    }
    let Some(calibration) = &measured.calibration else {
        return rule;
    };
    // If no score reaches the confidence, use a threshold above the maximum score: 1 plus the keyword weight.
    let never = 1.5 + words;
    let sureness = calibration.score_for(f32::from(silence) / 100.0);
    Confidence {
        threshold: Threshold {
            sureness: sureness.unwrap_or(never).max(-1.0),
            ..measured.threshold
        },
        ..rule
    }
}

/// Exports the built-in encoder without training.
fn untrained(index: &AnswerIndex, confidence: &Confidence, to: &Path) -> Result<(), UserError> {
    let encoder = nearsay_text::compact::built_in::encoder()?;
    Export {
        encoder: ExportEncoder::Static {
            words: encoder.tokenizer(),
            table: encoder.embeddings().clone(),
        },
        encoder_name: "compact",
        head: &Folded::Identity,
        answers: index.answers(),
        vectors: index.index().vectors(),
        confidence,
        words: index.scoring().hybrid,
        expansion: None,
        prototype: None,
        report: serde_json::Value::Null,
    }
    .write(&DiskStore, to)?;
    Ok(())
}

/// Lists the files of the exported model with their sizes, by name; other files in the directory are ignored.
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

/// File name of the manifest.
const MANIFEST: &str = "nearsay.json";
