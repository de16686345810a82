//! Nearsay.
