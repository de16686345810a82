//! Finds the encoder for a command, by name or path, and downloads known ones.

use nearsay::train::{Control, Event};
use nearsay_hub as obtain;
use nearsay_hub::{ObtainEvent, dirs::DataDir};
use nearsay_message::UserError;
use nearsay_model::StaticModel;
use nearsay_store::DiskStore;
use nearsay_text::compact::StaticEncoder;
use std::{ops::ControlFlow, path::PathBuf};

pub(super) const COMPACT: &str = "compact";

pub(super) enum FoundEncoder {
    /// Directory or archive of a transformer.
    Transformer(PathBuf),
    Static(StaticEncoder<'static>),
}

/// Finds an encoder by name or path. Known encoders are downloaded if necessary.
pub(super) fn find_encoder(
    name: &str,
    data: &DataDir,
    control: &Control,
    on_event: &mut dyn FnMut(Event),
) -> Result<FoundEncoder, UserError> {
    if name == COMPACT {
        return Ok(FoundEncoder::Static(
            nearsay_text::compact::built_in::encoder()?,
        ));
    }
    let path = find_files(name, data, control, on_event)?;
    let Some(model) = StaticModel::open(&DiskStore, &path)? else {
        return Ok(FoundEncoder::Transformer(path));
    };
    if !model.dense.is_empty() {
        return Err(trained_encoder_error(&path));
    }
    Ok(FoundEncoder::Static(model.encoder))
}

/// The error for a model that already has a projection head: training starts from a base encoder.
pub(super) fn trained_encoder_error(path: &std::path::Path) -> UserError {
    UserError::new(
        format_args!(
            "{} already has a trained layer (projection head)",
            path.display()
        ),
        "Pass its base encoder with --encoder.",
    )
}

/// Finds the files of an encoder. Known encoders are downloaded if necessary; other names are paths.
pub(super) fn find_files(
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
            format_args!("“{name}” is neither the name of an encoder nor a file or directory"),
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
    let mut forward_event = |event: ObtainEvent| {
        match event {
            ObtainEvent::Trying(from) => source = from.to_string(),
            ObtainEvent::Waiting => {
                on_event(Event::note(
                    "Another Nearsay process is downloading the model; waiting for it.",
                ));
            }
            ObtainEvent::Failed(source, reason) => {
                on_event(Event::note(format!("{source}: {reason}")));
            }
            ObtainEvent::Fetching { done, total } | ObtainEvent::Verifying { done, total } => {
                on_event(Event::Model {
                    done,
                    total,
                    source: source.clone(),
                });
            }
        }
        if control.stopping() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    Ok(obtain::obtain(
        &DiskStore,
        model,
        data.root(),
        None,
        &mut forward_event,
    )?)
}
