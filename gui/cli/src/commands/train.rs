//! `nearsay train FILE --out DIR`: train a model and write it as a folder.

mod words;

use super::{
    encoder::{self, Found},
    input,
};
use candle_core::Device;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nearsay::{
    cache::OnProgress,
    servable::{self, Export, ExportEncoder},
    train::{
        Checkpoint, Control, EmbeddingCache, Event, Job, Note, Recipe, Report, Settings, Source,
        Trained,
    },
};
use nearsay_bert::{Precision, SentenceEncoder};
use nearsay_core::{loss::LossKind, matrix::Matrix};
use nearsay_faq::{Row, normalize, split};
use nearsay_hub::dirs::DataDir;
use nearsay_message::{
    UserError,
    terminal::{DeviceArgs, print_json},
};
use nearsay_model::ModelFiles;
use nearsay_store::{DiskStore, Store, StoreError};
use nearsay_text::compact::{StaticEmbeddings, StaticEncoder};
use std::{
    collections::HashSet,
    io::BufRead as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use words::{Words, summary};

/// Arguments of `nearsay train`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The FAQ file: JSON lines with a question and an answer
    pub file: PathBuf,
    /// The folder to write the model to: a new or an empty one, or that of a model, which is replaced
    /// when the new one is done; other files in it stay
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Questions to measure with, instead of a part of FILE
    #[arg(long, value_name = "FILE", conflicts_with = "val_split")]
    pub val: Option<PathBuf>,
    /// Share of the answers whose questions are kept aside to measure with
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub val_split: f64,
    /// quick (seconds), thorough (minutes: the encoder itself learns) or quaterion (the tutorial's)
    #[arg(long, default_value_t = Recipe::Quick)]
    pub recipe: Recipe,
    /// minilm; compact, which is built in and learns in seconds; or the folder, zip or wheel of a
    /// sentence-transformers model of the BERT family
    #[arg(long, default_value = "minilm", value_name = "MODEL")]
    pub encoder: String,
    /// The loss; heads, token embeddings and transformers all train with each of them
    #[arg(long, default_value_t, value_name = "NAME", value_parser = loss_names())]
    pub loss: LossKind,
    /// Rounds at most, instead of the recipe's
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Pairs a step, instead of the recipe's
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Learning rate, instead of the recipe's
    #[arg(long, value_name = "X")]
    pub lr: Option<f64>,
    /// Decides the head's start, the order of pairs and what is kept aside
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Go on where a run with the same settings and data was killed or stopped
    #[arg(long)]
    pub resume: bool,
    /// Write what happens as JSON lines, and take “pause”, “resume” and “stop” on stdin
    #[arg(long)]
    pub json: bool,
}

pub(super) fn command(args: &Args, data: &DataDir) -> Result<(), UserError> {
    let control = Arc::new(Control::new());
    let mut out: Box<dyn FnMut(Event)> = if args.json {
        listen(Arc::clone(&control))?;
        // Whoever started this and went away is told nothing; the run goes on.
        Box::new(|event| print_json(&event).unwrap_or_default())
    } else {
        let mut words = Words::new();
        Box::new(move |event| words.tell(&event))
    };
    match run(args, data, &control, &mut *out)? {
        Some(report) => {
            if !args.json {
                summary(&report)?;
            }
            out(Event::Finished {
                report: Box::new(report),
            });
            Ok(())
        }
        None => Err(UserError::new(
            "stopped before there was anything to keep",
            "What was read so far is saved; the same command with --resume goes on.",
        )),
    }
}

/// Takes wishes from stdin for as long as somebody writes any.
fn listen(control: Arc<Control>) -> Result<(), UserError> {
    let listen = move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match line.trim() {
                "pause" => control.pause(),
                "resume" => control.resume(),
                "stop" => control.stop(),
                _ => {}
            }
        }
    };
    let thread = std::thread::Builder::new()
        .name("wishes from stdin".into())
        .spawn(listen);
    thread.map(drop).map_err(|error| {
        UserError::new(
            format_args!("no thread could be started ({error})"),
            "Close other programs.",
        )
    })
}

/// The rows to learn from and those kept aside.
struct Rows {
    train: Vec<Row>,
    held_out: Vec<Row>,
}

