//! Fonts of a PDF page: how codes become text, how wide they are, whether they are bold.

use lopdf::{Dictionary, Document, Encoding, Object};
use std::collections::HashMap;

/// Maximum size of an unpacked encoding, in bytes.
const MAX_ENCODING: usize = 8_000_000;

/// Width of a character in fonts that don't say, in thousandths of the font size.
const USUAL_WIDTH: f32 = 500.0;

/// Maximum number of widths of a font.
const MAX_WIDTHS: usize = 70_000;

/// Font of a page.
pub(super) struct Font<'d> {
    encoding: Option<Encoding<'d>>,
    /// Whether codes have two bytes.
    is_wide: bool,
    widths: HashMap<u32, f32>,
    default_width: f32,
    pub(super) bold: bool,
}

impl<'d> Font<'d> {
    pub(super) fn new(document: &'d Document, font: &'d Dictionary) -> Self {
        let name = font
            .get(b"BaseFont")
            .and_then(Object::as_name)
            .unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_lowercase();
        let is_wide = font
            .get(b"Subtype")
            .and_then(Object::as_name)
            .is_ok_and(|s| s == b"Type0");
        let descendant = font
            .get_deref(b"DescendantFonts", document)
            .and_then(Object::as_array)
            .ok()
            .and_then(|fonts| resolve(document, fonts.first()?).as_dict().ok());
        let inner = descendant.unwrap_or(font);
        let descriptor = inner
            .get_deref(b"FontDescriptor", document)
            .and_then(Object::as_dict)
            .ok();
        let number = |key: &[u8]| descriptor.and_then(|d| to_number(d.get(key).ok()?));
        let is_heavy = number(b"FontWeight").is_some_and(|weight| weight >= 600.0);
        let mut widths = HashMap::new();
        let mut default_width = USUAL_WIDTH;
        if is_wide {
            default_width = inner.get(b"DW").ok().and_then(to_number).unwrap_or(1000.0);
            if let Ok(list) = inner.get_deref(b"W", document).and_then(Object::as_array) {
                read_wide_widths(document, list, &mut widths);
            }
        } else if let Ok(list) = font
            .get_deref(b"Widths", document)
            .and_then(Object::as_array)
        {
            let first = font
                .get(b"FirstChar")
                .ok()
                .and_then(to_number)
                .unwrap_or(0.0) as u32;
            for (code, width) in (first..).zip(list.iter().take(MAX_WIDTHS)) {
                if let Some(width) = to_number(resolve(document, width)) {
                    widths.insert(code, width);
                }
            }
        }
        Self {
            encoding: font
                .get_font_encoding_with_limit(document, MAX_ENCODING)
                .ok(),
            is_wide,
            widths,
            default_width,
            bold: is_heavy
                || ["bold", "black", "heavy", "semibold"]
                    .iter()
                    .any(|w| name.contains(w)),
        }
    }

    /// Decodes codes to text.
    pub(super) fn decode(&self, bytes: &[u8]) -> String {
        let text = self
            .encoding
            .as_ref()
            .and_then(|e| Document::decode_text(e, bytes).ok());
        let text = text.unwrap_or_default();
        text.chars()
            .flat_map(expand)
            .filter(|c| !c.is_control())
            .collect()
    }

    /// Width of codes, in units of the font size, and their number.
    pub(super) fn measure(&self, bytes: &[u8]) -> (f32, usize) {
        let width = |code: u32| {
            self.widths
                .get(&code)
                .copied()
                .unwrap_or(self.default_width)
        };
        let (sum, count) = if self.is_wide {
            let (pairs, _) = bytes.as_chunks::<2>();
            let codes = pairs
                .iter()
                .map(|pair| u32::from(u16::from_be_bytes(*pair)));
            (codes.map(width).sum::<f32>(), pairs.len())
        } else {
            (
                bytes.iter().map(|code| width(u32::from(*code))).sum(),
                bytes.len(),
            )
        };
        (sum / 1000.0, count)
    }
}

/// Divides ligatures into letters.
fn expand(c: char) -> impl Iterator<Item = char> {
    let letters = match c {
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        '\u{a0}' => " ",
        '\u{ad}' => "-",
        _ => "",
    };
    let other = letters.is_empty().then_some(c);
    letters.chars().chain(other)
}

fn read_wide_widths(document: &Document, list: &[Object], widths: &mut HashMap<u32, f32>) {
    let mut items = list.iter().map(|item| resolve(document, item));
    while let (Some(first), Some(second)) = (items.next(), items.next()) {
        let Some(first) = to_number(first) else {
            return;
        };
        let first = first as u32;
        if let Ok(list) = second.as_array() {
            for (code, width) in (first..).zip(list) {
                if let Some(width) = to_number(width) {
                    widths.insert(code, width);
                }
            }
        } else if let (Some(last), Some(width)) =
            (to_number(second), items.next().and_then(to_number))
        {
            for code in (first..=last as u32).take(MAX_WIDTHS) {
                widths.insert(code, width);
            }
        }
        if widths.len() > MAX_WIDTHS {
            return;
        }
    }
}

pub(super) fn resolve<'d>(document: &'d Document, object: &'d Object) -> &'d Object {
    match object {
        Object::Reference(id) => document.get_object(*id).unwrap_or(object),
        object => object,
    }
}

pub(super) fn to_number(object: &Object) -> Option<f32> {
    match object {
        Object::Integer(number) => Some(*number as f32),
        Object::Real(number) => Some(*number),
        _ => None,
    }
}
