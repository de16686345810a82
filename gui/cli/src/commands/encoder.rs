//! The encoder a command is to use: by name, fetched if need be, or by its path.

use nearsay::train::{Control, Event};
use nearsay_hub as obtain;
use nearsay_hub::{ObtainEvent, dirs::DataDir};
use nearsay_message::UserError;
use nearsay_model::StaticModel;
use nearsay_store::DiskStore;
use nearsay_text::compact::StaticEncoder;
use std::{ops::ControlFlow, path::PathBuf};

/// The name of the compact encoder.
pub(super) const COMPACT: &str = "compact";

/// An encoder to learn with.
pub(super) enum Found {
    /// A network, in these files.
    Network(PathBuf),
    /// A table.
    Static(StaticEncoder<'static>),
}

/// The encoder of a name or path. A known name is fetched when it is not here yet.
pub(super) fn find(
    name: &str,
    data: &DataDir,
    control: &Control,
    on_event: &mut dyn FnMut(Event),
) -> Result<Found, UserError> {
    if name == COMPACT {
        return Ok(Found::Static(nearsay_text::compact::built_in::encoder()?));
    }
    let path = files(name, data, control, on_event)?;
    let Some(model) = StaticModel::open(&DiskStore, &path)? else {
        return Ok(Found::Network(path));
    };
    if !model.dense.is_empty() {
        return Err(has_a_layer(&path));
    }
    Ok(Found::Static(model.encoder))
}

/// A model that was trained before cannot be the start of another.
pub(super) fn has_a_layer(path: &std::path::Path) -> UserError {
    UserError::new(
        format_args!("{} has a trained layer of its own", path.display()),
        "Give the model it was made from with --encoder.",
    )
}

/// Where the files of a sentence encoder are. A known name is fetched when it is not here yet;
/// anything else is a path.
pub(super) fn files(
    name: &str,
    data: &DataDir,
    control: &Control,
    on_event: &mut dyn FnMut(Event),
) -> Result<PathBuf, UserError> {
    let Some(model) = obtain::known_model(name) else {
        let path = PathBuf::from(name);
        if path.exists() {
            return Ok(path);
        }
        let names: Vec<&str> = obtain::known_models()
            .iter()
            .map(|model| model.name.as_str())
            .collect();
        return Err(UserError::new(
            format_args!("there is no encoder “{name}”, and no file or folder of that name"),
            format_args!(
                "Use {}, {COMPACT}, or the path of a model.",
                names.join(", ")
            ),
        ));
    };
    if let Some(path) = obtain::locate(&DiskStore, model, data.root()) {
        return Ok(path);
    }
    let mut source = String::new();
    let mut forward = |event: ObtainEvent| {
        match event {
            ObtainEvent::Trying(from) => source = from.to_string(),
            ObtainEvent::Waiting => {
                on_event(Event::note(
                    "Another Nearsay is getting the model; waiting for it.",
                ));
            }
            ObtainEvent::Failed(from, why) => {
                on_event(Event::note(format!("{from}: {why}")));
            }
            ObtainEvent::Fetching { done, total } | ObtainEvent::Verifying { done, total } => {
                on_event(Event::Model {
                    done,
                    total,
                    source: source.clone(),
                });
            }
        }
        match control.stopping() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    Ok(obtain::obtain(
        &DiskStore,
        model,
        data.root(),
        None,
        &mut forward,
    )?)
}
