//! Uses every layer that claims to need only an allocator.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use nearsay_core::{
    distance::{Cosine, Distance},
    head::{HeadConfig, Mode},
    index::Index,
    loss::{MultipleNegativesRanking, PairLoss},
    matrix::Matrix,
    metric::{Metric, RetrievalPrecision, rank_pairs},
    sample::PairTargets,
};

/// An allocator that has nothing to give: this library is linked, never run.
struct Nothing;

// SAFETY: a null pointer is the documented way to refuse, and nothing is ever handed out.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Nothing = Nothing;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Loss, metric and search of two pairs; keeps every layer from being optimised away.
#[unsafe(no_mangle)]
pub extern "C" fn nearsay_layers() -> f32 {
    let run = || -> Option<f32> {
        let x = Matrix::from_rows(&[[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]]).ok()?;
        let config = HeadConfig::SkipConnection { dim: 2, layers: 1, skip_dropout: 0.0 };
        let head = config.build(&config.init(1), |weight| Ok(weight.value.clone())).ok()?;
        let x = head.forward(&x, Mode::Eval).ok()?;
        let targets = PairTargets::positives(2);
        let loss = MultipleNegativesRanking::default().forward(&x, &targets).ok()?;
        let ranks = rank_pairs(&Cosine as &dyn Distance<Matrix>, &x, &targets).ok()?;
        let mut metric = RetrievalPrecision::new(1);
        metric.update(&ranks);
        let index = Index::new(x, (0..4).collect()).ok()?;
        let hit = *index.search(&[1.0, 0.0], 1).first()?;
        Some(loss.data().first()? + metric.compute()? + hit.score)
    };
    run().unwrap_or(f32::NAN)
}
