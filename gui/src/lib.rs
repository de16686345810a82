//! Nearsay.

pub mod app;
pub mod command;
pub mod job;
pub mod state;
pub mod text;
pub mod theme;
pub mod view;
