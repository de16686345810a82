//! A headless window on a temporary data directory.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::disallowed_methods,
    reason = "fixtures are not application state"
)]

use std::{
    collections::VecDeque,
    future::ready,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use egui::{OutputCommand, accesskit::Role, vec2};
use egui_kittest::{
    Harness, HarnessBuilder, Node,
    kittest::{NodeT as _, Queryable as _},
};
use nearsay_app::{
    app::App,
    command::Command,
    state::{Check, ConfusedPair, OverRetrieved, Picked, Saved, Side, State, Verdict},
    theme,
    worker::{Engine, Event, FileDialog, Picking},
};
use nearsay_project::{Document, RowId};

/// A window under test.
pub type Window = Harness<'static, Seat>;

/// Holder of an app that is created in the first frame, with the window's own context.
pub struct Seat {
    parts: Option<(Engine, FakeDialog, Option<PathBuf>)>,
    app: Option<App>,
}

impl Deref for Seat {
    type Target = App;

    fn deref(&self) -> &App {
        match &self.app {
            Some(app) => app,
            None => unreachable!("the first frame creates the app"),
        }
    }
}

impl DerefMut for Seat {
    fn deref_mut(&mut self) -> &mut App {
        match &mut self.app {
            Some(app) => app,
            None => unreachable!("the first frame creates the app"),
        }
    }
}

/// File dialog that returns these selections one after the other, then cancels.
#[derive(Default)]
pub struct FakeDialog(pub VecDeque<Vec<PathBuf>>);

impl FakeDialog {
    /// Selects one file or directory, once.
    pub fn picks(path: PathBuf) -> Self {
        Self(VecDeque::from([vec![path]]))
    }
}

impl FileDialog for FakeDialog {
    fn pick(&mut self, _: Picked) -> Picking {
        Box::pin(ready(self.0.pop_front().unwrap_or_default()))
    }
}

/// Engine that runs the real program.
pub fn real(data: &Path) -> Engine {
    Engine {
        program: env!("CARGO_BIN_EXE_nearsay").into(),
        prefix: Vec::new(),
        data_dir: data.to_path_buf(),
        patience: HANG,
    }
}

/// Engine that runs `rehearsal.sh` in this mode.
pub fn rehearsed(mode: &str, data: &Path) -> Engine {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rehearsal.sh");
    Engine {
        program: PathBuf::from("/bin/sh"),
        prefix: vec![script.into(), mode.into(), "0.01".into()],
        data_dir: data.to_path_buf(),
        // Only the process that ignores `stop` is killed early.
        patience: match mode {
            "deaf" => Duration::from_millis(400),
            _ => HANG,
        },
    }
}

/// Window at startup, once a project is open.
pub fn open(engine: Engine) -> Window {
    open_with(engine, FakeDialog::default(), None)
}

/// Like [`open`], with a file dialog and a path from the command line.
pub fn open_with(engine: Engine, dialog: FakeDialog, path: Option<PathBuf>) -> Window {
    build(engine, dialog, path, |builder| builder)
}

/// Like [`open`], and rendered.
pub fn open_drawn(engine: Engine) -> Window {
    build(engine, FakeDialog::default(), None, |builder| {
        builder.wgpu()
    })
}

fn build(
    engine: Engine,
    dialog: FakeDialog,
    path: Option<PathBuf>,
    with: impl FnOnce(HarnessBuilder<Seat>) -> HarnessBuilder<Seat>,
) -> Window {
    let seat = Seat {
        parts: Some((engine, dialog, path)),
        app: None,
    };
    let builder = Harness::builder()
        .with_size(vec2(1180.0, 780.0))
        // A real window creates its app before the first frame, this one within it.
        .with_context_setup(theme::install);
    let mut window = with(builder).build_ui_state(
        |ui, seat: &mut Seat| {
            let ctx = ui.ctx().clone();
            if let Some((engine, dialog, path)) = seat.parts.take() {
                seat.app = Some(App::new(&ctx, engine, Box::new(dialog), path));
            }
            seat.logic(&ctx);
            seat.ui(ui);
        },
        seat,
    );
    until(&mut window, "a project is open", is_open);
    window
}

fn is_open(state: &State) -> bool {
    !state.project.opening && state.project.revision > 0 && state.shell.open_next.is_none()
}

/// State of the window.
pub fn state(window: &Window) -> &State {
    &window.state().state
}

/// Document of the open project.
pub fn document(window: &Window) -> &Document {
    &state(window).project.document
}

/// Frames until a sheet has reached its final position.
const STEPS: usize = 4;

/// Applies a command and draws.
pub fn tell(window: &mut Window, command: Command) {
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, command);
    window.run_steps(STEPS);
}

