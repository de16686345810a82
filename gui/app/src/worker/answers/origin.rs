//! Base encoder of a trained model: the "before" side of the comparison.

use std::path::Path;

use candle_core::Device;
use nearsay::servable::TextModel;
use nearsay_bert::{Precision, SentenceEncoder};
use nearsay_model::ModelFiles;
use nearsay_store::DiskStore;

use super::bench::{Bench, Body, Origin};
use crate::state::UserError;
use nearsay_hub::{self as obtain, built_in};

/// Opens the base encoder of the trained model `after`.
///
/// Falls back to the built-in encoder if there is no trained model, or if its transformer is no longer on this
/// computer; in the second case the result includes the name of the transformer.
pub(super) fn grew_from(
    after: Option<&Bench>,
    data_dir: &Path,
) -> Result<(Bench, Option<String>), UserError> {
    let mut missing = None;
    let found = after.and_then(|after| match after.origin()? {
        Origin::Inside => Some(after.untrained()),
        Origin::BuiltIn => None,
        Origin::Network(name) => {
            let found = network(name, data_dir);
            missing = found.is_none().then(|| name.clone());
            found
        }
    });
    let bench = match found {
        Some(bench) => bench,
        None => Bench::as_it_came(Body::compact()?),
    };
    Ok((bench, missing))
}

/// Opens a transformer that is built in or installed; `None` if it is missing or unreadable.
fn network(name: &str, data_dir: &Path) -> Option<Bench> {
    let files = if built_in::is_meant(&DiskStore, name, data_dir) {
        built_in::files().ok()?
    } else {
        let folder = obtain::locate(&DiskStore, obtain::known_model(name)?, data_dir)?;
        ModelFiles::open(&DiskStore, &folder).ok()?
    };
    let encoder = SentenceEncoder::load_with(&files, &Device::Cpu, Precision::F32).ok()?;
    let model = TextModel::of_transformer(encoder);
    Some(Bench::as_it_came(Body::Network(model, Box::new(files))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay::servable::{AnswerSet, Confidence, Export, ExportEncoder};
    use nearsay_core::head::Folded;
    use nearsay_faq::Row;
    use serde_json::{Value, json};
    use tempfile::tempdir;

    fn report(learns: &str, kept_epoch: Option<u32>) -> Value {
        json!({"settings": {"learns": learns}, "kept_epoch": kept_epoch})
    }

    /// Writes the built-in encoder with this training report, and opens it as a trained model.
    fn trained(dir: &Path, encoder_name: &str, report: Value) -> Bench {
        let encoder = nearsay_text::compact::built_in::encoder().unwrap();
        let row = Row {
            line: 1,
            question: "When do you open?".to_owned(),
            paraphrases: Vec::new(),
            answer: "At nine".to_owned(),
            source: None,
            filename: None,
            id: None,
        };
        let answers = AnswerSet::of(&[row]);
        let vectors = encoder.encode_all(&answers.texts());
        Export {
            encoder: ExportEncoder::Static {
                words: encoder.tokenizer(),
                table: encoder.embeddings().clone(),
            },
            encoder_name,
            head: &Folded::Identity,
            answers: &answers,
            vectors: &vectors,
            confidence: &Confidence::USUAL,
            words: None,
            expansion: None,
            prototype: None,
            report,
        }
        .write(&DiskStore, dir)
        .unwrap();
        Bench::trained(dir).unwrap()
    }

    #[test]
    fn origin_is_read_from_training_report() {
        let dir = tempdir().unwrap();
        let network = Origin::Network("minilm".to_owned());
        for (learns, kept, expected) in [
            ("network", Some(2), &network),
            ("network", None, &Origin::Inside),
            ("table", Some(2), &Origin::BuiltIn),
            ("head", Some(2), &Origin::Inside),
        ] {
            let bench = trained(dir.path(), "minilm", report(learns, kept));
            assert_eq!(bench.origin(), Some(expected), "{learns} {kept:?}");
        }
        let untold = trained(dir.path(), "minilm", Value::Null);
        assert_eq!(untold.origin(), Some(&Origin::Inside));
    }

    #[test]
    fn missing_transformer_falls_back_to_built_in_encoder() {
        let dir = tempdir().unwrap();
        let after = trained(dir.path(), "unknown", report("network", Some(0)));
        let (before, missing) = grew_from(Some(&after), dir.path()).unwrap();
        assert!(matches!(before.body(), Body::Compact(_)));
        assert_eq!(missing.as_deref(), Some("unknown"));
        // MiniLM is built in.
        let after = trained(dir.path(), "minilm", report("network", Some(0)));
        let (before, missing) = grew_from(Some(&after), dir.path()).unwrap();
        assert!(matches!(before.body(), Body::Network(..)));
        assert_eq!(missing, None);
        let after = trained(dir.path(), "compact", report("head", Some(0)));
        let (before, missing) = grew_from(Some(&after), dir.path()).unwrap();
        assert!(matches!(before.body(), Body::Trained(..)));
        assert_eq!((before.dir(), missing), (None, None));
        let (before, missing) = grew_from(None, dir.path()).unwrap();
        assert!(matches!(before.body(), Body::Compact(_)) && missing.is_none());
    }
}
