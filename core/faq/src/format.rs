//! Names of the formats.

use serde::{Deserialize, Serialize};

/// Format of an FAQ file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileFormat {
    /// One JSON object per line (JSONL).
    #[default]
    #[serde(rename = "lines")]
    JsonLines,
    /// A JSON list of objects.
    #[serde(rename = "list")]
    JsonList,
    /// JSON objects one after another, spanning several lines each.
    #[serde(rename = "spread")]
    JsonObjects,
    /// JSON whose questions and answers stand deeper: wrapped, nested, or as maps.
    NestedJson,
    /// A table.
    Table {
        /// Character between the cells of a row.
        delimiter: char,
    },
    /// A text that marks questions and answers with labels such as `Q:` and `A:`.
    #[serde(rename = "text")]
    LabelledText,
    /// A text whose headings are the questions.
    Markdown,
    /// A workbook: XLSX, XLSM, XLSB, XLS or ODS.
    Workbook,
    /// A web page.
    Html,
    /// A Word document (DOCX).
    Word,
    /// An OpenDocument text (ODT).
    OpenDocumentText,
    /// Rich text (RTF).
    RichText,
    /// A PDF document with a text layer.
    Pdf,
    /// A zip archive of FAQ files.
    Archive,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// XML.
    Xml,
    /// A JavaScript or TypeScript module of data.
    Script,
    /// reStructuredText.
    #[serde(rename = "rst")]
    ReStructuredText,
    /// AsciiDoc.
    AsciiDoc,
    /// MediaWiki text.
    MediaWiki,
    /// An Emacs Org file.
    Org,
    /// Flash cards exported as text (Anki, Quizlet).
    FlashCards,
    /// A list of numbered, alternating or separated questions and answers in plain text.
    PlainText,
}

/// Endings of the names of files that can be read, in lower case and without a dot.
pub const FILE_EXTENSIONS: &[&str] = &[
    "csv",
    "tsv",
    "tab",
    "xlsx",
    "xlsm",
    "xlsb",
    "xls",
    "ods",
    "docx",
    "odt",
    "rtf",
    "pdf",
    "html",
    "htm",
    "xhtml",
    "jsonl",
    "ndjson",
    "json",
    "jsonld",
    "yaml",
    "yml",
    "toml",
    "xml",
    "opml",
    "js",
    "ts",
    "mjs",
    "qna",
    "txt",
    "md",
    "mdx",
    "markdown",
    "rst",
    "adoc",
    "asciidoc",
    "org",
    "wiki",
    "mediawiki",
    "gift",
    "zip",
];

impl FileFormat {
    /// Name for people, in lower case unless it is a proper name: "web page", "PDF document".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "JSON, one object per line",
            Self::JsonList => "JSON list",
            Self::JsonObjects => "JSON objects",
            Self::NestedJson => "JSON",
            Self::Table { delimiter } => match delimiter {
                ',' => "table separated by commas",
                ';' => "table separated by semicolons",
                '\t' => "table separated by tabs",
                '|' => "table separated by vertical bars",
                _ => "table",
            },
            Self::LabelledText => "text with questions and answers",
            Self::Markdown => "text with questions as headings",
            Self::Workbook => "spreadsheet",
            Self::Html => "web page",
            Self::Word => "Word document",
            Self::OpenDocumentText => "OpenDocument text",
            Self::RichText => "RTF document",
            Self::Pdf => "PDF document",
            Self::Archive => "zip archive",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Xml => "XML",
            Self::Script => "JavaScript data",
            Self::ReStructuredText => "reStructuredText",
            Self::AsciiDoc => "AsciiDoc",
            Self::MediaWiki => "MediaWiki text",
            Self::Org => "Org text",
            Self::FlashCards => "flash cards",
            Self::PlainText => "plain text",
        }
    }

    /// Whether the file is a text without columns.
    pub(crate) fn is_marked_text(self) -> bool {
        matches!(
            self,
            Self::LabelledText
                | Self::Markdown
                | Self::ReStructuredText
                | Self::AsciiDoc
                | Self::MediaWiki
                | Self::Org
                | Self::FlashCards
                | Self::PlainText
        )
    }

    /// Whether the file is one JSON value or several.
    pub(crate) fn is_json(self) -> bool {
        matches!(
            self,
            Self::JsonLines | Self::JsonList | Self::JsonObjects | Self::NestedJson
        )
    }
}
