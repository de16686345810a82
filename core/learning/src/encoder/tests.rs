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

/// Encodes a text as (length, factor) and counts the encoded texts.
#[derive(Debug)]
pub(crate) struct Counting {
    pub factor: Matrix,
    pub trainable: bool,
    pub encoded: Cell<usize>,
}

impl Counting {
    pub(crate) fn new(factor: f32, trainable: bool) -> Self {
        Self {
            factor: Matrix::new(1, 1, alloc::vec![factor]).unwrap(),
            trainable,
            encoded: Cell::new(0),
        }
    }
}

/// Error for the text "bad".
#[derive(Debug, PartialEq)]
pub(crate) struct Rejected(String);

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't encode {:?}", self.0)
    }
}

impl core::error::Error for Rejected {}

impl Encoder<Matrix> for Counting {
    type Input = str;
    type Error = Rejected;

    fn dim(&self) -> usize {
        2
    }

    fn trainable(&self) -> bool {
        self.trainable
    }

    fn encode(&self, batch: &[&str]) -> Result<Matrix, Rejected> {
        self.encoded.set(self.encoded.get() + batch.len());
        if let Some(text) = batch.iter().find(|text| **text == "bad") {
            return Err(Rejected((*text).into()));
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
fn concatenated_orders_parts_by_name_and_lists_trainable_parameters() {
    let pages = Concatenated::new("title", Counting::new(7.0, true), title)
        .and("body", Counting::new(8.0, false), body)
        .unwrap();
    let names: Vec<&str> = pages.names().collect();
    assert_eq!((names, pages.dim()), (alloc::vec!["body", "title"], 4));
    let (one, two) = (page("", "abc", "d"), page("", "", "efgh"));
    let vectors = pages.encode(&[&one, &two]).unwrap();
    assert_eq!(vectors.data(), [1.0, 8.0, 3.0, 7.0, 4.0, 8.0, 0.0, 7.0]);
    // Only the trainable part has parameters.
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
fn concatenated_error_names_part() {
    let pages = Concatenated::new("title", Counting::new(7.0, false), title)
        .and("body", Counting::new(8.0, false), body)
        .unwrap();
    let error = pages.encode(&[&page("", "fine", "bad")]).unwrap_err();
    assert_eq!(alloc::format!("{error}"), "body: can't encode \"bad\"");
    assert!(!pages.trainable());
}

#[test]
fn switch_encodes_each_record_with_its_encoder_in_row_order() {
    let (left, right) = (Counting::new(1.0, false), Counting::new(2.0, true));
    let pages = Switch::new(kind, "left", &left, title)
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
    assert_eq!((left.encoded.get(), right.encoded.get()), (2, 3));
    assert!(pages.trainable());
    assert_eq!(pages.parameters()[0].0, "right.factor");
    // Records of a single encoder, and an empty batch.
    assert_eq!(pages.encode(&batch[1..2]).unwrap().data(), [3.0, 1.0]);
    assert_eq!(pages.encode(&[]).unwrap().dims(), (0, 2));
}

#[test]
fn switch_error_names_unknown_encoder() {
    let pages = Switch::new(kind, "left", Counting::new(1.0, false), title)
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
fn switch_rejects_encoders_of_different_length() {
    let wide = Concatenated::new("a", Counting::new(1.0, false), |text: &str| text)
        .and("b", Counting::new(1.0, false), |text: &str| text)
        .unwrap();
    let texts = Switch::new(
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

fn policies(store: &MemoryStore) -> [CachePolicy<'_, Matrix>; 3] {
    let like = Matrix::new(1, 1, alloc::vec![0.0]).unwrap();
    let store = Box::new(store);
    [
        CachePolicy::Memory,
        CachePolicy::Auto,
        CachePolicy::Disk { store, like },
    ]
}

/// In-memory vector store that records its contents.
#[derive(Default)]
struct MemoryStore {
    kept: RefCell<Vec<(Vec<u8>, Vec<f32>)>>,
    looked: Cell<usize>,
}

impl VectorStore for &MemoryStore {
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
fn cached_encodes_each_text_once_under_every_policy() {
    let store = MemoryStore::default();
    for policy in policies(&store) {
        let encoder = Counting::new(5.0, false);
        let what = alloc::format!("{policy:?}");
        let cached = Cached::text(&encoder, policy).unwrap();
        let batch = ["a", "bbb", "a", "cc"];
        let expected = encoder.encode(&batch).unwrap();
        encoder.encoded.set(0);
        assert_eq!(cached.encode(&batch).unwrap(), expected, "{what}");
        assert_eq!(
            (encoder.encoded.get(), cached.cached_count()),
            (3, 3),
            "{what}"
        );
        let other = ["dddd", "cc", "bbb", "eeeee", "cc"];
        let found = cached.encode(&other).unwrap();
        assert_eq!(
            found.data(),
            [4., 5., 2., 5., 3., 5., 5., 5., 2., 5.],
            "{what}"
        );
        assert_eq!(
            (encoder.encoded.get(), cached.cached_count()),
            (5, 5),
            "{what}"
        );
        cached.encode(&other).unwrap();
        assert_eq!(encoder.encoded.get(), 5, "{what}");
        // A failed batch is reported and not cached.
        let error = cached.encode(&["bad", "ffffff"]).unwrap_err();
        assert!(matches!(error, CachedError::Encoder(Rejected(_))), "{what}");
        assert_eq!(cached.cached_count(), 5, "{what}");
        cached.encode(&["ffffff"]).unwrap();
        assert_eq!(
            (encoder.encoded.get(), cached.cached_count()),
            (8, 6),
            "{what}"
        );
    }
}

#[test]
fn fill_leaves_nothing_to_encode() {
    let store = MemoryStore::default();
    let texts: Vec<String> = (0..50).map(|i| "x".repeat(i)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for policy in policies(&store) {
        let encoder = Counting::new(5.0, false);
        let cached = Cached::text(&encoder, policy).unwrap();
        cached.fill(&texts, 8).unwrap();
        assert_eq!(encoder.encoded.get(), 50);
        for batch in texts.chunks(7) {
            cached.encode(batch).unwrap();
        }
        assert_eq!(encoder.encoded.get(), 50);
    }
    assert_eq!(store.looked.get(), 1);
    // The next run finds all vectors in the store and encodes nothing.
    let [_, _, disk] = policies(&store);
    let encoder = Counting::new(5.0, false);
    let cached = Cached::text(&encoder, disk).unwrap();
    cached.fill(&texts, 8).unwrap();
    assert_eq!(cached.encode(&[texts[3]]).unwrap().data(), [3.0, 5.0]);
    assert_eq!(encoder.encoded.get(), 0);
}

#[test]
fn cached_encodes_edited_text_again() {
    // Quaterion's keys are row numbers; it would return the vector of the first text.
    let encoder = Counting::new(5.0, false);
    let cached = Cached::text(&encoder, CachePolicy::Auto).unwrap();
    assert_eq!(cached.encode(&["old"]).unwrap().data(), [3.0, 5.0]);
    assert_eq!(cached.encode(&["newer"]).unwrap().data(), [5.0, 5.0]);
}

#[test]
fn policy_none_caches_nothing() {
    let encoder = Counting::new(5.0, false);
    let cached = Cached::text(&encoder, CachePolicy::None).unwrap();
    cached.fill(&["a"], 8).unwrap();
    cached.encode(&["a", "a"]).unwrap();
    cached.encode(&["a"]).unwrap();
    assert_eq!((encoder.encoded.get(), cached.cached_count()), (3, 0));
}

#[test]
fn cached_rejects_trainable_encoder_unless_frozen() {
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
fn cached_records_use_full_content_as_key() {
    let titles = Concatenated::new("title", Counting::new(1.0, false), title);
    let key = |page: &Page| -> Vec<u8> { page.title.as_bytes().to_vec() };
    let cached = Cached::new(&titles, CachePolicy::Auto, move |page: &Page| {
        Cow::Owned(key(page))
    })
    .unwrap();
    let batch = [page("", "a", "one"), page("", "a", "two")];
    let found = cached.encode(&[&batch[0], &batch[1]]).unwrap();
    assert_eq!((found.rows(), cached.cached_count()), (2, 1));
}

#[test]
fn similarity_model_applies_head_to_encoder() {
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
