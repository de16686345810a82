//! What a trained model grew from: the other side of before and after.

use std::path::Path;

use candle_core::Device;
use nearsay_core::{
    servable::{Manifest, TextModel},
    store::DiskStore,
};

use super::bench::{Bench, Body};
use crate::{obtain, state::Trouble};

/// Where the encoder is that a trained model grew from, as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the model itself: only a layer behind it learned, or nothing did any good.
    Inside,
    /// It is the built-in one.
    BuiltIn,
    /// It is a network of this name, which has a folder of its own.
    Network(String),
}

impl Origin {
    /// By what a folder says of its training.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let report = &manifest.report;
        match report["settings"]["learns"].as_str() {
            _ if report["kept_epoch"].is_null() => Self::Inside,
            Some("network") => Self::Network(manifest.encoder.clone()),
            Some("table") => Self::BuiltIn,
            _ => Self::Inside,
        }
    }
}

/// The encoder that a trained model grew from, as it came; the built-in one when there is no such
/// model, or its network is not on this machine any more.
pub(super) fn grew_from(after: Option<&Bench>, data_dir: &Path) -> Result<Bench, Trouble> {
    let found = after.and_then(|after| match after.origin()? {
        Origin::Inside => Some(after.untrained()),
        Origin::BuiltIn => None,
        Origin::Network(name) => network(name, data_dir),
    });
    match found {
        Some(bench) => Ok(bench),
        None => Body::compact().map(Bench::as_it_came),
    }
}

/// A network that was fetched, if it is still there and can be opened.
fn network(name: &str, data_dir: &Path) -> Option<Bench> {
    let folder = obtain::locate(&DiskStore, obtain::known_model(name)?, data_dir)?;
    let model = TextModel::open(&DiskStore, &folder, &Device::Cpu).ok()?;
    Some(Bench::as_it_came(Body::Network(model, folder)))
}
