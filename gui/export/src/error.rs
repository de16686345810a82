use nearsay::servable::ServableError;
use nearsay_core::head::Activation;
use nearsay_model::ModelError;
use nearsay_store::StoreError;
use std::path::PathBuf;

/// Why a model could not be exported, or a Qdrant collection not searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    #[error(transparent)]
    Model(#[from] ServableError),
    #[error(transparent)]
    ModelFiles(#[from] ModelError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the tensor library failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The target is a directory with files Nearsay did not write.
    #[error("{} is not empty and not an export of Nearsay, so nothing was written to it", .dir.display())]
    NotAnExport { dir: PathBuf },
    /// The target holds an earlier export and other files.
    #[error("{} contains other files ({file})", .dir.display())]
    OtherFiles { dir: PathBuf, file: String },
    #[error("{} can't be read ({source})", .file.display())]
    Unreadable {
        file: PathBuf,
        source: std::io::Error,
    },
    /// Pages run static embeddings only.
    #[error(
        "this model's encoder is a transformer ({encoder}), which is too large and slow for a page"
    )]
    TransformerOnPage { encoder: String },
    #[error(
        "the projection head of this model ends in “{activation}”, which a page doesn't compute"
    )]
    ActivationOnPage { activation: Activation },
    /// A defect of the page's template.
    #[error("the page could not be assembled ({reason})")]
    PageTemplate { reason: String },
    #[error("“{name}” can't be a table name")]
    TableName { name: String },
    #[error("these vectors have {dim} dimensions; pgvector indexes at most {max}")]
    TooManyDimensions { dim: usize, max: usize },
    #[error("the text in row {row} of the FAQ contains a zero byte, which PostgreSQL can't store")]
    ZeroByte { row: u64 },
    #[error("this model would take {:.1} GB as ONNX; the format allows 2 GB", *.bytes as f64 / 1e9)]
    TooLargeForOnnx { bytes: usize },
    #[error(transparent)]
    Qdrant(#[from] QdrantError),
}

/// Why a Qdrant server or collection could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QdrantError {
    #[error("“{url}” is not the address of a server")]
    Address { url: String },
    #[error("“{name}” can't be a collection name")]
    CollectionName { name: String },
    /// The server did not answer, or failed, at every attempt.
    #[error("{url} does not respond ({reason})")]
    Unreachable { url: String, reason: String },
    #[error("the request to {url} failed ({reason})")]
    Request { url: String, reason: String },
    #[error("{url} rejects the API key, or requires one")]
    Unauthorized { url: String },
    #[error("{url} rejects {method} {path} (status {status})")]
    Rejected {
        url: String,
        method: String,
        path: String,
        status: u16,
        /// The body of the response.
        body: String,
    },
    #[error("{url} responds, but not like Qdrant")]
    NotQdrant { url: String },
    #[error("{url} has no collection “{collection}”")]
    NoCollection { url: String, collection: String },
    /// Another client removed the collection during an export.
    #[error("the collection was removed while it was being filled")]
    CollectionRemoved,
    #[error(
        "the collection already exists, but not for vectors of {dim} dimensions and cosine similarity"
    )]
    OtherVectors { dim: usize },
    #[error("the collection “{collection}” holds vectors of another model")]
    OtherModel { collection: String },
    #[error("the collection contains points that Nearsay did not write ({0})")]
    ForeignPoints(#[source] serde_json::Error),
    #[error("the model does not list its answer vectors")]
    NoFingerprint,
}
