//! `nearsay train FILE --out DIR`: trains a model and writes it to a directory.

mod report;
mod run_state;

use super::{
    encoder::{self, FoundEncoder},
    input,
};
use crate::terminal::{DeviceArgs, print_json};
use candle_core::Device;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nearsay::{
    cache::OnProgress,
    servable::{self, Export, ExportEncoder},
    train::{
        Baseline, Checkpoint, Control, EmbeddingCache, Event, Job, Note, Recipe, Report, Settings,
        Source, TestOutcome, Trained,
    },
};
use nearsay_bert::{Precision, SentenceEncoder};
use nearsay_core::{loss::LossKind, matrix::Matrix};
use nearsay_faq::{Row, normalize, split};
use nearsay_hub::dirs::DataDir;
use nearsay_message::UserError;
use nearsay_model::ModelFiles;
use nearsay_store::{DiskStore, Store as _};
use nearsay_text::compact::{StaticEmbeddings, StaticEncoder};
use report::{ProgressPrinter, print_summary};
use run_state::RunState;
use std::{
    collections::HashSet,
    io::BufRead as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Fraction of answers that Quaterion's tutorial holds out.
const TUTORIAL_SPLIT: f64 = 0.2;

/// Largest file of outcomes that is read, in bytes.
const MOST_OUTCOMES: u64 = 1 << 28;

/// Value of `--compare` for the untrained built-in encoder.
const BUILT_IN: &str = "built-in";

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// FAQ file: spreadsheet, CSV, web page, document, PDF, JSON, Markdown or text
    pub file: PathBuf,
    /// Directory to write the model to: new, empty, or a model to replace when training has finished;
    /// other files in it stay
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// FAQ file with validation questions, instead of a part of FILE
    #[arg(long, value_name = "FILE", conflicts_with = "val_split")]
    pub val: Option<PathBuf>,
    /// Fraction of answers held out from training to measure with; 0 measures by cross-validation, which trains the
    /// model on everything. Default: 0; 0.2 for quaterion
    #[arg(long, value_name = "FRACTION")]
    pub val_split: Option<f64>,
    /// Write the result of each test question to FILE as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub outcomes: Option<PathBuf>,
    /// Model to compare with: “built-in” (untrained), or the file that --outcomes wrote when the model was trained.
    /// Default: the untrained encoder
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// quick (seconds, trains a head), thorough (minutes, fine-tunes the encoder) or quaterion (the
    /// settings of Quaterion's tutorial)
    #[arg(long, default_value_t = Recipe::Quick)]
    pub recipe: Recipe,
    /// Base encoder: minilm; compact (built in, trains in seconds); or a sentence-transformers model of
    /// the BERT family (directory, zip or wheel)
    #[arg(long, default_value = "minilm", value_name = "MODEL")]
    pub encoder: String,
    /// Loss function; works with every recipe and encoder
    #[arg(long, default_value_t, value_name = "NAME", value_parser = loss_names())]
    pub loss: LossKind,
    /// Maximum number of epochs; default: set by the recipe
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Batch size in pairs; default: set by the recipe
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Learning rate; default: set by the recipe
    #[arg(long, value_name = "X")]
    pub lr: Option<f64>,
    /// Random seed
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Resume an interrupted run with the same settings and data
    #[arg(long)]
    pub resume: bool,
    /// Write events as JSON Lines, and read the commands “pause”, “resume” and “stop” from stdin
    #[arg(long)]
    pub json: bool,
}

pub(super) fn command(args: &Args, data: &DataDir) -> Result<(), UserError> {
    let control = Arc::new(Control::new());
    let mut on_event: Box<dyn FnMut(Event)> = if args.json {
        start_control_thread(Arc::clone(&control))?;
        Box::new(|event| {
            // The run continues if the parent process has exited.
            if let Err(error) = print_json(&event) {
                tracing::debug!("{error}");
            }
        })
    } else {
        let mut printer = ProgressPrinter::new();
        Box::new(move |event| printer.print(&event))
    };
    match run(args, data, &control, &mut *on_event)? {
        Some(report) => {
            if !args.json {
                print_summary(&report)?;
            }
            on_event(Event::Finished {
                report: Box::new(report),
            });
            Ok(())
        }
        None => Err(UserError::new(
            "stopped before training began",
            "Texts encoded so far are cached; repeat the command with --resume to continue.",
        )),
    }
}

