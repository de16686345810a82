use super::*;
use crate::{
    head::HeadConfig,
    matrix::{Matrix, ShapeError},
};
use alloc::{borrow::Cow, string::String, vec::Vec};
use core::{
    cell::{Cell, RefCell},
    fmt,
};

/// Encodes a text as (its length, a factor) and counts what it is asked.
#[derive(Debug)]
pub(crate) struct Counting {
    pub factor: Matrix,
    pub trainable: bool,
    pub asked: Cell<usize>,
}

impl Counting {
    pub(crate) fn new(factor: f32, trainable: bool) -> Self {
        Self {
            factor: Matrix::new(1, 1, alloc::vec![factor]).unwrap(),
            trainable,
            asked: Cell::new(0),
        }
    }
}

/// A text it refuses.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "will not read {:?}", self.0)
    }
}

impl core::error::Error for Refused {}

impl Encoder<Matrix> for Counting {
    type Input = str;
    type Error = Refused;

    fn dim(&self) -> usize {
        2
    }

    fn trainable(&self) -> bool {
        self.trainable
    }

    fn encode(&self, batch: &[&str]) -> Result<Matrix, Refused> {
        self.asked.set(self.asked.get() + batch.len());
        if let Some(text) = batch.iter().find(|text| **text == "bad") {
            return Err(Refused((*text).into()));
        }
        let data = batch
            .iter()
            .flat_map(|text| [text.len() as f32, self.factor.data()[0]]);
        Ok(Matrix::new(batch.len(), 2, data.collect()).unwrap())
    }

    fn parameters(&self) -> Vec<(&str, &Matrix)> {
        alloc::vec![("factor", &self.factor)]
    }
}

struct Page {
    kind: &'static str,
    title: String,
    body: String,
}

fn page(kind: &'static str, title: &str, body: &str) -> Page {
    Page {
        kind,
        title: title.into(),
        body: body.into(),
    }
}

fn title(page: &Page) -> &str {
    &page.title
}

fn body(page: &Page) -> &str {
    &page.body
}

fn kind(page: &Page) -> &str {
    page.kind
}

#[test]
fn parts_come_in_order_of_their_names_and_learn_for_themselves() {
    let pages = Concatenated::of("title", Counting::new(7.0, true), title)
        .and("body", Counting::new(8.0, false), body)
        .unwrap();
    let names: Vec<&str> = pages.names().collect();
    assert_eq!((names, pages.dim()), (alloc::vec!["body", "title"], 4));
    let (one, two) = (page("", "abc", "d"), page("", "", "efgh"));
    let vectors = pages.encode(&[&one, &two]).unwrap();
    assert_eq!(vectors.data(), [1.0, 8.0, 3.0, 7.0, 4.0, 8.0, 0.0, 7.0]);
    // The frozen part has nothing to learn.
    assert!(pages.trainable());
    let parameters = pages.parameters();
    assert_eq!(parameters.len(), 1);
    assert_eq!(parameters[0].0, "title.factor");
    assert_eq!(parameters[0].1.data(), [7.0]);

    let again = pages.and("title", Counting::new(1.0, false), title);
    let expected = ComposeError::Repeated {
        name: "title".into(),
    };
    assert_eq!(again.err(), Some(expected));
}

#[test]
fn an_error_names_its_part() {
    let pages = Concatenated::of("title", Counting::new(7.0, false), title)
        .and("body", Counting::new(8.0, false), body)
        .unwrap();
    let error = pages.encode(&[&page("", "fine", "bad")]).unwrap_err();
    assert_eq!(alloc::format!("{error}"), "body: will not read \"bad\"");
    assert!(!pages.trainable());
}

#[test]
fn each_record_goes_to_its_encoder_and_rows_keep_their_order() {
    let (left, right) = (Counting::new(1.0, false), Counting::new(2.0, true));
    let pages = Switch::by(kind, "left", &left, title)
        .and("right", &right, body)
        .unwrap();
    let batch = [
        page("right", "a", "bb"),
        page("left", "ccc", "d"),
        page("right", "e", "ffff"),
        page("left", "ggggg", "h"),
        page("right", "i", "jjjjjj"),
    ];
    let batch: Vec<&Page> = batch.iter().collect();
    let vectors = pages.encode(&batch).unwrap();
    assert_eq!(
        vectors.data(),
        [2.0, 2.0, 3.0, 1.0, 4.0, 2.0, 5.0, 1.0, 6.0, 2.0]
    );
    assert_eq!((left.asked.get(), right.asked.get()), (2, 3));
    assert!(pages.trainable());
    assert_eq!(pages.parameters()[0].0, "right.factor");
    // One kind only, and nothing at all.
    assert_eq!(pages.encode(&batch[1..2]).unwrap().data(), [3.0, 1.0]);
    assert_eq!(pages.encode(&[]).unwrap().dims(), (0, 2));
}

