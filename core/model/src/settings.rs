//! What surrounds the network: length, pooling and the modules behind it.
//!
//! Two spellings are read. Up to version 5.3 sentence-transformers wrote
//! `sentence_transformers.models.Pooling` and one boolean for each kind of pooling; later versions
//! write `sentence_transformers.sentence_transformer.modules.pooling.Pooling` and one
//! `pooling_mode`. Source: `sentence_transformers/sentence_transformer/modules/pooling.py` of 6.0.

use super::{BertConfig, ModelError, json};
use serde::Deserialize;
use std::collections::BTreeMap;

pub const MODULES: &str = "modules.json";
const BERT_SETTINGS: &str = "sentence_bert_config.json";
const TOKENIZER_SETTINGS: &str = "tokenizer_config.json";
const MODEL_SETTINGS: &str = "config_sentence_transformers.json";

/// How the vectors of a text's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over all tokens, special ones included.
    Mean,
    /// The vector of the first token, `[CLS]`.
    Cls,
    /// The largest value of each component.
    Max,
}

/// A linear layer behind the pooling, as its `config.json` describes it; its weights stand in
/// `<folder>/model.safetensors` as `linear.weight` `[out_features, in_features]` and `linear.bias`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseSettings {
    /// Where it lies inside the model, for example `2_Dense`.
    pub folder: String,
    /// Length of the vectors that go in.
    pub in_features: usize,
    /// Length of the vectors that come out.
    pub out_features: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// The Python name of the function behind it; a missing one means `Tanh` to
    /// sentence-transformers and is given as such.
    pub activation: String,
}

/// What a sentence-transformers model does around its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSettings {
    /// Longest text in tokens, `[CLS]` and `[SEP]` included; what is longer is cut.
    pub max_seq_length: usize,
    /// Whether texts are made lower case before the tokenizer sees them (the tokenizer may do so
    /// itself in any case).
    pub do_lower_case: bool,
    /// How token vectors become one.
    pub pooling: Pooling,
    /// Length of a pooled vector.
    pub dims: usize,
    /// Whether the model scales its vectors to length 1 at the end.
    pub normalize: bool,
    /// Linear layers between pooling and the end, in order.
    pub dense: Vec<DenseSettings>,
    /// Put before every text; empty for most models.
    pub prompt: String,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Where the network's own files lie, relative to the folder of `modules.json`.
///
/// # Errors
/// When the list of modules cannot be read or its first module is no transformer.
pub fn transformer_path(modules: &[u8]) -> Result<String, ModelError> {
    let modules: Vec<Module> = json(MODULES, modules)?;
    match modules.first() {
        Some(first) if module_name(&first.kind) == Some("Transformer") => {
            if first.path.is_empty() {
                Ok(String::new())
            } else {
                folder_name(&first.path)
            }
        }
        _ => Err(ModelError::unsupported(
            MODULES,
            "its first module is not a Transformer",
        )),
    }
}

/// The class name of a sentence-transformers module, whatever the version called its package.
fn module_name(kind: &str) -> Option<&str> {
    kind.strip_prefix("sentence_transformers.")?
        .rsplit('.')
        .next()
}

/// Accepts a sub-folder only by a plain name, so that no path can lead out of the model.
fn folder_name(path: &str) -> Result<String, ModelError> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = !path.is_empty()
        && path.len() <= 64
        && !path.starts_with('.')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if plain {
        Ok(path.into())
    } else {
        Err(ModelError::invalid(
            MODULES,
            format_args!("{path:?} is not the name of a sub-folder"),
        ))
    }
}

/// What stands behind the table of a static model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticModules {
    /// Where the table lies: empty, or a folder name with a slash at its end.
    pub folder: String,
    /// Linear layers behind it, in order.
    pub dense: Vec<DenseSettings>,
    /// Whether the vectors are scaled to length 1 at the end.
    pub normalize: bool,
}

/// The modules of a static model; nothing when the first one is something else.
///
/// `read` gives a file by its name inside the model.
///
/// # Errors
/// When the list cannot be read or has something behind the table that cannot be followed.
pub fn static_modules(
    bytes: &[u8],
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, ModelError>,
) -> Result<Option<StaticModules>, ModelError> {
    let modules: Vec<Module> = json(MODULES, bytes)?;
    let Some((first, rest)) = modules.split_first() else {
        return Ok(None);
    };
    if module_name(&first.kind) != Some("StaticEmbedding") {
        return Ok(None);
    }
    let mut found = StaticModules::default();
    if !first.path.is_empty() {
        found.folder = format!("{}/", folder_name(&first.path)?);
    }
    for module in rest {
        match module_name(&module.kind) {
            Some("Dense") if !found.normalize => {
                let folder = folder_name(&module.path)?;
                let file = format!("{folder}/config.json");
                let bytes = read(&file)?;
                let dense = read_dense(&file, &bytes, folder, None)?;
                found.dense.push(dense);
            }
            Some("Normalize") => found.normalize = true,
            Some("Dropout") => {}
            _ => {
                return Err(ModelError::unsupported(
                    MODULES,
                    format_args!(
                        "a {} behind a StaticEmbedding; there may be any number of Dense and at \
                         the end a Normalize",
                        module.kind
                    ),
                ));
            }
        }
    }
    Ok(Some(found))
}

