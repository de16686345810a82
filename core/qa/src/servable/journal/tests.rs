use super::*;
use crate::servable::{
    EditError, KnownAnswer,
    tests::{head, open, write_by, write_with},
};
use nearsay_search::expansion::{Own, Rule, Texts};
use nearsay_store::{Fault, FaultStore, MemStore};

fn known(answer: &str, questions: &[&str]) -> KnownAnswer {
    KnownAnswer {
        answer: answer.into(),
        questions: questions.iter().map(|&question| question.into()).collect(),
        row: 0,
        source: Some("news".into()),
    }
}

/// A hybrid model with the answers “b” and “ab ab”.
fn folder() -> MemStore {
    let store = MemStore::new();
    write_with(&store, &head(), Some(0.5)).unwrap();
    store
}

fn edit(store: &dyn Store) -> Result<(Journal<'_>, Servable), ServableError> {
    Journal::open(store, "model".as_ref(), &Device::Cpu, Precision::F32)
}

fn texts(model: &Servable) -> Vec<&str> {
    model.answers().texts()
}

/// Asserts that two models have the same texts and bit-equal scores.
fn assert_same(a: &Servable, b: &Servable) {
    assert_eq!(a.answers(), b.answers());
    for question in ["a", "b ab", "ab a b"] {
        let found = |model: &Servable| -> Vec<(f32, f32, u32)> {
            let found = model.ask(question, 9).unwrap();
            let found = found.iter();
            found
                .map(|found| (found.score, found.keyword_score, found.text))
                .collect()
        };
        assert_eq!(found(a), found(b), "{question}");
    }
}

#[test]
fn edited_model_equals_model_built_from_its_answers() {
    let store = folder();
    let before = open(&store).unwrap();
    assert_eq!(texts(&before), ["b", "a b", "a a a", "ab ab", "b ab"]);
    let b = before.answers().get(0).unwrap().id();
    let edits = [
        Edit::Add(known("a ab", &["ab a"])),
        Edit::Replace {
            id: b,
            answer: known("b b", &["a b", "b"]),
        },
        Edit::Remove {
            id: known("AB  ab", &[]).id(),
        },
    ];
    let after = before.edited(&edits).unwrap();
    assert_eq!(texts(&after), ["b b", "a b", "b", "a ab", "ab a"]);
    assert_eq!(after.answers().get(0).unwrap().row, 1, "of the same line");
    assert_eq!(texts(&before), ["b", "a b", "a a a", "ab ab", "b ab"]);

    // Appended edits are applied when the model is opened, and stay after folding.
    let (mut journal, _) = edit(&store).unwrap();
    for edit in &edits {
        journal.append(edit).unwrap();
    }
    assert_same(&open(&store).unwrap(), &after);
    journal.fold(&after).unwrap();
    assert!(!store.exists(&Path::new("model").join(NAME)).unwrap());
    assert_same(&open(&store).unwrap(), &after);
    assert_eq!(
        open(&store)
            .unwrap()
            .manifest()
            .confidence
            .threshold
            .questions,
        40
    );
    // Appending works after folding.
    let more = Edit::Add(known("ab", &[]));
    journal.append(&more).unwrap();
    drop(journal);
    let (_, opened) = edit(&store).unwrap();
    assert_same(&opened, &after.edited(&[more]).unwrap());
    assert!(!store.exists(&Path::new("model").join(NAME)).unwrap());
}

#[test]
fn rejected_edits_return_errors() {
    let store = folder();
    let model = open(&store).unwrap();
    let refused = |edits: &[Edit]| match model.edited(edits) {
        Err(ServableError::Edit(error)) => error,
        _ => panic!("{edits:?}"),
    };
    let (b, ab) = (known("b", &[]).id(), known("ab ab", &[]).id());
    let remove = |id: &str| Edit::Remove { id: id.into() };
    assert_eq!(
        refused(&[Edit::Add(known("B ", &[]))]),
        EditError::Twice { id: b.clone() }
    );
    assert_eq!(refused(&[Edit::Add(known(" ", &[]))]), EditError::Blank);
    assert_eq!(refused(&[Edit::Add(known("a", &[""]))]), EditError::Blank);
    assert_eq!(
        refused(&[remove("x")]),
        EditError::Unknown { id: "x".into() }
    );
    assert_eq!(refused(&[remove(&b), remove(&ab)]), EditError::Last);
    let answer = known("ab ab", &[]);
    let replace = Edit::Replace {
        id: b.clone(),
        answer,
    };
    assert_eq!(refused(&[replace]), EditError::Twice { id: ab });
    // An answer may be replaced by one of equal text.
    let answer = known("B", &["a"]);
    assert!(model.edited(&[Edit::Replace { id: b, answer }]).is_ok());
}

