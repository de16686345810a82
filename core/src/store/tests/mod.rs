//! Stores put to the test.

use std::fmt;

use super::{ErrorKind, StoreError};

mod agree;
mod contract;
mod faults;
mod killed;
mod replace;

/// Above any file here.
const ALL: u64 = 1 << 20;

fn kind<T: fmt::Debug>(result: Result<T, StoreError>) -> ErrorKind {
    result.unwrap_err().kind
}
