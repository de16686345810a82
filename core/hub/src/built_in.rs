//! The built-in language model: `all-MiniLM-L6-v2` with quantized weights, part of the program.

use nearsay_model::{ModelError, ModelFiles, quantized::QuantizedModel};
use nearsay_store::Store;
use std::{path::Path, sync::Arc};

/// The model's file, written by `nearsay model quantize`; its model card and licence lie beside it.
pub const FILE: &[u8] = include_bytes!("../assets/minilm.nsq");

/// Name of the model on the command line.
pub const NAME: &str = "built-in";

/// Name of the [known model](crate::known_model) whose weights were quantized.
pub const ORIGINAL: &str = "minilm";

/// Opens the files of the model.
///
/// # Errors
/// Never, unless the program itself is damaged.
pub fn files() -> Result<ModelFiles<'static>, ModelError> {
    Ok(ModelFiles::of_quantized(Arc::new(QuantizedModel::parse(
        FILE,
    )?)))
}

/// Whether a name means the built-in model: [`NAME`], and [`ORIGINAL`] unless that model is installed below the data
/// directory `root`.
#[must_use]
pub fn is_meant(store: &dyn Store, name: &str, root: &Path) -> bool {
    if name != ORIGINAL {
        return name == NAME;
    }
    crate::known_model(name)
        .and_then(|model| crate::locate(store, model, root))
        .is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_those_of_minilm_in_at_most_20_mb() {
        assert!(FILE.len() <= 20_000_000, "{} bytes", FILE.len());
        let files = files().unwrap();
        let settings = files.settings().unwrap();
        assert_eq!((settings.dims, settings.max_seq_length), (384, 256));
        assert!(files.quantized().is_some());
        assert_eq!(files.base_files().unwrap().len(), 6);
    }
}
