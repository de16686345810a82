//! `nearsay distill --out FILE`: make the compact encoder.

use super::{encoder, input};
use candle_core::Device;
use nearsay::{distill::Distill, train::Control};
use nearsay_bert::SentenceEncoder;
use nearsay_hub::dirs::DataDir;
use nearsay_message::{
    UserError,
    terminal::{Bar, print_line},
};
use nearsay_model::{ModelError, ModelFiles};
use nearsay_store::{DiskStore, FileKind, Store as _};
use std::{ops::ControlFlow, path::PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// minilm, or the folder, zip or wheel of a sentence-transformers model with an uncased BERT
    /// vocabulary
    #[arg(long, default_value = "minilm", value_name = "MODEL")]
    encoder: String,
    /// Numbers a row
    #[arg(long, default_value_t = Distill::default().dim, value_name = "N")]
    dim: usize,
    /// How little frequent tokens weigh: a in a / (a + how frequent the token is)
    #[arg(long, default_value_t = Distill::default().smoothing, value_name = "A")]
    smoothing: f64,
    /// Count how frequent tokens are in these FAQ files, besides going by the vocabulary's order
    #[arg(long, value_name = "FILE")]
    texts: Vec<PathBuf>,
}

pub(super) fn command(args: &Args, data: &DataDir) -> Result<(), UserError> {
    if !(args.smoothing.is_finite() && args.smoothing > 0.0) {
        return Err(UserError::new(
            format_args!("--smoothing is {}", args.smoothing),
            "Give a number above 0, for example 0.001.",
        ));
    }
    // Before the minutes that it takes.
    if let Ok(found) = DiskStore.metadata(&args.out)
        && found.kind != FileKind::File
    {
        return Err(UserError::new(
            format_args!(
                "{} cannot be written: it is not an ordinary file",
                args.out.display()
            ),
            "Give --out the name of a file.",
        ));
    }
    let mut texts = Vec::new();
    for file in &args.texts {
        for row in input::rows(file)? {
            texts.extend(row.all_questions().map(str::to_owned));
            texts.push(row.answer);
        }
    }
    let path = encoder::files(&args.encoder, data, &Control::new(), &mut |_| {})?;
    let files = ModelFiles::open(&DiskStore, &path)?;
    let vocabulary = String::from_utf8(files.read_required("vocab.txt")?).map_err(|_| {
        UserError::from(ModelError::Invalid {
            file: "vocab.txt".into(),
            reason: "it is not UTF-8 text".into(),
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