#[test]
fn an_encoder_that_there_is_not_is_named() {
    let pages = Switch::by(kind, "left", Counting::new(1.0, false), title)
        .and("right", Counting::new(1.0, false), body)
        .unwrap();
    let error = pages.encode(&[&page("up", "a", "b")]).unwrap_err();
    assert!(matches!(&error, CompositeError::Unknown { name, .. } if name == "up"));
    let text = alloc::format!("{error}");
    assert!(
        text.contains("\"up\"") && text.contains("left, right"),
        "{text}"
    );
}

#[test]
fn encoders_to_choose_from_have_one_length() {
    let wide = Concatenated::of("a", Counting::new(1.0, false), |text: &str| text)
        .and("b", Counting::new(1.0, false), |text: &str| text)
        .unwrap();
    let texts = Switch::by(
        |_: &str| "x",
        "x",
        Counting::new(1.0, false),
        |text: &str| text,
    );
    let (name, expected, found) = ("wide".into(), 2, 4);
    let error = ComposeError::Dim {
        name,
        expected,
        found,
    };
    assert_eq!(texts.and("wide", wide, |t: &str| t).err(), Some(error));
}

fn policies<'a>(store: &'a Remembering) -> [CachePolicy<'a, Matrix>; 3] {
    let like = Matrix::new(1, 1, alloc::vec![0.0]).unwrap();
    let store = Box::new(store);
    [
        CachePolicy::Memory,
        CachePolicy::Auto,
        CachePolicy::Disk { store, like },
    ]
}

/// A store of texts in memory.
#[derive(Default)]
struct Remembering {
    kept: RefCell<Vec<(Vec<u8>, Vec<f32>)>>,
    looked: Cell<usize>,
}

impl VectorStore for &Remembering {
    fn vectors(
        &self,
        contents: &[&[u8]],
        encode: &mut dyn FnMut(&[usize]) -> Result<Matrix, BoxError>,
    ) -> Result<Matrix, BoxError> {
        self.looked.set(self.looked.get() + 1);
        let find = |content: &[u8]| {
            let kept = self.kept.borrow();
            let found = kept.iter().find(|(key, _)| key == content);
            found.map(|(_, row)| row.clone())
        };
        let missing: Vec<usize> = (0..contents.len())
            .filter(|&i| find(contents[i]).is_none())
            .collect();
        if !missing.is_empty() {
            let fresh = encode(&missing)?;
            for (&i, row) in missing.iter().zip(fresh.iter_rows()) {
                let entry = (contents[i].to_vec(), row.to_vec());
                self.kept.borrow_mut().push(entry);
            }
        }
        let rows: Vec<Vec<f32>> = contents.iter().filter_map(|c| find(c)).collect();
        Ok(Matrix::from_rows(&rows)?)
    }
}

#[test]
fn each_text_is_encoded_once_whatever_keeps_it() {
    let store = Remembering::default();
    for policy in policies(&store) {
        let encoder = Counting::new(5.0, false);
        let what = alloc::format!("{policy:?}");
        let cached = Cached::text(&encoder, policy).unwrap();
        let batch = ["a", "bbb", "a", "cc"];
        let expected = encoder.encode(&batch).unwrap();
        encoder.asked.set(0);
        assert_eq!(cached.encode(&batch).unwrap(), expected, "{what}");
        assert_eq!((encoder.asked.get(), cached.held()), (3, 3), "{what}");
        let other = ["dddd", "cc", "bbb", "eeeee", "cc"];
        let found = cached.encode(&other).unwrap();
        assert_eq!(
            found.data(),
            [4., 5., 2., 5., 3., 5., 5., 5., 2., 5.],
            "{what}"
        );
        assert_eq!((encoder.asked.get(), cached.held()), (5, 5), "{what}");
        cached.encode(&other).unwrap();
        assert_eq!(encoder.asked.get(), 5, "{what}");
        // A failure is told, and keeps nothing.
        let error = cached.encode(&["bad", "ffffff"]).unwrap_err();
        assert!(matches!(error, CachedError::Encoder(Refused(_))), "{what}");
        assert_eq!(cached.held(), 5, "{what}");
        cached.encode(&["ffffff"]).unwrap();
        assert_eq!((encoder.asked.get(), cached.held()), (8, 6), "{what}");
    }
}