/// Passes an event to the app as if a worker had sent it.
pub fn tell_event(window: &mut Window, event: Event) {
    let ctx = window.ctx.clone();
    window.state_mut().apply_event(&ctx, event);
    window.run_steps(STEPS);
}

/// How long a test waits before it reports a hang. Far more than any step takes.
const HANG: Duration = Duration::from_mins(5);

/// Draws until a condition holds.
#[track_caller]
pub fn until(window: &mut Window, what: &str, mut so: impl FnMut(&State) -> bool) {
    let since = Instant::now();
    while !so(state(window)) {
        assert!(
            since.elapsed() < HANG,
            "never happened: {what}; {:?}",
            state(window).shell.messages
        );
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
    window.run_steps(2);
}

/// Draws until everything is listed, reviewed, searchable, evaluated and saved.
#[track_caller]
pub fn settle(window: &mut Window) {
    until(window, "all is done", |state| {
        let now = state.project.revision;
        is_open(state)
            && state.data.reading.is_none()
            && state.data.listing.revision == now
            && state.data.review.revision == now
            && state.ask.ready == Some(now)
            && state.training.checking.revision == now
            && (state.project.saved == Saved::Yes || state.project.look_only)
    });
}

/// Trains until the run has ended, successfully or not.
#[track_caller]
pub fn train(window: &mut Window) {
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::StartTraining);
    assert!(state(window).training.is_running(), "it did not start");
    until(window, "the training ended", |state| {
        !state.training.is_running()
    });
}

/// The only control with this name.
#[track_caller]
pub fn control<'w>(window: &'w Window, name: &'w str) -> Node<'w> {
    let mut found = window
        .query_all_by_label(name)
        .filter(|node| node.accesskit_node().role() != Role::Label);
    match (found.next(), found.next()) {
        (Some(only), None) => only,
        (None, _) => panic!("no control: {name}"),
        (Some(_), Some(_)) => panic!("several controls: {name}"),
    }
}

/// Clicks the only control with this name.
#[track_caller]
pub fn press(window: &mut Window, name: &str) {
    control(window, name).click();
    window.run_steps(STEPS);
}

/// Clicks the last control with this name.
#[track_caller]
pub fn press_last(window: &mut Window, name: &str) {
    let last = window
        .query_all_by_label(name)
        .rfind(|node| node.accesskit_node().role() != Role::Label);
    match last {
        Some(node) => node.click(),
        None => panic!("no control: {name}"),
    }
    window.run_steps(STEPS);
}

/// Focuses the text box with this name and types.
#[track_caller]
pub fn write_in(window: &mut Window, name: &str, text: &str) {
    control(window, name).focus();
    window.run_steps(2);
    control(window, name).type_text(text);
    window.run_steps(2);
}

/// Drops a file on the window.
pub fn drop_on(window: &mut Window, path: &Path) {
    window
        .input_mut()
        .dropped_files
        .push(Arc::new(Dropped(path.to_path_buf())));
    window.step();
    window.input_mut().dropped_files.clear();
    window.run_steps(2);
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("read by path".to_owned())
    }
}

