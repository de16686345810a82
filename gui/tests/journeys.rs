//! What somebody does from beginning to end, with the program itself at work.
#![cfg(unix)]

mod common;

use common::{desk, fill, open, real, settle, state, train};
use nearsay::state::Stage;
use tempfile::tempdir;

#[test]
fn probe() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    for seed in 1..8 {
        fill(&mut window, seed, &desk());
        let since = std::time::Instant::now();
        train(&mut window);
        println!(
            "{seed} {:?} {:?} {:?} wrong {}",
            state(&window).training.stage,
            state(&window).training.outcome,
            since.elapsed(),
            state(&window)
                .training
                .checking
                .list(nearsay::state::List::Wrong)
                .len()
        );
        assert_eq!(
            state(&window).training.stage,
            Stage::Done,
            "{:?}",
            state(&window).training.trouble
        );
        settle(&mut window);
    }
}