#[test]
fn filled_once_it_is_only_read() {
    let store = Remembering::default();
    let texts: Vec<String> = (0..50).map(|i| "x".repeat(i)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for policy in policies(&store) {
        let encoder = Counting::new(5.0, false);
        let cached = Cached::text(&encoder, policy).unwrap();
        cached.fill(&texts, 8).unwrap();
        assert_eq!(encoder.asked.get(), 50);
        for batch in texts.chunks(7) {
            cached.encode(batch).unwrap();
        }
        assert_eq!(encoder.asked.get(), 50);
    }
    assert_eq!(store.looked.get(), 1);
    // Another run finds everything in the store, and the encoder is never asked.
    let [_, _, disk] = policies(&store);
    let encoder = Counting::new(5.0, false);
    let cached = Cached::text(&encoder, disk).unwrap();
    cached.fill(&texts, 8).unwrap();
    assert_eq!(cached.encode(&[texts[3]]).unwrap().data(), [3.0, 5.0]);
    assert_eq!(encoder.asked.get(), 0);
}

#[test]
fn what_is_edited_is_encoded_again() {
    // Quaterion keys by row number and would give the first text's vector.
    let encoder = Counting::new(5.0, false);
    let cached = Cached::text(&encoder, CachePolicy::Auto).unwrap();
    assert_eq!(cached.encode(&["old"]).unwrap().data(), [3.0, 5.0]);
    assert_eq!(cached.encode(&["newer"]).unwrap().data(), [5.0, 5.0]);
}

#[test]
fn policy_none_encodes_each_time_and_keeps_nothing() {
    let encoder = Counting::new(5.0, false);
    let cached = Cached::text(&encoder, CachePolicy::None).unwrap();
    cached.fill(&["a"], 8).unwrap();
    cached.encode(&["a", "a"]).unwrap();
    cached.encode(&["a"]).unwrap();
    assert_eq!((encoder.asked.get(), cached.held()), (3, 0));
}

#[test]
fn a_trainable_encoder_is_not_cached_unless_frozen() {
    let encoder = Counting::new(5.0, true);
    assert_eq!(
        Cached::text(&encoder, CachePolicy::Auto).err(),
        Some(NotFrozen)
    );
    let frozen = Frozen(&encoder);
    assert!(frozen.parameters().is_empty());
    let cached = Cached::text(frozen, CachePolicy::Auto).unwrap();
    assert_eq!(cached.encode(&["ab"]).unwrap().data(), [2.0, 5.0]);
}

#[test]
fn records_are_kept_by_all_that_their_vector_depends_on() {
    let titles = Concatenated::of("title", Counting::new(1.0, false), title);
    let key = |page: &Page| -> Vec<u8> { page.title.as_bytes().to_vec() };
    let cached = Cached::new(&titles, CachePolicy::Auto, move |page: &Page| {
        Cow::Owned(key(page))
    })
    .unwrap();
    let batch = [page("", "a", "one"), page("", "a", "two")];
    let found = cached.encode(&[&batch[0], &batch[1]]).unwrap();
    assert_eq!((found.rows(), cached.held()), (2, 1));
}

#[test]
fn a_model_is_its_encoder_and_its_head() {
    let config = HeadConfig::SkipConnection {
        dim: 2,
        layers: 1,
        skip_dropout: 0.0,
    };
    let head = |config: &HeadConfig| {
        let place = |weight: &crate::head::Weight| Ok::<_, ShapeError>(weight.value.clone());
        config.build(&config.init(3), place).unwrap()
    };
    let encoder = Counting::new(5.0, true);
    let model = SimilarityModel::new(&encoder, head(&config)).unwrap();
    let names: Vec<&str> = model
        .parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let of_head = config.init(3).into_iter();
    let mut expected = alloc::vec![String::from("encoder.factor")];
    expected.extend(of_head.map(|weight| alloc::format!("head.{}", weight.name)));
    assert_eq!(names, expected);
    let texts = ["a", "bb", "ccc", "dddd", "eeeee"];
    let whole = model.encode(&texts).unwrap();
    assert_eq!(model.encode_all(&texts, 2).unwrap(), whole);
    assert_eq!(model.encode_all(&[], 2).unwrap().dims(), (0, 2));
    let plain = encoder.encode(&texts).unwrap();
    let expected = head(&config)
        .forward(&plain, crate::head::Mode::Eval)
        .unwrap();
    assert_eq!(whole, expected);
    assert!(SimilarityModel::new(&encoder, head(&HeadConfig::Empty { dim: 3 })).is_err());
    let fixed = SimilarityModel::new(Frozen(&encoder), head(&HeadConfig::Empty { dim: 2 }));
    assert!(!fixed.unwrap().trainable());
}
