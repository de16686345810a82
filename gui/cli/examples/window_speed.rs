//! Speed of the window with much data:
//!
//! ```sh
//! cargo build --release && cargo run --release -p nearsay-cli --example window_speed [ROWS [DATA_DIR]]
//! ```
//!
//! - importing a file of ROWS lines, from the drop to the table;
//! - the work for a frame of the Data step while a training process runs;
//! - a key press in Ask until the answers are on screen, with 10,000 answers and with ROWS;
//! - memory of the window's process.
//!
//! A frame is all work of Nearsay and egui before rendering; no graphics card is involved. The rows are
//! synthetic, built from words of the sample. With `DATA_DIR` (of `nearsay --data`), the last project in
//! it is measured too, with its own model, and then that model with ROWS answers.

use std::{
    cell::RefCell,
    fmt::Write as _,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use egui_kittest::Harness;
use nearsay::servable::{AnswerSet, Confidence, Data, KnownAnswer, Reissue, TextModel};
use nearsay_app::{
    app::App,
    command::Command,
    state::{Page, Picked},
    theme,
    worker::{Engine, FileDialog, PATIENCE, Picking},
};
use nearsay_core::{matrix::Matrix, tensor::Tensor as _};
use nearsay_project::{Document, Entry, Folder, Model, Models, Paraphrase, Shared, sample};
use nearsay_store::{DiskStore, Store as _};

type Failure = Box<dyn std::error::Error>;

struct NoDialog;

impl FileDialog for NoDialog {
    fn pick(&mut self, _: Picked) -> Picking {
        Box::pin(std::future::ready(Vec::new()))
    }
}

struct Window {
    harness: Harness<'static, App>,
    frames: Rc<RefCell<Vec<Duration>>>,
}

impl Window {
    fn new(data_dir: &Path, project: Option<PathBuf>) -> Result<Self, Failure> {
        // target/release/examples/window_speed → target/release/nearsay
        let program = std::env::current_exe()?;
        let folder = program.ancestors().nth(2).ok_or("no folder")?;
        let engine = Engine {
            program: folder.join("nearsay"),
            prefix: Vec::new(),
            data_dir: data_dir.to_owned(),
            patience: PATIENCE,
        };
        let app = App::new(
            &egui::Context::default(),
            engine,
            Box::new(NoDialog),
            project,
        );
        let frames = Rc::new(RefCell::new(Vec::new()));
        let times = Rc::clone(&frames);
        let harness = Harness::builder()
            .with_size(egui::vec2(1180.0, 780.0))
            .with_context_setup(theme::install)
            .build_ui_state(
                move |ui, app: &mut App| {
                    let since = Instant::now();
                    let ctx = ui.ctx().clone();
                    app.logic(&ctx);
                    app.ui(ui);
                    times.borrow_mut().push(since.elapsed());
                },
                app,
            );
        Ok(Self { harness, frames })
    }

    fn tell(&mut self, command: Command) {
        let ctx = self.harness.ctx.clone();
        self.harness.state_mut().apply(&ctx, command);
    }

    fn until(&mut self, what: &str, so: impl Fn(&App) -> bool) -> Result<Duration, Failure> {
        let since = Instant::now();
        while !so(self.harness.state()) {
            if since.elapsed() > Duration::from_mins(10) {
                return Err(format!("not in ten minutes: {what}").into());
            }
            self.harness.step();
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(since.elapsed())
    }
}

fn main() -> Result<(), Failure> {
    let rows = match std::env::args().nth(1) {
        Some(rows) => rows.parse()?,
        None => 100_000,
    };
    let folder = tempfile::tempdir()?;
    import_and_frames(folder.path(), rows)?;
    for answers in [10_000, rows] {
        typing(&folder.path().join(format!("ask-{answers}")), answers)?;
    }
    if let Some(data_dir) = std::env::args_os().nth(2) {
        let mut window = Window::new(Path::new(&data_dir), None)?;
        window.until("ready", |app| {
            let checking = &app.state.training.checking;
            checking.before.is_some() && checking.after.is_some()
        })?;
        let project = &window.harness.state().state.project;
        let name = format!("{}, {} answers", project.name(), project.counts.answers);
        keys(&mut window, &name)?;
        println!("memory of the window: {} MB", memory_mb());
        let model = project_model(&window)?;
        window.harness.state_mut().finish();
        drop(window);
        large(folder.path(), &model, rows)?;
    }
    Ok(())
}

/// Writes a CSV file of synthetic rows, each with its own answer.
fn file(path: &Path, rows: usize) -> Result<(), Failure> {
    let document = sample::create_document("Library", "the sample");
    let words: Vec<&str> = document
        .rows()
        .flat_map(|(_, entry, question)| [question.text.as_str(), entry.answer.as_str()])
        .flat_map(str::split_whitespace)
        .collect();
    let mut text = String::from("question,answer,topic\n");
    let mut at = 0;
    let mut some = |count: usize, step: usize| -> String {
        let picked: Vec<&str> = (0..count)
            .map(|n| words[(at + n * step) % words.len()].trim_matches(['"', ',']))
            .collect();
        at += 7;
        picked.join(" ")
    };
    for row in 0..rows {
        let (question, answer) = (some(9, 3), some(32, 5));
        writeln!(
            text,
            "\"{question} {row}?\",\"{answer} {row}.\",Topic {}",
            row % 40
        )?;
    }
    Ok(DiskStore.write_atomic(path, text.as_bytes())?)
}

fn import_and_frames(folder: &Path, rows: usize) -> Result<(), Failure> {
    let path = folder.join("many.csv");
    file(&path, rows)?;
    let mut window = Window::new(&folder.join("data"), None)?;
    window.until("opened", |app| app.state.project.revision > 0)?;
    window.frames.borrow_mut().clear();
    window.tell(Command::Open(vec![path]));
    let took = window.until("imported", |app| {
        app.state.data.listing.rows.len() == rows
            && app.state.data.listing.revision == app.state.project.revision
    })?;
    println!(
        "{rows} lines from the drop to the table: {:.2} s",
        took.as_secs_f64()
    );
    told("a frame meanwhile", &mut window.frames.borrow_mut());
    window.until("kept", |app| {
        app.state.project.saved == nearsay_app::state::Saved::Yes
    })?;

    window.tell(Command::StartTraining);
    window.until("learning", |app| !app.state.training.epochs.is_empty())?;
    window.tell(Command::Show(Page::Data));
    window.frames.borrow_mut().clear();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(8)
        && window.harness.state().state.training.is_running()
    {
        // Scroll at the rate of a screen.
        let next = Command::SelectNext(40, nearsay_app::command::Selection::Only);
        window.tell(next);
        window.harness.step();
        std::thread::sleep(Duration::from_millis(8));
    }
    told(
        "a frame of Data while training, scrolling",
        &mut window.frames.borrow_mut(),
    );
    println!("memory of the window: {} MB", memory_mb());
    window.tell(Command::StopTraining);
    window.until("stopped", |app| !app.state.training.is_running())?;
    window.harness.state_mut().finish();
    Ok(())
}

fn typing(data_dir: &Path, answers: usize) -> Result<(), Failure> {
    let path = data_dir.with_extension("csv");
    file(&path, answers)?;
    let mut window = Window::new(data_dir, None)?;
    window.until("opened", |app| app.state.project.revision > 0)?;
    window.tell(Command::Open(vec![path]));
    window.until("ready", |app| {
        app.state.project.document.entries.len() == answers
            && app.state.ask.ready == Some(app.state.project.revision)
            && app.state.training.checking.revision == app.state.project.revision
    })?;
    keys(&mut window, &format!("built-in encoder, {answers} answers"))
}

fn project_model(window: &Window) -> Result<PathBuf, Failure> {
    let dir = window.harness.state().state.project.model_dir();
    Ok(dir.ok_or("the project has no model")?)
}

/// Measures the same model with `answers` synthetic answers and random vectors, which don't affect the
/// time of a search; the model encodes the questions.
fn large(folder: &Path, model: &Path, answers: usize) -> Result<(), Failure> {
    let entry = |n: usize| Entry {
        answer: format!("This is answer number {n}."),
        paraphrases: vec![Paraphrase {
            text: format!("What is question number {n}?"),
            ..Paraphrase::default()
        }],
        source: None,
    };
    let mut document = Document::named("large", 1);
    document.entries = Shared::new(
        (0..answers)
            .map(|n| (n as u64, Shared::new(entry(n))))
            .collect(),
    );
    let known = document.entries.values().map(|entry| KnownAnswer {
        answer: entry.answer.clone(),
        questions: entry
            .paraphrases
            .iter()
            .map(|question| question.text.clone())
            .collect(),
        row: 1,
        source: None,
    });
    let set = AnswerSet::from_known(known.collect());
    let dim = TextModel::open(&DiskStore, model, &candle_core::Device::Cpu)?.dim();
    let mut seed = 1_u32;
    let vectors = Matrix::from_fn(2 * answers, dim, |_, _| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed as f32 / u32::MAX as f32 - 0.5
    });
    let dir = folder.join("large");
    let models = Models {
        current: Some(Model {
            name: "1".to_owned(),
            ..Model::default()
        }),
        ..Models::default()
    };
    Folder::create(Arc::new(DiskStore), &dir, &document, &models)?.close()?;
    Reissue {
        from: model,
        data: Some(Data {
            answers: &set,
            vectors: &vectors.normalize_rows()?,
            plain: None,
        }),
        confidence: &Confidence::USUAL,
        words: None,
        expansion: None,
        prototype: None,
    }
    .write(&DiskStore, &dir.join("models").join("1"))?;
    let mut window = Window::new(&folder.join("large-data"), Some(dir))?;
    window.until("ready", |app| {
        let checking = &app.state.training.checking;
        checking.before.is_some() && checking.after.is_some()
    })?;
    keys(&mut window, &format!("the same model, {answers} answers"))?;
    window.harness.state_mut().finish();
    Ok(())
}

/// Types a question key by key.
fn keys(window: &mut Window, name: &str) -> Result<(), Failure> {
    window.tell(Command::Show(Page::Ask));
    let mut times = Vec::new();
    let questions = [
        "how long can i keep a book from the branch",
        "is there somewhere quiet to work with my laptop",
        "lost my card what now",
    ];
    for question in questions {
        for end in 4..=question.len() {
            let Some(typed) = question.get(..end) else {
                continue;
            };
            if typed.ends_with(' ') {
                continue;
            }
            window.tell(Command::Ask(typed.to_owned()));
            let since = Instant::now();
            loop {
                window.harness.step();
                let reply = window.harness.state().state.ask.reply.as_ref();
                if reply.is_some_and(|reply| reply.question == typed) {
                    break;
                }
                if since.elapsed() > Duration::from_secs(10) {
                    return Err("no answer".into());
                }
                std::thread::sleep(Duration::from_micros(300));
            }
            times.push(since.elapsed());
        }
    }
    told(&format!("from a key to the answers, {name}"), &mut times);
    window.harness.state_mut().finish();
    Ok(())
}

fn told(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| -> f64 {
        let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times
            .get(place)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    println!(
        "{what}: p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, most {:.2} ms ({} times)",
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0),
        times.len()
    );
}

/// Resident memory of this process in MB; 0 if unknown.
fn memory_mb() -> u64 {
    let status = DiskStore
        .read(&PathBuf::from("/proc/self/status"), 1 << 16)
        .unwrap_or_default();
    String::from_utf8_lossy(&status)
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kb| kb / 1024)
}
