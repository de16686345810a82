use super::*;
use crate::{
    head::{Activation, tests::configs},
    store::{Fault, FaultStore, MemStore},
};

fn saved(config: &HeadConfig) -> (MemStore, SavedHead) {
    let store = MemStore::new();
    let head = SavedHead {
        config: config.clone(),
        weights: config.init(11),
    };
    head.save(&store, "head".as_ref()).unwrap();
    (store, head)
}

fn load(store: &dyn Store) -> Result<SavedHead, SavedHeadError> {
    SavedHead::load(store, "head".as_ref())
}

fn stack() -> HeadConfig {
    HeadConfig::StackedProjection {
        in_dim: 3,
        out_dims: vec![2, 1],
        activation: Activation::Relu,
    }
}

/// The files of a saved head, one of them changed: what loading says.
fn with(file: &str, bytes: &[u8]) -> String {
    let (store, _) = saved(&stack());
    store
        .write_atomic(&Path::new("head").join(file), bytes)
        .unwrap();
    load(&store).unwrap_err().to_string()
}

/// A weights file of `stack()`, made by hand; `change` may alter its tensors before.
fn weights(change: impl FnOnce(&mut Vec<(String, Vec<usize>, Dtype, Vec<u8>)>)) -> Vec<u8> {
    let mut tensors: Vec<(String, Vec<usize>, Dtype, Vec<u8>)> = stack()
        .specs()
        .into_iter()
        .map(|spec| {
            let (rows, columns) = spec.shape.dims();
            let bytes = Matrix::zeros(rows, columns).to_le_bytes();
            (spec.name, shape(spec.shape), Dtype::F32, bytes)
        })
        .collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, shape, dtype, bytes)| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn every_head_comes_back_exactly() {
    for config in configs() {
        let (store, head) = saved(&config);
        assert_eq!(load(&store).unwrap(), head, "{config:?}");
        // Over another, too.
        let (store, _) = saved(&HeadConfig::Gated { dim: 2 });
        head.save(&store, "head".as_ref()).unwrap();
        assert_eq!(load(&store).unwrap(), head);
    }
}

#[test]
fn vectors_have_one_dimension_in_the_file() {
    let (store, _) = saved(&stack());
    let bytes = store.read("head/weights.safetensors".as_ref(), 1 << 20);
    let bytes = bytes.unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let shape = |name: &str| file.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("_stack.0.weight"), [2, 3]);
    assert_eq!(shape("_stack.2.weight"), [1, 2], "one row, yet a matrix");
    assert_eq!(shape("_stack.2.bias"), [1]);
}

