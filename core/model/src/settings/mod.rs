//! Settings around the transformer: maximum length, prompt, pooling and the modules that follow.
//!
//! Both schemas of sentence-transformers are read. Up to version 5.3 it wrote
//! `sentence_transformers.models.Pooling` and one boolean per kind of pooling; later versions write
//! `sentence_transformers.sentence_transformer.modules.pooling.Pooling` and one `pooling_mode`. Source:
//! `sentence_transformers/sentence_transformer/modules/pooling.py` of 6.0.

mod dense;
mod modules;
mod pooling;

pub use dense::DenseSettings;
pub use modules::{MODULES, static_modules, transformer_path};
pub use pooling::Pooling;

use super::{BertConfig, ModelError, parse_json};
use modules::{Module, class_name, directory_name};
use serde::Deserialize;
use std::collections::BTreeMap;

const BERT_SETTINGS: &str = "sentence_bert_config.json";
const TOKENIZER_SETTINGS: &str = "tokenizer_config.json";
const MODEL_SETTINGS: &str = "config_sentence_transformers.json";

/// Settings of a sentence-transformers model, apart from its transformer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSettings {
    /// Maximum length of a text in tokens, `[CLS]` and `[SEP]` included. Longer texts are truncated.
    pub max_seq_length: usize,
    /// Whether texts are lower-cased before tokenization. The tokenizer may lower-case them in any case.
    pub do_lower_case: bool,
    /// Pooling of token vectors.
    pub pooling: Pooling,
    /// Length of a pooled vector.
    pub dims: usize,
    /// Whether the model ends by scaling its vectors to length 1.
    pub normalize: bool,
    /// Linear layers after the pooling, in order.
    pub dense: Vec<DenseSettings>,
    /// Prefix of every text; empty for most models.
    pub prompt: String,
}

impl ModelSettings {
    /// Reads the settings from the model's configuration files.
    ///
    /// `read` returns the contents of a file by its name inside the model, or `None` if there is no such file.
    /// `transformer` is the directory of the transformer's files: empty, or a name followed by a slash.
    ///
    /// Without `modules.json`, the model is a bare transformer with mean pooling, as in sentence-transformers.
    ///
    /// # Errors
    /// If a file can't be read or parsed, or if it contains a setting that is not supported.
    pub fn read(
        transformer: &str,
        config: &BertConfig,
        mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, ModelError>,
    ) -> Result<Self, ModelError> {
        let mut settings = Self {
            max_seq_length: config.max_positions,
            do_lower_case: false,
            pooling: Pooling::Mean,
            dims: config.hidden_size,
            normalize: false,
            dense: Vec::new(),
            prompt: String::new(),
        };
        settings.read_length(transformer, config, &mut read)?;
        settings.read_prompt(&mut read)?;
        if let Some(bytes) = read(MODULES)? {
            settings.read_modules(&bytes, &mut read)?;
        }
        Ok(settings)
    }

    fn read_length(
        &mut self,
        transformer: &str,
        config: &BertConfig,
        read: &mut impl FnMut(&str) -> Result<Option<Vec<u8>>, ModelError>,
    ) -> Result<(), ModelError> {
        #[derive(Default, Deserialize)]
        struct Bert {
            max_seq_length: Option<u64>,
            #[serde(default)]
            do_lower_case: bool,
        }
        #[derive(Default, Deserialize)]
        struct Tokenizer {
            // Hugging Face writes 10³⁰ for "unlimited", which doesn't fit an integer.
            model_max_length: Option<f64>,
        }
        let bert: Bert = match read(&format!("{transformer}{BERT_SETTINGS}"))? {
            Some(bytes) => parse_json(BERT_SETTINGS, &bytes)?,
            None => Bert::default(),
        };
        let tokenizer: Tokenizer = match read(&format!("{transformer}{TOKENIZER_SETTINGS}"))? {
            Some(bytes) => parse_json(TOKENIZER_SETTINGS, &bytes)?,
            None => Tokenizer::default(),
        };
        let length = match (bert.max_seq_length, tokenizer.model_max_length) {
            (Some(length), _) => length,
            (None, Some(length)) if length >= 1.0 => length.min(u32::MAX.into()) as u64,
            _ => u64::MAX,
        };
        // Room for [CLS], one token and [SEP].
        if length < 3 {
            return Err(ModelError::invalid(
                BERT_SETTINGS,
                format_args!("max_seq_length is {length}; it must be at least 3"),
            ));
        }
        self.max_seq_length = length.min(config.max_positions as u64) as usize;
        self.do_lower_case = bert.do_lower_case;
        Ok(())
    }

