//! Tests of all stores.

use std::fmt;

use super::{ErrorKind, StoreError};

mod contract;
mod equivalence;
mod faults;
mod kill;
mod replace;

/// Limit above the size of any test file.
const ALL: u64 = 1 << 20;

fn kind<T: fmt::Debug>(result: Result<T, StoreError>) -> ErrorKind {
    result.unwrap_err().kind
}
