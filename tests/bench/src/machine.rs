//! Description of the machine.

use crate::threads::THREADS;
use std::time::Instant;

/// Processor flags that select kernels.
const FLAGS: [&str; 9] = [
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
];

/// Prints the processor, its flags and the load.
pub fn print() {
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let line = about.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map_or("not told", |(_, value)| value.trim())
    };
    let flags: Vec<&str> = value("flags").split_whitespace().collect();
    let here: Vec<&str> = FLAGS
        .into_iter()
        .filter(|flag| flags.contains(flag))
        .collect();
    println!(
        "machine: {} (family {}, model {}), {} processors seen, {THREADS} threads used; {}; load {}",
        value("model name"),
        value("cpu family"),
        value("model\t"),
        std::thread::available_parallelism().map_or(1, usize::from),
        match here.is_empty() {
            true => "flags not told".into(),
            false => here.join(" "),
        },
        std::fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|load| load.split(' ').next().map(str::to_owned))
            .unwrap_or_else(|| "not told".into()),
    );
}

/// Memory bandwidth in GB/s: [`THREADS`] threads read a block; the best of three passes.
pub fn read_bandwidth(block: &[f32]) -> f64 {
    let pass = || {
        let started = Instant::now();
        std::thread::scope(|scope| {
            for part in block.chunks(block.len().div_ceil(THREADS).max(1)) {
                scope.spawn(|| std::hint::black_box(mix(part)));
            }
        });
        size_of_val(block) as f64 / 1e9 / started.elapsed().as_secs_f64()
    };
    (0..3).map(|_| pass()).fold(0.0, f64::max)
}

/// Reads every number with little arithmetic: 64 independent sums.
fn mix(part: &[f32]) -> u32 {
    let mut lanes = [0u32; 64];
    for line in part.chunks_exact(lanes.len()) {
        for (lane, value) in lanes.iter_mut().zip(line) {
            *lane ^= value.to_bits();
        }
    }
    lanes.into_iter().fold(0, |all, lane| all ^ lane)
}
