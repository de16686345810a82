//! Reference implementations of the group losses from the papers: loops over numbers in double
//! precision, without tensors, masks or matrix products.

use nearsay_core::{
    distance::DistanceKind,
    loss::{
        Circle, FastAp, GuideMargin, GuidedRanking, OnlineContrastive, PairMining, Triplet,
        TripletMining,
    },
};

pub type Rows = Vec<Vec<f64>>;

pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

pub fn cos(x: &[f64], y: &[f64]) -> f64 {
    dot(x, y) / (dot(x, x) * dot(y, y)).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn most(values: &[f64]) -> Option<f64> {
    values.iter().copied().reduce(f64::max)
}

fn least(values: &[f64]) -> Option<f64> {
    values.iter().copied().reduce(f64::min)
}

/// Distance between two embeddings, as an entry of the distance matrix.
fn distance(kind: DistanceKind, x: &[f64], y: &[f64]) -> f64 {
    let differences = x.iter().zip(y).map(|(a, b)| a - b);
    match kind {
        DistanceKind::Cosine => (1.0 - cos(x, y)) / 2.0,
        DistanceKind::PlainCosine => 1.0 - cos(x, y),
        DistanceKind::DotProduct => -dot(x, y),
        DistanceKind::Euclidean => differences.map(|d| d * d).sum::<f64>().sqrt(),
        DistanceKind::Manhattan => differences.map(f64::abs).sum(),
    }
}

fn similarity(kind: DistanceKind, x: &[f64], y: &[f64]) -> f64 {
    match kind {
        DistanceKind::Cosine => (1.0 + cos(x, y)) / 2.0,
        DistanceKind::PlainCosine => cos(x, y),
        DistanceKind::DotProduct => dot(x, y),
        _ => 1.0 / (1.0 + distance(kind, x, y)),
    }
}

/// Distances of each anchor to its positives and to its negatives, in the batch or in a memory.
fn neighbours(
    kind: DistanceKind,
    x: &Rows,
    groups: &[u64],
    memory: Option<(&Rows, &[u64])>,
) -> Vec<(Vec<f64>, Vec<f64>)> {
    let (others, other_groups) = memory.unwrap_or((x, groups));
    (0..x.len())
        .map(|i| {
            let (mut positives, mut negatives) = (vec![], vec![]);
            for j in 0..others.len() {
                let d = distance(kind, &x[i], &others[j]);
                if groups[i] != other_groups[j] {
                    negatives.push(d);
                } else if memory.is_some() || i != j {
                    positives.push(d);
                }
            }
            (positives, negatives)
        })
        .collect()
}

pub fn triplet(loss: &Triplet, x: &Rows, groups: &[u64], memory: Option<(&Rows, &[u64])>) -> f64 {
    let anchors = neighbours(loss.distance, x, groups, memory);
    let hinge = |d: f64| (d + f64::from(loss.margin)).max(0.0);
    match loss.mining {
        TripletMining::All => {
            let mut terms = vec![];
            for (positives, negatives) in &anchors {
                for p in positives {
                    terms.extend(negatives.iter().map(|n| hinge(p - n)));
                }
            }
            terms.retain(|&term| term > 0.0);
            if terms.is_empty() { 0.0 } else { mean(&terms) }
        }
        TripletMining::Hard => {
            let hardest: Vec<(f64, f64)> = anchors
                .iter()
                .filter_map(|(p, n)| Some((most(p).unwrap_or(0.0), least(n)?)))
                .collect();
            let middle = mean(&hardest.iter().map(|h| h.1).collect::<Vec<_>>());
            let terms: Vec<f64> = hardest
                .iter()
                .map(|(p, n)| match (loss.soft, loss.relative) {
                    (true, _) => (p - n).exp().ln_1p(),
                    (_, true) => hinge((p - n) / middle.abs()),
                    _ => hinge(p - n),
                })
                .collect();
            mean(&terms)
        }
        TripletMining::SemiHard => {
            let mut terms = vec![];
            for (positives, negatives) in &anchors {
                for &p in positives {
                    let farther: Vec<f64> = negatives.iter().copied().filter(|&n| n > p).collect();
                    let chosen = least(&farther).or(most(negatives));
                    terms.extend(chosen.map(|n| hinge(p - n)));
                }
            }
            mean(&terms)
        }
    }
}

pub fn online_contrastive(
    loss: &OnlineContrastive,
    x: &Rows,
    groups: &[u64],
    memory: Option<(&Rows, &[u64])>,
) -> f64 {
    let power = |d: f64| if loss.squared { d * d } else { d };
    let (mut pulled, mut pushed) = (vec![], vec![]);
    for (positives, negatives) in neighbours(loss.distance, x, groups, memory) {
        match loss.mining {
            PairMining::All => {
                pulled.extend(positives);
                pushed.extend(negatives);
            }
            PairMining::Hard => {
                pulled.extend(most(&positives));
                pushed.extend(least(&negatives));
            }
        }
    }
    let margin = f64::from(loss.margin);
    let pulled: Vec<f64> = pulled.into_iter().map(power).collect();
    let pushed = pushed.into_iter().map(|d| power((margin - d).max(0.0)));
    (mean(&pulled) + mean(&pushed.collect::<Vec<_>>())) / 2.0
}

/// `ln Σ eˣ`
fn log_sum(exponents: &[f64]) -> f64 {
    let top = most(exponents).unwrap();
    let sum: f64 = exponents.iter().map(|x| (x - top).exp()).sum();
    top + sum.ln()
}

/// The weights α come from `fixed`, because no gradient flows through them.
pub fn circle(loss: &Circle, x: &Rows, fixed: &Rows, groups: &[u64]) -> f64 {
    let (m, scale) = (f64::from(loss.margin), f64::from(loss.scale));
    let positive = |i: usize, j: usize| {
        let s = similarity(loss.distance, &x[i], &x[j]);
        let weight = (1.0 + m - similarity(loss.distance, &fixed[i], &fixed[j])).max(0.0);
        -scale * weight * (s - (1.0 - m))
    };
    let negative = |i: usize, j: usize| {
        let s = similarity(loss.distance, &x[i], &x[j]);
        let weight = (similarity(loss.distance, &fixed[i], &fixed[j]) + m).max(0.0);
        scale * weight * (s - m)
    };
    let term = |positives: &[f64], negatives: &[f64]| {
        let exponent = log_sum(positives) + log_sum(negatives);
        exponent.max(0.0) + (-exponent.abs()).exp().ln_1p()
    };
    let mut terms = vec![];
    let (mut all_positives, mut all_negatives) = (vec![], vec![]);
    for i in 0..x.len() {
        let (mut positives, mut negatives) = (vec![], vec![]);
        for j in 0..x.len() {
            if groups[i] != groups[j] {
                negatives.push(negative(i, j));
                all_negatives.extend((i < j).then(|| negative(i, j)));
            } else if i != j {
                positives.push(positive(i, j));
                all_positives.extend((i < j).then(|| positive(i, j)));
            }
        }
        if !positives.is_empty() && !negatives.is_empty() {
            terms.push(term(&positives, &negatives));
        }
    }
    if loss.pooled {
        term(&all_positives, &all_negatives)
    } else {
        mean(&terms)
    }
}

pub fn fast_ap(loss: &FastAp, x: &Rows, groups: &[u64]) -> f64 {
    let width = 4.0 / loss.bins as f64;
    let mut terms = vec![];
    for i in 0..x.len() {
        let others = || (0..x.len()).filter(|&j| j != i);
        let positives = others().filter(|&j| groups[j] == groups[i]).count();
        if positives == 0 {
            continue;
        }
        let (mut so_far, mut positives_so_far, mut precision) = (0.0, 0.0, 0.0);
        for bin in 0..=loss.bins {
            let mut here = 0.0;
            for j in others() {
                let square = 2.0 - 2.0 * cos(&x[i], &x[j]);
                let share = (1.0 - (square - bin as f64 * width).abs() / width).max(0.0);
                so_far += share;
                if groups[j] == groups[i] {
                    here += share;
                }
            }
            positives_so_far += here;
            if here > 0.0 {
                precision += here * positives_so_far / so_far;
            }
        }
        terms.push(precision / positives as f64);
    }
    1.0 - mean(&terms)
}

/// Cross-entropy of logits, computed from an embedding, a kernel row, and whether the row is that of the
/// embedding's group.
pub fn classify(
    x: &Rows,
    kernel: &Rows,
    groups: &[u64],
    logit: impl Fn(&[f64], &[f64], bool) -> f64,
) -> f64 {
    let terms: Vec<f64> = (0..x.len())
        .map(|i| {
            let own = groups[i] as usize;
            let logits: Vec<f64> = (0..kernel.len())
                .map(|j| logit(&x[i], &kernel[j], j == own))
                .collect();
            log_sum(&logits) - logits[own]
        })
        .collect();
    mean(&terms)
}

pub fn center(weight: f64, x: &Rows, centers: &Rows, groups: &[u64]) -> f64 {
    let mut terms = vec![];
    for (x, &group) in x.iter().zip(groups) {
        let length = dot(x, x).sqrt();
        let center = &centers[group as usize];
        terms.extend(x.iter().zip(center).map(|(x, c)| (x / length - c).powi(2)));
    }
    weight * mean(&terms)
}

/// `x` and `guide` hold both sides of the pairs, all `a` first.
pub fn guided(loss: &GuidedRanking, x: &Rows, guide: &Rows, subgroups: &[u64]) -> f64 {
    let n = x.len() / 2;
    let one_way = |from: usize, to: usize, contrast_from: bool, contrast_to: bool| {
        let mut terms = vec![];
        for i in 0..n {
            let of_pair = cos(&guide[from + i], &guide[to + i]);
            let limit = match loss.margin {
                GuideMargin::Absolute(margin) => of_pair - f64::from(margin),
                GuideMargin::Relative(margin) => of_pair - of_pair.abs() * f64::from(margin),
            };
            let score = |a: usize, b: usize| {
                (f64::from(loss.scale) * similarity(loss.distance, &x[a], &x[b])).exp()
            };
            let own = score(from + i, to + i);
            let mut sum = own;
            for j in (0..n).filter(|&j| j != i) {
                if loss.mask_subgroups && subgroups[i] == subgroups[j] {
                    continue;
                }
                for (a, b, on) in [
                    (from + i, to + j, true),
                    (from + i, from + j, contrast_from),
                    (to + i, to + j, contrast_to),
                ] {
                    if on && cos(&guide[a], &guide[b]) <= limit {
                        sum += score(a, b);
                    }
                }
            }
            terms.push((sum / own).ln());
        }
        mean(&terms)
    };
    let (a, b) = (loss.contrast_anchors, loss.contrast_positives);
    let there = one_way(0, n, a, b);
    if loss.symmetric {
        (there + one_way(n, 0, b, a)) / 2.0
    } else {
        there
    }
}
