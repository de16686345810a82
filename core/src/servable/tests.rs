use super::*;
use crate::{
    candle::bert::SentenceEncoder,
    encoder::Encoder as _,
    faq::Row,
    head::Linear,
    matrix::Matrix,
    model::tests::whole,
    store::{Fault, FaultStore, MemStore},
};
use serde_json::Value;