fn rows(args: &Args, on_event: &mut dyn FnMut(Event)) -> Result<Rows, UserError> {
    let all = input::rows(&args.file)?;
    if let Some(file) = &args.val {
        let held_out = input::rows(file)?;
        let known: HashSet<String> = all.iter().map(|row| normalize(&row.answer)).collect();
        let shared = held_out
            .iter()
            .filter(|row| known.contains(&normalize(&row.answer)))
            .count();
        if shared > 0 {
            on_event(Event::Note(Note::SharedAnswers {
                shared,
                held_out: held_out.len(),
            }));
        }
        return Ok(Rows {
            train: all,
            held_out,
        });
    }
    if args.val_split == 0.0 {
        return Ok(Rows {
            train: all,
            held_out: Vec::new(),
        });
    }
    let parts = split(&all, args.val_split, args.seed)?;
    let take = |numbers: &[usize]| numbers.iter().map(|&number| all[number].clone()).collect();
    Ok(Rows {
        train: take(&parts.train),
        held_out: take(&parts.held_out),
    })
}

/// Where the state of a run is kept while there is no model yet: hidden, beside it.
struct Workshop {
    dir: PathBuf,
    _lock: nearsay_store::LockGuard,
}

impl Workshop {
    fn open(out: &Path) -> Result<Self, UserError> {
        let out = std::path::absolute(out).map_err(|error| {
            UserError::new(
                format_args!("{} is no place for a folder ({error})", out.display()),
                "",
            )
        })?;
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(UserError::new(
                format_args!("{} is no place for a model", out.display()),
                "Give --out the name of a new folder.",
            ));
        };
        let dir = parent.join(format!(".{}.training", name.to_string_lossy()));
        DiskStore.create_dir_all(&dir)?;
        DiskStore.sweep(parent)?;
        DiskStore.sweep(&dir)?;
        let lock = DiskStore
            .lock(&dir.join("lock"))
            .map_err(|error| busy(error, &out))?;
        Ok(Self { dir, _lock: lock })
    }

    fn checkpoint(&self) -> Checkpoint<'static> {
        Checkpoint::new(&DiskStore, self.dir.join("state.safetensors"))
    }

    fn remove(self) -> Result<(), UserError> {
        Ok(DiskStore.remove(&self.dir)?)
    }
}

fn busy(error: StoreError, out: &Path) -> UserError {
    if matches!(error.kind, nearsay_store::ErrorKind::Held) {
        return UserError::new(
            format_args!("another training is writing {}", out.display()),
            "Wait for it, stop it, or give another folder with --out.",
        );
    }
    error.into()
}

/// Does the whole run; `None` when it was stopped while texts were still being read.
///
/// # Errors
/// What stands in the way, and what to do about it.
pub fn run(
    args: &Args,
    data: &DataDir,
    control: &Control,
    on_event: &mut dyn FnMut(Event),
) -> Result<Option<Report>, UserError> {
    // Before anything is written, or hours are spent.
    servable::check_target(&DiskStore, &args.out)?;
    let Rows { train, held_out } = rows(args, on_event)?;
    let device = args.device.device.open()?;
    let workshop = Workshop::open(&args.out)?;
    let found = encoder::find(&args.encoder, data, control, on_event)?;
    let common = Common {
        args,
        train: &train,
        held_out: &held_out,
        device: &device,
        control,
        checkpoint: workshop.checkpoint(),
    };
    let report = match &found {
        Found::Network(path) => common.network(path, data, on_event)?,
        Found::Static(encoder) => common.table(encoder, on_event)?,
    };
    match &report {
        Some(report) if !report.stopped => workshop.remove()?,
        _ => {}
    }
    Ok(report)
}

/// What a run needs whatever the encoder.
struct Common<'a> {
    args: &'a Args,
    train: &'a [Row],
    held_out: &'a [Row],
    device: &'a Device,
    control: &'a Control,
    checkpoint: Checkpoint<'a>,
}

