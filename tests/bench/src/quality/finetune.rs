//! Fine-tuning by sentence-transformers.

use super::{Failure, Quality, exam::Exam, peer::Peer, sets::Trial};
use nearsay_core::matrix::Matrix;
use nearsay_store::{DiskStore, Store as _};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Name in the table.
pub const NAME: &str = "sentence-transformers, fine-tuned";

/// Transformer fine-tuned by sentence-transformers.
pub struct Finetuned {
    peer: Peer,
    dir: PathBuf,
    /// Training time.
    pub seconds: f64,
}

impl Finetuned {
    /// Fine-tunes; `None` if this is switched off, or fails with a warning.
    pub fn learn(
        quality: &Quality,
        model: &Path,
        trial: &Trial,
        seed: u64,
    ) -> Result<Option<Self>, Failure> {
        let minutes = quality.arguments.peer_minutes;
        if minutes == 0.0 {
            return Ok(None);
        }
        let dir = quality.shared.path();
        let ways = trial.rows.iter().flat_map(|row| {
            let pair = |way| [way, &*row.answer];
            row.all_questions().map(pair)
        });
        let pairs: Vec<[&str; 2]> = ways.collect();
        let load = json!({
            "model": model,
            "texts": share(dir, "pairs.json", &pairs)?,
            "seed": seed,
            "minutes": minutes,
        });
        let Some(mut peer) = quality.peers.start(NAME, "finetune.py", &load) else {
            return Ok(None);
        };
        let seconds = peer.pass_of(&json!({"texts": share(dir, "texts.json", &[""; 0])?}))?;
        Ok(Some(Self {
            peer,
            dir: dir.into(),
            seconds: seconds.wall,
        }))
    }

    /// Vectors of an exam's texts and of its questions.
    pub fn vectors(&mut self, exam: &Exam) -> Result<[Matrix; 2], Failure> {
        Ok([
            self.vectors_of(&exam.texts)?,
            self.vectors_of(&exam.questions)?,
        ])
    }

    fn vectors_of(&mut self, texts: &[String]) -> Result<Matrix, Failure> {
        let file = self.dir.join("vectors.f32");
        let reply = self.peer.ask(&json!({
            "texts": share(&self.dir, "texts.json", texts)?,
            "vectors": file,
        }))?;
        let dim = reply["dim"]
            .as_u64()
            .ok_or("the reply lacks the dimension")?;
        let bytes = DiskStore.read(&file, 1 << 32)?;
        Ok(Matrix::from_le_bytes(texts.len(), dim as usize, &bytes)?)
    }
}

/// Writes a JSON file for another process.
fn share<T: serde::Serialize + ?Sized>(
    dir: &Path,
    name: &str,
    value: &T,
) -> Result<PathBuf, Failure> {
    let path = dir.join(name);
    DiskStore.write_atomic(&path, &serde_json::to_vec(value)?)?;
    Ok(path)
}
