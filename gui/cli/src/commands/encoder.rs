//! Finds the encoder for a command, by name or path.

use nearsay::train::{Control, Event};
use nearsay_hub as obtain;
use nearsay_hub::{ObtainEvent, built_in, dirs::DataDir};
use nearsay_message::UserError;
use nearsay_model::{ModelFiles, StaticModel};
use nearsay_store::DiskStore;
use nearsay_text::compact::StaticEncoder;
use std::{ops::ControlFlow, path::PathBuf};

pub(super) const COMPACT: &str = "compact";

pub(super) enum FoundEncoder {
    Transformer(ModelFiles<'static>),
    Static(StaticEncoder<'static>),
}

/// Finds an encoder by name or path. The built-in model replaces its original if that isn't installed; other known
/// encoders are downloaded if necessary.
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
    if built_in::is_meant(&DiskStore, name, data.root()) {
        return Ok(FoundEncoder::Transformer(built_in::files()?));
    }
    let path = find_files(name, data, control, on_event)?;
    let Some(model) = StaticModel::open(&DiskStore, &path)? else {
        let files = ModelFiles::open(&DiskStore, &path)?;
        return Ok(FoundEncoder::Transformer(files));
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
                "Use {}, {}, {COMPACT}, or the path of a model.",
                built_in::NAME,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minilm_is_built_in_unless_it_is_installed() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::new(Some(dir.path().into())).unwrap();
        for name in [built_in::NAME, built_in::ORIGINAL] {
            let found = find_encoder(name, &data, &Control::new(), &mut |_| {});
            let Ok(FoundEncoder::Transformer(files)) = found else {
                panic!("{name} was not found");
            };
            assert!(files.quantized().is_some(), "{name}");
        }
        assert!(!built_in::is_meant(&DiskStore, COMPACT, data.root()));
    }
}
