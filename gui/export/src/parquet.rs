//! Parquet export: one row per text, the vector as a list of f32.

use super::{ExportError, texts::Text};
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

/// Vectors use the list layout of Arrow and Spark.
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

/// Texts in a row group: about 25 MB with 384 dimensions.
const GROUP_SIZE: usize = 16_384;

pub(super) fn write(texts: &[Text<'_>], file: &Path) -> std::result::Result<(), ExportError> {
    Ok(DiskStore.write_stream(file, &mut |out| {
        write_groups(out, texts).map_err(|error| match error {
            // Unwraps the I/O error, so that its kind (such as a full disk) is reported.
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
    for texts in texts.chunks(GROUP_SIZE) {
        let mut group = writer.next_row_group()?;
        write_strings(&mut group, texts, |text| text.id.to_string())?;
        write_strings(&mut group, texts, |text| text.answer_id.to_string())?;
        write_strings(&mut group, texts, |text| text.text.to_owned())?;
        write_strings(&mut group, texts, |text| text.answer.to_owned())?;
        let definitions: Vec<i16> = texts
            .iter()
            .map(|text| text.source.is_some().into())
            .collect();
        let sources = texts.iter().filter_map(|text| text.source);
        let sources: Vec<ByteArray> = sources.map(ByteArray::from).collect();
        write_column::<ByteArrayType>(&mut group, &sources, Some(&definitions), None)?;
        let rows: Vec<i64> = texts.iter().map(|text| text.row as i64).collect();
        write_column::<Int64Type>(&mut group, &rows, None, None)?;
        let numbers: Vec<f32> = texts.iter().flat_map(|text| text.vector).copied().collect();
        let definitions = vec![1; numbers.len()];
        // Repetition level 0 starts a new list.
        let repetitions: Vec<i16> = texts
            .iter()
            .flat_map(|text| (0..text.vector.len()).map(|i| i16::from(i > 0)))
            .collect();
        write_column::<FloatType>(&mut group, &numbers, Some(&definitions), Some(&repetitions))?;
        group.close()?;
    }
    writer.close().map(drop)
}

fn write_strings<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    texts: &[Text<'_>],
    string_of: impl Fn(&Text<'_>) -> String,
) -> Result<()> {
    let values: Vec<ByteArray> = texts
        .iter()
        .map(|text| string_of(text).into_bytes().into())
        .collect();
    write_column::<ByteArrayType>(group, &values, None, None)
}

/// Writes the next column of a row group with its definition and repetition levels.
fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
    definitions: Option<&[i16]>,
    repetitions: Option<&[i16]>,
) -> Result<()> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "the schema has fewer columns than are written".to_owned(),
        ));
    };
    column
        .typed::<T>()
        .write_batch(values, definitions, repetitions)?;
    column.close()
}
