//! Types from every layer that needs no operating system, with numbers that can be checked by hand.

use alloc::{format, string::String, vec, vec::Vec};
use core::fmt::Debug;
use nearsay_core::{
    distance::{Distance, DistanceKind},
    head::{HeadConfig, Mode},
    loss::{
        Contrastive, CosFace, FastAp, GroupLoss, MultipleNegativesRanking, OnlineContrastive,
        PairLoss, Triplet,
    },
    matrix::Matrix,
    metric::{
        Metric, PoolMetrics, RetrievalPrecision, RetrievalReciprocalRank, rank_pairs, rank_right_answers,
        score_questions,
    },
    sample::PairTargets,
};
use nearsay_search::index::Index;
use nearsay_text::wordpiece::{Vocabulary, WordPiece};

static VOCABULARY: &str = "[UNK]\nfee\n##s\nlate\n?\n한\nᄒ\n##ᅡ\n##ᆫ\n";

/// Two pairs, all `a`, then all `b`.
const PAIRS: [[f32; 2]; 4] = [[3.0, 4.0], [0.0, 2.0], [3.0, 4.0], [0.0, 1.0]];

/// Prints the results of each type for the pairs; returns whether they are right.
pub fn run(print: &mut dyn FnMut(&str)) -> Result<bool, String> {
    let mut right = true;
    let mut check = |what: &str, value: f32, expected: f32| {
        print(&format!("{what}: {value:?}"));
        right &= (value - expected).abs() < 1e-5;
    };
    let pairs = Matrix::from_rows(&PAIRS).map_err(text)?;
    let a = Matrix::from_rows(&PAIRS[..1]).map_err(text)?;
    let b = Matrix::from_rows(&PAIRS[1..2]).map_err(text)?;
    let targets = PairTargets::positives(2);

    // (3, 4) and (0, 2): cosine 4/5, difference (3, 2).
    let by_hand = [0.2, 0.2, -8.0, 3.605_551_3, 5.0];
    for (distance, expected) in DistanceKind::ALL.into_iter().zip(by_hand) {
        let value = distance.distance(&a, &b).map_err(text)?;
        check(distance.name(), first(&value), expected);
    }

    let heads = [
        HeadConfig::Empty { dim: 2 },
        HeadConfig::Residual { dim: 2 },
        HeadConfig::SkipConnection {
            dim: 2,
            layers: 1,
            skip_dropout: 0.0,
        },
        HeadConfig::Gated { dim: 2 },
    ];
    for config in heads {
        let weights = config.init(1);
        let head = config
            .build(&weights, |weight| Ok(weight.value.clone()))
            .map_err(text)?;
        let out = head.forward(&pairs, Mode::Eval).map_err(text)?;
        // The first two are the identity before training; the others must equal their folded form.
        let mut folded = pairs.clone();
        for layer in head.fold().map_err(text)?.layers().unwrap_or_default() {
            folded = layer.forward(&folded).map_err(text)?;
        }
        check("head", first(&out), first(&folded));
    }

    let contrastive = Contrastive::default().forward(
        &pairs,
        &PairTargets {
            scores: vec![1.0, 1.0],
            subgroups: vec![0, 0],
        },
    );
    check("contrastive loss", first(&contrastive.map_err(text)?), 0.0);
    // Cosine similarities 1 and 0.9, scaled by 20, minus the largest: −ln(1 / (1 + e⁻²)).
    let ranking = MultipleNegativesRanking::default().forward(&pairs, &targets);
    check("ranking loss", first(&ranking.map_err(text)?), 0.126_928);

    // Rows of a group come in pairs; (3, 4) and (0, 2) have a cosine of 0.8.
    let groups = [0u64, 1, 0, 1];
    let kernel = Matrix::from_rows(&PAIRS[..2]).map_err(text)?;
    let losses: [(&str, &dyn GroupLoss<Matrix>, f32); 4] = [
        // The hardest positive is at 0, the hardest negative at (1 − 0.8)/2.
        (
            "online contrastive loss",
            &OnlineContrastive::default(),
            0.2,
        ),
        (
            "triplet loss",
            &Triplet {
                relative: false,
                ..Triplet::default()
            },
            0.4,
        ),
        // Each row equals its own kernel (cosine 1, less the margin 0.35); the other has cosine 0.8.
        (
            "cos face loss",
            &CosFace {
                scale: 1.0,
                ..CosFace::new(kernel)
            },
            0.770_957,
        ),
        ("fast ap loss", &FastAp::default(), 0.0),
    ];
    for (name, loss, expected) in losses {
        let value = loss.forward(&pairs, &groups).map_err(text)?;
        check(name, first(&value), expected);
    }

    let ranks = rank_pairs(
        &DistanceKind::Cosine as &dyn Distance<Matrix>,
        &pairs,
        &targets,
    );
    let ranks = ranks.map_err(text)?;
    let (mut precision, mut reciprocal) = (
        RetrievalPrecision::new(1),
        RetrievalReciprocalRank::default(),
    );
    precision.update(&ranks);
    reciprocal.update(&ranks);
    check("rp@1", precision.compute().unwrap_or(f32::NAN), 1.0);
    check("rrk", reciprocal.compute().unwrap_or(f32::NAN), 1.0);
    let mut pool = PoolMetrics::default();
    let right_answers = [vec![0], vec![1], vec![2], vec![1, 3]];
    score_questions(&pairs, &pairs, &right_answers, &mut |scores| {
        pool.update(&rank_right_answers(scores))
    })
    .map_err(text)?;
    // The pool holds a duplicate of each of the first three questions, ranked before the right answer.
    check("recall@1", pool.accuracy_at(1).unwrap_or(f32::NAN), 0.25);
    check("mrr@10", pool.mrr_10().unwrap_or(f32::NAN), 0.625);

    let index = Index::new(pairs, (0..4).collect()).map_err(text)?;
    let hits = index.search(&[1.0, 10.0], 2);
    check("nearest", hits[0].answer as f32, 1.0);

    let words = WordPiece::new(Vocabulary::parse_static(VOCABULARY).map_err(text)?);
    let ids: Vec<u32> = words.ids("Late FÉES? 한");
    print(&format!("tokens: {ids:?}"));
    Ok(right && ids == [3, 1, 2, 4, 6, 7, 8])
}

fn text(error: impl Debug) -> String {
    format!("{error:?}")
}

fn first(matrix: &Matrix) -> f32 {
    matrix.data().first().copied().unwrap_or(f32::NAN)
}
