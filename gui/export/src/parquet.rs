//! One Parquet file: a row a text, the vector as a list of f32.
//!
//! The crate without Arrow: its column writers are all that is needed, and Arrow would be most of it.

use super::{UserError, texts::Text};
use ::parquet::{
    data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type},
    errors::{ParquetError, Result},
    file::writer::{SerializedFileWriter, SerializedRowGroupWriter},
    schema::parser::parse_message_type,
};
use nearsay_store::{DiskStore, Store as _};
use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

/// Readers find vectors as the list that Arrow and Spark write.
const SCHEMA: &str = "
message faq {
    required binary id (STRING);
    required binary answer_id (STRING);
    required binary text (STRING);
    required binary answer (STRING);
    optional binary source (STRING);
    required int64 row;
    required group vector (LIST) {
        repeated group list {
            required float element;
        }
    }
}";

/// Texts that are written together: at 384 numbers a vector, some 25 MB.
const GROUP: usize = 16_384;

pub(super) fn write(texts: &[Text<'_>], file: &Path) -> std::result::Result<(), UserError> {
    Ok(DiskStore.write_stream(file, &mut |out| {
        write_groups(out, texts).map_err(|error| match error {
            // The disk's own error tells more than the crate's.
            ParquetError::External(error) => match error.downcast::<io::Error>() {
                Ok(error) => *error,
                Err(error) => io::Error::other(error),
            },
            error => io::Error::other(error),
        })
    })?)
}

fn write_groups(out: &mut (dyn Write + Send), texts: &[Text<'_>]) -> Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(out, schema, Arc::default())?;
    for texts in texts.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        strings(&mut group, texts, |text| text.id.to_string())?;
        strings(&mut group, texts, |text| text.answer_id.to_string())?;
        strings(&mut group, texts, |text| text.text.to_owned())?;
        strings(&mut group, texts, |text| text.answer.to_owned())?;
        let known: Vec<i16> = texts
            .iter()
            .map(|text| text.source.is_some().into())
            .collect();
        let sources = texts.iter().filter_map(|text| text.source);
        let sources: Vec<ByteArray> = sources.map(ByteArray::from).collect();
        column::<ByteArrayType>(&mut group, &sources, Some(&known), None)?;
        let rows: Vec<i64> = texts.iter().map(|text| text.row as i64).collect();
        column::<Int64Type>(&mut group, &rows, None, None)?;
        let numbers: Vec<f32> = texts.iter().flat_map(|text| text.vector).copied().collect();
        // A list begins where its number is not a repetition.
        let begins = texts
            .iter()
            .flat_map(|text| (0..text.vector.len()).map(|i| i16::from(i > 0)));
        let there = vec![1; numbers.len()];
        let begins: Vec<i16> = begins.collect();
        column::<FloatType>(&mut group, &numbers, Some(&there), Some(&begins))?;
        group.close()?;
    }
    writer.close().map(drop)
}

fn strings<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    texts: &[Text<'_>],
    of: impl Fn(&Text<'_>) -> String,
) -> Result<()> {
    let values: Vec<ByteArray> = texts
        .iter()
        .map(|text| of(text).into_bytes().into())
        .collect();
    column::<ByteArrayType>(group, &values, None, None)
}

/// The next column of a group, with its definition and repetition levels.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
    definitions: Option<&[i16]>,
    repetitions: Option<&[i16]>,
) -> Result<()> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "the schema has too few columns".to_owned(),
        ));
    };
    column
        .typed::<T>()
        .write_batch(values, definitions, repetitions)?;
    column.close()
}