impl Common<'_> {
    /// With a network, which learns or stays as it is by the recipe.
    fn network(
        &self,
        path: &Path,
        data: &DataDir,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Report>, UserError> {
        let files = ModelFiles::open(&DiskStore, path)?;
        let model = files.settings()?;
        if !model.dense.is_empty() {
            return Err(encoder::has_a_layer(path));
        }
        let pairs = self.train.iter().flat_map(Row::all_questions).count();
        let recipe = Settings::of(self.args.recipe, model.dims).for_pairs(pairs);
        let settings = settings(self.args, recipe)?;
        let mut loaded = None;
        let precision = self.args.device.precision(self.device);
        let mut encode = |texts: &[&str], on_progress: &mut OnProgress<'_>| {
            let device = self.device;
            encode(&mut loaded, &files, device, precision, texts, on_progress)
        };
        let source = Source::Network {
            files: &files,
            cache: Some(EmbeddingCache::new(
                &DiskStore,
                &data.embeddings(),
                &precision.on(self.device).key(&files.fingerprint()?),
                model.dims,
            )),
            encode: &mut encode,
        };
        let trained = self.job(&settings, source, on_event)?;
        drop(loaded);
        let network = trained.as_ref().and_then(|trained| trained.network.clone());
        let files = match network {
            Some(weights) => files.with_weights(weights),
            None => files,
        };
        self.write(trained, |_| ExportEncoder::Network(&files))
    }

    /// With a table, which is learned or stays as it is by the recipe.
    fn table(
        &self,
        encoder: &StaticEncoder<'_>,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Report>, UserError> {
        let recipe = Settings::of_static(self.args.recipe, encoder.dim());
        let settings = settings(self.args, recipe)?;
        let trained = self.job(&settings, Source::Static(encoder), on_event)?;
        self.write(trained, |table| ExportEncoder::Static {
            words: encoder.tokenizer(),
            table: table.map_or_else(|| encoder.embeddings().clone(), StaticEmbeddings::Full),
        })
    }

    fn job(
        &self,
        settings: &Settings,
        source: Source<'_>,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Trained>, UserError> {
        let mut job = Job::new(self.train, settings, source, self.control);
        job.held_out = self.held_out;
        job.encoder = &self.args.encoder;
        job.device = self.device;
        job.checkpoint = Some(self.checkpoint.clone());
        Ok(job.run(self.args.resume, on_event)?)
    }

    /// Writes what was trained, if anything was; `encoder` gets the learned table.
    fn write<'e>(
        &self,
        trained: Option<Trained>,
        encoder: impl FnOnce(Option<Matrix>) -> ExportEncoder<'e>,
    ) -> Result<Option<Report>, UserError> {
        let Some(trained) = trained else {
            return Ok(None);
        };
        let args = self.args;
        let mut report = trained.report;
        report.dir = args.out.display().to_string();
        let export = Export {
            encoder: encoder(trained.table),
            encoder_name: &args.encoder,
            head: &trained.head,
            answers: &trained.answers,
            vectors: &trained.vectors,
            confidence: &trained.confidence,
            words: trained.words.map(servable::Words::by_answer),
            expansion: trained.expansion,
            report: serde_json::to_value(&report).map_err(|error| {
                UserError::new(format_args!("the report cannot be written ({error})"), "")
            })?,
        };
        if let Some(parent) = args
            .out
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            DiskStore.create_dir_all(parent)?;
        }
        export.write(&DiskStore, &args.out)?;
        Ok(Some(report))
    }
}

fn settings(args: &Args, recipe: Settings) -> Result<Settings, UserError> {
    let mut settings = recipe.with_seed(args.seed).with_loss(args.loss);
    settings.epochs = args.epochs.unwrap_or(settings.epochs);
    settings.batch = args.batch.unwrap_or(settings.batch);
    settings.lr = args.lr.unwrap_or(settings.lr);
    match settings.validate() {
        Ok(()) => Ok(settings),
        Err(error) => Err(UserError::new(error, "")),
    }
}

/// Parses a loss by name, and lists the names in the help.
fn loss_names() -> impl TypedValueParser<Value = LossKind> {
    PossibleValuesParser::new(LossKind::ALL.map(LossKind::name))
        .try_map(|name| name.parse::<LossKind>())
}

/// Loads the encoder when the first text needs it: a second run has them all.
fn encode(
    loaded: &mut Option<SentenceEncoder>,
    files: &ModelFiles<'_>,
    device: &Device,
    precision: Precision,
    texts: &[&str],
    on_progress: &mut OnProgress<'_>,
) -> Result<Option<Matrix>, Box<dyn std::error::Error + Send + Sync>> {
    let encoder = match loaded {
        Some(encoder) => encoder,
        None => loaded.insert(SentenceEncoder::load_with(files, device, precision)?),
    };
    match encoder.encode_all(texts, on_progress) {
        Ok(vectors) => Ok(Some(vectors)),
        Err(nearsay_bert::EncodeError::Cancelled) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn loss_is_parsed_by_name_and_defaults_to_the_ranking_loss() {
        let parse = |loss: &[&str]| {
            let words = ["train", "faq.csv", "--out", "model"];
            Command::try_parse_from(words.iter().chain(loss)).map(|command| command.args.loss)
        };
        assert_eq!(parse(&[]).unwrap(), LossKind::MultipleNegativesRanking);
        assert_eq!(parse(&["--loss", "arc_face"]).unwrap(), LossKind::ArcFace);
        let error = parse(&["--loss", "arcface"]).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("arc_face"), "{error}");
    }
}
