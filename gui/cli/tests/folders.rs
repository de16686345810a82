//! Exported model directories, opened on another machine.
#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "fixtures are not application state"
)]
#![allow(clippy::unwrap_used, reason = "test helpers may panic")]

mod common;

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use common::{
    FakeDialog, Window, copy_folder, desk, document, drop_on, file, fill, is_shown, open,
    open_with, press, real, settle, shows, shows_message, state, tell, train, until,
};
use nearsay_app::{
    command::Command,
    state::{Page, Stage},
};
use tempfile::{TempDir, tempdir};

const QUESTIONS: [&str; 4] = [
    "I want to call off my bicycle please",
    "When is the meal ready?",
    "what does a doctor cost",
    "teacher broken",
];

/// The first answers to the questions, with their scores.
fn first(window: &mut Window) -> Vec<(String, f32)> {
    tell(window, Command::Show(Page::Ask));
    let ask = |question: &&str| {
        tell(window, Command::Ask((*question).to_owned()));
        until(window, "answered", |state| {
            let reply = state.ask.reply.as_ref();
            !state.ask.waiting && reply.is_some_and(|reply| reply.question == **question)
        });
        let answers = &state(window).ask.reply.as_ref().unwrap().answers;
        (answers[0].answer.clone(), answers[0].score)
    };
    QUESTIONS.iter().map(ask).collect()
}

fn export(window: &mut Window, to: &Path, with_data: bool) {
    tell(window, Command::Show(Page::Export));
    tell(window, Command::WithData(with_data));
    tell(window, Command::TypeExportPath(to.display().to_string()));
    press(window, "Export");
    until(window, "exported", |state| !state.export.running);
    shows(window, "Exported and checked");
}

/// A trained model from a colleague, exported with and without its answers, and the answers it gives
/// there. Trained once for all tests; each test gets copies.
struct Colleague {
    dir: TempDir,
    answers: Vec<(String, f32)>,
}

impl Colleague {
    fn new() -> Self {
        static TRAINED: OnceLock<Colleague> = OnceLock::new();
        let trained = TRAINED.get_or_init(Self::trained);
        let copy = Self {
            dir: tempdir().unwrap(),
            answers: trained.answers.clone(),
        };
        copy_folder(&trained.whole(), &copy.whole()).unwrap();
        copy_folder(&trained.bare(), &copy.bare()).unwrap();
        copy
    }

    fn trained() -> Self {
        let dir = tempdir().unwrap();
        let mut window = open(real(&dir.path().join("data")));
        fill(&mut window, 3, &desk());
        train(&mut window);
        settle(&mut window);
        let answers = first(&mut window);
        let colleague = Self { dir, answers };
        export(&mut window, &colleague.whole(), true);
        export(&mut window, &colleague.bare(), false);
        colleague
    }

    fn whole(&self) -> PathBuf {
        self.dir.path().join("front-desk")
    }

    fn bare(&self) -> PathBuf {
        self.dir.path().join("bare")
    }
}

/// Waits until a model directory is open as a project; returns the project's directory.
fn adopted(window: &mut Window, name: &str) -> PathBuf {
    until(window, "the folder is open", |state| {
        state.shell.adopting.is_none()
            && !state.project.opening
            && state.project.document.options.name == name
    });
    state(window).project.dir.clone().unwrap()
}