#[test]
fn journal_locks_model_and_detects_replacement() {
    let store = folder();
    let (mut journal, _) = edit(&store).unwrap();
    assert!(matches!(edit(&store), Err(ServableError::Busy { .. })));
    assert!(open(&store).is_ok(), "others may read");
    journal.append(&Edit::Add(known("a", &[]))).unwrap();
    write_with(&store, &head(), None).unwrap(); // exported anew
    let error = journal.append(&Edit::Add(known("a b", &[]))).unwrap_err();
    assert!(matches!(error, ServableError::Replaced { .. }), "{error}");
    drop(journal);
    assert!(edit(&store).is_ok());
}

#[test]
fn torn_last_line_is_dropped_and_other_damage_is_an_error() {
    let store = folder();
    let place = Path::new("model").join(NAME);
    let (mut journal, model) = edit(&store).unwrap();
    let edits = [known("a", &[]), known("a ab", &[])].map(Edit::Add);
    for edit in &edits {
        journal.append(edit).unwrap();
    }
    drop(journal);
    let whole = store.read(&place, 1 << 20).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for end in 0..=whole.len() {
        store.write_atomic(&place, &whole[..end]).unwrap();
        let kept = usize::from(end >= first) + usize::from(end == whole.len());
        let expected = model.edited(&edits[..kept]).unwrap();
        assert_eq!(open(&store).unwrap().answers(), expected.answers(), "{end}");
    }
    let mut damaged = whole.clone();
    damaged[first / 2] ^= 1;
    store.write_atomic(&place, &damaged).unwrap();
    let error = open(&store).err().unwrap().to_string();
    assert!(
        error.contains("edits.jsonl has a damaged line 1"),
        "{error}"
    );
    // The journal belongs to another export, whose files were replaced.
    store.write_atomic(&place, &whole).unwrap();
    let manifest = Path::new("model").join(manifest::NAME);
    let mut bytes = store.read(&manifest, 1 << 20).unwrap();
    bytes.push(b'\n');
    store.write_atomic(&manifest, &bytes).unwrap();
    let error = open(&store).err().unwrap().to_string();
    assert!(error.contains("another export"), "{error}");
}

#[test]
fn saved_edits_survive_any_fault() {
    let first = Edit::Add(known("a", &[]));
    let second = Edit::Add(known("a ab", &[]));
    for fault in Fault::ALL {
        for step in 1.. {
            assert!(step < 1000, "there is no end to it");
            let store = FaultStore::new(folder());
            let (mut journal, model) = edit(&store).unwrap();
            journal.append(&first).unwrap();
            let one = model.edited(std::slice::from_ref(&first)).unwrap();
            let two = one.edited(std::slice::from_ref(&second)).unwrap();
            store.fail_step(step, fault);
            let appended = journal.append(&second);
            let folded = appended.is_ok().then(|| journal.fold(&two));
            let fired = store.fired();
            drop(journal);
            store.heal();
            store.sweep("".as_ref()).unwrap();
            let found = open(&store).unwrap();
            let kept = found.answers() == two.answers();
            assert!(kept || found.answers() == one.answers(), "{fault:?} {step}");
            assert!(kept || appended.is_err(), "{fault:?} {step}: lost");
            if !fired {
                folded.unwrap().unwrap();
                break;
            }
        }
    }
}

#[test]
fn new_answer_is_expanded() {
    let store = MemStore::new();
    write_by(&store, &head(), None, Some(Rule::ALIKE)).unwrap();
    let before = open(&store).unwrap();
    let refused = before.edited(&[Edit::Add(known("a ab", &["ab a"]))]);
    assert!(refused.is_err_and(|error| error.to_string().contains("plain.safetensors")));
    let dir: &Path = "model".as_ref();
    let (mut journal, served) = edit(&store).unwrap();
    let add = Edit::Add(known("a ab", &["ab a"]));
    let edited = served.edited(std::slice::from_ref(&add)).unwrap();
    journal.append(&add).unwrap();

    let (new, old) = (edited.answers().len() as u32 - 1, edited.answers().starts());
    let place = old[new as usize];
    let plain = edited.answer_index().raw_vectors();
    let (owners, kinds) = (edited.answers().owners(), edited.answers().kinds());
    let texts = Texts {
        vectors: &plain,
        owners: &owners,
        kinds: &kinds,
    };
    let moved = texts.expanded(Rule::ALIKE, Own::Counts).unwrap();
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    let vectors = edited.index().vectors();
    assert!(near(vectors.row(place), moved.row(place)));
    assert!(!near(vectors.row(place), plain.row(place)));
    // The expanded vectors of other answers stay unchanged.
    let former = before.index().vectors();
    assert_eq!(vectors.row(0), former.row(0));
    // The vectors are equal after reading the journal and after folding it.
    assert_same(&edited, &open(&store).unwrap());
    journal.fold(&edited).unwrap();
    let mut folded = open(&store).unwrap();
    assert_same(&edited, &folded);
    folded.load_unexpanded(&store, dir).unwrap();
    let answers = |model: &Servable| model.answer_index().unexpanded().cloned().unwrap();
    assert_eq!(answers(&folded), answers(&edited));
}
