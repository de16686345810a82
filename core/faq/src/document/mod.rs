//! Documents: files read whole, into sections of records with their positions.
//!
//! To add a format, write a module with a function that takes the text (or the bytes) of a file
//! and returns a [`Document`], and list it in [`TEXT_FORMATS`] (or [`BINARY_FORMATS`]) with a
//! function that recognizes the format from the beginning of a file. Records flow through the same
//! stages as those of tables and JSON, so columns, issues, counts, limits and duplicates need no
//! code in the format.

#[cfg(feature = "archive")]
mod archive;
#[cfg(feature = "zip")]
mod container;
mod data;
#[cfg(feature = "office")]
mod opendocument;
#[cfg(feature = "workbook")]
mod opendocument_sheet;
mod outline;
#[cfg(feature = "zip")]
mod package;
#[cfg(feature = "pdf")]
mod pdf;
mod recognize;
mod rtf;
mod sheet;
mod text;
mod text_builder;
#[cfg(feature = "html")]
mod web_page;
#[cfg(feature = "office")]
mod word;
#[cfg(feature = "workbook")]
mod workbook;
#[cfg(feature = "quick-xml")]
mod xml;

pub(crate) use recognize::{Head, Recognized, find_format, recognize_bytes, recognize_text};

use crate::parse::table::Layout;
use crate::parse::{Record, Value};
use crate::{FileFormat, IssueKind, ReadError, ReadOptions};

/// Content of a file read whole.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// Format, which may become known only when the file is read: a zip archive may hold a
    /// workbook.
    pub(crate) format: FileFormat,
    /// Names and contents of the files in an archive, which are read instead of the sections.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Tables and lists of records, in the order of the file.
    pub(crate) sections: Vec<Section>,
    /// Number of lines, rows or paragraphs.
    pub(crate) lines: u64,
    /// Number of blank lines, if the records are lines.
    pub(crate) blank: u64,
    /// Number of lines with text that belongs to no record.
    pub(crate) unassigned: u64,
    /// Issues found while reading: position (0 for the whole file), kind and excerpt. An issue of
    /// severity [`LeftOut`](crate::Severity::LeftOut) counts as a record left out.
    pub(crate) issues: Vec<(u64, IssueKind, String)>,
}

/// Records of one table or list.
#[derive(Debug)]
pub(crate) struct Section {
    /// Names and values that each record gets unless it has a field of the same name.
    pub(crate) common: Vec<(String, String)>,
    pub(crate) records: Records,
}

/// Records of a section.
#[derive(Debug)]
pub(crate) enum Records {
    /// Rows of cells, whose names are in the layout. Blank rows, the header and rows above it are
    /// included.
    Cells(Layout, Vec<CellRow>),
    /// Records with named values.
    Fields(Vec<FieldRecord>),
}

/// Row of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellRow {
    /// Number of the row or line, counted from 1.
    pub(crate) position: u64,
    pub(crate) cells: Vec<String>,
}

/// Record with named values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldRecord {
    /// Number of the line, row or paragraph where the record begins, counted from 1.
    pub(crate) position: u64,
    pub(crate) fields: Vec<(String, FieldValue)>,
}

/// Value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldValue {
    Text(String),
    Texts(Vec<String>),
}

impl FieldValue {
    fn as_value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Texts(texts) => Value::Texts(texts),
        }
    }
}

impl FieldRecord {
    /// Creates a record of a question and an answer; a blank answer makes an issue of the record.
    pub(crate) fn pair(position: u64, question: String, answer: String) -> Self {
        Self {
            position,
            fields: vec![
                ("question".to_owned(), FieldValue::Text(question)),
                ("answer".to_owned(), FieldValue::Text(answer)),
            ],
        }
    }

    /// Adds a field, unless its text is blank.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, text: String) -> Self {
        if !crate::text::is_blank(&text) {
            self.fields.push((name.to_owned(), FieldValue::Text(text)));
        }
        self
    }

    /// All texts of the record, in order.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let values = self.fields.iter().map(|field| match &field.1 {
            FieldValue::Text(text) => std::slice::from_ref(text),
            FieldValue::Texts(texts) => texts,
        });
        values.flatten().map(String::as_str).collect()
    }

    /// Returns the fields as a record, completed by `common` ones.
    pub(crate) fn to_record<'a>(&'a self, common: &'a [(String, String)]) -> Record<'a> {
        let own = self.fields.iter();
        let mut record = Record {
            fields: own.map(|(n, v)| (n.clone(), v.as_value())).collect(),
            controls: 0,
        };
        add_common(&mut record, common);
        record
    }
}