/// Text copied to the clipboard in the last frame.
pub fn copied(window: &Window) -> String {
    let commands = &window.output().platform_output.commands;
    let texts = commands.iter().filter_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// Asserts that the window shows a text, once or more.
#[track_caller]
pub fn shows(window: &Window, what: &str) {
    assert!(is_shown(window, what), "not shown: {what}");
}

/// Whether the window shows a text.
pub fn is_shown(window: &Window, what: &str) -> bool {
    window.query_all_by_label_contains(what).next().is_some()
}

/// Asserts that a message contains a text.
#[track_caller]
pub fn shows_message(window: &Window, what: &str) {
    let messages = &state(window).shell.messages;
    let found = messages.iter().any(|message| message.text.contains(what));
    assert!(found, "no message: {what}; {messages:?}");
}

/// Writes a file.
pub fn file(path: &Path, content: &str) {
    if let Err(error) = std::fs::write(path, content) {
        panic!("{}: {error}", path.display());
    }
}

/// Copies a directory recursively.
pub fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Creates an empty project. `seed` decides which questions are held out.
#[track_caller]
pub fn begin(window: &mut Window, seed: u64) {
    let before = state(window).project.dir.clone();
    tell(window, Command::NewProject);
    until(window, "a new project", |state| {
        is_open(state) && state.project.dir != before
    });
    let document = &mut window.state_mut().state.project.document;
    document.options.seed = seed;
}

/// Creates a project with these rows.
#[track_caller]
pub fn fill(window: &mut Window, seed: u64, rows: &[(String, String)]) {
    begin(window, seed);
    add(window, rows);
    settle(window);
}

/// Imports rows from a file.
#[track_caller]
pub fn add(window: &mut Window, rows: &[(String, String)]) {
    let imports = document(window).imports.len();
    let Some(dir) = &state(window).project.dir else {
        panic!("no project directory")
    };
    let path = dir.join(format!("made-{imports}.jsonl"));
    let mut lines = String::new();
    for (question, answer) in rows {
        lines.push_str(&format!(
            "{{\"question\": {question:?}, \"answer\": {answer:?}}}\n"
        ));
    }
    file(&path, &lines);
    tell(window, Command::Open(vec![path]));
    until(window, "the rows are read", |state| {
        state.data.reading.is_none() && state.project.document.imports.len() > imports
    });
    let id = document(window).imports.keys().next_back().copied();
    tell(window, Command::DismissImport(id.unwrap_or_default()));
}

const THINGS: [&str; 10] = [
    "card", "bicycle", "parcel", "invoice", "flat", "meal", "doctor", "car", "phone", "teacher",
];

const REQUESTS: [(&str, [&str; 3]); 6] = [
    (
        "Ordering",
        [
            "How do I order a #?",
            "Where can I request a #?",
            "I would like to get a #",
        ],
    ),
    (
        "Cancelling",
        [
            "How do I cancel my #?",
            "I want to call off my #",
            "Can the # be annulled?",
        ],
    ),
    (
        "Price",
        [
            "How much is a #?",
            "What is the price of a #?",
            "What do you charge for a #?",
        ],
    ),
    (
        "Repair",
        [
            "My # is broken",
            "Something is wrong with the #",
            "The # has a fault",
        ],
    ),
    (
        "Waiting",
        [
            "How long does a # take?",
            "When will the # be ready?",
            "How many days until the #?",
        ],
    ),
    (
        "Sharing",
        [
            "May I give my # to a friend?",
            "Can others have the # too?",
            "Is it allowed to share the #?",
        ],
    ),
];

/// 60 answers with three questions each. The questions of a request are the same for all things, so
/// that a model trained on some of them improves on the others.
pub fn desk() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for way in 0..3 {
        for (number, thing) in THINGS.iter().enumerate() {
            for (page, (request, ways)) in REQUESTS.iter().enumerate() {
                let question = ways[way].replace('#', thing);
                let answer = format!("{request}, {thing}: see page {number}{page}.");
                rows.push((question, answer));
            }
        }
    }
    rows
}

/// Twelve answers with one question each.
pub fn dozen() -> Vec<(String, String)> {
    (1..=12)
        .map(|n| {
            let question = format!("What about number {n}?");
            (question, format!("Number {n} is fine."))
        })
        .collect()
}

/// Makes up evaluations before and after training that contain every kind of finding.
pub fn stand_out(window: &mut Window) {
    let document = document(window).clone();
    let rows: Vec<RowId> = document.rows().map(|(row, _, _)| row).collect();
    let entries: Vec<u64> = document.entries.keys().copied().collect();
    let verdicts = |given: &dyn Fn(usize, u64) -> u64| {
        let verdict = |(at, row): (usize, &RowId)| {
            let given = given(at, row.entry);
            Verdict {
                row: *row,
                given: Some(given),
                score: 0.5,
                confidence: Some(0.5),
                rank: if given == row.entry { 1 } else { 3 },
            }
        };
        Check {
            verdicts: rows.iter().enumerate().map(verdict).collect(),
            ..Check::default()
        }
    };
    let before = verdicts(&|at, own| if at % 3 > 0 { entries[0] } else { own });
    let mut after = verdicts(&|at, own| match (own, at % 9) {
        (own, _) if own == entries[0] => entries[1],
        (own, _) if own == entries[1] => entries[0],
        (_, 0) => entries[2],
        (own, _) => own,
    });
    after.confused = vec![ConfusedPair {
        entries: [entries[0], entries[1]],
        questions: 4,
    }];
    let over_retrieved = entries[..3].iter().map(|&entry| OverRetrieved {
        entry,
        questions: 3,
    });
    after.over_retrieved = over_retrieved.collect();
    let state = &mut window.state_mut().state;
    let revision = state.project.revision;
    let checking = &mut state.training.checking;
    checking.take(Side::Before, revision, before, &document.entries);
    checking.take(Side::After, revision, after, &document.entries);
}
