//! Outcomes of test questions: those that a run writes, and those of an earlier run to compare with.

use nearsay::train::{Baseline, TestOutcome};
use nearsay_message::UserError;
use nearsay_store::{DiskStore, Store as _};
use nearsay_text::compact::StaticEncoder;
use std::path::Path;

/// Largest file of outcomes that is read, in bytes.
const MOST_OUTCOMES: u64 = 1 << 28;

/// Value of `--compare` for the untrained built-in encoder.
const BUILT_IN: &str = "built-in";

/// The model to compare the trained model with.
pub(super) enum Compare {
    BaseEncoder,
    BuiltIn(StaticEncoder<'static>),
    Outcomes(Vec<TestOutcome>),
}

impl Compare {
    /// Reads the model that `--compare` names.
    pub(super) fn open(name: Option<&Path>) -> Result<Self, UserError> {
        match name {
            None => Ok(Self::BaseEncoder),
            Some(name) if name == Path::new(BUILT_IN) => {
                Ok(Self::BuiltIn(nearsay_text::compact::built_in::encoder()?))
            }
            Some(file) => {
                let bytes = DiskStore.read(file, MOST_OUTCOMES)?;
                let outcomes = TestOutcome::from_json_lines(&bytes).map_err(|error| {
                    UserError::new(
                        format_args!("{} has no outcomes ({error})", file.display()),
                        "Pass a file that “nearsay train --outcomes” wrote.",
                    )
                })?;
                Ok(Self::Outcomes(outcomes))
            }
        }
    }

    pub(super) fn baseline(&self) -> Baseline<'_> {
        match self {
            Self::BaseEncoder => Baseline::BaseEncoder,
            Self::BuiltIn(encoder) => Baseline::BuiltIn(encoder),
            Self::Outcomes(outcomes) => Baseline::Outcomes(outcomes),
        }
    }
}

/// Writes outcomes as JSON lines.
pub(super) fn write_outcomes(file: &Path, outcomes: &[TestOutcome]) -> Result<(), UserError> {
    let lines = TestOutcome::to_json_lines(outcomes).map_err(|error| {
        UserError::new(
            format_args!("the outcomes could not be encoded ({error})"),
            "",
        )
    })?;
    Ok(DiskStore.write_atomic(file, &lines)?)
}