/// Adds fields that a record lacks.
pub(crate) fn add_common<'a>(record: &mut Record<'a>, common: &'a [(String, String)]) {
    for (name, text) in common {
        if !record.fields.iter().any(|field| field.0 == *name) {
            record.fields.push((name.clone(), Value::Text(text)));
        }
    }
}

impl Section {
    /// Number of records, blank rows included.
    pub(crate) fn len(&self) -> usize {
        match &self.records {
            Records::Cells(_, rows) => rows.len(),
            Records::Fields(records) => records.len(),
        }
    }
}

impl Document {
    /// Fails if the document has no records.
    ///
    /// # Errors
    /// [`ReadError::NothingFound`], with advice on what is looked for.
    pub(crate) fn or_nothing_found(self, looked_for: &'static str) -> Result<Self, ReadError> {
        if self.sections.iter().all(|section| section.len() == 0) {
            let format = self.format;
            return Err(ReadError::NothingFound { format, looked_for });
        }
        Ok(self)
    }

    /// Creates a document of one list of records.
    pub(crate) fn of_records(format: FileFormat, records: Vec<FieldRecord>, lines: u64) -> Self {
        Self {
            format,
            sections: vec![Section {
                common: Vec::new(),
                records: Records::Fields(records),
            }],
            lines,
            ..Self::default()
        }
    }
}

/// Format recognized from decoded text.
#[derive(Debug)]
pub(crate) struct TextFormat {
    pub(crate) format: FileFormat,
    /// Whether a file that begins like this has the format.
    pub(crate) recognize: fn(&Head<'_>) -> bool,
    pub(crate) read: fn(&str, &ReadOptions) -> Result<Document, ReadError>,
}

/// Format recognized from bytes.
pub(crate) struct BinaryFormat {
    pub(crate) format: FileFormat,
    /// Whether a file that begins with these bytes has the format.
    pub(crate) recognize: fn(&[u8]) -> bool,
    pub(crate) read: fn(Vec<u8>, &ReadOptions) -> Result<Document, ReadError>,
}

/// Formats of text with notation of their own, in order of precedence.
pub(crate) const TEXT_FORMATS: &[TextFormat] = &[
    #[cfg(feature = "html")]
    web_page::FORMAT,
    #[cfg(feature = "xml")]
    data::XML,
    #[cfg(feature = "toml")]
    data::TOML,
    data::NESTED_JSON,
    data::SCRIPT,
    text::FLASH_CARDS,
    text::GIFT,
    text::BOT_FRAMEWORK,
    #[cfg(feature = "yaml")]
    data::YAML,
];

/// Formats of text that are looked for after tables with known names and texts with labels.
pub(crate) const STRUCTURED_FORMATS: &[TextFormat] = &[
    text::RST,
    text::ORG,
    text::ASCII_DOC,
    text::MEDIA_WIKI,
    text::MARKDOWN,
];

/// Formats of text that are looked for after tables with a title.
pub(crate) const LOOSE_FORMATS: &[TextFormat] = &[text::HEADINGS, text::CHAT, text::PLAIN];

/// Formats of bytes, in order of precedence.
pub(crate) const BINARY_FORMATS: &[BinaryFormat] = &[
    #[cfg(feature = "zip")]
    BinaryFormat {
        format: FileFormat::Archive,
        recognize: container::is_zip,
        read: container::read_zip,
    },
    #[cfg(feature = "pdf")]
    BinaryFormat {
        format: FileFormat::Pdf,
        recognize: pdf::recognize,
        read: pdf::read,
    },
    BinaryFormat {
        format: FileFormat::RichText,
        recognize: rtf::recognize,
        read: rtf::read,
    },
    #[cfg(feature = "zip")]
    BinaryFormat {
        format: FileFormat::Workbook,
        recognize: container::is_compound,
        read: container::read_compound,
    },
];
