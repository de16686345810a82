//! Pieces of text on a PDF page, joined to lines.

use super::fonts::{Font, resolve, to_number};
use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, ObjectId};
use std::collections::HashMap;

/// Nesting of forms within a page, and of saved states.
const MAX_FORMS: usize = 6;
const MAX_STATES: usize = 256;

/// Line of text.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) x: f32,
    pub(super) y: f32,
    /// Right end.
    pub(super) end: f32,
    pub(super) size: f32,
    /// Number of bold letters.
    pub(super) bold: usize,
}

impl Line {
    pub(super) fn letters(&self) -> usize {
        self.text.chars().filter(|c| c.is_alphanumeric()).count()
    }

    pub(super) fn is_bold(&self) -> bool {
        self.bold * 10 >= self.letters() * 9 && self.bold > 0
    }
}

type Matrix = [f32; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// Matrix that applies `a`, then `b`.
fn multiply(a: Matrix, b: Matrix) -> Matrix {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    ]
}

/// Part of the graphics state that places text.
#[derive(Clone)]
struct State {
    matrix: Matrix,
    font: Vec<u8>,
    size: f32,
    leading: f32,
    char_space: f32,
    word_space: f32,
    scale: f32,
}

struct Reader<'d, 'b> {
    document: &'d Document,
    lines: Vec<Line>,
    budget: &'b mut usize,
}

/// Reads the lines of a page, in the order of its content. `budget` is the number of bytes that may
/// still be unpacked.
pub(super) fn read_lines(document: &Document, page: ObjectId, budget: &mut usize) -> Vec<Line> {
    let Ok(content) = document.get_page_content_with_limit(page, *budget) else {
        return Vec::new();
    };
    *budget = budget.saturating_sub(content.len());
    let fonts = document.get_page_fonts(page).unwrap_or_default();
    let fonts = fonts
        .into_iter()
        .map(|(name, font)| (name, Font::new(document, font)))
        .collect();
    let mut forms = HashMap::new();
    if let Ok((direct, ids)) = document.get_page_resources(page) {
        let others = ids
            .iter()
            .filter_map(|id| document.get_dictionary(*id).ok());
        for resources in direct.into_iter().chain(others) {
            collect_forms(document, resources, &mut forms);
        }
    }
    let mut reader = Reader {
        document,
        lines: Vec::new(),
        budget,
    };
    reader.read(&content, &fonts, &forms, IDENTITY, 0);
    reader.lines.retain(|line| !line.text.trim().is_empty());
    reader.lines
}

fn collect_forms(
    document: &Document,
    resources: &Dictionary,
    forms: &mut HashMap<Vec<u8>, ObjectId>,
) {
    if let Ok(objects) = resources
        .get_deref(b"XObject", document)
        .and_then(Object::as_dict)
    {
        for (name, object) in objects {
            if let Ok(id) = object.as_reference() {
                forms.entry(name.clone()).or_insert(id);
            }
        }
    }
}

