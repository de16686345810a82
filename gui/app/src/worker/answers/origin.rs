//! What a trained model grew from: the other side of before and after.

use std::path::Path;

use candle_core::Device;
use nearsay::servable::TextModel;
use nearsay_store::DiskStore;

use super::bench::{Bench, Body, Origin};
use crate::state::UserError;
use nearsay_hub as obtain;

/// The encoder that a trained model grew from, as it came; the built-in one when there is no such
/// model, or its network is not on this machine any more, which is then told by its name.
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

/// A network that was fetched, if it is still there and can be opened.
fn network(name: &str, data_dir: &Path) -> Option<Bench> {
    let folder = obtain::locate(&DiskStore, obtain::known_model(name)?, data_dir)?;
    let model = TextModel::open(&DiskStore, &folder, &Device::Cpu).ok()?;
    Some(Bench::as_it_came(Body::Network(model, folder)))
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

    /// A folder with this report; what is in it is the built-in encoder.
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
            report,
        }
        .write(&DiskStore, dir)
        .unwrap();
        Bench::trained(dir).unwrap()
    }

    #[test]
    fn a_folder_says_what_it_grew_from() {
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
    fn without_the_network_it_grew_from_it_is_compared_with_the_built_in_encoder() {
        let dir = tempdir().unwrap();
        for name in ["minilm", "one that nobody knows"] {
            let after = trained(dir.path(), name, report("network", Some(0)));
            let (before, missing) = grew_from(Some(&after), dir.path()).unwrap();
            assert!(matches!(before.body(), Body::Compact(_)), "{name}");
            assert_eq!(missing.as_deref(), Some(name));
        }
        let after = trained(dir.path(), "compact", report("head", Some(0)));
        let (before, missing) = grew_from(Some(&after), dir.path()).unwrap();
        assert!(matches!(before.body(), Body::Trained(..)));
        assert_eq!((before.dir(), missing), (None, None));
        let (before, missing) = grew_from(None, dir.path()).unwrap();
        assert!(matches!(before.body(), Body::Compact(_)) && missing.is_none());
    }
}