    fn read_prompt(
        &mut self,
        read: &mut impl FnMut(&str) -> Result<Option<Vec<u8>>, ModelError>,
    ) -> Result<(), ModelError> {
        #[derive(Deserialize)]
        struct Model {
            #[serde(default)]
            prompts: BTreeMap<String, String>,
            #[serde(default)]
            default_prompt_name: Option<String>,
        }
        let Some(bytes) = read(MODEL_SETTINGS)? else {
            return Ok(());
        };
        let model: Model = parse_json(MODEL_SETTINGS, &bytes)?;
        if let Some(name) = model.default_prompt_name {
            self.prompt = model.prompts.get(&name).cloned().ok_or_else(|| {
                ModelError::invalid(
                    MODEL_SETTINGS,
                    format_args!("default_prompt_name {name:?} is not among the prompts"),
                )
            })?;
        }
        Ok(())
    }

    fn read_modules(
        &mut self,
        bytes: &[u8],
        read: &mut impl FnMut(&str) -> Result<Option<Vec<u8>>, ModelError>,
    ) -> Result<(), ModelError> {
        let modules: Vec<Module> = parse_json(MODULES, bytes)?;
        for (position, module) in modules.iter().enumerate() {
            let mut read_config = |class: &str| {
                let file = format!("{}/config.json", directory_name(&module.path)?);
                match read(&file)? {
                    Some(bytes) => Ok((file, bytes)),
                    None => Err(ModelError::invalid(
                        MODULES,
                        format_args!("it lists a {class} module, but {file} is missing"),
                    )),
                }
            };
            match (position, class_name(&module.kind)) {
                (0, Some("Transformer")) => {}
                (1, Some("Pooling")) => {
                    let (file, bytes) = read_config("Pooling")?;
                    self.pooling = pooling::read_pooling(&file, &bytes, self.dims)?;
                }
                (2.., Some("Dense")) if !self.normalize => {
                    let (file, bytes) = read_config("Dense")?;
                    let inner = self
                        .dense
                        .last()
                        .map_or(self.dims, |last| last.out_features);
                    let folder = directory_name(&module.path)?;
                    let dense = dense::read_dense(&file, &bytes, folder, Some(inner))?;
                    self.dense.push(dense);
                }
                (2.., Some("Normalize")) => self.normalize = true,
                (2.., Some("Dropout")) => {} // only active in training
                _ => {
                    return Err(ModelError::unsupported(
                        MODULES,
                        format_args!(
                            "module {position} is a {}; supported are a Transformer, a Pooling, \
                             any number of Dense, and one Normalize, in this order",
                            module.kind
                        ),
                    ));
                }
            }
        }
        if modules.len() < 2 {
            return Err(ModelError::unsupported(
                MODULES,
                "there is no Pooling module, so the model has no vector for a whole text",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::tiny_config;
    use serde_json::{Value, json};

    fn settings(files: &[(&str, Value)]) -> Result<ModelSettings, ModelError> {
        let config = BertConfig::from_json(tiny_config().to_string().as_bytes())?;
        ModelSettings::read("", &config, |name| {
            let file = files.iter().find(|(file, _)| *file == name);
            Ok(file.map(|(_, value)| value.to_string().into_bytes()))
        })
    }

    fn modules(kinds: &[(&str, &str)]) -> Value {
        kinds
            .iter()
            .enumerate()
            .map(|(i, (path, kind))| json!({"idx": i, "name": i.to_string(), "path": path, "type": kind}))
            .collect()
    }

    fn legacy() -> Value {
        modules(&[
            ("", "sentence_transformers.models.Transformer"),
            ("1_Pooling", "sentence_transformers.models.Pooling"),
            ("2_Normalize", "sentence_transformers.models.Normalize"),
        ])
    }

    fn mean() -> Value {
        json!({"word_embedding_dimension": 4, "pooling_mode_cls_token": false,
            "pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": false,
            "pooling_mode_mean_sqrt_len_tokens": false})
    }

    #[test]
    fn read_accepts_old_schema() {
        let read = settings(&[
            (MODULES, legacy()),
            ("1_Pooling/config.json", mean()),
            (
                BERT_SETTINGS,
                json!({"max_seq_length": 9, "do_lower_case": false}),
            ),
        ])
        .unwrap();
        assert_eq!((read.max_seq_length, read.pooling), (9, Pooling::Mean));
        assert!(read.normalize && read.dense.is_empty() && read.prompt.is_empty());
    }

    #[test]
    fn read_accepts_new_schema() {
        let read = settings(&[
            (
                MODULES,
                modules(&[
                    ("", "sentence_transformers.base.modules.transformer.Transformer"),
                    ("1_Pooling", "sentence_transformers.sentence_transformer.modules.pooling.Pooling"),
                    ("2_Dense", "sentence_transformers.base.modules.dense.Dense"),
                    ("3_Normalize", "sentence_transformers.base.modules.normalize.Normalize"),
                ]),
            ),
            ("1_Pooling/config.json", json!({"embedding_dimension": 4, "pooling_mode": "cls", "include_prompt": true})),
            ("2_Dense/config.json", json!({"in_features": 4, "out_features": 3, "bias": true,
                "activation_function": "torch.nn.modules.linear.Identity",
                "module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding",
                "use_residual": false})),
            (BERT_SETTINGS, json!({"transformer_task": "feature-extraction"})),
            (TOKENIZER_SETTINGS, json!({"model_max_length": 12})),
        ])
        .unwrap();
        assert_eq!((read.max_seq_length, read.pooling), (12, Pooling::Cls));
        assert_eq!(
            (read.dense[0].in_features, read.dense[0].out_features),
            (4, 3)
        );
        assert_eq!(read.dense[0].folder, "2_Dense");
        assert!(read.normalize);
    }

    #[test]
    fn read_without_modules_uses_mean_pooling() {
        let read = settings(&[(TOKENIZER_SETTINGS, json!({"model_max_length": 1e30}))]).unwrap();
        assert_eq!((read.max_seq_length, read.pooling), (16, Pooling::Mean));
        assert!(!read.normalize);
    }

    #[test]
    fn read_finds_default_prompt() {
        let read = settings(&[(
            MODEL_SETTINGS,
            json!({"prompts": {"query": "query: "}, "default_prompt_name": "query"}),
        )])
        .unwrap();
        assert_eq!(read.prompt, "query: ");
        let none = json!({"prompts": {"query": "query: "}, "default_prompt_name": null});
        assert_eq!(settings(&[(MODEL_SETTINGS, none)]).unwrap().prompt, "");
        let wrong = json!({"prompts": {}, "default_prompt_name": "query"});
        assert!(settings(&[(MODEL_SETTINGS, wrong)]).is_err());
    }

    #[test]
    fn read_rejects_unknown_modules_and_orders() {
        let unknown = modules(&[
            ("", "sentence_transformers.models.Transformer"),
            ("1_Pooling", "sentence_transformers.models.Pooling"),
            ("2_LSTM", "sentence_transformers.models.LSTM"),
        ]);
        let foreign = modules(&[("", "my_package.Transformer")]);
        let dense_last = modules(&[
            ("", "sentence_transformers.models.Transformer"),
            ("1_Pooling", "sentence_transformers.models.Pooling"),
            ("2_Normalize", "sentence_transformers.models.Normalize"),
            ("3_Dense", "sentence_transformers.models.Dense"),
        ]);
        let no_pooling = modules(&[("", "sentence_transformers.models.Transformer")]);
        for list in [unknown, foreign, dense_last, no_pooling] {
            let error = settings(&[(MODULES, list.clone()), ("1_Pooling/config.json", mean())]);
            assert!(
                matches!(error, Err(ModelError::Unsupported { .. })),
                "{list}"
            );
        }
    }

    #[test]
    fn read_rejects_paths_outside_the_model() {
        for path in [
            "..",
            "../1_Pooling",
            "/etc",
            "a/b",
            "C:\\x",
            "\\\\srv",
            "",
            ".hidden",
            "a\0b",
        ] {
            let list = modules(&[
                ("", "sentence_transformers.models.Transformer"),
                (path, "sentence_transformers.models.Pooling"),
            ]);
            let mut requested = Vec::new();
            let config = BertConfig::from_json(tiny_config().to_string().as_bytes()).unwrap();
            let result = ModelSettings::read("", &config, |name| {
                requested.push(name.to_owned());
                Ok((name == MODULES).then(|| list.to_string().into_bytes()))
            });
            assert!(result.is_err(), "{path:?}");
            assert!(
                !requested.iter().any(|name| name.ends_with("/config.json")),
                "{requested:?}"
            );
        }
    }

    #[test]
    fn read_rejects_unsupported_pooling() {
        for pooling in [
            json!({"pooling_mode": "lasttoken"}),
            json!({"pooling_mode": ["cls", "mean"]}),
            json!({"pooling_mode_weightedmean_tokens": true}),
            json!({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}),
            json!({"pooling_mode": "mean", "include_prompt": false}),
            json!({"pooling_mode": "mean", "embedding_dimension": 5}),
        ] {
            let files = [
                (MODULES, legacy()),
                ("1_Pooling/config.json", pooling.clone()),
            ];
            assert!(settings(&files).is_err(), "{pooling}");
        }
    }
}