#[test]
fn weights_that_do_not_go_with_the_configuration_are_refused_by_name() {
    let zeros = |shape: &[usize]| vec![0u8; 4 * shape.iter().product::<usize>()];
    let missing = weights(|tensors| {
        tensors.retain(|(name, ..)| name != "_stack.0.bias");
    });
    let extra = weights(|tensors| {
        tensors.push(("_stack.4.weight".into(), vec![2], Dtype::F32, zeros(&[2])));
    });
    let transposed = weights(|tensors| tensors[0].1 = vec![3, 2]);
    let two_dimensions = weights(|tensors| tensors[1].1 = vec![1, 2]);
    let longer = weights(|tensors| {
        tensors[3] = ("_stack.2.bias".into(), vec![2], Dtype::F32, zeros(&[2]));
    });
    let halves = weights(|tensors| {
        tensors[0].2 = Dtype::F16;
        tensors[0].3.truncate(12);
    });
    let not_finite = weights(|tensors| tensors[2].3[..4].copy_from_slice(&f32::NAN.to_le_bytes()));
    for (bytes, words) in [
        (missing, "lacks _stack.0.bias"),
        (extra, "\"_stack.4.weight\", which this head does not have"),
        (
            transposed,
            "_stack.0.weight in the shape [3, 2], but it should be [2, 3]",
        ),
        (
            two_dimensions,
            "_stack.0.bias in the shape [1, 2], but it should be [2]",
        ),
        (
            longer,
            "_stack.2.bias in the shape [2], but it should be [1]",
        ),
        (halves, "_stack.0.weight in numbers of F16"),
        (not_finite, "value in _stack.2.weight that is not a finite"),
    ] {
        let said = with(WEIGHTS, &bytes);
        assert!(said.contains(words) && said.contains(WEIGHTS), "{said}");
    }
    // The file is refused for these changes only.
    let (store, head) = saved(&stack());
    let path = Path::new("head").join(WEIGHTS);
    store.write_atomic(&path, &weights(|_| {})).unwrap();
    assert_eq!(load(&store).unwrap().config, head.config);
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_words() {
    for (bytes, words) in [
        (&b""[..], "does not describe a head"),
        (b"{}", "does not describe a head"),
        (
            b"{\"kind\":\"gated\"}",
            "does not describe a head (missing field `dim`",
        ),
        (b"{\"kind\":\"gated\",\"dim\":0}", "length is 0"),
        (b"{\"kind\":\"gated\",\"dim\":3}", "lacks gates"),
        (
            b"{\"kind\":\"skip_connection\",\"dim\":3,\"layers\":18446744073709551615}",
            "number of layers",
        ),
    ] {
        let said = with(CONFIG, bytes);
        assert!(said.contains(words), "{said}");
    }
    // Deeper than any head; the reader must not run out of stack.
    let deep = r#"{"kind":"dropout","rate":0,"head":"#.repeat(20_000);
    assert!(with(CONFIG, deep.as_bytes()).contains("does not describe a head"));
    let long = vec![b' '; CONFIG_LIMIT as usize + 1];
    assert!(with(CONFIG, &long).contains("at most 1 MB are read"));
}

/// However a file is cut or a byte of it changed: refused, or a whole head; never a panic.
#[test]
fn damaged_files_are_refused_or_whole() {
    let (whole, head) = saved(&stack());
    for file in [CONFIG, WEIGHTS] {
        let path = Path::new("head").join(file);
        let bytes = whole.read(&path, 1 << 20).unwrap();
        for cut in 0..bytes.len() {
            let store = whole.snapshot();
            store.write_atomic(&path, &bytes[..cut]).unwrap();
            let said = load(&store).unwrap_err().to_string();
            assert!(said.contains(file), "{file} cut at {cut}: {said}");
        }
        let mut refused = 0;
        for place in 0..bytes.len() {
            for bit in [0, 6] {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << bit;
                let store = whole.snapshot();
                store.write_atomic(&path, &changed).unwrap();
                match load(&store) {
                    Err(error) => {
                        assert!(!error.to_string().is_empty());
                        refused += 1;
                    }
                    Ok(found) => {
                        let checked = found.config.check_weights::<ShapeError>(&found.weights);
                        assert_eq!(checked, Ok(()));
                        assert!(found.weights.iter().all(|weight| weight.value.is_finite()));
                    }
                }
            }
        }
        assert!(refused > 50, "{file}: {refused}");
        let store = whole.snapshot();
        store.remove(&path).unwrap();
        let error = load(&store).unwrap_err();
        assert!(matches!(error, SavedHeadError::Store(_)));
        assert!(error.to_string().contains(file), "{error}");
    }
    assert_eq!(load(&whole).unwrap(), head);
}

#[test]
fn what_cannot_be_loaded_is_not_saved() {
    let store = MemStore::new();
    let save = |config: HeadConfig, weights: Weights| {
        let head = SavedHead { config, weights };
        let error = head.save(&store, "head".as_ref()).unwrap_err();
        assert!(!store.exists("head".as_ref()).unwrap());
        assert!(error.to_string().contains("cannot be saved"), "{error}");
        error
    };
    let gated = HeadConfig::Gated { dim: 2 };
    let error = save(HeadConfig::Gated { dim: 0 }, vec![]);
    assert!(matches!(error, SavedHeadError::Head(HeadError::Config(_))));
    let error = save(gated.clone(), vec![]);
    assert!(matches!(
        error,
        SavedHeadError::Head(HeadError::Missing { .. })
    ));
    let mut weights = gated.init(0);
    weights[0].value = Matrix::from_fn(1, 2, |_, _| f32::INFINITY);
    let error = save(gated.clone(), weights);
    assert!(matches!(&error, SavedHeadError::NotFinite { name } if name == "gates"));
    let mut weights = gated.init(0);
    weights.extend(stack().init(0));
    let error = save(gated, weights);
    assert!(matches!(
        error,
        SavedHeadError::Head(HeadError::Unknown { .. })
    ));
}

/// Whatever step of saving fails, there is the former head or the new one, whole.
#[test]
fn a_failed_save_leaves_the_former_head() {
    let (before, former) = saved(&HeadConfig::Gated { dim: 2 });
    let (_, new) = saved(&stack());
    let mut failed = 0;
    for fault in [Fault::Full, Fault::Crash] {
        for n in 1.. {
            let store = FaultStore::new(before.snapshot());
            store.fail_step(n, fault);
            let written = new.save(&store, "head".as_ref());
            let fired = store.fired();
            store.heal();
            if !fired {
                written.unwrap();
                assert_eq!(load(&store).unwrap(), new);
                break;
            }
            store.sweep(Path::new("")).unwrap();
            let found = load(&store).unwrap();
            assert!(found == new || (found == former && written.is_err()));
            failed += 1;
        }
    }
    assert!(failed > 10);
}

#[test]
fn save_keeps_files_of_others_and_refuses_their_folders() {
    let (store, head) = saved(&HeadConfig::Gated { dim: 2 });
    let notes = Path::new("head/notes.txt");
    store.write_atomic(notes, b"mine").unwrap();
    head.save(&store, "head".as_ref()).unwrap();
    assert_eq!(store.read(notes, 9).unwrap(), b"mine");
    store.remove(Path::new("head/weights.safetensors")).unwrap();
    let before = store.files();
    let error = head.save(&store, "head".as_ref()).unwrap_err();
    assert!(error.to_string().contains("empty folder"), "{error}");
    assert_eq!(store.files(), before);
}