impl<'d> Reader<'d, '_> {
    fn read(
        &mut self,
        content: &[u8],
        fonts: &HashMap<Vec<u8>, Font<'d>>,
        forms: &HashMap<Vec<u8>, ObjectId>,
        matrix: Matrix,
        depth: usize,
    ) {
        let Ok(content) = Content::decode(content) else {
            return;
        };
        let mut state = State {
            matrix,
            font: Vec::new(),
            size: 0.0,
            leading: 0.0,
            char_space: 0.0,
            word_space: 0.0,
            scale: 1.0,
        };
        let mut saved: Vec<State> = Vec::new();
        let (mut text, mut line) = (IDENTITY, IDENTITY);
        for Operation { operator, operands } in &content.operations {
            let number = |index: usize| operands.get(index).and_then(to_number).unwrap_or(0.0);
            let read_matrix = || [0, 1, 2, 3, 4, 5].map(&number);
            match operator.as_str() {
                "q" if saved.len() < MAX_STATES => saved.push(state.clone()),
                "Q" => state = saved.pop().unwrap_or(state),
                "cm" => state.matrix = multiply(read_matrix(), state.matrix),
                "BT" => (text, line) = (IDENTITY, IDENTITY),
                "Tf" => {
                    if let Some(name) = operands.first().and_then(|name| name.as_name().ok()) {
                        state.font = name.to_vec();
                    }
                    state.size = number(1);
                }
                "TL" => state.leading = number(0),
                "Tc" => state.char_space = number(0),
                "Tw" => state.word_space = number(0),
                "Tz" => state.scale = number(0) / 100.0,
                "Tm" => {
                    line = read_matrix();
                    text = line;
                }
                "Td" | "TD" => {
                    if operator == "TD" {
                        state.leading = -number(1);
                    }
                    line = multiply([1.0, 0.0, 0.0, 1.0, number(0), number(1)], line);
                    text = line;
                }
                "T*" | "'" | "\"" => {
                    line = multiply([1.0, 0.0, 0.0, 1.0, 0.0, -state.leading], line);
                    text = line;
                    if let Some(Object::String(bytes, _)) = operands.last() {
                        self.show(bytes, &state, fonts, &mut text);
                    }
                }
                "Tj" => {
                    if let Some(Object::String(bytes, _)) = operands.first() {
                        self.show(bytes, &state, fonts, &mut text);
                    }
                }
                "TJ" => {
                    let list = operands.first().and_then(|list| list.as_array().ok());
                    for item in list.into_iter().flatten() {
                        match item {
                            Object::String(bytes, _) => self.show(bytes, &state, fonts, &mut text),
                            item => {
                                let shift = to_number(item).unwrap_or(0.0) / -1000.0;
                                let shift = shift * state.size * state.scale;
                                text = multiply([1.0, 0.0, 0.0, 1.0, shift, 0.0], text);
                            }
                        }
                    }
                }
                "Do" if depth < MAX_FORMS => {
                    let name = operands.first().and_then(|name| name.as_name().ok());
                    if let Some(id) = name.and_then(|name| forms.get(name)) {
                        self.read_form(*id, state.matrix, depth);
                    }
                }
                _ => {}
            }
        }
    }

    /// Reads a form, a piece of content that a page uses.
    fn read_form(&mut self, id: ObjectId, matrix: Matrix, depth: usize) {
        let document = self.document;
        let Ok(form) = document.get_object(id).and_then(Object::as_stream) else {
            return;
        };
        if form.dict.get(b"Subtype").and_then(Object::as_name).ok() != Some(b"Form") {
            return;
        }
        let Ok(content) = form.get_plain_content_with_limit(*self.budget) else {
            return;
        };
        *self.budget = self.budget.saturating_sub(content.len());
        let mut fonts = HashMap::new();
        let mut forms = HashMap::new();
        if let Ok(resources) = form
            .dict
            .get_deref(b"Resources", document)
            .and_then(Object::as_dict)
        {
            collect_forms(document, resources, &mut forms);
            if let Ok(list) = resources
                .get_deref(b"Font", document)
                .and_then(Object::as_dict)
            {
                for (name, font) in list {
                    if let Ok(font) = resolve(document, font).as_dict() {
                        fonts.insert(name.clone(), Font::new(document, font));
                    }
                }
            }
        }
        let own = form
            .dict
            .get_deref(b"Matrix", document)
            .and_then(Object::as_array);
        let own = own.map_or(IDENTITY, |own| {
            [0, 1, 2, 3, 4, 5].map(|i| own.get(i).and_then(to_number).unwrap_or(0.0))
        });
        self.read(&content, &fonts, &forms, multiply(own, matrix), depth + 1);
    }

    /// Adds a piece of text at the text matrix, and moves the matrix behind it.
    fn show(
        &mut self,
        bytes: &[u8],
        state: &State,
        fonts: &HashMap<Vec<u8>, Font<'d>>,
        text: &mut Matrix,
    ) {
        let Some(font) = fonts.get(&state.font) else {
            return;
        };
        let piece = font.decode(bytes);
        let (width, count) = font.measure(bytes);
        let spaces = bytes.iter().filter(|byte| **byte == b' ').count();
        let advance = (width * state.size
            + state.char_space * count as f32
            + state.word_space * spaces as f32)
            * state.scale;
        let place = multiply(*text, state.matrix);
        let (x, y) = (place[4], place[5]);
        let size = state.size.abs() * place[2].hypot(place[3]);
        *text = multiply([1.0, 0.0, 0.0, 1.0, advance, 0.0], *text);
        let end = multiply(*text, state.matrix)[4];
        let is_sane = [x, y, size, end].iter().all(|number| number.is_finite());
        if piece.is_empty() || !is_sane {
            return;
        }
        let letters = piece.chars().filter(|c| c.is_alphanumeric()).count();
        let bold = if font.bold { letters } else { 0 };
        if let Some(last) = self.lines.last_mut()
            && (last.y - y).abs() < 0.35 * size.max(last.size)
            && x > last.x - size
            && x - last.end < 20.0 * size
        {
            let has_gap = x - last.end > 0.18 * size;
            if has_gap && !last.text.ends_with(' ') && !piece.starts_with(' ') {
                last.text.push(' ');
            }
            last.text.push_str(&piece);
            last.end = last.end.max(end);
            last.bold += bold;
            last.size = last.size.max(size);
            return;
        }
        self.lines.push(Line {
            text: piece,
            x,
            y,
            end,
            size,
            bold,
        });
    }
}
