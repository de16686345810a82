//! The window of Nearsay.
//!
//! | module | holds |
//! | --- | --- |
//! | [`app`] | runs the window: receives events, draws the view, applies commands |
//! | [`state`] | the contents of the window: plain data without egui types |
//! | [`view`] | draws the state and returns commands |
//! | [`command`] | the one place that changes the state |
//! | [`worker`] | long tasks: named threads and child processes, connected by channels |
//! | [`theme`], [`text`] | colours and sizes; every string in the window |
#![allow(missing_docs)]

pub mod app;
pub mod command;
pub mod state;
pub mod text;
pub mod theme;
pub mod view;
pub mod worker;