/// Every file of a folder.
fn content(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn exported_model_opens_as_project_and_can_be_trained() {
    let colleague = Colleague::new();
    let before = content(&colleague.whole());
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    drop_on(&mut window, &colleague.whole());
    let dir = adopted(&mut window, "Front desk");
    assert!(dir.starts_with(data.path()));
    // It can answer at once.
    assert_eq!(state(&window).page, Page::Ask);
    shows_message(&window, "Opened front-desk: 60 answers");
    assert_eq!(document(&window).entries.len(), 60);
    assert_eq!(state(&window).project.counts.questions, 180);
    assert!(state(&window).project.counts.held_out > 20);
    assert_eq!(first(&mut window), colleague.answers);
    settle(&mut window);
    assert_eq!(first(&mut window), colleague.answers);
    // Its model may have been trained on the test questions, so there are no figures.
    assert!(state(&window).training.checking.now().is_none());
    tell(&mut window, Command::Ask(String::new()));
    shows(&window, "test questions from where the model was trained");
    tell(&mut window, Command::Show(Page::Train));
    shows(&window, "Imported model");
    shows(&window, "without other ways to ask");
    assert!(!is_shown(&window, "Right answer first ("));
    // The original is removed; the project and its edits stay.
    assert_eq!(content(&colleague.whole()), before);
    std::fs::remove_dir_all(colleague.whole()).unwrap();
    common::add(
        &mut window,
        &[(
            "Is there a roof garden?".into(),
            "On the tenth floor".into(),
        )],
    );
    settle(&mut window);
    tell(&mut window, Command::Show(Page::Train));
    shows(&window, "1 change since the folder was opened");
    // The first training run in this project gives figures.
    train(&mut window);
    settle(&mut window);
    assert_eq!(state(&window).training.stage, Stage::Done);
    let outcome = state(&window).training.outcome.unwrap();
    assert!(outcome.kept && outcome.elsewhere && outcome.before.asked > 20);
    assert!(state(&window).training.checking.now().is_some());
    tell(&mut window, Command::Show(Page::Train));
    shows(
        &window,
        "the imported model may have been trained on these questions",
    );
    // The imported model can be restored, without figures.
    press(&mut window, "Use the previous model");
    until(&mut window, "it answers", |state| state.ask.ready.is_some());
    assert!(state(&window).training.checking.now().is_none());
    shows(&window, "Imported model");
    let out = data.path().join("again");
    export(&mut window, &out, true);
    drop(window);
    // The project opens again at the next start.
    let mut window = open(real(data.path()));
    assert_eq!(state(&window).project.dir.as_ref(), Some(&dir));
    settle(&mut window);
    assert!(state(&window).project.elsewhere().is_some());
}

#[test]
fn same_model_directory_opens_same_project() {
    let colleague = Colleague::new();
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    drop_on(&mut window, &colleague.whole());
    let dir = adopted(&mut window, "Front desk");
    settle(&mut window);
    common::add(
        &mut window,
        &[(
            "Is there a roof garden?".into(),
            "On the tenth floor".into(),
        )],
    );
    settle(&mut window);
    // While the project is open.
    drop_on(&mut window, &colleague.whole());
    until(&mut window, "it is found", |state| {
        state.shell.adopting.is_none()
    });
    shows_message(&window, "front-desk was opened before");
    assert_eq!(document(&window).entries.len(), 61);
    // After another project, from another path.
    tell(&mut window, Command::OpenSample);
    until(&mut window, "the sample is open", |state| {
        !state.project.opening && state.project.document.options.sample
    });
    let moved = colleague.dir.path().join("stick");
    std::fs::rename(colleague.whole(), &moved).unwrap();
    drop_on(&mut window, &moved);
    assert_eq!(adopted(&mut window, "Front desk"), dir);
    assert_eq!(document(&window).entries.len(), 61);
    shows_message(&window, "stick was opened before");
}

#[test]
fn model_without_answers_answers_from_imported_file() {
    let colleague = Colleague::new();
    let data = tempdir().unwrap();
    let dialog = FakeDialog::picks(colleague.bare());
    let mut window = open_with(real(data.path()), dialog, None);
    settle(&mut window);
    press(&mut window, "Project Library (sample), saved");
    press(&mut window, "Open a project or exported folder…");
    adopted(&mut window, "Bare");
    shows_message(&window, "Opened the model in bare. It has no answers yet");
    assert_eq!(state(&window).page, Page::Data);
    shows(&window, "This folder contains a model without answers");
    shows(&window, "Drop a file with answers for this model");
    let faq = data.path().join("desk.jsonl");
    let mut lines = String::new();
    for (question, answer) in desk() {
        lines.push_str(&format!(
            "{{\"question\": {question:?}, \"answer\": {answer:?}}}\n"
        ));
    }
    file(&faq, &lines);
    drop_on(&mut window, &faq);
    until(&mut window, "read", |state| {
        state.project.document.entries.len() == 60
    });
    settle(&mut window);
    assert_eq!(state(&window).project.name(), "Bare");
    assert!(!is_shown(&window, "without answers"));
    // The colleague's model answers, not the base encoder. The answers are embedded and expanded again here,
    // so sums over them may differ in the last bit.
    let answers = first(&mut window);
    assert_eq!(answers.len(), colleague.answers.len());
    for (here, there) in answers.iter().zip(&colleague.answers) {
        assert_eq!(here.0, there.0);
        assert!((here.1 - there.1).abs() < 1e-6, "{here:?} {there:?}");
    }
    assert!(state(&window).training.checking.now().is_none());
    tell(&mut window, Command::Ask(String::new()));
    shows(&window, "this model has no test results");
}

#[test]
fn model_directory_opens_from_command_line_and_typed_path() {
    let colleague = Colleague::new();
    let data = tempdir().unwrap();
    let path = Some(colleague.whole());
    let mut window = open_with(real(data.path()), FakeDialog::default(), path);
    adopted(&mut window, "Front desk");
    assert_eq!(first(&mut window), colleague.answers);
    // A typed path works the same way.
    tell(&mut window, Command::Show(Page::Data));
    let bare = colleague.bare().display().to_string();
    tell(&mut window, Command::TypePath(bare));
    tell(&mut window, Command::OpenTyped);
    adopted(&mut window, "Bare");
}

#[test]
fn unreadable_model_directory_shows_error_and_keeps_project() {
    let colleague = Colleague::new();
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    settle(&mut window);
    let before = state(&window).project.dir.clone();
    let mut refused = |change: &dyn Fn(&Path), words: &[&str]| {
        let folder = colleague.dir.path().join("desk");
        copy_folder(&colleague.whole(), &folder).unwrap();
        change(&folder);
        drop_on(&mut window, &folder);
        until(&mut window, "it is refused", |state| {
            state.shell.adopting.is_none() && state.shell.error.is_some()
        });
        words.iter().for_each(|words| shows(&window, words));
        assert_eq!(state(&window).project.dir, before);
        tell(&mut window, Command::HideError);
        std::fs::remove_dir_all(&folder).unwrap();
    };
    refused(
        &|folder| {
            let path = folder.join("nearsay.json");
            let text = std::fs::read_to_string(&path).unwrap();
            file(&path, &text.replacen("\"format\": 1", "\"format\": 2", 1));
        },
        &[
            "desk was exported by a newer version of Nearsay",
            "Update Nearsay",
        ],
    );
    refused(
        &|folder| std::fs::remove_file(folder.join("answers.safetensors")).unwrap(),
        &[
            "desk is damaged: answers.safetensors is missing",
            "Copy the folder again",
        ],
    );
    refused(
        &|folder| file(&folder.join("answers.jsonl"), "{}"),
        &["desk is damaged: answers.jsonl is shorter"],
    );
    refused(
        &|folder| std::fs::remove_file(folder.join("nearsay.json")).unwrap(),
        &["desk contains neither a project nor a model"],
    );
    drop(window);
    // From the command line: the error is shown and the last project opens.
    let newer = colleague.whole().join("nearsay.json");
    let text = std::fs::read_to_string(&newer).unwrap();
    file(&newer, &text.replacen("\"format\": 1", "\"format\": 2", 1));
    let window = open_with(
        real(data.path()),
        FakeDialog::default(),
        Some(colleague.whole()),
    );
    shows(
        &window,
        "front-desk was exported by a newer version of Nearsay",
    );
    assert_eq!(state(&window).project.dir, before);
}
