use super::{attention::softmax, *};
use pulp::{Arch, Simd, WithSimd};

fn numbers(count: usize, from: f32, to: f32) -> Vec<f32> {
    (0..count)
        .map(|n| from + (to - from) * n as f32 / count as f32)
        .collect()
}

#[test]
fn gelu_is_exact_to_single_precision() {
    let x = numbers(1 << 14, -8.0, 8.0);
    let bias = vec![0.25; LANES];
    let mut y = x.clone();
    BiasGelu {
        x: &mut y,
        bias: &bias,
    }
    .run();
    for (x, y) in x.iter().zip(&y) {
        let x = f64::from(*x) + 0.25;
        let exact = 0.5 * x * (1.0 + libm::erf(x / core::f64::consts::SQRT_2));
        assert!((f64::from(*y) - exact).abs() < 1e-6, "{x}: {y} {exact}");
    }
}

#[test]
fn softmax_is_exact_and_ignores_padding() {
    for count in [1, 2, 31, 32] {
        let mut row = numbers(TILE, -120.0, 12.0);
        row[count..].fill(f32::MAX);
        let exact: Vec<f64> = row[..count].iter().map(|x| f64::from(*x)).collect();
        let max = exact.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = exact.iter().map(|x| (x - max).exp()).sum();
        struct Run<'a>(&'a mut [f32], usize);
        impl WithSimd for Run<'_> {
            type Output = ();
            fn with_simd<S: Simd>(self, simd: S) {
                softmax(simd, self.0, self.1);
            }
        }
        Arch::new().dispatch(Run(&mut row, count));
        for (x, exact) in row.iter().zip(&exact) {
            let exact = (exact - max).exp() / sum;
            assert!((f64::from(*x) - exact).abs() < 1e-6, "{x} {exact}");
        }
    }
}

#[test]
fn layer_norm_is_exact() {
    let width = TILE;
    let (mut x, residual) = (numbers(2 * width, -3.0, 5.0), numbers(2 * width, 2.0, 1.0));
    let (bias, gamma, beta) = (
        numbers(width, 0.0, 1.0),
        numbers(width, 0.5, 1.5),
        numbers(width, -1.0, 1.0),
    );
    let before = x.clone();
    AddNorm {
        x: &mut x,
        residual: &residual,
        bias: &bias,
        gamma: &gamma,
        beta: &beta,
        eps: 1e-12,
    }
    .run();
    for row in 0..2 {
        let at = |n: usize| {
            f64::from(before[row * width + n])
                + f64::from(residual[row * width + n])
                + f64::from(bias[n])
        };
        let mean = (0..width).map(at).sum::<f64>() / width as f64;
        let variance = (0..width).map(|n| (at(n) - mean).powi(2)).sum::<f64>() / width as f64;
        for n in 0..width {
            let exact = (at(n) - mean) / variance.sqrt() * f64::from(gamma[n]) + f64::from(beta[n]);
            assert!((f64::from(x[row * width + n]) - exact).abs() < 1e-5);
        }
    }
}

#[test]
fn attention_is_exact_for_all_lengths() {
    let (heads, dim) = (2, TILE);
    let hidden = heads * dim;
    let mut scratch = Scratch::default();
    for tokens in [1, 3, 4, 5, 31, 32, 33, 70, 2] {
        let qkv: Vec<f32> = (0..tokens * 3 * hidden)
            .map(|n| ((n * 7919 % 1000) as f32 / 500.0 - 1.0) * 0.7)
            .collect();
        let bias = numbers(3 * hidden, -0.5, 0.5);
        let mut out = vec![0.0; tokens * hidden];
        Attention {
            qkv: &qkv,
            bias: &bias,
            out: &mut out,
            heads,
            dim,
            scratch: &mut scratch,
        }
        .run();
        let at = |token: usize, which: usize, head: usize, n: usize| {
            let place = which * hidden + head * dim + n;
            f64::from(qkv[token * 3 * hidden + place]) + f64::from(bias[place])
        };
        for head in 0..heads {
            for i in 0..tokens {
                let score = |j: usize| {
                    let dot: f64 = (0..dim)
                        .map(|n| at(i, 0, head, n) * at(j, 1, head, n))
                        .sum();
                    (dot / (dim as f64).sqrt()).exp()
                };
                let scores: Vec<f64> = (0..tokens).map(score).collect();
                let sum: f64 = scores.iter().sum();
                for n in 0..dim {
                    let exact: f64 = (0..tokens)
                        .map(|j| scores[j] / sum * at(j, 2, head, n))
                        .sum();
                    let got = f64::from(out[i * hidden + head * dim + n]);
                    assert!((got - exact).abs() < 1e-5, "{tokens}: {got} {exact}");
                }
            }
        }
    }
}
