//! Parsing: from the bytes of one record to named values.

mod diagnose;
pub(crate) mod json;
pub(crate) mod labels;
pub(crate) mod table;
mod text_pair;
mod value;

pub(crate) use text_pair::TextPair;
pub(crate) use value::{Record, Rejection, Value};
