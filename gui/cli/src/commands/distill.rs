//! `nearsay distill --out FILE`: distills a sentence encoder into static embeddings.

use super::{encoder, input};
use crate::terminal::{Bar, print_line};
use candle_core::Device;
use nearsay::{distill::Distill, train::Control};
use nearsay_bert::SentenceEncoder;
use nearsay_hub::dirs::DataDir;
use nearsay_message::UserError;
use nearsay_model::{ModelError, ModelFiles};
use nearsay_store::{DiskStore, FileKind, Store as _};
use std::{ops::ControlFlow, path::PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Encoder to distill: minilm, or a sentence-transformers model with an uncased BERT vocabulary
    /// (directory, zip or wheel)
    #[arg(long, default_value = "minilm", value_name = "MODEL")]
    encoder: String,
    /// Dimensions of the embeddings
    #[arg(long, default_value_t = Distill::default().dim, value_name = "N")]
    dim: usize,
    /// Smoothing of token weights: a in a / (a + token frequency); lower values weigh frequent
    /// tokens less
    #[arg(long, default_value_t = Distill::default().smoothing, value_name = "A")]
    smoothing: f64,
    /// FAQ file to count token frequencies in, in addition to an estimate from the vocabulary; can be
    /// repeated
    #[arg(long, value_name = "FILE")]
    texts: Vec<PathBuf>,
}

pub(super) fn command(args: &Args, data: &DataDir) -> Result<(), UserError> {
    if !(args.smoothing.is_finite() && args.smoothing > 0.0) {
        return Err(UserError::new(
            format_args!("--smoothing is {}", args.smoothing),
            "Use a number above 0, for example 0.001.",
        ));
    }
    // Checked first, because distillation takes minutes.
    if let Ok(found) = DiskStore.metadata(&args.out)
        && found.kind != FileKind::File
    {
        return Err(UserError::new(
            format_args!(
                "{} can't be written: it is not an ordinary file",
                args.out.display()
            ),
            "Pass the name of a file to --out.",
        ));
    }
    let mut texts = Vec::new();
    for file in &args.texts {
        for row in input::read_rows(file)? {
            texts.extend(row.all_questions().map(str::to_owned));
            texts.push(row.answer);
        }
    }
    let path = encoder::find_files(&args.encoder, data, &Control::new(), &mut |_| {})?;
    let files = ModelFiles::open(&DiskStore, &path)?;
    let vocabulary = String::from_utf8(files.read_required("vocab.txt")?).map_err(|_| {
        UserError::from(ModelError::Invalid {
            file: "vocab.txt".into(),
            reason: "it isn't UTF-8 text".into(),
        })
    })?;
    let model = SentenceEncoder::load(&files, &Device::Cpu)?;
    let bar = Bar::new("Encoding tokens", false);
    let distill = Distill {
        dim: args.dim,
        smoothing: args.smoothing,
    };
    let bytes = distill
        .run(&model, vocabulary.trim_end(), &texts, &mut |done, total| {
            bar.show(done as u64, total as u64);
            ControlFlow::Continue(())
        })
        .map_err(|error| UserError::new(error, ""))?;
    DiskStore.write_atomic(&args.out, &bytes)?;
    print_line(&format!(
        "Written to {}: {} bytes",
        args.out.display(),
        bytes.len()
    ))
}