impl ModelSettings {
    /// Puts the settings together from the model's small files.
    ///
    /// `read` gives a file by its name inside the model, or nothing when there is none; the network's
    /// own files lie under `transformer` (empty, or a folder name with a slash at its end).
    ///
    /// Without `modules.json` the model is taken for a bare network: mean pooling, as
    /// sentence-transformers does.
    ///
    /// # Errors
    /// When a file cannot be read or says something that cannot be followed.
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
            // Hugging Face writes 10³⁰ for "unlimited", which is no integer of 64 bits.
            model_max_length: Option<f64>,
        }
        let bert: Bert = match read(&format!("{transformer}{BERT_SETTINGS}"))? {
            Some(bytes) => json(BERT_SETTINGS, &bytes)?,
            None => Bert::default(),
        };
        let tokenizer: Tokenizer = match read(&format!("{transformer}{TOKENIZER_SETTINGS}"))? {
            Some(bytes) => json(TOKENIZER_SETTINGS, &bytes)?,
            None => Tokenizer::default(),
        };
        let length = match (bert.max_seq_length, tokenizer.model_max_length) {
            (Some(length), _) => length,
            (None, Some(length)) if length >= 1.0 => length.min(u32::MAX.into()) as u64,
            _ => u64::MAX,
        };
        // Less than [CLS], a word and [SEP] would leave nothing of any text.
        if length < 3 {
            return Err(ModelError::invalid(
                BERT_SETTINGS,
                format_args!("max_seq_length is {length}"),
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
        let model: Model = json(MODEL_SETTINGS, &bytes)?;
        if let Some(name) = model.default_prompt_name {
            self.prompt = model.prompts.get(&name).cloned().ok_or_else(|| {
                ModelError::invalid(
                    MODEL_SETTINGS,
                    format_args!("there is no prompt named {name:?}"),
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
        let modules: Vec<Module> = json(MODULES, bytes)?;
        for (position, module) in modules.iter().enumerate() {
            let mut settings = |what: &str| {
                let file = format!("{}/config.json", folder_name(&module.path)?);
                match read(&file)? {
                    Some(bytes) => Ok((file, bytes)),
                    None => Err(ModelError::invalid(
                        MODULES,
                        format_args!("it names a {what} module, but there is no {file}"),
                    )),
                }
            };
            match (position, module_name(&module.kind)) {
                (0, Some("Transformer")) => {}
                (1, Some("Pooling")) => {
                    let (file, bytes) = settings("Pooling")?;
                    self.pooling = read_pooling(&file, &bytes, self.dims)?;
                }
                (2.., Some("Dense")) if !self.normalize => {
                    let (file, bytes) = settings("Dense")?;
                    let inner = self
                        .dense
                        .last()
                        .map_or(self.dims, |last| last.out_features);
                    let dense = read_dense(&file, &bytes, folder_name(&module.path)?, Some(inner))?;
                    self.dense.push(dense);
                }
                (2.., Some("Normalize")) => self.normalize = true,
                (2.., Some("Dropout")) => {} // does nothing outside training
                _ => {
                    return Err(ModelError::unsupported(
                        MODULES,
                        format_args!(
                            "module {position} is a {}; a model may have a Transformer, a Pooling, \
                             any number of Dense and at the end a Normalize",
                            module.kind
                        ),
                    ));
                }
            }
        }
        if modules.len() < 2 {
            return Err(ModelError::unsupported(
                MODULES,
                "it has no Pooling module, so there is no vector for a whole text",
            ));
        }
        Ok(())
    }
}

fn read_pooling(file: &str, bytes: &[u8], dims: usize) -> Result<Pooling, ModelError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Modes {
        One(String),
        Several(Vec<String>),
    }
    #[derive(Deserialize)]
    struct Raw {
        #[serde(alias = "word_embedding_dimension")]
        embedding_dimension: Option<usize>,
        pooling_mode: Option<Modes>,
        #[serde(default)]
        pooling_mode_cls_token: bool,
        #[serde(default)]
        pooling_mode_max_tokens: bool,
        #[serde(default)]
        pooling_mode_mean_tokens: bool,
        #[serde(default)]
        pooling_mode_mean_sqrt_len_tokens: bool,
        #[serde(default)]
        pooling_mode_weightedmean_tokens: bool,
        #[serde(default)]
        pooling_mode_lasttoken: bool,
        #[serde(default = "yes")]
        include_prompt: bool,
    }
    fn yes() -> bool {
        true
    }
    let raw: Raw = json(file, bytes)?;
    if raw.embedding_dimension.is_some_and(|size| size != dims) {
        return Err(ModelError::invalid(
            file,
            format_args!("it pools vectors of another length than the network's {dims}"),
        ));
    }
    if !raw.include_prompt {
        return Err(ModelError::unsupported(
            file,
            "pooling that leaves the prompt out",
        ));
    }
    let modes = match raw.pooling_mode {
        Some(Modes::One(mode)) => vec![mode],
        Some(Modes::Several(modes)) => modes,
        None => [
            (raw.pooling_mode_cls_token, "cls"),
            (raw.pooling_mode_max_tokens, "max"),
            (raw.pooling_mode_mean_tokens, "mean"),
            (
                raw.pooling_mode_mean_sqrt_len_tokens,
                "mean_sqrt_len_tokens",
            ),
            (raw.pooling_mode_weightedmean_tokens, "weightedmean"),
            (raw.pooling_mode_lasttoken, "lasttoken"),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, mode)| mode.into())
        .collect(),
    };
    match modes.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["mean"] | [] => Ok(Pooling::Mean),
        ["cls"] => Ok(Pooling::Cls),
        ["max"] => Ok(Pooling::Max),
        _ => Err(ModelError::unsupported(
            file,
            format_args!(
                "pooling by {}; mean, cls and max are known",
                modes.join(" and ")
            ),
        )),
    }
}

fn read_dense(
    file: &str,
    bytes: &[u8],
    folder: String,
    inner: Option<usize>,
) -> Result<DenseSettings, ModelError> {
    #[derive(Deserialize)]
    struct Raw {
        in_features: usize,
        out_features: usize,
        #[serde(default = "yes")]
        bias: bool,
        activation_function: Option<String>,
        #[serde(default)]
        use_residual: bool,
        module_input_name: Option<String>,
        module_output_name: Option<String>,
    }
    fn yes() -> bool {
        true
    }
    let raw: Raw = json(file, bytes)?;
    if raw.use_residual {
        return Err(ModelError::unsupported(
            file,
            "a Dense layer with use_residual",
        ));
    }
    if [&raw.module_input_name, &raw.module_output_name]
        .into_iter()
        .flatten()
        .any(|name| name != "sentence_embedding")
    {
        return Err(ModelError::unsupported(
            file,
            "a Dense layer that works on something else than the pooled vector",
        ));
    }
    let inner = inner.unwrap_or(raw.in_features);
    if raw.in_features != inner || !(1..=65_536).contains(&raw.out_features) {
        return Err(ModelError::invalid(
            file,
            format_args!(
                "{} to {} features behind vectors of length {inner}",
                raw.in_features, raw.out_features
            ),
        ));
    }
    Ok(DenseSettings {
        folder,
        in_features: raw.in_features,
        out_features: raw.out_features,
        bias: raw.bias,
        activation: raw
            .activation_function
            .unwrap_or_else(|| "torch.nn.modules.activation.Tanh".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_util::tiny;
    use serde_json::{Value, json};

    fn settings(files: &[(&str, Value)]) -> Result<ModelSettings, ModelError> {
        let config = BertConfig::from_json(tiny().to_string().as_bytes())?;
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
    fn reads_the_old_spelling() {
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
    fn reads_the_new_spelling() {
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
    fn a_bare_network_is_pooled_by_the_mean() {
        let read = settings(&[(TOKENIZER_SETTINGS, json!({"model_max_length": 1e30}))]).unwrap();
        assert_eq!((read.max_seq_length, read.pooling), (16, Pooling::Mean));
        assert!(!read.normalize);
    }

    #[test]
    fn the_default_prompt_is_found() {
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
    fn unknown_modules_and_orders_are_refused() {
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
    fn paths_cannot_leave_the_model() {
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
            let mut asked = Vec::new();
            let config = BertConfig::from_json(tiny().to_string().as_bytes()).unwrap();
            let result = ModelSettings::read("", &config, |name| {
                asked.push(name.to_owned());
                Ok((name == MODULES).then(|| list.to_string().into_bytes()))
            });
            assert!(result.is_err(), "{path:?}");
            assert!(
                !asked.iter().any(|name| name.ends_with("/config.json")),
                "{asked:?}"
            );
        }
    }

    #[test]
    fn poolings_that_are_not_known_are_refused() {
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
