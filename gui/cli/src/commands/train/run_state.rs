//! The state of an unfinished training run, in a hidden directory next to the model.

use nearsay::train::Checkpoint;
use nearsay_message::UserError;
use nearsay_store::{DiskStore, ErrorKind, LockGuard, Store as _, StoreError};
use std::path::{Path, PathBuf};

/// Locks `.NAME.training`, which holds the checkpoint until the model is written.
pub(super) struct RunState {
    dir: PathBuf,
    _lock: LockGuard,
}

impl RunState {
    pub(super) fn open(out: &Path) -> Result<Self, UserError> {
        let out = std::path::absolute(out).map_err(|error| {
            UserError::new(
                format_args!("can't create a model at {} ({error})", out.display()),
                "",
            )
        })?;
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(UserError::new(
                format_args!("can't create a model at {}", out.display()),
                "Pass the name of a new directory to --out.",
            ));
        };
        let dir = parent.join(format!(".{}.training", name.to_string_lossy()));
        DiskStore.create_dir_all(&dir)?;
        DiskStore.sweep(parent)?;
        DiskStore.sweep(&dir)?;
        let lock = DiskStore
            .lock(&dir.join("lock"))
            .map_err(|error| describe_lock_error(error, &out))?;
        Ok(Self { dir, _lock: lock })
    }

    pub(super) fn checkpoint(&self) -> Checkpoint<'static> {
        Checkpoint::new(&DiskStore, self.dir.join("state.safetensors"))
    }

    pub(super) fn remove(self) -> Result<(), UserError> {
        Ok(DiskStore.remove(&self.dir)?)
    }
}

fn describe_lock_error(error: StoreError, out: &Path) -> UserError {
    if matches!(error.kind, ErrorKind::Held) {
        return UserError::new(
            format_args!("another training is writing {}", out.display()),
            "Wait until it ends, stop it, or choose another directory with --out.",
        );
    }
    error.into()
}