/// Starts a thread that reads commands from stdin until it is closed.
fn start_control_thread(control: Arc<Control>) -> Result<(), UserError> {
    let read_commands = move || {
        // An unreadable stdin ends the thread, not the run.
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
        .name("stdin commands".into())
        .spawn(read_commands);
    thread.map(drop).map_err(|error| {
        UserError::new(
            format_args!("a thread could not be started ({error})"),
            "Close other programs and try again.",
        )
    })
}

/// Training rows and held-out rows.
struct Rows {
    train: Vec<Row>,
    held_out: Vec<Row>,
}

fn read_rows(args: &Args, on_event: &mut dyn FnMut(Event)) -> Result<Rows, UserError> {
    let all = input::read_rows(&args.file)?;
    if let Some(file) = &args.val {
        let held_out = input::read_rows(file)?;
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
    let fraction = args.val_split.unwrap_or(match args.recipe {
        Recipe::Quick | Recipe::Thorough => 0.0,
        Recipe::Quaterion => TUTORIAL_SPLIT,
    });
    if fraction == 0.0 {
        return Ok(Rows {
            train: all,
            held_out: Vec::new(),
        });
    }
    let parts = split(&all, fraction, args.seed)?;
    let select = |indices: &[usize]| indices.iter().map(|&index| all[index].clone()).collect();
    Ok(Rows {
        train: select(&parts.train),
        held_out: select(&parts.held_out),
    })
}

/// Trains and writes a model. `None` if the run was stopped before training began.
///
/// # Errors
/// If the data, the encoder or the settings can't be used, or the model can't be written.
pub fn run(
    args: &Args,
    data: &DataDir,
    control: &Control,
    on_event: &mut dyn FnMut(Event),
) -> Result<Option<Report>, UserError> {
    // Checked first, because training can take hours; locked until the model is written, so that no server edits the
    // answers that it replaces.
    let _lock = servable::lock_target(&DiskStore, &args.out)?;
    let Rows { train, held_out } = read_rows(args, on_event)?;
    let compare = Compare::open(args.compare.as_deref())?;
    let device = args.device.device.open()?;
    let state = RunState::open(&args.out)?;
    let found = encoder::find_encoder(&args.encoder, data, control, on_event)?;
    let context = RunContext {
        args,
        train: &train,
        held_out: &held_out,
        compare: &compare,
        device: &device,
        control,
        checkpoint: state.checkpoint(),
    };
    let report = match &found {
        FoundEncoder::Transformer(path) => context.train_transformer(path, data, on_event)?,
        FoundEncoder::Static(encoder) => context.train_static(encoder, on_event)?,
    };
    if report.as_ref().is_some_and(|report| !report.stopped) {
        state.remove()?;
    }
    Ok(report)
}

/// The model to compare the trained model with.
enum Compare {
    BaseEncoder,
    BuiltIn(StaticEncoder<'static>),
    Outcomes(Vec<TestOutcome>),
}

impl Compare {
    /// Reads the model that `--compare` names.
    fn open(name: Option<&Path>) -> Result<Self, UserError> {
        match name {
            None => Ok(Self::BaseEncoder),
            Some(name) if name == Path::new(BUILT_IN) => {
                Ok(Self::BuiltIn(nearsay_text::compact::built_in::encoder()?))
            }
            Some(file) => {
                let bytes = DiskStore.read(file, MOST_OUTCOMES)?;
                let outcomes = TestOutcome::from_json_lines(&bytes).map_err(|error| {
                    UserError::new(
                        format_args!("{} has no outcomes ({error})", file.display()),
                        "Pass a file that “nearsay train --outcomes” wrote.",
                    )
                })?;
                Ok(Self::Outcomes(outcomes))
            }
        }
    }

    fn baseline(&self) -> Baseline<'_> {
        match self {
            Self::BaseEncoder => Baseline::BaseEncoder,
            Self::BuiltIn(encoder) => Baseline::BuiltIn(encoder),
            Self::Outcomes(outcomes) => Baseline::Outcomes(outcomes),
        }
    }
}

/// The inputs of a run, for every kind of encoder.
struct RunContext<'a> {
    args: &'a Args,
    train: &'a [Row],
    held_out: &'a [Row],
    compare: &'a Compare,
    device: &'a Device,
    control: &'a Control,
    checkpoint: Checkpoint<'a>,
}

impl RunContext<'_> {
    fn train_transformer(
        &self,
        path: &Path,
        data: &DataDir,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Report>, UserError> {
        let files = ModelFiles::open(&DiskStore, path)?;
        let model = files.settings()?;
        if !model.dense.is_empty() {
            return Err(encoder::trained_encoder_error(path));
        }
        let pairs = self.train.iter().flat_map(Row::all_questions).count();
        let recipe = Settings::of(self.args.recipe, model.dims).for_pairs(pairs);
        let settings = build_settings(self.args, recipe)?;
        let mut loaded = None;
        let precision = self.args.device.precision(self.device);
        let mut encode = |texts: &[&str], on_progress: &mut OnProgress<'_>| {
            let device = self.device;
            encode_texts(&mut loaded, &files, device, precision, texts, on_progress)
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
        let trained = self.run_job(&settings, source, on_event)?;
        drop(loaded);
        let network = trained.as_ref().and_then(|trained| trained.network.clone());
        let files = match network {
            Some(weights) => files.with_weights(weights),
            None => files,
        };
        self.write_model(trained, |_| ExportEncoder::Network(&files))
    }

    fn train_static(
        &self,
        encoder: &StaticEncoder<'_>,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Report>, UserError> {
        let recipe = Settings::of_static(self.args.recipe, encoder.dim());
        let settings = build_settings(self.args, recipe)?;
        let trained = self.run_job(&settings, Source::Static(encoder), on_event)?;
        self.write_model(trained, |table| ExportEncoder::Static {
            words: encoder.tokenizer(),
            table: table.map_or_else(|| encoder.embeddings().clone(), StaticEmbeddings::Full),
        })
    }

    fn run_job(
        &self,
        settings: &Settings,
        source: Source<'_>,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<Trained>, UserError> {
        let mut job = Job::new(self.train, settings, source, self.control);
        job.held_out = self.held_out;
        job.baseline = self.compare.baseline();
        job.encoder = &self.args.encoder;
        job.device = self.device;
        job.checkpoint = Some(self.checkpoint.clone());
        Ok(job.run(self.args.resume, on_event)?)
    }

    /// Writes the trained model; `encoder` receives the trained embedding table.
    fn write_model<'e>(
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
            prototype: trained.prototype,
            report: serde_json::to_value(&report).map_err(|error| {
                UserError::new(
                    format_args!("the report could not be encoded ({error})"),
                    "",
                )
            })?,
        };
        if let Some(parent) = args
            .out
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            DiskStore.create_dir_all(parent)?;
        }
        if let Some(file) = &args.outcomes {
            let lines = TestOutcome::to_json_lines(&trained.outcomes).map_err(|error| {
                UserError::new(
                    format_args!("the outcomes could not be encoded ({error})"),
                    "",
                )
            })?;
            DiskStore.write_atomic(file, &lines)?;
        }
        export.write(&DiskStore, &args.out)?;
        Ok(Some(report))
    }
}

fn build_settings(args: &Args, recipe: Settings) -> Result<Settings, UserError> {
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

/// Encodes texts. Loads the encoder at the first call, because all texts may be cached.
fn encode_texts(
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
