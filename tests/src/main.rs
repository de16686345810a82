//! The app under test.
fn main() {}
